//! Reading a snapshot: the framing around the keys, and what is said when it does not hold.

use std::io::{self, BufRead};
use std::path::PathBuf;

use super::fault::{Fault, Res};
use super::input::Input;
use super::module::{self, ModuleAux};
use super::object;
use super::writer::is_foreign_aux;
use super::{REDIS_VERSION, VALKEY_VERSION, kind, opcode};
use crate::error::{Error, Result};
use crate::value::{Limits, Value};

/// Whose numbering a version belongs to. Some bytes mean different things to the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// `REDIS0001` to `REDIS0012`; Valkey up to 8.1 writes these as well.
    #[default]
    Redis,
    /// `VALKEY080`.
    Valkey,
}

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// Whose numbering.
    pub family: Family,
    /// The version number.
    pub version: u16,
}

/// How to read a snapshot.
pub struct LoadOptions {
    /// Names the source in error messages.
    pub file: PathBuf,
    /// The size in bytes of the file or stream from where reading begins, if known: it lets room be made for large
    /// values at once without believing their word.
    pub size: Option<u64>,
    /// The limits of compact forms.
    pub limits: Limits,
    /// How many databases there are; keys of others are an error.
    pub databases: u32,
    /// Keys that expired before this time (ms since the epoch) are dropped and counted, as a server does that loads its
    /// own `dump.rdb`. `None` keeps them, as for the base of an append-only log.
    pub drop_expired_before: Option<i64>,
    /// `rdbchecksum`: whether a wrong checksum is an error.
    pub checksum: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            file: PathBuf::from("dump.rdb"),
            size: None,
            limits: Limits::default(),
            databases: 16,
            drop_expired_before: None,
            checksum: true,
        }
    }
}

/// A key from a file.
#[derive(Clone, Copy, Debug)]
pub struct LoadedKey<'a> {
    /// Database index.
    pub db: u32,
    /// Its name.
    pub key: &'a [u8],
    /// Absolute expiry, ms since the epoch. May lie in the past.
    pub expiry: Option<i64>,
    /// Seconds since its last access, if the file tells.
    pub idle_secs: Option<u64>,
    /// Its logarithmic access counter, if the file tells.
    pub freq: Option<u8>,
    /// The type byte in the file.
    pub kind: u8,
}

/// A value from a file or a DUMP payload, checked and in its in-memory form.
pub enum LoadedValue {
    /// A string that is the canonical text of an integer.
    Int(i64),
    /// Any other string.
    Bytes(Vec<u8>),
    /// Anything else: never a [`Value::Str`], never an empty aggregate.
    Value(Value),
}

/// What is sound but can not be held yet.
pub enum Refused {
    /// The source of a function library.
    Function(Vec<u8>),
}

impl Refused {
    fn what(&self) -> &'static str {
        match self {
            Refused::Function(_) => "function libraries can not be held",
        }
    }
}

/// What becomes of something sound that can not be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Loading ends with an error that names it.
    Refuse,
    /// It is left out and counted.
    LeaveOut,
    /// There is a key of that name in that database already: an error of the file.
    Twice,
}

/// Who takes the data.
pub trait Loader {
    /// Takes a key; false when there is one of that name in that database already, which is an error of the file.
    fn key(&mut self, key: &LoadedKey<'_>, value: LoadedValue) -> Result<bool>;

    /// About how many keys a database will get, and how many of them expire. Never more than the file can hold.
    fn size_hint(&mut self, db: u32, keys: u64, expiring: u64) {
        let _ = (db, keys, expiring);
    }

    /// Takes the text of a function library; false when it can not be held.
    fn function(&mut self, source: &[u8]) -> Result<bool> {
        let _ = source;
        Ok(false)
    }

    /// Something sound that can not be held (`key` is `None` for a function library). Refused by default.
    fn unsupported(&mut self, key: Option<&LoadedKey<'_>>, what: &Refused) -> Verdict {
        let _ = (key, what);
        Verdict::Refuse
    }

    /// Called every few megabytes with the number of bytes read.
    fn progress(&mut self, bytes: u64) {
        let _ = bytes;
    }
}

/// What is known about the file's checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// The end was not reached, or the version (below 5) has none.
    #[default]
    Absent,
    /// Written as 0: whoever wrote the file did not compute it.
    NotComputed,
    /// It is right.
    Verified,
    /// It was not looked at (`rdbchecksum no`).
    Ignored,
}

/// What a snapshot had to say.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// What the header says.
    pub format: Format,
    /// Bytes consumed from the stream: the next one is whatever follows the snapshot.
    pub bytes: u64,
    /// Keys handed over.
    pub keys: u64,
    /// Keys dropped since they had expired.
    pub expired: u64,
    /// Aggregates without elements, left out as servers do.
    pub empty: u64,
    /// What the loader chose to leave out.
    pub left_out: u64,
    /// The AUX fields in the order of the file.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// What modules stored outside keys.
    pub module_aux: Vec<ModuleAux>,
    /// The checksum.
    pub checksum: Checksum,
}

