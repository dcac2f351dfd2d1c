//! Files that real servers wrote, with what is in them (see `tests/fixtures/README.md`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::dataset::{DataSet, Entry, Fields, Group, Stream, Value};
use crate::server::TempDir;
use crate::text::unhex;

/// The servers whose files are kept.
pub const SERVERS: [&str; 8] = [
    "redis-6.2.5",
    "redis-7.0.15",
    "redis-7.2.6",
    "redis-7.4.1",
    "redis-8.2.3",
    "valkey-8.0.1",
    "valkey-8.1.8",
    "valkey-9.1.2",
];

/// One server's files and what they hold.
#[derive(Debug)]
pub struct Fixture {
    /// Which server, as `redis-7.0.15`.
    pub name: String,
    /// Where its files lie.
    pub dir: PathBuf,
    /// What a correct reader finds in them.
    pub expected: DataSet,
}

/// Loads one server's fixture.
pub fn load(name: &str) -> Fixture {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let path = dir.join("expected.json");
    let parsed = fs::read(&path).map_err(|e| e.to_string()).and_then(|bytes| {
        let json: Json = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        data_set(&json).ok_or_else(|| "not in the form that README.md describes".to_owned())
    });
    match parsed {
        Ok(expected) => Fixture { name: name.to_owned(), dir, expected },
        Err(e) => panic!("{}: {e}", path.display()),
    }
}

impl Fixture {
    /// A directory with a copy of the snapshot only.
    pub fn snapshot(&self) -> TempDir {
        let to = TempDir::new();
        copy(&self.dir.join("dump.rdb"), &to.path().join("dump.rdb"));
        to
    }

    /// A directory with a copy of the append-only log only.
    pub fn log(&self) -> TempDir {
        let to = TempDir::new();
        for name in ["appendonlydir", "appendonly.aof"] {
            let from = self.dir.join(name);
            if from.exists() {
                copy(&from, &to.path().join(name));
            }
        }
        to
    }

    /// Does an expiry count as absolute here? 6.2 knew no PEXPIRETIME when the fixture was made.
    pub fn knows_expiry_times(&self) -> bool {
        self.name != "redis-6.2.5"
    }
}

/// Copies a file, or a directory with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    let done = if from.is_dir() {
        fs::create_dir_all(to).and_then(|()| fs::read_dir(from)).map(|entries| {
            for entry in entries.flatten() {
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        })
    } else {
        fs::copy(from, to).map(drop)
    };
    if let Err(e) = done {
        panic!("copying {} to {}: {e}", from.display(), to.display());
    }
}

fn data_set(json: &Json) -> Option<DataSet> {
    let mut all = DataSet::default();
    for (name, content) in json.as_object()? {
        if name == "functions" {
            all.functions = Some(usize::try_from(content.as_u64()?).ok()?);
            continue;
        }
        let db = name.parse().ok()?;
        for (key, entry) in content.as_object()? {
            all.keys.insert((db, unhex(key)?), self::entry(entry)?);
        }
    }
    Some(all)
}

fn entry(json: &Json) -> Option<Entry> {
    let kind = json["type"].as_str()?;
    let value = &json["value"];
    Some(Entry {
        kind: kind.to_owned(),
        encoding: json["encoding"].as_str()?.to_owned(),
        expires_ms: match json["pexpiretime"].as_i64() {
            Some(at) => (at >= 0).then_some(at),
            // Only that there is one is known: the loader's caller compares that alone.
            None => json["pttl_set"].as_bool()?.then_some(0),
        },
        value: match kind {
            "string" => Value::String(hex(value)?),
            "list" => Value::List(hexes(value)?),
            "set" => Value::Set(hexes(value)?.into_iter().collect()),
            "hash" => Value::Hash(hash(value, &json["field_pexpiretime"])?),
            "zset" => Value::SortedSet(sorted_set(value)?),
            "stream" => Value::Stream(stream(json)?),
            _ => return None,
        },
    })
}

fn hash(value: &Json, expiries: &Json) -> Option<Fields> {
    let mut fields = Fields::new();
    for (i, pair) in value.as_array()?.iter().enumerate() {
        let expiry = expiries.get(i).and_then(Json::as_i64).filter(|at| *at >= 0);
        fields.insert(hex(&pair[0])?, (hex(&pair[1])?, expiry));
    }
    Some(fields)
}

fn sorted_set(value: &Json) -> Option<Vec<(Vec<u8>, f64)>> {
    value.as_array()?.iter().map(|pair| Some((hex(&pair[0])?, pair[1].as_str()?.parse().ok()?))).collect()
}

fn stream(json: &Json) -> Option<Stream> {
    let mut stream = Stream { last_id: hex(&json["last_id"])?, ..Stream::default() };
    for entry in json["value"].as_array()? {
        stream.entries.push((hex(&entry[0])?, hexes(&entry[1])?));
    }
    for group in json["groups"].as_array()? {
        let mut pending = Vec::new();
        for one in group["pending"].as_array()? {
            pending.push((hex(&one[0])?, hex(&one[1])?, one[2].as_i64()?));
        }
        let consumers: BTreeSet<_> = hexes(&group["consumers"])?.into_iter().collect();
        let group_value = Group { last_id: hex(&group["last_id"])?, consumers, pending };
        stream.groups.insert(hex(&group["name"])?, group_value);
    }
    Some(stream)
}

fn hex(json: &Json) -> Option<Vec<u8>> {
    unhex(json.as_str()?)
}

fn hexes(json: &Json) -> Option<Vec<Vec<u8>>> {
    json.as_array()?.iter().map(hex).collect()
}
