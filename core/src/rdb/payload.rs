//! DUMP and RESTORE: one value with its type byte in front and version and checksum behind.
//!
//! ```text
//! type | value as in a file | u16 LE version | u64 LE crc64 of all before it
//! ```

use std::sync::Arc;

use super::fault::Fault;
use super::input::Input;
use super::load::{Family, LoadedValue};
use super::object;
use super::out::Out;
use super::writer::Level;
use super::{REDIS_VERSION, VALKEY_VERSION, encode, opcode};
use crate::encoding::crc64;
use crate::error::{Error, ErrorKind, Result};
use crate::value::saved::{BigKind, Body, HeadRef, SavedBuf, Sink};
use crate::value::{Limits, Value};

const VERSION: usize = 2;
const CRC: usize = 8;

const FOOTER_WRONG: &str = "ERR DUMP payload version or checksum are wrong";
const BAD_FORMAT: &str = "ERR Bad data format";

/// The payload DUMP answers with. Which servers take it depends on the level; compression is `rdbcompression`.
///
/// # Errors
/// `Internal` when the value in memory is damaged.
pub fn dump_payload(body: &Body<'_>, level: Level, compress: bool) -> Result<Vec<u8>> {
    let mut out = Out::new(Vec::new(), compress, true);
    let write = |out: &mut Out<Vec<u8>>| {
        out.byte(encode::kind(body, level))?;
        encode::body(out, body, level)?;
        out.bytes(&level.version().to_le_bytes())
    };
    let result = write(&mut out).and_then(|()| out.finish_file());
    // A vector takes everything: what fails here is the value.
    result.map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))
}

/// The payload of a value that is not inside a key's entry.
///
/// # Errors
/// As [`dump_payload`].
pub fn dump_value(value: &Value, level: Level, compress: bool) -> Result<Vec<u8>> {
    let mut buf = SavedBuf::default();
    value.save(HeadRef { db: 0, key: b"", expiry: None, clock: 0 }, &mut buf);
    let mut dump = Dump { level, compress, payload: Vec::new() };
    buf.drain(&mut dump)?;
    Ok(dump.payload)
}

struct Dump {
    level: Level,
    compress: bool,
    payload: Vec<u8>,
}

impl Sink for Dump {
    fn entry(&mut self, _: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        self.payload = dump_payload(body, self.level, self.compress)?;
        Ok(())
    }

    fn begin(&mut self, _: HeadRef<'_>, _: BigKind, _: usize) -> Result<()> {
        in_steps()
    }

    fn elements(&mut self, _: &[u8]) -> Result<()> {
        in_steps()
    }

    fn end(&mut self) -> Result<()> {
        in_steps()
    }
}

/// The payload FUNCTION DUMP answers with: the texts of libraries, as they stand in a file.
///
/// # Errors
/// None that a vector could give.
pub fn dump_functions(codes: &[Arc<[u8]>], level: Level, compress: bool) -> Result<Vec<u8>> {
    let mut out = Out::new(Vec::new(), compress, true);
    let write = |out: &mut Out<Vec<u8>>| {
        for code in codes {
            out.byte(opcode::FUNCTION_2)?;
            out.string(code)?;
        }
        out.bytes(&level.max(Level::V10).version().to_le_bytes())
    };
    let result = write(&mut out).and_then(|()| out.finish_file());
    result.map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))
}

/// The texts in a payload of FUNCTION DUMP.
///
/// # Errors
/// The command errors FUNCTION RESTORE gives.
pub fn restore_functions(payload: &[u8]) -> Result<Vec<Vec<u8>>> {
    let (mut rest, _) = opened(payload, true)?;
    let size = rest.len() as u64;
    let mut input = Input::new(&mut rest, Some(size));
    input.no_checksum();
    let mut codes = Vec::new();
    loop {
        let failed = |_| Error::command("ERR failed loading the given functions payload");
        if input.at_end().map_err(failed)? {
            return Ok(codes);
        }
        match input.byte().map_err(failed)? {
            opcode::FUNCTION_2 => codes.push(input.string().map_err(failed)?),
            opcode::FUNCTION_PRE_GA => {
                return Err(Error::command("ERR Pre-GA function format not supported"));
            }
            _ => return Err(Error::command("ERR given type is not a function")),
        }
    }
}

/// What a payload wraps, once its footer was found right.
fn opened(payload: &[u8], checksum: bool) -> Result<(&[u8], Family)> {
    let footer_wrong = || Error::command(FOOTER_WRONG);
    let (rest, crc) = payload.split_last_chunk::<CRC>().ok_or_else(footer_wrong)?;
    let (value, version) = rest.split_last_chunk::<VERSION>().ok_or_else(footer_wrong)?;
    let family = match u16::from_le_bytes(*version) {
        VALKEY_VERSION => Family::Valkey,
        ..=REDIS_VERSION => Family::Redis,
        _ => return Err(footer_wrong()),
    };
    // Other than in a file, a checksum of 0 does not mean that there is none.
    if checksum && crc64::update(0, rest) != u64::from_le_bytes(*crc) {
        return Err(footer_wrong());
    }
    Ok((value, family))
}

fn in_steps() -> Result<()> {
    Err(Error::new(ErrorKind::Internal, "a buffer of one value held one in steps"))
}

/// The value of a DUMP payload, checked as in a file. What follows a value and is not its footer is an error here,
/// though servers overlook it.
///
/// # Errors
/// The command errors RESTORE gives: the footer is wrong or of a version not known here, or the value is damaged.
pub fn restore_payload(payload: &[u8], limits: &Limits) -> Result<LoadedValue> {
    restore_checking(payload, limits, true)
}

/// The same; `checksum` says whether a wrong checksum is an error.
pub fn restore_checking(payload: &[u8], limits: &Limits, checksum: bool) -> Result<LoadedValue> {
    let (mut value, family) = opened(payload, checksum)?;
    let size = value.len() as u64;
    let mut input = Input::new(&mut value, Some(size));
    input.no_checksum();
    let read = || {
        let kind = input.byte()?;
        let object = object::read(&mut input, kind, family, limits)?;
        if input.at_end()? { Ok(object) } else { Fault::corrupt("more follows the value") }
    };
    match { read }() {
        Ok(value) => Ok(value),
        Err(_) => Err(Error::command(BAD_FORMAT)),
    }
}
