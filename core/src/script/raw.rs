//! What the sandbox needs of Lua's C interface: functions that raise Lua values as errors from the place of their caller,
//! `pcall` and its kin in Redis's manner, the hook that stops a script, and tables that scripts can not change.
//!
//! Each function here runs on Lua's own stack and may leave it by a long jump. So none of them owns anything that would
//! have to be dropped, and whatever needs Rust values is a function of the `mlua` crate, called through [`raising`].
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, Result, Table};

use super::current;

/// Instructions between two looks at whether the script is to stop, as in Redis.
const HOOK_EVERY: c_int = 100_000;

/// What a function made by [`raising`] returns first.
pub(super) mod outcome {
    /// The rest are the results.
    pub(in crate::script) const RETURN: f64 = 0.0;
    /// The second is raised as an error.
    pub(in crate::script) const RAISE: f64 = 1.0;
    /// The second, a text, is raised with the caller's place in front.
    pub(in crate::script) const RAISE_WITH_PLACE: f64 = 2.0;
    /// The argument whose number comes second is bad, for the reason that comes third.
    pub(in crate::script) const BAD_ARGUMENT: f64 = 3.0;
}

/// A closure of a function with its upvalues.
fn closure(lua: &Lua, function: ffi::lua_CFunction, upvalues: impl mlua::IntoLuaMulti) -> Result<Function> {
    // SAFETY: all that is on the stack becomes upvalues; the closure is left in their place.
    unsafe { lua.exec_raw(upvalues, |state| ffi::lua_pushcclosure(state, function, ffi::lua_gettop(state))) }
}

/// A function that calls `inner` and does what the first of its results says (see [`outcome`]). To Lua it is a function
/// written in C: its errors carry the place of whoever called it, also in `return f()`.
pub(super) fn raising(lua: &Lua, inner: Function) -> Result<Function> {
    closure(lua, trampoline, inner)
}

unsafe extern "C-unwind" fn trampoline(state: *mut lua_State) -> c_int {
    // SAFETY: the stack is checked before anything is pushed; the upvalue is the inner function. Nothing is owned here.
    unsafe {
        let arguments = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 3, ptr::null());
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, arguments, ffi::LUA_MULTRET);
        let how = ffi::lua_tonumber(state, 1);
        if how == outcome::RETURN {
            return ffi::lua_gettop(state) - 1;
        }
        if how == outcome::BAD_ARGUMENT {
            let at = ffi::lua_tonumber(state, 2) as c_int;
            ffi::luaL_argerror(state, at, ffi::lua_tolstring(state, 3, ptr::null_mut()));
        }
        ffi::lua_settop(state, 2);
        if how == outcome::RAISE_WITH_PLACE {
            ffi::luaL_where(state, 1);
            ffi::lua_insert(state, -2);
            ffi::lua_concat(state, 2);
        }
        ffi::lua_error(state)
    }
}

/// Replaces an error that stands for a failure of Rust code, which can only be a lack of memory, by its text.
pub(super) unsafe fn plain_error(state: *mut lua_State) {
    // SAFETY: there is an error value on top of the stack.
    unsafe {
        if ffi::lua_type(state, -1) == ffi::LUA_TUSERDATA {
            ffi::lua_pop(state, 1);
            ffi::lua_pushliteral(state, c"not enough memory");
        }
    }
}

/// `pcall` as Redis has it: an error table is handed out as its text. It does not catch what ends the script.
unsafe extern "C-unwind" fn pcall(state: *mut lua_State) -> c_int {
    // SAFETY: stack positions are those of the arguments and of what is pushed here; `pcall` leaves one error value.
    unsafe {
        ffi::luaL_checkstack(state, 4, ptr::null());
        if ffi::lua_gettop(state) == 0 {
            ffi::lua_pushboolean(state, 1);
        }
        let arguments = ffi::lua_gettop(state) - 1;
        ffi::lua_pushboolean(state, 1);
        ffi::lua_insert(state, 1);
        if ffi::lua_pcall(state, arguments, ffi::LUA_MULTRET, 0) == ffi::LUA_OK {
            return ffi::lua_gettop(state);
        }
        if current::is_stopping() {
            ffi::lua_error(state);
        }
        plain_error(state);
        ffi::lua_remove(state, 1);
        if ffi::lua_istable(state, -1) != 0 {
            ffi::lua_getfield(state, -1, c"err".as_ptr());
            if ffi::lua_isstring(state, -1) != 0 {
                ffi::lua_replace(state, -2);
            }
        }
        ffi::lua_pushboolean(state, 0);
        ffi::lua_insert(state, 1);
        ffi::lua_gettop(state)
    }
}

