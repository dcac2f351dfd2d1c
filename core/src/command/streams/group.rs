//! XGROUP, XREADGROUP, XACK.

use super::super::args;
use super::super::ctx::Ctx;
use super::read::{self, Reading};
use super::{change_group, find_group, id, ids, quoted, reply_entry, reply_id};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::stream::{Group, NEVER, READ_UNKNOWN, Stream, StreamId};

const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
                      the MKSTREAM option to create an empty stream automatically.";

fn no_such_group(key: &[u8], name: &[u8]) -> Error {
    let (key, name) = (quoted(key), quoted(name));
    Error::command(format!("NOGROUP No such consumer group '{name}' for key name '{key}'"))
}

/// MKSTREAM and ENTRIESREAD, as far as a subcommand knows them.
fn group_options(argv: &[&[u8]], creates: bool) -> Result<(bool, Option<i64>)> {
    let (mut make, mut read, mut at) = (false, None, 5);
    while at < argv.len() {
        if creates && args::is(argv[at], "mkstream") {
            make = true;
        } else if args::is(argv[at], "entriesread") && at + 1 < argv.len() {
            at += 1;
            let n = args::int(argv[at])?;
            if n < 0 && n != READ_UNKNOWN {
                return Err(Error::command("ERR value for ENTRIESREAD must be positive or -1"));
            }
            read = Some(n);
        } else {
            return Err(wrong_subcommand(argv[1]));
        }
        at += 1;
    }
    Ok((make, read))
}

fn wrong_subcommand(given: &[u8]) -> Error {
    Error::command(format!(
        "ERR unknown subcommand or wrong number of arguments for '{}'. Try XGROUP HELP.",
        quoted(given)
    ))
}

pub(super) fn create(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (key, name) = (argv[2], argv[3]);
    let (make, read) = group_options(argv, true)?;
    let present = super::add::present(ctx, key)?;
    if !present && !make {
        return Err(Error::command(NO_KEY));
    }
    if argv.len() > 8 {
        return Err(wrong_subcommand(argv[1]));
    }
    // A new stream's last identifier is 0-0, so this can be read before it is made.
    let last_id = group_id(if present { ctx.stream(key)? } else { None }, argv[4])?;
    let created = ctx.modify_stream(key, make, |stream, _| {
        stream.add_group(name, Group::new(last_id, believed(stream, read)))
    })?;
    if created != Some(true) {
        return Err(Error::command("BUSYGROUP Consumer Group name already exists"));
    }
    ctx.notify(Class::STREAM, "xgroup-create", key);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

/// How much a group is believed to have read: no more than there was to read, since Redis 8.2.
fn believed(stream: &Stream, read: Option<i64>) -> i64 {
    read.unwrap_or(READ_UNKNOWN).min(i64::try_from(stream.entries_added()).unwrap_or(i64::MAX))
}

/// The identifier of a group: `$` is the stream's last one.
fn group_id(stream: Option<&Stream>, arg: &[u8]) -> Result<StreamId> {
    if arg == b"$" { Ok(stream.map_or(StreamId::MIN, Stream::last_id)) } else { id(arg) }
}

/// The key must be there, and the group.
fn check_group(ctx: &mut Ctx<'_>, key: &[u8], name: &[u8]) -> Result<()> {
    if !super::add::present(ctx, key)? {
        return Err(Error::command(NO_KEY));
    }
    if find_group(ctx, key, name)?.is_none() {
        return Err(no_such_group(key, name));
    }
    Ok(())
}

pub(super) fn set_id(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (key, name) = (argv[2], argv[3]);
    let (_, read) = group_options(argv, false)?;
    check_group(ctx, key, name)?;
    if argv.len() > 7 {
        return Err(wrong_subcommand(argv[1]));
    }
    let last_id = group_id(ctx.stream(key)?, argv[4])?;
    ctx.modify_stream(key, false, |stream, _| {
        let read = believed(stream, read);
        stream.change_group(name, |group| {
            group.last_id = last_id;
            group.entries_read = read;
        })
    })?;
    ctx.notify(Class::STREAM, "xgroup-setid", key);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

pub(super) fn destroy(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name) = (ctx.argv[2], ctx.argv[3]);
    if !super::add::present(ctx, key)? {
        return Err(Error::command(NO_KEY));
    }
    let removed = ctx.modify_stream(key, false, |stream, _| stream.remove_group(name))? == Some(true);
    if removed {
        ctx.notify(Class::STREAM, "xgroup-destroy", key);
    }
    ctx.dirty(usize::from(removed));
    out.int(i64::from(removed));
    Ok(())
}

pub(super) fn create_consumer(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name, consumer) = (ctx.argv[2], ctx.argv[3], ctx.argv[4]);
    check_group(ctx, key, name)?;
    let now = ctx.now();
    let created = change_group(ctx, key, name, |group| group.add_consumer(consumer, now, NEVER))?;
    let created = created == Some(true);
    if created {
        ctx.notify(Class::STREAM, "xgroup-createconsumer", key);
    }
    ctx.dirty(usize::from(created));
    out.int(i64::from(created));
    Ok(())
}

