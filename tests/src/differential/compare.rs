//! Comparing two replies to one command, according to what the command promises: an order, a set, a moment, or only
//! that random members come from the data. After a random removal both sides are brought to the same state again.

use std::collections::BTreeSet;

use super::known::Known;
use crate::generate::Command;
use crate::text::quote;
use crate::{Endpoint, Reply};

/// How a command's replies are to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// To the bit.
    Exact,
    /// As a set.
    Unordered,
    /// As a set of pairs.
    Pairs,
    /// As numbers that may be a little apart: seconds or milliseconds.
    Near(i64),
    /// As an array of such numbers.
    AllNear(i64),
    /// Only the kind of reply.
    Kind,
    /// The union over a whole iteration.
    Scan { pairs: bool },
    /// Members drawn at random by a command that reads.
    Random { values: bool },
    /// Members drawn at random and removed.
    Pop,
    /// A serialised value: each side must restore the other's.
    Dump,
}

/// Compares the replies of one sequence; knows whether a transaction is open.
#[derive(Debug)]
pub struct Comparer<'a> {
    known: &'a Known,
    /// The commands queued since MULTI.
    queued: Option<Vec<Command>>,
    /// Set once an absolute time in the past may have left a key that is only dead, not gone.
    dead_keys: bool,
}

impl<'a> Comparer<'a> {
    /// For a new sequence.
    pub fn new(known: &'a Known) -> Self {
        Self { known, queued: None, dead_keys: false }
    }

    /// Runs a command on both sides and compares; what is different otherwise.
    pub fn step(
        &mut self,
        left: &mut dyn Endpoint,
        right: &mut dyn Endpoint,
        argv: &Command,
    ) -> Result<(), String> {
        let name = argv[0].to_ascii_uppercase();
        self.dead_keys |= argv.iter().any(|a| {
            let a = a.to_ascii_uppercase();
            a == b"EXAT" || a == b"PXAT" || a == b"ABSTTL"
        });
        if self.queued.is_some() {
            return self.step_in_transaction(left, right, argv, &name);
        }
        let how = how(argv, self.dead_keys);
        if how == How::Dump {
            return self.dump(left, right, argv);
        }
        let source = match how {
            How::Random { .. } => Some((source(left, argv), source(right, argv))),
            _ => None,
        };
        let (a, b) = (left.command(argv), right.command(argv));
        if let (Reply::Status(_), Reply::Status(_), b"MULTI") = (&a, &b, name.as_slice()) {
            self.queued = Some(Vec::new());
        }
        match how {
            How::Scan { pairs } if !a.is_error() && !b.is_error() => {
                let (a, b) = (scan(left, argv, a, pairs)?, scan(right, argv, b, pairs)?);
                self.same(argv, a, b)
            }
            How::Random { values } => {
                let Some((a_source, b_source)) = source else { return self.same(argv, a, b) };
                drawn_from(&a, &a_source, values).map_err(|e| format!("left {e}"))?;
                drawn_from(&b, &b_source, values).map_err(|e| format!("right {e}"))?;
                self.same(argv, shape(&a), shape(&b))
            }
            How::Pop => {
                let (a_popped, b_popped) = (popped(&a), popped(&b));
                self.same(argv, shape(&a), shape(&b))?;
                // What the judge took goes back, and what the judged took goes there as well.
                if let Some(key) = argv.get(1) {
                    put_back(right, key, &b_popped, &a_popped);
                }
                Ok(())
            }
            _ => self.compare(argv, how, a, b),
        }
    }

