//! The directory of a big list's nodes: chunks of nodes, both reference counted.
//!
//! ```text
//! spans:  [ chunk, elements, bytes ] [ … ] …          one flat deque
//! chunk:  [ node, elements ] × up to 128              shared with a cut, copied on write
//! node:   a listpack or one large element             shared with a cut, copied on write
//! ```
//!
//! Counts lie beside the references, so finding an index touches two short arrays and one node: microseconds in a list
//! of millions. Sharing the whole list with a cut costs one reference per chunk, not per node; whoever changes an
//! element afterwards copies one chunk's references and one node, once. Trimming drops whole chunks, in the
//! background when they are many.
//!
//! Here is the structure only; which element goes into which node is decided in [`super::edit`].

use std::collections::VecDeque;
use std::sync::Arc;

use super::node::{End, Node};
use crate::reclaim;

/// Nodes in a chunk.
const CHUNK: usize = 128;

/// What a node costs beyond its elements: its slot, the counters and the body of its allocation.
const NODE_OVERHEAD: usize = size_of::<Slot>() + 2 * size_of::<usize>() + size_of::<Node>();

#[derive(Clone)]
struct Slot {
    node: Arc<Node>,
    /// Elements in the node.
    len: u32,
}

#[derive(Clone)]
struct Span {
    /// Never empty, at most [`CHUNK`].
    chunk: Arc<Vec<Slot>>,
    /// Elements in the chunk's nodes.
    len: usize,
    /// Memory of the chunk's nodes.
    bytes: usize,
}

/// The nodes of a big list. A clone shares all nodes until either side changes them.
#[derive(Clone, Default)]
pub struct Nodes {
    spans: VecDeque<Span>,
    len: usize,
    node_count: usize,
    bytes: usize,
}

/// The place of a node; a change of the directory makes other places stale. One past the last node is a place too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    span: usize,
    slot: usize,
}

