//! The set value: an intset while all members are integers and few, a listpack while small, a table when big.
//!
//! Which form it has follows `set-max-intset-entries`, `set-max-listpack-entries` and `set-max-listpack-value` with
//! Redis 7.2's rules: a new set takes its form from the first member and from how many are to come ([`Set::prepare`]),
//! a form is left when a member does not fit it, and only a new set made by a command goes back to a smaller one.
//! An intset is in numeric order, a listpack in the order of insertion. Knows the encodings and the element table.

use super::elements::Elements;
use super::member::distinct;
use super::sample::{Picker, select, select_entries};
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use super::{LOAD_HINT_MAX, Limits};
use crate::encoding::Corrupt;
use crate::encoding::intset::Intset;
use crate::encoding::listpack::{self, Listpack, LpValue};
use crate::encoding::num::{self, NumBuf};
use crate::table::{self, Entry};

/// An intset takes 8 bytes a member and counts in a u32: Redis's own limit whatever the directive says.
const INTSET_MAX: usize = 1 << 30;
/// The most bytes an integer takes in a listpack.
const LISTPACK_INT: usize = 10;

/// A set value.
#[derive(Clone)]
pub enum Set {
    /// Compact form of integers.
    Intset(Intset),
    /// Compact form.
    Listpack(Listpack),
    /// Big form.
    Table(Elements),
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

impl Set {
    /// An empty one; see [`prepare`](Self::prepare).
    pub fn new() -> Self {
        Set::Intset(Intset::new())
    }

    /// Takes over an intset from a file (its bytes are checked already).
    pub fn from_intset(ints: Intset, limits: &Limits) -> Self {
        let mut set = Set::Intset(ints);
        set.leave_full_intset(limits);
        set
    }

    /// Takes over a listpack from a file (its bytes are checked already); refuses a member that comes twice. O(n).
    pub fn from_listpack(lp: Listpack, limits: &Limits) -> Result<Self, Corrupt> {
        let count = lp.len();
        if !distinct(lp.iter(), count) {
            return Err(TWICE);
        }
        let mut set = Set::Listpack(lp);
        if count > limits.set_max_listpack_entries {
            set.convert(count);
        }
        Ok(set)
    }

    /// An empty one that is about to take `expected` members from a file by [`load`](Self::load). The number may be a
    /// lie: it decides the form, not how much memory is taken.
    pub fn for_loading(expected: usize, limits: &Limits) -> Self {
        if expected > limits.set_max_intset_entries {
            Set::Table(Elements::with_capacity(expected.min(LOAD_HINT_MAX)))
        } else {
            Self::new()
        }
    }

    /// Adds a member from a file; refuses one that is there already.
    pub fn load(&mut self, member: &[u8], limits: &Limits) -> Result<(), Corrupt> {
        if self.add(member, limits) { Ok(()) } else { Err(TWICE) }
    }

