use std::collections::BTreeSet;

use crate::command::testing::Bench;

fn bench() -> Bench {
    Bench::new(&[])
}

#[test]
fn fields_come_and_go() {
    let mut bench = bench();
    bench.expect(&[
        ("HSET h f v n 1 f w", "2"),
        ("HMSET h g x", "OK"),
        ("HGETALL h", "[f w n 1 g x]"),
        ("HSETNX h f z", "0"),
        ("HSETNX h new z", "1"),
        ("HGET h f", "w"),
        ("HGET h z", "nil"),
        ("HMGET h n z f", "[1 nil w]"),
        ("HMGET no z f", "[nil nil]"),
        ("HEXISTS h n", "1"),
        ("HEXISTS h v", "0"),
        ("HLEN h", "4"),
        ("HSTRLEN h f", "1"),
        ("HSTRLEN h z", "0"),
        ("HKEYS h", "[f n g new]"),
        ("HVALS h", "[w 1 x z]"),
        ("HDEL h z", "0"),
        ("HDEL h f z n", "2"),
        ("HDEL h g new f", "2"),
        ("HGETALL h", "[]"),
        ("HLEN h", "0"),
        ("HDEL h f", "0"),
    ]);
    let logged = ["HSET h f v n 1 f w", "HMSET h g x", "HSETNX h new z", "HDEL h f z n", "HDEL h g new f"];
    assert_eq!(bench.logged(), logged);
    assert_eq!(bench.encoding("h"), "none");
}

#[test]
fn a_field_needs_a_value() {
    let mut bench = bench();
    bench.expect(&[
        ("HSET h f", "ERR wrong number of arguments for 'hset' command"),
        ("HSET h f v g", "ERR wrong number of arguments for 'hset' command"),
        ("hmset h f v g", "ERR wrong number of arguments for 'hmset' command"),
        ("HLEN h", "0"),
    ]);
    assert!(bench.logged().is_empty());
}

#[test]
fn integers_are_counted() {
    let mut bench = bench();
    bench.expect(&[
        ("HINCRBY h n 5", "5"),
        ("HINCRBY h n -7", "-2"),
        ("HSET h text v max 9223372036854775807 spaced 01", "3"),
        ("HINCRBY h text 1", "ERR hash value is not an integer"),
        ("HINCRBY h spaced 1", "ERR hash value is not an integer"),
        ("HINCRBY h max 1", "ERR increment or decrement would overflow"),
        ("HINCRBY h n 1.5", "ERR value is not an integer or out of range"),
        ("HGET h n", "-2"),
        ("HINCRBY h n -9223372036854775808", "ERR increment or decrement would overflow"),
    ]);
    assert_eq!(
        bench.logged(),
        ["HINCRBY h n 5", "HINCRBY h n -7", "HSET h text v max 9223372036854775807 spaced 01"]
    );
}

#[test]
fn floats_are_logged_as_their_sum() {
    let mut bench = bench();
    bench.expect(&[
        ("HINCRBYFLOAT h n 10.50", "10.5"),
        ("HINCRBYFLOAT h n 0.1", "10.6"),
        ("HINCRBYFLOAT h n 5.0e3", "5010.60000000000000009"),
        ("HSET h text v", "1"),
        ("HINCRBYFLOAT h text 1", "ERR hash value is not a float"),
        ("HINCRBYFLOAT h n x", "ERR value is not a valid float"),
        ("HINCRBYFLOAT h n nan", "ERR value is not a valid float"),
        ("HINCRBYFLOAT h n inf", "ERR value is NaN or Infinity"),
        ("HINCRBYFLOAT no n x", "ERR value is not a valid float"),
        ("HSET h inf inf", "1"),
        ("HINCRBYFLOAT h inf 1", "ERR increment would produce NaN or Infinity"),
        ("HLEN no", "0"),
    ]);
    let logged = [
        "HSET h n 10.5",
        "HSET h n 10.6",
        "HSET h n 5010.60000000000000009",
        "HSET h text v",
        "HSET h inf inf",
    ];
    assert_eq!(bench.logged(), logged);
}

/// What Redis 8.2.3 and Valkey 9.1.2 answer to OBJECT ENCODING.
#[test]
fn the_form_is_that_of_redis() {
    let mut bench = bench();
    let long = "x".repeat(65);
    let many = "f v ".repeat(513);
    for (line, encoding) in [
        (format!("HSET a f {}", &long[1..]), "listpack"),
        (format!("HSET a f {long}"), "hashtable"),
        (format!("HSETNX b {long} v"), "hashtable"),
        (format!("HMSET c {}", &many[4..]), "listpack"),
        (format!("HMSET d {many}"), "hashtable"),
        (format!("HINCRBY e {long} 1"), "hashtable"),
        ("HINCRBYFLOAT f f 1e100".to_owned(), "hashtable"),
    ] {
        bench.run(&line);
        let key = line.split(' ').nth(1).unwrap();
        assert_eq!(bench.encoding(key), encoding, "{}", &line[..20.min(line.len())]);
    }
    let mut tight = Bench::new(&[("hash-max-listpack-entries", "0")]);
    tight.run("HSET h f v");
    assert_eq!(tight.encoding("h"), "hashtable");
}

