//! Room for what is to be appended: extending the file ahead of the writers, and what to do when the disk is full.

use std::sync::Arc;
use std::time::Instant;

use super::active::{Refused, prepare};
use super::shared::{CHECK_ROOM, EVERY, Guard, Health, LIMIT_WINDOW, Shared, poisoned};
use crate::error::Result;
use crate::sync::atomic::Ordering;

impl Shared {
    /// The record does not fit at once: extends the file, or keeps the record in memory.
    pub(super) fn append_slowly<'a>(
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
    pub(super) fn full<'a>(&'a self, mut guard: Guard<'a>, e: &std::io::Error) -> Result<Guard<'a>> {
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

    /// Full: tries to prepare room and to write what is kept in memory, at most once a second where a thread tries too.
    pub(super) fn recover<'a>(&'a self, mut guard: Guard<'a>) -> Result<Guard<'a>> {
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

    /// Body of the thread that keeps a step of room ahead of the writers, unmaps what they have used up, and tries again
    /// when the disk was full.
    pub(super) fn run_prepare_thread(&self) {
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
}
