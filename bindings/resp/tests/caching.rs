//! Client-side caching and MONITOR over a socket.

mod common;

use common::{Wire, serve};
use persistkv::Reply;

fn resp3(dir: &common::Dir) -> Wire {
    let mut wire = Wire::connect(&dir.socket());
    wire.send("hello 3\r\n");
    while !wire.line().starts_with('*') {}
    wire
}

fn invalidate(keys: &[&str]) -> String {
    let keys: String = keys.iter().map(|key| format!("${}\r\n{key}\r\n", key.len())).collect();
    format!(">2\r\n$10\r\ninvalidate\r\n*{}\r\n{keys}", keys.matches('$').count())
}

#[test]
fn who_has_read_a_key_is_told_once_of_its_change() {
    let (store, _listener, dir) = serve(&[]);
    let mut other = store.client();
    let mut wire = resp3(&dir);
    wire.ask("client tracking on", "+OK\r\n");
    wire.ask("get a", "_\r\n");
    wire.ask("mget b c", "*2\r\n_\r\n_\r\n");
    other.execute(&["SET", "unread", "1"]).unwrap();
    other.execute(&["SET", "a", "1"]).unwrap();
    other.execute(&["SET", "a", "2"]).unwrap();
    other.execute(&["RPUSH", "c", "x"]).unwrap();
    wire.expect(&invalidate(&["a"]));
    wire.expect(&invalidate(&["c"]));
    // Its own change too, behind the reply.
    wire.ask("get a", "$1\r\n2\r\n");
    wire.send("set a 3\r\nping\r\n");
    wire.expect(&format!("+OK\r\n{}+PONG\r\n", invalidate(&["a"])));
    // In a transaction, and by a script of others; an expiry; a flush.
    wire.send("multi\r\nget a\r\nexec\r\n");
    wire.expect("+OK\r\n+QUEUED\r\n*1\r\n$1\r\n3\r\n");
    other.execute(&["PEXPIRE", "a", "1"]).unwrap();
    wire.expect(&invalidate(&["a"]));
    wire.send("get a\r\n");
    let value = wire.line();
    if value != "_\r\n" {
        wire.line();
    }
    // Either it was gone already, or it goes now.
    if value != "_\r\n" {
        wire.expect(&invalidate(&["a"]));
    }
    wire.ask("get b", "_\r\n");
    other.execute(&["FLUSHALL"]).unwrap();
    wire.expect(">2\r\n$10\r\ninvalidate\r\n_\r\n");
    wire.ask(
        "client trackinginfo",
        "%3\r\n$5\r\nflags\r\n~1\r\n$2\r\non\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n",
    );
    wire.ask("get d", "_\r\n");
    wire.ask("client tracking off", "+OK\r\n");
    other.execute(&["SET", "d", "1"]).unwrap();
    wire.ask("client getredir", ":-1\r\n");
}

#[test]
fn modes_say_which_keys_and_whose_changes() {
    let (store, _listener, dir) = serve(&[]);
    let mut other = store.client();
    let mut set = |key: &str| drop(other.execute(&["SET", key, "1"]).unwrap());
    let mut wire = resp3(&dir);
    wire.ask("client caching yes", "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n");
    wire.ask("client tracking on optin noloop", "+OK\r\n");
    wire.ask("get a", "_\r\n");
    wire.send("client caching yes\r\nget b\r\nget c\r\n");
    wire.expect("+OK\r\n_\r\n_\r\n");
    set("a");
    set("b");
    set("c");
    wire.expect(&invalidate(&["b"]));
    wire.send("client caching yes\r\nget b\r\nset b 2\r\nping\r\n");
    wire.expect("+OK\r\n$1\r\n1\r\n+OK\r\n+PONG\r\n");
    wire.ask("client tracking on optout", "-ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.\r\n");
    wire.ask("client tracking off", "+OK\r\n");
    wire.ask("client tracking on optout", "+OK\r\n");
    wire.send("client caching no\r\nget a\r\nget b\r\n");
    wire.expect("+OK\r\n$1\r\n1\r\n$1\r\n2\r\n");
    set("a");
    set("b");
    wire.expect(&invalidate(&["b"]));
    wire.ask("client tracking off", "+OK\r\n");
    // All keys of some prefixes, read or not.
    wire.ask("client tracking on prefix u:", "-ERR PREFIX option requires BCAST mode to be enabled\r\n");
    wire.ask("client tracking on bcast prefix u: prefix user:", "+OK\r\n");
    wire.ask("client tracking on bcast prefix us", "-ERR Prefix 'us' overlaps with an existing prefix 'user:'. Prefixes for a single client must not overlap.\r\n");
    set("other");
    set("u:1");
    wire.expect(&invalidate(&["u:1"]));
    wire.send("mset u:2 a other b user:1 c\r\n");
    wire.expect(&format!("+OK\r\n{}{}", invalidate(&["u:2"]), invalidate(&["user:1"])));
    wire.ask("reset", "+RESET\r\n");
    set("u:1");
    wire.ask("ping", "+PONG\r\n");
}

