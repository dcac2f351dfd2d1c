//! Walking the keys: SCAN, KEYS, RANDOMKEY, and iteration for digests and checks.

use super::guard::Guard;
use super::{Keyspace, SHARDS};
use crate::error::Result;
use crate::table::Entry;
use crate::value::Value;

impl Keyspace {
    /// SCAN: calls `f` for the keys of about `count` chains and returns the next cursor (0: complete). One shard is
    /// locked at a time. A cursor is a table's cursor with the shard's number in its low 6 bits.
    pub fn scan(
        &self,
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
            let guard = self.lock_one(shard_index)?;
            loop {
                let Some(share) = guard.shards_ref().next().and_then(|shard| shard.db(db)) else { break };
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

    /// A random key that is not due, `None` when there is none.
    pub fn random_key(&self, db: usize, rng: &mut fastrand::Rng) -> Result<Option<Vec<u8>>> {
        // A hundred tries as Redis does, then whatever a full walk finds first.
        for _ in 0..100 {
            let mut sizes = [0usize; SHARDS];
            let mut total = 0;
            for (index, size) in sizes.iter_mut().enumerate() {
                *size = self.lock_shard(index)?.db(db).map_or(0, |share| share.table.len());
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
            let guard = self.lock_one(index)?;
            let share = guard.shards_ref().next().and_then(|shard| shard.db(db));
            if let Some(entry) = share.and_then(|share| share.table.random(|n| rng.usize(0..n)))
                && !guard.is_due(entry.expiry())
            {
                return Ok(Some(entry.key().to_vec()));
            }
        }
        let mut found = None;
        let mut cursor = 0;
        loop {
            cursor = self.scan(db, cursor, 100, |_, entry| found = Some(entry.key().to_vec()))?;
            if cursor == 0 || found.is_some() {
                return Ok(found);
            }
        }
    }
}

impl Guard<'_> {
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
