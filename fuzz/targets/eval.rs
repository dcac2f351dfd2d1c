//! Any text as a script, or as a library of functions (the first byte chooses): it ends, in an error or a reply, with
//! little memory and time, and leaves the interpreter as it found it. Only what reads is allowed: a script that has
//! written can not be ended.
#![no_main]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use persistkv::{Client, Reply, Store};

const MOST: Duration = Duration::from_millis(100);

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static CLIENT: RefCell<Client> = RefCell::new(client());
}

fn client() -> Client {
    let directives = [("lua-memory-limit", "4mb"), ("busy-reply-threshold", "0")];
    let mut client = Store::memory_with(&directives).expect("a store in memory opens").client();
    for call in [&["SET", "string", "text"][..], &["HSET", "hash", "f", "v"], &["RPUSH", "list", "a", "b"]] {
        client.execute(call).expect("it writes");
    }
    client.set_interrupt(Some(Arc::new(|| {
        let is_late = DEADLINE.get().is_some_and(|at| at < Instant::now());
        is_late.then_some("ERR it takes too long")
    })));
    client
}

/// What every script finds, whatever ran before it.
const PROBE: &str =
    "assert(('x'):rep(3) == 'xxx' and string.format('%d', 7) == '7' and #ARGV == 1 and KEYS[1] == 'hash')
    assert(rawget(_G, 'leaked') == nil and next(string) ~= nil and getmetatable('').__index.len('ab') == 2)
    assert(not pcall(function() leaked = 1 end) and not pcall(rawset, string, 'x', 1))
    assert(not pcall(table.insert, redis, 1) and cjson.encode({1}) == '[1]')
    return redis.call('hget', KEYS[1], ARGV[1])";

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    CLIENT.with_borrow_mut(|client| {
        DEADLINE.set(Some(Instant::now() + MOST));
        if first & 1 == 0 {
            let _ = client.execute(&[&b"EVAL_RO"[..], text, b"1", b"string", b"argument"]);
        } else {
            let library = [&b"#!lua name=lib\n"[..], text].concat();
            if client.execute(&[&b"FUNCTION"[..], b"LOAD", b"REPLACE", &library]).is_ok() {
                let _ = client.execute(&["FCALL_RO", "f", "1", "string", "argument"]);
            }
        }
        DEADLINE.set(None);
        let found = client.execute(&["EVAL_RO", PROBE, "1", "hash", "f"]);
        assert_eq!(found.expect("nothing has changed"), Reply::Bulk(b"v".to_vec()));
    });
});
