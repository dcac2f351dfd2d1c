//! Writing a snapshot: the framing around the keys, and a cut's [`Sink`].
//!
//! **Which version is written.** The number in the header is the newest that a reader must know, so the lowest that
//! expresses the data reaches the most servers, and it has to be known before the first key. Version 11 expresses
//! everything there is here and loads in Redis 7.2 and later and in every Valkey; it is the default, and keeps compact
//! values as the bytes they are in memory. [`Level::V10`] and [`Level::V9`] are for handing a file to older servers
//! (directive `rdb-version`): they write plain element sequences where the compact form is too new. Hashes with expiring
//! fields have no form that both Redis and Valkey read: they are written as Redis 7.4 does, and the header says so
//! ([`Level::V12`]) when the data set has any.

use std::io::{self, Write};
use std::path::PathBuf;

use super::module::ModuleAux;
use super::out::Out;
use super::{VALKEY_VERSION, encode, opcode};
use crate::error::{Error, ErrorKind, Result};
use crate::value::saved::{BigKind, Body, HeadRef, Sink};

/// How old a reader may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Redis 6.2 and later, every Valkey. Plain forms only: files are larger and load slower.
    V9,
    /// Redis 7.0 and later, every Valkey. Small sets are written plain.
    V10,
    /// Redis 7.2 and later, every Valkey.
    #[default]
    V11,
    /// Redis 7.4 and later, no Valkey: only where some hash has expiring fields, which no lower version can hold.
    V12,
    /// Valkey 9 and later, no Redis (`VALKEY080`): as [`Level::V12`], in the form that Valkey gave such hashes.
    Valkey,
}

impl Level {
    /// The version number in the header, and at the end of a DUMP payload.
    pub fn version(self) -> u16 {
        match self {
            Level::V9 => 9,
            Level::V10 => 10,
            Level::V11 => 11,
            Level::V12 => 12,
            Level::Valkey => VALKEY_VERSION,
        }
    }

    /// The level that the directive `rdb-version` (9, 10, 11, 80) asks for.
    pub fn of_directive(version: &str, expiring_fields: bool) -> Self {
        match (version, expiring_fields) {
            ("80", true) => Level::Valkey,
            (_, true) => Level::V12,
            ("9", _) => Level::V9,
            ("10", _) => Level::V10,
            _ => Level::V11,
        }
    }
}

/// What the access clock of a key says, for `maxmemory` policies that want to know it after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Seconds since the last access (LRU policies).
    Idle(u64),
    /// The logarithmic access counter (LFU policies).
    Freq(u8),
}

/// Reads a 24-bit access clock.
pub type Meaning = Box<dyn Fn(u32) -> Clock + Send + Sync>;

/// What goes into the file beside the keys.
pub struct WriteOptions {
    /// Names the destination in error messages.
    pub file: PathBuf,
    /// How old a reader may be.
    pub level: Level,
    /// `rdbcompression`: LZF for strings above 20 bytes where that saves something.
    pub compress: bool,
    /// `rdbchecksum`: without it the checksum is written as 0, which every reader takes for "not computed".
    pub checksum: bool,
    /// `ctime`: seconds since the epoch.
    pub created_secs: i64,
    /// `used-mem`: bytes of memory in use.
    pub used_memory: u64,
    /// `aof-base`: the file is the base of an append-only log.
    pub aof_base: bool,
    /// Further AUX fields: those of the file loaded last which only somebody else understands.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// What modules had stored in the file loaded last, written back as it was.
    pub module_aux: Vec<ModuleAux>,
    /// The texts of function libraries. They need [`Level::V10`] at least: a lower level is raised.
    pub functions: Vec<std::sync::Arc<[u8]>>,
    /// What a key's 24-bit access clock means. `None`: nothing is written about it, as Redis does without an eviction
    /// policy that needs it.
    pub clock: Option<Meaning>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            file: PathBuf::from("dump.rdb"),
            level: Level::default(),
            compress: true,
            checksum: true,
            created_secs: 0,
            used_memory: 0,
            aof_base: false,
            aux: Vec::new(),
            module_aux: Vec::new(),
            functions: Vec::new(),
            clock: None,
        }
    }
}

