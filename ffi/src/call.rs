//! How typed calls run their command: arguments on the stack, and a sink that takes the one value which is the answer.
#![allow(unsafe_code)]

use std::ffi::c_char;

use engine::encoding::num;
use engine::{Error, ReplySink};

use crate::boundary::{Outcome, status};
use crate::client::{Using, pkv_client};
use crate::error::{Failure, pkv_err};
use crate::pointers::{bytes, copy, handle, pkv_free, put};
use crate::reply::{Scratch, Writer, pkv_reply};

/// An argument of a command.
pub(crate) enum Arg<'a> {
    /// The command's name, an option, a number.
    Own(&'a [u8]),
    /// Memory of the caller: its name in messages, where it is and how long.
    Given(&'static str, *const c_char, usize),
}

/// A word of the command itself.
pub(crate) const fn word(word: &'static str) -> Arg<'static> {
    Arg::Own(word.as_bytes())
}

/// A caller's argument.
pub(crate) const fn given(name: &'static str, ptr: *const c_char, len: usize) -> Arg<'static> {
    Arg::Given(name, ptr, len)
}

/// Bytes for the caller that were not handed out yet.
struct Bytes {
    ptr: *mut c_char,
    len: usize,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: NULL, or made by `copy` and not handed out.
        unsafe { pkv_free(self.ptr) }
    }
}

/// The one value that answers a typed call.
enum Answer {
    Null,
    Int(i64),
    Double(f64),
    Bytes(Bytes),
    Status,
    Queued,
}

/// What the caller wants to see in it.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    Number,
    Bytes,
}

struct Scalar {
    want: Want,
    resp3: bool,
    answer: Option<Outcome<Answer>>,
}

impl Scalar {
    fn take(&mut self, answer: Answer) {
        self.answer = Some(Ok(answer));
    }

    fn unexpected(&mut self) {
        let text = "internal error: the command answered with something else than one value";
        self.answer = Some(Err(Failure::new(pkv_err::PKV_ERR_INTERNAL, text)));
    }
}

impl ReplySink for Scalar {
    fn resp3(&self) -> bool {
        self.resp3
    }
    fn null(&mut self) {
        self.take(Answer::Null);
    }
    fn null_array(&mut self) {
        self.take(Answer::Null);
    }
    fn int(&mut self, n: i64) {
        self.take(Answer::Int(n));
    }
    fn bulk(&mut self, text: &[u8]) {
        if self.want == Want::Bytes {
            let made = copy(text).map(|ptr| Answer::Bytes(Bytes { ptr, len: text.len() }));
            self.answer = Some(made);
        } else {
            match num::parse_f64(text) {
                Some(value) => self.take(Answer::Double(value)),
                None => self.unexpected(),
            }
        }
    }
    fn simple(&mut self, text: &str) {
        self.take(if text == "QUEUED" { Answer::Queued } else { Answer::Status });
    }
    fn error(&mut self, error: &Error) {
        self.answer = Some(Err(error.clone().into()));
    }
    fn double(&mut self, value: f64) {
        self.take(Answer::Double(value));
    }
    fn bool(&mut self, value: bool) {
        self.take(Answer::Int(value.into()));
    }
    fn array(&mut self, _: usize) {
        self.unexpected();
    }
    fn map(&mut self, _: usize) {
        self.unexpected();
    }
    fn set(&mut self, _: usize) {
        self.unexpected();
    }
    fn verbatim(&mut self, _: &str, text: &[u8]) {
        self.bulk(text);
    }
}

/// Runs a command with its reply going to a sink, which `make` makes and `end` takes apart.
///
/// # Safety
/// Handle and arguments are valid as the header says.
unsafe fn run<const N: usize, S: ReplySink, T>(
    client: *const pkv_client,
    args: &[Arg<'_>; N],
    make: impl FnOnce(bool) -> S,
    end: impl FnOnce(S) -> Outcome<T>,
) -> Outcome<T> {
    // SAFETY: valid by the caller's promise.
    let mut using = Using::begin(unsafe { handle("client", client) }?)?;
    let mut argv: [&[u8]; N] = [&[]; N];
    for (slot, arg) in argv.iter_mut().zip(args) {
        *slot = match arg {
            Arg::Own(own) => own,
            // SAFETY: valid by the caller's promise.
            Arg::Given(name, ptr, len) => unsafe { bytes(|| (*name).to_owned(), *ptr, *len) }?,
        };
    }
    let client = &mut using.inside().client;
    let mut sink = make(client.resp3());
    client.execute_into(&argv, &mut sink)?;
    end(sink)
}

/// # Safety
/// As [`run`].
unsafe fn ask<const N: usize>(client: *const pkv_client, want: Want, args: &[Arg<'_>; N]) -> Outcome<Answer> {
    let end = |sink: Scalar| {
        let text = "internal error: the command answered nothing";
        sink.answer.unwrap_or_else(|| Err(Failure::new(pkv_err::PKV_ERR_INTERNAL, text)))
    };
    // SAFETY: by the caller's promise.
    unsafe { run(client, args, |resp3| Scalar { want, resp3, answer: None }, end) }
}

/// A call whose answer is an integer: a count, a flag, or a status (OK is 1, nil is 0).
///
/// # Safety
/// As [`run`]; `value` is NULL or valid for writing.
pub(crate) unsafe fn ask_int<const N: usize>(
    client: *const pkv_client,
    value: *mut i64,
    args: &[Arg<'_>; N],
) -> pkv_err {
    status(|| {
        // SAFETY: by the caller's promise.
        let answer = unsafe {
            put(value, 0);
            ask(client, Want::Number, args)?
        };
        let number = match answer {
            Answer::Int(n) => n,
            Answer::Status => 1,
            Answer::Queued => return Ok(pkv_err::PKV_QUEUED),
            _ => 0,
        };
        // SAFETY: by the caller's promise.
        unsafe { put(value, number) };
        Ok(pkv_err::PKV_OK)
    })
}

/// A call whose answer is a floating-point number, or none.
///
/// # Safety
/// As [`run`]; `value` and `found` are NULL or valid for writing.
pub(crate) unsafe fn ask_double<const N: usize>(
    client: *const pkv_client,
    value: *mut f64,
    found: *mut i64,
    args: &[Arg<'_>; N],
) -> pkv_err {
    status(|| {
        // SAFETY: by the caller's promise.
        let answer = unsafe {
            put(value, 0.0);
            put(found, 0);
            ask(client, Want::Number, args)?
        };
        match answer {
            // SAFETY: by the caller's promise.
            Answer::Double(number) => unsafe {
                put(value, number);
                put(found, 1);
            },
            Answer::Queued => return Ok(pkv_err::PKV_QUEUED),
            _ => {}
        }
        Ok(pkv_err::PKV_OK)
    })
}

/// A call whose answer is bytes, or none.
///
/// # Safety
/// As [`run`]; `value` and `len` are NULL or valid for writing.
pub(crate) unsafe fn ask_bytes<const N: usize>(
    client: *const pkv_client,
    value: *mut *mut c_char,
    len: *mut usize,
    args: &[Arg<'_>; N],
) -> pkv_err {
    status(|| {
        // SAFETY: by the caller's promise.
        unsafe {
            put(value, std::ptr::null_mut());
            put(len, 0);
        }
        // Refused before the command runs: an element that was popped for nobody would be lost.
        if value.is_null() {
            return Err(Failure::null("value"));
        }
        if len.is_null() {
            return Err(Failure::null("value_len"));
        }
        // SAFETY: by the caller's promise.
        match unsafe { ask(client, Want::Bytes, args)? } {
            Answer::Bytes(mut answer) => {
                // SAFETY: by the caller's promise.
                unsafe {
                    put(len, answer.len);
                    put(value, std::mem::replace(&mut answer.ptr, std::ptr::null_mut()));
                }
                Ok(pkv_err::PKV_OK)
            }
            Answer::Queued => Ok(pkv_err::PKV_QUEUED),
            _ => Ok(pkv_err::PKV_OK),
        }
    })
}

/// A call whose answer is a whole reply.
///
/// # Safety
/// As [`run`]; `reply` is NULL or valid for writing.
pub(crate) unsafe fn ask_reply<const N: usize>(
    client: *const pkv_client,
    reply: *mut *mut pkv_reply,
    args: &[Arg<'_>; N],
) -> pkv_err {
    status(|| {
        if reply.is_null() {
            return Err(Failure::null("reply"));
        }
        let mut scratch = Scratch::default();
        // SAFETY: by the caller's promise.
        let made = unsafe {
            put(reply, std::ptr::null_mut());
            run(client, args, |resp3| Writer::new(resp3, &mut scratch), Writer::finish)?
        };
        // SAFETY: a reply has at least its first node.
        if unsafe { (*made).r#type } == crate::reply::pkv_reply_type::PKV_REPLY_STATUS as i32 {
            // SAFETY: it was not handed out.
            unsafe { crate::reply::pkv_reply_free(made) };
            return Ok(pkv_err::PKV_QUEUED);
        }
        // SAFETY: by the caller's promise.
        unsafe { put(reply, made) };
        Ok(pkv_err::PKV_OK)
    })
}
