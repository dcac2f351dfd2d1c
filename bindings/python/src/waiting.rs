//! Waiting, in threads and in event loops: for a key, for a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use persistkv::outbox::Waker;
use persistkv::reply::ReplyBuilder;
use persistkv::{Blocked, Reply};
use pyo3::prelude::*;

use crate::convert;
use crate::errors;
use crate::interrupt::{self, Released};

/// Python runs its signal handlers in the main thread only, and not while that is in here: so it looks for them that
/// often. What is waited for wakes it at once; other threads are not woken in between.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Whether this is the thread that runs signal handlers. An error is what a handler raised that ran meanwhile.
pub(crate) fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?;
    Ok(main.is(&threading.call_method0("current_thread")?))
}

/// Calls `wait` with the time it may take until it gives something, at most so many seconds; lets Python look for signals
/// between when this is the main thread.
pub(crate) fn sliced<R: Send>(
    py: Python<'_>,
    seconds: Option<f64>,
    wait: impl Fn(Option<Duration>) -> Option<R> + Sync,
) -> PyResult<Option<R>> {
    // A span too long to be told is for ever.
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    let deadline = span.and_then(|span| Instant::now().checked_add(span));
    until(py, deadline, wait)
}

fn until<R: Send>(
    py: Python<'_>,
    deadline: Option<Instant>,
    wait: impl Fn(Option<Duration>) -> Option<R> + Sync,
) -> PyResult<Option<R>> {
    let looks = is_main_thread(py)?;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let slice = if looks { Some(left.map_or(SLICE, |left| left.min(SLICE))) } else { left };
        if let Some(found) = py.detach(|| wait(slice)) {
            return Ok(Some(found));
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        if looks {
            py.check_signals()?;
        }
    }
}

fn take(blocked: &Blocked) -> Option<persistkv::Result<Reply>> {
    let mut out = ReplyBuilder::new(false);
    let done = blocked.take(&mut out)?;
    Some(done.map(|()| out.finish().unwrap_or(Reply::Null)))
}

/// Waits for a call to be served, to be over, or for a signal whose handler raises (KeyboardInterrupt). A reply that was
/// just being made when the signal came is returned all the same, since what a pop has popped is nowhere else.
pub(crate) fn finish(py: Python<'_>, blocked: &Blocked) -> PyResult<Reply> {
    let waited = until(py, blocked.deadline(), |most| blocked.wait(most).then_some(()));
    if let Err(raised) = waited
        && blocked.cancel()
    {
        return Err(raised);
    }
    let outcome = py.detach(|| {
        loop {
            if let Some(outcome) = take(blocked) {
                return outcome;
            }
            blocked.time_out();
            blocked.wait(None);
        }
    });
    outcome.map_err(|error| errors::raise(py, &error))
}

/// A waker that calls a Python function.
pub(crate) fn waker(wake: Py<PyAny>) -> Waker {
    Arc::new(move || {
        // None: the interpreter is ending, and nobody waits any more.
        let _ = Python::try_attach(|py| {
            if let Err(error) = wake.call0(py) {
                error.write_unraisable(py, None);
            }
        });
    })
}

/// A call that waits for a key, for event loops.
#[pyclass(frozen, module = "persistkv._persistkv")]
pub(crate) struct Waiting {
    blocked: Released<Blocked>,
    decode: bool,
}

impl Waiting {
    pub(crate) fn new(blocked: Blocked, decode: bool) -> Self {
        Self { blocked: Released::new(blocked), decode }
    }
}

#[pymethods]
impl Waiting {
    /// Seconds until its time is over, None: it waits for ever.
    #[getter]
    fn seconds_left(&self) -> Option<f64> {
        let deadline = self.blocked.deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    /// Calls `wake` once, from any thread, when the reply is there.
    fn set_waker(&self, py: Python<'_>, wake: Py<PyAny>) {
        // Outside of the GIL: it may be called at once.
        py.detach(|| self.blocked.set_waker(waker(wake)));
    }

    /// Its time is over: the reply is then the command's answer for that, unless it is being served just now.
    fn time_out(&self, py: Python<'_>) -> PyResult<()> {
        interrupt::run(py, || self.blocked.time_out())
    }

    /// Ends the waiting; False when it is being served just now, or was: the reply must be taken then.
    fn cancel(&self, py: Python<'_>) -> PyResult<bool> {
        interrupt::run(py, || self.blocked.cancel())
    }

    /// The reply, waiting for it.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = interrupt::run(py, || {
            self.blocked.wait(None);
            take(&self.blocked)
        })?;
        match outcome {
            Some(Ok(reply)) => convert::reply(py, reply, self.decode),
            Some(Err(error)) => Err(errors::raise(py, &error)),
            None => Ok(py.None()),
        }
    }
}
