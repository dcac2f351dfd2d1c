//! Every function's outer wall: panics end here, failures become codes and the thread's last error.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::error::{Failure, pkv_err, remember};

/// What a function's body gives: an answer, or why not.
pub(crate) type Outcome<T = pkv_err> = Result<T, Failure>;

thread_local! {
    /// Where and why this thread panicked, for the failure that the boundary makes of it.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of a function that answers a code.
pub(crate) fn status(body: impl FnOnce() -> Outcome) -> pkv_err {
    guarded(body).unwrap_or_else(|failure| {
        remember(failure.code, &failure.message);
        failure.code
    })
}

/// Runs the body of a function that answers a pointer: NULL when it failed.
pub(crate) fn pointer<T>(body: impl FnOnce() -> Outcome<*mut T>) -> *mut T {
    guarded(body).unwrap_or_else(|failure| {
        remember(failure.code, &failure.message);
        std::ptr::null_mut()
    })
}

fn guarded<T>(body: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // Unwind safe: the engine's locks notice panics by being poisoned, a client's busy mark is undone by a guard, and
    // nothing else is shared between calls.
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let text = PANIC.try_with(|text| text.borrow_mut().take()).ok().flatten();
        let text = text.unwrap_or_else(|| "no details".to_owned());
        Err(Failure::new(pkv_err::PKV_ERR_INTERNAL, format!("internal error, please report it: {text}")))
    })
}

/// Sees to it that a panic is told to the log callback and to `pkv_last_error`, not to the host's stderr. The hook is
/// that of this library's own copy of Rust's runtime: a host written in Rust keeps its own.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let text = info.to_string().replace('\n', " ");
            log::error!("{text}");
            let _ = PANIC.try_with(|slot| *slot.borrow_mut() = Some(text));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::pkv_last_error;
    use std::ffi::CStr;

    #[test]
    fn a_panic_becomes_a_code_and_a_text() {
        prepare();
        let at_hand: Vec<u8> = Vec::new();
        let code = status(|| {
            if at_hand.is_empty() {
                panic!("the cellar is flooded");
            }
            Ok(pkv_err::PKV_OK)
        });
        assert_eq!(code, pkv_err::PKV_ERR_INTERNAL);
        // SAFETY: the text ends with a NUL and no other call of this thread comes between.
        let text = unsafe { CStr::from_ptr(pkv_last_error()) }.to_str().unwrap_or_default();
        assert!(text.contains("the cellar is flooded") && text.contains("boundary.rs"), "{text}");
        assert!(pointer::<u8>(|| panic!("again")).is_null());
    }
}
