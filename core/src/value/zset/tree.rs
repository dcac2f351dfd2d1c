//! The order of a big sorted set: a counted B+tree over (score, member bytes).
//!
//! Leaves hold up to [`LEAF`] elements of 16 bytes (score, handle of the member); inner nodes hold, for each child, its
//! first element, its number of elements and the child, in three arrays, so that a search reads few cache lines.
//! Insert, remove, rank and by-rank are O(log n), a range is a walk over slices. A separator is always the first
//! element of its child at present, never a copy of one that was removed: handles may point to memory that goes with
//! the element.
//!
//! After a removal a node less than half full is merged with a neighbour when both fit into three quarters of a node;
//! there is no borrowing. So any two neighbours hold more than three quarters of a node between them, or are both half
//! full. Appending at either end leaves full nodes behind.
//! Knows nobody; what a member's bytes are is told by [`Member`].

use std::cmp::Ordering;

use crate::table::good_size;

/// Elements of a leaf.
const LEAF: usize = 64;
/// Children of an inner node.
const FANOUT: usize = 32;
/// Nodes built in bulk are filled up to this, so that the first insert does not split them.
const LEAF_FILL: usize = LEAF / 8 * 7;
const FANOUT_FILL: usize = FANOUT / 8 * 7;

/// A handle that leads to the bytes of a member.
pub(super) trait Member: Copy {
    /// The member.
    fn bytes(&self) -> &[u8];
}

/// An element: ordered by score, then by the bytes of its member. The score is never NaN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<M> {
    pub(super) score: f64,
    pub(super) member: M,
}

impl<M: Member> Item<M> {
    /// Order against another element. Negative and positive zero are one score, as in Redis.
    #[inline]
    pub(super) fn cmp_to(&self, score: f64, member: &[u8]) -> Ordering {
        if self.score < score {
            Ordering::Less
        } else if self.score > score {
            Ordering::Greater
        } else {
            self.member.bytes().cmp(member)
        }
    }
}

enum Node<M> {
    Leaf(Vec<Item<M>>),
    Inner(Box<Inner<M>>),
}

/// The three arrays have one length, at least 1.
struct Inner<M> {
    firsts: Vec<Item<M>>,
    counts: Vec<usize>,
    nodes: Vec<Node<M>>,
}

/// Whether a node lies at the left or the right edge of the tree.
#[derive(Clone, Copy)]
struct Edge {
    left: bool,
    right: bool,
}

/// See the module's head.
pub(super) struct Tree<M> {
    root: Node<M>,
    len: usize,
    memory: usize,
}

impl<M: Member> Tree<M> {
    /// An empty tree; allocates nothing.
    pub(super) fn new() -> Self {
        Self { root: Node::Leaf(Vec::new()), len: 0, memory: 0 }
    }

    /// A tree of elements that are in strictly ascending order. O(n).
    pub(super) fn from_sorted(items: &[Item<M>]) -> Self {
        debug_assert!(items.windows(2).all(|w| w[0].cmp_to(w[1].score, w[1].member.bytes()).is_lt()));
        let mut tree = Self::new();
        tree.len = items.len();
        if items.len() <= LEAF {
            tree.memory = leaf_size(items.len());
            tree.root = Node::Leaf(items.to_vec());
            return tree;
        }
        let mut level: Vec<Node<M>> = Vec::with_capacity(items.len().div_ceil(LEAF_FILL));
        for chunk in items.chunks(LEAF_FILL) {
            let mut leaf = new_leaf(&mut tree.memory);
            leaf.extend_from_slice(chunk);
            level.push(Node::Leaf(leaf));
        }
        while level.len() > 1 {
            let mut above = Vec::with_capacity(level.len().div_ceil(FANOUT_FILL));
            let mut below = level.into_iter().peekable();
            while below.peek().is_some() {
                let mut inner = Inner::new(&mut tree.memory);
                below.by_ref().take(FANOUT_FILL).for_each(|node| inner.insert(inner.nodes.len(), node));
                above.push(Node::Inner(inner));
            }
            level = above;
        }
        if let Some(root) = level.pop() {
            tree.root = root;
        }
        tree
    }

