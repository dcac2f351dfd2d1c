//! Commands on hashes. The expiry of fields is in [`expiry`] and [`combined`]; here a field that is due is not there.

pub(super) mod combined;
pub(super) mod expiry;

use super::args;
use super::ctx::Ctx;
use super::draw::{self, Draw};
use super::scan::{Options, Scanned};
use super::table::{Command, Flags, Group, Keys};
use crate::encoding::longdouble::LongDouble;
use crate::encoding::num;
use crate::error::{Error, Result, text};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::hash::{Pair, View};

/// What the rows have in common: one key in front.
const HASH: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::NONE,
    keys: Keys::Range(1, 1, 1),
    group: Group::Hash,
    categories: &[],
    since: "2.0.0",
    summary: "",
    complexity: "",
    handler: hlen,
    subcommands: &[],
};

const READ: Flags = Flags::READONLY;
const FAST_READ: Flags = Flags::READONLY.and(Flags::FAST);
const FAST_WRITE: Flags = Flags::WRITE.and(Flags::FAST);
const GROWING: Flags = FAST_WRITE.and(Flags::DENYOOM);

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "hdel",
        arity: -3,
        flags: FAST_WRITE,
        summary: "Removes fields from a hash; an empty hash is deleted.",
        complexity: "O(N) where N is the number of fields to remove",
        handler: hdel,
        ..HASH
    },
    Command {
        name: "hexists",
        arity: 3,
        flags: FAST_READ,
        summary: "Tells whether a hash has a field.",
        complexity: "O(1)",
        handler: hexists,
        ..HASH
    },
    Command {
        name: "hget",
        arity: 3,
        flags: FAST_READ,
        summary: "Answers the value of a field.",
        complexity: "O(1)",
        handler: hget,
        ..HASH
    },
    Command {
        name: "hgetall",
        arity: 2,
        flags: READ,
        summary: "Answers all fields and values of a hash.",
        complexity: "O(N) where N is the number of fields",
        handler: hgetall,
        ..HASH
    },
    Command {
        name: "hincrby",
        arity: 4,
        flags: GROWING,
        summary: "Adds to the integer in a field, which counts as 0 if it is missing.",
        complexity: "O(1)",
        handler: hincrby,
        ..HASH
    },
    Command {
        name: "hincrbyfloat",
        arity: 4,
        flags: GROWING,
        since: "2.6.0",
        summary: "Adds to the number in a field, which counts as 0 if it is missing.",
        complexity: "O(1)",
        handler: hincrbyfloat,
        ..HASH
    },
    Command {
        name: "hkeys",
        arity: 2,
        flags: READ,
        summary: "Answers all fields of a hash.",
        complexity: "O(N) where N is the number of fields",
        handler: hkeys,
        ..HASH
    },
    Command {
        name: "hlen",
        arity: 2,
        flags: FAST_READ,
        summary: "Counts the fields of a hash.",
        complexity: "O(1)",
        handler: hlen,
        ..HASH
    },
    Command {
        name: "hmget",
        arity: -3,
        flags: FAST_READ,
        summary: "Answers the values of several fields.",
        complexity: "O(N) where N is the number of fields asked for",
        handler: hmget,
        ..HASH
    },
    Command {
        name: "hmset",
        arity: -4,
        flags: GROWING,
        summary: "Sets fields of a hash, which is created if it is missing.",
        complexity: "O(N) where N is the number of fields to set",
        handler: hmset,
        ..HASH
    },
    Command {
        name: "hrandfield",
        arity: -2,
        flags: READ,
        since: "6.2.0",
        summary: "Answers random fields of a hash.",
        complexity: "O(N) where N is the number of fields answered",
        handler: hrandfield,
        ..HASH
    },
    Command {
        name: "hscan",
        arity: -3,
        flags: READ,
        since: "2.8.0",
        summary: "Iterates over the fields and values of a hash.",
        complexity: "O(1) for each call, O(N) for a whole iteration",
        handler: hscan,
        ..HASH
    },
    Command {
        name: "hset",
        arity: -4,
        flags: GROWING,
        summary: "Sets fields of a hash, which is created if it is missing; counts the new ones.",
        complexity: "O(N) where N is the number of fields to set",
        handler: hset,
        ..HASH
    },
    Command {
        name: "hsetnx",
        arity: 4,
        flags: GROWING,
        summary: "Sets a field unless it is there already.",
        complexity: "O(1)",
        handler: hsetnx,
        ..HASH
    },
    Command {
        name: "hstrlen",
        arity: 3,
        flags: FAST_READ,
        since: "3.2.0",
        summary: "Answers the length of the value of a field.",
        complexity: "O(1)",
        handler: hstrlen,
        ..HASH
    },
    Command {
        name: "hvals",
        arity: 2,
        flags: READ,
        summary: "Answers all values of a hash.",
        complexity: "O(N) where N is the number of fields",
        handler: hvals,
        ..HASH
    },
];

