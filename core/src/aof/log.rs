//! The log as writers see it: reserve room, append under shard guards, wait for the disk.
//!
//! One mutex guards the order of records. Appending holds it for a copy into the page cache, some tens of nanoseconds;
//! whatever may take longer (extending the file, checksums, syncs, the session note) happens outside of it, on a
//! background thread where threads are allowed. Lock order: shard guards, then the session note's lock, then this one.
//!
//! Trouble is of two kinds. *Full*: the disk has no room to prepare. What was appended is whole; writes are refused
//! until room can be prepared again, which is tried every second. A record that did not fit is kept in memory, first
//! in line. *Failed*: a sync or a write went wrong, and nobody can say what the disk holds. That descriptor is never
//! synced again, writes are refused, and only a rewrite into fresh files (or opening the store anew) clears it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use super::active::{Active, HEAD, PAGE};
use super::effects::Effects;
use super::files::Layout;
use super::manifest::{Entry, Kind, Manifest, publish};
use super::replay::{Opened, Tail};
use super::rewrite::Progress;
use super::session::Session;
use super::shared::{CHECK_ROOM, Guard, Health, Shared, State, closed, poisoned};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileSystem, Open};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex};

/// Position in the log: everything up to it. Grows with every append, across files.
pub type Lsn = u64;

/// When what was appended is made durable against power loss. It outlives the process at once under each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// Before a write is acknowledged: the caller waits by [`Log::wait_durable`].
    Always = 0,
    /// Once a second, by a background thread.
    EverySec = 1,
    /// When the operating system likes.
    No = 2,
}

impl Policy {
    pub(super) fn from_u8(n: u8) -> Self {
        match n {
            0 => Policy::Always,
            1 => Policy::EverySec,
            _ => Policy::No,
        }
    }
}

/// Settings of a log.
#[derive(Clone, Debug)]
pub struct Options {
    /// `appendfsync`.
    pub policy: Policy,
    /// `aof-timestamp-enabled`: note the time before a record when the second has changed.
    pub timestamps: bool,
    /// Whether background threads may be started. Without them room is prepared by whoever needs it, and `everysec`
    /// syncs in the first call after a second has passed.
    pub threads: bool,
    /// Bytes by which the file is extended; a multiple of 4096 (of the page size, or the file is not mapped). 1 MiB
    /// measured best.
    pub step_bytes: u64,
    /// Breaks the rewrite protocol on purpose, for tests of the tests.
    #[doc(hidden)]
    pub sabotage: Option<super::rewrite::Sabotage>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: Policy::EverySec,
            timestamps: false,
            threads: true,
            step_bytes: 1 << 20,
            sabotage: None,
        }
    }
}

/// See the module. Shared between threads; closed by [`close`](Self::close), or, less politely, by drop.
pub struct Log {
    pub(super) shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Figures for `INFO`.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Bytes of all files of the log at present, filler not counted.
    pub current_bytes: u64,
    /// The same after the last rewrite or start.
    pub base_bytes: u64,
    /// Bytes that are in memory only, since the disk is full.
    pub buffer_bytes: u64,
    /// Why writes are refused, if they are.
    pub write_error: Option<String>,
    /// Whether a sync is running.
    pub pending_fsync: bool,
    /// How often a writer waited for a slow sync.
    pub delayed_fsync: u64,
    /// Number of rewrites done.
    pub rewrites: u64,
    /// Rewrites that failed since the last that succeeded.
    pub rewrite_failures: u32,
    /// Whether a rewrite is under way.
    pub rewriting: bool,
    /// Whether the log was turned on and waits for its first rewrite.
    pub waiting: bool,
}

impl Log {
    /// Opens the log for appending behind what replay found. A fresh directory gets its first file and manifest;
    /// otherwise nothing on disk changes before the first write.
    pub fn open(fs: Arc<dyn FileSystem>, layout: Layout, opened: Opened, options: Options) -> Result<Self> {
        let folder = layout.folder();
        let mut manifest = opened.manifest;
        let tail = match opened.tail {
            Some(tail) => tail,
            None => {
                fs.create_dir_all(&folder).map_err(|e| Error::io("creating", &folder, e))?;
                // The folder's own entry must be durable too, or everything in it is not.
                fs.sync_dir(&layout.dir).map_err(|e| Error::io("syncing", &layout.dir, e))?;
                let seq = opened.next_incr;
                let name = layout.incr_name(seq);
                let path = layout.path(&name);
                fs.open(&path, Open::New).map_err(|e| Error::io("creating", &path, e))?;
                manifest.incrs.push(Entry::new(name.clone(), seq, Kind::Incr));
                // The manifest must not become durable before a name that it lists.
                fs.sync_dir(&folder).map_err(|e| Error::io("syncing", &folder, e))?;
                publish(&*fs, &folder, &layout.manifest_name(), &manifest)?;
                Tail { name, data_end: 0 }
            }
        };
        Self::assemble(fs, layout, manifest, tail, opened.total_bytes, options)
    }

