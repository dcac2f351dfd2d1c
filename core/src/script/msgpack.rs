//! The library `cmsgpack`: values as MessagePack.

use mlua::{Lua, Result, Table, Value};

use super::convert::{number_of, to_i64};
use super::function::{Args, Fault, Returned, function, may_go_on};

/// Nested deeper than this a table is packed as nil, as Redis does.
const PACK_DEPTH: usize = 16;
/// Nested deeper than this nothing is unpacked.
const UNPACK_DEPTH: usize = 1000;

fn pack_number(n: f64, out: &mut Vec<u8>) {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    let whole = to_i64(n);
    if whole as f64 != n || !(-EDGE..EDGE).contains(&n) {
        let narrow = n as f32;
        if f64::from(narrow) == n {
            out.push(0xCA);
            out.extend(narrow.to_be_bytes());
        } else {
            out.push(0xCB);
            out.extend(n.to_be_bytes());
        }
        return;
    }
    match whole {
        0..=127 => out.push(whole as u8),
        128..=255 => out.extend([0xCC, whole as u8]),
        256..=65535 => {
            out.push(0xCD);
            out.extend((whole as u16).to_be_bytes());
        }
        65536..=0xFFFF_FFFF => {
            out.push(0xCE);
            out.extend((whole as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xCF);
            out.extend((whole as u64).to_be_bytes());
        }
        -32..=-1 => out.push(whole as i8 as u8),
        -128..=-33 => out.extend([0xD0, whole as i8 as u8]),
        -32768..=-129 => {
            out.push(0xD1);
            out.extend((whole as i16).to_be_bytes());
        }
        -2_147_483_648..=-32769 => {
            out.push(0xD2);
            out.extend((whole as i32).to_be_bytes());
        }
        _ => {
            out.push(0xD3);
            out.extend(whole.to_be_bytes());
        }
    }
}

/// A length: within one byte below `small`, else as 8 (if there is such a form), 16 or 32 bits.
fn pack_len(len: usize, small: (usize, u8), marks: [Option<u8>; 3], out: &mut Vec<u8>) {
    if len <= small.0 {
        out.push(small.1 | len as u8);
    } else if let (Ok(len), Some(mark)) = (u8::try_from(len), marks[0]) {
        out.extend([mark, len]);
    } else if let (Ok(len), Some(mark)) = (u16::try_from(len), marks[1]) {
        out.push(mark);
        out.extend(len.to_be_bytes());
    } else if let Some(mark) = marks[2] {
        out.push(mark);
        out.extend((len as u32).to_be_bytes());
    }
}

fn pack_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    pack_len(bytes.len(), (31, 0xA0), [Some(0xD9), Some(0xDA), Some(0xDB)], out);
    out.extend_from_slice(bytes);
}

type Packed = std::result::Result<(), Fault>;

/// The length of a table whose keys are all of 1 to n, `None` of any other.
fn array_len(pairs: &[(Value, Value)]) -> Option<usize> {
    let mut most = 0.0f64;
    for (key, _) in pairs {
        let n = number_of(key)?;
        if n <= 0.0 || n.trunc() != n {
            return None;
        }
        most = most.max(n);
    }
    (most == pairs.len() as f64).then_some(pairs.len())
}

fn pack_value(value: &Value, depth: usize, out: &mut Vec<u8>) -> Packed {
    match value {
        Value::String(text) => pack_bytes(&text.as_bytes(), out),
        Value::Boolean(on) => out.push(if *on { 0xC3 } else { 0xC2 }),
        Value::Integer(_) | Value::Number(_) => pack_number(number_of(value).unwrap_or(0.0), out),
        Value::Table(table) if depth < PACK_DEPTH => {
            may_go_on(out.len())?;
            let pairs = table.pairs::<Value, Value>().collect::<Result<Vec<_>>>()?;
            if let Some(len) = array_len(&pairs) {
                pack_len(len, (15, 0x90), [None, Some(0xDC), Some(0xDD)], out);
                for at in 1..=len {
                    pack_value(&table.raw_get::<Value>(at as f64)?, depth + 1, out)?;
                }
            } else {
                pack_len(pairs.len(), (15, 0x80), [None, Some(0xDE), Some(0xDF)], out);
                for (key, value) in &pairs {
                    pack_value(key, depth + 1, out)?;
                    pack_value(value, depth + 1, out)?;
                }
            }
        }
        _ => out.push(0xC0),
    }
    Ok(())
}

