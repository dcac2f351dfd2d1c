//! Zipmap: small hashes in snapshots of Redis 2.2 and 2.4. Read only.
//!
//! ```text
//! count (254 and above: unknown) | pair … | FF
//! pair = key length | key | value length | unused u8 | value | unused bytes
//! length = one byte up to 253, or FE and u32 LE
//! ```
//!
//! The long form of a short length is refused: nothing ever wrote it, and sizes computed from it have been an attack.

use super::Corrupt;

const END: u8 = 0xFF;
const LONG_LENGTH: u8 = 0xFE;
const COUNT_UNKNOWN: u8 = 0xFE;

/// A checked zipmap that lies in somebody else's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Zipmap<'a> {
    pairs: &'a [u8],
    count: usize,
}

impl<'a> Zipmap<'a> {
    /// Checks `bytes` in full: every pair, count, terminator. Fields that occur twice are the caller's to find. O(n).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let Some((&field, rest)) = bytes.split_first() else {
            return Err(Corrupt("zipmap is empty"));
        };
        let Some((&END, pairs)) = rest.split_last() else {
            return Err(Corrupt("zipmap has no terminator"));
        };
        let mut rest = pairs;
        let mut count = 0usize;
        while !rest.is_empty() {
            rest = decode(rest)?.2;
            count += 1;
        }
        if field < COUNT_UNKNOWN && usize::from(field) != count {
            return Err(Corrupt("zipmap count disagrees with its pairs"));
        }
        Ok(Self { pairs, count })
    }

    /// Number of pairs. O(1).
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Pairs of field and value, in file order.
    pub fn iter(&self) -> Iter<'a> {
        Iter { rest: self.pairs }
    }
}

impl<'a> IntoIterator for Zipmap<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Pairs of a zipmap.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, value, rest) = decode(self.rest).ok()?;
        self.rest = rest;
        Some((field, value))
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

type Pair<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Reads the pair at the start of `bytes`, trusting nothing: field, value, what follows.
fn decode(bytes: &[u8]) -> Result<Pair<'_>, Corrupt> {
    let (len, rest) = length(bytes)?;
    let (field, rest) = take(rest, len)?;
    let (len, rest) = length(rest)?;
    let (unused, rest) = take(rest, 1)?;
    let (value, rest) = take(rest, len)?;
    let (_, rest) = take(rest, usize::from(unused[0]))?;
    Ok((field, value, rest))
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Corrupt> {
    let (first, rest) = take(bytes, 1)?;
    match first[0] {
        END => Err(Corrupt("zipmap ends before its declared size")),
        LONG_LENGTH => {
            let Some((&long, rest)) = rest.split_first_chunk() else { return Err(BEYOND) };
            let len = u32::from_le_bytes(long);
            if len < u32::from(LONG_LENGTH) {
                return Err(Corrupt("zipmap has a short length in its long form"));
            }
            Ok((len as usize, rest))
        }
        short => Ok((usize::from(short), rest)),
    }
}

const BEYOND: Corrupt = Corrupt("zipmap pair reaches beyond the end");

fn take(bytes: &[u8], len: usize) -> Result<(&[u8], &[u8]), Corrupt> {
    bytes.split_at_checked(len).ok_or(BEYOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::tests::hex;
    use proptest::prelude::*;

    const GOOD: &str = "02 02 66 31 02 00 76 31 02 66 32 02 00 76 32 ff";

    #[test]
    fn reads_pairs() {
        let bytes = hex(GOOD);
        let map = Zipmap::from_bytes(&bytes).unwrap();
        assert!(map.iter().eq([(&b"f1"[..], &b"v1"[..]), (b"f2", b"v2")]));
        assert_eq!(map.len(), 2);
        assert!(Zipmap::from_bytes(&[0, END]).is_ok_and(|map| map.is_empty()));
        // Unused bytes behind a value, a count to be scanned for, a long value.
        let mut bytes = hex("fe 01 61 01 02 62 00 00 01 63 fe 2c 01 00 00 00");
        bytes.extend([b'x'; 300]);
        bytes.push(END);
        let map = Zipmap::from_bytes(&bytes).unwrap();
        assert!(map.iter().eq([(&b"a"[..], &b"b"[..]), (b"c", &[b'x'; 300])]));
    }

    #[test]
    fn damage_is_refused() {
        for (bytes, why) in [
            ("", "is empty"),
            ("00", "no terminator"),
            ("01 ff", "count"),
            (&GOOD.replace("02 02 66 31", "03 02 66 31"), "count"),
            (&GOOD.replace("76 32 ff", "76 32 00"), "no terminator"),
            (&GOOD.replace("02 00 76 32", "09 00 76 32"), "beyond the end"),
            (&GOOD.replace("02 00 76 32", "02 09 76 32"), "beyond the end"),
            (&GOOD.replace("02 00 76 32", "ff 00 76 32"), "before its declared size"),
            ("01 fe 01 00 00 00 61 01 00 62 ff", "long form"),
            ("01 fe ff ff ff ff 61 01 00 62 ff", "beyond the end"),
        ] {
            let error = Zipmap::from_bytes(&hex(bytes)).unwrap_err();
            assert!(error.0.contains(why), "{bytes}: {error}");
        }
    }

    #[test]
    fn no_damage_panics() {
        let good = hex(GOOD);
        for cut in 0..good.len() {
            assert!(Zipmap::from_bytes(&good[..cut]).is_err());
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good.clone();
                bad[at] = byte;
                if let Ok(map) = Zipmap::from_bytes(&bad) {
                    assert_eq!(map.iter().count(), map.len());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in proptest::collection::vec(0u8..6, 0..40)) {
            bytes.insert(0, COUNT_UNKNOWN);
            bytes.push(END);
            if let Ok(map) = Zipmap::from_bytes(&bytes) {
                prop_assert_eq!(map.iter().count(), map.len());
            }
        }
    }
}
