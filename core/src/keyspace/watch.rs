//! Versions of watched keys, for WATCH.
//!
//! Only keys that somebody watches have a version, per shard and under its lock; a store without watchers pays one
//! comparison per change. The door ([`super::Guard`]) notes which watched keys a command reached for; whether it changed
//! anything is known at its end: then the versions move on, or the notes are dropped. Knows only tables.

use std::collections::HashMap;

use super::guard::Guard;
use super::shard::Shard;
use crate::table::hash;

#[derive(Default)]
struct Watched {
    watchers: usize,
    version: u64,
}

/// The watched keys of one shard.
#[derive(Default)]
pub(super) struct Watches {
    dbs: HashMap<usize, HashMap<Vec<u8>, Watched>>,
    /// Watched keys the command under way may have changed.
    noted: Vec<(usize, Vec<u8>)>,
}

impl Watches {
    fn find(&mut self, db: usize, key: &[u8]) -> Option<&mut Watched> {
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
        if let Some(watched) = self.find(db, key) {
            watched.version += 1;
        }
    }

    fn keys(&self, db: usize) -> Vec<Vec<u8>> {
        self.dbs.get(&db).map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
    }
}

impl Shard {
    /// A database is about to be emptied: its watched keys that are there change.
    pub(super) fn bump_present(&mut self, db: usize) {
        for key in self.watches.keys(db) {
            if self.find(db, hash(&key), &key).is_some() {
                self.watches.bump(db, &key);
            }
        }
    }

    /// Two databases are about to change places: watched keys that are there in either change.
    pub(super) fn bump_present_in_either(&mut self, a: usize, b: usize) {
        for db in [a, b] {
            for key in self.watches.keys(db) {
                let h = hash(&key);
                if self.find(a, h, &key).is_some() || self.find(b, h, &key).is_some() {
                    self.watches.bump(db, &key);
                }
            }
        }
    }
}

impl Guard<'_> {
    /// Begins to watch a key; its version now. A key that is due goes first: its end is no change to come.
    pub(crate) fn watch(&mut self, db: usize, key: &[u8]) -> u64 {
        let h = hash(key);
        self.purge(db, h, key);
        let watches = &mut self.shard_mut(h).watches;
        let watched = watches.dbs.entry(db).or_default().entry(key.to_vec()).or_default();
        watched.watchers += 1;
        watched.version
    }

    /// Ends what [`Guard::watch`] began.
    pub(crate) fn unwatch(&mut self, db: usize, key: &[u8]) {
        let watches = &mut self.shard_mut(hash(key)).watches;
        let Some(keys) = watches.dbs.get_mut(&db) else { return };
        if let Some(watched) = keys.get_mut(key) {
            watched.watchers -= 1;
            if watched.watchers == 0 {
                keys.remove(key);
            }
        }
        if keys.is_empty() {
            watches.dbs.remove(&db);
        }
    }

    /// Whether a watched key is as it was at this version. A key that became due meanwhile is not.
    pub(crate) fn is_unchanged(&mut self, db: usize, key: &[u8], version: u64) -> bool {
        let h = hash(key);
        let there = self.shard_mut(h).find(db, h, key).is_some();
        if there && self.peek(db, key).is_none() {
            return false;
        }
        let found = self.shard_mut(h).watches.find(db, key).map(|watched| watched.version);
        found == Some(version)
    }

    /// The command is over: watched keys it reached for have changed, or it has `changed` nothing.
    pub(crate) fn settle_watches(&mut self, changed: bool) {
        for (_, shard) in self.shards() {
            for (db, key) in std::mem::take(&mut shard.watches.noted) {
                if changed {
                    shard.watches.bump(db, &key);
                }
            }
        }
    }
}
