//! A directory goes to and fro between `persistkv serve` and a real server, ten times, under load, with a kill in the
//! middle of it: what was acknowledged is there, what was not is there whole or not at all.
//!
//! Each writer does one thing after the other on keys of its own until its connection breaks, and takes note of what was
//! acknowledged. So after a kill one thing at most is unsettled for each.
#![allow(missing_docs)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{Dir, Server};
use persistkv_tests::resp::Connection;
use persistkv_tests::{Endpoint, Reply, server};

const WRITERS: usize = 4;
const ROUNDS: usize = 10;
/// Acknowledged writes of all writers before a kill.
const ENOUGH: u64 = 300;

const BOTH: &str = "redis.call('INCR', KEYS[1]) return redis.call('HINCRBY', KEYS[2], 'f', 1)";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Set,
    Count,
    Push,
    Move,
    Pair,
    Script,
    Stream,
}

use Deed::{Count, Move, Pair, Push, Script, Set, Stream};

const DEEDS: [Deed; 8] = [Set, Count, Push, Pair, Push, Script, Move, Stream];

/// What one writer did, as far as it was told.
#[derive(Debug, Default)]
struct Writer {
    name: usize,
    /// Deeds begun in all rounds; each has a number of its own.
    begun: usize,
    /// Numbers of what was set, pushed, streamed.
    set: Vec<usize>,
    pushed: Vec<usize>,
    streamed: Vec<usize>,
    moved: usize,
    counted: i64,
    paired: i64,
    scripted: i64,
    /// What was begun, and the connection broke.
    unsettled: Option<(Deed, usize)>,
}

fn argv(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Numbers of a list or of the ids of a stream's entries.
fn numbers(reply: &Reply) -> Vec<usize> {
    let number = |item: &Reply| {
        let text = item.bytes().or_else(|| item.items().and_then(|entry| entry[0].bytes())).unwrap();
        let text = String::from_utf8_lossy(text).into_owned();
        text.split('-').next().unwrap().parse().unwrap()
    };
    reply.items().unwrap().iter().map(number).collect()
}

impl Writer {
    fn key(&self, what: &str) -> String {
        format!("{what}:{}", self.name)
    }

    /// One thing more. An error when the connection broke; then nobody knows whether it was done.
    fn act(&mut self, connection: &mut Connection) -> std::io::Result<()> {
        let n = self.begun;
        let deed = DEEDS[n % DEEDS.len()];
        self.begun += 1;
        self.unsettled = Some((deed, n));
        let number = n.to_string();
        let key = |what: &str| self.key(what);
        let commands: Vec<Vec<Vec<u8>>> = match deed {
            Set => vec![argv(&["SET", &format!("{}:{n}", key("set")), &number])],
            Count => vec![argv(&["INCR", &key("count")])],
            Push => vec![argv(&["RPUSH", &key("list"), &number])],
            Move => vec![argv(&["LMOVE", &key("list"), &key("done"), "LEFT", "RIGHT"])],
            Pair => vec![
                argv(&["MULTI"]),
                argv(&["INCR", &key("a")]),
                argv(&["INCR", &key("b")]),
                argv(&["EXEC"]),
            ],
            Script => vec![argv(&["EVAL", BOTH, "2", &key("s"), &key("h")])],
            Stream => vec![argv(&["XADD", &key("stream"), &format!("{number}-1"), "f", "v"])],
        };
        let replies = connection.pipeline(&commands)?;
        let refused = replies.iter().find(|reply| reply.is_error());
        assert!(refused.is_none(), "{deed:?} was refused: {refused:?}");
        self.unsettled = None;
        self.done(deed, n);
        Ok(())
    }

    fn done(&mut self, deed: Deed, n: usize) {
        match deed {
            Set => self.set.push(n),
            Count => self.counted += 1,
            Push => self.pushed.push(n),
            Move => self.moved += 1,
            Pair => self.paired += 1,
            Script => self.scripted += 1,
            Stream => self.streamed.push(n),
        }
    }

    /// Finds out whether the unsettled deed was done, and that all others are there.
    fn check(&mut self, connection: &mut Connection, who: &str) {
        let mut ask = |words: &[&str]| connection.call(&argv(words)).unwrap();
        let mut count = |words: &[&str]| match ask(words) {
            Reply::Nil => 0,
            reply => String::from_utf8_lossy(reply.bytes().unwrap()).parse::<i64>().unwrap(),
        };
        let counted = count(&["GET", &self.key("count")]);
        let (a, b) = (count(&["GET", &self.key("a")]), count(&["GET", &self.key("b")]));
        assert_eq!(a, b, "{who}: half a transaction is there");
        let (s, h) = (count(&["GET", &self.key("s")]), count(&["HGET", &self.key("h"), "f"]));
        assert_eq!(s, h, "{who}: half a script is there");
        let moved = numbers(&ask(&["LRANGE", &self.key("done"), "0", "-1"]));
        let list = numbers(&ask(&["LRANGE", &self.key("list"), "0", "-1"]));
        let streamed = numbers(&ask(&["XRANGE", &self.key("stream"), "-", "+"]));
        if let Some((deed, n)) = self.unsettled.take() {
            let was_done = match deed {
                Set => ask(&["EXISTS", &format!("{}:{n}", self.key("set"))]) == Reply::Int(1),
                Count => counted > self.counted,
                Push => list.last() == Some(&n),
                Move => moved.len() > self.moved,
                Pair => a > self.paired,
                Script => s > self.scripted,
                Stream => streamed.last() == Some(&n),
            };
            if was_done {
                self.done(deed, n);
            }
        }
        assert_eq!(
            (counted, a, s),
            (self.counted, self.paired, self.scripted),
            "{who} lost counts of {self:?}"
        );
        assert_eq!(moved.len(), self.moved, "{who} lost a move of {self:?}");
        assert_eq!([moved, list].concat(), self.pushed, "{who} lost an element");
        assert_eq!(streamed, self.streamed, "{who} lost an entry");
        let gets: Vec<_> =
            self.set.iter().map(|n| argv(&["GET", &format!("{}:{n}", self.key("set"))])).collect();
        for (n, reply) in self.set.iter().zip(connection.pipeline(&gets).unwrap()) {
            assert_eq!(reply, Reply::Bulk(n.to_string().into_bytes()), "{who} lost a key of {}", self.name);
        }
    }
}

/// Everybody writes; in the middle of it comes `midway`, and later the end.
fn under_load(socket: &Path, writers: &mut [Writer], midway: impl FnOnce(), kill: impl FnOnce()) {
    let (writes, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for writer in writers {
            scope.spawn(|| {
                let mut connection = Connection::connect(socket).unwrap();
                while writer.act(&mut connection).is_ok() {
                    writes.fetch_add(1, Ordering::Relaxed);
                }
                assert!(over.load(Ordering::Relaxed), "a connection broke before the kill");
            });
        }
        let written = |n| writes.load(Ordering::Relaxed) >= n;
        common::until("half was written", || written(ENOUGH / 2));
        midway();
        common::until("enough was written", || written(ENOUGH));
        over.store(true, Ordering::Relaxed);
        kill();
    });
}

