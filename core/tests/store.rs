//! A store and its directory: the four modes, reopening, locking, and every way in which opening can fail.

use std::fs;
use std::path::{Path, PathBuf};

use persistkv::{Client, ErrorKind, Reply, Store};

/// A directory that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("persistkv-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const AOF: &[(&str, &str)] = &[("appendonly", "yes"), ("save", "")];
const RDB: &[(&str, &str)] = &[("save", "3600 1")];
const NONE: &[(&str, &str)] = &[("save", "")];
const BOTH: &[(&str, &str)] = &[("appendonly", "yes"), ("save", "3600 1")];

fn run(client: &mut Client, line: &str) -> Reply {
    let argv: Vec<&str> = line.split(' ').collect();
    client.execute(&argv).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn fill(client: &mut Client) {
    run(client, "RPUSH list a b c");
    run(client, "SADD set 1 2 3");
    run(client, "HSET hash f v g w");
    run(client, "SELECT 3");
    for i in 0..300 {
        run(client, &format!("SADD big member{i}"));
    }
    run(client, "SELECT 0");
}

fn check(client: &mut Client) {
    assert_eq!(run(client, "LLEN list"), Reply::Int(3));
    assert_eq!(run(client, "SCARD set"), Reply::Int(3));
    assert_eq!(run(client, "HGET hash g"), Reply::Bulk(b"w".to_vec()));
    run(client, "SELECT 3");
    assert_eq!(run(client, "SCARD big"), Reply::Int(300));
    run(client, "SELECT 0");
}

fn is_empty(client: &mut Client) -> bool {
    run(client, "LLEN list") == Reply::Int(0)
}

#[test]
fn each_mode_keeps_what_it_promises_over_a_close() {
    for (name, directives, kept) in
        [("none", NONE, false), ("rdb", RDB, true), ("aof", AOF, true), ("both", BOTH, true)]
    {
        let dir = Dir::new(name);
        let store = Store::open(&dir.0, directives).unwrap();
        fill(&mut store.client());
        store.close().unwrap();
        assert_eq!(dir.0.join("dump.rdb").exists(), name == "rdb" || name == "both", "{name}");
        assert_eq!(dir.0.join("appendonlydir").exists(), name == "aof" || name == "both", "{name}");
        let store = Store::open(&dir.0, directives).unwrap();
        let mut client = store.client();
        if kept {
            check(&mut client)
        } else {
            assert!(is_empty(&mut client))
        }
        assert_eq!(store.load_notes(), Vec::<String>::new());
    }
}

/// A copy of the directory while the store is open is what a kill would leave.
fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn the_log_has_every_acknowledged_write_without_a_close() {
    for policy in ["always", "everysec", "no"] {
        let (dir, killed) = (Dir::new(&format!("kill-{policy}")), Dir::new(&format!("killed-{policy}")));
        let directives = [("appendonly", "yes"), ("save", ""), ("appendfsync", policy)];
        let store = Store::open(&dir.0, &directives).unwrap();
        fill(&mut store.client());
        copy_dir(&dir.0, &killed.0);
        check(&mut Store::open(&killed.0, &directives).unwrap().client());
    }
}

#[test]
fn a_snapshot_becomes_the_base_of_a_new_log() {
    let dir = Dir::new("adopt");
    let store = Store::open(&dir.0, RDB).unwrap();
    fill(&mut store.client());
    store.close().unwrap();
    let store = Store::open(&dir.0, AOF).unwrap();
    check(&mut store.client());
    assert_eq!(store.load_notes().len(), 1);
    run(&mut store.client(), "RPUSH list d");
    store.close().unwrap();
    let store = Store::open(&dir.0, AOF).unwrap();
    assert_eq!(run(&mut store.client(), "LLEN list"), Reply::Int(4));
}

#[test]
fn a_log_without_a_snapshot_is_not_forgotten() {
    let dir = Dir::new("forgotten");
    Store::open(&dir.0, AOF).unwrap().client().execute(&["RPUSH", "list", "a"]).unwrap();
    let error = Store::open(&dir.0, NONE).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("appendonly yes"), "{error}");
}

