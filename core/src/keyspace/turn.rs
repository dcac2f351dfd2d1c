//! Whose turn it is to run a script, and what a script's long hold of shards means for everybody else.
//!
//! A script holds the shards of its declared keys, for as long as it runs, and may find out late that it needs the others
//! ([`Guard::hold_everything`]). Two things follow for those who wait for a shard:
//!
//! * *They must be able to come back.* A script that runs for too long is answered with BUSY, and a caller who waits for
//!   its shards is to get that answer too. So while somebody has the turn, nobody goes to sleep for a shard: who finds it
//!   taken looks again after short pauses. And since one who saw nobody at turn may be about to fall asleep, sleepers are
//!   counted, and who takes the turn waits, before he takes any shard, until they have got theirs.
//! * *They must not stand in the way.* Shards are taken in ascending order, which a script that takes the rest while it
//!   holds some can not keep to. So it says so, and whoever holds some shards while he waits for a further one lets them
//!   go and begins anew when the script has them. He can: he has not touched anything before he holds all he wants. One
//!   who holds a single shard never waits for another.
//!
//! Only one has the turn, so that no two are ever on their way to all shards. It comes before any shard.

use std::time::Duration;

use super::guard::Guard;
use super::shard::Shard;
use super::{Clock, Keyspace, SHARDS, ShardSet};
use crate::error::{Error, Result};
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
#[cfg(feature = "model")]
use crate::sync::planted;
use crate::sync::{Condvar, Mutex, MutexGuard, yield_now};

/// How often one who waits for the turn looks whether the script has become too slow to wait for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Looks without a pause, then with a short one that grows up to this.
const PAUSE_MAX: Duration = Duration::from_micros(100);

/// The book-keeping; see the module's head.
#[derive(Default)]
pub(super) struct Turns {
    place: Mutex<Place>,
    free: Condvar,
    /// Somebody has the turn: nobody may fall asleep for a shard.
    held: AtomicBool,
    /// Who sleeps for a shard, or is about to.
    sleepers: AtomicUsize,
    /// Who has the turn is taking the rest of the shards.
    upgrading: AtomicBool,
    /// Since when a script runs, by the clock of durations; 0: none does.
    since_ns: AtomicI64,
    /// From when on it is too slow, ms; 0: never.
    limit_ms: AtomicI64,
    is_function: AtomicBool,
}

/// The turn itself.
#[derive(Default)]
struct Place {
    taken: bool,
    /// How many wait for it: waking costs a system call, also when nobody does.
    waiting: usize,
}

/// The turn. Dropping it gives it back.
pub(crate) struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.since_ns.store(0, Ordering::Relaxed);
        self.0.held.store(false, Ordering::SeqCst);
        let mut place = self.0.lock();
        place.taken = false;
        if place.waiting > 0 {
            self.0.free.notify_one();
        }
    }
}

/// One who sleeps for a shard.
struct Sleeper<'a>(&'a Turns);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A script runs; it is over when this is dropped.
pub(crate) struct Timed<'a>(&'a Turns);

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.0.since_ns.store(0, Ordering::Relaxed);
    }
}

/// Growing pauses.
#[derive(Default)]
struct Pauses(u32);

impl Pauses {
    fn next(&mut self) {
        /// Looks before the first pause that is more than giving way.
        const QUICK: u32 = 8;
        self.0 += 1;
        if cfg!(feature = "model") || self.0 < QUICK {
            yield_now();
        } else {
            let pause = Duration::from_micros(1) * (1 << (self.0 - QUICK).min(7));
            std::thread::sleep(pause.min(PAUSE_MAX));
        }
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `None`: somebody has the turn, and nobody may fall asleep.
    fn fall_asleep(&self) -> Option<Sleeper<'_>> {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let sleeper = Sleeper(self);
        #[cfg(feature = "model")]
        if planted::is(planted::Fault::SleepsAnyway) {
            return Some(sleeper);
        }
        if self.held.load(Ordering::SeqCst) { None } else { Some(sleeper) }
    }

    fn is_slow(&self, clock: &Clock) -> bool {
        let since = self.since_ns.load(Ordering::Relaxed);
        if since == 0 {
            return false;
        }
        let limit = self.limit_ms.load(Ordering::Relaxed);
        limit > 0 && clock.monotonic_ns(false).saturating_sub(since) / 1_000_000 >= limit
    }

    fn busy(&self) -> Error {
        let what = if self.is_function.load(Ordering::Relaxed) { "FUNCTION" } else { "SCRIPT" };
        Error::command(format!(
            "BUSY Redis is busy running a script. You can only call {what} KILL or SHUTDOWN NOSAVE."
        ))
    }
}

