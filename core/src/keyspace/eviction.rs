//! Eviction: which key goes when memory is full, and how full it is.
//!
//! As Redis does, a few keys are drawn at random and the one least worth keeping goes; the better candidates of earlier
//! draws wait in a small pool, which brings the choice close to that of a perfect order. Keys are drawn from one shard
//! at a time, with its lock held for a few chains.
//!
//! Every shard counts its own memory under its lock. Only while there is a limit do guards, when they are dropped, add
//! what changed to a running total: asking for it costs one load, and without a limit nothing is paid at all.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::access::{Access, Use};
use super::shard::{Db, Shard, dispose};
use super::{Guard, Keyspace, SHARDS};
use crate::error::Result;
use crate::table::{Entry, hash};
use crate::value::Value;

/// Candidates that are remembered.
const POOL: usize = 16;
/// Chains looked at for keys that have an expiry before they are looked for by other means.
const CHAINS_MAX: usize = 32;
/// Hashes drawn from the expiry wheel: it may hold stale ones.
const WHEEL_TRIES: usize = 8;

/// What goes first when memory is full, in the order of `maxmemory-policy`'s words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Policy {
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
    AllKeysLru,
    AllKeysLfu,
    AllKeysRandom,
    NoEviction,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::VolatileLru,
        Self::VolatileLfu,
        Self::VolatileRandom,
        Self::VolatileTtl,
        Self::AllKeysLru,
        Self::AllKeysLfu,
        Self::AllKeysRandom,
        Self::NoEviction,
    ];

    fn is_volatile(self) -> bool {
        matches!(self, Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl)
    }

    /// Whether access clocks count uses under this policy.
    pub fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllKeysLfu)
    }

    /// Whether access clocks decide what goes by the time of the last use.
    pub fn is_lru(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllKeysLru)
    }

    fn is_random(self) -> bool {
        matches!(self, Self::VolatileRandom | Self::AllKeysRandom)
    }
}

/// What the directives say.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `maxmemory`, bytes; 0: no limit.
    pub maxmemory: usize,
    /// `maxmemory-policy`.
    pub policy: Policy,
    /// `maxmemory-samples`: keys drawn for each choice.
    pub samples: usize,
    /// `lfu-log-factor`.
    pub lfu_log_factor: u32,
    /// `lfu-decay-time`, minutes.
    pub lfu_decay_minutes: u32,
}

/// A key that may go.
struct Candidate {
    /// The higher, the less it is worth.
    score: u64,
    db: usize,
    key: Vec<u8>,
}

/// Candidates by rising score.
#[derive(Default)]
struct Pool(Vec<Candidate>);

impl Pool {
    fn offer(&mut self, score: u64, db: usize, key: &[u8]) {
        let at = self.0.partition_point(|other| other.score < score);
        if self.0.len() == POOL {
            if at == 0 {
                return;
            }
            if self.0.iter().all(|other| other.db != db || other.key != key) {
                self.0.remove(0);
                self.0.insert(at - 1, Candidate { score, db, key: key.to_vec() });
            }
        } else if self.0.iter().all(|other| other.db != db || other.key != key) {
            self.0.insert(at, Candidate { score, db, key: key.to_vec() });
        }
    }
}

/// The state of eviction.
pub(super) struct Eviction {
    limit: AtomicUsize,
    /// Bytes of the keyspace; right as long as there is a limit.
    used: AtomicI64,
    policy: AtomicU8,
    samples: AtomicUsize,
    pool: Mutex<Pool>,
}

impl Default for Eviction {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(0),
            used: AtomicI64::new(0),
            policy: AtomicU8::new(Policy::NoEviction as u8),
            samples: AtomicUsize::new(5),
            pool: Mutex::default(),
        }
    }
}

impl Eviction {
    /// Whether there is a limit.
    pub(super) fn is_on(&self) -> bool {
        self.limit.load(Ordering::Relaxed) != 0
    }

    fn policy(&self) -> Policy {
        Policy::ALL[usize::from(self.policy.load(Ordering::Relaxed))]
    }

    /// Adds what changed in a locked shard to the running total.
    pub(super) fn publish(&self, shard: &mut Shard) {
        let used = shard.used();
        if used != shard.published {
            self.used.fetch_add(used as i64 - shard.published as i64, Ordering::Relaxed);
            shard.published = used;
        }
    }

    fn excess(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        limit != 0 && self.used.load(Ordering::Relaxed) > i64::try_from(limit).unwrap_or(i64::MAX)
    }
}

impl Keyspace {
    /// Takes over what the directives say. With a new limit all shards are counted once.
    pub fn configure(&self, settings: &Settings, held: Option<&mut Guard<'_>>) -> Result<()> {
        self.access.configure(settings.policy.is_lfu(), settings.lfu_log_factor, settings.lfu_decay_minutes);
        let eviction = &self.eviction;
        eviction.samples.store(settings.samples.max(1), Ordering::Relaxed);
        eviction.policy.store(settings.policy as u8, Ordering::Relaxed);
        eviction.pool.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
        if settings.maxmemory != 0 && !eviction.is_on() {
            match held {
                Some(guard) if guard.holds_all() => self.begin_to_count(guard, settings.maxmemory),
                _ => self.begin_to_count(&mut self.lock_all()?, settings.maxmemory),
            }
        } else {
            eviction.limit.store(settings.maxmemory, Ordering::Relaxed);
        }
        Ok(())
    }