impl Nodes {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.node_count
    }

    /// Bytes taken from the allocator; shared nodes count in full. O(1).
    pub fn memory(&self) -> usize {
        self.bytes + self.node_count * NODE_OVERHEAD + self.spans.capacity() * size_of::<Span>()
    }

    /// The nodes from the first to the last; none is empty.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.spans.iter().flat_map(|span| span.chunk.iter()).map(|slot| &*slot.node)
    }

    /// The place of the first node.
    pub(super) fn first(&self) -> At {
        At { span: 0, slot: 0 }
    }

    /// The place behind the last node.
    pub(super) fn end(&self) -> At {
        At { span: self.spans.len(), slot: 0 }
    }

    /// The place after this node's.
    pub(super) fn next(&self, at: At) -> At {
        self.normal(At { span: at.span, slot: at.slot + 1 })
    }

    /// The place before this one.
    pub(super) fn prev(&self, at: At) -> Option<At> {
        if at.slot > 0 {
            return Some(At { span: at.span, slot: at.slot - 1 });
        }
        let span = at.span.checked_sub(1)?;
        Some(At { span, slot: self.spans[span].chunk.len() - 1 })
    }

    fn normal(&self, at: At) -> At {
        match self.spans.get(at.span) {
            Some(span) if at.slot >= span.chunk.len() => At { span: at.span + 1, slot: 0 },
            _ => at,
        }
    }

    /// The node at a place, none behind the last.
    #[inline]
    pub(super) fn get(&self, at: At) -> Option<&Node> {
        Some(&self.spans.get(at.span)?.chunk.get(at.slot)?.node)
    }

    /// The place of the node with element `index`, and that element's index in the node, looking from the nearer end.
    pub(super) fn locate(&self, index: usize) -> Option<(At, usize)> {
        if index >= self.len {
            return None;
        }
        let (span, mut rest) = if index < self.len / 2 {
            let mut rest = index;
            let mut span = 0;
            while rest >= self.spans[span].len {
                rest -= self.spans[span].len;
                span += 1;
            }
            (span, rest)
        } else {
            let mut span = self.spans.len() - 1;
            let mut start = self.len - self.spans[span].len;
            while start > index {
                span -= 1;
                start -= self.spans[span].len;
            }
            (span, index - start)
        };
        let mut slot = 0;
        for entry in self.spans[span].chunk.iter() {
            let len = entry.len as usize;
            if rest < len {
                break;
            }
            rest -= len;
            slot += 1;
        }
        Some((At { span, slot }, rest))
    }

    /// Changes a node, which must not become empty.
    pub(super) fn edit<R>(&mut self, at: At, change: impl FnOnce(&mut Node) -> R) -> R {
        let span = &mut self.spans[at.span];
        let slot = &mut Arc::make_mut(&mut span.chunk)[at.slot];
        let (len, bytes) = (slot.len as usize, slot.node.memory());
        let node = Arc::make_mut(&mut slot.node);
        let result = change(node);
        let (new_len, new_bytes) = (node.len(), node.memory());
        debug_assert!(new_len > 0, "an empty node must be removed");
        slot.len = new_len as u32;
        span.len = span.len - len + new_len;
        span.bytes = span.bytes - bytes + new_bytes;
        self.len = self.len - len + new_len;
        self.bytes = self.bytes - bytes + new_bytes;
        result
    }

    /// Gives back what a node keeps for growth, unless it is shared.
    pub(super) fn shrink(&mut self, at: At) {
        let unshared = |span: &mut Span| {
            Arc::get_mut(&mut span.chunk)
                .is_some_and(|chunk| Arc::get_mut(&mut chunk[at.slot].node).is_some())
        };
        if self.spans.get_mut(at.span).is_some_and(unshared) {
            self.edit(at, |node| {
                if let Node::Packed(lp) = node {
                    lp.shrink_to_fit();
                }
            });
        }
    }

    /// Puts a node before the one at `at` and gives its place.
    pub(super) fn insert(&mut self, at: At, node: Node) -> At {
        debug_assert!(!node.is_empty());
        let (len, bytes) = (node.len(), node.memory());
        let slot = Slot { node: Arc::new(node), len: len as u32 };
        let at = self.room(at);
        let span = &mut self.spans[at.span];
        Arc::make_mut(&mut span.chunk).insert(at.slot, slot);
        span.len += len;
        span.bytes += bytes;
        self.len += len;
        self.bytes += bytes;
        self.node_count += 1;
        at
    }

    /// Makes room for a slot before `at`: the place, perhaps at the end of a chunk, where it can be inserted.
    fn room(&mut self, at: At) -> At {
        let has_room = |span: &Span| span.chunk.len() < CHUNK;
        if self.spans.get(at.span).is_some_and(has_room) {
            return at;
        }
        if at.slot == 0 {
            // Between two chunks: the one before may have room, else there will be a new one.
            match self.prev(at) {
                Some(prev) if has_room(&self.spans[prev.span]) => {
                    return At { span: prev.span, slot: prev.slot + 1 };
                }
                _ => self.spans.insert(at.span, Span { chunk: Arc::default(), len: 0, bytes: 0 }),
            }
            return at;
        }
        let half = CHUNK / 2;
        let span = &mut self.spans[at.span];
        let upper = Arc::make_mut(&mut span.chunk).split_off(half);
        let len = upper.iter().map(|slot| slot.len as usize).sum();
        let bytes = upper.iter().map(|slot| slot.node.memory()).sum();
        span.len -= len;
        span.bytes -= bytes;
        self.spans.insert(at.span + 1, Span { chunk: Arc::new(upper), len, bytes });
        if at.slot <= half { at } else { At { span: at.span + 1, slot: at.slot - half } }
    }

    /// Removes a node; gives it, and the place of the one that followed.
    pub(super) fn remove(&mut self, at: At) -> (Arc<Node>, At) {
        let span = &mut self.spans[at.span];
        let Slot { node, len } = Arc::make_mut(&mut span.chunk).remove(at.slot);
        let (len, bytes) = (len as usize, node.memory());
        span.len -= len;
        span.bytes -= bytes;
        self.len -= len;
        self.bytes -= bytes;
        self.node_count -= 1;
        if span.chunk.is_empty() {
            self.spans.remove(at.span);
            return (node, at);
        }
        let at = self.condense(at);
        (node, self.normal(at))
    }

    /// Joins a chunk that became sparse with the one before it when both together are half full.
    fn condense(&mut self, at: At) -> At {
        let small = self.spans[at.span].chunk.len();
        let Some(before) = at.span.checked_sub(1) else { return at };
        let kept = self.spans[before].chunk.len();
        if small > CHUNK / 4 || small + kept > CHUNK / 2 {
            return at;
        }
        let Some(span) = self.spans.remove(at.span) else { return at };
        let into = &mut self.spans[before];
        Arc::make_mut(&mut into.chunk).extend(Arc::unwrap_or_clone(span.chunk));
        into.len += span.len;
        into.bytes += span.bytes;
        At { span: before, slot: kept + at.slot }
    }

    /// Removes whole nodes from one end as long as they hold no more than `count` elements together; gives how many
    /// elements of `count` are left.
    pub(super) fn drop_nodes(&mut self, end: End, mut count: usize) -> usize {
        let mut garbage = Vec::new();
        let mut freed = 0;
        while count > 0 {
            let span = match end {
                End::Head => self.spans.front_mut(),
                End::Tail => self.spans.back_mut(),
            };
            let Some(span) = span else { break };
            let chunk_len = span.chunk.len();
            let (mut slots, mut len, mut bytes) = (0, 0, 0);
            let whole = span.len <= count;
            if whole {
                (slots, len, bytes) = (chunk_len, span.len, span.bytes);
                let gone = if end == End::Head { self.spans.pop_front() } else { self.spans.pop_back() };
                garbage.extend(gone.map(|span| span.chunk));
            } else {
                while slots < chunk_len {
                    let slot = &span.chunk[if end == End::Head { slots } else { chunk_len - 1 - slots }];
                    if len + slot.len as usize > count {
                        break;
                    }
                    len += slot.len as usize;
                    bytes += slot.node.memory();
                    slots += 1;
                }
                if slots > 0 {
                    let chunk = Arc::make_mut(&mut span.chunk);
                    garbage.push(Arc::new(match end {
                        End::Head => chunk.drain(..slots).collect(),
                        End::Tail => chunk.split_off(chunk_len - slots),
                    }));
                    span.len -= len;
                    span.bytes -= bytes;
                }
            }
            count -= len;
            freed += bytes;
            self.node_count -= slots;
            self.len -= len;
            self.bytes -= bytes;
            if !whole {
                break;
            }
        }
        reclaim::later(garbage, freed);
        count
    }

    /// Takes the only node out.
    pub(super) fn take_single(&mut self) -> Option<Node> {
        if self.node_count != 1 {
            return None;
        }
        let (node, _) = self.remove(self.first());
        Some(Arc::unwrap_or_clone(node))
    }

    /// Checks every stored count against what it counts.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let (mut len, mut nodes, mut bytes) = (0, 0, 0);
        for span in &self.spans {
            assert!(!span.chunk.is_empty() && span.chunk.len() <= CHUNK);
            for slot in span.chunk.iter() {
                assert!(!slot.node.is_empty());
                assert_eq!(slot.len as usize, slot.node.len());
            }
            assert_eq!(span.len, span.chunk.iter().map(|slot| slot.node.len()).sum());
            assert_eq!(span.bytes, span.chunk.iter().map(|slot| slot.node.memory()).sum());
            len += span.len;
            nodes += span.chunk.len();
            bytes += span.bytes;
        }
        assert_eq!((self.len, self.node_count, self.bytes), (len, nodes, bytes));
    }
}