    fn step_in_transaction(
        &mut self,
        left: &mut dyn Endpoint,
        right: &mut dyn Endpoint,
        argv: &Command,
        name: &[u8],
    ) -> Result<(), String> {
        if random_effect(name) {
            // Its outcome could not be aligned inside of a transaction.
            return Ok(());
        }
        let (a, b) = (left.command(argv), right.command(argv));
        match name {
            b"EXEC" => {
                let queued = self.queued.take().unwrap_or_default();
                match (&a, &b) {
                    (Reply::Array(x), Reply::Array(y)) if x.len() == y.len() && x.len() == queued.len() => {
                        for ((argv, a), b) in queued.iter().zip(x).zip(y) {
                            self.compare(argv, how(argv, self.dead_keys), a.clone(), b.clone())
                                .map_err(|e| format!("in EXEC, of {}:\n{e}", quote(&argv[0])))?;
                        }
                        Ok(())
                    }
                    _ => self.same(argv, a, b),
                }
            }
            b"DISCARD" | b"RESET" => {
                if !a.is_error() {
                    self.queued = None;
                }
                self.same(argv, a, b)
            }
            _ => {
                if matches!(&a, Reply::Status(s) if s == b"QUEUED")
                    && let Some(queued) = &mut self.queued
                {
                    queued.push(argv.clone());
                }
                self.same(argv, a, b)
            }
        }
    }

    fn compare(&self, argv: &Command, how: How, a: Reply, b: Reply) -> Result<(), String> {
        match how {
            How::Unordered => self.same(argv, sorted(a), sorted(b)),
            How::Pairs => self.same(argv, sorted_pairs(a), sorted_pairs(b)),
            How::Kind => self.same(argv, kind(&a), kind(&b)),
            How::Near(by) => {
                if near(&a, &b, by) {
                    return Ok(());
                }
                self.same(argv, a, b)
            }
            How::AllNear(by) => match (a.items(), b.items()) {
                (Some(x), Some(y)) if x.len() == y.len() && x.iter().zip(y).all(|(x, y)| near(x, y, by)) => {
                    Ok(())
                }
                _ => self.same(argv, a, b),
            },
            How::Scan { .. } | How::Random { .. } | How::Pop | How::Dump => {
                self.same(argv, kind(&a), kind(&b))
            }
            How::Exact => self.same(argv, a, b),
        }
    }

    fn same(&self, argv: &Command, a: Reply, b: Reply) -> Result<(), String> {
        if a == b || self.known.allows(argv, &a, &b) {
            return Ok(());
        }
        Err(format!("  left:  {a}\n  right: {b}"))
    }

    /// A dump must say the same of the key, and the other side must be able to restore it, to the same value.
    fn dump(&self, left: &mut dyn Endpoint, right: &mut dyn Endpoint, argv: &Command) -> Result<(), String> {
        let (a, b) = (left.command(argv), right.command(argv));
        let (Reply::Bulk(_), Reply::Bulk(from_right)) = (&a, &b) else { return self.same(argv, a, b) };
        let temporary = b"restored for a moment".to_vec();
        let restore = [b"RESTORE".to_vec(), temporary.clone(), b"0".to_vec(), from_right.clone()];
        let back = left.command(&restore);
        if self.known.allows(argv, &back, &b) {
            return Ok(());
        }
        if back.is_error() {
            return Err(format!("left does not restore what right dumped: {back}"));
        }
        let kind = left.command(&[b"TYPE".to_vec(), temporary.clone()]);
        let there = right.command(&[b"TYPE".to_vec(), argv[1].clone()]);
        left.command(&[b"DEL".to_vec(), temporary]);
        self.same(argv, kind, there)
    }
}

/// Commands whose effect is random.
fn random_effect(name: &[u8]) -> bool {
    name == b"SPOP"
}

