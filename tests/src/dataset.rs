//! A whole data set in one canonical form, read through commands from any endpoint, and the comparison of two.

use std::collections::{BTreeMap, BTreeSet};

use crate::endpoint::argv;
use crate::text::quote;
use crate::{Endpoint, Reply};

/// Databases of a server as it is configured here.
pub const DATABASES: u32 = 16;

/// Differences listed before the rest is only counted.
const MAX_LISTED: usize = 20;

/// All keys of all databases, and the number of function libraries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSet {
    /// Database, key, what is there.
    pub keys: BTreeMap<(u32, Vec<u8>), Entry>,
    /// How many function libraries there are; `None` where the endpoint knows no functions.
    pub functions: Option<usize>,
}

/// One key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As `TYPE` says.
    pub kind: String,
    /// As `OBJECT ENCODING` says.
    pub encoding: String,
    /// Milliseconds since 1970, if it expires.
    pub expires_ms: Option<i64>,
    /// What it holds.
    pub value: Value,
}

/// What a key holds, with what has no order in an ordered container.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    String(Vec<u8>),
    /// A list.
    List(Vec<Vec<u8>>),
    /// A set.
    Set(BTreeSet<Vec<u8>>),
    /// A hash.
    Hash(Fields),
    /// Members and scores in rank order.
    SortedSet(Vec<(Vec<u8>, f64)>),
    /// A stream.
    Stream(Stream),
}

/// Field, value and the field's expiry in milliseconds since 1970.
pub type Fields = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

/// A stream with its groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// Identifier and the fields and values in turn.
    pub entries: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// The last identifier ever given.
    pub last_id: Vec<u8>,
    /// How many entries there ever were, and the largest identifier that was deleted; `None` where the endpoint does not
    /// know that (6.2).
    pub counts: Option<(i64, Vec<u8>)>,
    /// The groups by name.
    pub groups: BTreeMap<Vec<u8>, Group>,
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Delivered up to here.
    pub last_id: Vec<u8>,
    /// Names of its consumers.
    pub consumers: BTreeSet<Vec<u8>>,
    /// Identifier, consumer, how often delivered.
    pub pending: Vec<(Vec<u8>, Vec<u8>, i64)>,
}

/// How encodings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encodings {
    /// Not at all.
    Ignored,
    /// They must be the same.
    Compared,
}

/// What two data sets are compared by.
#[derive(Clone, Copy, Debug)]
pub struct Strictness {
    /// How `OBJECT ENCODING` is compared.
    pub encodings: Encodings,
    /// By how much expiries may differ: relative ones are taken at slightly different instants.
    pub expiry_tolerance_ms: i64,
    /// Compare the number of function libraries where both know functions.
    pub functions: bool,
    /// The data went through a server's log, which does not tell of consumers that took nothing over, and not of pending
    /// entries that are gone from the stream.
    pub servers_log: bool,
}

impl Strictness {
    /// Everything, to the bit.
    pub const EXACT: Self =
        Self { encodings: Encodings::Compared, expiry_tolerance_ms: 0, functions: true, servers_log: false };
}

/// The encoding of a string whose form says nothing.
const EITHER: &str = "embstr or raw";

impl Stream {
    /// See [`Strictness::servers_log`].
    fn groups_in_a_servers_log(&self) -> BTreeMap<Vec<u8>, Group> {
        let there: BTreeSet<&Vec<u8>> = self.entries.iter().map(|(id, _)| id).collect();
        let mut groups = self.groups.clone();
        for group in groups.values_mut() {
            group.pending.retain(|(id, ..)| there.contains(id));
            group.consumers = group.pending.iter().map(|(_, consumer, _)| consumer.clone()).collect();
        }
        groups
    }
}

