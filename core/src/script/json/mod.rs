//! The library `cjson`: values as JSON, with the options and the words of Lua CJSON 2.1.

mod decode;
mod encode;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlua::{Lua, Result, Table, Value};

use super::function::{Args, Fault, Returned, function};

/// Nested deeper than this nothing is read or written, whatever the options say: the host's stack has an end.
const DEPTH_MAX: i64 = 1000;

/// What becomes of infinities and of what is no number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

/// The options. As in Redis they stay from one script to the next.
#[derive(Clone, Copy)]
struct Options {
    sparse_convert: bool,
    sparse_ratio: i64,
    sparse_safe: i64,
    encode_depth: i64,
    decode_depth: i64,
    precision: i64,
    keep_buffer: bool,
    encode_invalid: Invalid,
    decode_invalid: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1000,
            decode_depth: 1000,
            precision: 14,
            keep_buffer: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
        }
    }
}

type Shared = Arc<Mutex<Options>>;

fn lock(options: &Shared) -> MutexGuard<'_, Options> {
    options.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text of a number as JSON takes it.
fn one_argument(args: &Args<'_>) -> std::result::Result<(), Fault> {
    if args.len() == 1 { Ok(()) } else { Err(args.refuse(1, "expected 1 argument")) }
}

fn at_most(args: &Args<'_>, most: usize) -> std::result::Result<(), Fault> {
    if args.len() <= most { Ok(()) } else { Err(args.refuse(most + 1, "found too many arguments")) }
}

fn integer_option(
    args: &Args<'_>,
    at: usize,
    setting: &mut i64,
    (low, high): (i64, i64),
) -> std::result::Result<Value, Fault> {
    if !args.get(at).is_nil() {
        let value = args.integer(at)?;
        if !(low..=high).contains(&value) {
            return Err(args.refuse(1, format_args!("expected integer between {low} and {high}")));
        }
        *setting = value;
    }
    Ok(Value::Number(*setting as f64))
}

/// One of the words, or true and false for the second and the first.
fn word_option(
    args: &Args<'_>,
    at: usize,
    words: &[&str],
    setting: &mut usize,
) -> std::result::Result<Value, Fault> {
    match args.get(at) {
        Value::Nil => {}
        Value::Boolean(on) => *setting = usize::from(*on),
        _ => {
            let word = args.bytes(at)?;
            let found = words.iter().position(|known| known.as_bytes() == word);
            let shown = String::from_utf8_lossy(&word).into_owned();
            *setting = found.ok_or_else(|| args.refuse(at, format_args!("invalid option '{shown}'")))?;
        }
    }
    if *setting < 2 {
        return Ok(Value::Boolean(*setting == 1));
    }
    Ok(Value::String(args.lua.create_string(words[*setting])?))
}

const ON_OFF: &[&str] = &["off", "on"];
const INT_MAX: i64 = i32::MAX as i64;

fn sparse_array(args: &Args<'_>, options: &mut Options) -> Returned {
    at_most(args, 3)?;
    let mut convert = usize::from(options.sparse_convert);
    let first = word_option(args, 1, ON_OFF, &mut convert)?;
    options.sparse_convert = convert == 1;
    let ratio = integer_option(args, 2, &mut options.sparse_ratio, (0, INT_MAX))?;
    let safe = integer_option(args, 3, &mut options.sparse_safe, (0, INT_MAX))?;
    Ok(vec![first, ratio, safe])
}

fn encode_invalid(args: &Args<'_>, options: &mut Options) -> Returned {
    at_most(args, 1)?;
    let all = [Invalid::Refused, Invalid::Written, Invalid::Null];
    let mut at = all.iter().position(|one| *one == options.encode_invalid).unwrap_or(0);
    let shown = word_option(args, 1, &["off", "on", "null"], &mut at)?;
    options.encode_invalid = all[at];
    Ok(vec![shown])
}

fn flag(args: &Args<'_>, setting: &mut bool) -> Returned {
    at_most(args, 1)?;
    let mut at = usize::from(*setting);
    let shown = word_option(args, 1, ON_OFF, &mut at)?;
    *setting = at == 1;
    Ok(vec![shown])
}

fn integer(args: &Args<'_>, setting: &mut i64, bounds: (i64, i64)) -> Returned {
    at_most(args, 1)?;
    Ok(vec![integer_option(args, 1, setting, bounds)?])
}

/// The table, with options of its own.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let options = Shared::default();
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    table.raw_set("null", Value::NULL)?;
    macro_rules! add {
        ($($name:literal: $f:expr;)*) => {
            $({
                let options = Arc::clone(&options);
                let f: fn(&Args<'_>, &mut Options) -> Returned = $f;
                let bound = move |args: Args<'_>| {
                    // A copy: what is called may be a script's own.
                    let mut used = *lock(&options);
                    let result = f(&args, &mut used);
                    *lock(&options) = used;
                    result
                };
                table.raw_set($name, function(lua, bound)?)?;
            })*
        };
    }
    add! {
        "encode": |args, options| {
            one_argument(args)?;
            encode::encode(args, options)
        };
        "decode": |args, options| {
            one_argument(args)?;
            decode::decode(args, options)
        };
        "encode_sparse_array": sparse_array;
        "encode_max_depth": |args, options| integer(args, &mut options.encode_depth, (1, INT_MAX));
        "decode_max_depth": |args, options| integer(args, &mut options.decode_depth, (1, INT_MAX));
        "encode_number_precision": |args, options| integer(args, &mut options.precision, (1, 14));
        "encode_keep_buffer": |args, options| flag(args, &mut options.keep_buffer);
        "encode_invalid_numbers": encode_invalid;
        "decode_invalid_numbers": |args, options| flag(args, &mut options.decode_invalid);
    }
    let new = |args: Args<'_>| Ok(vec![Value::Table(library(args.lua)?)]);
    table.raw_set("new", function(lua, new)?)?;
    Ok(table)
}
