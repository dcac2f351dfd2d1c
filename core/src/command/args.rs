//! Parsing of arguments, with Redis's error texts.

use crate::encoding::num;
use crate::error::{Error, Result, text};
use crate::reply::ReplySink;

/// An integer argument.
pub fn int(arg: &[u8]) -> Result<i64> {
    num::parse_i64(arg).ok_or_else(Error::not_an_integer)
}

/// An integer argument with a text of its own when it is none.
pub fn int_or(arg: &[u8], message: &'static str) -> Result<i64> {
    num::parse_i64(arg).ok_or_else(|| Error::command(message))
}

/// A count that must not be negative: `ERR value is out of range, must be positive`, also for what is no integer.
pub fn count(arg: &[u8]) -> Result<usize> {
    let n = int_or(arg, text::MUST_BE_POSITIVE)?;
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

/// An integer within C's `int`, such as a database's number.
pub fn int32(arg: &[u8]) -> Result<i32> {
    let message = || format!("ERR value is out of range, value must between {} and {}", i32::MIN, i32::MAX);
    i32::try_from(int(arg)?).map_err(|_| Error::command(message()))
}

/// The error for a wrong number of arguments which the table can not see.
pub fn wrong_arity(command: &str) -> Error {
    Error::command(format!("ERR wrong number of arguments for '{command}' command"))
}

/// The error for an expiry that is out of range.
pub fn invalid_expire_time(command: &str) -> Error {
    Error::command(format!("ERR invalid expire time in '{command}' command"))
}

/// The answer to HELP of a container, in Redis's words.
pub fn help(out: &mut dyn ReplySink, container: &str, lines: &[&str]) {
    out.array(lines.len() + 3);
    out.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        out.simple(line);
    }
    out.simple("HELP");
    out.simple("    Print this help.");
}

/// How much of the caller's words an error text repeats.
pub(super) const SHOWN_MAX: usize = 128;

/// A caller's word within an error text: one line, and as in C only up to a zero byte.
pub(super) fn shown(word: &[u8], most: usize) -> String {
    let word = &word[..word.len().min(most)];
    let end = word.iter().position(|&byte| byte == 0).unwrap_or(word.len());
    String::from_utf8_lossy(&word[..end]).replace(['\r', '\n'], " ")
}