/// What [`Writer::finish`] has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Keys in the file.
    pub keys: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

struct Big {
    kind: BigKind,
    owed: usize,
}

/// Writes one snapshot. Memory stays bounded (64 KB and the largest single element), whatever the size of the data.
pub struct Writer<W: Write> {
    out: Out<W>,
    options: WriteOptions,
    db: Option<u32>,
    big: Option<Big>,
    keys: u64,
}

/// The AUX fields that describe the file or its maker: a copy of another file's would be wrong.
const OWN_AUX: [&str; 12] = [
    "redis-ver",
    "valkey-ver",
    "persistkv-ver",
    "redis-bits",
    "ctime",
    "used-mem",
    "aof-base",
    "aof-preamble",
    "repl-stream-db",
    "repl-id",
    "repl-offset",
    "slot-info",
];

/// Whether an AUX field of a loaded file belongs into the next one: only what nobody here understands does. Scripts
/// (`lua`) are not kept, as no server since 7.0 keeps them.
pub(super) fn is_foreign_aux(name: &[u8]) -> bool {
    name != b"lua" && !OWN_AUX.iter().any(|own| own.as_bytes() == name)
}

impl<W: Write> Writer<W> {
    /// Begins a file: the header and all that stands before the keys.
    pub fn new(inner: W, mut options: WriteOptions) -> Result<Self> {
        if !options.functions.is_empty() {
            options.level = options.level.max(Level::V10);
        }
        let out = Out::new(inner, options.compress, options.checksum);
        let mut writer = Self { out, options, db: None, big: None, keys: 0 };
        writer.header().map_err(|e| writer.failed(e))?;
        Ok(writer)
    }

    fn header(&mut self) -> io::Result<()> {
        let version = self.options.level.version();
        let magic = match self.options.level {
            Level::Valkey => format!("VALKEY{version:03}"),
            _ => format!("REDIS{version:04}"),
        };
        self.out.bytes(magic.as_bytes())?;
        // The version of Redis whose format and semantics these are; servers only log it.
        self.aux(b"redis-ver", b"7.2.0")?;
        self.aux(b"persistkv-ver", env!("CARGO_PKG_VERSION").as_bytes())?;
        self.aux(b"redis-bits", if cfg!(target_pointer_width = "64") { b"64" } else { b"32" })?;
        let number = |n: &dyn std::fmt::Display| n.to_string().into_bytes();
        self.aux(b"ctime", &number(&self.options.created_secs))?;
        self.aux(b"used-mem", &number(&self.options.used_memory))?;
        self.aux(b"aof-base", if self.options.aof_base { b"1" } else { b"0" })?;
        for (name, value) in std::mem::take(&mut self.options.aux) {
            self.aux(&name, &value)?;
        }
        self.module_aux(true)?;
        for code in std::mem::take(&mut self.options.functions) {
            self.out.byte(opcode::FUNCTION_2)?;
            self.out.string(&code)?;
        }
        Ok(())
    }

    fn aux(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        self.out.byte(opcode::AUX)?;
        self.out.string(name)?;
        self.out.string(value)
    }

    fn module_aux(&mut self, before_keys: bool) -> io::Result<()> {
        for aux in self.options.module_aux.iter().filter(|aux| aux.before_keys == before_keys) {
            self.out.byte(opcode::MODULE_AUX)?;
            self.out.bytes(&aux.bytes)?;
        }
        Ok(())
    }

    /// Tells readers how many keys of a database will follow, so that they can make room. A hint: it may be wrong.
    pub fn size_hint(&mut self, db: u32, keys: u64, expiring: u64) -> Result<()> {
        let mut write = || {
            self.select(db)?;
            self.out.byte(opcode::RESIZE_DB)?;
            self.out.len(keys)?;
            self.out.len(expiring)
        };
        write().map_err(|e| self.failed(e))
    }

