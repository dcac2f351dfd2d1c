//! DEBUG: what tests of servers and tools use, where it makes sense without a server. Refused unless
//! `enable-debug-command` is `yes` or `local`. What makes no sense here says why.

mod protocol;
mod show;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::ctx::Ctx;
use super::ctx::Session;
use super::digest::{self, Signature};
use super::table::{Command, Flags, Group, Keys};
use super::{args, dispatch};
use crate::config::{self, Directive};
use crate::encoding::{glob, num};
use crate::error::{Error, Result};
use crate::reply::{ReplyBuilder, ReplySink};

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

/// DEBUG RELOAD's options.
#[derive(Clone, Copy, Debug)]
pub struct Reload {
    /// Save first.
    pub save: bool,
    /// Empty the store before the file is loaded.
    pub flush: bool,
    /// Keys of the file replace those that are there.
    pub merge: bool,
}

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
    let is = |name| args::is(words[0], name);
    match (words.len(), &words[1..]) {
        (1, _) if is("digest") => return digest(ctx, out),
        (_, _) if is("digest-value") => return digest_value(ctx, out),
        (2 | 3, _) if is("object") => return show::object(ctx, out),
        (2, _) if is("listpack") => return show::listpack(ctx, out),
        (2 | 3, _) if is("quicklist") => return show::quicklist(ctx, out),
        (2, _) if is("sdslen") => return show::sdslen(ctx, out),
        (2 | 3, _) if is("htstats") => return show::htstats(ctx, out),
        (2 | 3, _) if is("htstats-key") => return show::htstats_key(ctx, out),
        (2, [name]) if is("protocol") => return protocol::protocol(name, out),
        (3, [pattern, text]) if is("stringmatch-len") => {
            out.int(i64::from(glob::matches(pattern, text, false)));
            return Ok(());
        }
        (1, _) if is("help") => return help(out),
        (_, options) if is("reload") => reload(ctx, options)?,
        (1, _) if is("loadaof") => {
            refuse_in_transaction(ctx)?;
            ctx.services.debug_loadaof()?;
        }
        (2..=4, rest) if is("populate") => populate(ctx, rest)?,
        (2, [text]) if is("error") => return Err(error(text)),
        (2, [text]) if is("log") => log::warn!("DEBUG LOG: {}", String::from_utf8_lossy(text)),
        (2, [seconds]) if is("sleep") => sleep(seconds),
        (2, [on]) if is("set-active-expire") => ctx.services.keyspace().set_active_expire(is_on(on)),
        (2, [on]) if is("set-skip-checksum-validation") => {
            ctx.config().switches.set_skip_checksums(is_on(on));
        }
        (2, [on]) if is("pause-cron") => ctx.config().switches.set_pause_background(is_on(on)),
        (2, [bytes]) if is("quicklist-packed-threshold") => packed_threshold(ctx, bytes)?,
        _ => return Err(refused(words[0])),
    }
    out.ok();
    Ok(())
}

/// Subcommands of servers that make no sense here, and why.
const SENSELESS: &[(&[&str], &str)] = &[
    (
        &["segfault", "panic", "assert", "oom", "crash-and-recover", "restart", "leak"],
        "it would take the host process down, or its memory",
    ),
    (
        &[
            "change-repl-id",
            "replicate",
            "repl-pause",
            "delay-rdb-client-free-second",
            "force-free-primary-async",
        ],
        "there are no replicas",
    ),
    (
        &[
            "clusterlink",
            "drop-cluster-packet-filter",
            "close-cluster-link-on-packet-drop",
            "disable-cluster-random-ping",
            "disable-cluster-reconnection",
            "slotmigration",
            "internal_secret",
            "mark-internal-client",
        ],
        "there is no cluster",
    ),
    (
        &[
            "replybuffer",
            "client-eviction",
            "client-enforce-reply-list",
            "protect-client",
            "force-tls-write-error",
        ],
        "it is about a server's connections",
    ),
    (&["pause-after-fork"], "nothing forks here"),
    (&["aof-flush-sleep"], "no call flushes the log: its file is mapped into memory"),
    (
        &["dict-resizing", "hashtable-can-abort-shrink"],
        "tables are resized in small steps, which nothing stops",
    ),
    (&["mallctl", "mallctl-str"], "the allocator is the host's"),
    (&["structsize"], "it tells the sizes of a server's C structures"),
    (&["stringmatch-test"], "patterns are tested when this library is built"),
    (&["set-disable-deny-scripts"], "what scripts are denied would wait for what they hold"),
    (&["keysizes-hist-assert"], "there is no histogram of sizes"),
    (&["config-rewrite-force-all"], "CONFIG REWRITE writes whatever is not the default"),
];

