//! Lines into arguments and replies into text, both as redis-cli has them.

use persistkv::Reply;

/// Splits a line into arguments: blanks separate, double quotes take `\n \r \t \b \a \" \\ \xHH`, single quotes take `\'`.
/// `None` for unbalanced quotes, or text right behind a closing one.
pub(crate) fn split(line: &str) -> Option<Vec<Vec<u8>>> {
    let bytes = line.as_bytes();
    let mut argv = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if at == bytes.len() {
            return Some(argv);
        }
        let mut word = Vec::new();
        while let Some(&byte) = bytes.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
            at += 1;
            if byte != b'"' && byte != b'\'' {
                word.push(byte);
                continue;
            }
            at = quoted(bytes, at, byte, &mut word)?;
            if bytes.get(at).is_some_and(|next| !next.is_ascii_whitespace()) {
                return None;
            }
        }
        argv.push(word);
    }
}

/// Reads up to the closing quote; the position behind it.
fn quoted(bytes: &[u8], mut at: usize, quote: u8, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if byte == quote {
            return Some(at);
        }
        if byte != b'\\' {
            word.push(byte);
            continue;
        }
        let escaped = *bytes.get(at)?;
        if quote == b'\'' {
            // Only the quote itself can be escaped there.
            if escaped == b'\'' {
                at += 1;
            }
            word.push(if escaped == b'\'' { b'\'' } else { b'\\' });
            continue;
        }
        at += 1;
        word.push(match escaped {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            b'x' => match bytes.get(at..at + 2).and_then(|hex| std::str::from_utf8(hex).ok()) {
                Some(hex) if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                    at += 2;
                    u8::from_str_radix(hex, 16).ok()?
                }
                _ => b'x',
            },
            other => other,
        });
    }
}

/// A reply as lines of text.
pub(crate) fn shown(reply: &Reply) -> String {
    let mut out = String::new();
    write(&mut out, reply, 0);
    out
}

fn write(out: &mut String, reply: &Reply, indent: usize) {
    match reply {
        Reply::Null => out.push_str("(nil)\n"),
        Reply::Int(n) => out.push_str(&format!("(integer) {n}\n")),
        Reply::Double(value) => out.push_str(&format!("(double) {value}\n")),
        Reply::Bool(value) => out.push_str(if *value { "(true)\n" } else { "(false)\n" }),
        Reply::Bulk(bytes) => out.push_str(&format!("\"{}\"\n", escaped(bytes))),
        Reply::Verbatim(_, bytes) => out.push_str(&format!("{}\n", String::from_utf8_lossy(bytes))),
        Reply::Simple(text) => out.push_str(&format!("{text}\n")),
        Reply::Error(text) => out.push_str(&format!("(error) {text}\n")),
        Reply::Array(parts) => numbered(out, parts, "(empty array)", indent),
        Reply::Set(parts) => numbered(out, parts, "(empty set)", indent),
        Reply::Map(pairs) => {
            let parts: Vec<Reply> =
                pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect();
            numbered(out, &parts, "(empty hash)", indent);
        }
    }
}

fn numbered(out: &mut String, parts: &[Reply], empty: &str, indent: usize) {
    if parts.is_empty() {
        out.push_str(empty);
        out.push('\n');
    }
    let width = parts.len().to_string().len();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&format!("{:>width$}) ", index + 1));
        write(out, part, indent + width + 2);
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7E => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_redis_cli_does() {
        let split = |line: &str| split(line).map(|argv| argv.iter().map(|a| escaped(a)).collect::<Vec<_>>());
        assert_eq!(
            split("  set k \"a b\\x01\\n\" 'it\\'s' "),
            Some(vec!["set".into(), "k".into(), "a b\\x01\\n".into(), "it's".into()])
        );
        assert_eq!(split(""), Some(vec![]));
        assert_eq!(split("\"\""), Some(vec![String::new()]));
        for bad in ["\"open", "'open", "\"a\"b", "\"\\"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn replies_are_shown_as_redis_cli_does() {
        let inner = Reply::Array(vec![Reply::Int(1), Reply::Null]);
        let text = shown(&Reply::Array(vec![Reply::Bulk(b"a\"".to_vec()), inner]));
        assert_eq!(text, "1) \"a\\\"\"\n2) 1) (integer) 1\n   2) (nil)\n");
        assert_eq!(shown(&Reply::Array(vec![])), "(empty array)\n");
    }
}
