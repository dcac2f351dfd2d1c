//! The table `redis` (and `server`) of scripts.

use mlua::{IntoLua, Lua, Table, Value};
use sha1::{Digest, Sha1};

use super::convert::{error_table, number_of, number_text, one_line, text_of};
use super::function::{Args, Fault, Returned, function};
use super::{Host, call, current};

/// `REDIS_VERSION_NUM` of the version followed.
fn version_number() -> u32 {
    crate::REDIS_VERSION.split('.').fold(0, |n, part| n << 8 | part.parse::<u32>().unwrap_or(0))
}

/// An error of this library: raised as a table.
fn raise(lua: &Lua, text: &str) -> Fault {
    raise_whole(lua, &format!("ERR {text}"))
}

/// An error that has its code word.
fn raise_whole(lua: &Lua, text: &str) -> Fault {
    match error_table(lua, text) {
        Ok(table) => Fault::Raise(Value::Table(table)),
        Err(error) => Fault::Lua(error),
    }
}

/// Arguments of a command, one behind the other.
#[derive(Default)]
struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    fn of(args: &Args<'_>) -> Result<Self, Fault> {
        if args.len() == 0 {
            return Err(raise(args.lua, "Please specify at least one argument for this redis lib call"));
        }
        let mut words = Self { bytes: Vec::with_capacity(64), ends: Vec::with_capacity(args.len()) };
        for value in args.values() {
            match value {
                Value::String(text) => words.bytes.extend_from_slice(&text.as_bytes()),
                value => match number_of(value) {
                    Some(n) => words.bytes.extend_from_slice(number_text(n).as_bytes()),
                    None => {
                        let text = "Lua redis lib command arguments must be strings or integers";
                        return Err(raise(args.lua, text));
                    }
                },
            }
            words.ends.push(words.bytes.len());
        }
        Ok(words)
    }

    fn argv(&self) -> Vec<&[u8]> {
        let mut start = 0;
        self.ends
            .iter()
            .map(|&end| {
                let word = &self.bytes[start..end];
                start = end;
                word
            })
            .collect()
    }
}

/// What asks the host for something; the script does not go on when that panics.
fn in_script<R>(lua: &Lua, f: impl FnOnce(&mut dyn Host) -> R) -> Result<R, Fault> {
    let none = || raise(lua, "this can only be called inside a script invocation");
    current::with(f).ok_or_else(none)
}

fn single_text(args: &Args<'_>, field: &str, make: impl Fn(Vec<u8>) -> Vec<u8>) -> Returned {
    let lua = args.lua;
    let text = match args.values() {
        [Value::String(text)] => text.as_bytes().to_vec(),
        _ => {
            let table = error_table(lua, "ERR wrong number or type of arguments")?;
            return Ok(vec![Value::Table(table)]);
        }
    };
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(field, lua.create_string(make(text))?)?;
    Ok(vec![Value::Table(table)])
}

/// One word is a message without a code, more than one begin with it; a leading minus is dropped.
fn error_text(text: Vec<u8>) -> Vec<u8> {
    if let Some(rest) = text.strip_prefix(b"-") {
        // As the servers do: what comes after the minus is looked at no further, unless it is one word.
        return if rest.contains(&b' ') { rest.to_vec() } else { [b"ERR ", rest].concat() };
    }
    if text.contains(&b' ') { text } else { [&b"ERR "[..], &text].concat() }
}

fn sha1hex(args: &Args<'_>) -> Returned {
    if args.len() != 1 {
        return Err(raise(args.lua, "wrong number of arguments"));
    }
    let text = text_of(args.get(1)).unwrap_or_default();
    Ok(vec![args.lua.create_string(hex(&text))?.into_lua(args.lua)?])
}

/// The SHA-1 of a text, in hexadecimal.
pub(super) fn hex(text: &[u8]) -> String {
    let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n & 15)]);
    Sha1::digest(text).iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// Levels of `redis.log`.
const LEVELS: [(&str, i64); 4] =
    [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)];

/// Bytes of a line that `redis.log` writes; the rest is cut off, since lines are kept until the script is over.
const LOG_LINE_MAX: usize = 4096;

