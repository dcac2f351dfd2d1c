//! Walking the keys: SCAN, KEYS, RANDOMKEY, and iteration for digests and checks.

use super::guard::Guard;
use super::{Keyspace, SHARDS};
use crate::error::Result;
use crate::table::Entry;
use crate::value::Value;

/// A shard's guard: the caller's, who holds it anyway, or one of our own.
enum At<'g> {
    Held(&'g Guard<'g>),
    Own(Guard<'g>),
}

impl<'g> std::ops::Deref for At<'g> {
    type Target = Guard<'g>;
    fn deref(&self) -> &Guard<'g> {
        match self {
            At::Held(guard) => guard,
            At::Own(guard) => guard,
        }
    }
}

impl Keyspace {
    fn at<'g>(&'g self, held: Option<&'g Guard<'_>>, index: usize) -> Result<At<'g>> {
        Ok(match held {
            Some(guard) => At::Held(guard),
            None => At::Own(self.lock_one(index)?),
        })
    }

    /// SCAN: calls `f` for the keys of about `count` chains and returns the next cursor (0: complete). One shard is
    /// locked at a time, unless the caller holds all of them in `held`. A cursor is a table's cursor with the shard's number in its low 6 bits.
    pub fn scan(
        &self,
        held: Option<&Guard<'_>>,
        db: usize,
        cursor: u64,
        count: usize,
        mut f: impl FnMut(&Guard<'_>, &Entry<Value>),
    ) -> Result<u64> {
        let mut shard_index = (cursor % SHARDS as u64) as usize;
        let mut table_cursor = cursor / SHARDS as u64;
        let mut seen = 0;
        // As Redis: at most ten times as many buckets as asked for, so that a sparse table can not hold a call up.
        let mut steps = count.saturating_mul(10).max(SHARDS);
        while shard_index < SHARDS {
            let guard = self.at(held, shard_index)?;
            loop {
                let Some(share) = guard.shard_at(shard_index).and_then(|shard| shard.db(db)) else {
                    // A cursor from before a flush, or of nobody's making: there is nothing behind it.
                    table_cursor = 0;
                    break;
                };
                table_cursor = share.table.scan(table_cursor, |entry| {
                    seen += 1;
                    if !guard.is_due(entry.expiry()) {
                        f(&guard, entry);
                    }
                });
                steps -= 1;
                if table_cursor == 0 || seen >= count || steps == 0 {
                    break;
                }
            }
            if table_cursor == 0 {
                shard_index += 1;
            }
            if seen >= count || steps == 0 {
                break;
            }
        }
        Ok(if shard_index >= SHARDS { 0 } else { table_cursor * SHARDS as u64 + shard_index as u64 })
    }

    /// A random key that is not due, `None` when there is none. `held` as for [`Keyspace::scan`].
    pub fn random_key(
        &self,
        held: Option<&Guard<'_>>,
        db: usize,
        rng: &mut fastrand::Rng,
    ) -> Result<Option<Vec<u8>>> {
        // A hundred tries as Redis does, then whatever a full walk finds first.
        for _ in 0..100 {
            let mut sizes = [0usize; SHARDS];
            let mut total = 0;
            for (index, size) in sizes.iter_mut().enumerate() {
                let guard = self.at(held, index)?;
                *size = guard.shard_at(index).and_then(|shard| shard.db(db)).map_or(0, |db| db.table.len());
                total += *size;
            }
            if total == 0 {
                return Ok(None);
            }
            let mut pick = rng.usize(0..total);
            let index = sizes.iter().position(|size| {
                let here = pick < *size;
                pick = pick.wrapping_sub(if here { 0 } else { *size });
                here
            });
            let Some(index) = index else { continue };
            let guard = self.at(held, index)?;
            let share = guard.shard_at(index).and_then(|shard| shard.db(db));
            if let Some(entry) = share.and_then(|share| share.table.random(|n| rng.usize(0..n)))
                && !guard.is_due(entry.expiry())
            {
                return Ok(Some(entry.key().to_vec()));
            }
        }
        let mut found = None;
        let mut cursor = 0;
        loop {
            cursor = self.scan(held, db, cursor, 100, |_, entry| found = Some(entry.key().to_vec()))?;
            if cursor == 0 || found.is_some() {
                return Ok(found);
            }
        }
    }
}

impl Guard<'_> {
    /// Number of keys of a database in the locked shards, due ones included.
    pub fn len(&self, db: usize) -> usize {
        self.shards_ref().filter_map(|shard| shard.db(db)).map(|share| share.table.len()).sum()
    }

    /// Every key of a database in the locked shards that is not due.
    pub(crate) fn for_each(&self, db: usize, mut f: impl FnMut(&Entry<Value>)) {
        for shard in self.shards_ref() {
            if let Some(share) = shard.db(db) {
                share.table.for_each(|entry| {
                    if !self.is_due(entry.expiry()) {
                        f(entry);
                    }
                });
            }
        }
    }
}
