//! A listpack that can be changed.

use super::entry::Encoded;
use super::view::check;
use super::{COUNT_UNKNOWN, END, HEADER, Iter, ListpackRef, LpValue, PosIter, SAFETY_LIMIT};
use crate::encoding::{Corrupt, reserve_tight};

/// A listpack in its own allocation, always in wire form.
///
/// Work at the end is amortised O(1); elsewhere the bytes behind the place move. Whoever adds asks
/// [`safe_to_add`](Self::safe_to_add) first: a listpack of 4 GB can not be written down, and an attempt panics.
#[derive(Clone, Debug)]
pub struct Listpack {
    bytes: Vec<u8>,
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Listpack {}

impl Listpack {
    /// An empty listpack.
    pub fn new() -> Self {
        Self::with_capacity(HEADER + 1)
    }

    /// An empty listpack with room for `bytes` bytes, header and terminator included.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut list = Vec::with_capacity(bytes.max(HEADER + 1));
        list.extend_from_slice(&[HEADER as u8 + 1, 0, 0, 0, 0, 0, END]);
        Self { bytes: list }
    }

    /// Takes over bytes from outside after checking them in full. O(n).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        check(&bytes)?;
        Ok(Self { bytes })
    }

    /// The wire form.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The wire form, as a vector.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A borrowed view, `Copy` and with the same reading methods.
    #[inline]
    pub fn view(&self) -> ListpackRef<'_> {
        ListpackRef::trusted(&self.bytes)
    }

    /// Number of entries; O(1) below 65535, a scan above.
    #[inline]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there is no entry. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// Heap bytes held.
    #[inline]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether `add` more bytes keep the listpack below Redis's limit of 1 GB.
    #[inline]
    pub fn safe_to_add(&self, add: usize) -> bool {
        self.bytes.len().saturating_add(add) <= SAFETY_LIMIT
    }

    /// Gives back memory kept for growth.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Position of the first entry.
    #[inline]
    pub fn first(&self) -> Option<usize> {
        self.view().first()
    }

    /// Position of the last entry.
    #[inline]
    pub fn last(&self) -> Option<usize> {
        self.view().last()
    }

    /// See [`ListpackRef::next`].
    #[inline]
    pub fn next(&self, pos: usize) -> Option<usize> {
        self.view().next(pos)
    }

    /// See [`ListpackRef::prev`].
    #[inline]
    pub fn prev(&self, pos: usize) -> Option<usize> {
        self.view().prev(pos)
    }

    /// See [`ListpackRef::seek`].
    #[inline]
    pub fn seek(&self, index: i64) -> Option<usize> {
        self.view().seek(index)
    }

    /// See [`ListpackRef::get`].
    #[inline]
    pub fn get(&self, pos: usize) -> LpValue<'_> {
        self.view().get(pos)
    }

    /// See [`ListpackRef::get_and_next`].
    #[inline]
    pub fn get_and_next(&self, pos: usize) -> (LpValue<'_>, Option<usize>) {
        self.view().get_and_next(pos)
    }

    /// See [`ListpackRef::find`].
    #[inline]
    pub fn find(&self, needle: &[u8], start: usize, skip: usize) -> Option<usize> {
        self.view().find(needle, start, skip)
    }

    /// Entries from the first to the last; also from the back.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Entries from the last to the first.
    #[inline]
    pub fn iter_rev(&self) -> std::iter::Rev<Iter<'_>> {
        self.view().iter_rev()
    }

    /// Entries with their positions.
    #[inline]
    pub fn iter_pos(&self) -> PosIter<'_> {
        self.view().iter_pos()
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(&mut self, element: &[u8]) {
        self.push_value(LpValue::encode(element));
    }

    /// Adds an integer at the end.
    #[inline]
    pub fn push_int(&mut self, n: i64) {
        self.push_value(LpValue::Int(n));
    }

    /// Adds a value at the end, in the form given.
    #[inline]
    pub fn push_value(&mut self, value: LpValue<'_>) {
        let end = self.view().end();
        self.put(end, 0, value);
        self.count_add(1);
    }

    /// Adds an element at the front. Moves all others.
    pub fn push_front(&mut self, element: &[u8]) {
        self.insert_value(HEADER, LpValue::encode(element));
    }

    /// Inserts an element before the entry at `pos`; the new one is then at `pos`, which is returned.
    pub fn insert_before(&mut self, pos: usize, element: &[u8]) -> usize {
        self.insert_value(pos, LpValue::encode(element))
    }

    /// Inserts an element behind the entry at `pos` and returns the new one's position.
    pub fn insert_after(&mut self, pos: usize, element: &[u8]) -> usize {
        self.insert_value(self.view().skip(pos), LpValue::encode(element))
    }

    /// As [`insert_before`](Self::insert_before), with the form given.
    pub fn insert_value(&mut self, pos: usize, value: LpValue<'_>) -> usize {
        self.put(pos, 0, value);
        self.count_add(1);
        pos
    }

    /// Replaces the entry at `pos`, which stays its position.
    pub fn replace(&mut self, pos: usize, element: &[u8]) {
        self.replace_value(pos, LpValue::encode(element));
    }

    /// Replaces the entry at `pos` by an integer.
    pub fn replace_int(&mut self, pos: usize, n: i64) {
        self.replace_value(pos, LpValue::Int(n));
    }

    /// As [`replace`](Self::replace), with the form given.
    pub fn replace_value(&mut self, pos: usize, value: LpValue<'_>) {
        let old = self.view().skip(pos) - pos;
        self.put(pos, old, value);
    }

    /// Removes the entry at `pos`; gives the position of the one that followed (which is `pos` again).
    pub fn remove(&mut self, pos: usize) -> Option<usize> {
        self.remove_span(pos, 1).1
    }

    /// Removes up to `count` entries from `pos` on; gives how many there were, and the position of what follows them.
    pub fn remove_span(&mut self, pos: usize, count: usize) -> (usize, Option<usize>) {
        let view = self.view();
        let mut end = pos;
        let mut removed = 0;
        while removed < count && end < view.end() {
            end = view.skip(end);
            removed += 1;
        }
        if removed > 0 {
            self.bytes.copy_within(end.., pos);
            self.bytes.truncate(self.bytes.len() - (end - pos));
            self.write_total();
            self.count_sub(removed);
        }
        (removed, (pos < self.view().end()).then_some(pos))
    }

    /// Removes up to `count` entries from `index` on (negative: from the end); gives how many there were.
    pub fn remove_range(&mut self, index: i64, count: usize) -> usize {
        match self.seek(index) {
            Some(pos) => self.remove_span(pos, count).0,
            None => 0,
        }
    }

    /// Removes everything and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[HEADER as u8 + 1, 0, 0, 0, 0, 0, END]);
    }

    /// Adds all entries of `other` at the end, as they are.
    pub fn append(&mut self, other: ListpackRef<'_>) {
        reserve_tight(&mut self.bytes, other.bytes().len());
        let added = other.len();
        self.bytes.pop();
        self.bytes.extend_from_slice(&other.bytes()[HEADER..]);
        self.write_total();
        self.count_add(added);
    }

    /// Cuts the entries from `pos` on off into a listpack of their own.
    pub fn split_off(&mut self, pos: usize) -> Self {
        let kept = self.view().iter_pos().take_while(|&(at, _)| at < pos).count();
        let moved = self.len() - kept;
        let mut tail = Self::with_capacity(HEADER + self.bytes.len() - pos);
        tail.bytes.pop();
        tail.bytes.extend_from_slice(&self.bytes[pos..]);
        tail.write_total();
        tail.count_add(moved);
        self.bytes.truncate(pos);
        self.bytes.push(END);
        self.write_total();
        self.write_count(kept);
        tail
    }

    /// Replaces the `old` bytes at `pos` by the entry of `value`; the count is the caller's.
    fn put(&mut self, pos: usize, old: usize, value: LpValue<'_>) {
        let entry = Encoded::new(value);
        let new = entry.entry_size();
        let len = self.bytes.len();
        if new > old {
            reserve_tight(&mut self.bytes, new - old);
            self.bytes.resize(len + (new - old), END);
            self.bytes.copy_within(pos + old..len, pos + new);
        } else if new < old {
            self.bytes.copy_within(pos + old..len, pos + new);
            self.bytes.truncate(len - (old - new));
        }
        entry.write(&mut self.bytes[pos..pos + new]);
        self.write_total();
    }

    fn write_total(&mut self) {
        let total = u32::try_from(self.bytes.len()).expect("whoever adds keeps a listpack below 1 GB");
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
    }

    /// A count once unknown stays so until the listpack is built anew, as in Redis.
    fn count_add(&mut self, added: usize) {
        let field = self.view().count_field();
        if field != COUNT_UNKNOWN {
            self.write_count(usize::from(field).saturating_add(added));
        }
    }

    fn count_sub(&mut self, removed: usize) {
        let field = self.view().count_field();
        if field != COUNT_UNKNOWN {
            self.write_count(usize::from(field) - removed);
        } else if self.is_empty() {
            self.write_count(0);
        }
    }

    fn write_count(&mut self, count: usize) {
        let field = u16::try_from(count).unwrap_or(COUNT_UNKNOWN);
        self.bytes[4..HEADER].copy_from_slice(&field.to_le_bytes());
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = LpValue<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
