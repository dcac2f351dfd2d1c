//! The zset value: a listpack while small, a table when big.

use super::elements::Elements;
use super::saved::{BigKind, Body, HeadRef, SavedBuf};
use crate::encoding::listpack::Listpack;

/// A zset value.
#[derive(Clone)]
pub enum ZSet {
    /// Compact form.
    Listpack(Listpack),
    /// Big form.
    Table(Elements),
}

impl ZSet {
    /// An empty one.
    pub fn new() -> Self {
        ZSet::Listpack(Listpack::new())
    }

    /// Number of members (or fields).
    pub fn len(&self) -> usize {
        match self {
            ZSet::Listpack(lp) => lp.len(),
            ZSet::Table(elements) => elements.len(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            ZSet::Listpack(lp) => lp.memory(),
            ZSet::Table(elements) => elements.memory(),
        }
    }

    /// As OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            ZSet::Listpack(_) => "listpack",
            ZSet::Table(_) => "hashtable",
        }
    }

    /// The table of the big form.
    pub fn elements(&self) -> Option<&Elements> {
        match self {
            ZSet::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// The table of the big form, for the snapshot's book-keeping.
    pub fn elements_mut(&mut self) -> Option<&mut Elements> {
        match self {
            ZSet::Table(elements) => Some(elements),
            _ => None,
        }
    }

    /// Puts it whole into a snapshot's buffer.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            ZSet::Listpack(lp) => out.put(head, &Body::ZSetListpack(lp.bytes())),
            ZSet::Table(elements) => out.put_elements(head, BigKind::ZSet, elements),
        }
    }
}
