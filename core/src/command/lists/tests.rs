//! Replies and error texts as Redis 7.2 gives them, what is logged, and the form of the list behind.

use super::super::testing::Bench;

#[test]
fn both_ends_grow_and_shrink() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("LPUSHX k a", "0"),
        ("RPUSHX k a", "0"),
        ("RPUSH k b c", "2"),
        ("LPUSH k a 0 -1", "5"),
        ("LRANGE k 0 -1", "[-1 0 a b c]"),
        ("LPUSHX k x", "6"),
        ("RPUSHX k y z", "8"),
        ("LLEN k", "8"),
        ("LPOP k", "x"),
        ("RPOP k", "z"),
        ("LPOP k 2", "[-1 0]"),
        ("RPOP k 2", "[y c]"),
        ("LPOP k 0", "[]"),
        ("RPOP k 99", "[b a]"),
        ("LLEN k", "0"),
        ("LPOP k", "nil"),
        ("LPOP k 0", "nil"),
        ("LPOP k 1", "nil"),
        ("LPOP k -1", "ERR value is out of range, must be positive"),
        ("LPOP k x", "ERR value is out of range, must be positive"),
        ("LPOP k 1 2", "ERR wrong number of arguments for 'lpop' command"),
        ("RPOP k 1 2", "ERR wrong number of arguments for 'rpop' command"),
        ("RPUSH k", "ERR wrong number of arguments for 'rpush' command"),
    ]);
    assert_eq!(
        bench.logged(),
        [
            "RPUSH k b c",
            "LPUSH k a 0 -1",
            "LPUSHX k x",
            "RPUSHX k y z",
            "LPOP k",
            "RPOP k",
            "LPOP k 2",
            "RPOP k 2",
            "RPOP k 99"
        ]
    );
}

#[test]
fn indexes_and_ranges() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("RPUSH k a b c d", "4"),
        ("LINDEX k 0", "a"),
        ("LINDEX k -1", "d"),
        ("LINDEX k -4", "a"),
        ("LINDEX k -5", "nil"),
        ("LINDEX k 4", "nil"),
        ("LINDEX k -9223372036854775808", "nil"),
        ("LINDEX none x", "nil"),
        ("LINDEX k x", "ERR value is not an integer or out of range"),
        ("LRANGE k 1 -2", "[b c]"),
        ("LRANGE k -100 100", "[a b c d]"),
        ("LRANGE k 2 1", "[]"),
        ("LRANGE k 4 9", "[]"),
        ("LRANGE k -3 -9", "[]"),
        ("LRANGE k -9223372036854775808 9223372036854775807", "[a b c d]"),
        ("LRANGE none 0 -1", "[]"),
        ("LRANGE none x 1", "ERR value is not an integer or out of range"),
        ("LSET k 1 B", "OK"),
        ("LSET k -1 D", "OK"),
        ("LSET k 4 x", "ERR index out of range"),
        ("LSET k -5 x", "ERR index out of range"),
        ("LSET none x x", "ERR no such key"),
        ("LSET k x x", "ERR value is not an integer or out of range"),
        ("LTRIM k 1 -1", "OK"),
        ("LRANGE k 0 -1", "[B c D]"),
        ("LTRIM k 0 99", "OK"),
        ("LTRIM none 0 0", "OK"),
        ("LTRIM k x 0", "ERR value is not an integer or out of range"),
        ("LTRIM k 5 1", "OK"),
        ("LLEN k", "0"),
    ]);
    assert_eq!(
        bench.logged(),
        ["RPUSH k a b c d", "LSET k 1 B", "LSET k -1 D", "LTRIM k 1 -1", "LTRIM k 5 1"]
    );
}

#[test]
fn elements_found_by_value() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("RPUSH k a 1 b 1 c 1 d", "7"),
        ("LPOS k 1", "1"),
        ("LPOS k 1 RANK 2", "3"),
        ("LPOS k 1 RANK -1", "5"),
        ("LPOS k 1 COUNT 0", "[1 3 5]"),
        ("LPOS k 1 COUNT 2 RANK -2", "[3 1]"),
        ("LPOS k 1 COUNT 0 MAXLEN 4", "[1 3]"),
        ("LPOS k 1 MAXLEN 1", "nil"),
        ("LPOS k 1 RANK -1 MAXLEN 1", "nil"),
        ("LPOS k 1 RANK 4", "nil"),
        ("LPOS k x COUNT 1", "[]"),
        ("LPOS none 1", "nil"),
        ("LPOS none 1 COUNT 0", "[]"),
        (
            "LPOS k 1 RANK 0",
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to \
             start from the end of the list",
        ),
        ("LPOS k 1 RANK x", "ERR value is not an integer or out of range"),
        (
            "LPOS k 1 RANK -9223372036854775808",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("LPOS k 1 COUNT -1", "ERR COUNT can't be negative"),
        ("LPOS k 1 MAXLEN x", "ERR MAXLEN can't be negative"),
        ("LPOS k 1 COUNT", "ERR syntax error"),
        ("LPOS k 1 TIMES 1", "ERR syntax error"),
        ("LINSERT k BEFORE 1 x", "8"),
        ("LINSERT k after d y", "9"),
        ("LINSERT k AFTER nowhere y", "-1"),
        ("LINSERT none AFTER a y", "0"),
        ("LINSERT k BESIDE a y", "ERR syntax error"),
        ("LREM k -1 1", "1"),
        ("LRANGE k 0 -1", "[a x 1 b 1 c d y]"),
        ("LREM k 1 1", "1"),
        ("LREM k 0 1", "1"),
        ("LREM k 0 1", "0"),
        ("LREM none 1 1", "0"),
        ("LREM k x 1", "ERR value is not an integer or out of range"),
        (
            "LREM k -9223372036854775808 a",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("LRANGE k 0 -1", "[a x b c d y]"),
    ]);
    assert_eq!(
        bench.logged(),
        [
            "RPUSH k a 1 b 1 c 1 d",
            "LINSERT k BEFORE 1 x",
            "LINSERT k after d y",
            "LREM k -1 1",
            "LREM k 1 1",
            "LREM k 0 1"
        ]
    );
}

