//! Loading the log, and repairing what a crash left at its end.
//!
//! Finds the files by the manifest, takes over a single-file log of a server older than 7.0, hands preambles and
//! commands to a [`Target`] in order, and cuts a torn tail back to behind the last command that stood outside of a
//! transaction. Only the last file that holds data is ever cut; any other damage is an error that names the file, the
//! offset and a remedy, and then nothing has been changed (a log of a single file may have been moved into its folder).
//!
//! After a power cut (see [`session`](super::session)) only what check lines prove is loaded: [`proof`](super::proof).

use std::io::{self, Read};
use std::sync::Arc;

use super::active::is_opening;
use super::files::Layout;
use super::filler;
use super::manifest::{Entry, Kind, Manifest, publish};
use super::proof::{self, Proof};
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{File, FileExt, FileReader, FileSystem, Open};
use crate::resp::{CommandParser, Step};

/// Receives what a log holds.
pub trait Target {
    /// A file begins: from here on commands apply to database 0 until a `SELECT` comes.
    fn file(&mut self, name: &str) -> Result<()>;

    /// A file begins with an RDB. Reads it from `input`, which starts at its first byte, and returns how many bytes it
    /// takes, its checksum included; what was read beyond that is read again as commands. `len` is what the file holds.
    fn preamble(&mut self, input: &mut dyn Read, len: u64) -> Result<u64>;

    /// A command; `offset` is where its record starts in the file. Commands of a transaction come when it is complete,
    /// without `MULTI` and `EXEC`. An error ends the load; a target that forgives a failed command returns `Ok`.
    fn command(&mut self, argv: &[&[u8]], offset: u64) -> Result<()>;

    /// So many bytes of all files are done; called every few hundred kilobytes.
    fn progress(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }
}

/// Settings of a load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// `aof-load-truncated`: whether a torn tail is cut; if not it is an error.
    pub truncated: bool,
    /// `aof-load-corrupt-tail-max-size`: a malformed tail of at most so many bytes is cut too; 0 cuts none.
    pub corrupt_tail_max: u64,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { truncated: true, corrupt_tail_max: 0 }
    }
}

/// Where appending goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last incremental file.
    pub name: String,
    /// End of its data; what is behind is filler, or nothing.
    pub data_end: u64,
}

/// A directory that was loaded, for [`Log::open`](super::log::Log::open).
#[derive(Clone, Debug)]
pub struct Opened {
    /// The files in force.
    pub manifest: Manifest,
    /// The file to append to; `None` when there is none yet.
    pub tail: Option<Tail>,
    /// Number for the next incremental file, which no file bears, listed or not.
    pub next_incr: u64,
    /// Bytes of data in all files.
    pub total_bytes: u64,
    /// What happened.
    pub report: LoadReport,
}

/// What a load did and what it could not keep. Worth showing to the user whenever [`lost`](Self::lost) is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Files loaded.
    pub files: usize,
    /// Commands delivered.
    pub commands: u64,
    /// The log had not been closed.
    pub unclean: bool,
    /// The machine had booted since, so only what check lines prove was taken.
    pub power_cut: bool,
    /// A single-file log was taken over.
    pub upgraded: bool,
    /// What was cut off.
    pub lost: Vec<Lost>,
    /// `MULTI` inside a transaction, `EXEC` outside of one: as servers before Valkey 9.1 leave them behind.
    pub stray_transactions: u64,
}

/// A tail that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Of which file.
    pub file: String,
    /// Where the file ends now.
    pub offset: u64,
    /// How many bytes went, filler not counted where it could be told.
    pub bytes: u64,
    /// Why.
    pub why: String,
    /// Where they were put aside, if they were.
    pub kept_as: Option<String>,
}

/// Bytes read from a file at once.
const CHUNK: usize = 256 * 1024;
/// Largest manifest that is read.
const MANIFEST_MAX: u64 = 16 << 20;

