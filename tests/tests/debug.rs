//! DEBUG as real servers have it, where it makes sense in a library.

use persistkv::Store;
use persistkv_tests::engine::Engine;
use persistkv_tests::{Endpoint, Reply, TempDir, skip_unless_server};

const ON: [&str; 2] = ["--enable-debug-command", "yes"];

fn open(dir: &TempDir) -> Store {
    let directives = [("save", ""), ("appendonly", "no"), ("enable-debug-command", "yes")];
    Store::open(dir.path(), &directives).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn replies_of_every_shape() {
    let server = skip_unless_server!("r82", &ON);
    let mut server = server.connect();
    let dir = TempDir::new();
    let mut engine = Engine::of(&open(&dir));
    for version in [2, 3] {
        engine.protocol(version);
        server.protocol(version);
        for shape in [
            "string", "integer", "double", "null", "array", "set", "map", "verbatim", "true", "false",
            "bignum", "attrib", "nope",
        ] {
            // A call in the process has no attributes, and no form for long numbers.
            if version == 3 && matches!(shape, "bignum" | "attrib") {
                continue;
            }
            let words = format!("DEBUG PROTOCOL {shape}");
            assert_eq!(engine.line(&words), server.line(&words), "{words}, RESP{version}");
        }
    }
    assert_eq!(
        engine.line("DEBUG PROTOCOL bignum").bytes(),
        Some(&b"1234567999999999999999999999999999999"[..])
    );
}

#[test]
fn subcommands_answer_as_servers_do() {
    let (r70, r82, v91) =
        (skip_unless_server!("r70", &ON), skip_unless_server!("r82", &ON), skip_unless_server!("v91", &ON));
    let mut judges = [r70.connect(), r82.connect(), v91.connect()];
    let dir = TempDir::new();
    let mut engine = Engine::of(&open(&dir));
    for words in [
        "SET k v",
        "SET n 12",
        "RPUSH l a b",
        "DEBUG ERROR boo",
        "DEBUG ERROR",
        "DEBUG LOG hi",
        "DEBUG OBJECT nokey",
        "DEBUG LISTPACK k",
        "DEBUG LISTPACK nokey",
        "DEBUG QUICKLIST k",
        "DEBUG QUICKLIST nokey",
        "DEBUG SDSLEN n",
        "DEBUG SDSLEN l",
        "DEBUG SDSLEN nokey",
        "DEBUG HTSTATS 99",
        "DEBUG HTSTATS -1",
        "DEBUG HTSTATS x",
        "DEBUG HTSTATS",
        "DEBUG HTSTATS-KEY k",
        "DEBUG HTSTATS-KEY nokey",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 100",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 100b",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 4gb",
        "DEBUG QUICKLIST-PACKED-THRESHOLD x",
        "DEBUG QUICKLIST-PACKED-THRESHOLD -1",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 0",
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1",
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION 0",
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION",
        "DEBUG PAUSE-CRON 0",
        "DEBUG SET-ACTIVE-EXPIRE x",
        "DEBUG SET-ACTIVE-EXPIRE 1",
        "DEBUG POPULATE 3",
        "DEBUG POPULATE 2 pre",
        "DEBUG POPULATE 2 big 20",
        "DEBUG POPULATE x",
        "DEBUG POPULATE -1",
        "DEBUG POPULATE 1 a -1",
        "MGET key:0 key:2 key:3 pre:1 big:1",
        "DEBUG RELOAD NOPE",
        "DEBUG RELOAD",
        "SET k changed",
        "SET other 1",
        "DEBUG RELOAD NOSAVE NOFLUSH MERGE",
        "MGET k other n",
        "DEBUG RELOAD NOSAVE",
        "MGET k other n",
        "DEBUG DIGEST-VALUE k l nokey",
        "DEBUG DIGEST",
        "DEBUG NOPE",
        "DEBUG SLEEP",
    ] {
        let ours = engine.line(words);
        let theirs: Vec<Reply> = judges.iter_mut().map(|judge| judge.line(words)).collect();
        assert!(theirs.contains(&ours), "{words}: {ours}, there {}", theirs[1]);
    }
    // Fields of OBJECT, by name.
    for n in 0..200 {
        let words = format!("RPUSH big {n} {}", "x".repeat(200));
        engine.line(&words);
        judges.iter_mut().for_each(|judge| drop(judge.line(&words)));
    }
    let names = |reply: Reply| -> Vec<String> {
        let line = String::from_utf8_lossy(reply.bytes().unwrap_or_default()).into_owned();
        line.split(' ').filter_map(|field| field.split_once(':').map(|(name, _)| name.to_owned())).collect()
    };
    for key in ["k", "big"] {
        let words = format!("DEBUG OBJECT {key}");
        assert_eq!(names(engine.line(&words)), names(judges[1].line(&words)));
        let words = format!("DEBUG OBJECT {key} fast");
        assert_eq!(names(engine.line(&words)), names(judges[2].line(&words)));
    }
}

/// A snapshot whose checksum is wrong is loaded when nobody is to look at it.
#[test]
fn checksums_of_files_can_be_left_out() {
    let dir = TempDir::new();
    let store = open(&dir);
    let mut engine = Engine::of(&store);
    engine.line("SET k v");
    assert!(!engine.line("SAVE").is_error());
    let file = dir.path().join("dump.rdb");
    let mut bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{e}"));
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    std::fs::write(&file, bytes).unwrap_or_else(|e| panic!("{e}"));
    assert!(engine.line("DEBUG RELOAD NOSAVE").to_string().contains("checksum"));
    assert_eq!(engine.line("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1").bytes(), Some(&b"OK"[..]));
    assert_eq!(engine.line("DEBUG RELOAD NOSAVE").bytes(), Some(&b"OK"[..]));
    assert_eq!(engine.line("GET k").bytes(), Some(&b"v"[..]));
    assert_eq!(engine.line("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0").bytes(), Some(&b"OK"[..]));
    assert!(engine.line("DEBUG RELOAD NOSAVE").is_error());
}

/// Nothing happens in the background while it is told to pause.
#[test]
fn the_background_can_be_paused() {
    let dir = TempDir::new();
    let mut engine = Engine::of(&open(&dir));
    engine.line("DEBUG PAUSE-CRON 1");
    engine.line("SET k v PX 1");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(engine.line("DBSIZE"), Reply::Int(1), "a due key is counted until it is deleted");
    engine.line("DEBUG PAUSE-CRON 0");
    let start = std::time::Instant::now();
    while engine.line("DBSIZE") != Reply::Int(0) {
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "it is never deleted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
