//! The set value: a listpack while small, a table when big.

use super::elements::Elements;
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use crate::encoding::listpack::Listpack;

/// A set value.
#[derive(Clone)]
pub enum Set {
    /// Compact form.
    Listpack(Listpack),
    /// Big form.
    Table(Elements),
}

impl Set {
    /// An empty one.
    pub fn new() -> Self {
        Set::Listpack(Listpack::new())
    }

    /// Number of members (or fields).
    pub fn len(&self) -> usize {
        match self {
            Set::Listpack(lp) => lp.len(),
            Set::Table(elements) => elements.len(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            Set::Listpack(lp) => lp.memory(),
            Set::Table(elements) => elements.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
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
            Set::Listpack(lp) => out.put(head, &Body::SetListpack(lp.bytes())),
            Set::Table(elements) => out.put_elements(head, BigKind::Set, elements),
        }
    }
}