impl DataSet {
    /// Redis 8.2 (`embeds_keys`) keeps a short string together with its key in 64 bytes, and calls it `raw` where both have
    /// no room there; Valkey says `embstr` of longer strings than all others. What they say of such strings counts for
    /// nothing then.
    pub fn disregard_forms_of_its_own(&mut self, embeds_keys: bool) {
        /// Of key and string together, with an expiry.
        const ROOM: usize = 32;
        for ((_, key), entry) in &mut self.keys {
            let Value::String(bytes) = &entry.value else { continue };
            let of_redis = embeds_keys && bytes.len() <= 44 && key.len() + bytes.len() > ROOM;
            if (of_redis && entry.encoding == "raw") || (bytes.len() > 44 && entry.encoding == "embstr") {
                entry.encoding = EITHER.to_owned();
            }
        }
    }

    /// Reads everything an endpoint holds. Leaves it in database 0 and outside of a transaction.
    pub fn read(from: &mut dyn Endpoint) -> Self {
        let mut ask: Vec<_> = ["DISCARD", "UNWATCH", "FUNCTION LIST"].map(argv).to_vec();
        ask.extend((0..DATABASES).flat_map(|db| [argv(&format!("SELECT {db}")), argv("KEYS *")]));
        ask.push(argv("SELECT 0"));
        let said = from.commands(&ask);
        let functions = said[2].items().map(<[Reply]>::len);
        let mut all = Self { functions, ..Self::default() };
        let mut names = Vec::new();
        for (db, replies) in (0..DATABASES).zip(said[3..].chunks_exact(2)) {
            assert!(!replies[0].is_error(), "SELECT {db}: {}", replies[0]);
            let keys = replies[1].strings().unwrap_or_else(|| panic!("KEYS * is no list of names"));
            names.extend(keys.into_iter().map(|key| (db, key)));
        }
        for portion in names.chunks(500) {
            read_keys(from, portion, &mut all);
        }
        from.line("SELECT 0");
        all
    }

    /// What agrees with none of several others, one line each, told against the first of them.
    pub fn differences_from_all(&self, others: &[Self], by: Strictness) -> Vec<String> {
        let keys: BTreeSet<_> = self.keys.keys().chain(others.iter().flat_map(|o| o.keys.keys())).collect();
        let only = |of: &Self, key: &(u32, Vec<u8>)| Self {
            keys: of.keys.get_key_value(key).map(|(k, e)| (k.clone(), e.clone())).into_iter().collect(),
            functions: None,
        };
        let mut found = Vec::new();
        for key in keys {
            let ours = only(self, key);
            let mut parts: Vec<_> = others.iter().map(|o| ours.differences(&only(o, key), by)).collect();
            if !parts.iter().any(Vec::is_empty) {
                found.append(&mut parts[0]);
            }
        }
        found.truncate(MAX_LISTED);
        found
    }

    /// What is different, one line each; empty when the two are the same.
    pub fn differences(&self, other: &Self, by: Strictness) -> Vec<String> {
        let mut found = Vec::new();
        for ((db, key), entry) in &self.keys {
            let name = format!("db{db} {}", quote(key));
            match other.keys.get(&(*db, key.clone())) {
                Some(there) => entry.differences(there, by, &name, &mut found),
                None => found.push(format!("{name}: only on the left, a {}", entry.kind)),
            }
        }
        for ((db, key), entry) in &other.keys {
            if !self.keys.contains_key(&(*db, key.clone())) {
                found.push(format!("db{db} {}: only on the right, a {}", quote(key), entry.kind));
            }
        }
        let both_know = self.functions.is_some() && other.functions.is_some();
        if by.functions && both_know && self.functions != other.functions {
            found.push(format!("functions: {:?} and {:?}", self.functions, other.functions));
        }
        if found.len() > MAX_LISTED {
            let rest = found.len() - MAX_LISTED;
            found.truncate(MAX_LISTED);
            found.push(format!("… and {rest} more"));
        }
        found
    }

    /// Panics with the differences, if there are any.
    pub fn assert_same(&self, other: &Self, by: Strictness, what: &str) {
        let found = self.differences(other, by);
        assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
    }
}

