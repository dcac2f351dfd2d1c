//! The room's tests: files of real servers, data sets there and back, every line of the format, and damage.

mod damage;
mod fixtures;
mod format;
mod round_trip;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::encoding::num::fmt_i64;
use crate::error::{Error, Result};
use crate::value::saved::{Body, HeadRef, SavedBuf, Sink};
use crate::value::stream::picture::Picture;
use crate::value::{Limits, Value};

/// What a key holds, in a form that compares.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    /// Field, value, expiry.
    Hash(BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>),
    /// In rank order, scores by their bits.
    ZSet(Vec<(Vec<u8>, u64)>),
    Stream(Picture),
    Module(Vec<u8>),
}

impl Model {
    pub(super) fn of(value: &LoadedValue) -> Self {
        match value {
            LoadedValue::Int(n) => Self::String(fmt_i64(*n).to_vec()),
            LoadedValue::Bytes(bytes) => Self::String(bytes.clone()),
            LoadedValue::Value(value) => Self::of_value(value),
        }
    }

    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Str(bytes) => Self::String(bytes.to_vec()),
            Value::List(list) => Self::List(list.iter().map(|e| e.to_vec()).collect()),
            Value::Set(set) => Self::Set(set.iter().map(|e| e.to_vec()).collect()),
            Value::Hash(hash) => {
                Self::Hash(hash.iter().map(|(f, v, at)| (f.to_vec(), (v.to_vec(), at))).collect())
            }
            // Adding 0 takes the sign from -0, which a listpack made here has lost, as in Redis.
            Value::ZSet(zset) => {
                Self::ZSet(zset.iter().map(|(m, s)| (m.to_vec(), (s + 0.0).to_bits())).collect())
            }
            Value::Stream(stream) => Self::Stream(Picture::of(stream)),
            Value::Module(bytes) => Self::Module(bytes.to_vec()),
        }
    }

    /// What is left of it in a file of a level: streams lose what older servers do not know.
    pub(super) fn at_level(self, level: Level) -> Self {
        let kind = match level {
            Level::V9 => kind::STREAM,
            Level::V10 => kind::STREAM_2,
            Level::V11 | Level::V12 | Level::Valkey => kind::STREAM_3,
        };
        match self {
            Self::Stream(picture) => Self::Stream(picture.in_file(kind)),
            other => other,
        }
    }

    /// The value of these contents, by the same functions a file goes through.
    pub(super) fn build(&self, limits: &Limits) -> LoadedValue {
        use crate::value::hash::Hash;
        use crate::value::list::List;
        use crate::value::set::Set;
        use crate::value::zset;
        LoadedValue::Value(match self {
            Self::String(bytes) => {
                return match crate::encoding::num::parse_i64(bytes) {
                    Some(n) => LoadedValue::Int(n),
                    None => LoadedValue::Bytes(bytes.clone()),
                };
            }
            Self::List(elements) => Value::List(List::from_elements(elements, limits)),
            Self::Set(members) => {
                let mut set = Set::for_loading(members.len(), limits);
                members.iter().for_each(|m| set.load(m, limits).expect("members are distinct"));
                Value::Set(set)
            }
            Self::Hash(fields) => {
                let mut hash = Hash::for_loading(fields.len(), limits);
                for (field, (value, expiry)) in fields {
                    hash.load_expiring(field, value, *expiry, limits).expect("fields are distinct");
                }
                Value::Hash(hash)
            }
            Self::ZSet(members) => {
                let mut zset = zset::Builder::new(members.len());
                for (m, s) in members {
                    zset.add(m, f64::from_bits(*s)).expect("members are distinct and no score is NaN");
                }
                Value::ZSet(zset.finish(limits))
            }
            Self::Stream(picture) => Value::Stream(Box::new(picture.build())),
            Self::Module(bytes) => Value::Module(bytes.clone().into_boxed_slice()),
        })
    }
}

/// A key as it was loaded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Got {
    pub(super) expiry: Option<i64>,
    pub(super) idle_secs: Option<u64>,
    pub(super) freq: Option<u8>,
    pub(super) encoding: &'static str,
    pub(super) value: Model,
}

