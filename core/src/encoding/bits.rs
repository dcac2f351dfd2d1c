//! A string as a row of bits, as SETBIT and its kin see it: bit 0 is the highest bit of the first byte.
//!
//! Everything here goes over whole words where it can, in safe code that the compiler turns into vector instructions:
//! bitmaps are up to half a gigabyte long. Bits beyond the end of the bytes read as zero.

use std::ops::Range;

/// Words that are added side by side: as many as fill the vector registers every x86-64 and ARM64 has.
const LANES: usize = 4;
/// Words of a lane that one step adds up.
const DEEP: usize = 16;

/// How many bits are one. Harley's and Seal's method: bits of the same weight of sixteen words are added by full adders
/// made of logic, so that only every sixteenth word is counted; the compiler does several lanes at once. As fast as
/// memory is, without asking which instructions the processor has.
pub fn count_ones(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<{ 8 * LANES * DEEP }>();
    let mut sums = [Sum::default(); LANES];
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, sum) in sums.iter_mut().enumerate() {
            sum.add(|n| u64::from_ne_bytes(words[n * LANES + lane]));
        }
    }
    let (words, rest) = rest.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_ne_bytes(*word).count_ones());
    let rest = words.chain(rest.iter().map(|byte| byte.count_ones()));
    sums.iter().map(Sum::total).sum::<u64>() + rest.map(u64::from).sum::<u64>()
}

/// How many words have had a bit, for each of its 64 positions: bits of weight 1, 2, 4 and 8, and the count of those of
/// weight 16.
#[derive(Clone, Copy, Default)]
struct Sum {
    ones: u64,
    twos: u64,
    fours: u64,
    eights: u64,
    sixteens: u64,
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, word: impl Fn(usize) -> u64) {
        let mut eight = |from: usize| {
            let mut four = |from: usize| {
                let a = carry(&mut self.ones, word(from), word(from + 1));
                let b = carry(&mut self.ones, word(from + 2), word(from + 3));
                carry(&mut self.twos, a, b)
            };
            let (a, b) = (four(from), four(from + 4));
            carry(&mut self.fours, a, b)
        };
        let (a, b) = (eight(0), eight(8));
        self.sixteens += u64::from(carry(&mut self.eights, a, b).count_ones());
    }

    fn total(&self) -> u64 {
        let parts = [self.eights, self.fours, self.twos, self.ones];
        parts.iter().fold(self.sixteens, |sum, part| 2 * sum + u64::from(part.count_ones()))
    }
}

/// Adds two words to a sum, bit by bit; the carry is returned.
#[inline(always)]
fn carry(sum: &mut u64, a: u64, b: u64) -> u64 {
    let either = a ^ b;
    let over = (a & b) | (either & *sum);
    *sum ^= either;
    over
}

/// How many of the bits in `range` (which lies within `bytes`) are one.
pub fn count_ones_in(bytes: &[u8], range: Range<u64>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (first, last) = ((range.start / 8) as usize, ((range.end - 1) / 8) as usize);
    let whole = count_ones(&bytes[first..=last]);
    let before = bytes[first] & !head_mask(range.start);
    let behind = bytes[last] & !tail_mask(range.end);
    whole - u64::from(before.count_ones()) - u64::from(behind.count_ones())
}

/// The bits of a byte from the position `at` on that it holds.
fn head_mask(at: u64) -> u8 {
    0xFF >> (at % 8)
}

/// The bits of a byte up to the position `end` that it holds, or that follows it.
fn tail_mask(end: u64) -> u8 {
    !(0x7Fu8 >> ((end - 1) % 8))
}

/// Where in `range` (which lies within `bytes`) the first bit with this value is.
pub fn first(bytes: &[u8], range: Range<u64>, value: bool) -> Option<u64> {
    if range.is_empty() {
        return None;
    }
    let flip = if value { 0 } else { 0xFF };
    let (from, to) = ((range.start / 8) as usize, ((range.end - 1) / 8) as usize);
    let found = |at: usize, byte: u8| at as u64 * 8 + u64::from(byte.leading_zeros());
    let head = (bytes[from] ^ flip) & head_mask(range.start);
    let within = |at: u64| (at < range.end).then_some(at);
    if head != 0 {
        return within(found(from, head));
    }
    let rest = bytes.get(from + 1..=to).unwrap_or_default();
    let boring = |word: &[u8; 32]| word.iter().all(|byte| *byte == flip);
    let (words, _) = rest.as_chunks::<32>();
    let skipped = 32 * words.iter().take_while(|word| boring(word)).count();
    let at = rest[skipped..].iter().position(|byte| byte ^ flip != 0)?;
    let at = from + 1 + skipped + at;
    within(found(at, bytes[at] ^ flip))
}

