//! A store that others reach while it is still being loaded, as a server's clients do: how far it has come, and what may be
//! run meanwhile. Loading is over before [`Store::open`](super::Store::open) returns, so a program never meets it.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::{Inner, Store};
use crate::config::Directive;
use crate::error::Result;

/// How long a wait of `key-load-delay` sleeps at a time, and so how long a lower value may take to be noticed.
const NAP: Duration = Duration::from_millis(10);

/// See the module.
#[derive(Default)]
pub(super) struct Opening {
    loading: AtomicBool,
    /// Seconds since the epoch.
    began: AtomicI64,
    /// Bytes to read, and those that were.
    total: AtomicU64,
    done: AtomicU64,
}

/// What INFO shows of it.
pub(super) struct Progress {
    pub(super) began: i64,
    pub(super) total: u64,
    pub(super) done: u64,
}

impl Progress {
    pub(super) fn percent(&self) -> f64 {
        self.done as f64 * 100.0 / self.total.max(1) as f64
    }

    /// Seconds that are left if it goes on as it went.
    pub(super) fn seconds_left(&self, now: i64) -> u64 {
        let elapsed = u64::try_from(now - self.began).unwrap_or(0);
        match elapsed {
            0 => 1,
            _ => self.total.saturating_sub(self.done).saturating_mul(elapsed) / (self.done + 1),
        }
    }
}

impl Opening {
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.loading.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, now: i64) {
        self.began.store(now, Ordering::Relaxed);
        self.loading.store(true, Ordering::Release);
    }

    /// What was loaded is there for whoever sees that it is over.
    fn end(&self) {
        self.loading.store(false, Ordering::Release);
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        self.is_on().then(|| Progress {
            began: self.began.load(Ordering::Relaxed),
            total: get(&self.total),
            done: get(&self.done),
        })
    }

    pub(super) fn note(&self, done: u64, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }

    /// A reader whose bytes count as progress.
    pub(super) fn counted<'a>(&'a self, input: impl Read + 'a, total: u64) -> impl Read + 'a {
        self.note(0, total);
        Counted { input, opening: self }
    }
}

struct Counted<'a, R> {
    input: R,
    opening: &'a Opening,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buf)?;
        self.opening.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Inner {
    /// `key-load-delay`: makes loading as slow as a test needs it. It may be shortened while somebody waits.
    pub(super) fn delay_load(&self) {
        let wanted = || u64::try_from(self.config.int(Directive::KeyLoadDelay)).unwrap_or(0);
        let mut slept = Duration::ZERO;
        while let Some(left) =
            Duration::from_micros(wanted()).checked_sub(slept).filter(|left| !left.is_zero())
        {
            let nap = left.min(NAP);
            std::thread::sleep(nap);
            slept += nap;
        }
    }
}

impl Store {
    /// Loads what a store's directory holds that was opened with [`Store::open_server`]; until it returns clients get
    /// `LOADING` for most commands. After an error the store is good for nothing, and closing it writes nothing.
    #[doc(hidden)]
    pub fn load(&self) -> Result<()> {
        let inner = &self.handle.inner;
        inner.load()?;
        inner.opening.end();
        Ok(())
    }

    /// Whether [`Store::load`] is still to be called, is under way, or failed.
    #[doc(hidden)]
    pub fn is_loading(&self) -> bool {
        self.handle.inner.opening.is_on()
    }
}
