//! The script under way on this thread: its host, lent to the functions that Lua calls.
//!
//! Lua keeps its functions for as long as the interpreter lives, a host lives for one run. So what they share is not the
//! host but this place, where the run leaves a pointer to it and takes it away again at its end.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use super::Host;

thread_local! {
    static HOST: Cell<Option<NonNull<dyn Host>>> = const { Cell::new(None) };
    static STOPPING: Cell<bool> = const { Cell::new(false) };
    static PANICKED: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<Box<dyn Any + Send>>> = const { RefCell::new(None) };
}

/// Takes the host away again, however the run ends.
struct Lent(Option<NonNull<dyn Host>>);

impl Drop for Lent {
    fn drop(&mut self) {
        HOST.set(self.0.take());
    }
}

/// Runs `f` while [`with`] on this thread reaches `host`.
pub(super) fn lend<R>(host: &mut dyn Host, f: impl FnOnce() -> R) -> R {
    let pointer: NonNull<dyn Host + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes. The pointer is reached by `with` alone, on this thread, while `f` runs; `Lent`
    // takes it away before the borrow of `host` ends, also when `f` panics.
    let pointer: NonNull<dyn Host> = unsafe { std::mem::transmute(pointer) };
    STOPPING.set(false);
    PANICKED.set(false);
    let _lent = Lent(HOST.replace(Some(pointer)));
    f()
}

/// Calls `f`; `None` when it panics. That must not unwind through Lua: it ends the script, which can not catch it, and goes
/// on when Lua is left ([`resume_panic`]).
pub(super) fn catching<R>(f: impl FnOnce() -> R) -> Option<R> {
    // What the panic left half done is the host's; the script that reaches it ends here.
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(panic) => {
            PANICKED.set(true);
            STOPPING.set(true);
            PANIC.set(Some(panic));
            None
        }
    }
}

/// Goes on with the panic that ended the script, if one did.
pub(super) fn resume_panic() {
    if let Some(panic) = PANIC.take() {
        std::panic::resume_unwind(panic);
    }
}

/// Calls `f` with the host of the script under way on this thread; `None` without one, while it is in use, or when `f` panics.
pub(super) fn with<R>(f: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
    let mut pointer = HOST.take()?;
    let _back = Lent(Some(pointer));
    // SAFETY: `lend` holds the only borrow of the host and is further down on this thread's stack; while this borrow
    // lasts, the place is empty, so that there is no second one.
    let host = unsafe { pointer.as_mut() };
    catching(|| f(host))
}

/// Whether the script is to end, whatever it catches; if so, why.
pub(super) fn why_stop() -> Option<&'static str> {
    let why = with(|host| host.why_stop()).flatten();
    if why.is_some() {
        STOPPING.set(true);
    }
    why
}

/// Whether the script is being ended.
pub(super) fn is_stopping() -> bool {
    STOPPING.get()
}

/// Whether the host has panicked.
pub(super) fn has_panicked() -> bool {
    PANICKED.get()
}