#[test]
fn another_connection_may_be_told_instead() {
    let (store, listener, dir) = serve(&[]);
    let mut told = Wire::connect(&dir.socket());
    told.send("client id\r\n");
    let id = told.line().trim_end()[1..].to_owned();
    told.ask(
        "subscribe __redis__:invalidate",
        "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n",
    );
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("client tracking on redirect 99", "-ERR The client ID you want redirect to does not exist\r\n");
    wire.ask(&format!("client tracking on redirect {id}"), "+OK\r\n");
    wire.ask("client getredir", &format!(":{id}\r\n"));
    wire.ask("get a", "$-1\r\n");
    store.client().execute(&["SET", "a", "1"]).unwrap();
    told.expect("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n");
    wire.ask("get a", "$1\r\n1\r\n");
    store.client().execute(&["FLUSHALL"]).unwrap();
    told.expect("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
    drop(told);
    common::until(|| listener.connections() == 1);
    // As on servers that is noticed when there is something to be told.
    store.client().execute(&["FLUSHALL"]).unwrap();
    wire.send("client trackinginfo\r\n");
    wire.expect("*6\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$15\r\nbroken_redirect\r\n");
}

#[test]
fn more_keys_than_may_be_remembered_are_as_if_they_had_changed() {
    let (store, _listener, dir) = serve(&[("tracking-table-max-keys", "64")]);
    let mut wire = resp3(&dir);
    wire.ask("client tracking on", "+OK\r\n");
    for n in 0..1000 {
        wire.send(format!("exists k:{n}\r\n"));
    }
    let mut told = 0;
    let mut answered = 0;
    while answered < 1000 {
        match wire.line().as_str() {
            ":0\r\n" => answered += 1,
            ">2\r\n" => told += 1,
            _ => {}
        }
    }
    assert!(told >= 1000 - 2 * 64, "{told}");
    assert_eq!(store.client().execute(&["DBSIZE"]).unwrap(), Reply::Int(0));
}

#[test]
fn a_monitor_sees_what_is_run() {
    let (store, _listener, dir) = serve(&[]);
    let mut monitor = Wire::connect(&dir.socket());
    monitor.ask("monitor", "+OK\r\n");
    let mut wire = Wire::connect(&dir.socket());
    wire.send("set k \"a\\n\\x01\"\r\nauth secret\r\nselect 3\r\nmulti\r\nget k\r\nexec\r\nconfig get port\r\nnope\r\nping\r\n");
    store.client().execute(&["GET", "inside"]).ok();
    let path = dir.socket().display().to_string();
    let mut seen = Vec::new();
    while !seen.iter().any(|line: &String| line.contains("ping"))
        || !seen.iter().any(|line| line.contains("inside"))
    {
        let line = monitor.line();
        let (time, rest) = line[1..].trim_end().split_once(' ').unwrap();
        assert!(time.split_once('.').is_some_and(|(s, us)| s.len() == 10 && us.len() == 6), "{line}");
        seen.push(rest.to_owned());
    }
    seen.retain(|line| !line.contains("inside"));
    let from = |db: u32, text: &str| format!("[{db} unix:{path}] {text}");
    assert_eq!(
        seen,
        [
            from(0, r#""set" "k" "a\n\x01""#),
            from(0, r#""auth" "(redacted)""#),
            from(3, r#""select" "3""#),
            from(3, r#""multi""#),
            from(3, r#""get" "k""#),
            from(3, r#""exec""#),
            from(3, r#""ping""#),
        ]
    );
    wire.send("client list\r\n");
    for _ in 0..8 {
        wire.line();
    }
    monitor.ask("reset", "+RESET\r\n");
}