/// The handler that [`xpcall`] installs: the script's own, but not for what ends the script. That is raised while hooks are
/// off, so a handler without end could not be stopped.
unsafe extern "C-unwind" fn own_handler(state: *mut lua_State) -> c_int {
    // SAFETY: the error is at position 1, the upvalue is the script's handler.
    unsafe {
        if current::is_stopping() {
            return 1;
        }
        ffi::luaL_checkstack(state, 2, ptr::null());
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, ffi::lua_gettop(state) - 1, 1);
        1
    }
}

/// `xpcall`; it does not catch what ends the script.
unsafe extern "C-unwind" fn xpcall(state: *mut lua_State) -> c_int {
    // SAFETY: after `settop` the function is at 1 and its handler at 2; a closure over the latter goes below the former.
    unsafe {
        ffi::luaL_checkany(state, 2);
        ffi::lua_settop(state, 2);
        ffi::luaL_checkstack(state, 3, ptr::null());
        ffi::lua_pushcclosure(state, own_handler, 1);
        ffi::lua_insert(state, 1);
        let status = ffi::lua_pcall(state, 0, ffi::LUA_MULTRET, 1);
        if status != ffi::LUA_OK && current::is_stopping() {
            ffi::lua_error(state);
        }
        ffi::lua_pushboolean(state, c_int::from(status == ffi::LUA_OK));
        ffi::lua_replace(state, 1);
        ffi::lua_gettop(state)
    }
}

/// Calls the function it closes over, and goes on raising what ends the script (`coroutine.resume` would catch it).
unsafe extern "C-unwind" fn not_catching(state: *mut lua_State) -> c_int {
    // SAFETY: the upvalue is the function; its arguments are all there is on the stack.
    unsafe {
        let arguments = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 2, ptr::null());
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, arguments, ffi::LUA_MULTRET);
        if current::is_stopping() {
            ffi::lua_error(state);
        }
        ffi::lua_gettop(state)
    }
}

/// Makes every error a table with its text, and tells where it was raised.
unsafe extern "C-unwind" fn error_handler(state: *mut lua_State) -> c_int {
    // SAFETY: `lua_Debug` is filled by Lua before it is read; the error is at position 1.
    unsafe {
        if current::has_panicked() {
            return 1;
        }
        ffi::luaL_checkstack(state, 6, ptr::null());
        let mut place: ffi::lua_Debug = std::mem::zeroed();
        let mut found = ffi::lua_getstack(state, 1, &raw mut place) != 0
            && ffi::lua_getinfo(state, c"nSl".as_ptr(), &raw mut place) != 0;
        if found && !place.what.is_null() && CStr::from_ptr(place.what) == c"C" {
            found = ffi::lua_getstack(state, 2, &raw mut place) != 0
                && ffi::lua_getinfo(state, c"nSl".as_ptr(), &raw mut place) != 0;
        }
        if ffi::lua_istable(state, 1) == 0 {
            plain_error(state);
            ffi::lua_createtable(state, 0, 3);
            ffi::lua_pushliteral(state, c"ERR ");
            ffi::luaL_tolstring(state, 1, ptr::null_mut());
            ffi::lua_concat(state, 2);
            ffi::lua_setfield(state, -2, c"err".as_ptr());
            ffi::lua_replace(state, 1);
        }
        if found {
            ffi::lua_pushstring(state, place.source);
            ffi::lua_setfield(state, 1, c"source".as_ptr());
            ffi::lua_pushnumber(state, f64::from(place.currentline));
            ffi::lua_setfield(state, 1, c"line".as_ptr());
        }
        ffi::lua_settop(state, 1);
        1
    }
}

/// Pushes [`error_handler`].
pub(super) unsafe fn push_error_handler(state: *mut lua_State) {
    // SAFETY: the caller has made room for one value.
    unsafe { ffi::lua_pushcfunction(state, error_handler) }
}

/// `run(f, …)`: calls `f` and returns whether that went well, with the first result or the error as
/// [`error_handler`] makes it.
unsafe extern "C-unwind" fn run(state: *mut lua_State) -> c_int {
    // SAFETY: position 1 is the handler, the function and its arguments follow.
    unsafe {
        ffi::luaL_checkstack(state, 6, ptr::null());
        ffi::lua_pushcfunction(state, error_handler);
        ffi::lua_insert(state, 1);
        let arguments = ffi::lua_gettop(state) - 2;
        let status = ffi::lua_pcall(state, arguments, 1, 1);
        plain_error(state);
        ffi::lua_pushboolean(state, c_int::from(status == ffi::LUA_OK));
        ffi::lua_insert(state, -2);
        2
    }
}

