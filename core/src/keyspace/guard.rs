//! The one door to the data: a set of locked shards, and every way to read or change what is in them.
//!
//! Reads hide keys that are due; changes delete them first and note them in [`Guard::take_expired`], since the log
//! must say so before it says what the command did. Nothing here writes the log: the command layer does, while it
//! still holds the guard.

use std::cell::Cell;
use std::sync::Arc;

use super::access::Access;
use super::expiry::Expired;
use super::interest::Changes;
use super::shard::{Shard, dispose, footprint, int_of, kind, soonest};
use super::turn::Turn;
use super::{Keyspace, SHARDS, shard_of};
use crate::encoding::num;
use crate::error::Result;
use crate::events::{Class, Happened};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::table::{Entry, Payload, PayloadMut, hash};
use crate::value::Value;

/// Longest string kept inside its key's entry.
const INLINE_MAX: usize = 4 * 1024;
/// Redis's limit for `embstr`.
const EMBSTR_MAX: usize = 44;

/// What becomes of a key's expiry when its value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It goes.
    Clear,
    /// It stays as it is.
    Keep,
    /// Absolute, ms since the epoch.
    At(i64),
}

/// A string value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrRef<'a> {
    /// Kept as an integer.
    Int(i64),
    /// Kept as bytes.
    Bytes(&'a [u8]),
}

impl StrRef<'_> {
    /// A copy of the text.
    pub fn to_vec(self) -> Vec<u8> {
        match self {
            StrRef::Int(n) => num::fmt_i64(n).as_bytes().to_vec(),
            StrRef::Bytes(bytes) => bytes.to_vec(),
        }
    }

    /// Length of the text in bytes.
    pub fn len(self) -> usize {
        match self {
            StrRef::Int(n) => num::fmt_i64(n).as_bytes().len(),
            StrRef::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether the text is empty.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Calls `f` with the text.
    pub fn with<R>(self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            StrRef::Int(n) => f(num::fmt_i64(n).as_bytes()),
            StrRef::Bytes(bytes) => f(bytes),
        }
    }
}

/// A key taken out of the keyspace, to be put back under another name or database.
pub struct Taken {
    entry: Entry<Value>,
}

impl Taken {
    /// Its expiry.
    pub fn expiry(&self) -> Option<i64> {
        self.entry.expiry()
    }
}

/// Marks entries as used, unless the client does not want that.
struct Toucher<'a> {
    keyspace: &'a Keyspace,
    no_touch: bool,
}

impl Toucher<'_> {
    /// The clock of the entry afterwards.
    fn touch(&self, entry: &Entry<Value>) -> u32 {
        if !self.no_touch {
            entry.set_clock(self.keyspace.access.used(entry.clock(), self.keyspace.clock.coarse_seconds()));
        }
        entry.clock()
    }
}

/// Locked shards. Dropping it unlocks them.
pub struct Guard<'a> {
    keyspace: &'a Keyspace,
    one: Option<(usize, MutexGuard<'a, Shard>)>,
    many: Vec<(usize, MutexGuard<'a, Shard>)>,
    /// Read once per guard, and only when an expiry asks for it.
    now: Cell<Option<i64>>,
    pub(super) expired: Vec<Expired>,
    /// Keys that somebody waits for and a command has reached for.
    pub(super) ready: Vec<(usize, Vec<u8>)>,
    /// What those are to be told who cache what they have read.
    pub(super) changes: Option<Box<Changes>>,
    no_touch: bool,
    /// Events for those who want to hear of them.
    pub(crate) happened: Happened,
    /// Given back after the shards.
    pub(super) turn: Option<Turn<'a>>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.keyspace.eviction.is_on() {
            let keyspace = self.keyspace;
            for (_, shard) in self.shards() {
                keyspace.eviction.publish(shard);
            }
        }
    }
}

