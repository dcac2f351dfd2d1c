//! The format line by line: what real servers write and accept, by hand-made files.

use std::collections::BTreeMap;

use super::*;

fn one(bytes: &[u8]) -> (Got, LoadReport) {
    let (mut keep, report) = read(bytes, &LoadOptions::default()).expect("it loads");
    let (_, got) = keep.keys.pop_first().expect("it has a key");
    assert!(keep.keys.is_empty(), "it has one key");
    (got, report)
}

fn model(magic: &str, body: &str) -> Model {
    one(&file(magic, &unhex(body))).0.value
}

/// The text of the error for a body, which must be one of a damaged file.
fn complaint(magic: &str, body: &str) -> String {
    let error = read_error(&file(magic, &unhex(body)));
    assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{error}");
    error.message().to_owned()
}

fn list(elements: &[&str]) -> Vec<Vec<u8>> {
    elements.iter().map(|e| e.as_bytes().to_vec()).collect()
}

fn set(members: &[&str]) -> Model {
    Model::Set(list(members).into_iter().collect())
}

fn hash(pairs: &[(&str, &str)]) -> Model {
    let fields = pairs.iter().map(|(f, v)| (f.as_bytes().to_vec(), (v.as_bytes().to_vec(), None)));
    Model::Hash(fields.collect())
}

fn zset(pairs: &[(&str, f64)]) -> Model {
    Model::ZSet(pairs.iter().map(|(m, s)| (m.as_bytes().to_vec(), s.to_bits())).collect())
}

fn string(text: &str) -> Model {
    Model::String(text.as_bytes().to_vec())
}

/// Written by Redis 7.0.15.
const SMALLEST: &str = "52 45 44 49 53 30 30 31 30 fa 09 72 65 64 69 73 2d 76 65 72 06 37 2e 30 2e 31 35
    fa 0a 72 65 64 69 73 2d 62 69 74 73 c0 40 fa 05 63 74 69 6d 65 c2 ab 8b 02 6b
    fa 08 75 73 65 64 2d 6d 65 6d c2 98 b5 0e 00 fa 08 61 6f 66 2d 62 61 73 65 c0 00
    fe 00 fb 01 00 00 01 6b 01 76 ff 97 97 1e ac 56 1b ea 1b";

#[test]
fn a_small_file_of_a_real_server() {
    let bytes = unhex(SMALLEST);
    let (keep, report) = read(&bytes, &LoadOptions::default()).unwrap();
    assert_eq!(keep.keys[&(0, b"k".to_vec())].value, string("v"));
    assert_eq!(keep.hints, [(0, 1, 0)]);
    assert_eq!(report.bytes, 99);
    assert_eq!(report.format, Format { family: Family::Redis, version: 10 });
    let aux: Vec<_> = report.aux.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    assert_eq!(
        aux,
        [
            (&b"redis-ver"[..], &b"7.0.15"[..]),
            (b"redis-bits", b"64"),
            (b"ctime", b"1795328939"),
            (b"used-mem", b"963992"),
            (b"aof-base", b"0")
        ]
    );
    assert_eq!(report.aux("redis-bits"), Some(&b"64"[..]));
    assert!(report.foreign_aux().is_empty());
}

#[test]
fn the_smallest_file_there_can_be() {
    let bytes = file("REDIS0009", b"");
    assert_eq!(bytes.len(), 18);
    let (keep, report) = read(&bytes, &LoadOptions::default()).unwrap();
    assert!(keep.keys.is_empty());
    assert_eq!((report.bytes, report.checksum), (18, Checksum::Verified));
}

/// Versions: an upper bound for the reader, no list of what may occur.
#[test]
fn versions() {
    let set_listpack = "14 01 73 0f | 0f 00 00 00 03 00 81 61 02 81 62 02 01 01 ff";
    assert_eq!(model("REDIS0001", &format!("{set_listpack} ff")), set(&["a", "b", "1"]));
    for magic in ["REDIS0011", "REDIS0012", "VALKEY080"] {
        assert_eq!(model(magic, set_listpack), set(&["a", "b", "1"]), "{magic}");
    }
    for magic in ["REDIS0000", "REDIS0013", "REDIS0080", "VALKEY011", "VALKEY079", "VALKEY081"] {
        let said = complaint(magic, "00 01 6b 01 76");
        assert!(said.contains(magic) && said.contains("REDIS0012 and VALKEY080"), "{said}");
    }
    for magic in ["REDIS00a1", "REDISVALK", "VALKEY-80"] {
        assert!(complaint(magic, "").contains("has no version number"));
    }
    for magic in ["REDIX0011", "\0\0\0\0\0\0\0\0\0", "*1\r\n$4\r\nP"] {
        assert!(complaint(magic, "").contains("which no snapshot does"));
    }
    let said = read_error(b"").message().to_owned();
    assert!(said.contains("the file is empty") && said.contains("remove it to start without data"), "{said}");
}

#[test]
fn checksums() {
    let good = file("REDIS0011", b"\x00\x01k\x01v");
    assert_eq!(one(&good).1.checksum, Checksum::Verified);
    let at = good.len() - 8;
    let mut none = good.clone();
    none[at..].fill(0);
    assert_eq!(one(&none).1.checksum, Checksum::NotComputed);
    let mut wrong = good.clone();
    wrong[at] ^= 1;
    let said = read_error(&wrong).message().to_owned();
    assert!(said.contains("the checksum is") && said.contains("rdbchecksum no"), "{said}");
    let unchecked = LoadOptions { checksum: false, ..LoadOptions::default() };
    assert_eq!(read(&wrong, &unchecked).unwrap().1.checksum, Checksum::Ignored);
    // Version 5 brought the checksum: before it a file just ends.
    let old = b"REDIS0004\x00\x01k\x01v\xff";
    let (_, report) = one(old);
    assert_eq!((report.checksum, report.bytes), (Checksum::Absent, old.len() as u64));
    for cut in 1..=8 {
        assert!(read_error(&good[..good.len() - cut]).message().contains("ends too early"));
    }
    // What follows is somebody else's.
    let mut followed = good.clone();
    followed.extend_from_slice(b"junk");
    assert_eq!(one(&followed).1.bytes, good.len() as u64);
}

