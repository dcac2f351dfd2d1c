//! Memory: the limit, what is done when it is reached, and MEMORY.

use std::fmt::Write;

use super::args;
use super::blocking;
use super::ctx::Ctx;
use super::dispatch::deletions;
use super::events;
use super::services::Services;
use super::table::{Command, Flags, Group, Keys, Rows};
use super::tracking;
use crate::allocator;
use crate::config::{Config, Directive};
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::keyspace::{Expired, Guard, Policy, Settings};
use crate::pubsub::Wakers;
use crate::reply::ReplySink;

const ROWS: Rows = Rows::of(Group::Server);

const SINCE: &str = "4.0.0";

const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);

#[rustfmt::skip]
const MEMORY: &[Command] = &[
    ROWS.row("doctor", 2, Flags::NONE, SINCE, "O(1)", doctor, "Returns a report on memory in words."),
    ROWS.row("help", 2, ANY_TIME, SINCE, "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("malloc-stats", 2, Flags::NONE, SINCE, "Depends on the allocator.", malloc_stats, "Returns the allocator's own figures."),
    ROWS.row("purge", 2, Flags::NONE, SINCE, "Depends on the allocator.", purge, "Asks the allocator to give back what it holds in reserve."),
    ROWS.row("stats", 2, Flags::NONE, SINCE, "O(1)", stats, "Returns what memory is used for."),
    Command { keys: Keys::Range(2, 2, 1), ..ROWS.row("usage", -3, Flags::READONLY, SINCE, "O(1)", usage, "Returns the bytes a key and its value take.") },
];

pub(super) const COMMANDS: &[Command] = &[Command {
    subcommands: MEMORY,
    ..ROWS.row(
        "memory",
        -2,
        Flags::NONE,
        SINCE,
        "Depends on subcommand.",
        container,
        "A container for commands on memory.",
    )
}];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

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
        guard.settle(true);
        let ready = guard.take_ready();
        let mut wakers = Wakers::new();
        events::tell_evicted(services, db, &key, &mut wakers);
        tracking::tell(services, None, guard.take_changes(), &mut wakers);
        let recorded =
            services.record(&deletions(&[Expired { db, key, fields: Vec::new(), emptied: false }]), 1)?;
        guard.note_lsn(recorded);
        drop(guard);
        wakers.iter().for_each(|wake| wake());
        lsn = recorded;
        if !ready.is_empty() {
            lsn = lsn.max(blocking::serve(services, ready));
        }
    }
    Ok((true, lsn))
}

/// What memory is used for, bytes.
#[derive(Clone, Debug)]
pub struct Report {
    /// The keyspace: entries, values, tables.
    pub used: usize,
    /// The most that was ever seen.
    pub peak: usize,
    /// Of an empty keyspace.
    pub startup: usize,
    /// Tables and what is there when there is no key.
    pub overhead: usize,
    /// Number, table bytes and number of keys of each database that has keys.
    pub databases: Vec<(usize, usize, usize)>,
    /// Bytes of tables that are being resized are counted twice: how many tables are.
    pub resizing: usize,
    /// The process, host included.
    pub process: allocator::ProcessMemory,
}

impl Report {
    /// Entries and values.
    pub fn dataset(&self) -> usize {
        self.used - self.overhead
    }