impl<'a> Guard<'a> {
    pub(super) fn new(
        keyspace: &'a Keyspace,
        one: Option<(usize, MutexGuard<'a, Shard>)>,
        many: Vec<(usize, MutexGuard<'a, Shard>)>,
    ) -> Self {
        Self {
            keyspace,
            one,
            many,
            now: Cell::new(None),
            expired: Vec::new(),
            ready: Vec::new(),
            changes: None,
            no_touch: false,
            happened: Happened::default(),
            turn: None,
        }
    }

    /// The keyspace behind it.
    pub fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    pub(super) fn shards(&mut self) -> impl Iterator<Item = (usize, &mut Shard)> {
        self.one.iter_mut().chain(self.many.iter_mut()).map(|(index, shard)| (*index, &mut **shard))
    }

    pub(super) fn shards_ref(&self) -> impl Iterator<Item = &Shard> {
        self.one.iter().chain(self.many.iter()).map(|(_, shard)| &**shard)
    }

    /// Sets what is saved with the data. Every shard is held, so that no cut is made meanwhile.
    pub(crate) fn set_companions(&mut self, texts: Vec<Arc<[u8]>>) {
        debug_assert!(self.holds_all(), "a cut could come between the texts and the data");
        if let Ok(mut companions) = self.keyspace.companions.lock() {
            *companions = Arc::new(texts);
        }
    }

    /// Whether every shard is locked.
    pub fn holds_all(&self) -> bool {
        self.many.len() == SHARDS
    }

    /// The locked shards, to be given back by [`Guard::put_held`].
    pub(super) fn take_held(&mut self) -> Vec<(usize, MutexGuard<'a, Shard>)> {
        let mut held = std::mem::take(&mut self.many);
        held.extend(self.one.take());
        held
    }

    pub(super) fn put_held(&mut self, mut held: Vec<(usize, MutexGuard<'a, Shard>)>) {
        held.sort_unstable_by_key(|(index, _)| *index);
        self.many = held;
    }

    /// A locked shard by its number.
    pub(super) fn shard_at(&self, index: usize) -> Option<&Shard> {
        self.one.iter().chain(self.many.iter()).find(|(at, _)| *at == index).map(|(_, shard)| &**shard)
    }

    pub(super) fn shard(&self, hash: u64) -> &Shard {
        let wanted = shard_of(hash);
        if let Some((index, shard)) = &self.one
            && *index == wanted
        {
            return shard;
        }
        let at = self.many.binary_search_by_key(&wanted, |(index, _)| *index);
        &self.many[at.expect("a command declares every key it touches, so its shard is locked")].1
    }

    pub(super) fn shard_mut(&mut self, hash: u64) -> &mut Shard {
        let wanted = shard_of(hash);
        if let Some((index, shard)) = &mut self.one
            && *index == wanted
        {
            return shard;
        }
        let at = self.many.binary_search_by_key(&wanted, |(index, _)| *index);
        &mut self.many[at.expect("a command declares every key it touches, so its shard is locked")].1
    }

    /// The time of this command, ms since the epoch.
    pub fn now(&self) -> i64 {
        if let Some(now) = self.now.get() {
            return now;
        }
        let now = self.keyspace.clock.now_ms();
        self.now.set(Some(now));
        now
    }

    /// The time of this command if somebody asked for it already.
    pub(crate) fn known_now(&self) -> Option<i64> {
        self.now.get()
    }

    /// Makes `now` the time of this command.
    pub(crate) fn remember_now(&self, now: i64) {
        self.now.set(Some(now));
    }

    pub(super) fn is_due(&self, expiry: Option<i64>) -> bool {
        expiry.is_some_and(|at| at < self.now() && !self.keyspace.loading.load(Ordering::Relaxed))
    }

    fn seconds(&self) -> i64 {
        self.keyspace.clock.coarse_seconds()
    }

    /// Marks entries as used; lives beside a borrow of a shard.
    fn toucher(&self) -> Toucher<'a> {
        Toucher { keyspace: self.keyspace, no_touch: self.no_touch }
    }

    /// Leaves the access clocks of keys that are there already as they are (CLIENT NO-TOUCH).
    pub fn set_no_touch(&mut self, on: bool) {
        self.no_touch = on;
    }

    fn visible(&self, db: usize, hash: u64, key: &[u8]) -> Option<&Entry<Value>> {
        let entry = self.shard(hash).find(db, hash, key)?;
        if self.is_due(entry.expiry()) { None } else { Some(entry) }
    }

    /// The entry of a key, without marking it as used.
    pub(crate) fn peek(&self, db: usize, key: &[u8]) -> Option<&Entry<Value>> {
        self.visible(db, hash(key), key)
    }

    /// The entry of a key; a read, so its access clock is set and the hit or miss counted.
    fn access(&self, db: usize, key: &[u8]) -> Option<&Entry<Value>> {
        let entry = self.look(db, key)?;
        self.toucher().touch(entry);
        Some(entry)
    }

    /// The entry of a key for those who ask about the key: a hit or a miss, which is told, but no use of the key.
    pub(crate) fn look(&self, db: usize, key: &[u8]) -> Option<&Entry<Value>> {
        let found = self.visible(db, hash(key), key);
        let counters = &self.keyspace.counters;
        if found.is_some() {
            counters.hits.fetch_add(1, Ordering::Relaxed);
        } else {
            counters.misses.fetch_add(1, Ordering::Relaxed);
            self.happened.note(Class::MISS, "keymiss", db, key);
        }
        found
    }

    /// Whether the key is there.
    pub fn exists(&self, db: usize, key: &[u8]) -> bool {
        self.access(db, key).is_some()
    }

    /// The boxed value of a key: `None` when it is missing, `Some(None)` when it is a string inside its entry.
    pub fn value(&self, db: usize, key: &[u8]) -> Option<Option<&Value>> {
        match self.access(db, key)?.payload() {
            Payload::Inline(_) => Some(None),
            Payload::Boxed(value) => Some(Some(value)),
        }
    }

    /// The string at a key: `None` when missing, `Some(Err(()))` when it is another type.
    pub fn string(&self, db: usize, key: &[u8]) -> Option<std::result::Result<StrRef<'_>, ()>> {
        Some(string_of(self.access(db, key)?).ok_or(()))
    }

    /// The string at a key that is about to be changed: neither a hit nor a miss, and not marked as used.
    pub fn string_to_change(&self, db: usize, key: &[u8]) -> Option<std::result::Result<StrRef<'_>, ()>> {
        Some(string_of(self.peek(db, key)?).ok_or(()))
    }