fn log(args: &Args<'_>) -> Returned {
    if args.len() < 2 {
        return Err(raise(args.lua, "redis.log() requires two arguments or more."));
    }
    let Some(level) = number_of(args.get(1)) else {
        return Err(raise(args.lua, "First argument must be a number (log level)."));
    };
    let level = match level as i64 {
        0 => log::Level::Trace,
        1 => log::Level::Debug,
        2 => log::Level::Info,
        3 => log::Level::Warn,
        _ => return Err(raise(args.lua, "Invalid log level.")),
    };
    let words: Vec<Vec<u8>> = args.values()[1..].iter().filter_map(text_of).collect();
    let mut line = words.join(&b' ');
    line.truncate(LOG_LINE_MAX);
    // Whoever receives it may be the host's own code, which must not run while shards are held.
    in_script(args.lua, |host| host.log(level, one_line(&line)))?;
    Ok(Vec::new())
}

fn setresp(args: &Args<'_>) -> Returned {
    if args.len() != 1 {
        return Err(raise(args.lua, "redis.setresp() requires one argument."));
    }
    let version = args.number(1).unwrap_or(0.0);
    if version != 2.0 && version != 3.0 {
        return Err(raise(args.lua, "RESP version must be 2 or 3."));
    }
    in_script(args.lua, |host| host.set_resp3(version == 3.0))?;
    Ok(Vec::new())
}

const REPL: [(&str, i64); 5] =
    [("REPL_NONE", 0), ("REPL_AOF", 1), ("REPL_SLAVE", 2), ("REPL_REPLICA", 2), ("REPL_ALL", 3)];

/// Accepted and without effect: what a script did is always logged.
fn set_repl(args: &Args<'_>) -> Returned {
    if args.len() != 1 {
        return Err(raise(args.lua, "redis.set_repl() requires one argument."));
    }
    let flags = args.number(1).map_or(0, super::convert::to_i64);
    if !(0..=3).contains(&flags) {
        let text = "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return Err(raise(args.lua, text));
    }
    Ok(Vec::new())
}

fn acl_check_cmd(args: &Args<'_>) -> Returned {
    let words = Words::of(args)?;
    match current::with(|host| host.may_call(&words.argv())) {
        Some(true) => Ok(vec![Value::Boolean(true)]),
        _ => Err(raise(args.lua, "Invalid command passed to redis.acl_check_cmd()")),
    }
}

/// Fills what scripts and functions share.
pub(super) fn shared(lua: &Lua, table: &Table) -> mlua::Result<()> {
    table.raw_set("log", function(lua, |args| log(&args))?)?;
    for (name, value) in LEVELS {
        table.raw_set(name, value)?;
    }
    table.raw_set("REDIS_VERSION", crate::REDIS_VERSION)?;
    table.raw_set("REDIS_VERSION_NUM", version_number())
}

/// Fills the table `redis`.
pub(super) fn fill(lua: &Lua, table: &Table) -> mlua::Result<()> {
    shared(lua, table)?;
    let (call, pcall) = call::functions(lua)?;
    table.raw_set("call", call)?;
    table.raw_set("pcall", pcall)?;
    let error_reply = |args: Args<'_>| single_text(&args, "err", error_text);
    table.raw_set("error_reply", function(lua, error_reply)?)?;
    let status_reply = |args: Args<'_>| single_text(&args, "ok", |text| text);
    table.raw_set("status_reply", function(lua, status_reply)?)?;
    table.raw_set("sha1hex", function(lua, |args| sha1hex(&args))?)?;
    table.raw_set("setresp", function(lua, |args| setresp(&args))?)?;
    table.raw_set("set_repl", function(lua, |args| set_repl(&args))?)?;
    for (name, value) in REPL {
        table.raw_set(name, value)?;
    }
    table.raw_set("acl_check_cmd", function(lua, |args| acl_check_cmd(&args))?)?;
    let yes = |_: Args<'_>| Ok(vec![Value::Boolean(true)]);
    table.raw_set("replicate_commands", function(lua, yes)?)?;
    // There is no debugger.
    let no = |_: Args<'_>| Ok(vec![Value::Boolean(false)]);
    table.raw_set("breakpoint", function(lua, no)?)?;
    table.raw_set("debug", function(lua, |_| Ok(Vec::new()))?)
}