#[test]
fn lengths() {
    // The same string with its length in every form, minimal or not.
    for len in ["02", "40 02", "80 00 00 00 02", "81 00 00 00 00 00 00 00 02"] {
        assert_eq!(model("REDIS0011", &format!("00 01 6b {len} 76 77")), string("vw"), "{len}");
    }
    for first in 0x82..=0xbf {
        let said = complaint("REDIS0011", &format!("00 01 6b {first:02x} 76"));
        assert!(said.contains("does not begin a length"), "{said}");
    }
    for first in 0xc4..=0xff {
        assert!(
            complaint("REDIS0011", &format!("00 01 6b {first:02x} 76")).contains("does not begin a length")
        );
    }
    // A special encoding where only a length may stand.
    for first in ["c0 01", "c1 01 00", "c2 01 00 00 00"] {
        assert!(
            complaint("REDIS0011", &format!("01 01 6b {first} 01 61")).contains("does not begin a length")
        );
    }
}

#[test]
fn strings() {
    for (bytes, text) in [
        ("c0 7b", "123"),
        ("c0 80", "-128"),
        ("c1 18 fc", "-1000"),
        ("c2 00 94 35 77", "2000000000"),
        ("03 30 30 37", "007"),
        ("13 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 37", "9223372036854775807"),
        ("c3 09 40 64 01 61 61 e0 57 00 01 61 61", &"a".repeat(100)),
        ("00", ""),
    ] {
        let (got, _) = one(&file("REDIS0011", &unhex(&format!("00 01 6b {bytes}"))));
        assert_eq!(got.value, string(text));
        assert_eq!(got.encoding == "int", text.parse::<i64>().is_ok_and(|n| n.to_string() == text), "{text}");
    }
    // Keys and elements take the same forms.
    let bytes = file("REDIS0011", &unhex("01 c0 05 02 c0 01 c3 09 40 64 01 61 61 e0 57 00 01 61 61"));
    let (keep, _) = read(&bytes, &LoadOptions::default()).unwrap();
    assert_eq!(keep.keys[&(0, b"5".to_vec())].value, Model::List(list(&["1", &"a".repeat(100)])));
    // LZF that gives too little, too much, or refers to before its beginning.
    for bad in [
        "c3 09 40 65 01 61 61 e0 57 00 01 61 61",
        "c3 09 40 63 01 61 61 e0 57 00 01 61 61",
        "c3 09 40 64 01 61 61 e0 57 09 01 61 61",
        "c3 03 40 64 01 61 61",
        "c3 00 00 00 00",
    ] {
        complaint("REDIS0011", &format!("00 01 6b {bad}"));
    }
}

/// What the writer chooses, byte by byte.
#[test]
fn strings_as_written() {
    let written = |text: &[u8], compress: bool| {
        let mut out = out::Out::new(Vec::new(), compress, false);
        out.string(text).unwrap();
        let mut bytes = out.finish_file().unwrap();
        bytes.truncate(bytes.len() - 8);
        bytes
    };
    for (text, bytes) in [
        ("123", "c0 7b"),
        ("-128", "c0 80"),
        ("128", "c1 80 00"),
        ("-32768", "c1 00 80"),
        ("32768", "c2 00 80 00 00"),
        ("-2147483648", "c2 00 00 00 80"),
        ("2147483647", "c2 ff ff ff 7f"),
        ("2147483648", "0a 32 31 34 37 34 38 33 36 34 38"),
        ("007", "03 30 30 37"),
        ("-0", "02 2d 30"),
        ("+1", "02 2b 31"),
        (" 1", "02 20 31"),
        ("", "00"),
    ] {
        assert_eq!(written(text.as_bytes(), true), unhex(bytes), "{text}");
    }
    let a = |n| vec![b'a'; n];
    assert_eq!(written(&a(20), true)[0], 20, "20 bytes are never compressed");
    assert_eq!(written(&a(21), true)[0], lead::LZF);
    assert_eq!(written(&a(100), false)[..2], [0x40, 100]);
    assert!(written(&a(100), true).len() < 20);
    let noise: Vec<u8> = (0..100u8).collect();
    assert_eq!(written(&noise, true)[..2], [0x40, 100], "nothing to gain");
    for (len, bytes) in [(63u64, "3f"), (64, "40 40"), (16383, "7f ff"), (16384, "80 00 00 40 00")] {
        let mut out = out::Out::new(Vec::new(), false, false);
        out.len(len).unwrap();
        assert_eq!(out.finish_file().unwrap()[..unhex(bytes).len()], unhex(bytes)[..]);
    }
    let mut out = out::Out::new(Vec::new(), false, false);
    out.len(1 << 32).unwrap();
    assert_eq!(out.finish_file().unwrap()[..9], unhex("81 00 00 00 01 00 00 00 00")[..]);
}

