//! The way into Lua and out again: a script gets its keys and arguments, and what it returns is written as a reply.
//!
//! All of it happens in one function on Lua's stack ([`enter`]), called in protected mode: what fails for want of memory comes
//! back as an error. It may be left by a long jump, so it owns nothing that would have to be dropped; what it finds out it
//! leaves in the [`Job`], which belongs to the caller.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, Result, Table};

use super::convert::{lua_number_text, one_line, to_i64};
use super::{current, raw};
use crate::error::Error;
use crate::reply::ReplySink;

/// How deep a reply may be nested. Redis goes on to the end of Lua's stack, some 8,000 levels, which neither a host's stack
/// nor its own lists are made for.
const DEPTH_MAX: c_int = 128;
/// Values on the stack that a level of a reply takes at most.
const VALUES_A_LEVEL: c_int = 5;

/// Names among the upvalues, behind the two that come first.
const NAMES: [&std::ffi::CStr; 13] = [
    c"KEYS",
    c"ARGV",
    c"err",
    c"ok",
    c"double",
    c"map",
    c"set",
    c"big_number",
    c"verbatim_string",
    c"format",
    c"string",
    c"source",
    c"line",
];
const HANDLER: c_int = 1;
const GLOBALS: c_int = 2;
const KEYS: c_int = 3;
const ARGV: c_int = 4;
const ERR: c_int = 5;
const OK: c_int = 6;
const DOUBLE: c_int = 7;
const MAP: c_int = 8;
const SET: c_int = 9;
const BIG_NUMBER: c_int = 10;
const VERBATIM: c_int = 11;
const FORMAT: c_int = 12;
const STRING: c_int = 13;
const SOURCE: c_int = 14;
const LINE: c_int = 15;

/// A function that is kept.
pub(super) struct Kept(c_int);

/// What is to be done.
pub(super) struct Job<'a> {
    pub(super) function: &'a Kept,
    /// Whether keys and arguments are arguments of the function; else they are global variables.
    pub(super) by_arguments: bool,
    pub(super) keys: &'a [&'a [u8]],
    pub(super) args: &'a [&'a [u8]],
    /// Gets what is returned.
    pub(super) out: &'a mut dyn ReplySink,
    /// Bytes that may be; 0: any number.
    pub(super) reply_max: usize,
    /// Bytes above which everything is collected afterwards; 0: never.
    pub(super) collect_above: usize,
    /// Whether a step of collecting is due, also when all goes well.
    pub(super) collect: bool,
    /// What came of it.
    pub(super) ending: Ending,
}

/// What came of a call.
pub(super) enum Ending {
    /// The reply was written.
    Answered,
    /// It returned an error.
    Refused(String),
    /// An error was raised that is a table: its text, and where it was raised.
    Raised { text: Option<String>, source: Option<String>, line: Option<String> },
    /// Something else was raised; its text if it is one.
    RaisedOther(Option<String>),
}

/// The interpreter's state with what [`enter`] needs. Used only by who has the interpreter for himself.
pub(super) struct Door {
    state: *mut lua_State,
    enter: c_int,
}

// SAFETY: the interpreter may be used by one thread after the other (mlua's feature `send`), and the state is only reached
// through `&mut self`.
unsafe impl Send for Door {}

/// A value's place in the registry.
fn keep(lua: &Lua, value: impl mlua::IntoLuaMulti) -> Result<c_int> {
    let mut place = 0;
    // SAFETY: one value is on the stack, which `luaL_ref` takes.
    unsafe {
        lua.exec_raw::<()>(value, |state| place = ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX))?;
    }
    Ok(place)
}

impl Door {
    /// `globals` is the table that gets KEYS and ARGV. The door is used no longer than `lua` lives.
    pub(super) fn new(lua: &Lua, globals: &Table) -> Result<Self> {
        let mut main = ptr::null_mut();
        // SAFETY: the handler and the names are pushed above the table and become upvalues of the closure, the one value
        // left. Outside of any callback the state is the main one, which lives as long as the interpreter.
        let closure: Function = unsafe {
            lua.exec_raw(globals, |state| {
                main = state;
                ffi::luaL_checkstack(state, NAMES.len() as c_int + 2, ptr::null());
                raw::push_error_handler(state);
                ffi::lua_insert(state, 1);
                for name in NAMES {
                    ffi::lua_pushstring(state, name.as_ptr());
                }
                ffi::lua_pushcclosure(state, enter, NAMES.len() as c_int + 2);
            })?
        };
        Ok(Self { state: main, enter: keep(lua, closure)? })
    }