impl LoadReport {
    /// The value of an AUX field.
    pub fn aux(&self, name: &str) -> Option<&[u8]> {
        self.aux.iter().find(|(field, _)| field == name.as_bytes()).map(|(_, value)| &value[..])
    }

    /// The AUX fields that the next snapshot should carry on: those nobody here understands.
    pub fn foreign_aux(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.aux.iter().filter(|(name, _)| is_foreign_aux(name)).cloned().collect()
    }
}

/// What is wrong with a file, where, and what can be done.
#[derive(Debug)]
pub struct Problem {
    /// Byte offset at which reading stopped: the fault lies at it or shortly before.
    pub offset: u64,
    /// What is wrong, with the key if it lies in one.
    pub what: String,
    /// What the user can do.
    pub remedy: &'static str,
    io: Option<io::Error>,
}

impl Problem {
    /// The problem, unless it is not the file's but the stream's.
    pub(super) fn of_file(self, options: &LoadOptions) -> Result<Self> {
        if self.io.is_some() { Err(self.into_error(options)) } else { Ok(self) }
    }

    fn into_error(self, options: &LoadOptions) -> Error {
        let Problem { offset, what, remedy, io } = self;
        if let Some(e) = io {
            return Error::io("reading", &options.file, e);
        }
        Error::corrupt(options.file.display(), offset, format_args!("{what}; {remedy}"))
    }
}

/// Why reading stopped.
pub(super) enum Stop {
    Problem(Problem),
    Taker(Error),
}

const TWICE: &str = "the key comes twice";
const RESTORE: &str = "restore the file from a backup";
const COMPLETE: &str = "the file is incomplete: restore a whole copy of it";

/// Reads one snapshot from `stream`, which is left right behind its last byte, and hands its keys to `loader`.
///
/// The file is not taken until this returns `Ok`: the checksum comes last, so a loader throws away what it was given
/// when an error follows. Memory beyond what the loader keeps is bounded by the largest key.
///
/// # Errors
/// `Corrupt` names file, offset, key and remedy; `Io` is the stream's; any error of the loader's ends the reading.
pub fn load(stream: &mut dyn BufRead, options: &LoadOptions, loader: &mut dyn Loader) -> Result<LoadReport> {
    let mut report = LoadReport::default();
    match run(stream, options, loader, &mut report) {
        Ok(()) => Ok(report),
        Err(Stop::Problem(problem)) => Err(problem.into_error(options)),
        Err(Stop::Taker(error)) => Err(error),
    }
}

/// The same, with what was learned up to the point where it stopped.
pub(super) fn run(
    stream: &mut dyn BufRead,
    options: &LoadOptions,
    loader: &mut dyn Loader,
    report: &mut LoadReport,
) -> std::result::Result<(), Stop> {
    let mut load = Load {
        input: Input::new(stream, options.size),
        options,
        loader,
        report,
        db: 0,
        key: Vec::new(),
        place: Place::Frame,
    };
    if !options.checksum {
        load.input.no_checksum();
    }
    let result = load.file();
    load.report.bytes = load.input.offset();
    let stop = match result {
        Ok(()) => {
            load.input.settle();
            return Ok(());
        }
        Err(fault) => load.stop(fault),
    };
    Err(stop)
}

/// What is being read, for error messages.
#[derive(Clone, Copy)]
enum Place {
    Frame,
    Aux,
    Function,
    KeyName,
    Value(u8),
}

/// What stands before a key and is about it.
#[derive(Default)]
struct Attributes {
    expiry: Option<i64>,
    idle_secs: Option<u64>,
    freq: Option<u8>,
}

struct Load<'a, 'r> {
    input: Input<'r>,
    options: &'a LoadOptions,
    loader: &'a mut dyn Loader,
    report: &'a mut LoadReport,
    db: u32,
    key: Vec<u8>,
    place: Place,
}

/// How often a loader hears of progress.
const PROGRESS_BYTES: u64 = 2 * 1024 * 1024;

/// Without knowing the file's size, hints are believed up to this many keys.
const HINT_MAX: u64 = 1 << 20;
/// The fewest bytes a key can take: type, empty name, empty value.
const KEY_BYTES_MIN: u64 = 3;

