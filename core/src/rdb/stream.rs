//! Streams as they stand in files (types 15, 19, 21): read and checked in full, nodes kept as the listpacks they are.
//!
//! ```text
//! nodes: len, each: str key (16 bytes, big-endian ms and seq: the master id), str listpack
//! len live entries | len ms, len seq: last id
//! since 19: len ms, len seq: first id | the same: highest deleted id | len entries ever added
//! groups: len, each: str name | len ms, len seq: last delivered | since 19: len entries read (all ones: unknown)
//!     pending: len, each: 16 bytes id, i64 delivered at ms, len times delivered
//!     consumers: len, each: str name, i64 seen at ms, since 21: i64 active at ms | owned: len, each: 16 bytes id
//! ```
//!
//! | in a node | items                                                                              |
//! |-----------|------------------------------------------------------------------------------------|
//! | master    | live count, deleted count, number of fields, the fields, 0                         |
//! | entry     | flags, ms and seq relative to the key, [number of fields, fields and values] or the values for the master's fields, number of items before this one |

use super::fault::{Fault, Res};
use super::input::Input;
use super::kind;
use crate::encoding::listpack::{Iter, Listpack, LpValue};

/// An entry's identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since the epoch, as a rule.
    pub ms: u64,
    /// Number within the millisecond.
    pub seq: u64,
}

/// A stream as a file tells it.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Master identifiers, ascending, and the nodes' listpacks.
    pub nodes: Vec<(StreamId, Listpack)>,
    /// Live entries.
    pub len: u64,
    /// The last identifier ever given.
    pub last_id: StreamId,
    /// The first live entry (0-0: none), as the nodes tell.
    pub first_id: StreamId,
    /// The highest identifier ever deleted.
    pub max_deleted_id: StreamId,
    /// Entries ever added.
    pub entries_added: u64,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
}

/// A consumer group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Its name.
    pub name: Vec<u8>,
    /// Delivered up to here.
    pub last_id: StreamId,
    /// Entries read so far; `None` when nobody knows.
    pub entries_read: Option<u64>,
    /// Delivered and not acknowledged, ascending.
    pub pending: Vec<Pending>,
    /// Consumers, in the order of the file.
    pub consumers: Vec<Consumer>,
}

/// An entry delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: StreamId,
    /// When last, ms since the epoch.
    pub delivered_ms: i64,
    /// How often.
    pub times: u64,
    /// To whom: an index into the group's consumers.
    pub consumer: usize,
}

/// A consumer.
#[derive(Clone, Debug, Default)]
pub struct Consumer {
    /// Its name.
    pub name: Vec<u8>,
    /// When it last asked, ms since the epoch.
    pub seen_ms: i64,
    /// When it last got something, ms since the epoch, -1 for never. As `seen_ms` in files that do not tell.
    pub active_ms: i64,
}

/// A pending entry that no consumer has claimed yet.
const NOBODY: usize = usize::MAX;

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

pub(super) fn read(input: &mut Input<'_>, kind: u8) -> Res<Stream> {
    let mut stream = Stream::default();
    let mut live = 0u64;
    let mut last = None;
    let mut text = Vec::new();
    for _ in 0..input.len()? {
        input.element(&mut text)?;
        let Ok(key) = <[u8; 16]>::try_from(&text[..]) else {
            return Fault::corrupt("the key of a stream node is not 16 bytes");
        };
        let key = id_be(key);
        if stream.nodes.last().is_some_and(|(before, _)| *before >= key) {
            return Fault::corrupt("stream nodes are not in order");
        }
        let node = Listpack::from_bytes(input.string()?)?;
        let walked = Node::walk(key, &node)?;
        if let Some((lowest, highest)) = walked.span {
            if last.is_some_and(|last| lowest <= last) {
                return Fault::corrupt("stream entries are not in order");
            }
            if last.is_none() {
                stream.first_id = lowest;
            }
            last = Some(highest);
        }
        live = live.saturating_add(walked.live);
        stream.nodes.push((key, node));
    }
    stream.len = input.len()?;
    if stream.len != live {
        return Fault::corrupt("a stream's length differs from its entries");
    }
    stream.last_id = id(input)?;
    if last.is_some_and(|last| last > stream.last_id) {
        return Fault::corrupt("a stream has an entry above its last id");
    }
    stream.entries_added = stream.len;
    if kind >= kind::STREAM_2 {
        // The first id: what the nodes say is better.
        id(input)?;
        stream.max_deleted_id = id(input)?;
        stream.entries_added = input.len()?;
    }
    for _ in 0..input.len()? {
        stream.groups.push(group(input, kind)?);
    }
    if repeats(stream.groups.iter().map(|group| &group.name[..])) {
        return Fault::corrupt("a stream has the same group twice");
    }
    Ok(stream)
}

