//! XCLAIM and XAUTOCLAIM: pending entries change their owners.

use super::super::args;
use super::super::ctx::Ctx;
use super::group::{Claim, log_claim, log_consumer, log_group};
use super::{find_group, id, lower, no_group, quoted, reply_entry, reply_ids};
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::stream::{NEVER, Pending, Stream, StreamId};

/// What became of an entry that was to be claimed.
enum Claimed {
    /// It is the consumer's: since when, and delivered how often.
    Owned(StreamId, i64, u64),
    /// It was not in the stream any more and is not pending now; whose it had been, since when and how often.
    Gone(StreamId, Vec<u8>, i64, u64),
}

/// How entries are claimed.
struct Claiming<'a> {
    consumer: &'a [u8],
    now: i64,
    min_idle: i64,
    delivered_ms: i64,
    /// `None`: one more than before, or with JUSTID as before.
    times: Option<u64>,
    force: bool,
    just_id: bool,
}

impl Claiming<'_> {
    /// Whether it was delivered long enough ago.
    fn is_idle(&self, pending: &Pending) -> bool {
        self.min_idle == 0 || self.now.saturating_sub(pending.delivered_ms) >= self.min_idle
    }

    /// Claims one entry, `None` when that can not be. `pending` is what the group knows of it.
    fn claim(&self, stream: &mut Stream, name: &[u8], id: StreamId) -> Option<Claimed> {
        let pending = stream.group(name)?.pending_of(id).copied();
        if stream.get(id).is_none() {
            let pending = pending?;
            let owner = stream.group(name)?.owner_of(&pending).name().to_vec();
            stream.change_group(name, |group| group.acknowledge(id));
            return Some(Claimed::Gone(id, owner, pending.delivered_ms, pending.times));
        }
        let before = match pending {
            Some(pending) if self.is_idle(&pending) => pending.times,
            Some(_) => return None,
            // As if it had been delivered once: the count of a pending entry that is made begins there.
            None if self.force => 1,
            None => return None,
        };
        let times = self.times.unwrap_or(if self.just_id { before } else { before.wrapping_add(1) });
        stream.change_group(name, |group| {
            group.assign(id, self.consumer, self.delivered_ms, times);
            group.touch(self.consumer, self.now, true);
        });
        Some(Claimed::Owned(id, self.delivered_ms, times))
    }
}

/// Logs what became of entries.
fn log(ctx: &mut Ctx<'_>, key: &[u8], name: &[u8], consumer: &[u8], claimed: &[Claimed], last_id: StreamId) {
    for one in claimed {
        let (id, consumer, time, times) = match one {
            Claimed::Owned(id, time, times) => (*id, consumer, *time, *times),
            Claimed::Gone(id, owner, time, times) => (*id, &owner[..], *time, *times),
        };
        let time = num::fmt_i64(time);
        log_claim(ctx, &Claim { key, name, consumer, id, time: time.as_bytes(), times, last_id });
    }
    ctx.dirty(claimed.len());
}

fn owned(claimed: &[Claimed]) -> Vec<StreamId> {
    let owned = |one: &Claimed| if let Claimed::Owned(id, ..) = one { Some(*id) } else { None };
    claimed.iter().filter_map(owned).collect()
}

/// The entries that were claimed, or their identifiers only.
fn reply(ctx: &Ctx<'_>, out: &mut dyn ReplySink, key: &[u8], ids: &[StreamId], just_id: bool) -> Result<()> {
    if just_id {
        reply_ids(out, ids);
        return Ok(());
    }
    out.array(ids.len());
    let stream = ctx.stream(key)?;
    for &id in ids {
        match stream.and_then(|stream| stream.get(id)) {
            Some(entry) => reply_entry(out, &entry),
            None => out.null(),
        }
    }
    Ok(())
}

