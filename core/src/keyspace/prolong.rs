//! Giving a guard its full lifetime back.
//!
//! A command from a script runs in a context of its own, whose lifetime is that of the command's arguments; the guard goes
//! through it and is needed again afterwards, for as long as the keyspace is there.
#![allow(unsafe_code)]

use super::{Guard, Keyspace};

impl<'a> Guard<'a> {
    /// This guard for as long as the keyspace it belongs to is borrowed.
    ///
    /// # Panics
    /// When it belongs to another keyspace.
    pub(crate) fn prolong<'k>(self, keyspace: &'k Keyspace) -> Guard<'k> {
        assert!(std::ptr::eq(keyspace, self.keyspace()), "a guard stays with its keyspace");
        // SAFETY: all that a guard borrows (the keyspace, its locks, its turn) lies in the keyspace, which was just shown
        // to be `keyspace`, borrowed for `'k`. Only the lifetime changes.
        unsafe { std::mem::transmute::<Guard<'a>, Guard<'k>>(self) }
    }
}
