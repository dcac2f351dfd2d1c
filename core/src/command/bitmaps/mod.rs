//! Strings as rows of bits: single bits and searches here, operations between bitmaps in [`combine`], numbers of any
//! width in [`fields`].
//!
//! Whoever writes makes the string long enough first; as in Redis it is `raw` from then on, even if nothing changes.
//! Growing by much takes zeroed memory from the allocator, so that a bit far out costs no pass over what is before it.

mod combine;
mod fields;

use super::args;
use super::ctx::Ctx;
use super::strings::{check_room, current};
use super::table::{Command, Flags, Group, Keys};
use crate::config::Directive;
use crate::encoding::{bits, num};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::StrRef;
use crate::reply::ReplySink;

/// What most rows have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::READONLY,
    keys: Keys::Range(1, 1, 1),
    group: Group::Bitmap,
    categories: &[],
    since: "",
    summary: "",
    complexity: "",
    handler: getbit,
    subcommands: &[],
};
const FAST_READ: Command = Command { flags: Flags::READONLY.and(Flags::FAST), ..READ };
const WRITE: Command = Command { flags: Flags::WRITE.and(Flags::DENYOOM), ..READ };

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "bitcount",
        arity: -2,
        since: "2.6.0",
        summary: "Counts the bits of a string that are one, of all of it or of a range.",
        complexity: "O(N) where N is the number of bytes looked at; many at a time.",
        handler: bitcount,
        ..READ
    },
    Command {
        name: "bitfield",
        arity: -2,
        since: "3.2.0",
        summary: "Reads, sets and increments numbers of any width within a string.",
        complexity: "O(1) for each operation",
        handler: fields::bitfield,
        ..WRITE
    },
    Command {
        name: "bitfield_ro",
        arity: -2,
        since: "6.0.0",
        summary: "Reads numbers of any width within a string.",
        complexity: "O(1) for each operation",
        handler: fields::bitfield_ro,
        ..FAST_READ
    },
    Command {
        name: "bitop",
        arity: -4,
        keys: Keys::Range(2, -1, 1),
        since: "2.6.0",
        summary: "Combines strings bit by bit and stores the result.",
        complexity: "O(N) where N is the number of bytes of all the strings; many at a time.",
        handler: combine::bitop,
        ..WRITE
    },
    Command {
        name: "bitpos",
        arity: -3,
        since: "2.8.7",
        summary: "Finds the first bit that is one, or zero, in a string or a range of it.",
        complexity: "O(N) where N is the number of bytes looked at; many at a time.",
        handler: bitpos,
        ..READ
    },
    Command {
        name: "getbit",
        arity: 3,
        since: "2.2.0",
        summary: "Returns a bit of a string.",
        complexity: "O(1)",
        handler: getbit,
        ..FAST_READ
    },
    Command {
        name: "setbit",
        arity: 4,
        since: "2.2.0",
        summary: "Sets or clears a bit of a string and returns what it was. Creates the key if it doesn't exist.",
        complexity: "O(1)",
        handler: setbit,
        ..WRITE
    },
];

fn bad_offset() -> Error {
    Error::command("ERR bit offset is not an integer or out of range")
}

/// The position of a bit; of a number of `width` bits also as `#n`, the n-th of such numbers.
fn offset(ctx: &Ctx<'_>, arg: &[u8], width: Option<u32>) -> Result<u64> {
    let (digits, unit) = match (arg, width) {
        ([b'#', rest @ ..], Some(width)) => (rest, i64::from(width)),
        _ => (arg, 1),
    };
    let at = num::parse_i64(digits).and_then(|n| n.checked_mul(unit)).ok_or_else(bad_offset)?;
    let longest = ctx.config().int(Directive::ProtoMaxBulkLen);
    if !ctx.session.replaying && at / 8 >= longest {
        return Err(bad_offset());
    }
    u64::try_from(at).map_err(|_| bad_offset())
}

/// Checks that `key` can be a string with this bit; how long it is now, and how long it must be.
fn room_for(ctx: &Ctx<'_>, key: &[u8], last: u64) -> Result<(usize, usize)> {
    let len = current(ctx, key)?.map_or(0, StrRef::len);
    let needed = usize::try_from(last / 8 + 1).map_err(|_| bad_offset())?;
    if needed > len {
        check_room(needed)?;
    }
    Ok((len, len.max(needed)))
}

/// Lengthens with zeros.
fn lengthen(bytes: &mut Vec<u8>, len: usize) {
    if len > bytes.capacity() && len / 2 >= bytes.len() {
        let mut longer = vec![0; len];
        longer[..bytes.len()].copy_from_slice(bytes);
        *bytes = longer;
    } else {
        bytes.resize(len.max(bytes.len()), 0);
    }
}

