//! A call that waits for a key (BLPOP and its kin), from the caller's side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::blocking::{Waiter, Waker};
use crate::error::Result;
use crate::reply::ReplySink;
use crate::store::Handle;

/// A waiting call. It is served in its turn by the thread of whoever makes its key ready. Dropping it cancels it.
///
/// Threads wait with [`Blocked::finish`] or, to look after other things between, [`Blocked::wait`]; event loops set a
/// waker, keep a timer for [`Blocked::deadline`] and then call [`Blocked::time_out`]. However it ends, the outcome is
/// fetched with [`Blocked::take`].
pub struct Blocked {
    store: Arc<Handle>,
    waiter: Arc<Waiter>,
}

impl Blocked {
    pub(crate) fn new(store: Arc<Handle>, waiter: Arc<Waiter>) -> Self {
        Self { store, waiter }
    }

    /// When its time is over; `None`: it waits for ever.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiter.deadline()
    }

    /// Sets who is told that the outcome is there: once, from any thread, while nothing of the store is locked. Called at
    /// once when it is there already.
    pub fn set_waker(&self, waker: Waker) {
        self.waiter.set_waker(waker);
    }

    /// Waits for the outcome, at most so long (`None`: for ever); whether it is there.
    pub fn wait(&self, most: Option<Duration>) -> bool {
        self.waiter.wait(most)
    }

    /// Its time is over, which only the caller looks at: the outcome is then the command's answer for that, or the reply
    /// if it is being served just now; that comes in a moment.
    pub fn time_out(&self) {
        self.waiter.time_out(&*self.store.inner);
    }

    /// Ends the waiting. False: it is being served just now, or was. Then the outcome comes in a moment and must be taken,
    /// since what a pop has popped is nowhere else any more.
    pub fn cancel(&self) -> bool {
        self.waiter.cancel(&*self.store.inner)
    }

    /// Writes the reply to `out` when the outcome is there, once.
    pub fn take(&self, out: &mut dyn ReplySink) -> Option<Result<()>> {
        self.waiter.take(out)
    }

    /// Waits until it is served or its time is over.
    pub fn finish(&self, out: &mut dyn ReplySink) -> Result<()> {
        loop {
            if let Some(done) = self.take(out) {
                return done;
            }
            let left = self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !self.wait(left) {
                self.time_out();
                self.wait(None);
            }
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // In a forked child the locks may be held by threads that do not exist there.
        if self.store.inner.is_ours() {
            self.cancel();
        }
    }
}
