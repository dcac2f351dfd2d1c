//! Stores: opening, closing, and what was found while loading.
#![allow(unsafe_code)]

use std::ffi::c_char;

use engine::{ReplySink, Store};

use crate::boundary::{Outcome, prepare, status};
use crate::error::{Failure, pkv_err};
use crate::pointers::{handle, put, text};
use crate::reply::{Scratch, Writer, pkv_reply};

/// An open store. Any number of threads may use it at once.
#[allow(non_camel_case_types)]
pub struct pkv_store {
    pub(crate) store: Store,
}

/// A list of directives has an end: more than any real one has means that its NULL was forgotten.
const MAX_DIRECTIVES: usize = 1024;

/// Opens the store in a directory, which is made when missing, and loads what is there. The first call takes as long as
/// loading takes.
///
/// `directives` are names and values by turns, ended by a NULL; they mean what they mean in redis.conf, and
/// `pkv_directive_at` lists them. NULL stands for Redis's own defaults: snapshots after so many changes, no log.
///
///     const char *const directives[] = {"appendonly", "yes", "appendfsync", "always", NULL};
///     pkv_err err = pkv_open("data", directives, &store);
///
/// A directory that this process has open already gives the same store; `pkv_close` on one of them closes both. Fails
/// with `PKV_ERR_LOCKED` if another process has it open, `PKV_ERR_CONFIG` for directives, `PKV_ERR_CORRUPT` for
/// files, `PKV_ERR_IO` if the system refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_open(
    path: *const c_char,
    directives: *const *const c_char,
    store: *mut *mut pkv_store,
) -> pkv_err {
    status(|| {
        // SAFETY: valid by the caller's promise.
        unsafe {
            open(store, || {
                let path = text("path", path)?;
                let directives = pairs(directives)?;
                Ok(Store::open(path, &directives)?)
            })
        }
    })
}

/// Opens a store that lives in memory only: no file is read or written. `directives` as in `pkv_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_open_memory(
    directives: *const *const c_char,
    store: *mut *mut pkv_store,
) -> pkv_err {
    status(|| {
        // SAFETY: valid by the caller's promise.
        unsafe { open(store, || Ok(Store::memory_with(&pairs(directives)?)?)) }
    })
}

/// # Safety
/// `store` is NULL or valid for writing.
unsafe fn open(store: *mut *mut pkv_store, how: impl FnOnce() -> Outcome<Store>) -> Outcome {
    if store.is_null() {
        return Err(Failure::null("store"));
    }
    // SAFETY: not NULL, and valid by the caller's promise.
    unsafe { put(store, std::ptr::null_mut()) };
    prepare();
    let opened = pkv_store { store: how()? };
    // SAFETY: not NULL, and valid by the caller's promise.
    unsafe { put(store, Box::into_raw(Box::new(opened))) };
    Ok(pkv_err::PKV_OK)
}

/// The pairs of a list that is ended by NULL.
///
/// # Safety
/// Unless NULL, the list is ended by a NULL, and its texts by NULs.
unsafe fn pairs<'a>(list: *const *const c_char) -> Outcome<Vec<(&'a str, &'a str)>> {
    let mut pairs = Vec::new();
    if list.is_null() {
        return Ok(pairs);
    }
    loop {
        // SAFETY: no NULL came before, so the list goes on by the caller's promise.
        let name = unsafe { list.add(2 * pairs.len()).read() };
        if name.is_null() {
            return Ok(pairs);
        }
        // SAFETY: as above, and the name ends with a NUL.
        let name = unsafe { text("a directive's name", name) }?;
        // SAFETY: the name was not NULL, so there is one pointer more at least.
        let value = unsafe { list.add(2 * pairs.len() + 1).read() };
        if value.is_null() {
            let text = format!("the directive '{name}' has no value: the list ends behind its name");
            return Err(Failure::new(pkv_err::PKV_ERR_ARGUMENT, text));
        }
        // SAFETY: not NULL, and ends with a NUL by the caller's promise.
        let value = unsafe { text(&format!("the value of '{name}'"), value) }?;
        pairs.push((name, value));
        if pairs.len() > MAX_DIRECTIVES {
            let text = format!("more than {MAX_DIRECTIVES} directives; is the list ended by NULL?");
            return Err(Failure::new(pkv_err::PKV_ERR_ARGUMENT, text));
        }
    }
}

/// Closes a store for all its users, and sets `*store` to NULL. Waits for calls under way, saves a snapshot if save
/// points are set and something has changed, and syncs the log.
///
/// It is the last use of the pointer; clients may still be in use by other threads, and answer `PKV_ERR_CLOSED` from
/// now on. An error means that the last snapshot or sync failed; the store is closed then too. A NULL, or a pointer to
/// NULL, is fine. In a forked child it answers `PKV_ERR_FORKED` and touches no file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_close(store: *mut *mut pkv_store) -> pkv_err {
    status(|| {
        if store.is_null() {
            return Ok(pkv_err::PKV_OK);
        }
        // SAFETY: not NULL, and valid by the caller's promise.
        let old = unsafe { store.replace(std::ptr::null_mut()) };
        if old.is_null() {
            return Ok(pkv_err::PKV_OK);
        }
        // SAFETY: made by `open` and not closed before, by the caller's promise.
        let old = unsafe { Box::from_raw(old) };
        old.store.close()?;
        Ok(pkv_err::PKV_OK)
    })
}

/// What was repaired, dropped or is worth knowing from loading the files: an array of lines, empty when all was well.
/// Free it by `pkv_reply_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_load_notes(store: *const pkv_store, notes: *mut *mut pkv_reply) -> pkv_err {
    status(|| {
        if notes.is_null() {
            return Err(Failure::null("notes"));
        }
        // SAFETY: `notes` is not NULL; both are valid by the caller's promise.
        let store = unsafe {
            put(notes, std::ptr::null_mut());
            &handle("store", store)?.store
        };
        store.check_usable()?;
        let lines = store.load_notes();
        let mut scratch = Scratch::default();
        let mut out = Writer::new(false, &mut scratch);
        out.array(lines.len());
        for line in &lines {
            out.bulk(line.as_bytes());
        }
        let made = out.finish()?;
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { put(notes, made) };
        Ok(pkv_err::PKV_OK)
    })
}

/// The version of the library, such as "0.1.0". Compare it with `PKV_VERSION` to see whether header and library agree.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