impl Load<'_, '_> {
    fn file(&mut self) -> Res<()> {
        self.report.format = self.header()?;
        let mut attributes = Attributes::default();
        let mut told = 0;
        loop {
            self.place = Place::Frame;
            match self.input.byte()? {
                opcode::EOF => break,
                opcode::SELECT_DB => self.select_db()?,
                opcode::RESIZE_DB => self.resize_db()?,
                opcode::EXPIRE_MS => attributes.expiry = expiry(self.input.i64_le()?),
                opcode::EXPIRE => {
                    let secs = i32::from_le_bytes(self.input.array()?);
                    attributes.expiry = expiry(i64::from(secs) * 1000);
                }
                opcode::IDLE => attributes.idle_secs = Some(self.input.len()?),
                opcode::FREQ => attributes.freq = Some(self.input.byte()?),
                opcode::AUX => self.aux()?,
                opcode::MODULE_AUX => {
                    self.place = Place::Aux;
                    let aux = module::aux(&mut self.input)?;
                    self.report.module_aux.push(aux);
                }
                opcode::FUNCTION_2 => {
                    self.place = Place::Function;
                    let source = self.input.string()?;
                    if !self.loader.function(&source).map_err(Fault::Taker)? {
                        self.unsupported(None, Refused::Function(source))?;
                    }
                }
                opcode::FUNCTION_PRE_GA => self.function_pre_ga()?,
                opcode::SLOT_INFO => {
                    for _ in 0..3 {
                        self.input.len()?;
                    }
                }
                opcode::SLOT_IMPORT if self.report.format.family == Family::Valkey => self.slot_import()?,
                kind => self.key(kind, std::mem::take(&mut attributes))?,
            }
            let offset = self.input.offset();
            if offset - told >= PROGRESS_BYTES {
                told = offset;
                self.loader.progress(offset);
            }
        }
        self.end()
    }

    fn header(&mut self) -> Res<Format> {
        if self.input.at_end()? {
            let remedy = "restore it from a backup, or remove it to start without data";
            return Err(Fault::Refused("the file is empty, which no snapshot is".into(), remedy));
        }
        let magic: [u8; 9] = self.input.array()?;
        let (family, digits) = match &magic {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => (Family::Redis, &digits[..]),
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => (Family::Valkey, &digits[..]),
            _ => {
                let what = format!("it begins with \"{}\", which no snapshot does", magic.escape_ascii());
                return Err(Fault::Refused(what.into(), "name a file in the RDB format of Redis or Valkey"));
            }
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Fault::corrupt(format!("\"{}\" has no version number", magic.escape_ascii()));
        }
        let version = digits.iter().fold(0u16, |n, digit| n * 10 + u16::from(digit - b'0'));
        let known = match family {
            Family::Redis => (1..=REDIS_VERSION).contains(&version),
            Family::Valkey => version == VALKEY_VERSION,
        };
        if !known {
            let what = format!(
                "its version is \"{}\", but only REDIS0001 to REDIS{REDIS_VERSION:04} and VALKEY{VALKEY_VERSION:03} \
                 are known",
                magic.escape_ascii()
            );
            return Err(Fault::Refused(
                what.into(),
                "use a newer persistkv, or save the data with an older server",
            ));
        }
        Ok(Format { family, version })
    }

    fn select_db(&mut self) -> Res<()> {
        let db = self.input.len()?;
        match u32::try_from(db) {
            Ok(db) if db < self.options.databases => {
                self.db = db;
                Ok(())
            }
            _ => {
                let what = format!("it has keys in database {db}, but there are {}", self.options.databases);
                Err(Fault::Refused(what.into(), "raise the directive `databases`"))
            }
        }
    }

    fn resize_db(&mut self) -> Res<()> {
        let max = self.options.size.map_or(HINT_MAX, |size| size / KEY_BYTES_MIN);
        let keys = self.input.len()?.min(max);
        let expiring = self.input.len()?.min(keys);
        self.loader.size_hint(self.db, keys, expiring);
        Ok(())
    }

    fn aux(&mut self) -> Res<()> {
        self.place = Place::Aux;
        let (mut name, mut value) = (Vec::new(), Vec::new());
        self.input.element(&mut name)?;
        self.input.element(&mut value)?;
        self.report.aux.push((name, value));
        Ok(())
    }

    /// Of release candidates of 7.0: no release reads them any more, but what is in them is told.
    fn function_pre_ga(&mut self) -> Res<()> {
        self.place = Place::Function;
        let mut text = Vec::new();
        self.input.element(&mut text)?;
        self.input.element(&mut text)?;
        if self.input.len()? != 0 {
            self.input.element(&mut text)?;
        }
        let source = self.input.string()?;
        self.unsupported(None, Refused::Function(source))
    }

    fn slot_import(&mut self) -> Res<()> {
        let mut name = Vec::new();
        self.input.element(&mut name)?;
        for _ in 0..self.input.len()? {
            self.input.len()?;
            self.input.len()?;
        }
        Ok(())
    }

