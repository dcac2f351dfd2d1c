//! The file that is being appended to, and how bytes get into it.
//!
//! Mapped (the normal case): room is prepared ahead in steps ([`prepare`]): blocks reserved, filled with
//! [`filler`](super::filler), mapped. A record is stored into the mapping in three moves, so that the file is a valid log
//! between any two machine instructions:
//!
//! 1. the *opening*, 16 bytes in one store: the head of a command whose only argument is longer than the rest of the
//!    file. Every reader now sees a record cut off by the end of the file, which is the damage that all servers repair.
//! 2. everything from byte 16 on, in any order: it lies inside that argument.
//! 3. the *commit*: the record's first 16 bytes in one store.
//!
//! A kill before 1 leaves filler, before 3 a torn tail with nothing behind it, after 3 the record. An abort is not
//! possible in between: room is checked before, and stores do not fail.
//!
//! Plain, where mapping is refused: one `write(2)` at the end of the file, cut off again if it was not complete.
//!
//! This file knows nothing of threads; the [`log`](super::log) holds its lock around every call but [`prepare`].

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::checkline::{self, Mark};
use super::filler;
use crate::fs::{File, FileExt, Mapping};

/// Bytes of the head of a record that is stored at once.
pub(super) const HEAD: usize = 16;

/// What every opening starts with; a lone LF, which no server writes.
pub(super) const OPENING: &[u8] = b"*1\n$";

/// Whether `bytes` start with the opening of a record whose commit was never stored.
pub(super) fn is_opening(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..HEAD) else { return false };
    head.starts_with(OPENING) && head[4..15].iter().all(u8::is_ascii_digit) && head[15] == b'\n'
}

/// A prepared stretch of the file.
pub(super) struct Step {
    /// File offset of the mapping's first byte.
    start: u64,
    /// File offset behind its last byte.
    end: u64,
    map: Box<dyn Mapping>,
}

/// Filler is written in pieces of this many bytes.
const PIECE: u64 = 1 << 20;
/// The smallest page in use; steps are multiples of it.
pub(super) const PAGE: u64 = 4096;

/// Why room could not be prepared.
#[derive(Debug)]
pub(super) enum Refused {
    /// The file can not be mapped here: append by plain writes.
    Mapping,
    /// The disk is full, or the quota used up: may pass.
    Space(io::Error),
    /// Anything else.
    Io(io::Error),
}

/// Whether an error means that the disk has no room at present.
pub(super) fn is_space(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero)
}

