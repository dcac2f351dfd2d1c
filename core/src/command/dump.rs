//! DUMP and RESTORE: a key's value as the bytes a snapshot would hold.

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys};
use crate::config::Directive;
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::{Expiry, StrRef};
use crate::rdb::{self, Level, LoadedValue};
use crate::reply::ReplySink;
use crate::value::saved::Body;

const ONE: Keys = Keys::Range(1, 1, 1);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "dump",
        arity: 2,
        flags: Flags::READONLY,
        keys: ONE,
        group: Group::Generic,
        categories: &["keyspace"],
        since: "2.6.0",
        summary: "Returns a key's value as bytes that RESTORE takes, here and on a server.",
        complexity: "O(N) where N is the size of the value.",
        handler: dump,
        subcommands: &[],
    },
    Command {
        name: "restore",
        arity: -4,
        flags: Flags::WRITE.and(Flags::DENYOOM),
        keys: ONE,
        group: Group::Generic,
        categories: &["keyspace", "dangerous"],
        since: "2.6.0",
        summary: "Creates a key from the bytes DUMP returned.",
        complexity: "O(N*log(N)) for sorted sets, O(N) otherwise, where N is the size of the value.",
        handler: restore,
        subcommands: &[],
    },
];

/// The payload of a key's value.
pub(super) fn payload(ctx: &Ctx<'_>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let compress = ctx.config().flag(Directive::RdbCompression);
    let level = |expiring| Level::of_directive(&ctx.config().choice(Directive::RdbVersion), expiring);
    let body = match ctx.guard.string(ctx.db(), key) {
        None => return Ok(None),
        Some(Ok(StrRef::Int(n))) => Body::Int(n),
        Some(Ok(StrRef::Bytes(bytes))) => Body::Bytes(bytes),
        Some(Err(())) => {
            let Some(Some(value)) = ctx.guard.value(ctx.db(), key) else { return Ok(None) };
            let level = level(value.soonest().is_some());
            return rdb::dump_value(value, level, compress).map(Some);
        }
    };
    rdb::dump_payload(&body, level(false), compress).map(Some)
}

fn dump(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let payload = payload(ctx, ctx.argv[1])?;
    out.bulk_or_null(payload.as_deref());
    Ok(())
}

/// RESTORE's options.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle: Option<i64>,
    freq: Option<i64>,
}

fn parse(words: &[&[u8]]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if args::is(word, "replace") {
            options.replace = true;
        } else if args::is(word, "absttl") {
            options.absolute = true;
        } else if args::is(word, "idletime") && options.freq.is_none() {
            let idle = args::int(words.next().ok_or_else(Error::syntax)?)?;
            if idle < 0 {
                return Err(Error::command("ERR Invalid IDLETIME value, must be >= 0"));
            }
            options.idle = Some(idle);
        } else if args::is(word, "freq") && options.idle.is_none() {
            let freq = args::int(words.next().ok_or_else(Error::syntax)?)?;
            if !(0..=255).contains(&freq) {
                return Err(Error::command("ERR Invalid FREQ value, must be >= 0 and <= 255"));
            }
            options.freq = Some(freq);
        } else {
            return Err(Error::syntax());
        }
    }
    Ok(options)
}

fn restore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (db, key) = (ctx.db(), ctx.argv[1]);
    let options = parse(&ctx.argv[4..])?;
    if !options.replace && ctx.guard.type_name(db, key).is_some() {
        return Err(Error::command("BUSYKEY Target key name already exists."));
    }
    let ttl = args::int(ctx.argv[2])?;
    if ttl < 0 {
        return Err(Error::command("ERR Invalid TTL value, must be >= 0"));
    }
    let checksum = !ctx.config().switches.skips_checksums();
    let value = rdb::restore_checking(ctx.argv[3], &ctx.limits(), checksum)?;
    let at = match ttl {
        0 => None,
        _ if options.absolute => Some(ttl),
        // Beyond the end of time Redis wraps around, and the key is over before it begins.
        _ => Some(ttl.wrapping_add(ctx.now())),
    };
    out.ok();
    if at.is_some_and(|at| ctx.is_over(at)) {
        if ctx.remove(key) {
            ctx.notify(Class::GENERIC, "del", key);
            ctx.log_instead(&[b"DEL", key]);
            ctx.dirty(1);
        }
        return Ok(());
    }
    let expiry = at.map_or(Expiry::Clear, Expiry::At);
    // What was there goes first: the key is a new one.
    let before = ctx.type_before(db, key);
    ctx.remove(key);
    match value {
        LoadedValue::Int(n) => ctx.guard.set_int(db, key, n, expiry),
        LoadedValue::Bytes(bytes) => ctx.set_string(key, &bytes, expiry),
        LoadedValue::Value(value) => ctx.set_value(key, value, expiry),
    }
    ctx.guard.set_access(db, key, options.idle.map(|n| n as u64), options.freq.map(|n| n as u8));
    if let Some(at) = at.filter(|_| !options.absolute) {
        let at = num::fmt_i64(at);
        let mut effect = ctx.argv.to_vec();
        effect[2] = at.as_bytes();
        effect.push(b"ABSTTL");
        ctx.log_instead(&effect);
    }
    ctx.notify(Class::GENERIC, "restore", key);
    ctx.notify_replaced(db, key, before);
    ctx.dirty(1);
    Ok(())
}
