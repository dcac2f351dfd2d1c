//! CLIENT PAUSE: until when clients are held, and which of their commands.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// See the module. Reading it costs one load while there is no pause.
#[derive(Default)]
pub struct Pause {
    /// ms since the epoch; 0: there is none.
    until: AtomicI64,
    writes_only: AtomicBool,
    lock: Mutex<()>,
    over: Condvar,
}

impl Pause {
    /// Whether there may be one.
    pub fn is_on(&self) -> bool {
        self.until.load(Ordering::Acquire) != 0
    }

    pub(crate) fn begin(&self, until: i64, writes_only: bool) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.writes_only.store(writes_only, Ordering::Relaxed);
        self.until.store(until, Ordering::Release);
    }

    pub(crate) fn end(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.until.store(0, Ordering::Release);
        self.over.notify_all();
    }

    /// How long a command is still held; `writes` says whether it may change anything.
    pub(crate) fn left(&self, now: i64, writes: bool) -> Option<Duration> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 || (!writes && self.writes_only.load(Ordering::Relaxed)) {
            return None;
        }
        let left = u64::try_from(until.saturating_sub(now)).unwrap_or(0);
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// Waits for the end of the pause, at most so long.
    pub(crate) fn wait(&self, most: Duration) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_on() {
            drop(self.over.wait_timeout(lock, most));
        }
    }
}
