//! INFO: what a store says of itself, in Redis's sections and field names.

use std::fmt::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::Inner;
use crate::config::Directive;
use crate::error::Result;

/// Sections shown when none is asked for, in this order.
const SECTIONS: [&str; 6] = ["server", "clients", "memory", "persistence", "stats", "keyspace"];

impl Inner {
    pub(super) fn info_text(&self, wanted: &[String]) -> Result<String> {
        let all = wanted.is_empty()
            || wanted.iter().any(|w| matches!(w.as_str(), "default" | "all" | "everything"));
        let mut out = String::new();
        for section in SECTIONS {
            if !all && !wanted.iter().any(|w| w == section) {
                continue;
            }
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let (first, rest) = section.split_at(1);
            let _ = write!(out, "# {}{rest}\r\n", first.to_uppercase());
            match section {
                "server" => self.server_section(&mut out),
                "clients" => field(&mut out, "connected_clients", 1),
                "memory" => self.memory_section(&mut out)?,
                "persistence" => self.persistence_section(&mut out),
                "stats" => self.stats_section(&mut out),
                _ => self.keyspace_section(&mut out)?,
            }
        }
        Ok(out)
    }

    fn server_section(&self, out: &mut String) {
        // The version whose commands and semantics this engine follows: tools decide by it.
        field(out, "redis_version", "7.2.0");
        field(out, "persistkv_version", env!("CARGO_PKG_VERSION"));
        field(out, "redis_mode", "embedded");
        field(out, "os", std::env::consts::OS);
        field(out, "arch_bits", usize::BITS);
        field(out, "process_id", std::process::id());
        field(out, "uptime_in_seconds", self.now_seconds() - self.started);
    }

    fn memory_section(&self, out: &mut String) -> Result<()> {
        field(out, "used_memory", self.keyspace.memory()?);
        Ok(())
    }

    fn persistence_section(&self, out: &mut String) {
        let now = self.now_seconds();
        let saves = self.saves.state();
        let current = if saves.running { now - saves.last_try } else { -1 };
        field(out, "loading", 0);
        field(out, "rdb_changes_since_last_save", self.dirty.load(Ordering::Relaxed));
        field(out, "rdb_bgsave_in_progress", i32::from(saves.running));
        field(out, "rdb_last_save_time", self.last_save.load(Ordering::Relaxed));
        field(out, "rdb_last_bgsave_status", if saves.failed { "err" } else { "ok" });
        field(out, "rdb_last_bgsave_time_sec", saves.last_seconds.unwrap_or(-1));
        field(out, "rdb_current_bgsave_time_sec", current);
        field(out, "rdb_saves", saves.saves);
        drop(saves);
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        field(out, "rdb_last_load_keys_expired", loaded.expired);
        field(out, "rdb_last_load_keys_loaded", loaded.keys);
        drop(loaded);
        let rewrite = self.logging.rewrite();
        let current = if rewrite.running { now - rewrite.started } else { -1 };
        field(out, "aof_enabled", i32::from(self.config.flag(Directive::AppendOnly)));
        field(out, "aof_rewrite_in_progress", i32::from(rewrite.running));
        field(out, "aof_rewrite_scheduled", i32::from(rewrite.scheduled));
        field(out, "aof_last_rewrite_time_sec", rewrite.last_seconds.unwrap_or(-1));
        field(out, "aof_current_rewrite_time_sec", current);
        field(out, "aof_last_bgrewrite_status", if rewrite.failed { "err" } else { "ok" });
        drop(rewrite);
        let Some(stats) = self.logging.with(crate::aof::log::Log::stats) else { return };
        field(out, "aof_rewrites", stats.rewrites);
        field(out, "aof_rewrites_consecutive_failures", stats.rewrite_failures);
        field(out, "aof_last_write_status", if stats.write_error.is_some() { "err" } else { "ok" });
        field(out, "aof_current_size", stats.current_bytes);
        field(out, "aof_base_size", stats.base_bytes);
        field(out, "aof_buffer_length", stats.buffer_bytes);
        field(out, "aof_pending_bio_fsync", i32::from(stats.pending_fsync));
        field(out, "aof_delayed_fsync", stats.delayed_fsync);
    }

    fn stats_section(&self, out: &mut String) {
        let counters = &self.keyspace.counters;
        field(out, "expired_subkeys", counters.expired_fields.load(Ordering::Relaxed));
        field(out, "expired_keys", counters.expired.load(Ordering::Relaxed));
        field(out, "evicted_keys", counters.evicted.load(Ordering::Relaxed));
        field(out, "keyspace_hits", counters.hits.load(Ordering::Relaxed));
        field(out, "keyspace_misses", counters.misses.load(Ordering::Relaxed));
        field(out, "saver_waits", counters.saver_waits.load(Ordering::Relaxed));
    }

    fn keyspace_section(&self, out: &mut String) -> Result<()> {
        for db in 0..self.keyspace.databases() {
            let (keys, expires) = self.keyspace.sizes(db)?;
            if keys > 0 {
                let hashes = self.keyspace.hashes_expiring(db)?;
                let _ = write!(out, "db{db}:keys={keys},expires={expires},avg_ttl=0,subexpiry={hashes}\r\n");
            }
        }
        Ok(())
    }
}

fn field(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = write!(out, "{name}:{value}\r\n");
}
