//! When keys expire: a coarse, lazily validated timing wheel.
//!
//! It keeps only hashes, by the time slot in which a key was due when its expiry was set. Nothing is taken out when an
//! expiry changes or a key goes: when a slot fires, each hash is looked up and believed only if its key is really due.
//! That costs 8 bytes per set expiry and no search. Far times lie in coarse slots and move to fine ones when these fire.

use std::collections::BTreeMap;

/// Width of a fine slot: 256 ms.
const FINE_BITS: u32 = 8;
/// Width of a coarse slot: about 70 minutes.
const COARSE_BITS: u32 = 22;

/// The expiry times of one database in one shard.
#[derive(Default)]
pub(super) struct Wheel {
    slots: BTreeMap<i64, Vec<u64>>,
}

impl Wheel {
    /// The key with this hash is due at `expiry` (ms).
    pub(super) fn add(&mut self, hash: u64, expiry: i64, now: i64) {
        let bits = if expiry.saturating_sub(now) < 1 << COARSE_BITS { FINE_BITS } else { COARSE_BITS };
        // A fine slot fires when it is over, a coarse one when it begins, so that its keys get fine slots in time.
        let slot = if bits == FINE_BITS {
            ((expiry >> bits).saturating_add(1)).saturating_mul(1 << bits)
        } else {
            (expiry >> bits).saturating_mul(1 << bits)
        };
        self.slots.entry(slot).or_default().push(hash);
    }

    /// Takes up to `most` hashes from slots that have fired by `now`.
    pub(super) fn take_due(&mut self, now: i64, most: usize) -> Vec<u64> {
        let mut due = Vec::new();
        while due.len() < most
            && let Some(mut first) = self.slots.first_entry()
            && *first.key() <= now
        {
            let slot = first.get_mut();
            let keep = slot.len() - slot.len().min(most - due.len());
            due.extend(slot.drain(keep..));
            if keep == 0 {
                first.remove();
            }
        }
        due
    }

    /// A hash of some slot, more or less at random. Its key may be gone, or expire at another time.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng) -> Option<u64> {
        let (first, last) = (*self.slots.first_key_value()?.0, *self.slots.last_key_value()?.0);
        let (_, slot) = self.slots.range(rng.i64(first..=last)..).next()?;
        rng.choice(slot).copied()
    }

    /// When the next slot fires.
    pub(super) fn next(&self) -> Option<i64> {
        self.slots.first_key_value().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fire_in_time_and_within_the_budget() {
        let mut wheel = Wheel::default();
        let now = 1_000_000;
        wheel.add(1, now + 100, now);
        wheel.add(2, now + 100, now);
        wheel.add(3, now + 10_000_000, now);
        wheel.add(4, i64::MAX, now);
        assert!(wheel.take_due(now, 10).is_empty());
        assert_eq!(wheel.take_due(now + 512, 1).len(), 1);
        assert_eq!(wheel.take_due(now + 512, 9).len(), 1);
        let coarse = wheel.next().unwrap();
        assert!(coarse <= now + 10_000_000 && coarse > now);
        assert_eq!(wheel.take_due(coarse, 9), vec![3]);
        assert!(wheel.next().unwrap() > now);
    }
}
