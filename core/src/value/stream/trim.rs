//! Shortening a stream from its beginning (XTRIM, XADD with MAXLEN or MINID).

use super::node::{self, Node};
use super::{Stream, StreamId};
use crate::reclaim;

/// Up to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// So many entries stay.
    MaxLen(u64),
    /// Entries from this one on stay.
    MinId(StreamId),
}

/// How a stream is shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// Up to where.
    pub to: TrimTo,
    /// Only whole nodes.
    pub approx: bool,
    /// At most so many entries; 0: as many as it takes.
    pub limit: u64,
}

impl Stream {
    /// Removes the entries that are too many; how many they were. O(n) in nodes removed.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let Trim { to, approx, limit } = trim;
        let (mut nodes, mut removed) = (0, 0);
        let mut partial = None;
        for (key, list) in self.nodes.iter() {
            if to.is_reached(self.len - removed) {
                break;
            }
            let live = Node::live_of(list);
            if limit > 0 && removed + live > limit {
                break;
            }
            let whole = match to {
                TrimTo::MaxLen(most) => self.len - removed - live >= most,
                // Deleted entries count: Redis looks at the last entry as it stands.
                TrimTo::MinId(id) => Node::new(key, list).last_id().is_none_or(|last| last < id),
            };
            if !whole {
                partial = Some(key).filter(|_| !approx);
                break;
            }
            nodes += 1;
            removed += live;
        }
        self.drop_nodes(nodes);
        self.len -= removed;
        if let Some(key) = partial {
            removed += self.trim_node(key, to);
        }
        if removed > 0 {
            self.first_id = self.find_first();
        }
        removed
    }

    fn drop_nodes(&mut self, count: usize) {
        let garbage = self.nodes.remove_front(count);
        let size = garbage.iter().flat_map(|items| items.iter()).map(|(_, list)| list.memory()).sum();
        self.nodes_bytes -= size;
        reclaim::later(garbage, size);
    }

    /// Marks entries at the beginning of a node as deleted; how many they were.
    fn trim_node(&mut self, key: StreamId, to: TrimTo) -> u64 {
        let mut left = self.len;
        let removed = self.edit_node(key, |list| {
            node::delete_while(list, key, |entry| {
                let more = match to {
                    TrimTo::MaxLen(_) => !to.is_reached(left),
                    TrimTo::MinId(id) => entry.id < id,
                };
                left -= u64::from(more && !entry.is_deleted());
                more
            })
        });
        let removed = removed.unwrap_or(0);
        self.len -= removed;
        removed
    }
}

impl TrimTo {
    fn is_reached(self, len: u64) -> bool {
        matches!(self, TrimTo::MaxLen(most) if len <= most)
    }
}
