//! Intset: a sorted array of distinct integers in one allocation, the compact form of a set of integers.
//!
//! ```text
//! u32 LE width in bytes (2, 4, 8) | u32 LE count | count integers, little-endian, ascending
//! ```
//!
//! The width is that of the widest integer ever added; it does not shrink, so a file may hold a wider one than needed.

use super::{Corrupt, reserve_tight};

const HEADER: usize = 8;

/// A set of integers, always in wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intset {
    bytes: Vec<u8>,
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

impl Intset {
    /// An empty set.
    pub fn new() -> Self {
        Self { bytes: vec![2, 0, 0, 0, 0, 0, 0, 0] }
    }

    /// Takes over bytes from outside after checking width, size and order. An empty set is sound here, though servers
    /// never write one. O(n).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        let Some((&[w0, w1, w2, w3, c0, c1, c2, c3], members)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(Corrupt("intset is shorter than its header"));
        };
        let width = u32::from_le_bytes([w0, w1, w2, w3]) as usize;
        if !matches!(width, 2 | 4 | 8) {
            return Err(Corrupt("intset has an unknown width"));
        }
        let count = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        if count.checked_mul(width) != Some(members.len()) {
            return Err(Corrupt("intset count disagrees with its size"));
        }
        let set = Self { bytes };
        if !set.iter().is_sorted_by(|a, b| a < b) {
            return Err(Corrupt("intset is not in ascending order"));
        }
        Ok(set)
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

    /// Number of members. O(1).
    #[inline]
    pub fn len(&self) -> usize {
        (self.bytes.len() - HEADER) / self.width()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER
    }

    /// Heap bytes held.
    #[inline]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The member with this rank in ascending order. O(1), so a random index gives a random member.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| self.at(index))
    }

    /// Whether `n` is a member. O(log n).
    #[inline]
    pub fn contains(&self, n: i64) -> bool {
        self.search(n).is_ok()
    }

    /// Members in ascending order.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + Clone + '_ {
        (0..self.len()).map(|index| self.at(index))
    }

    /// Adds `n`; false when it is a member already. O(n), O(1) amortised for an ascending sequence.
    pub fn insert(&mut self, n: i64) -> bool {
        let width = width_for(n);
        if width > self.width() {
            // Wider than every member means smaller or larger than every member.
            self.widen(width);
            let index = if n < 0 { 0 } else { self.len() };
            self.put(index, n);
            return true;
        }
        match self.search(n) {
            Ok(_) => false,
            Err(index) => {
                self.put(index, n);
                true
            }
        }
    }

    /// Removes `n`; false when it is no member.
    pub fn remove(&mut self, n: i64) -> bool {
        match self.search(n) {
            Ok(index) => {
                let start = HEADER + index * self.width();
                self.bytes.drain(start..start + self.width());
                self.write_count();
                true
            }
            Err(_) => false,
        }
    }

    #[inline]
    fn width(&self) -> usize {
        usize::from(self.bytes[0])
    }

    #[inline]
    fn at(&self, index: usize) -> i64 {
        let width = self.width();
        let raw = &self.bytes[HEADER + index * width..][..width];
        match *raw {
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => unreachable!("the width is 2, 4 or 8"),
        }
    }

    /// The index of `n`, or the one it would have.
    #[inline]
    fn search(&self, n: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        // Members often come in ascending order.
        if high == 0 || n > self.at(high - 1) {
            return Err(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle).cmp(&n) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    fn put(&mut self, index: usize, n: i64) {
        let width = self.width();
        let start = HEADER + index * width;
        let old_len = self.bytes.len();
        reserve_tight(&mut self.bytes, width);
        self.bytes.resize(old_len + width, 0);
        self.bytes.copy_within(start..old_len, start + width);
        self.bytes[start..start + width].copy_from_slice(&n.to_le_bytes()[..width]);
        self.write_count();
    }

    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity(HEADER + (self.len() + 1) * width);
        bytes.extend_from_slice(&(width as u32).to_le_bytes());
        bytes.extend_from_slice(&self.bytes[4..HEADER]);
        for n in self.iter() {
            bytes.extend_from_slice(&n.to_le_bytes()[..width]);
        }
        self.bytes = bytes;
    }

    fn write_count(&mut self) {
        let count =
            u32::try_from(self.len()).expect("set-max-intset-entries keeps an intset far below 2^32 members");
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
    }
}

