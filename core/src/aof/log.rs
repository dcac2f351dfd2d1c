//! The log as writers see it: reserve room, append under shard guards, wait for the disk.
//!
//! One mutex guards the order of records. Appending holds it for a copy into the page cache, some tens of nanoseconds;
//! whatever may take longer (extending the file, checksums, syncs, the session note) happens outside of it, on a
//! background thread where threads are allowed. Lock order: shard guards, then [`Shared::session_io`], then
//! [`Shared::state`].
//!
//! Trouble is of two kinds. *Full*: the disk has no room to prepare. What was appended is whole; writes are refused
//! until room can be prepared again, which is tried every second. A record that did not fit is kept in memory, first
//! in line. *Failed*: a sync or a write went wrong, and nobody can say what the disk holds. That descriptor is never
//! synced again, writes are refused, and only a rewrite into fresh files (or opening the store anew) clears it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::active::{Active, PAGE, Refused, is_space, prepare};
use super::effects::Effects;
use super::files::Layout;
use super::filler;
use super::manifest::{Entry, Kind, Manifest, publish};
use super::replay::Opened;
use super::session::{OpenFile, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{File, FileExt, FileSystem, Open};

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
    fn from_u8(n: u8) -> Self {
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

/// The bound of `everysec`: when a sync has taken longer, writers wait for it.
const EVERY: Duration = Duration::from_secs(1);
/// The session note promises room for this much, so that it is rewritten seldom.
const LIMIT_WINDOW: u64 = 64 << 20;
/// Kept free behind every record: for the check line of the next sync, and the one of a switch.
const CHECK_ROOM: u64 = 160;

pub(super) enum Health {
    Good,
    /// Recoverable; the reason.
    Full(String),
    /// Latched; the reason.
    Failed(String),
    Closed,
}

/// A file that is no longer appended to but not yet durable.
pub(super) struct Retired {
    pub(super) name: String,
    pub(super) file: Arc<dyn File>,
    /// Length of its data; what is behind is filler.
    pub(super) len: u64,
    pub(super) end_lsn: Lsn,
}

pub(super) struct State {
    pub(super) active: Active,
    pub(super) retired: Vec<Arc<Retired>>,
    pub(super) selected: Option<u32>,
    scratch: Vec<u8>,
    spill: Vec<u8>,
    last_try: Option<Instant>,
    pub(super) health: Health,
    pub(super) started: bool,
    /// Somebody extends the active file.
    pub(super) preparing: bool,
    /// The thread that prepares room has been woken and has not looked yet.
    asked: bool,
    /// Somebody syncs.
    pub(super) syncing: bool,
    /// When the oldest record that no finished or running sync covers was appended.
    pub(super) dirty_since: Option<Instant>,
    pub(super) closing: bool,
    threads_running: bool,
    last_second: u64,
    pub(super) manifest: Manifest,
    pub(super) session: Session,
    pub(super) rewrite: super::rewrite::Progress,
    /// Bytes of all live files but the active one.
    pub(super) other_bytes: u64,
    /// Bytes of the data of the active file when it became active in this process, for sizes only.
    pub(super) base_bytes: u64,
}

/// What [`Log`] and its background threads share.
pub(super) struct Shared {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) layout: Layout,
    pub(super) options: Options,
    policy: AtomicU8,
    pub(super) state: Mutex<State>,
    /// Held while the session note is written, so that notes reach the disk in order.
    session_io: Mutex<()>,
    /// Something finished: a sync, an extension, a change of health.
    pub(super) changed: Condvar,
    /// There is something to sync.
    pub(super) sync_work: Condvar,
    /// There is room to prepare.
    prepare_work: Condvar,
    pub(super) synced: AtomicU64,
    pub(super) written: AtomicU64,
    room: AtomicU64,
    /// The fast way of [`Log::reserve`] is closed: not started, not healthy, or a sync is running.
    pub(super) look: AtomicBool,
    /// Milliseconds since `born` at which the running sync began, plus 1; 0 when none is.
    pub(super) syncing_since: AtomicU64,
    pub(super) born: Instant,
    delayed: AtomicU64,
}

pub(super) type Guard<'a> = MutexGuard<'a, State>;

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
}

