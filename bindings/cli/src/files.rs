//! Finding out what a path is: a store's directory, a log's directory, a snapshot, a log file.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use persistkv::aof::files::Layout;
use persistkv::aof::replay::Target;
use persistkv::rdb;
use persistkv::{Error, Result};

/// What there is to look at.
pub(crate) enum Found {
    /// A snapshot.
    Snapshot(PathBuf),
    /// A multi-part log.
    Log(Layout),
    /// One file of commands, perhaps with a snapshot at its start.
    LogFile(PathBuf),
}

/// The first bytes of a snapshot of either family.
const MAGICS: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// What lies at `path`; a store's directory may hold both a snapshot and a log.
pub(crate) fn find(path: &Path) -> Result<Vec<Found>> {
    let meta = std::fs::metadata(path).map_err(|e| Error::io("looking at", path, e))?;
    if !meta.is_dir() {
        if path.extension().is_some_and(|extension| extension == "manifest") {
            return log_folder(path.parent().unwrap_or(path)).map(|log| log.into_iter().collect());
        }
        let whole_snapshot =
            starts_like_a_snapshot(path)? && path.extension().is_none_or(|extension| extension != "aof");
        let path = path.to_path_buf();
        return Ok(vec![if whole_snapshot { Found::Snapshot(path) } else { Found::LogFile(path) }]);
    }
    let mut found = Vec::new();
    if let Some(log) = log_folder(path)? {
        found.push(log);
        return Ok(found);
    }
    for entry in std::fs::read_dir(path).map_err(|e| Error::io("reading", path, e))?.flatten() {
        let inside = entry.path();
        if inside.is_dir() {
            found.extend(log_folder(&inside)?);
        } else if inside.extension().is_some_and(|extension| extension == "rdb")
            && !entry.file_name().to_string_lossy().starts_with("temp-")
        {
            found.push(Found::Snapshot(inside));
        } else if entry.file_name() == "appendonly.aof" {
            found.push(Found::LogFile(inside));
        }
    }
    Ok(found)
}

fn starts_like_a_snapshot(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
    file.take(6).read_to_end(&mut start).map_err(|e| Error::io("reading", path, e))?;
    Ok(MAGICS.iter().any(|magic| start.starts_with(magic)))
}

/// The log whose files lie in `folder`, if there is a manifest.
fn log_folder(folder: &Path) -> Result<Option<Found>> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("reading", folder, e))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(filename) = name.strip_suffix(".manifest")
            && !filename.starts_with("temp-")
        {
            // `canonicalize` gives "." a name.
            let folder = folder.canonicalize().map_err(|e| Error::io("looking at", folder, e))?;
            let mut layout = Layout::new(folder.parent().unwrap_or(&folder));
            layout.dirname = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            layout.filename = filename.to_owned();
            return Ok(Some(Found::Log(layout)));
        }
    }
    Ok(None)
}

/// Looks a snapshot over.
pub(crate) fn check_snapshot(path: &Path) -> Result<rdb::check::CheckReport> {
    let file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
    let size = file.metadata().map_err(|e| Error::io("looking at", path, e))?.len();
    let options = rdb::LoadOptions {
        file: path.to_path_buf(),
        size: Some(size),
        databases: u32::MAX,
        ..rdb::LoadOptions::default()
    };
    rdb::check::check(&mut BufReader::new(file), &options, now_ms())
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Takes a log's content without keeping it: snapshots inside are looked over, commands are checked against the table.
#[derive(Default)]
pub(crate) struct Look {
    /// What the snapshots at the start of files hold.
    pub(crate) bases: Vec<rdb::check::CheckReport>,
    /// How often each command occurs.
    pub(crate) commands: std::collections::BTreeMap<String, u64>,
    file: String,
}

impl Target for Look {
    fn file(&mut self, name: &str) -> Result<()> {
        name.clone_into(&mut self.file);
        Ok(())
    }

    fn preamble(&mut self, input: &mut dyn Read, len: u64) -> Result<u64> {
        let options = rdb::LoadOptions {
            file: self.file.clone().into(),
            size: Some(len),
            databases: u32::MAX,
            ..rdb::LoadOptions::default()
        };
        let report = rdb::check::check(&mut BufReader::new(input), &options, now_ms())?;
        if let Some(problem) = &report.problem {
            let what = format!("{}; {}", problem.what, problem.remedy);
            return Err(Error::corrupt(&self.file, problem.offset, what));
        }
        let bytes = report.file.bytes;
        self.bases.push(report);
        Ok(bytes)
    }

    fn command(&mut self, argv: &[&[u8]], offset: u64) -> Result<()> {
        let (row, _) = persistkv::command::table::resolve(argv)
            .map_err(|error| Error::corrupt(&self.file, offset, error.message()))?;
        *self.commands.entry(row.name.to_uppercase()).or_default() += 1;
        Ok(())
    }
}
