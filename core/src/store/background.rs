//! The store's background thread: expiry, save points, automatic rewrites. It starts with the first write that may give
//! it something to do, ticks ten times a second while there is something, and sleeps without a timer otherwise.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Inner;
use crate::command::dispatch;
use crate::keyspace::SHARDS;

/// Redis's default rate of background work (`hz 10`).
const TICK: Duration = Duration::from_millis(100);
/// Due keys, and as many due fields of hashes, deleted per hold of a shard's lock.
const DUE_PER_HOLD: usize = 100;
/// Holds of a shard's lock per tick before the next shard has its turn: the other shards and the callers have theirs.
const HOLDS_PER_TICK: usize = 20;

#[derive(Default)]
struct State {
    thread: Option<JoinHandle<()>>,
    stop: bool,
    /// Somebody wrote since the thread last looked.
    poked: bool,
}

/// The thread's control.
#[derive(Default)]
pub(super) struct Background {
    /// The thread runs and is awake: a poke would tell it nothing.
    awake: AtomicBool,
    state: Mutex<State>,
    signal: Condvar,
}

impl Background {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a poke would do anything. Costs one load; ordered after the change that may need the thread, as the
    /// thread's own look at the changes is after [`Background::drowse`]: one of the two sees the other.
    pub(super) fn sleeps(&self) -> bool {
        !self.awake.load(Ordering::SeqCst)
    }

    /// From now on writers poke the thread, which looks once more for what was changed before this.
    fn drowse(&self) {
        self.awake.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Wakes the thread, starting it when it does not run. Costs one load while it is awake.
    pub(super) fn poke(&self, inner: &Arc<Inner>) {
        if !self.awake.load(Ordering::Relaxed) {
            self.rouse(inner);
        }
    }

    /// As [`Background::poke`], for what must not wait for the next write: the thread looks once more even if it is
    /// awake, for it may be about to sleep.
    pub(super) fn rouse(&self, inner: &Arc<Inner>) {
        let mut state = self.state();
        if state.stop {
            return;
        }
        state.poked = true;
        self.awake.store(true, Ordering::Relaxed);
        if state.thread.is_some() {
            self.signal.notify_one();
            return;
        }
        let inner = Arc::clone(inner);
        let spawned = std::thread::Builder::new().name("persistkv-bg".into()).spawn(move || run(&inner));
        match spawned {
            Ok(thread) => state.thread = Some(thread),
            Err(error) => {
                self.awake.store(false, Ordering::Relaxed);
                log::warn!(
                    "no background thread could be started ({error}): expiry and save points wait for the next write"
                );
            }
        }
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&self) {
        let thread = {
            let mut state = self.state();
            state.stop = true;
            self.signal.notify_all();
            state.thread.take()
        };
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }

    /// Sleeps until poked when there is nothing to do, and a tick in any case: so that writers, however many, have to wake
    /// the thread ten times a second at most. False: the store is closing.
    fn sleep(&self, busy: bool) -> bool {
        let mut state = self.state();
        while !busy && !state.poked && !state.stop {
            state = self.signal.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.awake.store(true, Ordering::Relaxed);
        let ticked = self.signal.wait_timeout_while(state, TICK, |state| !state.stop);
        let mut state = ticked.unwrap_or_else(PoisonError::into_inner).0;
        state.poked = false;
        !state.stop
    }
}

fn run(inner: &Arc<Inner>) {
    let mut busy = true;
    while inner.background.sleep(busy) {
        if inner.config.switches.pauses_background() {
            busy = true;
            continue;
        }
        busy = tick(inner);
        if !busy {
            inner.background.drowse();
            busy = tick(inner);
        }
    }
}

/// One round of background work; true while more will come without a further write.
fn tick(inner: &Arc<Inner>) -> bool {
    let expiring = expire(inner);
    let saving = inner.tick_saves();
    let logging = inner.tick_log();
    // For the peak that INFO shows.
    let _ = inner.keyspace.memory();
    expiring || saving || logging
}

fn expire(inner: &Arc<Inner>) -> bool {
    let keyspace = &inner.keyspace;
    if !keyspace.has_expiring() {
        return false;
    }
    keyspace.expect_expiring(false);
    let mut awaited = false;
    for index in 0..SHARDS {
        for _ in 0..HOLDS_PER_TICK {
            match dispatch::expire_shard(&**inner, index, DUE_PER_HOLD) {
                Ok((more, awaits)) => {
                    awaited |= awaits;
                    if !more {
                        break;
                    }
                    // Who waits for the shard has it next, not this thread again.
                    std::thread::yield_now();
                }
                Err(error) => {
                    log::warn!("expired keys could not be logged: {error}");
                    awaited = true;
                    break;
                }
            }
        }
    }
    if awaited {
        keyspace.expect_expiring(true);
    }
    // A writer may have set an expiry in a shard that was looked at before.
    keyspace.has_expiring()
}