/// The bit at `at`.
pub fn get(bytes: &[u8], at: u64) -> bool {
    usize::try_from(at / 8)
        .ok()
        .and_then(|byte| bytes.get(byte))
        .is_some_and(|byte| byte << (at % 8) & 0x80 != 0)
}

/// The number of `width` bits (1 to 64) that begins at bit `at`, the highest bit first.
pub fn field(bytes: &[u8], at: u64, width: u32) -> u64 {
    let (window, shift) = (window(bytes, at), 80 - (at % 8) as u32 - width);
    (window >> shift) as u64 & mask(width)
}

/// Writes the low `width` bits of `number` at bit `at`. The bytes reach far enough.
pub fn set_field(bytes: &mut [u8], at: u64, width: u32, number: u64) {
    let shift = 80 - (at % 8) as u32 - width;
    let cleared = window(bytes, at) & !(u128::from(mask(width)) << shift);
    let window = cleared | u128::from(number & mask(width)) << shift;
    let (first, last) = ((at / 8) as usize, ((at + u64::from(width) - 1) / 8) as usize);
    let window = window.to_be_bytes();
    bytes[first..=last].copy_from_slice(&window[6..][..=last - first]);
}

/// The lowest `width` bits.
pub fn mask(width: u32) -> u64 {
    u64::MAX >> (64 - width)
}

/// The ten bytes from the one on that holds bit `at`, as a number.
fn window(bytes: &[u8], at: u64) -> u128 {
    let mut window = [0u8; 16];
    let from = usize::try_from(at / 8).unwrap_or(usize::MAX);
    let rest = bytes.get(from..).unwrap_or_default();
    let len = rest.len().min(10);
    window[6..6 + len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bools(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |n| byte << n & 0x80 != 0)).collect()
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let runs = prop::collection::vec((prop::sample::select(vec![0u8, 0xFF, 1, 0x80]), 0usize..700), 0..6);
        let runs = runs.prop_map(|runs| {
            runs.into_iter().flat_map(|(byte, len)| std::iter::repeat_n(byte, len)).collect()
        });
        prop_oneof![prop::collection::vec(any::<u8>(), 0..200), runs]
    }

    proptest! {
        #[test]
        fn counting_and_searching_agree_with_bits_one_by_one(
            bytes in bytes(), a in 0usize..9000, b in 0usize..9000, value: bool,
        ) {
            let model = bools(&bytes);
            let (a, b) = (a.min(model.len()), b.min(model.len()));
            let range = a.min(b)..a.max(b);
            let bits = range.start as u64..range.end as u64;
            prop_assert_eq!(count_ones(&bytes), model.iter().filter(|bit| **bit).count() as u64);
            prop_assert_eq!(
                count_ones_in(&bytes, bits.clone()),
                model[range.clone()].iter().filter(|bit| **bit).count() as u64
            );
            let at = model[range.clone()].iter().position(|bit| *bit == value).map(|at| (at + range.start) as u64);
            prop_assert_eq!(first(&bytes, bits, value), at);
            prop_assert_eq!(get(&bytes, a as u64), model.get(a).copied().unwrap_or(false));
        }

        #[test]
        fn fields_agree_with_bits_one_by_one(
            mut bytes in prop::collection::vec(any::<u8>(), 0..40), at in 0u64..400, width in 1u32..=64, number: u64,
        ) {
            let bit = |bytes: &[u8], n: u64| u64::from(get(bytes, n));
            let model = (at..at + u64::from(width)).fold(0, |sum, n| sum << 1 | bit(&bytes, n));
            prop_assert_eq!(field(&bytes, at, width), model);
            let len = ((at + u64::from(width)).div_ceil(8) as usize).max(bytes.len());
            bytes.resize(len, 0xA5);
            let before = bytes.clone();
            set_field(&mut bytes, at, width, number);
            prop_assert_eq!(field(&bytes, at, width), number & mask(width));
            for n in (0..len as u64 * 8).filter(|n| !(at..at + u64::from(width)).contains(n)) {
                prop_assert_eq!(get(&bytes, n), get(&before, n), "bit {} was touched", n);
            }
        }
    }

    #[test]
    fn positions_beyond_everything_read_as_zero() {
        assert!(!get(&[0xFF], u64::MAX));
        assert_eq!(field(&[0xFF], u64::MAX - 64, 64), 0);
        assert_eq!(field(&[0xFF], 4, 8), 0xF0);
    }
}
