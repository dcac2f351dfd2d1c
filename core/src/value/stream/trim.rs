//! Shortening a stream from its beginning (XTRIM, XADD with MAXLEN or MINID), and what becomes of entries' references.

use super::node::{self, Choice, Node};
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

/// What deleting an entry means to the groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refs {
    /// What is pending stays pending (KEEPREF).
    #[default]
    Keep,
    /// It is not pending any more (DELREF).
    Delete,
    /// Only entries are deleted which every group has read and acknowledged (ACKED).
    Acked,
}

/// How a stream is shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// Up to where.
    pub to: TrimTo,
    /// Only whole nodes. As Redis has it, nothing at all goes then unless references are kept.
    pub approx: bool,
    /// At most so many entries; 0: as many as it takes.
    pub limit: u64,
    /// What it means to the groups.
    pub refs: Refs,
}

impl Stream {
    /// Removes the entries that are too many; how many they were. O(n) in nodes removed, with references not kept in
    /// entries looked at.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let removed = match trim.refs {
            Refs::Keep => self.trim_nodes(trim),
            Refs::Delete | Refs::Acked if trim.approx => 0,
            Refs::Delete | Refs::Acked => self.trim_entries(trim),
        };
        if removed > 0 {
            self.first_id = self.find_first();
        }
        removed
    }

    fn trim_nodes(&mut self, trim: Trim) -> u64 {
        let Trim { to, approx, limit, .. } = trim;
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
            if !to.takes_whole(Node::new(key, list), self.len - removed) {
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
            node::delete_where(list, key, |entry| {
                if to.stops_at(entry.id, left) {
                    return Choice::Stop;
                }
                left -= u64::from(!entry.is_deleted());
                Choice::Delete
            })
        });
        let removed = removed.unwrap_or(0);
        self.len -= removed;
        removed
    }

    /// The same entry by entry, each of which the groups may know of.
    fn trim_entries(&mut self, trim: Trim) -> u64 {
        let Trim { to, refs, .. } = trim;
        let before = self.len;
        let mut at = StreamId::MIN;
        while !to.is_reached(self.len) {
            let Some((key, list)) = self.nodes.range(at, StreamId::MAX).next() else { break };
            let whole = to.takes_whole(Node::new(key, list), self.len);
            let mut left = self.len;
            let mut chosen = Vec::new();
            for entry in Node::new(key, list).entries() {
                if to.stops_at(entry.id, left) {
                    break;
                }
                if !entry.is_deleted() && (refs == Refs::Delete || !self.is_referenced(entry.id)) {
                    left -= 1;
                    chosen.push(entry.id);
                }
            }
            let live = Node::live_of(list);
            if refs == Refs::Delete {
                for id in &chosen {
                    self.forget(*id);
                }
            }
            if whole && live == chosen.len() as u64 {
                self.remove_node(key);
            } else if !chosen.is_empty() {
                let mut next = chosen.iter().copied().peekable();
                self.edit_node(key, |list| {
                    node::delete_where(list, key, |entry| {
                        let is_next = !entry.is_deleted() && next.next_if_eq(&entry.id).is_some();
                        if is_next { Choice::Delete } else { Choice::Leave }
                    })
                });
            }
            self.len = left;
            let Some(next) = key.next().filter(|_| whole) else { break };
            at = next;
        }
        before - self.len
    }

    /// Whether some group has yet to read an entry of this identifier, or to acknowledge it.
    pub fn is_referenced(&self, id: StreamId) -> bool {
        self.groups().any(|(_, group)| group.last_id < id || group.pending_of(id).is_some())
    }

    /// Makes an entry pending in no group; whether it was in one.
    pub fn forget(&mut self, id: StreamId) -> bool {
        let pending = self.groups().filter(|(_, group)| group.pending_of(id).is_some());
        let names: Vec<Vec<u8>> = pending.map(|(name, _)| name.to_vec()).collect();
        for name in &names {
            self.change_group(name, |group| group.acknowledge(id));
        }
        !names.is_empty()
    }
}

impl TrimTo {
    fn is_reached(self, len: u64) -> bool {
        matches!(self, TrimTo::MaxLen(most) if len <= most)
    }

    /// Whether trimming ends before this entry, when the stream has that many.
    fn stops_at(self, id: StreamId, len: u64) -> bool {
        match self {
            TrimTo::MaxLen(_) => self.is_reached(len),
            TrimTo::MinId(min) => id >= min,
        }
    }

    /// Whether a node goes as a whole from a stream of so many entries.
    fn takes_whole(self, node: Node<'_>, len: u64) -> bool {
        match self {
            TrimTo::MaxLen(most) => len - node.live >= most,
            // Deleted entries count: Redis looks at the last entry as it stands.
            TrimTo::MinId(id) => node.last_id().is_none_or(|last| last < id),
        }
    }
}
