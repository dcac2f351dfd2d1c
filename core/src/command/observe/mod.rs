//! What the store knows of those who use it: its clients, how often commands were called and how long they took, which
//! were slow, which errors were answered. INFO, CLIENT, SLOWLOG and LATENCY show it.
//!
//! A client counts its own calls in counters that nobody else writes, so that counting costs no lock and no contended
//! cache line. Times come from a coarse clock (a few ms wide, but right on average) unless somebody asked for more:
//! then from the precise one, which costs about as much as a small command.

pub(super) mod clients;
pub(super) mod latency;
pub(super) mod monitors;
pub(super) mod pause;
pub(super) mod slowlog;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use clients::{ClientState, Clients, InTransaction, Link, Totals, Usage};
use latency::Latency;
use slowlog::Slowlog;

use super::services::Services;
use super::table::{Command, Flags};
use super::tracking::Tracking;
use crate::config::{Config, Directive};
use crate::error::Error;
use crate::keyspace::Clock;

/// Below this threshold of the slow log (µs) the coarse clock will not do.
const COARSE_US: i64 = 8_000;
/// Kinds of errors that are told apart.
const ERRORS_MAX: usize = 128;
/// What all others are counted under.
const OTHER_ERRORS: &str = "OTHER";

/// See the module's head.
#[derive(Default)]
pub struct Observer {
    /// Who uses the store.
    pub clients: Clients,
    pub(super) slowlog: Slowlog,
    pub(super) latency: Latency,
    errors: Mutex<BTreeMap<String, u64>>,
    precise: AtomicBool,
    /// MONITOR.
    pub monitors: monitors::Monitors,
    /// CLIENT TRACKING.
    pub tracking: Tracking,
    /// CLIENT PAUSE.
    pub pause: pause::Pause,
    /// What listeners have seen.
    pub wire: Wire,
}

/// Counters of the listeners.
#[derive(Default)]
pub struct Wire {
    /// Connections that are open.
    pub connected: AtomicU64,
    /// Connections that were refused since there were too many.
    pub rejected: AtomicU64,
    /// Bytes read.
    pub input: AtomicU64,
    /// Bytes sent.
    pub output: AtomicU64,
    /// Connections closed since they did not read what they had asked for.
    pub output_limit_disconnections: AtomicU64,
    /// Connections closed since they sent more than may wait.
    pub query_limit_disconnections: AtomicU64,
}

/// A lock that a panicking holder can not have left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When a command began, by one of the two clocks.
#[derive(Clone, Copy)]
pub(super) struct Began {
    pub(super) ns: i64,
    precise: bool,
}

impl Observer {
    /// Takes over what the directives say.
    pub fn configure(&self, config: &Config) {
        let slower_than = config.int(Directive::SlowlogLogSlowerThan);
        let precise = config.flag(Directive::LatencyTracking)
            || config.int(Directive::LatencyMonitorThreshold) > 0
            || (0..COARSE_US).contains(&slower_than);
        self.precise.store(precise, Ordering::Relaxed);
        self.slowlog.trim(config.int(Directive::SlowlogMaxLen) as usize);
    }

    pub(super) fn begin(&self, clock: &Clock) -> Began {
        let precise = self.precise.load(Ordering::Relaxed);
        Began { ns: clock.monotonic_ns(precise), precise }
    }

    /// A command has been run; its arguments are looked at only when it was slow.
    pub(super) fn end(
        &self,
        began: Began,
        services: &dyn Services,
        client: &ClientState,
        (row, index): (&'static Command, usize),
        argv: &[&[u8]],
        failed: bool,
    ) {
        let (clock, config) = (services.keyspace().clock(), services.config());
        let us = (clock.monotonic_ns(began.precise) - began.ns).max(0) / 1000;
        client.count(index, us as u64, failed);
        if us == 0 && !began.precise {
            return;
        }
        let slower_than = config.int(Directive::SlowlogLogSlowerThan);
        if slower_than >= 0 && us >= slower_than && !row.flags.has(Flags::SKIP_SLOWLOG) {
            let most = config.int(Directive::SlowlogMaxLen) as usize;
            self.slowlog.add(argv, us, clock.now_ms() / 1000, &client.name(), most);
        }
        let threshold = config.int(Directive::LatencyMonitorThreshold);
        if threshold > 0 && us / 1000 >= threshold {
            let event = if row.flags.has(Flags::FAST) { "fast-command" } else { "command" };
            self.latency.add(event, us / 1000, clock.now_ms() / 1000);
        }
        if config.flag(Directive::LatencyTracking) {
            self.latency.record(index, us as u64);
        }
    }

    /// An error was answered.
    pub(super) fn count_error(&self, error: &Error) {
        let text = error.reply_text();
        let code = text.split(' ').next().unwrap_or_default();
        let mut errors = lock(&self.errors);
        if let Some(count) = errors.get_mut(code) {
            *count += 1;
        } else {
            let name = if errors.len() < ERRORS_MAX { code } else { OTHER_ERRORS };
            *errors.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// How often each kind of error was answered.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        lock(&self.errors).clone()
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        self.clients.reset_totals();
        self.latency.reset_histograms();
        let wire = &self.wire;
        for counter in [
            &wire.rejected,
            &wire.input,
            &wire.output,
            &wire.output_limit_disconnections,
            &wire.query_limit_disconnections,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        lock(&self.errors).clear();
    }
}
