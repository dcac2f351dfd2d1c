//! When entries of a table expire: a coarse, lazily validated timing wheel, for keys and for fields of hashes.
//!
//! It keeps only hashes, by the time slot in which an entry was due when its expiry was set. Nothing is taken out when
//! an expiry changes or an entry goes: when a slot fires, each hash is looked up and believed only if its entry is
//! really due. That costs 8 bytes per set expiry and no search. Far times lie in coarse slots and move to fine ones when
//! these fire.

use std::collections::BTreeMap;

/// Width of a fine slot: 256 ms.
const FINE_BITS: u32 = 8;
/// Width of a coarse slot: about 70 minutes.
const COARSE_BITS: u32 = 22;

/// About what a slot takes besides its hashes.
const SLOT_BYTES: usize = 64;

/// The expiry times of one table's entries.
#[derive(Clone, Debug, Default)]
pub struct Wheel {
    slots: BTreeMap<i64, Vec<u64>>,
    held: usize,
}

/// When the slot of an expiry fires.
fn slot(expiry: i64, now: i64) -> i64 {
    // A fine slot fires when it is over, a coarse one when it begins, so that its entries get fine slots in time.
    if expiry.saturating_sub(now) < 1 << COARSE_BITS {
        ((expiry >> FINE_BITS).saturating_add(1)).saturating_mul(1 << FINE_BITS)
    } else {
        (expiry >> COARSE_BITS).saturating_mul(1 << COARSE_BITS)
    }
}

impl Wheel {
    /// The entry with this hash is due at `expiry` (ms).
    pub fn add(&mut self, hash: u64, expiry: i64, now: i64) {
        self.slots.entry(slot(expiry, now)).or_default().push(hash);
        self.held += 1;
    }

    /// As [`Wheel::add`] for an entry that was due at `old` before: costs nothing when the slot stays the same.
    pub fn move_to(&mut self, hash: u64, old: Option<i64>, expiry: i64, now: i64) {
        // The old entry may lie in a coarse slot instead: that fires earlier, and then it is looked at anew.
        if old.is_none_or(|old| slot(old, now) != slot(expiry, now)) {
            self.add(hash, expiry, now);
        }
    }

    /// Takes up to `most` hashes from slots that have fired by `now`.
    pub fn take_due(&mut self, now: i64, most: usize) -> Vec<u64> {
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
        self.held -= due.len();
        due
    }

    /// A hash of some slot, more or less at random. Its entry may be gone, or expire at another time.
    pub fn draw(&self, rng: &mut fastrand::Rng) -> Option<u64> {
        let (first, last) = (*self.slots.first_key_value()?.0, *self.slots.last_key_value()?.0);
        let (_, slot) = self.slots.range(rng.i64(first..=last)..).next()?;
        rng.choice(slot).copied()
    }

    /// When the next slot fires.
    pub fn next(&self) -> Option<i64> {
        self.slots.first_key_value().map(|(at, _)| *at)
    }

    /// A time before which nothing is due.
    pub fn earliest(&self) -> Option<i64> {
        Some(self.next()?.saturating_sub(1 << FINE_BITS))
    }

    /// About the bytes it takes. O(1).
    pub fn memory(&self) -> usize {
        self.held * size_of::<u64>() + self.slots.len() * SLOT_BYTES
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