    /// From now on every guard that is dropped tells what changed in its shards.
    fn begin_to_count(&self, everything: &mut Guard<'_>, limit: usize) {
        let mut total = self.base_memory() as i64;
        for (_, shard) in everything.shards() {
            shard.published = shard.used();
            total += shard.used() as i64;
        }
        self.eviction.used.store(total, Ordering::Relaxed);
        self.eviction.limit.store(limit, Ordering::Relaxed);
    }

    /// The running total; right as long as there is a limit.
    #[cfg(test)]
    pub(super) fn running_total(&self) -> usize {
        self.eviction.used.load(Ordering::Relaxed) as usize
    }

    /// How to read access clocks as of now, for files; `None` unless the policy goes by them.
    pub fn clock_reader(self: &Arc<Self>) -> Option<impl Fn(u32) -> Use + Send + Sync + 'static> {
        let policy = self.eviction.policy();
        if !policy.is_lfu() && !policy.is_lru() {
            return None;
        }
        let (keyspace, now) = (Arc::clone(self), self.clock.coarse_seconds());
        Some(move |clock| {
            if policy.is_lfu() {
                Use::Freq(keyspace.access.freq(clock, now) as u8)
            } else {
                Use::Idle(Access::idle(clock, now))
            }
        })
    }

    /// Whether more memory is used than there may be.
    pub fn is_over_limit(&self) -> bool {
        self.eviction.excess()
    }

    /// Takes out the key that is least worth keeping, with the snapshot hook: the guard of its shard, its database and
    /// its name, so that the deletion can be logged. `None` when the policy lets nothing go.
    pub fn evict_one(&self) -> Result<Option<(Guard<'_>, usize, Vec<u8>)>> {
        let policy = self.eviction.policy();
        if policy == Policy::NoEviction {
            return Ok(None);
        }
        loop {
            let Some(candidate) = self.choose(policy)? else { return Ok(None) };
            let h = hash(&candidate.key);
            let mut guard = self.lock([&candidate.key[..]])?;
            let shard = guard.shard_mut(h);
            // It may have been deleted, or lost its expiry, since it was drawn.
            let is_there = shard
                .find(candidate.db, h, &candidate.key)
                .is_some_and(|entry| !policy.is_volatile() || entry.expiry().is_some());
            if is_there && let Some(entry) = shard.take(candidate.db, h, &candidate.key) {
                dispose(entry);
                self.counters.evicted.fetch_add(1, Ordering::Relaxed);
                return Ok(Some((guard, candidate.db, candidate.key)));
            }
        }
    }

    fn choose(&self, policy: Policy) -> Result<Option<Candidate>> {
        let mut pool = self.eviction.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = if policy.is_random() { 1 } else { self.eviction.samples.load(Ordering::Relaxed) };
        let mut rng = fastrand::Rng::new();
        let first = rng.usize(0..SHARDS);
        let mut drawn = 0;
        for step in 0..SHARDS {
            let guard = self.lock_one((first + step) % SHARDS)?;
            for shard in guard.shards_ref() {
                for (db, share) in shard.dbs.iter().enumerate() {
                    let Some(share) = share.as_deref() else { continue };
                    if share.table.is_empty() || (policy.is_volatile() && share.expiring == 0) {
                        continue;
                    }
                    draw(share, policy.is_volatile(), wanted, &mut rng, |entry| {
                        drawn += 1;
                        pool.offer(self.score(policy, entry), db, entry.key());
                    });
                }
            }
            if drawn >= wanted {
                break;
            }
        }
        Ok(pool.0.pop())
    }

    fn score(&self, policy: Policy, entry: &Entry<Value>) -> u64 {
        let now = self.clock.coarse_seconds();
        match policy {
            Policy::VolatileLru | Policy::AllKeysLru => u64::from(Access::idle(entry.clock(), now)),
            Policy::VolatileLfu | Policy::AllKeysLfu => {
                u64::from(255 - self.access.freq(entry.clock(), now).min(255))
            }
            Policy::VolatileTtl => u64::MAX - entry.expiry().unwrap_or(i64::MAX).max(0) as u64,
            // One is drawn, and it goes.
            _ => u64::MAX,
        }
    }
}

/// Draws about `wanted` keys of a share at random, only those with an expiry if `volatile`; at least one if there is
/// one.
fn draw(
    share: &Db,
    volatile: bool,
    wanted: usize,
    rng: &mut fastrand::Rng,
    mut f: impl FnMut(&Entry<Value>),
) {
    let mut drawn = 0;
    let mut take = |entry: &Entry<Value>| {
        if drawn < wanted && (!volatile || entry.expiry().is_some()) {
            drawn += 1;
            f(entry);
        }
        drawn
    };
    let mut have = 0;
    let mut cursor = rng.u64(..);
    let mut chain = Vec::new();
    let (chains, more_chains) = share.table.bucket_counts();
    for _ in 0..(chains + more_chains).min(CHAINS_MAX) {
        cursor = share.table.scan(cursor, |entry| chain.push(entry));
        // From somewhere in the chain on, so that no place in it is safer than another.
        let len = chain.len();
        if len > 0 {
            chain.rotate_left(rng.usize(0..len));
        }
        chain.drain(..).for_each(|entry| have = take(entry));
        if have >= wanted {
            return;
        }
    }
    // Few of many keys have an expiry, or the table is nearly empty.
    for _ in 0..WHEEL_TRIES {
        if let Some(h) = share.wheel.draw(rng).filter(|_| volatile) {
            share.table.find_by_hash(h, |entry| {
                have = take(entry);
                true
            });
        }
    }
    if have > 0 {
        return;
    }
    cursor = 0;
    loop {
        cursor = share.table.scan(cursor, |entry| have = take(entry));
        if cursor == 0 || have > 0 {
            return;
        }
    }
}
