//! What commands need of the store above them, so that this room need not know it.

use std::sync::Arc;

use super::blocking::Waiters;
use super::debug::Reload;
use super::observe::Observer;
use crate::aof::Effects;
use crate::config::Config;
use crate::error::Result;
use crate::keyspace::{Guard, Keyspace};
use crate::pubsub::PubSub;

/// What SHUTDOWN asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// SAVE (true) or NOSAVE (false); without either a snapshot is saved if there are save points.
    pub save: Option<bool>,
    /// End even if saving fails.
    pub force: bool,
}

/// The store as commands see it. Methods that can take long are called without a shard held.
pub trait Services: Send + Sync {
    /// The data.
    fn keyspace(&self) -> &Arc<Keyspace>;
    /// The directives.
    fn config(&self) -> &Config;
    /// Whether the data is still being loaded: then only commands that are marked so may run.
    fn is_loading(&self) -> bool {
        false
    }
    /// Clients, calls, slow commands.
    fn observer(&self) -> &Observer;
    /// Calls that wait for a key.
    fn waiters(&self) -> &Waiters;
    /// Who has subscribed to what.
    fn pubsub(&self) -> &PubSub;
    /// Scripts and functions.
    #[cfg(feature = "lua")]
    fn scripts(&self) -> &crate::script::Scripts;

    /// Whether a write may run now: not when the log or the last snapshot failed (`MISCONF …`). Makes room in the log for
    /// about `bytes`, so that appending what the command did cannot fail.
    fn allow_write(&self, bytes: usize) -> Result<()>;
    /// Logs what a command did (its shards are still held) and counts `dirty` changes. Returns the log position.
    fn record(&self, effects: &Effects, dirty: u64) -> Result<u64>;
    /// Under `appendfsync always`: waits until everything up to `lsn` is on disk. Otherwise returns at once.
    fn wait_durable(&self, lsn: u64) -> Result<()>;
    /// The same even where the caller's own command runs ahead of its durability: for what others are told.
    fn wait_durable_at_once(&self, lsn: u64) -> Result<()> {
        self.wait_durable(lsn)
    }
    /// Whether everything in the log is on disk; with `wait`, which no holder of a shard may ask for, it is made so. `None`:
    /// there is no log.
    fn log_is_synced(&self, wait: bool) -> Result<Option<bool>>;
    /// Something may need the background thread now: an expiry was set, changes may have reached a save point.
    fn after_write(&self);

    /// SAVE.
    fn save(&self) -> Result<()>;
    /// BGSAVE; `schedule` queues it behind a rewrite. In a transaction (`held`) it is queued in any case. The answer is the
    /// status text.
    fn bgsave(&self, schedule: bool, held: bool) -> Result<&'static str>;
    /// BGSAVE CANCEL; the answer is the status text.
    fn cancel_bgsave(&self) -> Result<&'static str>;
    /// BGREWRITEAOF, in a transaction (`held`) as soon as that is over; the answer is the status text.
    fn bgrewriteaof(&self, held: bool) -> Result<&'static str>;
    /// LASTSAVE, seconds since the epoch.
    fn lastsave(&self) -> i64;
    /// CONFIG SET, all or nothing, with what follows from it (opening the log, new save points). The caller holds every shard
    /// (in a transaction) or none; when that is over it is for him to evict, and to call [`Services::after_config_set`].
    fn config_set(&self, pairs: &[(&[u8], &[u8])], held: &mut Guard<'_>) -> Result<()>;
    /// Turns the log on or off if a transaction that is over has asked for that. No shard is held.
    fn after_config_set(&self) -> Result<()>;
    /// SHUTDOWN: an error where nobody runs this store as a server. Returns when the end is certain.
    fn shutdown(&self, how: Shutdown) -> Result<()>;
    /// CONFIG REWRITE.
    fn config_rewrite(&self) -> Result<()>;
    /// CONFIG RESETSTAT.
    fn reset_stats(&self);
    /// INFO's text for the given section names (lower case; empty: the default ones). The caller holds every shard or none.
    fn info(&self, sections: &[String], held: &Guard<'_>) -> Result<String>;
    /// DEBUG RELOAD: saves, empties and loads `dump.rdb` again.
    fn debug_reload(&self, how: Reload) -> Result<()>;
    /// DEBUG LOADAOF: empties and loads the log again.
    fn debug_loadaof(&self) -> Result<()>;
    /// FLUSHALL happened: a running BGSAVE is pointless, and with save points an empty file is saved at once.
    fn after_flushall(&self) -> Result<()>;
}
