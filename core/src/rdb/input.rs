//! The lowest layer of reading: bytes, lengths and strings from a stream that may end, lie or never stop.
//!
//! No length is believed: memory grows with the bytes that arrive, so a claim of 2^60 costs nothing. The checksum is
//! computed over pieces as they are used up. Not one byte beyond what was parsed is consumed from the stream, so what
//! follows a snapshot (an append-only log behind its preamble) is still there for the next reader.

use std::io::{self, BufRead};

use super::fault::{Fault, Res};
use super::lead;
use crate::encoding::{crc64, lzf, num};
use crate::table::MAX_LEN;

/// What is looked at in one go; the stream's own buffer may be smaller.
const PIECE: usize = 64 * 1024;

pub(super) struct Input<'r> {
    stream: &'r mut dyn BufRead,
    /// A copy of what the stream shows next; consumed from it only when used up.
    piece: Vec<u8>,
    used: usize,
    consumed: u64,
    crc: Option<u64>,
    /// Everything read goes here too, while somebody keeps opaque bytes.
    record: Option<Vec<u8>>,
    scratch: Vec<u8>,
    /// Where the stream ends, as far as anybody knows.
    size: Option<u64>,
}

/// For how many elements room is made at once when nobody knows the stream's size.
const ROOM: u64 = 1 << 12;

impl<'r> Input<'r> {
    /// Reads `stream`, which has `size` bytes in all if that is known.
    pub(super) fn new(stream: &'r mut dyn BufRead, size: Option<u64>) -> Self {
        Self {
            stream,
            piece: Vec::new(),
            used: 0,
            consumed: 0,
            crc: Some(0),
            record: None,
            scratch: Vec::new(),
            size,
        }
    }

    /// For how many of `n` announced elements to make room: no more than can still come, at a byte or more each.
    pub(super) fn room(&self, n: u64) -> usize {
        let can_come = self.size.map_or(ROOM, |size| size.saturating_sub(self.offset()));
        usize::try_from(n.min(can_come)).unwrap_or(usize::MAX)
    }

    /// Offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.consumed + self.used as u64
    }

    /// Stops computing the checksum.
    pub(super) fn no_checksum(&mut self) {
        self.crc = None;
    }

    /// Gives what was read back to the stream's account. Call it before the stream is used by anybody else.
    pub(super) fn settle(&mut self) {
        if let Some(crc) = self.crc {
            self.crc = Some(crc64::update(crc, &self.piece[..self.used]));
        }
        self.stream.consume(self.used);
        self.consumed += self.used as u64;
        self.piece.clear();
        self.used = 0;
    }

    /// The checksum of everything read so far, if it is computed.
    pub(super) fn checksum(&mut self) -> Option<u64> {
        self.settle();
        self.crc
    }

    /// Looks at more bytes once all are used up; false at the end of the stream.
    fn refill(&mut self) -> Res<bool> {
        self.settle();
        let shown = loop {
            match self.stream.fill_buf() {
                Ok(shown) => break shown,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        };
        let shown = &shown[..shown.len().min(PIECE)];
        self.piece.extend_from_slice(shown);
        Ok(!shown.is_empty())
    }

    /// Whether nothing follows.
    pub(super) fn at_end(&mut self) -> Res<bool> {
        Ok(self.used == self.piece.len() && !self.refill()?)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Res<u8> {
        if self.used == self.piece.len() && !self.refill()? {
            return Err(Fault::Short);
        }
        let byte = self.piece[self.used];
        self.used += 1;
        if let Some(record) = &mut self.record {
            record.push(byte);
        }
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Res<[u8; N]> {
        let mut out = [0; N];
        if let Some(bytes) = self.piece.get(self.used..self.used + N) {
            out.copy_from_slice(bytes);
            self.used += N;
            if let Some(record) = &mut self.record {
                record.extend_from_slice(&out);
            }
        } else {
            for byte in &mut out {
                *byte = self.byte()?;
            }
        }
        Ok(out)
    }

    /// Appends `len` bytes to `out`, which grows as they arrive.
    fn append(&mut self, mut len: u64, out: &mut Vec<u8>) -> Res<()> {
        while len > 0 {
            if self.used == self.piece.len() && !self.refill()? {
                return Err(Fault::Short);
            }
            let rest = &self.piece[self.used..];
            let take = usize::try_from(len).map_or(rest.len(), |len| len.min(rest.len()));
            out.extend_from_slice(&rest[..take]);
            if let Some(record) = &mut self.record {
                record.extend_from_slice(&rest[..take]);
            }
            self.used += take;
            len -= take as u64;
        }
        Ok(())
    }

    /// Keeps a copy of all that is read until [`Self::recorded`].
    pub(super) fn start_record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was read since [`Self::start_record`].
    pub(super) fn recorded(&mut self) -> Vec<u8> {
        self.record.take().unwrap_or_default()
    }

    pub(super) fn i64_le(&mut self) -> Res<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A length where only a length may stand.
    pub(super) fn len(&mut self) -> Res<u64> {
        let first = self.byte()?;
        self.len_from(first)
    }

    fn len_from(&mut self, first: u8) -> Res<u64> {
        match first {
            0..=0x3F => Ok(u64::from(first)),
            0x40..=0x7F => Ok(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            lead::LEN_32 => Ok(u64::from(u32::from_be_bytes(self.array()?))),
            lead::LEN_64 => Ok(u64::from_be_bytes(self.array()?)),
            _ => Fault::corrupt(format!("byte 0x{first:02x} does not begin a length")),
        }
    }

    /// Reads a string into `out`, replacing what it holds. At most `max` bytes.
    pub(super) fn string_into(&mut self, out: &mut Vec<u8>, max: u64) -> Res<()> {
        out.clear();
        let first = self.byte()?;
        let small = match first {
            lead::INT_8 => i64::from(i8::from_le_bytes(self.array()?)),
            lead::INT_16 => i64::from(i16::from_le_bytes(self.array()?)),
            lead::INT_32 => i64::from(i32::from_le_bytes(self.array()?)),
            lead::LZF => return self.compressed(out, max),
            _ => {
                let len = self.len_from(first)?;
                check_len(len, max)?;
                return self.append(len, out);
            }
        };
        out.extend_from_slice(&num::fmt_i64(small));
        Ok(())
    }

    fn compressed(&mut self, out: &mut Vec<u8>, max: u64) -> Res<()> {
        let packed_len = self.len()?;
        let plain_len = self.len()?;
        check_len(plain_len, max)?;
        check_len(packed_len, max)?;
        let mut packed = std::mem::take(&mut self.scratch);
        packed.clear();
        let result = self.append(packed_len, &mut packed).and_then(|()| {
            // The packed bytes exist; how much they can stand for at most is checked before memory is taken.
            *out = lzf::decompress(&packed, usize::try_from(plain_len).unwrap_or(usize::MAX))?;
            Ok(())
        });
        packed.clear();
        packed.shrink_to(PIECE);
        self.scratch = packed;
        result
    }

    /// A string of any length, for values.
    pub(super) fn string(&mut self) -> Res<Vec<u8>> {
        let mut out = Vec::new();
        self.string_into(&mut out, u64::MAX)?;
        Ok(out)
    }

    /// A key, element, field or name: at most 512 MB, Redis's own limit of a string.
    pub(super) fn element(&mut self, out: &mut Vec<u8>) -> Res<()> {
        self.string_into(out, MAX_LEN as u64)
    }
}

fn check_len(len: u64, max: u64) -> Res<()> {
    if len > max {
        return Fault::corrupt(format!("a string of {len} bytes is longer than any server allows here"));
    }
    Ok(())
}
