//! The store's log: what is appended, when it is durable, and the rewrite that keeps it short.

use std::io::BufWriter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use super::aof_base::{CommandWriter, MixedWriter};
use super::saving::Until;
use super::{Inner, closed};
use crate::aof::log::{Log, Policy};
use crate::aof::manifest::{Entry, Kind, Manifest};
use crate::aof::replay::{LoadReport, Opened};
use crate::aof::{self, Effects};
use crate::config::Directive;
use crate::error::{Error, Result};
use crate::fs::{FileWriter, Open};
use crate::keyspace::cut::Cut;
use crate::rdb;

/// What INFO and the tick want to know of rewrites.
#[derive(Default)]
pub(super) struct RewriteState {
    /// One runs.
    pub(super) running: bool,
    /// One is to follow the BGSAVE under way.
    pub(super) scheduled: bool,
    /// The last one failed.
    pub(super) failed: bool,
    /// When the one under way (or the last one) began, seconds since the epoch.
    pub(super) started: i64,
    /// How long the last one took, seconds; `None` before the first.
    pub(super) last_seconds: Option<i64>,
    thread: Option<JoinHandle<()>>,
}

/// A database and an encoded command.
type Collected = (u32, Vec<u8>);

/// See the module's head.
#[derive(Default)]
pub(super) struct Logging {
    log: RwLock<Option<Arc<Log>>>,
    rewrite: Mutex<RewriteState>,
    cancel: AtomicBool,
    /// While the log is being turned on: what was done since the cut its base is made from.
    collecting: Mutex<Option<Vec<Collected>>>,
    is_collecting: AtomicBool,
    /// A transaction has asked for the log to be turned on or off.
    pub(super) switch_later: AtomicBool,
}

