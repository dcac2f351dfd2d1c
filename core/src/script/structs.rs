//! The library `struct`: numbers and strings as C lays them out, by a format such as `>I2s`.

use mlua::{Lua, Result, Table, Value};

use super::convert::{number_of, to_i64};
use super::function::{Args, Fault, Returned, function, parse_number};

/// Largest integer in bytes.
const INTEGER_MAX: usize = 32;
/// The machine's own alignment.
const NATIVE_ALIGN: usize = 8;

/// Numbers from here on become 0.
const BEYOND: f64 = 18_446_744_073_709_551_616.0;

/// What a letter of the format stands for.
#[derive(Clone, Copy)]
enum Item {
    Pad,
    Int {
        size: usize,
        signed: bool,
    },
    Float,
    Double,
    /// Up to a zero byte.
    Zero,
    /// So many bytes; 0 is all there is (packing) or as many as the number before says (unpacking).
    Chars(usize),
}

impl Item {
    fn size(self) -> usize {
        match self {
            Item::Pad => 1,
            Item::Int { size, .. } => size,
            Item::Float => 4,
            Item::Double => 8,
            Item::Zero => 0,
            Item::Chars(n) => n,
        }
    }

    fn aligns(self) -> bool {
        matches!(self, Item::Int { .. } | Item::Float | Item::Double)
    }
}

/// A format as it is read.
struct Format<'a> {
    text: &'a [u8],
    at: usize,
    little: bool,
    align: usize,
}

impl<'a> Format<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, little: cfg!(target_endian = "little"), align: 1 }
    }

    fn digits(&mut self) -> std::result::Result<Option<usize>, Fault> {
        let from = self.at;
        let mut n = 0usize;
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            let digit = usize::from(digit - b'0');
            if n > (i32::MAX as usize - digit) / 10 {
                return Err("integral size overflow".into());
            }
            n = n * 10 + digit;
            self.at += 1;
        }
        Ok((self.at > from).then_some(n))
    }

    fn int_size(&mut self, usual: usize) -> std::result::Result<usize, Fault> {
        match self.digits()?.unwrap_or(usual) {
            n if n > INTEGER_MAX => {
                Err(format!("integral size {n} is larger than limit of {INTEGER_MAX}").into())
            }
            n => Ok(n),
        }
    }

    /// The next item, and the bytes that come before it at `offset`.
    fn next(&mut self, args: &Args<'_>, offset: usize) -> std::result::Result<Option<(Item, usize)>, Fault> {
        while let Some(&letter) = self.text.get(self.at) {
            self.at += 1;
            let int = |size: usize| Item::Int { size, signed: letter.is_ascii_lowercase() };
            let item = match letter {
                b' ' => continue,
                b'<' => {
                    self.little = true;
                    continue;
                }
                b'>' => {
                    self.little = false;
                    continue;
                }
                b'!' => {
                    let align = self.digits()?.unwrap_or(NATIVE_ALIGN);
                    if align == 0 || !align.is_power_of_two() {
                        return Err(format!("alignment {align} is not a power of 2").into());
                    }
                    self.align = align;
                    continue;
                }
                b'x' => Item::Pad,
                b'b' | b'B' => int(1),
                b'h' | b'H' => int(2),
                b'l' | b'L' => int(8),
                b'T' => Item::Int { size: 8, signed: false },
                b'i' | b'I' => int(self.int_size(4)?),
                b'f' => Item::Float,
                b'd' => Item::Double,
                b's' => Item::Zero,
                b'c' => Item::Chars(self.digits()?.unwrap_or(1)),
                other => {
                    return Err(args.refuse(1, format_args!("invalid format option '{}'", other as char)));
                }
            };
            let mut padding = 0;
            if item.aligns() && item.size() > 0 {
                let align = item.size().min(self.align);
                // As the servers do, whatever the size.
                padding = (align - (offset & (align - 1))) & (align - 1);
            }
            return Ok(Some((item, padding)));
        }
        Ok(None)
    }
}

fn pack(mut args: Args<'_>) -> Returned {
    let text = args.bytes(1)?;
    args.end_with_nil();
    let args = &args;
    let mut format = Format::new(&text);
    let (mut out, mut arg) = (Vec::new(), 1);
    while let Some((item, padding)) = format.next(args, out.len())? {
        out.resize(out.len() + padding, 0);
        if !matches!(item, Item::Pad) {
            arg += 1;
        }
        match item {
            Item::Pad => out.push(0),
            Item::Int { size, .. } => {
                let n = args.number(arg)?;
                // As in C: what a `long long` can not hold goes through an unsigned one.
                let n = match n {
                    n if n < 0.0 => to_i64(n) as u64,
                    n if n < BEYOND => n as u64,
                    _ => 0,
                };
                let mut bytes: Vec<u8> =
                    n.to_le_bytes().iter().copied().chain(std::iter::repeat(0)).take(size).collect();
                if !format.little {
                    bytes.reverse();
                }
                out.extend_from_slice(&bytes);
            }
            Item::Float => {
                let n = args.number(arg)? as f32;
                out.extend(if format.little { n.to_le_bytes() } else { n.to_be_bytes() });
            }
            Item::Double => {
                let n = args.number(arg)?;
                out.extend(if format.little { n.to_le_bytes() } else { n.to_be_bytes() });
            }
            Item::Zero => {
                out.extend(args.bytes(arg)?);
                out.push(0);
            }
            Item::Chars(n) => {
                let bytes = args.bytes(arg)?;
                let n = if n == 0 { bytes.len() } else { n };
                if bytes.len() < n {
                    return Err(args.refuse(arg + 1, "string too short"));
                }
                out.extend_from_slice(&bytes[..n]);
            }
        }
    }
    Ok(vec![Value::String(args.lua.create_string(out)?)])
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => parse_number(&text.as_bytes()),
        value => number_of(value),
    }
}

