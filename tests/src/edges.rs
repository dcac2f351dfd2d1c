//! Data at the edges of every form: lengths at which a file's numbers change their width, sizes at which a value changes
//! its encoding, numbers at which an integer needs another byte, scores that are hard to print, streams with holes.

use crate::endpoint::argv;
use crate::generate::Command;

/// Lengths around which files and forms change: 6 and 14 bits of a length, `embstr`, the limit of compact elements,
/// compression.
const LENGTHS: [usize; 18] =
    [0, 1, 4, 5, 20, 21, 43, 44, 45, 63, 64, 65, 127, 4095, 4096, 16_383, 16_384, 70_000];

/// Numbers of elements around the limits of compact forms.
const COUNTS: [usize; 8] = [1, 2, 127, 128, 129, 511, 512, 513];

const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "-1",
    "12",
    "13",
    "63",
    "64",
    "127",
    "128",
    "-128",
    "-129",
    "4095",
    "4096",
    "32767",
    "-32769",
    "8388607",
    "8388608",
    "2147483647",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
];

const SCORES: [&str; 14] = [
    "0",
    "1",
    "-1",
    "3.5",
    "0.1",
    "-2.5e-7",
    "1e17",
    "1e300",
    "4.9406564584124654e-324",
    "1.7976931348623157e308",
    "inf",
    "-inf",
    "9007199254740993",
    "123456789012345.67",
];

fn command(head: &str, rest: impl IntoIterator<Item = Vec<u8>>) -> Command {
    let mut words = argv(head);
    words.extend(rest);
    words
}

/// A string of this length that compresses well (even seeds) or badly.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed ^ len as u64);
    if seed.is_multiple_of(2) { vec![b'x'; len] } else { (0..len).map(|_| rng.u8(..)).collect() }
}

/// Commands that make such data; with `fields`, hashes whose fields expire.
pub fn commands(seed: u64, fields: bool) -> Vec<Command> {
    let mut all = Vec::new();
    for len in LENGTHS {
        let text = bytes(len, seed);
        all.push(command(&format!("SET e:str:{len}"), [text.clone()]));
        all.push(command("RPUSH e:list:lengths", [text.clone()]));
        all.push(command(&format!("RPUSH e:list:{len}"), [text.clone(), b"after".to_vec()]));
        all.push(command(&format!("SADD e:set:{len}"), [text.clone(), b"1".to_vec()]));
        all.push(command(&format!("HSET e:hash:{len}"), [text.clone(), text.clone()]));
        all.push(command(&format!("ZADD e:zset:{len} 1"), [text]));
    }
    for number in NUMBERS {
        all.push(argv(&format!("SET e:int:{number} {number}")));
        all.push(argv(&format!("RPUSH e:list:numbers {number}")));
        all.push(argv(&format!("SADD e:set:numbers {number}")));
        all.push(argv(&format!("HSET e:hash:numbers {number} {number}")));
    }
    for (n, score) in SCORES.iter().enumerate() {
        all.push(argv(&format!("ZADD e:zset:scores {score} m{n}")));
        all.push(argv(&format!("ZADD e:zset:big-scores {score} m{n}")));
    }
    all.push(command(
        "ZADD e:zset:big-scores",
        (0..300).flat_map(|n| [n.to_string().into(), format!("s{n}").into()]),
    ));
    for count in COUNTS {
        let elements = |words: usize| {
            (0..count)
                .flat_map(move |n| (0..words).map(move |word| format!("{}{n}", ["", "v"][word]).into_bytes()))
        };
        all.push(command(&format!("RPUSH e:list:of{count}"), elements(1)));
        all.push(command(&format!("SADD e:intset:of{count}"), elements(1)));
        all.push(command(&format!("SADD e:set:of{count}"), (0..count).map(|n| format!("m{n}").into_bytes())));
        all.push(command(&format!("HSET e:hash:of{count}"), elements(2)));
        all.push(command(&format!("ZADD e:zset:of{count}"), elements(2)));
        all.push(command(&format!("PFADD e:hll:of{count}"), elements(1)));
        if fields {
            all.push(command(&format!("HSET e:expiring:of{count}"), elements(2)));
            let some = [b"0".to_vec(), format!("{}", count - 1).into_bytes()];
            let ask = format!("HPEXPIREAT e:expiring:of{count} 4102444800000 FIELDS 2");
            all.push(command(&ask, some));
        }
    }
    all.extend(streams());
    for (n, bit) in [0u32, 1, 7, 8, 31, 255, 4095, 32_767].iter().enumerate() {
        all.push(argv(&format!("SETBIT e:bits {bit} 1")));
        all.push(argv(&format!("BITFIELD e:field SET u{} {bit} 1 INCRBY i5 #{n} 3", n + 1)));
    }
    for (place, at) in
        [("north", "179.9 85.05"), ("south", "-179.9 -85.05"), ("origin", "0 0"), ("near", "1e-7 -1e-7")]
    {
        all.push(argv(&format!("GEOADD e:geo {at} {place}")));
    }
    for (key, at) in [("e:ttl:far", "9007199254740991"), ("e:ttl:near", "4102444800000")] {
        all.push(argv(&format!("SET {key} v PXAT {at}")));
    }
    all
}

/// Streams with several nodes, deleted entries, groups that lag behind, pending entries of several consumers, and with
/// nothing left but their groups.
fn streams() -> Vec<Command> {
    let mut all = Vec::new();
    for n in 1..=250 {
        // The fields change now and then, as nodes keep those of their first entry.
        let fields = if n % 40 == 0 { "other 1 third 2" } else { "field 1" };
        all.push(argv(&format!("XADD e:stream {n}-{} {fields}", n % 3)));
    }
    for words in [
        "XADD e:stream:wide 1-1 f v",
        "XADD e:stream:wide 18446744073709551615-18446744073709551614 f v",
        "XGROUP CREATE e:stream all 0",
        "XGROUP CREATE e:stream some 100-1 ENTRIESREAD 100",
        "XGROUP CREATE e:stream none $",
        "XREADGROUP GROUP all alice COUNT 120 STREAMS e:stream >",
        "XREADGROUP GROUP all bob COUNT 30 STREAMS e:stream >",
        "XREADGROUP GROUP some carol COUNT 10 NOACK STREAMS e:stream >",
        "XGROUP CREATECONSUMER e:stream some idle",
        "XACK e:stream all 1-1 2-2 3-0 130-1",
        "XDEL e:stream 1-1 5-2 77-2 120-0 121-1 200-2 250-1",
        "XCLAIM e:stream all dave 0 10-1 11-2 RETRYCOUNT 9 JUSTID",
        "XTRIM e:stream MINID 20",
        "XADD e:stream:empty 5-5 f v",
        "XGROUP CREATE e:stream:empty g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS e:stream:empty >",
        "XDEL e:stream:empty 5-5",
        "XGROUP CREATE e:stream:made g $ MKSTREAM",
        "XADD e:stream:set 1-1 f v",
        "XSETID e:stream:set 99-9",
    ] {
        all.push(argv(words));
    }
    all
}
