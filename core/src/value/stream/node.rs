//! One node of a stream: a listpack of entries behind a master entry, to the byte as Redis lays it out, so that files
//! take nodes as they are.
//!
//! | in a node | items                                                                              |
//! |-----------|------------------------------------------------------------------------------------|
//! | master    | live count, deleted count, number of fields, the fields, 0                         |
//! | entry     | flags, ms and seq relative to the key, [number of fields, fields and values] or the values for the master's fields, number of items before this one |
//!
//! The key of a node is the identifier of its first entry, whose fields are the master's. An entry that is deleted is
//! only marked; the node goes with its last live entry. [`check`] is what makes bytes from outside a node.

use super::StreamId;
use crate::encoding::Corrupt;
use crate::encoding::listpack::{Iter, Listpack, ListpackRef, LpValue, entry_size_for};

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

/// A listpack of entries is made no larger than this, whatever `stream-node-max-bytes` says.
pub(super) const BYTES_MAX: usize = 1 << 30;

/// Items of an entry beside its fields and values: flags and two distances.
const FIXED_ITEMS: usize = 3;

/// A node's entries, for reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    key: StreamId,
    list: ListpackRef<'a>,
    /// Live entries.
    pub(super) live: u64,
    /// Entries marked as deleted.
    pub(super) deleted: u64,
    /// The master's fields: how many, and where the first is.
    fields: usize,
    fields_at: usize,
    /// Where the master entry's end mark is.
    mark_at: usize,
}

/// An entry of a node.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its identifier.
    pub id: StreamId,
    list: ListpackRef<'a>,
    flags_at: usize,
    flags: i64,
    /// Fields, or values: how many, and where the first item is.
    pairs: usize,
    items_at: usize,
    /// Where the fields are when they are the master's.
    fields_at: Option<usize>,
}

/// Nodes come from here or have been checked.
const SOUND: &str = "a stream node was made here or checked";

fn number_at(list: ListpackRef<'_>, at: usize) -> (i64, usize) {
    let (value, next) = list.get_and_next(at);
    (value.as_i64().expect(SOUND), next.unwrap_or(at))
}

fn skip(list: ListpackRef<'_>, mut at: usize, items: usize) -> usize {
    for _ in 0..items {
        at = list.next(at).expect(SOUND);
    }
    at
}

impl<'a> Node<'a> {
    pub(super) fn new(key: StreamId, listpack: &'a Listpack) -> Self {
        let list = listpack.view();
        let (live, at) = number_at(list, list.first().expect(SOUND));
        let (deleted, at) = number_at(list, at);
        let (fields, fields_at) = number_at(list, at);
        let fields = fields as usize;
        let mark_at = skip(list, fields_at, fields);
        Self { key, list, live: live as u64, deleted: deleted as u64, fields, fields_at, mark_at }
    }

    /// The live entries only, without reading the fields.
    pub(super) fn live_of(listpack: &Listpack) -> u64 {
        let list = listpack.view();
        number_at(list, list.first().expect(SOUND)).0 as u64
    }

    /// Live and deleted entries.
    fn count_of(listpack: &Listpack) -> u64 {
        let list = listpack.view();
        let (live, at) = number_at(list, list.first().expect(SOUND));
        (live + number_at(list, at).0) as u64
    }

    /// The entry whose flags are at `at`, and where the next one's are.
    fn entry(&self, at: usize) -> (Entry<'a>, Option<usize>) {
        let list = self.list;
        let (flags, next) = number_at(list, at);
        let (ms, next) = number_at(list, next);
        let (seq, items_at) = number_at(list, next);
        let same = flags & FLAG_SAME_FIELDS != 0;
        let (pairs, items_at) = if same {
            (self.fields, items_at)
        } else {
            let (pairs, items_at) = number_at(list, items_at);
            (pairs as usize, items_at)
        };
        let count_at = skip(list, items_at, if same { pairs } else { 2 * pairs });
        let fields_at = same.then_some(self.fields_at);
        let id = self.key.offset(ms, seq);
        (Entry { id, list, flags_at: at, flags, pairs, items_at, fields_at }, list.next(count_at))
    }

