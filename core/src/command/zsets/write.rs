//! ZADD, ZINCRBY, ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use std::ops::Range;

use super::super::args;
use super::super::ctx::Ctx;
use super::{lex_bounds, log_plain_numbers, range, score_bounds};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::zset::{AddOptions, Added, ZSet};

pub(super) fn zadd(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    add(ctx, AddOptions::default(), out)
}

pub(super) fn zincrby(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    add(ctx, AddOptions { incr: true, ..AddOptions::default() }, out)
}

/// Both commands are one in Redis: ZINCRBY takes ZADD's options as well, though its arity leaves no room for them.
fn add(ctx: &mut Ctx<'_>, mut options: AddOptions, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let mut count_changes = false;
    let mut at = 2;
    while let Some(&arg) = argv.get(at) {
        match () {
            () if args::is(arg, "nx") => options.nx = true,
            () if args::is(arg, "xx") => options.xx = true,
            () if args::is(arg, "gt") => options.gt = true,
            () if args::is(arg, "lt") => options.lt = true,
            () if args::is(arg, "ch") => count_changes = true,
            () if args::is(arg, "incr") => options.incr = true,
            () => break,
        }
        at += 1;
    }
    let (pairs, rest) = argv[at..].as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(Error::syntax());
    }
    if options.nx && options.xx {
        return Err(Error::command("ERR XX and NX options at the same time are not compatible"));
    }
    if (options.gt || options.lt) && options.nx || options.gt && options.lt {
        let text = "ERR GT, LT, and/or NX options at the same time are not compatible";
        return Err(Error::command(text));
    }
    if options.incr && pairs.len() > 1 {
        return Err(Error::command("ERR INCR option supports a single increment-element pair"));
    }
    let pairs = pairs.iter().map(|[score, member]| Ok((args::float(score)?, *member)));
    let pairs = pairs.collect::<Result<Vec<(f64, &[u8])>>>()?;
    let (new, updated, last) = add_pairs(ctx, argv[1], options, &pairs)?;
    ctx.dirty(new + updated);
    log_plain_numbers(ctx, (at..argv.len()).step_by(2));
    match last {
        Added::NotANumber => return Err(Error::command("ERR resulting score is not a number (NaN)")),
        _ if !options.incr => out.int((if count_changes { new + updated } else { new }) as i64),
        Added::Skipped => out.null(),
        Added::Same(score) | Added::New(score) | Added::Updated(score) => out.double(score),
    }
    Ok(())
}

/// Adds members with scores that are numbers; how many are new, and how many have another score now. The caller says so
/// to the log.
pub(in crate::command) fn add_members(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    options: AddOptions,
    pairs: &[(f64, &[u8])],
) -> Result<(usize, usize)> {
    let (new, updated, _) = add_pairs(ctx, key, options, pairs)?;
    Ok((new, updated))
}

fn add_pairs(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    options: AddOptions,
    pairs: &[(f64, &[u8])],
) -> Result<(usize, usize, Added)> {
    let longest = pairs.iter().map(|(_, member)| member.len()).max().unwrap_or(0);
    let (mut new, mut updated, mut last) = (0, 0, Added::Skipped);
    ctx.modify_zset(key, !options.xx, |zset, limits| {
        // A new set is made for what is given; one that is there grows long members only when it gets one.
        zset.expect(pairs.len(), if zset.is_empty() { longest } else { 0 }, limits);
        for (score, member) in pairs {
            last = zset.add(member, *score, options, limits);
            new += usize::from(matches!(last, Added::New(_)));
            updated += usize::from(matches!(last, Added::Updated(_)));
        }
    })?;
    if new + updated > 0 {
        ctx.notify(Class::ZSET, if options.incr { "zincr" } else { "zadd" }, key);
    }
    Ok((new, updated, last))
}

pub(super) fn zrem(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let removed = ctx.modify_zset(argv[1], false, |zset, _| {
        argv[2..].iter().filter(|member| zset.remove(member).is_some()).count()
    })?;
    finish_removal(ctx, "zrem", removed, out)
}

pub(super) fn zremrangebyrank(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, stop) = (args::int(ctx.argv[2])?, args::int(ctx.argv[3])?);
    remove_range(ctx, "zremrangebyrank", |zset| range::ranks(start, stop, zset.len()), out)
}

pub(super) fn zremrangebyscore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (min, max) = score_bounds(ctx.argv[2], ctx.argv[3])?;
    log_plain_numbers(ctx, 2..4);
    remove_range(ctx, "zremrangebyscore", |zset| zset.ranks_by_score(min, max), out)
}

pub(super) fn zremrangebylex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (min, max) = lex_bounds(argv[2], argv[3])?;
    remove_range(ctx, "zremrangebylex", |zset| zset.ranks_by_lex(min, max), out)
}

fn remove_range(
    ctx: &mut Ctx<'_>,
    event: &'static str,
    ranks: impl FnOnce(&ZSet) -> Range<usize>,
    out: &mut dyn ReplySink,
) -> Result<()> {
    let removed = ctx.modify_zset(ctx.argv[1], false, |zset, _| zset.remove_ranks(ranks(zset)))?;
    finish_removal(ctx, event, removed, out)
}

fn finish_removal(
    ctx: &mut Ctx<'_>,
    event: &'static str,
    removed: Option<usize>,
    out: &mut dyn ReplySink,
) -> Result<()> {
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.notify(Class::ZSET, event, ctx.argv[1]);
        ctx.notify_if_gone(ctx.argv[1]);
    }
    ctx.dirty(removed);
    out.int(removed as i64);
    Ok(())
}
