//! Making sorted sets whole: from files, from the results of commands, and conversions between the two forms.

use super::{Form, ZSet, compact, indexed};
use crate::encoding::Corrupt;
use crate::encoding::listpack::{Listpack, LpValue};
use crate::encoding::num::{NumBuf, strtod};
use crate::value::Limits;

/// Capacity is reserved for at most this many members on the word of a file.
const TRUSTED_HINT: usize = 1 << 16;

/// Collects the members of a sorted set in any order.
pub struct Builder {
    table: indexed::Builder,
    longest: usize,
    bytes: usize,
}

impl Builder {
    /// A builder that expects about `n` members.
    pub fn new(n: usize) -> Self {
        Self { table: indexed::Builder::with_capacity(n.min(TRUSTED_HINT)), longest: 0, bytes: 0 }
    }

    /// Adds a member. Fails on NaN and on a member that is present already.
    pub fn add(&mut self, member: &[u8], score: f64) -> Result<(), Corrupt> {
        if score.is_nan() {
            return Err(Corrupt("sorted set has a score that is not a number"));
        }
        if !self.table.add(member, score) {
            return Err(Corrupt("sorted set has a member twice"));
        }
        self.longest = self.longest.max(member.len());
        self.bytes += member.len();
        Ok(())
    }

    /// Adds a member of another value, which is not present yet and whose score is a number.
    pub(crate) fn add_value(&mut self, member: LpValue<'_>, score: f64) {
        let added = self.add(member.as_bytes(&mut NumBuf::new()), score);
        debug_assert!(added.is_ok());
    }

    /// The sorted set: a listpack when it fits the limits.
    pub fn finish(mut self, limits: &Limits) -> ZSet {
        let small = self.table.len() <= limits.zset_max_listpack_entries
            && self.longest <= limits.zset_max_listpack_value
            && Listpack::new().safe_to_add(self.bytes);
        ZSet(if small {
            let mut lp = Listpack::with_capacity(self.bytes + self.table.len() * 8);
            for (member, score) in self.table.sorted() {
                compact::push(&mut lp, member, score);
            }
            lp.shrink_to_fit();
            Form::Listpack(lp)
        } else {
            Form::Table(Box::new(self.table.finish()))
        })
    }
}

impl ZSet {
    /// Takes over a listpack from a file: members and scores in strictly ascending order, no member twice. It becomes a
    /// table when it exceeds the limits.
    pub fn from_listpack(lp: Listpack, limits: &Limits) -> Result<Self, Corrupt> {
        if !lp.len().is_multiple_of(2) {
            return Err(Corrupt("sorted set listpack has a member without a score"));
        }
        let mut members = Vec::with_capacity(lp.len() / 2);
        let mut last: Option<(f64, Vec<u8>)> = None;
        let mut longest = 0;
        let mut entries = lp.iter();
        while let (Some(member), Some(score)) = (entries.next(), entries.next()) {
            let score = checked_score(score)?;
            let member = member.to_vec();
            longest = longest.max(member.len());
            if let Some((before, other)) = last
                && (before > score || (before == score && other >= member))
            {
                return Err(Corrupt("sorted set listpack is out of order"));
            }
            members.push(crate::table::hash(&member));
            last = Some((score, member));
        }
        // Equal members have equal hashes; members with equal hashes are looked at.
        members.sort_unstable();
        if members.windows(2).any(|w| w[0] == w[1]) {
            let mut names: Vec<_> = compact::pairs(&lp).map(|(member, _)| member.to_vec()).collect();
            names.sort_unstable();
            if names.windows(2).any(|w| w[0] == w[1]) {
                return Err(Corrupt("sorted set has a member twice"));
            }
        }
        let fits =
            lp.len() / 2 <= limits.zset_max_listpack_entries && longest <= limits.zset_max_listpack_value;
        let mut zset = ZSet(Form::Listpack(lp));
        if !fits {
            zset.make_table(0);
        }
        Ok(zset)
    }

    /// Takes the big form, if it is not in it.
    pub fn expand(&mut self) {
        self.make_table(0);
    }

    /// Turns a listpack into a table with room for `room` members.
    pub(super) fn make_table(&mut self, room: usize) {
        if let Form::Listpack(lp) = &self.0 {
            let mut table = indexed::Builder::with_capacity(room.max(lp.len() / 2));
            let mut buf = Default::default();
            for (member, score) in compact::pairs(lp) {
                table.add(member.as_bytes(&mut buf), score);
            }
            self.0 = Form::Table(Box::new(table.finish()));
        }
    }
}

/// A score from a file: an integer, or a text that is one double and nothing else.
fn checked_score(entry: LpValue<'_>) -> Result<f64, Corrupt> {
    match entry {
        LpValue::Int(n) => Ok(n as f64),
        LpValue::Str(text) => match strtod(text) {
            Some((score, used)) if used == text.len() && !score.is_nan() => Ok(score),
            _ => Err(Corrupt("sorted set listpack has a score that is not a number")),
        },
    }
}