fn group(input: &mut Input<'_>, kind: u8) -> Res<Group> {
    let mut group = Group::default();
    input.element(&mut group.name)?;
    group.last_id = id(input)?;
    if kind >= kind::STREAM_2 {
        let read = input.len()?;
        group.entries_read = (read != u64::MAX).then_some(read);
    }
    for _ in 0..input.len()? {
        let id = id_be(input.array()?);
        let delivered_ms = input.i64_le()?;
        let times = input.len()?;
        group.pending.push(Pending { id, delivered_ms, times, consumer: NOBODY });
    }
    group.pending.sort_by_key(|pending| pending.id);
    if group.pending.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Fault::corrupt("an entry is pending twice in one group");
    }
    for index in 0..input.len()? {
        let mut consumer = Consumer::default();
        input.element(&mut consumer.name)?;
        consumer.seen_ms = input.i64_le()?;
        consumer.active_ms = if kind >= kind::STREAM_3 { input.i64_le()? } else { consumer.seen_ms };
        group.consumers.push(consumer);
        for _ in 0..input.len()? {
            let id = id_be(input.array()?);
            let Ok(at) = group.pending.binary_search_by_key(&id, |pending| pending.id) else {
                return Fault::corrupt("a consumer owns an entry that is not pending in its group");
            };
            if group.pending[at].consumer != NOBODY {
                return Fault::corrupt("an entry is pending for two consumers");
            }
            group.pending[at].consumer = index as usize;
        }
    }
    if repeats(group.consumers.iter().map(|consumer| &consumer.name[..])) {
        return Fault::corrupt("a group has the same consumer twice");
    }
    if group.pending.iter().any(|pending| pending.consumer == NOBODY) {
        return Fault::corrupt("an entry is pending for no consumer");
    }
    Ok(group)
}

/// Whether a name occurs twice. O(n log n): there may be very many.
fn repeats<'a>(names: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

fn id(input: &mut Input<'_>) -> Res<StreamId> {
    Ok(StreamId { ms: input.len()?, seq: input.len()? })
}

fn id_be(bytes: [u8; 16]) -> StreamId {
    let n = u128::from_be_bytes(bytes);
    StreamId { ms: (n >> 64) as u64, seq: n as u64 }
}

/// What walking a node's listpack tells.
struct Node {
    live: u64,
    /// Lowest and highest live entry. Deleted ones may lie anywhere: XSETID can go back below them.
    span: Option<(StreamId, StreamId)>,
}

impl Node {
    fn walk(key: StreamId, listpack: &Listpack) -> Res<Self> {
        let mut items = listpack.iter();
        let live = count(&mut items)?;
        let deleted = count(&mut items)?;
        let fields = count(&mut items)?;
        skip(&mut items, fields)?;
        if number(&mut items)? != 0 {
            return Fault::corrupt("the master entry of a stream node is not terminated");
        }
        let mut node = Node { live: 0, span: None };
        let mut dead = 0u64;
        while let Some(flags) = items.next() {
            let Some(flags) = flags.as_i64() else { return not_a_number() };
            // Differences of unsigned numbers stored as signed ones: they wrap.
            let id = StreamId {
                ms: key.ms.wrapping_add_signed(number(&mut items)?),
                seq: key.seq.wrapping_add_signed(number(&mut items)?),
            };
            let before_count = if flags & FLAG_SAME_FIELDS != 0 {
                skip(&mut items, fields)?;
                fields.saturating_add(3)
            } else {
                let own = count(&mut items)?;
                skip(&mut items, own.saturating_mul(2))?;
                own.saturating_mul(2).saturating_add(4)
            };
            if count(&mut items)? != before_count {
                return Fault::corrupt("a stream entry has a wrong number of items");
            }
            if flags & FLAG_DELETED != 0 {
                dead += 1;
                continue;
            }
            node.live += 1;
            node.span = match node.span {
                Some((_, highest)) if highest >= id => {
                    return Fault::corrupt("stream entries are not in order");
                }
                Some((lowest, _)) => Some((lowest, id)),
                None => Some((id, id)),
            };
        }
        if (node.live, dead) != (live, deleted) {
            return Fault::corrupt("a stream node's counts differ from its entries");
        }
        Ok(node)
    }
}

fn not_a_number<T>() -> Res<T> {
    Fault::corrupt("a stream node has text where a number belongs")
}

fn number(items: &mut Iter<'_>) -> Res<i64> {
    match items.next().map(|item: LpValue<'_>| item.as_i64()) {
        Some(Some(n)) => Ok(n),
        Some(None) => not_a_number(),
        None => Fault::corrupt("a stream node ends within an entry"),
    }
}

fn count(items: &mut Iter<'_>) -> Res<u64> {
    match u64::try_from(number(items)?) {
        Ok(n) => Ok(n),
        Err(_) => Fault::corrupt("a stream node has a negative count"),
    }
}

fn skip(items: &mut Iter<'_>, n: u64) -> Res<()> {
    for _ in 0..n {
        if items.next().is_none() {
            return Fault::corrupt("a stream node ends within an entry");
        }
    }
    Ok(())
}