fn refused(name: &[u8]) -> Error {
    let shown = args::shown(name, args::SHOWN_MAX);
    let why = SENSELESS.iter().find(|(names, _)| names.iter().any(|known| args::is(name, known)));
    Error::command(match why {
        Some((_, why)) => format!("ERR DEBUG {} has no meaning here: {why}", shown.to_uppercase()),
        None => format!("ERR unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP."),
    })
}

/// As C's `atoi` reads it: anything but a number other than 0 is off.
fn is_on(arg: &[u8]) -> bool {
    num::parse_i64(arg).is_some_and(|n| n != 0)
}

/// An error with the caller's text, which has no line breaks in a reply.
fn error(text: &[u8]) -> Error {
    let text: Vec<u8> =
        text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect();
    Error::command(String::from_utf8_lossy(&text).into_owned())
}

fn packed_threshold(ctx: &Ctx<'_>, bytes: &[u8]) -> Result<()> {
    const MOST: i64 = 4 << 30;
    let parsed = std::str::from_utf8(bytes).ok().and_then(config::memory);
    let bytes =
        parsed.filter(|n| (0..MOST).contains(n)).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
            Error::command("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
        })?;
    ctx.config().switches.set_list_packed_threshold(bytes);
    Ok(())
}

/// Sets `prefix:0` and so on, as SET with NX does: each goes to the log, and nothing that is there is overwritten.
fn populate(ctx: &Ctx<'_>, words: &[&[u8]]) -> Result<()> {
    refuse_in_transaction(ctx)?;
    let count = args::count(words[0])?;
    let prefix = words.get(1).copied().unwrap_or(b"key");
    let size = words.get(2).map(|word| args::count(word)).transpose()?;
    let mut session = Session { db: ctx.session.db, ..Session::default() };
    for n in 0..count {
        let mut key = prefix.to_vec();
        key.extend_from_slice(format!(":{n}").as_bytes());
        let mut value = format!("value:{n}").into_bytes();
        if let Some(size) = size.filter(|size| *size > 0) {
            value.resize(size.min(crate::table::MAX_LEN), 0);
        }
        let mut out = ReplyBuilder::new(false);
        dispatch::execute(ctx.services, &mut session, &[b"SET", &key, &value, b"NX"], &mut out)?;
    }
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

fn reload(ctx: &mut Ctx<'_>, options: &[&[u8]]) -> Result<()> {
    let mut how = Reload { save: true, flush: true, merge: false };
    for word in options {
        if args::is(word, "nosave") {
            how.save = false;
        } else if args::is(word, "noflush") {
            how.flush = false;
        } else if args::is(word, "merge") {
            how.merge = true;
        } else {
            let text = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
            return Err(Error::command(text));
        }
    }
    refuse_in_transaction(ctx)?;
    ctx.services.debug_reload(how)
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
            "ERROR <string>",
            "    Return an error with <string> as message.",
            "HTSTATS <dbid> [full]",
            "    Return hash table statistics of the specified database.",
            "HTSTATS-KEY <key> [full]",
            "    Like HTSTATS but for the hash table stored at <key>'s value.",
            "LISTPACK <key>",
            "    Return low level info about the listpack encoding of <key>.",
            "LOADAOF",
            "    Flush the AOF buffers on disk and reload the AOF in memory.",
            "LOG <message>",
            "    Write <message> to the host's log.",
            "OBJECT <key> [fast]",
            "    Show low level info about `key` and associated value. With `fast`",
            "    without what takes long to find out.",
            "PAUSE-CRON <0|1>",
            "    Stop the background thread's work: expiry, save points, rewrites.",
            "POPULATE <count> [<prefix>] [<size>]",
            "    Create <count> string keys named key:<num>. If <prefix> is specified then",
            "    it is used instead of the 'key' prefix. They are logged as SET.",
            "PROTOCOL <type>",
            "    Reply with a test value of the specified type. <type> can be: string,",
            "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
            "    true, false.",
            "QUICKLIST <key> [<0|1>]",
            "    Return low level info about the nodes of the list at <key>.",
            "    With 1 also about their elements.",
            "QUICKLIST-PACKED-THRESHOLD <size>",
            "    Bytes from which an element of a list has a node of its own.",
            "    0: as list-max-listpack-size says, which is the default.",
            "RELOAD [option ...]",
            "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
            "    * MERGE: keys of the RDB file replace those that are there.",
            "    * NOFLUSH: the existing database will not be removed before load, but",
            "      conflicting keys are an error.",
            "    * NOSAVE: the database will be loaded from an existing RDB file.",
            "SDSLEN <key>",
            "    Show lengths and room of `key` and of the string there.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Setting it to 0 disables expiring keys in background when they are not",
            "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
            "    default.",
            "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
            "    Enables or disables checksum checks for RDB files and RESTORE's payload.",
            "SLEEP <seconds>",
            "    Stop the caller for <seconds>. Decimals allowed.",
            "STRINGMATCH-LEN <pattern> <string>",
            "    Whether <string> matches the glob-like <pattern>.",
        ],
    );
    Ok(())
}
