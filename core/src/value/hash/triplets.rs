//! The compact form of a hash with expiring fields: field, value, expiry side by side in a listpack, as Redis keeps it
//! (`listpackex`). Triplets are in the order of their expiries, those without one (written as 0) last: what is due
//! stands in front.

use crate::encoding::Corrupt;
use crate::encoding::listpack::{self, Listpack, LpValue};
use crate::value::member::distinct;

/// Bytes an expiry takes at most.
const EXPIRY_BYTES: usize = 11;

/// A field, its value and its expiry.
pub type Triplet<'a> = (LpValue<'a>, LpValue<'a>, Option<i64>);

/// See the module's head.
#[derive(Clone)]
pub struct Triplets(Listpack);

impl Triplets {
    /// What it is made of: field, value, expiry.
    pub fn listpack(&self) -> &Listpack {
        &self.0
    }

    /// Takes over the fields and values of a plain listpack; none expires.
    pub(super) fn from_pairs(pairs: &Listpack) -> Self {
        let mut triplets = Listpack::with_capacity(pairs.bytes().len() + pairs.len());
        let mut items = pairs.iter();
        while let (Some(field), Some(value)) = (items.next(), items.next()) {
            triplets.push_value(field);
            triplets.push_value(value);
            triplets.push_int(0);
        }
        Self(triplets)
    }

    /// Takes over a listpack from a file (its bytes are checked already); refuses what is no hash. Brings it into order
    /// where it is not. O(n log n).
    pub(super) fn from_listpack(lp: Listpack, expiry_max: i64) -> Result<Self, Corrupt> {
        let count = lp.len();
        if !count.is_multiple_of(3) {
            return Err(Corrupt("a hash with expiring fields does not consist of threes"));
        }
        if !distinct(lp.iter().step_by(3), count / 3) {
            return Err(super::TWICE);
        }
        let (mut last, mut in_order) = (0, true);
        for expiry in lp.iter().skip(2).step_by(3) {
            let at = match expiry.as_i64() {
                Some(0) => i64::MAX,
                Some(at) if (0..=expiry_max).contains(&at) => at,
                Some(_) => return Err(super::EXPIRY_RANGE),
                None => return Err(Corrupt("a field's expiry is not a number")),
            };
            in_order &= last <= at;
            last = at;
        }
        let found = Self(lp);
        Ok(if in_order { found } else { found.in_order() })
    }

