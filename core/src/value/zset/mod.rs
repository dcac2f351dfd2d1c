//! The sorted set: members ordered by score, then by their bytes.
//!
//! Small ones are one listpack ([`compact`]); big ones are a dictionary of scores and a counted B+tree over its entries
//! ([`indexed`], [`tree`]), which OBJECT ENCODING calls `skiplist`, as clients expect. A listpack becomes a table when
//! it outgrows Redis's limits, never the other way round, except that sorted sets made whole (by the store commands and
//! by loading) are listpacks whenever they fit ([`build`]). Ranges are in [`range`].
//! Knows the listpack, the elements and the limits.

mod build;
mod compact;
mod indexed;
mod range;
mod tree;

pub use build::Builder;
pub use range::{Iter, LexBound, ScoreBound};

use super::Limits;
use super::elements::Elements;
use super::sample::{self, Picker};
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use crate::encoding::listpack::{Listpack, LpValue};
use crate::table::Entry;
use indexed::Indexed;

/// A sorted set value.
#[derive(Clone)]
pub struct ZSet(Form);

#[derive(Clone)]
enum Form {
    Listpack(Listpack),
    Table(Box<Indexed>),
}

/// Under which conditions [`ZSet::add`] does something: ZADD's options.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddOptions {
    /// Only new members.
    pub nx: bool,
    /// Only present members.
    pub xx: bool,
    /// A present member only when its score grows.
    pub gt: bool,
    /// A present member only when its score shrinks.
    pub lt: bool,
    /// The score given is added to the present one.
    pub incr: bool,
}

/// What [`ZSet::add`] did, with the member's score afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Added {
    /// The conditions did not hold.
    Skipped,
    /// The member is there with this very score already.
    Same(f64),
    /// The member is new.
    New(f64),
    /// The member has another score now.
    Updated(f64),
    /// The sum is not a number; nothing was done.
    NotANumber,
}

impl Default for ZSet {
    fn default() -> Self {
        Self::new()
    }
}

impl ZSet {
    /// An empty one.
    pub fn new() -> Self {
        ZSet(Form::Listpack(Listpack::new()))
    }

