//! Values on their way from the keyspace to a file or a consumer: what a cut has put aside or walked over.
//!
//! Under a shard's lock a value is only copied (small ones), shared (big strings and list nodes are reference
//! counted) or entered in the ledger (big tables). Compression, checksums and I/O happen later, when the saver reads
//! the buffer back. The form is neutral: the RDB writer, the AOF base in command form and `export` all read it.
//! Knows the value types.

use std::collections::VecDeque;
use std::sync::Arc;

use super::elements::{Elements, Records, split_expiry};
use super::list::Nodes;
use super::stream::Stream;
use crate::error::Result;

/// The kinds of value whose big form is a table of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BigKind {
    /// Members without values.
    Set,
    /// Fields and values.
    Hash,
    /// Fields, values and expiries (see [`super::elements::split_expiry`]).
    ExpiringHash {
        /// Not later than the earliest expiry, and not negative.
        soonest: i64,
    },
    /// Members with 8 bytes of score (f64, little-endian).
    ZSet,
}

/// The head of a saved key, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadRef<'a> {
    /// Database index.
    pub db: u32,
    /// Key.
    pub key: &'a [u8],
    /// Absolute expiry, ms since the epoch.
    pub expiry: Option<i64>,
    /// The 24-bit access clock.
    pub clock: u32,
}

