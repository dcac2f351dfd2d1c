//! The hash value: fields and values side by side in a listpack while small, a table of elements when big.
//!
//! Which form it has follows `hash-max-listpack-entries` and `hash-max-listpack-value` as in Redis: a command that
//! brings too many fields or too long a string converts before its first change ([`Hash::prepare`]), a hash that grows
//! over the limit converts behind the change, and nothing converts back. A listpack keeps the order of insertion.
//! Knows the listpack and the element table.

use super::elements::Elements;
use super::member::distinct;
use super::sample::{Picker, select, select_entries};
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use super::{LOAD_HINT_MAX, Limits};
use crate::encoding::Corrupt;
use crate::encoding::listpack::{self, Listpack, LpValue};
use crate::encoding::num::NumBuf;
use crate::table::{self, Entry};

/// A field and its value.
pub type Pair<'a> = (LpValue<'a>, LpValue<'a>);

/// A hash value.
#[derive(Clone)]
pub enum Hash {
    /// Compact form: field, value, field, value.
    Listpack(Listpack),
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
        let mut hash = Hash::Listpack(lp);
        if count / 2 > limits.hash_max_listpack_entries {
            hash.convert(count / 2);
        }
        Ok(hash)
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
            Hash::Listpack(lp) => find(lp, field).is_none() && self.set(field, value, limits),
        };
        if new { Ok(()) } else { Err(TWICE) }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        match self {
            Hash::Listpack(lp) => lp.len() / 2,
            Hash::Table(elements) => elements.len(),
        }
    }

    /// Whether there is no field. O(1).
    pub fn is_empty(&self) -> bool {
        match self {
            Hash::Listpack(lp) => lp.is_empty(),
            Hash::Table(elements) => elements.is_empty(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Hash::Listpack(lp) => lp.memory(),
            Hash::Table(elements) => elements.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Hash::Listpack(_) => "listpack",
            Hash::Table(_) => "hashtable",
        }
    }

    /// The table of the big form.
    pub fn elements(&self) -> Option<&Elements> {
        match self {
            Hash::Table(elements) => Some(elements),
            Hash::Listpack(_) => None,
        }
    }

    /// The table of the big form, for the snapshot's book-keeping.
    pub fn elements_mut(&mut self) -> Option<&mut Elements> {
        match self {
            Hash::Table(elements) => Some(elements),
            Hash::Listpack(_) => None,
        }
    }

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            Hash::Listpack(lp) => out.put(head, &Body::HashListpack(lp.bytes())),
            Hash::Table(elements) => out.put_elements(head, BigKind::Hash, elements),
        }
    }

    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<LpValue<'_>> {
        match self {
            Hash::Listpack(lp) => {
                let value = lp.next(find(lp, field)?)?;
                Some(lp.get(value))
            }
            Hash::Table(elements) => elements.get(field).map(|entry| LpValue::Str(entry.bytes())),
        }
    }

    /// Whether there is such a field.
    pub fn contains(&self, field: &[u8]) -> bool {
        match self {
            Hash::Listpack(lp) => find(lp, field).is_some(),
            Hash::Table(elements) => elements.contains(field),
        }
    }

    /// Converts before `args` (fields and values in turn) are set, if they are too many or one is too long: so that a
    /// command of many fields does not first fill a listpack and then move it.
    pub fn prepare(&mut self, args: &[&[u8]], limits: &Limits) {
        let Hash::Listpack(lp) = self else { return };
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

    /// Sets a field; true when it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        if let Hash::Listpack(lp) = self {
            let longest = field.len().max(value.len());
            let room = listpack::entry_size_for(field) + listpack::entry_size_for(value);
            if longest > limits.hash_max_listpack_value || !lp.safe_to_add(room) {
                self.convert(self.len() + 1);
            }
        }
        match self {
            Hash::Listpack(lp) => {
                let old = find(lp, field).and_then(|at| lp.next(at));
                match old {
                    Some(old) => lp.replace(old, value),
                    None => {
                        lp.push(field);
                        lp.push(value);
                    }
                }
                // Also when a value was replaced: the limit may have become lower meanwhile.
                let len = lp.len() / 2;
                if len > limits.hash_max_listpack_entries {
                    self.convert(len);
                }
                old.is_none()
            }
            Hash::Table(elements) => elements.set(field, value),
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
            Hash::Table(elements) => elements.remove(field).is_some(),
        }
    }

    /// All fields with their values: in the order of insertion from a listpack, in no particular order from a table.
    pub fn iter(&self) -> Iter<'_> {
        match self {
            Hash::Listpack(lp) => Iter::Listpack(lp.iter()),
            Hash::Table(elements) => Iter::Table(elements.table().iter()),
        }
    }

    /// One field, each equally likely. O(1) for a table.
    pub fn random(&self, random: &mut impl FnMut(usize) -> usize) -> Option<Pair<'_>> {
        match self {
            Hash::Listpack(lp) if lp.is_empty() => None,
            Hash::Listpack(lp) => {
                let field = lp.seek(2 * random(lp.len() / 2) as i64)?;
                Some((lp.get(field), lp.get(lp.next(field)?)))
            }
            Hash::Table(elements) => elements.random(random).map(pair),
        }
    }

    /// `count` different fields (all, if there are fewer), each selection equally likely.
    pub fn sample(&self, count: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<Pair<'_>> {
        match self {
            Hash::Listpack(_) => select(self.iter(), self.len(), count, random),
            Hash::Table(elements) => select_entries(elements, count, random).into_iter().map(pair).collect(),
        }
    }

    /// For picking many times, repeats included.
    pub fn picker(&self) -> Picker<'_, Pair<'_>> {
        match self {
            Hash::Listpack(_) => Picker::Few(self.iter().collect()),
            Hash::Table(elements) => Picker::Table(elements, pair),
        }
    }

    /// One call of HSCAN: gives some fields to `each` and returns the next cursor, 0 at the end. A listpack is given
    /// whole; of a table about `count` fields, and always whole chains.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(Pair<'a>)) -> u64 {
        match self {
            Hash::Listpack(_) => {
                self.iter().for_each(each);
                0
            }
            Hash::Table(elements) => elements.scan_some(cursor, count, |entry| each(pair(entry))),
        }
    }

    /// To the big form, with room for `room` fields. Only ever called on a listpack.
    fn convert(&mut self, room: usize) {
        let Hash::Listpack(lp) = self else { return };
        let mut elements = Elements::with_capacity(room.min(LOAD_HINT_MAX).max(lp.len() / 2));
        let (mut field_text, mut value_text) = (NumBuf::new(), NumBuf::new());
        for (field, value) in Iter::Listpack(lp.iter()) {
            elements.insert(field.as_bytes(&mut field_text), value.as_bytes(&mut value_text));
        }
        *self = Hash::Table(elements);
    }
}

const TWICE: Corrupt = Corrupt("hash has the same field twice");

/// Position of a field.
fn find(lp: &Listpack, field: &[u8]) -> Option<usize> {
    lp.find(field, lp.first()?, 1)
}

fn pair(entry: &Entry<()>) -> Pair<'_> {
    (LpValue::Str(entry.key()), LpValue::Str(entry.bytes()))
}

/// Iterator over fields and values, see [`Hash::iter`].
pub enum Iter<'a> {
    /// Of the compact form.
    Listpack(listpack::Iter<'a>),
    /// Of the big form.
    Table(table::Iter<'a, ()>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        match self {
            Iter::Listpack(entries) => Some((entries.next()?, entries.next()?)),
            Iter::Table(entries) => entries.next().map(pair),
        }
    }
}

#[cfg(test)]
mod tests;
