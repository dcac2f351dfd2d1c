//! What clients see of each other, next to a real server: MONITOR's lines of a conversation, and CLIENT LIST's.
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

fn argv(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// The lines without their times; a connection's address is "peer".
fn shown(socket: &Path) -> Vec<String> {
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

/// What CLIENT LIST says of clients in several states: names of fields, and the values that do not depend on who serves.
fn listed(socket: &Path) -> Vec<Vec<(String, String)>> {
    const SAME: [&str; 12] =
        ["name", "db", "sub", "psub", "ssub", "multi", "watch", "flags", "cmd", "user", "redir", "resp"];
    let connect = || Connection::connect(socket).unwrap();
    let states: [&[&[&str]]; 6] = [
        &[&["SELECT", "3"], &["CLIENT", "SETNAME", "reader"], &["WATCH", "a", "b", "a"]],
        &[&["MULTI"]],
        &[&["WATCH", "w"], &["MULTI"], &["SET", "w", "1"], &["GET", "w"]],
        &[&["HELLO", "3"], &["SUBSCRIBE", "c"], &["CLIENT", "NO-TOUCH", "on"]],
        &[&["PSUBSCRIBE", "p*"]],
        &[&["MULTI"], &["SET", "a", "1"], &["EXEC"], &["CLIENT", "TRACKING", "on"]],
    ];
    let mut open = Vec::new();
    for state in states {
        let mut connection = connect();
        for words in state {
            connection.call(&argv(words)).unwrap();
        }
        open.push(connection);
    }
    let mut waiting = connect();
    waiting.send(&argv(&["BLPOP", "none", "0"])).unwrap();
    let mut asks = connect();
    let mut ask = |words: &[&str]| asks.call(&argv(words)).unwrap();
    common::until("it waits", || {
        let info = ask(&["INFO", "clients"]);
        String::from_utf8_lossy(info.bytes().unwrap()).contains("blocked_clients:1")
    });
    let replies = [
        ask(&["CLIENT", "LIST"]),
        ask(&["CLIENT", "LIST", "TYPE", "PUBSUB"]),
        ask(&["CLIENT", "LIST", "TYPE", "master"]),
        ask(&["CLIENT", "INFO"]),
    ];
    let text: String =
        replies.iter().map(|reply| String::from_utf8_lossy(reply.bytes().unwrap()).into_owned()).collect();
    let field = |word: &str| {
        let (name, value) = word.split_once('=').unwrap();
        let shown = if SAME.contains(&name) { value } else { "" };
        (name.to_owned(), shown.to_owned())
    };
    text.lines().map(|line| line.split(' ').map(field).collect()).collect()
}

#[test]
fn clients_are_listed_as_a_server_lists_them() {
    let dir = Dir::new();
    let ours = Server::start(&dir, &["--save", ""]);
    let data = dir.0.join("r82");
    std::fs::create_dir_all(&data).unwrap();
    let Some(theirs) = server::Server::start_in("r82", &data, &[]) else { return };
    assert_eq!(listed(&ours.socket), listed(theirs.socket()));
}
