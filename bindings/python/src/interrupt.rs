//! Ending scripts from Python: by a signal whose handler raises (Ctrl-C), and by who no longer waits for one (a cancelled
//! task). As with SCRIPT KILL only a script that has not written yet; one that has goes on, and what is to be raised is
//! raised when it is over.
//!
//! The engine asks on the thread that runs the script, while shards are held ([`hook`]). Signal handlers run in the main
//! thread only and need the GIL, so that is asked for now and then, there. Two things follow:
//!
//! * Nobody may wait for a shard with the GIL in hand: every call lets go of it ([`run`]), and so does what is dropped
//!   ([`Released`]).
//! * A handler, or what the garbage collector runs in it, must not wait for the script it interrupts: it is refused.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use persistkv::command::Interrupt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::waiting::{SLICE, is_main_thread};

thread_local! {
    /// Set by whoever waits for this thread's call, when it need not go on.
    static WISH: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
    /// When to look for signals next; `None`: nothing has asked yet in this call.
    static LOOK_AT: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether this is the main thread, once that was looked at.
    static IS_MAIN: Cell<Option<bool>> = const { Cell::new(None) };
    /// What a signal handler raised, which ended the script.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
    /// Python runs in the middle of a script of this thread.
    static IN_SCRIPT: Cell<bool> = const { Cell::new(false) };
    /// What was dropped there.
    static DROPPED: RefCell<Vec<Box<dyn Any + Send>>> = const { RefCell::new(Vec::new()) };
}

/// What clients ask while they run a script.
pub(crate) fn hook() -> Interrupt {
    Arc::new(|| {
        if WISH.with_borrow(|wish| wish.as_ref().is_some_and(|wish| wish.load(Ordering::Relaxed))) {
            return Some("ERR Script ended: nobody waits for it any more.");
        }
        let raised = RAISED.with_borrow(Option::is_some) || looks_now() && handler_raises();
        raised.then_some("ERR Script ended by a signal.")
    })
}

fn looks_now() -> bool {
    if IS_MAIN.get() == Some(false) {
        return false;
    }
    let now = Instant::now();
    let due = LOOK_AT.get().is_some_and(|at| at <= now);
    if due || LOOK_AT.get().is_none() {
        LOOK_AT.set(Some(now + SLICE));
    }
    due
}

/// Lets Python run the handlers of signals that have come.
fn handler_raises() -> bool {
    // None: the interpreter is ending.
    let looked = Python::try_attach(|py| {
        IN_SCRIPT.set(true);
        let look = || {
            if IS_MAIN.get().is_none() {
                IS_MAIN.set(Some(is_main_thread(py)?));
            }
            // Does nothing in other threads.
            py.check_signals()
        };
        let raised = look().err();
        IN_SCRIPT.set(false);
        raised
    });
    let raised = looked.flatten();
    let any = raised.is_some();
    if any {
        RAISED.set(raised);
    }
    any
}

/// Fails in a signal handler that interrupts a script: what is called would wait for that.
fn check_not_in_script() -> PyResult<()> {
    if IN_SCRIPT.get() {
        let text = "a signal handler must not use a store while its thread runs a script";
        return Err(PyRuntimeError::new_err(text));
    }
    Ok(())
}

/// Runs `work` without the GIL. What a signal handler raised while a script ran comes out instead of the result.
pub(crate) fn run<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    check_not_in_script()?;
    LOOK_AT.set(None);
    let result = py.detach(work);
    let late = DROPPED.take();
    if !late.is_empty() {
        py.detach(|| drop(late));
    }
    match RAISED.take() {
        Some(raised) => {
            py.detach(|| drop(result));
            Err(raised)
        }
        None => Ok(result),
    }
}

/// What may wait for a shard by being dropped: that happens without the GIL.
pub(crate) struct Released<T: Any + Send>(Option<T>);

impl<T: Any + Send> Released<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Any + Send> Deref for Released<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only dropping takes it out")
    }
}

impl<T: Any + Send> Drop for Released<T> {
    fn drop(&mut self) {
        let mut value = self.0.take();
        if IN_SCRIPT.get() {
            DROPPED.with_borrow_mut(|dropped| dropped.push(Box::new(value)));
            return;
        }
        // None: the interpreter is ending; then it is dropped below.
        let _ = Python::try_attach(|py| py.detach(|| drop(value.take())));
    }
}

/// The wish that scripts end which another thread runs.
#[pyclass(frozen, module = "persistkv._persistkv")]
pub(crate) struct Wish(Arc<AtomicBool>);

#[pymethods]
impl Wish {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// From now on scripts that :meth:`run` meets are ended unless they have written.
    fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Calls a function; None without calling it when it is to end already.
    #[pyo3(signature = (call, *args))]
    fn run(&self, call: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        if self.0.load(Ordering::Relaxed) {
            return Ok(call.py().None());
        }
        let outer = WISH.replace(Some(Arc::clone(&self.0)));
        let result = call.call1(args);
        WISH.set(outer);
        result.map(Bound::unbind)
    }
}
