//! Loading the log, and repairing what a crash left at its end.
//!
//! Finds the files by the manifest, takes over a single-file log of a server older than 7.0, hands preambles and
//! commands to a [`Target`] in order, and cuts a torn tail back to behind the last command that stood outside of a
//! transaction. Only the last file that holds data is ever cut; any other damage is an error that names the file, the
//! offset and a remedy, and then nothing has been changed (a log of a single file may have been moved into its folder).
//!
//! After a power cut (see [`session`](super::session)) only what check lines prove is loaded: [`proof`](super::proof).

use std::io::{self, Read};

use super::directory::{delete_history, find_manifest, holds_data, next_incr, open_files};
use super::files::Layout;
use super::loader::{DamageKind, Loader, refuse};
use super::manifest::Manifest;
use super::repair::{judge, repair};
use super::session::Session;
use crate::error::{Error, Result};
use crate::fs::FileSystem;

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
    /// Changes nothing on the disk: nothing is cut (what would be is told all the same), no replaced file is deleted, and
    /// a single-file log that was never taken over is an error. For looking at a log that is open: a record that is
    /// being stored looks torn, and cutting a file that somebody has mapped would kill him.
    pub read_only: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { truncated: true, corrupt_tail_max: 0, read_only: false }
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
    let Some(manifest) = find_manifest(fs, layout, &names, options.read_only, &mut report)? else {
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
        let end = Loader::new(file, done, total).run(target, &mut report)?;
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
    repair(fs, layout, &files, repairs, torn, options.read_only, &mut report)?;
    let manifest = if options.read_only { manifest } else { delete_history(fs, layout, manifest)? };
    let tail = manifest.incrs.last().map(|entry| {
        let is_loaded_last =
            files.get(report.files.wrapping_sub(1)).is_some_and(|f| f.entry.name == entry.name);
        Tail { name: entry.name.clone(), data_end: if is_loaded_last { data_end } else { 0 } }
    });
    Ok(Opened { manifest, tail, next_incr, total_bytes, report })
}
