//! Functions: libraries that are part of the data, loaded once and called by name.
//!
//! What changes libraries runs with the turn and every shard, so that a snapshot has them as they were at its instant, and is
//! logged as it was called.

use std::time::{Duration, Instant};

use super::super::args;
use super::super::ctx::Ctx;
use super::super::services::Services;
use super::super::table::{Command, Flags, Keys};
use super::host::ScriptHost;
use super::{ANY_TIME, ROWS, check_flags, check_flush_option, container, end_running, memory_max, run};
use super::{ONLY_READS, RUNS, keys_and_args_or};
use crate::config::Directive;
use crate::error::{Error, Result};
use crate::rdb;
use crate::reply::ReplySink;
use crate::script::{Host, Policy, Running};

const CHANGES: Flags = Flags::WRITE.and(Flags::NOSCRIPT).and(Flags::SCRIPT);
const GROWS: Flags = CHANGES.and(Flags::DENYOOM);
const AT_ANY_TIME: Flags = Flags::NOSCRIPT.and(Flags::ALLOW_BUSY);
const BY_FUNCTION: &str = "Depends on the function that is executed.";

const fn changing(command: Command) -> Command {
    Command { keys: Keys::Everything, ..command }
}

#[rustfmt::skip]
const FUNCTION: &[Command] = &[
    changing(ROWS.row("delete", 3, CHANGES, "7.0.0", "O(1)", delete, "Removes a library and its functions.")),
    ROWS.row("dump", 2, Flags::NOSCRIPT, "7.0.0", "O(N) where N is the number of functions", dump, "Returns all libraries as a payload for FUNCTION RESTORE."),
    changing(ROWS.row("flush", -2, CHANGES, "7.0.0", "O(N) where N is the number of functions deleted", flush, "Removes all libraries.")),
    ROWS.row("help", 2, ANY_TIME, "7.0.0", "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("kill", 2, AT_ANY_TIME, "7.0.0", "O(1)", kill, "Ends the function that runs, unless it has written."),
    ROWS.row("list", -2, Flags::NOSCRIPT, "7.0.0", "O(N) where N is the number of functions", list, "Returns what is known of libraries."),
    changing(ROWS.row("load", -3, GROWS, "7.0.0", "O(1) (considering compilation time is redundant)", load, "Adds a library.")),
    changing(ROWS.row("restore", -3, GROWS, "7.0.0", "O(N) where N is the number of functions on the payload", restore, "Adds the libraries of a payload.")),
    ROWS.row("stats", 2, AT_ANY_TIME, "7.0.0", "O(1)", stats, "Returns what runs, and how many functions there are."),
];

#[rustfmt::skip]
pub(in super::super) const COMMANDS: &[Command] = &[
    run("fcall", RUNS, "7.0.0", BY_FUNCTION, fcall, "Calls a function."),
    run("fcall_ro", ONLY_READS, "7.0.0", BY_FUNCTION, fcall_ro, "Calls a function that does not write."),
    Command { subcommands: FUNCTION, ..ROWS.row("function", -2, Flags::NONE, "7.0.0", "Depends on subcommand.", container, "A container for commands on functions.") },
];

fn call(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, read_only: bool) -> Result<()> {
    let scripts = ctx.services.scripts();
    let name = String::from_utf8_lossy(ctx.argv[1]).into_owned();
    let info = scripts.libraries().function(&name).ok_or_else(|| Error::command("ERR Function not found"))?;
    let argv = ctx.argv;
    let words = keys_and_args_or(argv, "ERR Bad number of keys provided")?;
    check_flags(ctx, info.flags, read_only)?;
    scripts.revive(memory_max(ctx), &mut LoadHost::new())?;
    let mut host = ScriptHost::begin(ctx, &name, info.flags, read_only, true);
    let result = scripts.call_function(&name, words, &mut host, out);
    host.end();
    result
}

fn fcall(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    call(ctx, out, false)
}

fn fcall_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    call(ctx, out, true)
}

/// What a library reaches while it is loaded: nothing, for half a second at most.
struct LoadHost(Instant);