    /// Keeps a function until [`Door::forget`].
    pub(super) fn keep(&mut self, lua: &Lua, function: Function) -> Result<Kept> {
        keep(lua, function).map(Kept)
    }

    /// Lets go of a function.
    #[expect(clippy::needless_pass_by_value, reason = "it is used no more")]
    pub(super) fn forget(&mut self, kept: Kept) {
        // SAFETY: the place was given out by `luaL_ref`; putting it among the free ones overwrites a field that is there.
        unsafe { ffi::luaL_unref(self.state, ffi::LUA_REGISTRYINDEX, kept.0) }
    }

    /// Does the job. A panic of the host is left to [`current::resume_panic`].
    pub(super) fn go(&mut self, job: &mut Job<'_>) {
        // SAFETY: the stack of the main state is empty, so that there is room for these two; nothing but the protected call
        // can fail. `enter` uses the job while this borrow lasts.
        unsafe {
            ffi::lua_rawgeti(self.state, ffi::LUA_REGISTRYINDEX, self.enter.into());
            ffi::lua_pushlightuserdata(self.state, ptr::from_mut(job).cast::<c_void>());
            if ffi::lua_pcall(self.state, 1, 0, 0) != ffi::LUA_OK {
                job.ending = Ending::RaisedOther(text_at(self.state, -1));
                ffi::lua_settop(self.state, 0);
            }
        }
    }

    /// Sets the hook anew that was set to stop a script.
    pub(super) fn arm(&mut self) {
        // SAFETY: nothing runs in the main state.
        unsafe { raw::set_hook(self.state) }
    }

    /// Bytes in use.
    pub(super) fn memory(&self) -> usize {
        // SAFETY: asking changes nothing.
        unsafe { memory(self.state) }
    }
}

unsafe fn memory(state: *mut lua_State) -> usize {
    // SAFETY: asking changes nothing.
    let (kib, bytes) =
        unsafe { (ffi::lua_gc(state, ffi::LUA_GCCOUNT, 0), ffi::lua_gc(state, ffi::LUA_GCCOUNTB, 0)) };
    (kib as usize) * 1024 + bytes as usize
}

unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    // SAFETY: the one argument is the caller's job, which nobody else uses meanwhile. Positions on the stack are as noted.
    unsafe {
        let job: *mut Job<'_> = ffi::lua_touserdata(state, 1).cast();
        let job = &mut *job;
        ffi::lua_settop(state, 0);
        ffi::luaL_checkstack(state, 8, ptr::null());
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(HANDLER));
        ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, job.function.0.into());
        let mut arguments = 0;
        if job.by_arguments {
            push_list(state, job.keys);
            push_list(state, job.args);
            arguments = 2;
        } else {
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(GLOBALS));
            for (name, words) in [(KEYS, job.keys), (ARGV, job.args)] {
                ffi::lua_pushvalue(state, ffi::lua_upvalueindex(name));
                push_list(state, words);
                ffi::lua_rawset(state, 3);
            }
            ffi::lua_settop(state, 2);
        }
        let status = ffi::lua_pcall(state, arguments, 1, 1);
        if current::has_panicked() {
            return 0;
        }
        // The handler is at 1, the result or the error at 2.
        if status == ffi::LUA_OK {
            answer(state, job);
        } else {
            raw::plain_error(state);
            raised(state, job);
            job.collect = true;
        }
        ffi::lua_settop(state, 0);
        if job.collect_above > 0 && memory(state) > job.collect_above {
            ffi::lua_gc(state, ffi::LUA_GCCOLLECT, 0);
        } else if job.collect {
            ffi::lua_gc(state, ffi::LUA_GCSTEP, 0);
        }
        0
    }
}

unsafe fn push_list(state: *mut lua_State, words: &[&[u8]]) {
    const AHEAD_MAX: usize = 4096;
    // SAFETY: the caller has made room for two values; one is left.
    unsafe {
        ffi::lua_createtable(state, words.len().min(AHEAD_MAX) as c_int, 0);
        for (at, word) in words.iter().enumerate() {
            ffi::lua_pushlstring(state, word.as_ptr().cast(), word.len());
            ffi::lua_rawseti(state, -2, at as ffi::lua_Integer + 1);
        }
    }
}

