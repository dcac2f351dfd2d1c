//! XLEN, XRANGE, XREVRANGE, XREAD, and the options XREAD shares with XREADGROUP.

use std::time::Duration;

use super::super::args;
use super::super::blocking::{self, Nothing, Request};
use super::super::ctx::Ctx;
use super::{at_most, id, lower, reply_entries, reply_entry, upper};
use crate::error::{Error, Result};
use crate::keyspace::Wanted;
use crate::reply::ReplySink;
use crate::value::stream::{Entry, Stream, StreamId};

pub(super) fn xlen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let len = ctx.stream(ctx.argv[1])?.map_or(0, Stream::len);
    out.int(len as i64);
    Ok(())
}

pub(super) fn xrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, end) = (lower(ctx.argv[2])?, upper(ctx.argv[3])?);
    let Some((stream, count)) = ranged(ctx, out)? else { return Ok(()) };
    reply_entries(out, stream.range(start, end).take(count));
    Ok(())
}

pub(super) fn xrevrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, end) = (lower(ctx.argv[3])?, upper(ctx.argv[2])?);
    let Some((stream, count)) = ranged(ctx, out)? else { return Ok(()) };
    reply_entries(out, stream.range_back(start, end).take(count));
    Ok(())
}

/// The stream and how many entries are wanted of it; answers itself when there is nothing to look for.
fn ranged<'a>(ctx: &'a Ctx<'_>, out: &mut dyn ReplySink) -> Result<Option<(&'a Stream, usize)>> {
    let mut count = None;
    for option in ctx.argv[4..].chunks(2) {
        match *option {
            [word, value] if args::is(word, "count") => count = Some(args::int(value)?.max(0)),
            _ => return Err(Error::syntax()),
        }
    }
    let Some(stream) = ctx.stream(ctx.argv[1])? else {
        out.array(0);
        return Ok(None);
    };
    match count {
        Some(0) => {
            out.null_array();
            Ok(None)
        }
        count => Ok(Some((stream, count.map_or(usize::MAX, at_most)))),
    }
}

/// The arguments of XREAD and XREADGROUP.
pub(super) struct Reading<'a> {
    /// Of each stream; [`usize::MAX`] for all.
    pub(super) count: usize,
    /// Group and consumer.
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    pub(super) no_ack: bool,
    /// BLOCK: wait so long for entries; `None` within for ever.
    pub(super) wait: Option<Option<Duration>>,
    pub(super) keys: &'a [&'a [u8]],
    /// As many as keys.
    pub(super) ids: &'a [&'a [u8]],
}

/// Reads the options of XREAD or XREADGROUP.
pub(super) fn reading<'a>(ctx: &Ctx<'a>, grouped: bool) -> Result<Reading<'a>> {
    let argv = ctx.argv;
    let only_grouped = |option: &str| {
        let text =
            format!("ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.");
        Err(Error::command(text))
    };
    let mut reading =
        Reading { count: usize::MAX, group: None, no_ack: false, wait: None, keys: &[], ids: &[] };
    let mut at = 1;
    loop {
        let Some(option) = argv.get(at) else { return Err(Error::syntax()) };
        let more = argv.len() - 1 - at;
        if args::is(option, "block") && more > 0 {
            at += 1;
            reading.wait = Some(blocking::milliseconds(ctx, argv[at])?);
        } else if args::is(option, "count") && more > 0 {
            at += 1;
            let count = args::int(argv[at])?;
            reading.count = if count <= 0 { usize::MAX } else { at_most(count) };
        } else if args::is(option, "streams") && more > 0 {
            let rest = &argv[at + 1..];
            if !rest.len().is_multiple_of(2) {
                let (name, symbol) = if grouped { ("xreadgroup", '>') } else { ("xread", '$') };
                return Err(Error::command(format!(
                    "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be \
                     specified."
                )));
            }
            (reading.keys, reading.ids) = rest.split_at(rest.len() / 2);
            break;
        } else if args::is(option, "group") && more >= 2 {
            if !grouped {
                return only_grouped("GROUP");
            }
            reading.group = Some((argv[at + 1], argv[at + 2]));
            at += 2;
        } else if args::is(option, "noack") {
            if !grouped {
                return only_grouped("NOACK");
            }
            reading.no_ack = true;
        } else {
            return Err(Error::syntax());
        }
        at += 1;
    }
    if grouped && reading.group.is_none() {
        return Err(Error::command("ERR Missing GROUP option for XREADGROUP"));
    }
    Ok(reading)
}