fn hset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let new = set_fields(ctx, "hset")?;
    out.int(new as i64);
    Ok(())
}

fn hmset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_fields(ctx, "hmset")?;
    out.ok();
    Ok(())
}

/// Sets all pairs behind the key; how many fields are new.
fn set_fields(ctx: &mut Ctx<'_>, name: &str) -> Result<usize> {
    let (key, args) = (ctx.argv[1], &ctx.argv[2..]);
    let (pairs, []) = args.as_chunks::<2>() else {
        return Err(Error::command(format!("ERR wrong number of arguments for '{name}' command")));
    };
    let new = ctx.modify_hash(key, true, pairs.iter().map(|pair| pair[0]), |hash, limits| {
        hash.prepare(args, limits);
        pairs.iter().filter(|[field, value]| hash.set(field, value, limits)).count()
    })?;
    ctx.notify(Class::HASH, "hset", key);
    ctx.dirty(pairs.len());
    Ok(new.unwrap_or(0))
}

fn hsetnx(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, field) = (ctx.argv[1], ctx.argv[2]);
    let is_new = !(ctx.check_type(key, "hash")? && ctx.hash(key)?.is_some_and(|hash| hash.contains(field)));
    if is_new {
        let args = &ctx.argv[2..];
        ctx.modify_hash(key, true, [field].into_iter(), |hash, limits| {
            hash.prepare(args, limits);
            hash.set(field, args[1], limits)
        })?;
        ctx.notify(Class::HASH, "hset", key);
        ctx.dirty(1);
    }
    out.int(i64::from(is_new));
    Ok(())
}

fn hdel(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, fields) = (ctx.argv[1], &ctx.argv[2..]);
    let removed = ctx.modify_hash(key, false, fields.iter().copied(), |hash, _| {
        fields.iter().filter(|field| hash.remove(field)).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.notify(Class::HASH, "hdel", key);
        ctx.notify_if_gone(key);
    }
    ctx.dirty(removed);
    out.int(removed as i64);
    Ok(())
}

fn hincrby(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, field) = (ctx.argv[1], ctx.argv[2]);
    let by = args::int(ctx.argv[3])?;
    let changed = ctx.modify_hash(key, true, [field].into_iter(), |hash, limits| {
        let old = match hash.find(field) {
            None => 0,
            Some((value, _)) => value.as_i64().ok_or(Error::command("ERR hash value is not an integer"))?,
        };
        let new = old.checked_add(by).ok_or(Error::command(text::OVERFLOW))?;
        hash.set_keeping(field, &num::fmt_i64(new), limits);
        Ok(new)
    })?;
    let new = changed.unwrap_or(Ok(by))?;
    ctx.notify(Class::HASH, "hincrby", key);
    ctx.dirty(1);
    out.int(new);
    Ok(())
}

fn hincrbyfloat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, field) = (ctx.argv[1], ctx.argv[2]);
    let by = LongDouble::parse(ctx.argv[3]).ok_or_else(Error::not_a_float)?;
    if !by.is_finite() {
        return Err(Error::command("ERR value is NaN or Infinity"));
    }
    let changed = ctx.modify_hash(key, true, [field].into_iter(), |hash, limits| {
        let (old, expiry) = match hash.find(field) {
            None => (LongDouble::ZERO, None),
            Some((value, expiry)) => {
                let number = LongDouble::parse(value.as_bytes(&mut num::NumBuf::new()));
                (number.ok_or(Error::command("ERR hash value is not a float"))?, expiry)
            }
        };
        let new = old + by;
        if !new.is_finite() {
            return Err(Error::command("ERR increment would produce NaN or Infinity"));
        }
        let new = new.to_text();
        hash.set_keeping(field, new.as_bytes(), limits);
        Ok((new, expiry.is_some()))
    })?;
    let (new, expires) = changed.unwrap_or_else(|| Ok((by.to_text(), false)))?;
    ctx.notify(Class::HASH, "hincrbyfloat", key);
    // The sum is logged, not the increment: replaying must not depend on arithmetic. HSET is what every server knows,
    // but it would end the field's expiry.
    if expires {
        ctx.log_instead(&[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, new.as_bytes()]);
    } else {
        ctx.log_instead(&[b"HSET", key, field, new.as_bytes()]);
    }
    ctx.dirty(1);
    out.bulk(new.as_bytes());
    Ok(())
}

