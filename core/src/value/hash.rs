//! The hash value: fields and values side by side in a listpack while small, a table of elements when big.
//!
//! Which form it has follows `hash-max-listpack-entries` and `hash-max-listpack-value` as in Redis: a command that
//! brings too many fields or too long a string converts before its first change ([`Hash::prepare`]), a hash that grows
//! over the limit converts behind the change, and nothing converts back. A listpack keeps the order of insertion.
//!
//! Fields may expire. The first command that could let one expire turns the listpack into [`Triplets`]; in a table the
//! element's entry tells when. Methods here take a hash as it is, fields that are due included: what a caller may see of
//! it is [`View`], and who writes removes the fields he names with [`Hash::remove_due`] first.
//! Knows the listpack and the element table.

mod triplets;
mod view;

use super::elements::Elements;
use super::member::distinct;
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use super::{LOAD_HINT_MAX, Limits};
use crate::encoding::Corrupt;
use crate::encoding::listpack::{self, Listpack, LpValue};
use crate::encoding::num::NumBuf;
use crate::table::{self, Entry};

pub use triplets::{Triplet, Triplets, triplets};
pub use view::View;

/// A field and its value.
pub type Pair<'a> = (LpValue<'a>, LpValue<'a>);

/// The latest expiry of a field there can be, ms since the epoch: Redis keeps it in 48 bits, all ones meaning none.
pub const EXPIRY_MAX: i64 = 0xFFFF_FFFF_FFFE;

