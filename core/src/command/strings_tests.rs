use crate::command::testing::Bench;

const SYNTAX: &str = "ERR syntax error";
const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn set_with_its_options() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("SET k v XX", "nil"),
        ("SET k v NX GET", "nil"),
        ("SET k w NX", "nil"),
        ("SET k w nx get", "v"),
        ("GET k", "v"),
        ("SET k w XX GET", "v"),
        ("SET k x EX 10", "OK"),
        ("TTL k", "10"),
        ("SET k y KEEPTTL", "OK"),
        ("PTTL k", "10000"),
        ("SET k y EX 10 EX 20", "OK"),
        ("TTL k", "20"),
        ("SET k z", "OK"),
        ("TTL k", "-1"),
        ("SET k v NX XX", SYNTAX),
        ("SET k v EX 10 PX 10", SYNTAX),
        ("SET k v EX 10 KEEPTTL", SYNTAX),
        ("SET k v KEEPTTL EX 10", SYNTAX),
        ("SET k v PERSIST", SYNTAX),
        ("SET k v EX", SYNTAX),
        ("SET k v EX x", "ERR value is not an integer or out of range"),
        ("SET k v EX 0", "ERR invalid expire time in 'set' command"),
        ("SET k v EX 9223372036854775807", "ERR invalid expire time in 'set' command"),
        ("SET k v PX 9223372036854775807", "ERR invalid expire time in 'set' command"),
        ("SETEX k -1 v", "ERR invalid expire time in 'setex' command"),
        ("PSETEX k 0 v", "ERR invalid expire time in 'psetex' command"),
        ("SETNX k v", "0"),
        ("SETNX l v", "1"),
        ("RPUSH list a", "1"),
        ("SET list v GET", WRONG),
        ("SET list v", "OK"),
    ]);
}

#[test]
fn what_is_logged_is_what_was_done() {
    let mut bench = Bench::new(&[]);
    let cases = [
        ("SET k v", vec!["SET k v"]),
        ("SET k v NX", vec![]),
        ("SET k v XX GET", vec!["SET k v XX"]),
        ("SET k v EX 5", vec!["SET k v PXAT 1005000"]),
        ("SET k v PXAT 2000000 GET", vec!["SET k v PXAT 2000000"]),
        ("SET k v PXAT 2000000 XX", vec!["SET k v PXAT 2000000 XX"]),
        ("SETEX k 7 v", vec!["SET k v PXAT 1007000"]),
        ("PSETEX k 7 v", vec!["SET k v PXAT 1000007"]),
        ("GETEX k", vec![]),
        ("GETEX k EX 100", vec!["PEXPIREAT k 1100000"]),
        ("GETEX k PERSIST", vec!["PERSIST k"]),
        ("GETEX k PERSIST", vec![]),
        ("GETEX k EXAT 1", vec!["DEL k"]),
        ("SET k v EXAT 1", vec![]),
        ("GETSET k 10", vec!["SET k 10"]),
        ("INCR k", vec!["INCR k"]),
        ("INCRBYFLOAT k 1.5", vec!["SET k 12.5 KEEPTTL"]),
        ("INCR k", vec![]),
        ("SET k v EXAT 1", vec!["DEL k"]),
        ("APPEND k x", vec!["APPEND k x"]),
        ("SETRANGE k 0 \"\"", vec![]),
        ("MSETNX k 1 l 2", vec![]),
        ("MSET k 1 l 2", vec!["MSET k 1 l 2"]),
        ("GETDEL k", vec!["DEL k"]),
        ("GETDEL k", vec![]),
    ];
    for (line, logged) in cases {
        bench.run(line);
        assert_eq!(bench.logged(), logged, "{line}");
    }
}

#[test]
fn a_due_key_is_deleted_in_the_log_before_it_is_written_anew() {
    let mut bench = Bench::new(&[]);
    bench.run("SET k 5 PX 10");
    bench.logged();
    bench.advance(11);
    bench.expect(&[("GET k", "nil"), ("INCR k", "1"), ("TTL k", "-1")]);
    assert_eq!(bench.logged(), ["DEL k", "INCR k"]);
}

