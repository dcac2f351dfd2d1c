//! Ziplist: the listpack's ancestor, in snapshots of servers before 7.0. Read only.
//!
//! ```text
//! u32 LE total bytes | u32 LE offset of the last entry | u16 LE count (65535: unknown) | entry … | FF
//! entry = size of the previous entry (one byte below 254, or FE and u32 LE) | encoding | data
//! ```
//!
//! | encoding              | data                          |
//! |-----------------------|-------------------------------|
//! | `00llllll`            | string up to 63               |
//! | `01llllll` +1         | string, length big-endian     |
//! | `10000000` u32 **BE** | string                        |
//! | `C0` `D0` `E0`        | integer of 2, 4, 8 bytes, LE  |
//! | `F0`                  | integer of 3 bytes, LE        |
//! | `FE`                  | integer of 1 byte             |
//! | `F1`–`FD`             | 0–12                          |

use super::Corrupt;
use super::listpack::LpValue;

const HEADER: usize = 10;
const END: u8 = 0xFF;
const LONG_PREVIOUS: u8 = 0xFE;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A checked ziplist that lies in somebody else's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Ziplist<'a> {
    entries: &'a [u8],
    count: usize,
}

impl<'a> Ziplist<'a> {
    /// Checks `bytes` in full: header, every entry, each size of the previous one, tail offset, count, terminator. O(n).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(Corrupt("ziplist is shorter than its header"));
        };
        let &[b0, b1, b2, b3, t0, t1, t2, t3, c0, c1] = header;
        if u32::from_le_bytes([b0, b1, b2, b3]) as usize != bytes.len() {
            return Err(Corrupt("ziplist size field disagrees with its size"));
        }
        let Some((&END, entries)) = rest.split_last() else {
            return Err(Corrupt("ziplist has no terminator"));
        };
        let (mut at, mut previous, mut count) = (0, 0, 0usize);
        while at < entries.len() {
            let entry = decode(&entries[at..])?;
            if entry.previous != previous {
                return Err(Corrupt("ziplist entry has a wrong size of the previous one"));
            }
            previous = entry.size;
            at += entry.size;
            count += 1;
        }
        let last = HEADER + at - previous;
        if u32::from_le_bytes([t0, t1, t2, t3]) as usize != last {
            return Err(Corrupt("ziplist tail offset is not that of the last entry"));
        }
        let field = u16::from_le_bytes([c0, c1]);
        if field != COUNT_UNKNOWN && usize::from(field) != count {
            return Err(Corrupt("ziplist count field disagrees with its entries"));
        }
        Ok(Self { entries, count })
    }

    /// Number of entries. O(1).
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Entries from the first to the last.
    pub fn iter(&self) -> Iter<'a> {
        Iter { entries: self.entries, left: self.count }
    }
}

impl<'a> IntoIterator for Ziplist<'a> {
    type Item = LpValue<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Entries of a ziplist.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    entries: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = LpValue<'a>;

