//! Calls that wait for a key: BLPOP and its kin.
//!
//! A handler that finds nothing calls [`Ctx::block`]; the dispatcher enters the call as waiting for its keys while their
//! shards are still held, so that no change goes unseen. Whoever makes such a key ready runs the waiting call for it
//! (`serve`), first come first served, and hands the reply over: nobody looks again and again. Knows the dispatcher's
//! parts and the guard.

mod args;
mod serve;
mod waiter;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use args::{milliseconds, seconds};
pub(super) use serve::serve;
pub use waiter::{Waiter, Waker};

use super::ctx::Ctx;
use super::table::Command;
use crate::error::{Error, Result};
use crate::keyspace::Wanted;
use crate::reply::ReplySink;

/// What a call answers when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// No value.
    Null,
    /// No array.
    NullArray,
    /// The number 0.
    Zero,
    /// How many logs have a write on disk, this store's and replicas' (of which there are none).
    Logged(i64),
}

impl Nothing {
    pub(super) fn write(self, out: &mut dyn ReplySink) {
        match self {
            Self::Null => out.null(),
            Self::NullArray => out.null_array(),
            Self::Zero => out.int(0),
            Self::Logged(here) => {
                out.array(2);
                out.int(here);
                out.int(0);
            }
        }
    }
}

/// A call that found nothing and wants to wait.
#[derive(Debug)]
pub struct Request {
    /// Keys to wait for; their shards are held.
    pub keys: Vec<Vec<u8>>,
    /// What they must become.
    pub wanted: Wanted,
    /// How long; `None` for ever.
    pub timeout: Option<Duration>,
    /// The answer when it is over.
    pub nothing: Nothing,
    /// The call to be run again when it is not the one that was made (XREAD with `$`).
    pub argv: Option<Vec<Vec<u8>>>,
}

impl Ctx<'_> {
    /// Waits as requested; where nobody may wait (in a transaction, in a script) the time is over at once. The handler
    /// writes nothing and has changed nothing.
    pub(super) fn block(&mut self, request: Request, out: &mut dyn ReplySink) -> Result<()> {
        if self.may_block {
            self.blocked = Some(request);
        } else {
            request.nothing.write(out);
        }
        Ok(())
    }

    /// Enters a call that asked to wait. Its shards are still held.
    pub(super) fn enter_waiting(&mut self, request: Request, found: (&'static Command, usize)) {
        let waiter = self.services.waiters().enter(Waiter::new(self, request, found));
        waiter.register(&mut self.guard);
        self.session.blocked = Some(waiter);
    }
}

/// All waiting calls of a store.
#[derive(Default)]
pub struct Waiters {
    last_ticket: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Waiter>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiters {
    fn enter(&self, make: impl FnOnce(u64) -> Waiter) -> Arc<Waiter> {
        let ticket = self.last_ticket.fetch_add(1, Ordering::Relaxed) + 1;
        let waiter = Arc::new(make(ticket));
        lock(&self.open).insert(ticket, Arc::clone(&waiter));
        waiter
    }

    fn find(&self, ticket: u64) -> Option<Arc<Waiter>> {
        lock(&self.open).get(&ticket).cloned()
    }

    fn forget(&self, ticket: u64) -> bool {
        lock(&self.open).remove(&ticket).is_some()
    }

    /// The waiting call of a client.
    pub fn of_client(&self, id: u64) -> Option<Arc<Waiter>> {
        lock(&self.open).values().find(|waiter| waiter.client_id() == id).cloned()
    }

    /// How many calls wait, and for how many keys.
    pub fn counts(&self) -> (usize, usize) {
        let open = lock(&self.open);
        let mut keys: Vec<_> = open.values().flat_map(|waiter| waiter.waited_keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        (open.len(), keys.len())
    }

    /// The store closes: nobody will be served any more.
    pub(crate) fn end_all(&self, error: impl Fn() -> Error) {
        let all: Vec<_> = lock(&self.open).drain().map(|(_, waiter)| waiter).collect();
        for waiter in all {
            waiter.deliver(Err(error()));
        }
    }
}

#[cfg(test)]
mod tests;