/// Loads the log of a directory into `target`, and repairs it.
pub fn load(
    fs: &dyn FileSystem,
    layout: &Layout,
    options: &LoadOptions,
    target: &mut dyn Target,
) -> Result<Opened> {
    let folder = layout.folder();
    let names = match fs.read_dir(&folder) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Error::io("reading", &folder, e)),
    };
    let mut report = LoadReport::default();
    let Some(manifest) = find_manifest(fs, layout, &names, &mut report)? else {
        let next_incr = next_incr(layout, &Manifest::default(), &names);
        return Ok(Opened { manifest: Manifest::default(), tail: None, next_incr, total_bytes: 0, report });
    };
    let next_incr = next_incr(layout, &manifest, &names);
    let mut files = open_files(fs, layout, &manifest)?;
    let session = Session::read(fs, &folder, &layout.session_name())?;
    let repairs = judge(fs, &mut files, session.as_ref(), &mut report)?;
    let total: u64 = files.iter().map(|f| f.len).sum();
    let mut done = 0;
    let mut data_end = 0;
    let mut total_bytes = 0;
    let mut torn = None;
    for i in 0..files.len() {
        let file = &files[i];
        let mut loader = Loader::new(file, done, total);
        let outcome = loader.run(target, &mut report);
        let end = loader.end()?;
        outcome?;
        if let Some(damage) = end.damage {
            let later_data = files[i + 1..].iter().map(holds_data).collect::<Result<Vec<bool>>>()?;
            let last = !later_data.contains(&true);
            let tail = file.len - end.good;
            let may_cut = match damage.kind {
                DamageKind::Torn => options.truncated,
                DamageKind::Malformed => tail <= options.corrupt_tail_max,
                DamageKind::Hole => false,
            };
            if !last || !may_cut {
                return Err(refuse(&file.entry.name, &damage, last));
            }
            torn = Some((i, end.good, damage));
        }
        data_end = end.data_end;
        total_bytes += end.data_end;
        done += file.len;
        report.files += 1;
        if torn.is_some() {
            // Nothing but filler is behind.
            break;
        }
    }
    target.progress(total, total);
    repair(fs, layout, &files, repairs, torn, &mut report)?;
    let manifest = delete_history(fs, layout, manifest)?;
    let tail = manifest.incrs.last().map(|entry| {
        let is_loaded_last =
            files.get(report.files.wrapping_sub(1)).is_some_and(|f| f.entry.name == entry.name);
        Tail { name: entry.name.clone(), data_end: if is_loaded_last { data_end } else { 0 } }
    });
    Ok(Opened { manifest, tail, next_incr, total_bytes, report })
}

/// A number for an incremental file that no file bears.
fn next_incr(layout: &Layout, manifest: &Manifest, names: &[String]) -> u64 {
    let found = names.iter().filter_map(|name| layout.parse_name(name));
    let found = found.filter(|(kind, _)| *kind == Kind::Incr).map(|(_, seq)| seq);
    manifest.incrs.iter().map(|e| e.seq).chain(found).max().unwrap_or(0).saturating_add(1)
}

/// A file of the log, open.
pub(super) struct LogFile {
    pub(super) entry: Entry,
    pub(super) file: Arc<dyn File>,
    /// How much of it counts.
    pub(super) len: u64,
}

/// The manifest in force, after taking over a single-file log if there is one. `None`: a fresh directory.
fn find_manifest(
    fs: &dyn FileSystem,
    layout: &Layout,
    names: &[String],
    report: &mut LoadReport,
) -> Result<Option<Manifest>> {
    let name = layout.manifest_name();
    let old = layout.old_single_file();
    let old_len = fs.file_len(&old).map_err(|e| Error::io("looking for", &old, e))?;
    let manifest = match read_small(fs, layout, &name)? {
        Some(text) => Manifest::parse(&layout.path(&name).display().to_string(), &text)?,
        None if old_len.is_some() => {
            let folder = layout.folder();
            fs.create_dir_all(&folder).map_err(|e| Error::io("creating", &folder, e))?;
            fs.sync_dir(&layout.dir).map_err(|e| Error::io("syncing", &layout.dir, e))?;
            let base = Entry::new(layout.filename.clone(), 1, Kind::Base);
            let manifest = Manifest { base: Some(base), ..Manifest::default() };
            publish(fs, &folder, &name, &manifest)?;
            manifest
        }
        None => {
            refuse_orphans(fs, layout, names)?;
            return Ok(None);
        }
    };
    // Begun above, or by somebody (a server does the same) who was interrupted between the manifest and the rename.
    if let Some(base) = &manifest.base
        && base.name == layout.filename
        && old_len.is_some()
    {
        let new = layout.path(&base.name);
        if fs.file_len(&new).map_err(|e| Error::io("looking for", &new, e))?.is_none() {
            fs.rename(&old, &new).map_err(|e| Error::io("renaming", &old, e))?;
            fs.sync_dir(&layout.folder()).map_err(|e| Error::io("syncing", &layout.folder(), e))?;
            fs.sync_dir(&layout.dir).map_err(|e| Error::io("syncing", &layout.dir, e))?;
            report.upgraded = true;
        }
    }
    Ok(Some(manifest))
}

