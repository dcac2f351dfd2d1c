//! Latency: spikes of events, as LATENCY HISTORY shows them, and the distribution of each command's times.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::lock;
use crate::command::table;

/// Spikes that are kept of each event.
const SAMPLES: usize = 160;
/// Bounds of the distribution: 1 µs, 2, 4 … and one for all beyond.
const BUCKETS: usize = 31;

/// The spikes of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spikes {
    /// Seconds since the epoch and ms, the oldest first; one a second, the highest.
    pub(crate) samples: VecDeque<(i64, i64)>,
    /// The highest ever, ms.
    pub(crate) max: i64,
}

#[derive(Default)]
struct Histogram([AtomicU64; BUCKETS]);

/// See the module's head.
#[derive(Default)]
pub(crate) struct Latency {
    events: Mutex<BTreeMap<&'static str, Spikes>>,
    /// By the command's index in the table; allocated when the first time is recorded.
    histograms: OnceLock<Box<[Histogram]>>,
}

impl Latency {
    pub(crate) fn add(&self, event: &'static str, ms: i64, at: i64) {
        let mut events = lock(&self.events);
        let spikes = events.entry(event).or_default();
        spikes.max = spikes.max.max(ms);
        if let Some(last) = spikes.samples.back_mut()
            && last.0 == at
        {
            last.1 = last.1.max(ms);
            return;
        }
        if spikes.samples.len() == SAMPLES {
            spikes.samples.pop_front();
        }
        spikes.samples.push_back((at, ms));
    }

    /// All events that ever had a spike.
    pub(crate) fn events(&self) -> BTreeMap<&'static str, Spikes> {
        lock(&self.events).clone()
    }

    /// The spikes of an event by its name in any case.
    pub(crate) fn event(&self, name: &[u8]) -> Option<(&'static str, Spikes)> {
        self.events().into_iter().find(|(event, _)| name.eq_ignore_ascii_case(event.as_bytes()))
    }

    /// Forgets the spikes of these events (of all, when none is named); how many events there were.
    pub(crate) fn reset(&self, names: &[&[u8]]) -> usize {
        let mut events = lock(&self.events);
        let before = events.len();
        events.retain(|event, _| {
            !names.is_empty() && !names.iter().any(|name| name.eq_ignore_ascii_case(event.as_bytes()))
        });
        before - events.len()
    }

    pub(super) fn record(&self, index: usize, us: u64) {
        let histograms = self
            .histograms
            .get_or_init(|| table::full_names().iter().map(|_| Histogram::default()).collect());
        histograms[index].0[bucket(us)].fetch_add(1, Ordering::Relaxed);
    }

    /// The distribution of a command's times: upper bounds in µs (those where something is), and how many calls took no
    /// longer. `None` when no time was recorded.
    pub(crate) fn distribution(&self, index: usize) -> Option<Vec<(u64, u64)>> {
        let histogram = &self.histograms.get()?[index];
        let mut sum = 0;
        let mut found = Vec::new();
        for (at, count) in histogram.0.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                sum += count;
                found.push((1 << at, sum));
            }
        }
        (!found.is_empty()).then_some(found)
    }

    pub(super) fn reset_histograms(&self) {
        for histogram in self.histograms.get().into_iter().flatten() {
            histogram.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        }
    }
}

/// The first bound that is not below.
fn bucket(us: u64) -> usize {
    (us.max(1).next_power_of_two().trailing_zeros() as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_keeps_its_highest_spike_and_old_ones_go() {
        let latency = Latency::default();
        for (ms, at) in [(5, 1), (9, 1), (3, 1), (4, 2)] {
            latency.add("command", ms, at);
        }
        let (_, spikes) = latency.event(b"COMMAND").unwrap();
        assert_eq!((spikes.samples.into_iter().collect::<Vec<_>>(), spikes.max), (vec![(1, 9), (2, 4)], 9));
        for at in 0..500 {
            latency.add("command", 1, 100 + at);
        }
        assert_eq!(latency.event(b"command").unwrap().1.samples.len(), SAMPLES);
        latency.add("fast-command", 1, 1);
        assert_eq!((latency.reset(&[b"nope", b"fast-command"]), latency.reset(&[])), (1, 1));
        assert!(latency.events().is_empty());
    }

    #[test]
    fn times_are_counted_under_the_next_power_of_two() {
        let latency = Latency::default();
        assert_eq!(latency.distribution(0), None);
        for us in [0, 1, 2, 3, 4, 5, u64::MAX / 4] {
            latency.record(0, us);
        }
        assert_eq!(latency.distribution(0).unwrap(), [(1, 2), (2, 3), (4, 5), (8, 6), (1 << 30, 7)]);
        assert_eq!(latency.distribution(1), None);
        latency.reset_histograms();
        assert_eq!(latency.distribution(0), None);
    }
}
