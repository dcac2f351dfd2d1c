//! The big form of sets, hashes and sorted-set dictionaries: a table whose elements carry a stamp of their own.
//!
//! A snapshot of a key of ten million elements must neither copy nor freeze it. When a cut first meets such a value
//! it *registers* it: the value's generation moves on, so every element is unsaved, and from then on whoever changes
//! or removes an unsaved element first puts its record aside, while the saver walks the table in small steps and
//! writes what is not stamped yet. Each element is saved exactly once, as it was at the cut.
//!
//! A record is `u32 key length, u32 value length, key, value` (little-endian): field and value of a hash, a member
//! with no value for a set, a member and the 8 bytes of its score for a sorted set. Of a hash that has expiring fields
//! when the cut is made, each value is followed by 8 bytes of the field's expiry (see [`split_expiry`]).
//!
//! An element may expire (fields of hashes do): its entry says when, and a wheel that is only there while some element
//! does says which are due.
//! Knows the table room and the cut's ledger.

use std::sync::Arc;

use super::snapshot::Ledger;
use crate::table::{Entry, Table, Wheel, hash};

/// After this many registrations that never completed, stamps could repeat: all are set anew.
const INCOMPLETE_MAX: u8 = 250;

/// In a record: the element does not expire.
const NEVER: i64 = i64::MIN;

/// What a cut still owes this value.
struct Pending {
    job: u64,
    /// Records tell expiries, since some element had one at the cut.
    expiring: bool,
    ledger: Arc<Ledger>,
    cursor: u64,
    /// Records of elements changed before the saver came to them.
    aside: Vec<u8>,
}

/// The elements that expire.
#[derive(Clone, Default)]
struct Expiring {
    count: usize,
    wheel: Wheel,
}

/// A table of elements, see the module's head. Cloning copies the elements, not what a cut owes them.
#[derive(Default)]
pub struct Elements {
    table: Table<()>,
    entries_size: usize,
    generation: u8,
    incomplete: u8,
    pending: Option<Box<Pending>>,
    expiring: Option<Box<Expiring>>,
}

impl Elements {
    /// An empty table with room for `n` elements.
    pub fn with_capacity(n: usize) -> Self {
        Self { table: Table::with_capacity(n), ..Self::default() }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes taken from the allocator. O(1).
    pub fn memory(&self) -> usize {
        let expiring = self.expiring.as_ref().map_or(0, |e| size_of::<Expiring>() + e.wheel.memory());
        self.table.memory() + self.entries_size + expiring
    }

    /// The underlying table, for reading.
    pub fn table(&self) -> &Table<()> {
        &self.table
    }

    /// The element, if present.
    pub fn get(&self, key: &[u8]) -> Option<&Entry<()>> {
        self.table.find(hash(key), key)
    }

    /// Whether the element is present.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Sets an element's value; true when it is new. An existing element keeps its expiry, and if the value keeps its
    /// length it stays where it is in memory (the sorted set's tree relies on that).
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> bool {
        let h = hash(key);
        if let Some(entry) = self.table.find_mut(h, key) {
            save_before_change(&mut self.pending, self.generation, entry);
            let before = entry.alloc_size();
            entry.set_bytes(value, 0);
            self.entries_size = self.entries_size + entry.alloc_size() - before;
            return false;
        }
        self.insert_hashed(h, key, value);
        true
    }

    /// Adds an element; false (and nothing changed) when it is present already.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        let h = hash(key);
        if self.table.find(h, key).is_some() {
            return false;
        }
        self.insert_hashed(h, key, value);
        true
    }

    /// Adds an element that is known to be absent, and returns it.
    pub fn insert_absent(&mut self, key: &[u8], value: &[u8]) -> &Entry<()> {
        self.insert_hashed(hash(key), key, value)
    }

    fn insert_hashed(&mut self, h: u64, key: &[u8], value: &[u8]) -> &Entry<()> {
        let entry = Entry::with_bytes(key, value, None, 0, self.generation);
        self.entries_size += entry.alloc_size();
        self.table.insert(h, entry)
    }