/// The bytes of a string that is on the stack, for as long as it stays there.
unsafe fn bytes_at<'a>(state: *mut lua_State, at: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the caller vouches for a string there, which is neither converted nor moved.
    unsafe {
        let start = ffi::lua_tolstring(state, at, &raw mut length);
        std::slice::from_raw_parts(start.cast(), length)
    }
}

/// The text of a string or a number, on one line.
unsafe fn text_at(state: *mut lua_State, at: c_int) -> Option<String> {
    // SAFETY: the type is looked at first; nothing here allocates in Lua.
    unsafe {
        match ffi::lua_type(state, at) {
            ffi::LUA_TSTRING => Some(one_line(bytes_at(state, at))),
            ffi::LUA_TNUMBER => Some(one_line(&lua_number_text(ffi::lua_tonumber(state, at)))),
            _ => None,
        }
    }
}

/// Pushes a field of the table at `table`, its type.
unsafe fn push_field(state: *mut lua_State, table: c_int, name: c_int) -> c_int {
    // SAFETY: one value is pushed; looking up without metamethods can not fail.
    unsafe {
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(name));
        ffi::lua_rawget(state, table)
    }
}

/// Takes note of the error on top.
unsafe fn raised(state: *mut lua_State, job: &mut Job<'_>) {
    // SAFETY: three values are pushed at most, for which there is room.
    unsafe {
        if ffi::lua_istable(state, 2) == 0 {
            job.ending = Ending::RaisedOther(text_at(state, 2));
            return;
        }
        push_field(state, 2, ERR);
        push_field(state, 2, SOURCE);
        push_field(state, 2, LINE);
        job.ending =
            Ending::Raised { text: text_at(state, 3), source: text_at(state, 4), line: text_at(state, 5) };
    }
}

/// What the way through a result does with its parts. A table may hold another one many times, so that a reply can be larger
/// than all of Lua's memory: the first way only weighs, the second writes.
struct Pass<'a> {
    out: Option<&'a mut dyn ReplySink>,
    resp3: bool,
    /// Bytes that the rest may weigh.
    left: usize,
}

impl Pass<'_> {
    /// A part with so many bytes of its own. False: it is too much.
    fn put(&mut self, bytes: usize, write: impl FnOnce(&mut dyn ReplySink)) -> bool {
        /// A part's head and what else is kept for it.
        const HEAD: usize = 16;
        let Some(left) = self.left.checked_sub(bytes.saturating_add(HEAD)) else { return false };
        self.left = left;
        if let Some(out) = self.out.as_mut() {
            write(&mut **out);
        }
        true
    }
}

/// Writes the result on top as a reply.
unsafe fn answer(state: *mut lua_State, job: &mut Job<'_>) {
    // SAFETY: all the room that writing needs is made here, so that nothing in it can fail.
    unsafe {
        let resp3 = current::with(|host| host.resp3()).unwrap_or(false);
        if ffi::lua_istable(state, 2) != 0 {
            ffi::luaL_checkstack(state, (DEPTH_MAX + 2) * VALUES_A_LEVEL, ptr::null());
            if push_field(state, 2, ERR) == ffi::LUA_TSTRING {
                job.ending = Ending::Refused(one_line(bytes_at(state, 3)));
                return;
            }
            ffi::lua_settop(state, 2);
            let left = if job.reply_max > 0 { job.reply_max } else { usize::MAX };
            if !write(state, 2, 0, &mut Pass { out: None, resp3, left }) {
                let text = "ERR the script's reply takes more than lua-memory-limit";
                job.ending = Ending::Refused(text.to_owned());
                return;
            }
        }
        current::catching(|| {
            write(state, 2, 0, &mut Pass { out: Some(&mut *job.out), resp3, left: usize::MAX })
        });
        job.ending = Ending::Answered;
    }
}