fn pack(args: &Args<'_>) -> Returned {
    if args.len() == 0 {
        return Err(args.refuse(0, "MessagePack pack needs input."));
    }
    let mut out = Vec::new();
    for value in args.values() {
        pack_value(value, 0, &mut out)?;
    }
    Ok(vec![Value::String(args.lua.create_string(out)?)])
}

/// Bytes being unpacked.
struct Input<'a> {
    lua: &'a Lua,
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn take(&mut self, n: usize) -> std::result::Result<&[u8], Fault> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err("Missing bytes in input.".into()) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn unsigned(&mut self, n: usize) -> std::result::Result<u64, Fault> {
        Ok(self.take(n)?.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn string(&mut self, n: u64) -> std::result::Result<Value, Fault> {
        let lua = self.lua;
        let bytes = self.take(usize::try_from(n).unwrap_or(usize::MAX))?;
        Ok(Value::String(lua.create_string(bytes)?))
    }

    /// The next piece: a value, or the head of an aggregate.
    fn piece(&mut self) -> std::result::Result<Piece, Fault> {
        let mark = self.take(1)?[0];
        let number = |n: f64| Ok(Piece::Value(Value::Number(n)));
        let len_of = |input: &mut Self, size: usize| input.unsigned(size);
        match mark {
            0x00..=0x7F => number(f64::from(mark)),
            0xE0..=0xFF => number(f64::from(mark as i8)),
            0x80..=0x8F => Ok(Piece::Map(u64::from(mark & 15))),
            0x90..=0x9F => Ok(Piece::Array(u64::from(mark & 15))),
            0xA0..=0xBF => self.string(u64::from(mark & 31)).map(Piece::Value),
            0xC0 => Ok(Piece::Value(Value::Nil)),
            0xC2 => Ok(Piece::Value(Value::Boolean(false))),
            0xC3 => Ok(Piece::Value(Value::Boolean(true))),
            0xD9..=0xDB => {
                let size = match mark {
                    0xD9 => 1,
                    0xDA => 2,
                    _ => 4,
                };
                let n = len_of(self, size)?;
                self.string(n).map(Piece::Value)
            }
            0xCA => number(f64::from(f32::from_bits(self.unsigned(4)? as u32))),
            0xCB => number(f64::from_bits(self.unsigned(8)?)),
            0xCC => number(self.unsigned(1)? as f64),
            0xCD => number(self.unsigned(2)? as f64),
            0xCE => number(self.unsigned(4)? as f64),
            0xCF => number(self.unsigned(8)? as f64),
            0xD0 => number(f64::from(self.unsigned(1)? as i8)),
            0xD1 => number(f64::from(self.unsigned(2)? as i16)),
            0xD2 => number(f64::from(self.unsigned(4)? as i32)),
            0xD3 => number(self.unsigned(8)? as i64 as f64),
            0xDC => len_of(self, 2).map(Piece::Array),
            0xDD => len_of(self, 4).map(Piece::Array),
            0xDE => len_of(self, 2).map(Piece::Map),
            0xDF => len_of(self, 4).map(Piece::Map),
            _ => Err("Bad data format in input.".into()),
        }
    }

    /// A value and all that is in it. Without recursion: how deep it goes is for the bytes to say.
    fn value(&mut self) -> std::result::Result<Value, Fault> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut done = match self.piece()? {
                Piece::Value(value) => value,
                Piece::Array(left) | Piece::Map(left)
                    if open.len() >= UNPACK_DEPTH || left > u64::from(u32::MAX) =>
                {
                    return Err("Bad data format in input.".into());
                }
                Piece::Array(0) | Piece::Map(0) => Value::Table(self.lua.create_table()?),
                Piece::Array(left) => {
                    open.push(Open {
                        table: self.lua.create_table()?,
                        left,
                        is_map: false,
                        key: None,
                        len: 0,
                    });
                    continue;
                }
                Piece::Map(left) => {
                    open.push(Open {
                        table: self.lua.create_table()?,
                        left,
                        is_map: true,
                        key: None,
                        len: 0,
                    });
                    continue;
                }
            };
            loop {
                let Some(inner) = open.last_mut() else { return Ok(done) };
                if !inner.add(self.lua, done)? {
                    break;
                }
                done = Value::Table(inner.table.clone());
                open.pop();
            }
        }
    }
}