    /// Every entry in order, the deleted ones as well.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let node = *self;
        let mut next = node.list.next(node.mark_at);
        std::iter::from_fn(move || {
            let (entry, after) = node.entry(next?);
            next = after;
            Some(entry)
        })
    }

    /// Every entry from the last to the first, the deleted ones as well.
    pub(super) fn entries_back(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let node = *self;
        let mut last = node.list.last();
        std::iter::from_fn(move || {
            let count_at = last.filter(|&at| at > node.mark_at)?;
            let (count, _) = number_at(node.list, count_at);
            let mut at = count_at;
            for _ in 0..count {
                at = node.list.prev(at).expect(SOUND);
            }
            last = node.list.prev(at);
            Some(node.entry(at).0)
        })
    }

    /// The identifier of the last entry, be it deleted.
    pub(super) fn last_id(&self) -> Option<StreamId> {
        self.entries_back().next().map(|entry| entry.id)
    }

    /// The live entry of an identifier.
    pub(super) fn find(&self, id: StreamId) -> Option<Entry<'a>> {
        for entry in self.entries().filter(|entry| !entry.is_deleted()) {
            if entry.id >= id {
                return (entry.id == id).then_some(entry);
            }
        }
        None
    }
}

impl<'a> Entry<'a> {
    /// Whether it is only still there as a mark.
    pub(super) fn is_deleted(&self) -> bool {
        self.flags & FLAG_DELETED != 0
    }

    /// Number of fields.
    #[expect(clippy::len_without_is_empty, reason = "no entry is made without fields")]
    pub fn len(&self) -> usize {
        self.pairs
    }

    /// Fields and values in order.
    pub fn pairs(&self) -> impl Iterator<Item = (LpValue<'a>, LpValue<'a>)> + use<'a> {
        let Self { list, pairs, mut items_at, mut fields_at, .. } = *self;
        (0..pairs).map(move |_| {
            let field = match &mut fields_at {
                Some(at) => {
                    let (field, next) = list.get_and_next(*at);
                    *at = next.unwrap_or(*at);
                    field
                }
                None => {
                    let (field, next) = list.get_and_next(items_at);
                    items_at = next.expect(SOUND);
                    field
                }
            };
            let (value, next) = list.get_and_next(items_at);
            items_at = next.expect(SOUND);
            (field, value)
        })
    }
}

/// Whether fields and values are more than one entry may hold.
pub(super) fn are_too_large(pairs: &[&[u8]]) -> bool {
    let bytes: usize = pairs.iter().map(|item| item.len()).sum();
    bytes > BYTES_MAX || (pairs.len() > BYTES_MAX / 16 && encoded_len(pairs) > 2 * BYTES_MAX)
}

fn encoded_len(pairs: &[&[u8]]) -> usize {
    pairs.iter().map(|item| entry_size_for(item)).sum()
}

/// A node whose first entry will have these fields (and values between them).
pub(super) fn create(pairs: &[&[u8]]) -> Listpack {
    let mut list = Listpack::with_capacity(64);
    list.push_int(0);
    list.push_int(0);
    list.push_int(pairs.len() as i64 / 2);
    for field in pairs.iter().step_by(2) {
        list.push(field);
    }
    list.push_int(0);
    list
}

/// Whether a node takes an entry of so many bytes of fields and values, counted as Redis counts them: without what a
/// listpack adds to each.
pub(super) fn has_room(list: &Listpack, bytes: usize, max_bytes: usize, max_entries: u64) -> bool {
    let max_bytes = if max_bytes == 0 { BYTES_MAX } else { max_bytes.min(BYTES_MAX) };
    list.bytes().len().saturating_add(bytes) < max_bytes
        && (max_entries == 0 || Node::count_of(list) < max_entries)
}

