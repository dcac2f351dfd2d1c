//! Time, injected: real for users, set by hand in tests.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where a store gets its time from.
#[derive(Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// Milliseconds since the epoch, moved by a test.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.now_us() / 1000
    }

    /// Microseconds since the epoch.
    pub fn now_us(&self) -> i64 {
        match self {
            Clock::System => {
                let now = read(libc::CLOCK_REALTIME);
                now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
            }
            Clock::Manual(ms) => ms.load(Ordering::Relaxed) * 1000,
        }
    }

    /// Nanoseconds from some instant on, for durations. The coarse clock is a few ms wide and several times as cheap.
    pub fn monotonic_ns(&self, precise: bool) -> i64 {
        match self {
            Clock::System => {
                let which = if precise { libc::CLOCK_MONOTONIC } else { libc::CLOCK_MONOTONIC_COARSE };
                let now = read(which);
                now.tv_sec * 1_000_000_000 + now.tv_nsec
            }
            Clock::Manual(ms) => ms.load(Ordering::Relaxed) * 1_000_000,
        }
    }

    /// Seconds since the epoch, a few ms late at most; cheap enough for every read of a key.
    pub fn coarse_seconds(&self) -> i64 {
        match self {
            Clock::System => read(libc::CLOCK_REALTIME_COARSE).tv_sec,
            Clock::Manual(ms) => ms.load(Ordering::Relaxed) / 1000,
        }
    }
}

fn read(which: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec to write to; the clocks used exist on every Linux, so the call can not fail.
    unsafe { libc::clock_gettime(which, &mut now) };
    now
}
