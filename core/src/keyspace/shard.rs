//! One of the 64 parts of the keyspace: its databases, and what a cut needs in it. Everything here happens under the
//! shard's lock.

use std::sync::Arc;

use super::interest::Interests;
use crate::reclaim;
use crate::table::{Entry, Payload, PayloadMut, Table, Wheel};
use crate::value::Value;
use crate::value::saved::{Body, HeadRef, SavedBuf};
use crate::value::snapshot::{Head, Ledger};

/// What an entry of the keyspace holds (its `kind` byte).
pub(crate) mod kind {
    /// 8 bytes, a little-endian i64: a string that is a canonical integer.
    pub(crate) const INT: u8 = 1;
    /// Bytes of a string of at most 44 bytes that was set whole (`embstr`).
    pub(crate) const EMBSTR: u8 = 2;
    /// Bytes of any other string (`raw`).
    pub(crate) const RAW: u8 = 3;
    /// A boxed [`crate::value::Value`].
    pub(crate) const BOXED: u8 = 4;
}

/// One database's share of a shard.
#[derive(Default)]
pub(super) struct Db {
    pub(super) table: Table<Value>,
    pub(super) wheel: Wheel,
    /// Keys that have an expiry.
    pub(super) expiring: usize,
    /// When to look at hashes with expiring fields.
    pub(super) field_wheel: Wheel,
    /// How many hashes have expiring fields.
    pub(super) hashes_expiring: usize,
    /// Bytes of entries and boxed values.
    pub(super) memory: usize,
    /// Bytes of this share that [`Shard::used`] counts.
    counted: usize,
    /// Database number at the time of the cut (SWAPDB may have moved this share since).
    pub(super) cut_db: u32,
    /// How far the saver has come.
    pub(super) cut_cursor: u64,
    /// Nothing in this share is owed to the cut any more.
    pub(super) cut_done: bool,
}

impl Db {
    /// A share born while `epoch` is current: all it will ever hold is newer than the cut.
    fn fresh() -> Self {
        Self { cut_done: true, ..Self::default() }
    }

    /// Bytes of entries, values and the table.
    pub(super) fn total(&self) -> usize {
        self.memory + self.table.memory()
    }
}

/// See the module's head.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) dbs: Vec<Option<Box<Db>>>,
    /// Stamp of entries that owe the current cut nothing.
    pub(super) epoch: u8,
    /// The cut that still has to save something here.
    pub(super) cut: Option<Arc<Ledger>>,
    /// Values changed before the saver came to them.
    pub(super) side: SavedBuf,
    /// Largest log position written under this lock; under `always`, who sees the shard waits for it.
    pub(super) last_lsn: u64,
    /// Keys that transactions watch or calls wait for.
    pub(super) interests: Interests,
    /// How often the lock was taken: by it the saver sees whether he is alone here.
    pub(super) visits: u32,
    /// Bytes of all databases: entries, values and tables.
    used: usize,
    /// What of `used` the keyspace's running total knows.
    pub(super) published: usize,
}

impl Shard {
    pub(super) fn new(databases: usize) -> Self {
        Self { dbs: (0..databases).map(|_| None).collect(), ..Self::default() }
    }

    pub(super) fn db(&self, db: usize) -> Option<&Db> {
        self.dbs.get(db)?.as_deref()
    }

    pub(super) fn db_or_new(&mut self, db: usize) -> &mut Db {
        self.dbs[db].get_or_insert_with(|| Box::new(Db::fresh()))
    }

    /// Bytes of entries, values and tables.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Counts what a database takes now. Whoever changes a share calls this when done; also who only looked for an entry
    /// to change, which may have moved a rehash on.
    pub(super) fn recount(&mut self, db: usize) {
        if let Some(Some(share)) = self.dbs.get_mut(db) {
            let total = share.total();
            self.used = self.used + total - share.counted;
            share.counted = total;
        }
    }

    /// Takes a database's share out.
    pub(super) fn detach(&mut self, db: usize) -> Option<Box<Db>> {
        let share = self.dbs.get_mut(db)?.take()?;
        self.used -= share.counted;
        Some(share)
    }

    pub(super) fn find(&self, db: usize, hash: u64, key: &[u8]) -> Option<&Entry<Value>> {
        self.db(db)?.table.find(hash, key)
    }

