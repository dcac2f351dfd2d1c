//! Looking a file over without keeping its data: the reader's own code, so that a file is sound here exactly when it
//! would load, and what is learned on the way.

use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;

use super::load::{
    self, LoadOptions, LoadReport, LoadedKey, LoadedValue, Loader, Problem, Refused, Stop, Verdict,
};
use super::module;
use crate::error::Result;
use crate::value::Value;

/// What a file holds, and what is wrong with it.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// Version, bytes, AUX fields, checksum.
    pub file: LoadReport,
    /// Keys by type, as users call them (`string`, `sorted set` …).
    pub types: BTreeMap<&'static str, u64>,
    /// Keys by the type byte in the file.
    pub kinds: BTreeMap<u8, u64>,
    /// Keys by database.
    pub databases: BTreeMap<u32, u64>,
    /// Keys that expire.
    pub expiring: u64,
    /// Of those, the ones that have by the time given.
    pub expired: u64,
    /// Elements of all aggregates, streams included.
    pub elements: u64,
    /// Values of modules by the module's name, data outside keys included.
    pub modules: BTreeMap<String, u64>,
    /// Names of the function libraries.
    pub functions: Vec<String>,
    /// What is sound but can not be loaded yet, each kind with its number.
    pub unsupported: BTreeMap<&'static str, u64>,
    /// The first thing wrong. Nothing behind it was looked at.
    pub problem: Option<Problem>,
}

impl CheckReport {
    /// Whether the file is what it should be, checksum included.
    pub fn is_sound(&self) -> bool {
        self.problem.is_none()
    }

    /// Whether it would load here.
    pub fn loads(&self) -> bool {
        self.is_sound() && self.unsupported.is_empty()
    }

    /// All keys.
    pub fn keys(&self) -> u64 {
        self.databases.values().sum()
    }
}

/// Walks a whole file. `now_ms` decides what counts as expired; nothing is dropped for it. Memory: the largest key,
/// and 16 bytes for each key seen.
///
/// # Errors
/// Only those of the stream (`Io`): what is wrong with the file is in the report.
pub fn check(stream: &mut dyn BufRead, options: &LoadOptions, now_ms: i64) -> Result<CheckReport> {
    let mut checker = Checker { report: CheckReport::default(), seen: HashSet::default(), now_ms };
    let mut file = LoadReport::default();
    match load::run(stream, options, &mut checker, &mut file) {
        Ok(()) => {}
        Err(Stop::Problem(problem)) => checker.report.problem = Some(problem.of_file(options)?),
        Err(Stop::Taker(error)) => return Err(error),
    }
    for aux in &file.module_aux {
        *checker.report.modules.entry(module::name(&aux.bytes)).or_default() += 1;
    }
    checker.report.file = file;
    Ok(checker.report)
}

struct Checker {
    report: CheckReport,
    /// 128 bits of hash for each key: a collision by chance is out of reach.
    seen: HashSet<u128, foldhash::fast::FixedState>,
    now_ms: i64,
}

impl Checker {
    fn count(&mut self, key: &LoadedKey<'_>, elements: u64) -> bool {
        let report = &mut self.report;
        *report.types.entry(load::kind_name(key.kind)).or_default() += 1;
        *report.kinds.entry(key.kind).or_default() += 1;
        *report.databases.entry(key.db).or_default() += 1;
        if let Some(at) = key.expiry {
            report.expiring += 1;
            report.expired += u64::from(at < self.now_ms);
        }
        report.elements += elements;
        self.seen.insert(fingerprint(key.db, key.key))
    }
}

fn fingerprint(db: u32, key: &[u8]) -> u128 {
    use std::hash::{BuildHasher, Hasher};
    let half = |seed: u64| {
        let mut hasher = foldhash::quality::FixedState::with_seed(seed).build_hasher();
        hasher.write_u32(db);
        hasher.write(key);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}

impl Loader for Checker {
    fn key(&mut self, key: &LoadedKey<'_>, value: LoadedValue) -> Result<bool> {
        let elements = match &value {
            LoadedValue::Value(Value::Module(bytes)) => {
                *self.report.modules.entry(module::name(bytes)).or_default() += 1;
                0
            }
            LoadedValue::Value(value) => value.len() as u64,
            LoadedValue::Int(_) | LoadedValue::Bytes(_) => 0,
        };
        Ok(self.count(key, elements))
    }

    fn function(&mut self, source: &[u8]) -> Result<bool> {
        if cfg!(feature = "lua") {
            self.report.functions.push(library_name(source));
        }
        Ok(cfg!(feature = "lua"))
    }

    fn unsupported(&mut self, key: Option<&LoadedKey<'_>>, what: &Refused) -> Verdict {
        let (name, elements) = match what {
            Refused::Function(source) => {
                self.report.functions.push(library_name(source));
                ("function library", 0)
            }
        };
        *self.report.unsupported.entry(name).or_default() += 1;
        if key.is_none_or(|key| self.count(key, elements)) { Verdict::LeaveOut } else { Verdict::Twice }
    }
}

/// The name in a library's first line, `#!lua name=…`.
fn library_name(source: &[u8]) -> String {
    let line = source.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let name = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("name="));
    name.unwrap_or("?").to_owned()
}