impl Keyspace {
    /// Waits for the turn. The caller holds no shard. An error means that the one at turn is too slow to wait for.
    pub(crate) fn take_turn(&self) -> Result<Turn<'_>> {
        let turns = &self.turns;
        let mut place = turns.lock();
        while place.taken {
            if turns.is_slow(&self.clock) {
                return Err(turns.busy());
            }
            place.waiting += 1;
            let waited = turns.free.wait_timeout(place, LOOK_EVERY);
            place = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
            place.waiting -= 1;
        }
        place.taken = true;
        drop(place);
        turns.held.store(true, Ordering::SeqCst);
        let turn = Turn(turns);
        let mut pauses = Pauses::default();
        while turns.sleepers.load(Ordering::SeqCst) > 0 {
            pauses.next();
        }
        Ok(turn)
    }

    /// A script begins to run.
    pub(crate) fn time_script(&self, is_function: bool) -> Timed<'_> {
        self.turns.is_function.store(is_function, Ordering::Relaxed);
        self.turns.since_ns.store(self.clock.monotonic_ns(false).max(1), Ordering::Relaxed);
        Timed(&self.turns)
    }

    /// From how many milliseconds on a script is too slow to wait for; 0: never.
    pub(crate) fn set_busy_limit(&self, ms: i64) {
        self.turns.limit_ms.store(ms, Ordering::Relaxed);
    }

    /// Whether a script runs for so long that callers are turned away.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.turns.since_ns.load(Ordering::Relaxed) != 0 && self.turns.is_slow(&self.clock)
    }

    /// The error they get.
    pub(crate) fn busy(&self) -> Error {
        self.turns.busy()
    }

    /// Waits for a shard that was found taken. `None`: the caller `yields`, and somebody wants all shards. An error: a
    /// script is too slow to wait for, unless the caller is `patient`.
    #[cold]
    pub(super) fn wait_for_shard(
        &self,
        index: usize,
        patient: bool,
        yields: bool,
    ) -> Result<Option<MutexGuard<'_, Shard>>> {
        let turns = &self.turns;
        let mut pauses = Pauses::default();
        loop {
            if let Some(sleeper) = turns.fall_asleep() {
                let shard = self.shards[index].lock().map_err(|_| super::broken())?;
                drop(sleeper);
                return Ok(Some(shard));
            }
            match self.shards[index].try_lock() {
                Ok(shard) => return Ok(Some(shard)),
                Err(std::sync::TryLockError::Poisoned(_)) => return Err(super::broken()),
                Err(std::sync::TryLockError::WouldBlock) => {}
            }
            if yields && turns.upgrading.load(Ordering::SeqCst) {
                return Ok(None);
            }
            if !patient && turns.is_slow(&self.clock) {
                return Err(turns.busy());
            }
            pauses.next();
        }
    }

    /// Waits, without a shard, until whoever takes all shards has them.
    pub(super) fn wait_for_upgrade(&self, patient: bool) -> Result<()> {
        let mut pauses = Pauses::default();
        while self.turns.upgrading.load(Ordering::SeqCst) {
            if !patient && self.turns.is_slow(&self.clock) {
                return Err(self.turns.busy());
            }
            pauses.next();
        }
        Ok(())
    }

    /// Takes the turn and then the shards of `keys`.
    pub(crate) fn lock_at_turn<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Result<Guard<'_>> {
        let turn = self.take_turn()?;
        let mut guard = self.lock(keys)?;
        guard.turn = Some(turn);
        Ok(guard)
    }

    /// Takes the turn and then every shard.
    pub(crate) fn lock_all_at_turn(&self) -> Result<Guard<'_>> {
        let turn = self.take_turn()?;
        let mut guard = self.lock_all()?;
        guard.turn = Some(turn);
        Ok(guard)
    }
}

/// The flag is let down however the taking ends.
struct Upgrade<'a>(&'a Turns);

impl Drop for Upgrade<'_> {
    fn drop(&mut self) {
        self.0.upgrading.store(false, Ordering::SeqCst);
    }
}

impl Guard<'_> {
    /// Whether these shards are held.
    pub(crate) fn has(&self, wanted: ShardSet) -> bool {
        self.holds_all() || wanted.indexes().all(|index| self.shard_at(index).is_some())
    }

    /// Takes the shards that are not held yet. Only for who has the turn.
    pub(crate) fn hold_everything(&mut self) -> Result<()> {
        if self.holds_all() {
            return Ok(());
        }
        debug_assert!(self.turn.is_some(), "only who has the turn may take shards out of order");
        let keyspace = self.keyspace();
        keyspace.turns.upgrading.store(true, Ordering::SeqCst);
        let _upgrade = Upgrade(&keyspace.turns);
        let mut held = self.take_held();
        for index in 0..SHARDS {
            if held.iter().any(|(at, _)| *at == index) {
                continue;
            }
            match keyspace.shards[index].lock() {
                Ok(shard) => held.push((index, shard)),
                Err(_) => {
                    self.put_held(held);
                    return Err(super::broken());
                }
            }
        }
        self.put_held(held);
        Ok(())
    }
}

/// For `tests/model`, which plays a script.
#[cfg(feature = "model")]
#[doc(hidden)]
impl Keyspace {
    pub fn lock_as_script<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Result<Guard<'_>> {
        self.lock_at_turn(keys)
    }
}

#[cfg(feature = "model")]
#[doc(hidden)]
impl Guard<'_> {
    pub fn has_shard_of(&self, key: &[u8]) -> bool {
        self.has(ShardSet::of([key]))
    }

    pub fn take_the_rest(&mut self) -> Result<()> {
        self.hold_everything()
    }
}
