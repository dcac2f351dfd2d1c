//! What MONITOR shows of a conversation, line by line next to a real server: who, in which database, in which order.
#![allow(missing_docs)]

mod common;

use std::path::Path;

use common::{Dir, Server};
use persistkv_tests::resp::Connection;
use persistkv_tests::server;

const FUNCTION: &str =
    "#!lua name=l\nredis.register_function('f', function() return redis.call('GET', 'b') end)";

/// Commands as words.
const CONVERSATION: &[&[&str]] = &[
    &["SET", "a", "x", "EX", "100"],
    &[
        "EVAL",
        "redis.call('SET', 'a', 1) redis.call('PUBLISH', 'c', 'm') return redis.pcall('incr', 'a')",
        "0",
    ],
    &["MULTI"],
    &["SET", "b", "1"],
    &["EVAL", "return redis.call('GET', 'b')", "0"],
    &["MULTI"],
    &["WATCH", "b"],
    &["EXEC"],
    &["MULTI"],
    &["NOSUCH"],
    &["GET", "a"],
    &["EXEC"],
    &["DISCARD"],
    &["MULTI"],
    &["GET", "a"],
    &["DISCARD"],
    &["NOSUCH"],
    &["GET"],
    &["LPUSH", "b", "wrong"],
    &["BLPOP", "none", "0.01"],
    &["CONFIG", "GET", "maxmemory"],
    &["CLIENT", "ID"],
    &["SELECT", "2"],
    &["EVALSHA", "0123", "0"],
    &["EVAL", "no lua", "0"],
    &["EVAL", "return redis.call('nosuch')", "0"],
    &["EVAL", "return redis.call('GET')", "0"],
    &["EVAL_RO", "return redis.call('SET', 'a', 1)", "0"],
    &["FUNCTION", "LOAD", FUNCTION],
    &["FCALL", "f", "0"],
    &["FCALL_RO", "f", "0"],
    &["AUTH", "wrong", "secret"],
    &["SLOWLOG", "GET"],
    &["INFO", "server"],
    &["ECHO", "the end"],
];

/// The lines without their times; a connection's address is "peer".
fn shown(socket: &Path) -> Vec<String> {
    let argv = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut monitor = Connection::connect(socket).unwrap();
    monitor.call(&argv(&["MONITOR"])).unwrap();
    let mut talker = Connection::connect(socket).unwrap();
    for words in CONVERSATION {
        talker.call(&argv(words)).unwrap();
    }
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("the end")) {
        let line = monitor.read_reply().unwrap();
        let text = String::from_utf8_lossy(line.bytes().unwrap()).into_owned();
        let (_, rest) = text.split_once(' ').unwrap();
        let (db, rest) = rest.split_once(' ').unwrap();
        let (from, rest) = rest.split_once("] ").unwrap();
        let from = if from == "lua" { from } else { "peer" };
        lines.push(format!("{db} {from}] {rest}"));
    }
    lines
}

#[test]
fn it_shows_what_a_server_shows() {
    let dir = Dir::new();
    let ours = Server::start(&dir, &["--save", ""]);
    let ours = shown(&ours.socket);
    // Valkey 9 ends a transaction when MULTI or WATCH comes inside it.
    for tag in ["r70", "r82"] {
        let data = dir.0.join(tag);
        std::fs::create_dir_all(&data).unwrap();
        let Some(theirs) = server::Server::start_in(tag, &data, &[]) else { continue };
        assert_eq!(ours, shown(theirs.socket()), "{tag}");
    }
}
