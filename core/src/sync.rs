//! The locks and atomics of the log, the keyspace and the cut: the standard library's, or, for `tests/model`, those of a
//! model checker that chooses every schedule by itself. Under the checker there are fewer shards, so that locking all of
//! them leaves it some choice. Knows nothing of the engine.

#[cfg(feature = "model")]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread::yield_now,
};
#[cfg(not(feature = "model"))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread::yield_now,
};

/// Of a hash, the top so many bits choose the shard. 64 shards kept more of the writers' throughput during a save than 16
/// (measured: 44–65 % against 35–37 %).
pub(crate) const SHARD_BITS: u32 = if cfg!(feature = "model") { 1 } else { 6 };

/// How often a taken lock is tried before its thread sleeps: about as long as the saver of a cut holds one.
pub(crate) const SPINS: usize = if cfg!(feature = "model") { 1 } else { 200 };

/// Faults that the model checks plant to show that they would be found.
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod planted {
    use std::sync::atomic::{AtomicU8, Ordering};

    /// What is left out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u8)]
    pub enum Fault {
        /// Nothing.
        None = 0,
        /// Who changes an entry does not save it for the cut.
        NoHook = 1,
        /// The saver does not stamp what it has saved.
        NoStamp = 2,
        /// A sync does not look again whether the log was switched to a new file meanwhile.
        NoSecondLook = 3,
        /// Who finds a shard taken falls asleep for it though a script may hold it.
        SleepsAnyway = 4,
    }

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Plants one fault for this process.
    pub fn plant(fault: Fault) {
        PLANTED.store(fault as u8, Ordering::Relaxed);
    }

    pub(crate) fn is(fault: Fault) -> bool {
        PLANTED.load(Ordering::Relaxed) == fault as u8
    }
}
