//! Typed calls on keys and strings, and saving.
#![allow(unsafe_code)]

use std::ffi::c_char;

use engine::encoding::num;

use crate::boundary::status;
use crate::call::{Arg, ask_bytes, ask_int, given, word};
use crate::client::pkv_client;
use crate::error::{Failure, pkv_err};

/// For `pkv_set_with`: set only if the key does not exist.
pub const PKV_SET_NX: u32 = 1;
/// For `pkv_set_with`: set only if the key exists.
pub const PKV_SET_XX: u32 = 2;
/// For `pkv_set_with`: leave the expiry that the key has.
pub const PKV_SET_KEEPTTL: u32 = 4;

/// GET: the string of a key. `*value` is NULL if there is none; else free it by `pkv_free`. It ends with a NUL that
/// `*value_len` does not count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_get(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    value: *mut *mut c_char,
    value_len: *mut usize,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_bytes(client, value, value_len, &[word("GET"), given("key", key, key_len)]) }
}

/// SET: sets a key to a string, whatever was there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_set(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
) -> pkv_err {
    let args = [word("SET"), given("key", key, key_len), given("value", value, value_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &args) }
}

/// SET with options: `ttl_ms` milliseconds to live (0: no expiry), `flags` of `PKV_SET_...` or 0. `*stored` is 1, or 0 if
/// a condition kept it from being set; `stored` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_set_with(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    ttl_ms: i64,
    flags: u32,
    stored: *mut i64,
) -> pkv_err {
    let (key, value) = (given("key", key, key_len), given("value", value, value_len));
    let number = num::fmt_i64(ttl_ms);
    let expiry = Arg::Own(number.as_bytes());
    let condition = word(if flags & PKV_SET_NX != 0 { "NX" } else { "XX" });
    let conditional = flags & (PKV_SET_NX | PKV_SET_XX) != 0;
    let keep = flags & PKV_SET_KEEPTTL != 0;
    let wrong = if flags & !(PKV_SET_NX | PKV_SET_XX | PKV_SET_KEEPTTL) != 0 {
        "flags has a bit that is none of PKV_SET_…"
    } else if flags & PKV_SET_NX != 0 && flags & PKV_SET_XX != 0 {
        "PKV_SET_NX and PKV_SET_XX exclude each other"
    } else if keep && ttl_ms != 0 {
        "PKV_SET_KEEPTTL and a ttl_ms exclude each other"
    } else {
        ""
    };
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe {
        if !wrong.is_empty() {
            crate::pointers::put(stored, 0);
            return status(|| Err(Failure::new(pkv_err::PKV_ERR_ARGUMENT, wrong)));
        }
        match (ttl_ms != 0, conditional, keep) {
            (true, true, _) => {
                ask_int(client, stored, &[word("SET"), key, value, word("PX"), expiry, condition])
            }
            (true, false, _) => ask_int(client, stored, &[word("SET"), key, value, word("PX"), expiry]),
            (false, true, true) => {
                ask_int(client, stored, &[word("SET"), key, value, condition, word("KEEPTTL")])
            }
            (false, true, false) => ask_int(client, stored, &[word("SET"), key, value, condition]),
            (false, false, true) => ask_int(client, stored, &[word("SET"), key, value, word("KEEPTTL")]),
            (false, false, false) => ask_int(client, stored, &[word("SET"), key, value]),
        }
    }
}

/// DEL of one key. `*removed` is 1 if it existed, else 0; `removed` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_del(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    removed: *mut i64,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, removed, &[word("DEL"), given("key", key, key_len)]) }
}

/// EXISTS of one key. `*exists` is 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_exists(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    exists: *mut i64,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, exists, &[word("EXISTS"), given("key", key, key_len)]) }
}

/// INCRBY: adds to a number; a missing key counts as 0. `*value` is the sum; `value` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_incrby(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    increment: i64,
    value: *mut i64,
) -> pkv_err {
    let number = num::fmt_i64(increment);
    let args = [word("INCRBY"), given("key", key, key_len), Arg::Own(number.as_bytes())];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, value, &args) }
}

/// EXPIRE: sets a key's time to live, in seconds; 0 or less deletes it. `*set` is 1, or 0 if there is no such key; `set`
/// may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_expire(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    seconds: i64,
    set: *mut i64,
) -> pkv_err {
    let number = num::fmt_i64(seconds);
    let args = [word("EXPIRE"), given("key", key, key_len), Arg::Own(number.as_bytes())];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, set, &args) }
}

/// TTL: a key's time to live. `*seconds` is -1 if it has no expiry, -2 if there is no such key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_ttl(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    seconds: *mut i64,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, seconds, &[word("TTL"), given("key", key, key_len)]) }
}

/// SAVE: writes a snapshot, and returns when it is on disk. Other threads go on reading and writing meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_save(client: *mut pkv_client) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("SAVE")]) }
}

/// BGSAVE: begins a snapshot of the data as of now, which a thread in the background writes. Fails with
/// `PKV_ERR_COMMAND` if one is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_bgsave(client: *mut pkv_client) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, std::ptr::null_mut(), &[word("BGSAVE")]) }
}
