//! Expiring fields: what a server's random tests can not show, since there nothing may expire meanwhile.

use crate::command::dispatch;
use crate::command::testing::Bench;
use crate::keyspace::SHARDS;

/// Both forms: a hash of one small field more, and one of a long value.
fn benches() -> [Bench; 2] {
    ["64", "1"].map(|longest| Bench::new(&[("hash-max-listpack-value", longest)]))
}

#[test]
fn a_field_that_is_due_is_not_there() {
    for mut bench in benches() {
        bench.expect(&[
            ("HSET h a 11 b 22 c 33", "3"),
            ("HPEXPIRE h 100 FIELDS 2 a b", "[1 1]"),
            ("HPTTL h FIELDS 1 a", "[100]"),
        ]);
        bench.advance(100);
        bench.expect(&[("HGET h a", "11"), ("HPTTL h FIELDS 1 a", "[0]")]);
        bench.logged();
        bench.advance(1);
        bench.expect(&[
            ("HGET h a", "nil"),
            ("HMGET h a b c", "[nil nil 33]"),
            ("HEXISTS h a", "0"),
            ("HSTRLEN h a", "0"),
            ("HGETALL h", "[c 33]"),
            ("HKEYS h", "[c]"),
            ("HVALS h", "[33]"),
            ("HRANDFIELD h", "c"),
            ("HRANDFIELD h 5", "[c]"),
            ("HRANDFIELD h -2 WITHVALUES", "[c 33 c 33]"),
            ("HSCAN h 0", "[0 [c 33]]"),
            ("HTTL h FIELDS 2 a c", "[-2 -1]"),
            ("HPEXPIRETIME h FIELDS 1 a", "[-2]"),
            // As servers count: it costs nothing, and the field goes with the next tick.
            ("HLEN h", "3"),
        ]);
        assert!(bench.logged().is_empty(), "reads do not write");
        bench.expect(&[("HEXPIRE h 100 FIELDS 2 a c", "[-2 1]"), ("HLEN h", "2")]);
        assert_eq!(bench.logged(), ["HDEL h a", "HPEXPIREAT h 1100101 FIELDS 1 c"]);
        bench.expect(&[("HDEL h b", "0"), ("HGETALL h", "[c 33]")]);
        assert_eq!(bench.logged(), ["HDEL h b"]);
    }
}

/// What a write does to a field that is due must come out when the log is replayed, where nothing is due.
#[test]
fn the_log_says_what_went_before_what_came() {
    for (line, reply, logged) in [
        ("HSET h a 2", "1", &["HDEL h a", "HSET h a 2"][..]),
        ("HSETNX h a 2", "1", &["HDEL h a", "HSETNX h a 2"]),
        ("HINCRBY h a 2", "2", &["HDEL h a", "HINCRBY h a 2"]),
        ("HINCRBYFLOAT h a 2", "2", &["HDEL h a", "HSET h a 2"]),
        ("HDEL h a", "0", &["HDEL h a"]),
        ("HGETDEL h FIELDS 1 a", "[nil]", &["HDEL h a"]),
        ("HGETEX h FIELDS 1 a", "[nil]", &["HDEL h a"]),
        ("HGETEX h PERSIST FIELDS 1 a", "[nil]", &["HDEL h a"]),
        ("HPERSIST h FIELDS 1 a", "[-2]", &["HDEL h a"]),
        ("HSETEX h FNX FIELDS 1 a 3", "1", &["HDEL h a", "HSET h a 3"]),
        ("HSETEX h FXX FIELDS 1 a 3", "0", &["HDEL h a"]),
        ("HSETEX h KEEPTTL FIELDS 1 a 3", "1", &["HDEL h a", "HSETEX h KEEPTTL FIELDS 1 a 3"]),
        ("HSETEX h EX 1 FIELDS 1 a 3", "1", &["HDEL h a", "HSETEX h PXAT 1001002 FIELDS 1 a 3"]),
    ] {
        for alone in [true, false] {
            for mut bench in benches() {
                bench.run("HSET h a 11");
                if !alone {
                    bench.run("HSET h b 22");
                }
                bench.run("HPEXPIRE h 1 FIELDS 1 a");
                bench.advance(2);
                bench.logged();
                bench.expect(&[(line, reply)]);
                assert_eq!(bench.logged(), logged, "{line}");
                let left = if alone { "0" } else { "1" };
                let stays = line.starts_with("HSET") && reply == "1" || line.starts_with("HINCR");
                bench.expect(&[("EXISTS h", if stays { "1" } else { left })]);
                let whole = bench.lock("h").counted_memory_is_right();
                assert!(whole.expect("the keyspace is usable"), "{line}");
            }
        }
    }
}

