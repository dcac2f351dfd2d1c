//! NX, XX, GT, LT: when an expiry is to be set, depending on the one there is. For keys and for fields of hashes.

use super::args;
use crate::error::{Error, Result};

/// See the module's head.
#[derive(Clone, Copy, Default)]
pub(super) struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    /// What EXPIRE and its kin take: any number of words.
    pub(super) fn parse(words: &[&[u8]]) -> Result<Self> {
        let mut found = Self::default();
        for word in words {
            if !found.take(word) {
                let shown = args::shown(word, usize::MAX);
                return Err(Error::command(format!("ERR Unsupported option {shown}")));
            }
        }
        if found.nx && (found.xx || found.gt || found.lt) {
            let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
            return Err(Error::command(text));
        }
        if found.gt && found.lt {
            return Err(Error::command("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(found)
    }

    /// What HEXPIRE and its kin take: at most one word; `None` when it is another.
    pub(super) fn of_word(word: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        found.take(word).then_some(found)
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let flag = match () {
            () if args::is(word, "nx") => &mut self.nx,
            () if args::is(word, "xx") => &mut self.xx,
            () if args::is(word, "gt") => &mut self.gt,
            () if args::is(word, "lt") => &mut self.lt,
            () => return false,
        };
        *flag = true;
        true
    }

    /// Whether `new` may take the place of `old`; no expiry counts as infinitely far.
    pub(super) fn allow(self, old: Option<i64>, new: i64) -> bool {
        !(self.nx && old.is_some()
            || self.xx && old.is_none()
            || self.gt && old.is_none_or(|old| new <= old)
            || self.lt && old.is_some_and(|old| new >= old))
    }
}
