//! What of the log counts after an unclean end, and cutting off what does not.

use super::directory::LogFile;
use super::files::Layout;
use super::loader::Damage;
use super::proof::{self, Proof};
use super::replay::{LoadReport, Lost};
use super::session::Session;
use super::window::CHUNK;
use crate::error::{Error, Result};
use crate::fs::{FileExt, FileSystem, Open};

/// What is to be cut because a power cut left it unproven: file, its sound length, its full length.
pub(super) type Repairs = Vec<(usize, u64, u64)>;

/// Decides, from the note of an unclean end, how much of each file counts.
pub(super) fn judge(
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

/// Cuts what is to be cut, newest file first, so that a crash in between leaves nothing behind a hole.
pub(super) fn repair(
    fs: &dyn FileSystem,
    layout: &Layout,
    files: &[LogFile],
    repairs: Repairs,
    torn: Option<(usize, u64, Damage)>,
    read_only: bool,
    report: &mut LoadReport,
) -> Result<()> {
    for &(i, sound, full) in repairs.iter().rev() {
        let file = &files[i];
        let lost = proof::trim_filler(file, sound, full)?;
        let mut kept_as = None;
        if lost > sound {
            if !read_only {
                kept_as = Some(put_aside(fs, layout, file, sound, lost)?);
            }
            report.lost.push(Lost {
                file: file.entry.name.clone(),
                offset: sound,
                bytes: lost - sound,
                why: "not proven to be durable before the machine went down".to_owned(),
                kept_as: kept_as.clone(),
            });
        }
        if !read_only {
            cut(fs, layout, &file.entry.name, sound)?;
        }
        if let Some(name) = kept_as {
            log::warn!(
                "{}: cut at byte {sound} after a power cut; the rest is kept as {name}",
                file.entry.name
            );
        }
    }
    if let Some((i, good, damage)) = torn {
        let file = &files[i];
        report.lost.push(Lost {
            file: file.entry.name.clone(),
            offset: good,
            bytes: proof::trim_filler(file, good, file.len)? - good,
            why: damage.what.clone(),
            kept_as: None,
        });
        if !read_only {
            log::warn!("{}: cut at byte {good}: {}", file.entry.name, damage.what);
            cut(fs, layout, &file.entry.name, good)?;
        }
    }
    Ok(())
}

pub(super) fn cut(fs: &dyn FileSystem, layout: &Layout, name: &str, len: u64) -> Result<()> {
    let path = layout.path(name);
    let fail = |e| Error::io("cutting", &path, e);
    let file = fs.open(&path, Open::Write).map_err(fail)?;
    // What stays must be durable before the file gets a length by which it would be taken for somebody else's.
    file.sync_all().map_err(fail)?;
    file.set_len(len).map_err(fail)?;
    file.sync_all().map_err(fail)
}

/// Copies a tail into a file of its own before it is cut off.
pub(super) fn put_aside(
    fs: &dyn FileSystem,
    layout: &Layout,
    file: &LogFile,
    from: u64,
    to: u64,
) -> Result<String> {
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
