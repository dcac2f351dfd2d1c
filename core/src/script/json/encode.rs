//! From values to JSON.

use mlua::{Table, Value};

use super::{DEPTH_MAX, Invalid, Options};
use crate::script::convert::number_of;
use crate::script::format::general;
use crate::script::function::{Args, Fault, Returned, may_go_on, type_name};

type Done = Result<(), Fault>;

fn refuse(value: &Value, why: &str) -> Fault {
    format!("Cannot serialise {}: {why}", type_name(value)).into()
}

pub(super) fn encode(args: &Args<'_>, options: &Options) -> Returned {
    let mut out = Vec::new();
    append(args.get(1), options, &mut out)?;
    Ok(vec![Value::String(args.lua.create_string(out)?)])
}

/// A table that is being written.
enum Open {
    Array { table: Table, len: i64, at: i64 },
    Object { pairs: std::vec::IntoIter<(Value, Value)>, is_first: bool },
}

/// A value and all that is in it. Without recursion: how deep it goes is for the script to say.
fn append(value: &Value, options: &Options, out: &mut Vec<u8>) -> Done {
    let mut open: Vec<Open> = Vec::new();
    let mut value = value.clone();
    loop {
        match &value {
            Value::String(text) => append_string(&text.as_bytes(), out),
            Value::Integer(_) | Value::Number(_) => append_number(&value, options, out)?,
            Value::Boolean(true) => out.extend_from_slice(b"true"),
            Value::Boolean(false) => out.extend_from_slice(b"false"),
            Value::Nil => out.extend_from_slice(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => out.extend_from_slice(b"null"),
            Value::Table(table) => {
                let depth = open.len() as i64 + 1;
                if depth > options.encode_depth.min(DEPTH_MAX) {
                    return Err(format!("Cannot serialise, excessive nesting ({depth})").into());
                }
                may_go_on(out.len())?;
                open.push(begin(&value, table, options, out)?);
            }
            _ => return Err(refuse(&value, "type not supported")),
        }
        loop {
            let Some(inner) = open.last_mut() else { return Ok(()) };
            if let Some(next) = next_in(inner, options, out)? {
                value = next;
                break;
            }
            open.pop();
        }
    }
}

fn begin(value: &Value, table: &Table, options: &Options, out: &mut Vec<u8>) -> Result<Open, Fault> {
    let pairs = table.pairs::<Value, Value>().collect::<mlua::Result<Vec<_>>>()?;
    Ok(match array_len(value, &pairs, options)? {
        Some(len) if len > 0 => {
            out.push(b'[');
            Open::Array { table: table.clone(), len, at: 0 }
        }
        _ => {
            out.push(b'{');
            Open::Object { pairs: pairs.into_iter(), is_first: true }
        }
    })
}

/// What comes next in a table, with what stands before it; `None` at its end.
fn next_in(open: &mut Open, options: &Options, out: &mut Vec<u8>) -> Result<Option<Value>, Fault> {
    match open {
        Open::Array { table, len, at } => {
            if at == len {
                out.push(b']');
                return Ok(None);
            }
            *at += 1;
            if *at > 1 {
                out.push(b',');
            }
            Ok(Some(table.raw_get(*at as f64)?))
        }
        Open::Object { pairs, is_first } => {
            let Some((key, value)) = pairs.next() else {
                out.push(b'}');
                return Ok(None);
            };
            if !std::mem::take(is_first) {
                out.push(b',');
            }
            match &key {
                Value::String(text) => append_string(&text.as_bytes(), out),
                Value::Integer(_) | Value::Number(_) => {
                    out.push(b'"');
                    append_number(&key, options, out)?;
                    out.push(b'"');
                }
                _ => return Err(refuse(&key, "table key must be a number or string")),
            }
            out.push(b':');
            Ok(Some(value))
        }
    }
}

fn append_number(value: &Value, options: &Options, out: &mut Vec<u8>) -> Done {
    let n = number_of(value).unwrap_or(0.0);
    if !n.is_finite() {
        match options.encode_invalid {
            Invalid::Refused => return Err(refuse(value, "must not be NaN or Inf")),
            Invalid::Null => {
                out.extend_from_slice(b"null");
                return Ok(());
            }
            Invalid::Written if n.is_nan() => {
                out.extend_from_slice(b"nan");
                return Ok(());
            }
            Invalid::Written => {}
        }
    }
    out.extend(general(n, options.precision as usize));
    Ok(())
}

fn append_string(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            0..=31 | 127 => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}

/// The length of a table that is an array: 0 of an empty one, `None` of one with other keys than 1, 2, 3 …
fn array_len(value: &Value, pairs: &[(Value, Value)], options: &Options) -> Result<Option<i64>, Fault> {
    let mut most = 0.0f64;
    for (key, _) in pairs {
        match number_of(key) {
            Some(n) if n > 0.0 && n.floor() == n => most = most.max(n),
            _ => return Ok(None),
        }
    }
    let items = pairs.len() as f64;
    let is_sparse = options.sparse_ratio > 0
        && most > items * options.sparse_ratio as f64
        && most > options.sparse_safe as f64;
    if is_sparse {
        if !options.sparse_convert {
            return Err(refuse(value, "excessively sparse array"));
        }
        return Ok(None);
    }
    Ok(Some(most as i64))
}
