//! Delivering one file of the log to a target, and telling where and how it is damaged.
//!
//! A transaction is held back until its `EXEC`, so that one which was cut off leaves no trace. What follows the last
//! record is told apart: nothing or filler, a record that was cut off (torn), bytes that are no record (malformed), and
//! a record that only seems to be cut off, for whole ones follow inside of it (a hole: its length is damaged).

use std::io::Read;
use std::sync::Arc;

use super::active::is_opening;
use super::directory::{LogFile, starts_with_rdb};
use super::filler;
use super::proof;
use super::replay::{LoadReport, Target};
use super::window::{CHUNK, Stepped, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::FileReader;
use crate::resp::CommandParser;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DamageKind {
    /// The file ends inside a record or a transaction.
    Torn,
    /// What is there is no record.
    Malformed,
    /// A record claims to reach beyond the end of the file, but whole records follow inside of it.
    Hole,
}

#[derive(Clone, Debug)]
pub(super) struct Damage {
    pub(super) kind: DamageKind,
    pub(super) offset: u64,
    pub(super) what: String,
}

pub(super) fn refuse(name: &str, damage: &Damage, last: bool) -> Error {
    let remedy = match (damage.kind, last) {
        (DamageKind::Torn, true) => {
            "set aof-load-truncated yes, or run `persistkv check --fix`, to cut it off"
        }
        (DamageKind::Torn, false) => {
            "this is not the last file of the log, so cutting it would lose what is between; restore the file from a backup"
        }
        (DamageKind::Malformed | DamageKind::Hole, true) => {
            "restore the file from a backup, or run `persistkv check --fix` to cut off everything from there on"
        }
        (DamageKind::Malformed | DamageKind::Hole, false) => "restore the file from a backup",
    };
    Error::corrupt(name, damage.offset, format!("{}: {remedy}; the file was not changed", damage.what))
}

/// Where a file's content ends.
pub(super) struct End {
    /// Behind the last record outside of a transaction.
    pub(super) good: u64,
    /// Behind the last record or annotation that is not filler.
    pub(super) data_end: u64,
    /// Bytes of the RDB at the start.
    pub(super) preamble: u64,
    pub(super) damage: Option<Damage>,
}

/// Delivers one file.
pub(super) struct Loader<'a> {
    window: Window<'a>,
    parser: CommandParser,
    good: u64,
    data_end: u64,
    /// Bytes of files before this one, and of all.
    before: u64,
    total: u64,
    told: u64,
    preamble: u64,
    damage: Option<Damage>,
    /// The commands of an open transaction: bytes, and per command its argument ranges and offset.
    held: Vec<u8>,
    held_commands: Vec<(Vec<std::ops::Range<usize>>, u64)>,
    in_multi: bool,
}

impl<'a> Loader<'a> {
    pub(super) fn new(file: &'a LogFile, before: u64, total: u64) -> Self {
        Self {
            window: Window::new(file, 0),
            parser: CommandParser::default(),
            good: 0,
            data_end: 0,
            before,
            total,
            told: 0,
            preamble: 0,
            damage: None,
            held: Vec::new(),
            held_commands: Vec::new(),
            in_multi: false,
        }
    }

    /// Delivers everything that is whole; what comes after is told in the result.
    pub(super) fn run(mut self, target: &mut dyn Target, report: &mut LoadReport) -> Result<End> {
        self.deliver_all(target, report)?;
        Ok(End { good: self.good, data_end: self.data_end, preamble: self.preamble, damage: self.damage })
    }