impl LoadHost {
    const MOST: Duration = Duration::from_millis(500);

    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Host for LoadHost {
    fn call(&mut self, _: &[&[u8]], _: &mut dyn ReplySink) -> Result<()> {
        Err(Error::command("ERR redis.call/pcall can only be called inside a script invocation"))
    }
    fn may_call(&mut self, _: &[&[u8]]) -> bool {
        false
    }
    fn resp3(&self) -> bool {
        false
    }
    fn set_resp3(&mut self, _: bool) {}
    fn log(&mut self, _: log::Level, _: String) {}
    fn why_stop(&mut self) -> Option<&'static str> {
        (self.0.elapsed() > Self::MOST).then_some("ERR FUNCTION LOAD timeout")
    }
}

/// Loads a library that stands in a file.
pub(crate) fn load_saved(services: &dyn Services, code: &[u8], replace: bool) -> Result<()> {
    let mut guard = services.keyspace().lock_all_at_turn()?;
    let memory_max = usize::try_from(services.config().int(Directive::LuaMemoryLimit)).unwrap_or(0);
    let policy = if replace { Policy::Replace } else { Policy::Append };
    let scripts = services.scripts();
    scripts.add_libraries(&[code], policy, memory_max, &mut LoadHost::new())?;
    guard.set_companions(scripts.libraries().codes());
    Ok(())
}

/// The libraries have changed.
fn changed(ctx: &mut Ctx<'_>) {
    let codes = ctx.services.scripts().libraries().codes();
    ctx.guard.set_companions(codes);
    ctx.dirty(1);
}

fn load(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (code, options) = match &ctx.argv[2..] {
        [options @ .., code] => (*code, options),
        [] => return Err(args::wrong_arity("function|load")),
    };
    let mut policy = Policy::Append;
    for option in options {
        if !args::is(option, "replace") {
            let shown = args::shown(option, option.len());
            return Err(Error::command(format!("ERR Unknown option given: {shown}")));
        }
        policy = Policy::Replace;
    }
    let (scripts, most) = (ctx.services.scripts(), memory_max(ctx));
    let name = scripts.add_libraries(&[code], policy, most, &mut LoadHost::new())?;
    changed(ctx);
    out.bulk(name.as_bytes());
    Ok(())
}

fn delete(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let name = String::from_utf8_lossy(ctx.argv[2]).into_owned();
    if !ctx.services.scripts().remove_library(&name) {
        return Err(Error::command("ERR Library not found"));
    }
    changed(ctx);
    out.ok();
    Ok(())
}

fn flush(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv.len() > 3 {
        let shown = args::shown(ctx.argv[1], args::SHOWN_MAX);
        let text =
            format!("ERR unknown subcommand or wrong number of arguments for '{shown}'. Try FUNCTION HELP.");
        return Err(Error::command(text));
    }
    check_flush_option(&ctx.argv[2..], "FUNCTION FLUSH only supports")?;
    ctx.services.scripts().flush_libraries();
    changed(ctx);
    out.ok();
    Ok(())
}

fn dump(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let config = ctx.config();
    let level = rdb::Level::of_directive(&config.choice(Directive::RdbVersion), false);
    let codes = ctx.services.scripts().libraries().codes();
    let payload = rdb::dump_functions(&codes, level, config.flag(Directive::RdbCompression))?;
    out.bulk(&payload);
    Ok(())
}

fn restore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let policy = match &ctx.argv[3..] {
        [] => Policy::Append,
        [word] if args::is(word, "append") => Policy::Append,
        [word] if args::is(word, "replace") => Policy::Replace,
        [word] if args::is(word, "flush") => Policy::Flush,
        [_] => {
            let text = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
            return Err(Error::command(text));
        }
        _ => {
            let shown = args::shown(ctx.argv[1], args::SHOWN_MAX);
            let text = format!(
                "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try FUNCTION HELP."
            );
            return Err(Error::command(text));
        }
    };
    let codes = rdb::restore_functions(ctx.argv[2])?;
    let codes: Vec<&[u8]> = codes.iter().map(Vec::as_slice).collect();
    let (scripts, most) = (ctx.services.scripts(), memory_max(ctx));
    scripts.add_libraries(&codes, policy, most, &mut LoadHost::new())?;
    changed(ctx);
    out.ok();
    Ok(())
}

