//! Looking at a log without opening it: what is in which file, what is damaged, what a repair would cut off.
//!
//! Changes nothing, except [`fix`], which cuts the tail of the last file, after putting a copy of it aside.

use std::path::Path;

use super::directory::{LogFile, holds_data, open_files, read_manifest};
use super::files::Layout;
use super::loader::Loader;
use super::manifest::{Entry, Kind};
use super::proof;
use super::repair::{cut, judge, put_aside};
use super::replay::{LoadReport, Target};
use super::session::Session;
use crate::error::{Error, Result};
use crate::fs::{FileSystem, Open};

/// What was found in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCheck {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// How much of that is an RDB at its start.
    pub rdb_bytes: u64,
    /// Number of commands outside of the RDB, without `MULTI` and `EXEC`.
    pub commands: u64,
    /// Check lines that hold.
    pub check_lines: u64,
    /// Offsets of the first check lines that do not.
    pub bad_check_lines: Vec<u64>,
    /// Everything before this offset can be loaded.
    pub sound_bytes: u64,
    /// What is wrong from there on, with its offset, if anything is.
    pub damage: Option<String>,
}

/// What was found in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirCheck {
    /// The files that count, in order. After a damaged one no more are looked at.
    pub files: Vec<FileCheck>,
    /// The log was not closed, or is open now.
    pub unclean: bool,
    /// The machine has booted since, so only what check lines prove would be loaded.
    pub power_cut: bool,
    /// Names of files that look like the log's but are listed nowhere.
    pub orphans: Vec<String>,
}

impl DirCheck {
    /// Whether everything can be loaded as it is.
    pub fn is_sound(&self) -> bool {
        self.files.iter().all(|file| file.damage.is_none())
    }
}

/// Checks one file, whatever its name: an RDB, commands, or both. `target` sees its content and may object to it.
pub fn check_file(fs: &dyn FileSystem, path: &Path, target: &mut dyn Target) -> Result<FileCheck> {
    let file = open_one(fs, path)?;
    examine(&file, target)
}

/// Checks all files of a log in the order in which they are loaded.
pub fn check_dir(fs: &dyn FileSystem, layout: &Layout, target: &mut dyn Target) -> Result<DirCheck> {
    let folder = layout.folder();
    let names = fs.read_dir(&folder).map_err(|e| Error::io("reading", &folder, e))?;
    let Some(manifest) = read_manifest(fs, layout)? else {
        let path = layout.path(&layout.manifest_name());
        return Err(Error::corrupt(
            path.display(),
            0,
            "there is no manifest, so it is unknown which files count",
        ));
    };
    let is_orphan =
        |name: &String| layout.parse_name(name).is_some() && manifest.all().all(|e| e.name != *name);
    let mut check =
        DirCheck { orphans: names.into_iter().filter(is_orphan).collect(), ..DirCheck::default() };
    let mut files = open_files(fs, layout, &manifest)?;
    let session = Session::read(fs, &folder, &layout.session_name())?;
    let mut report = LoadReport::default();
    let unproven = judge(fs, &mut files, session.as_ref(), &mut report)?;
    check.unclean = report.unclean;
    check.power_cut = report.power_cut;
    for (i, file) in files.iter().enumerate() {
        let mut found = examine(file, target)?;
        if let Some(&(_, sound, full)) = unproven.iter().find(|(of, ..)| *of == i) {
            let end = proof::trim_filler(file, sound, full)?;
            if end > sound {
                found.damage = Some(format!(
                    "at byte {sound}: {} bytes are not proven to have been durable when the machine went down",
                    end - sound
                ));
                found.bytes = full;
            }
        }
        let damaged = found.damage.is_some();
        check.files.push(found);
        if damaged {
            break;
        }
    }
    Ok(check)
}

/// Cuts the tail of the log's last file off where its damage begins, and tells what was cut: file, offset, and the name
/// of the copy that was put aside. `None` when nothing was damaged. The log must not be open.
///
/// Damage in any other file can not be repaired by cutting and is an error; nothing is changed then.
pub fn fix(
    fs: &dyn FileSystem,
    layout: &Layout,
    target: &mut dyn Target,
) -> Result<Option<(String, u64, String)>> {
    let check = check_dir(fs, layout, target)?;
    if check.power_cut {
        return Err(Error::corrupt(
            layout.folder().display(),
            0,
            "the machine went down with this log open; open the store to recover it",
        ));
    }
    let Some(damaged) = check.files.last().filter(|file| file.damage.is_some()) else { return Ok(None) };
    let manifest = read_manifest(fs, layout)?.unwrap_or_default();
    let files = open_files(fs, layout, &manifest)?;
    let Some(at) = files.iter().position(|file| file.entry.name == damaged.name) else { return Ok(None) };
    for later in &files[at + 1..] {
        if holds_data(later)? {
            let what = damaged.damage.clone().unwrap_or_default();
            return Err(Error::corrupt(
                &damaged.name,
                damaged.sound_bytes,
                format!(
                    "{what}; {} follows and holds data, so cutting would lose what is between: restore the file from a backup",
                    later.entry.name
                ),
            ));
        }
    }
    let kept = put_aside(fs, layout, &files[at], damaged.sound_bytes, files[at].len)?;
    cut(fs, layout, &damaged.name, damaged.sound_bytes)?;
    Ok(Some((damaged.name.clone(), damaged.sound_bytes, kept)))
}

fn open_one(fs: &dyn FileSystem, path: &Path) -> Result<LogFile> {
    let fail = |e| Error::io("opening", path, e);
    let file = fs.open(path, Open::Read).map_err(fail)?;
    let len = file.size().map_err(fail)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(LogFile { entry: Entry::new(name, 1, Kind::Incr), file, len })
}

fn examine(file: &LogFile, target: &mut dyn Target) -> Result<FileCheck> {
    let mut report = LoadReport::default();
    let end = Loader::new(file, 0, file.len).run(target, &mut report)?;
    let (check_lines, bad_check_lines) = proof::audit(file, end.preamble)?;
    Ok(FileCheck {
        name: file.entry.name.clone(),
        bytes: file.len,
        rdb_bytes: end.preamble,
        commands: report.commands,
        check_lines,
        bad_check_lines,
        sound_bytes: if end.damage.is_some() { end.good } else { file.len },
        damage: end.damage.map(|damage| format!("at byte {}: {}", damage.offset, damage.what)),
    })
}