/// Keeps everything it is given.
#[derive(Default)]
pub(super) struct Keep {
    pub(super) keys: BTreeMap<(u32, Vec<u8>), Got>,
    pub(super) values: BTreeMap<(u32, Vec<u8>), LoadedValue>,
    pub(super) hints: Vec<(u32, u64, u64)>,
    pub(super) functions: Vec<Vec<u8>>,
    /// Refuse what is not supported, as a store does.
    pub(super) strict: bool,
}

impl Loader for Keep {
    fn key(&mut self, key: &LoadedKey<'_>, value: LoadedValue) -> Result<bool> {
        let encoding = match &value {
            LoadedValue::Int(_) => "int",
            LoadedValue::Bytes(bytes) if bytes.len() <= 44 => "embstr",
            LoadedValue::Bytes(_) => "raw",
            LoadedValue::Value(value) => value.encoding(),
        };
        let got = Got {
            expiry: key.expiry,
            idle_secs: key.idle_secs,
            freq: key.freq,
            encoding,
            value: Model::of(&value),
        };
        self.values.insert((key.db, key.key.to_vec()), value);
        Ok(self.keys.insert((key.db, key.key.to_vec()), got).is_none())
    }

    fn size_hint(&mut self, db: u32, keys: u64, expiring: u64) {
        self.hints.push((db, keys, expiring));
    }

    fn unsupported(&mut self, key: Option<&LoadedKey<'_>>, what: &Refused) -> Verdict {
        if self.strict {
            return Verdict::Refuse;
        }
        let name = key.map(|key| (key.db, key.key.to_vec()));
        match (what, name) {
            (Refused::Function(source), _) => self.functions.push(source.clone()),
        }
        Verdict::LeaveOut
    }
}

pub(super) fn read(bytes: &[u8], options: &LoadOptions) -> Result<(Keep, LoadReport)> {
    let mut keep = Keep::default();
    let report = load(&mut &*bytes, options, &mut keep)?;
    Ok((keep, report))
}

pub(super) fn read_error(bytes: &[u8]) -> Error {
    match read(bytes, &LoadOptions::default()) {
        Ok(_) => panic!("this must not load: {}", bytes.escape_ascii()),
        Err(error) => error,
    }
}

pub(super) fn head(db: u32, key: &[u8], expiry: Option<i64>) -> HeadRef<'_> {
    HeadRef { db, key, expiry, clock: 0 }
}

/// Gives a value to a sink as a cut does.
pub(super) fn put(sink: &mut dyn Sink, head: HeadRef<'_>, value: &LoadedValue) -> Result<()> {
    match value {
        LoadedValue::Int(n) => sink.entry(head, &Body::Int(*n)),
        LoadedValue::Bytes(bytes) => sink.entry(head, &Body::Bytes(bytes)),
        LoadedValue::Value(value) => {
            let mut buf = SavedBuf::default();
            value.save(head, &mut buf);
            buf.drain(sink)
        }
    }
}

/// A file of these keys.
pub(super) fn write(
    options: WriteOptions,
    keys: &[(HeadRef<'_>, &LoadedValue)],
) -> std::result::Result<Vec<u8>, Error> {
    let mut writer = Writer::new(Vec::new(), options)?;
    for (head, value) in keys {
        put(&mut writer, *head, value)?;
    }
    let (bytes, written) = writer.finish()?;
    assert_eq!(written.bytes, bytes.len() as u64);
    assert_eq!(written.keys, keys.len() as u64);
    Ok(bytes)
}

/// A file from its parts: header, body, end, and a right checksum.
pub(super) fn file(magic: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = magic.as_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes.push(opcode::EOF);
    let crc = crate::encoding::crc64::update(0, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'|').collect();
    let pair = |p: &[u8]| {
        u8::from_str_radix(std::str::from_utf8(p).expect("test data are ASCII"), 16)
            .expect("test data are hexadecimal")
    };
    digits.chunks(2).map(pair).collect()
}
