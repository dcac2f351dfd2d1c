//! What a key holds. Short strings lie in the key's own entry (see [`crate::table::Entry`]); everything else is a
//! [`Value`], boxed, in its compact or its big form. Conversions follow Redis's limits, so `OBJECT ENCODING` agrees.
//! Knows the encodings and the table; never the keyspace above it.

pub mod elements;
pub mod hash;
pub mod list;
pub mod member;
pub mod sample;
pub mod saved;
pub mod set;
pub mod snapshot;
pub mod stream;
pub mod zset;

use std::sync::Arc;

use elements::Elements;
use hash::Hash;
use list::List;
use saved::{BigKind, HeadRef, SavedBuf};
use set::Set;
use stream::Stream;
use zset::ZSet;

/// The limits of compact forms: Redis's directives, read once per command.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `list-max-listpack-size`: negative size classes or a count.
    pub list_max_listpack_size: i64,
    /// Bytes from which an element of a big list has a node of its own; 0: when no node can hold it (DEBUG
    /// QUICKLIST-PACKED-THRESHOLD).
    pub list_packed_threshold: usize,
    /// `hash-max-listpack-entries`
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`
    pub hash_max_listpack_value: usize,
    /// `set-max-intset-entries`
    pub set_max_intset_entries: usize,
    /// `set-max-listpack-entries`
    pub set_max_listpack_entries: usize,
    /// `set-max-listpack-value`
    pub set_max_listpack_value: usize,
    /// `zset-max-listpack-entries`
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`
    pub zset_max_listpack_value: usize,
    /// `stream-node-max-bytes`; 0: as many as a node can hold.
    pub stream_node_max_bytes: usize,
    /// `stream-node-max-entries`; 0: any number.
    pub stream_node_max_entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            list_max_listpack_size: -2,
            list_packed_threshold: 0,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
        }
    }
}

/// A value outside its key's entry. `Clone` is what COPY does: a deep copy that owes no cut anything.
#[derive(Clone)]
pub enum Value {
    /// A long string, or one that grows; shared with a cut while that saves it.
    Str(Arc<Vec<u8>>),
    /// List.
    List(List),
    /// Set.
    Set(Set),
    /// Hash.
    Hash(Hash),
    /// Sorted set.
    ZSet(ZSet),
    /// Stream: boxed, as it is large and there are few.
    Stream(Box<Stream>),
    /// A module's value, kept as the bytes that stood in the file (type byte excluded) and written back as they are.
    Module(Box<[u8]>),
}

/// A file says how many elements follow; room for more than this many is not taken on its word.
const LOAD_HINT_MAX: usize = 1 << 20;

/// Tables up to this many elements and bytes are saved whole, under the lock; larger ones in steps.
const WHOLE_LEN: usize = 128;
const WHOLE_BYTES: usize = 32 * 1024;

impl Value {
    /// The type's name as TYPE answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::Hash(_) => "hash",
            Value::ZSet(_) => "zset",
            Value::Stream(_) => "stream",
            Value::Module(_) => "module",
        }
    }

    /// The encoding's name as OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Value::Str(_) => "raw",
            Value::List(list) => list.encoding(),
            Value::Set(set) => set.encoding(),
            Value::Hash(hash) => hash.encoding(),
            Value::ZSet(zset) => zset.encoding(),
            Value::Stream(stream) => stream.encoding(),
            Value::Module(_) => "raw",
        }
    }

    /// Number of elements; bytes for a string.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty string is a value, an empty aggregate is none: is_empty_aggregate"
    )]
    pub fn len(&self) -> usize {
        match self {
            Value::Str(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Set(set) => set.len(),
            Value::Hash(hash) => hash.len(),
            Value::ZSet(zset) => zset.len(),
            Value::Stream(stream) => stream.len(),
            Value::Module(bytes) => bytes.len(),
        }
    }

    /// Whether an aggregate has no elements left (its key must go then). A string never counts as empty, nor a stream.
    pub fn is_empty_aggregate(&self) -> bool {
        !matches!(self, Value::Str(_) | Value::Stream(_) | Value::Module(_)) && self.len() == 0
    }

    /// Bytes taken from the allocator, the box included. O(1).
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match self {
                Value::Str(bytes) => bytes.capacity() + size_of::<Vec<u8>>() + 16,
                Value::List(list) => list.memory(),
                Value::Set(set) => set.memory(),
                Value::Hash(hash) => hash.memory(),
                Value::ZSet(zset) => zset.memory(),
                Value::Stream(stream) => stream.memory(),
                Value::Module(bytes) => bytes.len(),
            }
    }

    /// The element table of a big set, hash or sorted set.
    pub fn elements(&self) -> Option<(BigKind, &Elements)> {
        match self {
            Value::Set(set) => set.elements().map(|e| (BigKind::Set, e)),
            Value::Hash(hash) => hash.elements().map(|e| (hash.big_kind(), e)),
            Value::ZSet(zset) => zset.elements().map(|e| (BigKind::ZSet, e)),
            _ => None,
        }
    }

    /// The same, for the snapshot's book-keeping (registering, saving in steps) and nothing else: a sorted set's tree
    /// refers to its elements.
    pub(crate) fn elements_mut(&mut self) -> Option<&mut Elements> {
        match self {
            Value::Set(set) => set.elements_mut(),
            Value::Hash(hash) => hash.elements_mut(),
            Value::ZSet(zset) => zset.elements_mut(),
            _ => None,
        }
    }

    /// A time before which no part of the value is due; `None` when none expires (only fields of hashes do).
    pub fn soonest(&self) -> Option<i64> {
        match self {
            Value::Hash(hash) => hash.soonest(),
            _ => None,
        }
    }

    /// Whether saving it must go in steps.
    pub fn saves_in_steps(&self) -> bool {
        self.elements().is_some_and(|(_, e)| e.len() > WHOLE_LEN || e.memory() > WHOLE_BYTES)
    }

    /// Puts the whole value into `out`: copied when small, shared when it is a big string or list, or a stream.
    pub fn save(&self, head: HeadRef<'_>, out: &mut SavedBuf) {
        match self {
            Value::Str(bytes) => out.put_shared(head, Arc::clone(bytes)),
            Value::List(list) => list.save(head, out),
            Value::Set(set) => set.save(head, out),
            Value::Hash(hash) => hash.save(head, out),
            Value::ZSet(zset) => zset.save(head, out),
            Value::Stream(stream) => stream.save(head, out),
            Value::Module(bytes) => out.put(head, &saved::Body::Module(bytes)),
        }
    }
}
