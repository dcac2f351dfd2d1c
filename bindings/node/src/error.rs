//! Errors on their way to JavaScript: a code for programs, a message for people.

use persistkv::ErrorKind;

/// The code of an error. The front makes the error class from it: codes of errors that are no replies begin with `#`,
/// which no word of a reply can be mistaken for.
#[derive(Debug)]
pub struct Code(String);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What exported functions return.
pub type Result<T> = napi::Result<T, Code>;

/// The leading code word of a reply's text, `ERR` when it has none.
pub(crate) fn code_word(message: &str) -> &str {
    let word = message.split_ascii_whitespace().next().unwrap_or_default();
    let is_code = !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if is_code { word } else { "ERR" }
}

/// The code the front is told.
pub(crate) fn code(error: &persistkv::Error) -> String {
    let own = match error.kind() {
        ErrorKind::Argument => "#ARGUMENT",
        ErrorKind::Config => "#CONFIG",
        ErrorKind::Io => "#IO",
        ErrorKind::Corrupt => "#CORRUPT",
        ErrorKind::Locked => "#LOCKED",
        ErrorKind::Closed => "#CLOSED",
        ErrorKind::Forked => "#FORKED",
        ErrorKind::Internal => "#INTERNAL",
        _ => code_word(error.message()),
    };
    own.to_owned()
}

/// An error of the engine as one of JavaScript.
pub(crate) fn thrown(error: &persistkv::Error) -> napi::Error<Code> {
    napi::Error::new(Code(code(error)), error.message())
}
