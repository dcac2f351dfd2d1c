//! What is known of a connection outside of its own task: CLIENT LIST shows it, CLIENT KILL and the clock end it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use persistkv::{Link, Usage};
use tokio::sync::Notify;

/// How long a connection is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Life {
    /// On.
    Open = 0,
    /// Until what was answered has been sent.
    Ending = 1,
    /// No longer.
    Over = 2,
}

/// See the module.
pub(crate) struct Peer {
    pub(crate) addr: String,
    pub(crate) local_addr: String,
    pub(crate) is_unix: bool,
    pub(crate) fd: i32,
    life: AtomicU8,
    /// Wakes the task: its life has changed.
    pub(crate) wake: Notify,
    born: Instant,
    /// When the last bytes came or went, ms after `born`.
    active: AtomicU64,
    /// It has subscribed to something.
    pub(crate) hears: AtomicBool,
    /// It waits for a key, or is held: silence is no sign of absence.
    pub(crate) waits: AtomicBool,
    pub(crate) input: AtomicUsize,
    pub(crate) input_free: AtomicUsize,
    pub(crate) output: AtomicUsize,
    pub(crate) total_input: AtomicU64,
    pub(crate) total_output: AtomicU64,
}

impl Peer {
    pub(crate) fn new(addr: String, local_addr: String, is_unix: bool, fd: i32) -> Self {
        Self {
            addr,
            local_addr,
            is_unix,
            fd,
            life: AtomicU8::new(Life::Open as u8),
            wake: Notify::new(),
            born: Instant::now(),
            active: AtomicU64::new(0),
            hears: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            input: AtomicUsize::new(0),
            input_free: AtomicUsize::new(0),
            output: AtomicUsize::new(0),
            total_input: AtomicU64::new(0),
            total_output: AtomicU64::new(0),
        }
    }

    pub(crate) fn life(&self) -> Life {
        match self.life.load(Ordering::Acquire) {
            0 => Life::Open,
            1 => Life::Ending,
            _ => Life::Over,
        }
    }

    /// Shortens its life; it is never made longer.
    pub(crate) fn shorten(&self, life: Life) {
        if self.life.fetch_max(life as u8, Ordering::AcqRel) < life as u8 {
            self.wake.notify_one();
        }
    }

    /// Bytes came or went.
    pub(crate) fn note_active(&self) {
        self.active.store(self.born.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether its silence says nothing.
    pub(crate) fn may_be_silent(&self) -> bool {
        self.waits.load(Ordering::Relaxed) || self.hears.load(Ordering::Relaxed)
    }

    pub(crate) fn idle_seconds(&self) -> u64 {
        (self.born.elapsed().as_millis() as u64).saturating_sub(self.active.load(Ordering::Relaxed)) / 1000
    }
}

impl Link for Peer {
    fn addr(&self) -> &str {
        &self.addr
    }
    fn local_addr(&self) -> &str {
        &self.local_addr
    }
    fn is_unix(&self) -> bool {
        self.is_unix
    }
    fn fd(&self) -> i32 {
        self.fd
    }
    fn usage(&self) -> Usage {
        Usage {
            input: self.input.load(Ordering::Relaxed),
            input_free: self.input_free.load(Ordering::Relaxed),
            output: self.output.load(Ordering::Relaxed),
            total_input: self.total_input.load(Ordering::Relaxed),
            total_output: self.total_output.load(Ordering::Relaxed),
        }
    }
    fn end(&self, after_reply: bool) {
        self.shorten(if after_reply { Life::Ending } else { Life::Over });
    }
    fn wake(&self) {
        self.wake.notify_one();
    }
}