    fn in_order(&self) -> Self {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|(.., expiry)| expiry.unwrap_or(i64::MAX));
        let mut sorted = Listpack::with_capacity(self.0.bytes().len());
        for (field, value, expiry) in all {
            sorted.push_value(field);
            sorted.push_value(value);
            sorted.push_int(expiry.unwrap_or(0));
        }
        Self(sorted)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() / 3
    }

    /// Whether a triplet of these sizes fits besides.
    pub(super) fn safe_to_add(&self, field: &[u8], value: &[u8]) -> bool {
        let room = listpack::entry_size_for(field) + listpack::entry_size_for(value) + EXPIRY_BYTES;
        self.0.safe_to_add(room)
    }

    fn find(&self, field: &[u8]) -> Option<usize> {
        self.0.find(field, self.0.first()?, 2)
    }

    /// Value and expiry of the field at a position.
    fn rest_at(&self, at: usize) -> Option<(LpValue<'_>, Option<i64>)> {
        let (value, expiry) = self.0.get_and_next(self.0.next(at)?);
        Some((value, expiry_of(self.0.get(expiry?))))
    }

    pub(super) fn get(&self, field: &[u8]) -> Option<(LpValue<'_>, Option<i64>)> {
        self.rest_at(self.find(field)?)
    }

    /// Whether some field expires. O(1).
    pub(super) fn is_expiring(&self) -> bool {
        self.soonest().is_some()
    }

    /// The earliest expiry. O(1).
    pub(super) fn soonest(&self) -> Option<i64> {
        self.rest_at(self.0.first()?)?.1
    }

    /// Sets a field; true when it is new. It expires no more unless `keep`.
    pub(super) fn set(&mut self, field: &[u8], value: &[u8], keep: bool) -> bool {
        let Some(at) = self.find(field) else {
            for part in [field, value] {
                self.0.push(part);
            }
            self.0.push_int(0);
            return true;
        };
        if let Some(old) = self.0.next(at) {
            self.0.replace(old, value);
        }
        if !keep {
            self.move_to(at, None);
        }
        false
    }

    /// Sets or removes a field's expiry; what it was before, `None` when there is no such field.
    pub(super) fn set_expiry(&mut self, field: &[u8], expiry: Option<i64>) -> Option<Option<i64>> {
        let at = self.find(field)?;
        let (_, old) = self.rest_at(at)?;
        if old != expiry {
            self.move_to(at, expiry);
        }
        Some(old)
    }

    /// Moves the triplet at `at` to where it belongs with this expiry.
    fn move_to(&mut self, at: usize, expiry: Option<i64>) {
        let Some((value, old)) = self.rest_at(at) else { return };
        if old == expiry {
            return;
        }
        let (field, value) = (self.0.get(at).to_vec(), value.to_vec());
        self.0.remove_span(at, 3);
        self.insert(&field, &value, expiry);
    }

    /// Adds a field that is not there, behind those that expire before it or at the same time.
    pub(super) fn insert(&mut self, field: &[u8], value: &[u8], expiry: Option<i64>) {
        let mut place = None;
        if let Some(new) = expiry {
            let mut at = self.0.first();
            while let Some(here) = at {
                match self.rest_at(here) {
                    Some((_, Some(old))) if old <= new => at = self.seek_past(here),
                    _ => {
                        place = Some(here);
                        break;
                    }
                }
            }
        }
        let expiry = LpValue::Int(expiry.unwrap_or(0));
        match place {
            Some(here) => {
                self.0.insert_value(here, expiry);
                self.0.insert_before(here, value);
                self.0.insert_before(here, field);
            }
            None => {
                self.0.push(field);
                self.0.push(value);
                self.0.push_value(expiry);
            }
        }
    }

    /// The position of the triplet behind the one at `at`.
    fn seek_past(&self, at: usize) -> Option<usize> {
        self.0.next(self.0.next(self.0.next(at)?)?)
    }

    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        let Some(at) = self.find(field) else { return false };
        self.0.remove_span(at, 3);
        true
    }

    /// Removes up to `most` fields that were due before `now`, and returns them.
    pub(super) fn take_due(&mut self, now: i64, most: usize) -> Vec<Vec<u8>> {
        let due: Vec<_> = self
            .iter()
            .take(most)
            .take_while(|(_, _, expiry)| expiry.is_some_and(|at| at < now))
            .map(|(field, ..)| field.to_vec())
            .collect();
        self.0.remove_range(0, due.len() * 3);
        due
    }

    pub(super) fn at(&self, index: usize) -> Option<Triplet<'_>> {
        let at = self.0.seek(i64::try_from(index).ok()?.checked_mul(3)?)?;
        let (value, expiry) = self.rest_at(at)?;
        Some((self.0.get(at), value, expiry))
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }
}

fn expiry_of(value: LpValue<'_>) -> Option<i64> {
    value.as_i64().filter(|at| *at != 0)
}

/// Field, value and expiry of triplets given as they lie in memory or in a saved value.
pub fn triplets(lp: listpack::ListpackRef<'_>) -> Iter<'_> {
    Iter(lp.iter())
}

/// Iterator over triplets.
#[derive(Clone)]
pub struct Iter<'a>(listpack::Iter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = Triplet<'a>;

    fn next(&mut self) -> Option<Triplet<'a>> {
        Some((self.0.next()?, self.0.next()?, expiry_of(self.0.next()?)))
    }
}
