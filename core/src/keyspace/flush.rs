//! Whole databases at once: FLUSHDB, FLUSHALL, SWAPDB. What a cut still has to save of them is handed to it.

use super::cut::Orphan;
use super::guard::Guard;
use super::shard_of;
use crate::reclaim;
use crate::table::hash;

impl Guard<'_> {
    /// Empties a database (all shards must be locked); the number of keys it had. The memory is freed in the background.
    pub fn flush(&mut self, db: usize) -> usize {
        let ledger = self.keyspace().current_ledger();
        let keyspace = self.keyspace();
        let mut removed = 0;
        for (index, shard) in self.shards() {
            shard.bump_present(db);
            let Some(mut share) = shard.detach(db) else { continue };
            removed += share.table.len();
            if let Some(ledger) = ledger.as_ref().filter(|ledger| !ledger.is_cancelled()) {
                for (job, key) in ledger.jobs_in(db, |key| shard_of(hash(key)) == index) {
                    let value =
                        share.table.remove(hash(&key), &key).and_then(crate::table::Entry::into_boxed);
                    if let Some(value) = value {
                        ledger.adopt(job, value);
                    }
                }
                if !share.cut_done {
                    let table = std::mem::take(&mut share.table);
                    keyspace.add_orphan(Orphan { table, epoch: shard.epoch, db: share.cut_db });
                    continue;
                }
            }
            let size = share.table.memory() + share.memory;
            reclaim::later(share, size);
        }
        removed
    }

    /// Exchanges two databases (all shards must be locked).
    pub fn swap_databases(&mut self, a: usize, b: usize) {
        if let Some(ledger) = self.keyspace().current_ledger() {
            ledger.swap_databases(a, b);
        }
        for (_, shard) in self.shards() {
            shard.bump_present_in_either(a, b);
            shard.dbs.swap(a, b);
        }
    }
}
