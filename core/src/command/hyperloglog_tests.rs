use crate::command::testing::Bench;

const NOT_ONE: &str = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const BROKEN: &str = "INVALIDOBJ Corrupted HLL object detected";

#[test]
fn adding_counting_merging() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("PFADD h", "1"),
        ("PFADD h", "0"),
        ("PFCOUNT h", "0"),
        ("PFADD h a b c", "1"),
        ("PFADD h a b", "0"),
        ("PFCOUNT h", "3"),
        ("PFCOUNT h", "3"),
        ("PFADD i c d", "1"),
        ("PFCOUNT h i nope", "4"),
        ("PFCOUNT nope", "0"),
        ("PFMERGE h i nope", "OK"),
        ("PFCOUNT h", "4"),
        ("PFMERGE j", "OK"),
        ("PFCOUNT j", "0"),
        ("PEXPIRE h 5000", "1"),
        ("PFADD h e", "1"),
        ("PTTL h", "5000"),
    ]);
    assert_eq!(bench.encoding("h"), "raw");
    assert_eq!(
        bench.logged(),
        [
            "PFADD h",
            "PFCOUNT h",
            "PFADD h a b c",
            "PFCOUNT h",
            "PFADD i c d",
            "PFMERGE h i nope",
            "PFCOUNT h",
            "PFMERGE j",
            "PFCOUNT j",
            "PEXPIREAT h 1005000",
            "PFADD h e"
        ]
    );
}

#[test]
fn the_dense_form_is_touched_only_when_something_changes() {
    let mut bench = Bench::new(&[("hll-sparse-max-bytes", "100")]);
    bench.run("SET other x");
    let words: Vec<String> = (0..100).map(|n| format!("e{n}")).collect();
    bench.run(&format!("PFADD h {}", words.join(" ")));
    bench.expect(&[("PFDEBUG ENCODING h", "dense"), ("STRLEN h", "12304"), ("PFCOUNT h", "100")]);
    bench.logged();
    bench.expect(&[("PFADD h e1 e2", "0"), ("PFADD h more", "1"), ("PFCOUNT h", "101")]);
    assert_eq!(bench.logged(), ["PFADD h more", "PFCOUNT h"]);
    bench.expect(&[("PFADD small a", "1"), ("PFMERGE small h", "OK"), ("PFDEBUG ENCODING small", "dense")]);
    bench.expect(&[("PFCOUNT small", "102"), ("PFMERGE h small", "OK"), ("PFCOUNT h", "102")]);
    assert!(bench.lock("h").counted_memory_is_right().unwrap_or(false));
}

#[test]
fn strings_that_are_none() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[("SET s hello", ""), ("SET n 12", ""), ("RPUSH l a", ""), ("SET short HYLL", "")]);
    bench.argv(&[b"SET", b"broken", &[&b"HYLL\x01"[..], &[0; 10], &[0x80, 0x7f, 0x00]].concat()]);
    bench.argv(&[b"SET", b"thin", &[&b"HYLL\x00"[..], &[0; 30]].concat()]);
    for key in ["s", "n", "short", "thin"] {
        for line in [
            format!("PFADD {key} a"),
            format!("PFADD {key}"),
            format!("PFCOUNT {key}"),
            format!("PFCOUNT nope {key}"),
            format!("PFMERGE {key}"),
            format!("PFMERGE dest {key}"),
            format!("PFDEBUG DECODE {key}"),
        ] {
            assert_eq!(bench.run(&line), NOT_ONE, "{line}");
        }
    }
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    bench.expect(&[
        ("PFADD l a", wrong),
        ("PFCOUNT l", wrong),
        ("PFMERGE d l", wrong),
        ("PFDEBUG GETREG l", wrong),
        ("PFCOUNT broken", BROKEN),
        ("PFCOUNT broken nope", BROKEN),
        ("PFMERGE d broken", BROKEN),
        ("PFADD broken x y z u v w", BROKEN),
        ("PFDEBUG TODENSE broken", BROKEN),
        ("PFDEBUG GETREG broken", BROKEN),
        ("PFDEBUG GETREG nope", "ERR The specified key does not exist"),
        ("EXISTS d dest", "0"),
    ]);
}

#[test]
fn looking_inside() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("PFADD h a b c", "1"),
        ("PFDEBUG encoding h", "sparse"),
        ("PFDEBUG DECODE h", "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"),
        ("PFDEBUG TODENSE h", "1"),
        ("PFDEBUG TODENSE h", "0"),
        ("PFDEBUG DECODE h", "ERR HLL encoding is not sparse"),
        ("PFDEBUG NOPE h", "ERR Unknown PFDEBUG subcommand 'NOPE'"),
        ("PFCOUNT h", "3"),
        ("PFADD g x", "1"),
        ("PFSELFTEST", "OK"),
    ]);
    assert_eq!(bench.run("PFDEBUG GETREG g").split(' ').count(), 16384);
    bench.expect(&[("PFDEBUG ENCODING g", "dense")]);
}