impl Log {
    /// Opens the log for appending behind what replay found. A fresh directory gets its first file and manifest;
    /// otherwise nothing on disk changes before the first write.
    pub fn open(fs: Arc<dyn FileSystem>, layout: Layout, opened: Opened, options: Options) -> Result<Self> {
        if options.step_bytes == 0 || !options.step_bytes.is_multiple_of(PAGE) {
            return Err(Error::new(
                ErrorKind::Argument,
                "the step of the log must be a multiple of 4096 bytes",
            ));
        }
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
                super::replay::Tail { name, data_end: 0 }
            }
        };
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
            session: Session::default(),
            rewrite: super::rewrite::Progress::default(),
            other_bytes: opened.total_bytes.saturating_sub(tail.data_end),
            base_bytes: opened.total_bytes,
        };
        let shared = Shared {
            fs,
            layout,
            policy: AtomicU8::new(options.policy as u8),
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
                if state.selected == Some(db)
                    && bytes.len() >= super::active::HEAD
                    && !shared.options.timestamps =>
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

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store is closed")
}

/// A thread panicked with the log's lock held.
pub(super) fn poisoned() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the append-only log is unusable after a defect in persistkv; open the store anew",
    )
}

impl State {
    /// The error with which writes are refused at present, if they are.
    pub(super) fn refusal(&self) -> Result<()> {
        match &self.health {
            Health::Good => Ok(()),
            Health::Full(why) | Health::Failed(why) => Err(Error::new(
                ErrorKind::NotDurable,
                format!("MISCONF Errors writing to the AOF file: {why}"),
            )),
            Health::Closed => Err(closed()),
        }
    }

    pub(super) fn current_bytes(&self) -> u64 {
        let retired: u64 = self.retired.iter().map(|r| r.len).sum();
        self.other_bytes + retired + self.active.pos
    }
}

