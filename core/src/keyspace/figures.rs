//! What is counted over all shards: keys, expiries and bytes, for INFO, MEMORY and the tick. Shards are looked at one
//! after the other, or as they stand when the caller holds them all (in a transaction).

use super::shard::Shard;
use super::{Guard, Keyspace, SHARDS};
use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::Ordering;
use crate::table::Shape;

/// Of one database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbFigures {
    /// Keys, due ones included.
    pub keys: usize,
    /// Keys with an expiry.
    pub expiring: usize,
    /// Hashes with expiring fields.
    pub hashes_expiring: usize,
    /// Bytes of the tables.
    pub tables: usize,
    /// How many shards' tables are being resized.
    pub resizing: usize,
}

/// Of the whole keyspace.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Bytes of entries, values and tables of all shards, and of the shards.
    pub used: usize,
    /// By number.
    pub databases: Vec<DbFigures>,
}

impl Keyspace {
    /// Calls `f` with every shard.
    fn each_shard(&self, held: Option<&Guard<'_>>, mut f: impl FnMut(&Shard)) -> Result<()> {
        match held {
            Some(guard) if guard.holds_all() => guard.shards_ref().for_each(f),
            // To wait for the rest while some are held would break the order in which shards are taken.
            Some(guard) if guard.shards_ref().next().is_some() => {
                return Err(Error::command("ERR the whole store can not be looked at here"));
            }
            _ => {
                for index in 0..SHARDS {
                    f(&*self.lock_shard(index)?);
                }
            }
        }
        Ok(())
    }

    /// Counts everything anew. `held` is what the caller has locked: every shard or none.
    pub fn figures(&self, held: Option<&Guard<'_>>) -> Result<Figures> {
        let mut figures =
            Figures { used: self.base_memory(), databases: vec![DbFigures::default(); self.databases()] };
        self.each_shard(held, |shard| {
            figures.used += shard.used();
            for (number, of_db) in figures.databases.iter_mut().enumerate() {
                let Some(share) = shard.db(number) else { continue };
                of_db.keys += share.table.len();
                of_db.expiring += share.expiring;
                of_db.hashes_expiring += share.hashes_expiring;
                of_db.tables += share.table.memory();
                of_db.resizing += usize::from(share.table.is_rehashing());
            }
        })?;
        self.peak.fetch_max(figures.used, Ordering::Relaxed);
        Ok(figures)
    }

    /// What a database's tables look like, and how many of its keys have an expiry.
    pub fn shape(&self, db: usize, held: Option<&Guard<'_>>, with_chains: bool) -> Result<(Shape, usize)> {
        let (mut shape, mut expiring) = (Shape::default(), 0);
        self.each_shard(held, |shard| {
            let Some(share) = shard.db(db) else { return };
            shape.add(&share.table, with_chains);
            expiring += share.expiring;
        })?;
        Ok((shape, expiring))
    }

    /// Bytes an empty keyspace takes.
    pub fn base_memory(&self) -> usize {
        size_of::<Self>() + SHARDS * (size_of::<Mutex<Shard>>() + self.databases() * size_of::<usize>())
    }

    /// [`Figures::used`] alone. Locks the shards one after the other.
    pub fn memory(&self) -> Result<usize> {
        let mut total = self.base_memory();
        self.each_shard(None, |shard| total += shard.used())?;
        self.peak.fetch_max(total, Ordering::Relaxed);
        Ok(total)
    }

    /// The most bytes that were ever found used.
    pub fn peak_memory(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}