#[test]
fn random_fields() {
    let mut bench = bench();
    bench.run("HSET h f v g w n 1");
    let pairs = ["f v", "g w", "n 1"];
    assert!(["f", "g", "n"].contains(&bench.run("HRANDFIELD h").as_str()));
    let parts =
        |shown: String| shown.trim_matches(['[', ']']).split(' ').map(str::to_owned).collect::<Vec<_>>();
    let two = parts(bench.run("HRANDFIELD h 2 WITHVALUES"));
    assert_eq!(two.len(), 4);
    assert!(two.chunks(2).all(|pair| pairs.contains(&pair.join(" ").as_str())) && two[0] != two[2]);
    assert_eq!(BTreeSet::from_iter(parts(bench.run("HRANDFIELD h 9"))).len(), 3);
    let many = parts(bench.run("HRANDFIELD h -40 withvalues"));
    assert_eq!(many.len(), 80);
    assert!(many.chunks(2).all(|pair| pairs.contains(&pair.join(" ").as_str())));
    bench.expect(&[
        ("HRANDFIELD no", "nil"),
        ("HRANDFIELD no 2", "[]"),
        ("HRANDFIELD h 0", "[]"),
        ("HRANDFIELD h x", "ERR value is not an integer or out of range"),
        ("HRANDFIELD h 1 nope", "ERR syntax error"),
        ("HRANDFIELD h x nope", "ERR value is not an integer or out of range"),
        ("HRANDFIELD h 1 WITHVALUES 2", "ERR syntax error"),
        ("HRANDFIELD h 4611686018427387904 WITHVALUES", "ERR value is out of range"),
        ("HRANDFIELD h -9223372036854775807 WITHVALUES", "ERR value is out of range"),
        (
            "HRANDFIELD h -9223372036854775808",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
    ]);
}

#[test]
fn scans_pass_over_everything() {
    let mut bench = bench();
    let args: Vec<String> = (0..900).map(|i| format!("f{i} v{i}")).collect();
    bench.run(&format!("HSET h {}", args.join(" ")));
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let reply = bench.run(&format!("HSCAN h {cursor} COUNT 30 MATCH *7"));
        let (next, found) = reply[1..reply.len() - 1].split_once(' ').unwrap();
        let found: Vec<&str> = found.trim_matches(['[', ']']).split_whitespace().collect();
        seen.extend(found.chunks(2).map(|pair| pair.join(" ")));
        cursor = next.to_owned();
        if cursor == "0" {
            break;
        }
    }
    let want: BTreeSet<String> = args.into_iter().filter(|pair| pair.ends_with('7')).collect();
    assert_eq!(seen, want);
    bench.run("HSET small a 1 b 2");
    bench.expect(&[
        ("HSCAN small 0 COUNT 1", "[0 [a 1 b 2]]"),
        ("HSCAN small 0 MATCH b", "[0 [b 2]]"),
        ("HSCAN small 0 NOVALUES", "[0 [a b]]"),
        ("HSCAN no 0 nonsense", "[0 []]"),
        ("HSCAN small 0 nonsense", "ERR syntax error"),
        ("HSCAN small x", "ERR invalid cursor"),
    ]);
}

#[test]
fn another_type_is_refused() {
    let mut bench = bench();
    bench.run("SADD s a");
    bench.logged();
    for command in [
        "HSET s f v",
        "HMSET s f v",
        "HSETNX s f v",
        "HGET s f",
        "HMGET s f",
        "HGETALL s",
        "HDEL s f",
        "HEXISTS s f",
        "HLEN s",
        "HKEYS s",
        "HVALS s",
        "HSTRLEN s f",
        "HINCRBY s f 1",
        "HINCRBYFLOAT s f 1",
        "HRANDFIELD s",
        "HRANDFIELD s 2 WITHVALUES",
        "HSCAN s 0",
    ] {
        bench.expect(&[(command, "WRONGTYPE Operation against a key holding the wrong kind of value")]);
    }
    assert!(bench.logged().is_empty());
}

#[test]
fn shapes_of_resp3() {
    let mut bench = bench();
    bench.run("HSET h f v");
    bench.resp3(true);
    bench.expect(&[
        ("HGETALL h", "{f: v}"),
        ("HGETALL no", "{}"),
        ("HKEYS h", "[f]"),
        ("HRANDFIELD h 1", "[f]"),
        ("HRANDFIELD h 1 WITHVALUES", "[[f v]]"),
        ("HRANDFIELD h -2 WITHVALUES", "[[f v] [f v]]"),
        ("HSCAN h 0", "[0 [f v]]"),
        ("HINCRBYFLOAT h n 1.5", "1.5"),
    ]);
}
