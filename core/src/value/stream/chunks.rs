//! An ordered map from identifiers, made to be shared: what a stream's nodes, pending entries and their owners lie in.
//!
//! ```text
//! map:    [ first id, chunk ] [ … ] …           one flat deque
//! chunk:  [ id, value ] × up to 128, ascending  reference counted, copied on write
//! ```
//!
//! A clone shares every chunk, so a cut (or COPY) costs one reference per 128 values, and whoever changes a value
//! afterwards copies one chunk, once. Streams grow at one end and shrink at the other: both ends are cheap, chunks
//! filled at the tail stay full. In the middle, finding a value is two binary searches.

use std::collections::VecDeque;
use std::sync::Arc;

use super::StreamId;

/// Values in a chunk.
const CHUNK: usize = 128;

type Items<V> = Vec<(StreamId, V)>;

struct Chunk<V> {
    /// The identifier of the first item, so that a search need not touch the chunk.
    first: StreamId,
    /// Never empty.
    items: Arc<Items<V>>,
}

impl<V> Clone for Chunk<V> {
    fn clone(&self) -> Self {
        Self { first: self.first, items: Arc::clone(&self.items) }
    }
}

/// See the module's head.
pub(super) struct ChunkMap<V> {
    chunks: VecDeque<Chunk<V>>,
    len: usize,
    /// Items for which the chunks have room.
    room: usize,
}

impl<V> Clone for ChunkMap<V> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), len: self.len, room: self.room }
    }
}

impl<V> Default for ChunkMap<V> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), len: 0, room: 0 }
    }
}

/// A place; one past the last is a place too. A change of the map makes it stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    chunk: usize,
    slot: usize,
}

impl<V> ChunkMap<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken from the allocator, not counting what values refer to; shared chunks count in full. O(1).
    pub(super) fn memory(&self) -> usize {
        /// Counters and body of a chunk's allocation.
        const CHUNK_OVERHEAD: usize = 2 * size_of::<usize>() + size_of::<Items<()>>();
        self.chunks.capacity() * size_of::<Chunk<V>>()
            + self.chunks.len() * CHUNK_OVERHEAD
            + self.room * size_of::<(StreamId, V)>()
    }

    /// The place of the first item at or after `id`.
    fn seek(&self, id: StreamId) -> At {
        let Some(chunk) = self.chunks.partition_point(|chunk| chunk.first <= id).checked_sub(1) else {
            return At { chunk: 0, slot: 0 };
        };
        let slot = self.chunks[chunk].items.partition_point(|(at, _)| *at < id);
        self.normal(At { chunk, slot })
    }

    fn normal(&self, at: At) -> At {
        match self.chunks.get(at.chunk) {
            Some(chunk) if at.slot >= chunk.items.len() => At { chunk: at.chunk + 1, slot: 0 },
            _ => at,
        }
    }

    fn end(&self) -> At {
        At { chunk: self.chunks.len(), slot: 0 }
    }

    fn at(&self, at: At) -> Option<(StreamId, &V)> {
        self.chunks.get(at.chunk)?.items.get(at.slot).map(|(id, value)| (*id, value))
    }

    fn before(&self, at: At) -> Option<At> {
        if at.slot > 0 {
            return Some(At { chunk: at.chunk, slot: at.slot - 1 });
        }
        let chunk = at.chunk.checked_sub(1)?;
        Some(At { chunk, slot: self.chunks[chunk].items.len() - 1 })
    }

    fn find(&self, id: StreamId) -> Option<At> {
        let at = self.seek(id);
        (self.at(at)?.0 == id).then_some(at)
    }

    /// The value of an identifier.
    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        self.at(self.seek(id)).filter(|(at, _)| *at == id).map(|(_, value)| value)
    }

    /// The last item at or before `id`.
    pub(super) fn floor(&self, id: StreamId) -> Option<(StreamId, &V)> {
        let at = self.seek(id);
        match self.at(at) {
            Some((found, value)) if found == id => Some((found, value)),
            _ => self.at(self.before(at)?),
        }
    }

    /// The last item.
    pub(super) fn last(&self) -> Option<(StreamId, &V)> {
        self.at(self.before(self.end())?)
    }

    /// All items in order, from either end.
    pub(super) fn iter(&self) -> Iter<'_, V> {
        Iter { map: self, front: At { chunk: 0, slot: 0 }, back: self.end() }
    }

    /// The items from `start` to `end`, both included.
    pub(super) fn range(&self, start: StreamId, end: StreamId) -> Iter<'_, V> {
        let front = self.seek(start);
        let back = end.next().map_or(self.end(), |end| self.seek(end));
        Iter { map: self, front, back: back.max(front) }
    }
}

