//! Reading a listpack whose bytes have been checked.

use super::entry::{backlen, backlen_size, decode, start_of_entry_before};
use super::{COUNT_UNKNOWN, END, HEADER, LpValue};
use crate::encoding::Corrupt;

/// A checked listpack that lies in somebody else's bytes.
///
/// Methods that take a position panic when it is not the offset of an entry of this listpack: positions come from this
/// listpack's own cursor, never from input.
#[derive(Clone, Copy, Debug)]
pub struct ListpackRef<'a> {
    bytes: &'a [u8],
}

impl<'a> ListpackRef<'a> {
    /// Checks `bytes` in full: header, every entry with its backlen, count, terminator. O(n).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        check(bytes)?;
        Ok(Self { bytes })
    }

    /// Bytes known to be sound.
    #[inline]
    pub(super) fn trusted(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() > HEADER);
        Self { bytes }
    }

    /// The wire form.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number of entries; O(1) below 65535, a scan above.
    #[inline]
    pub fn len(&self) -> usize {
        match self.count_field() {
            COUNT_UNKNOWN => self.iter().count(),
            count => usize::from(count),
        }
    }

    #[inline]
    pub(super) fn count_field(&self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    /// Whether there is no entry. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes[HEADER] == END
    }

    /// Position of the first entry.
    #[inline]
    pub fn first(&self) -> Option<usize> {
        self.at(HEADER)
    }

    /// Position of the last entry.
    #[inline]
    pub fn last(&self) -> Option<usize> {
        self.before(self.end())
    }

    /// Position of the entry after the one at `pos`.
    #[inline]
    pub fn next(&self, pos: usize) -> Option<usize> {
        self.at(self.skip(pos))
    }

    /// Position of the entry before the one at `pos`.
    #[inline]
    pub fn prev(&self, pos: usize) -> Option<usize> {
        self.before(pos)
    }

    /// Position of the entry with this index; negative indexes count from the end (-1 is the last). O(n), walking from
    /// the nearer end when the length is known.
    pub fn seek(&self, index: i64) -> Option<usize> {
        let mut index = index;
        if self.count_field() != COUNT_UNKNOWN {
            let len = i64::from(self.count_field());
            if index < -len || index >= len {
                return None;
            }
            if index >= 0 && index > len / 2 {
                index -= len;
            } else if index < 0 && -index > len / 2 {
                index += len;
            }
        }
        if index >= 0 {
            let mut pos = self.first()?;
            for _ in 0..index {
                pos = self.next(pos)?;
            }
            Some(pos)
        } else {
            let mut pos = self.last()?;
            for _ in 0..index.unsigned_abs() - 1 {
                pos = self.prev(pos)?;
            }
            Some(pos)
        }
    }

    /// The entry at `pos`.
    #[inline]
    pub fn get(&self, pos: usize) -> LpValue<'a> {
        self.decode(pos).0
    }

    /// The entry at `pos` and the position of the next one: one step of a forward walk.
    #[inline]
    pub fn get_and_next(&self, pos: usize) -> (LpValue<'a>, Option<usize>) {
        let (value, len) = self.decode(pos);
        (value, self.at(pos + len + backlen_size(len)))
    }

    /// Entries from the first to the last; also from the back.
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter(self.iter_pos())
    }

    /// Entries from the last to the first.
    #[inline]
    pub fn iter_rev(&self) -> std::iter::Rev<Iter<'a>> {
        self.iter().rev()
    }

    /// Entries with their positions.
    #[inline]
    pub fn iter_pos(&self) -> PosIter<'a> {
        PosIter { list: *self, front: HEADER, back: self.end() }
    }

    /// Position of the first entry equal to `needle`, looking at the one at `start`, then leaving out `skip` entries
    /// between one look and the next (1 in a hash: look at fields only).
    #[inline]
    pub fn find(&self, needle: &[u8], start: usize, skip: usize) -> Option<usize> {
        let number = match LpValue::encode(needle) {
            LpValue::Int(n) => Some(n),
            LpValue::Str(_) => None,
        };
        let mut pos = start;
        loop {
            let (value, len) = self.decode(pos);
            let equal = match value {
                LpValue::Int(n) => number == Some(n),
                LpValue::Str(bytes) => bytes == needle,
            };
            if equal {
                return Some(pos);
            }
            pos = self.at(pos + len + backlen_size(len))?;
            for _ in 0..skip {
                pos = self.next(pos)?;
            }
        }
    }

    /// Offset of the terminator.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.bytes.len() - 1
    }

    /// Offset behind the entry at `pos`.
    #[inline]
    pub(super) fn skip(&self, pos: usize) -> usize {
        let len = self.decode(pos).1;
        pos + len + backlen_size(len)
    }

    #[inline]
    fn at(&self, pos: usize) -> Option<usize> {
        (pos < self.end()).then_some(pos)
    }

    #[inline]
    fn before(&self, pos: usize) -> Option<usize> {
        (pos > HEADER).then(|| start_of_entry_before(self.bytes, pos))
    }

    #[inline]
    fn decode(&self, pos: usize) -> (LpValue<'a>, usize) {
        decode(&self.bytes[pos..])
            .expect("positions are entries of this listpack, and it was checked or made here")
    }
}

impl<'a> IntoIterator for ListpackRef<'a> {
    type Item = LpValue<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Entries and their positions, from either end.
#[derive(Clone, Debug)]
pub struct PosIter<'a> {
    list: ListpackRef<'a>,
    front: usize,
    back: usize,
}

impl<'a> Iterator for PosIter<'a> {
    type Item = (usize, LpValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let pos = self.front;
        let (value, len) = self.list.decode(pos);
        self.front = pos + len + backlen_size(len);
        Some((pos, value))
    }
}

impl DoubleEndedIterator for PosIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = start_of_entry_before(self.list.bytes, self.back);
        Some((self.back, self.list.get(self.back)))
    }
}

impl std::iter::FusedIterator for PosIter<'_> {}

/// Entries, from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a>(PosIter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = LpValue<'a>;
    #[inline]
    fn next(&mut self) -> Option<LpValue<'a>> {
        self.0.next().map(|(_, value)| value)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, value)| value)
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

/// The full check of bytes from outside.
pub(super) fn check(bytes: &[u8]) -> Result<(), Corrupt> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Corrupt("listpack is shorter than its header"));
    };
    let [t0, t1, t2, t3, c0, c1] = *header;
    if u32::from_le_bytes([t0, t1, t2, t3]) as usize != bytes.len() {
        return Err(Corrupt("listpack size field disagrees with its size"));
    }
    let Some((&END, entries)) = bytes[HEADER..].split_last() else {
        return Err(Corrupt("listpack has no terminator"));
    };
    let mut rest = entries;
    let mut count = 0usize;
    while !rest.is_empty() {
        let (_, len) = decode(rest)?;
        let (back, size) = backlen(len);
        match rest.get(len..len + size) {
            Some(found) if found == &back[..size] => rest = &rest[len + size..],
            _ => return Err(Corrupt("listpack entry has a wrong backward length")),
        }
        count += 1;
    }
    let field = u16::from_le_bytes([c0, c1]);
    if field != COUNT_UNKNOWN && usize::from(field) != count {
        return Err(Corrupt("listpack count field disagrees with its entries"));
    }
    Ok(())
}
