//! Arguments and replies across the boundary: JavaScript strings and buffers to bytes, replies to JavaScript values.
#![allow(unsafe_code)]

use std::ptr;

use napi::bindgen_prelude::{BigInt, Buffer, FromNapiValue, ToNapiValue};
use napi::sys::{self, napi_env, napi_value};
use napi::{Error, Result, Status};
use persistkv::Reply;

use crate::error::code;

/// Integers up to this size are exact as JavaScript numbers (`Number.MAX_SAFE_INTEGER`).
const SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Replies from this size on are handed over instead of copied: a hand-over costs a finalizer.
const HAND_OVER: usize = 64 * 1024;

/// Room a string is first read into; a longer one is measured and read once more.
const FIRST_READ: usize = 256;
/// A character of UTF-8 has at most so many bytes: what was cut off ends at most this far before the end.
const CHARACTER: usize = 4;

fn check(status: sys::napi_status, doing: &str) -> Result<()> {
    match status {
        sys::Status::napi_ok => Ok(()),
        other => Err(Error::new(Status::from(other), format!("{doing} failed"))),
    }
}

/// A command's name and arguments: an array of strings and `Uint8Array`s.
pub struct Args(pub(crate) Vec<Vec<u8>>);

impl FromNapiValue for Args {
    unsafe fn from_napi_value(env: napi_env, array: napi_value) -> Result<Self> {
        let mut len = 0;
        // SAFETY: `env` and `array` are live handles by this trait's contract; a value that is no array is a status.
        check(unsafe { sys::napi_get_array_length(env, array, &mut len) }, "reading the arguments")?;
        let mut args = Vec::with_capacity(len as usize);
        for index in 0..len {
            let mut value = ptr::null_mut();
            // SAFETY: as above; `value` is written when the status is ok.
            check(unsafe { sys::napi_get_element(env, array, index, &mut value) }, "reading an argument")?;
            // SAFETY: `value` is a live handle in the scope of this call.
            args.push(unsafe { bytes(env, value) }?);
        }
        Ok(Self(args))
    }
}

/// The bytes of a string (as UTF-8) or of a view of bytes.
///
/// # Safety
/// `env` and `value` must be live handles of the calling thread.
unsafe fn bytes(env: napi_env, value: napi_value) -> Result<Vec<u8>> {
    let mut kind = 0;
    // SAFETY: live handles by contract.
    check(unsafe { sys::napi_typeof(env, value, &mut kind) }, "reading an argument's type")?;
    if kind == sys::ValueType::napi_string {
        // SAFETY: live handles by contract, and `value` is a string.
        return unsafe { utf8(env, value) };
    }
    let (mut data, mut len) = (ptr::null_mut(), 0);
    // SAFETY: live handles by contract; a value that is no view of bytes is a status.
    check(unsafe { sys::napi_get_buffer_info(env, value, &mut data, &mut len) }, "reading a buffer")?;
    if len == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: on success `data` points to `len` bytes, which stay while the handle lives; no JavaScript of this thread
    // runs before they are copied. (A SharedArrayBuffer may be written by others meanwhile: the front copies those.)
    Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) }.to_vec())
}

/// # Safety
/// `env` and `value` must be live handles of the calling thread, `value` a string.
unsafe fn utf8(env: napi_env, value: napi_value) -> Result<Vec<u8>> {
    let doing = "reading a string";
    let read = |room: usize| -> Result<Vec<u8>> {
        let (mut bytes, mut written) = (vec![0u8; room], 0);
        // SAFETY: live handles by contract; `bytes` has room for `room` bytes, the final NUL among them.
        let status = unsafe {
            sys::napi_get_value_string_utf8(env, value, bytes.as_mut_ptr().cast(), room, &mut written)
        };
        check(status, doing)?;
        bytes.truncate(written);
        Ok(bytes)
    };
    let first = read(FIRST_READ)?;
    if first.len() < FIRST_READ - CHARACTER {
        return Ok(first);
    }
    let mut len = 0;
    // SAFETY: live handles by contract; without a buffer only the length is written.
    check(unsafe { sys::napi_get_value_string_utf8(env, value, ptr::null_mut(), 0, &mut len) }, doing)?;
    read(len + 1)
}

/// A reply on its way to JavaScript: bytes become strings, or buffers when not to be decoded.
pub struct JsReply {
    pub(crate) reply: Reply,
    pub(crate) decode: bool,
}

impl ToNapiValue for JsReply {
    unsafe fn to_napi_value(env: napi_env, val: Self) -> Result<napi_value> {
        // SAFETY: `env` is live by this trait's contract.
        unsafe { value(env, val.reply, val.decode) }
    }
}

