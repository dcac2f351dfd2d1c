//! Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! Between MULTI and EXEC a session only queues. EXEC takes the shards of every queued command and of every watched key
//! before the first of them runs, so nobody sees or disturbs the transaction half done; what it changed goes to the log as
//! one unit, which replay applies whole or not at all. As in Redis a command that fails leaves the others standing.
//! Knows the dispatcher's parts and the guard.

use super::ctx::{Ctx, Session};
use super::dispatch::{self, Done};
use super::events;
use super::observe::InTransaction;
use super::services::Services;
use super::table::{Command, Flags, Group, Keys, Rows, resolve};
use super::tracking;
use crate::aof::Effects;
use crate::error::{Error, Result};
use crate::keyspace::{Expired, Guard};
use crate::pubsub::Wakers;
use crate::reply::ReplySink;

/// What was queued since MULTI.
#[derive(Debug, Default)]
pub(super) struct Queue {
    commands: Vec<Vec<Vec<u8>>>,
    /// Of their arguments.
    bytes: usize,
    /// A command was refused when it was to be queued: EXEC will refuse the rest.
    refused: bool,
}

impl Queue {
    /// EXEC will refuse what is queued.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }
}

/// A key under WATCH, and its version then.
#[derive(Debug)]
pub(super) struct WatchedKey {
    db: usize,
    key: Vec<u8>,
    version: u64,
}

const AT_ANY_TIME: Flags =
    Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY);

const ROWS: Rows = Rows::of(Group::Transactions);

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("discard", 1, AT_ANY_TIME, "2.0.0", "O(N), when N is the number of queued commands", without_multi, "Forgets the queued commands."),
    Command {
        flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SKIP_SLOWLOG),
        ..ROWS.row("exec", 1, AT_ANY_TIME, "1.2.0", "Depends on commands in the transaction", without_multi, "Runs the queued commands as one.")
    },
    ROWS.row("multi", 1, AT_ANY_TIME, "1.2.0", "O(1)", multi, "Begins a transaction: what follows is queued."),
    ROWS.row("unwatch", 1, AT_ANY_TIME, "2.2.0", "O(1)", unwatch, "Forgets the watched keys."),
    ROWS.row("watch", -2, AT_ANY_TIME, "2.2.0", "O(1) for every key.", watch, "Watches keys: EXEC does nothing if one of them was changed.").keys(Keys::Range(1, -1, 1)),
];

fn multi(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    ctx.session.multi = Some(Queue::default());
    out.ok();
    Ok(())
}

fn without_multi(ctx: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    let name = String::from_utf8_lossy(ctx.argv[0]).to_ascii_uppercase();
    Err(Error::command(format!("ERR {name} without MULTI")))
}

fn watch(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let db = ctx.session.db;
    for key in &ctx.argv[1..] {
        if !ctx.session.watched.iter().any(|watched| watched.db == db && watched.key == *key) {
            let version = ctx.guard.watch(db, key);
            ctx.session.watched.push(WatchedKey { db, key: key.to_vec(), version });
        }
    }
    out.ok();
    Ok(())
}

fn unwatch(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    // Without a transaction no shard is held here.
    if !ctx.session.watched.is_empty() {
        forget_watched(ctx.services, ctx.session)?;
    }
    out.ok();
    Ok(())
}

/// Ends all watching of a session that holds no shard.
pub(crate) fn forget_watched(services: &dyn Services, session: &mut Session) -> Result<()> {
    let watched = std::mem::take(&mut session.watched);
    if watched.is_empty() {
        return Ok(());
    }
    let mut guard = services.keyspace().lock_patiently(watched.iter().map(|watched| &watched.key[..]))?;
    unwatch_in(&mut guard, &watched);
    Ok(())
}

fn unwatch_in(guard: &mut Guard<'_>, watched: &[WatchedKey]) {
    for WatchedKey { db, key, .. } in watched {
        guard.unwatch(*db, key);
    }
}

