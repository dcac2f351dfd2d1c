//! The hash table under the keyspace and under every big set, hash and sorted set.
//!
//! Cache-line buckets (one byte of presence and chaining, seven bytes of hash tags, seven entry pointers), two arrays
//! with incremental rehash, and the reverse-binary SCAN cursor: an element present during a whole scan is returned at
//! least once, however often the table is resized meanwhile. Growing costs no pause: the new array is lazily zeroed,
//! each later change moves one chain, and the old array is freed in the background.
//! Entries ([`Entry`]) are single allocations; a [`Wheel`] says when they expire. Knows nobody but [`crate::reclaim`].

mod array;
mod buckets;
mod entry;
mod shape;
#[cfg(test)]
mod tests;
mod wheel;

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

pub use buckets::{Iter, Table};
pub use entry::{Entry, EntryPlace, MAX_LEN, Payload, PayloadMut, good_size};
pub use shape::Shape;
pub use wheel::Wheel;

/// Hash of a key or element, seeded once per process. The seed never reaches a file.
pub fn hash(key: &[u8]) -> u64 {
    static SEED: OnceLock<foldhash::quality::RandomState> = OnceLock::new();
    let mut hasher = SEED.get_or_init(foldhash::quality::RandomState::default).build_hasher();
    hasher.write(key);
    hasher.finish()
}
