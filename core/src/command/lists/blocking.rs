//! The list commands that wait until there is something: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP. Each is logged as its
//! kin that does not wait.

use super::super::blocking::{self, Nothing, Request};
use super::super::ctx::Ctx;
use super::super::table::{Command, Flags, Keys};
use super::{ROWS, bulk, end_of, mpop, notify_popped, present, relocate};
use crate::error::Result;
use crate::keyspace::Wanted;
use crate::reply::ReplySink;
use crate::value::list::End;

const POPS: Flags = Flags::WRITE.and(Flags::BLOCKING);
const MOVES: Flags = POPS.and(Flags::DENYOOM);

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        keys: Keys::Range(1, -2, 1),
        ..ROWS.row(
            "blpop",
            -3,
            POPS,
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            |ctx, out| blocking_pop(ctx, out, End::Head),
            "Removes and returns the first element of the first list that has one. Waits until there is one.",
        )
    },
    Command {
        keys: Keys::Range(1, -2, 1),
        ..ROWS.row(
            "brpop",
            -3,
            POPS,
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            |ctx, out| blocking_pop(ctx, out, End::Tail),
            "Removes and returns the last element of the first list that has one. Waits until there is one.",
        )
    },
    Command {
        keys: Keys::Range(1, 2, 1),
        ..ROWS.row(
            "blmove",
            6,
            MOVES,
            "6.2.0",
            "O(1)",
            blmove,
            "Pops an element from one list, pushes it to another and returns it. Waits until there is one.",
        )
    },
    Command {
        keys: Keys::Range(1, 2, 1),
        ..ROWS.row(
            "brpoplpush",
            4,
            MOVES,
            "2.2.0",
            "O(1)",
            brpoplpush,
            "Pops the last element of a list, pushes it to another and returns it. Waits until there is one.",
        )
    },
    Command {
        keys: Keys::Counted(2),
        ..ROWS.row(
            "blmpop",
            -5,
            POPS.and(Flags::MOVABLEKEYS),
            "7.0.0",
            "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
            blmpop,
            "Pops elements from the first list that has any. Waits until there are some.",
        )
    },
];

fn blocking_pop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, end: End) -> Result<()> {
    let argv = ctx.argv;
    let (keys, timeout) = (&argv[1..argv.len() - 1], argv[argv.len() - 1]);
    let timeout = blocking::seconds(ctx, timeout)?;
    for &key in keys {
        if !present(ctx, key)? {
            continue;
        }
        out.array(2);
        out.bulk(key);
        ctx.modify_list(key, false, |list, limits| list.pop(end, 1, limits, |value| bulk(out, value)))?;
        let name: &[u8] = if end == End::Head { b"LPOP" } else { b"RPOP" };
        notify_popped(ctx, key, end);
        ctx.log_instead(&[name, key]);
        ctx.dirty(1);
        return Ok(());
    }
    let keys = keys.iter().map(|key| key.to_vec()).collect();
    let nothing = Nothing::NullArray;
    ctx.block(Request { keys, wanted: Wanted::List, timeout, nothing, argv: None }, out)
}

fn blmove(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (from, to) = (end_of(ctx.argv[3])?, end_of(ctx.argv[4])?);
    let log = [&b"LMOVE"[..], ctx.argv[1], ctx.argv[2], ctx.argv[3], ctx.argv[4]];
    waiting_move(ctx, out, (from, to), ctx.argv[5], &log)
}

fn brpoplpush(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let log = [&b"RPOPLPUSH"[..], ctx.argv[1], ctx.argv[2]];
    waiting_move(ctx, out, (End::Tail, End::Head), ctx.argv[3], &log)
}

fn waiting_move(
    ctx: &mut Ctx<'_>,
    out: &mut dyn ReplySink,
    (from, to): (End, End),
    timeout: &[u8],
    log: &[&[u8]],
) -> Result<()> {
    let timeout = blocking::seconds(ctx, timeout)?;
    let source = ctx.argv[1];
    if present(ctx, source)? {
        relocate(ctx, out, from, to)?;
        ctx.log_instead(log);
        return Ok(());
    }
    let keys = vec![source.to_vec()];
    let nothing = Nothing::Null;
    ctx.block(Request { keys, wanted: Wanted::List, timeout, nothing, argv: None }, out)
}

fn blmpop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let timeout = blocking::seconds(ctx, ctx.argv[1])?;
    match mpop(ctx, out, 2)? {
        Some(keys) => {
            let keys = keys.iter().map(|key| key.to_vec()).collect();
            let nothing = Nothing::NullArray;
            ctx.block(Request { keys, wanted: Wanted::List, timeout, nothing, argv: None }, out)
        }
        None => Ok(()),
    }
}
