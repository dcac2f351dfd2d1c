//! `redis.call` and `redis.pcall`: arguments are read where they lie on Lua's stack, and the reply is pushed from a [`Tape`].
//!
//! As in [`raw`](super::raw) the functions here may be left by a long jump, and own nothing that would have to be dropped. A
//! command runs in [`perform`], which calls nothing of Lua's that could jump.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, Result};

use super::convert::number_text;
use super::current;
use super::tape::{Item, Reader, Tape};
use crate::error::Error;

/// Parts of a table that are allocated at once; a longer one grows.
const AHEAD_MAX: usize = 4096;

/// The upvalues: names of the fields that say what a table stands for.
const NAMES: [&std::ffi::CStr; 9] = [
    c"ok",
    c"err",
    c"ignore_error_stats_update",
    c"double",
    c"map",
    c"set",
    c"verbatim_string",
    c"format",
    c"string",
];
const OK: c_int = 1;
const ERR: c_int = 2;
const IGNORE: c_int = 3;
const DOUBLE: c_int = 4;
const MAP: c_int = 5;
const SET: c_int = 6;
const VERBATIM: c_int = 7;
const FORMAT: c_int = 8;
const STRING: c_int = 9;

/// What is used again by every call of a thread.
struct Scratch {
    /// Empty between calls: the words live on Lua's stack.
    argv: Vec<&'static [u8]>,
    tape: Tape,
}

thread_local! {
    static SCRATCH: UnsafeCell<Scratch> = const { UnsafeCell::new(Scratch { argv: Vec::new(), tape: Tape::new() }) };
}

/// What became of a command.
enum Done {
    /// The tape has the reply; whether that is in the shapes of RESP3.
    Answered(bool),
    /// The tape has the error.
    Failed,
    /// No script is under way.
    NoHost,
}

/// The functions `call` and `pcall`.
pub(super) fn functions(lua: &Lua) -> Result<(Function, Function)> {
    let make = |function: ffi::lua_CFunction| {
        // SAFETY: `exec_raw` sees to the stack's room for what a C function may push; the names become upvalues of the
        // closure, the one value left.
        unsafe {
            lua.exec_raw::<Function>((), |state| {
                for name in NAMES {
                    ffi::lua_pushstring(state, name.as_ptr());
                }
                ffi::lua_pushcclosure(state, function, NAMES.len() as c_int);
            })
        }
    };
    Ok((make(call)?, make(pcall)?))
}

unsafe extern "C-unwind" fn call(state: *mut lua_State) -> c_int {
    // SAFETY: `command` leaves one value, an error if it says so.
    unsafe {
        if command(state) {
            return 1;
        }
        ffi::lua_error(state)
    }
}

/// As `call`, but an error is a result.
unsafe extern "C-unwind" fn pcall(state: *mut lua_State) -> c_int {
    // SAFETY: `command` leaves one value, an error if it says so.
    unsafe {
        if !command(state) && current::is_stopping() {
            ffi::lua_error(state);
        }
        1
    }
}

/// Runs the command that is on the stack. Leaves its reply there, or an error: then false.
unsafe fn command(state: *mut lua_State) -> bool {
    // SAFETY: stack positions are those of the arguments, each of which is a string when `perform` reads it. The tape is
    // borrowed from this thread's scratch, which only `perform` changes; nothing that is called while it is read runs a
    // command.
    unsafe {
        let words = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 4, ptr::null());
        if words == 0 {
            push_error(state, b"ERR Please specify at least one argument for this redis lib call");
            return false;
        }
        for at in 1..=words {
            match ffi::lua_type(state, at) {
                ffi::LUA_TSTRING => {}
                ffi::LUA_TNUMBER => {
                    let text = number_text(ffi::lua_tonumber(state, at));
                    let bytes = text.as_bytes();
                    ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
                    ffi::lua_replace(state, at);
                }
                _ => {
                    push_error(state, b"ERR Lua redis lib command arguments must be strings or integers");
                    return false;
                }
            }
        }
        let done = perform(state, words);
        let Ok(scratch) = SCRATCH.try_with(UnsafeCell::get) else { ffi::lua_error(state) };
        let mut reader = (*scratch).tape.reader();
        match done {
            Done::Answered(resp3) => {
                push(state, &mut reader, resp3);
                true
            }
            Done::Failed => {
                push(state, &mut reader, false);
                false
            }
            Done::NoHost => {
                push_error(state, b"ERR redis.call/pcall can only be called inside a script invocation");
                false
            }
        }
    }
}