    fn next(&mut self) -> Option<LpValue<'a>> {
        if self.left == 0 {
            return None;
        }
        let entry = decode(self.entries).ok()?;
        self.entries = &self.entries[entry.size..];
        self.left -= 1;
        Some(entry.value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl std::iter::FusedIterator for Iter<'_> {}

struct Entry<'a> {
    previous: usize,
    value: LpValue<'a>,
    size: usize,
}

/// Reads the entry at the start of `bytes`, trusting nothing.
fn decode(bytes: &[u8]) -> Result<Entry<'_>, Corrupt> {
    let mut input = Input { rest: bytes };
    let previous = match input.byte()? {
        LONG_PREVIOUS => u32::from_le_bytes(input.array()?) as usize,
        END => return Err(Corrupt("ziplist ends before its declared size")),
        short => usize::from(short),
    };
    let encoding = input.byte()?;
    let value = match encoding {
        0..=0x3F => LpValue::Str(input.take(usize::from(encoding))?),
        0x40..=0x7F => {
            let len = usize::from(encoding & 0x3F) << 8 | usize::from(input.byte()?);
            LpValue::Str(input.take(len)?)
        }
        0x80 => {
            let len = u32::from_be_bytes(input.array()?) as usize;
            LpValue::Str(input.take(len)?)
        }
        0xC0 => LpValue::Int(i64::from(i16::from_le_bytes(input.array()?))),
        0xD0 => LpValue::Int(i64::from(i32::from_le_bytes(input.array()?))),
        0xE0 => LpValue::Int(i64::from_le_bytes(input.array()?)),
        0xF0 => {
            let [a, b, c] = input.array()?;
            LpValue::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8))
        }
        0xFE => LpValue::Int(i64::from(i8::from_le_bytes(input.array()?))),
        0xF1..=0xFD => LpValue::Int(i64::from(encoding - 0xF1)),
        _ => return Err(Corrupt("ziplist entry has an unknown encoding")),
    };
    Ok(Entry { previous, value, size: bytes.len() - input.rest.len() })
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or(Corrupt("ziplist entry reaches beyond the end"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let taken = self.take(N)?;
        Ok(*taken.first_chunk().ok_or(Corrupt("ziplist entry reaches beyond the end"))?)
    }

    fn byte(&mut self) -> Result<u8, Corrupt> {
        self.array().map(|[byte]| byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::tests::hex;
    use proptest::prelude::*;

    fn texts(list: Ziplist<'_>) -> Vec<String> {
        list.iter().map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
    }

    /// Blobs saved by Redis 6.2.5, and a small one by hand. The long list of all encodings is read in `lzf`.
    #[test]
    fn reads_what_redis_wrote() {
        for (blob, want) in [
            ("17 00 00 00 13 00 00 00 04 00 00 01 66 03 01 76 03 01 6e 03 fe 2a ff", "f v n 42"),
            (
                "3a 00 00 00 34 00 00 00 0a 00 00 04 6e 69 6e 66 06 04 2d 69 6e 66 06 03 6f
                 6e 65 05 f2 02 07 6f 6e 65 68 61 6c 66 09 03 31 2e 35 05 f4 02 f4 02 03 69 6e 66 05 03 69 6e 66 ff",
                "ninf -inf one 1 onehalf 1.5 3 3 inf inf",
            ),
            ("19 00 00 00 16 00 00 00 04 00 00 03 6f 6e 65 05 f2 02 03 74 77 6f 05 f3 ff", "one 1 two 2"),
            // A long form of the previous size is sound, whatever the size: old servers leave them behind.
            ("14 00 00 00 0d 00 00 00 02 00 00 01 66 fe 03 00 00 00 fd ff", "f 12"),
        ] {
            let bytes = hex(blob);
            let list = Ziplist::from_bytes(&bytes).unwrap();
            assert_eq!(texts(list).join(" "), want);
            assert_eq!(list.len(), want.split(' ').count());
        }
        assert!(
            Ziplist::from_bytes(&hex("0b 00 00 00 0a 00 00 00 00 00 ff")).is_ok_and(|list| list.is_empty())
        );
    }

    #[test]
    fn integers_of_every_width() {
        let entries =
            "00 fe 80 | 03 c0 00 80 | 04 f0 00 00 80 | 05 d0 00 00 00 80 | 06 e0 00 00 00 00 00 00 00 80
            | 0a f1 | 02 80 00 00 00 01 78";
        let entries = hex(entries);
        let mut bytes = hex("00 00 00 00 00 00 00 00 ff ff");
        bytes.extend_from_slice(&entries);
        bytes.push(END);
        bytes[0] = bytes.len() as u8;
        bytes[4] = bytes.len() as u8 - 8;
        let list = Ziplist::from_bytes(&bytes).unwrap();
        assert_eq!(
            texts(list),
            ["-128", "-32768", "-8388608", "-2147483648", "-9223372036854775808", "0", "x"]
        );
    }

    #[test]
    fn damage_is_refused() {
        let good = "17 00 00 00 13 00 00 00 04 00 00 01 66 03 01 76 03 01 6e 03 fe 2a ff";
        for (bytes, why) in [
            (String::new(), "shorter than its header"),
            (good.replace("2a ff", "2a fe"), "no terminator"),
            (good.replace("17 00", "18 00"), "size field"),
            (good.replace("13 00", "10 00"), "tail offset"),
            (good.replace("04 00", "05 00"), "count field"),
            (good.replace("76 03", "76 04"), "previous one"),
            (good.replace("01 76", "3f 76"), "beyond the end"),
            (good.replace("fe 2a", "ff 2a"), "unknown encoding"),
            (good.replace("03 01 76", "ff 01 76"), "before its declared size"),
        ] {
            let error = Ziplist::from_bytes(&hex(&bytes)).unwrap_err();
            assert!(error.0.contains(why), "{bytes}: {error}");
        }
    }

    #[test]
    fn no_damage_panics() {
        let good = hex("3a 00 00 00 34 00 00 00 0a 00 00 04 6e 69 6e 66 06 04 2d 69 6e 66 06 03 6f
            6e 65 05 f2 02 07 6f 6e 65 68 61 6c 66 09 03 31 2e 35 05 f4 02 f4 02 03 69 6e 66 05 03 69 6e 66 ff");
        for cut in 0..good.len() {
            assert!(Ziplist::from_bytes(&good[..cut]).is_err());
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good.clone();
                bad[at] = byte;
                if let Ok(list) = Ziplist::from_bytes(&bad) {
                    assert_eq!(list.iter().count(), list.len());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 11..64)) {
            let total = bytes.len() as u32;
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            bytes[8..HEADER + 1].copy_from_slice(&[0xFF, 0xFF, 0]);
            bytes.pop();
            bytes.push(END);
            if let Ok(list) = Ziplist::from_bytes(&bytes) {
                prop_assert_eq!(list.iter().count(), list.len());
            }
        }
    }
}