impl Logging {
    /// The log, `None` with `appendonly no`.
    pub(super) fn log(&self) -> Option<Arc<Log>> {
        self.log.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `f` with the log, if there is one, without touching its reference count.
    pub(super) fn with<R>(&self, f: impl FnOnce(&Log) -> R) -> Option<R> {
        self.log.read().unwrap_or_else(PoisonError::into_inner).as_deref().map(f)
    }

    pub(super) fn is_on(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    pub(super) fn set(&self, log: Option<Arc<Log>>) -> Option<Arc<Log>> {
        std::mem::replace(&mut *self.log.write().unwrap_or_else(PoisonError::into_inner), log)
    }

    /// Keeps what a command did for a log that is being turned on. Called under the shards' guards.
    pub(super) fn collect(&self, effects: &Effects) {
        if self.is_collecting.load(Ordering::Acquire)
            && let Some(kept) = &mut *self.collecting.lock().unwrap_or_else(PoisonError::into_inner)
        {
            kept.extend(effects.iter().map(|(db, record)| (db, record.to_vec())));
        }
    }

    fn set_collecting(&self, on: bool) -> Vec<Collected> {
        let next = on.then(Vec::new);
        self.is_collecting.store(on, Ordering::Release);
        std::mem::replace(&mut *self.collecting.lock().unwrap_or_else(PoisonError::into_inner), next)
            .unwrap_or_default()
    }

    pub(super) fn rewrite(&self) -> MutexGuard<'_, RewriteState> {
        self.rewrite.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SCHEDULED: &str = "Background append only file rewriting scheduled";

fn log_is_off() -> Error {
    Error::command("ERR the append-only file is off; turn it on with CONFIG SET appendonly yes")
}

fn rewrite_runs() -> Error {
    Error::command("ERR Background append only file rewriting already in progress")
}

/// The log's policy for a value of `appendfsync`.
pub(super) fn policy(choice: i64) -> Policy {
    match choice {
        0 => Policy::Always,
        1 => Policy::EverySec,
        _ => Policy::No,
    }
}

impl Inner {
    /// Whether a rewrite of the log runs.
    pub(super) fn rewrite_is_running(&self) -> bool {
        self.logging.rewrite().running
    }

    /// BGREWRITEAOF in a transaction, whose effects must be in the log before the cut.
    pub(super) fn schedule_rewrite(&self) -> Result<&'static str> {
        if self.logging.log().is_none() {
            return Err(log_is_off());
        }
        let inner = self.me.upgrade().ok_or_else(closed)?;
        let mut state = self.logging.rewrite();
        if state.running {
            return Err(rewrite_runs());
        }
        state.scheduled = true;
        drop(state);
        self.background.rouse(&inner);
        Ok(SCHEDULED)
    }

    /// BGREWRITEAOF.
    pub(super) fn start_rewrite(&self) -> Result<&'static str> {
        let log = self.logging.log().ok_or_else(log_is_off)?;
        let inner = self.me.upgrade().ok_or_else(closed)?;
        let saving = self.saves.state().running;
        let mut state = self.logging.rewrite();
        if state.running {
            return Err(rewrite_runs());
        }
        if saving {
            state.scheduled = true;
            drop(state);
            self.background.rouse(&inner);
            return Ok(SCHEDULED);
        }
        if let Some(old) = state.thread.take() {
            let _ = old.join();
        }
        self.logging.cancel.store(false, Ordering::Relaxed);
        let work = move || {
            let result = inner.rewrite_log(&log);
            let mut state = inner.logging.rewrite();
            state.running = false;
            state.last_seconds = Some(inner.now_seconds() - state.started);
            if let Err(error) = result
                && !inner.logging.cancel.load(Ordering::Relaxed)
            {
                state.failed = true;
                log::error!("the rewrite of the log failed: {error}");
            } else {
                state.failed = false;
            }
        };
        let spawned = std::thread::Builder::new().name("persistkv-rewrite".into()).spawn(work);
        let thread =
            spawned.map_err(|e| Error::command(format!("ERR can't start a thread for BGREWRITEAOF: {e}")))?;
        (state.running, state.scheduled, state.started) = (true, false, self.now_seconds());
        state.thread = Some(thread);
        Ok("Background append only file rewriting started")
    }

    /// The new file takes appends from the cut on; the base is written from the cut.
    fn rewrite_log(&self, log: &Log) -> Result<()> {
        let _file = self.saves.file();
        let mut rewrite = log.begin_rewrite()?;
        let mut switched = Ok(0);
        let cut = self.keyspace.begin_cut(|| switched = rewrite.switch())?;
        switched?;
        let as_rdb = self.config.flag(Directive::AofUseRdbPreamble);
        let file = rewrite.create_base(as_rdb)?;
        let cancel = &self.logging.cancel;
        if as_rdb {
            self.write_base(file, cut, cancel)?;
        } else {
            let mut writer = CommandWriter::new(BufWriter::new(file));
            writer.functions(cut.companions())?;
            cut.run(&mut Until { sink: &mut writer, cancel })?;
            writer.finish()?;
        }
        rewrite.commit()
    }

    /// Writes a base that begins with a snapshot.
    fn write_base(&self, file: FileWriter, cut: Cut, cancel: &AtomicBool) -> Result<()> {
        let mut options = self.rdb_options("the base of the append-only file".into(), true);
        options.functions = cut.companions().to_vec();
        let mut snapshot = rdb::Writer::new(file, options)?;
        if !cut.has_expiring_fields() {
            cut.run(&mut Until { sink: &mut snapshot, cancel })?;
            return snapshot.finish().map(drop);
        }
        let disk = self.disk()?;
        let layout = self.layout(disk);
        let path = layout.path(&layout.temp_tail_name());
        let tail = disk.fs.open(&path, Open::Truncate).map_err(|e| Error::io("creating", &path, e))?;
        let mut writer = MixedWriter::new(snapshot, tail);
        let result = cut.run(&mut Until { sink: &mut writer, cancel }).and_then(|()| writer.finish());
        let _ = disk.fs.remove_file(&path);
        result
    }

    /// Gives a rewrite under way up and waits for its end.
    pub(super) fn stop_rewrite(&self) {
        self.logging.cancel.store(true, Ordering::Relaxed);
        self.wait_for_rewrite();
    }

    /// Waits for the end of a rewrite under way.
    pub(super) fn wait_for_rewrite(&self) {
        let thread = self.logging.rewrite().thread.take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Starts a rewrite when the log has grown enough, when one was asked for during a BGSAVE, or when only that can heal
    /// a log whose sync failed. True while the log needs watching without a further write.
    pub(super) fn tick_log(&self) -> bool {
        let Some(log) = self.logging.log() else { return false };
        let (running, scheduled) = {
            let state = self.logging.rewrite();
            (state.running, state.scheduled)
        };
        if running {
            return true;
        }
        if self.saves.state().running {
            return scheduled;
        }
        let percentage = self.config.int(Directive::AutoAofRewritePercentage) as u32;
        let min_size = self.config.int(Directive::AutoAofRewriteMinSize) as u64;
        let failed = log.needs_rewrite();
        if scheduled || failed || log.rewrite_due(percentage, min_size) {
            if let Err(error) = self.start_rewrite() {
                log::error!("a rewrite of the log could not be started: {error}");
            }
            return true;
        }
        false
    }

    /// CONFIG SET appendonly yes. A base is written from a cut while what happens since is kept aside; then the manifest
    /// is published, what was kept is appended, and the log is on. Before that a crash leaves the directory as it was.
    pub(super) fn turn_log_on(&self) -> Result<()> {
        let disk = self.disk()?;
        let layout = self.layout(disk);
        let mut next = (1, 1);
        for name in disk.fs.read_dir(&layout.folder()).unwrap_or_default() {
            match layout.parse_name(&name) {
                Some((Kind::Incr, seq)) => next.1 = next.1.max(seq + 1),
                Some((_, seq)) => next.0 = next.0.max(seq + 1),
                None => {}
            }
        }
        disk.fs.create_dir_all(&layout.folder()).map_err(|e| Error::io("creating", &layout.folder(), e))?;
        disk.fs.sync_dir(&disk.dir).map_err(|e| Error::io("syncing the directory", &disk.dir, e))?;
        let cut = self.keyspace.begin_cut(|| drop(self.logging.set_collecting(true)))?;
        let result = (|| {
            let name = layout.base_name(next.0, true);
            let temp = layout.path(&layout.temp_base_name());
            let file = disk.fs.open(&temp, Open::Truncate).map_err(|e| Error::io("creating", &temp, e))?;
            self.write_base(FileWriter::new(Arc::clone(&file), 0), cut, &AtomicBool::new(false))?;
            file.sync_all().map_err(|e| Error::io("syncing", &temp, e))?;
            let path = layout.path(&name);
            disk.fs.rename(&temp, &path).map_err(|e| Error::io("renaming", &temp, e))?;
            disk.fs.sync_dir(&layout.folder()).map_err(|e| Error::io("syncing", &layout.folder(), e))?;
            // A log that was turned off earlier is out of date: the new manifest takes its place, and what it lists is
            // deleted with the next rewrite or at the next start.
            let old = aof::read_manifest(&*disk.fs, &layout)?.unwrap_or_default();
            let history = old.all().map(|e| Entry { kind: Kind::History, ..e.clone() }).collect();
            let base = Some(Entry::new(name, next.0, Kind::Base));
            let manifest = Manifest { base, history, incrs: Vec::new() };
            let report = LoadReport::default();
            let opened = Opened { manifest, tail: None, next_incr: next.1, total_bytes: 0, report };
            Log::open(Arc::clone(&disk.fs), layout.clone(), opened, self.log_options())
        })();
        let log = match result {
            Ok(log) => log,
            Err(error) => {
                self.logging.set_collecting(false);
                return Err(error);
            }
        };
        let _everything = self.keyspace.lock_all()?;
        let mut effects = Effects::new();
        effects.set_independent();
        for (db, record) in self.logging.set_collecting(false) {
            effects.push_with(db, |out| out.extend_from_slice(&record));
        }
        log.reserve(effects.byte_len())?;
        log.append(&effects)?;
        self.logging.set(Some(Arc::new(log)));
        Ok(())
    }

    /// CONFIG SET appendonly: what the directive says now is done; it is as before if that fails.
    pub(super) fn switch_log(&self, is_on: bool) -> Result<()> {
        let done = match (is_on, self.config.flag(Directive::AppendOnly)) {
            (false, true) => self.turn_log_on(),
            (true, false) => self.turn_log_off(),
            _ => Ok(()),
        };
        done.or_else(|error| self.leave_log(is_on, &error))
    }

    /// The same when the transaction is over that asked for it.
    pub(super) fn switch_log_later(&self) -> Result<()> {
        if let Err(error) = self.disk() {
            return self.leave_log(self.logging.is_on(), &error);
        }
        self.logging.switch_later.store(true, Ordering::Release);
        Ok(())
    }

    fn leave_log(&self, is_on: bool, error: &Error) -> Result<()> {
        let back: &[u8] = if is_on { b"yes" } else { b"no" };
        self.config.set_at_run_time(&[(b"appendonly", back)])?;
        let reason = error.message().trim_start_matches("ERR ");
        Err(Error::command(format!(
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - {reason}"
        )))
    }

    /// CONFIG SET appendonly no: the log is closed and its files stay.
    pub(super) fn turn_log_off(&self) -> Result<()> {
        self.stop_rewrite();
        let log = {
            let _everything = self.keyspace.lock_all()?;
            self.logging.set(None)
        };
        match log {
            Some(log) => log.close(),
            None => Ok(()),
        }
    }

    /// Ends the log cleanly.
    pub(super) fn close_log(&self) -> Result<()> {
        match self.logging.log() {
            Some(log) => log.close(),
            None => Ok(()),
        }
    }
}
