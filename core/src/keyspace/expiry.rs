//! Deleting what is due: keys, and fields of hashes. Everything deleted is noted, since the log must say so.

use std::sync::atomic::Ordering;

use super::guard::Guard;
use super::shard::dispose;
use crate::table::{Entry, Payload, PayloadMut, hash};
use crate::value::Value;
use crate::value::hash::{Hash, View};

/// Keys that are due which one write call deletes besides its own.
const DUE_PER_WRITE: usize = 2;

/// What was deleted since it was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Database index.
    pub db: usize,
    /// The key.
    pub key: Vec<u8>,
    /// The fields of the hash that are gone; none when it is the key itself.
    pub fields: Vec<Vec<u8>>,
    /// Whether with these fields the key went too.
    pub emptied: bool,
}

impl Guard<'_> {
    /// Deletes the key if it is due. Every changing call does this first.
    pub(super) fn purge(&mut self, db: usize, h: u64, key: &[u8]) {
        let expiry = self.shard(h).find(db, h, key).and_then(Entry::expiry);
        if self.is_due(expiry)
            && let Some(entry) = self.shard_mut(h).take(db, h, key)
        {
            dispose(entry);
            self.shard_mut(h).interests.bump(db, key);
            self.keyspace().counters.expired.fetch_add(1, Ordering::Relaxed);
            self.expired.push(Expired { db, key: key.to_vec(), fields: Vec::new(), emptied: false });
        }
    }

    /// Deletes the key if it is due, for a command that only reads it but whose effect is logged as it stands: when the
    /// log is replayed nothing is due.
    pub(crate) fn remove_if_due(&mut self, db: usize, key: &[u8]) {
        self.purge(db, hash(key), key);
    }

    /// Notes fields of a hash that were removed since they were due, perhaps all that were left.
    pub(crate) fn note_expired_fields(&mut self, db: usize, key: &[u8], fields: Vec<Vec<u8>>, emptied: bool) {
        if !fields.is_empty() {
            self.shard_mut(hash(key)).interests.bump(db, key);
            self.keyspace().counters.expired_fields.fetch_add(fields.len() as u64, Ordering::Relaxed);
            self.expired.push(Expired { db, key: key.to_vec(), fields, emptied });
        }
    }

    /// What was deleted since it was due: to be logged before the command's own effects.
    pub fn take_expired(&mut self) -> Vec<Expired> {
        std::mem::take(&mut self.expired)
    }

    /// A hash without the fields that are due.
    pub fn hash_view<'h>(&self, value: &'h Hash) -> View<'h> {
        View::new(value, || if self.may_expire() { self.now() } else { i64::MIN })
    }

    /// Whether anything expires at present: not while files are loaded.
    pub(crate) fn may_expire(&self) -> bool {
        !self.keyspace().loading.load(Ordering::Relaxed)
    }

    /// Whether what is due is also deleted.
    fn deletes_due(&self) -> bool {
        self.keyspace().active_expire.load(Ordering::Relaxed) && self.may_expire()
    }

    /// Deletes up to `most` keys that are due in the locked shards; true when there may be more.
    pub fn expire_some(&mut self, most: usize) -> bool {
        if !self.deletes_due() {
            return false;
        }
        let now = self.now();
        let mut due: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut left = most;
        for (_, shard) in self.shards() {
            for (db, share) in shard.dbs.iter_mut().enumerate() {
                let Some(share) = share else { continue };
                let hashes = share.wheel.take_due(now, left);
                left -= hashes.len();
                for h in hashes {
                    let mut later = None;
                    share.table.find_by_hash(h, |entry| {
                        match entry.expiry() {
                            Some(at) if at < now => due.push((db, entry.key().to_vec())),
                            Some(at) => later = Some(at),
                            None => {}
                        }
                        false
                    });
                    if let Some(at) = later {
                        share.wheel.add(h, at, now);
                    }
                }
            }
        }
        for (db, key) in due {
            self.purge(db, hash(&key), &key);
        }
        left == 0
    }

    /// Deletes up to `most` fields of hashes that are due in the locked shards; true when there may be more.
    pub fn expire_some_fields(&mut self, most: usize) -> bool {
        if !self.deletes_due() {
            return false;
        }
        let now = self.now();
        let mut left = most;
        let mut look: Vec<(usize, Vec<u8>)> = Vec::new();
        for (_, shard) in self.shards() {
            for (db, share) in shard.dbs.iter_mut().enumerate() {
                let Some(share) = share else { continue };
                let hashes = share.field_wheel.take_due(now, most - look.len().min(most));
                for h in hashes {
                    share.table.find_by_hash(h, |entry| {
                        if matches!(entry.payload(), Payload::Boxed(value) if value.soonest().is_some()) {
                            look.push((db, entry.key().to_vec()));
                        }
                        false
                    });
                }
            }
        }
        let looked = look.len();
        for (db, key) in look {
            // Even without a budget the wheel must learn when to look again.
            left -= self.expire_fields_of(db, &key, left, now);
        }
        left == 0 || looked >= most
    }

    /// Deletes fields of one hash and says when to look at it again; how many there were.
    fn expire_fields_of(&mut self, db: usize, key: &[u8], most: usize, now: i64) -> usize {
        let h = hash(key);
        self.purge(db, h, key);
        let shard = self.shard_mut(h);
        let found = shard.find_for_change(db, h, key);
        let found = found.map(|(entry, memory)| (entry.payload_mut(), memory));
        let Some((PayloadMut::Boxed(Value::Hash(value)), memory)) = found else {
            shard.recount(db);
            return 0;
        };
        let (before, memory_before) = (value.soonest(), value.memory());
        let fields = value.take_due(now, most);
        *memory = *memory + value.memory() - memory_before;
        let (after, empty) = (value.soonest(), value.is_empty());
        shard.recount(db);
        shard.note_soonest(db, h, before, after, now);
        if let Some(after) = after {
            shard.db_or_new(db).field_wheel.add(h, after, now);
        }
        if empty {
            self.remove_hashed(db, h, key);
        }
        let removed = fields.len();
        self.note_expired_fields(db, key, fields, empty);
        removed
    }

    /// The small share of expiry work that rides on a write call.
    pub fn expire_a_few(&mut self) {
        if self.keyspace().has_expiring() {
            self.expire_some(DUE_PER_WRITE);
        }
    }

    /// Whether anything in a locked shard has an expiry to come.
    pub(crate) fn awaits_expiry(&self) -> bool {
        let mut shares = self.shards_ref().flat_map(|shard| shard.dbs.iter().flatten());
        shares.any(|share| share.wheel.next().is_some() || share.field_wheel.next().is_some())
    }

    /// Whether some hash in a locked shard has expiring fields.
    pub(super) fn has_expiring_fields(&self) -> bool {
        self.shards_ref().any(|shard| shard.dbs.iter().flatten().any(|share| share.hashes_expiring > 0))
    }
}
