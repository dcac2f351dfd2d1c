//! Lists: one listpack while small, a sequence of reference-counted nodes when big.
//!
//! [`node`] has one node and the limits of `list-max-listpack-size`, [`nodes`] the directory of nodes, [`edit`] the
//! changes of a big list, [`iter`] the walks. Here are both forms behind one face, and when one becomes the other, as
//! Redis 7.2 has it: a listpack becomes nodes when what is about to be added could bring it over the limit of a node;
//! nodes become a listpack when a list shrinks to a single node of at most half that limit.

mod edit;
mod iter;
mod node;
mod nodes;

use super::Limits;
use super::saved::{Body, HeadRef, SavedBuf};
use crate::encoding::listpack::{Listpack, LpValue};

use node::NodeLimit;

pub use iter::Range;
pub use node::{End, Node};
pub use nodes::Nodes;

/// A list value. A clone of a big list shares the nodes until either changes them.
#[derive(Clone)]
pub enum List {
    /// All elements in one listpack.
    Listpack(Listpack),
    /// Nodes in order.
    Nodes(Nodes),
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list.
    pub fn new() -> Self {
        List::Listpack(Listpack::new())
    }

    /// A list of the elements of one (checked) listpack, in the form the limits ask for.
    pub fn from_listpack(lp: Listpack, limits: &Limits) -> Self {
        let limit = NodeLimit::new(limits);
        if !limit.outgrown(&lp, 0, 0) {
            return List::Listpack(lp);
        }
        let mut nodes = Nodes::default();
        nodes.append_node(Node::Packed(lp), limit);
        List::Nodes(nodes)
    }

    /// A list of nodes as a file has them, in the form the limits ask for. Empty nodes are left out; those far beyond
    /// the limits are cut up.
    pub fn from_nodes(from: impl IntoIterator<Item = Node>, limits: &Limits) -> Self {
        let limit = NodeLimit::new(limits);
        let mut nodes = Nodes::default();
        for node in from {
            nodes.append_node(node, limit);
        }
        Self::from_built(nodes, limit)
    }

    /// A list of these elements, in the form the limits ask for.
    pub fn from_elements<E: AsRef<[u8]>>(from: impl IntoIterator<Item = E>, limits: &Limits) -> Self {
        let limit = NodeLimit::new(limits);
        let mut nodes = Nodes::default();
        for element in from {
            nodes.push(End::Tail, &[element.as_ref()], limit);
        }
        Self::from_built(nodes, limit)
    }

    fn from_built(nodes: Nodes, limit: NodeLimit) -> Self {
        let mut list = List::Nodes(nodes);
        if list.is_empty() {
            return List::new();
        }
        list.condense(limit, false);
        list
    }

    /// Number of elements. O(1).
    pub fn len(&self) -> usize {
        match self {
            List::Listpack(lp) => lp.len(),
            List::Nodes(nodes) => nodes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        match self {
            List::Listpack(lp) => lp.is_empty(),
            List::Nodes(nodes) => nodes.is_empty(),
        }
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        match self {
            List::Listpack(lp) => lp.memory(),
            List::Nodes(nodes) => nodes.memory(),
        }
    }

    /// `listpack` or `quicklist`.
    pub fn encoding(&self) -> &'static str {
        match self {
            List::Listpack(_) => "listpack",
            List::Nodes(_) => "quicklist",
        }
    }