/// Whether a call may change the data, or EXEC what was queued: CLIENT PAUSE WRITE holds those.
pub(crate) fn may_write(session: &Session, argv: &[&[u8]]) -> bool {
    let Ok((row, _)) = resolve(argv) else { return false };
    if row.name == "exec" {
        let queued = session.multi.iter().flat_map(|queue| &queue.commands);
        return queued.into_iter().any(|argv| {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            resolve(&argv).is_ok_and(|(row, _)| may_change(row))
        });
    }
    may_change(row)
}

fn may_change(row: &Command) -> bool {
    let named = ["publish", "spublish", "eval", "evalsha", "fcall"].contains(&row.name);
    named || row.flags.has(Flags::WRITE) || row.flags.has(Flags::MAY_WRITE)
}

/// A session ends: its transaction is forgotten, and so is what it watches.
pub(crate) fn end(services: &dyn Services, session: &mut Session) {
    session.multi = None;
    // A keyspace that refuses its locks is lost anyway.
    let _ = forget_watched(services, session);
}

/// A call that fits no row. An EXEC that is refused discards its transaction and says so.
pub(super) fn refused(services: &dyn Services, session: &mut Session, argv: &[&[u8]], error: Error) -> Error {
    if !argv.first().is_some_and(|name| name.eq_ignore_ascii_case(b"EXEC")) {
        return error;
    }
    end(services, session);
    aborted(&error, error.message().trim_start_matches("ERR "))
}

fn aborted(error: &Error, reason: &str) -> Error {
    Error::new(error.kind(), format!("EXECABORT Transaction discarded because of: {reason}"))
}

/// Lets others see how far a session is.
pub(super) fn note_state(session: &Session) {
    let Some(client) = &session.client else { return };
    let queue = session.multi.as_ref();
    client.note_transaction(InTransaction {
        queued: queue.map(|queue| queue.commands.len()),
        queued_bytes: queue.map_or(0, |queue| queue.bytes),
        watched: session.watched.len(),
    });
}

/// What a call means for a session with an open transaction: `None` when it is to be run as usual.
///
/// Refusals are remembered: EXEC will answer EXECABORT.
pub(super) fn in_multi(
    services: &dyn Services,
    session: &mut Session,
    argv: &[&[u8]],
    out: &mut dyn ReplySink,
) -> Option<Result<()>> {
    let queue = session.multi.as_mut()?;
    let (row, index) = match resolve(argv) {
        Ok(found) => found,
        Err(error) => {
            queue.refused = true;
            return Some(Err(refused(services, session, argv, error)));
        }
    };
    // SLOWLOG RESET is another one.
    if row.group == Group::Connection && matches!(row.name, "reset" | "quit") {
        end(services, session);
        return None;
    }
    if row.group == Group::Transactions {
        if let Some(client) = &session.client {
            client.count(index, 0, false);
        }
        if row.name != "unwatch" {
            let done = bracket(services, session, row, out);
            show(services, session, argv);
            return Some(done);
        }
    }
    let allowed = if row.flags.has(Flags::NO_MULTI) {
        Err(Error::command("ERR Command not allowed inside a transaction"))
    } else if row.flags.has(Flags::WRITE) {
        dispatch::allow_write(services, 0, row.flags.has(Flags::DENYOOM))
    } else {
        Ok(())
    };
    Some(match allowed {
        Ok(()) => {
            if let Some(client) = &session.client {
                client.note_command(index, services.keyspace().clock().monotonic_ns(false));
            }
            queue.bytes += argv.iter().map(|arg| arg.len()).sum::<usize>();
            queue.commands.push(argv.iter().map(|arg| arg.to_vec()).collect());
            out.simple("QUEUED");
            Ok(())
        }
        Err(error) => {
            queue.refused = true;
            Err(error)
        }
    })
}