    /// Bytes taken from the allocator. O(1).
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Adds an element; one with this score and member must not be present.
    pub(super) fn insert(&mut self, item: Item<M>) {
        debug_assert!(!item.score.is_nan());
        self.len += 1;
        let edge = Edge { left: true, right: true };
        if let Some(right) = insert_into(&mut self.root, item, edge, &mut self.memory) {
            let mut inner = Inner::new(&mut self.memory);
            let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            inner.insert(0, left);
            inner.insert(1, right);
            self.root = Node::Inner(inner);
        }
    }

    /// Removes an element; false when it is not present.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) -> bool {
        let removed = remove_from(&mut self.root, score, member, &mut self.memory);
        if removed {
            self.len -= 1;
            self.lower_root();
        }
        removed
    }

    /// Gives an element another score without moving it, when it stays between its neighbours. False when it can not
    /// be done so cheaply (or the element is not present): remove it and insert it anew.
    pub(super) fn rescore_in_place(&mut self, score: f64, member: &[u8], new: f64) -> bool {
        let mut node = &mut self.root;
        while let Node::Inner(inner) = node {
            let child = inner.child_of(score, member);
            node = &mut inner.nodes[child];
        }
        let Node::Leaf(items) = node else { return false };
        let Ok(at) = items.binary_search_by(|item| item.cmp_to(score, member)) else { return false };
        // The first of a leaf is a separator further up, and the neighbour of the last lies in another leaf.
        let (Some(before), Some(after)) = (at.checked_sub(1), items.get(at + 1)) else { return false };
        if items[before].cmp_to(new, member).is_lt() && after.cmp_to(new, member).is_gt() {
            items[at].score = new;
            return true;
        }
        false
    }

    /// Removes `count` elements from `rank` on and appends them to `out` in order.
    pub(super) fn remove_ranks(&mut self, rank: usize, count: usize, out: &mut Vec<Item<M>>) {
        let rank = rank.min(self.len);
        let count = count.min(self.len - rank);
        if count == 0 {
            return;
        }
        out.reserve(count);
        remove_span(&mut self.root, rank, count, out, &mut self.memory);
        self.len -= count;
        self.lower_root();
    }

    /// The root never is an inner node of one child.
    fn lower_root(&mut self) {
        while let Node::Inner(inner) = &mut self.root
            && inner.nodes.len() <= 1
        {
            self.memory -= Inner::<M>::size();
            self.root = inner.nodes.pop().unwrap_or(Node::Leaf(Vec::new()));
        }
    }

    /// How many elements from the first on satisfy `below`, which must be true up to some element and false from there
    /// on: the rank of the first that does not. O(log n).
    pub(super) fn count_while(&self, below: impl Fn(&Item<M>) -> bool) -> usize {
        let mut rank = 0;
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(items) => return rank + items.partition_point(&below),
                Node::Inner(inner) => {
                    let Some(child) = inner.firsts.partition_point(&below).checked_sub(1) else {
                        return rank;
                    };
                    rank += inner.counts[..child].iter().sum::<usize>();
                    node = &inner.nodes[child];
                }
            }
        }
    }

    /// Elements from `rank` to the end of their leaf; empty beyond the last. O(log n).
    fn slice_from(&self, rank: usize) -> &[Item<M>] {
        let (leaf, at) = self.leaf_of(rank);
        leaf.get(at..).unwrap_or_default()
    }

    /// Elements of the leaf up to and including `rank`.
    fn slice_to(&self, rank: usize) -> &[Item<M>] {
        let (leaf, at) = self.leaf_of(rank);
        leaf.get(..=at).unwrap_or_default()
    }

    fn leaf_of(&self, mut rank: usize) -> (&[Item<M>], usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(items) => return (items, rank),
                Node::Inner(inner) => {
                    let last = inner.nodes.len() - 1;
                    let mut child = 0;
                    while child < last && rank >= inner.counts[child] {
                        rank -= inner.counts[child];
                        child += 1;
                    }
                    node = &inner.nodes[child];
                }
            }
        }
    }

    /// The elements with ranks `start..end` (cut to what is there), from either end.
    pub(super) fn range(&self, start: usize, end: usize) -> Range<'_, M> {
        let end = end.min(self.len);
        Range { tree: self, front: &[], back: &[], start: start.min(end), end }
    }
}