/// Adds an entry (fields and values in turn) at the end.
pub(super) fn push(list: &mut Listpack, key: StreamId, id: StreamId, pairs: &[&[u8]]) {
    let node = Node::new(key, list);
    let live = node.live as i64;
    let mut at = node.fields_at;
    let mut same = node.fields == pairs.len() / 2;
    for field in pairs.iter().step_by(2) {
        if !same {
            break;
        }
        let (known, next) = node.list.get_and_next(at);
        same = known.eq_bytes(field);
        at = next.unwrap_or(at);
    }
    let first = list.first().expect(SOUND);
    list.replace_int(first, live + 1);
    let (ms, seq) = id.distance(key);
    list.push_int(if same { FLAG_SAME_FIELDS } else { 0 });
    list.push_int(ms);
    list.push_int(seq);
    let fields = pairs.len() / 2;
    if same {
        pairs.iter().skip(1).step_by(2).for_each(|value| list.push(value));
        list.push_int((fields + FIXED_ITEMS) as i64);
    } else {
        list.push_int(fields as i64);
        pairs.iter().for_each(|item| list.push(item));
        list.push_int((2 * fields + FIXED_ITEMS + 1) as i64);
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Delete,
    Leave,
    /// It and all behind it are left.
    Stop,
}

/// Marks entries as deleted; gives how many of them had been live.
pub(super) fn delete_where(
    list: &mut Listpack,
    key: StreamId,
    mut choose: impl FnMut(&Entry<'_>) -> Choice,
) -> u64 {
    let node = Node::new(key, list);
    let (live, deleted) = (node.live, node.deleted);
    let mut marks = Vec::new();
    for entry in node.entries() {
        match choose(&entry) {
            Choice::Delete if !entry.is_deleted() => marks.push((entry.flags_at, entry.flags)),
            Choice::Delete | Choice::Leave => {}
            Choice::Stop => break,
        }
    }
    let count = marks.len() as u64;
    // From the last to the first: a file may have written flags in more bytes than they take now, and what is changed
    // must not move what is to be changed.
    marks.into_iter().rev().for_each(|(at, flags)| list.replace_int(at, flags | FLAG_DELETED));
    write_counts(list, live - count, deleted + count);
    count
}

/// Marks one live entry as deleted; whether it was there.
pub(super) fn delete(list: &mut Listpack, key: StreamId, id: StreamId) -> bool {
    let node = Node::new(key, list);
    let (live, deleted) = (node.live, node.deleted);
    let Some((at, flags)) = node.find(id).map(|entry| (entry.flags_at, entry.flags)) else { return false };
    list.replace_int(at, flags | FLAG_DELETED);
    write_counts(list, live - 1, deleted + 1);
    true
}

fn write_counts(list: &mut Listpack, live: u64, deleted: u64) {
    let first = list.first().expect(SOUND);
    list.replace_int(first, live as i64);
    let second = list.next(first).expect(SOUND);
    list.replace_int(second, deleted as i64);
}

/// What checking a node tells.
pub(super) struct Checked {
    /// Live entries.
    pub(super) live: u64,
    /// Lowest and highest live entry. Deleted ones may lie anywhere: XSETID can go back below them.
    pub(super) span: Option<(StreamId, StreamId)>,
}

/// Checks in full that a (sound) listpack is a node of this key. O(n).
pub(super) fn check(key: StreamId, list: &Listpack) -> Result<Checked, Corrupt> {
    let mut items = list.iter();
    let live = count(&mut items)?;
    let deleted = count(&mut items)?;
    let fields = count(&mut items)?;
    pass(&mut items, fields)?;
    if number(&mut items)? != 0 {
        return Err(Corrupt("the master entry of a stream node is not terminated"));
    }
    let mut checked = Checked { live: 0, span: None };
    let mut dead = 0u64;
    while let Some(flags) = items.next() {
        let flags = int(flags)?;
        if flags & !(FLAG_DELETED | FLAG_SAME_FIELDS) != 0 {
            return Err(Corrupt("a stream entry has flags that do not exist"));
        }
        let id = key.offset(number(&mut items)?, number(&mut items)?);
        let before_count = if flags & FLAG_SAME_FIELDS != 0 {
            pass(&mut items, fields)?;
            fields.saturating_add(3)
        } else {
            let own = count(&mut items)?;
            pass(&mut items, own.saturating_mul(2))?;
            own.saturating_mul(2).saturating_add(4)
        };
        if count(&mut items)? != before_count {
            return Err(Corrupt("a stream entry has a wrong number of items"));
        }
        if flags & FLAG_DELETED != 0 {
            dead += 1;
            continue;
        }
        checked.live += 1;
        checked.span = match checked.span {
            Some((_, highest)) if highest >= id => {
                return Err(Corrupt("stream entries are not in order"));
            }
            Some((lowest, _)) => Some((lowest, id)),
            None => Some((id, id)),
        };
    }
    if (checked.live, dead) != (live, deleted) {
        return Err(Corrupt("a stream node's counts differ from its entries"));
    }
    Ok(checked)
}

fn int(item: LpValue<'_>) -> Result<i64, Corrupt> {
    item.as_i64().ok_or(Corrupt("a stream node has text where a number belongs"))
}

fn number(items: &mut Iter<'_>) -> Result<i64, Corrupt> {
    int(items.next().ok_or(Corrupt("a stream node ends within an entry"))?)
}

fn count(items: &mut Iter<'_>) -> Result<u64, Corrupt> {
    u64::try_from(number(items)?).map_err(|_| Corrupt("a stream node has a negative count"))
}

fn pass(items: &mut Iter<'_>, n: u64) -> Result<(), Corrupt> {
    for _ in 0..n {
        if items.next().is_none() {
            return Err(Corrupt("a stream node ends within an entry"));
        }
    }
    Ok(())
}
