//! Commands on streams: [`add`] what adds entries, [`delete`] what removes them, [`trim`] how a stream is shortened, [`read`] the readers,
//! [`group`] the groups and their readers, [`claim`] who owns what is pending, [`pending`] what is pending, [`info`]
//! XINFO.
//!
//! XREAD and XREADGROUP do not wait: with BLOCK and nothing to give they answer as inside of a transaction, null at
//! once.
//!
//! What a reader of a group does is logged as real servers log it: the outcome, as XCLAIM, XGROUP SETID and XGROUP
//! CREATECONSUMER. Two things are logged which real servers forget: that pending entries were delivered once more, and
//! consumers that were made by the way.

mod add;
mod claim;
mod delete;
mod group;
mod info;
mod pending;
mod read;
mod rows;
mod trim;

use super::args::shown;
use super::ctx::Ctx;
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::stream::{Entry, Group, Stream, StreamId};

pub(super) use rows::COMMANDS;

const INVALID_ID: &str = "ERR Invalid stream ID specified as stream command argument";

/// An identifier without the short forms `-` and `+`; a missing sequence number is 0.
fn id(arg: &[u8]) -> Result<StreamId> {
    StreamId::parse(arg, 0).ok_or_else(|| Error::command(INVALID_ID))
}

fn ids(args: &[&[u8]]) -> Result<Vec<StreamId>> {
    args.iter().map(|arg| id(arg)).collect()
}

/// One end of an interval: `-`, `+`, an identifier, or `(` and an identifier that is not included.
fn bound(arg: &[u8], missing_seq: u64) -> Result<(StreamId, bool)> {
    let parse = |arg| StreamId::parse(arg, missing_seq).ok_or_else(|| Error::command(INVALID_ID));
    match arg {
        b"-" => Ok((StreamId::MIN, false)),
        b"+" => Ok((StreamId::MAX, false)),
        [b'(', rest @ ..] if !rest.is_empty() => Ok((parse(rest)?, true)),
        _ => Ok((parse(arg)?, false)),
    }
}

/// The lower end of an interval, included.
fn lower(arg: &[u8]) -> Result<StreamId> {
    let (id, excluded) = bound(arg, 0)?;
    let id = if excluded { id.next() } else { Some(id) };
    id.ok_or_else(|| Error::command("ERR invalid start ID for the interval"))
}

/// The upper end of an interval, included.
fn upper(arg: &[u8]) -> Result<StreamId> {
    let (id, excluded) = bound(arg, u64::MAX)?;
    let id = if excluded { id.prev() } else { Some(id) };
    id.ok_or_else(|| Error::command("ERR invalid end ID for the interval"))
}

/// A count for [`Iterator::take`].
fn at_most(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// A caller's word in an error text, whole.
fn quoted(word: &[u8]) -> String {
    shown(word, word.len())
}

fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (quoted(key), quoted(group));
    Error::command(format!("NOGROUP No such key '{key}' or consumer group '{group}'"))
}

/// The stream and its group; WRONGTYPE for another type.
fn find_group<'a>(ctx: &'a Ctx<'_>, key: &[u8], name: &[u8]) -> Result<Option<(&'a Stream, &'a Group)>> {
    let stream = ctx.stream(key)?;
    Ok(stream.and_then(|stream| stream.group(name).map(|group| (stream, group))))
}

/// Changes a group that is there.
fn change_group<R>(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    name: &[u8],
    change: impl FnOnce(&mut Group) -> R,
) -> Result<Option<R>> {
    let result = ctx.modify_stream(key, false, |stream, _| stream.change_group(name, change))?;
    Ok(result.flatten())
}

fn reply_id(out: &mut dyn ReplySink, id: StreamId) {
    out.bulk(id.text().as_ref());
}

fn reply_ids(out: &mut dyn ReplySink, ids: &[StreamId]) {
    out.array(ids.len());
    ids.iter().for_each(|id| reply_id(out, *id));
}

fn reply_entry(out: &mut dyn ReplySink, entry: &Entry<'_>) {
    out.array(2);
    reply_id(out, entry.id);
    out.array(2 * entry.len());
    for (field, value) in entry.pairs() {
        out.element(field);
        out.element(value);
    }
}

fn reply_entries<'a>(out: &mut dyn ReplySink, entries: impl Iterator<Item = Entry<'a>>) {
    let entries: Vec<_> = entries.collect();
    out.array(entries.len());
    entries.iter().for_each(|entry| reply_entry(out, entry));
}

#[cfg(test)]
mod tests;