    /// TYPE's answer, without marking the key as used.
    pub fn type_name(&self, db: usize, key: &[u8]) -> Option<&'static str> {
        self.peek(db, key).map(type_of)
    }

    /// OBJECT ENCODING's answer.
    pub fn encoding(&self, db: usize, key: &[u8]) -> Option<&'static str> {
        let entry = self.peek(db, key)?;
        Some(match (entry.payload(), entry.kind()) {
            (Payload::Boxed(value), _) => value.encoding(),
            (_, kind::INT) => "int",
            (_, kind::EMBSTR) => "embstr",
            _ => "raw",
        })
    }

    /// Whether the policy counts uses ([`Guard::freq`]) instead of keeping the time of the last one.
    pub fn counts_uses(&self) -> bool {
        self.keyspace.access.is_lfu()
    }

    /// Seconds since the key was last used. Means something unless [`Guard::counts_uses`].
    pub fn idle_seconds(&self, db: usize, key: &[u8]) -> Option<u32> {
        Some(Access::idle(self.peek(db, key)?.clock(), self.seconds()))
    }

    /// The logarithmic counter of the key's uses. Means something if [`Guard::counts_uses`].
    pub fn freq(&self, db: usize, key: &[u8]) -> Option<u8> {
        Some(self.keyspace.access.freq(self.peek(db, key)?.clock(), self.seconds()) as u8)
    }

    /// Sets what is known of a key's uses (RESTORE, files): of the two what the policy keeps, if it is given.
    pub fn set_access(&mut self, db: usize, key: &[u8], idle_seconds: Option<u64>, freq: Option<u8>) {
        let now = self.seconds();
        let clock = if self.counts_uses() {
            freq.map(|freq| Access::counted(freq, now))
        } else {
            idle_seconds.map(|idle| Access::idle_since(idle, now))
        };
        if let (Some(clock), Some(entry)) = (clock, self.peek(db, key)) {
            entry.set_clock(clock);
        }
    }

    /// Bytes the key and its value take.
    pub fn memory_of(&self, db: usize, key: &[u8]) -> Option<usize> {
        self.peek(db, key).map(footprint)
    }

    /// `None`: no such key; `Some(None)`: no expiry.
    pub fn expiry(&self, db: usize, key: &[u8]) -> Option<Option<i64>> {
        Some(self.peek(db, key)?.expiry())
    }

    fn add(&mut self, db: usize, h: u64, entry: Entry<Value>) {
        let born = self.keyspace.access.born(self.seconds());
        self.add_used(db, h, entry, born);
    }

    fn add_used(&mut self, db: usize, h: u64, entry: Entry<Value>, clock: u32) {
        let expires = entry.expiry().is_some() || soonest(&entry).is_some();
        if expires {
            self.keyspace.may_expire.store(true, Ordering::Relaxed);
        }
        entry.set_clock(clock);
        let now = if expires { self.now() } else { 0 };
        self.shard_mut(h).insert(db, h, entry, now);
    }

    /// The expiry a key will have after it was set with `expiry`.
    fn resolve(&self, db: usize, h: u64, key: &[u8], expiry: Expiry) -> Option<i64> {
        match expiry {
            Expiry::Clear => None,
            Expiry::At(at) => Some(at),
            Expiry::Keep => self.shard(h).find(db, h, key).and_then(Entry::expiry),
        }
    }

    /// Sets a string, choosing its form as SET does (int, embstr, raw).
    pub fn set_string(&mut self, db: usize, key: &[u8], bytes: &[u8], expiry: Expiry) {
        match num::parse_i64(bytes) {
            Some(n) => self.set_int(db, key, n, expiry),
            None => self.set_text(db, key, bytes, expiry),
        }
    }

    /// Sets a string that is an integer.
    pub fn set_int(&mut self, db: usize, key: &[u8], n: i64, expiry: Expiry) {
        self.set_inline(db, key, &n.to_le_bytes(), kind::INT, expiry);
    }

    /// Sets a string that stays text even if it is an integer (INCRBYFLOAT).
    pub fn set_text(&mut self, db: usize, key: &[u8], bytes: &[u8], expiry: Expiry) {
        if bytes.len() <= EMBSTR_MAX {
            self.set_inline(db, key, bytes, kind::EMBSTR, expiry);
        } else {
            self.set_raw(db, key, bytes, expiry);
        }
    }

    /// Sets a string in raw form, whatever its text (APPEND, SETRANGE).
    pub fn set_raw(&mut self, db: usize, key: &[u8], bytes: &[u8], expiry: Expiry) {
        if bytes.len() <= INLINE_MAX {
            self.set_inline(db, key, bytes, kind::RAW, expiry);
        } else {
            self.set_value(db, key, Value::Str(Arc::new(bytes.to_vec())), expiry);
        }
    }

    /// The same for a string that is there to be taken.
    pub fn set_raw_vec(&mut self, db: usize, key: &[u8], bytes: Vec<u8>, expiry: Expiry) {
        if bytes.len() <= INLINE_MAX {
            self.set_inline(db, key, &bytes, kind::RAW, expiry);
        } else {
            self.set_value(db, key, Value::Str(Arc::new(bytes)), expiry);
        }
    }

    fn set_inline(&mut self, db: usize, key: &[u8], bytes: &[u8], form: u8, expiry: Expiry) {
        let h = hash(key);
        self.purge(db, h, key);
        let toucher = self.toucher();
        let shard = self.shard_mut(h);
        let found = shard.find_for_change(db, h, key);
        let clock = found.as_ref().map(|(entry, _)| toucher.touch(entry));
        if let Some((entry, memory)) = found
            && entry.kind() != kind::BOXED
            && (expiry == Expiry::Keep || (expiry == Expiry::Clear && entry.expiry().is_none()))
        {
            let before = entry.alloc_size();
            entry.set_bytes(bytes, form);
            *memory = *memory + entry.alloc_size() - before;
            return shard.recount(db);
        }
        let expiry = self.resolve(db, h, key, expiry);
        if clock.is_some() {
            self.remove_hashed(db, h, key);
        } else {
            self.is_new(db, key);
        }
        let clock = clock.unwrap_or_else(|| self.keyspace.access.born(self.seconds()));
        self.add_used(db, h, Entry::with_bytes(key, bytes, expiry, form, 0), clock);
    }

    /// Sets a key to a boxed value (never an empty aggregate), whatever was there before.
    pub fn set_value(&mut self, db: usize, key: &[u8], value: Value, expiry: Expiry) {
        let h = hash(key);
        self.purge(db, h, key);
        let expiry = self.resolve(db, h, key, expiry);
        let old = self.shard(h).find(db, h, key).map(|entry| self.toucher().touch(entry));
        if !self.remove_hashed(db, h, key) {
            self.is_new(db, key);
        }
        let clock = old.unwrap_or_else(|| self.keyspace.access.born(self.seconds()));
        self.add_used(db, h, Entry::with_boxed(key, Box::new(value), expiry, kind::BOXED, 0), clock);
    }

    pub(super) fn remove_hashed(&mut self, db: usize, h: u64, key: &[u8]) -> bool {
        match self.shard_mut(h).take(db, h, key) {
            Some(entry) => {
                dispose(entry);
                true
            }
            None => false,
        }
    }

    /// Deletes a key; false when it is not there (or was due, which is noted). Big values are freed in the background.
    pub fn remove(&mut self, db: usize, key: &[u8]) -> bool {
        let h = hash(key);
        self.purge(db, h, key);
        self.remove_hashed(db, h, key)
    }

    /// Takes a key out to put it elsewhere (RENAME, MOVE).
    pub fn take(&mut self, db: usize, key: &[u8]) -> Option<Taken> {
        let h = hash(key);
        self.purge(db, h, key);
        Some(Taken { entry: self.shard_mut(h).take(db, h, key)? })
    }

    /// Puts a taken key where nothing is: under `key` in `db`, with its expiry.
    pub fn put(&mut self, db: usize, key: &[u8], taken: Taken) {
        let entry = taken.entry;
        let (expiry, form) = (entry.expiry(), entry.kind());
        let h = hash(key);
        self.remove_hashed(db, h, key);
        self.is_new(db, key);
        if let Payload::Inline(bytes) = entry.payload() {
            let moved = Entry::with_bytes(key, bytes, expiry, form, 0);
            return self.add(db, h, moved);
        }
        let Some(value) = entry.into_boxed() else { return };
        // The value may still owe the cut elements: the saver must find it under its new name.
        if let Some((job, ledger)) = value.elements().and_then(|(_, elements)| elements.pending_job()) {
            ledger.moved(job, db, key);
        }
        self.add(db, h, Entry::with_boxed(key, value, expiry, form, 0));
    }

    /// A deep copy of a key's value under another key, with its expiry (COPY). False when the source is missing.
    pub fn copy(&mut self, from_db: usize, from: &[u8], to_db: usize, to: &[u8]) -> bool {
        self.purge(from_db, hash(from), from);
        let Some(entry) = self.peek(from_db, from) else { return false };
        let (expiry, form) = (entry.expiry(), entry.kind());
        let copied = match entry.payload() {
            Payload::Inline(bytes) => Entry::with_bytes(to, bytes, expiry, form, 0),
            Payload::Boxed(value) => Entry::with_boxed(to, Box::new(value.clone()), expiry, form, 0),
        };
        let h = hash(to);
        self.purge(to_db, h, to);
        self.remove_hashed(to_db, h, to);
        self.is_new(to_db, to);
        self.add(to_db, h, copied);
        true
    }

    /// Sets or removes a key's expiry; false when the key is not there.
    pub fn set_expiry(&mut self, db: usize, key: &[u8], expiry: Option<i64>) -> bool {
        let h = hash(key);
        self.purge(db, h, key);
        if let Some(entry) = self.shard(h).find(db, h, key) {
            self.toucher().touch(entry);
        }
        let now = self.now();
        if expiry.is_some() {
            self.keyspace.may_expire.store(true, Ordering::Relaxed);
        }
        self.shard_mut(h).set_expiry(db, h, key, expiry, now)
    }

    /// A key is about to be made.
    fn is_new(&self, db: usize, key: &[u8]) {
        self.happened.note(Class::NEW, "new", db, key);
    }

    /// Changes a boxed value in place: the snapshot hook runs first; afterwards memory is counted and an aggregate
    /// that became empty is deleted. `None` when the key is missing or a short string.
    ///
    /// `f` must not replace the whole value (`*value = …`): a cut may still have to save its elements.
    pub fn modify<R>(&mut self, db: usize, key: &[u8], f: impl FnOnce(&mut Value) -> R) -> Option<R> {
        let h = hash(key);
        self.purge(db, h, key);
        let toucher = self.toucher();
        let shard = self.shard_mut(h);
        let found = shard.find_for_change(db, h, key);
        let Some((entry, memory)) = found else {
            shard.recount(db);
            return None;
        };
        toucher.touch(entry);
        let PayloadMut::Boxed(value) = entry.payload_mut() else {
            shard.recount(db);
            return None;
        };
        let (before, soonest_before) = (value.memory(), value.soonest());
        let result = f(value);
        *memory = *memory + value.memory() - before;
        let (is_empty, soonest) = (value.is_empty_aggregate(), value.soonest());
        shard.recount(db);
        if soonest != soonest_before {
            self.note_soonest(db, h, soonest_before, soonest);
        }
        if is_empty {
            self.remove_hashed(db, h, key);
        }
        Some(result)
    }

    fn note_soonest(&mut self, db: usize, h: u64, before: Option<i64>, after: Option<i64>) {
        let now = self.now();
        if after.is_some() {
            self.keyspace.may_expire.store(true, Ordering::Relaxed);
        }
        self.shard_mut(h).note_soonest(db, h, before, after, now);
    }

    /// As [`Guard::modify`]; a missing key is made with `make` first (and not kept if it stays empty).
    pub fn modify_or_make<R>(
        &mut self,
        db: usize,
        key: &[u8],
        make: impl FnOnce() -> Value,
        f: impl FnOnce(&mut Value) -> R,
    ) -> Option<R> {
        let h = hash(key);
        self.purge(db, h, key);
        if self.shard(h).find(db, h, key).is_some() {
            return self.modify(db, key, f);
        }
        let mut value = Box::new(make());
        let result = f(&mut value);
        if !value.is_empty_aggregate() {
            self.is_new(db, key);
            self.add(db, h, Entry::with_boxed(key, value, None, kind::BOXED, 0));
        }
        Some(result)
    }

    /// Changes a string's bytes in place (a missing one starts empty); it is `raw` afterwards and keeps its expiry.
    /// `None` when the key holds another type.
    pub fn modify_string<R>(
        &mut self,
        db: usize,
        key: &[u8],
        f: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> Option<R> {
        let h = hash(key);
        self.purge(db, h, key);
        let mut bytes = match self.shard(h).find(db, h, key) {
            None => Vec::new(),
            Some(entry) => match entry.payload() {
                Payload::Inline(_) => string_of(entry)?.to_vec(),
                Payload::Boxed(Value::Str(_)) => {
                    return self.modify(db, key, |value| match value {
                        Value::Str(bytes) => Some(f(Arc::make_mut(bytes))),
                        _ => None,
                    })?;
                }
                Payload::Boxed(_) => return None,
            },
        };
        let result = f(&mut bytes);
        if bytes.len() <= INLINE_MAX {
            self.set_inline(db, key, &bytes, kind::RAW, Expiry::Keep);
        } else {
            self.set_value(db, key, Value::Str(Arc::new(bytes)), Expiry::Keep);
        }
        Some(result)
    }

    /// How often the one shard held was taken so far.
    pub(super) fn visits(&self) -> u32 {
        self.one.as_ref().map_or(0, |(_, shard)| shard.visits)
    }

    /// The saver's step on a registered big value: `None` when it is not (or no longer) here, else whether more is owed.
    pub(super) fn save_big_step(
        &mut self,
        db: usize,
        key: &[u8],
        job: u64,
        chains: usize,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        let h = hash(key);
        let shard = self.shard_mut(h);
        let more = shard.save_big_step(db, h, key, job, chains, out);
        // Looking for the entry may have moved a rehash on.
        shard.recount(db);
        more
    }

    /// Notes the log position of what was changed under this guard.
    pub fn note_lsn(&mut self, lsn: u64) {
        for (_, shard) in self.shards() {
            shard.last_lsn = shard.last_lsn.max(lsn);
        }
    }

    /// The latest log position of anything visible under this guard.
    pub fn last_lsn(&self) -> u64 {
        self.shards_ref().map(|shard| shard.last_lsn).max().unwrap_or(0)
    }

    /// A consistency check for tests: counted memory equals what is there.
    #[doc(hidden)]
    pub fn counted_memory_is_right(&self) -> Result<bool> {
        Ok(self.shards_ref().all(|shard| {
            let shares = || shard.dbs.iter().flatten();
            let entries_are_right = shares().all(|share| {
                let mut sum = 0;
                share.table.for_each(|entry| sum += footprint(entry));
                sum == share.memory
            });
            entries_are_right && shares().map(|share| share.total()).sum::<usize>() == shard.used()
        }))
    }
}

/// The name of the type of what an entry holds, as TYPE answers.
pub(crate) fn type_of(entry: &Entry<Value>) -> &'static str {
    match entry.payload() {
        Payload::Inline(_) => "string",
        Payload::Boxed(value) => value.type_name(),
    }
}

/// The string an entry holds, `None` for other types.
pub(super) fn string_of(entry: &Entry<Value>) -> Option<StrRef<'_>> {
    match entry.payload() {
        Payload::Inline(bytes) if entry.kind() == kind::INT => Some(StrRef::Int(int_of(bytes))),
        Payload::Inline(bytes) => Some(StrRef::Bytes(bytes)),
        Payload::Boxed(Value::Str(bytes)) => Some(StrRef::Bytes(bytes)),
        Payload::Boxed(_) => None,
    }
}
