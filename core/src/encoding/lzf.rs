//! LZF, the compression of strings in snapshots.
//!
//! ```text
//! 000lllll                       l + 1 literal bytes follow
//! lllooooo oooooooo              copy l + 2 bytes from o + 1 bytes back (l from 1 to 6)
//! 111ooooo llllllll oooooooo     copy l + 9 bytes from o + 1 bytes back
//! ```
//!
//! The offset's high bits come first. Any compressor that keeps to this is read by every server; ours need not find the
//! matches that liblzf finds.

use super::Corrupt;

const MAX_LITERALS: usize = 32;
const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 264;
const MAX_DISTANCE: usize = 8192;
/// Redis stores a string compressed only when that saves this much.
const MIN_SAVING: usize = 4;
/// After this many misses in a row the search takes steps twice as long, and so on: data that does not compress is
/// passed over quickly.
const PATIENCE: u32 = 6;

/// Compresses `plain`. None when that does not save at least four bytes.
pub fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    let budget = plain.len().checked_sub(MIN_SAVING).filter(|&budget| budget > 0)?;
    // The table lies on the stack and is cleared for every call: short strings get a short one.
    match plain.len() {
        0..=256 => Compressor::<256>::new(plain, budget).run(),
        257..=4096 => Compressor::<2048>::new(plain, budget).run(),
        4097..=0xFFFF_FFFF => Compressor::<8192>::new(plain, budget).run(),
        _ => None,
    }
}

/// A run over `plain`; finds matches by a table of where three bytes with the same hash were last seen.
struct Compressor<'a, const SLOTS: usize> {
    plain: &'a [u8],
    out: Vec<u8>,
    budget: usize,
    /// Start of the bytes not yet written.
    pending: usize,
}

impl<'a, const SLOTS: usize> Compressor<'a, SLOTS> {
    fn new(plain: &'a [u8], budget: usize) -> Self {
        Self { plain, out: Vec::with_capacity(budget.min(plain.len() / 2 + 64)), budget, pending: 0 }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        let plain = self.plain;
        let mut seen = [0u32; SLOTS];
        let mut at = 0;
        let mut misses = 0u32;
        while let Some(&[a, b, c, _]) = plain.get(at..).and_then(<[u8]>::first_chunk) {
            let slot = &mut seen[hash::<SLOTS>(a, b, c)];
            let candidate = *slot as usize;
            *slot = at as u32;
            let distance = at - candidate;
            if distance == 0 || distance > MAX_DISTANCE || plain[candidate..candidate + 3] != [a, b, c] {
                at += 1 + (misses >> PATIENCE) as usize;
                misses += 1;
                continue;
            }
            misses = 0;
            let len = MIN_MATCH + common_prefix(&plain[candidate + MIN_MATCH..], &plain[at + MIN_MATCH..]);
            self.put_literals(at)?;
            self.put_match(distance, len)?;
            // Remember the last place inside the match too: repetitions go on there.
            at += len;
            self.pending = at;
            if let Some(&[a, b, c]) = plain.get(at - 1..).and_then(<[u8]>::first_chunk) {
                seen[hash::<SLOTS>(a, b, c)] = at as u32 - 1;
            }
        }
        self.put_literals(plain.len())?;
        Some(self.out)
    }

    /// Writes the bytes up to `end` as they are.
    fn put_literals(&mut self, end: usize) -> Option<()> {
        for run in self.plain[self.pending..end].chunks(MAX_LITERALS) {
            if self.out.len() + 1 + run.len() > self.budget {
                return None;
            }
            self.out.push(run.len() as u8 - 1);
            self.out.extend_from_slice(run);
        }
        Some(())
    }

    fn put_match(&mut self, distance: usize, len: usize) -> Option<()> {
        let offset = distance - 1;
        let high = (offset >> 8) as u8;
        let len = len - 2;
        if len < 7 {
            self.out.push((len as u8) << 5 | high);
        } else {
            self.out.extend_from_slice(&[7 << 5 | high, (len - 7) as u8]);
        }
        self.out.push(offset as u8);
        (self.out.len() <= self.budget).then_some(())
    }
}

#[inline]
fn hash<const SLOTS: usize>(a: u8, b: u8, c: u8) -> usize {
    let three = u32::from_le_bytes([a, b, c, 0]);
    (three.wrapping_mul(0x9E37_79B1) >> (32 - SLOTS.trailing_zeros())) as usize
}

