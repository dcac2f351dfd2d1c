//! The note of what we have open for appending, kept beside the log: `<appendfilename>.session`.
//!
//! ```text
//! persistkv-session 1
//! boot 6f1c0c3e-...
//! trust yes
//! file mapped 1048576 67108864 appendonly.aof.3.incr.aof
//! crc 0123456789abcdef
//! ```
//!
//! It is there, durably, before the first append and goes at a clean close. Finding it means that the log was left
//! without a close. If the machine has not booted since, the page cache has kept every store and the log is read as any
//! other. If it has booted, unsynced pages may be missing anywhere behind the offset in the line `file mapped|plain
//! <from> <limit> <name>`: from there on, only what check lines prove is taken. `limit` is a bound on the length we gave
//! the file: if it is longer, or not as long as one of our extensions, then somebody else loaded and extended it
//! meanwhile, and all of it is taken again. `trust no` is noted when a sync failed: then even the page cache may have
//! lost something.

use std::path::Path;

use super::active::PAGE;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileExt, FileSystem, Open, replace_file};

/// One file that was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenFile {
    pub(crate) name: String,
    /// Extended by filler; otherwise by plain writes.
    pub(crate) mapped: bool,
    /// What lies before was durable when we began.
    pub(crate) from: u64,
    /// We did not make the file longer than this.
    pub(crate) limit: u64,
}

/// The whole note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) boot: String,
    /// The page cache is what was written.
    pub(crate) trust: bool,
    pub(crate) files: Vec<OpenFile>,
}

const MAGIC: &str = "persistkv-session 1";

impl Session {
    pub(crate) fn to_text(&self) -> String {
        let mut out =
            format!("{MAGIC}\nboot {}\ntrust {}\n", self.boot, if self.trust { "yes" } else { "no" });
        for f in &self.files {
            let how = if f.mapped { "mapped" } else { "plain" };
            out.push_str(&format!("file {how} {} {} {}\n", f.from, f.limit, f.name));
        }
        let crc = crc64::crc64(0, out.as_bytes());
        out.push_str(&format!("crc {crc:016x}\n"));
        out
    }

    /// `None` when the text is not a whole note of ours.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (body, crc) = text.strip_suffix('\n')?.rsplit_once("\ncrc ")?;
        let body = text.get(..=body.len())?;
        if u64::from_str_radix(crc, 16).ok()? != crc64::crc64(0, body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != MAGIC {
            return None;
        }
        let boot = lines.next()?.strip_prefix("boot ")?.to_owned();
        let trust = lines.next()?.strip_prefix("trust ")? == "yes";
        let files = lines.map(parse_file).collect::<Option<_>>()?;
        Some(Self { boot, trust, files })
    }

    /// Writes the note durably.
    pub(crate) fn write(&self, fs: &dyn FileSystem, folder: &Path, name: &str) -> Result<()> {
        replace_file(fs, folder, &format!("temp-{name}"), name, self.to_text().as_bytes())
            .map_err(|e| Error::io("writing", &folder.join(name), e))
    }

    /// Reads the note; `None` when there is none.
    pub(crate) fn read(fs: &dyn FileSystem, folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = folder.join(name);
        let fail = |e| Error::io("reading", &path, e);
        let file = match fs.open(&path, Open::Read) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(fail(e)),
        };
        let len = file.size().map_err(fail)?;
        let damaged = || {
            Error::new(
                ErrorKind::Corrupt,
                format!(
                    "{}: this note of an unclean end is damaged, so it is unknown which part of the log is sound. Remove the file to take all of the log that can be read",
                    path.display()
                ),
            )
        };
        if len > 1 << 20 {
            return Err(damaged());
        }
        let mut text = vec![0; len as usize];
        file.read_exact_at(&mut text, 0).map_err(fail)?;
        Self::parse(&text).map(Some).ok_or_else(damaged)
    }
}

fn parse_file(line: &str) -> Option<OpenFile> {
    let mut words = line.strip_prefix("file ")?.splitn(4, ' ');
    let mapped = match words.next()? {
        "mapped" => true,
        "plain" => false,
        _ => return None,
    };
    let from = words.next()?.parse().ok()?;
    let limit = words.next()?.parse().ok()?;
    Some(OpenFile { name: words.next()?.to_owned(), mapped, from, limit })
}

impl OpenFile {
    /// Whether somebody else must have changed the file's length since: see the module.
    pub(crate) fn is_foreign(&self, len: u64) -> bool {
        len > self.limit || (self.mapped && !len.is_multiple_of(PAGE) && len != self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Session {
        Session {
            boot: "b-1".to_owned(),
            trust: true,
            files: vec![
                OpenFile { name: "a b.3.incr.aof".to_owned(), mapped: true, from: 5, limit: 4096 },
                OpenFile { name: "c".to_owned(), mapped: false, from: 0, limit: 1 << 40 },
            ],
        }
    }

    #[test]
    fn is_read_back_and_every_damage_is_noticed() {
        let text = example().to_text().into_bytes();
        assert_eq!(Session::parse(&text), Some(example()));
        for at in 0..text.len() {
            assert_eq!(Session::parse(&text[..at]), None, "cut at {at}");
            let mut flipped = text.clone();
            flipped[at] ^= 1;
            assert_ne!(Session::parse(&flipped), Some(example()), "flipped at {at}");
        }
    }

    #[test]
    fn a_foreign_hand_shows_in_the_length() {
        let file = &example().files[0];
        assert!(!file.is_foreign(5) && !file.is_foreign(4096) && !file.is_foreign(0));
        assert!(file.is_foreign(4097) && file.is_foreign(4095) && file.is_foreign(8192));
    }
}
