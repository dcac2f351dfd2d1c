//! Scripts: EVAL and its kin, SCRIPT, and functions.
//!
//! A script runs with the turn and the shards of its declared keys; what else it reaches for, it gets with all the other
//! shards ([`host`]). What it changed goes to the log as one unit, never the script itself.

pub(super) mod functions;
mod host;

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Handler, Keys, Rows};
use crate::config::Directive;
use crate::error::{Error, ErrorKind, Result, text};
use crate::reply::ReplySink;
use crate::script::{self, Kill, Script, ScriptFlags};
pub(crate) use functions::load_saved;
use host::ScriptHost;

const ROWS: Rows = Rows::of(Group::Scripting);

const RUNS: Flags = Flags::NOSCRIPT
    .and(Flags::STALE)
    .and(Flags::SKIP_MONITOR)
    .and(Flags::NO_MANDATORY_KEYS)
    .and(Flags::MOVABLEKEYS)
    .and(Flags::SCRIPT);
const ONLY_READS: Flags = RUNS.and(Flags::READONLY);
const BY_SCRIPT: &str = "Depends on the script that is executed.";
const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);

/// Runs a script or a function: a text, its SHA-1 or a name, and keys with their number in front.
const fn run(
    name: &'static str,
    flags: Flags,
    since: &'static str,
    complexity: &'static str,
    handler: Handler,
    summary: &'static str,
) -> Command {
    Command { keys: Keys::Counted(2), ..ROWS.row(name, -3, flags, since, complexity, handler, summary) }
}

#[rustfmt::skip]
const SCRIPT: &[Command] = &[
    ROWS.row("debug", 3, Flags::NOSCRIPT, "3.2.0", "O(1)", debug, "Refuses: there is no debugger here."),
    ROWS.row("exists", -3, Flags::NOSCRIPT, "2.6.0", "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).", exists, "Tells which scripts are known by their SHA-1."),
    ROWS.row("flush", -2, Flags::NOSCRIPT.and(Flags::SCRIPT), "2.6.0", "O(N) with N being the number of scripts in cache", flush, "Forgets all scripts."),
    ROWS.row("help", 2, ANY_TIME, "5.0.0", "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("kill", 2, Flags::NOSCRIPT.and(Flags::ALLOW_BUSY), "2.6.0", "O(1)", kill, "Ends the script that runs, unless it has written."),
    ROWS.row("load", 3, Flags::NOSCRIPT.and(Flags::STALE).and(Flags::SCRIPT), "2.6.0", "O(N) with N being the length in bytes of the script body.", load, "Makes a script known by its SHA-1."),
    ROWS.row("show", 3, Flags::NOSCRIPT.and(Flags::STALE), "8.0.0", "O(1).", show, "Returns the text of a script."),
];

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    run("eval", RUNS, "2.6.0", BY_SCRIPT, eval, "Runs a script."),
    run("eval_ro", ONLY_READS, "7.0.0", BY_SCRIPT, eval_ro, "Runs a script that does not write."),
    run("evalsha", RUNS, "2.6.0", BY_SCRIPT, evalsha, "Runs a script by the SHA-1 of its text."),
    run("evalsha_ro", ONLY_READS, "7.0.0", BY_SCRIPT, evalsha_ro, "Runs a script that does not write by the SHA-1 of its text."),
    Command { subcommands: SCRIPT, ..ROWS.row("script", -2, Flags::NONE, "2.6.0", "Depends on subcommand.", container, "A container for commands on scripts.") },
];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

/// Bytes the interpreter may take.
fn memory_max(ctx: &Ctx<'_>) -> usize {
    usize::try_from(ctx.config().int(Directive::LuaMemoryLimit)).unwrap_or(0)
}

type Words<'a> = &'a [&'a [u8]];

/// The keys and the arguments of a call, whose number of keys stands behind what is called.
fn keys_and_args<'a>(argv: Words<'a>) -> Result<(Words<'a>, Words<'a>)> {
    keys_and_args_or(argv, text::NOT_AN_INTEGER)
}

fn keys_and_args_or<'a>(argv: Words<'a>, no_number: &'static str) -> Result<(Words<'a>, Words<'a>)> {
    let n = args::int_or(argv[2], no_number)?;
    let rest = &argv[3..];
    if n > rest.len() as i64 {
        return Err(Error::command("ERR Number of keys can't be greater than number of args"));
    }
    let n = usize::try_from(n).map_err(|_| Error::command("ERR Number of keys can't be negative"))?;
    Ok(rest.split_at(n))
}

/// Refuses, before it has begun, what says of itself that it can not run now. A script that says nothing is refused what
/// it may not do when it does it.
fn check_flags(ctx: &Ctx<'_>, flags: ScriptFlags, read_only: bool) -> Result<()> {
    let reads = flags.has(ScriptFlags::NO_WRITES);
    if flags.has(ScriptFlags::COMPATIBLE) {
        return Ok(());
    }
    if read_only && !reads {
        return Err(Error::command("ERR Can not execute a script with write flag using *_ro command."));
    }
    match &ctx.refusal {
        Some(error) if error.kind() == ErrorKind::OutOfMemory => {
            if reads || flags.has(ScriptFlags::ALLOW_OOM) {
                return Ok(());
            }
            let text =
                "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
            Err(Error::new(ErrorKind::OutOfMemory, text))
        }
        Some(error) if !reads => Err(error.clone()),
        _ => Ok(()),
    }
}