    /// The entry for changing it, after the snapshot hook. The only way to a mutable entry.
    pub(super) fn find_for_change(
        &mut self,
        db: usize,
        hash: u64,
        key: &[u8],
    ) -> Option<(&mut Entry<Value>, &mut usize)> {
        let Shard { dbs, epoch, cut, side, interests, .. } = self;
        let share = dbs.get_mut(db)?.as_deref_mut()?;
        let entry = share.table.find_mut(hash, key)?;
        interests.note(db, key);
        if let Some(ledger) = cut {
            save_before_change(entry, *epoch, share.cut_db, db, ledger, side);
        }
        Some((entry, &mut share.memory))
    }

    /// Adds an entry for a key that is not there. It is born with the current stamp.
    pub(super) fn insert(&mut self, db: usize, hash: u64, entry: Entry<Value>, now: i64) {
        entry.set_stamp(self.epoch);
        self.interests.note(db, entry.key());
        let share = self.db_or_new(db);
        share.memory += footprint(&entry);
        if let Some(expiry) = entry.expiry() {
            share.expiring += 1;
            share.wheel.add(hash, expiry, now);
        }
        if let Some(soonest) = soonest(&entry) {
            share.hashes_expiring += 1;
            share.field_wheel.add(hash, soonest, now);
        }
        share.table.insert(hash, entry);
        self.recount(db);
    }

    /// Takes an entry out, after the snapshot hook.
    pub(super) fn take(&mut self, db: usize, hash: u64, key: &[u8]) -> Option<Entry<Value>> {
        if self.cut.is_some() {
            self.find_for_change(db, hash, key);
        }
        let share = self.dbs.get_mut(db)?.as_deref_mut()?;
        let entry = share.table.remove(hash, key);
        if let Some(entry) = &entry {
            self.interests.note(db, key);
            share.expiring -= usize::from(entry.expiry().is_some());
            share.hashes_expiring -= usize::from(soonest(entry).is_some());
            share.memory -= footprint(entry);
        }
        self.recount(db);
        entry
    }

    /// Sets or removes an expiry, after the snapshot hook; false when the key is not there.
    pub(super) fn set_expiry(
        &mut self,
        db: usize,
        hash: u64,
        key: &[u8],
        expiry: Option<i64>,
        now: i64,
    ) -> bool {
        let found = self.find_for_change(db, hash, key);
        let Some((entry, memory)) = found else {
            self.recount(db);
            return false;
        };
        let old = entry.expiry();
        let before = entry.alloc_size();
        entry.set_expiry(expiry);
        *memory = *memory + entry.alloc_size() - before;
        let share = self.db_or_new(db);
        share.expiring = share.expiring + usize::from(expiry.is_some()) - usize::from(old.is_some());
        if let Some(at) = expiry {
            share.wheel.move_to(hash, old, at, now);
        }
        self.recount(db);
        true
    }

    /// Counts a value's change from one time of first expiry of a field to another, and sees that the tick looks in time.
    pub(super) fn note_soonest(
        &mut self,
        db: usize,
        hash: u64,
        before: Option<i64>,
        after: Option<i64>,
        now: i64,
    ) {
        let share = self.db_or_new(db);
        share.hashes_expiring =
            share.hashes_expiring + usize::from(after.is_some()) - usize::from(before.is_some());
        if let Some(after) = after
            && before.is_none_or(|before| after < before)
        {
            share.field_wheel.move_to(hash, before, after, now);
        }
    }

    /// The saver's step: what was put aside, then a chain of what is still owed. `false`: this shard owes nothing more.
    pub(super) fn save_some(&mut self, ledger: &Arc<Ledger>, out: &mut SavedBuf) -> bool {
        debug_assert!(out.is_empty());
        std::mem::swap(out, &mut self.side);
        ledger.release(out.len());
        let epoch = self.epoch;
        for index in 0..self.dbs.len() {
            let Some(share) = self.dbs[index].as_deref_mut() else { continue };
            if share.cut_done {
                continue;
            }
            let mut in_steps: Vec<Vec<u8>> = Vec::new();
            share.table.prefetch(share.cut_cursor);
            share.cut_cursor = share.table.scan(share.cut_cursor, |entry| {
                if entry.stamp() == epoch {
                    return;
                }
                if matches!(entry.payload(), Payload::Boxed(value) if value.saves_in_steps()) {
                    in_steps.push(entry.key().to_vec());
                } else {
                    save_entry(entry, share.cut_db, out);
                    #[cfg(feature = "model")]
                    if crate::sync::planted::is(crate::sync::planted::Fault::NoStamp) {
                        return;
                    }
                    entry.set_stamp(epoch);
                }
            });
            share.cut_done = share.cut_cursor == 0;
            let looked_for_change = !in_steps.is_empty();
            for key in in_steps {
                let hash = crate::table::hash(&key);
                if let Some(entry) = share.table.find_mut(hash, &key) {
                    save_before_change(entry, epoch, share.cut_db, index, ledger, &mut self.side);
                }
            }
            if looked_for_change {
                self.recount(index);
            }
            return true;
        }
        self.cut = None;
        false
    }

