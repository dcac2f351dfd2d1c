//! Typed calls on hashes, lists, sets and sorted sets: one element a call; several at once go by `pkv_command_argv`.
#![allow(unsafe_code)]

use std::ffi::c_char;

use engine::encoding::num;

use crate::call::{Arg, ask_bytes, ask_double, ask_int, ask_reply, given, word};
use crate::client::pkv_client;
use crate::error::pkv_err;
use crate::reply::pkv_reply;

/// HSET of one field. `*added` is 1 if the field is new, 0 if it had a value; `added` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_hset(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    field: *const c_char,
    field_len: usize,
    value: *const c_char,
    value_len: usize,
    added: *mut i64,
) -> pkv_err {
    let (key, field) = (given("key", key, key_len), given("field", field, field_len));
    let args = [word("HSET"), key, field, given("value", value, value_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, added, &args) }
}

/// HGET: the value of a field. `*value` is NULL if there is none; else free it by `pkv_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_hget(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    field: *const c_char,
    field_len: usize,
    value: *mut *mut c_char,
    value_len: *mut usize,
) -> pkv_err {
    let args = [word("HGET"), given("key", key, key_len), given("field", field, field_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_bytes(client, value, value_len, &args) }
}

/// HDEL of one field. `*removed` is 1 if it existed, else 0; `removed` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_hdel(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    field: *const c_char,
    field_len: usize,
    removed: *mut i64,
) -> pkv_err {
    let args = [word("HDEL"), given("key", key, key_len), given("field", field, field_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, removed, &args) }
}

/// HGETALL: all fields. `*fields` is an array of names and values by turns, empty if there is no such key; free it by
/// `pkv_reply_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_hgetall(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    fields: *mut *mut pkv_reply,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_reply(client, fields, &[word("HGETALL"), given("key", key, key_len)]) }
}

/// LPUSH of one element, at the head. `*length` is the list's length then; `length` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_lpush(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    element: *const c_char,
    element_len: usize,
    length: *mut i64,
) -> pkv_err {
    let args = [word("LPUSH"), given("key", key, key_len), given("element", element, element_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, length, &args) }
}

/// RPUSH of one element, at the tail. `*length` is the list's length then; `length` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_rpush(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    element: *const c_char,
    element_len: usize,
    length: *mut i64,
) -> pkv_err {
    let args = [word("RPUSH"), given("key", key, key_len), given("element", element, element_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, length, &args) }
}

/// LPOP of one element, from the head. `*value` is NULL if there is none; else free it by `pkv_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_lpop(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    value: *mut *mut c_char,
    value_len: *mut usize,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_bytes(client, value, value_len, &[word("LPOP"), given("key", key, key_len)]) }
}

/// RPOP of one element, from the tail. `*value` is NULL if there is none; else free it by `pkv_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_rpop(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    value: *mut *mut c_char,
    value_len: *mut usize,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_bytes(client, value, value_len, &[word("RPOP"), given("key", key, key_len)]) }
}

/// LLEN: `*length` is the length of a list, 0 if there is no such key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_llen(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    length: *mut i64,
) -> pkv_err {
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, length, &[word("LLEN"), given("key", key, key_len)]) }
}

/// SADD of one member. `*added` is 1 if it is new, else 0; `added` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_sadd(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    member: *const c_char,
    member_len: usize,
    added: *mut i64,
) -> pkv_err {
    let args = [word("SADD"), given("key", key, key_len), given("member", member, member_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, added, &args) }
}

/// SREM of one member. `*removed` is 1 if it was there, else 0; `removed` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_srem(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    member: *const c_char,
    member_len: usize,
    removed: *mut i64,
) -> pkv_err {
    let args = [word("SREM"), given("key", key, key_len), given("member", member, member_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, removed, &args) }
}

/// SISMEMBER: `*is_member` is 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_sismember(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    member: *const c_char,
    member_len: usize,
    is_member: *mut i64,
) -> pkv_err {
    let args = [word("SISMEMBER"), given("key", key, key_len), given("member", member, member_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, is_member, &args) }
}

/// ZADD of one member with its score. `*added` is 1 if the member is new, else 0; `added` may be NULL. A NaN is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_zadd(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    score: f64,
    member: *const c_char,
    member_len: usize,
    added: *mut i64,
) -> pkv_err {
    let number = num::fmt_f64(score);
    let (key, member) = (given("key", key, key_len), given("member", member, member_len));
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_int(client, added, &[word("ZADD"), key, Arg::Own(number.as_bytes()), member]) }
}

/// ZSCORE: the score of a member. `*found` is 1, or 0 if there is no such member, and `*score` is 0 then; `found` may be
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_zscore(
    client: *mut pkv_client,
    key: *const c_char,
    key_len: usize,
    member: *const c_char,
    member_len: usize,
    score: *mut f64,
    found: *mut i64,
) -> pkv_err {
    let args = [word("ZSCORE"), given("key", key, key_len), given("member", member, member_len)];
    // SAFETY: valid by the caller's promise, as the header states it.
    unsafe { ask_double(client, score, found, &args) }
}