fn run_script(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, script: &Script, read_only: bool) -> Result<()> {
    let argv = ctx.argv;
    let (keys, args) = keys_and_args(argv)?;
    check_flags(ctx, script.flags, read_only)?;
    let scripts = ctx.services.scripts();
    let memory_max = memory_max(ctx);
    let call = script::Call { script, keys, args };
    let mut host = ScriptHost::begin(ctx, &script.sha, script.flags, read_only, false);
    let result = scripts.run(&call, memory_max, &mut host, out);
    host.end();
    result
}

fn by_text(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, read_only: bool) -> Result<()> {
    keys_and_args(ctx.argv)?;
    let script = ctx.services.scripts().load(ctx.argv[1], true, memory_max(ctx))?;
    run_script(ctx, out, &script, read_only)
}

fn by_sha(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, read_only: bool) -> Result<()> {
    let unknown = || Error::command("NOSCRIPT No matching script. Please use EVAL.");
    let sha = sha_of(ctx.argv[1]).ok_or_else(unknown)?;
    keys_and_args(ctx.argv)?;
    let script = ctx.services.scripts().cache().find(&sha, true).ok_or_else(unknown)?;
    run_script(ctx, out, &script, read_only)
}

/// A SHA-1 in hexadecimal, in lower case.
fn sha_of(word: &[u8]) -> Option<String> {
    if word.len() != 40 {
        return None;
    }
    Some(String::from_utf8_lossy(word).to_ascii_lowercase())
}

fn eval(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    by_text(ctx, out, false)
}

fn eval_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    by_text(ctx, out, true)
}

fn evalsha(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    by_sha(ctx, out, false)
}

fn evalsha_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    by_sha(ctx, out, true)
}

fn load(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let script = ctx.services.scripts().load(ctx.argv[2], false, memory_max(ctx))?;
    out.bulk(script.sha.as_bytes());
    Ok(())
}

fn exists(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let cache = ctx.services.scripts().cache();
    let words = &ctx.argv[2..];
    out.array(words.len());
    for word in words {
        out.int(i64::from(sha_of(word).is_some_and(|sha| cache.has(&sha))));
    }
    Ok(())
}

fn show(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let body = sha_of(ctx.argv[2]).and_then(|sha| ctx.services.scripts().cache().body(&sha));
    let body = body.ok_or_else(|| Error::command("NOSCRIPT No matching script."))?;
    out.bulk(&body);
    Ok(())
}

/// ASYNC or SYNC, which are the same here.
fn check_flush_option(options: &[&[u8]], command: &str) -> Result<()> {
    match options {
        [] => Ok(()),
        [word] if args::is(word, "async") || args::is(word, "sync") => Ok(()),
        _ => Err(Error::command(format!("ERR {command} SYNC|ASYNC option"))),
    }
}

fn flush(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    check_flush_option(&ctx.argv[2..], "SCRIPT FLUSH only support")?;
    ctx.services.scripts().flush();
    out.ok();
    Ok(())
}

/// SCRIPT KILL and FUNCTION KILL.
fn end_running(ctx: &Ctx<'_>, out: &mut dyn ReplySink, function: bool) -> Result<()> {
    let text = match ctx.services.scripts().control.kill(function) {
        Kill::Done => {
            out.ok();
            return Ok(());
        }
        Kill::Nothing => "NOTBUSY No scripts in execution right now.",
        Kill::Other if function => {
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        }
        Kill::Other => {
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
        }
        Kill::Wrote => {
            "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script \
             termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
        }
    };
    Err(Error::command(text))
}

fn kill(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    end_running(ctx, out, false)
}

fn debug(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let word = ctx.argv[2];
    if !ctx.may_block {
        return Err(Error::command("ERR SCRIPT DEBUG must be called outside a pipeline"));
    }
    if args::is(word, "no") {
        out.ok();
        return Ok(());
    }
    if args::is(word, "yes") || args::is(word, "sync") {
        return Err(Error::command("ERR there is no debugger for scripts here"));
    }
    Err(Error::command("ERR Use SCRIPT DEBUG YES/SYNC/NO"))
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "SCRIPT",
        &[
            "DEBUG NO",
            "    Accepted; there is no debugger.",
            "EXISTS <sha1> [<sha1> ...]",
            "    Return information about the existence of the scripts in the script cache.",
            "FLUSH [ASYNC|SYNC]",
            "    Flush the Lua scripts cache.",
            "KILL",
            "    Kill the currently executing Lua script.",
            "LOAD <script>",
            "    Load a script into the scripts cache without executing it.",
            "SHOW <sha1>",
            "    Show a script from the scripts cache.",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests;
