//! Snapshots: SAVE, BGSAVE, save points.
//!
//! A snapshot is a cut run through the RDB writer into a temporary file, which is synced, renamed over the old one, and
//! made durable by a sync of the directory; whatever goes wrong before that leaves the old file as it was.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::{Disk, Inner};
use crate::config::Directive;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileWriter, Open};
use crate::keyspace::Use;
use crate::keyspace::cut::Cut;
use crate::rdb;
use crate::value::saved::{BigKind, Body, HeadRef, Sink};

/// Seconds between two tries of a save point after a failure.
const RETRY_SECONDS: i64 = 5;

/// What INFO and the gate want to know of snapshots.
#[derive(Default)]
pub(super) struct SaveState {
    /// A BGSAVE runs.
    pub(super) running: bool,
    /// A BGSAVE is to follow the rewrite under way.
    pub(super) scheduled: bool,
    /// The last BGSAVE failed.
    pub(super) failed: bool,
    /// When the one under way (or the last one) began, seconds since the epoch.
    pub(super) last_try: i64,
    /// How long the last one took, seconds; `None` before the first.
    pub(super) last_seconds: Option<i64>,
    /// Snapshots made since the store was opened.
    pub(super) saves: u64,
    thread: Option<JoinHandle<()>>,
}

/// The book-keeping of snapshots.
#[derive(Default)]
pub(super) struct Saves {
    state: Mutex<SaveState>,
    /// Held while a BGSAVE is started or waited for, which `state` can not be.
    starting: Mutex<()>,
    /// Held while a snapshot or the base of the log is written: there is one cut at a time, and one temporary file.
    file: Mutex<()>,
    /// Asks the BGSAVE under way to give up.
    cancel: AtomicBool,
    /// `SaveState::failed`, for the gate of every write.
    failed: AtomicBool,
}

impl Saves {
    pub(super) fn state(&self) -> MutexGuard<'_, SaveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn starting(&self) -> MutexGuard<'_, ()> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody writes a snapshot or the base of the log, and keeps it so. Never taken with a shard held.
    pub(super) fn file(&self) -> MutexGuard<'_, ()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last BGSAVE failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn set_failed(&self, state: &mut SaveState, failed: bool) {
        state.failed = failed;
        self.failed.store(failed, Ordering::Relaxed);
    }
}

const SCHEDULED: &str = "Background saving scheduled";

fn save_runs() -> Error {
    Error::command("ERR Background save already in progress")
}

/// Hands a cut on until it is told to stop.
pub(super) struct Until<'a> {
    pub(super) sink: &'a mut dyn Sink,
    pub(super) cancel: &'a AtomicBool,
}

impl Until<'_> {
    fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Command, "ERR the snapshot was given up"));
        }
        Ok(())
    }
}

impl Sink for Until<'_> {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        self.check()?;
        self.sink.entry(head, body)
    }
    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, len: usize) -> Result<()> {
        self.check()?;
        self.sink.begin(head, kind, len)
    }
    fn elements(&mut self, records: &[u8]) -> Result<()> {
        self.check()?;
        self.sink.elements(records)
    }
    fn end(&mut self) -> Result<()> {
        self.sink.end()
    }
}

impl Inner {
    /// SAVE: in the caller's thread, while other callers go on.
    pub(super) fn save_now(&self) -> Result<()> {
        let disk = self.disk()?;
        // Before the cut: a second SAVE waits for the first, as two of a server's clients do.
        let _file = self.saves.file();
        if self.saves.state().running {
            return Err(save_runs());
        }
        let mut dirty = 0;
        let cut = self.keyspace.begin_cut(|| dirty = self.dirty.load(Ordering::Relaxed))?;
        self.write_snapshot(disk, cut, &AtomicBool::new(false))?;
        self.saved(dirty);
        Ok(())
    }