    /// The set SINTERSTORE stores: of `members`, which are distinct, found by walking a smallest set which was an intset
    /// or was not.
    pub fn from_intersection(members: &[LpValue<'_>], of_intset: bool, limits: &Limits) -> Self {
        let integers = members.iter().all(|member| member.as_i64().is_some());
        let mut set = if of_intset || integers && members.len() <= intset_max(limits) {
            Self::new()
        } else {
            Set::Listpack(Listpack::new())
        };
        members.iter().for_each(|&member| _ = set.add_value(member, limits));
        set
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match self {
            Set::Intset(ints) => ints.len(),
            Set::Listpack(lp) => lp.len(),
            Set::Table(elements) => elements.len(),
        }
    }

    /// Whether there is no member. O(1).
    pub fn is_empty(&self) -> bool {
        match self {
            Set::Intset(ints) => ints.is_empty(),
            Set::Listpack(lp) => lp.is_empty(),
            Set::Table(elements) => elements.is_empty(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Set::Intset(ints) => ints.memory(),
            Set::Listpack(lp) => lp.memory(),
            Set::Table(elements) => elements.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Set::Intset(_) => "intset",
            Set::Listpack(_) => "listpack",
            Set::Table(_) => "hashtable",
        }
    }

    /// The table of the big form.
    pub fn elements(&self) -> Option<&Elements> {
        match self {
            Set::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// The table of the big form, for the snapshot's book-keeping.
    pub fn elements_mut(&mut self) -> Option<&mut Elements> {
        match self {
            Set::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            Set::Intset(ints) => out.put(head, &Body::SetIntset(ints.bytes())),
            Set::Listpack(lp) => out.put(head, &Body::SetListpack(lp.bytes())),
            Set::Table(elements) => out.put_elements(head, BigKind::Set, elements),
        }
    }

    /// Whether `member` is in it.
    pub fn contains(&self, member: &[u8]) -> bool {
        match self {
            Set::Intset(ints) => num::parse_i64(member).is_some_and(|n| ints.contains(n)),
            Set::Listpack(lp) => find(lp, member).is_some(),
            Set::Table(elements) => elements.contains(member),
        }
    }

    /// Whether a member of another set is in it.
    pub fn contains_value(&self, member: LpValue<'_>) -> bool {
        match (self, member) {
            (Set::Intset(ints), LpValue::Int(n)) => ints.contains(n),
            _ => self.contains(member.as_bytes(&mut NumBuf::new())),
        }
    }

    /// Chooses the form before `count` members, `first` among them, are added: of a new set freely, of one that has
    /// members only when so many would not fit.
    pub fn prepare(&mut self, first: &[u8], count: usize, limits: &Limits) {
        let fits_intset = count <= limits.set_max_intset_entries;
        let fits_listpack = count <= limits.set_max_listpack_entries;
        match self {
            Set::Intset(ints) if ints.is_empty() => {
                if fits_intset && num::parse_i64(first).is_some() {
                    return;
                }
                if fits_listpack {
                    *self = Set::Listpack(Listpack::new());
                } else {
                    self.convert(count);
                }
            }
            Set::Intset(_) if !fits_intset => self.convert(count),
            Set::Listpack(_) if !fits_listpack => self.convert(count),
            _ => {}
        }
    }

    /// Adds a member; false when it was there already.
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        match self {
            Set::Intset(ints) => {
                let Some(n) = num::parse_i64(member) else {
                    self.leave_intset_for(member, limits);
                    return true;
                };
                let new = ints.insert(n);
                self.leave_full_intset(limits);
                new
            }
            Set::Listpack(lp) => {
                if find(lp, member).is_some() {
                    return false;
                }
                let len = lp.len();
                if len < limits.set_max_listpack_entries
                    && member.len() <= limits.set_max_listpack_value
                    && lp.safe_to_add(listpack::entry_size_for(member))
                {
                    lp.push(member);
                } else {
                    self.convert(len + 1);
                    self.add(member, limits);
                }
                true
            }
            Set::Table(elements) => elements.insert(member, b""),
        }
    }

    /// Adds a member of another set.
    pub fn add_value(&mut self, member: LpValue<'_>, limits: &Limits) -> bool {
        self.add(member.as_bytes(&mut NumBuf::new()), limits)
    }

    /// Removes a member; false when there was none.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Set::Intset(ints) => num::parse_i64(member).is_some_and(|n| ints.remove(n)),
            Set::Listpack(lp) => {
                let Some(at) = find(lp, member) else { return false };
                lp.remove(at);
                true
            }
            Set::Table(elements) => elements.remove(member).is_some(),
        }
    }

    /// Removes a member of another set.
    pub fn remove_value(&mut self, member: LpValue<'_>) -> bool {
        self.remove(member.as_bytes(&mut NumBuf::new()))
    }

    /// All members: an intset's ascending, a listpack's in the order of insertion, a table's in no particular order.
    pub fn iter(&self) -> Iter<'_> {
        match self {
            Set::Intset(ints) => Iter::Intset(ints, 0),
            Set::Listpack(lp) => Iter::Listpack(lp.iter()),
            Set::Table(elements) => Iter::Table(elements.table().iter()),
        }
    }

    /// One member, each equally likely. O(1) but for a listpack.
    pub fn random(&self, random: &mut impl FnMut(usize) -> usize) -> Option<LpValue<'_>> {
        if self.is_empty() {
            return None;
        }
        match self {
            Set::Intset(ints) => ints.get(random(ints.len())).map(LpValue::Int),
            Set::Listpack(lp) => lp.seek(random(lp.len()) as i64).map(|at| lp.get(at)),
            Set::Table(elements) => elements.random(random).map(member),
        }
    }

    /// `count` different members (all, if there are fewer), each selection equally likely.
    pub fn sample(&self, count: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<LpValue<'_>> {
        match self {
            Set::Table(elements) => select_entries(elements, count, random).into_iter().map(member).collect(),
            _ => select(self.iter(), self.len(), count, random),
        }
    }

    /// For picking many times, repeats included.
    pub fn picker(&self) -> Picker<'_, LpValue<'_>> {
        match self {
            Set::Intset(ints) => Picker::Ints(ints, LpValue::Int),
            Set::Listpack(lp) => Picker::Few(lp.iter().collect()),
            Set::Table(elements) => Picker::Table(elements, member),
        }
    }

