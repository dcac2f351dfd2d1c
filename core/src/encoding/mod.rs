//! Bytes on their own: the number texts, compact containers, compression, checksum and patterns that the values, the
//! RDB files and the commands share.
//!
//! Everything here is safe code over byte slices and knows nothing of keys, values or files. Whatever comes from a
//! file is checked in full by a `from_bytes` before anything else may look at it; what is wrong is told by [`Corrupt`].

pub mod bits;
pub mod crc64;
mod dtoa;
mod float;
pub mod geohash;
pub mod glob;
pub mod hll;
pub mod intset;
pub mod listpack;
pub mod longdouble;
pub mod lzf;
pub mod num;
pub mod ziplist;
pub mod zipmap;

use std::fmt;

/// Why bytes are not what they claim to be; the caller adds file and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt(pub &'static str);

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Corrupt {}

/// Makes room for `more` bytes: an eighth to spare, so that adding at the end is amortised O(1) and the small containers,
/// of which there are millions, waste little. Sizes fit the 16-byte classes of the system's malloc.
fn reserve_tight(bytes: &mut Vec<u8>, more: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let target = (needed + needed / 8 + 7) / 16 * 16 + 8;
        bytes.reserve_exact(target.max(needed) - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    /// Bytes from hexadecimal digits; whatever else is in the text is left out.
    pub(super) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }
}
