//! The way of a command from its arguments to its reply.

use super::args::is;
use super::blocking;
use super::ctx::{Ctx, Session};
use super::events;
use super::memory;
use super::services::Services;
use super::table::{Command, Flags, Group, Keys, check_arity, full_names, lookup};
use super::tracking;
use super::transactions;
use crate::aof::Effects;
use crate::error::{Error, ErrorKind, Result, text};
use crate::keyspace::{Expired, Guard, Keyspace};
use crate::pubsub::Wakers;
use crate::reply::ReplySink;
use crate::table::MAX_LEN;

/// Room asked of the log beyond the command's own bytes: SELECT, MULTI/EXEC, and effects that are longer than the command.
pub(super) const LOG_SLACK: usize = 4096;

/// Runs one command. The reply goes to `out`, unless the command fails: then the error is all there is.
///
/// A command that has to wait leaves its waiting call in the session ([`Session::blocked`]) and writes nothing.
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
    let was_in_transaction = session.in_transaction();
    let result = execute_checked(services, session, argv, out);
    if was_in_transaction || session.in_transaction() {
        transactions::note_state(session);
    }
    for (level, text) in std::mem::take(&mut session.script_log) {
        log::log!(level, "{text}");
    }
    if let Err(error) = &result {
        services.observer().count_error(error);
    }
    if session.tracking.is_some() {
        tracking::command_is_over(session, argv);
    }
    result
}

fn execute_checked(
    services: &dyn Services,
    session: &mut Session,
    argv: &[&[u8]],
    out: &mut dyn ReplySink,
) -> Result<()> {
    if services.is_loading() && !session.replaying {
        refuse_while_loading(session, argv)?;
    }
    if services.keyspace().is_busy() {
        refuse_when_busy(services, session, argv)?;
    }
    if session.multi.is_some()
        && let Some(done) = transactions::in_multi(services, session, argv, out)
    {
        return done;
    }
    let admitted = lookup(argv).and_then(|found| {
        let done = check_arity(found, argv.len())
            .and_then(|()| check_password_given(session, found.0))
            .and_then(|()| check_free_of_messages(session, found))
            .and_then(|()| admit(services, session, found.0, argv));
        if let (Err(_), Some(client)) = (&done, &session.client) {
            client.count_rejected(found.1);
        }
        done.map(|refusal| (found, refusal))
    });
    let (found, refusal) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return Err(transactions::refused(services, session, argv, error)),
    };
    let (row, keyspace) = (found.0, services.keyspace());
    let guard = match row.keys {
        _ if row.flags.has(Flags::SCRIPT) => lock_at_turn(keyspace, row, argv)?,
        Keys::None | Keys::Channels(..) => keyspace.lock_none(),
        _ if row.takes_everything(argv) => keyspace.lock_all()?,
        Keys::Range(at, last, _) if at == last => keyspace.lock([argv[at as usize]])?,
        _ => keyspace.lock(row.key_positions(argv).into_iter().map(|at| argv[at]))?,
    };
    let mut ctx = Ctx::new(services, session, guard, argv);
    ctx.refusal = refusal;
    ctx.may_block = !ctx.session.replaying;
    let result = call(&mut ctx, found, out);
    if let Some(request) = ctx.blocked.take() {
        ctx.enter_waiting(request, found);
    }
    let writes = row.flags.has(Flags::WRITE) || (row.flags.has(Flags::SCRIPT) && ctx.dirty > 0);
    let finished = finish(ctx, writes, result);
    if finished.is_err()
        && let Some(waiter) = session.blocked.take()
    {
        waiter.cancel(services);
    }
    finished
}

/// A connection that owes the password may do little more than give it.
pub(super) fn check_password_given(session: &Session, row: &Command) -> Result<()> {
    if session.locked_out && !row.flags.has(Flags::NO_AUTH) {
        return Err(Error::command("NOAUTH Authentication required."));
    }
    Ok(())
}

/// A RESP2 connection on which messages come may run nothing whose reply could be taken for one.
fn check_free_of_messages(session: &Session, (row, index): (&Command, usize)) -> Result<()> {
    const ALLOWED: [&str; 3] = ["ping", "quit", "reset"];
    let is_subscribing = row.flags.has(Flags::PUBSUB.and(Flags::NOSCRIPT));
    let is_allowed = row.group == Group::Connection && ALLOWED.contains(&row.name);
    if is_subscribing || is_allowed || !session.hears_on_its_wire() {
        return Ok(());
    }
    Err(Error::command(format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context",
        full_names()[index]
    )))
}