/// Whether the table at position 1 is protected; if so, what it stands for is pushed. The upvalue is the map of them.
unsafe fn push_protected(state: *mut lua_State) -> bool {
    // SAFETY: one value is pushed, and popped again when it is not wanted.
    unsafe {
        ffi::lua_pushvalue(state, 1);
        ffi::lua_rawget(state, ffi::lua_upvalueindex(1));
        if ffi::lua_istable(state, -1) != 0 {
            return true;
        }
        ffi::lua_pop(state, 1);
        false
    }
}

unsafe fn refuse_protected(state: *mut lua_State) {
    // SAFETY: as `push_protected`; the error leaves the caller, which owns nothing.
    unsafe {
        if push_protected(state) {
            ffi::lua_pushliteral(state, c"Attempt to modify a readonly table");
            ffi::lua_error(state);
        }
    }
}

unsafe extern "C-unwind" fn rawset(state: *mut lua_State) -> c_int {
    // SAFETY: the arguments are checked, and three are left on the stack.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checkany(state, 2);
        ffi::luaL_checkany(state, 3);
        ffi::lua_settop(state, 3);
        refuse_protected(state);
        ffi::lua_rawset(state, 1);
        1
    }
}

/// `table.insert`, which in Lua looks past metatables.
unsafe extern "C-unwind" fn table_insert(state: *mut lua_State) -> c_int {
    // SAFETY: the arguments are checked, one to three are on the stack; one value at a time is pushed beyond them.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let mut end = ffi::lua_objlen(state, 1) as c_int + 1;
        let mut at = end;
        match ffi::lua_gettop(state) {
            2 => {}
            3 => {
                at = ffi::luaL_checkinteger(state, 2) as c_int;
                end = end.max(at);
            }
            _ => {
                ffi::luaL_where(state, 1);
                ffi::lua_pushliteral(state, c"wrong number of arguments to 'insert'");
                ffi::lua_concat(state, 2);
                ffi::lua_error(state);
            }
        }
        // Most tables have none, and need not be looked up.
        if ffi::lua_getmetatable(state, 1) != 0 {
            ffi::lua_pop(state, 1);
            refuse_protected(state);
        }
        while end > at {
            ffi::lua_rawgeti(state, 1, (end - 1).into());
            ffi::lua_rawseti(state, 1, end.into());
            end -= 1;
        }
        ffi::lua_rawseti(state, 1, at.into());
        0
    }
}

unsafe extern "C-unwind" fn rawget(state: *mut lua_State) -> c_int {
    // SAFETY: the arguments are checked, and two are left on the stack.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checkany(state, 2);
        ffi::lua_settop(state, 2);
        if push_protected(state) {
            ffi::lua_replace(state, 1);
        }
        ffi::lua_rawget(state, 1);
        1
    }
}

unsafe extern "C-unwind" fn setmetatable(state: *mut lua_State) -> c_int {
    // SAFETY: the arguments are checked, and two are left on the stack.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let kind = ffi::lua_type(state, 2);
        if kind != ffi::LUA_TNIL && kind != ffi::LUA_TTABLE {
            ffi::luaL_argerror(state, 2, c"nil or table expected".as_ptr());
        }
        ffi::lua_settop(state, 2);
        refuse_protected(state);
        if ffi::luaL_getmetafield(state, 1, c"__metatable".as_ptr()) != ffi::LUA_TNIL {
            ffi::luaL_where(state, 1);
            ffi::lua_pushliteral(state, c"cannot change a protected metatable");
            ffi::lua_concat(state, 2);
            ffi::lua_error(state);
        }
        ffi::lua_settop(state, 2);
        ffi::lua_setmetatable(state, 1);
        1
    }
}

unsafe extern "C-unwind" fn next(state: *mut lua_State) -> c_int {
    // SAFETY: a table and a key are on the stack when `lua_next` is called.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 2);
        if push_protected(state) {
            ffi::lua_replace(state, 1);
        }
        if ffi::lua_next(state, 1) != 0 {
            return 2;
        }
        ffi::lua_pushnil(state);
        1
    }
}

/// `next` for tables that are not protected: what `pairs` hands out for them.
unsafe extern "C-unwind" fn plain_next(state: *mut lua_State) -> c_int {
    // SAFETY: a table and a key are on the stack when `lua_next` is called.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 2);
        if ffi::lua_next(state, 1) != 0 {
            return 2;
        }
        ffi::lua_pushnil(state);
        1
    }
}

