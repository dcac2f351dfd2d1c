//! The keyspace: 64 shards, each a lock over its share of every database; the one door to change anything; the cut.
//!
//! * [`Keyspace::lock`] takes the shards of the keys a command declares, in ascending order; the [`Guard`] it returns
//!   is the only way to read or change entries. Every change goes through the snapshot hook, counts memory, and deletes
//!   an aggregate that became empty.
//! * [`Keyspace::begin_cut`] makes a point-in-time view without stopping anyone for longer than it takes to raise a
//!   number under 64 locks; see [`cut`].
//! * Expiry lies in the entry. Reads hide what is due; writes and a background tick delete it and say so, that it can
//!   be logged.
//!
//! Knows values and tables; neither commands nor files.

mod access;
mod clock;
pub mod cut;
mod eviction;
mod expiry;
mod figures;
mod flush;
mod guard;
mod interest;
mod pace;
mod prolong;
mod scan;
mod shard;
mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

pub use access::Use;
pub use clock::Clock;
pub use eviction::{Policy, Settings};
pub use expiry::Expired;
pub use figures::{DbFigures, Figures};
pub(crate) use guard::type_of;
pub use guard::{Expiry, Guard, StrRef, Taken};
pub use interest::{Changes, Wanted};
use shard::Shard;
pub(crate) use turn::Timed;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, SHARD_BITS, SPINS};
use crate::table::hash;
use crate::value::snapshot::Ledger;

/// Number of shards.
pub const SHARDS: usize = 1 << SHARD_BITS;

/// Counters that INFO and tests read; never used to decide anything.
#[derive(Default)]
pub struct Counters {
    /// Keys deleted since they were due.
    pub expired: AtomicU64,
    /// Fields of hashes deleted since they were due.
    pub expired_fields: AtomicU64,
    /// Reads that found their key.
    pub hits: AtomicU64,
    /// Reads that did not.
    pub misses: AtomicU64,
    /// Keys evicted since memory was full.
    pub evicted: AtomicU64,
    /// Times a writer waited since it had outrun the saver of a cut.
    pub saver_waits: AtomicU64,
}

/// Texts that belong to the data as a whole and are saved with them: the libraries of functions.
pub type Companions = Arc<Vec<Arc<[u8]>>>;

/// See the module's head.
pub struct Keyspace {
    shards: Box<[Mutex<Shard>]>,
    databases: usize,
    clock: Clock,
    /// While loading, nothing expires: the files say what was deleted.
    loading: AtomicBool,
    /// Whether writes and the tick delete what is due (DEBUG SET-ACTIVE-EXPIRE).
    active_expire: AtomicBool,
    /// False as long as no key has had an expiry, so that such a store needs no tick.
    may_expire: AtomicBool,
    cut: Mutex<cut::State>,
    cut_active: AtomicBool,
    access: access::Access,
    eviction: eviction::Eviction,
    turns: turn::Turns,
    companions: Mutex<Companions>,
    peak: AtomicUsize,
    /// What happened.
    pub counters: Counters,
}

