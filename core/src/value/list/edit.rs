//! Changes of a big list: which element goes into which node. The policy is Redis's quicklist's (fill a node to its
//! limit, split where an element does not fit, then merge small neighbours), so that a list becomes a single node, and
//! with that a listpack again, when it would in Redis.

use super::node::{End, Node, NodeLimit};
use super::nodes::{At, Nodes};
use crate::encoding::listpack::{Listpack, entry_size_for};

impl Nodes {
    /// Adds elements at one end, one after the other.
    pub(super) fn push(&mut self, end: End, elements: &[&[u8]], limit: NodeLimit) {
        let mut rest = elements;
        while let Some(&first) = rest.first() {
            let outer = match end {
                End::Head => Some(self.first()),
                End::Tail => self.prev(self.end()),
            };
            let fitting = outer.and_then(|at| Some((at, fitting(self.get(at)?, rest, limit)?)));
            let Some((at, count)) = fitting else {
                self.add_node(end, Node::of(first, limit));
                rest = &rest[1..];
                continue;
            };
            self.edit(at, |node| {
                if let Node::Packed(lp) = node {
                    push_into(lp, end, &rest[..count]);
                }
            });
            rest = &rest[count..];
        }
    }

    fn add_node(&mut self, end: End, node: Node) {
        match end {
            End::Head => {
                self.shrink(self.first());
                self.insert(self.first(), node);
            }
            End::Tail => {
                if let Some(last) = self.prev(self.end()) {
                    self.shrink(last);
                }
                self.insert(self.end(), node);
            }
        }
    }

    /// Removes `count` elements from one end.
    pub(super) fn drop_elements(&mut self, end: End, count: usize) {
        let rest = self.drop_nodes(end, count);
        if rest == 0 || self.is_empty() {
            return;
        }
        let at = match end {
            End::Head => self.first(),
            End::Tail => self.prev(self.end()).unwrap_or(self.first()),
        };
        self.edit(at, |node| {
            if let Node::Packed(lp) = node {
                drop_from(lp, end, rest);
            }
        });
    }

    /// Inserts beside the element at byte `pos` of the node at `at`.
    pub(super) fn insert_beside(
        &mut self,
        at: At,
        pos: usize,
        before: bool,
        element: &[u8],
        limit: NodeLimit,
    ) {
        let Some(node) = self.get(at) else { return };
        let at_edge = match node {
            Node::Packed(lp) => (if before { lp.first() } else { lp.last() }) == Some(pos),
            Node::Plain(_) => true,
        };
        if node.admits(element.len(), limit) {
            self.edit(at, |node| {
                if let Node::Packed(lp) = node {
                    if before {
                        lp.insert_before(pos, element)
                    } else {
                        lp.insert_after(pos, element)
                    };
                }
            });
        } else if at_edge {
            self.insert_between(at, before, element, limit);
        } else {
            self.insert_splitting(at, pos, before, element, limit);
        }
    }

    /// The neighbour on that side takes the element, or a new node does.
    fn insert_between(&mut self, at: At, before: bool, element: &[u8], limit: NodeLimit) {
        let (neighbour, place) =
            if before { (self.prev(at), at) } else { (Some(self.next(at)), self.next(at)) };
        if let Some(neighbour) = neighbour
            && self.get(neighbour).is_some_and(|node| node.admits(element.len(), limit))
        {
            self.edit(neighbour, |node| match node {
                Node::Packed(lp) if before => lp.push(element),
                Node::Packed(lp) => lp.push_front(element),
                Node::Plain(_) => {}
            });
        } else {
            self.insert(place, Node::of(element, limit));
        }
    }

    /// The node is full and the place is within: the node is cut there.
    fn insert_splitting(&mut self, at: At, pos: usize, before: bool, element: &[u8], limit: NodeLimit) {
        let large = limit.is_large(element.len());
        let tail = self.edit(at, |node| {
            let Node::Packed(lp) = node else { return None };
            let cut = if before { pos } else { lp.next(pos)? };
            let mut tail = lp.split_off(cut);
            match (large, before) {
                (true, _) => {}
                (false, true) => lp.push(element),
                (false, false) => tail.push_front(element),
            }
            Some(tail)
        });
        let Some(tail) = tail else { return };
        let tail = self.insert(self.next(at), Node::Packed(tail));
        if large {
            self.insert(tail, Node::Plain(element.to_vec()));
        } else if let Some(center) = if before { Some(tail) } else { self.prev(tail) } {
            self.merge_around(center, limit);
        }
    }

