use super::super::testing::Bench;

fn bench() -> Bench {
    Bench::new(&[])
}

#[test]
fn identifiers_come_from_the_clock() {
    let mut b = bench();
    b.expect(&[("XADD x * f v", "1000000-0"), ("XADD x * f v", "1000000-1")]);
    b.advance(-500);
    b.expect(&[("XADD x * f v", "1000000-2"), ("XADD x 2000000-* f v", "2000000-0")]);
    b.expect(&[("XADD x 2000000-* f v", "2000000-1"), ("XADD x * f v", "2000000-2")]);
    b.expect(&[("XADD new 0-* f v", "0-1"), ("XADD new 0-0 f v", ZERO)]);
    b.expect(&[("XLEN x", "6"), ("TYPE x", "stream"), ("OBJECT ENCODING x", "stream")]);
    assert_eq!(
        b.logged(),
        [
            "XADD x 1000000-0 f v",
            "XADD x 1000000-1 f v",
            "XADD x 1000000-2 f v",
            "XADD x 2000000-0 f v",
            "XADD x 2000000-1 f v",
            "XADD x 2000000-2 f v",
            "XADD new 0-1 f v",
        ]
    );
}

const ZERO: &str = "ERR The ID specified in XADD must be greater than 0-0";

#[test]
fn the_end_of_all_identifiers() {
    let mut b = bench();
    let exhausted = "ERR The stream has exhausted the last possible ID, unable to add more items";
    let not_above = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    b.expect(&[
        ("XADD x 5-18446744073709551615 f v", "5-18446744073709551615"),
        ("XADD x 5-* f v", not_above),
        ("XADD x 18446744073709551615-18446744073709551615 f v", "18446744073709551615-18446744073709551615"),
        ("XADD x * f v", exhausted),
        ("XADD x 7 f v", exhausted),
        ("XRANGE x (18446744073709551615-18446744073709551615 +", "ERR invalid start ID for the interval"),
        ("XRANGE x - (0-0", "ERR invalid end ID for the interval"),
        ("XREAD STREAMS x 18446744073709551615-18446744073709551615", "nil"),
    ]);
}

/// Trims that depend on the layout in nodes are logged as what they came to.
#[test]
fn approximate_trims_are_logged_exactly() {
    let mut b = Bench::new(&[("stream-node-max-entries", "3")]);
    for n in 1..=10 {
        b.run(&format!("XADD x {n} f v"));
    }
    b.logged();
    b.expect(&[
        ("XTRIM x MAXLEN ~ 5", "3"),
        ("XTRIM x MAXLEN ~ 5", "0"),
        ("XTRIM x MINID ~ 9 LIMIT 3", "3"),
        ("XADD x NOMKSTREAM MAXLEN ~ 1 LIMIT 3 * f v", "1000000-0"),
        ("XADD x MAXLEN = 1 * f v", "1000000-1"),
        ("XTRIM x MAXLEN 0", "1"),
        ("XADD gone NOMKSTREAM * f v", "nil"),
    ]);
    assert_eq!(
        b.logged(),
        [
            "XTRIM x MAXLEN = 7",
            "XTRIM x MINID = 7-0",
            "XADD x NOMKSTREAM MAXLEN = 2 1000000-0 f v",
            "XADD x MAXLEN = 1 1000000-1 f v",
            "XTRIM x MAXLEN 0",
        ]
    );
    b.expect(&[("XLEN x", "0"), ("EXISTS x", "1"), ("EXISTS gone", "0")]);
}

#[test]
fn what_readers_of_a_group_do_is_logged_as_its_outcome() {
    let mut b = bench();
    for n in 1..=4 {
        b.run(&format!("XADD x {n} f v{n}"));
    }
    b.run("XGROUP CREATE x g 0");
    b.logged();
    b.expect(&[
        ("XREADGROUP GROUP g a COUNT 2 STREAMS x >", "[[x [[1-0 [f v1]] [2-0 [f v2]]]]]"),
        ("XREADGROUP GROUP g b NOACK COUNT 1 BLOCK 0 STREAMS x >", "[[x [[3-0 [f v3]]]]]"),
    ]);
    assert_eq!(
        b.logged(),
        [
            "XGROUP CREATECONSUMER x g a",
            "XCLAIM x g a 0 1-0 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
            "XCLAIM x g a 0 2-0 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
            "XGROUP SETID x g 2-0 ENTRIESREAD 2",
            "XGROUP CREATECONSUMER x g b",
            "XGROUP SETID x g 3-0 ENTRIESREAD 3",
        ]
    );
    b.advance(700);
    b.run("XDEL x 1");
    b.logged();
    b.expect(&[
        ("XREADGROUP GROUP g a STREAMS x 0", "[[x [[1-0 nil] [2-0 [f v2]]]]]"),
        ("XREADGROUP GROUP g a STREAMS x 2", "[[x []]]"),
        ("XPENDING x g - + 10", "[[1-0 a 700 1] [2-0 a 0 2]]"),
        ("XCLAIM x g c 500 2", "[]"),
        ("XCLAIM x g c 0 2 1 LASTID 9", "[[2-0 [f v2]]]"),
        ("XCLAIM x g c 0 77", "[]"),
        ("XCLAIM x g c 0 77 LASTID 10", "[]"),
        ("XACK x g 2 3 9", "1"),
    ]);
    assert_eq!(
        b.logged(),
        [
            "XCLAIM x g a 0 2-0 TIME 1000700 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0",
            "XGROUP CREATECONSUMER x g c",
            "XCLAIM x g c 0 2-0 TIME 1000700 RETRYCOUNT 3 FORCE JUSTID LASTID 9-0",
            "XCLAIM x g a 0 1-0 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 9-0",
            "XGROUP SETID x g 10-0 ENTRIESREAD 3",
            "XACK x g 2 3 9",
        ]
    );
}

