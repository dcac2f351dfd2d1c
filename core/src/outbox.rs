//! What a client is told without asking: messages of channels it has subscribed to, keys it had read and that have changed,
//! the lines of MONITOR. Bounded: who does not fetch what is sent to him loses the lot, and is told so.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::OutputLimit;
use crate::error::{Error, ErrorKind, Result};
use crate::reply::{Reply, ReplySink};

/// Called when a message has come to an empty outbox, from any thread, without any lock of the store.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Push {
    /// `message`, the channel, the text; and their like.
    Parts(Vec<Reply>),
    /// A line of MONITOR.
    Line(String),
}

impl Push {
    /// Writes it to a sink: a push in RESP3, an array in RESP2; a line is a status.
    pub fn write(&self, out: &mut dyn ReplySink) {
        match self {
            Self::Parts(parts) => {
                out.push(parts.len());
                parts.iter().for_each(|part| part.write(out));
            }
            Self::Line(line) => out.simple(line),
        }
    }

    /// About how many bytes it takes, here and on a wire.
    fn size(&self) -> usize {
        const EACH: usize = 32;
        fn part(reply: &Reply) -> usize {
            EACH + match reply {
                Reply::Bulk(bytes) => bytes.len(),
                Reply::Array(parts) => parts.iter().map(part).sum(),
                _ => 0,
            }
        }
        match self {
            Self::Parts(parts) => EACH + parts.iter().map(part).sum::<usize>(),
            Self::Line(line) => EACH + line.len(),
        }
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arc<Push>>,
    bytes: usize,
    /// Since when there is more than the soft limit allows.
    soft_since: Option<Instant>,
    /// A limit was passed: nothing is taken in any more.
    overrun: bool,
    closed: bool,
    waker: Option<Waker>,
}

/// See the module's head.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    arrived: Condvar,
    /// There is something to be fetched: so that looking costs nothing.
    filled: AtomicBool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. Who is to be woken for it is woken by the caller, when it holds no lock.
    #[must_use]
    pub(crate) fn add(&self, push: Arc<Push>, limit: OutputLimit) -> Option<Waker> {
        let mut state = self.state();
        if state.overrun || state.closed {
            return None;
        }
        let was_empty = state.queue.is_empty();
        state.bytes += push.size();
        state.queue.push_back(push);
        if passes(&mut state, limit) {
            state.queue.clear();
            state.bytes = 0;
            state.overrun = true;
        }
        self.filled.store(true, Ordering::Release);
        self.arrived.notify_all();
        if was_empty { state.waker.clone() } else { None }
    }

    /// No message will come any more.
    #[must_use]
    pub(crate) fn close(&self) -> Option<Waker> {
        let mut state = self.state();
        state.closed = true;
        self.filled.store(true, Ordering::Release);
        self.arrived.notify_all();
        state.waker.clone()
    }

    /// Sets who is told when a message comes to the empty outbox; tells it at once when there is one already.
    pub fn set_waker(&self, waker: Option<Waker>) {
        let mut state = self.state();
        state.waker.clone_from(&waker);
        let filled = !state.queue.is_empty() || state.overrun;
        drop(state);
        if filled && let Some(waker) = waker {
            waker();
        }
    }

    /// Whether there is something to be fetched. Costs one load.
    pub fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    /// Fetches all messages.
    ///
    /// Fails, once and for all, when messages were lost since too many waited (`client-output-buffer-limit`), and after
    /// the store was closed.
    pub fn take_all(&self) -> Result<VecDeque<Arc<Push>>> {
        let mut state = self.state();
        let queue = std::mem::take(&mut state.queue);
        self.emptied(&mut state);
        if queue.is_empty() {
            check(&state)?;
        }
        Ok(queue)
    }

    /// Fetches the next message, waiting for it that long (`None`: for ever). `Ok(None)`: none has come. Fails as
    /// [`Outbox::take_all`].
    pub fn next(&self, most: Option<Duration>) -> Result<Option<Arc<Push>>> {
        let state = self.state();
        let waits = |state: &mut State| state.queue.is_empty() && !state.overrun && !state.closed;
        let mut state = match most {
            None => self.arrived.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let waited = self.arrived.wait_timeout_while(state, most, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let Some(push) = state.queue.pop_front() else {
            check(&state)?;
            return Ok(None);
        };
        state.bytes = state.bytes.saturating_sub(push.size());
        if state.queue.is_empty() {
            self.emptied(&mut state);
        }
        Ok(Some(push))
    }

    fn emptied(&self, state: &mut State) {
        state.bytes = 0;
        state.soft_since = None;
        self.filled.store(state.overrun || state.closed, Ordering::Release);
    }
}

/// Whether what waits passes the limit.
fn passes(state: &mut State, limit: OutputLimit) -> bool {
    if limit.hard > 0 && state.bytes > limit.hard {
        return true;
    }
    if limit.soft == 0 || state.bytes <= limit.soft {
        state.soft_since = None;
        return false;
    }
    let since = *state.soft_since.get_or_insert_with(Instant::now);
    since.elapsed() > Duration::from_secs(limit.seconds)
}

fn check(state: &State) -> Result<()> {
    if state.overrun {
        let text = "ERR messages were lost: more of them waited to be fetched than client-output-buffer-limit allows; \
                    subscribe anew with another client";
        return Err(Error::new(ErrorKind::OutOfMemory, text));
    }
    if state.closed {
        return Err(Error::new(ErrorKind::Closed, "the store is closed; open it again"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn line(n: usize) -> Arc<Push> {
        Arc::new(Push::Line("x".repeat(n)))
    }

    #[test]
    fn messages_come_in_order_and_the_waker_is_called_for_the_first() {
        let outbox = Outbox::default();
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        outbox.set_waker(Some(Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        })));
        let limit = OutputLimit::default();
        for n in 0..3 {
            if let Some(waker) = outbox.add(line(n), limit) {
                waker();
            }
        }
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        assert_eq!(outbox.next(Some(Duration::ZERO)).unwrap(), Some(line(0)));
        assert_eq!(outbox.take_all().unwrap(), [line(1), line(2)]);
        assert!(!outbox.is_filled());
        assert_eq!(outbox.next(Some(Duration::ZERO)).unwrap(), None);
    }

    #[test]
    fn who_does_not_fetch_loses_the_lot_and_is_told() {
        let outbox = Outbox::default();
        let limit = OutputLimit { hard: 1000, soft: 0, seconds: 0 };
        for _ in 0..100 {
            drop(outbox.add(line(100), limit));
        }
        assert!(outbox.is_filled());
        assert_eq!(outbox.take_all().unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert!(outbox.next(None).is_err());
        let soft = OutputLimit { hard: 0, soft: 10, seconds: 0 };
        let outbox = Outbox::default();
        drop(outbox.add(line(100), soft));
        std::thread::sleep(Duration::from_millis(2));
        drop(outbox.add(line(100), soft));
        assert!(outbox.take_all().is_err());
    }
}
