//! Memory: the limit, what is done when it is reached, and MEMORY.

use super::dispatch::deletions;
use super::services::Services;
use crate::config::{Config, Directive};
use crate::error::Result;
use crate::keyspace::{Expired, Policy, Settings};

/// Room asked of the log for one deletion beyond the key's own bytes: SELECT and DEL.
const DELETION: usize = 128;

/// What the directives say of memory.
pub fn settings(config: &Config) -> Settings {
    let number = |directive| config.int(directive);
    Settings {
        maxmemory: usize::try_from(number(Directive::MaxMemory)).unwrap_or(usize::MAX),
        policy: Policy::ALL[number(Directive::MaxMemoryPolicy) as usize],
        samples: number(Directive::MaxMemorySamples) as usize,
        lfu_log_factor: number(Directive::LfuLogFactor) as u32,
        lfu_decay_minutes: number(Directive::LfuDecayTime) as u32,
    }
}

/// Evicts keys until memory is below the limit: whether that was possible, and the log position of the last deletion.
/// No shard is held by the caller.
pub fn relieve(services: &dyn Services) -> Result<(bool, u64)> {
    let keyspace = services.keyspace();
    let mut lsn = 0;
    while keyspace.is_over_limit() {
        // What can not be logged must not go.
        if services.allow_write(DELETION).is_err() {
            return Ok((false, lsn));
        }
        keyspace.wait_for_saver();
        let Some((mut guard, db, key)) = keyspace.evict_one()? else { return Ok((false, lsn)) };
        guard.settle_watches(true);
        let recorded = services.record(&deletions(&[Expired { db, key, fields: Vec::new() }]), 1)?;
        guard.note_lsn(recorded);
        lsn = recorded;
    }
    Ok((true, lsn))
}