fn width_for(n: i64) -> usize {
    if i16::try_from(n).is_ok() {
        2
    } else if i32::try_from(n).is_ok() {
        4
    } else {
        8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Sets saved by Redis 7.2.6.
    #[test]
    fn bytes_are_those_of_redis() {
        let small = vec![2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0, 3, 0];
        let wide = vec![4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xA0, 0x86, 1, 0];
        for (bytes, members) in [(small, vec![3, 1, 2]), (wide, vec![100_000, 1])] {
            let mut set = Intset::new();
            assert!(members.iter().all(|&n| set.insert(n)));
            assert_eq!(set.bytes(), bytes);
            assert_eq!(Intset::from_bytes(bytes), Ok(set));
        }
    }

    #[test]
    fn just_beyond_a_width_goes_to_the_right_end() {
        for n in [-0x8001, 0x8000, -0x8000_0001, 0x8000_0000] {
            let mut set = Intset::new();
            assert!(set.insert(5) && set.insert(n) && !set.insert(n));
            assert!(set.iter().eq([n.min(5), n.max(5)]));
        }
    }

    #[test]
    fn damage_is_refused() {
        for bytes in [
            &[][..],
            &[2, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0, 0, 0, 0, 0, 0, 0],
            &[2, 1, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 0, 0, 7],
            &[2, 0, 0, 0, 0, 0, 0, 0x80, 7, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 7, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 6, 0],
        ] {
            assert!(Intset::from_bytes(bytes.to_vec()).is_err(), "{bytes:?}");
        }
        assert!(Intset::from_bytes(vec![8, 0, 0, 0, 0, 0, 0, 0]).is_ok_and(|set| set.is_empty()));
    }

    #[test]
    fn no_damage_panics() {
        let mut set = Intset::new();
        for n in [1, -5, 300, -70_000, 5_000_000] {
            set.insert(n);
        }
        let good = set.into_bytes();
        for cut in 0..good.len() {
            assert!(Intset::from_bytes(good[..cut].to_vec()).is_err());
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good.clone();
                bad[at] = byte;
                if let Ok(set) = Intset::from_bytes(bad) {
                    assert!(set.iter().all(|n| set.contains(n)));
                }
            }
        }
    }

    fn integer() -> impl Strategy<Value = i64> {
        prop_oneof![
            -20i64..20,
            any::<i16>().prop_map(i64::from),
            any::<i32>().prop_map(i64::from),
            any::<i64>(),
            proptest::sample::select(vec![
                -0x8001,
                -0x8000,
                0x7FFF,
                0x8000,
                -0x8000_0001,
                0x8000_0000,
                i64::MIN,
                i64::MAX
            ])
        ]
    }

    proptest! {
        #[test]
        fn behaves_as_a_sorted_set(ops in proptest::collection::vec((any::<bool>(), integer()), 1..80), small: bool) {
            let mut set = Intset::new();
            let mut model = BTreeSet::new();
            for (add, n) in ops {
                let n = if small { n % 20 } else { n };
                if add {
                    prop_assert_eq!(set.insert(n), model.insert(n));
                } else {
                    prop_assert_eq!(set.remove(n), model.remove(&n));
                }
                prop_assert_eq!(set.contains(n), add);
                prop_assert_eq!(set.len(), model.len());
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert!(set.iter().rev().eq(model.iter().rev().copied()));
            prop_assert_eq!(set.get(0), model.first().copied());
            prop_assert_eq!(set.get(set.len()), None);
            prop_assert_eq!(Intset::from_bytes(set.bytes().to_vec()), Ok(set));
        }
    }
}