    /// The log with nothing done to the disk yet.
    pub(super) fn assemble(
        fs: Arc<dyn FileSystem>,
        layout: Layout,
        manifest: Manifest,
        tail: Tail,
        total_bytes: u64,
        options: Options,
    ) -> Result<Self> {
        if options.step_bytes == 0 || !options.step_bytes.is_multiple_of(PAGE) {
            return Err(Error::new(
                ErrorKind::Argument,
                "the step of the log must be a multiple of 4096 bytes",
            ));
        }
        let path = layout.path(&tail.name);
        let file = fs.open(&path, Open::Write).map_err(|e| Error::io("opening", &path, e))?;
        let lsn = tail.data_end;
        let state = State {
            active: Active::new(tail.name, path, file, tail.data_end, 0),
            retired: Vec::new(),
            selected: None,
            scratch: Vec::new(),
            spill: Vec::new(),
            last_try: None,
            health: Health::Good,
            started: false,
            preparing: false,
            asked: false,
            syncing: false,
            dirty_since: None,
            closing: false,
            threads_running: false,
            last_second: 0,
            manifest,
            unlisted: false,
            session: Session::default(),
            rewrite: Progress::default(),
            other_bytes: total_bytes.saturating_sub(tail.data_end),
            base_bytes: total_bytes,
        };
        let shared = Shared {
            fs,
            layout,
            policy: AtomicU8::new(options.policy as u8),
            timestamps: AtomicBool::new(options.timestamps),
            options,
            state: Mutex::new(state),
            session_io: Mutex::new(()),
            changed: Condvar::new(),
            sync_work: Condvar::new(),
            prepare_work: Condvar::new(),
            synced: AtomicU64::new(lsn),
            written: AtomicU64::new(lsn),
            room: AtomicU64::new(0),
            look: AtomicBool::new(true),
            syncing_since: AtomicU64::new(0),
            born: Instant::now(),
            delayed: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared), threads: Mutex::new(Vec::new()) })
    }

    /// Asked before a write command runs: whether about `bytes` of effects can be logged. After `Ok`, appends of that
    /// size do not fail for want of space, unless so many writers at once use up the reserve. Costs three loads when
    /// all is well; prepares room, or waits for a sync that is overdue under `everysec`, when not. Call it before taking
    /// shard guards.
    ///
    /// Errors are `MISCONF …` as Redis words them: the disk is full, or the log has failed.
    pub fn reserve(&self, bytes: usize) -> Result<()> {
        let shared = &*self.shared;
        let need = bytes as u64 + shared.slack();
        if !shared.look.load(Ordering::Acquire) && shared.room.load(Ordering::Acquire) >= need {
            return Ok(());
        }
        self.reserve_slowly(need)
    }

    #[cold]
    fn reserve_slowly(&self, need: u64) -> Result<()> {
        let shared = &*self.shared;
        shared.wait_for_overdue_sync()?;
        let mut guard = self.ready(shared.lock()?)?;
        if matches!(guard.health, Health::Full(_)) {
            guard = shared.recover(guard)?;
        }
        guard.refusal()?;
        while guard.active.room() < need + CHECK_ROOM {
            guard = shared.extend(guard, need)?;
        }
        shared.publish_room(&guard);
        drop(guard);
        if !shared.options.threads {
            shared.sync_if_due()?;
        }
        Ok(())
    }

    /// Appends the effects of one call, whole, and tells how far the log goes then. Costs a copy into the page cache.
    /// Called under the guards of the shards that the effects touch, so that the log's order is the order of execution.
    ///
    /// After an error the effects are in memory but not promised to be on disk, and the caller must say so to its user.
    pub fn append(&self, effects: &Effects) -> Result<Lsn> {
        let shared = &*self.shared;
        if effects.is_empty() {
            return Ok(shared.written.load(Ordering::Acquire));
        }
        let mut guard = shared.lock()?;
        if !guard.started || guard.closing {
            guard = self.ready(guard)?;
        }
        let state = &mut *guard;
        if let Health::Failed(_) | Health::Closed = state.health {
            return Err(state.refusal().err().unwrap_or_else(poisoned));
        }
        let mut scratch = std::mem::take(&mut state.scratch);
        scratch.clear();
        let blob = match effects.single() {
            Some((db, bytes))
                if state.selected == Some(db) && bytes.len() >= HEAD && !shared.notes_times() =>
            {
                bytes
            }
            _ => {
                shared.assemble(state, effects, &mut scratch);
                &scratch
            }
        };
        let (mut guard, outcome) =
            if state.spill.is_empty() && state.active.room() >= blob.len() as u64 + CHECK_ROOM {
                match state.active.put(blob) {
                    Ok(true) => (guard, Ok(())),
                    Ok(false) => shared.append_slowly(guard, blob)?,
                    Err(e) => (shared.fail(guard, "writing", &e)?, Err(())),
                }
            } else {
                shared.append_slowly(guard, blob)?
            };
        scratch.shrink_to(SCRATCH_MAX);
        guard.scratch = scratch;
        if outcome.is_err() {
            return Err(guard.refusal().err().unwrap_or_else(poisoned));
        }
        let lsn = guard.active.lsn();
        shared.written.store(lsn, Ordering::Release);
        shared.after_append(&mut guard);
        Ok(lsn)
    }

    /// How far the log goes.
    pub fn end(&self) -> Lsn {
        self.shared.written.load(Ordering::Acquire)
    }

    /// How far it is durable against power loss.
    pub fn durable(&self) -> Lsn {
        self.shared.synced.load(Ordering::Acquire)
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy {
        self.shared.policy()
    }

    /// Changes the policy from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.shared.policy.store(policy as u8, Ordering::Release);
        self.shared.sync_work.notify_all();
        self.shared.changed.notify_all();
    }

    /// Whether times are noted from now on (`aof-timestamp-enabled`).
    pub fn set_timestamps(&self, on: bool) {
        self.shared.timestamps.store(on, Ordering::Relaxed);
    }

    /// Under `always`: returns when everything up to `lsn` is durable. The first to come syncs for all who have appended
    /// by then; the others wait for him. Not to be called under shard guards.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        self.shared.wait_durable(lsn)
    }

    /// Makes everything appended so far durable, whatever the policy.
    pub fn sync(&self) -> Result<()> {
        self.shared.wait_durable(self.end())
    }

    /// Figures for `INFO`.
    pub fn stats(&self) -> Stats {
        let Ok(state) = self.shared.lock() else { return Stats::default() };
        Stats {
            current_bytes: state.current_bytes(),
            base_bytes: state.base_bytes,
            buffer_bytes: state.spill.len() as u64,
            write_error: match &state.health {
                Health::Full(why) | Health::Failed(why) => Some(why.clone()),
                Health::Good | Health::Closed => None,
            },
            pending_fsync: state.syncing,
            delayed_fsync: self.shared.delayed.load(Ordering::Relaxed),
            rewrites: state.rewrite.done,
            rewrite_failures: state.rewrite.failures,
            rewriting: state.rewrite.running,
            waiting: state.unlisted,
        }
    }

    /// Ends the log cleanly: everything is synced, the prepared tail cut off, the session note removed, threads joined.
    /// After an error the log is closed too, and left as after a crash: what was acknowledged is recovered by replay.
    /// Closing again does nothing.
    pub fn close(&self) -> Result<()> {
        {
            let mut state = self.shared.lock()?;
            if state.closing {
                return Ok(());
            }
            state.closing = true;
            self.shared.look.store(true, Ordering::Release);
        }
        self.shared.sync_work.notify_all();
        self.shared.prepare_work.notify_all();
        self.shared.changed.notify_all();
        let threads = match self.threads.lock() {
            Ok(mut threads) => std::mem::take(&mut *threads),
            Err(_) => Vec::new(),
        };
        for thread in threads {
            // A panic there has poisoned the state, which the next lines report.
            let _ = thread.join();
        }
        let closed = self.shared.close_files();
        if let Ok(mut state) = self.shared.lock() {
            state.health = Health::Closed;
            state.active.finished.clear();
        }
        self.shared.changed.notify_all();
        closed
    }

    /// Makes sure that the session is begun and the threads run.
    pub(super) fn ready<'a>(&'a self, mut guard: Guard<'a>) -> Result<Guard<'a>> {
        let shared = &*self.shared;
        if guard.closing {
            return Err(closed());
        }
        while !guard.started {
            if guard.preparing {
                guard = shared.wait(guard)?;
                continue;
            }
            guard = shared.start(guard)?;
        }
        if shared.options.threads && !guard.threads_running {
            guard.threads_running = true;
            drop(guard);
            self.start_threads()?;
            guard = shared.lock()?;
        }
        Ok(guard)
    }

    fn start_threads(&self) -> Result<()> {
        type Body = fn(&Shared);
        let bodies: [(&str, Body); 2] =
            [("persistkv-sync", Shared::run_sync_thread), ("persistkv-room", Shared::run_prepare_thread)];
        let mut threads = self.threads.lock().map_err(|_| poisoned())?;
        for (name, body) in bodies {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || body(&shared))
                .map_err(|e| Error::new(ErrorKind::Io, format!("starting the thread {name}: {e}")))?;
            threads.push(thread);
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(e) = self.close() {
            log::error!("closing the append-only log: {e}");
        }
    }
}

/// The assembly buffer is not kept above this size.
const SCRATCH_MAX: usize = 1 << 16;
