//! What the comparison with real servers, which has one connection, does not see: other sessions, the log, threads.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::testing::Bench;
use crate::{Client, Reply, Store};

fn run(client: &mut Client, line: &str) -> Reply {
    let argv: Vec<&str> = line.split_whitespace().collect();
    client.execute(&argv).unwrap_or_else(|error| Reply::Error(error.message().to_owned()))
}

fn int(reply: Reply) -> i64 {
    match reply {
        Reply::Int(n) => n,
        Reply::Bulk(text) => String::from_utf8_lossy(&text).parse().expect("a number"),
        other => panic!("{other:?} is no number"),
    }
}

#[test]
fn a_transaction_is_logged_when_it_runs() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("MULTI", "OK"),
        ("SET a 1", "QUEUED"),
        ("INCRBY a x", "QUEUED"),
        ("SELECT 2", "QUEUED"),
        ("EXPIRE a 10", "QUEUED"),
        ("SET b 1 PX 5000", "QUEUED"),
    ]);
    assert!(bench.logged().is_empty(), "nothing has run yet");
    bench.run("EXEC");
    assert_eq!(bench.logged(), ["SET a 1", "SET b 1 PXAT 1005000"]);
}

#[test]
fn only_a_change_by_anybody_makes_exec_refuse() {
    let store = Store::memory().unwrap();
    let (mut a, mut b) = (store.client(), store.client());
    let refused = [
        ("SET k 1", "SET k 2"),
        ("SET k 1", "DEL k"),
        ("", "SET k 1"),
        ("SADD k x", "SREM k x"),
        ("SET k 1", "FLUSHDB"),
        ("SET k 1", "EXPIRE k 100"),
        ("SET k 1", "RENAME k other"),
        ("SET k 1", "MOVE k 5"),
        ("SET k 1", "SWAPDB 0 1"),
    ];
    let allowed = [
        ("SADD k x", "SREM k y"),
        ("SADD k x", "SADD k x"),
        ("SET k 1", "GET k"),
        ("SET k 1", "SETNX k 2"),
        ("", "DEL k"),
        ("SET other 1", "DEL k other"),
        ("", "FLUSHDB"),
        ("SET k 1", "SET other 2"),
    ];
    for (cases, expected) in
        [(&refused[..], Reply::Null), (&allowed[..], Reply::Array(vec![Reply::Simple("PONG".into())]))]
    {
        for (before, change) in cases {
            run(&mut a, "FLUSHALL");
            if !before.is_empty() {
                run(&mut a, before);
            }
            run(&mut a, "WATCH k");
            run(&mut b, change);
            run(&mut a, "MULTI");
            run(&mut a, "PING");
            assert_eq!(run(&mut a, "EXEC"), expected, "{before:?}, then {change:?}");
        }
    }
    // The watch ended with each EXEC.
    run(&mut b, "SET k 9");
    run(&mut a, "MULTI");
    assert_eq!(run(&mut a, "EXEC"), Reply::Array(vec![]));
}

#[test]
fn a_watch_ends_with_unwatch_discard_a_refused_exec_and_its_client() {
    let store = Store::memory().unwrap();
    let mut other = store.client();
    for end in ["UNWATCH", "MULTI DISCARD", "MULTI NOSUCH EXEC", ""] {
        let mut client = store.client();
        run(&mut client, "WATCH k");
        for word in end.split_whitespace() {
            run(&mut client, word);
        }
        if end.is_empty() {
            drop(client);
            client = store.client();
        }
        run(&mut other, "INCR k");
        run(&mut client, "MULTI");
        assert_eq!(run(&mut client, "EXEC"), Reply::Array(vec![]), "after {end:?}");
    }
}

