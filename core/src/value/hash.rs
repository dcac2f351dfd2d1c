//! The hash value: a listpack while small, a table when big.

use super::elements::Elements;
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use crate::encoding::listpack::Listpack;

/// A hash value.
#[derive(Clone)]
pub enum Hash {
    /// Compact form.
    Listpack(Listpack),
    /// Big form.
    Table(Elements),
}

impl Hash {
    /// An empty one.
    pub fn new() -> Self {
        Hash::Listpack(Listpack::new())
    }

    /// Number of members (or fields).
    pub fn len(&self) -> usize {
        match self {
            Hash::Listpack(lp) => lp.len(),
            Hash::Table(elements) => elements.len(),
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

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            Hash::Listpack(lp) => out.put(head, &Body::HashListpack(lp.bytes())),
            Hash::Table(elements) => out.put_elements(head, BigKind::Hash, elements),
        }
    }
}