/// Whether an error means that the system does not know the operation for this file.
fn is_unsupported(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

fn refused(e: io::Error) -> Refused {
    if is_space(&e) { Refused::Space(e) } else { Refused::Io(e) }
}

/// Start of the mapping that covers `offset`: mappings begin at multiples of the largest page size in use.
fn map_start(offset: u64, align: u64) -> u64 {
    offset - offset % align
}

/// Extends a file from `from` (its present end) to `to` with filler and maps the new room. What was prepared in vain is
/// cut off again. Slow (milliseconds): not under the log's lock if it can be avoided.
pub(super) fn prepare(file: &dyn File, from: u64, to: u64, align: u64) -> Result<Step, Refused> {
    match file.allocate(from, to - from) {
        Ok(()) => {}
        Err(e) if is_unsupported(&e) => return Err(Refused::Mapping),
        Err(e) => return Err(refused(e)),
    }
    let undo = |e: Refused| {
        // If even that fails, filler stays behind the prepared room; the next extension writes the same bytes again.
        let _ = file.set_len(from);
        e
    };
    let mut at = from;
    while at < to {
        // In pieces, for a step made large by a large record need not be built in memory; each ends with a page.
        let n = to.min((at + PIECE) / PAGE * PAGE) - at;
        file.write_all_at(&filler::make(at, n as usize), at).map_err(|e| undo(refused(e)))?;
        at += n;
    }
    let start = map_start(from, align);
    let Ok(len) = usize::try_from(to - start) else { return Err(undo(Refused::Mapping)) };
    match file.map(start, len) {
        Ok(map) => Ok(Step { start, end: to, map }),
        Err(_) => Err(undo(Refused::Mapping)),
    }
}

/// See the module.
pub(super) struct Active {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn File>,
    /// End of the data; the next record's place.
    pub(super) pos: u64,
    /// End of the prepared room: the file's length if mapped, the end of the reserved blocks if not.
    pub(super) end: u64,
    /// Where `end` will be when the extension that is under way succeeds.
    pub(super) growing_to: u64,
    steps: VecDeque<Step>,
    /// Used up, to be unmapped by somebody who has the time.
    pub(super) finished: Vec<Step>,
    pub(super) mapped: bool,
    /// Up to where check lines cover the file.
    pub(super) checked: u64,
    /// CRC in the last check line.
    pub(super) last_crc: u64,
    /// The log position that byte 0 of this file stands for; wraps, as the file may start above it.
    pub(super) lsn_at_zero: u64,
}

impl Active {
    /// The file `name`, whose data ends at `pos`, which is also the file's length.
    pub(super) fn new(name: String, path: PathBuf, file: Arc<dyn File>, pos: u64, lsn_at_zero: u64) -> Self {
        Self {
            name,
            path,
            file,
            pos,
            end: pos,
            growing_to: pos,
            steps: VecDeque::new(),
            finished: Vec::new(),
            mapped: true,
            checked: pos,
            last_crc: 0,
            lsn_at_zero,
        }
    }

    /// Log position of the end of the data.
    pub(super) fn lsn(&self) -> u64 {
        self.lsn_at_zero.wrapping_add(self.pos)
    }

    /// Bytes of data that surely fit without an extension.
    pub(super) fn room(&self) -> u64 {
        // A head may not cross from one step to the next, and a pad may follow.
        (self.end - self.pos).saturating_sub((HEAD + filler::PAD.len()) as u64)
    }

    /// Takes over prepared room that begins where the present room ends.
    pub(super) fn add(&mut self, step: Step) {
        debug_assert!(step.start <= self.end && step.end > self.end);
        self.end = step.end;
        self.growing_to = self.growing_to.max(step.end);
        self.steps.push_back(step);
    }

    /// Puts one whole record, or several, behind the data. `Ok(false)` when there is no room: nothing was done.
    pub(super) fn put(&mut self, blob: &[u8]) -> io::Result<bool> {
        if self.mapped { Ok(self.store(blob)) } else { self.write(blob) }
    }

    /// The three moves.
    fn store(&mut self, blob: &[u8]) -> bool {
        debug_assert!(blob.len() >= HEAD);
        let Some((head, body)) = blob.split_first_chunk::<HEAD>() else { return false };
        // The head must lie in one step; what is skipped is filler and stays so.
        self.settle();
        let pos = self.pos;
        let pad = filler::pad(pos + blob.len() as u64);
        if self.end.saturating_sub(pos) < (blob.len() + pad) as u64 {
            return false;
        }
        if let Some(step) = self.steps.front() {
            let at = (pos - step.start) as usize;
            if !body.is_empty() {
                let reach = self.end.max(self.growing_to) - pos + OPENING_MARGIN;
                step.map.store16(at, &opening(reach));
                self.copy(pos + HEAD as u64, body);
            }
            self.copy(pos + blob.len() as u64, &filler::PAD[..pad]);
            step.map.store16(at, head);
        }
        self.pos = pos + (blob.len() + pad) as u64;
        while let Some(step) = self.steps.front()
            && step.end <= self.pos
        {
            self.finished.extend(self.steps.pop_front());
        }
        true
    }

    /// Copies bytes into the mapping, across steps.
    fn copy(&self, mut pos: u64, mut bytes: &[u8]) {
        for step in &self.steps {
            if bytes.is_empty() {
                return;
            }
            if pos < step.end {
                let n = bytes.len().min((step.end - pos) as usize);
                let (now, later) = bytes.split_at(n);
                step.map.write((pos - step.start) as usize, now);
                pos += n as u64;
                bytes = later;
            }
        }
    }

    /// Plain: all of it or, after an error, none of it. An error that is not about space, or a remainder that could not
    /// be cut off, leaves the file unusable for us.
    fn write(&mut self, blob: &[u8]) -> io::Result<bool> {
        if let Err(e) = self.file.write_all_at(blob, self.pos) {
            self.file.set_len(self.pos)?;
            return if is_space(&e) { Ok(false) } else { Err(e) };
        }
        self.pos += blob.len() as u64;
        self.end = self.end.max(self.pos);
        Ok(true)
    }

    /// From now on by plain writes: cuts off the prepared room.
    pub(super) fn go_plain(&mut self) -> io::Result<()> {
        self.finished.extend(self.steps.drain(..));
        self.mapped = false;
        self.end = self.pos;
        self.growing_to = self.pos;
        self.file.set_len(self.pos)
    }

    /// Reserves blocks for plain writes up to `to`, where the system can.
    pub(super) fn reserve_plain(&mut self, to: u64) -> Result<(), Refused> {
        match self.file.allocate(self.end, to - self.end) {
            Ok(()) => {}
            Err(e) if is_unsupported(&e) => {}
            Err(e) => return Err(refused(e)),
        }
        self.end = to;
        Ok(())
    }

    /// Hands over all steps, to be unmapped by somebody who has the time; nothing more is stored into this file.
    pub(super) fn give_up_room(&mut self) -> Vec<Step> {
        let mut steps = std::mem::take(&mut self.finished);
        steps.extend(self.steps.drain(..));
        steps
    }

    /// Gives up the prepared room: the file ends where its data ends. Everything must be synced before.
    pub(super) fn cut_tail(&mut self) -> io::Result<()> {
        self.finished.extend(self.steps.drain(..));
        self.end = self.pos;
        self.growing_to = self.pos;
        self.file.set_len(self.pos)
    }

    /// Goes to where the next record will really begin, over the filler that is too short to hold a head. To be called
    /// before anything is computed from the end of the data for a record that is yet to be put.
    pub(super) fn settle(&mut self) {
        if let Some(step) = self.steps.front()
            && step.end - self.pos < HEAD as u64
        {
            self.pos = step.end;
            self.finished.extend(self.steps.pop_front());
        }
    }

    /// Goes on with the CRC of what no check line covers yet, up to the end of the data.
    pub(super) fn crc_to_pos(&self, from: u64, crc: u64) -> io::Result<u64> {
        checkline::crc_range(&*self.file, from, self.pos, crc)
    }

    /// The check line that covers everything up to the end of the data, given its CRC; [`settle`](Self::settle) before.
    pub(super) fn check_line(&self, crc: u64) -> Vec<u8> {
        let mut line = Vec::with_capacity(checkline::MAX);
        checkline::push_check(&mut line, Mark { crc, len: self.pos - self.checked });
        line
    }
}

/// Added to the reach of an opening: more than an extension of which we do not know yet can add at once is not needed,
/// since extensions are announced in `growing_to` before they begin.
const OPENING_MARGIN: u64 = 1 << 20;

/// See the module. Eleven digits reach 93 GiB beyond the record's start.
fn opening(reach: u64) -> [u8; HEAD] {
    let mut bytes = *b"*1\n$00000000000\n";
    let mut n = reach.min(99_999_999_999);
    for digit in bytes[4..15].iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
    }
    bytes
}