fn how(argv: &Command, dead_keys: bool) -> How {
    let name = argv[0].to_ascii_uppercase();
    let has = |word: &[u8]| argv[1..].iter().any(|a| a.eq_ignore_ascii_case(word));
    let sub = argv.get(1).map(|a| a.to_ascii_uppercase()).unwrap_or_default();
    match name.as_slice() {
        b"SMEMBERS" | b"SINTER" | b"SUNION" | b"SDIFF" | b"KEYS" | b"HKEYS" | b"HVALS" => How::Unordered,
        b"HGETALL" => How::Pairs,
        b"TTL" | b"EXPIRETIME" => How::Near(6),
        b"PTTL" | b"PEXPIRETIME" => How::Near(6_000),
        b"HTTL" | b"HEXPIRETIME" => How::AllNear(6),
        b"HPTTL" | b"HPEXPIRETIME" => How::AllNear(6_000),
        b"TIME" | b"LASTSAVE" => How::Kind,
        // The order of all commands is that of a table of the server's.
        b"COMMAND" if argv.len() == 1 => How::Kind,
        b"MEMORY" if sub == b"USAGE" => How::Kind,
        b"CLIENT" if sub == b"ID" || sub == b"INFO" || sub == b"LIST" => How::Kind,
        b"OBJECT" if matches!(sub.as_slice(), b"IDLETIME" | b"REFCOUNT") => How::Kind,
        b"CONFIG" if sub == b"GET" => How::Pairs,
        b"DBSIZE" if dead_keys => How::Kind,
        b"RANDOMKEY" => How::Kind,
        b"SCAN" => How::Scan { pairs: false },
        b"SSCAN" => How::Scan { pairs: false },
        b"HSCAN" if has(b"NOVALUES") => How::Scan { pairs: false },
        b"HSCAN" | b"ZSCAN" => How::Scan { pairs: true },
        b"SRANDMEMBER" => How::Random { values: false },
        b"HRANDFIELD" | b"ZRANDMEMBER" => How::Random { values: has(b"WITHVALUES") || has(b"WITHSCORES") },
        b"SPOP" => How::Pop,
        b"DUMP" => How::Dump,
        // The order of a set is nobody's promise, and with a limit not even which members come.
        b"SORT" | b"SORT_RO" if has(b"NOSORT") && has(b"LIMIT") => How::Kind,
        b"SORT" | b"SORT_RO" if has(b"NOSORT") => How::Unordered,
        _ => How::Exact,
    }
}

fn near(a: &Reply, b: &Reply, by: i64) -> bool {
    match (a, b) {
        (Reply::Int(a), Reply::Int(b)) if *a > 1 && *b > 1 => a.abs_diff(*b) <= by.unsigned_abs(),
        _ => a == b,
    }
}

fn sorted(reply: Reply) -> Reply {
    match reply {
        Reply::Array(mut v) => {
            v.sort();
            Reply::Array(v)
        }
        Reply::Set(mut v) => {
            v.sort();
            Reply::Set(v)
        }
        other => other,
    }
}

fn sorted_pairs(reply: Reply) -> Reply {
    match (reply.pairs(), reply) {
        (Some(mut pairs), Reply::Map(_)) => {
            pairs.sort();
            Reply::Map(pairs)
        }
        (Some(mut pairs), _) => {
            pairs.sort();
            Reply::Array(pairs.into_iter().flat_map(|(k, v)| [k, v]).collect())
        }
        (None, other) => other,
    }
}

/// A reply with everything but its kind (and an error's text) left out.
fn kind(reply: &Reply) -> Reply {
    match reply {
        Reply::Int(_) => Reply::Int(0),
        Reply::Bulk(_) => Reply::Bulk(Vec::new()),
        Reply::Array(_) => Reply::Array(Vec::new()),
        Reply::Map(_) => Reply::Map(Vec::new()),
        Reply::Set(_) => Reply::Set(Vec::new()),
        Reply::Double(_) => Reply::Double(Vec::new()),
        other => other.clone(),
    }
}

/// A reply with how many there are, but not which.
fn shape(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(v) => Reply::Array(v.iter().map(shape).collect()),
        Reply::Set(v) => Reply::Set(v.iter().map(shape).collect()),
        other => kind(other),
    }
}

