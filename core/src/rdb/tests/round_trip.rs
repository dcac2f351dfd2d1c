//! Data sets go through a file and come back the same, at every level, whole or in steps.

use std::io::{BufReader, Read};

use proptest::prelude::*;

use super::*;
use crate::value::elements::{record, record_expiring};
use crate::value::hash::EXPIRY_MAX;
use crate::value::saved::BigKind;

fn small_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..20),
        2 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => (any::<u8>(), 0usize..300).prop_map(|(byte, len)| vec![byte; len]),
        1 => (-200i64..200).prop_map(|n| n.to_string().into_bytes()),
        1 => proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b')], 15..120),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    let many = |n| proptest::collection::vec(small_bytes(), 1..n);
    prop_oneof![
        small_bytes().prop_map(Model::String),
        many(40).prop_map(Model::List),
        many(200).prop_map(|all| Model::Set(all.into_iter().collect())),
        proptest::collection::vec(any::<i32>(), 1..40)
            .prop_map(|all| Model::Set(all.iter().map(|n| n.to_string().into_bytes()).collect())),
        proptest::collection::vec((small_bytes(), small_bytes()), 1..60)
            .prop_map(|all| Model::Hash(all.into_iter().map(|(f, v)| (f, (v, None))).collect())),
        proptest::collection::vec((small_bytes(), (small_bytes(), field_expiry())), 1..60)
            .prop_map(|all| Model::Hash(all.into_iter().collect())),
        proptest::collection::vec((small_bytes(), score()), 1..60).prop_map(|all| {
            let distinct: BTreeMap<_, _> = all.into_iter().collect();
            let mut all: Vec<_> = distinct.into_iter().collect();
            all.sort_by(|a, b| a.1.partial_cmp(&b.1).expect("no NaN").then_with(|| a.0.cmp(&b.0)));
            Model::ZSet(all.into_iter().map(|(m, s)| (m, s.to_bits())).collect())
        }),
        any::<u64>().prop_map(|seed| Model::Stream(Picture::of(&Picture::random(seed)))),
    ]
}

fn field_expiry() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        (1i64..10_000).prop_map(Some),
        (1i64..=EXPIRY_MAX).prop_map(Some),
        Just(Some(EXPIRY_MAX))
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        // A listpack has no -0, as in Redis.
        any::<f64>().prop_map(|s| if s.is_nan() || s == 0.0 { 0.5 } else { s }),
        (-1000i32..1000).prop_map(f64::from),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn data_sets_come_back(
        models in proptest::collection::vec((0u32..3, small_bytes(), any::<Option<i32>>(), model()), 0..12),
        level in prop_oneof![Just(Level::V9), Just(Level::V10), Just(Level::V11), Just(Level::V12), Just(Level::Valkey)],
        compress in any::<bool>(),
        checksum in any::<bool>(),
        tiny_limits in any::<bool>(),
    ) {
        let limits = if tiny_limits {
            Limits {
                list_max_listpack_size: 3,
                hash_max_listpack_entries: 4,
                set_max_intset_entries: 4,
                set_max_listpack_entries: 4,
                zset_max_listpack_entries: 4,
                ..Limits::default()
            }
        } else {
            Limits::default()
        };
        let mut wanted = BTreeMap::new();
        for (db, key, expiry, model) in &models {
            wanted.insert((*db, key.clone()), (expiry.map(i64::from).filter(|at| *at != -1), model.clone()));
        }
        let built: Vec<_> = wanted.values().map(|(_, model)| model.build(&limits)).collect();
        let heads = wanted.iter().map(|((db, key), (expiry, _))| head(*db, key, *expiry));
        let keys: Vec<_> = heads.zip(&built).collect();
        let options = WriteOptions { level, compress, checksum, ..WriteOptions::default() };
        let bytes = write(options, &keys).unwrap();
        let (keep, report) = read(&bytes, &LoadOptions { limits, ..LoadOptions::default() }).unwrap();
        let wanted: BTreeMap<_, _> = wanted
            .into_iter()
            .map(|(name, (expiry, model))| (name, (expiry, model.at_level(level))))
            .collect();
        let got: BTreeMap<_, _> =
            keep.keys.into_iter().map(|(name, got)| (name, (got.expiry, got.value))).collect();
        prop_assert_eq!(got, wanted);
        prop_assert_eq!(report.bytes, bytes.len() as u64);
        let said = if checksum { Checksum::Verified } else { Checksum::NotComputed };
        prop_assert_eq!(report.checksum, said);
        // A stream that gives a few bytes at a time says the same, and keeps what follows for the next reader.
        let mut followed = bytes.clone();
        followed.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
        let mut stream = BufReader::with_capacity(7, &followed[..]);
        let mut again = Keep::default();
        let options = LoadOptions { limits, ..LoadOptions::default() };
        prop_assert_eq!(load(&mut stream, &options, &mut again).unwrap().bytes, bytes.len() as u64);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        prop_assert_eq!(&rest[..], b"*1\r\n$4\r\nPING\r\n");
    }

    #[test]
    fn payloads_come_back(
        model in model(),
        level in prop_oneof![Just(Level::V9), Just(Level::V10), Just(Level::V11), Just(Level::V12), Just(Level::Valkey)],
        compress in any::<bool>(),
    ) {
        let limits = Limits::default();
        let payload = match model.build(&limits) {
            LoadedValue::Int(n) => dump_payload(&Body::Int(n), level, compress),
            LoadedValue::Bytes(bytes) => dump_payload(&Body::Bytes(&bytes), level, compress),
            LoadedValue::Value(value) => dump_value(&value, level, compress),
        };
        let value = restore_payload(&payload.unwrap(), &limits).unwrap();
        prop_assert_eq!(Model::of(&value), model.at_level(level));
    }
}

