//! Who is interested in a key: transactions that watch it (WATCH) and calls that wait for it (BLPOP and its kin).
//!
//! Only keys that somebody is interested in are listed, per shard and under its lock; a store where nobody is pays one
//! comparison per change. The door ([`super::Guard`]) notes which of them a command reached for; whether it changed
//! anything is known at its end: then the versions of watched keys move on, or the notes are dropped. Keys that somebody
//! waits for become ready either way: who looks in vain waits on. Knows only tables.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use super::ShardSet;
use super::guard::{Guard, type_of};
use super::shard::Shard;
use crate::table::hash;

/// What a waiting call needs its key to be before it is worth looking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A list.
    List,
    /// A sorted set.
    ZSet,
    /// A stream.
    Stream,
    /// Anything: XREADGROUP must also learn that its stream or group is gone.
    Any,
}

impl Wanted {
    fn fits(self, found: Option<&'static str>) -> bool {
        match self {
            Self::List => found == Some("list"),
            Self::ZSet => found == Some("zset"),
            Self::Stream => found == Some("stream"),
            Self::Any => true,
        }
    }
}

#[derive(Default)]
struct Interest {
    watchers: usize,
    version: u64,
    /// Tickets of waiting calls, first come first.
    waiting: VecDeque<(u64, Wanted)>,
    /// Clients that have read it and want to know of its next change.
    readers: Vec<u64>,
}

impl Interest {
    fn is_over(&self) -> bool {
        self.watchers == 0 && self.waiting.is_empty() && self.readers.is_empty()
    }
}

/// What has changed, for clients that cache what they have read.
#[derive(Debug, Default)]
pub struct Changes {
    /// Keys, and the clients that had read them.
    pub read: Vec<(Vec<u8>, Vec<u64>)>,
    /// All keys, if somebody wants them all.
    pub all: Vec<Vec<u8>>,
    /// A whole database has changed.
    pub flushed: bool,
}

/// The keys of one shard that somebody is interested in.
#[derive(Default)]
pub(super) struct Interests {
    dbs: HashMap<usize, HashMap<Vec<u8>, Interest>>,
    /// Those the command under way may have changed, with the place of each in the order of all shards'.
    noted: Vec<(u64, usize, Vec<u8>)>,
    /// Those somebody waits for that a whole database's change concerns.
    ready: Vec<(usize, Vec<u8>)>,
    /// Every key is to be noted.
    pub(super) feeds_all: bool,
    /// How many keys somebody has read and wants to know of.
    tracked: usize,
    changes: Option<Box<Changes>>,
}

/// A higher number than any before on this thread, on which a guard stays.
fn next_place() -> u64 {
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(0) };
    }
    LAST.with(|last| {
        last.set(last.get() + 1);
        last.get()
    })
}

impl Changes {
    fn append(&mut self, mut new: Self) {
        self.read.append(&mut new.read);
        self.all.append(&mut new.all);
        self.flushed |= new.flushed;
    }
}

impl Interests {
    fn find(&mut self, db: usize, key: &[u8]) -> Option<&mut Interest> {
        self.dbs.get_mut(&db)?.get_mut(key)
    }

    /// A command may be about to change this key.
    pub(super) fn note(&mut self, db: usize, key: &[u8]) {
        if self.feeds_all || (!self.dbs.is_empty() && self.find(db, key).is_some()) {
            self.noted.push((next_place(), db, key.to_vec()));
        }
    }

    /// The key has changed.
    pub(super) fn bump(&mut self, db: usize, key: &[u8]) {
        self.bump_silently(db, key);
        self.tell_readers(db, key);
    }

    /// It has changed with its whole database; who has read it is told of that.
    fn bump_silently(&mut self, db: usize, key: &[u8]) {
        if let Some(interest) = self.find(db, key) {
            interest.version += 1;
        }
    }

    /// Takes note of who is to be told that the key has changed; they are told once.
    fn tell_readers(&mut self, db: usize, key: &[u8]) {
        if self.feeds_all {
            self.changes.get_or_insert_default().all.push(key.to_vec());
        }
        if self.tracked == 0 {
            return;
        }
        let readers =
            self.update(db, key, |interest| std::mem::take(&mut interest.readers)).unwrap_or_default();
        if !readers.is_empty() {
            self.tracked -= 1;
            self.changes.get_or_insert_default().read.push((key.to_vec(), readers));
        }
    }

