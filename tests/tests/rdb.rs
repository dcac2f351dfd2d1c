//! Snapshots and DUMP payloads judged by real servers: what they wrote is read here as they described it, what is
//! written here loads there, and what is damaged is refused here wherever the strictest of them refuses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use fastrand::Rng;
use persistkv::Result;
use persistkv::encoding::crc64;
use persistkv::rdb::{self, Level, LoadOptions, LoadedKey, LoadedValue, Loader, Refused, Verdict};
use persistkv::value::hash::Hash;
use persistkv::value::list::List;
use persistkv::value::saved::{Body, HeadRef, SavedBuf, Sink};
use persistkv::value::set::Set;
use persistkv::value::stream::StreamId;
use persistkv::value::{Limits, Value as Form, zset};
use persistkv_tests::dataset::{DataSet, Encodings, Entry, Group, Stream, Strictness, Value};
use persistkv_tests::server::{self, Server, TempDir};
use persistkv_tests::text::quote;
use persistkv_tests::{Endpoint, Reply, fixtures, skip_unless_server};

/// Takes a snapshot into the form that compares.
#[derive(Default)]
struct Taken {
    data: DataSet,
    values: BTreeMap<(u32, Vec<u8>), LoadedValue>,
}

impl Loader for Taken {
    fn key(&mut self, key: &LoadedKey<'_>, value: LoadedValue) -> Result<bool> {
        let name = (key.db, key.key.to_vec());
        let mut entry = describe(&value);
        entry.expires_ms = key.expiry;
        self.values.insert(name.clone(), value);
        Ok(self.data.keys.insert(name, entry).is_none())
    }

    fn unsupported(&mut self, key: Option<&LoadedKey<'_>>, what: &Refused) -> Verdict {
        match (what, key) {
            (Refused::Function(_), _) => *self.data.functions.get_or_insert(0) += 1,
        }
        Verdict::LeaveOut
    }
}

fn describe(value: &LoadedValue) -> Entry {
    let entry = |kind: &str, encoding: &str, value| Entry {
        kind: kind.to_owned(),
        encoding: encoding.to_owned(),
        expires_ms: None,
        value,
    };
    let value = match value {
        LoadedValue::Int(n) => return entry("string", "int", Value::String(n.to_string().into_bytes())),
        LoadedValue::Bytes(bytes) => {
            return entry("string", "raw", Value::String(bytes.clone()));
        }
        LoadedValue::Value(value) => value,
    };
    let content = match value {
        Form::Str(bytes) => Value::String(bytes.to_vec()),
        Form::List(list) => Value::List(list.iter().map(|e| e.to_vec()).collect()),
        Form::Set(set) => Value::Set(set.iter().map(|e| e.to_vec()).collect()),
        Form::Hash(hash) => {
            Value::Hash(hash.iter().map(|(f, v, at)| (f.to_vec(), (v.to_vec(), at))).collect())
        }
        Form::ZSet(zset) => Value::SortedSet(zset.iter().map(|(m, s)| (m.to_vec(), s)).collect()),
        Form::Stream(stream) => Value::Stream(describe_stream(stream)),
        Form::Module(_) => panic!("no server here has modules"),
        #[allow(unreachable_patterns, reason = "types are still being added")]
        _ => panic!("a type this test does not know"),
    };
    entry(value.type_name(), value.encoding(), content)
}

fn id(id: StreamId) -> Vec<u8> {
    id.text().as_ref().to_vec()
}

fn describe_stream(stream: &persistkv::value::stream::Stream) -> Stream {
    let group = |group: &persistkv::value::stream::Group| Group {
        last_id: id(group.last_id),
        consumers: group.consumers().map(|c| c.name().to_vec()).collect(),
        pending: group
            .pending(StreamId::MIN, StreamId::MAX)
            .map(|(at, p)| (id(at), group.owner_of(p).name().to_vec(), p.times as i64))
            .collect(),
    };
    Stream {
        entries: stream
            .iter()
            .map(|entry| (id(entry.id), entry.pairs().flat_map(|(f, v)| [f.to_vec(), v.to_vec()]).collect()))
            .collect(),
        last_id: id(stream.last_id()),
        counts: None,
        groups: stream.groups().map(|(name, g)| (name.to_vec(), group(g))).collect(),
    }
}

/// Up to which length a string is embstr differs from server to server.
fn forget_embstr(data: &mut DataSet) {
    for entry in data.keys.values_mut().filter(|entry| entry.encoding == "embstr") {
        entry.encoding = "raw".into();
    }
}