/// Runs the command whose words, all strings, are the first so many values on the stack.
fn perform(state: *mut lua_State, words: c_int) -> Done {
    let Ok(scratch) = SCRATCH.try_with(UnsafeCell::get) else { return Done::NoHost };
    // SAFETY: the place is this thread's, and no reference to it lives longer than this line. What is taken out is put
    // back below, also when the command panics ([`current::with`] catches that).
    let (mut argv, mut tape) =
        unsafe { (std::mem::take(&mut (*scratch).argv), std::mem::take(&mut (*scratch).tape)) };
    for at in 1..=words {
        let mut length = 0;
        // SAFETY: the value is a string, so that `lua_tolstring` neither changes nor allocates anything; it stays on the
        // stack, and with that alive and in its place, until the words are forgotten below.
        let word: &'static [u8] = unsafe {
            let start = ffi::lua_tolstring(state, at, &raw mut length);
            std::slice::from_raw_parts(start.cast(), length)
        };
        argv.push(word);
    }
    let done = current::with(|host| {
        tape.begin(host.resp3());
        let mut result = host.call(&argv, &mut tape);
        if result.is_ok() && tape.is_empty() {
            result = Err(Error::command("ERR internal error: the command answered nothing"));
        }
        match result {
            Ok(()) => Done::Answered(host.resp3()),
            Err(error) => {
                tape.begin(false);
                crate::reply::ReplySink::error(&mut tape, &error);
                Done::Failed
            }
        }
    });
    argv.clear();
    // SAFETY: as above.
    unsafe {
        (*scratch).argv = argv;
        (*scratch).tape = tape;
    }
    done.unwrap_or(Done::NoHost)
}

unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the bytes are copied; the caller sees to the stack's room.
    unsafe {
        ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
    }
}

/// Pushes an error as scripts see it.
unsafe fn push_error(state: *mut lua_State, text: &[u8]) {
    // SAFETY: three values at most are pushed, one is left; the upvalues are the names.
    unsafe {
        ffi::luaL_checkstack(state, 3, ptr::null());
        ffi::lua_createtable(state, 0, 2);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(ERR));
        push_bytes(state, text);
        ffi::lua_rawset(state, -3);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(IGNORE));
        ffi::lua_pushboolean(state, 1);
        ffi::lua_rawset(state, -3);
    }
}

/// Puts the value on top into a new table under a name.
unsafe fn tag(state: *mut lua_State, name: c_int) {
    // SAFETY: there is a value on top; two more are pushed at most, one is left.
    unsafe {
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_insert(state, -2);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(name));
        ffi::lua_insert(state, -2);
        ffi::lua_rawset(state, -3);
    }
}

fn ahead(n: usize) -> c_int {
    n.min(AHEAD_MAX) as c_int
}

/// Pushes the value a script gets for the next part of a reply.
unsafe fn push(state: *mut lua_State, reader: &mut Reader<'_>, resp3: bool) {
    // SAFETY: room is made before anything is pushed, one value is left.
    unsafe {
        ffi::luaL_checkstack(state, 5, ptr::null());
        match reader.next() {
            Item::Null if resp3 => ffi::lua_pushnil(state),
            Item::Null => ffi::lua_pushboolean(state, 0),
            Item::Int(n) => ffi::lua_pushnumber(state, n as f64),
            Item::Double(n) => {
                ffi::lua_pushnumber(state, n);
                tag(state, DOUBLE);
            }
            Item::Bool(on) => ffi::lua_pushboolean(state, c_int::from(on)),
            Item::Bulk(bytes) => push_bytes(state, bytes),
            Item::Simple(text) => {
                push_bytes(state, text);
                tag(state, OK);
            }
            Item::Error(text) => push_error(state, text),
            Item::Array(parts) => {
                ffi::lua_createtable(state, ahead(parts), 0);
                for at in 1..=parts {
                    push(state, reader, resp3);
                    ffi::lua_rawseti(state, -2, at as ffi::lua_Integer);
                }
            }
            Item::Map(pairs) => {
                ffi::lua_createtable(state, 0, ahead(pairs));
                for _ in 0..pairs {
                    push(state, reader, resp3);
                    push(state, reader, resp3);
                    if ffi::lua_isnil(state, -2) != 0 {
                        ffi::lua_pop(state, 2);
                    } else {
                        ffi::lua_rawset(state, -3);
                    }
                }
                tag(state, MAP);
            }
            Item::Set(members) => {
                ffi::lua_createtable(state, 0, ahead(members));
                for _ in 0..members {
                    push(state, reader, resp3);
                    if ffi::lua_isnil(state, -1) != 0 {
                        ffi::lua_pop(state, 1);
                    } else {
                        ffi::lua_pushboolean(state, 1);
                        ffi::lua_rawset(state, -3);
                    }
                }
                tag(state, SET);
            }
            Item::Verbatim => {
                ffi::lua_createtable(state, 0, 2);
                for name in [FORMAT, STRING] {
                    ffi::lua_pushvalue(state, ffi::lua_upvalueindex(name));
                    push(state, reader, resp3);
                    ffi::lua_rawset(state, -3);
                }
                tag(state, VERBATIM);
            }
        }
    }
}