pub(super) fn delete_consumer(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name, consumer) = (ctx.argv[2], ctx.argv[3], ctx.argv[4]);
    check_group(ctx, key, name)?;
    let removed = change_group(ctx, key, name, |group| group.remove_consumer(consumer))?.flatten();
    if removed.is_some() {
        ctx.notify(Class::STREAM, "xgroup-delconsumer", key);
    }
    ctx.dirty(usize::from(removed.is_some()));
    out.int(removed.unwrap_or(0) as i64);
    Ok(())
}

pub(super) fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "XGROUP",
        &[
            "CREATE <key> <groupname> <id|$> [option]",
            "    Create a new consumer group. Options are:",
            "    * MKSTREAM",
            "      Create the empty stream if it does not exist.",
            "    * ENTRIESREAD entries_read",
            "      Set the group's entries_read counter (internal use).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "    Create a new consumer in the specified group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "    Remove the specified consumer.",
            "DESTROY <key> <groupname>",
            "    Remove the specified group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "    Set the current group ID and entries_read counter.",
        ],
    );
    Ok(())
}

pub(super) fn xack(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name, rest) = (ctx.argv[1], ctx.argv[2], &ctx.argv[3..]);
    if find_group(ctx, key, name)?.is_none() {
        out.int(0);
        return Ok(());
    }
    let ids = ids(rest)?;
    let acknowledged = change_group(ctx, key, name, |group| {
        ids.into_iter().filter(|id| group.acknowledge(*id).is_some()).count()
    })?;
    let acknowledged = acknowledged.unwrap_or(0);
    ctx.dirty(acknowledged);
    out.int(acknowledged as i64);
    Ok(())
}

/// What one stream of an XREADGROUP gives.
enum Given {
    Nothing,
    /// New entries, from the first to the last.
    New(StreamId, StreamId),
    /// Pending entries of the consumer itself.
    History(Vec<StreamId>),
}

/// From where a consumer reads: new entries, or its own pending ones behind an identifier.
#[derive(Clone, Copy, PartialEq)]
enum From {
    New,
    After(StreamId),
}

pub(super) fn xreadgroup(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let reading = read::reading(ctx, true)?;
    let Some((name, consumer)) = reading.group else { return Err(Error::syntax()) };
    let mut from = Vec::with_capacity(reading.keys.len());
    for (&key, &arg) in reading.keys.iter().zip(reading.ids) {
        if find_group(ctx, key, name)?.is_none() {
            let (key, name) = (quoted(key), quoted(name));
            return Err(Error::command(format!(
                "NOGROUP No such key '{key}' or consumer group '{name}' in XREADGROUP with GROUP option"
            )));
        }
        from.push(from_where(arg)?);
    }
    let mut given = Vec::with_capacity(from.len());
    for (&key, from) in reading.keys.iter().zip(from) {
        given.push(give(ctx, key, name, consumer, from, &reading)?);
    }
    let served = given.iter().filter(|given| !matches!(given, Given::Nothing)).count();
    if served == 0 {
        return read::nothing(ctx, &reading, None, out);
    }
    read::reply_head(out, served);
    for (&key, given) in reading.keys.iter().zip(&given) {
        reply_given(ctx, out, key, given)?;
    }
    Ok(())
}

