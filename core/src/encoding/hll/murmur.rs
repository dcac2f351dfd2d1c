//! MurmurHash64A, the 64-bit form of MurmurHash2: which register an element falls to depends on it for ever.

const MIX: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;

/// The hash of `bytes`. Its length counts as a 32-bit number, as it does in Redis.
pub(super) fn hash(bytes: &[u8], seed: u64) -> u64 {
    let len = bytes.len() as i32 as i64 as u64;
    let mut hash = seed ^ len.wrapping_mul(MIX);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MIX);
        word = (word ^ word >> SHIFT).wrapping_mul(MIX);
        hash = (hash ^ word).wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MIX);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MIX);
    hash ^ hash >> SHIFT
}