    /// Replaces the element at byte `pos` of the node at `at`.
    pub(super) fn replace(&mut self, at: At, pos: usize, element: &[u8], limit: NodeLimit) {
        let large = limit.is_large(element.len());
        match self.get(at) {
            Some(Node::Plain(_)) if large => self.edit(at, |node| *node = Node::Plain(element.to_vec())),
            Some(Node::Plain(_)) => {
                // What follows takes it if it can; then the old node goes.
                let following = self.next(at);
                if self.get(following).is_some_and(|node| node.admits(element.len(), limit)) {
                    self.insert_between(at, false, element, limit);
                    self.remove(at);
                } else {
                    self.edit(at, |node| *node = Node::of(element, limit));
                }
            }
            Some(Node::Packed(lp)) => {
                let grown = lp.bytes().len() + entry_size_for(element);
                if !large && !limit.is_excessive(grown) {
                    self.edit(at, |node| {
                        if let Node::Packed(lp) = node {
                            lp.replace(pos, element);
                        }
                    });
                } else {
                    self.replace_splitting(at, pos, element, limit);
                }
            }
            None => {}
        }
    }

    /// The new element gets a node between what stood before the old one and what stood behind it.
    fn replace_splitting(&mut self, at: At, pos: usize, element: &[u8], limit: NodeLimit) {
        let new = Node::of(element, limit);
        let Some(Node::Packed(lp)) = self.get(at) else { return };
        if lp.first() == Some(pos) && lp.last() == Some(pos) {
            let (_, place) = self.remove(at);
            self.insert(place, new);
            return;
        }
        let first = lp.first() == Some(pos);
        let tail = self.edit(at, |node| {
            let Node::Packed(lp) = node else { return None };
            let tail = if first { None } else { lp.next(pos).map(|next| lp.split_off(next)) };
            lp.remove(pos);
            tail
        });
        let mut place = if first { at } else { self.next(at) };
        if let Some(tail) = tail {
            place = self.insert(place, Node::Packed(tail));
        }
        let place = self.insert(place, new);
        if !first {
            self.merge_around(place, limit);
        }
    }

    /// Merges the two nodes before `center`, the two behind it, and `center` with what is then beside it, each if both
    /// fit into one.
    fn merge_around(&mut self, center: At, limit: NodeLimit) {
        let next = self.next(center);
        self.merge_with_next(next, limit);
        let mut center = center;
        if let Some(prev) = self.prev(center)
            && let Some(before) = self.prev(prev)
            && let Some(following) = self.merge_with_next(before, limit)
        {
            center = following;
        }
        if let Some(prev) = self.prev(center)
            && let Some(following) = self.merge_with_next(prev, limit)
            && let Some(merged) = self.prev(following)
        {
            center = merged;
        }
        self.merge_with_next(center, limit);
    }

    /// Merges a node with the one behind it if they fit into one; gives the place behind the merged one.
    fn merge_with_next(&mut self, at: At, limit: NodeLimit) -> Option<At> {
        let next = self.next(at);
        if !limit.may_merge(self.get(at)?, self.get(next)?) {
            return None;
        }
        let (taken, following) = self.remove(next);
        // Removing may move chunks, but what stood before the removed node stands before the one that followed.
        let at = self.prev(following)?;
        self.edit(at, |node| {
            if let (Node::Packed(lp), Node::Packed(taken)) = (node, &*taken) {
                lp.append(taken.view());
            }
        });
        Some(following)
    }

