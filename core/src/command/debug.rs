//! DEBUG: what tests of servers use, where it makes sense without a server. Refused unless `enable-debug-command` is
//! `yes` or `local`.

use std::time::Duration;

use super::ctx::Ctx;
use super::digest::{self, Signature};
use super::table::{Command, Flags, Group, Keys};
use super::{args, dump};
use crate::config::Directive;
use crate::encoding::num;
use crate::error::{Error, Result, text};
use crate::reply::ReplySink;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "debug",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    keys: Keys::None,
    group: Group::Server,
    categories: &[],
    since: "1.0.0",
    summary: "A container for commands that tests need.",
    complexity: "Depends on subcommand.",
    handler: debug,
    subcommands: &[],
}];

const REFUSED: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can \
    run it from a local connection, otherwise you need to set this option in the configuration file, and then restart \
    the server.";

/// Position of `no` among the choices of `enable-debug-command`. In a library every caller is a local one.
const NO: i64 = 0;

fn debug(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.config().int(Directive::EnableDebugCommand) == NO {
        return Err(Error::command(REFUSED));
    }
    let words = &ctx.argv[1..];
    let is = |name, argc: usize| args::is(words[0], name) && words.len() == argc;
    if is("digest", 1) {
        return digest(ctx, out);
    }
    if args::is(words[0], "digest-value") && words.len() >= 2 {
        return digest_value(ctx, out);
    }
    if is("object", 2) {
        return object(ctx, out);
    }
    if args::is(words[0], "reload") {
        return reload(ctx, out);
    }
    if is("help", 1) {
        return help(out);
    }
    if is("loadaof", 1) {
        refuse_in_transaction(ctx)?;
        ctx.services.debug_loadaof()?;
    } else if is("sleep", 2) {
        sleep(words[1]);
    } else if is("set-active-expire", 2) {
        let on = num::parse_i64(words[1]).is_some_and(|n| n != 0);
        ctx.services.keyspace().set_active_expire(on);
    } else {
        let shown = args::shown(words[0], args::SHOWN_MAX);
        let text =
            format!("ERR unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP.");
        return Err(Error::command(text));
    }
    out.ok();
    Ok(())
}

fn digest(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let signature = if ctx.guard.holds_all() {
        digest::of_everything(&ctx.guard)
    } else {
        digest::of_everything(&ctx.services.keyspace().lock_all()?)
    };
    out.simple(&signature.text());
    Ok(())
}

fn digest_value(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (keys, db) = (&ctx.argv[2..], ctx.db());
    lock(ctx, keys)?;
    out.array(keys.len());
    for key in keys {
        let mut signature = Signature::default();
        signature.add_value(&ctx.guard, db, key);
        out.simple(&signature.text());
    }
    Ok(())
}

/// Locks the shards of keys that the table does not know as such.
fn lock(ctx: &mut Ctx<'_>, keys: &[&[u8]]) -> Result<()> {
    if !ctx.guard.holds_all() {
        ctx.guard = ctx.services.keyspace().lock(keys.iter().copied())?;
    }
    Ok(())
}

fn object(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    /// Type byte, version and checksum, which the serialized length does not count.
    const FRAME: usize = 1 + 2 + 8;
    let (key, db) = (ctx.argv[2], ctx.db());
    lock(ctx, &[key])?;
    let none = || Error::command(text::NO_SUCH_KEY);
    let encoding = ctx.guard.encoding(db, key).ok_or_else(none)?;
    let idle = ctx.guard.idle_seconds(db, key).unwrap_or_default();
    let serialized = dump::payload(ctx, key)?.ok_or_else(none)?.len() - FRAME;
    let clock = (ctx.now() / 1000 - i64::from(idle)) & 0x00FF_FFFF;
    // There is no address to show: entries move.
    out.simple(&format!(
        "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:{serialized} lru:{clock} lru_seconds_idle:{idle}"
    ));
    Ok(())
}

fn reload(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (mut save, mut flush) = (true, true);
    for word in &ctx.argv[2..] {
        if args::is(word, "nosave") {
            save = false;
        } else if args::is(word, "noflush") {
            flush = false;
        } else {
            return Err(Error::command("ERR DEBUG RELOAD only supports the NOFLUSH and NOSAVE options."));
        }
    }
    refuse_in_transaction(ctx)?;
    ctx.services.debug_reload(save, flush)?;
    out.ok();
    Ok(())
}

/// Loading takes the shards for itself, key by key.
fn refuse_in_transaction(ctx: &Ctx<'_>) -> Result<()> {
    if ctx.guard.holds_all() {
        return Err(Error::command("ERR DEBUG can not load files inside of a transaction"));
    }
    Ok(())
}

/// Only the caller sleeps: there is no server to stop.
fn sleep(seconds: &[u8]) {
    /// A day.
    const MOST: f64 = 86_400.0;
    let seconds = num::parse_f64(seconds).unwrap_or(0.0);
    if seconds > 0.0 {
        std::thread::sleep(Duration::from_secs_f64(seconds.min(MOST)));
    }
}

fn help(out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "DEBUG",
        &[
            "DIGEST",
            "    Output a hex signature representing the current DB content.",
            "DIGEST-VALUE <key> [<key> ...]",
            "    Output a hex signature of the values of all the specified keys.",
            "LOADAOF",
            "    Flush the AOF buffers on disk and reload the AOF in memory.",
            "OBJECT <key>",
            "    Show low level info about `key` and associated value.",
            "RELOAD [option ...]",
            "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
            "    * NOFLUSH: the existing database will not be removed before load.",
            "    * NOSAVE: the database will be loaded from an existing RDB file.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Setting it to 0 disables expiring keys in background when they are not",
            "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
            "    default.",
            "SLEEP <seconds>",
            "    Stop the caller for <seconds>. Decimals allowed.",
        ],
    );
    Ok(())
}
