//! What the writers, the background threads and a rewrite share: the state of the log under one lock, its health, and
//! the session note.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::active::{Active, HEAD, PAGE};
use super::effects::Effects;
use super::files::Layout;
use super::filler;
use super::log::{Lsn, Options, Policy};
use super::manifest::Manifest;
use super::rewrite::Progress;
use super::session::{OpenFile, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{File, FileExt, FileSystem};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// The bound of `everysec`: when a sync has taken longer, writers wait for it.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// The session note promises room for this much, so that it is rewritten seldom.
pub(super) const LIMIT_WINDOW: u64 = 64 << 20;

/// Kept free behind every record: for the check line of the next sync, and the one of a switch.
pub(super) const CHECK_ROOM: u64 = 160;

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
    pub(super) scratch: Vec<u8>,
    pub(super) spill: Vec<u8>,
    pub(super) last_try: Option<Instant>,
    pub(super) health: Health,
    pub(super) started: bool,
    /// Somebody extends the active file.
    pub(super) preparing: bool,
    /// The thread that prepares room has been woken and has not looked yet.
    pub(super) asked: bool,
    /// Somebody syncs.
    pub(super) syncing: bool,
    /// When the oldest record that no finished or running sync covers was appended.
    pub(super) dirty_since: Option<Instant>,
    pub(super) closing: bool,
    pub(super) threads_running: bool,
    pub(super) last_second: u64,
    pub(super) manifest: Manifest,
    /// No manifest lists the active file yet: the log was turned on while the store was in use, and holds only what came
    /// after the cut of its first rewrite.
    pub(super) unlisted: bool,
    pub(super) session: Session,
    pub(super) rewrite: Progress,
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
    pub(super) policy: AtomicU8,
    pub(super) timestamps: AtomicBool,
    pub(super) state: Mutex<State>,
    /// Held while the session note is written, so that notes reach the disk in order.
    pub(super) session_io: Mutex<()>,
    /// Something finished: a sync, an extension, a change of health.
    pub(super) changed: Condvar,
    /// There is something to sync.
    pub(super) sync_work: Condvar,
    /// There is room to prepare.
    pub(super) prepare_work: Condvar,
    pub(super) synced: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) room: AtomicU64,
    /// The fast way of [`Log::reserve`] is closed: not started, not healthy, or a sync is running.
    pub(super) look: AtomicBool,
    /// Milliseconds since `born` at which the running sync began, plus 1; 0 when none is.
    pub(super) syncing_since: AtomicU64,
    pub(super) born: Instant,
    pub(super) delayed: AtomicU64,
}

pub(super) type Guard<'a> = MutexGuard<'a, State>;

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

    pub(super) fn notes_times(&self) -> bool {
        self.timestamps.load(Ordering::Relaxed)
    }

    /// Room beyond what is asked for, so that several writers that reserved at once all fit.
    pub(super) fn slack(&self) -> u64 {
        self.options.step_bytes / 8
    }

    /// Alignment of mappings.
    pub(super) fn align(&self) -> u64 {
        if self.options.step_bytes.is_multiple_of(1 << 16) { 1 << 16 } else { PAGE }
    }

    /// The blob for several effects, or one that needs a `SELECT`, a time, or more bytes to be stored as a record.
    pub(super) fn assemble(&self, state: &mut State, effects: &Effects, out: &mut Vec<u8>) {
        if self.notes_times() {
            let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            if second != state.last_second {
                state.last_second = second;
                out.extend_from_slice(format!("#TS:{second}\r\n").as_bytes());
            }
        }
        effects.assemble(&mut state.selected, out);
        while out.len() < HEAD {
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

    pub(super) fn after_append(&self, state: &mut State) {
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

    /// Begins the session: makes what replay found durable, cuts what is not data, notes that the file is open, and
    /// prepares the first room.
    pub(super) fn start<'a>(&'a self, mut guard: Guard<'a>) -> Result<Guard<'a>> {
        guard.preparing = true;
        let file = Arc::clone(&guard.active.file);
        let path = guard.active.path.clone();
        let name = guard.active.name.clone();
        let data_end = guard.active.pos;
        drop(guard);
        let begun = (|| {
            let fail = |e| Error::io("preparing", &path, e);
            // Before the note says that it is: what replay has seen may only be in the page cache. And before the file
            // gets a length by which it would be taken for somebody else's.
            file.sync_all().map_err(fail)?;
            let pad = filler::pad(data_end);
            if file.size().map_err(fail)? != data_end || pad > 0 {
                file.set_len(data_end).map_err(fail)?;
                file.write_all_at(&filler::PAD[..pad], data_end).map_err(fail)?;
                file.sync_all().map_err(fail)?;
            }
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
            if state.unlisted {
                // What is on the disk is about other files, and nothing is promised of this one yet.
                return Ok(());
            }
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
            // What was appended so far is proven by a check line, if the file still takes one: otherwise the next load
            // would have to doubt all of it.
            if let Err(e) = super::rewrite::finish_data(&mut guard) {
                log::error!("{e}");
            }
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

    /// Under `everysec`, a writer waits here while a sync takes longer than the bound.
    pub(super) fn wait_for_overdue_sync(&self) -> Result<()> {
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
    pub(super) fn sync_if_due(&self) -> Result<()> {
        let due = self.lock()?.dirty_since.is_some_and(|since| since.elapsed() >= EVERY);
        match self.policy() {
            Policy::EverySec if due => self.sync_once(true),
            Policy::No if due => self.sync_once(false),
            _ => Ok(()),
        }
    }

    /// The part of a close that concerns files.
    pub(super) fn close_files(&self) -> Result<()> {
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
        let unlisted = guard.unlisted;
        let names: Vec<String> = guard.rewrite.unlisted.drain(..).collect();
        drop(guard);
        file.sync_all().map_err(fail)?;
        if unlisted {
            // Without the base that was to come with it the file says nothing.
            for name in names {
                let path = self.layout.path(&name);
                self.fs.remove_file(&path).map_err(|e| Error::io("removing", &path, e))?;
            }
            return Ok(());
        }
        self.forget_session()
    }
}
