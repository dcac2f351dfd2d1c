//! The manifest: which files make up the log, in which order.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.5.incr.aof seq 5 type i
//! ```
//!
//! One `b` at most, `i` with rising numbers, `h` for files that are to be deleted. Keys come in any order and any case;
//! pairs we do not know (Redis 8.2's `startoffset`) are kept and written back. Names are quoted when they must be. The
//! grammar and its errors are those of Redis 7.0 to 8.2 and Valkey 9.1. Knows files only by name; nothing here but
//! [`publish`] touches the disk.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::{FileSystem, replace_file};

/// Longest line Redis accepts, line end included.
const LINE_MAX: usize = 1024;

/// What a file is to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The state at the last rewrite; loaded first.
    Base,
    /// What replaced files are until they are deleted; never loaded.
    History,
    /// Commands since the base.
    Incr,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Kind::Base => 'b',
            Kind::History => 'h',
            Kind::Incr => 'i',
        }
    }
}

/// One line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Bare file name, in the manifest's own directory.
    pub name: String,
    /// Number, at least 1; bases and incrs count apart.
    pub seq: u64,
    /// What it is.
    pub kind: Kind,
    /// Pairs we do not know, written back as they were.
    pub other: Vec<(String, String)>,
}

impl Entry {
    /// An entry without unknown pairs.
    pub fn new(name: impl Into<String>, seq: u64, kind: Kind) -> Self {
        Self { name: name.into(), seq, kind, other: Vec::new() }
    }
}

/// The parsed manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The base, if there is one.
    pub base: Option<Entry>,
    /// Files to be deleted.
    pub history: Vec<Entry>,
    /// Incremental files, rising numbers; the last is appended to.
    pub incrs: Vec<Entry>,
}

impl Manifest {
    /// Parses a manifest; `file` names it in errors, which tell the line.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self> {
        let fail = |line: usize, what: &str| {
            Error::new(
                crate::ErrorKind::Corrupt,
                format!(
                    "{file}: line {line}: {what}. Restore the manifest from a backup, or correct the line by hand; nothing was changed"
                ),
            )
        };
        if text.is_empty() {
            return Err(fail(1, "the manifest is empty"));
        }
        let mut manifest = Manifest::default();
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|&b| b == b'\n').map(|at| at + 1);
            let Some(end) = end.filter(|&end| end <= LINE_MAX) else {
                return Err(fail(number, "the line is too long or has no line end"));
            };
            let (line, after) = rest.split_at(end);
            rest = after;
            if line.first() == Some(&b'#') {
                continue;
            }
            let line = line.trim_ascii();
            if line.is_empty() {
                return Err(fail(number, "the line is blank"));
            }
            let entry = parse_line(line).map_err(|what| fail(number, what))?;
            manifest.add(entry).map_err(|what| fail(number, what))?;
        }
        if manifest.base.is_none() && manifest.incrs.is_empty() && manifest.history.is_empty() {
            return Err(fail(number, "the manifest names no file"));
        }
        Ok(manifest)
    }

    /// Adds an entry, keeping the rules of the whole.
    fn add(&mut self, entry: Entry) -> std::result::Result<(), &'static str> {
        match entry.kind {
            Kind::Base if self.base.is_some() => return Err("a second base file"),
            Kind::Base => self.base = Some(entry),
            Kind::History => self.history.push(entry),
            Kind::Incr => {
                if self.incrs.last().is_some_and(|last| last.seq >= entry.seq) {
                    return Err("the numbers of incremental files must rise");
                }
                self.incrs.push(entry);
            }
        }
        Ok(())
    }

    /// The manifest as text: base, history, incrs, as Redis writes it.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for entry in self.base.iter().chain(&self.history).chain(&self.incrs) {
            out.push_str("file ");
            push_token(&mut out, &entry.name);
            out.push_str(&format!(" seq {} type {}", entry.seq, entry.kind.letter()));
            for (key, value) in &entry.other {
                out.push(' ');
                push_token(&mut out, key);
                out.push(' ');
                push_token(&mut out, value);
            }
            out.push('\n');
        }
        out
    }

    /// The files that are loaded, in order.
    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.base.iter().chain(&self.incrs)
    }

    /// Every entry.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.base.iter().chain(&self.history).chain(&self.incrs)
    }
}