/// Without a manifest, files that hold data would be ignored, or, as servers do with `1.incr.aof`, appended to, so that
/// what they hold came back later. Neither is right: somebody must say what they are.
fn refuse_orphans(fs: &dyn FileSystem, layout: &Layout, names: &[String]) -> Result<()> {
    for name in names {
        let Some((kind, _)) = layout.parse_name(name) else { continue };
        let path = layout.path(name);
        let fail = |e| Error::io("reading", &path, e);
        let file = fs.open(&path, Open::Read).map_err(fail)?;
        let len = file.size().map_err(fail)?;
        let orphan = LogFile { entry: Entry::new(name.clone(), 1, kind), file, len };
        if holds_data(&orphan)? {
            return Err(Error::corrupt(
                path.display(),
                0,
                format!(
                    "this file of a log holds data, but there is no {}: restore the manifest, or move the file away to start empty; nothing was changed",
                    layout.manifest_name()
                ),
            ));
        }
    }
    Ok(())
}

fn read_small(fs: &dyn FileSystem, layout: &Layout, name: &str) -> Result<Option<Vec<u8>>> {
    let path = layout.path(name);
    let fail = |e| Error::io("reading", &path, e);
    let file = match fs.open(&path, Open::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fail(e)),
    };
    let len = file.size().map_err(fail)?;
    if len > MANIFEST_MAX {
        return Err(Error::corrupt(path.display(), MANIFEST_MAX, "the manifest is too large to be one"));
    }
    let mut text = vec![0; len as usize];
    file.read_exact_at(&mut text, 0).map_err(fail)?;
    Ok(Some(text))
}

/// Opens all live files, so that a missing one is noticed before anything is loaded.
pub(super) fn open_files(fs: &dyn FileSystem, layout: &Layout, manifest: &Manifest) -> Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for entry in manifest.live() {
        let path = layout.path(&entry.name);
        let file = fs.open(&path, Open::Read).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Error::corrupt(
                path.display(),
                0,
                "the manifest lists this file, but it is missing: restore it from a backup, or take its line out of the manifest and lose what it held; nothing was changed",
            ),
            _ => Error::io("opening", &path, e),
        })?;
        let len = file.size().map_err(|e| Error::io("reading", &path, e))?;
        files.push(LogFile { entry: entry.clone(), file, len });
    }
    Ok(files)
}

/// Whether a file holds anything but annotations.
pub(super) fn holds_data(file: &LogFile) -> Result<bool> {
    let mut window = Window::new(file, 0);
    let mut parser = CommandParser::default();
    loop {
        match window.step(&mut parser)? {
            Stepped::Annotation { .. } => {}
            Stepped::End => return Ok(false),
            Stepped::Command { .. } | Stepped::Malformed { .. } => return Ok(true),
            // A line of filler that has no end.
            Stepped::Short => return Ok(!filler::is_filler(window.rest())),
        }
    }
}

/// What is to be cut because a power cut left it unproven: file, its sound length, its full length.
type Repairs = Vec<(usize, u64, u64)>;