#[test]
fn expiries_and_clocks() {
    let got = |body: &str| one(&file("REDIS0011", &unhex(body))).0;
    let at = |body: &str| got(body).expiry;
    assert_eq!(at("fc 00 d8 c3 2c bb 03 00 00 00 01 6b 01 76"), Some(4_102_444_800_000));
    assert_eq!(at("fd 00 00 00 70 00 01 6b 01 76"), Some(0x7000_0000 * 1000));
    // -1 is the servers' own mark for "no expiry"; other times before 1970 are past.
    assert_eq!(at("fc ff ff ff ff ff ff ff ff 00 01 6b 01 76"), None);
    assert_eq!(at("fc fe ff ff ff ff ff ff ff 00 01 6b 01 76"), Some(-2));
    assert_eq!(at("fc 00 00 00 00 00 00 00 00 00 01 6b 01 76"), Some(0));
    assert_eq!(at("fd ff ff ff ff 00 01 6b 01 76"), Some(-1000));
    let lfu = got("f9 05 fc 00 d8 c3 2c bb 03 00 00 00 01 6b 01 76");
    assert_eq!((lfu.freq, lfu.idle_secs, lfu.expiry), (Some(5), None, Some(4_102_444_800_000)));
    assert_eq!(got("f8 41 00 00 01 6b 01 76").idle_secs, Some(256));
    // They are about the next key only, and a change of database in between does not matter.
    let body = unhex("fc 05 00 00 00 00 00 00 00 f8 01 fe 02 00 01 6b 01 76 00 01 6c 01 76");
    let (keep, _) = read(&file("REDIS0011", &body), &LoadOptions::default()).unwrap();
    let all: Vec<_> = keep.keys.iter().map(|((db, _), got)| (*db, got.expiry, got.idle_secs)).collect();
    assert_eq!(all, [(2, Some(5), Some(1)), (2, None, None)]);
}

#[test]
fn expired_keys_are_dropped_on_request() {
    let body = unhex(
        "fc 05 00 00 00 00 00 00 00 00 01 61 01 76 | fc 06 00 00 00 00 00 00 00 00 01 62 01 76
         fc ff ff ff ff ff ff ff ff 00 01 63 01 76 | fc fe ff ff ff ff ff ff ff 00 01 64 01 76
         fc 00 00 00 00 00 00 00 00 00 01 65 01 76 | fc 05 00 00 00 00 00 00 00 00 01 61 01 77",
    );
    let options = LoadOptions { drop_expired_before: Some(6), ..LoadOptions::default() };
    let (keep, report) = read(&file("REDIS0011", &body), &options).unwrap();
    let names: Vec<_> = keep.keys.keys().map(|(_, name)| name[0]).collect();
    assert_eq!(names, [b'b', b'c']);
    assert_eq!((report.keys, report.expired), (2, 4));
    // Kept, as for the base of a log, the key that comes twice is found.
    assert!(read_error(&file("REDIS0011", &body)).message().contains("the key comes twice"));
}

/// -1 must not come out of our writer: the key would live for ever.
#[test]
fn the_expiry_that_means_none_is_not_written() {
    for (at, wanted) in [(-1, Some(-2)), (-2, Some(-2)), (0, Some(0)), (i64::MAX, Some(i64::MAX))] {
        let key = [(head(0, b"k", Some(at)), &LoadedValue::Int(1))];
        assert_eq!(one(&write(WriteOptions::default(), &key).unwrap()).0.expiry, wanted);
    }
}

#[test]
fn clocks_are_written_when_asked_for() {
    let write_with = |clock: Option<crate::rdb::Meaning>| {
        let options = WriteOptions { clock, ..WriteOptions::default() };
        let head = HeadRef { db: 0, key: b"k", expiry: None, clock: 300 };
        one(&write(options, &[(head, &LoadedValue::Int(1))]).unwrap()).0
    };
    assert_eq!(write_with(None).idle_secs, None);
    assert_eq!(write_with(Some(Box::new(|clock| Clock::Idle(u64::from(clock) + 1)))).idle_secs, Some(301));
    assert_eq!(write_with(Some(Box::new(|clock| Clock::Freq(clock as u8)))).freq, Some(44));
}

#[test]
fn databases() {
    let (keep, _) = read(
        &file("REDIS0011", &unhex("fe 03 00 01 6b 01 76 fe 0f 00 01 6b 01 77 fe 03 00 01 6c 01 78")),
        &LoadOptions::default(),
    )
    .unwrap();
    let all: Vec<_> = keep.keys.keys().map(|(db, name)| (*db, name[0])).collect();
    assert_eq!(all, [(3, b'k'), (3, b'l'), (15, b'k')]);
    for db in ["10", "80 ff ff ff ff", "81 ff ff ff ff ff ff ff ff"] {
        assert!(complaint("REDIS0011", &format!("fe {db}")).contains("raise the directive `databases`"));
    }
    assert!(complaint("REDIS0011", "fe c0 01").contains("does not begin a length"));
}

/// Hints may say anything; the loader never hears more than the file can hold.
#[test]
fn size_hints_are_bounded() {
    let bytes =
        file("REDIS0011", &unhex("fb 81 7f ff ff ff ff ff ff ff 81 7f ff ff ff ff ff ff ff 00 01 6b 01 76"));
    let hints = |size| {
        let options = LoadOptions { size, ..LoadOptions::default() };
        read(&bytes, &options).unwrap().0.hints
    };
    assert_eq!(hints(Some(bytes.len() as u64)), [(0, 14, 14)]);
    assert_eq!(hints(None), [(0, 1 << 20, 1 << 20)]);
}

#[test]
fn what_stands_between_keys() {
    let body = unhex(
        "f4 78 4f 01 00 | fa 03 61 62 63 02 78 79 | fa 01 25 00 | fa 03 6c 75 61 01 72 | 00 01 6b 01 76 | fa 00 00
         f4 7f ff 81 00 00 00 00 00 00 00 01 00",
    );
    let (got, report) = one(&file("REDIS0012", &body));
    assert_eq!(got.value, string("v"));
    let foreign = report.foreign_aux();
    let foreign: Vec<_> = foreign.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    assert_eq!(foreign, [(&b"abc"[..], &b"xy"[..]), (b"%", b""), (b"", b"")]);
    let slots = "f3 03 6a 6f 62 02 00 05 40 64 7f ff 00 01 6b 01 76";
    assert_eq!(model("VALKEY080", slots), string("v"));
    assert!(complaint("REDIS0012", slots).contains("byte 243"));
    for byte in ["f2", "f1", "f0", "80", "1a", "1e", "08", "65", "79"] {
        let said = complaint("REDIS0012", &format!("{byte} 01 6b 01 76"));
        assert!(said.contains("neither a type of value"), "{said}");
    }
    assert!(complaint("REDIS0011", "06 01 6b 01 76").contains("release candidate"));
}

