//! Listeners: any Redis client or tool talks to a store of this process.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};

use crate::boundary::{Outcome, pointer, status};
use crate::error::{Failure, pkv_err};
use crate::pointers::{handle, put, text};
use crate::store::pkv_store;

/// What serves a store to others. Any number of threads may use it at once.
#[allow(non_camel_case_types)]
pub struct pkv_listener {
    listener: persistkv_resp::Listener,
    address: CString,
}

/// Lets any Redis client or tool talk to the store at an address: "unix:/path", "tcp:127.0.0.1:6379", "127.0.0.1:0"
/// (any free port). Threads of its own serve the connections; directives say what it lets in (`requirepass`, `maxclients`,
/// `timeout`, `client-output-buffer-limit` …).
///
/// It keeps the store's files open until it is closed; `pkv_close` of the store ends it too. Fails with
/// `PKV_ERR_CONFIG` for an address that other machines can reach while there is neither a password (`requirepass`) nor
/// `protected-mode no`, `PKV_ERR_ARGUMENT` for what is no address, `PKV_ERR_IO` if the system refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_listen(
    store: *const pkv_store,
    address: *const c_char,
    listener: *mut *mut pkv_listener,
) -> pkv_err {
    status(|| {
        if listener.is_null() {
            return Err(Failure::null("listener"));
        }
        // SAFETY: `listener` is not NULL; all are valid by the caller's promise.
        let (store, address) = unsafe {
            put(listener, std::ptr::null_mut());
            (&handle("store", store)?.store, text("address", address)?)
        };
        let started = persistkv_resp::listen(store, address, &persistkv_resp::Options::default())?;
        let made = pkv_listener { address: shown(&started)?, listener: started };
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { put(listener, Box::into_raw(Box::new(made))) };
        Ok(pkv_err::PKV_OK)
    })
}

fn shown(listener: &persistkv_resp::Listener) -> Outcome<CString> {
    let text = listener.addresses().first().map(ToString::to_string).unwrap_or_default();
    CString::new(text)
        .map_err(|_| Failure::new(pkv_err::PKV_ERR_ARGUMENT, "the address has a NUL in it".to_owned()))
}

/// Where it listens, with the port the system chose. Lives as long as the listener. NULL for a NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_listener_address(listener: *const pkv_listener) -> *const c_char {
    pointer(|| {
        // SAFETY: valid by the caller's promise.
        let listener = unsafe { handle("listener", listener) }?;
        Ok(listener.address.as_ptr().cast_mut())
    })
}

/// Stops and frees a listener, and sets `*listener` to NULL: nobody is let in any more, each connection finishes the
/// command it is in, gets what was answered, and is closed. A NULL, or a pointer to NULL, is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_listener_close(listener: *mut *mut pkv_listener) -> pkv_err {
    status(|| {
        if listener.is_null() {
            return Ok(pkv_err::PKV_OK);
        }
        // SAFETY: not NULL, and valid by the caller's promise.
        let old = unsafe { listener.replace(std::ptr::null_mut()) };
        if !old.is_null() {
            // SAFETY: made by `pkv_listen` and not closed before, by the caller's promise.
            unsafe { Box::from_raw(old) }.listener.stop();
        }
        Ok(pkv_err::PKV_OK)
    })
}