    /// Entries and values, in percent of what is used beyond an empty keyspace.
    pub fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.used - self.startup)
    }

    /// Keys of all databases.
    pub fn keys(&self) -> usize {
        self.databases.iter().map(|(_, _, keys)| keys).sum()
    }

    /// What is used, in percent of the most that was ever used.
    pub fn peak_percent(&self) -> f64 {
        percent(self.used, self.peak)
    }

    /// Resident bytes of the process per byte of the keyspace.
    pub fn fragmentation(&self) -> f64 {
        self.process.resident as f64 / self.used.max(1) as f64
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Counts anew. `held` is what the caller has locked: every shard or none.
pub fn report(services: &dyn Services, held: Option<&Guard<'_>>) -> Result<Report> {
    let keyspace = services.keyspace();
    let (startup, figures) = (keyspace.base_memory(), keyspace.figures(held)?);
    let tables: usize = figures.databases.iter().map(|db| db.tables).sum();
    let resizing = figures.databases.iter().map(|db| db.resizing).sum();
    let with_keys = figures.databases.iter().enumerate().filter(|(_, db)| db.keys > 0);
    let databases = with_keys.map(|(number, db)| (number, db.tables, db.keys)).collect();
    let (used, process) = (figures.used, allocator::process_memory());
    let peak = keyspace.peak_memory();
    Ok(Report { used, peak, startup, overhead: startup + tables, databases, resizing, process })
}

fn usage(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut words = ctx.argv[3..].iter();
    while let Some(word) = words.next() {
        // Nothing is sampled: every value knows what it takes.
        if !args::is(word, "samples") || args::int(words.next().ok_or_else(Error::syntax)?)? < 0 {
            return Err(Error::syntax());
        }
    }
    match ctx.guard.memory_of(ctx.db(), ctx.argv[2]) {
        Some(bytes) => out.int(bytes as i64),
        None => out.null(),
    }
    Ok(())
}

/// Texts of scripts and of functions, and what their interpreters take: beside the data, and not counted with them.
#[cfg(feature = "lua")]
fn script_fields(services: &dyn Services) -> Vec<(&'static str, usize)> {
    let scripts = services.scripts();
    let texts = scripts.cache().bytes();
    let vms = scripts.memory() + scripts.functions_memory();
    vec![("lua.caches", texts), ("functions.caches", scripts.libraries().bytes()), ("script.VMs", vms)]
}

#[cfg(not(feature = "lua"))]
fn script_fields(_: &dyn Services) -> Vec<(&'static str, usize)> {
    Vec::new()
}

fn stats(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let report = report(ctx.services, Some(&ctx.guard))?;
    let beyond = report.used - report.startup;
    let scripts = script_fields(ctx.services);
    out.map(16 + scripts.len() + report.databases.len());
    let int = |out: &mut dyn ReplySink, name: &str, n: usize| {
        out.bulk(name.as_bytes());
        out.int(n as i64);
    };
    for (name, n) in [
        ("peak.allocated", report.peak),
        ("total.allocated", report.used),
        ("startup.allocated", report.startup),
        ("replication.backlog", 0),
        ("clients.slaves", 0),
        ("clients.normal", 0),
        ("aof.buffer", 0),
    ] {
        int(out, name, n);
    }
    scripts.iter().for_each(|&(name, n)| int(out, name, n));
    for (db, tables, _) in &report.databases {
        out.bulk(format!("db.{db}").as_bytes());
        out.map(2);
        int(out, "overhead.hashtable.main", *tables);
        // Expiries stand in the entries.
        int(out, "overhead.hashtable.expires", 0);
    }
    int(out, "overhead.total", report.overhead);
    int(out, "db.dict.rehashing.count", report.resizing);
    int(out, "keys.count", report.keys());
    int(out, "keys.bytes-per-key", beyond / report.keys().max(1));
    int(out, "dataset.bytes", report.dataset());
    let double = |out: &mut dyn ReplySink, name: &str, value: f64| {
        out.bulk(name.as_bytes());
        out.double(value);
    };
    double(out, "dataset.percentage", report.dataset_percent());
    double(out, "peak.percentage", report.peak_percent());
    double(out, "fragmentation", report.fragmentation());
    int(out, "fragmentation.bytes", report.process.resident.saturating_sub(report.used));
    Ok(())
}

fn doctor(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    /// Below this there is nothing to say, as in Redis.
    const SMALL: usize = 5 * 1024 * 1024;
    let report = report(ctx.services, Some(&ctx.guard))?;
    let mut text = String::new();
    if report.used < SMALL {
        text.push_str("This store is empty or nearly so: there is nothing to say about its memory yet.\n");
    } else {
        if report.peak > report.used / 2 * 3 {
            let _ = writeln!(
                text,
                "Peak: there was a time when {} bytes were used, more than 150 % of the {} used now. The allocator may keep what was \
                 freed; MEMORY PURGE gives back what it can.",
                report.peak, report.used
            );
        }
        if report.fragmentation() > 1.4 {
            let _ = writeln!(
                text,
                "Resident memory: the process takes {} bytes, {} times the {} of this store. The host's own memory is part of that.",
                report.process.resident,
                num::fmt_f64((report.fragmentation() * 100.0).round() / 100.0),
                report.used
            );
        }
        if text.is_empty() {
            text.push_str("No issue was found with this store's memory.\n");
        }
    }
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

fn malloc_stats(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let text = allocator::report();
    out.verbatim(
        "txt",
        text.as_deref().unwrap_or("Stats not supported for the current allocator").as_bytes(),
    );
    Ok(())
}

fn purge(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    allocator::purge();
    out.ok();
    Ok(())
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "MEMORY",
        &[
            "DOCTOR",
            "    Return memory problems reports.",
            "MALLOC-STATS",
            "    Return internal statistics report from the memory allocator.",
            "PURGE",
            "    Attempt to purge dirty pages for reclamation by the allocator.",
            "STATS",
            "    Return information about the memory usage of the server.",
            "USAGE <key> [SAMPLES <count>]",
            "    Return memory in bytes used by <key> and its value. Nested values are",
            "    sampled up to <count> times (default: 5, 0 means sample all).",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Bench;

    #[test]
    fn a_keys_usage_grows_with_its_value() {
        let mut bench = Bench::new(&[]);
        let usage = |bench: &mut Bench, key: &str| bench.run(&format!("MEMORY USAGE {key}")).parse::<i64>();
        bench.expect(&[
            ("MEMORY USAGE nokey", "nil"),
            ("SET k v", "OK"),
            ("MEMORY USAGE k SAMPLES -1", "ERR syntax error"),
            ("MEMORY USAGE k SAMPLES", "ERR syntax error"),
            ("MEMORY USAGE k SAMPLES x", "ERR value is not an integer or out of range"),
            ("RPUSH l a", "1"),
        ]);
        let (small, list) = (usage(&mut bench, "k").unwrap(), usage(&mut bench, "l").unwrap());
        for n in 0..1000 {
            bench.run(&format!("RPUSH l {n}"));
        }
        bench.run(&format!("SET k {}", "x".repeat(10_000)));
        assert!(small < 100 && usage(&mut bench, "k").unwrap() > 10_000);
        assert!(list < 400 && usage(&mut bench, "l").unwrap() > 2000);
        let stats = bench.run("MEMORY STATS");
        #[cfg(feature = "lua")]
        assert!(stats.contains("lua.caches 0 functions.caches 0 script.VMs 0 "), "{stats}");
        for part in ["keys.count 2", "db.0 [overhead.hashtable.main ", "dataset.percentage "] {
            assert!(stats.contains(part), "{part} in {stats}");
        }
        assert!(bench.run("MEMORY DOCTOR").contains("nothing to say"));
        bench.expect(&[("MEMORY PURGE", "OK")]);
    }
}