    fn deliver_all(&mut self, target: &mut dyn Target, report: &mut LoadReport) -> Result<()> {
        let file = self.window.file();
        target.file(&file.entry.name)?;
        if starts_with_rdb(file)? {
            let mut input = FileReader::new(Arc::clone(&file.file), 0).take(file.len);
            let used = target.preamble(&mut input, file.len)?;
            if used > file.len {
                return Err(Error::corrupt(
                    &file.entry.name,
                    file.len,
                    "the RDB at the start of the file is cut off",
                ));
            }
            self.window = Window::new(file, used);
            self.good = used;
            self.data_end = used;
            self.preamble = used;
        }
        loop {
            let at = self.window.next_position();
            match self.window.step(&mut self.parser)? {
                Stepped::Command { len } => {
                    self.command(at, target, report)?;
                    self.data_end = at + len;
                    if !self.in_multi {
                        self.good = self.data_end;
                    }
                }
                Stepped::Annotation { len } => {
                    if !filler::is_filler(self.window.record()) {
                        self.data_end = at + len;
                    }
                }
                Stepped::End => {
                    if self.in_multi {
                        self.torn(at, "the file ends inside a transaction");
                    }
                    return Ok(());
                }
                Stepped::Short => {
                    self.short(at)?;
                    return Ok(());
                }
                Stepped::Malformed { at, what } => {
                    self.damage = Some(Damage { kind: DamageKind::Malformed, offset: at, what });
                    self.data_end = self.good;
                    return Ok(());
                }
            }
            if at - self.told >= CHUNK as u64 {
                self.told = at;
                target.progress(self.before + at, self.total);
            }
        }
    }

    fn torn(&mut self, offset: u64, what: &str) {
        self.damage = Some(Damage { kind: DamageKind::Torn, offset, what: what.to_owned() });
        self.data_end = self.good;
    }

    /// The last record reaches beyond the end of the file.
    fn short(&mut self, at: u64) -> Result<()> {
        let rest = self.window.rest();
        if rest.first() == Some(&b'#') {
            // An annotation without an end. Filler looks like that when its extension was interrupted.
            if self.in_multi {
                self.torn(at, "the file ends inside a transaction");
            } else if !filler::is_filler(rest) {
                self.torn(at, "the file ends inside an annotation");
            }
            return Ok(());
        }
        if is_opening(rest) {
            self.torn(at, "the last record was not completed");
            return Ok(());
        }
        if let Some(found) = proof::records_inside(self.window.file(), at + 1)? {
            let what = format!(
                "a record claims to reach beyond the end of the file, but at byte {found} whole records follow"
            );
            self.damage = Some(Damage { kind: DamageKind::Hole, offset: at, what });
            self.data_end = self.good;
            return Ok(());
        }
        self.torn(at, "the file ends inside a record");
        Ok(())
    }

    /// Delivers a command, or holds it until its transaction is complete.
    fn command(&mut self, at: u64, target: &mut dyn Target, report: &mut LoadReport) -> Result<()> {
        let record = self.window.record();
        let args = self.parser.args();
        let name = args.first().and_then(|r| record.get(r.clone())).unwrap_or_default();
        let is = |word: &[u8]| args.len() == 1 && name.eq_ignore_ascii_case(word);
        if is(b"MULTI") {
            if self.in_multi {
                report.stray_transactions += 1;
            }
            self.in_multi = true;
        } else if is(b"EXEC") {
            if !self.in_multi {
                report.stray_transactions += 1;
            }
            self.in_multi = false;
            for (args, offset) in std::mem::take(&mut self.held_commands) {
                deliver(&self.window.file().entry.name, &self.held, &args, offset, target)?;
                report.commands += 1;
            }
            self.held.clear();
        } else if self.in_multi {
            let base = self.held.len();
            self.held.try_reserve(record.len()).map_err(|_| {
                Error::new(ErrorKind::OutOfMemory, "not enough memory for a transaction of the log")
            })?;
            self.held.extend_from_slice(record);
            let args = args.iter().map(|r| r.start + base..r.end + base).collect();
            self.held_commands.push((args, at));
        } else {
            deliver(&self.window.file().entry.name, record, args, at, target)?;
            report.commands += 1;
        }
        Ok(())
    }
}

pub(super) fn deliver(
    file: &str,
    bytes: &[u8],
    args: &[std::ops::Range<usize>],
    offset: u64,
    target: &mut dyn Target,
) -> Result<()> {
    let argv: Vec<&[u8]> = args.iter().map(|r| bytes.get(r.clone()).unwrap_or_default()).collect();
    target.command(&argv, offset).map_err(|e| match e.kind() {
        ErrorKind::Command | ErrorKind::WrongType => {
            let name = String::from_utf8_lossy(argv.first().copied().unwrap_or_default()).into_owned();
            Error::corrupt(file, offset, format!("the command {name:.64} failed: {}", e.message()))
        }
        _ => e,
    })
}