    /// A client has read a key. With as many of them as may be another one has to go, whose readers are told.
    fn track(&mut self, db: usize, key: &[u8], client: u64, most: usize) {
        let readers = &mut self.enter(db, key).readers;
        let is_new = readers.is_empty();
        if !readers.contains(&client) {
            readers.push(client);
        }
        self.tracked += usize::from(is_new);
        if is_new && self.tracked > most {
            let other = self.dbs.iter().find_map(|(db, keys)| {
                let read =
                    keys.iter().find(|(other, interest)| !interest.readers.is_empty() && *other != key);
                read.map(|(key, _)| (*db, key.clone()))
            });
            if let Some((db, key)) = other {
                self.tell_readers(db, &key);
            }
        }
    }

    /// A database is emptied: all who have read something of it are told that at once.
    fn flush_readers(&mut self, db: usize) {
        self.changes.get_or_insert_default().flushed = true;
        for key in if self.tracked > 0 { self.keys(db) } else { Vec::new() } {
            let had = self.update(db, &key, |interest| !std::mem::take(&mut interest.readers).is_empty());
            self.tracked -= usize::from(had == Some(true));
        }
    }

    fn keys(&self, db: usize) -> Vec<Vec<u8>> {
        self.dbs.get(&db).map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
    }

    /// Changes one key's interest, and forgets it when nobody is left.
    fn update<R>(&mut self, db: usize, key: &[u8], f: impl FnOnce(&mut Interest) -> R) -> Option<R> {
        let keys = self.dbs.get_mut(&db)?;
        let interest = keys.get_mut(key)?;
        let result = f(interest);
        if interest.is_over() {
            keys.remove(key);
            if keys.is_empty() {
                self.dbs.remove(&db);
            }
        }
        Some(result)
    }

    fn enter(&mut self, db: usize, key: &[u8]) -> &mut Interest {
        self.dbs.entry(db).or_default().entry(key.to_vec()).or_default()
    }

    /// Everything somebody waits for in a database may be ready.
    fn all_ready(&mut self, db: usize) {
        let waited =
            self.dbs.get(&db).into_iter().flatten().filter(|(_, interest)| !interest.waiting.is_empty());
        self.ready.extend(waited.map(|(key, _)| (db, key.clone())));
    }
}

impl Shard {
    /// A database is about to be emptied: its watched keys that are there change.
    pub(super) fn bump_present(&mut self, db: usize) {
        for key in self.interests.keys(db) {
            if self.find(db, hash(&key), &key).is_some() {
                self.interests.bump_silently(db, &key);
            }
        }
        self.interests.all_ready(db);
        self.interests.flush_readers(db);
    }

    /// Two databases are about to change places: watched keys that are there in either change.
    pub(super) fn bump_present_in_either(&mut self, a: usize, b: usize) {
        for db in [a, b] {
            for key in self.interests.keys(db) {
                let h = hash(&key);
                if self.find(a, h, &key).is_some() || self.find(b, h, &key).is_some() {
                    self.interests.bump_silently(db, &key);
                }
            }
            self.interests.all_ready(db);
            self.interests.flush_readers(db);
        }
    }
}

/// Tracking.
impl Guard<'_> {
    /// A client has read this key and wants to know of its next change. Of all keys about `most` are remembered.
    pub(crate) fn track(&mut self, db: usize, key: &[u8], client: u64, most: usize) {
        // A share for each shard, since none knows of the others.
        let most = most.div_ceil(super::SHARDS);
        self.shard_mut(hash(key)).interests.track(db, key, client, if most == 0 { usize::MAX } else { most });
    }

    /// What has changed under this guard, as far as somebody wants to know.
    pub(crate) fn take_changes(&mut self) -> Option<Box<Changes>> {
        self.changes.take()
    }

    /// All keys that change are to be told of ([`Changes::all`]), or only those that somebody has read. Every shard is held.
    pub(crate) fn set_feeds_all(&mut self, on: bool) {
        self.shards().for_each(|(_, shard)| shard.interests.feeds_all = on);
    }
}

