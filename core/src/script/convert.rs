//! Between Lua's values and replies, as Redis converts them.

use mlua::{Lua, LuaString, Result, Table, Value};

use crate::encoding::num;
use crate::error::Error;
use crate::reply::{Reply, ReplySink};

/// How deep a reply may be nested. Redis goes on to the end of Lua's stack, some 8,000 levels, which neither a host's stack
/// nor its own lists are made for.
const DEPTH_MAX: usize = 128;
/// Parts of a table that are allocated at once; a longer one grows.
const AHEAD_MAX: usize = 4096;

/// A double as Redis casts it to a C `long long`: what does not fit becomes the smallest one.
pub(super) fn to_i64(n: f64) -> i64 {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if (-EDGE..EDGE).contains(&n) { n as i64 } else { i64::MIN }
}

/// A number as a command's argument.
pub(super) fn number_text(n: f64) -> Vec<u8> {
    // As in Redis only where a double is exact.
    const EXACT: f64 = 4_503_599_627_370_496.0;
    if n.trunc() == n && (-EXACT..=EXACT).contains(&n) {
        return num::fmt_i64(n as i64).as_bytes().to_vec();
    }
    num::fmt_f64(n).as_bytes().to_vec()
}

/// A table with one field.
fn tagged(lua: &Lua, name: &str, value: impl mlua::IntoLua) -> Result<Value> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(name, value)?;
    Ok(Value::Table(table))
}

/// An error as scripts see it.
pub(super) fn error_table(lua: &Lua, text: &str) -> Result<Table> {
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("err", lua.create_string(text)?)?;
    table.raw_set("ignore_error_stats_update", true)?;
    Ok(table)
}

/// The value a script gets for a command's reply.
pub(super) fn from_reply(lua: &Lua, reply: Reply, resp3: bool) -> Result<Value> {
    Ok(match reply {
        Reply::Null if resp3 => Value::Nil,
        Reply::Null => Value::Boolean(false),
        Reply::Int(n) => Value::Number(n as f64),
        Reply::Double(n) => tagged(lua, "double", n)?,
        Reply::Bool(on) => Value::Boolean(on),
        Reply::Bulk(bytes) => Value::String(lua.create_string(bytes)?),
        Reply::Simple(text) => tagged(lua, "ok", lua.create_string(&*text)?)?,
        Reply::Error(text) => Value::Table(error_table(lua, &text)?),
        Reply::Array(parts) => {
            let table = lua.create_table_with_capacity(parts.len().min(AHEAD_MAX), 0)?;
            for (at, part) in parts.into_iter().enumerate() {
                let value = from_reply(lua, part, resp3)?;
                if value != Value::Nil {
                    table.raw_seti(at + 1, value)?;
                }
            }
            Value::Table(table)
        }
        Reply::Map(pairs) => {
            let table = lua.create_table_with_capacity(0, pairs.len().min(AHEAD_MAX))?;
            for (key, value) in pairs {
                let key = from_reply(lua, key, resp3)?;
                if !matches!(key, Value::Nil) {
                    table.raw_set(key, from_reply(lua, value, resp3)?)?;
                }
            }
            tagged(lua, "map", table)?
        }
        Reply::Set(members) => {
            let table = lua.create_table_with_capacity(0, members.len().min(AHEAD_MAX))?;
            for member in members {
                let member = from_reply(lua, member, resp3)?;
                if !matches!(member, Value::Nil) {
                    table.raw_set(member, true)?;
                }
            }
            tagged(lua, "set", table)?
        }
        Reply::Verbatim(format, text) => {
            let table = lua.create_table_with_capacity(0, 2)?;
            table.raw_set("format", lua.create_string(format)?)?;
            table.raw_set("string", lua.create_string(text)?)?;
            tagged(lua, "verbatim_string", table)?
        }
    })
}

/// A number, whichever of its two forms it comes in.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

/// The text of a string or a number, `None` of anything else.
pub(super) fn text_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(n) => Some(num::fmt_i64(*n).as_bytes().to_vec()),
        Value::Number(n) => Some(lua_number_text(*n)),
        _ => None,
    }
}

/// A number as Lua writes it (`%.14g`).
fn lua_number_text(n: f64) -> Vec<u8> {
    super::format::general(n, 14)
}

