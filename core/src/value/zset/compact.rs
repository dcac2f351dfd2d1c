//! The compact form of a sorted set: a listpack of member, score, member, score …, ascending by score and member.
//!
//! Scores stand there as Redis writes them: whole numbers as integers (so negative zero becomes zero), others as the
//! text of [`fmt_f64`]. All work is a walk; Redis's limits keep it short. Knows the listpack only.

use std::cmp::Ordering;

use crate::encoding::listpack::{Listpack, LpValue};
use crate::encoding::num::{f64_as_i64, fmt_f64, strtod};

/// The score an entry stands for. Text that is none counts as zero, as in Redis; files are checked for it.
pub(super) fn score_of(entry: LpValue<'_>) -> f64 {
    match entry {
        LpValue::Int(n) => n as f64,
        LpValue::Str(text) => strtod(text).map_or(0.0, |(score, _)| score),
    }
}

/// Position and score of a member.
pub(super) fn find(lp: &Listpack, member: &[u8]) -> Option<(usize, f64)> {
    let at = lp.find(member, lp.first()?, 1)?;
    Some((at, score_of(lp.get(lp.next(at)?))))
}

/// Adds a member that is not present, at its place.
pub(super) fn insert(lp: &mut Listpack, member: &[u8], score: f64) {
    let mut at = lp.first();
    while let Some(here) = at {
        let (other, score_at) = lp.get_and_next(here);
        let Some(score_at) = score_at else { break };
        let (other_score, next) = lp.get_and_next(score_at);
        let other_score = score_of(other_score);
        if other_score > score || (other_score == score && other.cmp_bytes(member) == Ordering::Greater) {
            lp.insert_before(here, member);
            let score_at = lp.next(here).unwrap_or(here);
            with_entry(score, |entry| lp.insert_value(score_at, entry));
            return;
        }
        at = next;
    }
    push(lp, member, score);
}

/// Adds a member that is greater than all others.
pub(super) fn push(lp: &mut Listpack, member: &[u8], score: f64) {
    lp.push(member);
    with_entry(score, |entry| lp.push_value(entry));
}

/// Calls `f` with the form a score takes.
fn with_entry<R>(score: f64, f: impl FnOnce(LpValue<'_>) -> R) -> R {
    match f64_as_i64(score) {
        Some(n) => f(LpValue::Int(n)),
        None => f(LpValue::encode(&fmt_f64(score))),
    }
}

/// Removes the member at `at` with its score.
pub(super) fn remove(lp: &mut Listpack, at: usize) {
    lp.remove_span(at, 2);
}

/// Rank and score of a member.
pub(super) fn rank(lp: &Listpack, member: &[u8]) -> Option<(usize, f64)> {
    pairs(lp)
        .enumerate()
        .find(|(_, (other, _))| other.eq_bytes(member))
        .map(|(rank, (_, score))| (rank, score))
}

/// Members and scores in ascending order; also from the back.
pub(super) fn pairs(lp: &Listpack) -> Pairs<'_> {
    Pairs { entries: lp.iter() }
}

/// See [`pairs`].
pub(super) struct Pairs<'a> {
    entries: crate::encoding::listpack::Iter<'a>,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (LpValue<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.entries.next()?;
        Some((member, score_of(self.entries.next()?)))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let score = score_of(self.entries.next_back()?);
        Some((self.entries.next_back()?, score))
    }
}