/// Decides, from the note of an unclean end, how much of each file counts.
fn judge(
    fs: &dyn FileSystem,
    files: &mut [LogFile],
    session: Option<&Session>,
    report: &mut LoadReport,
) -> Result<Repairs> {
    let mut repairs = Vec::new();
    let Some(session) = session else { return Ok(repairs) };
    report.unclean = true;
    let same_boot = session.boot == fs.boot_id() && session.trust;
    if same_boot {
        return Ok(repairs);
    }
    let mut previous: Option<Proof> = None;
    let mut hole = false;
    for (i, file) in files.iter_mut().enumerate() {
        let Some(open) = session.files.iter().find(|open| open.name == file.entry.name) else {
            // Durable before the session began, or not ours.
            previous = None;
            continue;
        };
        if !hole && open.is_foreign(file.len) {
            previous = None;
            continue;
        }
        report.power_cut = true;
        let full = file.len;
        if !hole {
            let proof = proof::examine(file, open.from)?;
            hole = match (previous, proof.prev) {
                // The file tells how long the one before it was at its last sync or later.
                (Some(before), Some(prev)) => before.end != prev.len || before.crc != prev.crc,
                _ => false,
            };
            if !hole {
                file.len = proof.end;
                previous = Some(proof);
            }
        }
        if hole {
            file.len = 0;
        }
        if file.len < full {
            repairs.push((i, file.len, full));
        }
    }
    Ok(repairs)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DamageKind {
    /// The file ends inside a record or a transaction.
    Torn,
    /// What is there is no record.
    Malformed,
    /// A record claims to reach beyond the end of the file, but whole records follow inside of it.
    Hole,
}

#[derive(Clone, Debug)]
struct Damage {
    kind: DamageKind,
    offset: u64,
    what: String,
}

fn refuse(name: &str, damage: &Damage, last: bool) -> Error {
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
struct End {
    /// Behind the last record outside of a transaction.
    good: u64,
    /// Behind the last record or annotation that is not filler.
    data_end: u64,
    damage: Option<Damage>,
}

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
            self.buf.resize(want, 0);
            self.file
                .file
                .read_exact_at(&mut self.buf[have..], self.offset + have as u64)
                .map_err(|e| Error::io("reading", std::path::Path::new(&self.file.entry.name), e))?;
        }
        Ok(())
    }
}

/// Delivers one file.
struct Loader<'a> {
    window: Window<'a>,
    parser: CommandParser,
    good: u64,
    data_end: u64,
    /// Bytes of files before this one, and of all.
    before: u64,
    total: u64,
    told: u64,
    damage: Option<Damage>,
    /// The commands of an open transaction: bytes, and per command its argument ranges and offset.
    held: Vec<u8>,
    held_commands: Vec<(Vec<std::ops::Range<usize>>, u64)>,
    in_multi: bool,
}

impl<'a> Loader<'a> {
    fn new(file: &'a LogFile, before: u64, total: u64) -> Self {
        Self {
            window: Window::new(file, 0),
            parser: CommandParser::default(),
            good: 0,
            data_end: 0,
            before,
            total,
            told: 0,
            damage: None,
            held: Vec::new(),
            held_commands: Vec::new(),
            in_multi: false,
        }
    }

    fn end(&mut self) -> Result<End> {
        Ok(End { good: self.good, data_end: self.data_end, damage: self.damage.take() })
    }

    fn run(&mut self, target: &mut dyn Target, report: &mut LoadReport) -> Result<()> {
        let file = self.window.file;
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
        }
        loop {
            let at = self.window.position() + self.window.taken as u64;
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
        if let Some(found) = proof::records_inside(self.window.file, at + 1)? {
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
                deliver(&self.window.file.entry.name, &self.held, &args, offset, target)?;
                report.commands += 1;
            }
            self.held.clear();
        } else if self.in_multi {
            let base = self.held.len();
            self.held.extend_from_slice(record);
            let args = args.iter().map(|r| r.start + base..r.end + base).collect();
            self.held_commands.push((args, at));
        } else {
            deliver(&self.window.file.entry.name, record, args, at, target)?;
            report.commands += 1;
        }
        Ok(())
    }
}

