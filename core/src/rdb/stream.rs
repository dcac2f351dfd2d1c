//! Streams as they stand in files (types 15, 19, 21); nodes are the listpacks they are in memory.
//!
//! ```text
//! nodes: len, each: str key (16 bytes, big-endian ms and seq: the master id), str listpack
//! len live entries | len ms, len seq: last id
//! since 19: len ms, len seq: first id | the same: highest deleted id | len entries ever added
//! groups: len, each: str name | len ms, len seq: last delivered | since 19: len entries read (all ones: unknown)
//!     pending: len, each: 16 bytes id, i64 delivered at ms, len times delivered
//!     consumers: len, each: str name, i64 seen at ms, since 21: i64 active at ms | owned: len, each: 16 bytes id
//! ```
//!
//! That what is read is a stream, [`Loading`] checks: every item of every node, orders, counts, owners.

use std::io::{self, Write};

use super::fault::{Fault, Res};
use super::input::Input;
use super::kind;
use super::out::Out;
use super::writer::Level;
use crate::encoding::listpack::Listpack;
use crate::value::stream::{Group, Loading, LoadingGroup, Stream, StreamId};

pub(super) fn read(input: &mut Input<'_>, kind: u8) -> Res<Stream> {
    let mut loading = Loading::new();
    let mut text = Vec::new();
    for _ in 0..input.len()? {
        input.element(&mut text)?;
        let Ok(key) = <[u8; 16]>::try_from(&text[..]) else {
            return Fault::corrupt("the key of a stream node is not 16 bytes");
        };
        loading.node(StreamId::from_bytes(key), Listpack::from_bytes(input.string()?)?)?;
    }
    let len = input.len()?;
    loading.counts(len, id(input)?)?;
    if kind >= kind::STREAM_2 {
        // The first id: what the nodes say is better.
        id(input)?;
        let max_deleted_id = id(input)?;
        loading.history(max_deleted_id, input.len()?);
    }
    for _ in 0..input.len()? {
        group(input, kind, &mut loading)?;
    }
    Ok(loading.finish())
}

fn group(input: &mut Input<'_>, kind: u8, stream: &mut Loading) -> Res<()> {
    let mut name = Vec::new();
    input.element(&mut name)?;
    let last_id = id(input)?;
    let entries_read = if kind >= kind::STREAM_2 { Some(input.len()? as i64) } else { None };
    let mut pending = Vec::new();
    for _ in 0..input.len()? {
        let id = StreamId::from_bytes(input.array()?);
        let delivered_ms = input.i64_le()?;
        pending.push((id, delivered_ms, input.len()?));
    }
    let mut group = LoadingGroup::new(pending)?;
    for _ in 0..input.len()? {
        let mut name = Vec::new();
        input.element(&mut name)?;
        let seen_ms = input.i64_le()?;
        let active_ms = if kind >= kind::STREAM_3 { input.i64_le()? } else { seen_ms };
        let mut owned = Vec::new();
        for _ in 0..input.len()? {
            owned.push(StreamId::from_bytes(input.array()?));
        }
        group.consumer(name, seen_ms, active_ms, owned)?;
    }
    Ok(stream.group(&name, last_id, entries_read, group)?)
}

fn id(input: &mut Input<'_>) -> Res<StreamId> {
    Ok(StreamId { ms: input.len()?, seq: input.len()? })
}

/// The type byte at a level.
pub(super) fn kind(level: Level) -> u8 {
    match level {
        Level::V9 => kind::STREAM,
        Level::V10 => kind::STREAM_2,
        Level::V11 | Level::V12 | Level::Valkey => kind::STREAM_3,
    }
}

pub(super) fn write<W: Write>(out: &mut Out<W>, stream: &Stream, level: Level) -> io::Result<()> {
    out.len(stream.node_count() as u64)?;
    for (key, list) in stream.nodes() {
        out.string(&key.to_bytes())?;
        out.string(list.bytes())?;
    }
    out.len(stream.len() as u64)?;
    write_id(out, stream.last_id())?;
    if level >= Level::V10 {
        write_id(out, stream.first_id())?;
        write_id(out, stream.max_deleted_id())?;
        out.len(stream.entries_added())?;
    }
    out.len(stream.groups_len() as u64)?;
    stream.groups().try_for_each(|(name, group)| write_group(out, name, group, level))
}

fn write_group<W: Write>(out: &mut Out<W>, name: &[u8], group: &Group, level: Level) -> io::Result<()> {
    out.string(name)?;
    write_id(out, group.last_id)?;
    if level >= Level::V10 {
        out.len(group.entries_read as u64)?;
    }
    out.len(group.pending_len() as u64)?;
    for (id, pending) in group.pending(StreamId::MIN, StreamId::MAX) {
        out.bytes(&id.to_bytes())?;
        out.bytes(&pending.delivered_ms.to_le_bytes())?;
        out.len(pending.times)?;
    }
    out.len(group.consumers_len() as u64)?;
    for consumer in group.consumers() {
        out.string(consumer.name())?;
        out.bytes(&consumer.seen_ms.to_le_bytes())?;
        if level >= Level::V11 {
            out.bytes(&consumer.active_ms.to_le_bytes())?;
        }
        out.len(consumer.pending_len() as u64)?;
        for id in consumer.pending_ids() {
            out.bytes(&id.to_bytes())?;
        }
    }
    Ok(())
}

fn write_id<W: Write>(out: &mut Out<W>, id: StreamId) -> io::Result<()> {
    out.len(id.ms)?;
    out.len(id.seq)
}
