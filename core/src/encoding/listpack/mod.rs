//! Listpack: a sequence of strings and integers in one flat allocation, Redis's compact form of lists, hashes, sets,
//! sorted sets and stream nodes since 7.0.
//!
//! ```text
//! u32 LE total bytes | u16 LE count (65535: unknown, scan) | entry … | FF
//! entry = encoding and data | backlen (size of what precedes it, readable from its end)
//! ```
//!
//! | encoding byte(s)        | value                                   |
//! |-------------------------|-----------------------------------------|
//! | `0xxxxxxx`              | unsigned 0–127                          |
//! | `10llllll` data         | string up to 63                         |
//! | `110xxxxx` +1           | signed 13 bit, big-endian               |
//! | `1110llll` +1 data      | string up to 4095, length big-endian    |
//! | `F0` u32 LE data        | string                                  |
//! | `F1` `F2` `F3` `F4`     | integer of 2, 3, 4, 8 bytes, little-endian |
//!
//! [`Listpack`] keeps the wire bytes as they are, so saving one is a copy and loading one is a check. A string that is
//! the canonical text of an integer is stored as that integer; [`LpValue`] gives back the same bytes. Positions are
//! byte offsets of entries; a change of the listpack makes all positions behind it stale.

mod entry;
mod owned;
mod view;

pub use entry::{LpValue, entry_size_for};
pub use owned::Listpack;
pub use view::{Iter, ListpackRef, PosIter};

/// Bytes of the header: total and count.
pub(crate) const HEADER: usize = 6;
/// The last byte.
pub(crate) const END: u8 = 0xFF;
/// A count field with this value says nothing.
pub(crate) const COUNT_UNKNOWN: u16 = u16::MAX;
/// Redis refuses to let a listpack grow beyond this, and so should whoever adds to one.
pub const SAFETY_LIMIT: usize = 1 << 30;

#[cfg(test)]
mod tests;
