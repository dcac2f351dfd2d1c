//! One node of a big list, and the rules (Redis's) for how much a node may hold.

use super::super::Limits;
use crate::encoding::listpack::{Listpack, ListpackRef, LpValue};

/// Which end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// LEFT: index 0.
    Head,
    /// RIGHT: index -1.
    Tail,
}

/// A node of a big list; never empty. Shared with a cut while that saves it, and copied on write only then.
#[derive(Clone, Debug)]
pub enum Node {
    /// Many elements.
    Packed(Listpack),
    /// One element too large for a listpack.
    Plain(Vec<u8>),
}

impl Node {
    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Node::Packed(lp) => lp.len(),
            Node::Plain(_) => 1,
        }
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self, Node::Packed(lp) if lp.is_empty())
    }

    /// Bytes taken from the allocator by the elements.
    #[inline]
    pub fn memory(&self) -> usize {
        match self {
            Node::Packed(lp) => lp.memory(),
            Node::Plain(bytes) => bytes.capacity(),
        }
    }

    /// Elements from the first to the last.
    pub fn iter(&self) -> impl Iterator<Item = LpValue<'_>> {
        let mut cursor = self.cursor(0);
        std::iter::from_fn(move || cursor.forward())
    }

    /// A cursor at the element with this index, which may be one past the last; negative ones count from the end.
    #[inline]
    pub(super) fn cursor(&self, index: i64) -> Cursor<'_> {
        match self {
            Node::Packed(lp) => Cursor::new(lp.view(), index),
            Node::Plain(bytes) => Cursor::Plain((index == 0 || index == -1).then_some(&bytes[..])),
        }
    }

    /// A node of one element.
    pub(super) fn of(element: &[u8], limit: NodeLimit) -> Self {
        if limit.is_large(element.len()) {
            return Node::Plain(element.to_vec());
        }
        let mut lp = Listpack::new();
        lp.push(element);
        Node::Packed(lp)
    }

    /// Whether an element of that many bytes may join this node.
    #[inline]
    pub(super) fn admits(&self, element_len: usize, limit: NodeLimit) -> bool {
        match self {
            Node::Packed(lp) => limit.admits(lp.bytes().len(), lp.len(), element_len),
            Node::Plain(_) => false,
        }
    }
}

/// A place within one node that walks either way.
#[derive(Clone, Debug)]
pub(super) enum Cursor<'a> {
    Packed(ListpackRef<'a>, Option<usize>),
    Plain(Option<&'a [u8]>),
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(lp: ListpackRef<'a>, index: i64) -> Self {
        Cursor::Packed(lp, lp.seek(index))
    }

    /// The element here; moves towards the tail.
    #[inline]
    pub(super) fn forward(&mut self) -> Option<LpValue<'a>> {
        match self {
            Cursor::Packed(lp, pos) => {
                let (value, next) = lp.get_and_next((*pos)?);
                *pos = next;
                Some(value)
            }
            Cursor::Plain(element) => element.take().map(LpValue::Str),
        }
    }

    /// The element here; moves towards the head.
    #[inline]
    pub(super) fn back(&mut self) -> Option<LpValue<'a>> {
        match self {
            Cursor::Packed(lp, pos) => {
                let at = (*pos)?;
                *pos = lp.prev(at);
                Some(lp.get(at))
            }
            Cursor::Plain(element) => element.take().map(LpValue::Str),
        }
    }
}

/// How much a node may hold: `list-max-listpack-size`, a size class when negative, a number of elements otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeLimit {
    bytes: usize,
    count: usize,
    by_count: bool,
    /// Elements of that many bytes have a node of their own.
    large: usize,
}

/// Sizes of the classes -1 to -5.
const CLASSES: [usize; 5] = [4096, 8192, 16384, 32768, 65536];

/// A node limited by a number of elements is limited to this size besides.
const SAFETY_BYTES: usize = 8192;

/// A node's estimate of what an element costs beyond its own bytes.
const ENTRY_OVERHEAD: usize = 8;

/// What two listpacks lose when they become one: header and terminator.
const MERGE_GAIN: usize = 7;

/// From this many entries on, a listpack does not know its own length.
const LISTPACK_COUNT_MAX: usize = 65_534;

/// Elements that are replaced by larger ones may bring a node this many times over its size, as Redis lets them
/// (without any bound). A node from a file that is larger still is cut up.
const SLACK: usize = 8;

impl NodeLimit {
    pub(super) fn new(limits: &Limits) -> Self {
        let (bytes, count, by_count) = match limits.list_max_listpack_size {
            class @ ..0 => {
                let class = usize::try_from(class.unsigned_abs() - 1).unwrap_or(usize::MAX);
                (CLASSES[class.min(CLASSES.len() - 1)], usize::MAX, false)
            }
            count => (SAFETY_BYTES, usize::try_from(count).unwrap_or(usize::MAX).max(1), true),
        };
        let large = match limits.list_packed_threshold {
            0 => bytes + 1,
            threshold => threshold,
        };
        Self { bytes, count, by_count, large }
    }

    /// Whether an element gets a node of its own, as too large for any listpack (the rule since Redis 7.4), or as told.
    #[inline]
    pub(super) fn is_large(self, element_len: usize) -> bool {
        element_len >= self.large
    }

    #[inline]
    fn exceeded(self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes || count > self.count
    }

    #[inline]
    pub(super) fn admits(self, bytes: usize, count: usize, element_len: usize) -> bool {
        !self.is_large(element_len) && !self.exceeded(bytes + element_len + ENTRY_OVERHEAD, count + 1)
    }

    /// Whether a list of one listpack must become a list of nodes before that is added.
    pub(super) fn outgrown(self, lp: &Listpack, add_bytes: usize, add_count: usize) -> bool {
        let count = lp.len().saturating_add(add_count);
        self.exceeded(lp.bytes().len().saturating_add(add_bytes), count) || count > LISTPACK_COUNT_MAX
    }

    /// Whether a list of this single node may be one listpack. When it shrank, only at half the limit, so that a list
    /// at the limit does not change its form with every command.
    pub(super) fn fits_listpack(self, lp: &Listpack, shrinking: bool) -> bool {
        let part = if shrinking { 2 } else { 1 };
        let count = lp.len();
        let fits =
            if self.by_count { count <= self.count / part } else { lp.bytes().len() <= self.bytes / part };
        fits && count <= LISTPACK_COUNT_MAX
    }

    /// Whether two neighbours may become one node.
    pub(super) fn may_merge(self, a: &Node, b: &Node) -> bool {
        match (a, b) {
            (Node::Packed(a), Node::Packed(b)) => {
                !self.exceeded(a.bytes().len() + b.bytes().len() - MERGE_GAIN, a.len() + b.len())
            }
            _ => false,
        }
    }

    /// Whether a listpack of this size is more than one node should hold in any case.
    #[inline]
    pub(super) fn is_excessive(self, bytes: usize) -> bool {
        bytes > self.bytes * SLACK
    }
}
