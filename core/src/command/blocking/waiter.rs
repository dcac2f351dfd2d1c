//! One waiting call, and how its outcome gets to whoever waits for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::ctx::{Ctx, Session};
use super::super::services::Services;
use super::super::table::Command;
use super::{Nothing, Request};
use crate::error::{Error, Result};
use crate::keyspace::{Guard, Wanted};
use crate::reply::{Reply, ReplySink};

/// Called once the outcome is there, from any thread, without any lock of the store.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Slot {
    outcome: Option<Outcome>,
    /// The outcome was taken: there will be no other.
    taken: bool,
    waker: Option<Waker>,
}

enum Outcome {
    Reply(Result<Reply>),
    TimedOut,
}

/// See the module's head.
pub struct Waiter {
    pub(super) ticket: u64,
    session: Session,
    pub(super) argv: Vec<Vec<u8>>,
    pub(super) found: (&'static Command, usize),
    keys: Vec<Vec<u8>>,
    wanted: Wanted,
    deadline: Option<Instant>,
    nothing: Nothing,
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Waiter {
    /// The waiting call that `request` of this command asks for, once it has a ticket.
    pub(super) fn new(
        ctx: &Ctx<'_>,
        request: Request,
        found: (&'static Command, usize),
    ) -> impl FnOnce(u64) -> Self + use<> {
        let session = ctx.session.twin();
        let argv = request.argv.unwrap_or_else(|| ctx.argv.iter().map(|arg| arg.to_vec()).collect());
        let deadline = request.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        move |ticket| Self {
            ticket,
            session,
            argv,
            found,
            keys: request.keys,
            wanted: request.wanted,
            deadline,
            nothing: request.nothing,
            slot: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn db(&self) -> usize {
        self.session.db
    }

    /// The session the call is run with.
    pub(super) fn session(&self) -> Session {
        self.session.twin()
    }

    pub(super) fn client_id(&self) -> u64 {
        self.session.client.as_ref().map_or(0, |client| client.id)
    }

    pub(super) fn waited_keys(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.keys.iter().map(|key| (self.session.db, &key[..]))
    }

    /// When its time is over; `None`: never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Begins to wait for the keys, whose shards are held.
    pub(super) fn register(&self, guard: &mut Guard<'_>) {
        for key in &self.keys {
            guard.wait_for(self.db(), key, self.ticket, self.wanted);
        }
    }

    /// Waits no longer; whether it did. The keys' shards are held: nobody is about to serve it.
    pub(super) fn unregister(&self, guard: &mut Guard<'_>) -> bool {
        let mut waited = false;
        for key in &self.keys {
            waited |= guard.stop_waiting(self.db(), key, self.ticket);
        }
        waited
    }

    /// Ends the waiting unless somebody has begun to serve it; whether this did. No shard is held.
    fn withdraw(&self, services: &dyn Services) -> bool {
        if self.keys.is_empty() {
            // Nobody serves who waits for nothing but the time (WAIT).
            return services.waiters().forget(self.ticket);
        }
        let keys = self.keys.iter().map(Vec::as_slice);
        // A keyspace that refuses its locks serves nobody any more.
        let waited =
            services.keyspace().lock_patiently(keys).map_or(true, |mut guard| self.unregister(&mut guard));
        if waited {
            services.waiters().forget(self.ticket);
        }
        waited
    }

    /// The time is over: the outcome is the command's answer for that, unless it is being served just now; then that reply
    /// comes. No shard is held.
    pub(crate) fn time_out(&self, services: &dyn Services) {
        if self.withdraw(services) {
            self.hand_over(Outcome::TimedOut);
        }
    }

    /// As if its time were over (`None`), or with an error (CLIENT UNBLOCK); whether it still waited.
    pub(crate) fn unblock(&self, services: &dyn Services, error: Option<Error>) -> bool {
        let waited = self.withdraw(services);
        if waited {
            self.hand_over(error.map_or(Outcome::TimedOut, |error| Outcome::Reply(Err(error))));
        }
        waited
    }

    /// Nobody wants the reply any more. False: it is being served just now, or was; the reply comes and must be taken, or
    /// what it holds is lost.
    pub(crate) fn cancel(&self, services: &dyn Services) -> bool {
        self.withdraw(services)
    }

    pub(super) fn deliver(&self, reply: Result<Reply>) {
        self.hand_over(Outcome::Reply(reply));
    }

    fn hand_over(&self, outcome: Outcome) {
        let mut slot = self.slot();
        if slot.taken || slot.outcome.is_some() {
            return;
        }
        slot.outcome = Some(outcome);
        let waker = slot.waker.take();
        drop(slot);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker();
        }
    }

    /// Sets who is to be told of the outcome, and tells it at once when that is there.
    pub(crate) fn set_waker(&self, waker: Waker) {
        let mut slot = self.slot();
        if slot.outcome.is_none() {
            slot.waker = Some(waker);
            return;
        }
        drop(slot);
        waker();
    }

    /// Waits for the outcome, at most so long; whether it is there.
    pub(crate) fn wait(&self, most: Option<Duration>) -> bool {
        let slot = self.slot();
        let waits = |slot: &mut Slot| slot.outcome.is_none() && !slot.taken;
        let slot = match most {
            None => self.changed.wait_while(slot, waits).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let waited = self.changed.wait_timeout_while(slot, most, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        slot.outcome.is_some()
    }

    /// Writes the reply if it is there.
    pub(crate) fn take(&self, out: &mut dyn ReplySink) -> Option<Result<()>> {
        let outcome = {
            let mut slot = self.slot();
            let outcome = slot.outcome.take()?;
            slot.taken = true;
            outcome
        };
        Some(match outcome {
            Outcome::TimedOut => {
                self.nothing.write(out);
                Ok(())
            }
            Outcome::Reply(reply) => reply.map(|reply| reply.write(out)),
        })
    }
}