/// The answer when there is nothing to read: waits, if the call asks for that.
pub(super) fn nothing(
    ctx: &mut Ctx<'_>,
    reading: &Reading<'_>,
    argv: Option<Vec<Vec<u8>>>,
    out: &mut dyn ReplySink,
) -> Result<()> {
    let Some(timeout) = reading.wait else {
        out.null_array();
        return Ok(());
    };
    let keys = reading.keys.iter().map(|key| key.to_vec()).collect();
    let wanted = if reading.group.is_some() { Wanted::Any } else { Wanted::Stream };
    ctx.block(Request { keys, wanted, timeout, nothing: Nothing::NullArray, argv }, out)
}

pub(super) fn xread(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let reading = reading(ctx, false)?;
    let mut found: Vec<(&[u8], Vec<Entry<'_>>)> = Vec::new();
    for (&key, &arg) in reading.keys.iter().zip(reading.ids) {
        let stream = ctx.stream(key)?;
        let after = after(stream, arg)?;
        let Some(stream) = stream else { continue };
        let Some(start) = after.next() else { continue };
        let entries: Vec<_> = stream.range(start, StreamId::MAX).take(reading.count).collect();
        if !entries.is_empty() {
            found.push((key, entries));
        }
    }
    // Servers look for each stream twice: what its identifier means, and what it holds.
    for key in reading.keys {
        if ctx.guard.peek(ctx.db(), key).is_none() {
            ctx.exists(key);
        }
    }
    if found.is_empty() {
        let argv = frozen(ctx, &reading)?;
        return nothing(ctx, &reading, argv, out);
    }
    reply_head(out, found.len());
    for (key, entries) in found {
        reply_key(out, key);
        out.array(entries.len());
        entries.iter().for_each(|entry| reply_entry(out, entry));
    }
    Ok(())
}

/// The call with what `$` and `+` mean now in their place: later they would mean something else.
fn frozen(ctx: &Ctx<'_>, reading: &Reading<'_>) -> Result<Option<Vec<Vec<u8>>>> {
    if reading.wait.is_none() || !reading.ids.iter().any(|id| matches!(*id, b"$" | b"+")) {
        return Ok(None);
    }
    let mut argv: Vec<Vec<u8>> = ctx.argv.iter().map(|arg| arg.to_vec()).collect();
    let first = argv.len() - reading.ids.len();
    for (at, (&key, &id)) in reading.keys.iter().zip(reading.ids).enumerate() {
        let stream = if ctx.check_type(key, "stream")? { ctx.stream(key)? } else { None };
        argv[first + at] = after(stream, id)?.to_string().into_bytes();
    }
    Ok(Some(argv))
}

/// The identifier behind which a reader wants to read.
fn after(stream: Option<&Stream>, arg: &[u8]) -> Result<StreamId> {
    match arg {
        b"$" => Ok(stream.map_or(StreamId::MIN, Stream::last_id)),
        // The last entry there is, if there is one.
        b"+" => Ok(stream.and_then(|stream| stream.last_entry_id().prev()).unwrap_or_default()),
        b">" => Err(Error::command(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        )),
        arg => id(arg),
    }
}

/// The head of a reply about `n` streams.
pub(super) fn reply_head(out: &mut dyn ReplySink, n: usize) {
    if out.resp3() { out.map(n) } else { out.array(n) }
}

/// The head of one stream's part, whose entries follow.
pub(super) fn reply_key(out: &mut dyn ReplySink, key: &[u8]) {
    if !out.resp3() {
        out.array(2);
    }
    out.bulk(key);
}