fn deliver(
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

/// Whether a file starts as an RDB does, whatever its name says.
pub(super) fn starts_with_rdb(file: &LogFile) -> Result<bool> {
    let mut head = [0; 6];
    let n = file.len.min(6) as usize;
    let path = std::path::Path::new(&file.entry.name);
    file.file.read_exact_at(&mut head[..n], 0).map_err(|e| Error::io("reading", path, e))?;
    Ok(head.starts_with(b"REDIS") || head.starts_with(b"VALKEY"))
}

/// Cuts what is to be cut, newest file first, so that a crash in between leaves nothing behind a hole.
fn repair(
    fs: &dyn FileSystem,
    layout: &Layout,
    files: &[LogFile],
    repairs: Repairs,
    torn: Option<(usize, u64, Damage)>,
    report: &mut LoadReport,
) -> Result<()> {
    for &(i, sound, full) in repairs.iter().rev() {
        let file = &files[i];
        let lost = proof::trim_filler(file, sound, full)?;
        let mut kept_as = None;
        if lost > sound {
            kept_as = Some(put_aside(fs, layout, file, sound, lost)?);
            report.lost.push(Lost {
                file: file.entry.name.clone(),
                offset: sound,
                bytes: lost - sound,
                why: "not proven to be durable before the machine went down".to_owned(),
                kept_as: kept_as.clone(),
            });
        }
        cut(fs, layout, &file.entry.name, sound)?;
        if let Some(name) = kept_as {
            log::warn!(
                "{}: cut at byte {sound} after a power cut; the rest is kept as {name}",
                file.entry.name
            );
        }
    }
    if let Some((i, good, damage)) = torn {
        let file = &files[i];
        log::warn!("{}: cut at byte {good}: {}", file.entry.name, damage.what);
        report.lost.push(Lost {
            file: file.entry.name.clone(),
            offset: good,
            bytes: proof::trim_filler(file, good, file.len)? - good,
            why: damage.what,
            kept_as: None,
        });
        cut(fs, layout, &file.entry.name, good)?;
    }
    Ok(())
}

fn cut(fs: &dyn FileSystem, layout: &Layout, name: &str, len: u64) -> Result<()> {
    let path = layout.path(name);
    let fail = |e| Error::io("cutting", &path, e);
    let file = fs.open(&path, Open::Write).map_err(fail)?;
    // What stays must be durable before the file gets a length by which it would be taken for somebody else's.
    file.sync_all().map_err(fail)?;
    file.set_len(len).map_err(fail)?;
    file.sync_all().map_err(fail)
}

/// Copies a tail into a file of its own before it is cut off.
fn put_aside(fs: &dyn FileSystem, layout: &Layout, file: &LogFile, from: u64, to: u64) -> Result<String> {
    let name = format!("{}.cut-at-{from}", file.entry.name);
    let path = layout.path(&name);
    let fail = |e| Error::io("writing", &path, e);
    let copy = fs.open(&path, Open::Truncate).map_err(fail)?;
    let mut buf = vec![0; CHUNK];
    let mut at = from;
    while at < to {
        let n = (to - at).min(CHUNK as u64) as usize;
        file.file.read_exact_at(&mut buf[..n], at).map_err(fail)?;
        copy.write_all_at(&buf[..n], at - from).map_err(fail)?;
        at += n as u64;
    }
    copy.sync_all().map_err(fail)?;
    fs.sync_dir(&layout.folder()).map_err(|e| Error::io("syncing", &layout.folder(), e))?;
    Ok(name)
}

/// Deletes the files that the manifest lists as replaced, and what an interrupted rewrite left.
fn delete_history(fs: &dyn FileSystem, layout: &Layout, mut manifest: Manifest) -> Result<Manifest> {
    let temp = layout.path(&layout.temp_base_name());
    let names = manifest.history.iter().map(|e| layout.path(&e.name)).chain([temp]);
    for path in names {
        match fs.remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io("deleting", &path, e)),
        }
    }
    if !manifest.history.is_empty() {
        manifest.history.clear();
        if manifest.base.is_some() || !manifest.incrs.is_empty() {
            publish(fs, &layout.folder(), &layout.manifest_name(), &manifest)?;
        }
    }
    Ok(manifest)
}
