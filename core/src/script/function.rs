//! How the libraries' functions are written: arguments checked in Lua's words, and errors that know whether the caller's
//! place goes in front.

use mlua::{Function, IntoLua, Lua, MultiValue, Value};

use super::convert::number_of;
use super::current;
use super::raw::{self, outcome};

/// Why a function does not return.
pub(super) enum Fault {
    /// Lua itself failed: there is no memory left.
    Lua(mlua::Error),
    /// A value is raised as it is.
    Raise(Value),
    /// A text is raised with the caller's place in front, as `luaL_error` does.
    Text(String),
    /// An argument is bad, for a reason: `luaL_argerror`.
    Argument(usize, String),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Self {
        Fault::Lua(error)
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Fault::Text(text)
    }
}

impl From<&str> for Fault {
    fn from(text: &str) -> Self {
        Fault::Text(text.to_owned())
    }
}

/// No string of a server is longer.
const TEXT_MAX: usize = 512 * 1024 * 1024;

/// Asked at each table that goes into a text of so many bytes by now: those lie in the host's memory, where Lua's limit does
/// not count, and of a table that holds another many times there is no end to come.
pub(super) fn may_go_on(made: usize) -> Result<(), Fault> {
    if made > TEXT_MAX {
        return Err("not enough memory".into());
    }
    current::why_stop().map_or(Ok(()), |why| Err(why.into()))
}

/// What a function returns.
pub(super) type Returned = Result<Vec<Value>, Fault>;

/// The arguments of a call.
pub(super) struct Args<'a> {
    pub(super) lua: &'a Lua,
    values: Vec<Value>,
}

/// A type's name in Lua's words.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) | Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Table(_) => "table",
        Value::Function(_) => "function",
        Value::Thread(_) => "thread",
        _ => "userdata",
    }
}

impl Args<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// All of them.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// One of them, counted from 1; nil when it is missing.
    pub(super) fn get(&self, at: usize) -> &Value {
        self.values.get(at - 1).unwrap_or(&Value::Nil)
    }

    /// `luaL_argerror`.
    pub(super) fn refuse(&self, at: usize, why: impl std::fmt::Display) -> Fault {
        Fault::Argument(at, why.to_string())
    }

    fn refuse_type(&self, at: usize, expected: &str) -> Fault {
        let got = self.values.get(at - 1).map_or("no value", type_name);
        self.refuse(at, format_args!("{expected} expected, got {got}"))
    }

    /// `luaL_checknumber`.
    pub(super) fn number(&self, at: usize) -> Result<f64, Fault> {
        let value = self.get(at);
        let number = number_of(value).or_else(|| match value {
            Value::String(text) => parse_number(&text.as_bytes()),
            _ => None,
        });
        number.ok_or_else(|| self.refuse_type(at, "number"))
    }

    /// `luaL_checkinteger`.
    pub(super) fn integer(&self, at: usize) -> Result<i64, Fault> {
        self.number(at).map(super::convert::to_i64)
    }

    /// `luaL_checklstring`.
    pub(super) fn bytes(&self, at: usize) -> Result<Vec<u8>, Fault> {
        super::convert::text_of(self.get(at)).ok_or_else(|| self.refuse_type(at, "string"))
    }

    /// Makes what is missing behind the arguments nil rather than nothing.
    pub(super) fn end_with_nil(&mut self) {
        self.values.push(Value::Nil);
    }
}

/// A text as a number, as Lua reads it: decimal or hexadecimal, blanks around it.
pub(super) fn parse_number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        if hex.is_empty() || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        return Some(sign * hex.chars().fold(0.0, |n, c| n * 16.0 + f64::from(c.to_digit(16).unwrap_or(0))));
    }
    if !digits.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    digits.parse::<f64>().ok().map(|n| sign * n)
}

/// A function for scripts.
pub(super) fn function(
    lua: &Lua,
    f: impl Fn(Args<'_>) -> Returned + Send + 'static,
) -> mlua::Result<Function> {
    let inner = lua.create_function(move |lua, values: MultiValue| {
        let args = Args { lua, values: values.into_vec() };
        Ok(match f(args) {
            Ok(mut results) => {
                results.insert(0, Value::Number(outcome::RETURN));
                MultiValue::from_vec(results)
            }
            Err(Fault::Lua(error)) => return Err(error),
            Err(Fault::Raise(value)) => MultiValue::from_vec(vec![Value::Number(outcome::RAISE), value]),
            Err(Fault::Argument(at, why)) => {
                let why = lua.create_string(why)?.into_lua(lua)?;
                let at = Value::Number(at as f64);
                MultiValue::from_vec(vec![Value::Number(outcome::BAD_ARGUMENT), at, why])
            }
            Err(Fault::Text(text)) => {
                let text = lua.create_string(text)?.into_lua(lua)?;
                MultiValue::from_vec(vec![Value::Number(outcome::RAISE_WITH_PLACE), text])
            }
        })
    })?;
    raw::raising(lua, inner)
}
