//! ZPOPMIN, ZPOPMAX, ZMPOP, and what those that wait share with them.

use super::super::args;
use super::super::ctx::Ctx;
use super::put_bulk;
use crate::error::{Error, Result, text};
use crate::events::Class;
use crate::reply::ReplySink;

/// Which end of the sorted set is popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Lowest,
    Highest,
}

pub(super) fn zpopmin(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    pop_one_key(ctx, End::Lowest, out)
}

pub(super) fn zpopmax(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    pop_one_key(ctx, End::Highest, out)
}

fn pop_one_key(ctx: &mut Ctx<'_>, end: End, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let count = match argv {
        [_, _] => None,
        [_, _, count] => Some(count_at_least(count, 0, text::MUST_BE_POSITIVE)?),
        _ => return Err(Error::syntax()),
    };
    if !ctx.check_type(argv[1], "zset")? || count == Some(0) {
        out.array(0);
        return Ok(());
    }
    // A count asks for pairs where there are pairs.
    let nested = count.is_some() && out.resp3();
    pop(ctx, argv[1], end, count.unwrap_or(1), Some(nested), out)?;
    Ok(())
}

pub(super) fn zmpop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if mpop(ctx, out, 1)?.is_some() {
        out.null_array();
    }
    Ok(())
}

/// ZMPOP with the number of keys at `at`: the keys when there is nothing in any of them.
pub(super) fn mpop<'a>(
    ctx: &mut Ctx<'a>,
    out: &mut dyn ReplySink,
    at: usize,
) -> Result<Option<&'a [&'a [u8]]>> {
    let argv = ctx.argv;
    let keys = count_at_least(argv[at], 1, "ERR numkeys should be greater than 0")?;
    let (keys, options) = argv[at + 1..].split_at_checked(keys).ok_or_else(Error::syntax)?;
    let (end, options) = match options {
        [end, options @ ..] if args::is(end, "min") => (End::Lowest, options),
        [end, options @ ..] if args::is(end, "max") => (End::Highest, options),
        _ => return Err(Error::syntax()),
    };
    let count = match options {
        [] => 1,
        [name, count, rest @ ..] if args::is(name, "count") => {
            let count = count_at_least(count, 1, "ERR count should be greater than 0")?;
            if !rest.is_empty() {
                return Err(Error::syntax());
            }
            count
        }
        _ => return Err(Error::syntax()),
    };
    for key in keys {
        if ctx.check_type(key, "zset")? {
            // The key's name goes first, and there are pairs under both protocols.
            out.array(2);
            out.bulk(key);
            let popped = pop(ctx, key, end, count, Some(true), out)?;
            let name: &[u8] = if end == End::Lowest { b"ZPOPMIN" } else { b"ZPOPMAX" };
            ctx.log_instead(&[name, key, popped.to_string().as_bytes()]);
            return Ok(None);
        }
    }
    Ok(Some(keys))
}

/// Pops up to `count` members of a sorted set that is there and replies with them: with an array of them, made of pairs
/// or not, or with the bare parts.
pub(super) fn pop(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    end: End,
    count: usize,
    pairs: Option<bool>,
    out: &mut dyn ReplySink,
) -> Result<usize> {
    let popped = ctx.modify_zset(key, false, |zset, _| {
        let len = zset.len();
        let count = count.min(len);
        let ranks = match end {
            End::Lowest => 0..count,
            End::Highest => len - count..len,
        };
        let nested = pairs == Some(true);
        if pairs.is_some() {
            out.array(if nested { count } else { count * 2 });
        }
        let mut put = |(member, score)| {
            if nested {
                out.array(2);
            }
            put_bulk(out, member);
            out.double(score);
        };
        match end {
            End::Lowest => zset.range(ranks.clone()).for_each(&mut put),
            End::Highest => zset.range(ranks.clone()).rev().for_each(&mut put),
        }
        zset.remove_ranks(ranks)
    })?;
    let popped = popped.unwrap_or(0);
    if popped > 0 {
        ctx.notify(Class::ZSET, if end == End::Lowest { "zpopmin" } else { "zpopmax" }, key);
        ctx.notify_if_gone(key);
    }
    ctx.dirty(popped);
    Ok(popped)
}

/// A count with a text of its own, whatever is wrong with it.
fn count_at_least(arg: &[u8], least: usize, message: &'static str) -> Result<usize> {
    let n = args::int_or(arg, message)?;
    usize::try_from(n).ok().filter(|n| *n >= least).ok_or_else(|| Error::command(message))
}