#[test]
fn the_log_is_rewritten_and_can_be_turned_off_and_on() {
    for preamble in ["yes", "no"] {
        let dir = Dir::new(&format!("rewrite-{preamble}"));
        let directives = [("appendonly", "yes"), ("save", ""), ("aof-use-rdb-preamble", preamble)];
        let store = Store::open(&dir.0, &directives).unwrap();
        let mut client = store.client();
        fill(&mut client);
        run(&mut client, "BGREWRITEAOF");
        while run(&mut client, "INFO persistence") != Reply::Null {
            let Reply::Bulk(text) = run(&mut client, "INFO persistence") else { panic!("INFO is a text") };
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("aof_last_bgrewrite_status:ok"), "{text}");
            if text.contains("aof_rewrites:1\r\n") {
                break;
            }
            std::thread::yield_now();
        }
        run(&mut client, "CONFIG SET appendonly no");
        run(&mut client, "RPUSH list d");
        run(&mut client, "CONFIG SET appendonly yes");
        run(&mut client, "RPUSH list e");
        drop(client);
        store.close().unwrap();
        let store = Store::open(&dir.0, &directives).unwrap();
        assert_eq!(run(&mut store.client(), "LLEN list"), Reply::Int(5));
    }
}

#[test]
fn opening_twice_is_the_same_store() {
    let dir = Dir::new("twice");
    let first = Store::open(&dir.0, AOF).unwrap();
    let second = Store::open(&dir.0, AOF).unwrap();
    run(&mut first.client(), "RPUSH list a");
    assert_eq!(run(&mut second.client(), "LLEN list"), Reply::Int(1));
    let error = Store::open(&dir.0, RDB).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    let mut client = second.client();
    first.close().unwrap();
    second.close().unwrap();
    assert_eq!(client.execute(&["PING"]).unwrap_err().kind(), ErrorKind::Closed);
    assert!(Store::open(&dir.0, AOF).is_ok());
}

#[test]
fn wrong_directories_are_clear_errors() {
    let dir = Dir::new("wrong");
    fs::create_dir_all(&dir.0).unwrap();
    let file = dir.0.join("file");
    fs::write(&file, b"x").unwrap();
    let none: [(&str, &str); 0] = [];
    assert_eq!(Store::open(&file, &none).err().unwrap().kind(), ErrorKind::Io);
    fs::write(dir.0.join("dump.rdb"), b"").unwrap();
    let error = Store::open(&dir.0, RDB).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    fs::write(dir.0.join("dump.rdb"), b"garbage, not a snapshot").unwrap();
    let error = Store::open(&dir.0, RDB).err().unwrap();
    assert!(error.kind() == ErrorKind::Corrupt && error.message().contains("dump.rdb"), "{error}");
    assert_eq!(fs::read(dir.0.join("dump.rdb")).unwrap(), b"garbage, not a snapshot");
    assert_eq!(Store::open(&dir.0, &[("nope", "1")]).err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_store_in_memory_says_that_it_can_not_be_saved() {
    let store = Store::memory().unwrap();
    fill(&mut store.client());
    check(&mut store.client());
    assert!(store.client().execute(&["CONFIG", "SET", "appendonly", "yes"]).is_err());
    assert!(store.dir().is_none());
    store.close().unwrap();
}

#[test]
fn a_transaction_can_turn_the_log_on_and_off() {
    let dir = Dir::new("switched");
    let store = Store::open(&dir.0, NONE).unwrap();
    let mut client = store.client();
    let transaction = |client: &mut Client, lines: &[&str]| {
        run(client, "MULTI");
        lines.iter().for_each(|line| drop(run(client, line)));
        let Reply::Array(done) = run(client, "EXEC") else { panic!("EXEC answers an array") };
        assert!(!done.iter().any(|reply| matches!(reply, Reply::Error(_))), "{done:?}");
    };
    run(&mut client, "SET before 1");
    transaction(&mut client, &["SET a 1", "CONFIG SET appendonly yes", "SET b 1", "CONFIG GET appendonly"]);
    run(&mut client, "SET c 1");
    // On and off again is nothing.
    transaction(&mut client, &["CONFIG SET appendonly no", "SET d 1", "CONFIG SET appendonly yes"]);
    run(&mut client, "SET e 1");
    transaction(&mut client, &["SET f 1", "CONFIG SET appendonly no"]);
    run(&mut client, "SET unlogged 1");
    drop(client);
    store.close().unwrap();
    let mut client = Store::open(&dir.0, AOF).unwrap().client();
    assert_eq!(run(&mut client, "EXISTS before a b c d e f"), Reply::Int(7));
    assert_eq!(run(&mut client, "EXISTS unlogged"), Reply::Int(0));
    let mut client = Store::memory().unwrap().client();
    run(&mut client, "MULTI");
    run(&mut client, "CONFIG SET appendonly yes");
    let Reply::Array(done) = run(&mut client, "EXEC") else { panic!("EXEC answers an array") };
    assert!(matches!(done[..], [Reply::Error(_)]), "{done:?}");
}

#[test]
fn snapshots_and_rewrites_asked_for_at_once_take_turns() {
    let dir = Dir::new("turns");
    let store = Store::open(&dir.0, AOF).unwrap();
    fill(&mut store.client());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = store.client();
                for _ in 0..20 {
                    // While a BGSAVE runs, and only then, SAVE is refused as by Redis.
                    if let Err(error) = client.execute(&["SAVE"]) {
                        assert_eq!(error.message(), "ERR Background save already in progress");
                    }
                }
            });
        }
        scope.spawn(|| {
            // In a transaction they are put off; what it looks at must not wait for who waits for its shards.
            let mut client = store.client();
            for _ in 0..40 {
                for command in ["MULTI", "BGSAVE", "INFO", "BGREWRITEAOF", "EXEC"] {
                    client.execute(&[command]).unwrap();
                }
            }
        });
        scope.spawn(|| {
            let mut client = store.client();
            for command in ["BGSAVE", "BGREWRITEAOF"].iter().cycle().take(40) {
                // Either may find the other under way.
                let _ = client.execute(&[command]);
            }
        });
    });
    let info = |name: &str| match store.client().execute(&["INFO", "persistence"]).unwrap() {
        Reply::Bulk(text) | Reply::Verbatim(_, text) => {
            let text = String::from_utf8(text).unwrap();
            text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).unwrap()
        }
        other => panic!("{other:?}"),
    };
    while info("rdb_bgsave_in_progress:") == "1"
        || info("aof_rewrite_in_progress:") == "1"
        || info("aof_rewrite_scheduled:") == "1"
    {
        std::thread::yield_now();
    }
    assert_eq!(info("rdb_last_bgsave_status:"), "ok");
    assert_eq!(info("aof_last_bgrewrite_status:"), "ok");
    store.close().unwrap();
    for directives in [AOF, RDB] {
        let store = Store::open(&dir.0, directives).unwrap();
        check(&mut store.client());
        store.close().unwrap();
    }
}