    /// Removes an element and returns it.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<()>> {
        let h = hash(key);
        if self.pending.is_some()
            && let Some(entry) = self.table.find_mut(h, key)
        {
            save_before_change(&mut self.pending, self.generation, entry);
        }
        let entry = self.table.remove(h, key)?;
        self.entries_size -= entry.alloc_size();
        if entry.expiry().is_some() {
            self.expires_no_more();
        }
        Some(entry)
    }

    /// Number of elements that expire.
    pub fn expiring(&self) -> usize {
        self.expiring.as_ref().map_or(0, |expiring| expiring.count)
    }

    /// A time before which no element is due; `None` when none expires. Not later than the earliest expiry.
    pub fn soonest(&self) -> Option<i64> {
        self.expiring.as_ref().map(|expiring| expiring.wheel.earliest().unwrap_or(0))
    }

    /// Sets or removes the expiry (ms since the epoch) of an element; what it was before, `None` when there is no such
    /// element.
    pub fn set_expiry(&mut self, key: &[u8], expiry: Option<i64>, now: i64) -> Option<Option<i64>> {
        let h = hash(key);
        let old = self.table.find(h, key)?.expiry();
        if old == expiry {
            return Some(old);
        }
        let entry = self.table.find_mut(h, key)?;
        save_before_change(&mut self.pending, self.generation, entry);
        let before = entry.alloc_size();
        entry.set_expiry(expiry);
        self.entries_size = self.entries_size + entry.alloc_size() - before;
        match expiry {
            Some(at) => {
                let expiring = self.expiring.get_or_insert_default();
                expiring.count += usize::from(old.is_none());
                expiring.wheel.move_to(h, old, at, now);
            }
            None => self.expires_no_more(),
        }
        Some(old)
    }

    fn expires_no_more(&mut self) {
        if let Some(expiring) = &mut self.expiring {
            expiring.count -= 1;
            if expiring.count == 0 {
                self.expiring = None;
            }
        }
    }

    /// Removes elements that were due before `now`, up to `most` of them, and returns their keys. Looks at not many
    /// more, so there may be more to do when this returns fewer: [`soonest`](Self::soonest) tells.
    pub fn take_due(&mut self, now: i64, most: usize) -> Vec<Vec<u8>> {
        let mut due = Vec::new();
        let Some(expiring) = &mut self.expiring else { return due };
        for h in expiring.wheel.take_due(now, most) {
            let mut later = None;
            self.table.find_by_hash(h, |entry| {
                match entry.expiry() {
                    Some(at) if at < now => due.push(entry.key().to_vec()),
                    Some(at) => later = Some(at),
                    None => {}
                }
                false
            });
            if let Some(at) = later {
                expiring.wheel.add(h, at, now);
            }
        }
        // The wheel may name an element twice.
        due.retain(|key| self.remove(key).is_some());
        due
    }

    /// An element chosen uniformly; `random(n)` gives a number below n.
    pub fn random(&self, random: impl FnMut(usize) -> usize) -> Option<&Entry<()>> {
        self.table.random(random)
    }

    /// One call of SSCAN, HSCAN or ZSCAN: visits chains until about `count` elements were given to `each` (or ten times
    /// as many chains were seen, for sparse tables); returns the next cursor, 0 at the end. See [`Table::scan`].
    pub fn scan_some<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(&'a Entry<()>)) -> u64 {
        let (mut cursor, mut seen, mut chains) = (cursor, 0, 0);
        loop {
            cursor = self.table.scan(cursor, |entry| {
                seen += 1;
                each(entry);
            });
            chains += 1;
            if cursor == 0 || seen >= count || chains > count.saturating_mul(10) {
                return cursor;
            }
        }
    }

    /// All elements in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<()>> {
        self.table.iter()
    }

    /// Whether a cut still has to save elements of this value.
    pub fn pending_job(&self) -> Option<(u64, &Arc<Ledger>)> {
        let pending = self.pending.as_deref()?;
        if pending.ledger.is_cancelled() { None } else { Some((pending.job, &pending.ledger)) }
    }

    /// Begins the saving of this value for a cut: all its present elements are owed from now on.
    pub fn register(&mut self, job: u64, ledger: Arc<Ledger>) {
        debug_assert!(self.pending_job().is_none(), "one cut at a time");
        if self.incomplete >= INCOMPLETE_MAX {
            self.table.for_each(|entry| entry.set_stamp(self.generation));
            self.incomplete = 0;
        }
        self.incomplete += 1;
        self.generation = self.generation.wrapping_add(1);
        let expiring = self.expiring.is_some();
        self.pending = Some(Box::new(Pending { job, expiring, ledger, cursor: 0, aside: Vec::new() }));
    }

    /// Saves the elements of up to `chains` chains (about six each) into `out`; false when all that the cut saw are saved.
    pub fn save_step(&mut self, chains: usize, out: &mut Vec<u8>) -> bool {
        let Some(pending) = self.pending.as_deref_mut() else { return false };
        pending.ledger.release(pending.aside.len());
        out.append(&mut pending.aside);
        for _ in 0..chains {
            self.table.prefetch(pending.cursor);
            let generation = self.generation;
            pending.cursor = self.table.scan(pending.cursor, |entry| {
                if entry.stamp() != generation {
                    record_entry(out, entry, pending.expiring);
                    entry.set_stamp(generation);
                }
            });
            if pending.cursor == 0 {
                self.pending = None;
                self.incomplete = 0;
                return false;
            }
        }
        true
    }

    /// The records of all elements at once, for small values; with their expiries if any element has one.
    pub fn records(&self, out: &mut Vec<u8>) {
        let expiring = self.expiring.is_some();
        self.table.for_each(|entry| record_entry(out, entry, expiring));
    }
}