impl Keyspace {
    /// An empty keyspace of that many databases.
    pub fn new(databases: usize, clock: Clock) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(databases))).collect(),
            databases,
            clock,
            loading: AtomicBool::new(false),
            active_expire: AtomicBool::new(true),
            may_expire: AtomicBool::new(false),
            cut: Mutex::default(),
            cut_active: AtomicBool::new(false),
            access: access::Access::default(),
            eviction: eviction::Eviction::default(),
            turns: turn::Turns::default(),
            companions: Mutex::default(),
            peak: AtomicUsize::new(0),
            counters: Counters::default(),
        }
    }

    /// What is saved with the data.
    pub(crate) fn companions(&self) -> Companions {
        self.companions.lock().map(|companions| Arc::clone(&companions)).unwrap_or_default()
    }

    /// Number of databases.
    pub fn databases(&self) -> usize {
        self.databases
    }

    /// The clock all times come from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// While true, no key counts as expired.
    pub fn set_loading(&self, loading: bool) {
        self.loading.store(loading, Ordering::Relaxed);
    }

    /// Turns the deletion of due keys on or off (they stay hidden from reads either way).
    pub fn set_active_expire(&self, on: bool) {
        self.active_expire.store(on, Ordering::Relaxed);
    }

    /// Says whether keys with an expiry are to be expected; who sets an expiry says so by itself.
    pub(crate) fn expect_expiring(&self, expected: bool) {
        self.may_expire.store(expected, Ordering::Relaxed);
    }

    /// Whether any key may have an expiry.
    pub fn has_expiring(&self) -> bool {
        self.may_expire.load(Ordering::Relaxed)
    }

    fn lock_shard(&self, index: usize) -> Result<MutexGuard<'_, Shard>> {
        self.lock_shard_as(index, false)
    }

    /// Takes a shard. While a script holds it that is too slow to wait for, only who is `patient` waits.
    fn lock_shard_as(&self, index: usize, patient: bool) -> Result<MutexGuard<'_, Shard>> {
        match self.try_shard(index, patient, false)? {
            Some(shard) => Ok(shard),
            None => Err(broken()),
        }
    }

    /// `None`: the caller `yields`, and is to let go of what he holds.
    fn try_shard(&self, index: usize, patient: bool, yields: bool) -> Result<Option<MutexGuard<'_, Shard>>> {
        // Locks are held for a few microseconds: looking again for that long beats going to sleep and being woken.
        for _ in 0..SPINS {
            if let Ok(mut shard) = self.shards[index].try_lock() {
                shard.visits = shard.visits.wrapping_add(1);
                return Ok(Some(shard));
            }
            std::hint::spin_loop();
        }
        let mut shard = self.wait_for_shard(index, patient, yields)?;
        if let Some(shard) = &mut shard {
            shard.visits = shard.visits.wrapping_add(1);
        }
        Ok(shard)
    }

    /// Takes the shards of `keys`, all before the first access, in ascending order.
    pub fn lock<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Result<Guard<'_>> {
        self.lock_mask(mask_of(keys), false)
    }

    /// Takes every shard.
    pub fn lock_all(&self) -> Result<Guard<'_>> {
        self.lock_mask(EVERY_SHARD, false)
    }

    /// As [`Keyspace::lock_all`], for the store's own work: waits even for a script that others need not wait for.
    pub(crate) fn lock_all_patiently(&self) -> Result<Guard<'_>> {
        self.lock_mask(EVERY_SHARD, true)
    }

    /// As [`Keyspace::lock`], for what must not be left undone.
    pub(crate) fn lock_patiently<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Result<Guard<'_>> {
        self.lock_mask(mask_of(keys), true)
    }

    /// Takes one shard by its number.
    pub fn lock_one(&self, index: usize) -> Result<Guard<'_>> {
        self.lock_mask(1 << index, false)
    }

    /// As [`Keyspace::lock_one`], for the store's own work.
    pub(crate) fn lock_one_patiently(&self, index: usize) -> Result<Guard<'_>> {
        self.lock_mask(1 << index, true)
    }

    /// A guard that holds no shard, for commands without keys.
    pub fn lock_none(&self) -> Guard<'_> {
        Guard::new(self, None, Vec::new())
    }

    fn lock_mask(&self, wanted: u64, patient: bool) -> Result<Guard<'_>> {
        if wanted.is_power_of_two() {
            let index = wanted.trailing_zeros() as usize;
            let shard = self.lock_shard_as(index, patient)?;
            return Ok(Guard::new(self, Some((index, shard)), Vec::new()));
        }
        'anew: loop {
            let mut held = Vec::with_capacity(wanted.count_ones() as usize);
            let mut rest = wanted;
            while rest != 0 {
                let index = rest.trailing_zeros() as usize;
                let Some(shard) = self.try_shard(index, patient, true)? else {
                    drop(held);
                    self.wait_for_upgrade(patient)?;
                    continue 'anew;
                };
                held.push((index, shard));
                rest &= rest - 1;
            }
            return Ok(Guard::new(self, None, held));
        }
    }

    /// The ledger of the cut under way.
    fn current_ledger(&self) -> Option<Arc<Ledger>> {
        self.cut.lock().ok()?.ledger.clone()
    }
}

const EVERY_SHARD: u64 = u64::MAX >> (64 - SHARDS);

fn mask_of<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> u64 {
    keys.into_iter().fold(0, |wanted, key| wanted | 1 << shard_of(hash(key)))
}

/// Some of the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShardSet(u64);

impl ShardSet {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(EVERY_SHARD);

    /// Those of keys.
    pub(crate) fn of<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Self {
        Self(mask_of(keys))
    }

    fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    fn indexes(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let index = rest.trailing_zeros() as usize;
            let found = rest != 0;
            rest &= rest.wrapping_sub(1);
            found.then_some(index)
        })
    }
}

/// A shard that is not whole any more.
fn broken() -> Error {
    let text = "ERR internal error: an earlier call panicked while it changed this part of the data; close the store and open it again";
    Error::new(ErrorKind::Internal, text)
}

/// The shard a hash belongs to: the top bits, which the tables' index and tags do not use.
pub(crate) fn shard_of(hash: u64) -> usize {
    (hash >> (64 - SHARD_BITS)) as usize
}

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
