//! SLOWLOG and LATENCY: which commands took long, and when.

use std::fmt::Write;

use super::args;
use super::ctx::Ctx;
use super::observe::latency::Spikes;
use super::table::{self, Command, Flags, Group, Rows};
use crate::config::Directive;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
const ADMIN: Flags = Flags::ADMIN.and(ANY_TIME);
const LATENCY_ADMIN: Flags = ADMIN.and(Flags::NOSCRIPT);

const ROWS: Rows = Rows::of(Group::Server);

const EACH_ENTRY: &str = "O(N) where N is the number of entries";
const EACH_SAMPLE: &str = "O(N) where N is the number of samples, at most 160 an event";

#[rustfmt::skip]
const SLOWLOG: &[Command] = &[
    ROWS.row("get", -2, ADMIN, "2.2.12", EACH_ENTRY, slowlog_get, "Returns the newest entries of the slow log."),
    ROWS.row("help", 2, ANY_TIME, "6.2.0", "O(1)", slowlog_help, "Returns a text on the subcommands."),
    ROWS.row("len", 2, ADMIN, "2.2.12", "O(1)", slowlog_len, "Returns the number of entries of the slow log."),
    ROWS.row("reset", 2, ADMIN, "2.2.12", EACH_ENTRY, slowlog_reset, "Clears the slow log."),
];

#[rustfmt::skip]
const LATENCY: &[Command] = &[
    ROWS.row("doctor", 2, LATENCY_ADMIN, "2.8.13", EACH_SAMPLE, doctor, "Returns a report on latency in words."),
    ROWS.row("graph", 3, LATENCY_ADMIN, "2.8.13", EACH_SAMPLE, graph, "Returns the spikes of an event as a graph."),
    ROWS.row("help", 2, ANY_TIME, "2.8.13", "O(1)", latency_help, "Returns a text on the subcommands."),
    ROWS.row("histogram", -2, LATENCY_ADMIN, "7.0.0", "O(N) where N is the number of commands", histogram, "Returns the distribution of commands' times, if latency-tracking is on."),
    ROWS.row("history", 3, LATENCY_ADMIN, "2.8.13", EACH_SAMPLE, history, "Returns the spikes of an event."),
    ROWS.row("latest", 2, LATENCY_ADMIN, "2.8.13", "O(1)", latest, "Returns the latest spike of each event."),
    ROWS.row("reset", -2, LATENCY_ADMIN, "2.8.13", "O(1)", latency_reset, "Forgets the spikes of events."),
];

const BY_SUBCOMMAND: &str = "Depends on subcommand.";

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    Command { subcommands: LATENCY, ..ROWS.row("latency", -2, Flags::NONE, "2.8.13", BY_SUBCOMMAND, container, "A container for commands on latency.") },
    Command { subcommands: SLOWLOG, ..ROWS.row("slowlog", -2, Flags::NONE, "2.2.12", BY_SUBCOMMAND, container, "A container for commands on the slow log.") },
];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn slowlog_get(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    const USUAL: usize = 10;
    let most = match ctx.argv {
        [_, _] => USUAL,
        [_, _, count] => {
            let refused = "ERR count should be greater than or equal to -1";
            match args::int_or(count, refused)? {
                -1 => usize::MAX,
                n => usize::try_from(n).map_err(|_| Error::command(refused))?,
            }
        }
        _ => {
            let shown = args::shown(ctx.argv[1], args::SHOWN_MAX);
            let text = format!(
                "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try SLOWLOG HELP."
            );
            return Err(Error::command(text));
        }
    };
    let entries = ctx.services.observer().slowlog.newest(most);
    let address = format!("in-process:{}", std::process::id());
    out.array(entries.len());
    for entry in entries {
        out.array(6);
        out.int(entry.id);
        out.int(entry.at);
        out.int(entry.us);
        out.array(entry.argv.len());
        entry.argv.iter().for_each(|arg| out.bulk(arg));
        out.bulk(address.as_bytes());
        out.bulk(&entry.client);
    }
    Ok(())
}

fn slowlog_len(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.services.observer().slowlog.len() as i64);
    Ok(())
}

fn slowlog_reset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    ctx.services.observer().slowlog.reset();
    out.ok();
    Ok(())
}