/// WATCH.
impl Guard<'_> {
    /// Begins to watch a key; its version now. A key that is due goes first: its end is no change to come.
    pub(crate) fn watch(&mut self, db: usize, key: &[u8]) -> u64 {
        let h = hash(key);
        self.purge(db, h, key);
        let watched = self.shard_mut(h).interests.enter(db, key);
        watched.watchers += 1;
        watched.version
    }

    /// Ends what [`Guard::watch`] began.
    pub(crate) fn unwatch(&mut self, db: usize, key: &[u8]) {
        let interests = &mut self.shard_mut(hash(key)).interests;
        interests.update(db, key, |watched| watched.watchers = watched.watchers.saturating_sub(1));
    }

    /// Whether a watched key is as it was at this version. A key that became due meanwhile is not.
    pub(crate) fn is_unchanged(&mut self, db: usize, key: &[u8], version: u64) -> bool {
        let h = hash(key);
        let there = self.shard_mut(h).find(db, h, key).is_some();
        if there && self.peek(db, key).is_none() {
            return false;
        }
        let found = self.shard_mut(h).interests.find(db, key).map(|watched| watched.version);
        found == Some(version)
    }

    /// The command is over: watched keys it reached for have changed, or it has `changed` nothing.
    pub(crate) fn settle(&mut self, changed: bool) {
        self.settle_of(ShardSet::ALL, changed);
    }

    /// As [`Guard::settle`], for a command that has reached for no other shards.
    pub(crate) fn settle_of(&mut self, reached: ShardSet, changed: bool) {
        let mut ready = std::mem::take(&mut self.ready);
        let mut changes = self.changes.take();
        let mut noted = Vec::new();
        for (_, shard) in self.shards().filter(|(index, _)| reached.contains(*index)) {
            let interests = &mut shard.interests;
            ready.append(&mut interests.ready);
            noted.append(&mut interests.noted);
            if let Some(new) = interests.changes.take() {
                changes.get_or_insert_default().append(*new);
            }
        }
        // In the order in which they were reached for, in whichever shard.
        noted.sort_unstable_by_key(|(place, ..)| *place);
        for (_, db, key) in noted {
            let interests = &mut self.shard_mut(hash(&key)).interests;
            if changed {
                interests.tell_readers(db, &key);
                if let Some(new) = interests.changes.take() {
                    changes.get_or_insert_default().append(*new);
                }
            }
            let Some(interest) = interests.find(db, &key) else { continue };
            interest.version += u64::from(changed);
            if !interest.waiting.is_empty() {
                ready.push((db, key));
            }
        }
        self.ready = ready;
        self.changes = changes;
    }
}

/// Waiting.
impl Guard<'_> {
    /// The call with this ticket waits for a key from now on, behind those that wait already.
    pub(crate) fn wait_for(&mut self, db: usize, key: &[u8], ticket: u64, wanted: Wanted) {
        let waiting = &mut self.shard_mut(hash(key)).interests.enter(db, key).waiting;
        if !waiting.iter().any(|(other, _)| *other == ticket) {
            waiting.push_back((ticket, wanted));
        }
    }

    /// It does so no longer; whether it did.
    pub(crate) fn stop_waiting(&mut self, db: usize, key: &[u8], ticket: u64) -> bool {
        let remove = |interest: &mut Interest| {
            let before = interest.waiting.len();
            interest.waiting.retain(|(other, _)| *other != ticket);
            interest.waiting.len() < before
        };
        self.shard_mut(hash(key)).interests.update(db, key, remove).unwrap_or(false)
    }

    /// Tickets of the calls that wait for a key and may find it as they want it, first come first.
    pub(crate) fn waiting_for(&mut self, db: usize, key: &[u8]) -> Vec<u64> {
        let found = self.peek(db, key).map(type_of);
        let Some(interest) = self.shard_mut(hash(key)).interests.find(db, key) else { return Vec::new() };
        let fitting = interest.waiting.iter().filter(|(_, wanted)| wanted.fits(found));
        fitting.map(|(ticket, _)| *ticket).collect()
    }

    /// Keys somebody waits for that were reached for under this guard.
    pub(crate) fn take_ready(&mut self) -> Vec<(usize, Vec<u8>)> {
        std::mem::take(&mut self.ready)
    }
}
