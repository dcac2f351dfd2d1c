//! Making the log durable: check lines, syncs, group commit, the once-a-second thread.
//!
//! One sync runs at a time. It first finishes files that are no longer appended to (nothing in a newer file may be
//! called durable before), then adds the check line for everything appended so far, then syncs outside of the lock. Who
//! appends meanwhile is served by the next sync, together with all others who came: that is the group commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::is_space;
use super::log::{Lsn, Policy};
use super::rewrite::Sabotage;
use super::shared::{EVERY, Guard, Health, Retired, Shared};
use crate::error::Result;
use crate::fs::File;
use crate::sync::atomic::Ordering;

/// A piece of the CRC is left to be computed under the lock when it is shorter than this.
const CRC_UNDER_LOCK: u64 = 16 * 1024;

/// Why a sync did not happen.
enum Stop {
    /// The disk has no room for the check line.
    Full,
    Io(std::io::Error),
    Other(crate::Error),
}

impl Shared {
    /// Returns when `lsn` is durable; leads or follows.
    pub(super) fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        // A position from before the log was turned off and on again lies beyond the end of this one.
        let lsn = lsn.min(self.written.load(Ordering::Acquire));
        while self.synced.load(Ordering::Acquire) < lsn {
            let guard = self.lock()?;
            // A full disk does not keep what has been appended from being synced; a failure does.
            if let Health::Failed(_) | Health::Closed = guard.health {
                return guard.refusal();
            }
            if guard.syncing {
                drop(self.wait(guard)?);
            } else {
                self.lead(guard, true)?;
            }
        }
        Ok(())
    }

    /// One sync, after the running one. With `durable` false only the check line is written and nothing is promised.
    pub(super) fn sync_once(&self, durable: bool) -> Result<()> {
        let mut guard = self.lock()?;
        while guard.syncing {
            guard = self.wait(guard)?;
        }
        if let Health::Failed(_) | Health::Closed = guard.health {
            return guard.refusal();
        }
        self.lead(guard, durable)
    }

    /// Syncs for all who have appended by now.
    fn lead(&self, mut guard: Guard<'_>, durable: bool) -> Result<()> {
        guard.syncing = true;
        self.syncing_since.store(self.born.elapsed().as_millis() as u64 + 1, Ordering::Release);
        self.publish_room(&guard);
        drop(guard);
        let outcome = self.sync_files(durable);
        let mut guard = self.lock()?;
        guard.syncing = false;
        self.syncing_since.store(0, Ordering::Release);
        let result = match outcome {
            Ok(lsn) => {
                if durable {
                    self.synced.fetch_max(lsn, Ordering::AcqRel);
                }
                Ok(())
            }
            Err(Stop::Full) => Err(full()),
            Err(Stop::Io(e)) => {
                guard = self.fail(guard, "syncing", &e)?;
                guard.refusal()
            }
            Err(Stop::Other(e)) => Err(e),
        };
        self.publish_room(&guard);
        self.changed.notify_all();
        result
    }

    fn sync_files(&self, durable: bool) -> std::result::Result<Lsn, Stop> {
        let old_first = self.options.sabotage != Some(Sabotage::NewBeforeOld);
        loop {
            if old_first {
                self.finish_retired()?;
            }
            #[cfg(feature = "model")]
            let old_first = old_first && !crate::sync::planted::is(crate::sync::planted::Fault::NoSecondLook);
            if let Some((file, lsn)) = self.add_check_line(old_first)? {
                if durable {
                    file.sync_data().map_err(Stop::Io)?;
                }
                return Ok(lsn);
            }
            // Switched to another file meanwhile.
        }
    }

    /// Syncs the files that are no longer appended to, oldest first, and cuts their filler.
    pub(super) fn finish_retired_files(&self) -> Result<()> {
        match self.finish_retired() {
            Ok(()) => Ok(()),
            Err(Stop::Full) => Err(full()),
            Err(Stop::Io(e)) => self.fail(self.lock()?, "syncing", &e)?.refusal(),
            Err(Stop::Other(e)) => Err(e),
        }
    }

    fn finish_retired(&self) -> std::result::Result<(), Stop> {
        loop {
            let Some(old) = self.lock().map_err(Stop::Other)?.retired.first().cloned() else { return Ok(()) };
            old.file.sync_data().map_err(Stop::Io)?;
            {
                // An extension of this file may be under way; it must not come after the cut.
                let mut guard = self.lock().map_err(Stop::Other)?;
                while guard.preparing {
                    guard = self.wait(guard).map_err(Stop::Other)?;
                }
            }
            old.file.set_len(old.len).map_err(Stop::Io)?;
            old.file.sync_all().map_err(Stop::Io)?;
            self.synced.fetch_max(old.end_lsn, Ordering::AcqRel);
            self.drop_retired(&old).map_err(Stop::Other)?;
        }
    }

    /// A retired file is durable, or replaced by a base: takes it from the list and from the session note.
    pub(super) fn drop_retired(&self, old: &Arc<Retired>) -> Result<()> {
        {
            let mut guard = self.lock()?;
            let before = guard.retired.len();
            guard.retired.retain(|r| !Arc::ptr_eq(r, old));
            if guard.retired.len() == before {
                return Ok(());
            }
            guard.other_bytes += old.len;
        }
        self.note(|session| session.files.retain(|f| f.name != old.name))
    }

    /// Adds the check line that covers everything appended so far. `None` when the active file changed meanwhile, or
    /// (with `old_first`) had changed before but after the retired files were finished: the one before it is not durable.
    #[allow(clippy::type_complexity)]
    fn add_check_line(&self, old_first: bool) -> std::result::Result<Option<(Arc<dyn File>, Lsn)>, Stop> {
        let (file, name, mut from, mut pos) = {
            let guard = self.lock().map_err(Stop::Other)?;
            let active = &guard.active;
            (Arc::clone(&active.file), active.name.clone(), active.checked, active.pos)
        };
        let mut crc = 0;
        // Most of the checksum is computed while others append; each round leaves less.
        for _ in 0..8 {
            if pos - from < CRC_UNDER_LOCK {
                break;
            }
            crc = super::checkline::crc_range(&*file, from, pos, crc).map_err(Stop::Io)?;
            from = pos;
            let guard = self.lock().map_err(Stop::Other)?;
            if guard.active.name != name {
                return Ok(None);
            }
            pos = guard.active.pos;
        }
        let mut guard = self.lock().map_err(Stop::Other)?;
        if guard.active.name != name || (old_first && !guard.retired.is_empty()) {
            return Ok(None);
        }
        let active = &mut guard.active;
        if active.pos > active.checked {
            active.settle();
            let crc = active.crc_to_pos(from, crc).map_err(Stop::Io)?;
            match active.put(&active.check_line(crc)) {
                Ok(true) => {}
                Ok(false) => return Err(Stop::Full),
                Err(e) if is_space(&e) => return Err(Stop::Full),
                Err(e) => return Err(Stop::Io(e)),
            }
            active.checked = active.pos;
            active.last_crc = crc;
        }
        let lsn = active.lsn();
        guard.dirty_since = None;
        self.written.fetch_max(lsn, Ordering::AcqRel);
        Ok(Some((file, lsn)))
    }

    /// Body of the thread that syncs once a second when there is something to sync. Under `no` it only writes the check
    /// line, so that what the system wrote back by itself can be told from what it did not. Under `always` it serves
    /// those records for which nobody waits.
    pub(super) fn run_sync_thread(&self) {
        loop {
            let Ok(mut guard) = self.lock() else { return };
            loop {
                if guard.closing {
                    return;
                }
                let healthy = !matches!(guard.health, Health::Failed(_) | Health::Closed);
                let idle = guard.dirty_since.is_none() && guard.retired.is_empty();
                if !healthy || idle {
                    let Ok(next) = self.sync_work.wait(guard) else { return };
                    guard = next;
                    continue;
                }
                let due =
                    guard.dirty_since.map_or(Duration::ZERO, |since| EVERY.saturating_sub(since.elapsed()));
                if due.is_zero() {
                    break;
                }
                let Ok((next, _)) = self.sync_work.wait_timeout(guard, due) else { return };
                guard = next;
            }
            drop(guard);
            let began = Instant::now();
            if self.sync_once(self.policy() != Policy::No).is_err() && began.elapsed() < EVERY {
                // Failed: sleeps above until a rewrite has cured it. Full: not before the next second.
                let Ok(guard) = self.lock() else { return };
                if !guard.closing && !matches!(guard.health, Health::Failed(_)) {
                    drop(self.sync_work.wait_timeout(guard, EVERY));
                }
            }
        }
    }
}

fn full() -> crate::Error {
    use crate::error::{Error, ErrorKind};
    Error::new(ErrorKind::NotDurable, "MISCONF Errors writing to the AOF file: No space left on device")
}