/// While the data is being loaded, only few commands are allowed.
#[cold]
fn refuse_while_loading(session: &mut Session, argv: &[&[u8]]) -> Result<()> {
    // Of DEBUG what does not touch the data.
    const OF_DEBUG: [&str; 5] = ["sleep", "log", "error", "help", "protocol"];
    let Ok((row, index)) = lookup(argv) else { return Ok(()) };
    let is_fit = check_arity((row, index), argv.len()).and_then(|()| check_password_given(session, row));
    let touches =
        row.name == "debug" && argv.get(1).is_some_and(|what| !OF_DEBUG.iter().any(|known| is(what, known)));
    // What is wrong with it in any case is told below.
    if is_fit.is_err() || (row.flags.has(Flags::LOADING) && !touches) {
        return Ok(());
    }
    if let Some(client) = &session.client {
        client.count_rejected(index);
    }
    if let Some(queue) = &mut session.multi {
        queue.refuse();
    }
    Err(Error::command(text::LOADING))
}

/// While a script is too slow to wait for, only few commands are allowed.
#[cold]
fn refuse_when_busy(services: &dyn Services, session: &mut Session, argv: &[&[u8]]) -> Result<()> {
    let error = match lookup(argv) {
        Ok((row, _)) if row.flags.has(Flags::ALLOW_BUSY) => return Ok(()),
        Ok(_) => services.keyspace().busy(),
        // That one is told below.
        Err(_) => return Ok(()),
    };
    if let Some(queue) = &mut session.multi {
        queue.refuse();
    }
    Err(error)
}

fn lock_at_turn<'a>(keyspace: &'a Keyspace, row: &Command, argv: &[&[u8]]) -> Result<Guard<'a>> {
    if row.takes_everything(argv) {
        return keyspace.lock_all_at_turn();
    }
    keyspace.lock_at_turn(row.key_positions(argv).into_iter().map(|at| argv[at]))
}

/// Whether a command may run now, and if so, why it may not write if it may not.
pub(super) fn admit(
    services: &dyn Services,
    session: &Session,
    row: &Command,
    argv: &[&[u8]],
) -> Result<Option<Error>> {
    let writes = row.flags.has(Flags::WRITE);
    let script = row.flags.has(Flags::SCRIPT);
    if session.replaying || !(writes || script || row.flags.has(Flags::MAY_WRITE)) {
        return Ok(None);
    }
    let bytes = argv.iter().map(|arg| arg.len() + 16).sum::<usize>();
    match allow_write(services, bytes + LOG_SLACK, script || row.flags.has(Flags::DENYOOM)) {
        Err(error) if writes => Err(error),
        allowed => Ok(allowed.err()),
    }
}