    /// See [`super::Guard::save_big_step`].
    pub(super) fn save_big_step(
        &mut self,
        db: usize,
        hash: u64,
        key: &[u8],
        job: u64,
        chains: usize,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        let share = self.dbs.get_mut(db)?.as_deref_mut()?;
        let PayloadMut::Boxed(value) = share.table.find_mut(hash, key)?.payload_mut() else { return None };
        let elements = value.elements_mut()?;
        if elements.pending_job().is_none_or(|(pending, _)| pending != job) {
            return None;
        }
        Some(elements.save_step(chains, out))
    }
}

/// When to look at the fields of a hash; `None` when none of them expires, and for everything else.
pub(super) fn soonest(entry: &Entry<Value>) -> Option<i64> {
    match entry.payload() {
        Payload::Inline(_) => None,
        Payload::Boxed(value) => value.soonest(),
    }
}

/// Bytes an entry and its boxed value take.
pub(super) fn footprint(entry: &Entry<Value>) -> usize {
    entry.alloc_size()
        + match entry.payload() {
            Payload::Inline(_) => 0,
            Payload::Boxed(value) => value.memory(),
        }
}

/// The snapshot hook: an entry that owes the cut something pays before it is changed.
fn save_before_change(
    entry: &mut Entry<Value>,
    epoch: u8,
    cut_db: u32,
    db: usize,
    ledger: &Arc<Ledger>,
    side: &mut SavedBuf,
) {
    if entry.stamp() == epoch || ledger.is_cancelled() {
        return;
    }
    #[cfg(feature = "model")]
    if crate::sync::planted::is(crate::sync::planted::Fault::NoHook) {
        return;
    }
    entry.set_stamp(epoch);
    let in_steps = matches!(entry.payload(), Payload::Boxed(value) if value.saves_in_steps());
    if !in_steps {
        let before = side.len();
        save_entry(entry, cut_db, side);
        ledger.hold(side.len() - before);
        return;
    }
    let head = Head { db: cut_db, key: entry.key().to_vec(), expiry: entry.expiry(), clock: entry.clock() };
    let PayloadMut::Boxed(value) = entry.payload_mut() else { return };
    let Some((kind, len)) = value.elements().map(|(kind, elements)| (kind, elements.len())) else { return };
    let job = ledger.enter(db, head, kind, len);
    if let Some(elements) = value.elements_mut() {
        elements.register(job, Arc::clone(ledger));
    }
}

/// Puts a whole entry into `out`.
pub(super) fn save_entry(entry: &Entry<Value>, db: u32, out: &mut SavedBuf) {
    let head = HeadRef { db, key: entry.key(), expiry: entry.expiry(), clock: entry.clock() };
    match entry.payload() {
        Payload::Inline(bytes) if entry.kind() == kind::INT => out.put(head, &Body::Int(int_of(bytes))),
        Payload::Inline(bytes) => out.put(head, &Body::Bytes(bytes)),
        Payload::Boxed(value) => value.save(head, out),
    }
}

/// The integer of an entry of kind INT.
pub(super) fn int_of(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("entries of kind INT hold 8 bytes"))
}

/// Lets a value go: to the cut that still has to save it, else to the allocator (big ones in the background).
pub(super) fn dispose(entry: Entry<Value>) {
    let Some(value) = entry.into_boxed() else { return };
    let pending =
        value.elements().and_then(|(_, e)| e.pending_job()).map(|(job, ledger)| (job, Arc::clone(ledger)));
    match pending {
        Some((job, ledger)) => ledger.adopt(job, value),
        None => {
            let size = value.memory();
            reclaim::later(value, size);
        }
    }
}