/// A hash value.
#[derive(Clone)]
pub enum Hash {
    /// Compact form: field, value, field, value.
    Listpack(Listpack),
    /// Compact form of a hash whose fields may expire.
    Triplets(Triplets),
    /// Big form.
    Table(Elements),
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Hash {
    /// An empty one.
    pub fn new() -> Self {
        Hash::Listpack(Listpack::new())
    }

    /// Takes over a listpack from a file (its bytes are checked already). Refuses an odd number of entries and a field
    /// that comes twice. O(n).
    pub fn from_listpack(lp: Listpack, limits: &Limits) -> Result<Self, Corrupt> {
        let count = lp.len();
        if !count.is_multiple_of(2) {
            return Err(Corrupt("hash has a field without a value"));
        }
        if !distinct(lp.iter().step_by(2), count / 2) {
            return Err(TWICE);
        }
        Ok(Hash::Listpack(lp).converted(count / 2, limits))
    }

    /// The same with fields, values and expiries. When no field expires it becomes a plain hash.
    pub fn from_triplets(lp: Listpack, limits: &Limits) -> Result<Self, Corrupt> {
        let triplets = Triplets::from_listpack(lp, EXPIRY_MAX)?;
        let len = triplets.len();
        Ok(Hash::Triplets(triplets).simplified().converted(len, limits))
    }

    /// Without expiring fields, the plain form.
    fn simplified(self) -> Self {
        match &self {
            Hash::Triplets(triplets) if !triplets.is_expiring() => {
                let mut plain = Listpack::with_capacity(triplets.listpack().bytes().len());
                for (field, value, _) in triplets.iter() {
                    plain.push_value(field);
                    plain.push_value(value);
                }
                Hash::Listpack(plain)
            }
            _ => self,
        }
    }

    fn converted(mut self, len: usize, limits: &Limits) -> Self {
        if len > limits.hash_max_listpack_entries {
            self.convert(len);
        }
        self
    }

    /// An empty one that is about to take `expected` fields from a file by [`load`](Self::load). The number may be a
    /// lie: it decides the form, not how much memory is taken.
    pub fn for_loading(expected: usize, limits: &Limits) -> Self {
        if expected > limits.hash_max_listpack_entries {
            Hash::Table(Elements::with_capacity(expected.min(LOAD_HINT_MAX)))
        } else {
            Self::new()
        }
    }

    /// Adds a field from a file; refuses one that is there already.
    pub fn load(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> Result<(), Corrupt> {
        let new = match self {
            Hash::Table(elements) => elements.insert(field, value),
            _ => self.find(field).is_none() && self.set(field, value, limits),
        };
        if new { Ok(()) } else { Err(TWICE) }
    }

    /// The same of a field that may expire.
    pub fn load_expiring(
        &mut self,
        field: &[u8],
        value: &[u8],
        expiry: Option<i64>,
        limits: &Limits,
    ) -> Result<(), Corrupt> {
        self.load(field, value, limits)?;
        if let Some(at) = expiry {
            if !(0..=EXPIRY_MAX).contains(&at) {
                return Err(EXPIRY_RANGE);
            }
            // The present is not known here: from far back, the wheel puts everything into its coarse slots.
            self.set_expiry(field, expiry, 0);
        }
        Ok(())
    }

    /// Number of fields, those that are due included, as HLEN counts.
    pub fn len(&self) -> usize {
        match self {
            Hash::Listpack(lp) => lp.len() / 2,
            Hash::Triplets(triplets) => triplets.len(),
            Hash::Table(elements) => elements.len(),
        }
    }

    /// Whether there is no field. O(1).
    pub fn is_empty(&self) -> bool {
        match self {
            Hash::Listpack(lp) => lp.is_empty(),
            Hash::Triplets(triplets) => triplets.listpack().is_empty(),
            Hash::Table(elements) => elements.is_empty(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Hash::Listpack(lp) => lp.memory(),
            Hash::Triplets(triplets) => triplets.listpack().memory(),
            Hash::Table(elements) => elements.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Hash::Listpack(_) => "listpack",
            Hash::Triplets(_) => "listpackex",
            Hash::Table(_) => "hashtable",
        }
    }

    /// The table of the big form.
    pub fn elements(&self) -> Option<&Elements> {
        match self {
            Hash::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// The table of the big form, for the snapshot's book-keeping.
    pub fn elements_mut(&mut self) -> Option<&mut Elements> {
        match self {
            Hash::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// How a snapshot is told of the big form.
    pub fn big_kind(&self) -> BigKind {
        match self.soonest() {
            // Expiries are never negative.
            Some(soonest) => BigKind::ExpiringHash { soonest: soonest.max(0) },
            None => BigKind::Hash,
        }
    }

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            Hash::Listpack(lp) => out.put(head, &Body::HashListpack(lp.bytes())),
            Hash::Triplets(triplets) if triplets.is_expiring() => {
                out.put(head, &Body::HashTriplets(triplets.listpack().bytes()));
            }
            Hash::Triplets(_) => self.clone().simplified().save(head, out),
            Hash::Table(elements) => out.put_elements(head, self.big_kind(), elements),
        }
    }

    /// A time before which no field is due; `None` when no field expires. Not later than the earliest expiry.
    pub fn soonest(&self) -> Option<i64> {
        match self {
            Hash::Listpack(_) => None,
            Hash::Triplets(triplets) => triplets.soonest(),
            Hash::Table(elements) => elements.soonest(),
        }
    }

    /// The value of a field and when it expires, even if it is due.
    pub fn find(&self, field: &[u8]) -> Option<(LpValue<'_>, Option<i64>)> {
        match self {
            Hash::Listpack(lp) => {
                let value = lp.next(find(lp, field)?)?;
                Some((lp.get(value), None))
            }
            Hash::Triplets(triplets) => triplets.get(field),
            Hash::Table(elements) => {
                let entry = elements.get(field)?;
                Some((LpValue::Str(entry.bytes()), entry.expiry()))
            }
        }
    }

    /// Converts before `args` (fields and values in turn) are set, if they are too many or one is too long: so that a
    /// command of many fields does not first fill a listpack and then move it.
    pub fn prepare(&mut self, args: &[&[u8]], limits: &Limits) {
        let lp = match self {
            Hash::Listpack(lp) => &*lp,
            Hash::Triplets(triplets) => triplets.listpack(),
            Hash::Table(_) => return,
        };
        let fields = args.len().div_ceil(2);
        if fields > limits.hash_max_listpack_entries {
            return self.convert(fields);
        }
        let too_long = args.iter().any(|arg| arg.len() > limits.hash_max_listpack_value);
        let sum = args.iter().fold(0usize, |sum, arg| sum.saturating_add(arg.len()));
        if too_long || !lp.safe_to_add(sum) {
            self.convert(self.len() + fields);
        }
    }

    /// Gets ready for fields that expire, as Redis does before it looks whether any field will.
    pub fn prepare_expiry(&mut self) {
        if let Hash::Listpack(lp) = self {
            *self = Hash::Triplets(Triplets::from_pairs(lp));
        }
    }

    /// Sets a field, which then does not expire; true when it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        self.set_with(field, value, false, limits)
    }

    /// Sets a field, which keeps its expiry; true when it is new.
    pub fn set_keeping(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        self.set_with(field, value, true, limits)
    }

    fn set_with(&mut self, field: &[u8], value: &[u8], keep: bool, limits: &Limits) -> bool {
        let fits = match self {
            Hash::Listpack(lp) => {
                lp.safe_to_add(listpack::entry_size_for(field) + listpack::entry_size_for(value))
            }
            Hash::Triplets(triplets) => triplets.safe_to_add(field, value),
            Hash::Table(elements) => {
                let new = elements.set(field, value);
                if !new && !keep && elements.expiring() > 0 {
                    elements.set_expiry(field, None, 0);
                }
                return new;
            }
        };
        if !fits || field.len().max(value.len()) > limits.hash_max_listpack_value {
            self.convert(self.len() + 1);
            return self.set_with(field, value, keep, limits);
        }
        let new = match self {
            Hash::Listpack(lp) => {
                let old = find(lp, field).and_then(|at| lp.next(at));
                match old {
                    Some(old) => lp.replace(old, value),
                    None => {
                        lp.push(field);
                        lp.push(value);
                    }
                }
                old.is_none()
            }
            Hash::Triplets(triplets) => triplets.set(field, value, keep),
            Hash::Table(elements) => elements.set(field, value),
        };
        // Also when a value was replaced: the limit may have become lower meanwhile.
        let len = self.len();
        if len > limits.hash_max_listpack_entries {
            self.convert(len);
        }
        new
    }

    /// Sets or removes when a field expires; what it was before, `None` when there is no such field.
    pub fn set_expiry(&mut self, field: &[u8], expiry: Option<i64>, now: i64) -> Option<Option<i64>> {
        // 0 stands for none in the compact form; both are long over.
        let expiry = expiry.map(|at| at.clamp(1, EXPIRY_MAX));
        if expiry.is_some() {
            self.prepare_expiry();
        }
        match self {
            Hash::Listpack(lp) => find(lp, field).map(|_| None),
            Hash::Triplets(triplets) => triplets.set_expiry(field, expiry),
            Hash::Table(elements) => elements.set_expiry(field, expiry, now),
        }
    }

    /// Removes a field; false when there was none.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match self {
            Hash::Listpack(lp) => {
                let Some(at) = find(lp, field) else { return false };
                lp.remove_span(at, 2);
                true
            }
            Hash::Triplets(triplets) => triplets.remove(field),
            Hash::Table(elements) => elements.remove(field).is_some(),
        }
    }

    /// Removes those of the named fields that were due before `now`, and returns them.
    pub fn remove_due<'f>(&mut self, fields: impl Iterator<Item = &'f [u8]>, now: i64) -> Vec<Vec<u8>> {
        let is_due = |hash: &Self, field: &[u8]| {
            hash.find(field).and_then(|(_, expiry)| expiry).is_some_and(|at| at < now)
        };
        let mut removed = Vec::new();
        for field in fields {
            if is_due(self, field) && self.remove(field) {
                removed.push(field.to_vec());
            }
        }
        removed
    }

    /// Removes up to `most` fields that were due before `now`, and returns them. There may be more when it returns
    /// fewer: [`soonest`](Self::soonest) tells.
    pub fn take_due(&mut self, now: i64, most: usize) -> Vec<Vec<u8>> {
        match self {
            Hash::Listpack(_) => Vec::new(),
            Hash::Triplets(triplets) => triplets.take_due(now, most),
            Hash::Table(elements) => elements.take_due(now, most),
        }
    }

    /// All fields with their values and expiries, those that are due included: of a listpack in its order, of a table
    /// in no particular order.
    pub fn iter(&self) -> Iter<'_> {
        match self {
            Hash::Listpack(lp) => Iter::Listpack(lp.iter()),
            Hash::Triplets(triplets) => Iter::Triplets(triplets.iter()),
            Hash::Table(elements) => Iter::Table(elements.table().iter()),
        }
    }