/// Makes `manifest` the one in force: temporary file, sync, rename, sync of the directory. After an error the old
/// one is in force, unless only the last sync failed: then either may be after a power cut.
pub fn publish(fs: &dyn FileSystem, dir: &Path, name: &str, manifest: &Manifest) -> Result<()> {
    replace_file(fs, dir, &format!("temp-{name}"), name, manifest.to_text().as_bytes())
        .map_err(|e| Error::io("writing the manifest", &dir.join(name), e))
}

/// A pair of the line while it is read; all three must occur.
#[derive(Default)]
struct Pairs {
    name: Option<String>,
    seq: Option<u64>,
    kind: Option<Kind>,
    other: Vec<(String, String)>,
}

fn parse_line(line: &[u8]) -> std::result::Result<Entry, &'static str> {
    let tokens = split_tokens(line).ok_or("unbalanced quotes")?;
    if tokens.len() < 6 || !tokens.len().is_multiple_of(2) {
        return Err("expected pairs of key and value, among them file, seq and type");
    }
    let mut pairs = Pairs::default();
    let mut tokens = tokens.into_iter();
    while let (Some(key), Some(value)) = (tokens.next(), tokens.next()) {
        let value_text = String::from_utf8(value).map_err(|_| "a value is not UTF-8")?;
        match key.to_ascii_lowercase().as_slice() {
            b"file" => {
                if value_text.is_empty()
                    || value_text.contains('/')
                    || value_text == "."
                    || value_text == ".."
                {
                    return Err("the file name must be a bare name without a path");
                }
                pairs.name = Some(value_text);
            }
            b"seq" => match value_text.parse() {
                Ok(seq) if seq > 0 => pairs.seq = Some(seq),
                _ => return Err("the number of a file must be a positive integer"),
            },
            b"type" => {
                pairs.kind = Some(match value_text.as_bytes() {
                    [b'b', ..] => Kind::Base,
                    [b'h', ..] => Kind::History,
                    [b'i', ..] => Kind::Incr,
                    _ => return Err("the type of a file must be b, h or i"),
                });
            }
            _ => {
                let key = String::from_utf8(key).map_err(|_| "a key is not UTF-8")?;
                pairs.other.push((key, value_text));
            }
        }
    }
    match pairs {
        Pairs { name: Some(name), seq: Some(seq), kind: Some(kind), other } => {
            Ok(Entry { name, seq, kind, other })
        }
        _ => Err("file, seq and type must all be given"),
    }
}

/// Splits a line as redis-cli splits arguments: blanks, `"..."` with escapes, `'...'` with `\'`. `None` when quotes do
/// not balance or a closing quote is not followed by a blank.
fn split_tokens(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut tokens = Vec::new();
    let mut i = 0;
    loop {
        while line.get(i).is_some_and(u8::is_ascii_whitespace) {
            i += 1;
        }
        if i >= line.len() {
            return Some(tokens);
        }
        let mut token = Vec::new();
        while let Some(&b) = line.get(i) {
            match b {
                b'"' => i = double_quoted(line, i + 1, &mut token)?,
                b'\'' => i = single_quoted(line, i + 1, &mut token)?,
                b if b.is_ascii_whitespace() => break,
                b => {
                    token.push(b);
                    i += 1;
                    continue;
                }
            }
            // A closing quote ends the token.
            if line.get(i).is_some_and(|b| !b.is_ascii_whitespace()) {
                return None;
            }
            break;
        }
        tokens.push(token);
    }
}

fn hex(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).map(|d| d as u8)
}

/// Reads to behind the closing quote.
fn double_quoted(line: &[u8], mut i: usize, token: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => {
                let escaped = *line.get(i + 1)?;
                let pair = (line.get(i + 2).copied().and_then(hex), line.get(i + 3).copied().and_then(hex));
                if let (b'x', (Some(high), Some(low))) = (escaped, pair) {
                    token.push(high << 4 | low);
                    i += 4;
                    continue;
                }
                token.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
                i += 2;
            }
            other => {
                token.push(other);
                i += 1;
            }
        }
    }
}

