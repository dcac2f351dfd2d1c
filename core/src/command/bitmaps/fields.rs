//! BITFIELD and BITFIELD_RO: numbers of 1 to 64 bits anywhere in a string.

use super::super::args;
use super::super::ctx::Ctx;
use super::{lengthen, offset, room_for};
use crate::encoding::{bits, num};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;

/// `i8` or `u8`.
#[derive(Clone, Copy)]
struct Type {
    signed: bool,
    width: u32,
}

#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

struct Operation {
    of: Type,
    at: u64,
    action: Action,
}

impl Type {
    fn parse(arg: &[u8]) -> Result<Self> {
        let (signed, digits) = match arg {
            [b'i', digits @ ..] => (true, digits),
            [b'u', digits @ ..] => (false, digits),
            _ => (true, &[][..]),
        };
        let most = if signed { 64 } else { 63 };
        match num::parse_i64(digits) {
            Some(width) if (1..=most).contains(&width) => Ok(Self { signed, width: width as u32 }),
            _ => Err(Error::command(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
            )),
        }
    }

    /// The number that these bits are.
    fn read(self, bits: u64) -> i64 {
        let unused = 64 - self.width;
        if self.signed { (bits << unused) as i64 >> unused } else { bits as i64 }
    }

    fn range(self) -> (i128, i128) {
        if self.signed {
            let half = 1i128 << (self.width - 1);
            (-half, half - 1)
        } else {
            (0, (1i128 << self.width) - 1)
        }
    }

    /// A number to be set, as Redis takes it: for an unsigned type a negative one is far too large, and for a signed one
    /// so is one that lies so far below that the distance to the type's largest does not fit 64 bits.
    fn given(self, number: i64, overflow: Overflow) -> i128 {
        let (_, max) = self.range();
        let far = self.width < 64 && max - i128::from(number) > i128::from(i64::MAX);
        match overflow {
            _ if !self.signed => i128::from(number as u64),
            Overflow::Saturate if far => i128::from(i64::MAX),
            _ => i128::from(number),
        }
    }

    /// What becomes of a number that may be too large or too small; `None` when nothing is to be done then.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.range();
        if (min..=max).contains(&number) {
            return Some(number as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.read(number as u64 & bits::mask(self.width))),
            Overflow::Saturate => Some(number.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }
}

fn parse(ctx: &Ctx<'_>) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut rest = &ctx.argv[2..];
    while let Some((name, after)) = rest.split_first() {
        let (words, add) = match after {
            [_, _, ..] if args::is(name, "get") => (2, None),
            [_, _, _, ..] if args::is(name, "set") => (3, Some(false)),
            [_, _, _, ..] if args::is(name, "incrby") => (3, Some(true)),
            [how, after @ ..] if args::is(name, "overflow") => {
                overflow = match () {
                    () if args::is(how, "wrap") => Overflow::Wrap,
                    () if args::is(how, "sat") => Overflow::Saturate,
                    () if args::is(how, "fail") => Overflow::Fail,
                    () => return Err(Error::command("ERR Invalid OVERFLOW type specified")),
                };
                rest = after;
                continue;
            }
            _ => return Err(Error::syntax()),
        };
        let of = Type::parse(after[0])?;
        let at = offset(ctx, after[1], Some(of.width))?;
        let action = match add {
            None => Action::Get,
            Some(false) => Action::Set(args::int(after[2])?, overflow),
            Some(true) => Action::Add(args::int(after[2])?, overflow),
        };
        operations.push(Operation { of, at, action });
        rest = &after[words..];
    }
    Ok(operations)
}

pub(super) fn bitfield(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let operations = parse(ctx)?;
    let last = |o: &Operation| match o.action {
        Action::Get => None,
        _ => Some(o.at.saturating_add(u64::from(o.of.width) - 1)),
    };
    let Some(last) = operations.iter().filter_map(last).max() else {
        return read(ctx, &operations, out);
    };
    let (key, db) = (ctx.argv[1], ctx.db());
    let (before, len) = room_for(ctx, key, last)?;
    let mut replies = Vec::with_capacity(operations.len());
    let mut changes = 0;
    ctx.guard.modify_string(db, key, |bytes| {
        lengthen(bytes, len);
        for Operation { of, at, action } in &operations {
            let old = of.read(bits::field(bytes, *at, of.width));
            let (new, reply) = match *action {
                Action::Get => (None, Some(old)),
                Action::Set(number, overflow) => {
                    let number = of.given(number, overflow);
                    let new = of.fit(number, overflow);
                    (new, new.map(|_| old))
                }
                Action::Add(by, overflow) => {
                    let new = of.fit(i128::from(old) + i128::from(by), overflow);
                    (new, new)
                }
            };
            if let Some(new) = new {
                bits::set_field(bytes, *at, of.width, new as u64);
                changes += usize::from(new != old || before != len);
            }
            replies.push(reply);
        }
    });
    if changes > 0 {
        ctx.notify(Class::STRING, "setbit", key);
    }
    // Redis forgets to log a string that has only grown; a replay would not see it.
    ctx.dirty(changes.max(usize::from(before != len)));
    out.array(replies.len());
    for reply in replies {
        match reply {
            Some(number) => out.int(number),
            None => out.null(),
        }
    }
    Ok(())
}

pub(super) fn bitfield_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let operations = parse(ctx)?;
    if operations.iter().any(|o| !matches!(o.action, Action::Get)) {
        return Err(Error::command("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(ctx, &operations, out)
}

fn read(ctx: &Ctx<'_>, operations: &[Operation], out: &mut dyn ReplySink) -> Result<()> {
    let mut put = |bytes: &[u8]| {
        out.array(operations.len());
        for Operation { of, at, .. } in operations {
            out.int(of.read(bits::field(bytes, *at, of.width)));
        }
    };
    match ctx.string(ctx.argv[1])? {
        Some(string) => string.with(put),
        None => put(&[]),
    }
    Ok(())
}