fn hget(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match ctx.hash(ctx.argv[1])?.and_then(|hash| hash.get(ctx.argv[2])) {
        Some(value) => out.element(value),
        None => out.null(),
    }
    Ok(())
}

fn hmget(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (hash, fields) = (ctx.hash(ctx.argv[1])?, &ctx.argv[2..]);
    out.array(fields.len());
    for field in fields {
        match hash.and_then(|hash| hash.get(field)) {
            Some(value) => out.element(value),
            None => out.null(),
        }
    }
    Ok(())
}

fn hexists(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let exists = ctx.hash(ctx.argv[1])?.is_some_and(|hash| hash.contains(ctx.argv[2]));
    out.int(i64::from(exists));
    Ok(())
}

fn hstrlen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let value = ctx.hash(ctx.argv[1])?.and_then(|hash| hash.get(ctx.argv[2]));
    out.int(value.map_or(0, |value| value.len() as i64));
    Ok(())
}

fn hlen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.hash(ctx.argv[1])?.map_or(0, |hash| hash.len() as i64));
    Ok(())
}

fn hgetall(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let hash = ctx.hash(ctx.argv[1])?;
    out.map(hash.map_or(0, |hash| hash.live_len()));
    for (field, value) in hash.iter().flat_map(View::iter) {
        out.element(field);
        out.element(value);
    }
    Ok(())
}

fn hkeys(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let hash = ctx.hash(ctx.argv[1])?;
    out.array(hash.map_or(0, |hash| hash.live_len()));
    hash.iter().flat_map(View::iter).for_each(|(field, _)| out.element(field));
    Ok(())
}

fn hvals(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let hash = ctx.hash(ctx.argv[1])?;
    out.array(hash.map_or(0, |hash| hash.live_len()));
    hash.iter().flat_map(View::iter).for_each(|(_, value)| out.element(value));
    Ok(())
}

fn hrandfield(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut rng = ctx.rng();
    let mut random = |n| rng.usize(..n);
    let (draw, with_values) = match ctx.argv {
        [_, key] => {
            match ctx.hash(key)?.and_then(|hash| hash.random(&mut random)) {
                Some((field, _)) => out.element(field),
                None => out.null(),
            }
            return Ok(());
        }
        [_, _, count] => (draw::count(count)?, false),
        [_, _, count, word] if args::is(word, "withvalues") => (draw::count_of_pairs(count)?, true),
        [_, _, count, ..] => {
            // Redis reads the number before it looks at what follows.
            draw::count(count)?;
            return Err(Error::syntax());
        }
        _ => return Err(Error::syntax()),
    };
    let hash = ctx.hash(ctx.argv[1])?;
    match (hash, draw) {
        (None, _) => out.array(0),
        (Some(hash), Draw::Distinct(count)) => {
            let pairs = hash.sample(count, &mut random);
            drawn(pairs.len(), pairs.into_iter(), with_values, out);
        }
        (Some(hash), Draw::Repeats(count)) => {
            let picker = hash.picker();
            // A hash that is there may have nothing but fields that are due.
            let count = if picker.is_empty() { 0 } else { count };
            let pick = || picker.pick(&mut random);
            drawn(count, std::iter::repeat_with(pick).map_while(|pair| pair).take(count), with_values, out);
        }
    }
    Ok(())
}

/// Answers drawn fields: pairs are arrays of two in RESP3, and follow each other in RESP2.
fn drawn<'h>(
    count: usize,
    pairs: impl Iterator<Item = Pair<'h>>,
    with_values: bool,
    out: &mut dyn ReplySink,
) {
    let nested = with_values && out.resp3();
    out.array(if with_values && !nested { count * 2 } else { count });
    for (field, value) in pairs {
        if nested {
            out.array(2);
        }
        out.element(field);
        if with_values {
            out.element(value);
        }
    }
}

fn hscan(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let cursor = args::cursor(ctx.argv[2])?;
    let Some(hash) = ctx.hash(ctx.argv[1])? else {
        // Redis does not look at the options then.
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let options = Options::parse(&ctx.argv[3..], Scanned::Hash)?;
    let mut found = Vec::new();
    let next = hash.scan(cursor, options.count, |pair| {
        if options.wants_element(pair.0) {
            found.push(pair);
        }
    });
    out.array(2);
    out.cursor(next);
    out.array(if options.alone { found.len() } else { found.len() * 2 });
    for (field, value) in found {
        out.element(field);
        if !options.alone {
            out.element(value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