    /// Takes `count` random members out, each selection equally likely; all, if there are fewer. One pass over a compact
    /// form, O(count) for a table.
    pub fn take_random(&mut self, count: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<Vec<u8>> {
        let taken: Vec<Vec<u8>> =
            self.sample(count, random).into_iter().map(|member| member.to_vec()).collect();
        let mut gone = taken.iter().peekable();
        // The sample of a compact form is in its own order.
        let mut stays = |member: LpValue<'_>| gone.next_if(|first| member.eq_bytes(first)).is_none();
        match self {
            Set::Intset(ints) => {
                let mut kept = Intset::new();
                ints.iter().filter(|&n| stays(LpValue::Int(n))).for_each(|n| _ = kept.insert(n));
                *ints = kept;
            }
            Set::Listpack(lp) => {
                let mut kept = Listpack::with_capacity(lp.bytes().len());
                lp.iter().filter(|&member| stays(member)).for_each(|member| kept.push_value(member));
                kept.shrink_to_fit();
                *lp = kept;
            }
            Set::Table(elements) => taken.iter().for_each(|member| drop(elements.remove(member))),
        }
        taken
    }

    /// What SPOP leaves of a table when it takes nearly all: `kept` random members in a new set, as small as they allow,
    /// and those it takes. The set itself stays as it is, for the caller to replace.
    pub fn split_random(
        &self,
        kept: usize,
        limits: &Limits,
        random: &mut impl FnMut(usize) -> usize,
    ) -> (Set, Vec<Vec<u8>>) {
        let mut rest = Set::Listpack(Listpack::new());
        self.sample(kept, random).into_iter().for_each(|member| _ = rest.add_value(member, limits));
        let taken = self
            .iter()
            .filter(|&member| !rest.contains_value(member))
            .map(|member| member.to_vec())
            .collect();
        (rest, taken)
    }

    /// One call of SSCAN: gives some members to `each` and returns the next cursor, 0 at the end. The compact forms are
    /// given whole; of a table about `count` members, and always whole chains.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(LpValue<'a>)) -> u64 {
        match self {
            Set::Table(elements) => elements.scan_some(cursor, count, |entry| each(member(entry))),
            _ => {
                self.iter().for_each(each);
                0
            }
        }
    }

    /// Adds a member that is no integer to an intset, which becomes a listpack if that is allowed to hold all.
    fn leave_intset_for(&mut self, member: &[u8], limits: &Limits) {
        let Set::Intset(ints) = self else { return };
        let len = ints.len();
        let ends = [ints.get(0), len.checked_sub(1).and_then(|last| ints.get(last))];
        let longest = ends.into_iter().flatten().map(num::i64_text_len).max().unwrap_or(0);
        let size = len.saturating_mul(LISTPACK_INT).saturating_add(listpack::entry_size_for(member));
        if len < limits.set_max_listpack_entries
            && member.len().max(longest) <= limits.set_max_listpack_value
            && size <= listpack::SAFETY_LIMIT
        {
            let mut lp = Listpack::new();
            ints.iter().for_each(|n| lp.push_int(n));
            lp.push(member);
            *self = Set::Listpack(lp);
        } else {
            self.convert(len + 1);
            self.add(member, limits);
        }
    }

    fn leave_full_intset(&mut self, limits: &Limits) {
        if let Set::Intset(ints) = self
            && ints.len() > intset_max(limits)
        {
            let len = ints.len();
            self.convert(len);
        }
    }

    /// To the big form, with room for `room` members.
    fn convert(&mut self, room: usize) {
        let mut elements = Elements::with_capacity(room.min(LOAD_HINT_MAX).max(self.len()));
        let mut text = NumBuf::new();
        for member in self.iter() {
            elements.insert(member.as_bytes(&mut text), b"");
        }
        *self = Set::Table(elements);
    }
}

const TWICE: Corrupt = Corrupt("set has the same member twice");

fn intset_max(limits: &Limits) -> usize {
    limits.set_max_intset_entries.min(INTSET_MAX)
}

/// Position of a member.
fn find(lp: &Listpack, member: &[u8]) -> Option<usize> {
    lp.find(member, lp.first()?, 0)
}

fn member(entry: &Entry<()>) -> LpValue<'_> {
    LpValue::Str(entry.key())
}

/// Iterator over members, see [`Set::iter`].
pub enum Iter<'a> {
    /// Of an intset, from this index on.
    Intset(&'a Intset, usize),
    /// Of a listpack.
    Listpack(listpack::Iter<'a>),
    /// Of the big form.
    Table(table::Iter<'a, ()>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = LpValue<'a>;

    fn next(&mut self) -> Option<LpValue<'a>> {
        match self {
            Iter::Intset(ints, at) => {
                let n = ints.get(*at)?;
                *at += 1;
                Some(LpValue::Int(n))
            }
            Iter::Listpack(entries) => entries.next(),
            Iter::Table(entries) => entries.next().map(member),
        }
    }
}

#[cfg(test)]
mod tests;
