//! XINFO: what is known of a stream, its groups and their consumers.

use super::super::args;
use super::super::ctx::Ctx;
use super::{at_most, quoted, reply_entries, reply_entry, reply_id};
use crate::error::{Error, Result, text};
use crate::reply::ReplySink;
use crate::value::stream::{Consumer, Group, NEVER, READ_UNKNOWN, Stream, StreamId};

fn find<'a>(ctx: &'a Ctx<'_>) -> Result<&'a Stream> {
    ctx.stream(ctx.argv[2])?.ok_or_else(|| Error::command(text::NO_SUCH_KEY))
}

fn field(out: &mut dyn ReplySink, name: &str) {
    out.bulk(name.as_bytes());
}

fn number(out: &mut dyn ReplySink, name: &str, n: i64) {
    field(out, name);
    out.int(n);
}

fn identifier(out: &mut dyn ReplySink, name: &str, id: StreamId) {
    field(out, name);
    reply_id(out, id);
}

/// How far a group has read, and how far it has yet to go.
fn progress(out: &mut dyn ReplySink, stream: &Stream, group: &Group) {
    field(out, "entries-read");
    match group.entries_read {
        READ_UNKNOWN => out.null(),
        read => out.int(read),
    }
    field(out, "lag");
    match stream.lag(group) {
        None => out.null(),
        Some(lag) => out.int(lag),
    }
}

/// How many entries and pending ones XINFO STREAM FULL shows.
const SHOWN: i64 = 10;

pub(super) fn stream(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let stream = find(ctx)?;
    let wrong = || {
        Error::command(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try XINFO HELP.",
            quoted(ctx.argv[1])
        ))
    };
    let shown = match ctx.argv[3..] {
        [] => None,
        [full] if args::is(full, "full") => Some(SHOWN),
        [full, count, n] if args::is(full, "full") && args::is(count, "count") => Some(args::int(n)?),
        _ => return Err(wrong()),
    };
    out.map(if shown.is_some() { 9 } else { 10 });
    number(out, "length", stream.len() as i64);
    // There is no radix tree here: what comes nearest to its size.
    number(out, "radix-tree-keys", stream.node_count() as i64);
    number(out, "radix-tree-nodes", stream.node_count() as i64 + 1);
    identifier(out, "last-generated-id", stream.last_id());
    identifier(out, "max-deleted-entry-id", stream.max_deleted_id());
    number(out, "entries-added", stream.entries_added() as i64);
    identifier(out, "recorded-first-entry-id", stream.first_id());
    match shown {
        None => {
            number(out, "groups", stream.groups_len() as i64);
            let all = (StreamId::MIN, StreamId::MAX);
            field(out, "first-entry");
            edge(out, stream.range(all.0, all.1).next());
            field(out, "last-entry");
            edge(out, stream.range_back(all.0, all.1).next());
        }
        Some(shown) => {
            let shown = match shown {
                0 => usize::MAX,
                ..0 => at_most(SHOWN),
                shown => at_most(shown),
            };
            field(out, "entries");
            reply_entries(out, stream.iter().take(shown));
            field(out, "groups");
            out.array(stream.groups_len());
            stream.groups().for_each(|(name, group)| full_group(out, stream, name, group, shown));
        }
    }
    Ok(())
}

fn edge(out: &mut dyn ReplySink, entry: Option<crate::value::stream::Entry<'_>>) {
    match entry {
        Some(entry) => reply_entry(out, &entry),
        None => out.null(),
    }
}

fn full_group(out: &mut dyn ReplySink, stream: &Stream, name: &[u8], group: &Group, shown: usize) {
    out.map(7);
    field(out, "name");
    out.bulk(name);
    identifier(out, "last-delivered-id", group.last_id);
    progress(out, stream, group);
    number(out, "pel-count", group.pending_len() as i64);
    field(out, "pending");
    out.array(group.pending_len().min(shown));
    for (id, pending) in group.pending(StreamId::MIN, StreamId::MAX).take(shown) {
        out.array(4);
        reply_id(out, id);
        out.bulk(group.owner_of(pending).name());
        out.int(pending.delivered_ms);
        out.int(pending.times as i64);
    }
    field(out, "consumers");
    out.array(group.consumers_len());
    group.consumers().for_each(|consumer| full_consumer(out, group, consumer, shown));
}

fn full_consumer(out: &mut dyn ReplySink, group: &Group, consumer: &Consumer, shown: usize) {
    out.map(5);
    field(out, "name");
    out.bulk(consumer.name());
    number(out, "seen-time", consumer.seen_ms);
    number(out, "active-time", consumer.active_ms);
    number(out, "pel-count", consumer.pending_len() as i64);
    field(out, "pending");
    out.array(consumer.pending_len().min(shown));
    for (id, pending) in group.pending_for(consumer, StreamId::MIN, StreamId::MAX).take(shown) {
        out.array(3);
        reply_id(out, id);
        out.int(pending.delivered_ms);
        out.int(pending.times as i64);
    }
}

pub(super) fn groups(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let stream = find(ctx)?;
    out.array(stream.groups_len());
    for (name, group) in stream.groups() {
        out.map(6);
        field(out, "name");
        out.bulk(name);
        number(out, "consumers", group.consumers_len() as i64);
        number(out, "pending", group.pending_len() as i64);
        identifier(out, "last-delivered-id", group.last_id);
        progress(out, stream, group);
    }
    Ok(())
}

pub(super) fn consumers(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, name) = (ctx.argv[2], ctx.argv[3]);
    let Some(group) = find(ctx)?.group(name) else {
        let (key, name) = (quoted(key), quoted(name));
        return Err(Error::command(format!("NOGROUP No such consumer group '{name}' for key name '{key}'")));
    };
    let now = ctx.now();
    out.array(group.consumers_len());
    for consumer in group.consumers() {
        out.map(4);
        field(out, "name");
        out.bulk(consumer.name());
        number(out, "pending", consumer.pending_len() as i64);
        number(out, "idle", now.saturating_sub(consumer.seen_ms).max(0));
        let inactive = match consumer.active_ms {
            NEVER => NEVER,
            at => now.saturating_sub(at),
        };
        number(out, "inactive", inactive);
    }
    Ok(())
}

pub(super) fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "XINFO",
        &[
            "CONSUMERS <key> <groupname>",
            "    Show consumers of <groupname>.",
            "GROUPS <key>",
            "    Show the stream consumer groups.",
            "STREAM <key> [FULL [COUNT <count>]",
            "    Show information about the stream.",
        ],
    );
    Ok(())
}
