//! Which members a range means, and the walk over them.
//!
//! Every range becomes a range of ranks first: by score and by member these are two searches, so that counting costs
//! O(log n) and an offset nothing.

use std::ops::Range;

use super::compact::{self, Pairs};
use super::indexed::Handle;
use super::tree::{self, Member};
use super::{Form, ZSet};
use crate::encoding::listpack::LpValue;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBound {
    /// The score; not NaN.
    pub score: f64,
    /// Whether the score itself is left out.
    pub open: bool,
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before every member (`-`).
    Lowest,
    /// Behind every member (`+`).
    Highest,
    /// At this member, which belongs to the range.
    Closed(&'a [u8]),
    /// At this member, which does not.
    Open(&'a [u8]),
}

impl ScoreBound {
    /// As the lower end: whether a score lies below the range.
    fn cuts_below(self, score: f64) -> bool {
        if self.open { score <= self.score } else { score < self.score }
    }

    /// As the upper end: whether a score does not lie above the range.
    fn keeps(self, score: f64) -> bool {
        if self.open { score < self.score } else { score <= self.score }
    }
}

impl LexBound<'_> {
    /// As the lower end: whether a member lies below the range.
    fn cuts_below(self, member: &[u8]) -> bool {
        match self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Closed(bound) => member < bound,
            LexBound::Open(bound) => member <= bound,
        }
    }

    /// As the upper end: whether a member does not lie above the range.
    fn keeps(self, member: &[u8]) -> bool {
        match self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Closed(bound) => member <= bound,
            LexBound::Open(bound) => member < bound,
        }
    }
}

impl ZSet {
    /// The ranks of the members whose scores lie between `min` and `max`.
    pub fn ranks_by_score(&self, min: ScoreBound, max: ScoreBound) -> Range<usize> {
        let (start, end) = match &self.0 {
            Form::Listpack(lp) => {
                let count = |cut: &dyn Fn(f64) -> bool| {
                    compact::pairs(lp).take_while(|(_, score)| cut(*score)).count()
                };
                (count(&|score| min.cuts_below(score)), count(&|score| max.keeps(score)))
            }
            Form::Table(table) => (
                table.count_while(|score, _| min.cuts_below(score)),
                table.count_while(|score, _| max.keeps(score)),
            ),
        };
        start..end.max(start)
    }

    /// The ranks of the members between `min` and `max`, provided that all scores are equal (otherwise unspecified, as
    /// in Redis).
    pub fn ranks_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        let (start, end) = match &self.0 {
            Form::Listpack(lp) => {
                let count = |cut: &dyn Fn(&[u8]) -> bool| {
                    let mut buf = Default::default();
                    compact::pairs(lp).take_while(|(member, _)| cut(member.as_bytes(&mut buf))).count()
                };
                (count(&|member| min.cuts_below(member)), count(&|member| max.keeps(member)))
            }
            Form::Table(table) => (
                table.count_while(|_, member| min.cuts_below(member.bytes())),
                table.count_while(|_, member| max.keeps(member.bytes())),
            ),
        };
        start..end.max(start)
    }

    /// The members with these ranks (cut to what is there) and their scores, in ascending order; `rev()` walks down.
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        let end = ranks.end.min(self.len());
        let start = ranks.start.min(end);
        Iter(match &self.0 {
            Form::Listpack(lp) => {
                let mut pairs = compact::pairs(lp);
                if start > 0 {
                    pairs.nth(start - 1);
                }
                let behind = lp.len() / 2 - end;
                if behind > 0 {
                    pairs.nth_back(behind - 1);
                }
                Walk::Listpack(pairs)
            }
            Form::Table(table) => Walk::Table(table.range(start, end)),
        })
    }

    /// All members and scores in ascending order; `rev()` walks down.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..usize::MAX)
    }
}

/// Members and scores in order, see [`ZSet::range`].
pub struct Iter<'a>(Walk<'a>);

enum Walk<'a> {
    Listpack(Pairs<'a>),
    Table(tree::Range<'a, Handle>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (LpValue<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Listpack(pairs) => pairs.next(),
            Walk::Table(range) => range.next().map(|item| (LpValue::Str(item.member.bytes()), item.score)),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Listpack(pairs) => pairs.next_back(),
            Walk::Table(range) => {
                range.next_back().map(|item| (LpValue::Str(item.member.bytes()), item.score))
            }
        }
    }
}