fn list(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (mut pattern, mut with_code) = (None, false);
    let mut words = ctx.argv[2..].iter();
    while let Some(word) = words.next() {
        if args::is(word, "withcode") && !with_code {
            with_code = true;
        } else if args::is(word, "libraryname") && pattern.is_none() {
            let missing = || Error::command("ERR library name argument was not given");
            pattern = Some(words.next().ok_or_else(missing)?);
        } else {
            let shown = args::shown(word, word.len());
            return Err(Error::command(format!("ERR Unknown argument {shown}")));
        }
    }
    let libraries = ctx.services.scripts().libraries();
    let fits = |name: &str| {
        pattern.is_none_or(|pattern| crate::encoding::glob::matches(pattern, name.as_bytes(), true))
    };
    let found: Vec<_> = libraries.all().filter(|library| fits(&library.name)).collect();
    out.array(found.len());
    for library in found {
        out.map(3 + usize::from(with_code));
        out.bulk(b"library_name");
        out.bulk(library.name.as_bytes());
        out.bulk(b"engine");
        out.bulk(b"LUA");
        out.bulk(b"functions");
        out.array(library.functions.len());
        for function in &library.functions {
            out.map(3);
            out.bulk(b"name");
            out.bulk(function.name.as_bytes());
            out.bulk(b"description");
            out.bulk_or_null(function.description.as_ref().map(String::as_bytes));
            out.bulk(b"flags");
            out.set(function.flags.names().count());
            function.flags.names().for_each(|flag| out.simple(flag));
        }
        if with_code {
            out.bulk(b"library_code");
            out.bulk(&library.code);
        }
    }
    Ok(())
}

fn stats(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let scripts = ctx.services.scripts();
    out.map(2);
    out.bulk(b"running_script");
    match scripts.control.running() {
        Some(Running { name, command, began_ns, .. }) => {
            let now = ctx.services.keyspace().clock().monotonic_ns(false);
            out.map(3);
            out.bulk(b"name");
            out.bulk(name.as_bytes());
            out.bulk(b"command");
            out.array(command.len());
            command.iter().for_each(|word| out.bulk(word));
            out.bulk(b"duration_ms");
            out.int((now - began_ns).max(0) / 1_000_000);
        }
        None => out.null(),
    }
    let libraries = scripts.libraries();
    out.bulk(b"engines");
    out.map(1);
    out.bulk(b"LUA");
    out.map(2);
    out.bulk(b"libraries_count");
    out.int(libraries.len() as i64);
    out.bulk(b"functions_count");
    out.int(libraries.functions() as i64);
    Ok(())
}

fn kill(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    end_running(ctx, out, true)
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "FUNCTION",
        &[
            "LOAD [REPLACE] <FUNCTION CODE>",
            "    Create a new library with the given library name and code.",
            "DELETE <LIBRARY NAME>",
            "    Delete the given library.",
            "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
            "    Return general information on all the libraries:",
            "    * Library name",
            "    * The engine used to run the Library",
            "    * Functions list",
            "    * Library code (if WITHCODE is given)",
            "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
            "STATS",
            "    Return information about the current function running:",
            "    * Function name",
            "    * Command used to run the function",
            "    * Duration in MS that the function is running",
            "    If no function is running, return nil",
            "    In addition, returns a list of available engines.",
            "KILL",
            "    Kill the current running function.",
            "FLUSH [ASYNC|SYNC]",
            "    Delete all the libraries.",
            "DUMP",
            "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
            "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
            "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
            "    control how to handle existing libraries (default APPEND):",
            "    * FLUSH: delete all existing libraries.",
            "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
            "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
            "      libraries with the new libraries (notice that even on this option there is a chance of failure",
            "      in case of functions name collision with another library).",
        ],
    );
    Ok(())
}
