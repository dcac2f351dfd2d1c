//! The identifier of an entry: 128 bits, written as two decimal numbers with a dash between.

use std::fmt;

use crate::encoding::num;

/// An entry's identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since the epoch, as a rule.
    pub ms: u64,
    /// Number within the millisecond.
    pub seq: u64,
}

/// Longest text of an identifier: two numbers of 20 digits and the dash.
const TEXT_MAX: usize = 41;

/// Redis takes no longer text for an identifier.
const ARGUMENT_MAX: usize = 127;

impl StreamId {
    /// The lowest. No entry has it.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The highest.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// From its two numbers.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// Whether it is 0-0, which stands for "none".
    pub fn is_zero(self) -> bool {
        self == Self::MIN
    }

    /// The next higher one.
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The next lower one.
    pub fn prev(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// The 16 bytes that keep the order.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// From those bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let n = u128::from_be_bytes(bytes);
        Self { ms: (n >> 64) as u64, seq: n as u64 }
    }

    /// The identifier that lies so far from this one, as nodes have it: differences of unsigned numbers stored as
    /// signed ones, which wrap.
    pub(super) fn offset(self, ms: i64, seq: i64) -> Self {
        Self { ms: self.ms.wrapping_add_signed(ms), seq: self.seq.wrapping_add_signed(seq) }
    }

    /// The other way round.
    pub(super) fn distance(self, from: Self) -> (i64, i64) {
        (self.ms.wrapping_sub(from.ms) as i64, self.seq.wrapping_sub(from.seq) as i64)
    }

    /// Its text, without an allocation.
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; TEXT_MAX], len: 0 };
        let mut buf = itoa::Buffer::new();
        text.push(buf.format(self.ms).as_bytes());
        text.push(b"-");
        text.push(buf.format(self.seq).as_bytes());
        text
    }

    /// Reads `ms-seq` or `ms` (the sequence number is then `missing_seq`) as leniently as Redis does.
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<Self> {
        match Self::parse_auto(text, missing_seq)? {
            (id, false) => Some(id),
            (_, true) => None,
        }
    }

    /// The same; in the form `ms-*` the sequence number is 0 and the flag set.
    pub fn parse_auto(text: &[u8], missing_seq: u64) -> Option<(Self, bool)> {
        if text.len() > ARGUMENT_MAX {
            return None;
        }
        // As a C string.
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let Some(dash) = text.iter().position(|&byte| byte == b'-') else {
            return Some((Self { ms: num::parse_u64_lenient(text)?, seq: missing_seq }, false));
        };
        let ms = num::parse_u64_lenient(&text[..dash])?;
        match &text[dash + 1..] {
            b"*" => Some((Self { ms, seq: 0 }, true)),
            seq => Some((Self { ms, seq: num::parse_u64_lenient(seq)? }, false)),
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text of an identifier.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; TEXT_MAX],
    len: u8,
}

impl IdText {
    fn push(&mut self, part: &[u8]) {
        let at = usize::from(self.len);
        self.bytes[at..at + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }
}

impl AsRef<[u8]> for IdText {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let id = |text: &str| StreamId::parse(text.as_bytes(), 7);
        assert_eq!(id("5"), Some(StreamId::new(5, 7)));
        assert_eq!(id("5-0"), Some(StreamId::new(5, 0)));
        assert_eq!(id("05-+1"), Some(StreamId::new(5, 1)));
        assert_eq!(id("18446744073709551615-18446744073709551615"), Some(StreamId::MAX));
        assert_eq!(id("5-1\0x"), Some(StreamId::new(5, 1)));
        for bad in ["", "-", "+", "*", "5-", "-5", "5-*", "5-1-1", "a", "5-a", "18446744073709551616", "1.5"]
        {
            assert_eq!(id(bad), None, "{bad}");
        }
        assert_eq!(id(&format!("{}1", "0".repeat(126))), Some(StreamId::new(1, 7)));
        assert_eq!(id(&format!("{}1", "0".repeat(127))), None);
        assert_eq!(StreamId::parse_auto(b"5-*", 0), Some((StreamId::new(5, 0), true)));
        assert_eq!(StreamId::MAX.text().as_ref(), StreamId::MAX.to_string().as_bytes());
        assert_eq!(StreamId::MIN.text().as_ref(), b"0-0");
    }

    #[test]
    fn neighbours_and_distances() {
        assert_eq!(StreamId::new(1, u64::MAX).next(), Some(StreamId::new(2, 0)));
        assert_eq!(StreamId::new(2, 0).prev(), Some(StreamId::new(1, u64::MAX)));
        assert_eq!((StreamId::MAX.next(), StreamId::MIN.prev()), (None, None));
        for (a, b) in [(StreamId::MIN, StreamId::MAX), (StreamId::new(5, 9), StreamId::new(6, 0))] {
            let (ms, seq) = b.distance(a);
            assert_eq!(a.offset(ms, seq), b);
        }
        assert_eq!(StreamId::from_bytes(StreamId::new(1, 2).to_bytes()), StreamId::new(1, 2));
    }
}