/// Big keys come in steps; the count is written before them and held to.
#[test]
fn keys_in_steps() {
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
    let expiring = BigKind::ExpiringHash { soonest: 5_000 };
    for (kind, key) in [(BigKind::Set, "s"), (BigKind::Hash, "h"), (expiring, "e"), (BigKind::ZSet, "z")] {
        writer.begin(head(3, key.as_bytes(), Some(5)), kind, 1000).unwrap();
        for step in 0..10 {
            let mut records = Vec::new();
            for i in 0..100 {
                let element = format!("element {}", step * 100 + i);
                let value = match kind {
                    BigKind::Set => Vec::new(),
                    BigKind::Hash => element.clone().into_bytes(),
                    BigKind::ExpiringHash { soonest } => {
                        let expiry = (i > 0).then_some(soonest + i64::from(i));
                        record_expiring(&mut records, element.as_bytes(), b"v", expiry);
                        continue;
                    }
                    BigKind::ZSet => f64::from(step * 100 + i).to_le_bytes().to_vec(),
                };
                record(&mut records, element.as_bytes(), &value);
            }
            writer.elements(&records).unwrap();
        }
        writer.end().unwrap();
    }
    assert_eq!(writer.keys(), 4);
    let (bytes, _) = writer.finish().unwrap();
    let (keep, _) = read(&bytes, &LoadOptions::default()).unwrap();
    for (key, encoding) in [("s", "hashtable"), ("h", "hashtable"), ("e", "hashtable"), ("z", "skiplist")] {
        let got = &keep.keys[&(3, key.as_bytes().to_vec())];
        assert_eq!((got.encoding, got.expiry), (encoding, Some(5)));
        let len = match &got.value {
            Model::Set(members) => members.len(),
            Model::Hash(fields) => {
                let expiring = fields.values().filter(|(_, expiry)| expiry.is_some()).count();
                assert_eq!(expiring, if key == "e" { 990 } else { 0 });
                fields.len()
            }
            Model::ZSet(members) => members.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(len, 1000);
    }
}

#[test]
fn misuse_of_steps_is_an_error() {
    let mut one = Vec::new();
    record(&mut one, b"a", b"");
    let begun = |len| {
        let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
        writer.begin(head(0, b"k", None), BigKind::Set, len).unwrap();
        writer
    };
    assert!(begun(1).finish().is_err());
    assert!(begun(1).end().is_err());
    assert!(begun(0).elements(&one).is_err());
    assert!(begun(1).begin(head(0, b"l", None), BigKind::Set, 1).is_err());
    assert!(begun(1).entry(head(0, b"l", None), &Body::Int(1)).is_err());
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
    assert!(writer.elements(&one).is_err());
    assert!(writer.end().is_err());
    // A big key that has lost all its elements is none.
    let mut writer = begun(0);
    writer.end().unwrap();
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!(written.keys, 0);
    assert!(read(&bytes, &LoadOptions::default()).unwrap().0.keys.is_empty());
}

/// A destination that fails makes every call fail with its reason.
#[test]
fn write_errors_name_the_file() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let options = || WriteOptions { file: "/data/temp-1.rdb".into(), ..WriteOptions::default() };
    let mut failures = 0;
    for room in [0, 70_000, 140_000, 200_000, 300_000] {
        let write = || -> Result<()> {
            let mut writer = Writer::new(Full(room), options())?;
            let mut rng = fastrand::Rng::with_seed(1);
            for i in 0..200u32 {
                let noise: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
                writer.entry(head(0, &i.to_be_bytes(), None), &Body::Bytes(&noise))?;
            }
            writer.finish().map(drop)
        };
        if let Err(error) = write() {
            assert!(error.message().starts_with("writing /data/temp-1.rdb: "), "{error}");
            failures += 1;
        }
    }
    assert!((3..5).contains(&failures), "{failures}");
}