#[test]
fn what_looks_at_the_whole_store_runs_in_a_transaction() {
    let store = Store::memory_with(&[("enable-debug-command", "yes")]).unwrap();
    let mut client = store.client();
    for line in ["SAVE", "WATCH k"] {
        run(&mut client, "MULTI");
        assert!(matches!(run(&mut client, line), Reply::Error(_)), "{line}");
        run(&mut client, "DISCARD");
    }
    run(&mut client, "MULTI");
    for line in [
        "SET a 1",
        "INFO everything",
        "MEMORY STATS",
        "MEMORY DOCTOR",
        "DEBUG DIGEST",
        "CONFIG SET maxmemory 1gb maxmemory-policy allkeys-lfu",
        "CONFIG SET appendonly yes",
        "DEBUG RELOAD",
    ] {
        assert_eq!(run(&mut client, line), Reply::Simple("QUEUED".into()), "{line}");
    }
    let Reply::Array(replies) = run(&mut client, "EXEC") else { panic!("EXEC answers an array") };
    let (Reply::Bulk(info) | Reply::Verbatim(_, info)) = &replies[1] else { panic!("{:?}", replies[1]) };
    assert!(String::from_utf8_lossy(info).contains("db0:keys=1,"), "it sees what the transaction did");
    assert!(matches!(replies[2], Reply::Map(_) | Reply::Array(_)) && !matches!(replies[3], Reply::Error(_)));
    assert_eq!(Some(&replies[4]), Some(&run(&mut client, "DEBUG DIGEST")));
    assert_eq!(replies[5], Reply::Simple("OK".into()));
    assert!(matches!(&replies[6], Reply::Error(error) if error.contains("CONFIG SET failed")));
    assert!(matches!(&replies[7], Reply::Error(error) if error.contains("inside of a transaction")));
    let Reply::Array(pair) = run(&mut client, "CONFIG GET maxmemory") else { panic!("a pair") };
    assert_eq!(pair[1], Reply::Bulk(b"1073741824".to_vec()));
    // What is too much for the new limit goes when the transaction is over.
    run(&mut client, "MULTI");
    run(&mut client, "CONFIG SET maxmemory 1");
    run(&mut client, "DBSIZE");
    assert_eq!(run(&mut client, "EXEC"), Reply::Array(vec![Reply::Simple("OK".into()), Reply::Int(1)]));
    assert_eq!(run(&mut client, "DBSIZE"), Reply::Int(0));
    run(&mut client, "CONFIG SET maxmemory 0");
    // Over the whole keyspace, within the transaction's view of it.
    run(&mut client, "MULTI");
    for line in ["SET k 1", "DBSIZE", "KEYS *", "SCAN 0", "RANDOMKEY", "FLUSHALL", "DBSIZE"] {
        assert_eq!(run(&mut client, line), Reply::Simple("QUEUED".into()), "{line}");
    }
    let Reply::Array(replies) = run(&mut client, "EXEC") else { panic!("EXEC answers an array") };
    assert_eq!((replies[1].clone(), replies[6].clone()), (Reply::Int(1), Reply::Int(0)));
}

/// Transfers between accounts in many shards, some by check-and-set: no reader ever sees a wrong sum.
#[test]
fn transfers_are_atomic_across_shards() {
    const ACCOUNTS: u32 = 20;
    let store = Store::memory().unwrap();
    let mut client = store.client();
    for n in 0..ACCOUNTS {
        run(&mut client, &format!("SET account:{n} 100"));
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|seed| {
                let mut client = store.client();
                scope.spawn(move || {
                    let mut rng = fastrand::Rng::with_seed(seed);
                    for _ in 0..2_000 {
                        let (a, b, n) = (rng.u32(..ACCOUNTS), rng.u32(..ACCOUNTS), rng.i64(1..10));
                        if rng.bool() {
                            run(&mut client, "MULTI");
                            run(&mut client, &format!("DECRBY account:{a} {n}"));
                            run(&mut client, &format!("INCRBY account:{b} {n}"));
                            run(&mut client, "EXEC");
                        } else if a != b {
                            run(&mut client, &format!("WATCH account:{a} account:{b}"));
                            let (from, to) = (
                                int(run(&mut client, &format!("GET account:{a}"))),
                                int(run(&mut client, &format!("GET account:{b}"))),
                            );
                            run(&mut client, "MULTI");
                            run(&mut client, &format!("SET account:{a} {}", from - n));
                            run(&mut client, &format!("SET account:{b} {}", to + n));
                            run(&mut client, "EXEC");
                        }
                    }
                })
            })
            .collect();
        let all: Vec<String> =
            std::iter::once("MGET".to_owned()).chain((0..ACCOUNTS).map(|n| format!("account:{n}"))).collect();
        let mut reader = store.client();
        let done = &done;
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let Ok(Reply::Array(values)) = reader.execute(&all) else { panic!("MGET answers an array") };
                assert_eq!(values.into_iter().map(int).sum::<i64>(), i64::from(ACCOUNTS) * 100);
            }
        });
        let results: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
}
