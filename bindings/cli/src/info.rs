//! `persistkv info`: what is in a file, by type, database and command.

use std::path::Path;

use persistkv::Result;
use persistkv::aof::check;
use persistkv::fs::RealFs;
use persistkv::rdb::check::CheckReport;

use crate::files::{self, Found, Look};

/// True when there was something to tell and all of it is sound.
pub(crate) fn run(path: &Path) -> Result<bool> {
    let found = files::find(path)?;
    if found.is_empty() {
        println!("{}: neither a snapshot nor a log is here", path.display());
        return Ok(false);
    }
    let mut sound = true;
    for what in found {
        match what {
            Found::Snapshot(path) => {
                println!("snapshot {}", path.display());
                let report = files::check_snapshot(&path)?;
                snapshot(&report);
                sound &= report.is_sound();
            }
            Found::Log(layout) => {
                println!("log {}", layout.folder().display());
                let mut look = Look::default();
                let found = check::check_dir(&RealFs, &layout, &mut look)?;
                for file in &found.files {
                    println!("  {}: {} bytes, {} commands", file.name, file.bytes, file.commands);
                }
                log(&look);
                sound &= found.is_sound();
            }
            Found::LogFile(path) => {
                println!("log file {}", path.display());
                let mut look = Look::default();
                let found = check::check_file(&RealFs, &path, &mut look)?;
                println!("  {} bytes, {} commands", found.bytes, found.commands);
                log(&look);
                sound &= found.damage.is_none();
            }
        }
    }
    Ok(sound)
}

fn log(look: &Look) {
    for base in &look.bases {
        println!("  base:");
        snapshot(base);
    }
    for (name, count) in &look.commands {
        println!("  {name}: {count}");
    }
}

fn snapshot(report: &CheckReport) {
    let format = report.file.format;
    println!("  format: {:?} version {}", format.family, format.version);
    for (name, value) in &report.file.aux {
        println!("  {}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
    }
    for (db, keys) in &report.databases {
        println!("  db{db}: {keys} keys");
    }
    for (name, count) in &report.types {
        println!("  {name}: {count}");
    }
    println!("  elements: {}", report.elements);
    println!("  expiring: {} ({} of them have expired)", report.expiring, report.expired);
    for (name, count) in &report.modules {
        println!("  module {name}: {count}");
    }
    for name in &report.functions {
        println!("  function library: {name}");
    }
    if let Some(problem) = &report.problem {
        println!("  DAMAGED at byte {}: {}; {}", problem.offset, problem.what, problem.remedy);
    }
}
