//! Reading a log file record by record, in bounded memory.

use super::directory::LogFile;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::FileExt;
use crate::resp::{CommandParser, Step};

/// Bytes read from a file at once.
pub(super) const CHUNK: usize = 256 * 1024;

/// A stretch of a file in memory, which starts at a record.
pub(super) struct Window<'a> {
    file: &'a LogFile,
    buf: Vec<u8>,
    /// Start of the current record in `buf`.
    start: usize,
    /// File offset of `buf[0]`.
    offset: u64,
    /// Bytes of the record that the last step completed.
    taken: usize,
}

pub(super) enum Stepped {
    Command { len: u64 },
    Annotation { len: u64 },
    End,
    Short,
    Malformed { at: u64, what: String },
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a LogFile, offset: u64) -> Self {
        Self { file, buf: Vec::new(), start: 0, offset, taken: 0 }
    }

    /// File offset of the current record.
    pub(super) fn position(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// File offset of the record that the next step looks at.
    pub(super) fn next_position(&self) -> u64 {
        self.position() + self.taken as u64
    }

    /// The file.
    pub(super) fn file(&self) -> &'a LogFile {
        self.file
    }

    /// The current record and what was read behind it.
    pub(super) fn rest(&self) -> &[u8] {
        self.buf.get(self.start..).unwrap_or_default()
    }

    /// The bytes that the last step completed.
    pub(super) fn record(&self) -> &[u8] {
        self.rest().get(..self.taken).unwrap_or_default()
    }

    /// Goes on to the next record.
    pub(super) fn step(&mut self, parser: &mut CommandParser) -> Result<Stepped> {
        self.start += self.taken;
        self.taken = 0;
        loop {
            match parser.step(self.rest()) {
                Ok(Step::Command { len }) => {
                    self.taken = len;
                    return Ok(Stepped::Command { len: len as u64 });
                }
                Ok(Step::Annotation { len }) => {
                    self.taken = len;
                    return Ok(Stepped::Annotation { len: len as u64 });
                }
                Ok(Step::More { need }) => {
                    let left = self.file.len.saturating_sub(self.position());
                    if left == 0 {
                        return Ok(Stepped::End);
                    }
                    if need > left {
                        // Whatever follows, the record is not whole. Some of the rest is wanted for a look at it.
                        self.fill(left.min(CHUNK as u64))?;
                        return Ok(Stepped::Short);
                    }
                    self.fill(need)?;
                }
                Err(e) => {
                    let at = self.position() + e.at as u64;
                    parser.reset();
                    return Ok(Stepped::Malformed { at, what: e.to_string() });
                }
            }
        }
    }

    /// Makes at least `need` bytes of the current record present; the file has them.
    fn fill(&mut self, need: u64) -> Result<()> {
        if self.start > 0 {
            self.buf.drain(..self.start);
            self.offset += self.start as u64;
            self.start = 0;
        }
        let left = self.file.len.saturating_sub(self.offset);
        let want = need.max(CHUNK as u64).min(left);
        let have = self.buf.len();
        let Ok(want) = usize::try_from(want) else {
            return Err(Error::corrupt(
                &self.file.entry.name,
                self.offset,
                "the record is too large for this machine",
            ));
        };
        if want > have {
            self.buf.try_reserve_exact(want - have).map_err(|_| {
                Error::new(ErrorKind::OutOfMemory, format!("not enough memory for a record of {want} bytes"))
            })?;
            self.buf.resize(want, 0);
            self.file
                .file
                .read_exact_at(&mut self.buf[have..], self.offset + have as u64)
                .map_err(|e| Error::io("reading", std::path::Path::new(&self.file.entry.name), e))?;
        }
        Ok(())
    }
}
