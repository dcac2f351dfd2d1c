//! Error codes, and the text of a thread's last error.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char};

use engine::{Error, ErrorKind};

/// What a call answers: `PKV_OK`, or why it failed. The numbers are stable; new ones may be added, so treat a
/// number you do not know as a failure. `pkv_last_error` has the details in words.
#[allow(non_camel_case_types)]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pkv_err {
    /// It worked.
    PKV_OK = 0,
    /// A command was refused; `pkv_last_error` is Redis's own text, such as "ERR syntax error".
    PKV_ERR_COMMAND = 1,
    /// The key holds a value of another type ("WRONGTYPE ...").
    PKV_ERR_WRONG_TYPE = 2,
    /// An argument of the call itself is not valid: too long, out of range, not UTF-8 where text is needed.
    PKV_ERR_ARGUMENT = 3,
    /// An unknown directive, or a value that it may not have.
    PKV_ERR_CONFIG = 4,
    /// The system refused a file operation.
    PKV_ERR_IO = 5,
    /// A file is damaged, or not what its name says. The text names file, offset and remedy; the file was left alone.
    PKV_ERR_CORRUPT = 6,
    /// The directory is open in another process. The text names its pid.
    PKV_ERR_LOCKED = 7,
    /// The store was closed.
    PKV_ERR_CLOSED = 8,
    /// The handle was made before this process was forked from its parent. Open a store of the child's own.
    PKV_ERR_FORKED = 9,
    /// Writes are refused, since at present they could not be made durable ("MISCONF ...").
    PKV_ERR_NOT_DURABLE = 10,
    /// `maxmemory` is reached ("OOM ...").
    PKV_ERR_OUT_OF_MEMORY = 11,
    /// A defect in persistkv. The process goes on; please report the text.
    PKV_ERR_INTERNAL = 12,
    /// A pointer that must not be NULL is NULL. The text names it.
    PKV_ERR_NULL = 100,
    /// The client is in use by another call: two threads share it, or a log callback called back.
    PKV_ERR_BUSY = 101,
    /// The system gave no memory for the answer. The command itself was carried out.
    PKV_ERR_NO_MEMORY = 102,
    /// No failure: after MULTI, the command of this typed call waits for EXEC, whose reply will hold its answer. Outputs
    /// are NULL or 0.
    PKV_QUEUED = 103,
    /// No failure: a watched key was changed, so `pkv_exec` did nothing. Begin again from `pkv_watch`.
    PKV_CHANGED = 104,
}

use pkv_err::*;

impl From<ErrorKind> for pkv_err {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Command => PKV_ERR_COMMAND,
            ErrorKind::WrongType => PKV_ERR_WRONG_TYPE,
            ErrorKind::Argument => PKV_ERR_ARGUMENT,
            ErrorKind::Config => PKV_ERR_CONFIG,
            ErrorKind::Io => PKV_ERR_IO,
            ErrorKind::Corrupt => PKV_ERR_CORRUPT,
            ErrorKind::Locked => PKV_ERR_LOCKED,
            ErrorKind::Closed => PKV_ERR_CLOSED,
            ErrorKind::Forked => PKV_ERR_FORKED,
            ErrorKind::NotDurable => PKV_ERR_NOT_DURABLE,
            ErrorKind::OutOfMemory => PKV_ERR_OUT_OF_MEMORY,
            // A kind that the engine has and this list has not: a test finds it before a user does.
            _ => PKV_ERR_INTERNAL,
        }
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: pkv_err,
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: pkv_err, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// A pointer that must not be NULL is.
    pub(crate) fn null(what: &str) -> Self {
        Self::new(PKV_ERR_NULL, format!("{what} is NULL"))
    }

    /// malloc gave nothing.
    pub(crate) fn no_memory(bytes: usize) -> Self {
        Self::new(PKV_ERR_NO_MEMORY, format!("no memory for an answer of {bytes} bytes"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.kind().into(), error.message().to_owned())
    }
}

thread_local! {
    static LAST_CODE: Cell<pkv_err> = const { Cell::new(PKV_OK) };
    /// With the NUL that C wants; empty as long as nothing failed.
    static LAST_TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a failure for `pkv_last_error`. In a thread that is ending it is dropped.
pub(crate) fn remember(code: pkv_err, message: &str) {
    LAST_CODE.set(code);
    let _ = LAST_TEXT.try_with(|text| {
        let mut text = text.borrow_mut();
        text.clear();
        // A NUL inside (a key with one, quoted in the message) would end the text for C.
        text.extend(message.bytes().map(|b| if b == 0 { b' ' } else { b }));
        text.push(0);
    });
}

/// The text of the last call of this thread that failed; empty if none did. It is UTF-8 apart from what came from
/// arguments, ends with a NUL, and stays as it is until another call of this thread fails: copy it to keep it. A call
/// that succeeds does not change it.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_last_error() -> *const c_char {
    let text = LAST_TEXT.try_with(|text| {
        let text = text.borrow();
        if text.is_empty() { std::ptr::null() } else { text.as_ptr().cast::<c_char>() }
    });
    match text {
        Ok(text) if !text.is_null() => text,
        _ => c"".as_ptr(),
    }
}

/// The code of the last call of this thread that failed; `PKV_OK` if none did. For calls that answer a pointer.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_last_error_code() -> pkv_err {
    LAST_CODE.get()
}

/// A code in a few words, for logs: "locked", "wrong type" ... Any number may be given. The text is constant.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_strerror(code: i32) -> *const c_char {
    words(code).as_ptr()
}

fn words(code: i32) -> &'static CStr {
    const WORDS: &[(pkv_err, &CStr)] = &[
        (PKV_OK, c"ok"),
        (PKV_ERR_COMMAND, c"command refused"),
        (PKV_ERR_WRONG_TYPE, c"wrong type"),
        (PKV_ERR_ARGUMENT, c"invalid argument"),
        (PKV_ERR_CONFIG, c"invalid directive"),
        (PKV_ERR_IO, c"input/output error"),
        (PKV_ERR_CORRUPT, c"damaged file"),
        (PKV_ERR_LOCKED, c"locked by another process"),
        (PKV_ERR_CLOSED, c"store closed"),
        (PKV_ERR_FORKED, c"handle of the parent process"),
        (PKV_ERR_NOT_DURABLE, c"writes refused: not durable"),
        (PKV_ERR_OUT_OF_MEMORY, c"maxmemory reached"),
        (PKV_ERR_INTERNAL, c"internal error"),
        (PKV_ERR_NULL, c"NULL pointer"),
        (PKV_ERR_BUSY, c"client in use"),
        (PKV_ERR_NO_MEMORY, c"no memory"),
        (PKV_QUEUED, c"queued"),
        (PKV_CHANGED, c"changed by another"),
    ];
    WORDS.iter().find(|(known, _)| *known as i32 == code).map_or(c"unknown error code", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_number_and_words() {
        for &kind in ErrorKind::ALL {
            let code = pkv_err::from(kind);
            assert_eq!(code as i32, kind as i32, "{kind:?}");
            assert_ne!(words(code as i32), c"unknown error code", "{kind:?}");
        }
        assert_eq!(words(4711), c"unknown error code");
    }

    #[test]
    fn the_last_error_is_text_for_c() {
        remember(PKV_ERR_NULL, "a\0b");
        // SAFETY: the text ends with a NUL and no other call of this thread comes between.
        assert_eq!(unsafe { CStr::from_ptr(pkv_last_error()) }, c"a b");
        assert_eq!(pkv_last_error_code(), PKV_ERR_NULL);
    }
}
