//! One entry of a listpack: the value it stands for, and the bytes that stand for it.

use super::END;
use crate::encoding::{Corrupt, num};
use std::cmp::Ordering;

/// What an entry holds. Integers and strings with the same text are the same element to Redis.
#[derive(Clone, Copy, Debug)]
pub enum LpValue<'a> {
    /// Stored as a number; its text is the canonical decimal.
    Int(i64),
    /// Stored as bytes.
    Str(&'a [u8]),
}

impl<'a> LpValue<'a> {
    /// The form `bytes` take in a listpack: an integer when they are the canonical text of one.
    #[inline]
    pub fn encode(bytes: &'a [u8]) -> Self {
        match num::parse_i64(bytes) {
            Some(n) => Self::Int(n),
            None => Self::Str(bytes),
        }
    }

    /// The element's bytes; `buf` holds them when they have to be made from a number.
    #[inline]
    pub fn as_bytes<'b>(&self, buf: &'b mut num::NumBuf) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Self::Int(n) => {
                buf.set_i64(n);
                buf.as_bytes()
            }
            Self::Str(bytes) => bytes,
        }
    }

    /// Whether the element's bytes are `other`.
    #[inline]
    pub fn eq_bytes(&self, other: &[u8]) -> bool {
        match *self {
            Self::Int(n) => num::parse_i64(other) == Some(n),
            Self::Str(bytes) => bytes == other,
        }
    }

    /// Order of the element's bytes against `other`, as `memcmp` and then length.
    pub fn cmp_bytes(&self, other: &[u8]) -> Ordering {
        let mut buf = num::NumBuf::new();
        self.as_bytes(&mut buf).cmp(other)
    }

    /// Length of the element's bytes.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "an element's length is STRLEN, emptiness has no use")]
    pub fn len(&self) -> usize {
        match *self {
            Self::Int(n) => num::i64_text_len(n),
            Self::Str(bytes) => bytes.len(),
        }
    }

    /// A copy of the element's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut buf = num::NumBuf::new();
        self.as_bytes(&mut buf).to_vec()
    }

    /// Appends the element's bytes to `out`.
    #[inline]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes()),
            Self::Str(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The element as an integer when its text is the canonical decimal of one.
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Int(n) => Some(n),
            Self::Str(bytes) => num::parse_i64(bytes),
        }
    }
}

impl PartialEq for LpValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Str(a), _) => other.eq_bytes(a),
            (_, Self::Str(b)) => self.eq_bytes(b),
        }
    }
}

impl Eq for LpValue<'_> {}

/// Bytes that the backward length of an entry of `len` bytes takes. The limits are Redis's, not powers of two.
#[inline]
pub(super) const fn backlen_size(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16382 => 2,
        16383..=2097150 => 3,
        2097151..=268435454 => 4,
        _ => 5,
    }
}

/// The backward length of an entry of `len` bytes: 7-bit groups, most significant first, all but the first marked.
#[inline]
pub(super) fn backlen(len: usize) -> ([u8; 5], usize) {
    let size = backlen_size(len);
    let mut out = [0; 5];
    for (i, byte) in out[..size].iter_mut().enumerate() {
        let group = (len >> (7 * (size - 1 - i))) as u8 & 127;
        *byte = if i == 0 { group } else { group | 128 };
    }
    (out, size)
}

/// Where the entry that ends just before `end` starts.
#[inline]
pub(super) fn start_of_entry_before(bytes: &[u8], end: usize) -> usize {
    let mut len = 0;
    let mut size = 0;
    loop {
        let byte = bytes[end - 1 - size];
        len |= usize::from(byte & 127) << (7 * size);
        size += 1;
        if byte & 128 == 0 || size == 5 {
            return end - size - len;
        }
    }
}

/// Bytes an element takes in a listpack, all included.
pub fn entry_size_for(element: &[u8]) -> usize {
    Encoded::new(LpValue::encode(element)).entry_size()
}

/// An entry ready to be written: lead bytes (a whole integer, or a string's length) and the string.
pub(super) struct Encoded<'a> {
    lead: [u8; 9],
    lead_len: usize,
    data: &'a [u8],
}