/// What ends a transaction, and what has no place in one: that is refused and leaves it as it is.
fn bracket(
    services: &dyn Services,
    session: &mut Session,
    row: &Command,
    out: &mut dyn ReplySink,
) -> Result<()> {
    match row.name {
        "exec" => exec(services, session, out),
        "discard" => {
            session.multi = None;
            forget_watched(services, session)?;
            out.ok();
            Ok(())
        }
        "multi" => Err(Error::command("ERR MULTI calls can not be nested")),
        _ => Err(Error::command("ERR WATCH inside MULTI is not allowed")),
    }
}

/// Shows one of the brackets to those who monitor, EXEC behind what it has run.
fn show(services: &dyn Services, session: &Session, argv: &[&[u8]]) {
    let monitors = &services.observer().monitors;
    if monitors.is_on() {
        let mut wakers = Wakers::new();
        monitors.tell(services, session, argv, &mut wakers);
        wakers.iter().for_each(|wake| wake());
    }
}

fn exec(services: &dyn Services, session: &mut Session, out: &mut dyn ReplySink) -> Result<()> {
    let queue = session.multi.take().unwrap_or_default();
    let mut watched = std::mem::take(&mut session.watched);
    let result = run(services, session, queue, &mut watched, out);
    // What was refused before anything ran lets go of what was watched all the same.
    session.watched = watched;
    forget_watched(services, session)?;
    result
}

fn run(
    services: &dyn Services,
    session: &mut Session,
    queue: Queue,
    watched: &mut Vec<WatchedKey>,
    out: &mut dyn ReplySink,
) -> Result<()> {
    if queue.refused {
        return Err(Error::command("EXECABORT Transaction discarded because of previous errors."));
    }
    let commands: Vec<Vec<&[u8]>> =
        queue.commands.iter().map(|argv| argv.iter().map(Vec::as_slice).collect()).collect();
    let found = commands.iter().map(|argv| resolve(argv)).collect::<Result<Vec<_>>>()?;
    let rows: Vec<&'static Command> = found.iter().map(|(row, _)| *row).collect();
    let writes = rows.iter().any(|row| row.flags.has(Flags::WRITE));
    if writes {
        let bytes = queue.commands.iter().flatten().map(|arg| arg.len() + 16).sum::<usize>();
        let room = bytes + commands.len().saturating_mul(dispatch::LOG_SLACK);
        let denies = rows.iter().any(|row| row.flags.has(Flags::DENYOOM));
        dispatch::allow_write(services, room, denies).map_err(|error| aborted(&error, error.message()))?;
    }
    let scripts = rows.iter().any(|row| row.flags.has(Flags::SCRIPT));
    let script_refusal =
        if scripts { dispatch::allow_write(services, dispatch::LOG_SLACK, true).err() } else { None };
    let mut guard = lock(services, &rows, &commands, watched)?;
    let mut unit = Unit {
        services,
        effects: Effects::new(),
        dirty: 0,
        flushed_all: false,
        limits_changed: false,
        seen_lsn: 0,
        wakers: Wakers::new(),
        by: session.client.as_ref().map(|client| client.id),
    };
    let unchanged = watched.iter().all(|w| guard.is_unchanged(w.db, &w.key, w.version));
    unwatch_in(&mut guard, watched);
    watched.clear();
    if !unchanged {
        let lsn = guard.last_lsn();
        drop(guard);
        services.wait_durable(lsn)?;
        out.null_array();
        return Ok(());
    }
    out.array(rows.len());
    let mut session = session;
    for (found, argv) in found.iter().zip(&commands) {
        let mut ctx = Ctx::new(services, session, guard, argv);
        ctx.refusal = if found.0.flags.has(Flags::SCRIPT) {
            script_refusal.clone()
        } else {
            // Nobody has asked whether the others may write.
            (!writes).then(Error::syntax)
        };
        if let Err(error) = dispatch::call(&mut ctx, *found, out) {
            services.observer().count_error(&error);
            out.error(&error);
        }
        (session, guard) = unit.take(ctx);
    }
    unit.finish(guard, writes)
}