unsafe extern "C-unwind" fn pairs(state: *mut lua_State) -> c_int {
    // SAFETY: the upvalue is handed on to a closure made of the one value pushed for it.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 1);
        if push_protected(state) {
            ffi::lua_pop(state, 1);
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
            ffi::lua_pushcclosure(state, next, 1);
        } else {
            ffi::lua_pushcfunction(state, plain_next);
        }
        ffi::lua_pushvalue(state, 1);
        ffi::lua_pushnil(state);
        3
    }
}

/// `__newindex` of protected tables.
unsafe extern "C-unwind" fn refuse_change(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has room for twenty values.
    unsafe {
        ffi::luaL_where(state, 1);
        ffi::lua_pushliteral(state, c"Attempt to modify a readonly table");
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

/// `__index` of what holds the global variables: there is none of that name.
unsafe extern "C-unwind" fn no_such_global(state: *mut lua_State) -> c_int {
    // SAFETY: there is a second argument when a text can be made of it.
    unsafe {
        ffi::luaL_where(state, 1);
        if ffi::lua_gettop(state) != 3 {
            ffi::lua_pushliteral(state, c"Wrong number of arguments to luaProtectedTableError");
        } else if ffi::lua_isstring(state, 2) == 0 {
            let text = c"Second argument to luaProtectedTableError must be a string or number";
            ffi::lua_pushliteral(state, text);
        } else {
            ffi::lua_pushliteral(state, c"Script attempted to access nonexistent global variable '");
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushliteral(state, c"'");
            ffi::lua_concat(state, 3);
        }
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

unsafe extern "C-unwind" fn hook(state: *mut lua_State, _: *mut ffi::lua_Debug) {
    // SAFETY: the text is copied by Lua before the jump; nothing is owned here.
    unsafe {
        let text = match current::why_stop() {
            Some(text) => text,
            None if current::has_panicked() => "ERR Script ended.",
            None => return,
        };
        // From now on at every line and instruction, so that the script can not go on by catching the error.
        ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKLINE | ffi::LUA_MASKCOUNT, 1);
        if ffi::lua_checkstack(state, 4) == 0 {
            return;
        }
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_pushlstring(state, text.as_ptr().cast(), text.len());
        ffi::lua_setfield(state, -2, c"err".as_ptr());
        ffi::lua_error(state);
    }
}

/// Sets the hook anew: it was armed to stop the last script, or was never set.
pub(super) unsafe fn set_hook(state: *mut lua_State) {
    // SAFETY: setting a hook touches no stack; the caller vouches for the state.
    unsafe {
        ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, HOOK_EVERY);
    }
}

/// The functions of the base library that are ours. `protected` maps each protected table to what it stands for;
/// `coroutine` gets a `resume` that does not catch what ends the script.
pub(super) fn replace_base(lua: &Lua, globals: &Table, protected: &Table) -> Result<()> {
    let functions: [(&str, ffi::lua_CFunction); 5] = [
        ("rawset", rawset),
        ("rawget", rawget),
        ("setmetatable", setmetatable),
        ("next", next),
        ("pairs", pairs),
    ];
    for (name, function) in functions {
        globals.raw_set(name, closure(lua, function, protected)?)?;
    }
    globals.raw_set("pcall", closure(lua, pcall, true)?)?;
    globals.raw_set("xpcall", closure(lua, xpcall, true)?)?;
    let coroutine: Table = globals.raw_get("coroutine")?;
    let resume: Function = coroutine.raw_get("resume")?;
    coroutine.raw_set("resume", closure(lua, not_catching, resume)?)?;
    let table: Table = globals.raw_get("table")?;
    table.raw_set("insert", closure(lua, table_insert, protected)?)
}

/// See [`run`].
pub(super) fn runner(lua: &Lua) -> Result<Function> {
    closure(lua, run, true)
}

/// See [`refuse_change`].
pub(super) fn change_refuser(lua: &Lua) -> Result<Function> {
    closure(lua, refuse_change, true)
}

/// See [`no_such_global`].
pub(super) fn global_refuser(lua: &Lua) -> Result<Function> {
    closure(lua, no_such_global, true)
}

/// Gives the metatable of all strings away.
pub(super) fn string_metatable(lua: &Lua) -> Result<Table> {
    // SAFETY: strings have a metatable once the string library is loaded; one value is left.
    unsafe {
        lua.exec_raw("", |state| {
            if ffi::lua_getmetatable(state, 1) == 0 {
                ffi::lua_createtable(state, 0, 0);
            }
            ffi::lua_remove(state, 1);
        })
    }
}
