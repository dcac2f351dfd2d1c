//! The one error type of the engine and of every face above it.
//!
//! A command error carries the text a Redis client would see, byte for byte, including its leading code word
//! (`ERR`, `WRONGTYPE`, `MISCONF` …). Everything else says what happened, where, and what to do about it.
//! The numbers of [`ErrorKind`] are part of the C ABI: append only.

use std::borrow::Cow;
use std::fmt;

/// Result of every fallible engine call.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, coarse enough for a program to decide on. Numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorKind {
    /// A command was refused; the message is the text Redis answers with.
    Command = 1,
    /// A command met a value of another type (`WRONGTYPE …`).
    WrongType = 2,
    /// An argument of an API call (not of a command) is invalid: NULL, too long, out of range, not UTF-8 where needed.
    Argument = 3,
    /// An unknown directive, a value out of its range, or one that may not change at run time.
    Config = 4,
    /// The operating system refused a file operation.
    Io = 5,
    /// A file is damaged or not what its name says; the message names file, offset and remedy.
    Corrupt = 6,
    /// The directory is open in another process; the message names its pid.
    Locked = 7,
    /// The store or client was closed before.
    Closed = 8,
    /// The handle was opened in another process (the host forked); open the store anew in this one.
    Forked = 9,
    /// Writes are refused since the data can not be made durable at present (`MISCONF …`).
    NotDurable = 10,
    /// `maxmemory` is reached (`OOM …`).
    OutOfMemory = 11,
    /// A defect in persistkv itself: a panic was caught at the boundary.
    Internal = 12,
}

impl ErrorKind {
    /// All kinds, in the order of their numbers: a binding's test checks that it knows each.
    pub const ALL: &[Self] = &[
        Self::Command,
        Self::WrongType,
        Self::Argument,
        Self::Config,
        Self::Io,
        Self::Corrupt,
        Self::Locked,
        Self::Closed,
        Self::Forked,
        Self::NotDurable,
        Self::OutOfMemory,
        Self::Internal,
    ];
}

/// An error with its kind and a message fit for a user.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<std::io::Error>,
}

impl Error {
    /// An error of `kind` with a message.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A command error; `message` is the whole Redis text including its code word.
    pub fn command(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Command, message)
    }

    /// `WRONGTYPE Operation against a key holding the wrong kind of value`
    pub fn wrong_type() -> Self {
        Self::new(ErrorKind::WrongType, text::WRONG_TYPE)
    }

    /// `ERR syntax error`
    pub fn syntax() -> Self {
        Self::command(text::SYNTAX)
    }

    /// `ERR value is not an integer or out of range`
    pub fn not_an_integer() -> Self {
        Self::command(text::NOT_AN_INTEGER)
    }

    /// `ERR value is not a valid float`
    pub fn not_a_float() -> Self {
        Self::command(text::NOT_A_FLOAT)
    }

    /// An I/O failure: what was being done, on which path, and the system's reason.
    pub fn io(doing: &str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: format!("{doing} {}: {source}", path.display()).into(),
            source: Some(source),
        }
    }

    /// A damaged file: which, where (byte offset), what is wrong and what the user can do.
    pub fn corrupt(file: impl fmt::Display, offset: u64, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, format!("{file}: at byte {offset}: {what}"))
    }

    /// The kind, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, for people; for command errors the exact Redis text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message as a server answers it: one line with a code word in front, which is `ERR` for errors that are not
    /// a command's own. (A script may raise an error without one: that is answered as it is.)
    pub fn reply_text(&self) -> Cow<'_, str> {
        let word = self.message.split(' ').next().unwrap_or_default();
        let has_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase());
        let is_whole = has_word || self.kind == ErrorKind::Command;
        if is_whole && !self.message.contains(['\r', '\n']) {
            return Cow::Borrowed(&self.message);
        }
        let code = if is_whole { "" } else { "ERR " };
        Cow::Owned(format!("{code}{}", self.message.replace(['\r', '\n'], " ")))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

impl Clone for Error {
    fn clone(&self) -> Self {
        Self { kind: self.kind, message: self.message.clone(), source: None }
    }
}

/// Redis's own error texts which more than one command needs.
pub mod text {
    /// Wrong type of value.
    pub const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// The data is still being loaded.
    pub const LOADING: &str = "LOADING Redis is loading the dataset in memory";
    /// Unknown or misplaced option.
    pub const SYNTAX: &str = "ERR syntax error";
    /// Not a canonical 64-bit integer.
    pub const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
    /// Not a float.
    pub const NOT_A_FLOAT: &str = "ERR value is not a valid float";
    /// RENAME, LSET, … on a missing key.
    pub const NO_SUCH_KEY: &str = "ERR no such key";
    /// INCR over the edge.
    pub const OVERFLOW: &str = "ERR increment or decrement would overflow";
    /// LSET, LINSERT … out of range.
    pub const INDEX_RANGE: &str = "ERR index out of range";
    /// SELECT, MOVE, COPY … to a database there is not.
    pub const DB_RANGE: &str = "ERR DB index is out of range";
    /// COPY and MOVE onto itself.
    pub const SAME_OBJECT: &str = "ERR source and destination objects are the same";
    /// `maxmemory` is reached.
    pub const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";
    /// Negative counts.
    pub const MUST_BE_POSITIVE: &str = "ERR value is out of range, must be positive";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_from_one() {
        for (at, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at + 1);
        }
    }

    #[test]
    fn a_reply_begins_with_a_code_word() {
        assert_eq!(Error::wrong_type().reply_text(), text::WRONG_TYPE);
        let error = Error::new(ErrorKind::Io, "writing /tmp/x:\nno space");
        assert_eq!(error.reply_text(), "ERR writing /tmp/x: no space");
        assert_eq!(Error::command("ERR two\r\nlines").reply_text(), "ERR two  lines");
    }
}
