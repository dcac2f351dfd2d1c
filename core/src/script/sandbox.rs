//! What a script finds when it looks around: the global variables, none of which it can change.
//!
//! Redis's Lua has tables that refuse changes; the stock Lua used here has not. So what scripts see of `string`, `redis`
//! or `_G` is an empty table that stands for the real one: reads go through its metatable, writes meet a function that
//! raises Redis's error. The few functions that look past metatables are replaced ([`raw::replace_base`]).

use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Lua, LuaOptions, Result, StdLib, Table, Value};

use super::function::{Args, Fault, Returned, function};
use super::prng::Lrand48;
use super::{api, bit, json, msgpack, raw, structs};

/// The generator behind `math.random`.
pub(super) type Random = Arc<Mutex<Lrand48>>;

/// Names of the base library that scripts may use as they are.
const BASE: &[&str] = &[
    "_VERSION",
    "assert",
    "error",
    "gcinfo",
    "getmetatable",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "rawequal",
    "rawget",
    "rawset",
    "select",
    "setmetatable",
    "tonumber",
    "tostring",
    "type",
    "unpack",
    "xpcall",
];

/// The global variables of a kind of scripts.
pub(super) struct Realm {
    /// What scripts see.
    pub(super) env: Table,
    /// What it stands for.
    pub(super) globals: Table,
}

/// The interpreter's fixtures.
pub(super) struct Sandbox {
    /// Protected tables and what they stand for.
    protected: Table,
    refuse_change: mlua::Function,
    refuse_global: mlua::Function,
    /// What all realms have, by name.
    common: Vec<(&'static str, Value)>,
    random: Random,
}

/// An interpreter without anything that reaches the world outside.
pub(super) fn interpreter(memory_max: usize) -> Result<Lua> {
    let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH;
    let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
    lua.set_memory_limit(memory_max)?;
    Ok(lua)
}

impl Sandbox {
    pub(super) fn new(lua: &Lua) -> Result<Self> {
        let globals = lua.globals();
        let mut sandbox = Self {
            protected: lua.create_table()?,
            refuse_change: raw::change_refuser(lua)?,
            refuse_global: raw::global_refuser(lua)?,
            common: Vec::new(),
            random: Random::default(),
        };
        raw::replace_base(lua, &globals, &sandbox.protected)?;
        for name in BASE {
            sandbox.common.push((name, globals.raw_get(*name)?));
        }
        sandbox.common.push(("collectgarbage", Value::Function(function(lua, collectgarbage)?)));
        let math: Table = globals.raw_get("math")?;
        sandbox.replace_random(lua, &math)?;
        let os = lua.create_table()?;
        os.raw_set("clock", function(lua, |_| Ok(vec![Value::Number(clock())]))?)?;
        for (name, table) in [
            ("string", globals.raw_get("string")?),
            ("table", globals.raw_get("table")?),
            ("coroutine", globals.raw_get("coroutine")?),
            ("math", math),
            ("os", os),
            ("bit", bit::library(lua)?),
            ("struct", structs::library(lua)?),
            ("cmsgpack", msgpack::library(lua)?),
            ("cjson", json::library(lua)?),
        ] {
            sandbox.add_library(lua, name, &table)?;
        }
        sandbox.protect_strings(lua)?;
        Ok(sandbox)
    }

    /// A library that all realms have.
    pub(super) fn add_library(&mut self, lua: &Lua, name: &'static str, table: &Table) -> Result<()> {
        let shown = self.protect(lua, table, Value::Boolean(false))?;
        self.common.push((name, Value::Table(shown)));
        Ok(())
    }

    /// A table that stands for `table` and can not be changed.
    pub(super) fn protect(&self, lua: &Lua, table: &Table, metatable_shown: Value) -> Result<Table> {
        let shown = lua.create_table()?;
        let metatable = lua.create_table()?;
        metatable.raw_set("__index", table)?;
        metatable.raw_set("__newindex", &self.refuse_change)?;
        metatable.raw_set("__metatable", metatable_shown)?;
        shown.set_metatable(Some(metatable))?;
        self.protected.raw_set(&shown, table)?;
        Ok(shown)
    }

    /// All strings share one metatable.
    fn protect_strings(&self, lua: &Lua) -> Result<()> {
        let metatable = raw::string_metatable(lua)?;
        let inner = lua.create_table()?;
        let string = self.common.iter().find(|(name, _)| *name == "string").map(|(_, value)| value.clone());
        inner.raw_set("__index", string)?;
        metatable.raw_set("__metatable", self.protect(lua, &inner, Value::Boolean(false))?)
    }

    /// Reading a field that a table does not have is an error, as with global variables.
    pub(super) fn refuse_unknown(&self, lua: &Lua, table: &Table) -> Result<()> {
        let metatable = lua.create_table()?;
        metatable.raw_set("__index", &self.refuse_global)?;
        table.set_metatable(Some(metatable))
    }

    /// See [`raw::runner`].
    pub(super) fn runner(lua: &Lua) -> Result<mlua::Function> {
        raw::runner(lua)
    }

    /// The variables of a kind of scripts: `own` beside what all have.
    pub(super) fn realm(&self, lua: &Lua, own: &[(&str, Value)]) -> Result<Realm> {
        let globals = lua.create_table()?;
        self.refuse_unknown(lua, &globals)?;
        let metatable = globals.metatable().map(Value::Table).unwrap_or_default();
        let Value::Table(metatable) = metatable else { return Err(mlua::Error::runtime("no metatable")) };
        let shown = self.protect(lua, &metatable, Value::Boolean(false))?;
        let env = self.protect(lua, &globals, Value::Table(shown))?;
        for (name, value) in self.common.iter().map(|(name, value)| (*name, value)) {
            globals.raw_set(name, value)?;
        }
        for (name, value) in own {
            globals.raw_set(*name, value)?;
        }
        globals.raw_set("_G", &env)?;
        let of_text = env.clone();
        globals.raw_set("loadstring", function(lua, move |args| loadstring(&args, &of_text))?)?;
        let of_parts = env.clone();
        globals.raw_set("load", function(lua, move |args| load(&args, &of_parts))?)?;
        Ok(Realm { env, globals })
    }

