//! Walking over a list's elements, either way.

use super::List;
use super::node::{Cursor, End};
use super::nodes::{At, Nodes};
use crate::encoding::listpack::LpValue;

/// A run of a list's elements in one direction, see [`List::range`].
#[derive(Clone)]
pub struct Range<'a> {
    /// The nodes still to come: the next one's place (towards the tail), or the current one's (towards the head).
    nodes: Option<(&'a Nodes, At)>,
    cursor: Cursor<'a>,
    towards: End,
    left: usize,
}

impl<'a> Range<'a> {
    /// From the element with this index towards one end, up to `count` elements.
    pub(super) fn new(list: &'a List, start: usize, count: usize, towards: End) -> Self {
        let len = list.len();
        let left = match towards {
            End::Tail => count.min(len.saturating_sub(start)),
            End::Head if start < len => count.min(start + 1),
            End::Head => 0,
        };
        let (nodes, cursor) = match list {
            List::Listpack(lp) => (None, Cursor::new(lp.view(), start as i64)),
            List::Nodes(nodes) => match nodes.locate(start) {
                Some((at, offset)) => {
                    let cursor = nodes.get(at).map(|node| node.cursor(offset as i64));
                    let at = if towards == End::Tail { nodes.next(at) } else { at };
                    (Some((nodes, at)), cursor.unwrap_or(Cursor::Plain(None)))
                }
                None => (None, Cursor::Plain(None)),
            },
        };
        Self { nodes, cursor, towards, left }
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = LpValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<LpValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        loop {
            let value = if self.towards == End::Tail { self.cursor.forward() } else { self.cursor.back() };
            if value.is_some() {
                return value;
            }
            let (nodes, at) = self.nodes.as_mut()?;
            if self.towards == End::Tail {
                self.cursor = nodes.get(*at)?.cursor(0);
                *at = nodes.next(*at);
            } else {
                *at = nodes.prev(*at)?;
                self.cursor = nodes.get(*at)?.cursor(-1);
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Range<'_> {}
