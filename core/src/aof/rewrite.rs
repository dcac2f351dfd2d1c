//! Replacing base and increments by a new base, while appending goes on.
//!
//! ```text
//! begin    the next incr is created, prepared, and listed:           base, incr N, incr N+1
//! switch   at the cut, under all shard locks: appends go to N+1, which begins by telling how long N is
//! base     the caller writes the data set as of the cut into a temporary file
//! commit   that file is synced and renamed; the manifest becomes    new base, incr N+1; what it replaced is deleted
//! ```
//!
//! A crash anywhere leaves a manifest whose files give the state: either the old base with both incrs, or the new base
//! with the new one. Every publish is temporary file, sync, rename, sync of the directory. Nothing appended after the
//! cut counts as durable before N is, so a power cut can not lose the middle; and if the system wrote N+1 back by
//! itself, replay sees by the line at its start that N is shorter than it should be.
//!
//! After a failed sync the same steps are the cure, with one difference: N+1 is not listed before commit, since N may
//! have lost something, and writes stay refused until then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::{Active, Refused, prepare};
use super::checkline::{self, Mark};
use super::files::Layout;
use super::log::{Log, Lsn, Options};
use super::manifest::{Entry, Kind, Manifest};
use super::replay::Tail;
use super::session::{OpenFile, Session};
use super::shared::{Guard, Health, LIMIT_WINDOW, Retired, Shared, poisoned};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{File, FileExt, FileSystem, FileWriter, Open};
use crate::sync::atomic::Ordering;

/// A step of the protocol left out on purpose, so that the crash tests can show that they would notice.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The new base is not synced.
    NoBaseSync,
    /// The temporary manifest is not synced before it is renamed.
    NoManifestSync,
    /// The directory is not synced after a rename.
    NoDirSync,
    /// What the new manifest replaces is deleted before that manifest is in force.
    UnlinkEarly,
    /// The new incr counts as durable without the old one.
    NewBeforeOld,
}

/// What the log remembers of its rewrites.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) running: bool,
    pub(super) done: u64,
    pub(super) failures: u32,
    failed_at: Option<Instant>,
    /// Incrs that were switched to but never listed, of rewrites that failed.
    pub(super) unlisted: Vec<String>,
}

/// Automatic rewrites stop after this many failures in a row ...
const FAILURES_FREE: u32 = 3;
/// ... for one minute, then two, four, up to this many.
const PAUSE_MAX_MINUTES: u64 = 60;

/// First line of a file that waits for its first base.
pub(super) const UNLISTED: &[u8] = b"#WAITS FOR ITS BASE\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begun,
    Switched,
    Done,
}

/// A rewrite under way. Dropping it aborts it.
pub struct Rewrite {
    shared: Arc<Shared>,
    stage: Stage,
    /// The next incr, until the switch.
    next: Option<Active>,
    entry: Entry,
    /// Whether the manifest lists the next incr before commit.
    listed: bool,
    base: Option<(Arc<dyn File>, bool)>,
    base_seq: u64,
}

impl Log {
    /// Begins a rewrite: prepares the next file. Slow (several syncs); not under shard guards.
    ///
    /// Errors: one is running (Redis's text); the log is closed; the disk refuses.
    pub fn begin_rewrite(&self) -> Result<Rewrite> {
        let shared = &self.shared;
        {
            let mut guard = shared.lock()?;
            if guard.rewrite.running {
                return Err(Error::command("ERR Background append only file rewriting already in progress"));
            }
            guard.rewrite.running = true;
        }
        let begun = self.prepare_rewrite();
        if begun.is_err()
            && let Ok(mut guard) = shared.lock()
        {
            guard.rewrite.note_failure();
        }
        begun
    }

