//! The cut: a point-in-time view of the whole keyspace, saved while writers go on.
//!
//! [`Keyspace::begin_cut`] raises the epoch under all shard locks, taken in order and let go at once. From then on
//! whoever is about to change an entry with an old stamp first puts its value aside (see `shard::save_before_change`),
//! while [`Cut::run`] walks the shards, a few chains per lock hold, and takes what is not stamped yet. So every key is
//! handed over exactly once, as it was at the cut. Big tables are handed over element by element in the same manner.
//! A cut that is given up needs no clean-up of entries: the next one has another epoch.

use std::sync::Arc;
use std::time::Duration;

use super::pace::{CHAINS, HURRY, Pace};
use super::shard::save_entry;
use super::{Companions, Keyspace, SHARDS};
use crate::error::{Error, ErrorKind, Result};
use crate::reclaim;
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::table::{Payload, Table, hash};
use crate::value::Value;
use crate::value::saved::{HeadRef, SavedBuf, Sink};
use crate::value::snapshot::{Job, Ledger};

/// Bytes put aside for a cut before writers have to wait for the saver.
const HELD_MAX: usize = 64 * 1024 * 1024;
/// Steps the saver takes in a shard before it goes on to the next: enough for each to prefetch the one after it, and few
/// enough that no shard gathers much that was put aside.
const STEPS: usize = 32;
/// The stamp is one byte: after this many cuts in a row that were given up, old stamps could seem new. All are set anew.
const GIVEN_UP_MAX: u32 = 250;

/// A database's table that was flushed before the cut had saved it; nobody else sees it.
pub(super) struct Orphan {
    pub(super) table: Table<Value>,
    pub(super) epoch: u8,
    pub(super) db: u32,
}

/// The book-keeping of cuts: one at a time.
#[derive(Default)]
pub(super) struct State {
    busy: bool,
    pub(super) ledger: Option<Arc<Ledger>>,
    epoch: u8,
    given_up: u32,
    orphans: Vec<Orphan>,
}

/// A view of the keyspace as of one instant, to be run through a sink once. Dropping it gives the cut up.
pub struct Cut {
    keyspace: Arc<Keyspace>,
    ledger: Arc<Ledger>,
    expiring_fields: bool,
    companions: Companions,
    done: bool,
}

impl Keyspace {
    /// Makes a cut. `at_cut` runs at that instant, while no command does: it must be quick.
    pub fn begin_cut(self: &Arc<Self>, at_cut: impl FnOnce()) -> Result<Cut> {
        {
            let mut state = self.cut_state()?;
            if state.busy {
                return Err(Error::command("ERR Background save already in progress"));
            }
            state.busy = true;
            if state.given_up >= GIVEN_UP_MAX {
                drop(state);
                self.stamp_everything()?;
            }
        }
        let ledger = Arc::new(Ledger::default());
        let (keyspace, of_cut) = (Arc::clone(self), Arc::clone(&ledger));
        let companions = Companions::default();
        let mut cut = Cut { keyspace, ledger: of_cut, expiring_fields: false, companions, done: false };
        let mut guard = self.lock_all_patiently()?;
        cut.expiring_fields = guard.has_expiring_fields();
        cut.companions = self.companions();
        let mut state = self.cut_state()?;
        state.epoch = state.epoch.wrapping_add(1);
        state.ledger = Some(Arc::clone(&ledger));
        for (_, shard) in guard.shards() {
            shard.epoch = state.epoch;
            shard.cut = Some(Arc::clone(&ledger));
            for (index, share) in shard.dbs.iter_mut().enumerate() {
                if let Some(share) = share {
                    (share.cut_db, share.cut_cursor, share.cut_done) =
                        (index as u32, 0, share.table.is_empty());
                }
            }
        }
        self.cut_active.store(true, Ordering::Release);
        at_cut();
        Ok(cut)
    }

    fn cut_state(&self) -> Result<MutexGuard<'_, State>> {
        self.cut
            .lock()
            .map_err(|_| Error::new(ErrorKind::Internal, "ERR internal error: a snapshot panicked earlier"))
    }

    pub(super) fn add_orphan(&self, orphan: Orphan) {
        if let Ok(mut state) = self.cut.lock() {
            state.orphans.push(orphan);
        }
    }

    /// Waits while writers have outrun the saver by too much. Called by the gate of writing commands, without a lock.
    pub fn wait_for_saver(&self) {
        if !self.cut_active.load(Ordering::Acquire) {
            return;
        }
        while let Some(ledger) = self.current_ledger() {
            if ledger.held() < HELD_MAX || ledger.is_cancelled() {
                return;
            }
            self.counters.saver_waits.fetch_add(1, Ordering::Relaxed);
            ledger.wait_for_release(Duration::from_millis(20));
        }
    }

    /// Whether a cut is being saved.
    pub fn cut_is_active(&self) -> bool {
        self.cut_active.load(Ordering::Acquire)
    }

    /// Gives every entry the current stamp, which is right as long as no cut is under way.
    fn stamp_everything(&self) -> Result<()> {
        for index in 0..SHARDS {
            let shard = self.lock_shard_as(index, true)?;
            for share in shard.dbs.iter().flatten() {
                share.table.for_each(|entry| entry.set_stamp(shard.epoch));
            }
        }
        self.cut_state()?.given_up = 0;
        Ok(())
    }
}

impl Cut {
    /// Whether some hash of the view has expiring fields, which not every form of file can hold.
    pub fn has_expiring_fields(&self) -> bool {
        self.expiring_fields
    }

    /// What is saved with the data, as it was at the cut.
    pub fn companions(&self) -> &[Arc<[u8]>] {
        &self.companions
    }

