//! The whole store on the simulated disk: power cuts and kills during snapshots, writes and rewrites, and a fault injected
//! at every call in turn. What was acknowledged must be there in the measure that `docs/durability.md` promises, and a
//! snapshot must be one whole old or new data set.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use persistkv::fs::FileSystem;
use persistkv::fs::sim::crash::Replayer;
use persistkv::fs::sim::{Fault, Op, SimFs};
use persistkv::{Client, Reply, Result, Store};

type Directives = [(&'static str, &'static str)];

fn open(fs: &SimFs, dir: &str, directives: &Directives) -> Result<Store> {
    Store::open_on(Arc::new(fs.clone()), Path::new(dir), directives)
}

fn disk(dir: &str) -> SimFs {
    let fs = SimFs::new();
    fs.create_dir_all(dir.as_ref()).unwrap();
    fs
}

fn must(client: &mut Client, argv: &[&str]) -> Reply {
    client.execute(argv).unwrap_or_else(|error| panic!("{argv:?}: {error}"))
}

fn wait(client: &mut Client, field: &str) {
    while !info(client).contains(field) {
        std::thread::yield_now();
    }
}

fn info(client: &mut Client) -> String {
    match must(client, &["INFO", "persistence"]) {
        Reply::Bulk(text) => String::from_utf8(text).unwrap(),
        other => panic!("INFO answered {other:?}"),
    }
}

fn number(client: &mut Client, argv: &[&str]) -> u64 {
    match must(client, argv) {
        Reply::Int(n) => n as u64,
        Reply::Bulk(text) => String::from_utf8(text).unwrap().parse().unwrap(),
        Reply::Null => 0,
        other => panic!("{argv:?} answered {other:?}"),
    }
}

fn digest(fs: &SimFs) -> u64 {
    let mut hasher = DefaultHasher::new();
    fs.files().hash(&mut hasher);
    hasher.finish()
}

/// Every disk that may be found after a power cut at any operation; `check` is told the last mark before it.
fn power_cuts(fs: &SimFs, per_cut: usize, mut check: impl FnMut(&SimFs, u64)) -> usize {
    let mut replayer = Replayer::new(fs.boot_id());
    let mut random = fastrand::Rng::with_seed(11);
    let mut seen = HashSet::new();
    let mut mark = 0;
    for op in fs.ops() {
        replayer.step(&op);
        if let Op::Mark(n) = op {
            mark = n;
        }
        for _ in 0..per_cut {
            let found = replayer.after_power_cut(&mut random);
            if seen.insert((digest(&found), mark)) {
                check(&found, mark);
            }
        }
    }
    seen.len()
}

// Without compression a snapshot spans many pages, each of which may be lost.
const SNAPSHOT: &Directives = &[("save", ""), ("appendonly", "no"), ("rdbcompression", "no")];

/// Round r: r strings, a list and a big hash, all saying r.
fn write_round(client: &mut Client, round: u64) {
    let text = round.to_string();
    for n in 0..40 {
        must(client, &["SET", &format!("k{n}"), &text]);
    }
    must(client, &["SET", "pages", &text.repeat(30_000)]);
    must(client, &["DEL", "list"]);
    must(client, &["RPUSH", "list", &text, &text]);
    for n in 0..200 {
        must(client, &["HSET", "hash", &format!("f{n}"), &text]);
    }
}

/// The round a store holds, insisting that all of it is of that one.
fn round_of(client: &mut Client) -> u64 {
    let round = number(client, &["GET", "k0"]);
    if round == 0 {
        assert_eq!(number(client, &["DBSIZE"]), 0);
        return 0;
    }
    let text = round.to_string();
    for n in 1..40 {
        assert_eq!(number(client, &["GET", &format!("k{n}")]), round);
    }
    assert_eq!(must(client, &["GET", "pages"]), Reply::Bulk(text.repeat(30_000).into_bytes()));
    let twice = Reply::Array(vec![Reply::Bulk(text.clone().into_bytes()), Reply::Bulk(text.into_bytes())]);
    assert_eq!(must(client, &["LRANGE", "list", "0", "-1"]), twice);
    for n in 0..200 {
        assert_eq!(number(client, &["HGET", "hash", &format!("f{n}")]), round);
    }
    round
}