    fn prepare_rewrite(&self) -> Result<Rewrite> {
        let shared = &self.shared;
        let guard = self.ready(shared.lock()?)?;
        let listed = match guard.health {
            Health::Closed => return Err(guard.refusal().err().unwrap_or_else(poisoned)),
            Health::Failed(_) => false,
            Health::Good | Health::Full(_) => !guard.unlisted,
        };
        let manifest = guard.manifest.clone();
        drop(guard);
        if listed {
            shared.finish_retired_files()?;
        }
        let folder = shared.layout.folder();
        let names = shared.fs.read_dir(&folder).map_err(|e| Error::io("reading", &folder, e))?;
        let seq = next_seq(&shared.layout, &manifest, &names, Kind::Incr)?;
        let base_seq = next_seq(&shared.layout, &manifest, &names, Kind::Base)?;
        let name = shared.layout.incr_name(seq);
        let path = shared.layout.path(&name);
        let limit = shared.options.step_bytes + LIMIT_WINDOW;
        let open = OpenFile { name: name.clone(), mapped: true, from: 0, limit };
        shared.note(|session| session.files.push(open))?;
        let mut rewrite = Rewrite {
            shared: Arc::clone(shared),
            stage: Stage::Begun,
            next: None,
            entry: Entry::new(name.clone(), seq, Kind::Incr),
            listed,
            base: None,
            base_seq,
        };
        let file = shared.fs.open(&path, Open::New).map_err(|e| Error::io("creating", &path, e))?;
        let mut next = Active::new(name.clone(), path.clone(), Arc::clone(&file), 0, 0);
        match prepare(&*file, 0, shared.options.step_bytes, shared.align()) {
            Ok(step) => next.add(step),
            Err(Refused::Mapping) => {
                shared.note(|session| {
                    for open in session.files.iter_mut().filter(|f| f.name == name) {
                        open.mapped = false;
                    }
                })?;
                next.go_plain().map_err(|e| Error::io("preparing", &path, e))?;
                if let Err(Refused::Space(e) | Refused::Io(e)) = next.reserve_plain(shared.options.step_bytes)
                {
                    return Err(Error::io("preparing", &path, e));
                }
            }
            Err(Refused::Space(e) | Refused::Io(e)) => return Err(Error::io("preparing", &path, e)),
        }
        rewrite.next = Some(next);
        if shared.options.sabotage != Some(Sabotage::NoDirSync) {
            // The manifest must not become durable before a name that it lists.
            shared.fs.sync_dir(&folder).map_err(|e| Error::io("syncing", &folder, e))?;
        }
        if listed {
            let mut manifest = manifest;
            manifest.incrs.push(rewrite.entry.clone());
            rewrite.publish(&manifest)?;
            shared.lock()?.manifest = manifest;
            // Little is left for the checksum of the last line, which is computed at the switch.
            shared.sync_once(true)?;
        }
        Ok(rewrite)
    }

    /// Turns the log on while the store is in use. What an earlier log left in the directory stays in force until the
    /// first rewrite, which this begins, is committed; a crash before leaves it as it was. From its cut on the caller
    /// appends to the log (the cut itself is his: under all shard locks he makes it known to writers); then he writes
    /// the base and commits. Nothing is promised before. If the rewrite fails the log may be closed, or another one
    /// begun by [`begin_rewrite`](Self::begin_rewrite).
    pub fn enable(fs: Arc<dyn FileSystem>, layout: Layout, options: Options) -> Result<(Self, Rewrite)> {
        let folder = layout.folder();
        fs.create_dir_all(&folder).map_err(|e| Error::io("creating", &folder, e))?;
        fs.sync_dir(&layout.dir).map_err(|e| Error::io("syncing", &layout.dir, e))?;
        let names = fs.read_dir(&folder).map_err(|e| Error::io("reading", &folder, e))?;
        let manifest = super::directory::read_manifest(&*fs, &layout)?.unwrap_or_default();
        // Not 1: a server that finds no manifest appends to a file of that number.
        let seq = next_seq(&layout, &manifest, &names, Kind::Incr)?.max(2);
        let base_seq = next_seq(&layout, &manifest, &names, Kind::Base)?;
        let entry = Entry::new(layout.incr_name(seq), seq, Kind::Incr);
        let path = layout.path(&entry.name);
        let boot = fs.boot_id();
        let mut session = Session::read(&*fs, &folder, &layout.session_name())
            .ok()
            .flatten()
            .filter(|session| session.boot == boot && session.trust)
            .unwrap_or(Session { boot, trust: true, files: Vec::new() });
        let limit = options.step_bytes + LIMIT_WINDOW;
        session.files.push(OpenFile { name: entry.name.clone(), mapped: true, from: 0, limit });
        fs.open(&path, Open::New).map_err(|e| Error::io("creating", &path, e))?;
        fs.sync_dir(&folder).map_err(|e| Error::io("syncing", &folder, e))?;
        let tail = Tail { name: entry.name.clone(), data_end: 0 };
        let log = Self::assemble(fs, layout, manifest, tail, 0, options)?;
        {
            let mut guard = log.shared.lock()?;
            guard.unlisted = true;
            guard.started = true;
            guard.session = session;
            guard.rewrite.running = true;
            guard.rewrite.unlisted.push(entry.name.clone());
            guard = log.shared.extend(guard, 1)?;
            // If the process dies before the commit, nobody shall take this for a log that has lost its manifest.
            guard.active.put(UNLISTED).map_err(|e| Error::io("writing", &path, e))?;
        }
        let shared = Arc::clone(&log.shared);
        let rewrite = Rewrite {
            shared,
            stage: Stage::Switched,
            next: None,
            entry,
            listed: false,
            base: None,
            base_seq,
        };
        Ok((log, rewrite))
    }

