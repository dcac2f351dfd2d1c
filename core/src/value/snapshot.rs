//! What a cut knows of the big values it still has to save: one [`Ledger`] per cut.
//!
//! A big value is saved in steps while its key may be renamed, moved to another database, deleted or flushed. The
//! ledger says where each registered value is now: under a key, or adopted by the cut since the keyspace let it go.
//! It also counts the bytes put aside, so that writers who outrun the disk can be made to wait.
//! Knows [`Value`] only to keep adopted ones.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use super::Value;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Where a registered value is.
pub enum Home {
    /// Under this key of this database.
    Key {
        /// Database index at present.
        db: usize,
        /// The key at present.
        key: Vec<u8>,
    },
    /// The keyspace let it go; nobody but the saver sees it any more.
    Adopted(Box<Value>),
}

/// How a key was when the cut was made: what a snapshot says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Database index.
    pub db: u32,
    /// Key.
    pub key: Vec<u8>,
    /// Absolute expiry, ms since the epoch.
    pub expiry: Option<i64>,
    /// The 24-bit access clock.
    pub clock: u32,
}

/// A big value the saver has not begun with.
pub struct Job {
    /// Its number within the cut.
    pub id: u64,
    /// The key as of the cut.
    pub head: Head,
    /// Which kind of value, see [`super::saved::BigKind`].
    pub kind: super::saved::BigKind,
    /// Elements at the cut: as many records will come.
    pub len: usize,
}

/// One cut's book of big values and of bytes put aside.
#[derive(Default)]
pub struct Ledger {
    cancelled: AtomicBool,
    held: AtomicUsize,
    last_job: AtomicU64,
    book: Mutex<Book>,
    released: Condvar,
}

#[derive(Default)]
struct Book {
    homes: BTreeMap<u64, Home>,
    waiting: Vec<Job>,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the cut was given up: nothing needs saving for it any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Gives the cut up; adopted values are freed.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        let book = std::mem::take(&mut *self.book());
        crate::reclaim::later(book.homes, crate::reclaim::BIG);
    }

    /// Counts `bytes` put aside.
    pub fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts `bytes` taken by the saver.
    pub fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            self.released.notify_all();
        }
    }

    /// Waits until the saver has taken something, or `most` is over.
    pub fn wait_for_release(&self, most: Duration) {
        drop(self.released.wait_timeout(self.book(), most));
    }

    /// Lets everyone who waits look again.
    pub fn wake(&self) {
        self.released.notify_all();
    }

    /// Bytes put aside and not yet taken.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Enters a value; the caller registers it under the returned number while it holds the value's shard.
    pub fn enter(&self, db: usize, head: Head, kind: super::saved::BigKind, len: usize) -> u64 {
        let id = self.last_job.fetch_add(1, Ordering::Relaxed) + 1;
        let mut book = self.book();
        book.homes.insert(id, Home::Key { db, key: head.key.clone() });
        book.waiting.push(Job { id, head, kind, len });
        id
    }

    /// The next value to begin with.
    pub fn next_job(&self) -> Option<Job> {
        self.book().waiting.pop()
    }

    /// The value is under this key now (called under the new key's shard).
    pub fn moved(&self, job: u64, db: usize, key: &[u8]) {
        self.book().homes.insert(job, Home::Key { db, key: key.to_vec() });
    }

    /// The keyspace lets the value go (called under its shard).
    pub fn adopt(&self, job: u64, value: Box<Value>) {
        self.book().homes.insert(job, Home::Adopted(value));
    }

    /// Database and key of a registered value, `None` when it is adopted (or unknown).
    pub fn key_of(&self, job: u64) -> Option<(usize, Vec<u8>)> {
        match self.book().homes.get(&job) {
            Some(Home::Key { db, key }) => Some((*db, key.clone())),
            _ => None,
        }
    }

    /// Takes an adopted value over.
    pub fn take_adopted(&self, job: u64) -> Option<Box<Value>> {
        let mut book = self.book();
        match book.homes.remove(&job) {
            Some(Home::Adopted(value)) => Some(value),
            Some(home) => {
                book.homes.insert(job, home);
                None
            }
            None => None,
        }
    }

    /// The value is saved.
    pub fn finish(&self, job: u64) {
        self.book().homes.remove(&job);
    }

    /// SWAPDB: values of the two databases change places (called under all shards).
    pub fn swap_databases(&self, a: usize, b: usize) {
        for home in self.book().homes.values_mut() {
            if let Home::Key { db, .. } = home {
                if *db == a {
                    *db = b;
                } else if *db == b {
                    *db = a;
                }
            }
        }
    }

    /// Numbers and keys of the values under keys of `db` for which `mine` holds.
    pub fn jobs_in(&self, db: usize, mine: impl Fn(&[u8]) -> bool) -> Vec<(u64, Vec<u8>)> {
        let book = self.book();
        let in_db = |(id, home): (&u64, &Home)| match home {
            Home::Key { db: at, key } if *at == db && mine(key) => Some((*id, key.clone())),
            _ => None,
        };
        book.homes.iter().filter_map(in_db).collect()
    }
}