impl Entry {
    fn differences(&self, other: &Self, by: Strictness, name: &str, found: &mut Vec<String>) {
        if self.kind != other.kind {
            found.push(format!("{name}: type {} and {}", self.kind, other.kind));
            return;
        }
        let any_form = other.encoding == EITHER && matches!(&*self.encoding, "embstr" | "raw");
        if by.encodings == Encodings::Compared && self.encoding != other.encoding && !any_form {
            found.push(format!("{name}: encoding {} and {}", self.encoding, other.encoding));
        }
        if !same_expiry(self.expires_ms, other.expires_ms, by.expiry_tolerance_ms) {
            found.push(format!("{name}: expires at {:?} and {:?}", self.expires_ms, other.expires_ms));
        }
        if !self.value.same(&other.value, by) {
            found.push(format!("{name}: {}", self.value.first_difference(&other.value, by)));
        }
    }
}

fn same_expiry(a: Option<i64>, b: Option<i64>, tolerance: i64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) <= tolerance.unsigned_abs(),
        (a, b) => a == b,
    }
}

impl Value {
    fn same(&self, other: &Self, by: Strictness) -> bool {
        match (self, other) {
            (Self::Hash(a), Self::Hash(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|((fa, (va, ea)), (fb, (vb, eb)))| {
                        fa == fb && va == vb && same_expiry(*ea, *eb, by.expiry_tolerance_ms)
                    })
            }
            (Self::Stream(a), Self::Stream(b)) => {
                let unknown = a.counts.is_none() || b.counts.is_none();
                let groups = if by.servers_log {
                    a.groups_in_a_servers_log() == b.groups_in_a_servers_log()
                } else {
                    a.groups == b.groups
                };
                (unknown || a.counts == b.counts)
                    && groups
                    && (&a.entries, &a.last_id) == (&b.entries, &b.last_id)
            }
            (a, b) => a == b,
        }
    }

    /// Where two values of one type part.
    fn first_difference(&self, other: &Self, by: Strictness) -> String {
        fn first<T: PartialEq>(a: Vec<T>, b: Vec<T>, show: impl Fn(&T) -> String) -> String {
            let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
            let side = |v: &[T]| v.get(at).map_or("(end)".to_owned(), &show);
            format!("{} and {} elements, at {at}: {} and {}", a.len(), b.len(), side(&a), side(&b))
        }
        let shorten = |mut s: String| {
            if s.len() > 300 {
                s = s.chars().take(300).chain("…".chars()).collect();
            }
            s
        };
        shorten(match (self, other) {
            (Self::String(a), Self::String(b)) => {
                format!("{} bytes {} and {} bytes {}", a.len(), quote(a), b.len(), quote(b))
            }
            (Self::List(a), Self::List(b)) => first(a.clone(), b.clone(), |x| quote(x)),
            (Self::Set(a), Self::Set(b)) => {
                first(a.iter().collect(), b.iter().collect::<Vec<_>>(), |x| quote(x))
            }
            (Self::Hash(a), Self::Hash(b)) => {
                for ((fa, (va, ea)), (fb, (vb, eb))) in a.iter().zip(b) {
                    if fa == fb && va == vb && same_expiry(*ea, *eb, by.expiry_tolerance_ms) {
                        continue;
                    }
                    return format!(
                        "field {} = {} ({ea:?}) and field {} = {} ({eb:?})",
                        quote(fa),
                        quote(va),
                        quote(fb),
                        quote(vb)
                    );
                }
                format!("{} and {} fields", a.len(), b.len())
            }
            (Self::SortedSet(a), Self::SortedSet(b)) => {
                first(a.clone(), b.clone(), |(m, s)| format!("{} {s}", quote(m)))
            }
            (Self::Stream(a), Self::Stream(b)) if a.entries == b.entries => {
                format!(
                    "last {}, {:?}, groups {:?} and last {}, {:?}, groups {:?}",
                    quote(&a.last_id),
                    a.counts,
                    a.groups,
                    quote(&b.last_id),
                    b.counts,
                    b.groups
                )
            }
            (Self::Stream(a), Self::Stream(b)) => {
                first(a.entries.clone(), b.entries.clone(), |entry| format!("{entry:?}"))
            }
            (a, b) => format!("{a:?} and {b:?}"),
        })
    }
}