/// Runs the handler of `ctx`'s command, and takes note of how that went.
pub(super) fn call(
    ctx: &mut Ctx<'_>,
    (row, index): (&'static Command, usize),
    out: &mut dyn ReplySink,
) -> Result<()> {
    prepare(ctx, row);
    let (services, argv) = (ctx.services, ctx.argv);
    let began = ctx.session.client.as_ref().map(|client| {
        let began = services.observer().begin(services.keyspace().clock());
        client.note_command(index, began.ns);
        began
    });
    // What runs commands of its own is shown before those.
    let is_first = row.flags.has(Flags::SKIP_MONITOR);
    if is_first && services.observer().monitors.is_on() {
        show(ctx, row);
    }
    let result = (row.handler)(ctx, out);
    if let (Some(began), Some(client)) = (began, &ctx.session.client) {
        services.observer().end(began, services, client, (row, index), argv, result.is_err());
    }
    if ctx.session.tracking.is_some() {
        tracking::note_reads(ctx, row);
    }
    if !is_first && services.observer().monitors.is_on() {
        show(ctx, row);
    }
    result
}

/// Shows a command to those who monitor; what administers is nobody's business.
fn show(ctx: &mut Ctx<'_>, row: &Command) {
    if row.flags.has(Flags::ADMIN) || ctx.session.replaying {
        return;
    }
    ctx.services.observer().monitors.tell(ctx.services, ctx.session, ctx.argv, &mut ctx.wakers);
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
    if one_key || matches!(row.keys, Keys::None | Keys::Channels(..) | Keys::Everything) {
        return;
    }
    for at in row.key_positions(ctx.argv) {
        ctx.guard.remove_if_due(ctx.session.db, ctx.argv[at]);
    }
}

/// What a command leaves behind when its shards are free again.
pub(super) struct Done {
    /// Whether anything was changed and logged.
    pub(super) recorded: Result<bool>,
    pub(super) flushed_all: bool,
    pub(super) limits_changed: bool,
    /// The latest log position of anything it did or saw.
    pub(super) lsn: u64,
    /// Keys that somebody waits for.
    pub(super) ready: Vec<(usize, Vec<u8>)>,
    /// Who is to be told that messages have come.
    pub(super) wakers: Wakers,
}

/// Logs what was done while the shards are still held, and lets them go.
pub(super) fn settle(mut ctx: Ctx<'_>, writes: bool) -> Done {
    if writes {
        ctx.guard.expire_a_few();
    }
    let recorded = record(&mut ctx);
    ctx.guard.settle(ctx.dirty > 0);
    let by = ctx.session.client.as_ref().map(|client| client.id);
    tracking::tell(ctx.services, by, ctx.guard.take_changes(), &mut ctx.wakers);
    let Ctx { mut guard, flushed_all, limits_changed, seen_lsn, wakers, .. } = ctx;
    let lsn = guard.last_lsn().max(seen_lsn);
    Done { recorded, flushed_all, limits_changed, lsn, ready: guard.take_ready(), wakers }
}

/// Logs what was done, lets the shards go, serves who waited for it, and waits for durability.
fn finish(mut ctx: Ctx<'_>, writes: bool, result: Result<()>) -> Result<()> {
    if ctx.session.replaying {
        ctx.guard.settle(true);
        return result;
    }
    let services = ctx.services;
    let done = settle(ctx, writes);
    conclude(services, done, writes)?;
    result
}

/// What follows when the shards are free again.
pub(super) fn conclude(services: &dyn Services, done: Done, writes: bool) -> Result<()> {
    let Done { recorded, flushed_all, limits_changed, mut lsn, ready, wakers } = done;
    wakers.iter().for_each(|wake| wake());
    if !ready.is_empty() {
        lsn = lsn.max(blocking::serve(services, ready));
    }
    after(services, recorded?, flushed_all, lsn, writes || limits_changed)?;
    if limits_changed { services.after_config_set() } else { Ok(()) }
}

/// Eviction, what the store does after a change, and the wait for durability.
pub(super) fn after(
    services: &dyn Services,
    changed: bool,
    flushed_all: bool,
    mut lsn: u64,
    may_evict: bool,
) -> Result<()> {
    if may_evict && services.keyspace().is_over_limit() {
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
    ctx.deliver_events(&expired);
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
    for Expired { db, key, fields, .. } in expired {
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
    let mut guard: Guard<'_> = services.keyspace().lock_one_patiently(index)?;
    if !guard.awaits_expiry() {
        return Ok((false, false));
    }
    let more = guard.expire_some(most) | guard.expire_some_fields(most);
    let expired = guard.take_expired();
    guard.settle(false);
    let ready = guard.take_ready();
    let mut wakers = Wakers::new();
    events::tell_expired(services, &expired, &mut wakers);
    tracking::tell(services, None, guard.take_changes(), &mut wakers);
    let recorded = if expired.is_empty() {
        Ok(0)
    } else {
        services.record(&deletions(&expired), expired.len() as u64).inspect(|&lsn| guard.note_lsn(lsn))
    };
    let awaits = guard.awaits_expiry();
    drop(guard);
    wakers.iter().for_each(|wake| wake());
    if !ready.is_empty() {
        blocking::serve(services, ready);
    }
    recorded?;
    Ok((more, awaits))
}

/// Refuses an empty command, which no table row can.
pub fn check_not_empty(argc: usize) -> Result<()> {
    if argc == 0 { Err(Error::command("ERR empty command")) } else { Ok(()) }
}
