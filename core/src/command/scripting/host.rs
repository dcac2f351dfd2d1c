//! What a script reaches of the data: each of its calls is a command with its own context, under the guard of the call that
//! runs the script. What the commands did is gathered there.

use std::sync::atomic::Ordering;

use super::super::ctx::{Ctx, Session};
use super::super::dispatch;
use super::super::table::{self, Flags, Keys};
use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::{ShardSet, Timed};
use crate::reply::ReplySink;
use crate::script::{Control, Ended, Host, ScriptFlags};

/// Lines of `redis.log` that are kept of one call.
const LOG_LINES_MAX: usize = 1000;

/// See the module's head.
pub(super) struct ScriptHost<'c, 'a> {
    ctx: &'c mut Ctx<'a>,
    /// The script's own: what it selects or switches is its own affair.
    session: Session,
    control: &'a Control,
    read_only: bool,
    allow_oom: bool,
    is_function: bool,
    wrote: bool,
    lines: Vec<(log::Level, String)>,
    _timed: Timed<'a>,
    _ended: Ended<'a>,
}

impl<'c, 'a> ScriptHost<'c, 'a> {
    pub(super) fn begin(
        ctx: &'c mut Ctx<'a>,
        name: &str,
        flags: ScriptFlags,
        read_only: bool,
        is_function: bool,
    ) -> Self {
        let services = ctx.services;
        let session = Session {
            client: ctx.session.client.clone(),
            db: ctx.session.db,
            from_script: true,
            replaying: ctx.session.replaying,
            no_touch: ctx.session.no_touch,
            tracking: ctx.session.tracking.clone(),
            interrupt: ctx.session.interrupt.clone(),
            ..Session::default()
        };
        let (control, began_ns) =
            (&services.scripts().control, services.keyspace().clock().monotonic_ns(false));
        // From here on nothing else that the script did is taken for the call itself.
        ctx.replaced = true;
        Self {
            session,
            control,
            read_only: read_only || flags.has(ScriptFlags::NO_WRITES),
            allow_oom: flags.has(ScriptFlags::ALLOW_OOM),
            is_function,
            wrote: false,
            lines: Vec::new(),
            _timed: services.keyspace().time_script(is_function),
            _ended: control.begin(name, ctx.argv, is_function, began_ns),
            ctx,
        }
    }

    /// The script is over.
    pub(super) fn end(self) {
        let session = &mut *self.ctx.session;
        session.script_log.extend(self.lines);
        if let Some(client) = &session.client {
            client.db.store(session.db, Ordering::Relaxed);
        }
    }

    /// Whether the script may change something now.
    fn check_write(&mut self, flags: Flags) -> Result<()> {
        if self.read_only {
            return Err(Error::command("ERR Write commands are not allowed from read-only scripts."));
        }
        match &self.ctx.refusal {
            // Once it has written it can not be stopped half way.
            Some(error)
                if error.kind() != ErrorKind::OutOfMemory
                    || (flags.has(Flags::DENYOOM) && !self.allow_oom && !self.wrote) =>
            {
                return Err(error.clone());
            }
            _ => {}
        }
        if !self.control.may_write() {
            let why = self.control.why_stop(self.is_function).unwrap_or("ERR Script ended.");
            return Err(Error::command(why));
        }
        self.wrote = true;
        Ok(())
    }

    /// Sees to it that the shards of a command are held, and says which those are.
    fn reach(&mut self, row: &table::Command, argv: &[&[u8]]) -> Result<ShardSet> {
        let guard = &mut self.ctx.guard;
        let wanted = match row.keys {
            _ if row.reaches_everything(argv) => ShardSet::ALL,
            Keys::None => ShardSet::NONE,
            Keys::Range(at, last, _) if at == last => ShardSet::of([argv[at as usize]]),
            _ => ShardSet::of(row.key_positions(argv).into_iter().map(|at| argv[at])),
        };
        if !guard.has(wanted) {
            guard.hold_everything()?;
        }
        Ok(wanted)
    }
}

impl Host for ScriptHost<'_, '_> {
    fn call(&mut self, argv: &[&[u8]], out: &mut dyn ReplySink) -> Result<()> {
        let found = table::lookup(argv)
            .map_err(|_| Error::command("ERR Unknown Redis command called from script"))?;
        let row = found.0;
        if !row.accepts(argv.len()) {
            return Err(Error::command("ERR Wrong number of args calling Redis command from script"));
        }
        if row.flags.has(Flags::NOSCRIPT) {
            return Err(Error::command("ERR This Redis command is not allowed from script"));
        }
        if row.flags.has(Flags::WRITE) {
            self.check_write(row.flags)?;
        }
        let reached = self.reach(row, argv)?;
        let (services, outer) = (self.ctx.services, &mut *self.ctx);
        let keyspace = services.keyspace();
        let guard = std::mem::replace(&mut outer.guard, keyspace.lock_none());
        let mut ctx = Ctx::new(services, &mut self.session, guard, argv);
        ctx.refusal = outer.refusal.clone();
        let result = dispatch::call(&mut ctx, found, out);
        let expired = ctx.guard.take_expired();
        ctx.deliver_events(&expired);
        let changed = ctx.dirty > 0;
        if changed && !ctx.replaced {
            ctx.effects.push(ctx.session.db as u32, ctx.argv);
        }
        ctx.guard.settle_of(reached, changed);
        outer.dirty += expired.len() as u64 + ctx.dirty;
        outer.effects.append(&dispatch::deletions(&expired));
        if changed {
            outer.effects.append(&ctx.effects);
        }
        outer.flushed_all |= ctx.flushed_all;
        outer.limits_changed |= ctx.limits_changed;
        outer.seen_lsn = outer.seen_lsn.max(ctx.seen_lsn);
        outer.wakers.append(&mut ctx.wakers);
        outer.guard = ctx.guard.prolong(keyspace);
        result
    }

    fn may_call(&mut self, argv: &[&[u8]]) -> bool {
        table::lookup(argv).is_ok()
    }

    fn resp3(&self) -> bool {
        self.session.resp3
    }

    fn set_resp3(&mut self, on: bool) {
        self.session.resp3 = on;
    }

    fn log(&mut self, level: log::Level, text: String) {
        if self.lines.len() < LOG_LINES_MAX {
            self.lines.push((level, text));
        }
    }

    fn why_stop(&mut self) -> Option<&'static str> {
        if let Some(asked) = self.control.why_stop(self.is_function) {
            return Some(asked);
        }
        // The host's wish is asked for on this very thread, so that it can not write in between.
        let interrupt = self.session.interrupt.as_ref().filter(|_| !self.wrote)?;
        interrupt()
    }
}
