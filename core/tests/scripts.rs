//! Scripts against a host that must not suffer: loops without end, memory without bound, what is taken late, what is saved.
#![cfg(feature = "lua")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use persistkv::{Reply, Store};

/// A directory that goes with the test.
struct Dir(std::path::PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("persistkv-scripts-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(store: &Store, argv: &[&str]) -> String {
    match store.client().execute(argv) {
        Ok(Reply::Bulk(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(Reply::Simple(text)) => text.into_owned(),
        Ok(Reply::Int(n)) => n.to_string(),
        Ok(Reply::Null) => "nil".into(),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.message().to_owned(),
    }
}

fn eval(store: &Store, script: &str) -> String {
    text(store, &["EVAL", script, "0"])
}

/// Waits until the store says that a script runs.
fn wait_until_running(store: &Store) {
    loop {
        match store.client().execute(&["FUNCTION", "STATS"]).unwrap() {
            Reply::Array(parts) if parts[1] != Reply::Null => return,
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

const ENDLESS: &[&str] = &[
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "local function f() return f() end f()",
    "while true do local co = coroutine.create(function() while true do end end) coroutine.resume(co) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "string.gsub(('x'):rep(100), 'x', function() while true do end end)",
    "table.sort({3, 2, 1, 5, 4}, function() while true do end end)",
    "while true do redis.call('get', 'x') end",
    "while true do redis.pcall('nosuch') end",
    "local t = setmetatable({}, {__index = function(t, k) while true do end end}) return t.x",
    "while true do pcall(redis.call, 'get') end",
];

#[test]
fn a_script_without_end_can_be_killed_whatever_it_catches() {
    let store = Store::memory_with(&[("busy-reply-threshold", "20")]).unwrap();
    store.client().execute(&["SET", "k", "v"]).unwrap();
    for script in ENDLESS {
        std::thread::scope(|scope| {
            let run = scope.spawn(|| text(&store, &["EVAL", script, "1", "k"]));
            wait_until_running(&store);
            // Others are turned away, also one that waits for a shard the script holds.
            let busy =
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
            while text(&store, &["GET", "k"]) != busy {}
            assert_eq!(text(&store, &["EVAL", "return 1", "0"]), busy);
            assert_eq!(text(&store, &["PING"]), busy);
            assert!(text(&store, &["FUNCTION", "KILL"]).starts_with("BUSY"), "{script}");
            assert_eq!(text(&store, &["SCRIPT", "KILL"]), "OK");
            let reply = run.join().unwrap();
            assert!(reply.contains("Script killed by user with SCRIPT KILL."), "{script}: {reply}");
        });
        assert_eq!(text(&store, &["GET", "k"]), "v");
        assert_eq!(eval(&store, "return redis.call('get', 'k')"), "v", "after {script}");
        assert!(text(&store, &["SCRIPT", "KILL"]).starts_with("NOTBUSY"));
    }
}

#[test]
fn what_has_written_can_not_be_killed() {
    let store = Store::memory_with(&[("busy-reply-threshold", "20")]).unwrap();
    std::thread::scope(|scope| {
        // It ends by itself, after a while.
        let script = "redis.call('set', 'k', 'v') local x = 0 for i = 1, 2e7 do x = x + i end return 'done'";
        let run = scope.spawn(|| eval(&store, script));
        wait_until_running(&store);
        loop {
            let said = text(&store, &["SCRIPT", "KILL"]);
            if said == "OK" {
                // It had not begun to write yet: then it does not.
                assert!(run.join().unwrap().contains("killed"));
                return;
            }
            if said.starts_with("UNKILLABLE") {
                break;
            }
            assert!(said.starts_with("NOTBUSY"), "{said}");
        }
        assert_eq!(run.join().unwrap(), "done");
    });
}

#[test]
fn closing_ends_what_runs() {
    let store = Store::memory_with(&[("busy-reply-threshold", "0")]).unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| eval(&store, "while true do pcall(function() end) end"));
        wait_until_running(&store);
        store.close().unwrap();
        let reply = run.join().unwrap();
        assert!(reply.contains("the store is being closed"), "{reply}");
    });
}

#[test]
fn memory_has_an_end_and_the_interpreter_goes_on() {
    let store = Store::memory_with(&[("lua-memory-limit", "8mb")]).unwrap();
    for script in [
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "local s = 'x' while true do s = s .. s end",
        "return string.rep('x', 1e9)",
        "local t = {} for i = 1, 1e9 do t[i] = cjson.encode({i}) end",
        "local t = {} pcall(function() for i = 1, 1e9 do t[i] = {i} end end) for i = 1, 1e9 do t[#t + 1] = {i} end",
        "local s = ('x'):rep(1e6) local t = {} for i = 1, 1e9 do t[i] = redis.call('echo', s .. i) end",
        "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
    ] {
        let reply = eval(&store, script);
        let is_refused = reply.contains("not enough memory") || reply.contains("Missing bytes");
        assert!(is_refused, "{script}: {reply}");
        assert_eq!(eval(&store, "return 1"), "1", "after {script}");
    }
    for script in ["local function f() return 1 + f() end return f()", "local t = {} t[1] = t return t"] {
        let reply = eval(&store, script);
        assert!(reply.contains("stack") || reply.starts_with("Array"), "{script}: {reply}");
    }
}

/// A table that holds itself twice is a reply of 2^128 parts; a long text a hundred times is one of a hundred texts.
#[test]
fn a_reply_that_is_larger_than_lua_may_be_is_refused() {
    let store = Store::memory_with(&[("lua-memory-limit", "8mb")]).unwrap();
    let twice = eval(&store, "redis.call('SET', 'k', 'v') local t = {} t[1] = t t[2] = t return t");
    assert!(twice.contains("takes more than lua-memory-limit"), "{twice}");
    let text = "local s, t = string.rep('x', 1000000), {} for i = 1, 100 do t[i] = s end return t";
    assert!(eval(&store, text).contains("takes more than lua-memory-limit"));
    let map = "redis.setresp(3) local t = {} t[1] = t t[2] = t return {map = {a = t}}";
    assert!(eval(&store, map).contains("takes more than lua-memory-limit"));
    // What it did stays, as of every script that fails, and what fits goes on working.
    assert_eq!(
        eval(&store, "return {redis.call('GET', 'k'), {1, 2}}"),
        "Array([Bulk([118]), Array([Int(1), Int(2)])])"
    );
}

/// 100^16 parts: nobody waits for their end, and what was made of them takes the host's memory.
#[test]
fn texts_without_end_can_be_killed_while_they_are_made() {
    let store = Store::memory().unwrap();
    for text in [
        "local t = {} for i = 1, 100 do t[i] = t end return cmsgpack.pack(t)",
        "local t = {} for i = 1, 100 do t = {t, t} end return cjson.encode(t)",
    ] {
        std::thread::scope(|scope| {
            let running = scope.spawn(|| eval(&store, text));
            wait_until_running(&store);
            assert_eq!(self::text(&store, &["SCRIPT", "KILL"]), "OK");
            let ended = running.join().unwrap();
            assert!(ended.contains("killed by user"), "{ended}");
        });
    }
    assert_eq!(eval(&store, "return 1"), "1");
}

#[test]
fn nothing_outside_is_reached() {
    let store = Store::memory().unwrap();
    for (script, expected) in [
        ("return io.open('/etc/passwd')", "nonexistent global variable 'io'"),
        ("return os.execute", "nil"),
        ("return os.exit()", "attempt to call field 'exit'"),
        ("return require('os')", "nonexistent global variable 'require'"),
        ("return package.loaded", "nonexistent global variable 'package'"),
        ("return debug.getregistry()", "nonexistent global variable 'debug'"),
        ("return dofile('/etc/passwd')", "nonexistent global variable 'dofile'"),
        ("return loadfile('/etc/passwd')", "nonexistent global variable 'loadfile'"),
        ("return getfenv(0)", "nonexistent global variable 'getfenv'"),
        ("return loadstring(string.dump(function() return 1 end))()", "attempt to call a nil value"),
        (
            "local f = string.dump(function() end) return load(function() local g = f f = nil return g end)",
            "nil",
        ),
        ("x = 1", "Attempt to modify a readonly table"),
        ("string.len = nil", "Attempt to modify a readonly table"),
        ("getmetatable('').__index = nil", "Attempt to modify a readonly table"),
        ("rawset(redis, 'call', nil)", "Attempt to modify a readonly table"),
        ("table.insert(string, 'x')", "ERR Attempt to modify a readonly table script: "),
        ("table.insert(1, 2)", "ERR user_script:1: bad argument #1 to 'insert' (table expected, got number)"),
        ("table.insert({}, 1, 2, 3)", "ERR user_script:1: wrong number of arguments to 'insert'"),
        ("local t = {1, 3} table.insert(t, 2, 2) table.insert(t, 4) return table.concat(t, ' ')", "1 2 3 4"),
        ("setmetatable(_G, nil)", "Attempt to modify a readonly table"),
        ("loadstring('y = 1')()", "Attempt to modify a readonly table"),
        ("coroutine.wrap(function() z = 1 end)()", "Attempt to modify a readonly table"),
    ] {
        let reply = eval(&store, script);
        assert!(reply.contains(expected), "{script}: {reply}");
    }
    assert_eq!(eval(&store, "return ('abc'):upper()"), "ABC");
}

#[test]
fn an_error_leaves_what_was_done_and_it_is_logged_as_one() {
    let dir = Dir::new("effects");
    let directives = [("appendonly", "yes"), ("save", "")];
    {
        let store = Store::open(&dir.0, &directives).unwrap();
        let reply = eval(&store, "redis.call('set', 'a', 1) redis.call('incr', 'b') error('boom')");
        assert!(reply.contains("boom"), "{reply}");
        eval(&store, "redis.call('set', 'single', 1)");
        let key = "for i = 1, 3 do redis.call('select', i) redis.call('set', 'k', i) end";
        eval(&store, key);
        store.close().unwrap();
    }
    let log = std::fs::read(dir.0.join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
    let log = String::from_utf8_lossy(&log).to_lowercase();
    assert!(!log.contains("eval"), "{log}");
    assert_eq!((log.matches("multi").count(), log.matches("exec").count()), (2, 2), "{log}");
    let store = Store::open(&dir.0, &directives).unwrap();
    assert_eq!((text(&store, &["GET", "a"]), text(&store, &["GET", "b"])), ("1".into(), "1".into()));
    let mut client = store.client();
    client.select_db(3).unwrap();
    assert_eq!(client.execute(&["GET", "k"]).unwrap(), Reply::Bulk(b"3".to_vec()));
    assert_eq!(
        text(&store, &["EVALSHA", &"a".repeat(40), "0"]),
        "NOSCRIPT No matching script. Please use EVAL."
    );
}

#[test]
fn functions_are_part_of_the_data() {
    let library = "#!lua name=lib\nredis.register_function('set', function(k, a) return redis.call('set', k[1], a[1]) end)";
    for (name, directives) in [
        ("log", [("appendonly", "yes"), ("aof-use-rdb-preamble", "yes")]),
        ("commands", [("appendonly", "yes"), ("aof-use-rdb-preamble", "no")]),
        ("snapshot", [("appendonly", "no"), ("aof-use-rdb-preamble", "yes")]),
    ] {
        let dir = Dir::new(name);
        let has_log = directives[0].1 == "yes";
        let check = |store: &Store| {
            assert_eq!(text(store, &["FCALL", "set", "1", "k", "v"]), "OK", "{name}");
            assert_eq!(text(store, &["FCALL", "gone", "0"]), "ERR Function not found");
        };
        {
            let store = Store::open(&dir.0, &directives).unwrap();
            assert_eq!(text(&store, &["FUNCTION", "LOAD", library]), "lib");
            let gone = "#!lua name=gone\nredis.register_function('gone', function() end)";
            text(&store, &["FUNCTION", "LOAD", gone]);
            assert_eq!(text(&store, &["FUNCTION", "DELETE", "gone"]), "OK");
            check(&store);
            if !has_log {
                store.client().execute(&["SAVE"]).unwrap();
            }
            store.close().unwrap();
        }
        for _ in 0..2 {
            let store = Store::open(&dir.0, &directives).unwrap();
            check(&store);
            assert_eq!(text(&store, &["FLUSHALL"]), "OK");
            check(&store);
            if has_log {
                store.client().execute(&["BGREWRITEAOF"]).unwrap();
                while text(&store, &["INFO", "persistence"]).contains("aof_rewrite_in_progress:1") {
                    std::thread::sleep(Duration::from_millis(2));
                }
            } else {
                store.client().execute(&["SAVE"]).unwrap();
            }
            store.close().unwrap();
        }
    }
}

/// Money is moved between accounts in every way there is; the sum is always the same.
#[test]
fn scripts_transactions_and_commands_from_many_threads() {
    const ACCOUNTS: usize = 40;
    const ROUNDS: usize = 400;
    const DECLARED: &str = "if tonumber(redis.call('get', KEYS[1])) >= 1 then redis.call('decr', KEYS[1]) redis.call('incr', KEYS[2]) end";
    const UNDECLARED: &str = "local a, b = 'acc' .. ARGV[1], 'acc' .. ARGV[2] \
        if tonumber(redis.call('get', a)) >= 1 then redis.call('decr', a) redis.call('incr', b) end";
    const HALF: &str = "local b = 'acc' .. ARGV[1] redis.call('decr', KEYS[1]) redis.call('incr', b)";
    const SUM: &str = "local n = 0 for i = 0, 39 do n = n + redis.call('get', 'acc' .. i) end return n";
    let store = Store::memory().unwrap();
    for n in 0..ACCOUNTS {
        store.client().execute(&["SET", &format!("acc{n}"), "100"]).unwrap();
    }
    let done = AtomicBool::new(false);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for worker in 0..7usize {
            let (store, start) = (&store, &start);
            workers.push(scope.spawn(move || {
                let mut client = store.client();
                let mut n = worker * 7919 + 1;
                start.wait();
                for _ in 0..ROUNDS {
                    n = (n * 1_103_515_245 + 12345) % (1 << 31);
                    let (a, b) = (n / 7 % ACCOUNTS, n / 977 % ACCOUNTS);
                    let (ka, kb) = (format!("acc{a}"), format!("acc{b}"));
                    let (na, nb) = (a.to_string(), b.to_string());
                    match worker {
                        0 => drop(client.execute(&["EVAL", DECLARED, "2", &ka, &kb]).unwrap()),
                        1 | 5 => drop(client.execute(&["EVAL", UNDECLARED, "0", &na, &nb]).unwrap()),
                        2 => drop(client.execute(&["EVAL", HALF, "1", &ka, &nb]).unwrap()),
                        3 => {
                            client.execute(&["MULTI"]).unwrap();
                            client.execute(&["DECR", &ka]).unwrap();
                            client.execute(&["INCR", &kb]).unwrap();
                            client.execute(&["EXEC"]).unwrap();
                        }
                        4 => {
                            client.execute(&["MULTI"]).unwrap();
                            client.execute(&["EVAL", HALF, "1", &ka, &nb]).unwrap();
                            client.execute(&["GET", &kb]).unwrap();
                            client.execute(&["EXEC"]).unwrap();
                        }
                        _ => {
                            client.execute(&["MSET", "other1", "x", "other2", "y", "other3", "z"]).unwrap();
                            client.execute(&["GET", &ka]).unwrap();
                            client.execute(&["DEL", "other1", "other2"]).unwrap();
                        }
                    }
                }
            }));
        }
        let (store, start, done) = (&store, &start, &done);
        let checker = scope.spawn(move || {
            start.wait();
            while !done.load(Ordering::Relaxed) {
                assert_eq!(eval(store, SUM), "4000");
                store.client().execute(&["DBSIZE"]).unwrap();
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        checker.join().unwrap();
    });
    assert_eq!(eval(&store, SUM), "4000");
}

/// The host's wish is that of SCRIPT KILL: what has written is not ended.
#[test]
fn the_host_ends_scripts_of_its_clients_that_have_not_written() {
    let store = Store::memory().expect("opens");
    let mut client = store.client();
    client.set_interrupt(Some(std::sync::Arc::new(|| Some("ERR enough"))));
    let script = "pcall(function() while true do end end) while true do end";
    let error = client.execute(&["EVAL", script, "0"]).expect_err("it is ended");
    assert!(error.message().starts_with("ERR enough script: "), "{error}");
    let wrote = "redis.call('set', 'k', 'v') for i = 1, 1e6 do end return redis.call('get', 'k')";
    assert_eq!(client.execute(&["EVAL", wrote, "0"]).expect("it goes on"), Reply::Bulk(b"v".to_vec()));
    // Other clients are none of its business.
    assert_eq!(eval(&store, "for i = 1, 1e6 do end return 1"), "1");
}

#[test]
fn a_panic_of_the_host_is_not_the_scripts_to_catch() {
    let store = Store::memory().expect("opens");
    let mut client = store.client();
    client.set_interrupt(Some(std::sync::Arc::new(|| std::panic::panic_any(7_u8))));
    let script = "pcall(function() while true do end end) while true do end";
    let call = std::panic::AssertUnwindSafe(|| client.execute(&["EVAL", script, "0"]));
    let panic = std::panic::catch_unwind(call).expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&7_u8));
    // The interpreter is left whole, and so are the data: the script held no shard.
    assert_eq!(eval(&store, "return 'on'"), "on");
    assert_eq!(text(&store, &["SET", "k", "v"]), "OK");
}

/// The interpreter of functions is made anew from their texts, also when the next thing is another library.
#[test]
fn functions_are_still_there_when_memory_was_used_up() {
    let store = Store::memory_with(&[("lua-memory-limit", "8mb")]).expect("opens");
    let library =
        |name: &str, code: &str| text(&store, &["FUNCTION", "LOAD", &format!("#!lua name={name}\n{code}")]);
    let grows =
        "local kept = {} redis.register_function('grow', function() for i = 1, 1e9 do kept[i] = {i} end end)
        redis.register_function('small', function() return 'small' end)";
    assert_eq!(library("a", grows), "a");
    assert_eq!(library("b", "redis.register_function('other', function() return 'other' end)"), "b");
    let calls = |names: &[&str]| {
        for name in names {
            assert_eq!(text(&store, &["FCALL", name, "0"]), *name);
        }
    };
    for (round, next) in [("c", "late"), ("d", "later")] {
        let reply = text(&store, &["FCALL", "grow", "0"]);
        assert!(reply.contains("not enough memory"), "{reply}");
        let code = format!("redis.register_function('{next}', function() return '{next}' end)");
        assert_eq!(library(round, &code), round);
        calls(&["small", "other", next]);
        assert!(text(&store, &["FCALL", "grow", "0"]).contains("not enough memory"));
        calls(&["other", next, "small"]);
    }
}

/// Takes what is logged by scripts of this program.
struct Lines(std::sync::Mutex<Vec<usize>>);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        if text.starts_with("line ") {
            self.0.lock().unwrap().push(text.len());
        }
    }
    fn flush(&self) {}
}

#[test]
fn what_a_script_logs_has_an_end() {
    static LINES: Lines = Lines(std::sync::Mutex::new(Vec::new()));
    log::set_logger(&LINES).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let store = Store::memory().unwrap();
    let script = "local long = string.rep('x', 1000000)
        for i = 1, 1100 do redis.log(redis.LOG_WARNING, 'line ' .. i, long) end return 'logged'";
    assert_eq!(eval(&store, script), "logged");
    let lines = LINES.0.lock().unwrap();
    assert_eq!((lines.len(), lines[0], lines[999]), (1000, 4096, 4096));
}