impl Clone for Elements {
    fn clone(&self) -> Self {
        let mut copy = Self::with_capacity(self.len());
        self.table.for_each(|entry| {
            let same = Entry::with_bytes(entry.key(), entry.bytes(), entry.expiry(), 0, copy.generation);
            copy.entries_size += same.alloc_size();
            copy.table.insert(hash(entry.key()), same);
        });
        copy.expiring.clone_from(&self.expiring);
        copy
    }
}

fn save_before_change(pending: &mut Option<Box<Pending>>, generation: u8, entry: &Entry<()>) {
    if let Some(owed) = pending
        && entry.stamp() != generation
    {
        if owed.ledger.is_cancelled() {
            *pending = None;
            return;
        }
        let before = owed.aside.len();
        record_entry(&mut owed.aside, entry, owed.expiring);
        owed.ledger.hold(owed.aside.len() - before);
        entry.set_stamp(generation);
    }
}

/// Appends one record.
pub fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    out.reserve(8 + key.len() + value.len());
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

fn record_entry(out: &mut Vec<u8>, entry: &Entry<()>, expiring: bool) {
    if expiring {
        record_expiring(out, entry.key(), entry.bytes(), entry.expiry());
    } else {
        record(out, entry.key(), entry.bytes());
    }
}

/// Appends one record of a hash with expiring fields.
pub fn record_expiring(out: &mut Vec<u8>, key: &[u8], value: &[u8], expiry: Option<i64>) {
    out.reserve(16 + key.len() + value.len());
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&(value.len() as u32 + 8).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
    out.extend_from_slice(&expiry.unwrap_or(NEVER).to_le_bytes());
}

/// The value and the expiry of a record of a hash with expiring fields.
pub fn split_expiry(value: &[u8]) -> (&[u8], Option<i64>) {
    match value.split_last_chunk::<8>() {
        Some((value, expiry)) => (value, Some(i64::from_le_bytes(*expiry)).filter(|at| *at != NEVER)),
        None => (value, None),
    }
}

/// Reads records back, in the order written.
pub struct Records<'a>(pub &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        let [a, b, c, d, e, f, g, h] = *head;
        let key_len = u32::from_le_bytes([a, b, c, d]) as usize;
        let value_len = u32::from_le_bytes([e, f, g, h]) as usize;
        let (key, rest) = rest.split_at_checked(key_len)?;
        let (value, rest) = rest.split_at_checked(value_len)?;
        self.0 = rest;
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Whatever is changed, added or removed while a cut saves the value, the records are those of the cut.
    #[test]
    fn a_cut_sees_each_element_once_as_it_was() {
        for seed in 0..30 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut elements = Elements::default();
            for i in 0..2_000u32 {
                elements.set(&i.to_be_bytes(), b"old");
            }
            for job in 0..3 {
                let at_cut: BTreeMap<_, _> =
                    elements.iter().map(|e| (e.key().to_vec(), e.bytes().to_vec())).collect();
                let ledger = Arc::new(Ledger::default());
                elements.register(job, Arc::clone(&ledger));
                let mut out = Vec::new();
                loop {
                    for _ in 0..rng.usize(0..20) {
                        let key = rng.u32(0..3_000).to_be_bytes();
                        match rng.u8(0..3) {
                            0 => drop(elements.remove(&key)),
                            1 => drop(elements.set(&key, b"new")),
                            _ => drop(elements.set(&key, &rng.u64(..).to_le_bytes())),
                        }
                    }
                    if !elements.save_step(4, &mut out) {
                        break;
                    }
                }
                let mut saved = BTreeMap::new();
                for (key, value) in Records(&out) {
                    assert!(saved.insert(key.to_vec(), value.to_vec()).is_none(), "saved twice");
                }
                assert_eq!(saved, at_cut);
                assert_eq!(ledger.held(), 0);
            }
        }
    }

    #[test]
    fn many_aborted_cuts_lose_nothing() {
        let mut elements = Elements::default();
        for i in 0..200u32 {
            elements.set(&i.to_be_bytes(), b"");
        }
        for job in 0..600 {
            let ledger = Arc::new(Ledger::default());
            elements.register(job, Arc::clone(&ledger));
            if job % 7 == 0 {
                elements.set(&((job % 200) as u32).to_be_bytes(), b"x");
            }
            ledger.cancel();
        }
        elements.register(1_000, Arc::new(Ledger::default()));
        let mut out = Vec::new();
        while elements.save_step(4, &mut out) {}
        assert_eq!(Records(&out).count(), 200);
    }
}