fn take(bytes: &[u8]) -> (Taken, rdb::LoadReport) {
    let mut taken = Taken::default();
    match rdb::load(&mut &*bytes, &LoadOptions::default(), &mut taken) {
        Ok(report) => (taken, report),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn fixtures_hold_what_they_say() {
    for name in fixtures::SERVERS {
        let fixture = fixtures::load(name);
        let bytes = fs::read(fixture.dir.join("dump.rdb")).expect("it is in the repository");
        let (taken, report) = take(&bytes);
        assert_eq!(report.checksum, rdb::Checksum::Verified, "{name}");
        let mut expected = fixture.expected.clone();
        forget_embstr(&mut expected);
        if name == "valkey-9.1.2" {
            // Valkey keeps every hash with expiring fields in a table.
            for entry in expected.keys.values_mut() {
                let Value::Hash(fields) = &entry.value else { continue };
                let small = fields.iter().all(|(field, (value, _))| field.len().max(value.len()) <= 64);
                if small && fields.values().any(|(_, at)| at.is_some()) {
                    entry.encoding = "listpackex".into();
                }
            }
        }
        let old = matches!(name, "redis-6.2.5" | "redis-7.0.15");
        let encodings = if old { Encodings::Ignored } else { Encodings::Compared };
        let tolerance = if fixture.knows_expiry_times() { 0 } else { i64::MAX };
        let by = Strictness { expiry_tolerance_ms: tolerance, encodings, ..Strictness::EXACT };
        expected.assert_same(&taken.data, by, name);
    }
}

/// A string, element or field: numbers, texts that compress, noise, of lengths around every limit.
fn element(rng: &mut Rng, i: usize) -> Vec<u8> {
    let noise = |rng: &mut Rng, len: usize| (0..len).map(|_| rng.u8(..)).collect::<Vec<_>>();
    match rng.u8(..8) {
        0 => (rng.i64(..) >> rng.u8(..64)).to_string().into_bytes(),
        1 => format!("{i}").into_bytes(),
        2 => format!("element {i} {}", "a long tail ".repeat(rng.usize(..3))).into_bytes(),
        3 => {
            let len = [0, 1, 11, 12, 20, 21, 44, 45][rng.usize(..8)];
            noise(rng, len)
        }
        4 => format!("x{i}").into_bytes(),
        5 => {
            let len = rng.usize(..60);
            noise(rng, len)
        }
        _ => format!("e{i:05}").into_bytes(),
    }
}

fn long_element(rng: &mut Rng, i: usize) -> Vec<u8> {
    match rng.u8(..30) {
        0 => format!("{i} {}", "z".repeat([63, 64, 65, 200, 9000][rng.usize(..5)])).into_bytes(),
        _ => element(rng, i),
    }
}

/// Values of every type, small, around the limits of the compact forms, and big.
fn values(rng: &mut Rng) -> Vec<LoadedValue> {
    let limits = Limits::default();
    let mut all = Vec::new();
    for n in [1, 2, 5, 30, 127, 128, 129, 511, 512, 513, 3000] {
        for long in [false, true] {
            let mut distinct = BTreeSet::new();
            let one = |rng: &mut Rng, i| if long { long_element(rng, i) } else { element(rng, i) };
            while distinct.len() < n {
                distinct.insert(one(rng, distinct.len()));
            }
            let string = one(rng, n);
            all.push(match std::str::from_utf8(&string).ok().and_then(|s| s.parse::<i64>().ok()) {
                Some(number) if number.to_string().as_bytes() == string => LoadedValue::Int(number),
                _ => LoadedValue::Bytes(string),
            });
            let elements: Vec<_> = (0..n).map(|i| one(rng, i)).collect();
            all.push(LoadedValue::Value(Form::List(List::from_elements(&elements, &limits))));
            let mut set = Set::for_loading(n, &limits);
            let mut hash = Hash::for_loading(n, &limits);
            let mut sorted = zset::Builder::new(n);
            for (i, member) in distinct.iter().enumerate() {
                let score = match rng.u8(..4) {
                    0 => f64::from(rng.i32(-50..50)),
                    1 => rng.f64() * 1e9,
                    2 => [f64::INFINITY, f64::NEG_INFINITY, 1e300, 0.1][rng.usize(..4)],
                    _ => i as f64,
                };
                set.load(member, &limits).expect("members are distinct");
                hash.load(member, &one(rng, i), &limits).expect("fields are distinct");
                sorted.add(member, score).expect("members are distinct");
            }
            all.push(LoadedValue::Value(Form::Set(set)));
            all.push(LoadedValue::Value(Form::Hash(hash)));
            all.push(LoadedValue::Value(Form::ZSet(sorted.finish(&limits))));
            let mut numbers = Set::for_loading(n, &limits);
            for i in 0..n {
                numbers.load((i * i * 1000).to_string().as_bytes(), &limits).expect("squares are distinct");
            }
            all.push(LoadedValue::Value(Form::Set(numbers)));
        }
    }
    all
}

fn put(sink: &mut dyn Sink, head: HeadRef<'_>, value: &LoadedValue) -> Result<()> {
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

/// Which servers each level is for.
const READERS: [(Level, &[&str]); 3] = [
    (Level::V9, &["r62", "r70", "r82", "v81", "v91"]),
    (Level::V10, &["r70", "r82", "v81", "v91"]),
    (Level::V11, &["r82", "v81", "v91"]),
];

#[test]
fn our_snapshots_load_in_real_servers() {
    let mut rng = Rng::with_seed(21);
    let values = values(&mut rng);
    for (level, tags) in READERS {
        for (compress, checksum) in [(true, true), (false, false)] {
            let options = rdb::WriteOptions {
                level,
                compress,
                checksum,
                aux: vec![(b"a-field".to_vec(), b"of somebody else".to_vec())],
                clock: compress.then(|| Box::new(|_| rdb::Clock::Idle(77)) as _),
                ..rdb::WriteOptions::default()
            };
            let mut writer = rdb::Writer::new(Vec::new(), options).expect("a vector takes everything");
            writer.size_hint(3, 1_000_000, 5).expect("as above");
            let mut wanted = DataSet::default();
            for (i, value) in values.iter().enumerate() {
                let (db, key) = ((i % 4) as u32, format!("key:{i}").into_bytes());
                let expiry = (i % 3 == 0).then_some(4_102_444_800_000 + i as i64);
                let head = HeadRef { db, key: &key, expiry, clock: 0 };
                put(&mut writer, head, value).expect("as above");
                let entry = Entry { expires_ms: expiry, ..describe(value) };
                wanted.keys.insert((db, key), entry);
            }
            let (bytes, _) = writer.finish().expect("as above");
            let dir = TempDir::new();
            let file = dir.path().join("dump.rdb");
            fs::write(&file, &bytes).expect("a temporary directory can be written to");
            for tag in tags {
                if let Some((ok, said)) = server::check(tag, "redis-check-rdb", &file) {
                    assert!(ok, "{tag}: {said}");
                }
                let server = Server::start_in(tag, dir.path(), &[]);
                let Some(server) = server else { return };
                let mut there = DataSet::read(&mut server.connect());
                forget_embstr(&mut there);
                // What is a listpack here is a quicklist or a table there, where listpacks are younger.
                let encodings =
                    if matches!(*tag, "r62" | "r70") { Encodings::Ignored } else { Encodings::Compared };
                let tolerance = if *tag == "r62" { 2000 } else { 0 };
                let by = Strictness { encodings, expiry_tolerance_ms: tolerance, ..Strictness::EXACT };
                wanted.assert_same(&there, by, &format!("{level:?} in {tag}"));
            }
        }
    }
}

fn words(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

#[test]
fn payloads_go_to_and_fro() {
    let mut rng = Rng::with_seed(22);
    let values = values(&mut rng);
    let limits = Limits::default();
    for (tag, level) in [
        ("r62", Level::V9),
        ("r70", Level::V10),
        ("r82", Level::V11),
        ("v81", Level::V11),
        ("v91", Level::V11),
    ] {
        let server = skip_unless_server!(tag);
        let mut redis = server.connect();
        for (i, value) in values.iter().enumerate() {
            let payload = match value {
                LoadedValue::Int(n) => rdb::dump_payload(&Body::Int(*n), level, true),
                LoadedValue::Bytes(bytes) => rdb::dump_payload(&Body::Bytes(bytes), level, true),
                LoadedValue::Value(value) => rdb::dump_value(value, level, i % 2 == 0),
            }
            .expect("values in memory are sound");
            let name = format!("key:{i}").into_bytes();
            let restored = redis.command(&words(&[b"RESTORE", &name, b"0", &payload]));
            assert_eq!(restored, Reply::Status(b"OK".to_vec()), "{tag}");
            let dumped = redis.command(&words(&[b"DUMP", &name]));
            let dumped = dumped.bytes().expect("the key is there");
            let back = rdb::restore_payload(dumped, &limits).expect("a real payload is sound");
            let (ours, theirs) = (describe(value), describe(&back));
            assert_eq!(ours.value, theirs.value, "{tag} {}", quote(&name));
        }
        let there = DataSet::read(&mut redis);
        for (i, value) in values.iter().enumerate() {
            assert_eq!(
                there.keys[&(0, format!("key:{i}").into_bytes())].value,
                describe(value).value,
                "{tag}"
            );
        }
    }
}

fn seal(value: &[u8], version: u16) -> Vec<u8> {
    let mut payload = value.to_vec();
    payload.extend_from_slice(&version.to_le_bytes());
    let crc = crc64::update(0, &payload);
    payload.extend_from_slice(&crc.to_le_bytes());
    payload
}

fn mutate(rng: &mut Rng, value: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..3) {
        if value.is_empty() {
            return;
        }
        let at = rng.usize(..value.len());
        match rng.u8(..6) {
            0 => value[at] = rng.u8(..),
            1 => value[at] = [0, 1, 0x7f, 0x80, 0x81, 0xff, 0xfe, 0x40, 0xc3][rng.usize(..9)],
            2 => value[at] = value[at].wrapping_add(1),
            3 => drop(value.remove(at)),
            4 => value.insert(at, rng.u8(..)),
            _ => value[at] ^= 1 << rng.u8(..8),
        }
    }
}

/// Why a damaged value is refused, as a file tells it.
fn reason(value: &[u8]) -> String {
    let mut file = b"REDIS0011".to_vec();
    file.push(value[0]);
    file.extend_from_slice(b"\x01k");
    file.extend_from_slice(&value[1..]);
    match rdb::load(&mut &file[..], &LoadOptions::default(), &mut Taken::default()) {
        Ok(_) => "it is sound in a file".to_owned(),
        Err(error) => error.message().to_owned(),
    }
}

/// Damaged payloads, to Valkey 9.1 and to us: whatever we take it takes too, and holds the same.
#[test]
fn nothing_is_taken_that_valkey_refuses() {
    let server = skip_unless_server!("v91");
    let mut valkey = server.connect();
    let mut rng = Rng::with_seed(23);
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for value in
        values(&mut rng).iter().filter(|value| !matches!(value, LoadedValue::Value(v) if v.len() > 6))
    {
        for level in [Level::V9, Level::V11] {
            let payload = match value {
                LoadedValue::Int(n) => rdb::dump_payload(&Body::Int(*n), level, false),
                LoadedValue::Bytes(bytes) => rdb::dump_payload(&Body::Bytes(bytes), level, true),
                LoadedValue::Value(value) => rdb::dump_value(value, level, false),
            };
            let mut payload = payload.expect("values in memory are sound");
            payload.truncate(payload.len() - 10);
            seeds.push(payload);
        }
    }
    let limits = Limits::default();
    let (mut both, mut neither, mut stricter) = (0, 0, Vec::new());
    for _ in 0..4000 {
        let mut value = seeds[rng.usize(..seeds.len())].clone();
        mutate(&mut rng, &mut value);
        let payload = seal(&value, 11);
        let ours = rdb::restore_payload(&payload, &limits);
        let reply = valkey.command(&words(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]));
        match (ours, reply.is_error()) {
            (Ok(ours), false) => {
                both += 1;
                let there = DataSet::read(&mut valkey);
                assert_eq!(there.keys[&(0, b"k".to_vec())].value, describe(&ours).value, "{}", quote(&value));
            }
            (Ok(_), true) => panic!("{} is refused by Valkey: {reply}", quote(&value)),
            (Err(_), true) => neither += 1,
            (Err(_), false) => stricter.push(reason(&value)),
        }
        valkey.line("DEL k");
    }
    assert!(both > 300 && neither > 300, "{both} {neither}");
    // Where we are stricter: servers take what follows the value, the footer itself too, for a part of it or for
    // nothing, a score that is no number for 0, the mark of a special string for a length, and a backward length for
    // right when only its low bits are.
    for why in stricter {
        let known = [
            "ends too early",
            "in a key's name",
            "in an auxiliary field",
            "not a number",
            "does not begin a length",
            "backward length",
        ];
        assert!(known.iter().any(|known| why.contains(known)), "{why}");
    }
}
