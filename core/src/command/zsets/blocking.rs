//! The sorted set commands that wait until there is something: BZPOPMIN, BZPOPMAX, BZMPOP. Each is logged as its kin that
//! does not wait.

use super::super::blocking::{self, Nothing, Request};
use super::super::ctx::Ctx;
use super::pop::{End, mpop, pop};
use crate::error::Result;
use crate::keyspace::Wanted;
use crate::reply::ReplySink;

pub(super) fn bzpopmin(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    blocking_pop(ctx, End::Lowest, out)
}

pub(super) fn bzpopmax(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    blocking_pop(ctx, End::Highest, out)
}

fn blocking_pop(ctx: &mut Ctx<'_>, end: End, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (keys, timeout) = (&argv[1..argv.len() - 1], argv[argv.len() - 1]);
    let timeout = blocking::seconds(ctx, timeout)?;
    for &key in keys {
        if ctx.check_type(key, "zset")? {
            out.array(3);
            out.bulk(key);
            // The array holds the member and its score already.
            pop(ctx, key, end, 1, None, out)?;
            let name: &[u8] = if end == End::Lowest { b"ZPOPMIN" } else { b"ZPOPMAX" };
            ctx.log_instead(&[name, key]);
            return Ok(());
        }
    }
    wait(ctx, keys, timeout, out)
}

pub(super) fn bzmpop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let timeout = blocking::seconds(ctx, ctx.argv[1])?;
    match mpop(ctx, out, 2)? {
        Some(keys) => wait(ctx, keys, timeout, out),
        None => Ok(()),
    }
}

fn wait(
    ctx: &mut Ctx<'_>,
    keys: &[&[u8]],
    timeout: Option<std::time::Duration>,
    out: &mut dyn ReplySink,
) -> Result<()> {
    // Keys that are due go now, so that the log says so.
    keys.iter().for_each(|key| ctx.guard.remove_if_due(ctx.session.db, key));
    let keys = keys.iter().map(|key| key.to_vec()).collect();
    let nothing = Nothing::NullArray;
    ctx.block(Request { keys, wanted: Wanted::ZSet, timeout, nothing, argv: None }, out)
}
