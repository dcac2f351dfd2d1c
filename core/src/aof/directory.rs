//! The folder of the log: which files there are, which count, and what is left of earlier times.

use std::io;
use std::sync::Arc;

use super::files::Layout;
use super::filler;
use super::manifest::{Entry, Kind, Manifest, publish};
use super::replay::LoadReport;
use super::rewrite::UNLISTED;
use super::window::{Stepped, Window};
use crate::error::{Error, Result};
use crate::fs::{File, FileExt, FileSystem, Open};
use crate::resp::CommandParser;

/// Largest manifest that is read.
pub(super) const MANIFEST_MAX: u64 = 16 << 20;

/// A file of the log, open.
pub(super) struct LogFile {
    pub(super) entry: Entry,
    pub(super) file: Arc<dyn File>,
    /// How much of it counts.
    pub(super) len: u64,
}

/// A number for an incremental file that no file bears.
pub(super) fn next_incr(layout: &Layout, manifest: &Manifest, names: &[String]) -> u64 {
    let found = names.iter().filter_map(|name| layout.parse_name(name));
    let found = found.filter(|(kind, _)| *kind == Kind::Incr).map(|(_, seq)| seq);
    manifest.incrs.iter().map(|e| e.seq).chain(found).max().unwrap_or(0).saturating_add(1)
}

/// The manifest in force, after taking over a single-file log if there is one. `None`: a fresh directory.
pub(super) fn find_manifest(
    fs: &dyn FileSystem,
    layout: &Layout,
    names: &[String],
    read_only: bool,
    report: &mut LoadReport,
) -> Result<Option<Manifest>> {
    let name = layout.manifest_name();
    let old = layout.old_single_file();
    let old_len = fs.file_len(&old).map_err(|e| Error::io("looking for", &old, e))?;
    let manifest = match read_manifest(fs, layout)? {
        Some(manifest) => manifest,
        None if old_len.is_some() && read_only => {
            return Err(Error::corrupt(
                old.display(),
                0,
                "this log in a single file must be taken over first: open the store, or let a server of 7.0 or later start on it",
            ));
        }
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
        && !read_only
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
pub(super) fn refuse_orphans(fs: &dyn FileSystem, layout: &Layout, names: &[String]) -> Result<()> {
    for name in names {
        let Some((kind, _)) = layout.parse_name(name) else { continue };
        let path = layout.path(name);
        let fail = |e| Error::io("reading", &path, e);
        let file = fs.open(&path, Open::Read).map_err(fail)?;
        let len = file.size().map_err(fail)?;
        let orphan = LogFile { entry: Entry::new(name.clone(), 1, kind), file, len };
        if holds_data(&orphan)? && !waits_for_base(&orphan)? {
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

/// Reads the manifest of a log; `None` when there is none.
pub fn read_manifest(fs: &dyn FileSystem, layout: &Layout) -> Result<Option<Manifest>> {
    let path = layout.path(&layout.manifest_name());
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
    Manifest::parse(&path.display().to_string(), &text).map(Some)
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

/// Whether a file belongs to a log that was turned on and whose first rewrite was not committed.
fn waits_for_base(file: &LogFile) -> Result<bool> {
    let mut window = Window::new(file, 0);
    window.step(&mut CommandParser::default())?;
    Ok(window.record() == UNLISTED)
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

/// Whether a file starts as an RDB does, whatever its name says.
pub(super) fn starts_with_rdb(file: &LogFile) -> Result<bool> {
    let mut head = [0; 6];
    let n = file.len.min(6) as usize;
    let path = std::path::Path::new(&file.entry.name);
    file.file.read_exact_at(&mut head[..n], 0).map_err(|e| Error::io("reading", path, e))?;
    Ok(head.starts_with(b"REDIS") || head.starts_with(b"VALKEY"))
}

/// Deletes the files that the manifest lists as replaced, and what an interrupted rewrite left.
pub(super) fn delete_history(
    fs: &dyn FileSystem,
    layout: &Layout,
    mut manifest: Manifest,
) -> Result<Manifest> {
    let temporary = [layout.temp_base_name(), layout.temp_tail_name()].map(|name| layout.path(&name));
    let names = manifest.history.iter().map(|e| layout.path(&e.name)).chain(temporary);
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
