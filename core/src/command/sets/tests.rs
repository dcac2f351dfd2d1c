use std::collections::BTreeSet;

use crate::command::testing::Bench;

fn bench() -> Bench {
    Bench::new(&[])
}

/// `SADD key` with the members `prefix` 0, `prefix` 1 …
fn fill(bench: &mut Bench, key: &str, prefix: &str, count: usize) {
    let members: Vec<String> = (0..count).map(|i| format!("{prefix}{i}")).collect();
    assert_eq!(bench.run(&format!("SADD {key} {}", members.join(" "))), count.to_string());
    bench.logged();
}

/// The members an aggregate reply shows.
fn members(shown: &str) -> BTreeSet<String> {
    shown.trim_matches(['[', ']', '{', '}']).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn members_come_and_go() {
    let mut bench = bench();
    bench.expect(&[
        ("SADD s b a b 3", "3"),
        ("SADD s a c", "1"),
        ("SADD s a", "0"),
        ("SMEMBERS s", "[b a 3 c]"),
        ("SCARD s", "4"),
        ("SISMEMBER s 3", "1"),
        ("SISMEMBER s 03", "0"),
        ("SMISMEMBER s z a", "[0 1]"),
        ("SMISMEMBER no z a", "[0 0]"),
        ("SREM s z", "0"),
        ("SREM s a b a", "2"),
        ("SREM s 3 c zz", "2"),
        ("SCARD s", "0"),
        ("SREM s c", "0"),
        ("SMEMBERS s", "[]"),
    ]);
    assert_eq!(bench.logged(), ["SADD s b a b 3", "SADD s a c", "SREM s a b a", "SREM s 3 c zz"]);
    assert_eq!(bench.encoding("s"), "none");
}

#[test]
fn a_member_moves() {
    let mut bench = bench();
    bench.expect(&[
        ("SADD s a 1", "2"),
        ("HSET h f v", "1"),
        ("SMOVE no h a", "0"),
        ("SMOVE s h a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SMOVE h s a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SMOVE s s a", "1"),
        ("SMOVE s s z", "0"),
        ("SMOVE s d z", "0"),
    ]);
    bench.logged();
    bench.expect(&[("SMOVE s d 1", "1"), ("SMOVE s d a", "1"), ("SCARD s", "0"), ("SMEMBERS d", "[1 a]")]);
    assert_eq!(bench.logged(), ["SMOVE s d 1", "SMOVE s d a"]);
}

#[test]
fn what_was_popped_is_logged() {
    let mut bench = bench();
    fill(&mut bench, "s", "m", 3_000);
    let one = bench.run("SPOP s");
    assert_eq!(bench.logged(), [format!("SREM s {one}")]);

    let some = members(&bench.run("SPOP s 1500"));
    let logged = bench.logged();
    assert_eq!(logged.len(), 2, "at most 1024 members in one SREM");
    let named: BTreeSet<String> = logged
        .iter()
        .flat_map(|line| line.strip_prefix("SREM s ").unwrap().split(' '))
        .map(str::to_owned)
        .collect();
    assert!(some.len() == 1_500 && named == some && !some.contains(&one));
    assert_eq!((bench.run("SCARD s").as_str(), bench.encoding("s")), ("1499", "hashtable"));

    // Nearly all: what stays is a new, smaller set. The expiry stays too.
    bench.lock("s").set_expiry(0, b"s", Some(9_999_999));
    let most = members(&bench.run("SPOP s 1489"));
    assert!(most.len() == 1_489 && most.is_disjoint(&some));
    assert_eq!((bench.run("SCARD s").as_str(), bench.encoding("s")), ("10", "listpack"));
    assert_eq!(bench.lock("s").expiry(0, b"s"), Some(Some(9_999_999)));
    let rest = members(&bench.run("SMEMBERS s"));
    assert!(rest.is_disjoint(&most));
    bench.logged();

    assert_eq!(members(&bench.run("SPOP s 11")), rest);
    assert_eq!(bench.logged(), ["DEL s"]);
    bench.expect(&[("SPOP s", "nil"), ("SPOP s 3", "[]")]);
    assert!(bench.logged().is_empty());
    assert!(bench.lock("s").counted_memory_is_right().unwrap());
}

#[test]
fn pops_check_their_count() {
    let mut bench = bench();
    bench.run("SADD s a b c");
    let positive = "ERR value is out of range, must be positive";
    bench.expect(&[
        ("SPOP s 0", "[]"),
        ("SPOP s -1", positive),
        ("SPOP s x", positive),
        ("SPOP s 1 2", "ERR syntax error"),
        ("SCARD s", "3"),
    ]);
}

#[test]
fn random_members() {
    let mut bench = bench();
    bench.run("SADD s a b 3");
    let all = BTreeSet::from(["a", "b", "3"].map(str::to_owned));
    assert!(all.contains(&bench.run("SRANDMEMBER s")));
    assert_eq!(members(&bench.run("SRANDMEMBER s 2")).len(), 2);
    assert_eq!(members(&bench.run("SRANDMEMBER s 99")), all);
    let many = bench.run("SRANDMEMBER s -50");
    assert_eq!(many.split(' ').count(), 50);
    assert_eq!(members(&many), all);
    bench.expect(&[
        ("SRANDMEMBER no", "nil"),
        ("SRANDMEMBER no 2", "[]"),
        ("SRANDMEMBER s 0", "[]"),
        ("SRANDMEMBER s x", "ERR value is not an integer or out of range"),
        ("SRANDMEMBER s 1 2", "ERR syntax error"),
        // Redis would try to answer so many.
        ("SRANDMEMBER s -9223372036854775807", "ERR value is out of range"),
    ]);
}

/// Each way of computing gives what the definition gives, whatever the sizes and forms.
#[test]
fn operations_between_sets_agree_with_their_definition() {
    let mut rng = fastrand::Rng::with_seed(7);
    for round in 0..60 {
        let mut bench = bench();
        let sets: Vec<BTreeSet<String>> = (0..rng.usize(1..if round % 4 == 0 { 14 } else { 5 }))
            .map(|_| {
                let size = [0, 3, 40, 400][rng.usize(..4)];
                let prefix = ["", "m"][rng.usize(..2)];
                (0..size).map(|_| format!("{prefix}{}", rng.usize(..size * 2))).collect()
            })
            .collect();
        let mut keys = String::new();
        for (i, set) in sets.iter().enumerate() {
            keys += &format!(" k{i}");
            if !set.is_empty() {
                let all: Vec<&str> = set.iter().map(String::as_str).collect();
                bench.run(&format!("SADD k{i} {}", all.join(" ")));
            }
        }
        let mut union = sets[0].clone();
        let (mut inter, mut diff) = (union.clone(), union.clone());
        for set in &sets[1..] {
            union = &union | set;
            inter = &inter & set;
            diff = &diff - set;
        }
        for (command, want) in [("SUNION", union), ("SINTER", inter.clone()), ("SDIFF", diff)] {
            let got = bench.run(&format!("{command}{keys}"));
            let parts = got.split_whitespace().filter(|part| *part != "[]").count();
            assert_eq!(members(&got), want, "{command} in round {round}");
            assert_eq!(parts, want.len(), "nothing comes twice");
            assert_eq!(bench.run(&format!("{command}STORE d{keys}")), want.len().to_string());
            assert_eq!(members(&bench.run("SMEMBERS d")), want);
        }
        let card = format!("SINTERCARD {}{keys}", sets.len());
        assert_eq!(bench.run(&card), inter.len().to_string());
        assert_eq!(bench.run(&format!("{card} LIMIT 2")), inter.len().min(2).to_string());
        let itself = format!("SDIFF k0{keys}");
        assert_eq!(bench.run(&itself), "[]");
    }
}

/// What Redis 8.2.3 and Valkey 9.1.2 answer to OBJECT ENCODING.
#[test]
fn stored_sets_get_the_forms_of_redis() {
    let mut bench = bench();
    let mut expect = |line: &str, size: &str, encoding: &str| {
        assert_eq!((bench.run(line).as_str(), bench.encoding("d")), (size, encoding), "{line}");
    };
    let ints = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
    expect(&format!("SADD a {} x", ints(600)), "601", "none");
    expect(&format!("SADD b {} y", ints(600)), "601", "none");
    expect("SINTERSTORE d a b", "600", "hashtable");
    expect(&format!("SADD c {} x", ints(300)), "301", "hashtable");
    expect("SINTERSTORE d b c", "300", "intset");
    expect("SUNIONSTORE d c", "301", "hashtable");
    expect("SREM c x", "1", "hashtable");
    expect("SUNIONSTORE d c", "300", "intset");
    let texts = |n: usize| (0..n).map(|i| format!("m{i}")).collect::<Vec<_>>().join(" ");
    expect(&format!("SADD t {}", texts(200)), "200", "intset");
    expect(&format!("SADD u {}", texts(190)), "190", "intset");
    expect("SDIFFSTORE d t u", "10", "listpack");
    // Many small sets to subtract: Redis takes the whole first set and removes from it.
    let mut small = String::new();
    for i in 0..20 {
        expect(&format!("SADD e{i} m{i}"), "1", "listpack");
        small += &format!(" e{i}");
    }
    expect(&format!("SDIFFSTORE d t{small}"), "180", "hashtable");
    expect("SMOVE a d 5", "1", "hashtable");
}

#[test]
fn storing_is_logged_verbatim_and_an_empty_result_deletes() {
    let mut bench = bench();
    bench.expect(&[("SADD a 1 2", "2"), ("SADD b 2 3", "2"), ("HSET d f v", "1")]);
    bench.lock("d").set_expiry(0, b"d", Some(9_999_999));
    bench.logged();
    bench.expect(&[("SINTERSTORE d a b", "1"), ("SMEMBERS d", "[2]")]);
    assert_eq!(bench.lock("d").expiry(0, b"d"), Some(None));
    bench.expect(&[
        ("SDIFFSTORE d a a", "0"),
        ("SDIFFSTORE d a a", "0"),
        ("SUNIONSTORE d no", "0"),
        ("SUNIONSTORE a a b", "3"),
        ("SDIFFSTORE d a", "3"),
    ]);
    assert_eq!(
        bench.logged(),
        ["SINTERSTORE d a b", "SDIFFSTORE d a a", "SUNIONSTORE a a b", "SDIFFSTORE d a"]
    );
}

#[test]
fn every_key_is_checked_for_its_type() {
    let mut bench = bench();
    bench.expect(&[("SADD s a", "1"), ("HSET h f v", "1")]);
    bench.logged();
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    for command in ["SINTER no h", "SUNION s h", "SDIFF no h", "SINTERCARD 2 no h", "SDIFFSTORE d s h"] {
        bench.expect(&[(command, wrong)]);
    }
    for command in
        ["SADD h a", "SREM h f", "SPOP h", "SPOP h 2", "SMEMBERS h", "SRANDMEMBER h -1", "SSCAN h 0"]
    {
        bench.expect(&[(command, wrong)]);
    }
    assert!(bench.logged().is_empty());
}

#[test]
fn intersections_are_counted_up_to_a_limit() {
    let mut bench = bench();
    bench.run("SADD s a b c");
    bench.expect(&[
        ("SINTERCARD 1 s", "3"),
        ("SINTERCARD 1 s LIMIT 2", "2"),
        ("SINTERCARD 1 s limit 1 LIMIT 0", "3"),
        ("SINTERCARD 2 s no", "0"),
        ("SINTERCARD 0 s", "ERR numkeys should be greater than 0"),
        ("SINTERCARD x s", "ERR numkeys should be greater than 0"),
        ("SINTERCARD 9223372036854775808 s", "ERR numkeys should be greater than 0"),
        ("SINTERCARD 9223372036854775807 s", "ERR Number of keys can't be greater than number of args"),
        ("SINTERCARD 2 s", "ERR Number of keys can't be greater than number of args"),
        ("SINTERCARD 1 s LIMIT -1", "ERR LIMIT can't be negative"),
        ("SINTERCARD 1 s LIMIT x", "ERR LIMIT can't be negative"),
        ("SINTERCARD 1 s LIMIT", "ERR syntax error"),
        ("SINTERCARD 1 s nope 1", "ERR syntax error"),
    ]);
}

#[test]
fn scans_pass_over_everything() {
    let mut bench = bench();
    fill(&mut bench, "s", "m", 1_000);
    let (mut cursor, mut seen, mut calls) = ("0".to_owned(), BTreeSet::new(), 0);
    loop {
        let reply = bench.run(&format!("SSCAN s {cursor} COUNT 20 MATCH m*5"));
        let (next, found) = reply[1..].split_once(' ').unwrap();
        seen.extend(members(found));
        (cursor, calls) = (next.to_owned(), calls + 1);
        if cursor == "0" {
            break;
        }
    }
    assert!(seen.len() == 100 && seen.iter().all(|member| member.ends_with('5')));
    assert!(calls > 20, "{calls}");
    bench.run("SADD small a b 1");
    bench.expect(&[
        ("SSCAN small 0 COUNT 1", "[0 [a b 1]]"),
        ("SSCAN small 77 MATCH [ab]", "[0 [a b]]"),
        ("SSCAN no 0 nonsense", "[0 []]"),
        ("SSCAN no x", "ERR invalid cursor"),
        ("SSCAN small 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN"),
    ]);
}

#[test]
fn shapes_of_resp3() {
    let mut bench = bench();
    bench.run("SADD s a b");
    bench.resp3(true);
    bench.expect(&[
        ("SMEMBERS s", "{a b}"),
        ("SMEMBERS no", "{}"),
        ("SINTER s s", "{a b}"),
        ("SUNION no", "{}"),
        ("SDIFF s no", "{a b}"),
        ("SRANDMEMBER s 5", "[a b]"),
        ("SMISMEMBER s a z", "[1 0]"),
        ("SSCAN s 0", "[0 [a b]]"),
        ("SPOP no 2", "{}"),
        ("SPOP s 2", "{a b}"),
    ]);
}
