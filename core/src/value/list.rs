//! Lists: one listpack while small, a sequence of reference-counted nodes when big.

use std::collections::VecDeque;
use std::sync::Arc;

use super::saved::{Body, HeadRef, SavedBuf};
use crate::encoding::listpack::Listpack;

/// A node of a big list. Shared with a cut while that saves it, and copied on write only then.
#[derive(Clone)]
pub enum Node {
    /// Many elements.
    Packed(Listpack),
    /// One element too large for a listpack.
    Plain(Vec<u8>),
}

/// A list value.
#[derive(Clone)]
pub enum List {
    /// All elements in one listpack.
    Listpack(Listpack),
    /// Nodes in order, with the number of elements in all of them.
    Nodes(VecDeque<Arc<Node>>, usize),
}

impl List {
    /// An empty list.
    pub fn new() -> Self {
        List::Listpack(Listpack::new())
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            List::Listpack(lp) => lp.len(),
            List::Nodes(_, len) => *len,
        }
    }

    /// Bytes taken from the allocator.
    pub fn memory(&self) -> usize {
        match self {
            List::Listpack(lp) => lp.memory(),
            List::Nodes(nodes, _) => nodes.len() * 64,
        }
    }

    /// `listpack` or `quicklist`.
    pub fn encoding(&self) -> &'static str {
        match self {
            List::Listpack(_) => "listpack",
            List::Nodes(..) => "quicklist",
        }
    }

    /// Puts the list into a snapshot's buffer: copied when it is one listpack, shared node by node otherwise.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            List::Listpack(lp) => out.put(head, &Body::ListListpack(lp.bytes())),
            List::Nodes(nodes, _) => out.put_nodes(head, nodes.iter().cloned().collect()),
        }
    }
}