/// The options of XCLAIM behind the identifiers.
#[derive(Default)]
struct Options {
    delivered_ms: Option<i64>,
    times: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

fn options(argv: &[&[u8]], mut at: usize, now: i64) -> Result<Options> {
    let mut options = Options::default();
    while let Some(&option) = argv.get(at) {
        let value = argv.get(at + 1).copied();
        let mut with_value = true;
        match value {
            _ if args::is(option, "force") => (options.force, with_value) = (true, false),
            _ if args::is(option, "justid") => (options.just_id, with_value) = (true, false),
            Some(value) if args::is(option, "idle") => {
                let idle = args::int_or(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                options.delivered_ms = Some(now.wrapping_sub(idle));
            }
            Some(value) if args::is(option, "time") => {
                options.delivered_ms =
                    Some(args::int_or(value, "ERR Invalid TIME option argument for XCLAIM")?);
            }
            Some(value) if args::is(option, "retrycount") => {
                let times = args::int_or(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                options.times = u64::try_from(times).ok();
            }
            Some(value) if args::is(option, "lastid") => options.last_id = id(value)?,
            _ => {
                let option = quoted(option);
                return Err(Error::command(format!("ERR Unrecognized XCLAIM option '{option}'")));
            }
        }
        at += if with_value { 2 } else { 1 };
    }
    Ok(options)
}

pub(super) fn xclaim(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (key, name, consumer) = (argv[1], argv[2], argv[3]);
    if find_group(ctx, key, name)?.is_none() {
        return Err(no_group(key, name));
    }
    let min_idle = args::int_or(argv[4], "ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
    let ids: Vec<StreamId> = argv[5..].iter().map_while(|arg| StreamId::parse(arg, 0)).collect();
    let now = ctx.now();
    let options = options(argv, 5 + ids.len(), now)?;
    // A time that makes no sense is now.
    let delivered_ms = options.delivered_ms.filter(|at| (0..=now).contains(at)).unwrap_or(now);
    let Options { times, force, just_id, .. } = options;
    let claiming = Claiming { consumer, now, min_idle, delivered_ms, times, force, just_id };
    let done = ctx.modify_stream(key, false, |stream, _| {
        let (raised, created) = stream
            .change_group(name, |group| {
                let raised = options.last_id > group.last_id;
                group.last_id = group.last_id.max(options.last_id);
                let created = group.add_consumer(consumer, now, NEVER);
                group.touch(consumer, now, false);
                (raised, created)
            })
            .unwrap_or_default();
        let claimed: Vec<Claimed> =
            ids.into_iter().filter_map(|id| claiming.claim(stream, name, id)).collect();
        let at = stream.group(name).map(|group| (group.last_id, group.entries_read));
        (raised, created, claimed, at)
    })?;
    let Some((raised, created, claimed, Some((last_id, read)))) = done else {
        return Err(no_group(key, name));
    };
    if created {
        log_consumer(ctx, key, name, consumer);
    }
    log(ctx, key, name, consumer, &claimed, last_id);
    if raised && claimed.is_empty() {
        log_group(ctx, key, name, last_id, read);
        ctx.dirty(1);
    }
    reply(ctx, out, key, &owned(&claimed), just_id)
}

/// XAUTOCLAIM looks at so many pending entries for each one it may give.
const ATTEMPTS: usize = 10;

pub(super) fn xautoclaim(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (key, name, consumer) = (argv[1], argv[2], argv[3]);
    // The key is looked for before anything else, and only once.
    let present = ctx.guard.look(ctx.db(), key).is_some();
    let min_idle = args::int_or(argv[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
    let start = lower(argv[5])?;
    let (mut count, mut just_id, mut at) = (100, false, 6);
    while let Some(&option) = argv.get(at) {
        if args::is(option, "justid") {
            just_id = true;
            at += 1;
        } else if let (true, Some(value)) = (args::is(option, "count"), argv.get(at + 1)) {
            // As many as identifiers of 16 bytes fit the memory, says Redis.
            let positive = args::int_or(value, "ERR COUNT must be > 0")?;
            if !(1..=i64::MAX / 16).contains(&positive) {
                return Err(Error::command("ERR COUNT must be > 0"));
            }
            count = super::at_most(positive);
            at += 2;
        } else {
            return Err(Error::syntax());
        }
    }
    if !present || find_group(ctx, key, name)?.is_none() {
        return Err(no_group(key, name));
    }
    let now = ctx.now();
    let claiming =
        Claiming { consumer, now, min_idle, delivered_ms: now, times: None, force: false, just_id };
    let done = ctx.modify_stream(key, false, |stream, _| {
        let created = stream.change_group(name, |group| {
            let created = group.add_consumer(consumer, now, NEVER);
            group.touch(consumer, now, false);
            created
        });
        let (ids, next) = candidates(stream, name, &claiming, start, count);
        let claimed: Vec<Claimed> =
            ids.into_iter().filter_map(|id| claiming.claim(stream, name, id)).collect();
        let last_id = stream.group(name).map_or(StreamId::MIN, |group| group.last_id);
        (created == Some(true), claimed, next, last_id)
    })?;
    let Some((created, claimed, next, last_id)) = done else { return Err(no_group(key, name)) };
    if created {
        log_consumer(ctx, key, name, consumer);
    }
    log(ctx, key, name, consumer, &claimed, last_id);
    out.array(3);
    super::reply_id(out, next);
    reply(ctx, out, key, &owned(&claimed), just_id)?;
    let gone = |one: &Claimed| if let Claimed::Gone(id, ..) = one { Some(*id) } else { None };
    reply_ids(out, &claimed.iter().filter_map(gone).collect::<Vec<_>>());
    Ok(())
}

/// The pending entries to claim from `start` on, and where to go on: 0-0 at the end.
fn candidates(
    stream: &Stream,
    name: &[u8],
    claiming: &Claiming<'_>,
    start: StreamId,
    count: usize,
) -> (Vec<StreamId>, StreamId) {
    let mut ids = Vec::new();
    let Some(group) = stream.group(name) else { return (ids, StreamId::MIN) };
    let mut pending = group.pending(start, StreamId::MAX);
    let mut attempts = count.saturating_mul(ATTEMPTS);
    while attempts > 0 && ids.len() < count {
        attempts -= 1;
        let Some((id, one)) = pending.next() else { break };
        if claiming.is_idle(one) || stream.get(id).is_none() {
            ids.push(id);
        }
    }
    (ids, pending.next().map_or(StreamId::MIN, |(id, _)| id))
}
