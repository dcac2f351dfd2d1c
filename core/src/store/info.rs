//! INFO: what a store says of itself, in Redis's sections and field names.

use std::fmt::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::Inner;
use crate::allocator;
use crate::command::{VERSION, memory, table};
use crate::config::Directive;
use crate::error::Result;
use crate::keyspace::Guard;

/// All sections, in the order they are shown; those marked so also when none is asked for.
const SECTIONS: [(&str, bool); 11] = [
    ("server", true),
    ("clients", true),
    ("memory", true),
    ("persistence", true),
    ("stats", true),
    ("replication", true),
    ("cpu", true),
    ("commandstats", false),
    ("errorstats", true),
    ("cluster", true),
    ("keyspace", true),
];

impl Inner {
    pub(super) fn info_text(&self, wanted: &[String], held: &Guard<'_>) -> Result<String> {
        let asks = |name: &str| wanted.iter().any(|w| w == name);
        let all = asks("all") || asks("everything");
        let usual = wanted.is_empty() || asks("default");
        let mut out = String::new();
        for (section, is_usual) in SECTIONS {
            let is_wanted = all || asks(section) || (usual && is_usual);
            if !is_wanted {
                continue;
            }
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let (first, rest) = section.split_at(1);
            let title = if section == "cpu" { "CPU".to_owned() } else { first.to_uppercase() + rest };
            let _ = write!(out, "# {title}\r\n");
            match section {
                "server" => self.server_section(&mut out),
                "clients" => self.clients_section(&mut out),
                "memory" => self.memory_section(&mut out, held)?,
                "persistence" => self.persistence_section(&mut out),
                "stats" => self.stats_section(&mut out),
                "replication" => replication_section(&mut out),
                "cpu" => cpu_section(&mut out),
                "commandstats" => self.commands_section(&mut out),
                "errorstats" => self.errors_section(&mut out),
                "cluster" => field(&mut out, "cluster_enabled", 0),
                _ => self.keyspace_section(&mut out, held)?,
            }
        }
        Ok(out)
    }

    fn server_section(&self, out: &mut String) {
        let clock = self.keyspace.clock();
        let uptime = self.now_seconds() - self.started;
        field(out, "redis_version", VERSION);
        field(out, "persistkv_version", env!("CARGO_PKG_VERSION"));
        field(out, "redis_mode", if self.config.is_server() { "standalone" } else { "embedded" });
        field(out, "os", std::env::consts::OS);
        field(out, "arch_bits", usize::BITS);
        field(out, "process_id", std::process::id());
        field(out, "tcp_port", self.tcp_port());
        field(out, "server_time_usec", clock.now_us());
        field(out, "uptime_in_seconds", uptime);
        field(out, "uptime_in_days", uptime / 86_400);
        field(out, "hz", 10);
        field(out, "lru_clock", clock.coarse_seconds() & 0x00FF_FFFF);
        let program = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
        field(out, "executable", program.replace(['\r', '\n'], " "));
        let file = self.config_file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        field(out, "config_file", file.replace(['\r', '\n'], " "));
    }

    fn clients_section(&self, out: &mut String) {
        field(out, "connected_clients", self.observer.clients.len());
        field(out, "wire_clients", self.observer.wire.connected.load(Ordering::Relaxed));
        field(out, "maxclients", self.config.int(Directive::MaxClients));
        let (blocked, keys) = self.waiters.counts();
        field(out, "blocked_clients", blocked);
        field(out, "tracking_clients", self.observer.tracking.len());
        field(out, "total_blocking_keys", keys);
    }

    fn memory_section(&self, out: &mut String, held: &Guard<'_>) -> Result<()> {
        let report = memory::report(self, Some(held))?;
        let limit = self.config.int(Directive::MaxMemory) as usize;
        for (name, bytes) in [
            ("used_memory", report.used),
            ("used_memory_rss", report.process.resident),
            ("used_memory_peak", report.peak),
        ] {
            field(out, name, bytes);
            field(out, &format!("{name}_human"), human(bytes));
        }
        let percent = |value: f64| format!("{value:.2}%");
        field(out, "used_memory_peak_perc", percent(report.peak_percent()));
        field(out, "used_memory_overhead", report.overhead);
        field(out, "used_memory_startup", report.startup);
        field(out, "used_memory_dataset", report.dataset());
        field(out, "used_memory_dataset_perc", percent(report.dataset_percent()));
        field(out, "total_system_memory", report.process.machine);
        field(out, "total_system_memory_human", human(report.process.machine));
        #[cfg(feature = "lua")]
        self.script_fields(out);
        field(out, "maxmemory", limit);
        field(out, "maxmemory_human", human(limit));
        field(out, "maxmemory_policy", self.config.choice(Directive::MaxMemoryPolicy));
        field(out, "mem_fragmentation_ratio", format!("{:.2}", report.fragmentation()));
        field(out, "mem_fragmentation_bytes", report.process.resident as i64 - report.used as i64);
        field(out, "mem_allocator", allocator::NAME);
        Ok(())
    }