    /// Removes up to `count` elements equal to `element`, looking from one end; gives how many there were.
    pub(super) fn remove_equal(&mut self, element: &[u8], count: usize, from: End) -> usize {
        let mut left = count;
        let mut hits = Vec::new();
        let mut place = match from {
            End::Head => Some(self.first()),
            End::Tail => self.prev(self.end()),
        };
        while let Some(at) = place.filter(|_| left > 0) {
            let Some(node) = self.get(at) else { break };
            let len = node.len();
            let found = match node {
                Node::Packed(lp) => {
                    equal_in(lp, element, left, from, &mut hits);
                    hits.len()
                }
                Node::Plain(bytes) => usize::from(bytes == element),
            };
            left -= found;
            let mut following = None;
            if found == len {
                following = Some(self.remove(at).1);
            } else if found > 0 {
                self.edit(at, |node| {
                    if let Node::Packed(lp) = node {
                        remove_all(lp, &hits);
                    }
                });
            }
            place = match (from, following) {
                (End::Head, Some(following)) => Some(following),
                (End::Head, None) => Some(self.next(at)),
                (End::Tail, Some(following)) => self.prev(following),
                (End::Tail, None) => self.prev(at),
            };
        }
        count - left
    }
}

/// How many of the first elements the node admits one after the other; `None` if it does not admit the first.
fn fitting(node: &Node, elements: &[&[u8]], limit: NodeLimit) -> Option<usize> {
    let Node::Packed(lp) = node else { return None };
    let (mut bytes, mut len) = (lp.bytes().len(), lp.len());
    let mut count = 0;
    for element in elements {
        if !limit.admits(bytes, len, element.len()) {
            break;
        }
        count += 1;
        if count < elements.len() {
            bytes += entry_size_for(element);
            len += 1;
        }
    }
    (count > 0).then_some(count)
}

/// Adds elements one after the other at one end. Many at the head are put into place at once: each by itself would
/// move all others.
pub(super) fn push_into(lp: &mut Listpack, end: End, elements: &[&[u8]]) {
    match (end, elements) {
        (End::Tail, _) => elements.iter().for_each(|element| lp.push(element)),
        (End::Head, [element]) => lp.push_front(element),
        (End::Head, _) => {
            let size: usize = elements.iter().map(|element| entry_size_for(element)).sum();
            let mut all = Listpack::with_capacity(lp.bytes().len() + size);
            elements.iter().rev().for_each(|element| all.push(element));
            all.append(lp.view());
            *lp = all;
        }
    }
}

/// Removes `count` elements from one end.
pub(super) fn drop_from(lp: &mut Listpack, end: End, count: usize) {
    if count == 0 {
        return;
    }
    let start = match end {
        End::Head => 0,
        End::Tail => -i64::try_from(count.min(lp.len())).unwrap_or(i64::MAX),
    };
    lp.remove_range(start, count);
}

/// Removes up to `count` elements equal to `element`, looking from one end; gives how many there were.
pub(super) fn remove_equal_from(lp: &mut Listpack, element: &[u8], count: usize, from: End) -> usize {
    let mut hits = Vec::new();
    equal_in(lp, element, count, from, &mut hits);
    remove_all(lp, &hits);
    hits.len()
}

/// Byte positions, ascending, of up to `count` elements equal to `element`, those nearest to one end.
fn equal_in(lp: &Listpack, element: &[u8], count: usize, from: End, hits: &mut Vec<usize>) {
    hits.clear();
    let mut pos = lp.first();
    while let Some(hit) = pos.and_then(|pos| lp.find(element, pos, 0)) {
        if from == End::Head && hits.len() == count {
            break;
        }
        hits.push(hit);
        pos = lp.next(hit);
    }
    if hits.len() > count {
        hits.drain(..hits.len() - count);
    }
}

/// Removes the entries at ascending positions. Many are left out of a new listpack, so that it takes linear time.
fn remove_all(lp: &mut Listpack, hits: &[usize]) {
    const FEW: usize = 4;
    if hits.len() <= FEW {
        for &hit in hits.iter().rev() {
            lp.remove(hit);
        }
        return;
    }
    let mut kept = Listpack::with_capacity(lp.bytes().len());
    let mut hits = hits.iter().peekable();
    for (pos, value) in lp.iter_pos() {
        if hits.next_if_eq(&&pos).is_none() {
            kept.push_value(value);
        }
    }
    kept.shrink_to_fit();
    *lp = kept;
}
