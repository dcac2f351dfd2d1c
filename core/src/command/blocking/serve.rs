//! Running waiting calls for those who wait.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::ctx::Ctx;
use super::super::dispatch;
use super::super::services::Services;
use super::super::table::Flags;
use super::Waiter;
use crate::error::{Error, ErrorKind, Result};
use crate::reply::{Reply, ReplyBuilder};

/// Keys that may be what somebody waits for, with their databases.
type Ready = Vec<(usize, Vec<u8>)>;

/// Serves who waits for these keys, and for the keys that doing so makes ready. Nobody holds a shard. Returns the log
/// position of what it did; the replies are handed over when that is durable.
pub(in super::super) fn serve(services: &dyn Services, ready: Ready) -> u64 {
    let mut queue = VecDeque::from(ready);
    let mut served: Vec<(Arc<Waiter>, Result<Reply>)> = Vec::new();
    let mut last = 0;
    while let Some((db, key)) = queue.pop_front() {
        let tickets =
            services.keyspace().lock_patiently([&key[..]]).map(|mut guard| guard.waiting_for(db, &key));
        for ticket in tickets.unwrap_or_default() {
            let Some(waiter) = services.waiters().find(ticket) else { continue };
            let Some(attempt) = attempt(services, &waiter, (db, &key)) else { continue };
            queue.extend(attempt.ready);
            last = last.max(attempt.lsn);
            if let Some(result) = attempt.result {
                services.waiters().forget(ticket);
                served.push((waiter, result));
            }
        }
    }
    if served.is_empty() {
        return last;
    }
    // Whoever made the key ready may answer later (a listener); those who waited are answered now.
    let durable = services.wait_durable_at_once(last);
    for (waiter, result) in served {
        waiter.deliver(match &durable {
            Ok(()) => result,
            Err(error) => Err(Error::new(error.kind(), error.message().to_owned())),
        });
    }
    last
}

struct Attempt {
    /// `None`: it found nothing and waits on.
    result: Option<Result<Reply>>,
    lsn: u64,
    ready: Ready,
}

/// Runs the call if it still waits for this key.
fn attempt(services: &dyn Services, waiter: &Waiter, (db, key): (usize, &[u8])) -> Option<Attempt> {
    let (row, _) = waiter.found;
    let argv: Vec<&[u8]> = waiter.argv.iter().map(Vec::as_slice).collect();
    let mut session = waiter.session();
    let admitted = dispatch::admit(services, &session, row, &argv);
    let keys = row.key_positions(&argv).into_iter().map(|at| argv[at]);
    let mut guard = services.keyspace().lock_patiently(keys).ok()?;
    // Somebody else has served it meanwhile, or it has given up; or others took what was there.
    if !guard.waiting_for(db, key).contains(&waiter.ticket) {
        return None;
    }
    let mut out = ReplyBuilder::new(session.resp3);
    let writes = row.flags.has(Flags::WRITE);
    let mut ctx = match admitted {
        Ok(refusal) => {
            let mut ctx = Ctx::new(services, &mut session, guard, &argv);
            ctx.refusal = refusal;
            ctx.may_block = true;
            ctx
        }
        Err(error) => {
            waiter.unregister(&mut guard);
            return Some(Attempt { result: Some(Err(error)), lsn: 0, ready: Vec::new() });
        }
    };
    dispatch::prepare(&mut ctx, row);
    let result = (row.handler)(&mut ctx, &mut out);
    let waits_on = ctx.blocked.take().is_some();
    if !waits_on {
        waiter.unregister(&mut ctx.guard);
    }
    let mut done = dispatch::settle(ctx, writes);
    if matches!(done.recorded, Ok(false)) {
        // It only reached for its keys; who waits for them must not be tried again for that, and again.
        done.ready.clear();
    }
    done.wakers.iter().for_each(|wake| wake());
    let followed = done.recorded.and_then(|changed| dispatch::after(services, changed, false, 0, writes));
    let result = result.and(followed).and_then(|()| {
        out.finish().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "ERR internal error: the command answered nothing")
        })
    });
    Some(Attempt { result: (!waits_on).then_some(result), lsn: done.lsn, ready: done.ready })
}
