//! Streams: entries in listpack nodes, in order of their identifiers, and the groups that read them.
//!
//! [`node`] is one node's bytes, [`chunks`] the directory nodes and pending entries lie in, [`range`] the walks,
//! [`trim`] what shortens a stream, [`group`] the consumer groups, [`load`] a stream as a file has it. Everything is
//! reference counted: a cut takes a stream by one reference per 128 nodes, and changes made meanwhile copy a chunk's
//! references and one node. Other than any other aggregate, a stream without entries is still a value.

mod chunks;
mod group;
mod id;
mod load;
mod node;
mod range;
mod trim;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Limits;
use super::saved::{HeadRef, SavedBuf};
use crate::encoding::listpack::Listpack;
use crate::reclaim;

use chunks::ChunkMap;
use node::Node;

pub use group::{Consumer, Group, NEVER, Pending, READ_UNKNOWN};
pub use id::{IdText, StreamId};
pub use load::{Loading, LoadingGroup};
pub use node::Entry;
pub use trim::{Refs, Trim, TrimTo};

/// A stream. A clone shares the nodes and the groups until either changes them.
#[derive(Clone, Default)]
pub struct Stream {
    nodes: ChunkMap<Arc<Listpack>>,
    /// Memory of the nodes' listpacks.
    nodes_bytes: usize,
    len: u64,
    last_id: StreamId,
    first_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    groups: BTreeMap<Box<[u8]>, Arc<Group>>,
    /// Memory of the groups and their names.
    groups_bytes: usize,
}

/// What a node costs beyond its listpack's bytes and its place in the directory.
const NODE_OVERHEAD: usize = 2 * size_of::<usize>() + size_of::<Listpack>();

/// What a group costs beyond itself and its name.
const GROUP_OVERHEAD: usize = 2 * size_of::<usize>() + size_of::<(Box<[u8]>, Arc<Group>)>();

