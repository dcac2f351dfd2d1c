//! The lowest layer of writing: bytes, lengths and strings, gathered so that the checksum and the file see large
//! pieces only.

use std::io::{self, Write};

use super::lead;
use crate::encoding::{crc64, lzf, num};

/// What is gathered before it goes on: far above the 4 KB where the checksum reaches its speed.
const PIECE: usize = 64 * 1024;

/// Strings up to this length are never compressed; compression must save at least 4 bytes. Both as Redis.
const COMPRESS_ABOVE: usize = 20;
const COMPRESS_MIN_GAIN: usize = 4;

/// Longest text that can be an i32: `-2147483648`.
const INT_TEXT_MAX: usize = 11;

pub(super) struct Out<W> {
    inner: W,
    piece: Vec<u8>,
    crc: u64,
    checksum: bool,
    compress: bool,
    passed_on: u64,
}

impl<W: Write> Out<W> {
    pub(super) fn new(inner: W, compress: bool, checksum: bool) -> Self {
        Self { inner, piece: Vec::new(), crc: 0, checksum, compress, passed_on: 0 }
    }

    /// Bytes written so far, those still gathered included.
    pub(super) fn written(&self) -> u64 {
        self.passed_on + self.piece.len() as u64
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.piece.len() + bytes.len() > PIECE {
            self.pass_on()?;
            if bytes.len() >= PIECE {
                return self.pass(bytes);
            }
        }
        self.piece.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.bytes(&[byte])
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let result = self.pass(&piece);
        self.piece = piece;
        self.piece.clear();
        result
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.checksum {
            self.crc = crc64::update(self.crc, bytes);
        }
        self.passed_on += bytes.len() as u64;
        self.inner.write_all(bytes)
    }

    /// A length, in its shortest form.
    pub(super) fn len(&mut self, n: u64) -> io::Result<()> {
        if n < 1 << 6 {
            self.byte(n as u8)
        } else if n < 1 << 14 {
            self.bytes(&[0x40 | (n >> 8) as u8, n as u8])
        } else if let Ok(n) = u32::try_from(n) {
            self.byte(lead::LEN_32)?;
            self.bytes(&n.to_be_bytes())
        } else {
            self.byte(lead::LEN_64)?;
            self.bytes(&n.to_be_bytes())
        }
    }

    /// A string: as an integer if it is the text of one, compressed if that is on and pays, else as it is.
    pub(super) fn string(&mut self, text: &[u8]) -> io::Result<()> {
        if text.len() <= INT_TEXT_MAX
            && let Some(n) = num::parse_i64(text)
            && let Ok(n) = i32::try_from(n)
        {
            return self.small_int(n);
        }
        if self.compress
            && text.len() > COMPRESS_ABOVE
            && let Some(packed) = lzf::compress(text)
            && packed.len() + COMPRESS_MIN_GAIN <= text.len()
        {
            self.byte(lead::LZF)?;
            self.len(packed.len() as u64)?;
            self.len(text.len() as u64)?;
            return self.bytes(&packed);
        }
        self.len(text.len() as u64)?;
        self.bytes(text)
    }

    /// The text of an integer.
    pub(super) fn int(&mut self, n: i64) -> io::Result<()> {
        match i32::try_from(n) {
            Ok(n) => self.small_int(n),
            Err(_) => self.string(&num::fmt_i64(n)),
        }
    }

    fn small_int(&mut self, n: i32) -> io::Result<()> {
        let [a, b, ..] = n.to_le_bytes();
        if i8::try_from(n).is_ok() {
            self.bytes(&[lead::INT_8, a])
        } else if i16::try_from(n).is_ok() {
            self.bytes(&[lead::INT_16, a, b])
        } else {
            self.byte(lead::INT_32)?;
            self.bytes(&n.to_le_bytes())
        }
    }

    /// Ends a file: the checksum of all before it, then whatever the destination itself has gathered.
    pub(super) fn finish_file(mut self) -> io::Result<W> {
        self.pass_on()?;
        self.inner.write_all(&self.crc.to_le_bytes())?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}
