//! The rows of the stream commands.

use super::super::ctx::Ctx;
use super::super::table::{Command, Flags, Group, Keys, Rows};
use super::{add, claim, delete, group, info, pending, read};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const ADDS: Flags = WRITE.and(Flags::DENYOOM);
const ADDS_FAST: Flags = ADDS.and(Flags::FAST);
const HELP: Flags = Flags::LOADING.and(Flags::STALE);
const READS_MANY: Flags = Flags::BLOCKING.and(Flags::MOVABLEKEYS);

const FIRST: Keys = Keys::Range(1, 1, 1);
const SECOND: Keys = Keys::Range(2, 2, 1);

const PER_ID: &str = "O(1) for each message ID processed.";
const PER_DELETED: &str = "O(1) for each single item to delete in the stream, regardless of the stream size.";
const PER_RETURNED: &str =
    "O(log(N)) to find the first entry, and O(M) with M being the number of entries returned.";

#[rustfmt::skip]
pub(in crate::command) const COMMANDS: &[Command] = &[
    ROWS.row("xack", -4, WRITE_FAST, "5.0.0", PER_ID, group::xack, "Acknowledges entries that were delivered to a consumer of a group; how many were pending.").keys(FIRST),
    ROWS.row("xackdel", -6, WRITE_FAST, "8.2.0", PER_ID, delete::xackdel, "Acknowledges entries for a group and removes them from the stream.").keys(FIRST),
    ROWS.row("xadd", -5, ADDS_FAST, "5.0.0", "O(1) when adding an entry, O(N) when trimming where N is the number of entries removed.", add::xadd, "Adds an entry to a stream. Creates the key if it doesn't exist.").keys(FIRST),
    ROWS.row("xautoclaim", -6, WRITE_FAST, "6.2.0", "O(1) if COUNT is small.", claim::xautoclaim, "Gives pending entries that were idle for long to another consumer.").keys(FIRST),
    ROWS.row("xclaim", -6, WRITE_FAST, "5.0.0", "O(log N) with N being the number of pending entries of the group.", claim::xclaim, "Gives pending entries to another consumer.").keys(FIRST),
    ROWS.row("xdel", -3, WRITE_FAST, "5.0.0", PER_DELETED, delete::xdel, "Removes entries from a stream; how many there were.").keys(FIRST),
    ROWS.row("xdelex", -5, WRITE_FAST, "8.2.0", PER_DELETED, delete::xdelex, "Removes entries from a stream, with a say on what groups know of them.").keys(FIRST),
    Command { subcommands: XGROUP, ..ROWS.row("xgroup", -2, Flags::NONE, "5.0.0", "Depends on subcommand.", container, "A container for commands on consumer groups.") },
    Command { subcommands: XINFO, ..ROWS.row("xinfo", -2, Flags::NONE, "5.0.0", "Depends on subcommand.", container, "A container for commands that tell about streams.") },
    ROWS.row("xlen", 2, READ_FAST, "5.0.0", "O(1)", read::xlen, "Returns the number of entries in a stream.").keys(FIRST),
    ROWS.row("xpending", -3, READ, "5.0.0", "O(1) for the summary, and O(M) with M being the number of consumers; O(N) with N being the number of pending entries looked at.", pending::xpending, "Returns what was delivered to a group and not acknowledged.").keys(FIRST),
    ROWS.row("xrange", -4, READ, "5.0.0", PER_RETURNED, read::xrange, "Returns the entries of a range of IDs.").keys(FIRST),
    ROWS.row("xread", -4, READ.and(READS_MANY), "5.0.0", PER_RETURNED, read::xread, "Returns the entries of several streams that come after given IDs. Waits for some with BLOCK.").keys(Keys::Streams),
    ROWS.row("xreadgroup", -7, WRITE.and(READS_MANY), "5.0.0", PER_RETURNED, group::xreadgroup, "Returns new entries for a consumer of a group, or what it has not acknowledged. Waits for some with BLOCK.").keys(Keys::Streams),
    ROWS.row("xrevrange", -4, READ, "5.0.0", PER_RETURNED, read::xrevrange, "Returns the entries of a range of IDs, the last one first.").keys(FIRST),
    ROWS.row("xsetid", -3, ADDS_FAST, "5.0.0", "O(1)", add::xsetid, "Sets the last ID of a stream; meant for logs.").keys(FIRST),
    ROWS.row("xtrim", -4, WRITE, "5.0.0", "O(N), with N being the number of entries removed.", add::xtrim, "Removes entries from the beginning of a stream; how many there were.").keys(FIRST),
];

#[rustfmt::skip]
const XGROUP: &[Command] = &[
    ROWS.row("create", -5, ADDS, "5.0.0", "O(1)", group::create, "Creates a consumer group.").keys(SECOND),
    ROWS.row("createconsumer", 5, ADDS, "6.2.0", "O(1)", group::create_consumer, "Creates a consumer in a group.").keys(SECOND),
    ROWS.row("delconsumer", 5, WRITE, "5.0.0", "O(N) where N is the number of entries pending for the consumer.", group::delete_consumer, "Removes a consumer from a group; how many entries were pending for it.").keys(SECOND),
    ROWS.row("destroy", 4, WRITE, "5.0.0", "O(1)", group::destroy, "Removes a consumer group.").keys(SECOND),
    ROWS.row("help", 2, HELP, "5.0.0", "O(1)", group::help, "Returns a text on the subcommands."),
    ROWS.row("setid", -5, WRITE, "5.0.0", "O(1)", group::set_id, "Sets up to which ID a group has read.").keys(SECOND),
];

#[rustfmt::skip]
const XINFO: &[Command] = &[
    ROWS.row("consumers", 4, READ, "5.0.0", "O(N) where N is the number of consumers.", info::consumers, "Returns what is known of the consumers of a group.").keys(SECOND),
    ROWS.row("groups", 3, READ, "5.0.0", "O(N) where N is the number of groups.", info::groups, "Returns what is known of the groups of a stream.").keys(SECOND),
    ROWS.row("help", 2, HELP, "5.0.0", "O(1)", info::help, "Returns a text on the subcommands."),
    ROWS.row("stream", -3, READ, "5.0.0", "O(1); with FULL, O(N) where N is the number of entries shown.", info::stream, "Returns what is known of a stream.").keys(SECOND),
];

/// A container called without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

const ROWS: Rows = Rows::of(Group::Stream);