/// Sends commands about keys, each in the key's database; the replies to those commands.
fn ask(from: &mut dyn Endpoint, commands: Vec<(u32, Vec<Vec<u8>>)>) -> Vec<Reply> {
    let mut batch = Vec::new();
    let mut selects = Vec::new();
    let mut selected = None;
    for (db, command) in commands {
        if selected.replace(db) != Some(db) {
            selects.push(batch.len());
            batch.push(argv(&format!("SELECT {db}")));
        }
        batch.push(command);
    }
    let replies = from.commands(&batch).into_iter().enumerate();
    replies.filter(|(at, _)| selects.binary_search(at).is_err()).map(|(_, reply)| reply).collect()
}

fn read_keys(from: &mut dyn Endpoint, keys: &[(u32, Vec<u8>)], all: &mut DataSet) {
    let about = |words: &str, key: &[u8]| {
        let mut v = argv(words);
        v.push(key.to_vec());
        v
    };
    let mut batch = Vec::new();
    for (db, key) in keys {
        for words in ["TYPE", "OBJECT ENCODING", "PEXPIRETIME"] {
            batch.push((*db, about(words, key)));
        }
    }
    let head = ask(from, batch);
    let kinds: Vec<String> = head.chunks_exact(3).map(|c| text(&c[0])).collect();
    let batch: Vec<_> = keys
        .iter()
        .zip(&kinds)
        .map(|((db, key), kind)| {
            let command = match kind.as_str() {
                "string" => about("GET", key),
                "list" => [about("LRANGE", key), argv("0 -1")].concat(),
                "set" => about("SMEMBERS", key),
                "hash" => about("HGETALL", key),
                "zset" => [about("ZRANGE", key), argv("0 -1 WITHSCORES")].concat(),
                "stream" => [about("XRANGE", key), argv("- +")].concat(),
                other => panic!("key {} has the unknown type {other}", quote(key)),
            };
            (*db, command)
        })
        .collect();
    let values = ask(from, batch);
    let mut selected = None;
    for (i, (db, key)) in keys.iter().enumerate() {
        let (reply, kind) = (&values[i], kinds[i].clone());
        let alone = kind == "stream" || head[3 * i + 2].is_error();
        if alone && selected.replace(*db) != Some(*db) {
            from.line(&format!("SELECT {db}"));
        }
        let value = read_value(from, key, &kind, reply)
            .unwrap_or_else(|| panic!("{kind} at {}: unexpected reply {reply}", quote(key)));
        let entry = Entry {
            kind,
            encoding: text(&head[3 * i + 1]),
            expires_ms: expiry(from, key, &head[3 * i + 2]),
            value,
        };
        all.keys.insert((*db, key.clone()), entry);
    }
    field_expiries(from, keys, all);
}

/// `PEXPIRETIME`, or where that is unknown (6.2) the same from `PTTL` and `TIME`.
fn expiry(from: &mut dyn Endpoint, key: &[u8], reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Int(at) => (*at >= 0).then_some(*at),
        _ => {
            let left = from.command(&[b"PTTL".to_vec(), key.to_vec()]).int()?;
            let now = from.line("TIME").strings()?;
            let part = |i: usize| -> Option<i64> { std::str::from_utf8(now.get(i)?).ok()?.parse().ok() };
            let now = part(0)? * 1000 + part(1)? / 1000;
            (left >= 0).then(|| now.saturating_add(left))
        }
    }
}

fn read_value(from: &mut dyn Endpoint, key: &[u8], kind: &str, reply: &Reply) -> Option<Value> {
    Some(match kind {
        "string" => Value::String(reply.bytes()?.to_vec()),
        "list" => Value::List(reply.strings()?),
        "set" => {
            let members = reply.strings()?;
            let set: BTreeSet<_> = members.iter().cloned().collect();
            assert_eq!(set.len(), members.len(), "SMEMBERS {} names a member twice", quote(key));
            Value::Set(set)
        }
        "hash" => {
            let pairs = reply.pairs()?;
            let count = pairs.len();
            let mut fields = BTreeMap::new();
            for (field, value) in pairs {
                fields.insert(field.bytes()?.to_vec(), (value.bytes()?.to_vec(), None));
            }
            assert_eq!(fields.len(), count, "HGETALL {} names a field twice", quote(key));
            Value::Hash(fields)
        }
        "zset" => Value::SortedSet(scored(reply)?),
        "stream" => Value::Stream(read_stream(from, key, reply)?),
        _ => return None,
    })
}

