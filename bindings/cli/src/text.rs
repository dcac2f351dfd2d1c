//! Lines into arguments and replies into text, both as redis-cli has them.

use persistkv::Reply;

/// Splits a line into arguments, as redis-cli does; `None` for unbalanced quotes.
pub(crate) fn split(line: &str) -> Option<Vec<Vec<u8>>> {
    persistkv_resp::words(line.as_bytes())
}

/// Whether a line ends within quotes.
pub(crate) fn is_open(line: &str) -> bool {
    let closes = |quote: &str| split(&format!("{line}{quote}")).is_some();
    split(line).is_none() && (closes("\"") || closes("'"))
}

/// A reply without signs and quotes, as redis-cli prints it to who is no terminal.
pub(crate) fn raw(reply: &Reply) -> Vec<u8> {
    let mut out = Vec::new();
    write_raw(&mut out, reply);
    out.push(b'\n');
    out
}

fn write_raw(out: &mut Vec<u8>, reply: &Reply) {
    let join = |parts: &mut dyn Iterator<Item = &Reply>, out: &mut Vec<u8>| {
        for (index, part) in parts.enumerate() {
            if index > 0 {
                out.push(b'\n');
            }
            write_raw(out, part);
        }
    };
    match reply {
        Reply::Null => {}
        Reply::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Reply::Double(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Reply::Bool(value) => out.extend_from_slice(if *value { b"(true)" } else { b"(false)" }),
        Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => out.extend_from_slice(bytes),
        Reply::Simple(text) => out.extend_from_slice(text.as_bytes()),
        Reply::Error(text) => {
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
        Reply::Array(parts) | Reply::Set(parts) => join(&mut parts.iter(), out),
        Reply::Map(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(b'\n');
                }
                write_raw(out, key);
                out.push(b' ');
                write_raw(out, value);
            }
        }
    }
}

/// A reply as lines of text.
pub(crate) fn shown(reply: &Reply) -> Vec<u8> {
    let mut out = String::new();
    write(&mut out, reply, 0);
    out.into_bytes()
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
        assert_eq!(String::from_utf8(text).unwrap(), "1) \"a\\\"\"\n2) 1) (integer) 1\n   2) (nil)\n");
        assert_eq!(shown(&Reply::Array(vec![])), b"(empty array)\n");
        let text = raw(&Reply::Array(vec![Reply::Bulk(b"a\"".to_vec()), Reply::Int(1), Reply::Null]));
        assert_eq!(text, b"a\"\n1\n\n");
    }
}
