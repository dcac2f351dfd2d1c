//! XPENDING: what was delivered to a group and not acknowledged.

use super::super::args;
use super::super::ctx::Ctx;
use super::{at_most, find_group, lower, no_group, reply_id, upper};
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::stream::{Consumer, Group, Pending, StreamId};

pub(super) fn xpending(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (key, name) = (argv[1], argv[2]);
    let wanted = match argv.len() {
        3 => None,
        6..=9 => Some(wanted(&argv[3..])?),
        _ => return Err(Error::syntax()),
    };
    let Some((_, group)) = find_group(ctx, key, name)? else { return Err(no_group(key, name)) };
    match wanted {
        None => summary(out, group),
        Some(wanted) => list(out, group, &wanted, ctx.now()),
    }
    Ok(())
}

/// Which pending entries are asked for.
struct Wanted<'a> {
    start: StreamId,
    end: StreamId,
    count: usize,
    min_idle: i64,
    consumer: Option<&'a [u8]>,
}

/// `[IDLE ms] start end count [consumer]`; what follows the consumer is overlooked, as by Redis.
fn wanted<'a>(rest: &[&'a [u8]]) -> Result<Wanted<'a>> {
    let mut min_idle = 0;
    let mut rest = rest;
    if let [word, idle, more @ ..] = rest
        && args::is(word, "idle")
    {
        min_idle = args::int(idle)?;
        rest = more;
    }
    let [start, end, count, more @ ..] = rest else { return Err(Error::syntax()) };
    let count = at_most(args::int(count)?);
    let (start, end) = (lower(start)?, upper(end)?);
    Ok(Wanted { start, end, count, min_idle, consumer: more.first().copied() })
}

fn summary(out: &mut dyn ReplySink, group: &Group) {
    out.array(4);
    out.int(group.pending_len() as i64);
    let mut all = group.pending(StreamId::MIN, StreamId::MAX);
    let Some((first, _)) = all.next() else {
        out.null();
        out.null();
        out.null_array();
        return;
    };
    let last = all.next_back().map_or(first, |(id, _)| id);
    reply_id(out, first);
    reply_id(out, last);
    let busy: Vec<&Consumer> = group.consumers().filter(|consumer| consumer.pending_len() > 0).collect();
    out.array(busy.len());
    for consumer in busy {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk_int(consumer.pending_len() as i64);
    }
}

fn list(out: &mut dyn ReplySink, group: &Group, wanted: &Wanted<'_>, now: i64) {
    let &Wanted { start, end, count, min_idle, consumer } = wanted;
    let idle = |pending: &Pending| now.saturating_sub(pending.delivered_ms);
    let long_enough = |(_, pending): &(StreamId, &Pending)| min_idle == 0 || idle(pending) >= min_idle;
    let found: Vec<(StreamId, &Pending)> = match consumer {
        None => group.pending(start, end).filter(long_enough).take(count).collect(),
        Some(name) => match group.consumer(name) {
            None => Vec::new(),
            Some(consumer) => {
                group.pending_for(consumer, start, end).filter(long_enough).take(count).collect()
            }
        },
    };
    out.array(found.len());
    for (id, pending) in found {
        out.array(4);
        reply_id(out, id);
        out.bulk(group.owner_of(pending).name());
        out.int(idle(pending).max(0));
        out.int(pending.times as i64);
    }
}
