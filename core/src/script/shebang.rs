//! A script's first line: `#!lua flags=…` for scripts, `#!lua name=…` for libraries.

use std::sync::Arc;

use crate::error::{Error, Result};

/// How much of a caller's words an error text repeats.
const SHOWN_MAX: usize = 128;

/// What a script or function says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScriptFlags(u8);

impl ScriptFlags {
    /// It does not write.
    pub const NO_WRITES: Self = Self(1);
    /// It may run when memory is full.
    pub const ALLOW_OOM: Self = Self(1 << 1);
    /// No meaning here.
    pub const ALLOW_STALE: Self = Self(1 << 2);
    /// No meaning here.
    pub const NO_CLUSTER: Self = Self(1 << 3);
    /// No meaning here.
    pub const ALLOW_CROSS_SLOT_KEYS: Self = Self(1 << 4);
    /// A script without a first line of this kind: it is refused what it may not do when it does it.
    pub const COMPATIBLE: Self = Self(1 << 7);

    const NAMES: [(Self, &str); 5] = [
        (Self::NO_WRITES, "no-writes"),
        (Self::ALLOW_OOM, "allow-oom"),
        (Self::ALLOW_STALE, "allow-stale"),
        (Self::NO_CLUSTER, "no-cluster"),
        (Self::ALLOW_CROSS_SLOT_KEYS, "allow-cross-slot-keys"),
    ];

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn add(&mut self, name: &[u8]) -> bool {
        let found = Self::NAMES.iter().find(|(_, known)| known.as_bytes() == name);
        if let Some((flag, _)) = found {
            self.0 |= flag.0;
        }
        found.is_some()
    }

    /// Names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

/// A script with its text.
#[derive(Debug)]
pub struct Script {
    /// The SHA-1 of the text, lower case.
    pub sha: Arc<str>,
    /// The text.
    pub body: Arc<[u8]>,
    /// What its first line says.
    pub flags: ScriptFlags,
    code_at: usize,
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(SHOWN_MAX)]).into_owned()
}

impl Script {
    pub(super) fn parse(sha: Arc<str>, body: &[u8]) -> Result<Self> {
        let (flags, code_at) = if body.starts_with(b"#!") {
            let end = body.iter().position(|b| *b == b'\n');
            let end = end.ok_or_else(|| Error::command("ERR Invalid script shebang"))?;
            (flags_of(&body[..end])?, end)
        } else {
            (ScriptFlags::COMPATIBLE, 0)
        };
        Ok(Self { sha, body: body.into(), flags, code_at })
    }

    /// The text without its first line, whose end is kept so that lines are counted right.
    pub(super) fn code(&self) -> &[u8] {
        &self.body[self.code_at..]
    }
}

fn flags_of(line: &[u8]) -> Result<ScriptFlags> {
    let mut words = line.split(|b| *b == b' ');
    let engine = words.next().unwrap_or_default();
    if engine != b"#!lua" {
        let text = format!("ERR Unexpected engine in script shebang: {}", shown(engine));
        return Err(Error::command(text));
    }
    let mut flags = ScriptFlags::default();
    for word in words.filter(|word| !word.is_empty()) {
        let Some(names) = word.strip_prefix(b"flags=") else {
            return Err(Error::command(format!("ERR Unknown lua shebang option: {}", shown(word))));
        };
        for name in names.split(|b| *b == b',').filter(|_| !names.is_empty()) {
            if !flags.add(name) {
                let text = format!("ERR Unexpected flag in script shebang: {}", shown(name));
                return Err(Error::command(text));
            }
        }
    }
    Ok(flags)
}