fn slowlog_help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "SLOWLOG",
        &[
            "GET [<count>]",
            "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
            "    Entries are made of:",
            "    id, timestamp, time in microseconds, arguments array, client IP and port,",
            "    client name",
            "LEN",
            "    Return the length of the slowlog.",
            "RESET",
            "    Reset the slowlog.",
        ],
    );
    Ok(())
}

fn latest(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let events = ctx.services.observer().latency.events();
    out.array(events.len());
    for (name, spikes) in events {
        let (at, ms) = spikes.samples.back().copied().unwrap_or_default();
        out.array(4);
        out.bulk(name.as_bytes());
        [at, ms, spikes.max].into_iter().for_each(|n| out.int(n));
    }
    Ok(())
}

fn history(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let found = ctx.services.observer().latency.event(ctx.argv[2]);
    let samples = found.map(|(_, spikes)| spikes.samples).unwrap_or_default();
    out.array(samples.len());
    for (at, ms) in samples {
        out.array(2);
        out.int(at);
        out.int(ms);
    }
    Ok(())
}

fn latency_reset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.services.observer().latency.reset(&ctx.argv[2..]) as i64);
    Ok(())
}

fn histogram(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let names = &ctx.argv[2..];
    // A container's name stands for its subcommands.
    let is_wanted = |name: &str| {
        let container = name.split('|').next().unwrap_or_default();
        names.is_empty() || names.iter().any(|wanted| args::is(wanted, name) || args::is(wanted, container))
    };
    let (latency, clients) = (&ctx.services.observer().latency, &ctx.services.observer().clients);
    let calls = clients.totals();
    let found: Vec<_> = table::full_names()
        .iter()
        .enumerate()
        .filter(|(_, name)| is_wanted(name))
        .filter_map(|(at, name)| Some((name, calls[at].calls, latency.distribution(at)?)))
        .collect();
    out.map(found.len());
    for (name, calls, distribution) in found {
        out.bulk(name.as_bytes());
        out.map(2);
        out.bulk(b"calls");
        out.int(calls as i64);
        out.bulk(b"histogram_usec");
        out.map(distribution.len());
        for (bound, count) in distribution {
            out.int(bound as i64);
            out.int(count as i64);
        }
    }
    Ok(())
}

fn graph(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let Some((name, spikes)) = ctx.services.observer().latency.event(ctx.argv[2]) else {
        let shown = args::shown(ctx.argv[2], args::SHOWN_MAX);
        return Err(Error::command(format!("ERR No samples available for event '{shown}'")));
    };
    out.verbatim("txt", draw(name, &spikes, ctx.now() / 1000).as_bytes());
    Ok(())
}

/// The latest spikes as columns, each with its age written below.
fn draw(name: &str, spikes: &Spikes, now: i64) -> String {
    const COLUMNS: usize = 80;
    const ROWS: i64 = 4;
    let from = spikes.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<(i64, i64)> = spikes.samples.iter().skip(from).copied().collect();
    let high = samples.iter().map(|(_, ms)| *ms).max().unwrap_or(0);
    let low = samples.iter().map(|(_, ms)| *ms).min().unwrap_or(0);
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", spikes.max);
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    let level = |ms: i64| if high == low { 1 } else { 1 + (ms - low) * (ROWS - 1) / (high - low) };
    for row in (1..=ROWS).rev() {
        let columns = samples.iter().map(|(_, ms)| match level(*ms) {
            top if top > row => '|',
            top if top == row => '#',
            _ => ' ',
        });
        text.extend(columns);
        text.push('\n');
    }
    let ages: Vec<Vec<u8>> = samples.iter().map(|(at, _)| age(now - at).into_bytes()).collect();
    for line in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|age| age.get(line).map_or(' ', |byte| char::from(*byte))));
        text.push('\n');
    }
    text
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 60 => format!("{s}s"),
        s if s < 3600 => format!("{}m", s / 60),
        s if s < 86_400 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