/// A saved value. Compact forms are their bytes, which are the same in memory and in an RDB file.
pub enum Body<'a> {
    /// An integer string.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
    /// A list of one listpack.
    ListListpack(&'a [u8]),
    /// A list of nodes.
    ListNodes(&'a Nodes),
    /// A set of integers.
    SetIntset(&'a [u8]),
    /// A small set.
    SetListpack(&'a [u8]),
    /// A small hash: field, value, field, value.
    HashListpack(&'a [u8]),
    /// A small hash with expiring fields: field, value, expiry (0: none), in the order of the expiries.
    HashTriplets(&'a [u8]),
    /// A small sorted set: member, score, ascending.
    ZSetListpack(&'a [u8]),
    /// A table: that many records (see [`super::elements::Records`]).
    Elements(BigKind, usize, &'a [u8]),
    /// A stream.
    Stream(&'a Stream),
    /// A module's value as it stood in the file, type byte excluded.
    Module(&'a [u8]),
}

/// Who takes the data set of a cut, key by key. Calls come from one thread, never under a shard's lock.
pub trait Sink {
    /// A whole key.
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()>;
    /// A big key begins: `len` elements will follow before [`Sink::end`], with nothing in between.
    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, len: usize) -> Result<()>;
    /// Some of its elements, as records.
    fn elements(&mut self, records: &[u8]) -> Result<()>;
    /// The big key is complete.
    fn end(&mut self) -> Result<()>;
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Int,
    Bytes,
    ListListpack,
    SetIntset,
    SetListpack,
    HashListpack,
    HashTriplets,
    ZSetListpack,
    Set,
    Hash,
    ExpiringHash,
    ZSet,
    Module,
    SharedBytes,
    SharedNodes,
    SharedStream,
}

const TAGS: [Tag; 16] = [
    Tag::Int,
    Tag::Bytes,
    Tag::ListListpack,
    Tag::SetIntset,
    Tag::SetListpack,
    Tag::HashListpack,
    Tag::HashTriplets,
    Tag::ZSetListpack,
    Tag::Set,
    Tag::Hash,
    Tag::ExpiringHash,
    Tag::ZSet,
    Tag::Module,
    Tag::SharedBytes,
    Tag::SharedNodes,
    Tag::SharedStream,
];

enum Shared {
    Bytes(Arc<Vec<u8>>),
    Nodes(Nodes),
    Stream(Box<Stream>),
}

/// A queue of saved values. Frame: tag, db u32, clock u32, has-expiry u8, expiry i64, key length u32, value length u64,
/// element count u64, key, value.
#[derive(Default)]
pub struct SavedBuf {
    bytes: Vec<u8>,
    shared: VecDeque<Shared>,
}

const FRAME: usize = 1 + 4 + 4 + 1 + 8 + 4 + 8 + 8;

impl SavedBuf {
    /// Bytes it holds (shared values count nothing: they are not copies).
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn frame(&mut self, tag: Tag, head: HeadRef<'_>, count: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.reserve(FRAME + head.key.len());
        self.bytes.push(tag as u8);
        self.bytes.extend_from_slice(&head.db.to_le_bytes());
        self.bytes.extend_from_slice(&head.clock.to_le_bytes());
        self.bytes.push(u8::from(head.expiry.is_some()));
        self.bytes.extend_from_slice(&head.expiry.unwrap_or(0).to_le_bytes());
        self.bytes.extend_from_slice(&(head.key.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(&(count as u64).to_le_bytes());
        self.bytes.extend_from_slice(head.key);
        let value_start = self.bytes.len();
        write(&mut self.bytes);
        let value_len = (self.bytes.len() - value_start) as u64;
        self.bytes[start + 22..start + 30].copy_from_slice(&value_len.to_le_bytes());
    }

    /// Copies a value in.
    pub fn put(&mut self, head: HeadRef<'_>, body: &Body<'_>) {
        let (tag, count, bytes) = match *body {
            Body::Int(n) => {
                return self.frame(Tag::Int, head, 0, |out| out.extend_from_slice(&n.to_le_bytes()));
            }
            Body::ListNodes(nodes) => return self.put_nodes(head, nodes.clone()),
            Body::Stream(stream) => return self.put_stream(head, stream.clone()),
            Body::Bytes(bytes) => (Tag::Bytes, 0, bytes),
            Body::ListListpack(bytes) => (Tag::ListListpack, 0, bytes),
            Body::SetIntset(bytes) => (Tag::SetIntset, 0, bytes),
            Body::SetListpack(bytes) => (Tag::SetListpack, 0, bytes),
            Body::HashListpack(bytes) => (Tag::HashListpack, 0, bytes),
            Body::HashTriplets(bytes) => (Tag::HashTriplets, 0, bytes),
            Body::ZSetListpack(bytes) => (Tag::ZSetListpack, 0, bytes),
            Body::Elements(kind, count, bytes) => (big_tag(kind), count, bytes),
            Body::Module(bytes) => (Tag::Module, 0, bytes),
        };
        self.frame(tag, head, count, |out| out.extend_from_slice(bytes));
    }

    /// Copies all elements of a small table in.
    pub fn put_elements(&mut self, head: HeadRef<'_>, kind: BigKind, elements: &Elements) {
        self.frame(big_tag(kind), head, elements.len(), |out| elements.records(out));
    }

    /// Shares a big string.
    pub fn put_shared(&mut self, head: HeadRef<'_>, bytes: Arc<Vec<u8>>) {
        self.frame(Tag::SharedBytes, head, 0, |_| {});
        self.shared.push_back(Shared::Bytes(bytes));
    }

    /// Shares the nodes of a list.
    pub fn put_nodes(&mut self, head: HeadRef<'_>, nodes: Nodes) {
        self.frame(Tag::SharedNodes, head, 0, |_| {});
        self.shared.push_back(Shared::Nodes(nodes));
    }

    /// Shares a stream's nodes and groups.
    pub fn put_stream(&mut self, head: HeadRef<'_>, stream: Stream) {
        self.frame(Tag::SharedStream, head, 0, |_| {});
        self.shared.push_back(Shared::Stream(Box::new(stream)));
    }

    /// Gives everything to `sink` in order and leaves the buffer empty.
    pub fn drain(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let result = self.read(sink);
        self.bytes.clear();
        self.shared.clear();
        result
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut rest = &self.bytes[..];
        while let Some((frame, after)) = rest.split_at_checked(FRAME) {
            let number = |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().expect("8 bytes"));
            let small = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
            let (key, after) = after.split_at(small(18) as usize);
            let (value, after) = after.split_at(number(22) as usize);
            let expiry = (frame[9] != 0).then(|| number(10) as i64);
            let head = HeadRef { db: small(1), key, expiry, clock: small(5) };
            let count = number(30) as usize;
            let shared;
            let body = match TAGS[usize::from(frame[0])] {
                Tag::Int => Body::Int(i64::from_le_bytes(value.try_into().expect("8 bytes"))),
                Tag::Bytes => Body::Bytes(value),
                Tag::ListListpack => Body::ListListpack(value),
                Tag::SetIntset => Body::SetIntset(value),
                Tag::SetListpack => Body::SetListpack(value),
                Tag::HashListpack => Body::HashListpack(value),
                Tag::HashTriplets => Body::HashTriplets(value),
                Tag::ZSetListpack => Body::ZSetListpack(value),
                Tag::Set => Body::Elements(BigKind::Set, count, value),
                Tag::Hash => Body::Elements(BigKind::Hash, count, value),
                Tag::ExpiringHash => Body::Elements(expiring_hash(value), count, value),
                Tag::ZSet => Body::Elements(BigKind::ZSet, count, value),
                Tag::Module => Body::Module(value),
                Tag::SharedBytes | Tag::SharedNodes | Tag::SharedStream => {
                    shared = self.shared.pop_front().expect("one shared value per such frame");
                    match &shared {
                        Shared::Bytes(bytes) => Body::Bytes(bytes),
                        Shared::Nodes(nodes) => Body::ListNodes(nodes),
                        Shared::Stream(stream) => Body::Stream(stream),
                    }
                }
            };
            sink.entry(head, &body)?;
            rest = after;
        }
        Ok(())
    }
}

fn big_tag(kind: BigKind) -> Tag {
    match kind {
        BigKind::Set => Tag::Set,
        BigKind::Hash => Tag::Hash,
        BigKind::ExpiringHash { .. } => Tag::ExpiringHash,
        BigKind::ZSet => Tag::ZSet,
    }
}

fn expiring_hash(records: &[u8]) -> BigKind {
    let soonest = Records(records).filter_map(|(_, value)| split_expiry(value).1).min();
    BigKind::ExpiringHash { soonest: soonest.unwrap_or(0) }
}