fn check(connection: &mut Connection, writers: &mut [Writer], who: &str) {
    writers.iter_mut().for_each(|writer| writer.check(connection, who));
}

/// `rewrite`: both sides rewrite their logs while they are written to; the kill may come into it.
fn to_and_fro(tags: &[&str], rewrite: bool) {
    let dir = Dir::new();
    let data = dir.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let path = data.display().to_string();
    let mut writers: Vec<_> = (0..WRITERS).map(|name| Writer { name, ..Writer::default() }).collect();
    let midway = |socket: &Path| {
        if rewrite {
            let reply = Connection::connect(socket).unwrap().line("BGREWRITEAOF");
            assert!(!reply.is_error(), "{reply}");
        }
    };
    // It begins with a server's directory.
    for round in 0..ROUNDS {
        let tag = tags[round % tags.len()];
        let extra = ["--appendonly", "yes", "--appendfsync", "always"];
        let Some(theirs) = server::Server::start_in(tag, &data, &extra) else { return };
        let socket = theirs.socket().to_path_buf();
        check(&mut theirs.connect(), &mut writers, tag);
        under_load(&socket, &mut writers, || midway(&socket), || theirs.kill());
        let policy = ["always", "everysec", "no"][round % 3];
        let extra = ["--appendonly", "yes", "--appendfsync", policy, "--save", ""];
        let mut ours = Server::start_on(&dir, &path, &extra);
        let socket = ours.socket.clone();
        check(&mut ready(&socket), &mut writers, "persistkv");
        under_load(&socket, &mut writers, || midway(&socket), || ours.child.kill().unwrap());
        ours.wait();
    }
    let deeds: usize = writers.iter().map(|writer| writer.begun).sum();
    assert!(deeds as u64 >= ENOUGH * 2 * ROUNDS as u64, "only {deeds} deeds");
}

/// A connection to a server that has loaded.
fn ready(socket: &Path) -> Connection {
    let mut connection = Connection::connect(socket).unwrap();
    common::until("it has loaded", || !connection.line("PING").is_error());
    connection
}

#[test]
fn a_directory_goes_to_and_fro_with_kills_under_load() {
    to_and_fro(&["r70", "v91", "r82", "v81"], false);
}

#[test]
fn a_directory_goes_to_and_fro_with_rewrites_and_kills_under_load() {
    to_and_fro(&["r82"], true);
}