#[test]
fn effects_are_absolute_and_only_of_what_changed() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("HSET h a 1 b 2 c 3", "3"),
        ("HEXPIRE h 100 NX FIELDS 2 a zz", "[1 -2]"),
        ("HEXPIRE h 200 GT FIELDS 3 a b c", "[1 0 0]"),
        ("HINCRBY h a 4", "5"),
        ("HINCRBYFLOAT h a 1", "6"),
        ("HINCRBYFLOAT h b 1", "3"),
        ("HPERSIST h FIELDS 2 a b", "[1 -1]"),
        ("HGETEX h FIELDS 2 a zz", "[6 nil]"),
        ("HGETEX h EX 100 FIELDS 2 a zz", "[6 nil]"),
        ("HGETEX h PERSIST FIELDS 2 a b", "[6 3]"),
        ("HGETEX h EXAT 1 FIELDS 2 a zz", "[6 nil]"),
        ("HSETEX h FIELDS 1 x 5", "1"),
        ("HSETEX h FXX PX 7 FIELDS 1 x 5", "1"),
        ("HSETEX h FNX PX 7 FIELDS 1 x 5", "0"),
        ("HSETEX h PXAT 1 FIELDS 2 x 8 nn 5", "1"),
        ("HSETEX no PXAT 1 FIELDS 2 x 8 nn 5", "1"),
        ("HGETDEL h FIELDS 2 b zz", "[3 nil]"),
        ("HEXPIRE h 0 FIELDS 2 c c", "[2 -2]"),
        ("EXISTS h no", "0"),
    ]);
    let logged = [
        "HSET h a 1 b 2 c 3",
        "HPEXPIREAT h 1100000 FIELDS 1 a",
        "HPEXPIREAT h 1200000 FIELDS 1 a",
        "HINCRBY h a 4",
        "HSETEX h KEEPTTL FIELDS 1 a 6",
        "HSET h b 3",
        "HPERSIST h FIELDS 2 a b",
        "HPEXPIREAT h 1100000 FIELDS 1 a",
        "HPERSIST h FIELDS 1 a",
        "HDEL h a",
        "HSET h x 5",
        "HSETEX h PXAT 1000007 FIELDS 1 x 5",
        "HDEL h x nn",
        "HDEL h b",
        "HDEL h c",
    ];
    assert_eq!(bench.logged(), logged);
}

#[test]
fn the_tick_deletes_and_logs() {
    for mut bench in benches() {
        for n in 0..300 {
            bench.run(&format!("HSET h f{n} v{n}"));
            bench.run(&format!("HPEXPIRE h {} FIELDS 1 f{n}", 10 + n % 3));
        }
        bench.run("HSET other stays vv");
        bench.logged();
        bench.advance(1_000);
        assert_eq!(bench.run("EXISTS h"), "1");
        let mut fields = 0;
        for index in 0..SHARDS {
            while dispatch::expire_shard(bench.services(), index, 50).expect("it can be logged").0 {}
        }
        for line in bench.logged() {
            let mut words = line.split(' ');
            assert_eq!((words.next(), words.next()), (Some("HDEL"), Some("h")));
            let count = words.count();
            assert!((1..=50).contains(&count));
            fields += count;
        }
        assert_eq!(fields, 300);
        bench.expect(&[("EXISTS h", "0"), ("HGETALL other", "[stays vv]")]);
    }
}

#[test]
fn expiries_go_where_the_hash_goes() {
    for mut bench in benches() {
        bench.expect(&[
            ("HSET h a 11 b 22", "2"),
            ("HPEXPIREAT h 1000100 FIELDS 1 a", "[1]"),
            ("COPY h copy", "1"),
            ("HPEXPIRETIME copy FIELDS 2 a b", "[1000100 -1]"),
            ("RENAME h moved", "OK"),
            ("HPEXPIRETIME moved FIELDS 2 a b", "[1000100 -1]"),
            ("MOVE moved 3", "1"),
            ("SELECT 3", "OK"),
            ("HPEXPIRETIME moved FIELDS 2 a b", "[1000100 -1]"),
            ("HSET moved b 33", "0"),
            ("HPEXPIRETIME moved FIELDS 1 a", "[1000100]"),
            ("HSET moved a 33", "0"),
            ("HPEXPIRETIME moved FIELDS 1 a", "[-1]"),
        ]);
        bench.advance(101);
        bench.expect(&[("HGETALL moved", ""), ("SELECT 0", "OK"), ("HGETALL copy", "[b 22]")]);
    }
}
