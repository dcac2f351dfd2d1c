//! A stream as a file has it, put together and checked: what a sound server could not have written is refused.

use std::sync::Arc;

use super::group::{Group, Pending, Slot};
use super::{Stream, StreamId, node};
use crate::encoding::Corrupt;
use crate::encoding::listpack::Listpack;
use crate::value::Limits;

/// A stream in the making.
#[derive(Default)]
pub struct Loading {
    stream: Stream,
    /// The last live entry so far.
    last: Option<StreamId>,
    last_key: Option<StreamId>,
}

/// A pending entry that no consumer has claimed yet.
const NOBODY: Slot = Slot::MAX;

/// Consumers a group may have: slots are 32 bits.
const CONSUMERS_MAX: usize = Slot::MAX as usize - 1;

impl Loading {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next node, with the key that stands before it.
    pub fn node(&mut self, key: StreamId, mut list: Listpack) -> Result<(), Corrupt> {
        if self.last_key.is_some_and(|last| last >= key) {
            return Err(Corrupt("stream nodes are not in order"));
        }
        self.last_key = Some(key);
        let checked = node::check(key, &list)?;
        // Of a node of deleted entries only nothing can be seen.
        let Some((lowest, highest)) = checked.span else { return Ok(()) };
        if lowest.is_zero() || self.last.is_some_and(|last| last >= lowest || last >= key) {
            return Err(Corrupt("stream entries are not in order"));
        }
        if self.last.is_none() {
            self.stream.first_id = lowest;
        }
        self.last = Some(highest);
        self.stream.len += checked.live;
        if lowest < key {
            return self.rebuild(key, &list);
        }
        list.shrink_to_fit();
        self.stream.nodes_bytes += list.memory();
        self.stream.nodes.insert(key, Arc::new(list));
        Ok(())
    }

    /// A server that was told by XSETID to go back below deleted entries adds to their node, whose key is then above
    /// its live entries: they are laid out anew.
    fn rebuild(&mut self, key: StreamId, list: &Listpack) -> Result<(), Corrupt> {
        let limits = Limits::default();
        for entry in node::Node::new(key, list).entries().filter(|entry| !entry.is_deleted()) {
            let pairs: Vec<Vec<u8>> =
                entry.pairs().flat_map(|(field, value)| [field.to_vec(), value.to_vec()]).collect();
            let pairs: Vec<&[u8]> = pairs.iter().map(|item| &item[..]).collect();
            self.stream.append_fitting(entry.id, &pairs, &limits);
        }
        Ok(())
    }

    /// The number of live entries and the last identifier, which follow the nodes.
    pub fn counts(&mut self, len: u64, last_id: StreamId) -> Result<(), Corrupt> {
        if len != self.stream.len {
            return Err(Corrupt("a stream's length differs from its entries"));
        }
        if self.last.is_some_and(|last| last > last_id) {
            return Err(Corrupt("a stream has an entry above its last id"));
        }
        self.stream.last_id = last_id;
        self.stream.entries_added = len;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn live(&self) -> u64 {
        self.stream.len
    }

    /// The highest deleted identifier and the number of entries ever added, which newer files tell.
    pub fn history(&mut self, max_deleted_id: StreamId, entries_added: u64) {
        self.stream.max_deleted_id = max_deleted_id;
        self.stream.entries_added = entries_added;
    }

    /// The next group. Where the file does not tell how much it has read, that is estimated.
    pub fn group(
        &mut self,
        name: &[u8],
        last_id: StreamId,
        entries_read: Option<i64>,
        group: LoadingGroup,
    ) -> Result<(), Corrupt> {
        let mut group = group.finish()?;
        group.last_id = last_id;
        group.entries_read = entries_read.unwrap_or_else(|| self.stream.count_up_to(last_id));
        if self.stream.add_group(name, group) {
            Ok(())
        } else {
            Err(Corrupt("a stream has the same group twice"))
        }
    }

    /// The stream.
    pub fn finish(self) -> Stream {
        self.stream
    }
}

/// A group in the making.
pub struct LoadingGroup {
    pending: Vec<(StreamId, Pending)>,
    consumers: Vec<(Vec<u8>, i64, i64, Vec<StreamId>)>,
}

impl LoadingGroup {
    /// A group with these pending entries: identifier, time of delivery in ms, number of deliveries.
    pub fn new(mut pending: Vec<(StreamId, i64, u64)>) -> Result<Self, Corrupt> {
        pending.sort_unstable_by_key(|(id, ..)| *id);
        if pending.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Corrupt("an entry is pending twice in one group"));
        }
        let unowned = |(id, delivered_ms, times)| (id, Pending { delivered_ms, times, owner: NOBODY });
        Ok(Self { pending: pending.into_iter().map(unowned).collect(), consumers: Vec::new() })
    }

    /// The next consumer: its name, when it was seen and active, and what it owns.
    pub fn consumer(
        &mut self,
        name: Vec<u8>,
        seen_ms: i64,
        active_ms: i64,
        mut owned: Vec<StreamId>,
    ) -> Result<(), Corrupt> {
        if self.consumers.len() >= CONSUMERS_MAX {
            return Err(Corrupt("a group has too many consumers"));
        }
        let slot = self.consumers.len() as Slot;
        owned.sort_unstable();
        for id in &owned {
            let Ok(at) = self.pending.binary_search_by_key(id, |(id, _)| *id) else {
                return Err(Corrupt("a consumer owns an entry that is not pending in its group"));
            };
            if self.pending[at].1.owner != NOBODY {
                return Err(Corrupt("an entry is pending for two consumers"));
            }
            self.pending[at].1.owner = slot;
        }
        self.consumers.push((name, seen_ms, active_ms, owned));
        Ok(())
    }

    fn finish(self) -> Result<Group, Corrupt> {
        if self.pending.iter().any(|(_, pending)| pending.owner == NOBODY) {
            return Err(Corrupt("an entry is pending for no consumer"));
        }
        let mut group = Group::default();
        // Slots are given in the order of the file.
        for (name, seen_ms, active_ms, owned) in self.consumers {
            if !group.load_consumer(&name, seen_ms, active_ms, owned) {
                return Err(Corrupt("a group has the same consumer twice"));
            }
        }
        group.load(self.pending);
        Ok(group)
    }
}