#[test]
fn from_list_to_list() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("RPUSH a 1 2 3", "3"),
        ("LMOVE a b LEFT RIGHT", "1"),
        ("LMOVE a b right left", "3"),
        ("RPOPLPUSH a b", "2"),
        ("LLEN a", "0"),
        ("LRANGE b 0 -1", "[2 3 1]"),
        ("LMOVE b b LEFT RIGHT", "2"),
        ("RPOPLPUSH b b", "2"),
        ("LRANGE b 0 -1", "[2 3 1]"),
        ("LMOVE a b LEFT LEFT", "nil"),
        ("RPOPLPUSH a b", "nil"),
        ("LMOVE a b UP LEFT", "ERR syntax error"),
        ("LMOVE a b LEFT UP", "ERR syntax error"),
        ("RPUSH one x", "1"),
        ("LMOVE one one LEFT LEFT", "x"),
        ("LRANGE one 0 -1", "[x]"),
        ("LMPOP 2 none b LEFT", "[b [2]]"),
        ("LMPOP 1 b RIGHT COUNT 9", "[b [1 3]]"),
        ("LMPOP 1 b RIGHT COUNT 9", "nil"),
        ("LMPOP 0 b LEFT", "ERR numkeys should be greater than 0"),
        ("LMPOP x b LEFT", "ERR numkeys should be greater than 0"),
        ("LMPOP 2 b LEFT", "ERR syntax error"),
        ("LMPOP 9223372036854775807 b LEFT", "ERR syntax error"),
        ("LMPOP 1 b UP", "ERR syntax error"),
        ("LMPOP 1 b LEFT COUNT 0", "ERR count should be greater than 0"),
        ("LMPOP 1 b LEFT COUNT", "ERR syntax error"),
        ("LMPOP 1 b LEFT COUNT 1 COUNT 2", "ERR syntax error"),
        ("LMPOP 1 b LEFT TIMES 2", "ERR syntax error"),
    ]);
    assert_eq!(
        bench.logged(),
        [
            "RPUSH a 1 2 3",
            "LMOVE a b LEFT RIGHT",
            "LMOVE a b right left",
            "RPOPLPUSH a b",
            "LMOVE b b LEFT RIGHT",
            "RPOPLPUSH b b",
            "RPUSH one x",
            "LMOVE one one LEFT LEFT",
            "LPOP b 1",
            "RPOP b 2"
        ]
    );
}

#[test]
fn other_types_are_refused_before_anything_changes() {
    const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let mut bench = Bench::new(&[]);
    bench.lock("str").set_string(0, b"str", b"v", crate::keyspace::Expiry::Clear);
    bench.run("RPUSH k a b");
    bench.logged();
    for line in [
        "LPUSH str a",
        "RPUSHX str a",
        "LPOP str",
        "LPOP str 0",
        "LLEN str",
        "LRANGE str 0 1",
        "LINDEX str x",
        "LSET str x y",
        "LINSERT str BEFORE a b",
        "LREM str 0 a",
        "LTRIM str 0 1",
        "LPOS str a",
        "LMOVE str k LEFT LEFT",
        "LMOVE k str LEFT LEFT",
        "RPOPLPUSH k str",
        "LMPOP 2 none str LEFT",
    ] {
        assert_eq!(bench.run(line), WRONG, "{line}");
    }
    bench.expect(&[("LRANGE k 0 -1", "[a b]"), ("LMOVE none str LEFT LEFT", "nil")]);
    assert_eq!(bench.logged(), [""; 0]);
}

#[test]
fn a_list_that_is_due_is_gone_and_said_so() {
    for line in ["LPOP k", "LMPOP 1 k LEFT", "RPOPLPUSH k other", "LPUSHX k a", "LREM k 0 a", "LSET k 0 x"] {
        let mut bench = Bench::new(&[]);
        bench.run("RPUSH k a b");
        bench.lock("k").set_expiry(0, b"k", Some(1_000_500));
        bench.logged();
        bench.advance(1_000);
        bench.expect(&[("LLEN k", "0"), ("LRANGE k 0 -1", "[]")]);
        assert!(bench.logged().is_empty(), "a read hides the key and logs nothing");
        let reply = bench.run(line);
        assert!(["nil", "0", "ERR no such key"].contains(&&*reply), "{line}: {reply}");
        assert_eq!(bench.logged(), ["DEL k"], "{line}");
    }
}

#[test]
fn the_form_follows_the_directive() {
    let mut bench = Bench::new(&[("list-max-listpack-size", "4")]);
    for (line, encoding) in [
        ("RPUSH k a b c d", "listpack"),
        ("LINSERT k BEFORE nowhere x", "quicklist"),
        ("LPOP k", "quicklist"),
        ("LPOP k", "listpack"),
        ("RPUSH k e f g", "quicklist"),
        ("LTRIM k 0 1", "listpack"),
        ("RPUSH k e f g", "quicklist"),
        ("LMOVE k k LEFT RIGHT", "quicklist"),
        ("LREM k 0 x", "quicklist"),
        ("RPOP k 3", "listpack"),
    ] {
        bench.run(line);
        assert_eq!(bench.encoding("k"), encoding, "after {line}");
    }
}