/// Everything a random command may draw from, as strings: members, or fields and values in turn.
fn source(from: &mut dyn Endpoint, argv: &Command) -> Vec<Vec<u8>> {
    let Some(key) = argv.get(1) else { return Vec::new() };
    let ask = match argv[0].to_ascii_uppercase().as_slice() {
        b"SRANDMEMBER" => vec![b"SMEMBERS".to_vec(), key.clone()],
        b"HRANDFIELD" => vec![b"HGETALL".to_vec(), key.clone()],
        _ => [vec![b"ZRANGE".to_vec(), key.clone()], crate::endpoint::argv("0 -1 WITHSCORES")].concat(),
    };
    let mut all = Vec::new();
    flatten(&from.command(&ask), &mut all);
    all
}

fn flatten(reply: &Reply, out: &mut Vec<Vec<u8>>) {
    match reply {
        Reply::Map(pairs) => {
            for (k, v) in pairs {
                flatten(k, out);
                flatten(v, out);
            }
        }
        other => match (other.items(), other.bytes()) {
            (Some(items), _) => items.iter().for_each(|i| flatten(i, out)),
            (None, Some(bytes)) if !matches!(other, Reply::Status(_)) => out.push(bytes.to_vec()),
            _ => {}
        },
    }
}

fn drawn_from(reply: &Reply, source: &[Vec<u8>], values: bool) -> Result<(), String> {
    let mut drawn = Vec::new();
    flatten(reply, &mut drawn);
    let missing = if values {
        let pairs: BTreeSet<_> = source.chunks(2).collect();
        drawn.chunks(2).find(|p| !pairs.contains(p)).map(|p| p.concat())
    } else {
        drawn.iter().find(|d| !source.contains(d)).cloned()
    };
    match missing {
        Some(what) => Err(format!("drew what is not there: {}", quote(&what))),
        None => Ok(()),
    }
}

fn popped(reply: &Reply) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    flatten(reply, &mut all);
    all
}

/// Gives back `taken` and removes `instead`; without a change when the key is gone on both sides.
fn put_back(at: &mut dyn Endpoint, key: &[u8], taken: &[Vec<u8>], instead: &[Vec<u8>]) {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (taken.iter().collect(), instead.iter().collect());
    let back: Vec<_> = a.difference(&b).map(|m| m.to_vec()).collect();
    let out: Vec<_> = b.difference(&a).map(|m| m.to_vec()).collect();
    for (command, members) in [("SADD", back), ("SREM", out)] {
        if !members.is_empty() {
            let mut argv = vec![command.as_bytes().to_vec(), key.to_vec()];
            argv.extend(members);
            at.command(&argv);
        }
    }
}

/// Follows a cursor to its end; the sorted union of what came.
fn scan(from: &mut dyn Endpoint, argv: &Command, first: Reply, pairs: bool) -> Result<Reply, String> {
    let at = if argv[0].eq_ignore_ascii_case(b"SCAN") { 1 } else { 2 };
    let mut found: BTreeSet<Vec<Reply>> = BTreeSet::new();
    let mut reply = first;
    // An iteration that was begun at a made-up cursor sees some of the data only.
    let whole = argv.get(at).is_some_and(|c| c == b"0");
    for _ in 0..100_000 {
        let [cursor, items] = reply.items().unwrap_or_default() else {
            return Err(format!("a scan answered {reply}"));
        };
        let (Some(cursor), Some(items)) = (cursor.bytes(), items.items()) else {
            return Err(format!("a scan answered {reply}"));
        };
        for item in items.chunks(if pairs { 2 } else { 1 }) {
            found.insert(item.to_vec());
        }
        if cursor == b"0" || !whole {
            let all = if whole { found.into_iter().map(Reply::Array).collect() } else { Vec::new() };
            return Ok(Reply::Array(all));
        }
        let mut next = argv.clone();
        next[at] = cursor.to_vec();
        reply = from.command(&next);
        if reply.is_error() {
            return Err(format!("a scan's continuation answered {reply}"));
        }
    }
    Err("a scan does not end".to_owned())
}