/// Fills in when the fields of hashes among `keys` expire, where the endpoint knows that.
fn field_expiries(from: &mut dyn Endpoint, keys: &[(u32, Vec<u8>)], all: &mut DataSet) {
    let mut hashes = Vec::new();
    let mut batch = Vec::new();
    for name in keys {
        let Some(Entry { value: Value::Hash(fields), .. }) = all.keys.get(name) else { continue };
        let mut ask = vec![b"HPEXPIRETIME".to_vec(), name.1.clone(), b"FIELDS".to_vec()];
        ask.push(fields.len().to_string().into_bytes());
        ask.extend(fields.keys().cloned());
        hashes.push(name);
        batch.push((name.0, ask));
    }
    for (name, reply) in hashes.into_iter().zip(ask(from, batch)) {
        let Some(Entry { value: Value::Hash(fields), .. }) = all.keys.get_mut(name) else { continue };
        for (slot, at) in fields.values_mut().zip(reply.items().unwrap_or_default()) {
            slot.1 = at.int().filter(|at| *at >= 0);
        }
    }
}

/// Members with scores, from the flat RESP2 form or the nested RESP3 form.
fn scored(reply: &Reply) -> Option<Vec<(Vec<u8>, f64)>> {
    let number = |r: &Reply| std::str::from_utf8(r.bytes()?).ok()?.parse::<f64>().ok();
    let items = reply.items()?;
    if items.first().is_some_and(|r| r.items().is_some()) {
        return items
            .iter()
            .map(|p| match p.items()? {
                [member, score] => Some((member.bytes()?.to_vec(), number(score)?)),
                _ => None,
            })
            .collect();
    }
    reply.pairs()?.iter().map(|(m, s)| Some((m.bytes()?.to_vec(), number(s)?))).collect()
}

fn read_stream(from: &mut dyn Endpoint, key: &[u8], range: &Reply) -> Option<Stream> {
    let ask = |from: &mut dyn Endpoint, words: &str, rest: &[&[u8]]| {
        let mut v = argv(words);
        v.extend(rest.iter().map(|r| r.to_vec()));
        from.command(&v)
    };
    let mut stream = Stream::default();
    for entry in range.items()? {
        match entry.items()? {
            [id, fields] => stream.entries.push((id.bytes()?.to_vec(), fields.strings()?)),
            _ => return None,
        }
    }
    let info = ask(from, "XINFO STREAM", &[key]);
    stream.last_id = info.field("last-generated-id")?.bytes()?.to_vec();
    if let (Some(added), Some(deleted)) = (info.field("entries-added"), info.field("max-deleted-entry-id")) {
        stream.counts = Some((added.int()?, deleted.bytes()?.to_vec()));
    }
    for info in ask(from, "XINFO GROUPS", &[key]).items()? {
        let name = info.field("name")?.bytes()?.to_vec();
        let mut group =
            Group { last_id: info.field("last-delivered-id")?.bytes()?.to_vec(), ..Group::default() };
        for consumer in ask(from, "XINFO CONSUMERS", &[key, &name]).items()? {
            group.consumers.insert(consumer.field("name")?.bytes()?.to_vec());
        }
        let pending = ask(from, "XPENDING", &[key, &name, b"-", b"+", b"1000000"]);
        for one in pending.items()? {
            match one.items()? {
                [id, consumer, _idle, Reply::Int(times)] => {
                    group.pending.push((id.bytes()?.to_vec(), consumer.bytes()?.to_vec(), *times));
                }
                _ => return None,
            }
        }
        stream.groups.insert(name, group);
    }
    Some(stream)
}

fn text(reply: &Reply) -> String {
    match reply.bytes() {
        Some(b) => String::from_utf8_lossy(b).into_owned(),
        None => reply.to_string(),
    }
}