#[test]
fn forms_are_those_of_redis() {
    let mut bench = Bench::new(&[]);
    for (line, encoding) in [
        ("SET k 12", "int"),
        ("INCR k", "int"),
        ("SET k 012", "embstr"),
        ("SET k 9223372036854775808", "embstr"),
        ("SET k 1", "int"),
        ("INCRBYFLOAT k 1", "embstr"),
        ("INCR k", "int"),
        ("APPEND k 1", "raw"),
        ("INCR k", "int"),
        ("SETRANGE k 0 7", "raw"),
        ("SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "embstr"),
        ("SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "raw"),
        ("GETDEL k", "none"),
        ("APPEND k 1", "int"),
        ("DEL k", "none"),
        ("SETRANGE k 3 1", "raw"),
    ] {
        bench.run(line);
        assert_eq!(bench.encoding("k"), encoding, "{line}");
    }
}

#[test]
fn numbers_at_their_edges() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("SET n 9223372036854775807", "OK"),
        ("INCR n", "ERR increment or decrement would overflow"),
        ("DECRBY n -9223372036854775808", "ERR decrement would overflow"),
        ("SET n -9223372036854775808", "OK"),
        ("DECR n", "ERR increment or decrement would overflow"),
        ("INCRBY n 1", "-9223372036854775807"),
        ("INCRBY n 1.0", "ERR value is not an integer or out of range"),
        ("SET n 3.0", "OK"),
        ("INCR n", "ERR value is not an integer or out of range"),
        ("INCRBYFLOAT n 1e2", "103"),
        ("INCRBYFLOAT n inf", "ERR increment would produce NaN or Infinity"),
        ("INCRBYFLOAT n x", "ERR value is not a valid float"),
        ("SET n x", "OK"),
        ("INCRBYFLOAT n 1", "ERR value is not a valid float"),
        ("RPUSH l a", "1"),
        ("INCR l", WRONG),
        ("INCRBYFLOAT l 1", WRONG),
    ]);
}

#[test]
fn ranges() {
    let mut bench = Bench::new(&[("proto-max-bulk-len", "1mb")]);
    let too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    bench.expect(&[
        ("SET k Hello", "OK"),
        ("GETRANGE k 0 -1", "Hello"),
        ("GETRANGE k -3 -2", "ll"),
        ("GETRANGE k 0 -100", "H"),
        ("GETRANGE k -1 -100", ""),
        ("GETRANGE k 5 9", ""),
        ("SUBSTR k 1 9223372036854775807", "ello"),
        ("GETRANGE k -9223372036854775808 1", "He"),
        ("GETRANGE none 0 -1", ""),
        ("SETRANGE k 7 xx", "9"),
        ("GET k", "Hello\0\0xx"),
        ("SETRANGE k -1 x", "ERR offset is out of range"),
        ("SETRANGE k 1048576 x", too_long),
        ("SETRANGE k 9223372036854775807 x", too_long),
        ("SETRANGE k 9223372036854775807 \"\"", "9"),
        ("SETRANGE none 5 \"\"", "0"),
        ("EXISTS none", "0"),
        ("STRLEN k", "9"),
        ("STRLEN none", "0"),
    ]);
    bench.argv(&[b"SET", b"big", &vec![b'a'; 1 << 20]]);
    bench.expect(&[("APPEND big x", too_long), ("STRLEN big", "1048576")]);
}

#[test]
fn several_at_once() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("MSET a 1 b", "ERR wrong number of arguments for 'mset' command"),
        ("MSETNX a 1 b", "ERR wrong number of arguments for 'msetnx' command"),
        ("MSET a 1 b 2 a 3", "OK"),
        ("RPUSH l x", "1"),
        ("MGET a l b none", "[3 nil 2 nil]"),
        ("MSETNX c 1 a 2", "0"),
        ("EXISTS c", "0"),
        ("MSETNX c 1 d 2", "1"),
    ]);
}

#[test]
fn common_subsequences() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("MSET a ohmytext b mynewtext", "OK"),
        ("LCS a b", "mytext"),
        ("LCS a b LEN", "6"),
        ("LCS a b IDX", "[matches [[[4 7] [5 8]] [[2 3] [0 1]]] len 6]"),
        ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "[matches [[[4 7] [5 8] 4]] len 6]"),
        ("LCS a none", ""),
        ("LCS a b IDX LEN", "ERR If you want both the length and indexes, please just use IDX."),
        ("LCS a b MINMATCHLEN", SYNTAX),
        ("RPUSH l x", "1"),
        ("LCS a l", "ERR The specified keys must contain string values"),
    ]);
}
