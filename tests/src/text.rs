//! Bytes as text that `redis-cli` reads back, so that a failing sequence can be pasted into it; and hexadecimal.

use std::fmt::Write as _;

/// A word as redis-cli would accept it: bare if plain, else in double quotes with escapes.
pub fn quote(bytes: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-+.:*()[<>?^@#!%&/=,|~{}".contains(b);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::from("\"");
    for &b in bytes {
        match b {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(b as char);
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(b as char),
            _ => {
                // Writing into a String can not fail.
                let _ = write!(out, "\\x{b:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// A command line as redis-cli reads it.
pub fn command_line(argv: &[Vec<u8>]) -> String {
    argv.iter().map(|a| quote(a)).collect::<Vec<_>>().join(" ")
}

/// Lower-case hexadecimal to bytes; `None` when it is not that.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it() {
        assert_eq!(quote(b"abc:1"), "abc:1");
        assert_eq!(quote(b""), "\"\"");
        assert_eq!(quote(b"a b\x00\"\n"), "\"a b\\x00\\\"\\n\"");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(unhex("00ff6b"), Some(vec![0, 255, b'k']));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }
}
