//! What a library finds while it is loaded: `redis.register_function`, and little else.

use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Function, Lua, Result, Table, Value};

use super::convert::text_of;
use super::function::{Args, Fault, Returned, function};
use super::library::{FunctionInfo, check_name};
use super::sandbox::Sandbox;
use super::shebang::ScriptFlags;
use super::{api, convert};

/// What the library under way has registered so far.
pub(super) type Registered = Arc<Mutex<Vec<(FunctionInfo, Function)>>>;

/// The table `redis` of that time, protected.
pub(super) fn redis(lua: &Lua, sandbox: &Sandbox, registered: &Registered) -> Result<Value> {
    let table = lua.create_table()?;
    api::shared(lua, &table)?;
    let registered = Arc::clone(registered);
    let register = move |args: Args<'_>| register(&args, &registered);
    table.raw_set("register_function", function(lua, register)?)?;
    sandbox.refuse_unknown(lua, &table)?;
    Ok(Value::Table(sandbox.protect(lua, &table, Value::Boolean(false))?))
}

fn raise(lua: &Lua, text: &str) -> Fault {
    match convert::error_table(lua, &format!("ERR {text}")) {
        Ok(table) => Fault::Raise(Value::Table(table)),
        Err(error) => Fault::Lua(error),
    }
}

fn register(args: &Args<'_>, registered: &Registered) -> Returned {
    let refuse = |text: &str| Err(raise(args.lua, text));
    let (name, callback, description, flags) = match args.values() {
        [Value::Table(named)] => match from_table(named)? {
            Ok(found) => found,
            Err(text) => return refuse(&text),
        },
        [_] => {
            return refuse(
                "calling redis.register_function with a single argument is only applicable to Lua table (representing named \
                 arguments).",
            );
        }
        [name, callback] => {
            let Some(name) = text_of(name) else {
                return refuse("first argument to redis.register_function must be a string");
            };
            let Value::Function(callback) = callback else {
                return refuse("second argument to redis.register_function must be a function");
            };
            (name, callback.clone(), None, ScriptFlags::default())
        }
        _ => return refuse("wrong number of arguments to redis.register_function"),
    };
    if let Err(text) = check_name(&name) {
        return refuse(text);
    }
    let name: Arc<str> = String::from_utf8_lossy(&name).into();
    let mut registered = registered.lock().unwrap_or_else(PoisonError::into_inner);
    if registered.iter().any(|(info, _)| info.name == name) {
        return refuse("Function already exists in the library");
    }
    registered.push((FunctionInfo { name, description, flags }, callback));
    Ok(Vec::new())
}

type Named = (Vec<u8>, Function, Option<String>, ScriptFlags);

/// The named arguments, or what is wrong with them.
fn from_table(named: &Table) -> Result<std::result::Result<Named, String>> {
    const OF: &str = "redis.register_function";
    let (mut name, mut callback, mut description, mut flags) = (None, None, None, ScriptFlags::default());
    for pair in named.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Some(key) = text_of(&key) else {
            return Ok(Err(format!("named argument key given to {OF} is not a string")));
        };
        match &key[..] {
            b"function_name" => match text_of(&value) {
                Some(text) => name = Some(text),
                None => return Ok(Err(format!("function_name argument given to {OF} must be a string"))),
            },
            b"description" => match text_of(&value) {
                Some(text) => description = Some(String::from_utf8_lossy(&text).into_owned()),
                None => return Ok(Err(format!("description argument given to {OF} must be a string"))),
            },
            b"callback" => match value {
                Value::Function(function) => callback = Some(function),
                _ => return Ok(Err(format!("callback argument given to {OF} must be a function"))),
            },
            b"flags" => {
                let Value::Table(list) = value else {
                    let text = format!("flags argument to {OF} must be a table representing function flags");
                    return Ok(Err(text));
                };
                for at in 1.. {
                    let flag: Value = list.raw_get(f64::from(at))?;
                    if flag.is_nil() {
                        break;
                    }
                    let known = text_of(&flag).is_some_and(|flag| flags.add(&flag));
                    if !known {
                        return Ok(Err("unknown flag given".to_owned()));
                    }
                }
            }
            _ => return Ok(Err(format!("unknown argument given to {OF}"))),
        }
    }
    Ok(match (name, callback) {
        (None, _) => Err(format!("{OF} must get a function name argument")),
        (_, None) => Err(format!("{OF} must get a callback argument")),
        (Some(name), Some(callback)) => Ok((name, callback, description, flags)),
    })
}