#[test]
fn claiming_what_was_idle() {
    let mut b = bench();
    b.run("XGROUP CREATE x g 0 MKSTREAM");
    for n in 1..=5 {
        b.run(&format!("XADD x {n} f v"));
        b.advance(100);
        b.run("XREADGROUP GROUP g a STREAMS x >");
    }
    b.expect(&[
        ("XPENDING x g", "[5 1-0 5-0 [[a 5]]]"),
        ("XPENDING x g IDLE 200 - + 10", "[[1-0 a 400 1] [2-0 a 300 1] [3-0 a 200 1]]"),
        ("XPENDING x g IDLE 200 (1 + 1 a", "[[2-0 a 300 1]]"),
        ("XPENDING x g - + 10 nobody", "[]"),
        ("XAUTOCLAIM x g b 200 0 COUNT 2 JUSTID", "[3-0 [1-0 2-0] []]"),
        ("XDEL x 3", "1"),
        ("XAUTOCLAIM x g b 200 3 COUNT 5", "[0-0 [] [3-0]]"),
        ("XAUTOCLAIM x g b 0 4 COUNT 1", "[5-0 [[4-0 [f v]]] []]"),
        ("XPENDING x g - + 10", "[[1-0 b 0 1] [2-0 b 0 1] [4-0 b 0 2] [5-0 a 0 1]]"),
        ("XCLAIM x g c 0 1 IDLE 50 RETRYCOUNT 9 JUSTID", "[1-0]"),
        ("XCLAIM x g c 0 2 TIME 99999999 JUSTID", "[2-0]"),
        ("XPENDING x g - + 10 c", "[[1-0 c 50 9] [2-0 c 0 1]]"),
        ("XGROUP DELCONSUMER x g c", "2"),
        ("XPENDING x g", "[2 4-0 5-0 [[a 1] [b 1]]]"),
    ]);
    b.advance(30);
    b.expect(&[(
        "XINFO CONSUMERS x g",
        "[[name a pending 1 idle 30 inactive 30] [name b pending 1 idle 30 inactive 30]]",
    )]);
}

/// Nobody waits: as in a transaction.
#[test]
fn redis_8_2_and_references() {
    let mut b = bench();
    for n in 1..=6 {
        b.run(&format!("XADD x {n} f v"));
    }
    b.expect(&[("XGROUP CREATE x g 0", "OK"), ("XGROUP CREATE x h 0", "OK")]);
    b.run("XREADGROUP GROUP g a COUNT 4 STREAMS x >");
    b.run("XREADGROUP GROUP h a COUNT 3 STREAMS x >");
    b.logged();
    b.expect(&[
        ("XDELEX x ACKED IDS 2 1 5", "[2 2]"),
        ("XACKDEL x g ACKED IDS 2 1 5", "[2 -1]"),
        ("XACKDEL x h ACKED IDS 1 1", "[1]"),
        ("XDELEX x DELREF IDS 2 2 99", "[1 -1]"),
        ("XPENDING x h", "[1 3-0 3-0 [[a 1]]]"),
        ("XACKDEL x g IDS 1 3", "[1]"),
        ("XPENDING x h", "[1 3-0 3-0 [[a 1]]]"),
        ("XTRIM x MAXLEN ~ 1 DELREF", "0"),
        ("XTRIM x MAXLEN 1 ACKED", "0"),
        ("XTRIM x MAXLEN 1 DELREF", "2"),
        ("XPENDING x g", "[0 nil nil nil]"),
        ("XRANGE x - +", "[[6-0 [f v]]]"),
    ]);
    assert_eq!(
        b.logged(),
        [
            "XACKDEL x g ACKED IDS 2 1 5",
            "XACKDEL x h ACKED IDS 1 1",
            "XDELEX x DELREF IDS 2 2 99",
            "XACKDEL x g IDS 1 3",
            "XTRIM x MAXLEN 1 DELREF",
        ]
    );
}

#[test]
fn memory_is_counted() {
    let mut b = bench();
    let right = |b: &Bench| {
        assert!(b.lock("x").counted_memory_is_right().expect("the keyspace is usable"));
        b.lock("x").memory_of(0, b"x").unwrap_or(0)
    };
    for n in 0..500 {
        b.run(&format!("XADD x * field value-{n}"));
    }
    let entries = right(&b);
    assert!((500 * 8..500 * 60).contains(&entries), "{entries}");
    b.run("XGROUP CREATE x g 0");
    b.run("XREADGROUP GROUP g someone STREAMS x >");
    let pending = right(&b);
    assert!(pending > entries + 500 * 50, "{pending}");
    b.run("XGROUP DELCONSUMER x g someone");
    b.run("XGROUP DESTROY x g");
    b.run("XTRIM x MAXLEN 0");
    let empty = right(&b);
    assert!(empty < 1000, "{empty}");
}