/// The shards of everything the transaction may touch. A command over the keyspace takes them all.
fn lock<'a>(
    services: &'a dyn Services,
    rows: &[&'static Command],
    commands: &[Vec<&[u8]>],
    watched: &[WatchedKey],
) -> Result<Guard<'a>> {
    let (keyspace, at_turn) = (services.keyspace(), rows.iter().any(|row| row.flags.has(Flags::SCRIPT)));
    if rows.iter().zip(commands).any(|(row, argv)| row.reaches_everything(argv)) {
        return if at_turn { keyspace.lock_all_at_turn() } else { keyspace.lock_all() };
    }
    let queued = rows.iter().zip(commands).flat_map(|(row, argv)| {
        let positions = row.key_positions(argv);
        positions.into_iter().map(|at| argv[at]).collect::<Vec<_>>()
    });
    let watched = watched.iter().map(|watched| &watched.key[..]);
    let keys = queued.chain(watched);
    if at_turn { keyspace.lock_at_turn(keys) } else { keyspace.lock(keys) }
}

/// What the commands of a transaction did, gathered.
struct Unit<'a> {
    services: &'a dyn Services,
    effects: Effects,
    dirty: u64,
    flushed_all: bool,
    limits_changed: bool,
    seen_lsn: u64,
    wakers: Wakers,
    /// The client whose transaction it is.
    by: Option<u64>,
}

impl<'a> Unit<'a> {
    /// Takes over what one command did; gives back what the next one needs.
    fn take(&mut self, mut ctx: Ctx<'a>) -> (&'a mut Session, Guard<'a>) {
        let expired = self.take_expired(&mut ctx.guard);
        ctx.deliver_events(&expired);
        self.wakers.append(&mut ctx.wakers);
        let changed = ctx.dirty > 0;
        if changed && !ctx.replaced {
            ctx.effects.push(ctx.session.db as u32, ctx.argv);
        }
        if changed {
            self.effects.append(&ctx.effects);
        }
        self.dirty += ctx.dirty;
        self.flushed_all |= ctx.flushed_all;
        self.limits_changed |= ctx.limits_changed;
        self.seen_lsn = self.seen_lsn.max(ctx.seen_lsn);
        ctx.guard.settle(changed);
        let Ctx { session, guard, .. } = ctx;
        (session, guard)
    }

    fn take_expired(&mut self, guard: &mut Guard<'_>) -> Vec<Expired> {
        let expired = guard.take_expired();
        self.dirty += expired.len() as u64;
        self.effects.append(&dispatch::deletions(&expired));
        expired
    }

    /// Logs everything as one, lets the shards go and waits for durability.
    fn finish(mut self, mut guard: Guard<'_>, writes: bool) -> Result<()> {
        if writes {
            guard.expire_a_few();
            let expired = self.take_expired(&mut guard);
            events::tell_expired(self.services, &expired, &mut self.wakers);
        }
        let recorded = if self.effects.is_empty() {
            Ok(false)
        } else {
            self.services.record(&self.effects, self.dirty).map(|lsn| {
                guard.note_lsn(lsn);
                true
            })
        };
        guard.settle(false);
        tracking::tell(self.services, self.by, guard.take_changes(), &mut self.wakers);
        let lsn = guard.last_lsn().max(self.seen_lsn);
        let (flushed_all, limits_changed) = (self.flushed_all, self.limits_changed);
        let done = Done {
            recorded,
            flushed_all,
            limits_changed,
            lsn,
            ready: guard.take_ready(),
            wakers: self.wakers,
        };
        drop(guard);
        dispatch::conclude(self.services, done, writes)
    }
}

#[cfg(test)]
#[path = "transactions_tests.rs"]
mod tests;
