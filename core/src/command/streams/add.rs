//! XADD, XTRIM, XSETID.

use super::super::args;
use super::super::ctx::Ctx;
use super::id;
use super::trim::{self, Left, NewId};
use crate::error::{Error, Result, text};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::stream::{Stream, StreamId, Unfit};

const ZERO: &str = "ERR The ID specified in XADD must be greater than 0-0";
const NOT_ABOVE: &str = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
const TOO_LARGE: &str = "ERR Elements are too large to be stored";
const EXHAUSTED: &str = "ERR The stream has exhausted the last possible ID, unable to add more items";

pub(super) fn xadd(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let options = trim::options(ctx, true)?;
    let argv = ctx.argv;
    let pairs = argv.get(options.id_at + 1..).unwrap_or_default();
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(args::wrong_arity("xadd"));
    }
    if options.id == NewId::Given(StreamId::MIN) {
        return Err(Error::command(ZERO));
    }
    let key = argv[1];
    let exists = ctx.check_type(key, "stream")?;
    if !exists && Stream::new().fits(StreamId::MAX, pairs) == Err(Unfit::TooLarge) {
        // Before the key is made.
        return Err(Error::command(TOO_LARGE));
    }
    let now = ctx.now();
    let added = ctx.modify_stream(key, !options.no_make, |stream, limits| {
        let id = new_id(stream, options.id, now)?;
        stream.append(id, pairs, limits).map_err(|unfit| {
            Error::command(match unfit {
                Unfit::NotAbove => NOT_ABOVE,
                Unfit::TooLarge => TOO_LARGE,
            })
        })?;
        let trimmed = options.trim(stream, limits);
        Ok((id, trimmed, Left::of(stream)))
    })?;
    let Some((id, trimmed, left)) = added.transpose()? else {
        out.null();
        return Ok(());
    };
    ctx.notify(Class::STREAM, "xadd", key);
    if trimmed > 0 {
        ctx.notify(Class::STREAM, "xtrim", key);
    }
    ctx.dirty(1);
    let text = id.text();
    if options.id != NewId::Given(id) || options.is_approx() {
        let mut argv = argv.to_vec();
        argv[options.id_at] = text.as_ref();
        let argv = options.exact(&argv, &left);
        ctx.log_instead(&argv);
    }
    out.bulk(text.as_ref());
    Ok(())
}

fn new_id(stream: &Stream, wanted: NewId, now: i64) -> Result<StreamId> {
    if stream.last_id() == StreamId::MAX {
        return Err(Error::command(EXHAUSTED));
    }
    let id = match wanted {
        NewId::Auto => stream.next_id(u64::try_from(now).unwrap_or(0)),
        NewId::AutoSeq(ms) => stream.next_in(ms),
        NewId::Given(id) => Some(id),
    };
    id.ok_or_else(|| Error::command(NOT_ABOVE))
}

pub(super) fn xtrim(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let options = trim::options(ctx, false)?;
    let argv = ctx.argv;
    let trimmed = ctx.modify_stream(argv[1], false, |stream, limits| {
        let removed = options.trim(stream, limits);
        (removed, Left::of(stream))
    })?;
    let Some((removed, left)) = trimmed else {
        out.int(0);
        return Ok(());
    };
    if removed > 0 {
        ctx.notify(Class::STREAM, "xtrim", argv[1]);
        ctx.dirty(removed as usize);
        if options.is_approx() {
            let argv = options.exact(argv, &left);
            ctx.log_instead(&argv);
        }
    }
    out.int(removed as i64);
    Ok(())
}

/// Whether a stream is at the key; WRONGTYPE for another type. A key that is due goes now, so that the log says so.
pub(super) fn present(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<bool> {
    let present = ctx.check_type(key, "stream")?;
    if !present {
        ctx.remove(key);
    }
    Ok(present)
}

pub(super) fn xsetid(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, last_id) = (ctx.argv[1], id(ctx.argv[2])?);
    let (mut added, mut max_deleted) = (None, StreamId::MIN);
    for option in ctx.argv[3..].chunks(2) {
        match *option {
            [name, value] if args::is(name, "entriesadded") => {
                let n = u64::try_from(args::int(value)?);
                added = Some(n.map_err(|_| Error::command("ERR entries_added must be positive"))?);
            }
            [name, value] if args::is(name, "maxdeletedid") => {
                max_deleted = id(value)?;
                if last_id < max_deleted {
                    return Err(Error::command(
                        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                    ));
                }
            }
            _ => return Err(Error::syntax()),
        }
    }
    if !present(ctx, key)? {
        return Err(Error::command(text::NO_SUCH_KEY));
    }
    // Redis 7.0 let it go below what was deleted, and so do its logs.
    let floor = if ctx.session.replaying { StreamId::MIN } else { StreamId::MAX };
    ctx.modify_stream(key, false, |stream, _| {
        check_id(stream, last_id, added, stream.max_deleted_id().min(floor))?;
        stream.set_id(last_id, added, Some(max_deleted).filter(|id| !id.is_zero()));
        Ok::<_, Error>(())
    })?
    .transpose()?;
    ctx.notify(Class::STREAM, "xsetid", key);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

/// Whether a stream's last identifier and number of entries ever added may become these.
fn check_id(stream: &Stream, last_id: StreamId, added: Option<u64>, floor: StreamId) -> Result<()> {
    let refused = if last_id < floor {
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
    } else if stream.is_empty() {
        return Ok(());
    } else if last_id < stream.last_entry_id() {
        "ERR The ID specified in XSETID is smaller than the target stream top item"
    } else if added.is_some_and(|added| added < stream.len() as u64) {
        "ERR The entries_added specified in XSETID is smaller than the target stream length"
    } else {
        return Ok(());
    };
    Err(Error::command(refused))
}
