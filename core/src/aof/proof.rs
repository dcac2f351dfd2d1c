//! Telling sound from unsound: the chain of check lines, and records behind a damaged one.

use super::checkline::{self, Mark};
use super::directory::LogFile;
use super::filler;
use super::window::{Stepped, Window};
use crate::error::{Error, Result};
use crate::fs::FileExt;
use crate::resp::CommandParser;

/// What check lines prove of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// Everything before is what was written.
    pub(super) end: u64,
    /// CRC in the last check line of the chain; 0 without one.
    pub(super) crc: u64,
    /// What the file says of its predecessor.
    pub(super) prev: Option<Mark>,
}

/// Follows the chain of check lines from `from`, up to which the file is known to be durable.
pub(super) fn examine(file: &LogFile, from: u64) -> Result<Proof> {
    let mut proof = Proof { end: from.min(file.len), crc: 0, prev: None };
    let mut prev = None;
    let mut window = Window::new(file, proof.end);
    let mut parser = CommandParser::default();
    loop {
        match window.step(&mut parser)? {
            Stepped::Command { .. } => {}
            Stepped::Annotation { len } => {
                let at = window.position();
                let line = window.record();
                if at == 0 {
                    prev = checkline::parse_prev(line);
                }
                if at == proof.end && line == &filler::PAD[..filler::pad(at)] {
                    // Put there together with the check line before it, and counted to it by the writer.
                    proof.end = at + len;
                    continue;
                }
                let Some(mark) = checkline::parse_check(line) else { continue };
                if at - proof.end != mark.len {
                    return Ok(proof);
                }
                let path = std::path::Path::new(&file.entry.name);
                let crc = checkline::crc_range(&*file.file, proof.end, at, 0)
                    .map_err(|e| Error::io("reading", path, e))?;
                if crc != mark.crc {
                    return Ok(proof);
                }
                proof = Proof { end: at + len, crc, prev };
            }
            Stepped::End | Stepped::Short | Stepped::Malformed { .. } => return Ok(proof),
        }
    }
}

/// All check lines of a file: how many hold, and where those are that do not. A line that does not hold is no damage by
/// itself: who edits a log by hand leaves it behind.
pub(super) fn audit(file: &LogFile, from: u64) -> Result<(u64, Vec<u64>)> {
    const TOLD: usize = 100;
    let mut good = 0;
    let mut bad = Vec::new();
    let mut window = Window::new(file, from);
    let mut parser = CommandParser::default();
    loop {
        match window.step(&mut parser)? {
            Stepped::Command { .. } => {}
            Stepped::Annotation { .. } => {
                let at = window.position();
                let Some(mark) = checkline::parse_check(window.record()) else { continue };
                let path = std::path::Path::new(&file.entry.name);
                let holds = match at.checked_sub(mark.len) {
                    Some(start) => {
                        let crc = checkline::crc_range(&*file.file, start, at, 0);
                        crc.map_err(|e| Error::io("reading", path, e))? == mark.crc
                    }
                    None => false,
                };
                if holds {
                    good += 1;
                } else if bad.len() < TOLD {
                    bad.push(at);
                }
            }
            Stepped::End | Stepped::Short | Stepped::Malformed { .. } => return Ok((good, bad)),
        }
    }
}

/// Where the tail `from..to` of a file ends when filler and zeros at its end are not counted.
pub(super) fn trim_filler(file: &LogFile, from: u64, to: u64) -> Result<u64> {
    let mut end = to;
    let mut buf = vec![0; 64 * 1024];
    while end > from {
        let n = (end - from).min(buf.len() as u64) as usize;
        let start = end - n as u64;
        file.file
            .read_exact_at(&mut buf[..n], start)
            .map_err(|e| Error::io("reading", std::path::Path::new(&file.entry.name), e))?;
        let is_filler = |&b: &u8| b == 0 || filler::is_filler(&[b]);
        match buf[..n].iter().rposition(|b| !is_filler(b)) {
            Some(at) => {
                // The line feed of the last line of data.
                let line_end = u64::from(buf[..n].get(at + 1) == Some(&b'\n') && buf[at] == b'\r');
                return Ok(start + at as u64 + 1 + line_end);
            }
            None => end = start,
        }
    }
    Ok(from)
}

/// Looks for whole records inside of one that claims to reach beyond the end of the file, from `from` on. A tail that
/// was torn has none: it is a prefix of one record. A damaged length in the middle of a file has the rest of the log.
/// Gives the offset of the first of them when records follow each other up to the end of the file, or many do.
pub(super) fn records_inside(file: &LogFile, from: u64) -> Result<Option<u64>> {
    const MANY: u32 = 16;
    const TRIES: u32 = 256;
    const LOOK: u64 = 64 << 20;
    let mut tries = 0;
    let mut at = from;
    let stop = file.len.min(from.saturating_add(LOOK));
    let mut buf = vec![0; 64 * 1024];
    while at < stop {
        let n = (stop - at).min(buf.len() as u64) as usize;
        file.file
            .read_exact_at(&mut buf[..n], at)
            .map_err(|e| Error::io("reading", std::path::Path::new(&file.entry.name), e))?;
        for i in 0..n.saturating_sub(2) {
            if &buf[i..i + 2] != b"\n*" || !buf[i + 2].is_ascii_digit() {
                continue;
            }
            tries += 1;
            let candidate = at + i as u64 + 1;
            if follows(file, candidate, MANY)? {
                return Ok(Some(candidate));
            }
            if tries == TRIES {
                return Ok(None);
            }
        }
        if n < 3 {
            break;
        }
        // The last two bytes may begin a match with what follows.
        at += n as u64 - 2;
    }
    Ok(None)
}

/// Whether records follow each other from `at` to the end of the file, or `many` do.
fn follows(file: &LogFile, at: u64, many: u32) -> Result<bool> {
    let mut window = Window::new(file, at);
    let mut parser = CommandParser::default();
    let mut commands = 0;
    loop {
        match window.step(&mut parser)? {
            Stepped::Command { .. } => {
                commands += 1;
                if commands == many {
                    return Ok(true);
                }
            }
            Stepped::Annotation { .. } => {}
            Stepped::End => return Ok(commands > 0),
            Stepped::Short | Stepped::Malformed { .. } => return Ok(false),
        }
    }
}
