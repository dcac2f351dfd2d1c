//! Bytes on their own: the number texts, compact containers, compression, checksum and patterns that the values, the
//! RDB files and the commands share.
//!
//! Everything here is safe code over byte slices and knows nothing of keys, values or files. Whatever comes from a
//! file is checked in full by a `from_bytes` before anything else may look at it; what is wrong is told by [`Corrupt`].

mod dtoa;
mod float;
pub mod listpack;
pub mod longdouble;
pub mod num;

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