    /// Whether the log has grown so much that it should be rewritten: beyond `min_size` bytes and by `percentage` since
    /// the last rewrite (0: never). After three failures in a row it waits for one, two, four … up to 60 minutes.
    pub fn rewrite_due(&self, percentage: u32, min_size: u64) -> bool {
        let Ok(guard) = self.shared.lock() else { return false };
        let (current, base) = (guard.current_bytes(), guard.base_bytes.max(1));
        let grown = u128::from(current) * 100 / u128::from(base) >= u128::from(percentage) + 100;
        percentage > 0 && !guard.rewrite.running && current > min_size && grown && !guard.rewrite.is_limited()
    }

    /// Whether the log has failed, so that only a rewrite lets writes go on.
    pub fn needs_rewrite(&self) -> bool {
        self.shared.lock().is_ok_and(|guard| matches!(guard.health, Health::Failed(_)))
    }
}

impl Progress {
    fn note_failure(&mut self) {
        self.running = false;
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(Instant::now());
    }

    fn pause(&self) -> Duration {
        match self.failures.checked_sub(FAILURES_FREE) {
            None => Duration::ZERO,
            Some(n) => Duration::from_secs(60 * (1u64 << n.min(6)).min(PAUSE_MAX_MINUTES)),
        }
    }

    fn is_limited(&self) -> bool {
        self.failed_at.is_some_and(|at| at.elapsed() < self.pause())
    }
}

/// A number that no file bears, listed or not: a file that nobody lists may be somebody's only copy of something.
fn next_seq(layout: &Layout, manifest: &Manifest, names: &[String], kind: Kind) -> Result<u64> {
    let found = names.iter().filter_map(|name| layout.parse_name(name));
    let found = found.filter(|(k, _)| *k == kind).map(|(_, seq)| seq);
    let listed = manifest.live().filter(|e| e.kind == kind).map(|e| e.seq);
    let top = listed.chain(found).max().unwrap_or(0);
    top.checked_add(1)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the numbers of the log's files are used up"))
}