fn doctor(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let threshold = ctx.config().int(Directive::LatencyMonitorThreshold);
    let events = ctx.services.observer().latency.events();
    let mut text = String::new();
    if events.is_empty() && threshold == 0 {
        text.push_str(
            "Latency is not watched. CONFIG SET latency-monitor-threshold <milliseconds> makes the store keep every command that \
             takes that long.\n",
        );
    } else if events.is_empty() {
        let _ = writeln!(text, "No command has taken {threshold} ms or more since latency is watched.");
    }
    for (name, spikes) in &events {
        let count = spikes.samples.len() as i64;
        let mean = spikes.samples.iter().map(|(_, ms)| ms).sum::<i64>() / count.max(1);
        let first = spikes.samples.front().map_or(0, |(at, _)| *at);
        let _ = writeln!(
            text,
            "{name}: {count} spikes in the last {}, {mean} ms on average, {} ms at most.",
            age(ctx.now() / 1000 - first),
            spikes.max
        );
    }
    if !events.is_empty() {
        text.push_str(
            "SLOWLOG GET names the slow commands. Commands over all of a large value (SMEMBERS, HGETALL, SORT, KEYS ...) take time in \
             proportion to it: SCAN and its kin take it in steps. Under appendfsync always a slow disk shows in the caller, but \
             not here: only the work on the data is timed.\n",
        );
    }
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

fn latency_help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "LATENCY",
        &[
            "DOCTOR",
            "    Return a human readable latency analysis report.",
            "GRAPH <event>",
            "    Return an ASCII latency graph for the <event> class.",
            "HISTORY <event>",
            "    Return time-latency samples for the <event> class.",
            "LATEST",
            "    Return the latest latency samples for all events.",
            "RESET [<event> ...]",
            "    Reset latency data of one or more <event> classes.",
            "    (default: reset all data for all event classes)",
            "HISTOGRAM [COMMAND ...]",
            "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
            "    If no commands are specified then all histograms are replied.",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Bench;

    #[test]
    fn slow_commands_are_kept_and_others_are_not() {
        let mut bench = Bench::new(&[("enable-debug-command", "yes"), ("slowlog-log-slower-than", "0")]);
        bench.expect(&[
            ("CLIENT SETNAME me", "OK"),
            ("SLOWLOG RESET", "OK"),
            ("CONFIG SET slowlog-log-slower-than -1", "OK"),
            ("SET a b", "OK"),
            ("SLOWLOG LEN", "1"),
        ]);
        let entries = bench.run("SLOWLOG GET 1");
        assert!(entries.starts_with("[[1 1000 0 [SLOWLOG RESET] in-process:"), "{entries}");
        assert!(entries.ends_with(" me]]"), "{entries}");
        bench.expect(&[
            ("SLOWLOG GET -2", "ERR count should be greater than or equal to -1"),
            (
                "SLOWLOG GET 1 2",
                "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            ),
            ("CONFIG SET slowlog-max-len 1", "OK"),
            ("SLOWLOG LEN", "1"),
        ]);
    }

    #[test]
    fn spikes_are_kept_from_the_threshold_on() {
        let mut bench = Bench::new(&[("enable-debug-command", "yes")]);
        let quiet = bench.run("LATENCY DOCTOR");
        assert!(quiet.contains("not watched"), "{quiet}");
        let latency = &bench.observer().latency;
        latency.add("command", 20, 990);
        latency.add("command", 40, 1000);
        bench.expect(&[
            ("LATENCY LATEST", "[[command 1000 40 40]]"),
            ("LATENCY HISTORY Command", "[[990 20] [1000 40]]"),
            ("LATENCY HISTORY nope", "[]"),
            ("LATENCY GRAPH nope", "ERR No samples available for event 'nope'"),
        ]);
        let graph = bench.run("LATENCY GRAPH command");
        assert!(graph.starts_with("command - high 40 ms, low 20 ms (all time high 40 ms)\n---"), "{graph}");
        assert!(graph.ends_with("-\n #\n |\n |\n#|\n10\n0s\ns \n"), "{graph}");
        bench.expect(&[("LATENCY RESET nope", "0"), ("LATENCY RESET", "1"), ("LATENCY LATEST", "[]")]);
    }

    #[test]
    fn times_are_recorded_when_they_are_asked_for() {
        let mut bench = Bench::new(&[]);
        bench.expect(&[
            ("SET a b", "OK"),
            ("LATENCY HISTOGRAM", "[]"),
            ("CONFIG SET latency-tracking yes", "OK"),
            ("CONFIG RESETSTAT", "OK"),
            ("SET a b", "OK"),
            ("CONFIG GET save", ""),
            ("LATENCY HISTOGRAM set", "[set [calls 1 histogram_usec [1 1]]]"),
            (
                "LATENCY HISTOGRAM config",
                "[config|get [calls 1 histogram_usec [1 1]] config|resetstat [calls 1 histogram_usec [1 1]]]",
            ),
        ]);
    }
}
