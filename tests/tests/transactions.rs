//! What commands of the server itself answer inside of a transaction: the same as a real server.

use std::thread::sleep;
use std::time::{Duration, Instant};

use persistkv::Store;
use persistkv_tests::endpoint::argv;
use persistkv_tests::engine::Engine;
use persistkv_tests::{Endpoint, Reply, TempDir, skip_unless_server};

/// A reply without what is different each time: texts of more than a line.
fn plain(reply: Reply) -> Reply {
    match reply {
        Reply::Bulk(text) if text.contains(&b'\n') => Reply::Bulk(b"text".to_vec()),
        Reply::Array(items) => Reply::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

fn field(endpoint: &mut dyn Endpoint, name: &str) -> String {
    let info = endpoint.line("INFO persistence");
    let text = String::from_utf8_lossy(info.bytes().unwrap_or_default()).into_owned();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned));
    found.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// What is put off until the end of a transaction has an end.
fn settle(endpoint: &mut dyn Endpoint) {
    let start = Instant::now();
    let running = ["rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"];
    while running.iter().any(|name| field(endpoint, name) != "0") {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not end");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn commands_of_the_server_run_inside_of_transactions() {
    let extra = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    let (r70, r82, v91) = (
        skip_unless_server!("r70", &extra),
        skip_unless_server!("r82", &extra),
        skip_unless_server!("v91", &extra),
    );
    let mut judges = [r70.connect(), r82.connect(), v91.connect()];
    let dir = TempDir::new();
    let directives = [("appendonly", "yes"), ("save", ""), ("enable-debug-command", "yes")];
    let store = match Store::open(dir.path(), &directives) {
        Ok(store) => store,
        Err(e) => panic!("{e}"),
    };
    let mut engine = Engine::of(&store);
    judges.iter_mut().for_each(|judge| settle(judge));
    let conversations: &[&[&str]] = &[
        &["MULTI", "SET a 1", "BGREWRITEAOF", "SET b 2", "BGREWRITEAOF", "EXEC"],
        &["MULTI", "SET c 1", "BGSAVE", "SET d 2", "EXEC"],
        &["MULTI", "BGSAVE SCHEDULE", "EXEC"],
        &["MULTI", "BGSAVE NONSENSE", "INFO memory", "MEMORY DOCTOR", "EXEC"],
        &["MULTI", "CONFIG SET maxmemory-samples 7 lfu-log-factor 3", "CONFIG GET maxmemory-samples", "EXEC"],
        &[
            "MULTI",
            "CONFIG SET maxmemory-samples 7 nosuchdirective 3",
            "CONFIG GET maxmemory-samples",
            "EXEC",
        ],
        &["MULTI", "CONFIG SET hash-max-listpack-entries 1", "HSET h a 1 b 2", "OBJECT ENCODING h", "EXEC"],
        &["CONFIG SET hash-max-listpack-entries 128", "MULTI", "SAVE", "EXEC"],
        &["MULTI", "DEBUG DIGEST-VALUE a", "DEBUG SET-ACTIVE-EXPIRE 1", "EXEC"],
        &["MULTI", "SET e 5", "RESET", "EXEC", "GET e"],
        &["SELECT 3", "MULTI", "RESET", "SET f 6", "SELECT 0", "GET f"],
        &["WATCH a", "MULTI", "RESET", "SET a 2", "MULTI", "PING", "EXEC"],
        &["MULTI", "RESET x", "EXEC"],
        &[
            "SET g 1",
            "WAITAOF 1 0 0",
            "WAITAOF 0 0 0",
            "WAITAOF 1 1 10",
            "MULTI",
            "SET g 2",
            "WAITAOF 0 1 0",
            "EXEC",
        ],
        &["DBSIZE"],
    ];
    for conversation in conversations {
        settle(&mut engine);
        judges.iter_mut().for_each(|judge| settle(judge));
        for words in *conversation {
            let ours = plain(engine.command(&argv(words)));
            let theirs: Vec<Reply> = judges.iter_mut().map(|judge| plain(judge.line(words))).collect();
            assert!(theirs.contains(&ours), "{conversation:?}: {words}: {ours}, there {}", theirs[1]);
        }
    }
    // The snapshot that was put off has been made, and of the whole.
    settle(&mut engine);
    let start = Instant::now();
    while field(&mut engine, "rdb_saves") == "0" {
        assert!(start.elapsed() < Duration::from_secs(60), "the snapshot is never made");
        sleep(Duration::from_millis(5));
    }
    settle(&mut engine);
    store.close().unwrap_or_else(|e| panic!("{e}"));
    let copy = TempDir::new();
    let (from, to) = (dir.path().join("dump.rdb"), copy.path().join("dump.rdb"));
    std::fs::copy(from, to).unwrap_or_else(|e| panic!("{e}"));
    let store = Store::open(copy.path(), &[("save", "")]).unwrap_or_else(|e| panic!("{e}"));
    let mut saved = Engine::of(&store);
    assert_eq!(saved.line("EXISTS c d"), Reply::Int(2));
}