fn from_where(arg: &[u8]) -> Result<From> {
    let meaningless = |symbol: char| {
        Err(Error::command(format!(
            "ERR The {symbol} ID is meaningless in the context of XREADGROUP: you want to read the history of this \
             consumer by specifying a proper ID, or use the > ID to get new messages. The {symbol} ID would just \
             return an empty result set."
        )))
    };
    match arg {
        b"$" => meaningless('$'),
        b"+" => meaningless('+'),
        b">" => Ok(From::New),
        arg => match id(arg)? {
            // Redis has no other sign for "new".
            StreamId::MAX => Ok(From::New),
            id => Ok(From::After(id)),
        },
    }
}

/// Delivers entries of one stream to a consumer, and logs that.
fn give(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    name: &[u8],
    consumer: &[u8],
    from: From,
    reading: &Reading<'_>,
) -> Result<Given> {
    let now = ctx.now();
    // What was delivered, and how often by now.
    let mut delivered: Vec<(StreamId, u64)> = Vec::new();
    let mut group_at = None;
    let given = ctx.modify_stream(key, false, |stream, _| {
        let created = stream
            .change_group(name, |group| {
                let created = group.add_consumer(consumer, now, NEVER);
                group.touch(consumer, now, false);
                created
            })
            .unwrap_or(false);
        let given = match from {
            From::After(id) => {
                let (ids, again) = give_history(stream, name, consumer, id, reading.count, now);
                delivered = again;
                Given::History(ids)
            }
            From::New => {
                let ids = give_new(stream, name, consumer, reading, now);
                delivered = ids.iter().map(|id| (*id, 1)).collect();
                match ids[..] {
                    [] => Given::Nothing,
                    [first, .., last] => Given::New(first, last),
                    [only] => Given::New(only, only),
                }
            }
        };
        group_at = stream.group(name).map(|group| (group.last_id, group.entries_read));
        (created, given)
    })?;
    let Some((created, given)) = given else { return Ok(Given::Nothing) };
    if created {
        log_consumer(ctx, key, name, consumer);
    }
    if let (Some((last_id, read)), false) = (group_at, delivered.is_empty()) {
        if from != From::New || !reading.no_ack {
            let time = now.to_string();
            for &(id, times) in &delivered {
                log_claim(ctx, &Claim { key, name, consumer, id, time: time.as_bytes(), times, last_id });
            }
        }
        if from == From::New {
            log_group(ctx, key, name, last_id, read);
        }
        ctx.dirty(delivered.len());
    }
    Ok(given)
}

/// New entries become pending for the consumer (unless nobody will acknowledge them); gives their identifiers.
fn give_new(
    stream: &mut Stream,
    name: &[u8],
    consumer: &[u8],
    reading: &Reading<'_>,
    now: i64,
) -> Vec<StreamId> {
    let start = stream.group(name).and_then(|group| group.last_id.next());
    let ids: Vec<StreamId> = match start {
        Some(start) => stream.range(start, StreamId::MAX).map(|entry| entry.id).take(reading.count).collect(),
        None => Vec::new(),
    };
    let Some(&last) = ids.last() else { return ids };
    let read = entries_read(stream, name, &ids);
    stream.change_group(name, |group| {
        group.last_id = last;
        group.entries_read = read;
        if !reading.no_ack {
            ids.iter().for_each(|id| group.assign(*id, consumer, now, 1));
            group.touch(consumer, now, true);
        }
    });
    ids
}