    /// Writes the source of a function library. Belongs before the keys; readers before Redis 7.0 refuse such a file.
    pub fn function(&mut self, source: &[u8]) -> Result<()> {
        let result = self.out.byte(opcode::FUNCTION_2).and_then(|()| self.out.string(source));
        result.map_err(|e| self.failed(e))
    }

    fn select(&mut self, db: u32) -> io::Result<()> {
        if self.db != Some(db) {
            self.out.byte(opcode::SELECT_DB)?;
            self.out.len(u64::from(db))?;
            self.db = Some(db);
        }
        Ok(())
    }

    fn head(&mut self, head: HeadRef<'_>, kind: u8) -> io::Result<()> {
        self.select(head.db)?;
        if let Some(at) = head.expiry {
            self.out.byte(opcode::EXPIRE_MS)?;
            // -1 would be read as "does not expire"; -2 has expired as surely as -1.
            let at = if at == -1 { -2 } else { at };
            self.out.bytes(&at.to_le_bytes())?;
        }
        match self.options.clock.as_ref().map(|meaning| meaning(head.clock)) {
            Some(Clock::Idle(secs)) => {
                self.out.byte(opcode::IDLE)?;
                self.out.len(secs)?;
            }
            Some(Clock::Freq(count)) => self.out.bytes(&[opcode::FREQ, count])?,
            None => {}
        }
        self.out.byte(kind)?;
        self.keys += 1;
        self.out.string(head.key)
    }

    /// Bytes of the file so far.
    pub fn written(&self) -> u64 {
        self.out.written()
    }

    /// Keys so far.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// Ends the file with its checksum, flushes the destination and gives it back: syncing it is the caller's.
    pub fn finish(mut self) -> Result<(W, Written)> {
        if self.big.is_some() {
            return Err(self.misused("a snapshot ended within a key"));
        }
        let result = self.module_aux(false).and_then(|()| self.out.byte(opcode::EOF));
        result.map_err(|e| self.failed(e))?;
        let written = Written { keys: self.keys, bytes: self.out.written() + 8 };
        let file = self.options.file;
        let inner = self.out.finish_file().map_err(|e| Error::io("writing", &file, e))?;
        Ok((inner, written))
    }

    fn failed(&self, e: io::Error) -> Error {
        Error::io("writing", &self.options.file, e)
    }

    fn misused(&self, what: &'static str) -> Error {
        Error::new(ErrorKind::Internal, format!("writing {}: {what}", self.options.file.display()))
    }
}

impl<W: Write> Sink for Writer<W> {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        if self.big.is_some() {
            return Err(self.misused("a key began within another"));
        }
        // No server has empty aggregates, and Redis 6.2 would make a key of one.
        if encode::is_empty(body) {
            return Ok(());
        }
        let level = self.options.level;
        let result = self.head(head, encode::kind(body, level));
        result.and_then(|()| encode::body(&mut self.out, body, level)).map_err(|e| self.failed(e))
    }

    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, len: usize) -> Result<()> {
        if self.big.is_some() {
            return Err(self.misused("a key began within another"));
        }
        self.big = Some(Big { kind, owed: len });
        if len == 0 {
            return Ok(());
        }
        let level = self.options.level;
        let result = self.head(head, encode::big_kind(kind, level));
        result.and_then(|()| encode::big_head(&mut self.out, kind, len, level)).map_err(|e| self.failed(e))
    }

    fn elements(&mut self, records: &[u8]) -> Result<()> {
        let Some(Big { kind, owed }) = self.big else {
            return Err(self.misused("elements came outside a key"));
        };
        let count =
            encode::elements(&mut self.out, kind, records, self.options.level).map_err(|e| self.failed(e))?;
        let Some(owed) = owed.checked_sub(count) else {
            return Err(self.misused("a key has more elements than it announced"));
        };
        self.big = Some(Big { kind, owed });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.big.take() {
            Some(Big { owed: 0, .. }) => Ok(()),
            Some(_) => Err(self.misused("a key has fewer elements than it announced")),
            None => Err(self.misused("a key ended that did not begin")),
        }
    }
}