impl<M: Member> Inner<M> {
    fn new(memory: &mut usize) -> Box<Self> {
        *memory += Self::size();
        Box::new(Self {
            firsts: Vec::with_capacity(FANOUT),
            counts: Vec::with_capacity(FANOUT),
            nodes: Vec::with_capacity(FANOUT),
        })
    }

    /// Bytes of a node's four allocations; the arrays never grow.
    fn size() -> usize {
        good_size(size_of::<Self>())
            + good_size(FANOUT * size_of::<Item<M>>())
            + good_size(FANOUT * size_of::<usize>())
            + good_size(FANOUT * size_of::<Node<M>>())
    }

    /// The child that holds the element or would hold it.
    fn child_of(&self, score: f64, member: &[u8]) -> usize {
        self.firsts.partition_point(|first| first.cmp_to(score, member).is_le()).saturating_sub(1)
    }

    fn insert(&mut self, at: usize, node: Node<M>) {
        self.firsts.insert(at, node.first());
        self.counts.insert(at, node.count());
        self.nodes.insert(at, node);
    }

    fn take(&mut self, at: usize) -> Node<M> {
        self.firsts.remove(at);
        self.counts.remove(at);
        self.nodes.remove(at)
    }

    /// Puts `node` at `at`; when there is no room, gives back the right half as a node of its own.
    fn insert_or_split(
        &mut self,
        at: usize,
        node: Node<M>,
        edge: Edge,
        memory: &mut usize,
    ) -> Option<Node<M>> {
        if self.nodes.len() < FANOUT {
            self.insert(at, node);
            return None;
        }
        let cut = if edge.right && at == FANOUT { FANOUT } else { FANOUT / 2 };
        let mut right = Inner::new(memory);
        right.firsts.extend(self.firsts.drain(cut..));
        right.counts.extend(self.counts.drain(cut..));
        right.nodes.extend(self.nodes.drain(cut..));
        if at < cut {
            self.insert(at, node)
        } else {
            right.insert(at - cut, node)
        }
        Some(Node::Inner(right))
    }

    /// Merges the child with a neighbour when they are sparse, see the module's head.
    fn tidy(&mut self, child: usize, memory: &mut usize) {
        let Some(node) = self.nodes.get(child) else { return };
        if node.width() * 2 >= node.capacity() {
            return;
        }
        let room = node.capacity() / 4 * 3 - node.width();
        if self.nodes.get(child + 1).is_some_and(|next| next.width() <= room) {
            self.merge_next(child, memory);
        } else if child > 0 && self.nodes[child - 1].width() <= room {
            self.merge_next(child - 1, memory);
        }
    }

    fn merge_next(&mut self, child: usize, memory: &mut usize) {
        self.counts[child] += self.counts[child + 1];
        match (self.take(child + 1), &mut self.nodes[child]) {
            (Node::Leaf(more), Node::Leaf(items)) => {
                *memory -= leaf_size(more.capacity()) + leaf_size(items.capacity());
                items.extend_from_slice(&more);
                *memory += leaf_size(items.capacity());
            }
            (Node::Inner(mut more), Node::Inner(inner)) => {
                *memory -= Self::size();
                inner.firsts.append(&mut more.firsts);
                inner.counts.append(&mut more.counts);
                inner.nodes.append(&mut more.nodes);
            }
            _ => unreachable!("the children of a node are of one kind"),
        }
    }
}

