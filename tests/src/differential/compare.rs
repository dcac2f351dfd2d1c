//! Comparing two replies to one command, according to what the command promises: an order, a set, a moment, or only
//! that random members come from the data. After a random removal both sides are brought to the same state again.

use std::collections::BTreeSet;

use persistkv::encoding::num;

use super::Judge;
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
    /// With what depends on the clock or on the inner build left out.
    Masked,
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

    /// Whether a command takes more than its reply to be compared (a whole scan, what there was to draw from), so that
    /// it can not be sent together with those behind it.
    pub fn stands_alone(argv: &Command) -> bool {
        let name = argv[0].to_ascii_uppercase();
        matches!(
            name.as_slice(),
            b"SCAN"
                | b"SSCAN"
                | b"HSCAN"
                | b"ZSCAN"
                | b"SRANDMEMBER"
                | b"HRANDFIELD"
                | b"ZRANDMEMBER"
                | b"DUMP"
        ) || random_effect(&name)
    }

    /// Runs commands of which none [stands alone](Self::stands_alone) on all sides and compares; where in `batch`
    /// something is different from every judge, and what.
    pub fn steps(
        &mut self,
        accused: &mut dyn Endpoint,
        judges: &mut [Judge<'_>],
        batch: &[Command],
    ) -> Result<(), (usize, String)> {
        let ours = accused.commands(batch);
        let theirs: Vec<_> = judges.iter_mut().map(|judge| judge.endpoint.commands(batch)).collect();
        for (at, (argv, reply)) in batch.iter().zip(ours).enumerate() {
            let (name, how) = self.meet(argv);
            let ours = Said { reply, all: Vec::new() };
            let mut complaints = Vec::new();
            for (judge, replies) in judges.iter().zip(&theirs) {
                let theirs = Said { reply: replies[at].clone(), all: Vec::new() };
                if let Err(complaint) = self.compare_said(argv, &name, how, &ours, &theirs) {
                    complaints.push((judge.name, complaint));
                }
            }
            self.follow_transaction(argv, &name, &ours.reply);
            sum_up(&complaints, judges.len()).map_err(|what| (at, what))?;
        }
        Ok(())
    }

    /// Runs a command on all sides and compares; what is different from every judge otherwise.
    pub fn step(
        &mut self,
        accused: &mut dyn Endpoint,
        judges: &mut [Judge<'_>],
        argv: &Command,
    ) -> Result<(), String> {
        let (name, how) = self.meet(argv);
        if self.queued.is_some() && random_effect(&name) {
            // Its outcome could not be aligned inside of a transaction.
            return Ok(());
        }
        let ours = Said::by(accused, argv, how)?;
        let mut complaints = Vec::new();
        for judge in judges.iter_mut() {
            let theirs = Said::by(judge.endpoint, argv, how)?;
            if let Err(complaint) = self.compare_said(argv, &name, how, &ours, &theirs) {
                complaints.push((judge.name, complaint));
            }
            if how == How::Pop {
                // What the judge took goes back, and what the accused took goes there as well.
                put_back(judge.endpoint, argv, &popped(&theirs.reply), &popped(&ours.reply));
            }
        }
        self.follow_transaction(argv, &name, &ours.reply);
        if how == How::Dump {
            exchange_dumps(accused, judges, argv, &ours.reply)?;
        }
        sum_up(&complaints, judges.len())
    }

    /// A command comes next: its name, and how its replies are to be compared.
    fn meet(&mut self, argv: &Command) -> (Vec<u8>, How) {
        self.dead_keys |= argv.iter().any(|a| {
            let a = a.to_ascii_uppercase();
            a == b"EXAT" || a == b"PXAT" || a == b"ABSTTL"
        });
        let how = if self.queued.is_some() { How::Exact } else { how(argv, self.dead_keys) };
        (argv[0].to_ascii_uppercase(), how)
    }

    /// Keeps track of what is queued.
    fn follow_transaction(&mut self, argv: &Command, name: &[u8], reply: &Reply) {
        match (name, &mut self.queued) {
            (b"MULTI", None) if !reply.is_error() => self.queued = Some(Vec::new()),
            (b"EXEC", _) => self.queued = None,
            (b"DISCARD" | b"RESET", _) if !reply.is_error() => self.queued = None,
            (_, Some(queued)) if matches!(reply, Reply::Status(s) if s == b"QUEUED") => {
                queued.push(argv.clone());
            }
            _ => {}
        }
    }

    fn compare_said(
        &self,
        argv: &Command,
        name: &[u8],
        how: How,
        ours: &Said,
        theirs: &Said,
    ) -> Result<(), String> {
        let (a, b) = (ours.reply.clone(), theirs.reply.clone());
        match (how, &self.queued) {
            (_, Some(queued)) if name == b"EXEC" => match (&a, &b) {
                (Reply::Array(x), Reply::Array(y)) if x.len() == y.len() && x.len() == queued.len() => {
                    for ((argv, a), b) in queued.iter().zip(x).zip(y) {
                        self.compare(argv, self::how(argv, self.dead_keys), a.clone(), b.clone())
                            .map_err(|e| format!("in EXEC, of {}: {e}", quote(&argv[0])))?;
                    }
                    Ok(())
                }
                _ => self.same(argv, a, b),
            },
            (How::Scan { .. }, _) if !a.is_error() && !b.is_error() => {
                self.same(argv, Reply::Array(ours.all.clone()), Reply::Array(theirs.all.clone()))
            }
            (How::Random { .. } | How::Pop, _) => self.same(argv, shape(&a), shape(&b)),
            _ => self.compare(argv, how, a, b),
        }
    }

    fn compare(&self, argv: &Command, how: How, a: Reply, b: Reply) -> Result<(), String> {
        match how {
            How::Unordered => self.same(argv, sorted(a), sorted(b)),
            How::Pairs => self.same(argv, sorted_pairs(a), sorted_pairs(b)),
            How::Kind => self.same(argv, kind(&a), kind(&b)),
            How::Masked => self.same(argv, masked(a), masked(b)),
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
        // Errors are text with us: where they quote bytes that are none, those come as replacement characters.
        let same_text = a.is_error() && b.is_error() && a.to_string() == b.to_string();
        if a == b || same_text || self.known.allows(argv, &a, &b) {
            return Ok(());
        }
        // A double is a number, with however many digits a server writes it.
        if doubles_as_numbers(a.clone()) == doubles_as_numbers(b.clone()) {
            return Ok(());
        }
        Err(format!("said {b}, not {a}"))
    }
}

fn doubles_as_numbers(reply: Reply) -> Reply {
    match reply {
        Reply::Double(text) => {
            let number = num::parse_f64(&text);
            Reply::Double(number.map_or(text, |number| num::fmt_f64(number).as_bytes().to_vec()))
        }
        Reply::Array(parts) => Reply::Array(parts.into_iter().map(doubles_as_numbers).collect()),
        other => other,
    }
}

/// A difference from every judge is one.
fn sum_up(complaints: &[(&str, String)], judges: usize) -> Result<(), String> {
    if complaints.len() < judges {
        return Ok(());
    }
    let lines: Vec<_> = complaints.iter().map(|(name, what)| format!("{name}: {what}")).collect();
    Err(lines.join("\n"))
}

/// What one side said to a command.
struct Said {
    reply: Reply,
    /// Everything that a whole scan returned, sorted.
    all: Vec<Reply>,
}

impl Said {
    /// Asks, and follows up where one reply does not tell everything. Fails if the answer is wrong by itself.
    fn by(endpoint: &mut dyn Endpoint, argv: &Command, how: How) -> Result<Self, String> {
        let source = match how {
            How::Random { .. } => source(endpoint, argv),
            _ => Vec::new(),
        };
        let reply = endpoint.command(argv);
        let mut all = Vec::new();
        match how {
            How::Random { values } => drawn_from(&reply, &source, values)?,
            How::Scan { pairs } if !reply.is_error() => all = scan(endpoint, argv, &reply, pairs)?,
            _ => {}
        }
        Ok(Self { reply, all })
    }
}

/// What one side dumped the other must be able to restore, to the same value.
fn exchange_dumps(
    accused: &mut dyn Endpoint,
    judges: &mut [Judge<'_>],
    argv: &Command,
    ours: &Reply,
) -> Result<(), String> {
    for judge in judges {
        let theirs = judge.endpoint.command(argv);
        let (Reply::Bulk(our_bytes), Reply::Bulk(their_bytes)) = (ours, &theirs) else { continue };
        if judge.is_restored {
            restore(accused, their_bytes, judge.endpoint, &argv[1])
                .map_err(|e| format!("restoring what {} dumped: {e}", judge.name))?;
        }
        if judge.restores {
            restore(judge.endpoint, our_bytes, accused, &argv[1])
                .map_err(|e| format!("{} restoring our dump: {e}", judge.name))?;
        }
    }
    Ok(())
}

/// How a value of a type is read: command, comparison, further arguments.
type Read<'a> = (&'a [u8], How, &'a [&'a [u8]]);

/// Restores `payload` for a moment and compares with the key it was dumped from.
fn restore(to: &mut dyn Endpoint, payload: &[u8], from: &mut dyn Endpoint, key: &[u8]) -> Result<(), String> {
    let temporary: &[u8] = b"restored for a moment";
    let command = |words: &[&[u8]]| words.iter().map(|w| w.to_vec()).collect::<Command>();
    let done = to.command(&command(&[b"RESTORE", temporary, b"0", payload]));
    if done.is_error() {
        return Err(done.to_string());
    }
    let kind = from.command(&command(&[b"TYPE", key]));
    let reads: &[Read<'_>] = match kind.bytes() {
        Some(b"string") => &[(b"GET", How::Exact, &[])],
        Some(b"list") => &[(b"LRANGE", How::Exact, &[b"0", b"-1"])],
        Some(b"set") => &[(b"SMEMBERS", How::Unordered, &[])],
        Some(b"hash") => &[(b"HGETALL", How::Pairs, &[])],
        Some(b"zset") => &[(b"ZRANGE", How::Exact, &[b"0", b"-1"])],
        _ => &[],
    };
    let mut result = Ok(());
    for (name, how, rest) in reads {
        let read = |endpoint: &mut dyn Endpoint, key: &[u8]| {
            let reply = endpoint.command(&command(&[&[*name, key], *rest].concat()));
            match how {
                How::Unordered => sorted(reply),
                How::Pairs => sorted_pairs(reply),
                _ => reply,
            }
        };
        let (dumped, restored) = (read(from, key), read(to, temporary));
        if dumped != restored {
            result = Err(format!("{dumped} became {restored}"));
        }
    }
    to.command(&command(&[b"DEL", temporary]));
    result
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
        b"COMMAND" if argv.len() == 1 || matches!(sub.as_slice(), b"COUNT" | b"LIST" | b"DOCS" | b"INFO") => {
            How::Kind
        }
        b"MEMORY" | b"SLOWLOG" | b"INFO" | b"HELLO" => How::Kind,
        b"CLIENT" if matches!(sub.as_slice(), b"ID" | b"INFO" | b"LIST") => How::Kind,
        b"ACL" if matches!(sub.as_slice(), b"CAT" | b"GENPASS") => How::Kind,
        b"LATENCY" if matches!(sub.as_slice(), b"DOCTOR" | b"HISTOGRAM") => How::Kind,
        // Which subcommands there are.
        _ if sub == b"HELP" && argv.len() == 2 => How::Kind,
        b"OBJECT" if matches!(sub.as_slice(), b"IDLETIME" | b"REFCOUNT" | b"FREQ") => How::Kind,
        // What a pattern finds depends on which directives there are.
        b"CONFIG" if sub == b"GET" && argv.iter().any(|a| a.contains(&b'*')) => How::Kind,
        b"CONFIG" if sub == b"GET" => How::Pairs,
        b"DBSIZE" if dead_keys => How::Kind,
        b"RANDOMKEY" => How::Kind,
        b"SCAN" => How::Scan { pairs: false },
        b"SSCAN" => How::Scan { pairs: false },
        b"HSCAN" | b"ZSCAN" if has(b"NOVALUES") || has(b"NOSCORES") => How::Scan { pairs: false },
        b"HSCAN" | b"ZSCAN" => How::Scan { pairs: true },
        b"SRANDMEMBER" => How::Random { values: false },
        b"HRANDFIELD" | b"ZRANDMEMBER" => How::Random { values: has(b"WITHVALUES") || has(b"WITHSCORES") },
        b"SPOP" => How::Pop,
        b"DUMP" => How::Dump,
        b"XPENDING" | b"XINFO" => How::Masked,
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

/// A reply about a stream without what the clock says (idle times) and what only tells of the inner build.
fn masked(reply: Reply) -> Reply {
    const NAMES: [&[u8]; 6] =
        [b"idle", b"inactive", b"seen-time", b"active-time", b"radix-tree-keys", b"radix-tree-nodes"];
    let name = |r: &Reply| r.bytes().is_some_and(|b| NAMES.contains(&b));
    match reply {
        Reply::Array(mut v) => {
            // A pending entry: identifier, consumer, time, how often.
            if let [Reply::Bulk(_), Reply::Bulk(_), time @ Reply::Int(_), Reply::Int(_)] = v.as_mut_slice() {
                *time = Reply::Nil;
            }
            if let [Reply::Bulk(id), time @ Reply::Int(_), Reply::Int(_)] = v.as_mut_slice()
                && id.contains(&b'-')
            {
                *time = Reply::Nil;
            }
            for i in 1..v.len() {
                if name(&v[i - 1]) {
                    v[i] = Reply::Nil;
                }
            }
            Reply::Array(v.into_iter().map(masked).collect())
        }
        Reply::Map(v) => Reply::Map(
            v.into_iter().map(|(k, x)| if name(&k) { (k, Reply::Nil) } else { (k, masked(x)) }).collect(),
        ),
        other => other,
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
fn put_back(at: &mut dyn Endpoint, argv: &Command, taken: &[Vec<u8>], instead: &[Vec<u8>]) {
    let Some(key) = argv.get(1) else { return };
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (taken.iter().collect(), instead.iter().collect());
    let back: Vec<_> = a.difference(&b).map(|m| m.to_vec()).collect();
    let out: Vec<_> = b.difference(&a).map(|m| m.to_vec()).collect();
    for (command, members) in [("SADD", back), ("SREM", out)] {
        if !members.is_empty() {
            let mut argv = vec![command.as_bytes().to_vec(), key.clone()];
            argv.extend(members);
            at.command(&argv);
        }
    }
}

/// Follows a cursor to its end; the sorted union of what came.
fn scan(from: &mut dyn Endpoint, argv: &Command, first: &Reply, pairs: bool) -> Result<Vec<Reply>, String> {
    let at = if argv[0].eq_ignore_ascii_case(b"SCAN") { 1 } else { 2 };
    let mut found: BTreeSet<Vec<Reply>> = BTreeSet::new();
    let mut reply = first.clone();
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
            return Ok(if whole { found.into_iter().map(Reply::Array).collect() } else { Vec::new() });
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
