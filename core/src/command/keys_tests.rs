use crate::command::testing::Bench;

#[test]
fn expiry_and_its_conditions() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("EXPIRE k 10", "0"),
        ("TTL k", "-2"),
        ("SET k v", "OK"),
        ("TTL k", "-1"),
        ("EXPIRE k 10 XX", "0"),
        ("EXPIRE k 10 GT", "0"),
        ("EXPIRE k 10 LT", "1"),
        ("EXPIRE k 20 NX", "0"),
        ("EXPIRE k 20 GT", "1"),
        ("EXPIRE k 30 LT", "0"),
        ("PEXPIRETIME k", "1020000"),
        ("EXPIRETIME k", "1020"),
        ("PERSIST k", "1"),
        ("PERSIST k", "0"),
        ("EXPIRE k 1 NX GT", "ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("EXPIRE k 1 GT LT", "ERR GT and LT options at the same time are not compatible"),
        ("EXPIRE k 1 ZZ", "ERR Unsupported option ZZ"),
        ("EXPIRE k x", "ERR value is not an integer or out of range"),
        ("EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command"),
        ("EXPIRE k -9223372036854775808", "ERR invalid expire time in 'expire' command"),
        ("PEXPIRE k 9223372036854775807", "ERR invalid expire time in 'pexpire' command"),
        ("PEXPIREAT k 9223372036854775807", "1"),
        ("TTL k", "9223372036853776"),
        ("EXPIREAT k -1", "1"),
        ("EXISTS k", "0"),
    ]);
}

#[test]
fn what_is_logged_is_what_was_done() {
    let mut bench = Bench::new(&[]);
    let cases = [
        ("MSET a 1 b 2 c 3", vec!["MSET a 1 b 2 c 3"]),
        ("EXPIRE a 5 NX", vec!["PEXPIREAT a 1005000 NX"]),
        ("PEXPIREAT a 1006000 GT", vec!["PEXPIREAT a 1006000 GT"]),
        ("EXPIREAT a 2000", vec!["PEXPIREAT a 2000000"]),
        ("PEXPIRE a -1", vec!["DEL a"]),
        ("DEL a none", vec![]),
        ("UNLINK b none", vec!["DEL b none"]),
        ("RENAME c d", vec!["RENAME c d"]),
        ("RENAMENX d d", vec![]),
        ("COPY d e DB 1", vec!["COPY d e DB 1"]),
        ("MOVE d 2", vec!["MOVE d 2"]),
        ("SWAPDB 0 2", vec!["SWAPDB 0 2"]),
        ("FLUSHDB async", vec!["FLUSHDB async"]),
        ("FLUSHALL", vec!["FLUSHALL"]),
        ("TOUCH d", vec![]),
    ];
    for (line, logged) in cases {
        bench.run(line);
        assert_eq!(bench.logged(), logged, "{line}");
    }
}

#[test]
fn names_and_databases() {
    let mut bench = Bench::new(&[]);
    let same = "ERR source and destination objects are the same";
    bench.expect(&[
        ("RENAME a b", "ERR no such key"),
        ("MSET a 1 b 2", "OK"),
        ("EXPIRE a 100", "1"),
        ("RENAMENX a b", "0"),
        ("RENAME a b", "OK"),
        ("GET b", "1"),
        ("TTL b", "100"),
        ("COPY b b", same),
        ("COPY b c DB 99", "ERR DB index is out of range"),
        ("COPY b c DB", "ERR syntax error"),
        ("COPY b c", "1"),
        ("COPY b c", "0"),
        ("COPY b c REPLACE", "1"),
        ("TTL c", "100"),
        ("COPY b b DB 1", "1"),
        ("MOVE b 1", "0"),
        ("MOVE b 0", same),
        ("MOVE b -1", "ERR DB index is out of range"),
        ("MOVE b x", "ERR value is not an integer or out of range"),
        ("MOVE c 1", "1"),
        ("DBSIZE", "1"),
        ("SWAPDB 0 1", "OK"),
        ("DBSIZE", "2"),
        ("SWAPDB x 1", "ERR invalid first DB index"),
        ("SWAPDB 1 99", "ERR DB index is out of range"),
        ("FLUSHDB now", "ERR syntax error"),
        ("FLUSHDB", "OK"),
        ("RANDOMKEY", "nil"),
        ("SELECT 1", "OK"),
        ("RANDOMKEY", "b"),
        ("TYPE b", "string"),
        ("TYPE none", "none"),
    ]);
}

#[test]
fn walking_the_keys() {
    let mut bench = Bench::new(&[]);
    for n in 0..200 {
        bench.run(&format!("SET key:{n} v"));
    }
    bench.run("RPUSH list a");
    let names = |reply: String| {
        let mut names: Vec<String> = reply.trim_matches(['[', ']']).split(' ').map(str::to_owned).collect();
        names.sort();
        names
    };
    let all = names(bench.run("KEYS key:*"));
    assert_eq!(all.len(), 200);
    let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
    loop {
        let reply = bench.run(&format!("SCAN {cursor} MATCH key:* COUNT 7 TYPE STRING"));
        let (next, found) = reply[1..reply.len() - 1].split_once(' ').unwrap();
        seen.extend(names(found.to_owned()).into_iter().filter(|name| !name.is_empty()));
        cursor = next.to_owned();
        if cursor == "0" {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, all);
    bench.expect(&[
        ("SCAN 0 TYPE list COUNT 100000", "[0 [list]]"),
        ("SCAN x", "ERR invalid cursor"),
        ("SCAN 0 COUNT 0", "ERR syntax error"),
        ("SCAN 0 MATCH", "ERR syntax error"),
    ]);
    // Cursors of nobody's making end too, and in an empty database as well.
    for cursor in [1u64, 63, 64, 12345, u64::MAX, u64::MAX - 63, 1 << 62] {
        bench.run(&format!("SCAN {cursor} COUNT 1"));
    }
    bench.run("SELECT 7");
    for cursor in [1u64, 63, 64, 12345, u64::MAX, u64::MAX - 63] {
        assert_eq!(bench.run(&format!("SCAN {cursor} COUNT 1")), "[0 []]");
    }
}

#[test]
fn looking_at_objects() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("OBJECT ENCODING none", "nil"),
        ("OBJECT FREQ none", "nil"),
        ("SET k 7", "OK"),
        ("OBJECT ENCODING k", "int"),
        ("OBJECT REFCOUNT k", "2147483647"),
        ("SET k 10000", "OK"),
        ("OBJECT REFCOUNT k", "1"),
        ("OBJECT IDLETIME k", "0"),
        ("OBJECT NOPE k", "ERR unknown subcommand 'NOPE'. Try OBJECT HELP."),
        ("OBJECT FREQ", "ERR wrong number of arguments for 'object|freq' command"),
    ]);
    bench.advance(3000);
    bench.expect(&[
        ("OBJECT IDLETIME k", "3"),
        ("EXISTS k", "1"),
        ("OBJECT IDLETIME k", "3"),
        ("TOUCH k none", "1"),
        ("OBJECT IDLETIME k", "0"),
    ]);
}
