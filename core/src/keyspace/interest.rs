//! Who is interested in a key: transactions that watch it (WATCH) and calls that wait for it (BLPOP and its kin).
//!
//! Only keys that somebody is interested in are listed, per shard and under its lock; a store where nobody is pays one
//! comparison per change. The door ([`super::Guard`]) notes which of them a command reached for; whether it changed
//! anything is known at its end: then the versions of watched keys move on, or the notes are dropped. Keys that somebody
//! waits for become ready either way: who looks in vain waits on. Knows only tables.

use std::collections::{HashMap, VecDeque};

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
}

impl Interest {
    fn is_over(&self) -> bool {
        self.watchers == 0 && self.waiting.is_empty()
    }
}

/// The keys of one shard that somebody is interested in.
#[derive(Default)]
pub(super) struct Interests {
    dbs: HashMap<usize, HashMap<Vec<u8>, Interest>>,
    /// Those the command under way may have changed.
    noted: Vec<(usize, Vec<u8>)>,
    /// Those somebody waits for that a whole database's change concerns.
    ready: Vec<(usize, Vec<u8>)>,
}

impl Interests {
    fn find(&mut self, db: usize, key: &[u8]) -> Option<&mut Interest> {
        self.dbs.get_mut(&db)?.get_mut(key)
    }

    /// A command may be about to change this key.
    pub(super) fn note(&mut self, db: usize, key: &[u8]) {
        if !self.dbs.is_empty() && self.find(db, key).is_some() {
            self.noted.push((db, key.to_vec()));
        }
    }

    /// The key has changed.
    pub(super) fn bump(&mut self, db: usize, key: &[u8]) {
        if let Some(interest) = self.find(db, key) {
            interest.version += 1;
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
                self.interests.bump(db, &key);
            }
        }
        self.interests.all_ready(db);
    }

    /// Two databases are about to change places: watched keys that are there in either change.
    pub(super) fn bump_present_in_either(&mut self, a: usize, b: usize) {
        for db in [a, b] {
            for key in self.interests.keys(db) {
                let h = hash(&key);
                if self.find(a, h, &key).is_some() || self.find(b, h, &key).is_some() {
                    self.interests.bump(db, &key);
                }
            }
            self.interests.all_ready(db);
        }
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
        let mut ready = std::mem::take(&mut self.ready);
        for (_, shard) in self.shards() {
            let interests = &mut shard.interests;
            ready.append(&mut interests.ready);
            for (db, key) in std::mem::take(&mut interests.noted) {
                let Some(interest) = interests.find(db, &key) else { continue };
                interest.version += u64::from(changed);
                if !interest.waiting.is_empty() {
                    ready.push((db, key));
                }
            }
        }
        self.ready = ready;
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
