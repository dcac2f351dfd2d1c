//! Consumer groups: how far a group has read, what was delivered and not acknowledged, and to whom.
//!
//! What is pending lies twice: in the group, with time, count and owner, and as a bare identifier with its owner, so
//! that a consumer's own history is read in order without passing everybody else's. Consumers are referred to by a
//! slot, which is what an owner is in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StreamId;
use super::chunks::ChunkMap;

/// How many entries a group has read, when nobody knows.
pub const READ_UNKNOWN: i64 = -1;

/// Consumers that never got anything have this as their active time.
pub const NEVER: i64 = -1;

/// An entry delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// When last, ms since the epoch.
    pub delivered_ms: i64,
    /// How often.
    pub times: u64,
    /// To whom: a consumer's slot in its group.
    pub(super) owner: Slot,
}

/// Where a consumer is in its group.
pub(super) type Slot = u32;

/// A consumer.
#[derive(Clone)]
pub struct Consumer {
    name: Arc<[u8]>,
    /// When it last asked, ms since the epoch.
    pub seen_ms: i64,
    /// When it last got something, ms since the epoch, [`NEVER`] if it did not.
    pub active_ms: i64,
    pending: ChunkMap<()>,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries it has to acknowledge.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The identifiers of those entries, in order.
    pub fn pending_ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.pending.iter().map(|(id, ())| id)
    }

    fn memory(&self) -> usize {
        // The slot, the tree's share of name and slot, the name itself, and the body.
        const FIXED: usize = 2 * size_of::<usize>() + size_of::<(Arc<[u8]>, Slot)>() + 16;
        FIXED + size_of::<Self>() + self.name.len() + self.pending.memory()
    }
}

/// A consumer group.
#[derive(Clone, Default)]
pub struct Group {
    /// Delivered up to here.
    pub last_id: StreamId,
    /// Entries read so far, [`READ_UNKNOWN`] when nobody knows.
    pub entries_read: i64,
    pending: ChunkMap<Pending>,
    by_name: BTreeMap<Arc<[u8]>, Slot>,
    consumers: Vec<Option<Arc<Consumer>>>,
    free: Vec<Slot>,
    /// Memory of all consumers.
    consumers_bytes: usize,
}

/// Owners come from the group whose pending entry they are in.
const OWNED: &str = "an owner is a consumer of the same group";

impl Group {
    /// A group that has read up to there.
    pub fn new(last_id: StreamId, entries_read: i64) -> Self {
        Self { last_id, entries_read, ..Self::default() }
    }