#[test]
fn foreign_aux_fields_are_carried_on() {
    let aux = vec![(b"abc".to_vec(), b"xy".to_vec()), (b"n".to_vec(), b"12".to_vec())];
    let options = WriteOptions {
        aux: aux.clone(),
        aof_base: true,
        created_secs: 5,
        used_memory: 1 << 40,
        ..Default::default()
    };
    let (_, report) = read(&write(options, &[]).unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!(report.foreign_aux(), aux);
    assert_eq!(report.aux("aof-base"), Some(&b"1"[..]));
    assert_eq!(report.aux("ctime"), Some(&b"5"[..]));
    assert_eq!(report.aux("used-mem"), Some(&b"1099511627776"[..]));
    assert_eq!(report.aux("persistkv-ver"), Some(env!("CARGO_PKG_VERSION").as_bytes()));
}

const VECTOR_SET: &str = "81 bd e7 2d a2 bb 1e b4 00 | 02 03 | 02 01 | 02 50 01 | 02 00 | 05 04 65 6c 65 6d
    05 03 2a 55 7f | 02 06 | 02 01 | 02 80 01 00 00 00 | 02 00 | 02 20 | 02 00 | 02 81 3f 4d 41 b2 40 6f 77 51 | 00";

/// Module data are opaque and come out as they went in; Redis 8's vector sets are such.
#[test]
fn module_data_are_kept() {
    let aux = |when: &str| {
        format!("f7 81 bd e7 2d a2 bb 1e b4 00 02 {when} 03 00 00 80 3f 04 {} 01 05 00", "00".repeat(8))
    };
    let body = format!("{} 07 02 76 73 {VECTOR_SET} {}", aux("01"), aux("02"));
    let (keep, report) = read(&file("REDIS0012", &unhex(&body)), &LoadOptions::default()).unwrap();
    let name = (0, b"vs".to_vec());
    assert_eq!(keep.keys[&name].value, Model::Module(unhex(VECTOR_SET)));
    assert_eq!(report.module_aux.iter().map(|aux| aux.before_keys).collect::<Vec<_>>(), [true, false]);
    let options = WriteOptions { module_aux: report.module_aux.clone(), ..WriteOptions::default() };
    let bytes = write(options, &[(head(0, b"vs", None), &keep.values[&name])]).unwrap();
    let (again, told) = read(&bytes, &LoadOptions::default()).unwrap();
    assert_eq!(again.keys, keep.keys);
    assert_eq!(told.module_aux, report.module_aux);
    let checked = check::check(&mut &bytes[..], &LoadOptions::default(), 0).unwrap();
    assert_eq!(checked.modules, BTreeMap::from([("vectorset".to_owned(), 3)]));
    assert!(checked.loads());
    for (bad, why) in [
        ("07 02 76 73 01 06 00", "unknown part"),
        ("f7 01 01 01 00", "where they belong"),
        ("f7 01 02 03 00", "neither before nor behind"),
    ] {
        assert!(complaint("REDIS0012", bad).contains(why));
    }
}

#[test]
fn lists() {
    let abc = Model::List(list(&["a", "b", "c"]));
    for body in [
        "01 01 6c 03 01 61 01 62 01 63",
        "0a 01 6c 14 | 14 00 00 00 10 00 00 00 03 00 00 01 61 03 01 62 03 01 63 ff",
        "0e 01 6c 02 | 11 11 00 00 00 0d 00 00 00 02 00 00 01 61 03 01 62 ff | 0e 0e 00 00 00 0a 00 00 00 01 00 00 01 63 ff",
        "12 01 6c 02 02 0d | 0d 00 00 00 02 00 81 61 02 81 62 02 ff | 01 01 63",
        // Nodes without elements were written by old servers.
        "0e 01 6c 02 | 0b 0b 00 00 00 0a 00 00 00 00 00 ff | 14 14 00 00 00 10 00 00 00 03 00 00 01 61 03 01 62 03 01 63 ff",
    ] {
        assert_eq!(model("REDIS0011", body), abc, "{body}");
    }
    let redis_6 =
        "0e 07 6c 3a 73 6d 61 6c 6c 01 c3 40 6c 41 a3 1c a3 01 00 00 d7 00 00 00 12 00 00 01 61 03 01 62
        03 f2 02 fe ff 03 c0 ff 0f 04 c0 00 10 20 03 04 f0 04 c0 ff ef 20 03 0d 7f 04 f0 00 80 00 05 f0
        ff ff 7f 05 d0 00 20 0a 02 06 d0 ff 20 0b 01 06 e0 20 3b 00 80 20 03 02 00 0a e0 20 0f 40 00 03
        7f 0a 3f 73 e0 35 00 02 41 40 40 e0 35 40 05 73 73 43 40 c8 74 e0 bd 00 01 74 ff";
    let Model::List(elements) = model("REDIS0009", redis_6) else { panic!("it is a list") };
    let numbers =
        ["a", "b", "1", "-1", "4095", "4096", "-4096", "-4097", "32767", "32768", "8388607", "8388608"];
    assert_eq!(elements[..12], list(&numbers)[..]);
    assert_eq!(elements.len(), 18);
    for (bad, why) in [
        ("12 01 6c 01 03 01 63", "unknown container"),
        ("12 01 6c 01 00 01 63", "unknown container"),
        ("12 01 6c 01 02 0d | 0d 00 00 00 03 00 81 61 02 81 62 02 ff", "count field"),
        ("12 01 6c 01 02 01 63", "listpack"),
        ("0e 01 6c 01 0e 0e 00 00 00 0b 00 00 00 01 00 00 01 63 ff", "tail offset"),
        ("0a 01 6c 03 61 62 63", "ziplist"),
    ] {
        assert!(complaint("REDIS0011", bad).contains(why), "{bad}");
    }
}

#[test]
fn sets() {
    for (body, members) in [
        ("02 01 73 03 01 61 01 62 01 63", &["a", "b", "c"][..]),
        ("02 01 73 02 c0 01 c0 02", &["1", "2"]),
        ("0b 05 73 3a 69 6e 74 0e 02 00 00 00 03 00 00 00 01 00 02 00 03 00", &["1", "2", "3"]),
        // Wider than it needs to be.
        ("0b 01 73 10 04 00 00 00 02 00 00 00 01 00 00 00 02 00 00 00", &["1", "2"]),
        ("14 04 73 3a 6c 70 0f 0f 00 00 00 03 00 81 61 02 81 62 02 01 01 ff", &["a", "b", "1"]),
    ] {
        assert_eq!(model("REDIS0011", body), set(members), "{body}");
    }
    for (bad, why) in [
        ("02 01 73 02 01 61 01 61", "twice"),
        ("02 01 73 02 c0 01 01 31", "twice"),
        ("14 01 73 0d 0d 00 00 00 02 00 81 61 02 81 61 02 ff", "twice"),
        ("14 01 73 0c 0c 00 00 00 02 00 81 31 02 01 01 ff", "twice"),
        ("0b 01 73 0c 02 00 00 00 02 00 00 00 02 00 01 00", "intset"),
        ("0b 01 73 0c 02 00 00 00 02 00 00 00 01 00 01 00", "intset"),
        ("0b 01 73 0c 02 00 00 00 03 00 00 00 01 00 02 00", "intset"),
        ("0b 01 73 0c 03 00 00 00 02 00 00 00 01 00 02 00", "intset"),
        ("0b 01 73 01 61", "intset"),
    ] {
        let said = complaint("REDIS0011", bad);
        assert!(said.contains(why) && said.contains("in the set \"s\" of database 0: "), "{bad}: {said}");
    }
}

#[test]
fn hashes() {
    let fv = hash(&[("f1", "v1"), ("f2", "v2")]);
    for body in [
        "04 01 68 02 02 66 31 02 76 31 02 66 32 02 76 32",
        "09 04 68 61 73 68 | 10 | 02 02 66 31 02 00 76 31 02 66 32 02 00 76 32 ff",
        "0d 01 68 1b 1b 00 00 00 16 00 00 00 04 00 00 02 66 31 04 02 76 31 04 02 66 32 04 02 76 32 ff",
        "10 01 68 17 17 00 00 00 04 00 82 66 31 03 82 76 31 03 82 66 32 03 82 76 32 03 ff",
        // Expiring fields, none of which does.
        "18 01 68 00 00 00 00 00 00 00 00 02 00 02 66 31 02 76 31 00 02 66 32 02 76 32",
        "19 01 68 00 00 00 00 00 00 00 00 1b 1b 00 00 00 06 00 82 66 31 03 82 76 31 03 00 01 82 66 32 03 82 76 32 03 00 01 ff",
        "16 01 68 02 00 02 66 31 02 76 31 00 02 66 32 02 76 32",
        "17 01 68 1b 1b 00 00 00 06 00 82 66 31 03 82 76 31 03 00 01 82 66 32 03 82 76 32 03 00 01 ff",
    ] {
        assert_eq!(model("REDIS0012", body), fv, "{body}");
    }
    // Whole, as a server of 2012 wrote it.
    let museum = unhex(
        "52 45 44 49 53 30 30 30 33 | fe 00 | 09 04 68 61 73 68 | 10 | 02 02 66 31 02 00 76 31 02 66 32 02 00 76 32 ff | ff",
    );
    assert_eq!(one(&museum).0.value, fv);
    let valkey = format!("16 01 68 02 02 66 31 02 76 31 {0} 02 66 32 02 76 32 {0}", "ff".repeat(8));
    assert_eq!(model("VALKEY080", &valkey), fv);
    for (bad, why) in [
        ("04 01 68 02 01 66 01 76 01 66 01 77", "twice"),
        ("10 01 68 13 13 00 00 00 04 00 81 66 02 81 76 02 81 66 02 81 77 02 ff", "twice"),
        ("10 01 68 0a 0a 00 00 00 01 00 81 66 02 ff", "without a value"),
        ("0d 01 68 0e 0e 00 00 00 0a 00 00 00 01 00 00 01 66 ff", "without a value"),
        ("09 01 68 10 02 02 66 31 02 00 76 31 02 66 31 02 00 76 32 ff", "twice"),
        ("09 01 68 0f 02 02 66 31 02 00 76 31 02 66 32 02 00 76 ff", "zipmap"),
        ("19 01 68 00 00 00 00 00 00 00 00 0d 0d 00 00 00 02 00 81 66 02 81 76 02 ff", "threes"),
        (
            "19 01 68 00 00 00 00 00 00 00 00 10 10 00 00 00 03 00 81 66 02 81 76 02 81 78 02 ff",
            "not a number",
        ),
        (
            "19 01 68 00 00 00 00 00 00 00 00 10 10 00 00 00 03 00 81 66 02 81 76 02 df ff 02 ff",
            "out of range",
        ),
        ("18 01 68 ff ff ff ff ff ff ff 7f 01 02 01 66 01 76", "out of range"),
    ] {
        let said = complaint("REDIS0012", bad);
        assert!(said.contains(why) && said.contains("in the hash \"h\" of database 0: "), "{bad}: {said}");
    }
    // 22 means something else to each family, the others nothing to Valkey.
    assert!(
        complaint("VALKEY080", "18 01 68 00 00 00 00 00 00 00 00 01 00 01 66 01 76").contains("not a type")
    );
    assert!(
        complaint("VALKEY080", "16 01 68 01 01 66 01 76 fe ff ff ff ff ff ff ff").contains("out of range")
    );
}

/// As real servers wrote them: Redis 7.4 in its big and its compact form, Valkey 9.1.
#[test]
fn expiring_fields() {
    for (magic, body) in [
        (
            "REDIS0012",
            "18 05 68 78 3a 68 74 60 51 c2 2c bb 03 00 00 04 01 01 62 c0 02 00 03 62 69 67 c3 09 40 46 01 71 71 e0 39 00
             01 71 71 00 01 63 c0 03 80 00 01 86 a1 01 61 c0 01",
        ),
        (
            "REDIS0012",
            "19 05 68 78 3a 6c 70 60 51 c2 2c bb 03 00 00 2c 2c 00 00 00 09 00 81 62 02 02 01 f4 60 51 c2 2c bb 03 00 00
             09 81 61 02 01 01 f4 00 d8 c3 2c bb 03 00 00 09 81 63 02 03 01 00 01 ff",
        ),
        (
            "VALKEY080",
            "16 05 68 78 3a 6c 70 03 01 61 c0 01 00 d8 c3 2c bb 03 00 00 01 62 c0 02 60 51 c2 2c bb 03 00 00 01 63 c0 03
             ff ff ff ff ff ff ff ff",
        ),
    ] {
        let Model::Hash(fields) = one(&file(magic, &unhex(body))).0.value else { panic!("it is a hash") };
        let expiry = |field: &str| fields[field.as_bytes()].1;
        assert_eq!((expiry("a"), expiry("b")), (Some(4_102_444_800_000), Some(4_102_444_700_000)), "{body}");
        assert!(fields.iter().filter(|(_, (_, at))| at.is_none()).count() >= 1 && expiry("c").is_none());
    }
    // In whatever order they come, and whatever comes with them.
    let unordered = "19 01 68 00 00 00 00 00 00 00 00 17 17 00 00 00 06 00 81 66 02 81 76 02 00 01 81 67 02 81 77 02 07 01 ff";
    let Model::Hash(fields) = model("REDIS0012", unordered) else { panic!("it is a hash") };
    assert_eq!((fields[&b"f"[..]].1, fields[&b"g"[..]].1), (None, Some(7)));
}

#[test]
fn sorted_sets() {
    let inf = f64::INFINITY;
    for (body, members) in [
        // Texts of doubles, as versions up to 7 wrote them.
        ("03 01 7a 03 01 61 03 31 2e 35 01 62 fe 01 63 ff", &[("c", -inf), ("a", 1.5), ("b", inf)][..]),
        (
            "05 01 7a 02 01 62 00 00 00 00 00 00 02 40 01 61 00 00 00 00 00 00 f0 7f",
            &[("b", 2.25), ("a", inf)],
        ),
        (
            "0c 04 7a 73 65 74 19 | 19 00 00 00 16 00 00 00 04 00 | 00 03 6f 6e 65 | 05 f2 | 02 03 74 77 6f | 05 f3 | ff",
            &[("one", 1.0), ("two", 2.0)],
        ),
        (
            "11 04 7a 3a 6c 70 36 36 00 00 00 0a 00 84 6e 69 6e 66 05 84 2d 69 6e 66 05 83 6f 6e 65 04 01 01 87 6f 6e 65
             68 61 6c 66 08 83 31 2e 35 04 03 01 03 01 83 69 6e 66 04 83 69 6e 66 04 ff",
            &[("ninf", -inf), ("one", 1.0), ("onehalf", 1.5), ("3", 3.0), ("inf", inf)],
        ),
    ] {
        assert_eq!(model("REDIS0011", body), zset(members), "{body}");
    }
    for (bad, why) in [
        ("03 01 7a 01 01 61 fd", "not a number"),
        ("03 01 7a 01 01 61 01 78", "not a number"),
        ("03 01 7a 01 01 61 00", "not a number"),
        ("05 01 7a 01 01 61 00 00 00 00 00 00 f8 7f", "not a number"),
        ("05 01 7a 02 01 61 00 00 00 00 00 00 00 00 01 61 00 00 00 00 00 00 f0 3f", "twice"),
        ("11 01 7a 0d 0d 00 00 00 02 00 81 61 02 81 78 02 ff", "not a number"),
        ("11 01 7a 0f 0f 00 00 00 02 00 81 61 02 83 6e 61 6e 04 ff", "not a number"),
        ("11 01 7a 0a 0a 00 00 00 01 00 81 61 02 ff", "without a score"),
        ("11 01 7a 11 11 00 00 00 04 00 81 61 02 01 01 81 61 02 02 01 ff", "twice"),
        ("11 01 7a 11 11 00 00 00 04 00 81 61 02 02 01 81 62 02 01 01 ff", "out of order"),
        ("11 01 7a 11 11 00 00 00 04 00 81 62 02 01 01 81 61 02 01 01 ff", "out of order"),
    ] {
        let said = complaint("REDIS0011", bad);
        assert!(
            said.contains(why) && said.contains("in the sorted set \"z\" of database 0: "),
            "{bad}: {said}"
        );
    }
}

/// Servers since 7.0 leave out aggregates without elements.
#[test]
fn empty_aggregates_are_left_out_and_counted() {
    let listpack = "07 07 00 00 00 00 00 ff";
    let ziplist = "0b 0b 00 00 00 0a 00 00 00 00 00 ff";
    let empties = [
        "01 01 6b 00".to_owned(),
        "02 01 6b 00".to_owned(),
        "03 01 6b 00".to_owned(),
        "04 01 6b 00".to_owned(),
        "05 01 6b 00".to_owned(),
        "09 01 6b 02 00 ff".to_owned(),
        format!("0a 01 6b {ziplist}"),
        "0b 01 6b 08 02 00 00 00 00 00 00 00".to_owned(),
        format!("0c 01 6b {ziplist}"),
        format!("0d 01 6b {ziplist}"),
        "0e 01 6b 00".to_owned(),
        format!("0e 01 6b 01 {ziplist}"),
        format!("10 01 6b {listpack}"),
        format!("11 01 6b {listpack}"),
        "12 01 6b 00".to_owned(),
        format!("12 01 6b 01 02 {listpack}"),
        format!("14 01 6b {listpack}"),
    ];
    let body = format!("{} 00 01 6b 01 76", empties.join(" "));
    let (got, report) = one(&file("REDIS0011", &unhex(&body)));
    assert_eq!((got.value, report.empty), (string("v"), empties.len() as u64));
    // RESTORE has nothing to put there.
    for empty in &empties {
        let mut payload = unhex(empty);
        payload.drain(1..3);
        let error = restore_payload(&seal(payload, 11), &Limits::default()).err().expect(empty);
        assert_eq!(error.message(), "ERR Bad data format", "{empty}");
    }
}

/// Our writer never writes one: Redis 6.2 would make a key of it.
#[test]
fn empty_aggregates_are_not_written() {
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
    let listpack = unhex("07 00 00 00 00 00 ff");
    for body in [
        Body::ListListpack(&listpack),
        Body::SetListpack(&listpack),
        Body::HashListpack(&listpack),
        Body::ZSetListpack(&listpack),
        Body::SetIntset(&unhex("02 00 00 00 00 00 00 00")),
        Body::Elements(crate::value::saved::BigKind::Set, 0, b""),
    ] {
        writer.entry(head(0, b"k", None), &body).unwrap();
    }
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!(written.keys, 0);
    assert_eq!(read(&bytes, &LoadOptions::default()).unwrap().1.empty, 0);
}

#[test]
fn duplicate_keys() {
    assert!(
        complaint("REDIS0011", "00 01 6b 01 76 00 01 6b 01 76")
            .contains("in the string \"k\" of database 0: the key")
    );
    let (keep, _) =
        read(&file("REDIS0011", &unhex("00 01 6b 01 76 fe 01 00 01 6b 01 76")), &LoadOptions::default())
            .unwrap();
    assert_eq!(keep.keys.len(), 2);
    let twice = file("REDIS0011", &unhex("00 01 6b 01 76 00 01 6b 01 76"));
    let problem =
        check::check(&mut &twice[..], &LoadOptions::default(), 0).unwrap().problem.expect("it is found");
    assert_eq!(problem.offset, 19);
    assert!(problem.what.contains("the key comes twice") && !problem.remedy.is_empty());
}

const STREAM: &str = "01 10 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01 40 51 51 00 00 00 19 00 02 01 01 01 02 01
    82 66 31 03 82 66 32 03 00 01 02 01 00 01 00 01 82 76 31 03 82 76 32 03 05 01 03 01 00 01 01 01 82 76 33 03
    82 76 34 03 05 01 00 01 c3 e8 02 df ff 02 01 01 85 6f 74 68 65 72 06 85 66 69 65 6c 64 06 06 01 ff 02 47 d0 00";
const STREAM_GROUPS: &str = "43 e8 01 43 e8 02 03 02 02 67 31 43 e8 01 81 ff ff ff ff ff ff ff ff 01
    00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01 38 0d 03 02 a2 01 00 00 01 01 02 61 6c
    38 0d 03 02 a2 01 00 00 38 0d 03 02 a2 01 00 00 01 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01
    02 67 32 47 d0 00 81 ff ff ff ff ff ff ff ff 00 00";

#[test]
fn streams() {
    let body = format!("15 02 73 74 {STREAM} {STREAM_GROUPS}");
    let (mut keep, _) = read(&file("REDIS0011", &unhex(&body)), &LoadOptions::default()).unwrap();
    let got = keep.keys.remove(&(0, b"st".to_vec())).expect("it is read");
    let Model::Stream(stream) = got.value else { panic!("it is a stream") };
    let id = crate::value::stream::StreamId::new;
    assert_eq!((stream.entries.len(), stream.entries_added), (2, 3));
    assert_eq!(
        (stream.first_id, stream.last_id, stream.max_deleted_id),
        (id(1000, 1), id(2000, 0), id(1000, 2))
    );
    let [g1, g2] = &stream.groups[..] else { panic!("it has two groups") };
    assert_eq!((&g1.name[..], g1.last_id, g1.entries_read), (&b"g1"[..], id(1000, 1), -1));
    let when = 0x0000_01a2_0203_0d38;
    assert_eq!(g1.pending, [(id(1000, 1), b"al".to_vec(), when, 1)]);
    assert_eq!(g1.consumers, [(b"al".to_vec(), when, when)]);
    assert!(g2.pending.is_empty() && g2.consumers.is_empty());
    // Without groups and in the older forms; an empty stream is one.
    for body in [
        format!("0f 02 73 74 {STREAM} 00"),
        format!("13 02 73 74 {STREAM} 43 e8 01 43 e8 02 03 00"),
        "0f 08 73 74 3a 65 6d 70 74 79 00 00 05 05 00".to_owned(),
        "15 08 73 74 3a 65 6d 70 74 79 00 00 05 05 00 00 05 05 01 00".to_owned(),
    ] {
        let (keep, _) = read(&file("REDIS0011", &unhex(&body)), &LoadOptions::default()).unwrap();
        assert!(matches!(keep.keys.values().next(), Some(Got { value: Model::Stream(_), .. })));
    }
    let whole = format!("15 02 73 74 {STREAM} {STREAM_GROUPS}")
        .replace('\n', " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for (from, to, why) in [
        ("ff 02 47 d0 00", "ff 03 47 d0 00", "length differs"),
        ("ff 02 47 d0 00", "ff 02 47 cf 00", "above its last id"),
        ("02 01 01 01 02 01 82", "03 01 01 01 02 01 82", "counts differ"),
        ("02 01 01 01 02 01 82", "02 01 02 01 02 01 82", "counts differ"),
        ("82 66 32 03 00 01", "82 66 32 03 01 01", "not terminated"),
        ("82 76 32 03 05 01", "82 76 32 03 06 01", "wrong number of items"),
        ("01 10 00 00 00 00 00 00 03 e8", "01 0f 00 00 00 00 00 00 e8", "not 16 bytes"),
        ("02 67 32 47 d0", "02 67 31 47 d0", "same group twice"),
        ("01 02 61 6c", "00 02 61 6c", ""),
        (
            "01 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01 02 67",
            "01 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 02 02 67",
            "not pending in its group",
        ),
        (
            "a2 01 00 00 01 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01 02 67",
            "a2 01 00 00 00 02 67",
            "no consumer",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        let said = complaint("REDIS0011", &whole.replacen(from, to, 1));
        assert!(said.contains(why) && said.contains("in the "), "{to}: {said}");
    }
    let payload = unhex(&whole)[..].to_vec();
    let payload = [&payload[..1], &payload[4..]].concat();
    let restored = restore_payload(&seal(payload.clone(), 11), &Limits::default()).expect("it is sound");
    let LoadedValue::Value(value) = &restored else { panic!("it is a stream") };
    // Written back to the byte.
    assert_eq!(dump_value(value, Level::V11, false).expect("it is sound"), seal(payload, 11));
}

#[test]
fn functions() {
    let source = b"#!lua name=mylib\nredis.register_function('f', function() return 1 end)";
    let mut body = vec![opcode::FUNCTION_2, source.len() as u8 & 0x3f | 0x40, 0];
    body[1] = 0x40 | (source.len() >> 8) as u8;
    body[2] = source.len() as u8;
    body.extend_from_slice(source);
    let bytes = file("REDIS0011", &body);
    assert_eq!(read(&bytes, &LoadOptions::default()).unwrap().0.functions, [source.to_vec()]);
    assert_eq!(check::check(&mut &bytes[..], &LoadOptions::default(), 0).unwrap().functions, ["mylib"]);
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).unwrap();
    writer.function(source).unwrap();
    let (bytes, _) = writer.finish().unwrap();
    assert_eq!(read(&bytes, &LoadOptions::default()).unwrap().0.functions, [source.to_vec()]);
    let pre = file("REDIS0010", &unhex("f6 01 6e 03 4c 55 41 01 01 64 01 63 00 01 6b 01 76"));
    assert_eq!(read(&pre, &LoadOptions::default()).unwrap().0.functions, [b"c".to_vec()]);
}

/// A payload's footer.
pub(super) fn seal(mut value: Vec<u8>, version: u16) -> Vec<u8> {
    value.extend_from_slice(&version.to_le_bytes());
    let crc = crate::encoding::crc64::update(0, &value);
    value.extend_from_slice(&crc.to_le_bytes());
    value
}

#[test]
fn payloads() {
    let limits = Limits::default();
    // Of Redis 7.2.6.
    let real = unhex("10 0d 0d 00 00 00 02 00 81 66 02 81 76 02 ff | 0b 00 | 49 2e 80 37 de cb e1 14");
    assert_eq!(Model::of(&restore_payload(&real, &limits).unwrap()), hash(&[("f", "v")]));
    let value = restore_payload(&real, &limits).unwrap();
    let LoadedValue::Value(value) = value else { panic!("it is a hash") };
    assert_eq!(dump_value(&value, Level::V11, true).unwrap(), real);
    let refused =
        |bytes: &[u8]| restore_payload(bytes, &limits).err().expect("it is refused").message().to_owned();
    let footer = "ERR DUMP payload version or checksum are wrong";
    for version in [0, 1, 12, 80] {
        assert!(restore_payload(&seal(vec![0, 1, b'v'], version), &limits).is_ok(), "{version}");
    }
    for version in [13, 79, 81, 0x0b00, u16::MAX] {
        assert_eq!(refused(&seal(vec![0, 1, b'v'], version)), footer, "{version}");
    }
    let mut no_checksum = seal(vec![0, 1, b'v'], 11);
    let at = no_checksum.len() - 8;
    no_checksum[at..].fill(0);
    assert_eq!(refused(&no_checksum), footer);
    for short in 0..10 {
        assert_eq!(refused(&real[..short]), footer);
    }
    for bad in ["", "00", "00 05 61", "00 01 61 62", "08 01 61", "fe 00", "ff", "1a 00", "02 02 01 61 01 61"]
    {
        assert_eq!(refused(&seal(unhex(bad), 11)), "ERR Bad data format", "{bad}");
    }
    // What 22 means follows from the version.
    let valkey = unhex("16 01 01 66 01 76 ff ff ff ff ff ff ff ff");
    assert_eq!(Model::of(&restore_payload(&seal(valkey.clone(), 80), &limits).unwrap()), hash(&[("f", "v")]));
    assert_eq!(refused(&seal(valkey, 12)), "ERR Bad data format");
}