/// Why an entry can not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its identifier is not above the last one.
    NotAbove,
    /// Fields and values together are too large for a node.
    TooLarge,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none. The stream is a value nevertheless.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes taken from the allocator; what is shared counts in full. O(1).
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.nodes.memory()
            + self.nodes.len() * NODE_OVERHEAD
            + self.nodes_bytes
            + self.groups_bytes
    }

    /// `stream`
    pub fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Puts the stream into a snapshot's buffer: shared, chunk by chunk.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        out.put_stream(head, self.clone());
    }

    /// The last identifier ever given.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The first entry, 0-0 when there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The highest identifier ever deleted by name (trimming does not count), 0-0 if none was.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// Entries ever added.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes in order, as they stand in files.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &Listpack)> {
        self.nodes.iter().map(|(key, list)| (key, &**list))
    }

    /// The identifier that comes next: of this time, or of the last one's when the clock went back. `None` at the end
    /// of all identifiers.
    pub fn next_id(&self, now_ms: u64) -> Option<StreamId> {
        if now_ms > self.last_id.ms { Some(StreamId::new(now_ms, 0)) } else { self.last_id.next() }
    }

    /// The identifier that comes next within `ms`, whatever the last one's time: `None` when there is none.
    pub fn next_in(&self, ms: u64) -> Option<StreamId> {
        if ms != self.last_id.ms {
            return Some(StreamId::new(ms, 0));
        }
        Some(StreamId::new(ms, self.last_id.seq.checked_add(1)?))
    }

    /// Whether an entry of this identifier and these fields and values could be added now.
    pub fn fits(&self, id: StreamId, pairs: &[&[u8]]) -> Result<(), Unfit> {
        if id <= self.last_id {
            Err(Unfit::NotAbove)
        } else if node::are_too_large(pairs) {
            Err(Unfit::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Adds an entry; `pairs` are fields and values in turn.
    ///
    /// # Errors
    /// As [`Stream::fits`]; nothing is changed then.
    pub fn append(&mut self, id: StreamId, pairs: &[&[u8]], limits: &Limits) -> Result<(), Unfit> {
        self.fits(id, pairs)?;
        self.append_fitting(id, pairs, limits);
        self.len += 1;
        self.entries_added = self.entries_added.wrapping_add(1);
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    fn append_fitting(&mut self, id: StreamId, pairs: &[&[u8]], limits: &Limits) {
        let bytes = pairs.iter().map(|item| item.len()).sum();
        let (max_bytes, max_entries) = (limits.stream_node_max_bytes, limits.stream_node_max_entries);
        // After XSETID went back, nodes may follow whose entries are all deleted.
        while let Some((key, _)) = self.nodes.last().filter(|(key, _)| *key >= id) {
            self.remove_node(key);
        }
        if let Some((key, list)) = self.nodes.last() {
            if node::has_room(list, bytes, max_bytes, max_entries) {
                self.edit_node(key, |list| node::push(list, key, id, pairs));
                return;
            }
            self.shrink_node(key);
        }
        let mut list = node::create(pairs);
        node::push(&mut list, id, id, pairs);
        self.nodes_bytes += list.memory();
        self.nodes.insert(id, Arc::new(list));
    }

    fn edit_node<R>(&mut self, key: StreamId, change: impl FnOnce(&mut Listpack) -> R) -> Option<R> {
        let bytes = &mut self.nodes_bytes;
        self.nodes.change(key, |list| {
            let before = list.memory();
            let list = Arc::make_mut(list);
            let result = change(list);
            *bytes = *bytes - before + list.memory();
            result
        })
    }

    /// Gives back what a full node keeps for growth, unless somebody shares it.
    fn shrink_node(&mut self, key: StreamId) {
        let bytes = &mut self.nodes_bytes;
        self.nodes.change(key, |list| {
            let before = list.memory();
            if let Some(list) = Arc::get_mut(list) {
                list.shrink_to_fit();
            }
            *bytes = *bytes - before + list.memory();
        });
    }

    fn remove_node(&mut self, key: StreamId) {
        if let Some(list) = self.nodes.remove(key) {
            self.nodes_bytes -= list.memory();
            let size = list.memory();
            reclaim::later(list, size);
        }
    }

    /// The node in which an entry of this identifier is, if it is there.
    fn node_of(&self, id: StreamId) -> Option<(StreamId, Node<'_>)> {
        let (key, list) = self.nodes.floor(id)?;
        Some((key, Node::new(key, list)))
    }

    /// The entry of an identifier.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.node_of(id)?.1.find(id)
    }

    /// Deletes an entry; whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some((key, node)) = self.node_of(id) else { return false };
        let live = node.live;
        if node.find(id).is_none() {
            return false;
        }
        if live == 1 {
            self.remove_node(key);
        } else {
            self.edit_node(key, |list| node::delete(list, key, id));
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id {
            self.first_id = self.find_first();
        }
        true
    }

    fn find_first(&self) -> StreamId {
        self.range(StreamId::MIN, StreamId::MAX).next().map_or(StreamId::MIN, |entry| entry.id)
    }

    /// The last entry's identifier, 0-0 when there is none.
    pub fn last_entry_id(&self) -> StreamId {
        self.range_back(StreamId::MIN, StreamId::MAX).next().map_or(StreamId::MIN, |entry| entry.id)
    }

    /// Sets what XSETID sets; that it makes sense is the caller's.
    pub fn set_id(
        &mut self,
        last_id: StreamId,
        entries_added: Option<u64>,
        max_deleted_id: Option<StreamId>,
    ) {
        self.last_id = last_id;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted_id.unwrap_or(self.max_deleted_id);
    }

    /// Number of groups.
    pub fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// The groups in order of their names.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(name, group)| (&**name, &**group))
    }

    /// A group by its name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(|group| &**group)
    }

    /// Changes a group.
    pub fn change_group<R>(&mut self, name: &[u8], change: impl FnOnce(&mut Group) -> R) -> Option<R> {
        let group = self.groups.get_mut(name)?;
        let before = group.memory();
        let group = Arc::make_mut(group);
        let result = change(group);
        self.groups_bytes = self.groups_bytes - before + group.memory();
        Some(result)
    }

    /// Adds a group unless there is one of that name; whether there was none.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        self.groups_bytes += GROUP_OVERHEAD + name.len() + group.memory();
        self.groups.insert(name.into(), Arc::new(group));
        true
    }

    /// Removes a group; whether it was there.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let Some(group) = self.groups.remove(name) else { return false };
        let size = group.memory();
        self.groups_bytes -= GROUP_OVERHEAD + name.len() + size;
        reclaim::later(group, size);
        true
    }

    /// Whether an entry at or after `start` may have been deleted by name, so that counting by identifiers is in vain.
    pub fn has_gaps_from(&self, start: StreamId) -> bool {
        self.len > 0 && !self.max_deleted_id.is_zero() && start <= self.max_deleted_id
    }

    /// How many entries had been added when this one was, [`READ_UNKNOWN`] where that can not be told.
    pub fn count_up_to(&self, id: StreamId) -> i64 {
        let added = self.entries_added as i64;
        if self.entries_added == 0 || (self.len == 0 && id <= self.last_id) {
            return added;
        }
        // Deleted entries ahead are not to be counted, and nobody knows how many they are.
        if !id.is_zero() && id < self.max_deleted_id {
            return READ_UNKNOWN;
        }
        if id == self.last_id {
            return added;
        }
        if id > self.last_id {
            return READ_UNKNOWN;
        }
        if self.max_deleted_id.is_zero() || self.max_deleted_id < self.first_id {
            let before_first = added.wrapping_sub(self.len as i64);
            if id < self.first_id {
                return before_first;
            }
            if id == self.first_id {
                return before_first.wrapping_add(1);
            }
        }
        READ_UNKNOWN
    }

    /// How many entries a group has yet to read, if that can be told.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.entries_added as i64;
        // What was trimmed before it was read is no lag, since Redis 8.2.
        if self.entries_added == 0 || self.len == 0 {
            return Some(0);
        }
        let counts = group.entries_read != READ_UNKNOWN && group.last_id >= self.first_id;
        let read = if counts && !self.has_gaps_from(group.last_id) {
            group.entries_read
        } else {
            self.count_up_to(group.last_id)
        };
        (read != READ_UNKNOWN).then(|| added.wrapping_sub(read))
    }

    #[cfg(test)]
    pub(crate) fn check(&self) {
        let (mut len, mut bytes, mut last) = (0, 0, StreamId::MIN);
        for (key, list) in self.nodes() {
            let checked = node::check(key, list).expect("nodes are sound");
            len += checked.live;
            bytes += list.memory();
            if let Some((low, high)) = checked.span {
                assert!(key <= low && last < low && high <= self.last_id);
                last = high;
            }
        }
        assert_eq!((len, bytes), (self.len, self.nodes_bytes));
        assert_eq!(self.first_id, self.find_first());
        let mut groups = 0;
        for (name, group) in self.groups() {
            group.check();
            groups += GROUP_OVERHEAD + name.len() + group.memory();
        }
        assert_eq!(groups, self.groups_bytes);
    }
}

#[cfg(test)]
pub(crate) mod picture;
#[cfg(test)]
mod tests;