impl Rewrite {
    /// The cut: from here on appends go to the new file. Called under all shard locks; costs a checksum of what was
    /// appended since the last sync, and two stores. Returns the log's end at the cut.
    pub fn switch(&mut self) -> Result<Lsn> {
        let shared = Arc::clone(&self.shared);
        let mut guard = shared.lock()?;
        if self.stage != Stage::Begun {
            return Err(Error::new(ErrorKind::Internal, "the log was switched already"));
        }
        let sound = match guard.health {
            Health::Closed => return Err(guard.refusal().err().unwrap_or_else(poisoned)),
            Health::Failed(_) if self.listed => return guard.refusal().map(|()| 0),
            Health::Failed(_) => false,
            Health::Good | Health::Full(_) => true,
        };
        if sound {
            finish_data(&mut guard)?;
        }
        let Some(mut next) = self.next.take() else { return Err(poisoned()) };
        let cut = guard.active.lsn();
        next.lsn_at_zero = cut;
        let mut line = Vec::with_capacity(checkline::MAX);
        checkline::push_prev(&mut line, Mark { crc: guard.active.last_crc, len: guard.active.pos });
        match next.put(&line) {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::io("writing", &next.path, std::io::ErrorKind::StorageFull.into()));
            }
            Err(e) => return Err(Error::io("writing", &next.path, e)),
        }
        let lsn = next.lsn();
        let mut old = std::mem::replace(&mut guard.active, next);
        if sound {
            guard.retired.push(Arc::new(Retired {
                name: old.name.clone(),
                file: Arc::clone(&old.file),
                len: old.pos,
                end_lsn: cut,
            }));
        } else {
            guard.other_bytes += old.pos;
        }
        if !self.listed {
            guard.rewrite.unlisted.push(self.entry.name.clone());
        }
        let finished = old.give_up_room();
        guard.active.finished.extend(finished);
        guard.selected = None;
        guard.dirty_since.get_or_insert_with(Instant::now);
        shared.written.store(lsn, Ordering::Release);
        shared.publish_room(&guard);
        self.stage = Stage::Switched;
        drop(guard);
        shared.sync_work.notify_one();
        Ok(cut)
    }

    /// A writer into the new base's temporary file; `rdb` tells the form that will be written (it decides the name
    /// only). Buffer it. Call again to start over.
    pub fn create_base(&mut self, rdb: bool) -> Result<FileWriter> {
        let path = self.shared.layout.path(&self.shared.layout.temp_base_name());
        let file = self.shared.fs.open(&path, Open::Truncate).map_err(|e| Error::io("creating", &path, e))?;
        self.base = Some((Arc::clone(&file), rdb));
        Ok(FileWriter::new(file, 0))
    }

    /// Puts the new base in force; everything was written to it. Slow; not under shard guards. After an error the old
    /// files are in force, unless the error came from the very last sync: then both sets are kept.
    pub fn commit(mut self) -> Result<()> {
        let outcome = self.try_commit();
        if outcome.is_ok() {
            self.stage = Stage::Done;
        }
        outcome
    }

    fn try_commit(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let sabotage = shared.options.sabotage;
        let (Stage::Switched, Some((base, rdb))) = (self.stage, self.base.clone()) else {
            return Err(Error::new(
                ErrorKind::Internal,
                "a rewrite without a cut or a base can not be committed",
            ));
        };
        let folder = shared.layout.folder();
        let temp = shared.layout.path(&shared.layout.temp_base_name());
        let entry = Entry::new(shared.layout.base_name(self.base_seq, rdb), self.base_seq, Kind::Base);
        let path = shared.layout.path(&entry.name);
        if sabotage != Some(Sabotage::NoBaseSync) {
            base.sync_all().map_err(|e| Error::io("syncing", &temp, e))?;
        }
        let base_len = base.size().map_err(|e| Error::io("reading", &temp, e))?;
        shared.fs.rename(&temp, &path).map_err(|e| Error::io("renaming", &temp, e))?;
        if sabotage != Some(Sabotage::NoDirSync) {
            // The manifest's name must not become durable before the base's.
            shared.fs.sync_dir(&folder).map_err(|e| Error::io("syncing", &folder, e))?;
        }
        let mut manifest = shared.lock()?.manifest.clone();
        let keep = self.entry.clone();
        let replaced: Vec<Entry> = manifest.all().filter(|e| e.name != keep.name).cloned().collect();
        manifest.history = replaced.iter().map(|e| Entry { kind: Kind::History, ..e.clone() }).collect();
        manifest.base = Some(entry);
        manifest.incrs = vec![keep.clone()];
        if sabotage == Some(Sabotage::UnlinkEarly) {
            self.remove_history(&manifest);
        }
        let first = std::mem::take(&mut shared.lock()?.unlisted);
        if first && let Err(e) = shared.note(|_| ()) {
            shared.lock()?.unlisted = true;
            return Err(e);
        }
        if let Err(e) = self.publish(&manifest) {
            shared.lock()?.unlisted = first;
            return Err(e);
        }
        self.committed(&manifest, base_len)?;
        if sabotage != Some(Sabotage::UnlinkEarly) {
            self.remove_history(&manifest);
        }
        manifest.history.clear();
        match self.publish(&manifest) {
            Ok(()) => shared.lock()?.manifest = manifest,
            // The next start deletes what is listed as history.
            Err(e) => log::warn!("{e}"),
        }
        Ok(())
    }

    /// The new manifest is in force: what it replaced need not be durable any more, and a failure is cured.
    fn committed(&self, manifest: &Manifest, base_len: u64) -> Result<()> {
        let shared = &self.shared;
        let retired = {
            let mut guard = shared.lock()?;
            guard.manifest = manifest.clone();
            guard.rewrite.done += 1;
            guard.rewrite.failures = 0;
            guard.rewrite.failed_at = None;
            guard.rewrite.running = false;
            if let Health::Failed(_) = guard.health {
                log::warn!(
                    "the append-only log has been rewritten into fresh files; writes are accepted again"
                );
                guard.health = Health::Good;
            }
            guard.retired.clone()
        };
        for old in &retired {
            shared.synced.fetch_max(old.end_lsn, Ordering::AcqRel);
            shared.drop_retired(old)?;
        }
        shared.note(|session| {
            session.trust = true;
            session.files.retain(|f| f.name == self.entry.name);
        })?;
        let mut guard = shared.lock()?;
        guard.other_bytes = base_len;
        guard.base_bytes = guard.current_bytes();
        shared.publish_room(&guard);
        drop(guard);
        shared.changed.notify_all();
        shared.sync_work.notify_all();
        Ok(())
    }

    /// Deletes what a manifest lists as history, and incrs that were never listed. What can not be deleted stays.
    fn remove_history(&self, manifest: &Manifest) {
        let shared = &self.shared;
        let unlisted = shared.lock().map(|mut g| std::mem::take(&mut g.rewrite.unlisted)).unwrap_or_default();
        let names = manifest.history.iter().map(|e| e.name.clone()).chain(unlisted);
        for name in names.collect::<BTreeSet<_>>() {
            if name == self.entry.name {
                continue;
            }
            let path = shared.layout.path(&name);
            if let Err(e) = shared.fs.remove_file(&path)
                && e.kind() != std::io::ErrorKind::NotFound
            {
                log::warn!("deleting {}: {e}", path.display());
            }
        }
    }

    /// Gives up. Before the switch everything is as if the rewrite had not begun; after it the log goes on in two files.
    pub fn abort(self) {
        drop(self);
    }

    fn undo(&mut self) {
        let shared = Arc::clone(&self.shared);
        if self.base.is_some() {
            let _ = shared.fs.remove_file(&shared.layout.path(&shared.layout.temp_base_name()));
        }
        if self.stage == Stage::Begun {
            // An empty file behind the one in use does no harm to replay, but a server would take a torn tail in front
            // of it for damage in the middle. So it goes, listed or not.
            self.next = None;
            let relisted = if self.listed {
                shared.lock().map(|g| g.manifest.clone()).and_then(|mut manifest| {
                    manifest.incrs.retain(|e| e.name != self.entry.name);
                    self.publish(&manifest)?;
                    shared.lock()?.manifest = manifest;
                    Ok(())
                })
            } else {
                Ok(())
            };
            match relisted {
                Ok(()) => {
                    let _ = shared.fs.remove_file(&shared.layout.path(&self.entry.name));
                    let _ = shared.note(|session| session.files.retain(|f| f.name != self.entry.name));
                }
                Err(e) => log::warn!("{e}"),
            }
        }
        if let Ok(mut guard) = shared.lock() {
            guard.rewrite.note_failure();
        }
    }

    /// [`manifest::publish`](super::manifest::publish), with the steps that a test may leave out.
    fn publish(&self, manifest: &Manifest) -> Result<()> {
        let shared = &self.shared;
        let folder = shared.layout.folder();
        let name = shared.layout.manifest_name();
        match shared.options.sabotage {
            Some(leave_out @ (Sabotage::NoManifestSync | Sabotage::NoDirSync)) => {
                let temp = folder.join(format!("temp-{name}"));
                let fail = |e| Error::io("writing the manifest", &temp, e);
                let file = shared.fs.open(&temp, Open::Truncate).map_err(fail)?;
                file.write_all_at(manifest.to_text().as_bytes(), 0).map_err(fail)?;
                if leave_out != Sabotage::NoManifestSync {
                    file.sync_all().map_err(fail)?;
                }
                shared.fs.rename(&temp, &folder.join(&name)).map_err(fail)?;
                if leave_out != Sabotage::NoDirSync {
                    shared.fs.sync_dir(&folder).map_err(fail)?;
                }
                Ok(())
            }
            _ => super::manifest::publish(&*shared.fs, &folder, &name, manifest),
        }
    }
}

impl Drop for Rewrite {
    fn drop(&mut self) {
        if self.stage != Stage::Done {
            self.undo();
        }
    }
}

/// Adds the last check line of the active file.
pub(super) fn finish_data(guard: &mut Guard<'_>) -> Result<()> {
    let active = &mut guard.active;
    if active.pos == active.checked {
        return Ok(());
    }
    let fail = |active: &Active, e| Error::io("writing", &active.path, e);
    active.settle();
    let crc = active.crc_to_pos(active.checked, 0).map_err(|e| fail(active, e))?;
    match active.put(&active.check_line(crc)) {
        Ok(true) => {}
        Ok(false) => return Err(fail(active, std::io::ErrorKind::StorageFull.into())),
        Err(e) => return Err(fail(active, e)),
    }
    active.checked = active.pos;
    active.last_crc = crc;
    Ok(())
}