impl Shared {
    pub(super) fn lock(&self) -> Result<Guard<'_>> {
        self.state.lock().map_err(|_| poisoned())
    }

    /// Waits for something to finish.
    pub(super) fn wait<'a>(&'a self, guard: Guard<'a>) -> Result<Guard<'a>> {
        self.changed.wait(guard).map_err(|_| poisoned())
    }

    pub(super) fn policy(&self) -> Policy {
        Policy::from_u8(self.policy.load(Ordering::Acquire))
    }

    /// Room beyond what is asked for, so that several writers that reserved at once all fit.
    fn slack(&self) -> u64 {
        self.options.step_bytes / 8
    }

    /// Alignment of mappings.
    pub(super) fn align(&self) -> u64 {
        if self.options.step_bytes.is_multiple_of(1 << 16) { 1 << 16 } else { PAGE }
    }

    /// The blob for several effects, or one that needs a `SELECT`, a time, or more bytes to be stored as a record.
    fn assemble(&self, state: &mut State, effects: &Effects, out: &mut Vec<u8>) {
        if self.options.timestamps {
            let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            if second != state.last_second {
                state.last_second = second;
                out.extend_from_slice(format!("#TS:{second}\r\n").as_bytes());
            }
        }
        effects.assemble(&mut state.selected, out);
        while out.len() < super::active::HEAD {
            out.extend_from_slice(filler::PAD);
        }
    }

    /// Tells the fast way of `reserve` how things stand.
    pub(super) fn publish_room(&self, state: &State) {
        let room = state.active.room().saturating_sub(CHECK_ROOM);
        self.room.store(room, Ordering::Release);
        let look = !state.started || state.closing || state.syncing || !matches!(state.health, Health::Good);
        self.look.store(look, Ordering::Release);
    }

    fn after_append(&self, state: &mut State) {
        if state.dirty_since.is_none() {
            state.dirty_since = Some(Instant::now());
            self.sync_work.notify_one();
        }
        self.room.store(state.active.room().saturating_sub(CHECK_ROOM), Ordering::Release);
        if state.active.room() < self.options.step_bytes {
            if !self.options.threads {
                state.active.finished.clear();
            } else if !state.preparing && !state.asked {
                // Each wake-up is a system call; one is enough.
                state.asked = true;
                self.prepare_work.notify_one();
            }
        }
    }

    /// The record does not fit at once: extends the file, or keeps the record in memory.
    fn append_slowly<'a>(
        &'a self,
        mut guard: Guard<'a>,
        blob: &[u8],
    ) -> Result<(Guard<'a>, std::result::Result<(), ()>)> {
        loop {
            if let Health::Failed(_) | Health::Closed = guard.health {
                return Ok((guard, Err(())));
            }
            let mut full = false;
            if !guard.spill.is_empty() {
                full = true;
            } else if guard.active.room() >= blob.len() as u64 + CHECK_ROOM {
                match guard.active.put(blob) {
                    Ok(true) => return Ok((guard, Ok(()))),
                    Ok(false) => {
                        guard = self.full(guard, &std::io::ErrorKind::StorageFull.into())?;
                        full = true;
                    }
                    Err(e) => return Ok((self.fail(guard, "writing", &e)?, Err(()))),
                }
            } else {
                guard = match self.extend(guard, blob.len() as u64) {
                    Ok(guard) => guard,
                    Err(_) => {
                        let guard = self.lock()?;
                        full = matches!(guard.health, Health::Full(_));
                        guard
                    }
                };
            }
            if full {
                // First come, first in line: the order of the log is kept for when there is room again.
                guard.spill.extend_from_slice(blob);
                return Ok((guard, Err(())));
            }
        }
    }

    /// Begins the session: makes what replay found durable, cuts what is not data, notes that the file is open, and
    /// prepares the first room.
    fn start<'a>(&'a self, mut guard: Guard<'a>) -> Result<Guard<'a>> {
        guard.preparing = true;
        let file = Arc::clone(&guard.active.file);
        let path = guard.active.path.clone();
        let name = guard.active.name.clone();
        let data_end = guard.active.pos;
        drop(guard);
        let begun = (|| {
            let fail = |e| Error::io("preparing", &path, e);
            file.sync_all().map_err(fail)?;
            if file.size().map_err(fail)? != data_end {
                file.set_len(data_end).map_err(fail)?;
            }
            let pad = filler::pad(data_end);
            if pad > 0 {
                file.write_all_at(&filler::PAD[..pad], data_end).map_err(fail)?;
            }
            file.sync_all().map_err(fail)?;
            let pos = data_end + pad as u64;
            let limit = pos + LIMIT_WINDOW;
            let open = OpenFile { name, mapped: true, from: pos, limit };
            let boot = self.fs.boot_id();
            self.note(|session| *session = Session { boot, trust: true, files: vec![open] })?;
            Ok(pos)
        })();
        let mut guard = self.lock()?;
        guard.preparing = false;
        self.changed.notify_all();
        let pos = begun?;
        let moved = pos - guard.active.pos;
        guard.active.pos = pos;
        guard.active.end = pos;
        guard.active.growing_to = pos;
        guard.active.checked = pos;
        guard.active.lsn_at_zero = guard.active.lsn_at_zero.wrapping_sub(moved);
        guard.started = true;
        guard = self.extend(guard, 1)?;
        self.publish_room(&guard);
        Ok(guard)
    }

    /// Changes the session note, in memory and then durably.
    pub(super) fn note(&self, change: impl FnOnce(&mut Session)) -> Result<()> {
        let _order = self.session_io.lock().map_err(|_| poisoned())?;
        let session = {
            let mut state = self.lock()?;
            change(&mut state.session);
            state.session.clone()
        };
        session.write(&*self.fs, &self.layout.folder(), &self.layout.session_name())
    }

    /// Removes the session note.
    pub(super) fn forget_session(&self) -> Result<()> {
        let _order = self.session_io.lock().map_err(|_| poisoned())?;
        let path = self.layout.path(&self.layout.session_name());
        self.fs.remove_file(&path).map_err(|e| Error::io("removing", &path, e))?;
        self.fs.sync_dir(&self.layout.folder()).map_err(|e| Error::io("syncing", &self.layout.folder(), e))
    }

    /// Extends the active file so that `need` more bytes fit, or waits for somebody who is extending it. One extension
    /// may not be enough. An error is noted in the health; the lock is free then.
    pub(super) fn extend<'a>(&'a self, mut guard: Guard<'a>, need: u64) -> Result<Guard<'a>> {
        if guard.preparing {
            return self.wait(guard);
        }
        let step = self.options.step_bytes;
        let from = guard.active.end;
        let least = (guard.active.pos + need + CHECK_ROOM + 64).max(from + 1);
        let to = least.div_ceil(step) * step;
        let limit = guard.session.files.iter().find(|f| f.name == guard.active.name).map_or(0, |f| f.limit);
        let file = Arc::clone(&guard.active.file);
        let name = guard.active.name.clone();
        let mapped = guard.active.mapped;
        let finished = std::mem::take(&mut guard.active.finished);
        guard.preparing = true;
        guard.active.growing_to = to;
        drop(guard);
        drop(finished);
        let mut noted = Ok(());
        if to > limit {
            noted = self.note(|session| {
                for open in session.files.iter_mut().filter(|f| f.name == name) {
                    open.limit = to + LIMIT_WINDOW;
                }
            });
        }
        let prepared = match noted {
            Ok(()) if mapped => prepare(&*file, from, to, self.align()).map(Some),
            Ok(()) => Ok(None),
            Err(e) => Err(Refused::Space(std::io::Error::other(e.message().to_owned()))),
        };
        let prepared = match prepared {
            Err(Refused::Mapping) => {
                let noted = self.note(|session| {
                    for open in session.files.iter_mut().filter(|f| f.name == name) {
                        open.mapped = false;
                    }
                });
                Err(noted.map_or_else(
                    |e| Refused::Io(std::io::Error::other(e.message().to_owned())),
                    |()| Refused::Mapping,
                ))
            }
            other => other,
        };
        let mut guard = self.lock()?;
        guard.preparing = false;
        self.changed.notify_all();
        if guard.active.name != name {
            // Switched to another file meanwhile; the room is cut off when this one is retired.
            return Ok(guard);
        }
        let outcome = match prepared {
            Ok(Some(step)) => {
                guard.active.add(step);
                Ok(())
            }
            Ok(None) => guard.active.reserve_plain(to),
            Err(Refused::Mapping) => match guard.active.go_plain() {
                Ok(()) => guard.active.reserve_plain(to),
                Err(e) => Err(Refused::Io(e)),
            },
            Err(refused) => Err(refused),
        };
        match outcome {
            Ok(()) => {
                self.publish_room(&guard);
                Ok(guard)
            }
            Err(Refused::Space(e)) => {
                guard.active.growing_to = guard.active.end;
                let guard = self.full(guard, &e)?;
                Err(guard.refusal().err().unwrap_or_else(poisoned))
            }
            Err(Refused::Io(e)) => {
                let guard = self.fail(guard, "extending", &e)?;
                Err(guard.refusal().err().unwrap_or_else(poisoned))
            }
            Err(Refused::Mapping) => Err(poisoned()),
        }
    }

    /// Notes that the disk is full.
    fn full<'a>(&'a self, mut guard: Guard<'a>, e: &std::io::Error) -> Result<Guard<'a>> {
        if let Health::Good | Health::Full(_) = guard.health {
            if matches!(guard.health, Health::Good) {
                log::error!("the append-only log can not grow, writes are refused until it can: {e}");
            }
            guard.health = Health::Full(e.to_string());
            guard.last_try = Some(Instant::now());
        }
        self.publish_room(&guard);
        self.changed.notify_all();
        self.prepare_work.notify_all();
        Ok(guard)
    }

    /// Latches a failure.
    pub(super) fn fail<'a>(
        &'a self,
        mut guard: Guard<'a>,
        doing: &str,
        e: &std::io::Error,
    ) -> Result<Guard<'a>> {
        if let Health::Good | Health::Full(_) = guard.health {
            log::error!(
                "{doing} {}: {e}; writes are refused until a rewrite of the log succeeds",
                guard.active.path.display()
            );
            guard.health = Health::Failed(e.to_string());
            self.publish_room(&guard);
            self.changed.notify_all();
            drop(guard);
            // From now on the page cache may lack what a failed write-back dropped. If the note fails too, the disk is
            // in no state to take one.
            if let Err(e) = self.note(|session| session.trust = false) {
                log::error!("{e}");
            }
            guard = self.lock()?;
        }
        Ok(guard)
    }

    /// Full: tries to prepare room and to write what is kept in memory, at most once a second where a thread tries too.
    fn recover<'a>(&'a self, mut guard: Guard<'a>) -> Result<Guard<'a>> {
        if self.options.threads && guard.last_try.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(guard);
        }
        guard.last_try = Some(Instant::now());
        loop {
            if !matches!(guard.health, Health::Full(_)) {
                return Ok(guard);
            }
            let need = guard.spill.len() as u64;
            if guard.active.room() < need + CHECK_ROOM + self.slack() {
                guard = match self.extend(guard, need + self.slack()) {
                    Ok(guard) => guard,
                    Err(_) => return self.lock(),
                };
                continue;
            }
            let spill = std::mem::take(&mut guard.spill);
            let put = if spill.is_empty() { Ok(true) } else { guard.active.put(&spill) };
            match put {
                Ok(true) => {
                    guard.health = Health::Good;
                    self.written.store(guard.active.lsn(), Ordering::Release);
                    self.after_append(&mut guard);
                    self.publish_room(&guard);
                    self.changed.notify_all();
                    log::warn!("the append-only log can grow again");
                }
                Ok(false) => {
                    guard.spill = spill;
                    return Ok(guard);
                }
                Err(e) => {
                    guard.spill = spill;
                    guard = self.fail(guard, "writing", &e)?;
                }
            }
        }
    }

    /// Under `everysec`, a writer waits here while a sync takes longer than the bound.
    fn wait_for_overdue_sync(&self) -> Result<()> {
        let mut counted = false;
        let overdue = || {
            let since = self.syncing_since.load(Ordering::Acquire);
            since != 0 && self.born.elapsed() > Duration::from_millis(since - 1) + EVERY
        };
        if self.policy() != Policy::EverySec || !overdue() {
            return Ok(());
        }
        let mut guard = self.lock()?;
        while guard.syncing && overdue() && self.policy() == Policy::EverySec && !guard.closing {
            if !counted {
                counted = true;
                self.delayed.fetch_add(1, Ordering::Relaxed);
            }
            guard = self.wait(guard)?;
        }
        Ok(())
    }

    /// Without threads: `everysec` is served by whoever comes first after a second.
    fn sync_if_due(&self) -> Result<()> {
        let due = self.lock()?.dirty_since.is_some_and(|since| since.elapsed() >= EVERY);
        match self.policy() {
            Policy::EverySec if due => self.sync_once(true),
            Policy::No if due => self.sync_once(false),
            _ => Ok(()),
        }
    }

    /// Body of the thread that keeps a step of room ahead of the writers, unmaps what they have used up, and tries again
    /// when the disk was full.
    fn run_prepare_thread(&self) {
        let Ok(mut guard) = self.lock() else { return };
        loop {
            if guard.closing {
                return;
            }
            guard.asked = false;
            let next = match guard.health {
                Health::Good
                    if guard.started && !guard.preparing && guard.active.room() < self.options.step_bytes =>
                {
                    self.extend(guard, self.options.step_bytes).or_else(|_| self.lock())
                }
                Health::Full(_) if guard.last_try.is_none_or(|at| at.elapsed() >= EVERY) => {
                    self.recover(guard)
                }
                Health::Full(_) => self
                    .prepare_work
                    .wait_timeout(guard, EVERY)
                    .map(|(guard, _)| guard)
                    .map_err(|_| poisoned()),
                _ => self.prepare_work.wait(guard).map_err(|_| poisoned()),
            };
            let Ok(next) = next else { return };
            guard = next;
        }
    }

    /// The part of a close that concerns files.
    fn close_files(&self) -> Result<()> {
        let mut guard = self.lock()?;
        if !guard.started {
            return Ok(());
        }
        if matches!(guard.health, Health::Full(_)) {
            guard.last_try = None;
            guard = self.recover(guard)?;
            if guard.spill.is_empty() && matches!(guard.health, Health::Full(_)) {
                // Everything acknowledged is in the file; that there is no room for more does not matter any more.
                guard.health = Health::Good;
            }
        }
        guard.refusal()?;
        drop(guard);
        self.sync_once(true)?;
        let mut guard = self.lock()?;
        guard.refusal()?;
        while guard.preparing {
            guard = self.wait(guard)?;
        }
        let file = Arc::clone(&guard.active.file);
        let path = guard.active.path.clone();
        let fail = |e| Error::io("closing", &path, e);
        guard.active.cut_tail().map_err(fail)?;
        guard.active.finished.clear();
        drop(guard);
        file.sync_all().map_err(fail)?;
        self.forget_session()
    }
}

/// Whether an I/O error is a full disk, for those who map errors to the two kinds of trouble.
pub(super) fn means_full(e: &std::io::Error) -> bool {
    is_space(e)
}