/// How many bytes are the same at the start of both, up to what a match can still take.
#[inline]
fn common_prefix(earlier: &[u8], later: &[u8]) -> usize {
    let limit = later.len().min(MAX_MATCH - MIN_MATCH);
    let mut len = 0;
    while len + 8 <= limit {
        let (Some(a), Some(b)) = (earlier[len..].first_chunk(), later[len..].first_chunk()) else { break };
        let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if difference != 0 {
            return len + difference.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    while len < limit && earlier[len] == later[len] {
        len += 1;
    }
    len
}

/// Decompresses exactly `plain_len` bytes; more or less is damage. No more memory than that is taken, and none at all
/// when `packed` can not possibly stand for so much; what `plain_len` may be is the caller's to bound.
pub fn decompress(packed: &[u8], plain_len: usize) -> Result<Vec<u8>, Corrupt> {
    const SHORT: Corrupt = Corrupt("LZF data ends within an instruction");
    const LONG: Corrupt = Corrupt("LZF data is longer than its declared size");
    // Three bytes give 264 at the most.
    if plain_len / 88 > packed.len() {
        return Err(Corrupt("LZF data is shorter than its declared size"));
    }
    let mut out = Vec::with_capacity(plain_len);
    let mut rest = packed;
    while let Some((&control, tail)) = rest.split_first() {
        if usize::from(control) < MAX_LITERALS {
            let (literals, tail) = tail.split_at_checked(usize::from(control) + 1).ok_or(SHORT)?;
            if literals.len() > plain_len - out.len() {
                return Err(LONG);
            }
            out.extend_from_slice(literals);
            rest = tail;
            continue;
        }
        let (len, low, tail) = match (control >> 5, tail) {
            (7, &[more, low, ref tail @ ..]) => (usize::from(more) + 9, low, tail),
            (len @ 1..=6, &[low, ref tail @ ..]) => (usize::from(len) + 2, low, tail),
            _ => return Err(SHORT),
        };
        rest = tail;
        let distance = (usize::from(control & 31) << 8 | usize::from(low)) + 1;
        let from = out.len().checked_sub(distance).ok_or(Corrupt("LZF data refers to before its start"))?;
        if len > plain_len - out.len() {
            return Err(LONG);
        }
        if distance == 1 {
            let byte = out[from];
            out.resize(out.len() + len, byte);
        } else {
            // A match may reach into what it writes: copy what is there, which doubles each time.
            let mut left = len;
            while left > 0 {
                let step = left.min(out.len() - from);
                out.extend_from_within(from..from + step);
                left -= step;
            }
        }
    }
    if out.len() == plain_len { Ok(out) } else { Err(Corrupt("LZF data is shorter than its declared size")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::listpack::Listpack;
    use crate::encoding::tests::hex;
    use crate::encoding::ziplist::Ziplist;
    use proptest::prelude::*;

    #[test]
    fn reads_what_redis_wrote() {
        assert_eq!(decompress(&hex("01 61 61 e0 57 00 01 61 61"), 100), Ok(vec![b'a'; 100]));
        assert_eq!(decompress(&hex("01 6d 6d e0 39 00 01 6d 6d"), 70), Ok(vec![b'm'; 70]));
    }

    /// The list `l:small` as saved by Redis 7.2.6 and by 6.2.5: the same elements in a listpack and in a ziplist.
    #[test]
    fn reads_the_compressed_containers_of_redis() {
        let packed = hex("1f 9e 01 00 00 12 00 81 61 02 81 62 02 01 01 df
            ff 02 cf ff 02 f1 00 10 03 d0 00 02 f1 ff ef 03 f1 0e ff 7f 03 f2 00 80 00 04 f2 ff ff 7f 04 f3
            00 20 0a 02 05 f3 ff 20 0b 02 05 f4 00 40 0c 20 00 01 09 f4 20 0f 40 00 03 7f 09 bf 73 e0 35 00
            02 40 e0 40 e0 35 40 05 73 73 42 e0 c8 74 e0 be 00 02 01 ca ff");
        let listpack = Listpack::from_bytes(decompress(&packed, 0x19e).unwrap()).unwrap();
        let packed = hex("1c a3 01 00 00 d7 00 00 00 12 00 00 01 61 03 01 62
            03 f2 02 fe ff 03 c0 ff 0f 04 c0 00 10 20 03 04 f0 04 c0 ff ef 20 03 0d 7f 04 f0 00 80 00 05 f0
            ff ff 7f 05 d0 00 20 0a 02 06 d0 ff 20 0b 01 06 e0 20 3b 00 80 20 03 02 00 0a e0 20 0f 40 00 03
            7f 0a 3f 73 e0 35 00 02 41 40 40 e0 35 40 05 73 73 43 40 c8 74 e0 bd 00 01 74 ff");
        let ziplist = decompress(&packed, 0x1a3).unwrap();
        let ziplist = Ziplist::from_bytes(&ziplist).unwrap();
        let numbers = "a b 1 -1 4095 4096 -4096 -4097 32767 32768 8388607 8388608 2147483647 2147483648 9223372036854775807";
        let mut want: Vec<Vec<u8>> = numbers.split(' ').map(|text| text.as_bytes().to_vec()).collect();
        want.extend([vec![b's'; 63], vec![b's'; 64], vec![b't'; 200]]);
        assert_eq!(listpack.iter().map(|value| value.to_vec()).collect::<Vec<_>>(), want);
        assert_eq!(ziplist.iter().map(|value| value.to_vec()).collect::<Vec<_>>(), want);
    }

    #[test]
    fn damage_is_refused() {
        let good = hex("01 61 61 e0 57 00 01 61 61");
        for len in [0, 99, 101, 100_000, usize::MAX] {
            assert!(decompress(&good, len).is_err(), "{len}");
        }
        for cut in 0..good.len() {
            assert!(decompress(&good[..cut], 100).is_err(), "{cut}");
        }
        assert!(decompress(&hex("00 61 20 01"), 4).is_err_and(|e| e.0.contains("before its start")));
        assert!(decompress(&hex("20 00"), 3).is_err_and(|e| e.0.contains("before its start")));
        assert_eq!(decompress(&[], 0), Ok(vec![]));
    }

    #[test]
    fn what_does_not_pay_is_left_alone() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"aaaa"), None);
        assert_eq!(compress(b"abcdefghijklmnopqrstuvwxyz"), None);
        let random: Vec<u8> =
            (0..100_000u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as u8).collect();
        for plain in [&random[..500], &random[..]] {
            if let Some(packed) = compress(plain) {
                assert_eq!(decompress(&packed, plain.len()).as_deref(), Ok(plain));
            }
        }
        let packed = compress(&[b'a'; 100]).expect("a run shrinks");
        assert!(packed.len() < 10);
    }

    /// Bytes with matches at every distance up to the longest, and beyond.
    #[test]
    fn far_matches() {
        for distance in [1, 2, 3, 7, 8, 9, 255, 256, 8191, 8192, 8193, 9000] {
            let block: Vec<u8> =
                (0..distance as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
            let plain = block.repeat(20_000 / distance + 2);
            if let Some(packed) = compress(&plain) {
                assert_eq!(decompress(&packed, plain.len()), Ok(plain));
            } else {
                assert!(distance > MAX_DISTANCE, "{distance}");
            }
        }
    }

    fn compressible() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            (any::<u8>(), 0usize..300).prop_map(|(byte, len)| vec![byte; len]),
            "[ab]{0,60}".prop_map(String::into_bytes),
            Just(b"user:1000:session".to_vec()),
        ];
        proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn round_trip(plain in compressible()) {
            if let Some(packed) = compress(&plain) {
                prop_assert!(packed.len() + MIN_SAVING <= plain.len());
                prop_assert_eq!(decompress(&packed, plain.len()), Ok(plain));
            }
        }

        #[test]
        fn garbage_never_panics(packed in proptest::collection::vec(any::<u8>(), 0..60), len in 0usize..600) {
            if let Ok(plain) = decompress(&packed, len) {
                prop_assert_eq!(plain.len(), len);
            }
        }

        #[test]
        fn damage_never_panics(plain in compressible(), at: usize, byte: u8) {
            if let Some(mut packed) = compress(&plain) {
                let at = at % packed.len();
                packed[at] = byte;
                if let Ok(other) = decompress(&packed, plain.len()) {
                    prop_assert_eq!(other.len(), plain.len());
                }
            }
        }
    }
}