#[test]
fn a_power_cut_during_a_snapshot_leaves_the_old_or_the_new_one() {
    let fs = disk("/snapshot");
    let store = open(&fs, "/snapshot", SNAPSHOT).unwrap();
    let mut client = store.client();
    for round in 1..=80 {
        write_round(&mut client, round);
        if round % 2 == 0 {
            must(&mut client, &["SAVE"]);
        } else {
            must(&mut client, &["BGSAVE"]);
            wait(&mut client, "rdb_bgsave_in_progress:0");
            assert!(info(&mut client).contains("rdb_last_bgsave_status:ok"));
        }
        fs.mark(round);
    }
    drop(client);
    store.close().unwrap();
    let states = power_cuts(&fs, 40, |found, saved| {
        let store =
            open(found, "/snapshot", SNAPSHOT).unwrap_or_else(|error| panic!("after {saved}: {error}"));
        let round = round_of(&mut store.client());
        assert!(round == saved || round == saved + 1, "{saved} was saved, {round} is there");
    });
    assert!(states >= 1000, "only {states} distinct states");
}

fn log_directives(policy: &'static str) -> [(&'static str, &'static str); 3] {
    [("save", ""), ("appendonly", "yes"), ("appendfsync", policy)]
}

/// Numbers pushed in order, so that a gap shows; a counter that goes with them in the same order.
fn push(client: &mut Client, n: u64) -> Result<()> {
    client.execute(&["RPUSH", "list", &n.to_string()])?;
    client.execute(&["INCR", "counter"])?;
    Ok(())
}

/// How many numbers are there, insisting that they are 1, 2, 3 …
fn pushed(client: &mut Client) -> u64 {
    let Reply::Array(parts) = must(client, &["LRANGE", "list", "0", "-1"]) else { panic!("a list") };
    for (n, part) in parts.iter().enumerate() {
        assert_eq!(*part, Reply::Bulk((n + 1).to_string().into_bytes()), "a gap");
    }
    let count = parts.len() as u64;
    let counter = number(client, &["GET", "counter"]);
    assert!(counter == count || counter + 1 == count, "{counter} increments, {count} numbers");
    count
}

fn work_on_a_log(fs: &SimFs, dir: &str, policy: &'static str) {
    let directives = log_directives(policy);
    let mut n = 0;
    for _ in 0..2 {
        let store = open(fs, dir, &directives).unwrap();
        let mut client = store.client();
        for _ in 0..3 {
            for _ in 0..15 {
                n += 1;
                push(&mut client, n).unwrap();
                fs.mark(n);
            }
            must(&mut client, &["BGREWRITEAOF"]);
            for _ in 0..10 {
                n += 1;
                push(&mut client, n).unwrap();
                fs.mark(n);
            }
            wait(&mut client, "aof_rewrite_in_progress:0");
            assert!(info(&mut client).contains("aof_last_bgrewrite_status:ok"));
        }
        drop(client);
        store.close().unwrap();
    }
}

#[test]
fn power_cuts_lose_no_acknowledged_write_under_always_and_leave_no_gap_under_any_policy() {
    for (policy, dir) in [("always", "/always"), ("everysec", "/everysec"), ("no", "/no")] {
        let fs = disk(dir);
        work_on_a_log(&fs, dir, policy);
        let directives = log_directives(policy);
        let states = power_cuts(&fs, 2, |found, acknowledged| {
            let store = open(found, dir, &directives)
                .unwrap_or_else(|error| panic!("{policy}, {acknowledged} acknowledged: {error}"));
            let count = pushed(&mut store.client());
            assert!(
                policy != "always" || count >= acknowledged,
                "{acknowledged} acknowledged, {count} there"
            );
        });
        assert!(states >= 1000, "{policy}: only {states} distinct states");
    }
}

