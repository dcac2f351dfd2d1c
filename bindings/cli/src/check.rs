//! `persistkv check`: whether files can be loaded, and if not, where they are damaged and what can be done.

use std::path::Path;

use persistkv::Result;
use persistkv::aof::check;
use persistkv::fs::RealFs;

use crate::files::{self, Found, Look};

/// True when everything is sound.
pub(crate) fn run(path: &Path, fix: bool) -> Result<bool> {
    let found = files::find(path)?;
    if found.is_empty() {
        println!("{}: neither a snapshot nor a log is here", path.display());
        return Ok(false);
    }
    let mut sound = true;
    for what in found {
        sound &= match what {
            Found::Snapshot(path) => snapshot(&path)?,
            Found::Log(layout) => {
                if fix && let Some((name, offset, kept)) = check::fix(&RealFs, &layout, &mut Look::default())?
                {
                    println!("{name}: cut off at byte {offset}; what was behind is kept in {kept}");
                }
                let found = check::check_dir(&RealFs, &layout, &mut Look::default())?;
                found.files.iter().for_each(log_file);
                if found.unclean {
                    println!("{}: not closed, or open now", layout.folder().display());
                }
                for orphan in &found.orphans {
                    println!("{orphan}: in no manifest, so it is not read");
                }
                found.is_sound()
            }
            Found::LogFile(path) => {
                let found = check::check_file(&RealFs, &path, &mut Look::default())?;
                log_file(&found);
                found.damage.is_none()
            }
        };
    }
    Ok(sound)
}

fn snapshot(path: &Path) -> Result<bool> {
    let report = files::check_snapshot(path)?;
    let shown = path.display();
    if let Some(problem) = &report.problem {
        println!("{shown}: DAMAGED at byte {}: {}; {}", problem.offset, problem.what, problem.remedy);
        return Ok(false);
    }
    let checksum = format!("{:?}", report.file.checksum).to_lowercase();
    println!("{shown}: sound, {} keys, {} bytes, checksum {checksum}", report.keys(), report.file.bytes);
    for (what, count) in &report.unsupported {
        println!("{shown}: sound, but can not be loaded here: {what} ({count})");
    }
    Ok(report.loads())
}

fn log_file(file: &check::FileCheck) {
    match &file.damage {
        None => println!("{}: sound, {} bytes, {} commands", file.name, file.bytes, file.commands),
        Some(damage) => println!(
            "{}: DAMAGED {damage}; {} of {} bytes can be loaded. Opening the store cuts off a torn tail; --fix cuts off any",
            file.name, file.sound_bytes, file.bytes
        ),
    }
}