    /// BGSAVE in a transaction, which it is not to see half done.
    pub(super) fn schedule_bgsave(&self) -> Result<&'static str> {
        self.disk()?;
        let inner = self.me.upgrade().ok_or_else(super::closed)?;
        let mut state = self.saves.state();
        if state.running {
            return Err(save_runs());
        }
        state.scheduled = true;
        drop(state);
        self.background.rouse(&inner);
        Ok(SCHEDULED)
    }

    /// BGSAVE: the cut is made now, the rest happens on a thread of its own. No shard is held by the caller.
    pub(super) fn start_bgsave(&self, schedule: bool) -> Result<&'static str> {
        let disk = self.disk()?.clone();
        let inner = self.me.upgrade().ok_or_else(super::closed)?;
        let _starting = self.saves.starting();
        let old = {
            let mut state = self.saves.state();
            if state.running {
                return Err(save_runs());
            }
            if self.rewrite_is_running() {
                if schedule {
                    state.scheduled = true;
                    drop(state);
                    self.background.rouse(&inner);
                    return Ok(SCHEDULED);
                }
                let text = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order \
                            to schedule a BGSAVE whenever possible.";
                return Err(Error::command(text));
            }
            (state.running, state.scheduled, state.last_try) = (true, false, self.now_seconds());
            state.thread.take()
        };
        if let Some(old) = old {
            let _ = old.join();
        }
        self.saves.cancel.store(false, Ordering::Relaxed);
        // The state is free while shards are waited for: whoever holds them may want to look at it.
        let mut dirty = 0;
        let cut = self.keyspace.begin_cut(|| dirty = self.dirty.load(Ordering::Relaxed));
        let started = cut.and_then(|cut| {
            let work = move || inner.save_in_background(&disk, cut, dirty);
            let spawned = std::thread::Builder::new().name("persistkv-save".into()).spawn(work);
            spawned.map_err(|e| Error::command(format!("ERR can't start a thread for BGSAVE: {e}")))
        });
        let mut state = self.saves.state();
        match started {
            Ok(thread) => {
                state.thread = Some(thread);
                Ok("Background saving started")
            }
            Err(error) => {
                state.running = false;
                Err(error)
            }
        }
    }

    fn save_in_background(&self, disk: &Disk, cut: Cut, dirty: u64) {
        // The cut of a SAVE may be over while its file is not.
        let file = self.saves.file();
        let result = self.write_snapshot(disk, cut, &self.saves.cancel);
        drop(file);
        if result.is_ok() {
            self.saved(dirty);
        }
        // Nothing may wait for anything after this: the next BGSAVE joins this thread.
        let mut state = self.saves.state();
        state.running = false;
        state.last_seconds = Some(self.now_seconds() - state.last_try);
        if let Err(error) = result
            && !self.saves.cancel.load(Ordering::Relaxed)
        {
            self.saves.set_failed(&mut state, true);
            log::error!("the snapshot in the background failed: {error}");
        }
    }

    /// BGSAVE CANCEL: the one under way ends soon and leaves the old file as it was. As in Valkey
    /// that does not count as a failure.
    pub(super) fn give_up_bgsave(&self) -> Result<&'static str> {
        let mut state = self.saves.state();
        if state.running {
            self.saves.cancel.store(true, Ordering::Relaxed);
            return Ok("Background saving cancelled");
        }
        if std::mem::take(&mut state.scheduled) {
            return Ok("Scheduled background saving cancelled");
        }
        Err(Error::command("ERR Background saving is currently not in progress or scheduled"))
    }

    /// Gives a BGSAVE under way up and waits for its end.
    pub(super) fn stop_bgsave(&self) {
        self.saves.cancel.store(true, Ordering::Relaxed);
        self.wait_for_bgsave();
    }

    /// Waits for the end of a BGSAVE under way.
    pub(super) fn wait_for_bgsave(&self) {
        let _starting = self.saves.starting();
        let thread = self.saves.state().thread.take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn saved(&self, dirty: u64) {
        self.dirty.fetch_sub(dirty, Ordering::Relaxed);
        self.last_save.store(self.now_seconds(), Ordering::Relaxed);
        let mut state = self.saves.state();
        state.saves += 1;
        self.saves.set_failed(&mut state, false);
    }

    fn write_snapshot(&self, disk: &Disk, cut: Cut, cancel: &AtomicBool) -> Result<()> {
        let name = self.config.text(Directive::DbFileName);
        let temp = disk.dir.join(format!("temp-{}.rdb", std::process::id()));
        let result = self.write_rdb(disk, &temp, cut, cancel).and_then(|()| {
            let path = disk.dir.join(&name);
            disk.fs.rename(&temp, &path).map_err(|e| Error::io("renaming the snapshot to", &path, e))?;
            disk.fs.sync_dir(&disk.dir).map_err(|e| Error::io("syncing the directory", &disk.dir, e))
        });
        if result.is_err() {
            let _ = disk.fs.remove_file(&temp);
        }
        result
    }

    /// Writes a cut as an RDB file and syncs it.
    fn write_rdb(&self, disk: &Disk, path: &Path, cut: Cut, cancel: &AtomicBool) -> Result<()> {
        let file = disk.fs.open(path, Open::Truncate).map_err(|e| Error::io("creating", path, e))?;
        let mut options = self.rdb_options(path.to_path_buf(), false);
        options.functions = cut.companions().to_vec();
        if cut.has_expiring_fields() {
            options.level = rdb::Level::of_directive(&self.config.choice(Directive::RdbVersion), true);
        }
        let mut writer = rdb::Writer::new(FileWriter::new(Arc::clone(&file), 0), options)?;
        cut.run(&mut Until { sink: &mut writer, cancel })?;
        writer.finish()?;
        file.sync_all().map_err(|e| Error::io("syncing", path, e))
    }

    pub(super) fn rdb_options(&self, file: PathBuf, aof_base: bool) -> rdb::WriteOptions {
        let foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        rdb::WriteOptions {
            file,
            level: rdb::Level::of_directive(&self.config.choice(Directive::RdbVersion), false),
            compress: self.config.flag(Directive::RdbCompression),
            checksum: self.config.flag(Directive::RdbChecksum),
            created_secs: self.now_seconds(),
            used_memory: self.keyspace.memory().unwrap_or(0) as u64,
            aof_base,
            aux: foreign.aux.clone(),
            module_aux: foreign.module_aux.clone(),
            functions: Vec::new(),
            clock: self.keyspace.clock_reader().map(|read| -> rdb::Meaning {
                Box::new(move |clock| match read(clock) {
                    Use::Idle(seconds) => rdb::Clock::Idle(u64::from(seconds)),
                    Use::Freq(count) => rdb::Clock::Freq(count),
                })
            }),
        }
    }

    /// Starts a BGSAVE when a save point is due; true while one may become due without a further write.
    pub(super) fn tick_saves(&self) -> bool {
        if self.disk.is_none() {
            return false;
        }
        let dirty = self.dirty.load(Ordering::Relaxed);
        let points = self.config.save_points();
        let now = self.now_seconds();
        let since = now - self.last_save.load(Ordering::Relaxed);
        let (running, scheduled, may_try) = {
            let state = self.saves.state();
            (state.running, state.scheduled, !state.failed || now - state.last_try > RETRY_SECONDS)
        };
        if scheduled && !running && !self.rewrite_is_running() {
            self.log_failure(self.start_bgsave(false));
        } else if !running
            && may_try
            && !self.rewrite_is_running()
            && points.iter().any(|point| dirty >= point.changes.max(1) && since > point.seconds)
        {
            log::info!("{dirty} changes in {since} seconds. Saving...");
            self.log_failure(self.start_bgsave(false));
        }
        scheduled || (dirty > 0 && !points.is_empty())
    }

    fn log_failure(&self, result: Result<&'static str>) {
        if let Err(error) = result {
            let mut state = self.saves.state();
            self.saves.set_failed(&mut state, true);
            state.last_try = self.now_seconds();
            log::error!("a snapshot could not be started: {error}");
        }
    }

    /// FLUSHALL: a BGSAVE under way is pointless, and with save points an empty file replaces the old one at once.
    pub(super) fn snapshot_after_flushall(&self) -> Result<()> {
        if self.disk.is_none() {
            return Ok(());
        }
        self.stop_bgsave();
        if !self.config.save_points().is_empty() {
            self.save_now()?;
        }
        Ok(())
    }
}
