//! The only door by which memory of the caller becomes a Rust value: NULL and lengths are judged here.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

use crate::boundary::Outcome;
use crate::error::{Failure, pkv_err};

/// The longest argument, as in Redis: 512 MB. A longer one is mostly a negative number or a forgotten value.
pub(crate) const MAX_LEN: usize = 512 * 1024 * 1024;

/// The bytes at `ptr`. NULL is fine for no bytes at all.
///
/// # Safety
/// Unless NULL, `ptr` points to `len` bytes which nobody changes while the result lives.
pub(crate) unsafe fn bytes<'a>(
    what: impl FnOnce() -> String,
    ptr: *const c_char,
    len: usize,
) -> Outcome<&'a [u8]> {
    if len > MAX_LEN {
        let text = format!("{} is {len} bytes long; at most {MAX_LEN} (512 MB) are allowed", what());
        return Err(Failure::new(pkv_err::PKV_ERR_ARGUMENT, text));
    }
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(Failure::null(&what()));
    }
    // SAFETY: not NULL, of a length below isize::MAX, and valid for reading by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}

/// Text that ends with a NUL.
///
/// # Safety
/// Unless NULL, `ptr` points to bytes that end with a NUL and which nobody changes while the result lives.
pub(crate) unsafe fn text<'a>(what: &str, ptr: *const c_char) -> Outcome<&'a str> {
    if ptr.is_null() {
        return Err(Failure::null(what));
    }
    // SAFETY: not NULL, and ends with a NUL by the caller's promise.
    let text = unsafe { CStr::from_ptr(ptr) };
    text.to_str().map_err(|_| Failure::new(pkv_err::PKV_ERR_ARGUMENT, format!("{what} is not UTF-8")))
}

/// A reference to what a handle points to.
///
/// # Safety
/// Unless NULL, `ptr` came from this library, was not freed, and nobody has a `&mut` to it while the result lives.
pub(crate) unsafe fn handle<'a, T>(what: &str, ptr: *const T) -> Outcome<&'a T> {
    // SAFETY: by the caller's promise.
    unsafe { ptr.as_ref() }.ok_or_else(|| Failure::null(what))
}

/// Writes a result, if the caller wants it.
///
/// # Safety
/// Unless NULL, `ptr` is valid for writing a `T`.
pub(crate) unsafe fn put<T>(ptr: *mut T, value: T) {
    if !ptr.is_null() {
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { ptr.write(value) }
    }
}

/// A copy of bytes for the caller to free by `pkv_free`, with a NUL behind it.
pub(crate) fn copy(bytes: &[u8]) -> Outcome<*mut c_char> {
    // SAFETY: malloc takes any size; a slice is shorter than usize::MAX.
    let block: *mut u8 = unsafe { libc::malloc(bytes.len() + 1) }.cast();
    if block.is_null() {
        return Err(Failure::no_memory(bytes.len()));
    }
    // SAFETY: the block is new and one byte longer than what is written.
    unsafe {
        block.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        block.add(bytes.len()).write(0);
    }
    Ok(block.cast())
}

/// Frees bytes that a typed call answered. NULL is fine. Not for replies: those are freed by `pkv_reply_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_free(bytes: *mut c_char) {
    // SAFETY: NULL, or made by `copy` and not freed before, by the caller's promise.
    unsafe { libc::free(bytes.cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_null_are_judged() {
        let what = || "key".to_owned();
        // SAFETY: refused or empty before any byte is read.
        unsafe {
            assert_eq!(bytes(what, std::ptr::null(), 0).unwrap(), b"");
            assert_eq!(bytes(what, std::ptr::null(), 1).unwrap_err().code, pkv_err::PKV_ERR_NULL);
            let failure = bytes(what, c"x".as_ptr(), usize::MAX).unwrap_err();
            assert_eq!(failure.code, pkv_err::PKV_ERR_ARGUMENT);
            assert!(failure.message.starts_with("key is "), "{}", failure.message);
        }
    }
}