    /// Puts the list into a snapshot's buffer: copied when it is one listpack, shared chunk by chunk otherwise.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            List::Listpack(lp) => out.put(head, &Body::ListListpack(lp.bytes())),
            List::Nodes(nodes) => out.put_nodes(head, nodes.clone()),
        }
    }

    /// The element with this index; negative ones count from the end.
    pub fn get(&self, index: i64) -> Option<LpValue<'_>> {
        self.range(self.index(index)?, 1).next()
    }

    /// The index counted from the head, if there is such an element.
    fn index(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        if index < 0 { len.checked_sub(distance) } else { Some(distance).filter(|&i| i < len) }
    }

    /// All elements from the head to the tail.
    pub fn iter(&self) -> Range<'_> {
        self.range(0, usize::MAX)
    }

    /// Up to `count` elements from the one with index `start` towards the tail.
    pub fn range(&self, start: usize, count: usize) -> Range<'_> {
        Range::new(self, start, count, End::Tail)
    }

    /// Up to `count` elements from the one with index `start` towards the head.
    pub fn range_back(&self, start: usize, count: usize) -> Range<'_> {
        Range::new(self, start, count, End::Head)
    }

    /// Adds elements at one end, one after the other: at the head the last one given comes to stand first.
    pub fn push(&mut self, end: End, elements: &[&[u8]], limits: &Limits) {
        self.grow(elements, limits);
        self.push_grown(end, elements, limits);
    }

    /// Adds an element that was taken out of a list. Redis holds a number so taken as a number, and counts it as no
    /// bytes when it decides on the form.
    pub fn push_moved(&mut self, end: End, element: &[u8], limits: &Limits) {
        let weight = if matches!(LpValue::encode(element), LpValue::Int(_)) { 0 } else { element.len() };
        self.grow_by(weight, 1, NodeLimit::new(limits));
        self.push_grown(end, &[element], limits);
    }

    fn push_grown(&mut self, end: End, elements: &[&[u8]], limits: &Limits) {
        match self {
            List::Listpack(lp) => edit::push_into(lp, end, elements),
            List::Nodes(nodes) => nodes.push(end, elements, NodeLimit::new(limits)),
        }
    }

    /// Takes up to `count` elements off one end and shows them on the way, outermost first.
    pub fn pop(&mut self, end: End, count: usize, limits: &Limits, mut each: impl FnMut(LpValue<'_>)) {
        match end {
            End::Head => self.range(0, count).for_each(&mut each),
            End::Tail => {
                let last = self.len().saturating_sub(1);
                self.range_back(last, count).for_each(&mut each);
            }
        }
        self.drop_elements(end, count);
        self.condense(NodeLimit::new(limits), true);
    }

    /// Moves the element at one end to an end of the same list and gives it; `None` when the list is empty.
    pub fn rotate(&mut self, from: End, to: End, limits: &Limits) -> Option<Vec<u8>> {
        let element = self.get(if from == End::Head { 0 } else { -1 })?.to_vec();
        self.drop_elements(from, 1);
        self.push_moved(to, &element, limits);
        self.condense(NodeLimit::new(limits), true);
        Some(element)
    }

    /// Leaves `len` elements from the one with index `start` on, which must exist, and removes all others.
    pub fn trim(&mut self, start: usize, len: usize, limits: &Limits) {
        let behind = self.len().saturating_sub(start.saturating_add(len));
        self.drop_elements(End::Head, start);
        self.drop_elements(End::Tail, behind);
        self.condense(NodeLimit::new(limits), true);
    }

    fn drop_elements(&mut self, end: End, count: usize) {
        match self {
            List::Listpack(lp) => edit::drop_from(lp, end, count),
            List::Nodes(nodes) => nodes.drop_elements(end, count),
        }
    }

    /// Replaces the element with this index; false when there is none.
    pub fn set(&mut self, index: i64, element: &[u8], limits: &Limits) -> bool {
        self.grow(&[element], limits);
        let Some(found) = self.index(index) else { return false };
        let limit = NodeLimit::new(limits);
        match self {
            List::Listpack(lp) => {
                let Some(pos) = lp.seek(index) else { return false };
                lp.replace(pos, element);
            }
            List::Nodes(nodes) => {
                let Some((at, offset)) = nodes.locate(found) else { return false };
                let pos = match nodes.get(at) {
                    Some(Node::Packed(lp)) => lp.seek(offset as i64).unwrap_or(0),
                    _ => 0,
                };
                nodes.replace(at, pos, element, limit);
            }
        }
        self.condense(limit, true);
        true
    }

    /// Inserts an element beside the first one equal to `pivot`; false when there is none. O(n).
    pub fn insert(&mut self, pivot: &[u8], before: bool, element: &[u8], limits: &Limits) -> bool {
        self.grow(&[element], limits);
        match self {
            List::Listpack(lp) => match lp.first().and_then(|first| lp.find(pivot, first, 0)) {
                Some(pos) if before => lp.insert_before(pos, element),
                Some(pos) => lp.insert_after(pos, element),
                None => return false,
            },
            List::Nodes(nodes) => {
                let mut at = nodes.first();
                let pos = loop {
                    let found = match nodes.get(at) {
                        Some(Node::Packed(lp)) => lp.first().and_then(|first| lp.find(pivot, first, 0)),
                        Some(Node::Plain(bytes)) => (bytes == pivot).then_some(0),
                        None => return false,
                    };
                    match found {
                        Some(pos) => break pos,
                        None => at = nodes.next(at),
                    }
                };
                nodes.insert_beside(at, pos, before, element, NodeLimit::new(limits));
                return true;
            }
        };
        true
    }

    /// Removes up to `count` elements equal to `element`, looking from one end; gives how many there were. O(n).
    pub fn remove(&mut self, element: &[u8], count: usize, from: End, limits: &Limits) -> usize {
        let removed = match self {
            List::Listpack(lp) => edit::remove_equal_from(lp, element, count, from),
            List::Nodes(nodes) => nodes.remove_equal(element, count, from),
        };
        if removed > 0 {
            self.condense(NodeLimit::new(limits), true);
        }
        removed
    }

    /// Makes a listpack nodes if these elements, about to be added, could bring it over the limit. The estimate is
    /// Redis's: the elements' own bytes.
    fn grow(&mut self, elements: &[&[u8]], limits: &Limits) {
        let bytes = elements.iter().map(|element| element.len()).fold(0, usize::saturating_add);
        self.grow_by(bytes, elements.len(), NodeLimit::new(limits));
    }

    fn grow_by(&mut self, bytes: usize, count: usize, limit: NodeLimit) {
        if let List::Listpack(lp) = self
            && limit.outgrown(lp, bytes, count)
        {
            let mut nodes = Nodes::default();
            nodes.append_node(Node::Packed(std::mem::take(lp)), limit);
            *self = List::Nodes(nodes);
        }
    }

    /// Makes a single node a listpack if it is small enough.
    fn condense(&mut self, limit: NodeLimit, shrinking: bool) {
        if let List::Nodes(nodes) = self
            && nodes.node_count() == 1
            && matches!(nodes.get(nodes.first()), Some(Node::Packed(lp)) if limit.fits_listpack(lp, shrinking))
            && let Some(Node::Packed(lp)) = nodes.take_single()
        {
            *self = List::Listpack(lp);
        }
    }
}

impl Nodes {
    /// Adds a node made elsewhere, cut up when it is far beyond the limits.
    fn append_node(&mut self, node: Node, limit: NodeLimit) {
        match node {
            Node::Packed(lp) if limit.is_excessive(lp.bytes().len()) => {
                for value in lp.iter() {
                    let mut text = crate::encoding::num::NumBuf::new();
                    self.push(End::Tail, &[value.as_bytes(&mut text)], limit);
                }
            }
            node if node.is_empty() => {}
            node => {
                self.insert(self.end(), node);
            }
        }
    }
}

#[cfg(test)]
mod tests;