    /// What scripts and functions take. Texts are counted, interpreters as they say.
    #[cfg(feature = "lua")]
    fn script_fields(&self, out: &mut String) {
        let scripts = &self.scripts;
        let (texts, cached) = {
            let cache = scripts.cache();
            (cache.bytes(), cache.len())
        };
        let libraries = scripts.libraries();
        let codes = libraries.bytes();
        let (eval, functions) = (scripts.memory(), scripts.functions_memory());
        field(out, "used_memory_lua", eval);
        field(out, "used_memory_vm_eval", eval);
        field(out, "used_memory_lua_human", human(eval));
        field(out, "used_memory_scripts_eval", texts);
        field(out, "number_of_cached_scripts", cached);
        field(out, "number_of_functions", libraries.functions());
        field(out, "number_of_libraries", libraries.len());
        field(out, "used_memory_vm_functions", functions);
        field(out, "used_memory_vm_total", eval + functions);
        field(out, "used_memory_vm_total_human", human(eval + functions));
        field(out, "used_memory_functions", codes);
        field(out, "used_memory_scripts", texts + codes);
        field(out, "used_memory_scripts_human", human(texts + codes));
    }

    fn persistence_section(&self, out: &mut String) {
        let now = self.now_seconds();
        let saves = self.saves.state();
        let current = if saves.running { now - saves.last_try } else { -1 };
        let loading = self.opening.progress();
        field(out, "loading", i32::from(loading.is_some()));
        field(out, "async_loading", 0);
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
        if let Some(progress) = loading {
            field(out, "loading_start_time", progress.began);
            field(out, "loading_total_bytes", progress.total);
            field(out, "loading_loaded_bytes", progress.done);
            field(out, "loading_loaded_perc", format!("{:.2}", progress.percent()));
            field(out, "loading_eta_seconds", progress.seconds_left(now));
        }
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
        let calls: u64 = self.observer.clients.totals().iter().map(|total| total.calls).sum();
        field(out, "total_connections_received", self.observer.clients.ever());
        field(out, "total_commands_processed", calls);
        let wire = &self.observer.wire;
        for (name, counter) in [
            ("total_net_input_bytes", &wire.input),
            ("total_net_output_bytes", &wire.output),
            ("rejected_connections", &wire.rejected),
            ("client_query_buffer_limit_disconnections", &wire.query_limit_disconnections),
            ("client_output_buffer_limit_disconnections", &wire.output_limit_disconnections),
        ] {
            field(out, name, counter.load(Ordering::Relaxed));
        }
        field(out, "expired_subkeys", counters.expired_fields.load(Ordering::Relaxed));
        field(out, "expired_keys", counters.expired.load(Ordering::Relaxed));
        field(out, "evicted_keys", counters.evicted.load(Ordering::Relaxed));
        #[cfg(feature = "lua")]
        field(out, "evicted_scripts", self.scripts.cache().evicted());
        field(out, "keyspace_hits", counters.hits.load(Ordering::Relaxed));
        field(out, "keyspace_misses", counters.misses.load(Ordering::Relaxed));
        field(out, "total_error_replies", self.observer.errors().values().sum::<u64>());
        field(out, "saver_waits", counters.saver_waits.load(Ordering::Relaxed));
    }

    fn commands_section(&self, out: &mut String) {
        for (name, total) in table::full_names().iter().zip(self.observer.clients.totals()) {
            if total.calls == 0 && total.rejected == 0 {
                continue;
            }
            let each = total.us as f64 / total.calls.max(1) as f64;
            let _ = write!(
                out,
                "cmdstat_{name}:calls={},usec={},usec_per_call={each:.2},rejected_calls={},failed_calls={}\r\n",
                total.calls, total.us, total.rejected, total.failed
            );
        }
    }

    fn errors_section(&self, out: &mut String) {
        for (code, count) in self.observer.errors() {
            let _ = write!(out, "errorstat_{code}:count={count}\r\n");
        }
    }

    fn keyspace_section(&self, out: &mut String, held: &Guard<'_>) -> Result<()> {
        for (db, figures) in self.keyspace.figures(Some(held))?.databases.iter().enumerate() {
            if figures.keys > 0 {
                let (keys, expires, hashes) = (figures.keys, figures.expiring, figures.hashes_expiring);
                let _ = write!(out, "db{db}:keys={keys},expires={expires},avg_ttl=0,subexpiry={hashes}\r\n");
            }
        }
        Ok(())
    }
}

/// Tools ask for the role before anything else.
fn replication_section(out: &mut String) {
    field(out, "role", "master");
    field(out, "connected_slaves", 0);
    field(out, "master_repl_offset", 0);
}

/// Of the whole process, the host included.
fn cpu_section(out: &mut String) {
    let used = allocator::process_cpu();
    for (name, seconds) in [("used_cpu_sys", used.system), ("used_cpu_user", used.user)] {
        field(out, name, format!("{seconds:.6}"));
    }
}

/// Bytes as Redis shows them to people: `1.50K`.
fn human(bytes: usize) -> String {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{value:.2}{}", UNITS[unit]) }
}

fn field(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = write!(out, "{name}:{value}\r\n");
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_for_people() {
        let shown = [0, 1023, 1024, 1536, 5 << 20, 23 << 30].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "1.50K", "5.00M", "23.00G"]);
    }
}
