//! Commands about the connection and the server: PING, ECHO, SELECT, TIME, CONFIG, INFO, SAVE and their kin.

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const CONFIG: &[Command] = &[
    Command {
        name: "get",
        arity: -3,
        flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
        keys: Keys::None,
        group: Group::Server,
        categories: &[],
        since: "2.0.0",
        summary: "Returns the effective values of directives.",
        complexity: "O(N) when N is the number of directives that match",
        handler: config_get,
        subcommands: &[],
    },
    Command {
        name: "set",
        arity: -4,
        flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
        keys: Keys::None,
        group: Group::Server,
        categories: &[],
        since: "2.0.0",
        summary: "Sets directives, all of them or none.",
        complexity: "O(N) when N is the number of directives",
        handler: config_set,
        subcommands: &[],
    },
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "ping",
        arity: -1,
        flags: Flags::FAST,
        keys: Keys::None,
        group: Group::Connection,
        categories: &[],
        since: "1.0.0",
        summary: "Answers PONG, or its argument.",
        complexity: "O(1)",
        handler: ping,
        subcommands: &[],
    },
    Command {
        name: "echo",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
        keys: Keys::None,
        group: Group::Connection,
        categories: &[],
        since: "1.0.0",
        summary: "Answers its argument.",
        complexity: "O(1)",
        handler: echo,
        subcommands: &[],
    },
    Command {
        name: "select",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
        keys: Keys::None,
        group: Group::Connection,
        categories: &[],
        since: "1.0.0",
        summary: "Selects a database.",
        complexity: "O(1)",
        handler: select,
        subcommands: &[],
    },
    Command {
        name: "config",
        arity: -2,
        flags: Flags::NONE,
        keys: Keys::None,
        group: Group::Server,
        categories: &[],
        since: "2.0.0",
        summary: "A container for configuration commands.",
        complexity: "Depends on subcommand.",
        handler: container,
        subcommands: CONFIG,
    },
];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn ping(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match ctx.argv {
        [_] => out.simple("PONG"),
        [_, message] => out.bulk(message),
        _ => return Err(Error::command("ERR wrong number of arguments for 'ping' command")),
    }
    Ok(())
}

fn echo(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.bulk(ctx.argv[1]);
    Ok(())
}

fn select(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let index = args::int(ctx.argv[1])?;
    let databases = ctx.guard.keyspace().databases();
    let index = usize::try_from(index).ok().filter(|index| *index < databases);
    ctx.session.db = index.ok_or_else(|| Error::command("ERR DB index is out of range"))?;
    out.ok();
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
        return Err(Error::command("ERR wrong number of arguments for 'config|set' command"));
    }
    let pairs: Vec<(&[u8], &[u8])> = ctx.argv[2..].chunks(2).map(|pair| (pair[0], pair[1])).collect();
    ctx.services.config_set(&pairs)?;
    out.ok();
    Ok(())
}
