//! The way of a command from its arguments to its reply.

use super::ctx::{Ctx, Session};
use super::memory;
use super::services::Services;
use super::table::{Command, Flags, Keys, resolve};
use super::transactions;
use crate::aof::Effects;
use crate::error::{Error, ErrorKind, Result, text};
use crate::keyspace::{Expired, Guard};
use crate::reply::ReplySink;
use crate::table::MAX_LEN;

/// Room asked of the log beyond the command's own bytes: SELECT, MULTI/EXEC, and effects that are longer than the command.
pub(super) const LOG_SLACK: usize = 4096;

/// Runs one command. The reply goes to `out`, unless the command fails: then the error is all there is.
///
/// When this returns, what the command did survives a kill of the process, and under `appendfsync always` a power loss;
/// so does everything the command has seen.
pub fn execute(
    services: &dyn Services,
    session: &mut Session,
    argv: &[&[u8]],
    out: &mut dyn ReplySink,
) -> Result<()> {
    // No entry of a table can hold more; whoever reads commands from a stream has refused it long before.
    if argv.iter().any(|arg| arg.len() > MAX_LEN) {
        return Err(Error::new(ErrorKind::Argument, "ERR an argument is longer than 512 MB"));
    }
    if session.multi.is_some()
        && let Some(done) = transactions::in_multi(services, session, argv, out)
    {
        return done;
    }
    let row = match resolve(argv) {
        Ok(row) => row,
        Err(error) => return Err(transactions::refused(services, session, argv, error)),
    };
    let writes = row.flags.has(Flags::WRITE);
    let mut writable = true;
    if (writes || row.flags.has(Flags::MAY_WRITE)) && !session.replaying {
        let bytes = argv.iter().map(|arg| arg.len() + 16).sum::<usize>();
        match allow_write(services, bytes + LOG_SLACK, row.flags.has(Flags::DENYOOM)) {
            Err(error) if writes => return Err(error),
            allowed => writable = allowed.is_ok(),
        }
    }
    let keyspace = services.keyspace();
    let guard = match row.keys {
        Keys::None => keyspace.lock_none(),
        Keys::Everything => keyspace.lock_all()?,
        Keys::Range(at, last, _) if at == last => keyspace.lock([argv[at as usize]])?,
        _ => keyspace.lock(row.key_positions(argv).into_iter().map(|at| argv[at]))?,
    };
    let mut ctx = Ctx::new(services, session, guard, argv);
    prepare(&mut ctx, row);
    ctx.writable = writable;
    let result = (row.handler)(&mut ctx, out);
    finish(ctx, writes, result)
}

/// What comes before the handler. CLIENT NO-TOUCH: what the session reads does not count as used, unless it says TOUCH.
pub(super) fn prepare(ctx: &mut Ctx<'_>, row: &Command) {
    if ctx.session.no_touch {
        ctx.guard.set_no_touch(row.name != "touch");
    }
    if row.flags.has(Flags::WRITE) {
        remove_due_sources(ctx, row);
    }
}

/// The gate of writing: room in memory (for a command that `denies` when there is none), room in the log, no failure to
/// save. Called without a shard.
pub(super) fn allow_write(services: &dyn Services, bytes: usize, denies: bool) -> Result<()> {
    if services.keyspace().is_over_limit() && !memory::relieve(services)?.0 && denies {
        return Err(Error::new(ErrorKind::OutOfMemory, text::OUT_OF_MEMORY));
    }
    services.allow_write(bytes)?;
    services.keyspace().wait_for_saver();
    Ok(())
}

/// A command of several keys may only read some of them, and is logged as it stands: those that are due go first, since
/// nothing is due when the log is replayed.
fn remove_due_sources(ctx: &mut Ctx<'_>, row: &Command) {
    let one_key = matches!(row.keys, Keys::Range(at, last, _) if at == last);
    if one_key || matches!(row.keys, Keys::None | Keys::Everything) {
        return;
    }
    for at in row.key_positions(ctx.argv) {
        ctx.guard.remove_if_due(ctx.session.db, ctx.argv[at]);
    }
}

/// Logs what was done while the shards are still held, lets them go, and waits for durability.
fn finish(mut ctx: Ctx<'_>, writes: bool, result: Result<()>) -> Result<()> {
    if ctx.session.replaying {
        ctx.guard.settle_watches(true);
        return result;
    }
    if writes {
        ctx.guard.expire_a_few();
    }
    let recorded = record(&mut ctx);
    ctx.guard.settle_watches(ctx.dirty > 0);
    let Ctx { services, guard, flushed_all, seen_lsn, .. } = ctx;
    let lsn = guard.last_lsn().max(seen_lsn);
    drop(guard);
    after(services, recorded?, flushed_all, lsn, writes)?;
    result
}

/// What follows when the shards are free again: eviction, what the store does after a change, and the wait for durability.
pub(super) fn after(
    services: &dyn Services,
    changed: bool,
    flushed_all: bool,
    mut lsn: u64,
    writes: bool,
) -> Result<()> {
    if writes && services.keyspace().is_over_limit() {
        lsn = lsn.max(memory::relieve(services)?.1);
    }
    if flushed_all {
        services.after_flushall()?;
    }
    if changed {
        services.after_write();
    }
    services.wait_durable(lsn)
}

fn record(ctx: &mut Ctx<'_>) -> Result<bool> {
    let expired = ctx.guard.take_expired();
    if expired.is_empty() && ctx.dirty == 0 {
        return Ok(false);
    }
    let mut lsn = 0;
    if !expired.is_empty() {
        lsn = ctx.services.record(&deletions(&expired), expired.len() as u64)?;
    }
    if ctx.dirty > 0 {
        if !ctx.replaced {
            ctx.effects.push(ctx.session.db as u32, ctx.argv);
        }
        lsn = ctx.services.record(&ctx.effects, ctx.dirty)?;
    }
    ctx.guard.note_lsn(lsn);
    Ok(true)
}

/// Deletions of what is due are facts of their own: each stands alone in the log.
pub(super) fn deletions(expired: &[Expired]) -> Effects {
    let mut effects = Effects::new();
    effects.set_independent();
    for Expired { db, key, fields } in expired {
        if fields.is_empty() {
            effects.push(*db as u32, &[&b"DEL"[..], key]);
        } else {
            let head = [&b"HDEL"[..], key];
            let argv: Vec<&[u8]> = head.into_iter().chain(fields.iter().map(Vec::as_slice)).collect();
            effects.push(*db as u32, &argv);
        }
    }
    effects
}

/// The background tick on one shard: deletes up to `most` keys and as many fields that are due, and logs it. Whether
/// there is more to do at once, and whether there will be.
pub fn expire_shard(services: &dyn Services, index: usize, most: usize) -> Result<(bool, bool)> {
    let mut guard: Guard<'_> = services.keyspace().lock_one(index)?;
    if !guard.awaits_expiry() {
        return Ok((false, false));
    }
    let more = guard.expire_some(most) | guard.expire_some_fields(most);
    let expired = guard.take_expired();
    guard.settle_watches(false);
    if !expired.is_empty() {
        let lsn = services.record(&deletions(&expired), expired.len() as u64)?;
        guard.note_lsn(lsn);
    }
    Ok((more, guard.awaits_expiry()))
}

/// Refuses an empty command, which no table row can.
pub fn check_not_empty(argc: usize) -> Result<()> {
    if argc == 0 { Err(Error::command("ERR empty command")) } else { Ok(()) }
}