fn unpack_int(bytes: &[u8], little: bool, signed: bool) -> f64 {
    let mut n: u64 = 0;
    let mut push = |byte: &u8| n = n << 8 | u64::from(*byte);
    if little {
        bytes.iter().rev().for_each(&mut push)
    } else {
        bytes.iter().for_each(&mut push)
    }
    if !signed {
        return n as f64;
    }
    let width = bytes.len() * 8;
    if (1..64).contains(&width) && n >> (width - 1) & 1 == 1 {
        n |= u64::MAX << width;
    }
    n as i64 as f64
}

fn unpack(args: &Args<'_>) -> Returned {
    let (text, data) = (args.bytes(1)?, args.bytes(2)?);
    let start = if args.get(3).is_nil() { 1 } else { args.integer(3)? };
    let mut at = match usize::try_from(start - 1) {
        Ok(at) if start >= 1 => at,
        _ => return Err(args.refuse(3, "offset must be 1 or greater")),
    };
    let mut format = Format::new(&text);
    let mut values: Vec<Value> = Vec::new();
    let short = |args: &Args<'_>| args.refuse(2, "data string too short");
    while let Some((item, padding)) = format.next(args, at)? {
        at = at.checked_add(padding).ok_or_else(|| short(args))?;
        let size = item.size();
        let end = at.checked_add(size).filter(|end| *end <= data.len()).ok_or_else(|| short(args))?;
        let bytes = &data[at..end];
        let value = match item {
            Item::Pad => {
                at = end;
                continue;
            }
            Item::Int { signed, .. } => Value::Number(unpack_int(bytes, format.little, signed)),
            Item::Float => {
                let raw: [u8; 4] = bytes.try_into().unwrap_or_default();
                let n = if format.little { f32::from_le_bytes(raw) } else { f32::from_be_bytes(raw) };
                Value::Number(f64::from(n))
            }
            Item::Double => {
                let raw: [u8; 8] = bytes.try_into().unwrap_or_default();
                Value::Number(if format.little { f64::from_le_bytes(raw) } else { f64::from_be_bytes(raw) })
            }
            Item::Chars(0) => {
                let Some(n) = values.pop().as_ref().and_then(number) else {
                    return Err("format 'c0' needs a previous size".into());
                };
                let n = usize::try_from(to_i64(n)).map_err(|_| short(args))?;
                let end = at.checked_add(n).filter(|end| *end <= data.len()).ok_or_else(|| short(args))?;
                let text = args.lua.create_string(&data[at..end])?;
                at = end;
                values.push(Value::String(text));
                continue;
            }
            Item::Chars(_) => Value::String(args.lua.create_string(bytes)?),
            Item::Zero => {
                let Some(len) = data[at..].iter().position(|b| *b == 0) else {
                    return Err("unfinished string in data".into());
                };
                let text = args.lua.create_string(&data[at..at + len])?;
                at += len + 1;
                values.push(Value::String(text));
                continue;
            }
        };
        at = end;
        values.push(value);
    }
    values.push(Value::Number(at as f64 + 1.0));
    Ok(values)
}

fn size(args: &Args<'_>) -> Returned {
    let text = args.bytes(1)?;
    let mut format = Format::new(&text);
    let mut total = 0usize;
    loop {
        let item = match format.next(args, total) {
            Ok(item) => item,
            // What is not known has no size.
            Err(Fault::Argument(..)) => continue,
            Err(other) => return Err(other),
        };
        let Some((item, padding)) = item else { break };
        match item {
            Item::Zero => return Err(args.refuse(1, "option 's' has no fixed size")),
            Item::Chars(0) => return Err(args.refuse(1, "option 'c0' has no fixed size")),
            _ => {}
        }
        total = total.saturating_add(padding).saturating_add(item.size());
        if total > i32::MAX as usize {
            return Err(args.refuse(1, "format result too large"));
        }
    }
    Ok(vec![Value::Number(total as f64)])
}

/// The table.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", function(lua, pack)?)?;
    table.raw_set("unpack", function(lua, |args| unpack(&args))?)?;
    table.raw_set("size", function(lua, |args| size(&args))?)?;
    Ok(table)
}
