//! Transactions: WATCH, MULTI, EXEC and DISCARD as typed calls, in the shape of a loop that C programs write.
#![allow(unsafe_code)]

use std::ffi::c_char;

use crate::boundary::status;
use crate::call::{ask_int, given, word};
use crate::client::{Inside, Using, pkv_client};
use crate::error::{Failure, pkv_err};
use crate::pointers::{handle, put};
use crate::reply::{Writer, pkv_reply, pkv_reply_free, pkv_reply_type};

/// WATCH of one key: if somebody else changes it before `pkv_exec`, that does nothing and answers `PKV_CHANGED`. Call it
/// once for each key, before reading it.
///
///     do {
///         pkv_watch(client, PKV_LIT("stock"));
///         pkv_get(client, PKV_LIT("stock"), &stock, &len);
///         pkv_multi(client);
///         pkv_set(client, PKV_LIT("stock"), less, less_len); // PKV_QUEUED
///         err = pkv_exec(client, &replies);
///     } while (err == PKV_CHANGED);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_watch(client: *mut pkv_client, key: *const c_char, key_len: usize) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("WATCH"), given("key", key, key_len)]) }
}

/// UNWATCH: forgets the watched keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_unwatch(client: *mut pkv_client) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("UNWATCH")]) }
}

/// MULTI: from now on commands of this client are queued; typed calls answer `PKV_QUEUED`. A command that is refused
/// while it is being queued makes `pkv_exec` refuse the whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_multi(client: *mut pkv_client) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("MULTI")]) }
}

/// EXEC: runs what was queued since `pkv_multi` as one: nobody sees some of it done and the rest not, and after a crash
/// all of it is there or nothing. Ends the watch.
///
/// `*replies` is an array with the reply of each command in order, to be freed by `pkv_reply_free`; a command that failed
/// has one of type `PKV_REPLY_ERROR`, and leaves the others standing. `replies` may be NULL. Answers `PKV_CHANGED`, with
/// nothing done, if a watched key was changed: begin again. Fails with `PKV_ERR_COMMAND`, with nothing done, without
/// `pkv_multi`, and if a command was refused while it was queued ("EXECABORT ...").
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_exec(client: *mut pkv_client, replies: *mut *mut pkv_reply) -> pkv_err {
    status(|| {
        // SAFETY: valid by the caller's promise; `replies` may be NULL.
        let mut using = unsafe {
            put(replies, std::ptr::null_mut());
            Using::begin(handle("client", client)?)?
        };
        let Inside { client, scratch } = using.inside();
        let mut out = Writer::new(client.resp3(), scratch);
        client.execute_into(&["EXEC"], &mut out)?;
        let made = out.finish()?;
        // SAFETY: a reply has at least its first node.
        let kind = unsafe { (*made).r#type };
        if kind == pkv_reply_type::PKV_REPLY_ARRAY as i32 && !replies.is_null() {
            // SAFETY: not NULL, and valid by the caller's promise.
            unsafe { put(replies, made) };
            return Ok(pkv_err::PKV_OK);
        }
        // SAFETY: it was not handed out.
        unsafe { pkv_reply_free(made) };
        if kind == pkv_reply_type::PKV_REPLY_ARRAY as i32 {
            Ok(pkv_err::PKV_OK)
        } else if kind == pkv_reply_type::PKV_REPLY_NIL as i32 {
            Ok(pkv_err::PKV_CHANGED)
        } else {
            let text = "internal error: EXEC answered with something else than an array";
            Err(Failure::new(pkv_err::PKV_ERR_INTERNAL, text))
        }
    })
}

/// DISCARD: forgets what was queued, and the watched keys. Fails with `PKV_ERR_COMMAND` without `pkv_multi`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_discard(client: *mut pkv_client) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("DISCARD")]) }
}
