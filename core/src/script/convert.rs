//! Between Lua's values and replies, as Redis converts them.

use mlua::{Lua, Result, Table, Value};

use crate::encoding::num;

/// A double as Redis casts it to a C `long long`: what does not fit becomes the smallest one.
pub(super) fn to_i64(n: f64) -> i64 {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if (-EDGE..EDGE).contains(&n) { n as i64 } else { i64::MIN }
}

/// A number as a command's argument.
pub(super) fn number_text(n: f64) -> num::NumBuf {
    // As in Redis only where a double is exact.
    const EXACT: f64 = 4_503_599_627_370_496.0;
    if n.trunc() == n && (-EXACT..=EXACT).contains(&n) {
        return num::fmt_i64(n as i64);
    }
    num::fmt_f64(n)
}

/// An error as scripts see it.
pub(super) fn error_table(lua: &Lua, text: &str) -> Result<Table> {
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("err", lua.create_string(text)?)?;
    table.raw_set("ignore_error_stats_update", true)?;
    Ok(table)
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
pub(super) fn lua_number_text(n: f64) -> Vec<u8> {
    super::format::general(n, 14)
}

/// A text of a reply on one line; as in C up to a zero byte.
pub(super) fn one_line(text: &[u8]) -> String {
    let text = text.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}
