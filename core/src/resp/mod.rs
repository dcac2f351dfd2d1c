//! The Redis protocol as bytes: encoding of commands, and a bounded, incremental parser of them.
//!
//! The log's records are commands in this form, so the log writes with [`encode_command`] and reads with
//! [`CommandParser`]; a listener may use both. Knows nothing of what a command means.

mod parser;

pub use parser::{CommandParser, LINE_MAX, Limits, ParseError, ParseErrorKind, Step};

/// Number of decimal digits of `n`.
const fn digits(n: usize) -> usize {
    match n.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Appends `sign`, `n` and CRLF.
fn push_header(out: &mut Vec<u8>, sign: u8, n: usize) {
    out.push(sign);
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends a command as a multibulk: `*<argc>` and then each argument as `$<len>` and its bytes.
pub fn encode_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, argv: &[A]) {
    out.reserve(command_len(argv));
    push_header(out, b'*', argv.len());
    for arg in argv {
        push_bulk(out, arg.as_ref());
    }
}

/// Exact length in bytes of what [`encode_command`] appends.
pub fn command_len<A: AsRef<[u8]>>(argv: &[A]) -> usize {
    let args: usize = argv.iter().map(|arg| bulk_len(arg.as_ref().len())).sum();
    1 + digits(argv.len()) + 2 + args
}

/// Appends `*<argc>\r\n`; exactly `argc` calls of [`push_bulk`] must follow.
pub fn push_multibulk_header(out: &mut Vec<u8>, argc: usize) {
    push_header(out, b'*', argc);
}

/// Appends one bulk string: `$<len>\r\n<bytes>\r\n`.
pub fn push_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    push_header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Exact length of a bulk string with `len` bytes of content.
pub const fn bulk_len(len: usize) -> usize {
    1 + digits(len) + 2 + len + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_multibulk() {
        let mut out = Vec::new();
        encode_command(&mut out, &["SET", "k", ""]);
        assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
    }

    #[test]
    fn lengths_are_exact() {
        for n in [0, 1, 9, 10, 99, 100, 12_345] {
            let argv = vec![vec![b'x'; n]; 11];
            let mut out = Vec::new();
            encode_command(&mut out, &argv);
            assert_eq!(out.len(), command_len(&argv));
        }
        let none: [&str; 0] = [];
        assert_eq!(command_len(&none), 4);
    }
}
