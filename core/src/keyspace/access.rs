//! When and how often a key is used: the 24-bit clock in its entry, read as Redis reads it.
//!
//! Under an LFU policy its high 16 bits are minutes (when the counter was last lowered) and its low 8 bits a logarithmic
//! counter; under every other policy it is the time of the last use in seconds. A change of the policy leaves the clocks
//! as they are: they mean nonsense until the keys are used again, as in Redis.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The clock has so many bits.
const CLOCK_MAX: u32 = 0x00FF_FFFF;
const MINUTES_MAX: u32 = 0xFFFF;
/// Counter of a new key, so that it is not the first to go.
const FREQ_OF_NEW: u32 = 5;
const FREQ_MAX: u32 = 255;

/// What an access clock says under a policy that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Seconds since the last use.
    Idle(u32),
    /// The logarithmic counter of uses.
    Freq(u8),
}

/// How clocks are read and moved at present.
pub(super) struct Access {
    lfu: AtomicBool,
    log_factor: AtomicU32,
    decay_minutes: AtomicU32,
}

impl Default for Access {
    fn default() -> Self {
        Self { lfu: AtomicBool::new(false), log_factor: AtomicU32::new(10), decay_minutes: AtomicU32::new(1) }
    }
}

impl Access {
    pub(super) fn configure(&self, lfu: bool, log_factor: u32, decay_minutes: u32) {
        self.lfu.store(lfu, Ordering::Relaxed);
        self.log_factor.store(log_factor, Ordering::Relaxed);
        self.decay_minutes.store(decay_minutes, Ordering::Relaxed);
    }

    /// Whether clocks count uses.
    pub(super) fn is_lfu(&self) -> bool {
        self.lfu.load(Ordering::Relaxed)
    }

    /// The clock of a key born now.
    pub(super) fn born(&self, now_seconds: i64) -> u32 {
        if self.is_lfu() { with_freq(now_seconds, FREQ_OF_NEW) } else { seconds(now_seconds) }
    }

    /// The clock of a key that is used now.
    pub(super) fn used(&self, clock: u32, now_seconds: i64) -> u32 {
        if !self.is_lfu() {
            return seconds(now_seconds);
        }
        let counter = self.freq(clock, now_seconds);
        let above = counter.saturating_sub(FREQ_OF_NEW);
        // The chance to count one more falls with what has been counted, so that 255 stands for millions.
        let chances = u64::from(above) * u64::from(self.log_factor.load(Ordering::Relaxed)) + 1;
        let counts = counter < FREQ_MAX && (chances == 1 || fastrand::u64(0..chances) == 0);
        with_freq(now_seconds, counter + u32::from(counts))
    }

    /// The counter as it is now: it falls by one for each period without use.
    pub(super) fn freq(&self, clock: u32, now_seconds: i64) -> u32 {
        let (minutes, counter) = (clock >> 8, clock & FREQ_MAX);
        let elapsed = self::minutes(now_seconds).wrapping_sub(minutes) & MINUTES_MAX;
        let periods = elapsed.checked_div(self.decay_minutes.load(Ordering::Relaxed)).unwrap_or(0);
        counter.saturating_sub(periods)
    }

    /// Seconds without use, from a clock of seconds.
    pub(super) fn idle(clock: u32, now_seconds: i64) -> u32 {
        seconds(now_seconds).wrapping_sub(clock) & CLOCK_MAX
    }

    /// The clock of a key that was last used so many seconds ago. Half the clock's range back is as far as it goes.
    pub(super) fn idle_since(idle: u64, now_seconds: i64) -> u32 {
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(CLOCK_MAX);
        seconds(now_seconds).wrapping_sub(idle) & CLOCK_MAX
    }

    /// The clock of a key whose counter is known.
    pub(super) fn counted(freq: u8, now_seconds: i64) -> u32 {
        with_freq(now_seconds, u32::from(freq))
    }
}

fn seconds(now_seconds: i64) -> u32 {
    (now_seconds & i64::from(CLOCK_MAX)) as u32
}

fn minutes(now_seconds: i64) -> u32 {
    (now_seconds / 60) as u32 & MINUTES_MAX
}

fn with_freq(now_seconds: i64, counter: u32) -> u32 {
    minutes(now_seconds) << 8 | counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_rises_with_use_and_falls_with_time() {
        let access = Access::default();
        access.configure(true, 0, 1);
        let mut clock = access.born(60_000);
        assert_eq!(access.freq(clock, 60_000), 5);
        for _ in 0..10 {
            clock = access.used(clock, 60_000);
        }
        assert_eq!(access.freq(clock, 60_000), 15);
        assert_eq!(access.freq(clock, 60_000 + 7 * 60), 8);
        assert_eq!(access.freq(clock, 60_000 + 60 * 60), 0);
        access.configure(true, 0, 0);
        assert_eq!(access.freq(clock, 60_000 + 60 * 60), 15);
        // The minutes have 16 bits: a moment later across their end counts as a moment.
        access.configure(true, 0, 1);
        let end = 65_535 * 60;
        assert_eq!(access.freq(access.born(end), end + 120), 3);
        access.configure(true, 1_000_000, 1);
        let saturated = Access::counted(255, 0);
        assert_eq!(access.freq(access.used(saturated, 0), 0), 255);
    }

    #[test]
    fn seconds_without_use_survive_the_clocks_end() {
        let access = Access::default();
        let end = i64::from(CLOCK_MAX);
        assert_eq!(Access::idle(access.used(0, end - 5), end + 5), 10);
        assert_eq!(Access::idle(Access::idle_since(100, end + 5), end + 5), 100);
        assert_eq!(Access::idle(Access::idle_since(u64::MAX, 7), 7), CLOCK_MAX);
    }
}