impl<'a> Encoded<'a> {
    #[inline]
    pub(super) fn new(value: LpValue<'a>) -> Self {
        let mut lead = [0; 9];
        let mut data: &[u8] = &[];
        let lead_len = match value {
            LpValue::Int(n) => encode_int(n, &mut lead),
            LpValue::Str(bytes) => {
                data = bytes;
                match bytes.len() {
                    len @ 0..=63 => {
                        lead[0] = 0x80 | len as u8;
                        1
                    }
                    len @ 64..=4095 => {
                        lead[0] = 0xE0 | (len >> 8) as u8;
                        lead[1] = len as u8;
                        2
                    }
                    len => {
                        lead[0] = 0xF0;
                        // Longer than u32 means longer than any listpack; the owner of the bytes checks its total.
                        lead[1..5].copy_from_slice(&(len as u32).to_le_bytes());
                        5
                    }
                }
            }
        };
        Self { lead, lead_len, data }
    }

    #[inline]
    pub(super) fn entry_size(&self) -> usize {
        let len = self.lead_len + self.data.len();
        len + backlen_size(len)
    }

    /// Writes the entry; `out` has exactly [`Self::entry_size`] bytes.
    #[inline]
    pub(super) fn write(&self, out: &mut [u8]) {
        let (lead, rest) = out.split_at_mut(self.lead_len);
        lead.copy_from_slice(&self.lead[..self.lead_len]);
        let (data, tail) = rest.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        let (back, size) = backlen(self.lead_len + self.data.len());
        tail.copy_from_slice(&back[..size]);
    }
}

#[inline]
fn encode_int(n: i64, lead: &mut [u8; 9]) -> usize {
    let le = n.to_le_bytes();
    let (code, width) = match n {
        0..=127 => {
            lead[0] = n as u8;
            return 1;
        }
        -4096..=4095 => {
            lead[0] = 0xC0 | ((n >> 8) as u8 & 0x1F);
            lead[1] = n as u8;
            return 2;
        }
        -0x8000..=0x7FFF => (0xF1, 2),
        -0x80_0000..=0x7F_FFFF => (0xF2, 3),
        -0x8000_0000..=0x7FFF_FFFF => (0xF3, 4),
        _ => (0xF4, 8),
    };
    lead[0] = code;
    lead[1..=width].copy_from_slice(&le[..width]);
    width + 1
}

/// Kind, start and end of an entry's payload, from its first bytes. The end is not checked against anything.
enum Payload {
    Int(i64),
    /// Bytes of the length field, and of the data behind it.
    Str(usize, usize),
}

/// Reads the entry at the start of `bytes`: its value and the size of encoding and data, without the backlen.
/// Nothing outside `bytes` is trusted.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Result<(LpValue<'_>, usize), Corrupt> {
    const SHORT: Corrupt = Corrupt("listpack entry reaches beyond the end");
    let &first = bytes.first().ok_or(SHORT)?;
    let payload = match first {
        0..=0x7F => return Ok((LpValue::Int(i64::from(first)), 1)),
        0x80..=0xBF => Payload::Str(1, usize::from(first & 0x3F)),
        0xC0..=0xDF => {
            let &second = bytes.get(1).ok_or(SHORT)?;
            let raw = i64::from(first & 0x1F) << 8 | i64::from(second);
            return Ok((LpValue::Int(raw << 51 >> 51), 2));
        }
        0xE0..=0xEF => {
            let &second = bytes.get(1).ok_or(SHORT)?;
            Payload::Str(2, usize::from(first & 0x0F) << 8 | usize::from(second))
        }
        0xF0 => {
            let len: [u8; 4] = *bytes.get(1..).and_then(<[u8]>::first_chunk).ok_or(SHORT)?;
            Payload::Str(5, u32::from_le_bytes(len) as usize)
        }
        0xF1..=0xF4 => {
            let width = if first == 0xF4 { 8 } else { usize::from(first - 0xEF) };
            let data = bytes.get(1..=width).ok_or(SHORT)?;
            let mut le = [0; 8];
            le[..width].copy_from_slice(data);
            let unused = 64 - 8 * width as u32;
            Payload::Int(i64::from_le_bytes(le) << unused >> unused)
        }
        0xF5..END => return Err(Corrupt("listpack entry has an unknown encoding")),
        END => return Err(Corrupt("listpack ends before its declared size")),
    };
    match payload {
        Payload::Int(n) => Ok((LpValue::Int(n), if first == 0xF4 { 9 } else { usize::from(first - 0xEE) })),
        Payload::Str(lead, len) => {
            let end = lead.checked_add(len).ok_or(SHORT)?;
            let data = bytes.get(lead..end).ok_or(SHORT)?;
            Ok((LpValue::Str(data), end))
        }
    }
}