/// What stands next in the bytes.
enum Piece {
    Value(Value),
    /// So many values follow.
    Array(u64),
    /// So many pairs follow.
    Map(u64),
}

/// An aggregate that is being unpacked.
struct Open {
    table: Table,
    left: u64,
    is_map: bool,
    key: Option<Value>,
    len: u64,
}

impl Open {
    /// Takes a value; whether it was the last one.
    fn add(&mut self, lua: &Lua, value: Value) -> std::result::Result<bool, Fault> {
        if self.is_map {
            let Some(key) = self.key.take() else {
                let why = match number_of(&value) {
                    Some(n) if n.is_nan() => Some("table index is NaN"),
                    None if value.is_nil() => Some("table index is nil"),
                    _ => None,
                };
                if let Some(why) = why {
                    return Err(Fault::Raise(Value::String(lua.create_string(why)?)));
                }
                self.key = Some(value);
                return Ok(false);
            };
            self.table.raw_set(key, value)?;
        } else {
            self.len += 1;
            self.table.raw_set(self.len as f64, value)?;
        }
        self.left -= 1;
        Ok(self.left == 0)
    }
}

/// Up to `limit` values from `offset` on (0: all); with an offset the next one comes first, -1 at the end.
fn unpack_some(args: &Args<'_>, limit: i64, offset: i64) -> Returned {
    let bytes = args.bytes(1)?;
    if offset < 0 || limit < 0 {
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {}.", bytes.len());
        return Err(text.into());
    }
    if offset > bytes.len() as i64 {
        let text = format!("Start offset {offset} greater than input length {}.", bytes.len());
        return Err(text.into());
    }
    let all = limit == 0 && offset == 0;
    let limit = if all { i64::MAX } else { limit };
    let mut input = Input { lua: args.lua, bytes: &bytes, at: offset as usize };
    let mut values = Vec::new();
    while input.at < bytes.len() && (values.len() as i64) < limit {
        values.push(input.value()?);
    }
    if !all {
        let next = if input.at < bytes.len() { input.at as f64 } else { -1.0 };
        values.insert(0, Value::Number(next));
    }
    Ok(values)
}

/// The table.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_COPYRIGHT", "The persistkv authors")?;
    table.raw_set("_DESCRIPTION", "MessagePack for Lua")?;
    table.raw_set("pack", function(lua, |args| pack(&args))?)?;
    table.raw_set("unpack", function(lua, |args| unpack_some(&args, 0, 0))?)?;
    let one = |args: Args<'_>| {
        let offset = if args.len() < 2 { 0 } else { args.integer(2)? };
        unpack_some(&args, 1, offset)
    };
    table.raw_set("unpack_one", function(lua, one)?)?;
    let limited = |args: Args<'_>| {
        let limit = args.integer(2)?;
        let offset = if args.len() < 3 { 0 } else { args.integer(3)? };
        unpack_some(&args, limit, offset)
    };
    table.raw_set("unpack_limit", function(lua, limited)?)?;
    Ok(table)
}