    /// Hands every key over as it was at the cut; an error of the sink gives the cut up and is returned.
    pub fn run(mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut buffer = SavedBuf::default();
        let mut left: Vec<usize> = (0..SHARDS).collect();
        while !left.is_empty() {
            let mut again = Vec::with_capacity(left.len());
            for index in left {
                if self.save_steps(index, &mut buffer, sink)? {
                    again.push(index);
                }
            }
            left = again;
        }
        // Every shard is through, so no further table can be orphaned and no further value registered.
        loop {
            let orphan = self.keyspace.cut_state()?.orphans.pop();
            match orphan {
                Some(orphan) => self.save_orphan(orphan, sink)?,
                None => break,
            }
        }
        self.save_big(sink)?;
        self.done = true;
        Ok(())
    }

    /// Some steps in one shard; false when it owes nothing more.
    fn save_steps(&self, index: usize, buffer: &mut SavedBuf, sink: &mut dyn Sink) -> Result<bool> {
        for _ in 0..STEPS {
            let more = self.keyspace.lock_shard_as(index, true)?.save_some(&self.ledger, buffer);
            buffer.drain(sink)?;
            // Big keys come last: while one is written, whatever is put aside for others waits.
            if self.ledger.held() > HURRY {
                self.save_big(sink)?;
            }
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn save_orphan(&self, mut orphan: Orphan, sink: &mut dyn Sink) -> Result<()> {
        let mut buffer = SavedBuf::default();
        let mut cursor = 0;
        loop {
            let mut in_steps: Vec<Vec<u8>> = Vec::new();
            cursor = orphan.table.scan(cursor, |entry| {
                if entry.stamp() == orphan.epoch {
                    return;
                }
                entry.set_stamp(orphan.epoch);
                if matches!(entry.payload(), Payload::Boxed(value) if value.saves_in_steps()) {
                    in_steps.push(entry.key().to_vec());
                } else {
                    save_entry(entry, orphan.db, &mut buffer);
                }
            });
            buffer.drain(sink)?;
            for key in in_steps {
                let Some(entry) = orphan.table.remove(hash(&key), &key) else { continue };
                let (expiry, clock) = (entry.expiry(), entry.clock());
                let head = HeadRef { db: orphan.db, key: &key, expiry, clock };
                let Some(mut value) = entry.into_boxed() else { continue };
                let Some((kind, len)) = value.elements().map(|(kind, elements)| (kind, elements.len()))
                else {
                    continue;
                };
                sink.begin(head, kind, len)?;
                if let Some(elements) = value.elements_mut() {
                    elements.register(0, Arc::clone(&self.ledger));
                }
                save_owned(&mut value, sink)?;
                sink.end()?;
                reclaim::later(value, reclaim::BIG);
            }
            if cursor == 0 {
                reclaim::later(orphan.table, reclaim::BIG);
                return Ok(());
            }
        }
    }

    fn save_big(&self, sink: &mut dyn Sink) -> Result<()> {
        while let Some(job) = self.ledger.next_job() {
            let head = &job.head;
            let head = HeadRef { db: head.db, key: &head.key, expiry: head.expiry, clock: head.clock };
            sink.begin(head, job.kind, job.len)?;
            self.save_job(&job, sink)?;
            sink.end()?;
            self.ledger.finish(job.id);
        }
        Ok(())
    }

    fn save_job(&self, job: &Job, sink: &mut dyn Sink) -> Result<()> {
        let mut out = Vec::new();
        let mut lost = 0;
        let mut pace = Pace::default();
        loop {
            let Some((db, key)) = self.ledger.key_of(job.id) else {
                let Some(mut value) = self.ledger.take_adopted(job.id) else {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "ERR internal error: the snapshot lost a value",
                    ));
                };
                save_owned(&mut value, sink)?;
                reclaim::later(value, reclaim::BIG);
                return Ok(());
            };
            // Between the question and the lock the value may have moved: then it is asked again.
            let stepped = {
                let mut guard = self.keyspace.lock_patiently([&key[..]])?;
                pace.visited(guard.visits());
                guard.save_big_step(db, &key, job.id, CHAINS, &mut out)
            };
            match stepped {
                Some(more) => {
                    sink.elements(&out)?;
                    out.clear();
                    if !more {
                        return Ok(());
                    }
                    pace.rest(self.ledger.held());
                }
                None if lost < 10_000 => {
                    lost += 1;
                    crate::sync::yield_now();
                }
                None => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "ERR internal error: the snapshot lost a value",
                    ));
                }
            }
        }
    }
}

fn save_owned(value: &mut Value, sink: &mut dyn Sink) -> Result<()> {
    let mut out = Vec::new();
    if let Some(elements) = value.elements_mut() {
        loop {
            let more = elements.save_step(CHAINS, &mut out);
            sink.elements(&out)?;
            out.clear();
            if !more {
                break;
            }
        }
    }
    Ok(())
}

impl Drop for Cut {
    fn drop(&mut self) {
        if !self.done {
            self.ledger.cancel();
            for index in 0..SHARDS {
                if let Ok(mut shard) = self.keyspace.lock_shard_as(index, true) {
                    shard.cut = None;
                    let side = std::mem::take(&mut shard.side);
                    drop(shard);
                    drop(side);
                }
            }
        }
        if let Ok(mut state) = self.keyspace.cut.lock() {
            state.busy = false;
            state.ledger = None;
            state.given_up = if self.done { 0 } else { state.given_up + 1 };
            reclaim::later(std::mem::take(&mut state.orphans), reclaim::BIG);
        }
        self.keyspace.cut_active.store(false, Ordering::Release);
        self.ledger.wake();
    }
}
