//! Number texts, patterns, compact containers, compression and checksum, each against what a real server does with the
//! same random input. The servers are those whose rule is ours: Redis 7.0, except where 7.2 changed it.

use fastrand::Rng;
use persistkv::encoding::intset::Intset;
use persistkv::encoding::listpack::{Listpack, ListpackRef};
use persistkv::encoding::longdouble::LongDouble;
use persistkv::encoding::{crc64, glob, lzf, num};
use persistkv_tests::text::quote;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

fn command(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

fn digits(rng: &mut Rng, most: usize) -> String {
    (0..rng.usize(..=most)).map(|_| rng.digit(10)).collect()
}

/// A decimal, hexadecimal, named or broken number text.
fn number_text(rng: &mut Rng) -> String {
    let sign = ["", "", "-", "+"][rng.usize(..4)];
    let exponent = match rng.u8(..6) {
        0 => format!("e{}", rng.i32(-25..25)),
        1 => format!("E{:+}", rng.i32(-400..400)),
        2 => format!("e{}", rng.i32(-5100..5100)),
        _ => String::new(),
    };
    match rng.u8(..9) {
        0..3 => format!("{sign}{}.{}{exponent}", digits(rng, 25), digits(rng, 25)),
        3 => format!("{sign}{}{exponent}", digits(rng, 40)),
        4 => format!("{:.*}", rng.usize(..9), (rng.f64() - 0.5) * 1e5),
        5 => format!("{sign}0x{:x}.{:x}p{}", rng.u64(..) >> rng.u8(..64), rng.u64(..), rng.i32(-1200..1200)),
        6 => format!("{:e}", f64::from_bits(rng.u64(..))),
        7 => {
            ["inf", "-inf", "INFINITY", "nan", "nan(1)", "", " 1", "1 ", "1x", "0x", "1e", ".", "-", "1e4932"]
                [rng.usize(..14)]
            .to_owned()
        }
        _ => (0..rng.usize(1..7)).map(|_| char::from(b"0123456789.eE+-xpainf "[rng.usize(..22)])).collect(),
    }
}

fn bulk(reply: &Reply) -> &[u8] {
    match reply.bytes() {
        Some(bytes) => bytes,
        None => panic!("not a string: {reply}"),
    }
}

#[test]
fn doubles_print_as_redis_prints_scores() {
    let server = skip_unless_server!("r82");
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(1);
    let mut scores: Vec<f64> = (0..6000)
        .map(|i| match i % 4 {
            0 => f64::from_bits(rng.u64(..)),
            1 => rng.f64(),
            2 => (rng.f64() - 0.5) * 1e7,
            _ => f64::from(rng.i32(..)) / 10f64.powi(rng.i32(-12..12)),
        })
        .filter(|score| score.is_finite())
        .collect();
    for exponent in -1074..1024 {
        let power = (f64::from(exponent)).exp2();
        scores.extend([power, -power, f64::from_bits(power.to_bits() + 1)]);
    }
    let add = scores.iter().enumerate().map(|(i, score)| {
        command(&[b"ZADD", b"z", format!("{score:e}").as_bytes(), i.to_string().as_bytes()])
    });
    redis.commands(&add.collect::<Vec<_>>());
    let ask = (0..scores.len()).map(|i| command(&[b"ZSCORE", b"z", i.to_string().as_bytes()]));
    for (score, there) in scores.iter().zip(redis.commands(&ask.collect::<Vec<_>>())) {
        assert_eq!(num::fmt_f64(*score).as_str().as_bytes(), bulk(&there), "{score:e}");
    }
}

#[test]
fn doubles_are_read_as_redis_reads_scores() {
    let server = skip_unless_server!("r70");
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(2);
    for _ in 0..20 {
        let texts: Vec<String> = (0..500).map(|_| number_text(&mut rng)).collect();
        let add = texts.iter().map(|text| command(&[b"ZADD", b"z", text.as_bytes(), b"m"]));
        let ask = texts.iter().map(|_| command(&[b"ZSCORE", b"z", b"m"]));
        let both: Vec<_> = add.zip(ask).flat_map(|(add, ask)| [add, ask]).collect();
        for (text, replies) in texts.iter().zip(redis.commands(&both).chunks(2)) {
            let here = num::parse_f64(text.as_bytes());
            let there =
                (!replies[0].is_error()).then(|| String::from_utf8_lossy(bulk(&replies[1])).parse().ok());
            assert_eq!(here, there.flatten(), "{text:?}");
        }
    }
}

#[test]
fn long_doubles_add_as_in_redis() {
    let server = skip_unless_server!("r70");
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(3);
    for _ in 0..20 {
        let mut pairs: Vec<(String, String)> =
            (0..500).map(|_| (number_text(&mut rng), number_text(&mut rng))).collect();
        for pair in pairs.iter_mut().step_by(5) {
            // Nearly cancelling: what is left shows every rounding.
            pair.1 = format!("-{}{}", pair.0.trim_start_matches(['-', '+']), digits(&mut rng, 1));
        }
        let both = pairs.iter().flat_map(|(value, increment)| {
            [
                command(&[b"SET", b"k", value.as_bytes()]),
                command(&[b"INCRBYFLOAT", b"k", increment.as_bytes()]),
            ]
        });
        let replies = redis.commands(&both.collect::<Vec<_>>());
        for ((value, increment), reply) in pairs.iter().zip(replies.iter().skip(1).step_by(2)) {
            let here = [value, increment].map(|text| LongDouble::parse(text.as_bytes()));
            let [Some(a), Some(b)] = here else {
                assert_eq!(
                    *reply,
                    Reply::Error(b"ERR value is not a valid float".to_vec()),
                    "{value} {increment}"
                );
                continue;
            };
            let sum = a + b;
            if sum.is_finite() {
                assert_eq!(sum.to_text().as_bytes(), bulk(reply), "{value} {increment}");
            } else {
                assert!(reply.is_error(), "{value} {increment}");
            }
        }
    }
}

#[test]
fn patterns_fit_as_in_redis() {
    let server = skip_unless_server!("r70");
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(4);
    let mut word = |alphabet: &[u8], most: usize| -> Vec<u8> {
        (0..rng.usize(..=most)).map(|_| alphabet[rng.usize(..alphabet.len())]).collect()
    };
    for _ in 0..20 {
        let pairs: Vec<_> =
            (0..500).map(|_| (word(b"abcA**?[]^-\\\x80\xff", 9), word(b"abcAB*[]-\\^\x80\xff", 7))).collect();
        let all = pairs.iter().flat_map(|(pattern, text)| {
            [
                command(&[b"DEL", b"h"]),
                command(&[b"HSET", b"h", text, b"1"]),
                command(&[b"HSCAN", b"h", b"0", b"MATCH", pattern]),
            ]
        });
        let replies = redis.commands(&all.collect::<Vec<_>>());
        for ((pattern, text), reply) in pairs.iter().zip(replies.iter().skip(2).step_by(3)) {
            // SCAN knows a lone star without asking the pattern.
            if pattern == b"*" {
                continue;
            }
            let there =
                reply.items().and_then(|items| items[1].items()).is_some_and(|found| !found.is_empty());
            let here = glob::matches(pattern, text, false);
            assert_eq!(here, there, "{} {}", quote(pattern), quote(text));
        }
    }
}

fn element(rng: &mut Rng) -> Vec<u8> {
    const EDGES: [&str; 14] = [
        "",
        "-",
        "-0",
        "00",
        "127",
        "128",
        "4095",
        "4096",
        "-4096",
        "-4097",
        "8388608",
        "-8388609",
        "-9223372036854775808",
        "9223372036854775808",
    ];
    match rng.u8(..5) {
        0 => (0..rng.usize(..80)).map(|_| rng.u8(..)).collect(),
        1 | 2 => (rng.i64(..) >> rng.u8(..64)).to_string().into_bytes(),
        3 => EDGES[rng.usize(..EDGES.len())].as_bytes().to_vec(),
        _ => vec![rng.alphabetic() as u8; rng.choice([63, 64, 124, 125, 126, 127, 4095, 4096]).unwrap_or(1)],
    }
}

/// A length at the start of a DUMP payload, and what follows it.
fn length(payload: &[u8]) -> (usize, &[u8]) {
    match payload {
        [short @ 0..=63, rest @ ..] => (usize::from(*short), rest),
        [high @ 64..=127, low, rest @ ..] => (usize::from(high & 63) << 8 | usize::from(*low), rest),
        [0x80, a, b, c, d, rest @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => panic!("no length: {payload:02x?}"),
    }
}

fn put_length(len: usize, out: &mut Vec<u8>) {
    out.push(0x80);
    out.extend_from_slice(&(len as u32).to_be_bytes());
}

fn assert_checksum(payload: &[u8]) {
    let (body, sum) = payload.split_at(payload.len() - 8);
    assert_eq!(crc64::update(0, body).to_le_bytes(), sum);
}

#[test]
fn listpacks_are_those_of_redis() {
    let server = skip_unless_server!("r70", &["--rdbcompression", "no", "--list-max-listpack-size", "-5"]);
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(5);
    let mut lists: Vec<Vec<Vec<u8>>> =
        (0..400).map(|_| (0..rng.usize(1..40)).map(|_| element(&mut rng)).collect()).collect();
    lists.extend((16_370..16_390).map(|len| vec![vec![b'z'; len], b"end".to_vec()]));
    for list in lists {
        let mut push = command(&[b"RPUSH", b"l"]);
        push.extend(list.iter().cloned());
        let replies = redis.commands(&[command(&[b"DEL", b"l"]), push, command(&[b"DUMP", b"l"])]);
        let payload = bulk(&replies[2]);
        assert_checksum(payload);
        // Quicklist2, one node, packed.
        let Some([18, 1, 2]) = payload.first_chunk() else { panic!("{payload:02x?}") };
        let (len, rest) = length(&payload[3..]);
        let mut here = Listpack::new();
        list.iter().for_each(|element| here.push(element));
        assert_eq!(here.bytes(), &rest[..len]);
        let there = ListpackRef::from_bytes(&rest[..len]).expect("the server's own listpack is sound");
        assert!(there.iter().map(|value| value.to_vec()).eq(list));
    }
}

#[test]
fn intsets_are_those_of_redis() {
    let server = skip_unless_server!("r70", &["--rdbcompression", "no"]);
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(6);
    for _ in 0..300 {
        let shift = rng.u8(..64);
        let members: Vec<i64> = (0..rng.usize(1..60)).map(|_| rng.i64(..) >> shift).collect();
        let mut add = command(&[b"SADD", b"s"]);
        add.extend(members.iter().map(|n| n.to_string().into_bytes()));
        let replies = redis.commands(&[command(&[b"DEL", b"s"]), add, command(&[b"DUMP", b"s"])]);
        let payload = bulk(&replies[2]);
        assert_checksum(payload);
        assert_eq!(payload[0], 11);
        let (len, rest) = length(&payload[1..]);
        let mut here = Intset::new();
        members.iter().for_each(|&n| {
            here.insert(n);
        });
        assert_eq!(here.bytes(), &rest[..len]);
    }
}

#[test]
fn redis_reads_what_is_compressed_here_and_the_other_way_round() {
    let server = skip_unless_server!("r70");
    let mut redis = server.connect();
    let mut rng = Rng::with_seed(7);
    let words: Vec<Vec<u8>> = (0..40).map(|_| (0..rng.usize(1..30)).map(|_| rng.u8(..)).collect()).collect();
    let mut seen = 0;
    for round in 0..300 {
        let pieces = if round == 0 { 100_000 } else { rng.usize(1..80) };
        let plain: Vec<u8> = (0..pieces).flat_map(|_| words[rng.usize(..words.len())].clone()).collect();
        let Some(packed) = lzf::compress(&plain) else { continue };
        let mut payload = vec![0, 0xC3];
        put_length(packed.len(), &mut payload);
        put_length(plain.len(), &mut payload);
        payload.extend_from_slice(&packed);
        payload.extend_from_slice(&10u16.to_le_bytes());
        payload.extend_from_slice(&crc64::update(0, &payload).to_le_bytes());
        let replies = redis.commands(&[
            command(&[b"RESTORE", b"x", b"0", &payload, b"REPLACE"]),
            command(&[b"GET", b"x"]),
            command(&[b"DUMP", b"x"]),
        ]);
        assert_eq!(replies[0], Reply::Status(b"OK".to_vec()));
        assert!(bulk(&replies[1]) == plain);
        let back = bulk(&replies[2]);
        assert_checksum(back);
        if let Some([0, 0xC3]) = back.first_chunk() {
            let (len, rest) = length(&back[2..]);
            let (plain_len, rest) = length(rest);
            assert!(lzf::decompress(&rest[..len], plain_len).as_ref() == Ok(&plain));
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} of Redis's own compressed strings came by");
}