#[test]
fn a_kill_loses_no_acknowledged_write_under_any_policy() {
    for (policy, dir) in [("always", "/kill-always"), ("everysec", "/kill-everysec"), ("no", "/kill-no")] {
        let fs = disk(dir);
        work_on_a_log(&fs, dir, policy);
        let directives = log_directives(policy);
        let mut replayer = Replayer::new(fs.boot_id());
        let mut acknowledged = 0;
        for op in fs.ops() {
            replayer.step(&op);
            if let Op::Mark(n) = op {
                acknowledged = n;
            }
            let store = open(&replayer.after_kill(None), dir, &directives)
                .unwrap_or_else(|error| panic!("{policy}, {acknowledged} acknowledged: {error}"));
            let count = pushed(&mut store.client());
            assert!(count >= acknowledged, "{policy}: {acknowledged} acknowledged, {count} there");
        }
    }
}

/// Does everything once, and goes on whatever fails. Returns how many numbers were acknowledged.
fn work_in_spite_of_faults(fs: &SimFs, dir: &str, directives: &Directives) -> u64 {
    let Ok(store) = open(fs, dir, directives) else { return 0 };
    let mut client = store.client();
    let mut acknowledged = 0;
    for n in 1..=12 {
        // A refused write changes nothing; one that failed half-way may or may not count, so no more are made.
        if push(&mut client, n).is_err() {
            break;
        }
        acknowledged = n;
        if n == 4 {
            let _ = client.execute(&["SAVE"]);
        }
        if n == 8 && client.execute(&["BGREWRITEAOF"]).is_ok() {
            wait(&mut client, "aof_rewrite_in_progress:0");
        }
    }
    let _ = store.close();
    acknowledged
}

#[test]
fn a_fault_at_any_call_loses_nothing_acknowledged_and_breaks_no_file() {
    let dir = "/fault";
    for policy in ["always", "everysec"] {
        let directives = log_directives(policy);
        let calls = {
            let fs = disk(dir);
            work_in_spite_of_faults(&fs, dir, &directives);
            fs.calls()
        };
        assert!(calls > 30, "{calls} calls");
        for at in 0..calls {
            for fault in [Fault::NoSpace, Fault::Io] {
                let fs = disk(dir);
                fs.fail_at(move |call, _, _| (call == at).then_some(fault));
                let acknowledged = work_in_spite_of_faults(&fs, dir, &directives);
                fs.heal();
                let what = format!("{policy}, {fault:?} at call {at}, {acknowledged} acknowledged");
                let store = open(&fs, dir, &directives).unwrap_or_else(|error| panic!("{what}: {error}"));
                let count = pushed(&mut store.client());
                assert!(count >= acknowledged && count <= acknowledged + 1, "{what}: {count} there");
                push(&mut store.client(), count + 1).ok();
                drop(store);
                let fs = Arc::new(fs);
                let store = Store::open_on(fs, Path::new(dir), &directives)
                    .unwrap_or_else(|e| panic!("{what}, again: {e}"));
                assert!(pushed(&mut store.client()) >= acknowledged, "{what}: lost at the second opening");
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_before_they_change_anything_and_goes_on_when_there_is_room() {
    let dir = "/full";
    let fs = disk(dir);
    let store = open(&fs, dir, &log_directives("everysec")).unwrap();
    let mut client = store.client();
    push(&mut client, 1).unwrap();
    fs.set_capacity(fs.used());
    let mut n = 1;
    let refused = loop {
        n += 1;
        let big = "x".repeat(100_000);
        match client.execute(&["SET", &format!("big{n}"), &big]) {
            Ok(_) => assert!(n < 1000, "the disk never gets full"),
            Err(error) => break error,
        }
    };
    assert!(refused.message().starts_with("MISCONF"), "{refused}");
    assert_eq!(number(&mut client, &["EXISTS", &format!("big{n}")]), 0, "a refused write changed something");
    assert_eq!(number(&mut client, &["LLEN", "list"]), 1, "reads go on");
    fs.set_capacity(u64::MAX);
    // Room is looked for again about once a second.
    while push(&mut client, 2).is_err() {
        std::thread::yield_now();
    }
    drop(client);
    store.close().unwrap();
    let store = open(&fs, dir, &log_directives("everysec")).unwrap();
    assert_eq!(pushed(&mut store.client()), 2);
    assert_eq!(number(&mut store.client(), &["EXISTS", &format!("big{}", n - 1)]), u64::from(n > 2));
}
