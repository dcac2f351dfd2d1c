//! What the store does for commands.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Inner, ahead, closed, logging};
use crate::aof::Effects;
use crate::aof::log::Policy;
use crate::command::blocking::Waiters;
use crate::command::debug::Reload;
use crate::command::observe::Observer;
use crate::command::{Services, Shutdown};
use crate::config::{Config, Directive, TABLE};
use crate::error::{Error, ErrorKind, Result, text};
use crate::keyspace::{Guard, Keyspace};
use crate::pubsub::PubSub;

const SAVE_FAILED: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
    Commands that may modify the data set are disabled, because this instance is configured to report errors during writes \
    if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
    error.";

impl Inner {
    fn refuse_after_failed_save(&self) -> Result<()> {
        if self.saves.has_failed()
            && self.config.flag(Directive::StopWritesOnBgsaveError)
            && !self.config.save_points().is_empty()
        {
            return Err(Error::new(ErrorKind::NotDurable, SAVE_FAILED));
        }
        Ok(())
    }
}

impl Inner {
    /// Whether nobody has to wait for this position of the log.
    pub(super) fn is_durable(&self, lsn: u64) -> bool {
        let is = |log: &crate::aof::log::Log| log.policy() != Policy::Always || log.durable() >= lsn;
        lsn == 0 || self.logging.with(is).unwrap_or(true)
    }
}

impl Services for Inner {
    fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn is_loading(&self) -> bool {
        self.opening.is_on()
    }

    fn observer(&self) -> &Observer {
        &self.observer
    }

    fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    #[cfg(feature = "lua")]
    fn scripts(&self) -> &crate::script::Scripts {
        &self.scripts
    }

    fn allow_write(&self, bytes: usize) -> Result<()> {
        self.refuse_after_failed_save()?;
        self.logging.with(|log| log.reserve(bytes)).unwrap_or(Ok(()))
    }

    fn record(&self, effects: &Effects, dirty: u64) -> Result<u64> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        // Before `after_write` looks whether the background thread sleeps: see there.
        self.dirty.fetch_add(dirty, Ordering::SeqCst);
        match self.logging.with(|log| log.append(effects)) {
            Some(lsn) => lsn,
            None => {
                self.logging.collect(effects);
                Ok(0)
            }
        }
    }

    fn wait_durable(&self, lsn: u64) -> Result<()> {
        if lsn == 0 {
            return Ok(());
        }
        let wait = |log: &crate::aof::log::Log| {
            if log.policy() != Policy::Always || log.durable() >= lsn || ahead::note(lsn) {
                return Ok(());
            }
            log.wait_durable(lsn)
        };
        self.logging.with(wait).unwrap_or(Ok(()))
    }

    fn wait_durable_at_once(&self, lsn: u64) -> Result<()> {
        if self.is_durable(lsn) {
            return Ok(());
        }
        self.logging.with(|log| log.wait_durable(lsn)).unwrap_or(Ok(()))
    }

    fn log_is_synced(&self, wait: bool) -> Result<Option<bool>> {
        let Some(log) = self.logging.log() else { return Ok(None) };
        if wait {
            log.sync()?;
        }
        Ok(Some(wait || log.durable() >= log.end()))
    }

    fn after_write(&self) {
        if (self.disk.is_some() || self.keyspace.has_expiring())
            && self.background.sleeps()
            && let Some(me) = self.me.upgrade()
        {
            self.background.poke(&me);
        }
    }

    fn save(&self) -> Result<()> {
        self.save_now()
    }

    fn bgsave(&self, schedule: bool, held: bool) -> Result<&'static str> {
        if held { self.schedule_bgsave() } else { self.start_bgsave(schedule) }
    }

    fn cancel_bgsave(&self) -> Result<&'static str> {
        self.give_up_bgsave()
    }

    fn bgrewriteaof(&self, held: bool) -> Result<&'static str> {
        if held { self.schedule_rewrite() } else { self.start_rewrite() }
    }

    fn lastsave(&self) -> i64 {
        self.last_save.load(Ordering::Relaxed)
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])], held: &mut Guard<'_>) -> Result<()> {
        let logged = self.config.flag(Directive::AppendOnly);
        if self.opening.is_on() {
            // What is being read depends on these.
            const LATER: [&[u8]; 3] = [b"appendonly", b"dir", b"dbfilename"];
            if pairs.iter().any(|(name, _)| LATER.iter().any(|later| name.eq_ignore_ascii_case(later))) {
                return Err(Error::command(text::LOADING));
            }
        }
        let names: Vec<&[u8]> = pairs.iter().map(|(name, _)| *name).collect();
        let before = self.config.matching(&names);
        let changed = self.config.set_at_run_time(pairs)?;
        if let Err((directive, reason)) = self.serving.configure(&self.config, &changed) {
            let before: Vec<(&[u8], &[u8])> =
                before.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            self.config.set_at_run_time(&before)?;
            let name = TABLE[directive as usize].name;
            return Err(Error::command(format!(
                "ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"
            )));
        }
        let mut memory_changed = false;
        for directive in changed {
            match directive {
                Directive::AppendFsync => {
                    let policy = logging::policy(self.config.int(Directive::AppendFsync));
                    self.logging.with(|log| log.set_policy(policy));
                }
                Directive::AofTimestampEnabled => {
                    let on = self.config.flag(Directive::AofTimestampEnabled);
                    self.logging.with(|log| log.set_timestamps(on));
                }
                // A transaction is logged as one: what it asks for is done when it is over.
                Directive::AppendOnly if held.holds_all() => self.switch_log_later()?,
                Directive::AppendOnly => self.switch_log(logged)?,
                Directive::MaxMemory
                | Directive::MaxMemoryPolicy
                | Directive::MaxMemorySamples
                | Directive::LfuLogFactor
                | Directive::LfuDecayTime => memory_changed = true,
                _ => {}
            }
        }
        self.observer.configure(&self.config);
        self.keyspace.set_busy_limit(self.config.int(Directive::BusyReplyThreshold));
        if memory_changed {
            self.apply_directives(Some(held))?;
        }
        Ok(())
    }

    fn after_config_set(&self) -> Result<()> {
        if self.logging.switch_later.swap(false, Ordering::AcqRel) {
            self.switch_log(self.logging.is_on())?;
        }
        Ok(())
    }

    fn shutdown(&self, how: Shutdown) -> Result<()> {
        self.serving.shutdown(how)
    }

    fn config_rewrite(&self) -> Result<()> {
        self.rewrite_config()
    }

    fn reset_stats(&self) {
        let counters = &self.keyspace.counters;
        for counter in [
            &counters.expired,
            &counters.expired_fields,
            &counters.evicted,
            &counters.hits,
            &counters.misses,
            &counters.saver_waits,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        self.observer.reset();
    }

    fn info(&self, sections: &[String], held: &Guard<'_>) -> Result<String> {
        self.info_text(sections, held)
    }

    fn debug_reload(&self, how: Reload) -> Result<()> {
        self.reload_snapshot(how)
    }

    fn debug_loadaof(&self) -> Result<()> {
        self.reload_log()
    }

    fn after_flushall(&self) -> Result<()> {
        self.snapshot_after_flushall()
    }
}