fn setbit(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, db) = (ctx.argv[1], ctx.db());
    let at = offset(ctx, ctx.argv[2], None)?;
    let value = match num::parse_i64(ctx.argv[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Error::command("ERR bit is not an integer or out of range")),
    };
    let (before, len) = room_for(ctx, key, at)?;
    let old = ctx.guard.modify_string(db, key, |bytes| {
        lengthen(bytes, len);
        let old = bits::get(bytes, at);
        bits::set_field(bytes, at, 1, u64::from(value));
        old
    });
    let old = old.unwrap_or(false);
    let changed = old != value || before != len;
    if changed {
        ctx.notify(Class::STRING, "setbit", key);
    }
    ctx.dirty(usize::from(changed));
    out.int(i64::from(old));
    Ok(())
}

fn getbit(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let at = offset(ctx, ctx.argv[2], None)?;
    let bit = ctx.string(ctx.argv[1])?.is_some_and(|string| string.with(|bytes| bits::get(bytes, at)));
    out.int(i64::from(bit));
    Ok(())
}

/// A range as BITCOUNT and BITPOS take it: both ends included, negative ones counted from the end, in bytes or bits.
struct Span {
    start: i64,
    end: Option<i64>,
    bits: bool,
}

impl Span {
    /// Reads `start [end [BYTE|BIT]]`, for BITPOS where the end may be left out, or for BITCOUNT. Errors come in the
    /// order in which Redis reads: BITPOS looks at the unit before the end.
    fn parse(argv: &[&[u8]], searching: bool) -> Result<Option<Self>> {
        let unit = |arg: &[u8]| match () {
            () if args::is(arg, "bit") => Ok(true),
            () if args::is(arg, "byte") => Ok(false),
            () => Err(Error::syntax()),
        };
        let span = |start, end, bits| Ok(Some(Self { start, end, bits }));
        match *argv {
            [] => Ok(None),
            [start] if searching => span(args::int(start)?, None, false),
            [start, end] => span(args::int(start)?, Some(args::int(end)?), false),
            [start, end, name] if searching => {
                let (start, bits) = (args::int(start)?, unit(name)?);
                span(start, Some(args::int(end)?), bits)
            }
            [start, end, name] => {
                let (start, end) = (args::int(start)?, args::int(end)?);
                span(start, Some(end), unit(name)?)
            }
            _ => Err(Error::syntax()),
        }
    }

    /// The bits it means in a string of `len` bytes; perhaps none.
    fn within(&self, len: usize) -> std::ops::Range<u64> {
        let unit = if self.bits { 1 } else { 8 };
        let total = (len as i64) * 8 / unit;
        let from_front = |at: i64| if at < 0 { (total + at).max(0) } else { at };
        let end = self.end.map_or(total - 1, from_front).min(total - 1);
        let start = from_front(self.start).min(end + 1);
        (start * unit) as u64..((end + 1) * unit) as u64
    }
}

fn bitcount(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let span = Span::parse(&ctx.argv[2..], false)?;
    let count = ctx.string(ctx.argv[1])?.map_or(0, |string| {
        string.with(|bytes| match &span {
            None => bits::count_ones(bytes),
            // Both before the beginning would be the first byte or bit otherwise.
            Some(Span { start, end: Some(end), .. }) if *start < 0 && *end < 0 && start > end => 0,
            Some(span) => bits::count_ones_in(bytes, span.within(bytes.len())),
        })
    });
    out.int(count as i64);
    Ok(())
}

fn bitpos(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let value = match args::int(ctx.argv[2])? {
        0 => false,
        1 => true,
        _ => return Err(Error::command("ERR The bit argument must be 1 or 0.")),
    };
    let span = Span::parse(&ctx.argv[3..], true)?;
    let at = match ctx.string(ctx.argv[1])? {
        // As if an endless row of zeros were there.
        None => {
            if value {
                -1
            } else {
                0
            }
        }
        Some(string) => string.with(|bytes| {
            let whole = Span { start: 0, end: None, bits: false };
            let span = span.as_ref().unwrap_or(&whole);
            let range = span.within(bytes.len());
            match bits::first(bytes, range.clone(), value) {
                Some(at) => at as i64,
                // Zeros follow a string, unless the caller says where it ends for him.
                None if !value && span.end.is_none() && !range.is_empty() => range.end as i64,
                None => -1,
            }
        }),
    };
    out.int(at);
    Ok(())
}

#[cfg(test)]
mod tests;
