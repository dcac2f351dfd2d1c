//! ZRANGE in all its forms, the older commands it replaces, and ZRANGESTORE.

use std::ops::Range;

use super::super::args;
use super::super::ctx::Ctx;
use super::{lex_bounds, log_plain_numbers, members_head, put_member, score_bounds};
use crate::encoding::num::NumBuf;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::Expiry;
use crate::reply::ReplySink;
use crate::value::Value;
use crate::value::zset::{AddOptions, Iter, LexBound, ScoreBound, ZSet};

/// By what a range is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What the name of a command settles; the rest is up to its options.
#[derive(Clone, Copy, Debug, Default)]
struct Preset {
    by: Option<By>,
    reverse: Option<bool>,
    store: bool,
}

#[derive(Clone, Copy)]
enum Bounds<'a> {
    Rank(i64, i64),
    Score(ScoreBound, ScoreBound),
    Lex(LexBound<'a>, LexBound<'a>),
}

/// A range as asked for.
struct Query<'a> {
    bounds: Bounds<'a>,
    reverse: bool,
    scores: bool,
    offset: i64,
    limit: i64,
}

impl<'a> Query<'a> {
    /// Parses `min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`.
    fn parse(argv: &[&'a [u8]], preset: Preset) -> Result<Self> {
        let (first, second, mut rest) = match argv {
            [first, second, rest @ ..] => (*first, *second, rest),
            _ => return Err(Error::syntax()),
        };
        let Preset { mut by, mut reverse, store } = preset;
        let (mut scores, mut offset, mut limit) = (false, 0, -1);
        while let Some((option, after)) = rest.split_first() {
            rest = after;
            match (option, after) {
                (name, _) if !store && args::is(name, "withscores") => scores = true,
                (name, [from, count, after @ ..]) if args::is(name, "limit") => {
                    (offset, limit) = (args::int(from)?, args::int(count)?);
                    rest = after;
                }
                (name, _) if preset.reverse.is_none() && reverse.is_none() && args::is(name, "rev") => {
                    reverse = Some(true);
                }
                (name, _) if by.is_none() && args::is(name, "bylex") => by = Some(By::Lex),
                (name, _) if by.is_none() && args::is(name, "byscore") => by = Some(By::Score),
                _ => return Err(Error::syntax()),
            }
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        if limit != -1 && by == By::Rank {
            let text =
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
            return Err(Error::command(text));
        }
        if scores && by == By::Lex {
            let text = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
            return Err(Error::command(text));
        }
        let (min, max) = if reverse { (second, first) } else { (first, second) };
        let bounds = match by {
            By::Rank => Bounds::Rank(args::int(first)?, args::int(second)?),
            By::Score => score_bounds(min, max).map(|(min, max)| Bounds::Score(min, max))?,
            By::Lex => lex_bounds(min, max).map(|(min, max)| Bounds::Lex(min, max))?,
        };
        Ok(Self { bounds, reverse, scores, offset, limit })
    }

    /// The ranks that are asked for; they are walked downwards when the query is reverse.
    fn ranks(&self, zset: &ZSet) -> Range<usize> {
        let all = match self.bounds {
            Bounds::Rank(start, stop) => {
                let ranks = ranks(start, stop, zset.len());
                let len = zset.len();
                return if self.reverse { len - ranks.end..len - ranks.start } else { ranks };
            }
            Bounds::Score(min, max) => zset.ranks_by_score(min, max),
            Bounds::Lex(min, max) => zset.ranks_by_lex(min, max),
        };
        // A negative offset finds nothing, a negative limit is none.
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX).min(all.len());
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(all.len() - offset);
        if self.reverse {
            let end = all.end - offset;
            end - count..end
        } else {
            let start = all.start + offset;
            start..start + count
        }
    }

    /// Calls `f` with each member in the order asked for.
    fn for_each<'z>(&self, found: Iter<'z>, f: impl FnMut(<Iter<'z> as Iterator>::Item)) {
        if self.reverse { found.rev().for_each(f) } else { found.for_each(f) }
    }
}

/// The ranks from `start` to `stop`, both included and counted from the end when negative.
pub(super) fn ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let absolute = |n: i64| if n < 0 { n.saturating_add(len as i64) } else { n };
    let end = usize::try_from(absolute(stop).saturating_add(1)).unwrap_or(0).min(len);
    let start = usize::try_from(absolute(start)).unwrap_or(0).min(end);
    start..end
}

pub(super) fn zrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset::default(), out)
}

pub(super) fn zrevrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset { by: Some(By::Rank), reverse: Some(true), store: false }, out)
}

pub(super) fn zrangebyscore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset { by: Some(By::Score), reverse: Some(false), store: false }, out)
}

pub(super) fn zrevrangebyscore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset { by: Some(By::Score), reverse: Some(true), store: false }, out)
}

pub(super) fn zrangebylex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset { by: Some(By::Lex), reverse: Some(false), store: false }, out)
}

pub(super) fn zrevrangebylex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Preset { by: Some(By::Lex), reverse: Some(true), store: false }, out)
}

fn reply(ctx: &mut Ctx<'_>, preset: Preset, out: &mut dyn ReplySink) -> Result<()> {
    let query = Query::parse(&ctx.argv[2..], preset)?;
    let Some(zset) = ctx.zset(ctx.argv[1])? else {
        out.array(0);
        return Ok(());
    };
    let ranks = query.ranks(zset);
    members_head(out, ranks.len(), query.scores);
    let scores = query.scores;
    query.for_each(zset.range(ranks), |(member, score)| put_member(out, member, scores.then_some(score)));
    Ok(())
}

pub(super) fn zrangestore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let query = Query::parse(&argv[3..], Preset { store: true, ..Preset::default() })?;
    // Made as Redis makes it, member by member from a listpack on, unless the number of ranks says that it will not do:
    // what has been in a listpack has no negative zeros.
    let limits = ctx.limits();
    let mut stored = ZSet::new();
    if let Some(zset) = ctx.zset(argv[2])? {
        let ranks = query.ranks(zset);
        if matches!(query.bounds, Bounds::Rank(..)) {
            stored.expect(ranks.len(), 0, &limits);
        }
        let mut buf = NumBuf::new();
        query.for_each(zset.range(ranks), |(member, score)| {
            stored.add(member.as_bytes(&mut buf), score, AddOptions::default(), &limits);
        });
    }
    if matches!(query.bounds, Bounds::Score(..)) {
        log_plain_numbers(ctx, 3..5);
    }
    store(ctx, argv[1], "zrangestore", stored, out);
    Ok(())
}

/// Sets `key` to the result of a command, or deletes it when the result is empty, and replies with the number of members.
pub(in crate::command) fn store(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    event: &'static str,
    result: ZSet,
    out: &mut dyn ReplySink,
) {
    let len = result.len();
    if len > 0 {
        ctx.set_value(key, Value::ZSet(result), Expiry::Clear);
        ctx.notify(Class::ZSET, event, key);
        ctx.dirty(1);
    } else if ctx.remove(key) {
        ctx.notify(Class::GENERIC, "del", key);
        ctx.dirty(1);
    }
    out.int(len as i64);
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ranks_are_cut_to_what_is_there() {
        for (start, stop, want) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-2, -1, 3..5),
            (-100, 1, 0..2),
            (3, 100, 3..5),
            (3, 2, 3..3),
            (5, 6, 5..5),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MAX, i64::MIN, 0..0),
            (i64::MAX, i64::MAX, 5..5),
        ] {
            assert_eq!(ranks(start, stop, 5), want, "{start} {stop}");
        }
        assert!(ranks(0, -1, 0).is_empty());
    }
}