fn single_quoted(line: &[u8], mut i: usize, token: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(i)? {
            b'\'' => return Some(i + 1),
            b'\\' if line.get(i + 1) == Some(&b'\'') => {
                token.push(b'\'');
                i += 2;
            }
            other => {
                token.push(other);
                i += 1;
            }
        }
    }
}

/// Whether Redis writes a name quoted: anything but printable ASCII, or a blank, quote or backslash in it.
fn needs_quotes(token: &str) -> bool {
    token.is_empty() || token.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'"' | b'\'' | b'\\'))
}

fn push_token(out: &mut String, token: &str) {
    if !needs_quotes(token) {
        out.push_str(token);
        return;
    }
    out.push('"');
    for b in token.bytes() {
        match b {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(b));
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b if b.is_ascii_graphic() || b == b' ' => out.push(char::from(b)),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Manifest> {
        Manifest::parse("m", text.as_bytes())
    }

    fn refusal(text: &str) -> String {
        parse(text).expect_err(text).message().to_owned()
    }

    #[test]
    fn reads_what_servers_write() {
        let text = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i startoffset 0\n";
        let manifest = parse(text).expect("a manifest of Redis 8.2");
        assert_eq!(manifest.base.as_ref().map(|b| b.name.as_str()), Some("appendonly.aof.1.base.rdb"));
        assert_eq!(manifest.incrs[0].other, [("startoffset".to_owned(), "0".to_owned())]);
        assert_eq!(manifest.to_text(), text);
    }

    #[test]
    fn takes_any_order_any_case_comments_and_crlf() {
        let manifest = parse("# note\nTYPE i SEQ 7 x y FILE 'a b'\r\nfile \"c\\x20\\\"d\" seq 9 type i\n")
            .expect("legal");
        let names: Vec<&str> = manifest.incrs.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a b", "c \"d"]);
        assert_eq!(manifest.to_text(), "file \"a b\" seq 7 type i x y\nfile \"c \\\"d\" seq 9 type i\n");
    }

    #[test]
    fn refuses_what_redis_refuses_and_names_the_line() {
        for (text, line, part) in [
            ("", 1, "empty"),
            ("# only\n", 1, "names no file"),
            ("file a seq 1 type i", 1, "no line end"),
            ("file a seq 1 type i\n\n", 2, "blank"),
            ("file a seq 1\n", 1, "pairs"),
            ("file a seq 1 type i x\n", 1, "pairs"),
            ("file a seq 0 type i\n", 1, "positive"),
            ("file a seq -1 type i\n", 1, "positive"),
            ("file a/b seq 1 type i\n", 1, "bare name"),
            ("file a seq 1 type q\n", 1, "b, h or i"),
            ("file a seq 1 typ i\n", 1, "must all be given"),
            ("file \"a seq 1 type i\n", 1, "quotes"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", 2, "second base"),
            ("file a seq 2 type i\nfile b seq 2 type i\n", 2, "rise"),
        ] {
            let message = refusal(text);
            assert!(message.contains(&format!("line {line}")), "{text:?}: {message}");
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }

    #[test]
    fn lines_are_limited() {
        let fits = format!("file {} seq 1 type i\n", "a".repeat(1024 - "file  seq 1 type i\n".len()));
        assert_eq!(fits.len(), 1024);
        assert!(parse(&fits).is_ok());
        assert!(refusal(&fits.replace("file a", "file aa")).contains("too long"));
    }

    proptest! {
        #[test]
        fn any_name_survives(name in "[^/\\x00]{1,40}", seq in 1u64..) {
            prop_assume!(name != "." && name != "..");
            let manifest = Manifest { incrs: vec![Entry::new(name, seq, Kind::Incr)], ..Manifest::default() };
            prop_assert_eq!(parse(&manifest.to_text()).expect("our own text"), manifest);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::parse("m", &bytes);
        }
    }
}