/// Names of the fields that say what a table stands for.
pub(super) struct Names {
    err: LuaString,
    ok: LuaString,
    double: LuaString,
    map: LuaString,
    set: LuaString,
    big_number: LuaString,
    verbatim_string: LuaString,
    format: LuaString,
    string: LuaString,
}

impl Names {
    pub(super) fn new(lua: &Lua) -> Result<Self> {
        let name = |text: &str| lua.create_string(text);
        Ok(Self {
            err: name("err")?,
            ok: name("ok")?,
            double: name("double")?,
            map: name("map")?,
            set: name("set")?,
            big_number: name("big_number")?,
            verbatim_string: name("verbatim_string")?,
            format: name("format")?,
            string: name("string")?,
        })
    }
}

/// Writes script's results as replies.
pub(super) struct Writer<'a> {
    pub(super) names: &'a Names,
    /// Whether the script asked for RESP3 (`redis.setresp`): then a boolean is one.
    pub(super) resp3: bool,
    pub(super) out: &'a mut dyn ReplySink,
}

impl Writer<'_> {
    /// The error that a result is, if it is one.
    pub(super) fn error_of(&self, value: &Value) -> Result<Option<Error>> {
        let Value::Table(table) = value else { return Ok(None) };
        let text: Value = table.raw_get(&self.names.err)?;
        Ok(match text {
            Value::String(text) => Some(Error::command(one_line(&text.as_bytes()))),
            _ => None,
        })
    }

    pub(super) fn write(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::String(text) => self.out.bulk(&text.as_bytes()),
            Value::Number(n) => self.out.int(to_i64(*n)),
            Value::Integer(n) => self.out.int(*n),
            Value::Boolean(on) if self.resp3 => self.out.bool(*on),
            Value::Boolean(true) => self.out.int(1),
            Value::Table(table) => return self.table(table, depth),
            _ => self.out.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<()> {
        if depth >= DEPTH_MAX {
            self.out.error(&Error::command("ERR reached lua stack limit"));
            return Ok(());
        }
        let names = self.names;
        if let Value::String(text) = table.raw_get::<Value>(&names.err)? {
            self.out.error(&Error::command(one_line(&text.as_bytes())));
            return Ok(());
        }
        if let Value::String(text) = table.raw_get::<Value>(&names.ok)? {
            self.out.simple(&one_line(&text.as_bytes()));
            return Ok(());
        }
        if let Some(n) = number_of(&table.raw_get::<Value>(&names.double)?) {
            self.out.double(n);
            return Ok(());
        }
        if let Value::Table(map) = table.raw_get::<Value>(&names.map)? {
            let pairs = map.pairs::<Value, Value>().collect::<Result<Vec<_>>>()?;
            self.out.map(pairs.len());
            for (key, value) in pairs {
                self.write(&key, depth + 1)?;
                self.write(&value, depth + 1)?;
            }
            return Ok(());
        }
        if let Value::Table(set) = table.raw_get::<Value>(&names.set)? {
            let members = set.pairs::<Value, Value>().collect::<Result<Vec<_>>>()?;
            self.out.set(members.len());
            for (member, _) in members {
                self.write(&member, depth + 1)?;
            }
            return Ok(());
        }
        if let Value::String(digits) = table.raw_get::<Value>(&names.big_number)? {
            self.out.big_number(&one_line(&digits.as_bytes()));
            return Ok(());
        }
        if let Value::Table(verbatim) = table.raw_get::<Value>(&names.verbatim_string)?
            && let Value::String(format) = verbatim.raw_get::<Value>(&names.format)?
            && let Value::String(text) = verbatim.raw_get::<Value>(&names.string)?
        {
            // Three letters it is.
            let format = format.as_bytes();
            let padded: Vec<u8> = format.iter().copied().chain(*b"   ").take(3).collect();
            self.out.verbatim(&String::from_utf8_lossy(&padded), &text.as_bytes());
            return Ok(());
        }
        let mut parts = Vec::new();
        loop {
            let part: Value = table.raw_get(parts.len() as f64 + 1.0)?;
            if part.is_nil() {
                break;
            }
            parts.push(part);
        }
        self.out.array(parts.len());
        for part in &parts {
            self.write(part, depth + 1)?;
        }
        Ok(())
    }
}

/// A text of a reply on one line; as in C up to a zero byte.
pub(super) fn one_line(text: &[u8]) -> String {
    let text = text.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}