/// How many entries a group has read after it has read these.
fn entries_read(stream: &Stream, name: &[u8], ids: &[StreamId]) -> i64 {
    let Some(group) = stream.group(name) else { return READ_UNKNOWN };
    let (mut read, mut last_id) = (group.entries_read, group.last_id);
    for &id in ids {
        let counts_on = read != READ_UNKNOWN && last_id >= stream.first_id();
        if counts_on && !stream.has_gaps_from(last_id) {
            read = read.wrapping_add(1);
        } else if stream.entries_added() > 0 {
            read = stream.count_up_to(id);
        }
        last_id = id;
    }
    read
}

/// What is pending for the consumer behind `after` is delivered once more, unless it was deleted meanwhile: all
/// identifiers, and those that were delivered with their number of deliveries.
fn give_history(
    stream: &mut Stream,
    name: &[u8],
    consumer: &[u8],
    after: StreamId,
    count: usize,
    now: i64,
) -> (Vec<StreamId>, Vec<(StreamId, u64)>) {
    let Some(start) = after.next() else { return Default::default() };
    let ids: Vec<StreamId> = match stream.group(name) {
        Some(group) => match group.consumer(consumer) {
            Some(consumer) => {
                group.pending_for(consumer, start, StreamId::MAX).map(|(id, _)| id).take(count).collect()
            }
            None => Vec::new(),
        },
        None => Vec::new(),
    };
    let there: Vec<StreamId> = ids.iter().copied().filter(|id| stream.get(*id).is_some()).collect();
    let again = stream.change_group(name, |group| {
        let again = |id| group.deliver_again(id, now).map(|times| (id, times));
        there.into_iter().filter_map(again).collect()
    });
    (ids, again.unwrap_or_default())
}

fn reply_given(ctx: &Ctx<'_>, out: &mut dyn ReplySink, key: &[u8], given: &Given) -> Result<()> {
    let Some(stream) = ctx.stream(key)? else { return Ok(()) };
    match given {
        Given::Nothing => {}
        Given::New(first, last) => {
            read::reply_key(out, key);
            super::reply_entries(out, stream.range(*first, *last));
        }
        Given::History(ids) => {
            read::reply_key(out, key);
            out.array(ids.len());
            for &id in ids {
                match stream.get(id) {
                    Some(entry) => reply_entry(out, &entry),
                    None => {
                        out.array(2);
                        reply_id(out, id);
                        out.null_array();
                    }
                }
            }
        }
    }
    Ok(())
}

/// A claim to be logged.
pub(super) struct Claim<'a> {
    pub(super) key: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) consumer: &'a [u8],
    pub(super) id: StreamId,
    pub(super) time: &'a [u8],
    pub(super) times: u64,
    pub(super) last_id: StreamId,
}

/// Logs whose a pending entry is.
pub(super) fn log_claim(ctx: &mut Ctx<'_>, claim: &Claim<'_>) {
    let Claim { key, name, consumer, time, .. } = *claim;
    let (id, last_id) = (claim.id.text(), claim.last_id.text());
    let times = claim.times.min(i64::MAX as u64).to_string();
    let argv: [&[u8]; 14] = [
        b"XCLAIM",
        key,
        name,
        consumer,
        b"0",
        id.as_ref(),
        b"TIME",
        time,
        b"RETRYCOUNT",
        times.as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_ref(),
    ];
    ctx.log_instead(&argv);
}

/// Logs how far a group has read.
pub(super) fn log_group(ctx: &mut Ctx<'_>, key: &[u8], name: &[u8], last_id: StreamId, read: i64) {
    let (last_id, read) = (last_id.text(), read.max(READ_UNKNOWN).to_string());
    let argv: [&[u8]; 7] =
        [b"XGROUP", b"SETID", key, name, last_id.as_ref(), b"ENTRIESREAD", read.as_bytes()];
    ctx.log_instead(&argv);
}

/// Logs and tells of a consumer that was made by the way.
pub(super) fn log_consumer(ctx: &mut Ctx<'_>, key: &[u8], name: &[u8], consumer: &[u8]) {
    let argv: [&[u8]; 5] = [b"XGROUP", b"CREATECONSUMER", key, name, consumer];
    ctx.log_instead(&argv);
    ctx.notify(Class::STREAM, "xgroup-createconsumer", key);
    ctx.dirty(1);
}
