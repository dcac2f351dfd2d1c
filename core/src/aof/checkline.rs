//! The annotations by which a log tells what of it is sound after a power cut.
//!
//! ```text
//! #CRC:<16 hex digits>:<n>\r\n      the n bytes directly before this line have this CRC-64
//! #PREV:<16 hex digits>:<len>\r\n   at the start of a file: its predecessor is len bytes long and ends in the check line
//!                                   with this CRC
//! ```
//!
//! A check line covers what follows the one before it, so they form a chain from the offset at which we began to
//! append (noted in the session file) to the last sync. Servers skip them as they skip every line that starts with `#`.

use std::io;

use crate::fs::File;

/// More than the longest of these lines.
pub(crate) const MAX: usize = 64;

/// A check line's or predecessor line's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// CRC-64 as Redis computes it.
    pub(crate) crc: u64,
    /// Bytes covered, or length of the predecessor.
    pub(crate) len: u64,
}

/// Appends a check line.
pub(crate) fn push_check(out: &mut Vec<u8>, mark: Mark) {
    out.extend_from_slice(format!("#CRC:{:016x}:{}\r\n", mark.crc, mark.len).as_bytes());
}

/// Appends a predecessor line.
pub(crate) fn push_prev(out: &mut Vec<u8>, mark: Mark) {
    out.extend_from_slice(format!("#PREV:{:016x}:{}\r\n", mark.crc, mark.len).as_bytes());
}

/// Reads a check line.
pub(crate) fn parse_check(line: &[u8]) -> Option<Mark> {
    parse(line.strip_prefix(b"#CRC:")?)
}

/// Reads a predecessor line.
pub(crate) fn parse_prev(line: &[u8]) -> Option<Mark> {
    parse(line.strip_prefix(b"#PREV:")?)
}

fn parse(rest: &[u8]) -> Option<Mark> {
    let rest = std::str::from_utf8(rest.strip_suffix(b"\r\n")?).ok()?;
    let (crc, len) = rest.split_once(':')?;
    let plain = crc.len() == 16
        && crc.bytes().all(|b| b.is_ascii_hexdigit())
        && len.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    Some(Mark { crc: u64::from_str_radix(crc, 16).ok()?, len: len.parse().ok()? })
}

/// Goes on with the CRC-64 over `from..to` of a file. `UnexpectedEof` when the file ends before.
pub(crate) fn crc_range(file: &dyn File, from: u64, to: u64, mut crc: u64) -> io::Result<u64> {
    use crate::fs::FileExt;
    let mut buf = vec![0; (to.saturating_sub(from)).min(256 * 1024) as usize];
    let mut at = from;
    while at < to {
        let n = (to - at).min(buf.len() as u64) as usize;
        file.read_exact_at(&mut buf[..n], at)?;
        crc = crc64::crc64(crc, &buf[..n]);
        at += n as u64;
    }
    Ok(crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_and_nothing_else_is() {
        let mark = Mark { crc: 0xe9c6_d914_c4b8_d9ca, len: 12345 };
        let mut line = Vec::new();
        push_check(&mut line, mark);
        assert_eq!(line, b"#CRC:e9c6d914c4b8d9ca:12345\r\n");
        assert_eq!(parse_check(&line), Some(mark));
        assert_eq!(parse_prev(&line), None);
        line.clear();
        push_prev(&mut line, Mark { crc: u64::MAX, len: u64::MAX });
        assert!(line.len() <= MAX);
        assert_eq!(parse_prev(&line), Some(Mark { crc: u64::MAX, len: u64::MAX }));
        for bad in [
            "#CRC:1:2\r\n",
            "#CRC:e9c6d914c4b8d9ca:\r\n",
            "#CRC:e9c6d914c4b8d9ca:1\n",
            "#CRC:+9c6d914c4b8d9ca:1\r\n",
            "#CRC",
        ] {
            assert_eq!(parse_check(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