impl<M: Member> Node<M> {
    /// The first element; no node but an empty root is without.
    fn first(&self) -> Item<M> {
        match self {
            Node::Leaf(items) => items[0],
            Node::Inner(inner) => inner.firsts[0],
        }
    }

    fn count(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(inner) => inner.counts.iter().sum(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(inner) => inner.nodes.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF,
            Node::Inner(_) => FANOUT,
        }
    }

    /// Gives all elements away in order, and the memory back.
    fn empty_into(self, out: &mut Vec<Item<M>>, memory: &mut usize) {
        match self {
            Node::Leaf(items) => {
                *memory -= leaf_size(items.capacity());
                out.extend_from_slice(&items);
            }
            Node::Inner(inner) => {
                *memory -= Inner::<M>::size();
                inner.nodes.into_iter().for_each(|node| node.empty_into(out, memory));
            }
        }
    }
}

/// What the allocator hands out for a leaf of that capacity: an element takes 16 bytes.
fn leaf_size(capacity: usize) -> usize {
    if capacity == 0 { 0 } else { good_size(capacity * 16) }
}

fn new_leaf<M>(memory: &mut usize) -> Vec<Item<M>> {
    const { assert!(size_of::<Item<usize>>() == 16) };
    let leaf = Vec::with_capacity(LEAF);
    *memory += leaf_size(leaf.capacity());
    leaf
}

/// Adds to the node; when it had no room, gives back its right part as a node of its own.
fn insert_into<M: Member>(
    node: &mut Node<M>,
    item: Item<M>,
    edge: Edge,
    memory: &mut usize,
) -> Option<Node<M>> {
    match node {
        Node::Leaf(items) => {
            let at = items.partition_point(|other| other.cmp_to(item.score, item.member.bytes()).is_lt());
            if items.len() < LEAF {
                if items.len() == items.capacity() {
                    *memory -= leaf_size(items.capacity());
                    items.reserve_exact((items.len() * 2).clamp(4, LEAF) - items.len());
                    *memory += leaf_size(items.capacity());
                }
                items.insert(at, item);
                return None;
            }
            // Ascending and descending series leave full leaves behind.
            let cut = match at {
                LEAF if edge.right => LEAF,
                0 if edge.left => 0,
                _ => LEAF / 2,
            };
            let mut right = new_leaf(memory);
            right.extend(items.drain(cut..));
            if at < cut || cut == 0 {
                items.insert(at, item)
            } else {
                right.insert(at - cut, item)
            }
            Some(Node::Leaf(right))
        }
        Node::Inner(inner) => {
            let child = inner.child_of(item.score, item.member.bytes());
            let below =
                Edge { left: edge.left && child == 0, right: edge.right && child + 1 == inner.nodes.len() };
            let split = insert_into(&mut inner.nodes[child], item, below, memory);
            inner.counts[child] += 1;
            inner.firsts[child] = inner.nodes[child].first();
            let right = split?;
            inner.counts[child] -= right.count();
            inner.insert_or_split(child + 1, right, edge, memory)
        }
    }
}

/// Removes from the node, which may be empty afterwards.
fn remove_from<M: Member>(node: &mut Node<M>, score: f64, member: &[u8], memory: &mut usize) -> bool {
    match node {
        Node::Leaf(items) => {
            let found = items.binary_search_by(|item| item.cmp_to(score, member));
            found.map(|at| items.remove(at)).is_ok()
        }
        Node::Inner(inner) => {
            let child = inner.child_of(score, member);
            if !remove_from(&mut inner.nodes[child], score, member, memory) {
                return false;
            }
            inner.counts[child] -= 1;
            if inner.counts[child] == 0 {
                inner.take(child).empty_into(&mut Vec::new(), memory);
                // What were its neighbours are neighbours now.
                inner.tidy(child.saturating_sub(1), memory);
            } else {
                inner.firsts[child] = inner.nodes[child].first();
                inner.tidy(child, memory);
            }
            true
        }
    }
}

