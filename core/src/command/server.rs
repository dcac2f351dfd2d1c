//! Commands about the connection and the server: PING, ECHO, SELECT, TIME, CONFIG, INFO, SAVE and their kin.

use super::args;
use super::ctx::Ctx;
use super::services::Shutdown;
use super::table::{Command, Flags, Group, Rows};
use crate::error::{Error, Result, text};
use crate::reply::ReplySink;

const ADMIN: Flags = Flags::ADMIN.and(Flags::NOSCRIPT);
const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
const SAVES: Flags = ADMIN.and(Flags::NO_ASYNC_LOADING);

const ROWS: Rows = Rows::of(Group::Server);

const fn of_connection(command: Command) -> Command {
    Command { group: Group::Connection, ..command }
}

const DIRECTIVES: &str = "O(N) where N is the number of directives";
const EVERY_KEY: &str = "O(N) where N is the number of keys";

#[rustfmt::skip]
const CONFIG: &[Command] = &[
    ROWS.row("get", -3, ADMIN.and(ANY_TIME), "2.0.0", DIRECTIVES, config_get, "Returns the values of directives by name or pattern."),
    ROWS.row("help", 2, ANY_TIME, "5.0.0", "O(1)", config_help, "Returns a text on the subcommands."),
    ROWS.row("resetstat", 2, ADMIN.and(ANY_TIME), "2.0.0", "O(1)", config_resetstat, "Sets the counters that INFO shows to zero."),
    ROWS.row("rewrite", 2, ADMIN.and(ANY_TIME), "2.8.0", DIRECTIVES, config_rewrite, "Writes the configuration file anew with what is in force."),
    ROWS.row("set", -4, ADMIN.and(ANY_TIME), "2.0.0", DIRECTIVES, config_set, "Sets directives, all of them or none."),
];

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("bgrewriteaof", 1, SAVES, "1.0.0", EVERY_KEY, bgrewriteaof, "Rewrites the log in the background."),
    ROWS.row("bgsave", -1, SAVES, "1.0.0", EVERY_KEY, bgsave, "Saves a snapshot in the background."),
    Command { subcommands: CONFIG, ..ROWS.row("config", -2, Flags::NONE, "2.0.0", "Depends on subcommand.", container, "A container for configuration commands.") },
    of_connection(ROWS.row("echo", 2, ANY_TIME.and(Flags::FAST), "1.0.0", "O(1)", echo, "Answers its argument.")),
    Command { categories: &["dangerous"], ..ROWS.row("info", -1, ANY_TIME, "1.0.0", "O(1)", info, "Returns figures on the store, by section.") },
    Command { categories: &["admin", "dangerous"], ..ROWS.row("lastsave", 1, ANY_TIME.and(Flags::FAST), "1.0.0", "O(1)", lastsave, "Returns the Unix time of the last snapshot.") },
    of_connection(ROWS.row("ping", -1, Flags::FAST, "1.0.0", "O(1)", ping, "Answers PONG, or its argument.")),
    ROWS.row("save", 1, SAVES.and(Flags::NO_MULTI), "1.0.0", EVERY_KEY, save, "Saves a snapshot and waits for it."),
    of_connection(ROWS.row("select", 2, ANY_TIME.and(Flags::FAST), "1.0.0", "O(1)", select, "Selects a database.")),
    ROWS.row("shutdown", -1, ADMIN.and(ANY_TIME).and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY), "1.0.0", EVERY_KEY, shutdown, "Saves a snapshot, if there are save points, and ends the server."),
    ROWS.row("time", 1, ANY_TIME.and(Flags::FAST), "2.6.0", "O(1)", time, "Returns the Unix time in seconds and microseconds."),
];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn ping(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let message = ctx.argv.get(1).copied().unwrap_or_default();
    if ctx.session.hears_on_its_wire() && ctx.argv.len() <= 2 {
        out.array(2);
        out.bulk(b"pong");
        out.bulk(message);
        return Ok(());
    }
    match ctx.argv {
        [_] => out.simple("PONG"),
        [_, message] => out.bulk(message),
        _ => return Err(args::wrong_arity("ping")),
    }
    Ok(())
}

fn echo(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.bulk(ctx.argv[1]);
    Ok(())
}

fn select(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let index = args::int32(ctx.argv[1])?;
    let databases = ctx.guard.keyspace().databases();
    let index = usize::try_from(index).ok().filter(|index| *index < databases);
    ctx.session.select(index.ok_or_else(|| Error::command(text::DB_RANGE))?);
    out.ok();
    Ok(())
}

fn time(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let now = ctx.guard.keyspace().clock().now_us();
    out.array(2);
    out.bulk_int(now / 1_000_000);
    out.bulk_int(now % 1_000_000);
    Ok(())
}

fn save(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    ctx.services.save()?;
    out.ok();
    Ok(())
}

fn bgsave(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let schedule = match ctx.argv {
        [_] => false,
        [_, word] if args::is(word, "schedule") => true,
        [_, word] if args::is(word, "cancel") => {
            out.simple(ctx.services.cancel_bgsave()?);
            return Ok(());
        }
        _ => return Err(Error::syntax()),
    };
    out.simple(ctx.services.bgsave(schedule, ctx.guard.holds_all())?);
    Ok(())
}

fn bgrewriteaof(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.simple(ctx.services.bgrewriteaof(ctx.guard.holds_all())?);
    Ok(())
}

/// Nothing is answered: the connection ends with the server.
fn shutdown(ctx: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    let mut how = Shutdown::default();
    let mut abort = false;
    for word in &ctx.argv[1..] {
        match () {
            () if args::is(word, "save") && how.save != Some(false) => how.save = Some(true),
            () if args::is(word, "nosave") && how.save != Some(true) => how.save = Some(false),
            () if args::is(word, "force") => how.force = true,
            // There are no replicas to wait for.
            () if args::is(word, "now") => {}
            () if args::is(word, "abort") && ctx.argv.len() == 2 => abort = true,
            () => return Err(Error::syntax()),
        }
    }
    if abort {
        return Err(Error::command("ERR No shutdown in progress."));
    }
    ctx.services.shutdown(how)
}

fn lastsave(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.services.lastsave());
    Ok(())
}

fn info(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let names = ctx.argv[1..].iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    let text = ctx.services.info(&names.collect::<Vec<_>>(), &ctx.guard)?;
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

fn config_get(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let found = ctx.config().matching(&ctx.argv[2..]);
    out.map(found.len());
    for (name, value) in found {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    Ok(())
}

fn config_set(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if !ctx.argv.len().is_multiple_of(2) {
        return Err(Error::syntax());
    }
    let pairs: Vec<(&[u8], &[u8])> = ctx.argv[2..].chunks(2).map(|pair| (pair[0], pair[1])).collect();
    ctx.services.config_set(&pairs, &mut ctx.guard)?;
    ctx.limits_changed = true;
    out.ok();
    Ok(())
}

fn config_rewrite(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    ctx.services.config_rewrite()?;
    out.ok();
    Ok(())
}

fn config_resetstat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    ctx.services.reset_stats();
    out.ok();
    Ok(())
}

fn config_help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "CONFIG",
        &[
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
        ],
    );
    Ok(())
}