    /// Bytes taken from the allocator, the group itself included. O(1).
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>()
            + self.pending.memory()
            + self.consumers_bytes
            + self.consumers.capacity() * size_of::<Option<Arc<Consumer>>>()
            + self.free.capacity() * size_of::<Slot>()
    }

    /// Number of pending entries.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Number of consumers.
    pub fn consumers_len(&self) -> usize {
        self.by_name.len()
    }

    /// The consumers in order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.by_name.values().map(|&slot| self.at(slot))
    }

    /// A consumer by its name.
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.by_name.get(name).map(|&slot| self.at(slot))
    }

    fn at(&self, slot: Slot) -> &Consumer {
        self.consumers[slot as usize].as_deref().expect(OWNED)
    }

    fn edit<R>(&mut self, slot: Slot, change: impl FnOnce(&mut Consumer) -> R) -> R {
        let consumer = self.consumers[slot as usize].as_mut().expect(OWNED);
        // Measured first: a copy may take less than what it was copied from.
        let before = consumer.memory();
        let consumer = Arc::make_mut(consumer);
        let result = change(consumer);
        self.consumers_bytes = self.consumers_bytes - before + consumer.memory();
        result
    }

    /// Adds a consumer unless there is one of that name; whether there was none.
    pub fn add_consumer(&mut self, name: &[u8], seen_ms: i64, active_ms: i64) -> bool {
        if self.by_name.contains_key(name) {
            return false;
        }
        let name: Arc<[u8]> = name.into();
        let pending = ChunkMap::default();
        let consumer = Consumer { name: Arc::clone(&name), seen_ms, active_ms, pending };
        self.consumers_bytes += consumer.memory();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.consumers.push(None);
                (self.consumers.len() - 1) as Slot
            }
        };
        self.consumers[slot as usize] = Some(Arc::new(consumer));
        self.by_name.insert(name, slot);
        true
    }

    /// Removes a consumer and what is pending for it; how much that was.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let slot = self.by_name.remove(name)?;
        let consumer = self.consumers[slot as usize].take().expect(OWNED);
        self.consumers_bytes -= consumer.memory();
        self.free.push(slot);
        for (id, ()) in consumer.pending.iter() {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    /// Notes that a consumer asked; with `active`, that it got something as well.
    pub fn touch(&mut self, name: &[u8], now: i64, active: bool) {
        let Some(&slot) = self.by_name.get(name) else { return };
        self.edit(slot, |consumer| {
            consumer.seen_ms = now;
            if active {
                consumer.active_ms = now;
            }
        });
    }

    /// A pending entry.
    pub fn pending_of(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(id)
    }

    /// The consumer a pending entry was delivered to.
    pub fn owner_of(&self, pending: &Pending) -> &Consumer {
        self.at(pending.owner)
    }

    /// The pending entries between two identifiers (both included), in order.
    pub fn pending(
        &self,
        start: StreamId,
        end: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Pending)> {
        self.pending.range(start, end)
    }

    /// Those of one consumer.
    pub fn pending_for<'a>(
        &'a self,
        consumer: &'a Consumer,
        start: StreamId,
        end: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &'a Pending)> {
        let of = |id| self.pending.get(id).expect("what a consumer has pending its group has pending");
        consumer.pending.range(start, end).map(move |(id, ())| (id, of(id)))
    }

    /// Makes an entry pending for a consumer, whoever had it before. Nothing happens when there is no such consumer.
    pub fn assign(&mut self, id: StreamId, name: &[u8], delivered_ms: i64, times: u64) {
        let Some(&owner) = self.by_name.get(name) else { return };
        let before = self.pending.insert(id, Pending { delivered_ms, times, owner });
        match before {
            Some(before) if before.owner == owner => return,
            Some(before) => drop(self.edit(before.owner, |consumer| consumer.pending.remove(id))),
            None => {}
        }
        self.edit(owner, |consumer| consumer.pending.insert(id, ()));
    }

    /// Counts another delivery of a pending entry to whom it belongs; how many they are.
    pub fn deliver_again(&mut self, id: StreamId, now: i64) -> Option<u64> {
        self.pending.change(id, |pending| {
            pending.delivered_ms = now;
            pending.times = pending.times.wrapping_add(1);
            pending.times
        })
    }

    /// An entry is not pending any more; what it was.
    pub fn acknowledge(&mut self, id: StreamId) -> Option<Pending> {
        let pending = self.pending.remove(id)?;
        self.edit(pending.owner, |consumer| consumer.pending.remove(id));
        Some(pending)
    }

    /// A group as a file has it: what is pending comes in order, without owners, who follow with what they own.
    pub(super) fn load(&mut self, pending: Vec<(StreamId, Pending)>) {
        self.pending = pending.into_iter().collect();
    }

    /// A consumer as a file has it; `false` when there is one of that name. What it owns comes in order.
    pub(super) fn load_consumer(
        &mut self,
        name: &[u8],
        seen_ms: i64,
        active_ms: i64,
        owned: Vec<StreamId>,
    ) -> bool {
        if !self.add_consumer(name, seen_ms, active_ms) {
            return false;
        }
        if let Some(&slot) = self.by_name.get(name) {
            self.edit(slot, |consumer| consumer.pending = owned.into_iter().map(|id| (id, ())).collect());
        }
        true
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut owned = 0;
        let mut bytes = 0;
        for (name, &slot) in &self.by_name {
            let consumer = self.at(slot);
            assert_eq!(consumer.name, *name);
            bytes += consumer.memory();
            for (id, ()) in consumer.pending.iter() {
                assert_eq!(self.pending.get(id).map(|pending| pending.owner), Some(slot));
            }
            owned += consumer.pending_len();
        }
        assert_eq!((owned, bytes), (self.pending.len(), self.consumers_bytes));
    }
}
