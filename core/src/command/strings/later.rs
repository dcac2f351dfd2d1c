//! What Valkey added to strings: DELIFEQ (9.0) and MSETEX (9.1, as in Redis 8.4). The log gets commands that older servers
//! know too.

use super::{EACH_KEY, ONE, Options, ROWS, SHRINK_FAST, WRITE, current, expiry_of, notify_set_in_the_past};
use crate::command::ctx::Ctx;
use crate::command::table::{Command, Flags, Keys};
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::{Expiry, StrRef};
use crate::reply::ReplySink;

#[rustfmt::skip]
pub(in crate::command) const COMMANDS: &[Command] = &[
    ROWS.row("delifeq", 3, SHRINK_FAST, "9.0.0", "O(1)", delifeq, "Deletes a string if it is a given one. From Valkey.").keys(ONE),
    ROWS.row("msetex", -4, WRITE.and(Flags::MOVABLEKEYS), "9.1.0", EACH_KEY, msetex, "Sets several strings, all or none, and their expiry. From Valkey.").keys(Keys::CountedPairs(1)),
];

/// Whether a string is this text.
pub(super) fn is_text(string: StrRef<'_>, text: &[u8]) -> bool {
    string.with(|bytes| bytes == text)
}

fn delifeq(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, value) = (ctx.argv[1], ctx.argv[2]);
    let equal = current(ctx, key)?.is_some_and(|string| is_text(string, value));
    if equal {
        ctx.remove(key);
        ctx.notify(Class::GENERIC, "del", key);
        ctx.log_instead(&[b"DEL", key]);
        ctx.dirty(1);
    }
    out.int(i64::from(equal));
    Ok(())
}

fn msetex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let wrong = || Error::command("ERR invalid numkeys value or out of range");
    let count = num::parse_i64(ctx.argv[1]).filter(|n| (1..=i64::from(i32::MAX)).contains(n));
    let count = usize::try_from(count.ok_or_else(wrong)?).map_err(|_| wrong())?;
    let end = 2 + 2 * count;
    if end > ctx.argv.len() {
        return Err(Error::syntax());
    }
    let options = Options::parse(ctx.argv, end, true)?;
    if options.get || options.ifeq.is_some() {
        return Err(Error::syntax());
    }
    let at = match options.expiry {
        Some((unit, when)) => Some(expiry_of(ctx, unit, when, "msetex")?),
        None => None,
    };
    let (pairs, _) = ctx.argv[2..end].as_chunks::<2>();
    let db = ctx.db();
    let there = |[key, _]: &[&[u8]; 2]| ctx.guard.type_name(db, key).is_some();
    if (options.nx && pairs.iter().any(there)) || (options.xx && !pairs.iter().all(there)) {
        out.int(0);
        return Ok(());
    }
    if at.is_some_and(|at| ctx.is_over(at)) {
        let mut gone: Vec<&[u8]> = Vec::new();
        for [key, _] in pairs {
            notify_set_in_the_past(ctx, key);
            gone.extend(ctx.remove(key).then_some(*key));
        }
        if !gone.is_empty() {
            ctx.log_instead(&[&[&b"DEL"[..]], &gone[..]].concat());
            ctx.dirty(gone.len());
        }
        out.int(1);
        return Ok(());
    }
    let expiry = match at {
        Some(at) => Expiry::At(at),
        None if options.keep_ttl => Expiry::Keep,
        None => Expiry::Clear,
    };
    for [key, value] in pairs {
        ctx.set_string(key, value, expiry);
        ctx.notify(Class::STRING, "set", key);
        if at.is_some() {
            ctx.notify(Class::GENERIC, "expire", key);
        }
        match at {
            Some(at) => ctx.log_instead(&[b"SET", *key, *value, b"PXAT", num::fmt_i64(at).as_bytes()]),
            None if options.keep_ttl => ctx.log_instead(&[b"SET", *key, *value, b"KEEPTTL"]),
            None => {}
        }
    }
    if expiry == Expiry::Clear {
        ctx.log_instead(&[&[&b"MSET"[..]], &ctx.argv[2..end]].concat());
    }
    ctx.dirty(count);
    out.int(1);
    Ok(())
}
