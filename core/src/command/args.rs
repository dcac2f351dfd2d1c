//! Parsing of arguments, with Redis's error texts.

use crate::encoding::num;
use crate::error::{Error, Result, text};

/// An integer argument.
pub fn int(arg: &[u8]) -> Result<i64> {
    num::parse_i64(arg).ok_or_else(Error::not_an_integer)
}

/// An integer argument with a text of its own when it is none.
pub fn int_or(arg: &[u8], message: &'static str) -> Result<i64> {
    num::parse_i64(arg).ok_or_else(|| Error::command(message))
}

/// A count that must not be negative (`ERR value is out of range, must be positive`).
pub fn count(arg: &[u8]) -> Result<usize> {
    let n = int(arg)?;
    usize::try_from(n).map_err(|_| Error::command(text::MUST_BE_POSITIVE))
}

/// A float argument; NaN is refused.
pub fn float(arg: &[u8]) -> Result<f64> {
    num::parse_f64(arg).filter(|value| !value.is_nan()).ok_or_else(Error::not_a_float)
}

/// Whether an argument is this word, in any case.
pub fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// A cursor of the SCAN family.
pub fn cursor(arg: &[u8]) -> Result<u64> {
    num::parse_u64_lenient(arg).ok_or_else(|| Error::command("ERR invalid cursor"))
}