    /// To the big form, with room for `room` fields.
    fn convert(&mut self, room: usize) {
        if matches!(self, Hash::Table(_)) {
            return;
        }
        let mut elements = Elements::with_capacity(room.min(LOAD_HINT_MAX).max(self.len()));
        let (mut field_text, mut value_text) = (NumBuf::new(), NumBuf::new());
        for (field, value, expiry) in self.iter() {
            let field = field.as_bytes(&mut field_text);
            elements.insert(field, value.as_bytes(&mut value_text));
            if expiry.is_some() {
                elements.set_expiry(field, expiry, 0);
            }
        }
        *self = Hash::Table(elements);
    }
}

const TWICE: Corrupt = Corrupt("hash has the same field twice");
const EXPIRY_RANGE: Corrupt = Corrupt("a field's expiry is out of range");

/// Position of a field.
fn find(lp: &Listpack, field: &[u8]) -> Option<usize> {
    lp.find(field, lp.first()?, 1)
}

fn triplet(entry: &Entry<()>) -> Triplet<'_> {
    (LpValue::Str(entry.key()), LpValue::Str(entry.bytes()), entry.expiry())
}

/// Iterator over fields, values and expiries, see [`Hash::iter`].
pub enum Iter<'a> {
    /// Of the compact form.
    Listpack(listpack::Iter<'a>),
    /// Of the compact form whose fields may expire.
    Triplets(triplets::Iter<'a>),
    /// Of the big form.
    Table(table::Iter<'a, ()>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Triplet<'a>;

    fn next(&mut self) -> Option<Triplet<'a>> {
        match self {
            Iter::Listpack(entries) => Some((entries.next()?, entries.next()?, None)),
            Iter::Triplets(triplets) => triplets.next(),
            Iter::Table(entries) => entries.next().map(triplet),
        }
    }
}

#[cfg(test)]
mod tests;