/// Goes through the value at `at`; false: it is too much. Allocates nothing in Lua, and leaves the stack as it was.
unsafe fn write(state: *mut lua_State, at: c_int, depth: c_int, pass: &mut Pass<'_>) -> bool {
    // SAFETY: types are looked at before values are read.
    unsafe {
        match ffi::lua_type(state, at) {
            ffi::LUA_TSTRING => {
                let bytes = bytes_at(state, at);
                pass.put(bytes.len(), |out| out.bulk(bytes))
            }
            ffi::LUA_TNUMBER => {
                let number = to_i64(ffi::lua_tonumber(state, at));
                pass.put(0, |out| out.int(number))
            }
            ffi::LUA_TBOOLEAN => {
                let (on, resp3) = (ffi::lua_toboolean(state, at) != 0, pass.resp3);
                pass.put(0, |out| match (on, resp3) {
                    (on, true) => out.bool(on),
                    (true, false) => out.int(1),
                    (false, false) => out.null(),
                })
            }
            ffi::LUA_TTABLE => {
                let top = ffi::lua_gettop(state);
                let fits = write_table(state, at, depth, pass);
                ffi::lua_settop(state, top);
                fits
            }
            _ => pass.put(0, |out| out.null()),
        }
    }
}

unsafe fn write_table(state: *mut lua_State, at: c_int, depth: c_int, pass: &mut Pass<'_>) -> bool {
    // SAFETY: `answer` has made room for five values a level; each branch below pushes no more before it writes a part, at
    // the next level. Tables are only read, so that `lua_next` finds every key again. Who called settles the stack.
    unsafe {
        if depth >= DEPTH_MAX {
            return pass.put(0, |out| out.error(&Error::command("ERR reached lua stack limit")));
        }
        let top = ffi::lua_gettop(state);
        if push_field(state, at, ERR) == ffi::LUA_TSTRING {
            let bytes = bytes_at(state, -1);
            return pass.put(bytes.len(), |out| out.error(&Error::command(one_line(bytes))));
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, OK) == ffi::LUA_TSTRING {
            let bytes = bytes_at(state, -1);
            return pass.put(bytes.len(), |out| out.simple(&one_line(bytes)));
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, DOUBLE) == ffi::LUA_TNUMBER {
            let number = ffi::lua_tonumber(state, -1);
            return pass.put(0, |out| out.double(number));
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, MAP) == ffi::LUA_TTABLE {
            let pairs = count(state, top + 1);
            let mut fits = pass.put(0, |out| out.map(pairs));
            ffi::lua_pushnil(state);
            while fits && ffi::lua_next(state, top + 1) != 0 {
                fits = write(state, top + 2, depth + 1, pass) && write(state, top + 3, depth + 1, pass);
                ffi::lua_pop(state, 1);
            }
            return fits;
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, SET) == ffi::LUA_TTABLE {
            let members = count(state, top + 1);
            let mut fits = pass.put(0, |out| out.set(members));
            ffi::lua_pushnil(state);
            while fits && ffi::lua_next(state, top + 1) != 0 {
                fits = write(state, top + 2, depth + 1, pass);
                ffi::lua_pop(state, 1);
            }
            return fits;
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, BIG_NUMBER) == ffi::LUA_TSTRING {
            let bytes = bytes_at(state, -1);
            return pass.put(bytes.len(), |out| out.big_number(&one_line(bytes)));
        }
        ffi::lua_settop(state, top);
        if push_field(state, at, VERBATIM) == ffi::LUA_TTABLE
            && push_field(state, top + 1, FORMAT) == ffi::LUA_TSTRING
            && push_field(state, top + 1, STRING) == ffi::LUA_TSTRING
        {
            let (format, text) = (bytes_at(state, top + 2), bytes_at(state, top + 3));
            return pass.put(text.len(), |out| {
                // Three letters it is.
                let format = format.iter().copied().chain(*b"   ").take(3).collect::<Vec<u8>>();
                out.verbatim(&String::from_utf8_lossy(&format), text);
            });
        }
        ffi::lua_settop(state, top);
        let mut parts = 0;
        while ffi::lua_rawgeti(state, at, parts + 1) != ffi::LUA_TNIL {
            ffi::lua_pop(state, 1);
            parts += 1;
        }
        ffi::lua_pop(state, 1);
        let mut fits = pass.put(0, |out| out.array(parts as usize));
        let mut part = 1;
        while fits && part <= parts {
            ffi::lua_rawgeti(state, at, part);
            fits = write(state, top + 1, depth + 1, pass);
            ffi::lua_pop(state, 1);
            part += 1;
        }
        fits
    }
}

/// How many fields the table at `at` has.
unsafe fn count(state: *mut lua_State, at: c_int) -> usize {
    // SAFETY: a key and a value are pushed and popped again; the table is not changed.
    unsafe {
        let mut n = 0;
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, at) != 0 {
            ffi::lua_pop(state, 1);
            n += 1;
        }
        n
    }
}