impl<V: Clone> ChunkMap<V> {
    /// The only way to a chunk's items for changing them.
    fn edit<R>(&mut self, index: usize, change: impl FnOnce(&mut Items<V>) -> R) -> R {
        let chunk = &mut self.chunks[index];
        // A copy made here has other room than what it was copied from, so that is measured before.
        let room = chunk.items.capacity();
        let items = Arc::make_mut(&mut chunk.items);
        let result = change(items);
        self.room = self.room - room + items.capacity();
        if let Some((first, _)) = items.first() {
            chunk.first = *first;
        }
        result
    }

    fn add_chunk(&mut self, index: usize, items: Items<V>) {
        let Some((first, _)) = items.first() else { return };
        self.room += items.capacity();
        self.chunks.insert(index, Chunk { first: *first, items: Arc::new(items) });
    }

    /// Takes a chunk out; the length is the caller's.
    fn drop_chunk(&mut self, index: usize) -> Option<Arc<Items<V>>> {
        let chunk = self.chunks.remove(index)?;
        self.room -= chunk.items.capacity();
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
        Some(chunk.items)
    }

    /// The value of an identifier, to be changed.
    pub(super) fn change<R>(&mut self, id: StreamId, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let at = self.find(id)?;
        Some(self.edit(at.chunk, |items| change(&mut items[at.slot].1)))
    }

    /// Adds a value or replaces one; gives what was there.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        let at = self.seek(id);
        if self.at(at).is_some_and(|(found, _)| found == id) {
            return Some(self.edit(at.chunk, |items| std::mem::replace(&mut items[at.slot].1, value)));
        }
        self.len += 1;
        // Between two chunks it goes to the end of the first.
        let (mut chunk, mut slot) = match at {
            At { chunk: 0, slot } => (0, slot),
            At { chunk, slot: 0 } => (chunk - 1, self.chunks[chunk - 1].items.len()),
            At { chunk, slot } => (chunk, slot),
        };
        let Some(len) = self.chunks.get(chunk).map(|chunk| chunk.items.len()) else {
            self.add_chunk(0, vec![(id, value)]);
            return None;
        };
        if len >= CHUNK {
            if slot == len {
                self.add_chunk(chunk + 1, vec![(id, value)]);
                return None;
            }
            let half = len / 2;
            let upper = self.edit(chunk, |items| items.split_off(half));
            self.add_chunk(chunk + 1, upper);
            if slot > half {
                (chunk, slot) = (chunk + 1, slot - half);
            }
        }
        self.edit(chunk, |items| items.insert(slot, (id, value)));
        None
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, id: StreamId) -> Option<V> {
        let at = self.find(id)?;
        self.len -= 1;
        if self.chunks[at.chunk].items.len() == 1 {
            let items = self.drop_chunk(at.chunk)?;
            return Arc::unwrap_or_clone(items).pop().map(|(_, value)| value);
        }
        let (_, value) = self.edit(at.chunk, |items| items.remove(at.slot));
        self.condense(at.chunk);
        Some(value)
    }

    /// Joins a chunk that became sparse with a neighbour when both together are half full.
    fn condense(&mut self, index: usize) {
        let len = |index: usize| self.chunks.get(index).map_or(CHUNK, |chunk| chunk.items.len());
        if len(index) > CHUNK / 4 {
            return;
        }
        let first = match index.checked_sub(1) {
            Some(before) if len(before) + len(index) <= CHUNK / 2 => before,
            _ if len(index) + len(index + 1) <= CHUNK / 2 => index,
            _ => return,
        };
        if let Some(items) = self.drop_chunk(first + 1) {
            self.edit(first, |into| into.extend(Arc::unwrap_or_clone(items)));
        }
    }

    /// Takes the first `count` items out, as the chunks they lay in.
    pub(super) fn remove_front(&mut self, mut count: usize) -> Vec<Arc<Items<V>>> {
        let mut garbage = Vec::new();
        while count > 0 {
            let Some(len) = self.chunks.front().map(|chunk| chunk.items.len()) else { break };
            if len <= count {
                garbage.extend(self.drop_chunk(0));
                count -= len;
                self.len -= len;
            } else {
                self.len -= count;
                garbage.push(Arc::new(self.edit(0, |items| items.drain(..count).collect())));
                break;
            }
        }
        garbage
    }
}

impl<V: Clone> FromIterator<(StreamId, V)> for ChunkMap<V> {
    /// From items in ascending order.
    fn from_iter<I: IntoIterator<Item = (StreamId, V)>>(items: I) -> Self {
        let mut map = Self::default();
        let mut items = items.into_iter();
        loop {
            let mut chunk: Items<V> = items.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return map;
            }
            chunk.shrink_to_fit();
            map.len += chunk.len();
            map.add_chunk(map.chunks.len(), chunk);
        }
    }
}

