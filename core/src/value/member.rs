//! An element as a key of a temporary hash set: what checks a file's blob for repeats, and what unions and differences
//! are built with, without copying elements.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use crate::encoding::listpack::LpValue;

/// A borrowed element, equal to another when their bytes are, whichever form they are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a>(LpValue<'a>);

/// Borrowed elements, each once.
pub type MemberSet<'a> = HashSet<Member<'a>, foldhash::quality::RandomState>;

impl<'a> Member<'a> {
    /// The element as it is stored.
    pub fn value(self) -> LpValue<'a> {
        self.0
    }
}

impl<'a> From<LpValue<'a>> for Member<'a> {
    fn from(value: LpValue<'a>) -> Self {
        Self(match value {
            LpValue::Int(_) => value,
            LpValue::Str(bytes) => LpValue::encode(bytes),
        })
    }
}

impl Hash for Member<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            LpValue::Int(n) => n.hash(state),
            LpValue::Str(bytes) => bytes.hash(state),
        }
    }
}

/// Up to this many elements are compared pair by pair, which needs no memory.
const PAIRWISE_MAX: usize = 12;

/// Whether no two of `count` elements have the same bytes.
pub(super) fn distinct<'a>(values: impl Iterator<Item = LpValue<'a>> + Clone, count: usize) -> bool {
    if count <= PAIRWISE_MAX {
        let mut rest = values;
        while let Some(value) = rest.next() {
            if rest.clone().any(|other| other == value) {
                return false;
            }
        }
        return true;
    }
    let mut seen = MemberSet::with_capacity_and_hasher(count, Default::default());
    values.map(Member::from).all(|member| seen.insert(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_found_in_any_form_and_number() {
        for n in [1, 5, PAIRWISE_MAX - 1, 40, 300] {
            let mut values: Vec<LpValue<'_>> = (0..n as i64).map(LpValue::Int).collect();
            assert!(distinct(values.iter().copied(), values.len()));
            values.push(LpValue::Str(b"0"));
            assert!(!distinct(values.iter().copied(), values.len()));
            values.pop();
            values.push(LpValue::Str(b"00"));
            assert!(distinct(values.iter().copied(), values.len()));
        }
    }
}