    fn key(&mut self, kind: u8, attributes: Attributes) -> Res<()> {
        self.place = Place::KeyName;
        let mut name = std::mem::take(&mut self.key);
        let read = if is_kind(kind) {
            self.input.element(&mut name)
        } else {
            Fault::corrupt(format!("byte {kind} is neither a type of value nor anything else known"))
        };
        self.key = name;
        read?;
        self.place = Place::Value(kind);
        let value = match object::read(&mut self.input, kind, self.report.format.family, &self.options.limits)
        {
            Err(Fault::Empty) => {
                self.report.empty += 1;
                return Ok(());
            }
            value => value?,
        };
        let Attributes { expiry, idle_secs, freq } = attributes;
        if let (Some(at), Some(now)) = (expiry, self.options.drop_expired_before)
            && at < now
        {
            self.report.expired += 1;
            return Ok(());
        }
        // Taken out while the loader has a look at it: the loader is borrowed from self as well.
        let name = std::mem::take(&mut self.key);
        let key = LoadedKey { db: self.db, key: &name, expiry, idle_secs, freq, kind };
        let result = match self.loader.key(&key, value) {
            Ok(true) => {
                self.report.keys += 1;
                Ok(())
            }
            Ok(false) => Fault::corrupt(TWICE),
            Err(error) => Err(Fault::Taker(error)),
        };
        self.key = name;
        result
    }

    fn unsupported(&mut self, key: Option<&LoadedKey<'_>>, what: Refused) -> Res<()> {
        match self.loader.unsupported(key, &what) {
            Verdict::LeaveOut => {
                self.report.left_out += 1;
                Ok(())
            }
            Verdict::Twice => Fault::corrupt(TWICE),
            Verdict::Refuse => Err(Fault::Refused(
                what.what().into(),
                "open the data with a server, or wait for a later persistkv",
            )),
        }
    }

    fn end(&mut self) -> Res<()> {
        if self.report.format.version < 5 {
            return Ok(());
        }
        let computed = self.input.checksum();
        let stored = u64::from_le_bytes(self.input.array()?);
        self.report.checksum = match computed {
            None => Checksum::Ignored,
            Some(_) if stored == 0 => Checksum::NotComputed,
            Some(crc) if crc == stored => Checksum::Verified,
            Some(crc) => {
                let what = format!("the checksum is {stored:016x}, but the bytes give {crc:016x}");
                return Err(Fault::Refused(
                    what.into(),
                    "the file was damaged after it was written: restore it from a backup, or set `rdbchecksum no` to \
                     load it as it is",
                ));
            }
        };
        Ok(())
    }

    fn stop(&self, fault: Fault) -> Stop {
        let (what, remedy, io) = match fault {
            Fault::Taker(error) => return Stop::Taker(error),
            Fault::Io(e) => (e.to_string().into(), "see the system's message", Some(e)),
            Fault::Short => ("it ends too early".into(), COMPLETE, None),
            Fault::Corrupt(what) => (what, RESTORE, None),
            Fault::Refused(what, remedy) => (what, remedy, None),
            Fault::Empty => ("a value has no elements".into(), RESTORE, None),
        };
        let what = format!("{}{what}", self.context());
        Stop::Problem(Problem { offset: self.input.offset(), what, remedy, io })
    }

    /// Where in the file's meaning the reading is, as the beginning of a sentence.
    fn context(&self) -> String {
        match self.place {
            Place::Frame => String::new(),
            Place::Aux => "in an auxiliary field: ".into(),
            Place::Function => "in a function library: ".into(),
            Place::KeyName => format!("in a key's name, database {}: ", self.db),
            Place::Value(kind) => {
                format!("in the {} {} of database {}: ", kind_name(kind), quoted(&self.key), self.db)
            }
        }
    }
}

/// -1 has always been the servers' own mark for "does not expire".
fn expiry(at: i64) -> Option<i64> {
    (at != -1).then_some(at)
}

/// Whether a type byte is known in any family.
fn is_kind(kind: u8) -> bool {
    kind <= kind::HASH_LISTPACK_TTL && kind != 8
}

/// What users call the type of a type byte.
pub(super) fn kind_name(kind: u8) -> &'static str {
    match kind {
        kind::STRING => "string",
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => "list",
        kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => "set",
        kind::ZSET | kind::ZSET_2 | kind::ZSET_ZIPLIST | kind::ZSET_LISTPACK => "sorted set",
        kind::STREAM | kind::STREAM_2 | kind::STREAM_3 => "stream",
        kind::MODULE_PRE_GA | kind::MODULE_2 => "module value",
        _ => "hash",
    }
}

/// A key as it can be shown: escaped, and cut when it is long.
fn quoted(key: &[u8]) -> String {
    const SHOWN: usize = 60;
    let more = if key.len() > SHOWN { "…" } else { "" };
    format!("\"{}{more}\"", key[..key.len().min(SHOWN)].escape_ascii())
}