    fn replace_random(&self, lua: &Lua, math: &Table) -> Result<()> {
        let state = Arc::clone(&self.random);
        math.raw_set("random", function(lua, move |args| random(&args, &state))?)?;
        let state = Arc::clone(&self.random);
        let seed = move |args: Args<'_>| {
            let seed = args.integer(1)? as i32;
            *state.lock().unwrap_or_else(PoisonError::into_inner) = Lrand48::new(seed);
            Ok(Vec::new())
        };
        math.raw_set("randomseed", function(lua, seed)?)
    }
}

fn random(args: &Args<'_>, state: &Random) -> Returned {
    let fraction = state.lock().unwrap_or_else(PoisonError::into_inner).fraction();
    let (low, high) = match args.len() {
        0 => return Ok(vec![Value::Number(fraction)]),
        1 => (1, args.integer(1)?),
        2 => (args.integer(1)?, args.integer(2)?),
        _ => return Err("wrong number of arguments".into()),
    };
    if low > high {
        return Err(args.refuse(args.len(), "interval is empty"));
    }
    let width = high as f64 - low as f64 + 1.0;
    Ok(vec![Value::Number((fraction * width).floor() + low as f64)])
}

/// Seconds of processor time this process has used.
fn clock() -> f64 {
    let used = crate::allocator::process_cpu();
    used.user + used.system
}

/// A script may ask and collect, but not stop the collector.
fn collectgarbage(args: Args<'_>) -> Returned {
    let option = if args.get(1).is_nil() { b"collect".to_vec() } else { args.bytes(1)? };
    let number = match &option[..] {
        b"collect" => {
            args.lua.gc_collect()?;
            0.0
        }
        b"count" => args.lua.used_memory() as f64 / 1024.0,
        b"step" => return Ok(vec![Value::Boolean(args.lua.gc_step()?)]),
        b"stop" | b"restart" => 0.0,
        b"setpause" | b"setstepmul" => 200.0,
        other => {
            let shown = String::from_utf8_lossy(other).into_owned();
            return Err(args.refuse(1, format_args!("invalid option '{shown}'")));
        }
    };
    Ok(vec![Value::Number(number)])
}

/// Compiles a text: the function, or nil and what is wrong with it.
fn compile(lua: &Lua, text: &[u8], name: &[u8], env: &Table) -> Result<Vec<Value>> {
    const BINARY: u8 = 0x1b;
    // Compiled code is refused as any other text that is none; the loader must not see its mark.
    let binary = text.first() == Some(&BINARY);
    let text: Vec<u8> = if binary { [&[1], &text[1..]].concat() } else { text.to_vec() };
    let name: Vec<u8> = name.iter().map(|b| if *b == 0 { b' ' } else { *b }).collect();
    let name = String::from_utf8_lossy(&name).into_owned();
    let chunk =
        lua.load(text).set_name(name).set_mode(mlua::chunk::ChunkMode::Text).set_environment(env.clone());
    match chunk.into_function() {
        Ok(function) => Ok(vec![Value::Function(function)]),
        Err(mlua::Error::SyntaxError { message, .. }) => {
            let message = if binary { message.replace("char(1)", "char(27)") } else { message };
            Ok(vec![Value::Nil, Value::String(lua.create_string(message)?)])
        }
        Err(other) => Err(other),
    }
}

fn loadstring(args: &Args<'_>, env: &Table) -> Returned {
    let text = args.bytes(1)?;
    let name = if args.get(2).is_nil() { text.clone() } else { args.bytes(2)? };
    Ok(compile(args.lua, &text, &name, env)?)
}

/// The parts that a function gives, one a call, are put together first.
fn load(args: &Args<'_>, env: &Table) -> Returned {
    const MOST: usize = 64 * 1024 * 1024;
    let Value::Function(parts) = args.get(1) else {
        let got = if args.len() == 0 { "no value" } else { super::function::type_name(args.get(1)) };
        return Err(args.refuse(1, format_args!("function expected, got {got}")));
    };
    let name = if args.get(2).is_nil() { b"=(load)".to_vec() } else { args.bytes(2)? };
    let mut text = Vec::new();
    loop {
        match parts.call::<Value>(())? {
            Value::Nil => break,
            Value::String(part) if part.as_bytes().is_empty() => break,
            Value::String(part) => text.extend_from_slice(&part.as_bytes()),
            _ => {
                let message = args.lua.create_string("reader function must return a string")?;
                return Ok(vec![Value::Nil, Value::String(message)]);
            }
        }
        if text.len() > MOST {
            return Err(Fault::Text("chunk is too long".to_owned()));
        }
    }
    Ok(compile(args.lua, &text, &name, env)?)
}

/// The table `redis` of scripts, or of functions, which have less in it.
pub(super) fn redis(lua: &Lua, sandbox: &Sandbox, functions: bool) -> Result<Value> {
    let table = lua.create_table()?;
    api::fill(lua, &table)?;
    if functions {
        for name in ["replicate_commands", "breakpoint", "debug"] {
            table.raw_set(name, Value::Nil)?;
        }
    }
    Ok(Value::Table(sandbox.protect(lua, &table, Value::Boolean(false))?))
}