/// Items in order, from either end.
pub(super) struct Iter<'a, V> {
    map: &'a ChunkMap<V>,
    front: At,
    back: At,
}

impl<V> Clone for Iter<'_, V> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, V> Iterator for Iter<'a, V> {
    type Item = (StreamId, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let item = self.map.at(self.front)?;
        self.front = self.map.normal(At { slot: self.front.slot + 1, ..self.front });
        Some(item)
    }
}

impl<V> DoubleEndedIterator for Iter<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = self.map.before(self.back)?;
        self.map.at(self.back)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl<V: Clone> ChunkMap<V> {
        fn check(&self) {
            let (mut len, mut room, mut last) = (0, 0, None);
            for chunk in &self.chunks {
                assert!(!chunk.items.is_empty() && chunk.items.len() <= CHUNK);
                assert_eq!(chunk.first, chunk.items[0].0);
                for (id, _) in chunk.items.iter() {
                    assert!(last.is_none_or(|last| last < *id));
                    last = Some(*id);
                }
                len += chunk.items.len();
                room += chunk.items.capacity();
            }
            assert_eq!((self.len, self.room), (len, room));
        }
    }

    fn id(n: u16) -> StreamId {
        StreamId::new(u64::from(n / 8), u64::from(n % 8))
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u16),
        Append(u8),
        Remove(u16),
        Front(u8),
        Share,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0u16..3000).prop_map(Op::Insert),
            4 => any::<u8>().prop_map(Op::Append),
            4 => (0u16..3000).prop_map(Op::Remove),
            1 => any::<u8>().prop_map(Op::Front),
            1 => Just(Op::Share),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn behaves_as_a_map(ops in proptest::collection::vec(op(), 1..120), probes in proptest::collection::vec((0u16..3000, 0u16..3000), 8)) {
            let mut map = ChunkMap::default();
            let mut model = BTreeMap::new();
            let mut shared: Vec<(ChunkMap<usize>, BTreeMap<StreamId, usize>)> = Vec::new();
            for (n, op) in ops.into_iter().enumerate() {
                match op {
                    Op::Insert(at) => prop_assert_eq!(map.insert(id(at), n), model.insert(id(at), n)),
                    Op::Append(count) => {
                        let last = model.keys().next_back().copied().unwrap_or_default();
                        for i in 0..u64::from(count) {
                            let next = StreamId::new(last.ms, last.seq + 1 + i);
                            map.insert(next, n);
                            model.insert(next, n);
                        }
                    }
                    Op::Remove(at) => prop_assert_eq!(map.remove(id(at)), model.remove(&id(at))),
                    Op::Front(count) => {
                        let gone = map.remove_front(usize::from(count));
                        let gone: Vec<_> = gone.iter().flat_map(|items| items.iter().copied()).collect();
                        let mut expected = Vec::new();
                        for _ in 0..count {
                            expected.extend(model.pop_first());
                        }
                        prop_assert_eq!(gone, expected);
                    }
                    Op::Share => shared.push((map.clone(), model.clone())),
                }
                map.check();
            }
            shared.push((map, model));
            for (map, model) in &shared {
                map.check();
                prop_assert_eq!(map.len(), model.len());
                prop_assert!(map.iter().map(|(id, v)| (id, *v)).eq(model.iter().map(|(id, v)| (*id, *v))));
                prop_assert!(map.iter().rev().map(|(id, v)| (id, *v)).eq(model.iter().rev().map(|(id, v)| (*id, *v))));
                prop_assert_eq!(map.last().map(|(id, _)| id), model.keys().next_back().copied());
                for &(a, b) in &probes {
                    let (a, b) = (id(a), id(b));
                    prop_assert_eq!(map.get(a), model.get(&a));
                    prop_assert_eq!(map.floor(a).map(|(id, _)| id), model.range(..=a).next_back().map(|(id, _)| *id));
                    let expected: Vec<_> = if a <= b { model.range(a..=b).map(|(id, _)| *id).collect() } else { Vec::new() };
                    prop_assert_eq!(map.range(a, b).map(|(id, _)| id).collect::<Vec<_>>(), expected.clone());
                    let back: Vec<_> = map.range(a, b).rev().map(|(id, _)| id).collect();
                    prop_assert!(back.iter().rev().eq(expected.iter()));
                }
                let again: ChunkMap<usize> = map.iter().map(|(id, v)| (id, *v)).collect();
                again.check();
                prop_assert_eq!(again.len(), map.len());
            }
        }
    }
}
