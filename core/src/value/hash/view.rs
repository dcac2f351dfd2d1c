//! What a reader sees of a hash: the fields that are not due.

use super::{Hash, Pair, triplet};
use crate::encoding::listpack::LpValue;
use crate::value::sample::{Picker, select, select_entries};

/// How often an element of a table is picked anew because it is due, before all are looked at.
const TRIES: usize = 64;

/// A hash as of a moment: fields that were due before it are hidden, except from [`View::len`].
#[derive(Clone, Copy)]
pub struct View<'a> {
    hash: &'a Hash,
    /// `i64::MIN` when nothing is to be hidden.
    now: i64,
}

impl<'a> View<'a> {
    /// The hash as of a moment, ms since the epoch, which is only asked for when some field might be due.
    pub fn new(hash: &'a Hash, now: impl FnOnce() -> i64) -> Self {
        let now = match hash.soonest() {
            Some(soonest) => Some(now()).filter(|now| soonest < *now),
            None => None,
        };
        Self { hash, now: now.unwrap_or(i64::MIN) }
    }

    fn is_due(&self, expiry: Option<i64>) -> bool {
        expiry.is_some_and(|at| at < self.now)
    }

    /// Whether some field may be hidden.
    fn hides(&self) -> bool {
        self.now != i64::MIN
    }

    /// The hash with everything in it.
    pub fn whole(&self) -> &'a Hash {
        self.hash
    }

    /// Number of fields, those that are due included: HLEN of a server counts so, and it costs nothing.
    pub fn len(&self) -> usize {
        self.hash.len()
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.hash.is_empty()
    }

    /// Number of fields that are not due. O(1) when none can be.
    pub fn live_len(&self) -> usize {
        if self.hides() { self.iter().count() } else { self.hash.len() }
    }

    /// The value of a field and when it expires.
    pub fn find(&self, field: &[u8]) -> Option<(LpValue<'a>, Option<i64>)> {
        self.hash.find(field).filter(|(_, expiry)| !self.is_due(*expiry))
    }

    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<LpValue<'a>> {
        self.find(field).map(|(value, _)| value)
    }

    /// Whether there is such a field.
    pub fn contains(&self, field: &[u8]) -> bool {
        self.find(field).is_some()
    }

    /// All fields with their values: from a listpack in its order, from a table in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Pair<'a>> + use<'a> {
        let view = *self;
        self.hash
            .iter()
            .filter(move |(.., expiry)| !view.is_due(*expiry))
            .map(|(field, value, _)| (field, value))
    }

    /// One field, each equally likely. O(1) for a table, unless most of it is due.
    pub fn random(&self, random: &mut impl FnMut(usize) -> usize) -> Option<Pair<'a>> {
        for _ in 0..TRIES {
            let (field, value, expiry) = match self.hash {
                _ if self.hash.is_empty() => return None,
                Hash::Listpack(lp) => {
                    let field = lp.seek(2 * random(lp.len() / 2) as i64)?;
                    (lp.get(field), lp.get(lp.next(field)?), None)
                }
                Hash::Triplets(triplets) => triplets.at(random(triplets.len()))?,
                Hash::Table(elements) => elements.random(&mut *random).map(triplet)?,
            };
            if !self.is_due(expiry) {
                return Some((field, value));
            }
        }
        let live: Vec<_> = self.iter().collect();
        if live.is_empty() { None } else { live.get(random(live.len())).copied() }
    }

    /// `count` different fields (all, if there are fewer), each selection equally likely.
    pub fn sample(&self, count: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<Pair<'a>> {
        match self.hash {
            Hash::Table(elements) if !self.hides() => {
                let chosen = select_entries(elements, count, random);
                chosen.into_iter().map(|entry| pair(triplet(entry))).collect()
            }
            _ => select(self.iter(), self.live_len(), count, random),
        }
    }

    /// For picking many times, repeats included.
    pub fn picker(&self) -> Picker<'a, Pair<'a>> {
        match self.hash {
            Hash::Table(elements) if !self.hides() => Picker::Table(elements, |entry| pair(triplet(entry))),
            _ => Picker::Few(self.iter().collect()),
        }
    }

    /// One call of HSCAN: gives some fields to `each` and returns the next cursor, 0 at the end. A listpack is given
    /// whole; of a table about `count` fields, and always whole chains.
    pub fn scan(&self, cursor: u64, count: usize, mut each: impl FnMut(Pair<'a>)) -> u64 {
        let Hash::Table(elements) = self.hash else {
            self.iter().for_each(each);
            return 0;
        };
        elements.scan_some(cursor, count, |entry| {
            if !self.is_due(entry.expiry()) {
                each(pair(triplet(entry)));
            }
        })
    }
}

fn pair<'a>((field, value, _): super::Triplet<'a>) -> Pair<'a> {
    (field, value)
}