    /// Number of members. O(1).
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Listpack(lp) => lp.len() / 2,
            Form::Table(table) => table.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match &self.0 {
            Form::Listpack(lp) => lp.memory(),
            Form::Table(table) => table.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Listpack(_) => "listpack",
            Form::Table(_) => "skiplist",
        }
    }

    /// The dictionary of the big form.
    pub fn elements(&self) -> Option<&Elements> {
        match &self.0 {
            Form::Table(table) => Some(table.elements()),
            Form::Listpack(_) => None,
        }
    }

    /// The dictionary of the big form, for the snapshot's book-keeping and nothing else: its elements belong to the
    /// tree as well.
    pub(crate) fn elements_mut(&mut self) -> Option<&mut Elements> {
        match &mut self.0 {
            Form::Table(table) => Some(table.elements_mut()),
            Form::Listpack(_) => None,
        }
    }

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match &self.0 {
            Form::Listpack(lp) => out.put(head, &Body::ZSetListpack(lp.bytes())),
            Form::Table(table) => out.put_elements(head, BigKind::ZSet, table.elements()),
        }
    }

    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Form::Listpack(lp) => compact::find(lp, member).map(|(_, score)| score),
            Form::Table(table) => table.score(member),
        }
    }

    /// Rank (0 is the lowest) and score of a member.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.0 {
            Form::Listpack(lp) => compact::rank(lp, member),
            Form::Table(table) => table.score(member).map(|score| (table.rank(score, member), score)),
        }
    }

    /// Takes the big form now when `members` additions of up to `longest` bytes would exceed a limit anyway (Redis
    /// decides by the number given, not by what the set will hold).
    pub fn expect(&mut self, members: usize, longest: usize, limits: &Limits) {
        if matches!(self.0, Form::Listpack(_))
            && (members > limits.zset_max_listpack_entries || longest > limits.zset_max_listpack_value)
        {
            self.make_table(members);
        }
    }

    /// Adds a member or changes its score, as ZADD does with these options. The score is not NaN.
    pub fn add(&mut self, member: &[u8], score: f64, options: AddOptions, limits: &Limits) -> Added {
        debug_assert!(!score.is_nan());
        if let Form::Listpack(lp) = &mut self.0 {
            if let Some((at, old)) = compact::find(lp, member) {
                let added = options.change(old, score);
                if let Added::Updated(new) = added {
                    compact::remove(lp, at);
                    compact::insert(lp, member, new);
                }
                return added;
            }
            if options.xx {
                return Added::Skipped;
            }
            if lp.len() / 2 < limits.zset_max_listpack_entries
                && member.len() <= limits.zset_max_listpack_value
                && lp.safe_to_add(member.len())
            {
                compact::insert(lp, member, score);
                return Added::New(score);
            }
            self.make_table(self.len() + 1);
        }
        let Form::Table(table) = &mut self.0 else { return Added::Skipped };
        match table.score(member) {
            Some(old) => {
                let added = options.change(old, score);
                if let Added::Updated(new) = added {
                    table.rescore(member, old, new);
                }
                added
            }
            None if options.xx => Added::Skipped,
            None => {
                table.insert(member, score);
                Added::New(score)
            }
        }
    }

    /// Removes a member and gives its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Listpack(lp) => {
                let (at, score) = compact::find(lp, member)?;
                compact::remove(lp, at);
                Some(score)
            }
            Form::Table(table) => table.remove(member),
        }
    }

    /// Removes the members with these ranks (cut to what is there); gives how many there were.
    pub fn remove_ranks(&mut self, ranks: std::ops::Range<usize>) -> usize {
        let end = ranks.end.min(self.len());
        let count = end.saturating_sub(ranks.start);
        if count > 0 {
            match &mut self.0 {
                Form::Listpack(lp) => {
                    lp.remove_range(2 * ranks.start as i64, 2 * count);
                }
                Form::Table(table) => table.remove_ranks(ranks.start, count),
            }
        }
        count
    }

    /// A member, each equally likely, with its score; `random(n)` gives a number below n.
    pub fn random(&self, random: &mut impl FnMut(usize) -> usize) -> Option<(LpValue<'_>, f64)> {
        match &self.0 {
            Form::Listpack(lp) => {
                let len = lp.len() / 2;
                if len == 0 { None } else { compact::pairs(lp).nth(random(len)) }
            }
            Form::Table(table) => table.elements().random(random).map(pair),
        }
    }

    /// `count` different members (all, if there are fewer), each selection equally likely.
    pub fn sample(&self, count: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<(LpValue<'_>, f64)> {
        match &self.0 {
            Form::Listpack(lp) => sample::select(compact::pairs(lp), lp.len() / 2, count, random),
            Form::Table(table) => {
                sample::select_entries(table.elements(), count, random).into_iter().map(pair).collect()
            }
        }
    }

    /// For picking many times, repeats included.
    pub fn picker(&self) -> Picker<'_, (LpValue<'_>, f64)> {
        match &self.0 {
            Form::Listpack(lp) => Picker::Few(compact::pairs(lp).collect()),
            Form::Table(table) => Picker::Table(table.elements(), pair),
        }
    }

    /// The listpack of the compact form, for those who show it as it is.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Listpack(lp) => Some(lp),
            Form::Table(_) => None,
        }
    }

    /// One call of ZSCAN: gives some members to `each` and returns the next cursor, 0 at the end. The compact form is
    /// given whole; of a table about `count` members, and always whole chains.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(LpValue<'a>, f64)) -> u64 {
        match &self.0 {
            Form::Listpack(lp) => {
                compact::pairs(lp).for_each(|(member, score)| each(member, score));
                0
            }
            Form::Table(table) => table.elements().scan_some(cursor, count, |entry| {
                let (member, score) = pair(entry);
                each(member, score);
            }),
        }
    }

    #[cfg(test)]
    fn check(&self) {
        match &self.0 {
            Form::Listpack(lp) => {
                let pairs: Vec<_> = compact::pairs(lp).map(|(m, s)| (s, m.to_vec())).collect();
                assert!(pairs.windows(2).all(|w| w[0] < w[1]));
            }
            Form::Table(table) => table.check(),
        }
    }
}

/// Member and score of an entry of the dictionary.
fn pair(entry: &Entry<()>) -> (LpValue<'_>, f64) {
    (LpValue::Str(entry.key()), indexed::score_of(entry))
}

impl AddOptions {
    /// What becomes of a present member with score `old`.
    fn change(self, old: f64, given: f64) -> Added {
        if self.nx {
            return Added::Skipped;
        }
        let new = if self.incr { old + given } else { given };
        if new.is_nan() {
            return Added::NotANumber;
        }
        if (self.lt && new >= old) || (self.gt && new <= old) {
            return Added::Skipped;
        }
        if new == old { Added::Same(new) } else { Added::Updated(new) }
    }
}

#[cfg(test)]
mod tests;
