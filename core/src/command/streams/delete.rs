//! XDEL, and XDELEX and XACKDEL of Redis 8.2, which say what becomes of an entry's references.

use super::super::args;
use super::super::ctx::Ctx;
use super::add::present;
use super::trim::refs_of;
use super::{find_group, ids};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::stream::{Refs, Stream, StreamId};

pub(super) fn xdel(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, rest) = (ctx.argv[1], &ctx.argv[2..]);
    // As Redis: without the key nothing is wrong with the identifiers.
    if !present(ctx, key)? {
        out.int(0);
        return Ok(());
    }
    let ids = ids(rest)?;
    let deleted =
        ctx.modify_stream(key, false, |stream, _| ids.into_iter().filter(|id| stream.delete(*id)).count())?;
    let deleted = deleted.unwrap_or(0);
    if deleted > 0 {
        ctx.notify(Class::STREAM, "xdel", key);
    }
    ctx.dirty(deleted);
    out.int(deleted as i64);
    Ok(())
}

/// What XDELEX and XACKDEL answer for each identifier.
mod outcome {
    pub(super) const MISSING: i64 = -1;
    pub(super) const DELETED: i64 = 1;
    /// A group has yet to read or to acknowledge it.
    pub(super) const REFERENCED: i64 = 2;
}

const NOT_POSITIVE: &str = "ERR Number of IDs must be a positive integer";
const NO_MATCH: &str = "ERR The `numids` parameter must match the number of arguments";

/// `[KEEPREF | DELREF | ACKED] IDS numids id …`, in any order; of several IDS the last counts.
fn wanted<'a>(rest: &'a [&'a [u8]]) -> Result<(Refs, &'a [&'a [u8]])> {
    let (mut refs, mut ids) = (None, None);
    let mut at = 0;
    while let Some(&option) = rest.get(at) {
        if let (Some(given), None) = (refs_of(option), refs) {
            refs = Some(given);
            at += 1;
        } else if let (true, Some(count)) = (args::is(option, "ids"), rest.get(at + 1)) {
            let count = args::int_or(count, NOT_POSITIVE)?;
            if count < 1 {
                return Err(Error::command(NOT_POSITIVE));
            }
            let end = usize::try_from(count).ok().and_then(|count| count.checked_add(at + 2));
            let given = end.and_then(|end| rest.get(at + 2..end)).ok_or_else(|| Error::command(NO_MATCH))?;
            at += 2 + given.len();
            ids = Some(given);
        } else {
            return Err(Error::syntax());
        }
    }
    Ok((refs.unwrap_or_default(), ids.ok_or_else(Error::syntax)?))
}

/// Deletes an entry as far as its references allow; the outcome, and whether anything changed.
fn delete(stream: &mut Stream, id: StreamId, refs: Refs) -> (i64, bool) {
    if refs == Refs::Acked && stream.is_referenced(id) {
        return (outcome::REFERENCED, false);
    }
    let forgotten = refs == Refs::Delete && stream.forget(id);
    if stream.delete(id) { (outcome::DELETED, true) } else { (outcome::MISSING, forgotten) }
}

fn reply(out: &mut dyn ReplySink, outcomes: &[i64]) {
    out.array(outcomes.len());
    outcomes.iter().for_each(|outcome| out.int(*outcome));
}

pub(super) fn xdelex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let (refs, given) = wanted(&ctx.argv[2..])?;
    if !present(ctx, key)? {
        reply(out, &vec![outcome::MISSING; given.len()]);
        return Ok(());
    }
    let ids = ids(given)?;
    let done: Vec<(i64, bool)> = ctx
        .modify_stream(key, false, |stream, _| ids.into_iter().map(|id| delete(stream, id, refs)).collect())?
        .unwrap_or_default();
    answer(ctx, out, &done);
    Ok(())
}

pub(super) fn xackdel(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name) = (ctx.argv[1], ctx.argv[2]);
    // The key is looked for before anything else, and only once.
    let present = ctx.guard.look(ctx.db(), key).is_some();
    let (refs, given) = wanted(&ctx.argv[3..])?;
    if !present || find_group(ctx, key, name)?.is_none() {
        reply(out, &vec![outcome::MISSING; given.len()]);
        return Ok(());
    }
    let ids = ids(given)?;
    let one = |stream: &mut Stream, id| match stream.change_group(name, |group| group.acknowledge(id)) {
        Some(Some(_)) => match delete(stream, id, refs).0 {
            outcome::REFERENCED => (outcome::REFERENCED, true),
            // Be it that the entry was deleted before: it is gone and acknowledged.
            _ => (outcome::DELETED, true),
        },
        _ => (outcome::MISSING, false),
    };
    let done: Vec<(i64, bool)> = ctx
        .modify_stream(key, false, |stream, _| ids.into_iter().map(|id| one(stream, id)).collect())?
        .unwrap_or_default();
    answer(ctx, out, &done);
    Ok(())
}

/// Answers with the outcomes; what changed is counted.
fn answer(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, done: &[(i64, bool)]) {
    if done.iter().any(|(outcome, _)| *outcome == outcome::DELETED) {
        ctx.notify(Class::STREAM, "xdel", ctx.argv[1]);
    }
    ctx.dirty(done.iter().filter(|(_, changed)| *changed).count());
    out.array(done.len());
    done.iter().for_each(|(outcome, _)| out.int(*outcome));
}
