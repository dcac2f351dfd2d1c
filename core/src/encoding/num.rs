//! Numbers as Redis reads and prints them.
//!
//! A string *is* an integer only when it is the one canonical text of that integer (`string2ll`): the compact encodings
//! replace such strings by the number and must give back the same bytes.

use std::fmt;
use std::ops::Deref;

pub use super::dtoa::{fmt_f64, fmt_f64_digits, whole as f64_as_i64};
pub use super::float::{parse_f64, strtod};

/// Reads the canonical decimal text of an `i64` as Redis's `string2ll`: no sign but a leading `-`, no leading zero,
/// no `-0`, no blanks.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let magnitude = canonical_digits(digits)?;
    if negative {
        // "-0" is not canonical; i64::MIN has a magnitude one above i64::MAX.
        if magnitude == 0 {
            return None;
        }
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Reads the canonical decimal text of a `u64`: digits only, no leading zero.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    canonical_digits(text)
}

/// Reads an unsigned number as Redis's `string2ull` does for stream ids: besides canonical text, whatever
/// `strtoull(…, 10)` takes whole, that is leading blanks, `+`, leading zeros, and a `-` that wraps around.
pub fn parse_u64_lenient(text: &[u8]) -> Option<u64> {
    if let Some(n) = parse_i64(text) {
        return u64::try_from(n).ok();
    }
    let blanks = text.iter().take_while(|&&b| is_space(b)).count();
    let (negative, digits) = match &text[blanks..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut n: u64 = 0;
    for &digit in digits {
        n = n.checked_mul(10)?.checked_add(u64::from(decimal(digit)?))?;
    }
    Some(if negative { n.wrapping_neg() } else { n })
}

fn canonical_digits(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0'] => return Some(0),
        // 20 digits are the longest a u64 has.
        [b'1'..=b'9', ..] if digits.len() <= 20 => {}
        _ => return None,
    }
    // 19 digits can not overflow, only a twentieth can.
    let (head, tail) = digits.split_at(digits.len().min(19));
    let mut n: u64 = 0;
    for &digit in head {
        n = n * 10 + u64::from(decimal(digit)?);
    }
    match tail {
        [] => Some(n),
        [last, ..] => n.checked_mul(10)?.checked_add(u64::from(decimal(*last)?)),
    }
}

#[inline]
fn decimal(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit)
}

/// C's `isspace` in the "C" locale.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

/// A short number text on the stack; reads as a byte slice.
#[derive(Clone, Copy)]
pub struct NumBuf {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl NumBuf {
    /// Room for the longest `i64`, and for the longest `f64` text.
    pub const CAPACITY: usize = 31;

    /// An empty buffer.
    #[inline]
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// The text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text; always ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Replaces the text by the decimal digits of `n`.
    #[inline]
    pub fn set_i64(&mut self, n: i64) {
        self.set(itoa::Buffer::new().format(n).as_bytes());
    }

    #[inline]
    pub(super) fn set(&mut self, text: &[u8]) {
        debug_assert!(text.len() <= Self::CAPACITY && text.is_ascii());
        self.bytes[..text.len()].copy_from_slice(text);
        self.len = text.len() as u8;
    }
}

impl Default for NumBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for NumBuf {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for NumBuf {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for NumBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for NumBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The decimal text of `n`.
#[inline]
pub fn fmt_i64(n: i64) -> NumBuf {
    let mut buf = NumBuf::new();
    buf.set_i64(n);
    buf
}

/// How many bytes [`fmt_i64`] gives for `n`.
#[inline]
pub fn i64_text_len(n: i64) -> usize {
    let digits = n.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1);
    digits + usize::from(n < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_integers_are_integers() {
        for (text, want) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551615", None),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("100000000000000000000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            ("-01", None),
            ("00", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
            ("1/", None),
            ("1:", None),
            ("0x1", None),
            ("1.0", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn unsigned_texts() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"-1"), None);
        assert_eq!(parse_u64(b"07"), None);
        assert_eq!(parse_u64_lenient(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64_lenient(b"0007"), Some(7));
        assert_eq!(parse_u64_lenient(b"+7"), Some(7));
        assert_eq!(parse_u64_lenient(b" \t7"), Some(7));
        assert_eq!(parse_u64_lenient(b"-7"), None);
        assert_eq!(parse_u64_lenient(b"-07"), Some(u64::MAX - 6));
        assert_eq!(parse_u64_lenient(b"7 "), None);
        assert_eq!(parse_u64_lenient(b""), None);
        assert_eq!(parse_u64_lenient(b"+"), None);
        assert_eq!(parse_u64_lenient(b"18446744073709551616"), None);
    }

    proptest! {
        #[test]
        fn integer_text_round_trips(n in any::<i64>(), shift in 0u32..64) {
            let n = n >> shift;
            let text = fmt_i64(n);
            prop_assert_eq!(text.as_str(), n.to_string());
            prop_assert_eq!(text.len(), i64_text_len(n));
            prop_assert_eq!(parse_i64(&text), Some(n));
        }

        #[test]
        fn what_parses_prints_the_same(text in "[-+ 0-9]{0,21}") {
            if let Some(n) = parse_i64(text.as_bytes()) {
                prop_assert_eq!(fmt_i64(n).to_string(), text);
            } else if let Ok(n) = text.parse::<i64>() {
                prop_assert_ne!(n.to_string(), text);
            }
        }
    }
}
