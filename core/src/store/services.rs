//! What the store does for commands.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Inner;
use crate::aof::Effects;
use crate::command::Services;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyspace::Keyspace;

impl Services for Inner {
    fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn allow_write(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn record(&self, _: &Effects, dirty: u64) -> Result<u64> {
        self.dirty.fetch_add(dirty, Ordering::Relaxed);
        Ok(0)
    }

    fn wait_durable(&self, _: u64) -> Result<()> {
        Ok(())
    }

    fn after_write(&self) {}

    fn save(&self) -> Result<()> {
        Err(in_memory())
    }

    fn bgsave(&self, _: bool) -> Result<&'static str> {
        Err(in_memory())
    }

    fn bgrewriteaof(&self) -> Result<&'static str> {
        Err(in_memory())
    }

    fn lastsave(&self) -> i64 {
        self.last_save.load(Ordering::Relaxed)
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        self.config.set_at_run_time(pairs).map(drop)
    }

    fn reset_stats(&self) {}

    fn info(&self, _: &[String]) -> Result<String> {
        Ok(String::new())
    }

    fn debug_reload(&self, _: bool, _: bool) -> Result<()> {
        Err(in_memory())
    }

    fn debug_loadaof(&self) -> Result<()> {
        Err(in_memory())
    }

    fn after_flushall(&self) -> Result<()> {
        Ok(())
    }
}

fn in_memory() -> Error {
    Error::command("ERR this store lives in memory only; open a directory to save it")
}