/// # Safety
/// `env` must be live and of the calling thread.
unsafe fn value(env: napi_env, reply: Reply, decode: bool) -> Result<napi_value> {
    // SAFETY: `env` is live by contract, for this and every call below.
    unsafe {
        match reply {
            Reply::Null => Option::<bool>::to_napi_value(env, None),
            Reply::Int(n) if (-SAFE_INTEGER..=SAFE_INTEGER).contains(&n) => f64::to_napi_value(env, n as f64),
            Reply::Int(n) => BigInt::to_napi_value(env, BigInt::from(n)),
            Reply::Double(x) => f64::to_napi_value(env, x),
            Reply::Bool(b) => bool::to_napi_value(env, b),
            Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) if decode => string(env, &bytes),
            Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => buffer(env, bytes),
            // A status is text by definition; ioredis answers text here too.
            Reply::Simple(text) => string(env, text.as_bytes()),
            Reply::Error(text) => {
                let error = persistkv::Error::command(text);
                failure(env, &code(&error), error.message())
            }
            Reply::Array(parts) | Reply::Set(parts) => {
                array(env, parts.len(), parts.into_iter().map(|part| value(env, part, decode)))
            }
            Reply::Map(pairs) => {
                let pairs = pairs.into_iter().map(|(key, val)| {
                    let pair = [value(env, key, decode)?, value(env, val, decode)?];
                    array(env, 2, pair.into_iter().map(Ok))
                });
                array(env, pairs.len(), pairs)
            }
        }
    }
}

/// # Safety
/// `env` must be live and of the calling thread.
unsafe fn string(env: napi_env, bytes: &[u8]) -> Result<napi_value> {
    let mut made = ptr::null_mut();
    // SAFETY: `bytes` is valid for its length; V8 copies it and replaces what is not UTF-8.
    let status =
        unsafe { sys::napi_create_string_utf8(env, bytes.as_ptr().cast(), bytes.len() as isize, &mut made) };
    let doing = "making a string of the reply (longer than a JavaScript string may be? ask for a Buffer)";
    check(status, doing)?;
    Ok(made)
}

/// # Safety
/// `env` must be live and of the calling thread.
unsafe fn buffer(env: napi_env, bytes: Vec<u8>) -> Result<napi_value> {
    if bytes.len() >= HAND_OVER {
        // SAFETY: `env` is live by contract.
        return unsafe { Buffer::to_napi_value(env, Buffer::from(bytes)) };
    }
    let mut made = ptr::null_mut();
    // SAFETY: `bytes` is valid for its length and copied.
    let status = unsafe {
        sys::napi_create_buffer_copy(env, bytes.len(), bytes.as_ptr().cast(), ptr::null_mut(), &mut made)
    };
    check(status, "making a Buffer")?;
    Ok(made)
}

/// # Safety
/// `env` must be live and of the calling thread; so must be the handles of `parts`.
unsafe fn array(
    env: napi_env,
    len: usize,
    parts: impl Iterator<Item = Result<napi_value>>,
) -> Result<napi_value> {
    let mut made = ptr::null_mut();
    // SAFETY: live `env` by contract.
    check(unsafe { sys::napi_create_array_with_length(env, len, &mut made) }, "making an array")?;
    for (index, part) in parts.enumerate() {
        let index = u32::try_from(index).map_err(|_| Error::from_reason("the reply has too many parts"))?;
        // SAFETY: `made` was just created, the part is live by contract.
        check(unsafe { sys::napi_set_element(env, made, index, part?) }, "filling an array")?;
    }
    Ok(made)
}

/// An `Error` with a code; the front makes one of its own classes of it.
///
/// # Safety
/// `env` must be live and of the calling thread.
unsafe fn failure(env: napi_env, code: &str, message: &str) -> Result<napi_value> {
    let mut made = ptr::null_mut();
    // SAFETY: live `env` by contract, and both strings are made just before.
    unsafe {
        let (code, message) = (string(env, code.as_bytes())?, string(env, message.as_bytes())?);
        check(sys::napi_create_error(env, code, message, &mut made), "making an error")?;
    }
    Ok(made)
}

/// What came of work on another thread: the reply, or an `Error` that the front throws.
pub struct Outcome {
    pub(crate) result: persistkv::Result<Reply>,
    pub(crate) decode: bool,
}

impl ToNapiValue for Outcome {
    unsafe fn to_napi_value(env: napi_env, val: Self) -> Result<napi_value> {
        // SAFETY: `env` is live by this trait's contract.
        unsafe {
            match val.result {
                Ok(reply) => value(env, reply, val.decode),
                Err(error) => failure(env, &code(&error), error.message()),
            }
        }
    }
}