/// Removes `count` elements from the node's `rank`-th on; there are that many.
fn remove_span<M: Member>(
    node: &mut Node<M>,
    rank: usize,
    count: usize,
    out: &mut Vec<Item<M>>,
    memory: &mut usize,
) {
    match node {
        Node::Leaf(items) => out.extend(items.drain(rank..rank + count)),
        Node::Inner(inner) => {
            let (mut child, mut skip, mut left) = (0, rank, count);
            while left > 0 {
                let here = inner.counts[child];
                if skip >= here {
                    skip -= here;
                    child += 1;
                    continue;
                }
                let take = left.min(here - skip);
                if take == here {
                    inner.take(child).empty_into(out, memory);
                } else {
                    remove_span(&mut inner.nodes[child], skip, take, out, memory);
                    inner.counts[child] -= take;
                    inner.firsts[child] = inner.nodes[child].first();
                    child += 1;
                }
                left -= take;
                skip = 0;
            }
            // Only the nodes at both ends of the gap have lost something.
            inner.tidy(child, memory);
            inner.tidy(child.saturating_sub(1), memory);
        }
    }
}

/// Elements by rank, see [`Tree::range`]. It finds its way from the root once per leaf.
pub(super) struct Range<'a, M> {
    tree: &'a Tree<M>,
    front: &'a [Item<M>],
    back: &'a [Item<M>],
    start: usize,
    end: usize,
}

impl<'a, M: Member> Iterator for Range<'a, M> {
    type Item = &'a Item<M>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.start == self.end {
            return None;
        }
        if self.front.is_empty() {
            self.front = self.tree.slice_from(self.start);
        }
        let (item, rest) = self.front.split_first()?;
        self.front = rest;
        self.start += 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.start, Some(self.end - self.start))
    }
}

impl<M: Member> DoubleEndedIterator for Range<'_, M> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.start == self.end {
            return None;
        }
        if self.back.is_empty() {
            self.back = self.tree.slice_to(self.end - 1);
        }
        let (item, rest) = self.back.split_last()?;
        self.back = rest;
        self.end -= 1;
        Some(item)
    }
}

#[cfg(test)]
impl<M: Member> Tree<M> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Panics unless every invariant of the module's head holds.
    pub(super) fn check(&self) {
        let mut memory = 0;
        let mut depths = std::collections::BTreeSet::new();
        check_node(&self.root, 0, &mut memory, &mut depths);
        assert!(depths.len() <= 1, "all leaves are equally deep");
        assert_eq!(memory, self.memory);
        assert_eq!(self.root.count(), self.len);
        let items: Vec<_> = self.range(0, usize::MAX).collect();
        assert_eq!(items.len(), self.len);
        assert!(items.windows(2).all(|w| w[0].cmp_to(w[1].score, w[1].member.bytes()).is_lt()));
    }
}

#[cfg(test)]
fn check_node<M: Member>(
    node: &Node<M>,
    depth: usize,
    memory: &mut usize,
    depths: &mut std::collections::BTreeSet<usize>,
) {
    match node {
        Node::Leaf(items) => {
            assert!(items.len() <= LEAF && (depth == 0 || !items.is_empty()));
            *memory += leaf_size(items.capacity());
            depths.insert(depth);
        }
        Node::Inner(inner) => {
            let width = inner.nodes.len();
            assert!((1..=FANOUT).contains(&width) && (depth > 0 || width > 1));
            assert_eq!((inner.firsts.len(), inner.counts.len()), (width, width));
            *memory += Inner::<M>::size();
            for (at, child) in inner.nodes.iter().enumerate() {
                assert_eq!(inner.counts[at], child.count());
                let (first, separator) = (child.first(), inner.firsts[at]);
                assert!(separator.cmp_to(first.score, first.member.bytes()).is_eq());
                check_node(child, depth + 1, memory, depths);
            }
        }
    }
}
