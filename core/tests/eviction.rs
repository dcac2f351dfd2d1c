//! Eviction as a user sees it: the limit is kept after every write, the policies choose as they say, what goes is
//! logged, counted and saved, and what may not go makes room by refusing.

use std::collections::HashMap;

use persistkv::{Client, ErrorKind, Reply, Store};
use proptest::prelude::*;

fn info(client: &mut Client, field: &str) -> i64 {
    let (Reply::Verbatim(_, text) | Reply::Bulk(text)) = client.execute(&["INFO", "everything"]).unwrap()
    else {
        panic!("INFO is a text")
    };
    let text = String::from_utf8(text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap_or_else(|| panic!("{field} is in INFO")).parse().unwrap()
}

fn int(client: &mut Client, words: &str) -> i64 {
    match run(client, words) {
        Reply::Int(n) => n,
        other => panic!("{words}: {other:?}"),
    }
}

fn run(client: &mut Client, words: &str) -> Reply {
    client.execute(&words.split(' ').collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{words}: {e}"))
}

fn memory(directives: &[(&str, &str)]) -> Client {
    Store::memory_with(directives).unwrap().client()
}

/// Keys `0..n` with values of 100 bytes; those divisible by three with an expiry.
fn fill(client: &mut Client, n: usize) {
    let value = "v".repeat(100);
    for i in 0..n {
        let key = format!("key:{i}");
        let far = (1_000_000 + i).to_string();
        if i % 3 == 0 {
            client.execute(&["SET", &key, &value, "EX", &far]).unwrap();
        } else {
            client.execute(&["SET", &key, &value]).unwrap();
        }
    }
}

#[test]
fn without_eviction_what_needs_memory_is_refused_and_the_rest_is_not() {
    let mut client = memory(&[]);
    fill(&mut client, 100);
    let used = info(&mut client, "used_memory").to_string();
    run(&mut client, &format!("CONFIG SET maxmemory {used}"));
    run(&mut client, "SET one more");
    let error = client.execute(&["SET", "another", "one"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert_eq!(error.message(), "OOM command not allowed when used memory > 'maxmemory'.");
    assert!(client.execute(&["RPUSH", "l", "a"]).is_err());
    // What reads, and what makes room, goes on.
    assert_eq!(int(&mut client, "EXISTS one"), 1);
    run(&mut client, "EXPIRE one 1000");
    assert_eq!(int(&mut client, "DEL one key:1 key:2"), 3);
    run(&mut client, "SET one more");
    assert_eq!(info(&mut client, "evicted_keys"), 0);
}

#[test]
fn used_memory_falls_back_to_that_of_an_empty_store() {
    let mut client = memory(&[("maxmemory", "1gb")]);
    let empty = info(&mut client, "used_memory");
    fill(&mut client, 500);
    for i in 0..300 {
        run(&mut client, &format!("RPUSH list {i} {i} {i}"));
        run(&mut client, &format!("ZADD zset {i} m{i}"));
        run(&mut client, &format!("HSET hash f{i} {}", "x".repeat(i)));
        run(&mut client, &format!("SADD set {i} m{i}"));
    }
    assert!(info(&mut client, "used_memory") > 100_000);
    run(&mut client, "FLUSHALL");
    assert_eq!(info(&mut client, "used_memory"), empty);
}

#[test]
fn a_lower_limit_is_met_at_once() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        let mut client = memory(&[("maxmemory-policy", policy)]);
        fill(&mut client, 2000);
        run(&mut client, "CONFIG SET maxmemory 100kb");
        assert!(info(&mut client, "used_memory") <= 100 << 10, "{policy}");
        let gone = info(&mut client, "evicted_keys");
        assert_eq!(gone + int(&mut client, "DBSIZE"), 2000, "{policy}");
        run(&mut client, "CONFIG RESETSTAT");
        assert_eq!(info(&mut client, "evicted_keys"), 0);
    }
}

#[test]
fn volatile_policies_take_only_keys_that_expire() {
    for policy in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        let mut client = memory(&[("maxmemory-policy", policy)]);
        fill(&mut client, 999);
        run(&mut client, "CONFIG SET maxmemory 1");
        assert_eq!(info(&mut client, "evicted_keys"), 333, "{policy}");
        assert_eq!(int(&mut client, "DBSIZE"), 666, "{policy}");
        assert!(client.execute(&["SET", "x", "y"]).is_err());
    }
}

#[test]
fn few_expiring_keys_among_many_are_found_also_in_other_databases() {
    let mut client = memory(&[("maxmemory-policy", "volatile-lru")]);
    for i in 0..20_000 {
        run(&mut client, &format!("SET key:{i} v"));
    }
    run(&mut client, "SELECT 7");
    run(&mut client, "SET a 1 EX 1000000");
    run(&mut client, "SET b 1 EX 1000000");
    run(&mut client, "PERSIST b");
    run(&mut client, "CONFIG SET maxmemory 1");
    assert_eq!(info(&mut client, "evicted_keys"), 1);
    assert_eq!((int(&mut client, "EXISTS a"), int(&mut client, "EXISTS b")), (0, 1));
}

/// The shares of keys that are left of two groups of a thousand: those that were read lately (or often), and the others.
fn survivors(policy: &str, prepare: &dyn Fn(&mut Client)) -> (usize, usize) {
    let directives = [("maxmemory-policy", policy), ("maxmemory-samples", "10"), ("lfu-log-factor", "0")];
    let mut client = memory(&directives);
    let value = "v".repeat(100);
    for i in 0..2000 {
        client.execute(&["SET", &format!("key:{i}"), &value, "EX", &(10_000 + i * 10).to_string()]).unwrap();
    }
    prepare(&mut client);
    let half = info(&mut client, "used_memory") / 2;
    run(&mut client, &format!("CONFIG SET maxmemory {half}"));
    let mut left = |range: std::ops::Range<i32>| {
        range.filter(|i| int(&mut client, &format!("EXISTS key:{i}")) == 1).count()
    };
    (left(0..1000), left(1000..2000))
}

#[test]
fn keys_used_often_stay_under_lfu() {
    let (hot, cold) = survivors("allkeys-lfu", &|client| {
        for i in 0..1000 {
            for _ in 0..3 {
                run(client, &format!("GET key:{i}"));
            }
        }
    });
    assert!(hot > 700 && cold < hot / 5, "{hot} and {cold}");
}

#[test]
fn keys_used_lately_stay_under_lru() {
    let (hot, cold) = survivors("allkeys-lru", &|client| {
        for i in 1000..2000 {
            let Reply::Bulk(payload) = run(client, &format!("DUMP key:{i}")) else { panic!("a payload") };
            let key = format!("key:{i}");
            let restore = [&b"RESTORE"[..], key.as_bytes(), b"0", &payload, b"REPLACE", b"IDLETIME", b"5000"];
            client.execute(&restore).unwrap();
        }
    });
    assert!(hot > 700 && cold < hot / 5, "{hot} and {cold}");
}

#[test]
fn keys_with_the_shortest_time_to_live_go_first() {
    let (soon, late) = survivors("volatile-ttl", &|_| {});
    assert!(soon < 200 && late > 600, "{soon} and {late}");
}

#[test]
fn what_was_evicted_stays_away_after_a_restart_and_is_missing_from_no_snapshot() {
    let dir = std::env::temp_dir().join(format!("pkv-evict-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let on = [("appendonly", "yes"), ("save", ""), ("maxmemory-policy", "allkeys-random")];
    let kept: Vec<_> = {
        let store = Store::open(&dir, &on).unwrap();
        let mut client = store.client();
        fill(&mut client, 3000);
        run(&mut client, "BGSAVE");
        run(&mut client, "CONFIG SET maxmemory 100kb");
        let kept = keys(&mut client);
        assert!(kept.len() < 1500, "{}", kept.len());
        store.close().unwrap();
        kept
    };
    {
        let store = Store::open(&dir, &on).unwrap();
        assert_eq!(keys(&mut store.client()), kept, "the log says what was evicted");
        store.close().unwrap();
    }
    // The snapshot was cut before anything went, while it was being written or not.
    let store = Store::open(&dir, &[("save", "")]);
    match store {
        Ok(store) => {
            // Closing gives an unfinished BGSAVE up; a finished one has everything.
            let left = keys(&mut store.client()).len();
            assert!(left == 3000, "{left}");
        }
        Err(error) => assert!(error.message().contains("no snapshot"), "{error}"),
    }
    let _ = std::fs::remove_dir_all(&dir);
}

fn keys(client: &mut Client) -> Vec<Vec<u8>> {
    let Reply::Array(found) = run(client, "KEYS *") else { panic!("KEYS is an array") };
    let mut found: Vec<_> = found
        .into_iter()
        .map(|key| match key {
            Reply::Bulk(name) => name,
            other => panic!("{other:?}"),
        })
        .collect();
    found.sort();
    found
}

#[test]
fn what_is_known_of_uses_survives_a_restart() {
    let dir = std::env::temp_dir().join(format!("pkv-uses-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    for (policy, option, ask) in
        [("allkeys-lru", "IDLETIME", "OBJECT IDLETIME k"), ("volatile-lfu", "FREQ", "OBJECT FREQ k")]
    {
        let on = [("save", "100 1"), ("maxmemory-policy", policy), ("lfu-decay-time", "0")];
        {
            let store = Store::open(&dir, &on).unwrap();
            let mut client = store.client();
            run(&mut client, "SET k v");
            let Reply::Bulk(payload) = run(&mut client, "DUMP k") else { panic!("a payload") };
            client
                .execute(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE", option.as_bytes(), b"200"])
                .unwrap();
            store.close().unwrap();
        }
        let store = Store::open(&dir, &on).unwrap();
        let kept = int(&mut store.client(), ask);
        assert!((200..260).contains(&kept), "{ask}: {kept}");
        store.close().unwrap();
    }
    let _ = std::fs::remove_dir_all(&dir);
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8, u8, usize),
    Delete(u8),
    Read(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<u8>(), 0u8..7, 0usize..3000).prop_map(|(key, kind, size)| Step::Write(key, kind, size)),
        1 => any::<u8>().prop_map(Step::Delete),
        2 => any::<u8>().prop_map(Step::Read),
    ];
    proptest::collection::vec(step, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// After a write returns, memory is below the limit as long as something can be evicted; a key that is still there
    /// holds what was written to it last; and what volatile policies must not touch is all there.
    #[test]
    fn the_limit_is_kept(policy in 0usize..7, limit in 25_000i64..90_000, steps in steps()) {
        let policy = persistkv::config::MAXMEMORY_POLICY[policy];
        let volatile = policy.starts_with("volatile");
        let mut client =
            memory(&[("maxmemory-policy", policy), ("maxmemory", &limit.to_string())]);
        let mut model: HashMap<Vec<u8>, (bool, Reply)> = HashMap::new();
        for step in steps {
            match step {
                Step::Write(key, kind, size) => {
                    // A key is of one type for ever, and every other one expires.
                    let name = format!("k{key}:{}", key % 7);
                    let text = "x".repeat(size);
                    let argv: Vec<&str> = match kind.min(key % 7) {
                        1 => vec!["APPEND", &name, "y"],
                        _ if key % 2 == 0 => vec!["SET", &name, &text, "EX", "100000"],
                        _ => vec!["SET", &name, &text],
                    };
                    let done = client.execute(&argv);
                    let used = info(&mut client, "used_memory");
                    let evictable = model.iter().any(|(key, (expires, _))| {
                        (!volatile || *expires)
                            && client.execute(&[&b"EXISTS"[..], key]).unwrap() == Reply::Int(1)
                    });
                    prop_assert!(used <= limit || !evictable, "{} of {}: {:?}", used, limit, argv);
                    if done.is_ok() {
                        let value = client.execute(&["GET", &name]).unwrap();
                        let expires = int(&mut client, &format!("TTL {name}")) > 0;
                        if value == Reply::Null {
                            prop_assert!(!volatile || key % 2 == 0);
                            model.remove(name.as_bytes());
                        } else {
                            model.insert(name.into_bytes(), (expires, value));
                        }
                    }
                }
                Step::Delete(key) => {
                    let name = format!("k{key}:{}", key % 7);
                    client.execute(&["DEL", &name]).unwrap();
                    model.remove(name.as_bytes());
                }
                Step::Read(key) => {
                    client.execute(&["GET", &format!("k{key}:{}", key % 7)]).unwrap();
                }
            }
        }
        for (key, (expires, value)) in model {
            let found = client.execute(&[&b"GET"[..], &key]).unwrap();
            let may_be_gone = !volatile || expires;
            prop_assert!(found == value || (found == Reply::Null && may_be_gone));
        }
    }
}
