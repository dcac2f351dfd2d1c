//! A stream as commands, for the base of the log in command form.
//!
//! Real servers write the entries, XSETID, and for each group what is pending as XCLAIM with FORCE, which only takes
//! entries that are there: what is pending of deleted entries is lost with them. Here such entries are added once more
//! for as long as the claims take and deleted again, and XSETID sets the numbers right once more. What can not be
//! said in commands (when consumers were seen and active) is lost here as well.

use crate::error::Result;
use crate::value::stream::{Stream, StreamId};

/// Gives every command to `emit`.
pub(super) fn commands(
    key: &[u8],
    stream: &Stream,
    mut emit: impl FnMut(&[&[u8]]) -> Result<()>,
) -> Result<()> {
    let gone = pending_without_entry(stream);
    let mut next_gone = gone.iter().peekable();
    let stand_in = |emit: &mut dyn FnMut(&[&[u8]]) -> Result<()>, id: &StreamId| {
        emit(&[b"XADD", key, id.text().as_ref(), b"x", b"y"])
    };
    for entry in stream.iter() {
        while let Some(id) = next_gone.next_if(|id| **id < entry.id) {
            stand_in(&mut emit, id)?;
        }
        let pairs: Vec<Vec<u8>> =
            entry.pairs().flat_map(|(field, value)| [field.to_vec(), value.to_vec()]).collect();
        let id = entry.id.text();
        let mut argv: Vec<&[u8]> = vec![b"XADD", key, id.as_ref()];
        argv.extend(pairs.iter().map(|part| &part[..]));
        emit(&argv)?;
    }
    for id in next_gone {
        stand_in(&mut emit, id)?;
    }
    if stream.is_empty() && gone.is_empty() {
        // The shortest way to an empty stream.
        emit(&[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"])?;
    }
    // Before the groups: Redis 8.2 believes no group that has read more than was added.
    set_id(key, stream, gone.len(), &mut emit)?;
    groups(key, stream, &mut emit)?;
    if gone.is_empty() {
        return Ok(());
    }
    remove(key, stream, &gone, &mut emit)?;
    set_id(key, stream, 0, &mut emit)
}

/// Sets the numbers, while `more` entries are there than will be.
fn set_id(
    key: &[u8],
    stream: &Stream,
    more: usize,
    emit: &mut dyn FnMut(&[&[u8]]) -> Result<()>,
) -> Result<()> {
    let (last, deleted) = (stream.last_id(), stream.max_deleted_id());
    let (last, deleted) = (last.text(), deleted.min(last).text());
    let least = (stream.len() + more) as u64;
    let added = stream.entries_added().clamp(least, i64::MAX as u64).to_string();
    emit(&[
        b"XSETID",
        key,
        last.as_ref(),
        b"ENTRIESADDED",
        added.as_bytes(),
        b"MAXDELETEDID",
        deleted.as_ref(),
    ])
}

/// Takes out what was only added for the claims: what was trimmed once by trimming, which leaves no trace.
fn remove(
    key: &[u8],
    stream: &Stream,
    gone: &[StreamId],
    emit: &mut dyn FnMut(&[&[u8]]) -> Result<()>,
) -> Result<()> {
    let first = stream.first_id();
    let trimmed = if stream.is_empty() { gone.len() } else { gone.partition_point(|id| *id < first) };
    for id in &gone[trimmed..] {
        emit(&[b"XDEL", key, id.text().as_ref()])?;
    }
    match (trimmed, stream.is_empty()) {
        (0, _) => Ok(()),
        (_, true) => emit(&[b"XTRIM", key, b"MAXLEN", b"0"]),
        (_, false) => emit(&[b"XTRIM", key, b"MINID", first.text().as_ref()]),
    }
}

fn groups(key: &[u8], stream: &Stream, emit: &mut dyn FnMut(&[&[u8]]) -> Result<()>) -> Result<()> {
    for (name, group) in stream.groups() {
        let read = group.entries_read.max(-1).to_string();
        let last = group.last_id.text();
        emit(&[b"XGROUP", b"CREATE", key, name, last.as_ref(), b"ENTRIESREAD", read.as_bytes()])?;
        for consumer in group.consumers() {
            if consumer.pending_len() == 0 {
                emit(&[b"XGROUP", b"CREATECONSUMER", key, name, consumer.name()])?;
            }
        }
        for (id, pending) in group.pending(StreamId::MIN, StreamId::MAX) {
            let id = id.text();
            let time = pending.delivered_ms.to_string();
            let times = pending.times.min(i64::MAX as u64).to_string();
            let consumer = group.owner_of(pending).name();
            let mut argv: Vec<&[u8]> = vec![b"XCLAIM", key, name, consumer, b"0", id.as_ref()];
            argv.extend([b"TIME", time.as_bytes(), b"RETRYCOUNT", times.as_bytes(), b"JUSTID", b"FORCE"]);
            emit(&argv)?;
        }
    }
    Ok(())
}

/// The identifiers that are pending in some group and not in the stream, in order. Those above the stream's last one,
/// which XSETID may leave behind, can not be said in commands.
fn pending_without_entry(stream: &Stream) -> Vec<StreamId> {
    let last = stream.last_id();
    let mut pending: Vec<StreamId> =
        stream.groups().flat_map(|(_, group)| group.pending(StreamId::MIN, last)).map(|(id, _)| id).collect();
    pending.sort_unstable();
    pending.dedup();
    let (Some(first), Some(last)) = (pending.first().copied(), pending.last().copied()) else {
        return pending;
    };
    let mut entries = stream.range(first, last).map(|entry| entry.id).peekable();
    pending.retain(|id| {
        while entries.next_if(|entry| entry < id).is_some() {}
        entries.next_if_eq(id).is_none() && !id.is_zero()
    });
    pending
}