#[test]
fn reads_do_not_wait_for_positions_of_a_log_that_was_turned_off() {
    let dir = Dir::new("off-and-on");
    let store =
        Store::open(&dir.0, &[("appendonly", "yes"), ("save", ""), ("appendfsync", "always")]).unwrap();
    let mut client = store.client();
    for n in 0..200 {
        run(&mut client, &format!("RPUSH list {n}"));
    }
    run(&mut client, "CONFIG SET appendonly no");
    run(&mut client, "CONFIG SET appendonly yes");
    // The new log is shorter than the position noted for the list's shard.
    assert_eq!(run(&mut client, "LLEN list"), Reply::Int(200));
    run(&mut client, "RPUSH list last");
    store.close().unwrap();
}

/// The incremental file of the log.
fn log_text(dir: &Dir) -> String {
    let folder = dir.0.join("appendonlydir");
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name().to_string_lossy().ends_with(".incr.aof") {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()));
        }
    }
    text
}

#[test]
fn times_are_noted_in_the_log_when_asked_for() {
    let dir = Dir::new("times");
    let store = Store::open(&dir.0, AOF).unwrap();
    let mut client = store.client();
    client.execute(&["SET", "a", "1"]).unwrap();
    assert!(!log_text(&dir).contains("#TS:"));
    client.execute(&["CONFIG", "SET", "aof-timestamp-enabled", "yes"]).unwrap();
    client.execute(&["SET", "b", "2"]).unwrap();
    let text = log_text(&dir);
    let (before, after) = text.split_once("#TS:").expect("the time is noted");
    assert!(before.contains("$1\r\na\r\n") && after.contains("$1\r\nb\r\n"), "{text}");
    let noted: u64 = after.split("\r\n").next().unwrap().parse().unwrap();
    assert!(noted > 1_700_000_000);
    store.close().unwrap();
    let store = Store::open(&dir.0, AOF).unwrap();
    assert_eq!(store.client().execute(&["EXISTS", "a", "b"]).unwrap(), Reply::Int(2));
    store.close().unwrap();
}

#[test]
fn a_malformed_tail_is_cut_when_it_is_short_enough() {
    let dir = Dir::new("malformed");
    let store = Store::open(&dir.0, AOF).unwrap();
    store.client().execute(&["SET", "a", "1"]).unwrap();
    store.close().unwrap();
    let file = std::fs::read_dir(dir.0.join("appendonlydir"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(b"*2\r\nnonsense\r\n");
    std::fs::write(&file, &bytes).unwrap();
    assert!(Store::open(&dir.0, AOF).is_err());
    let with = |size| [AOF, &[("aof-load-corrupt-tail-max-size", size)]].concat();
    assert!(Store::open(&dir.0, &with("4")).is_err());
    let store = Store::open(&dir.0, &with("1kb")).unwrap();
    assert!(!store.load_notes().is_empty(), "what was cut is told");
    assert_eq!(store.client().execute(&["GET", "a"]).unwrap(), Reply::Bulk(b"1".to_vec()));
    store.close().unwrap();
}
