//! Damaged and hostile input: an error or a sound data set, never a panic, a hang, or memory that was not paid for.

use std::io::{self, BufRead, Read};

use super::format::seal;
use super::*;
use crate::encoding::crc64;
use crate::value::elements::record;
use crate::value::saved::BigKind;

/// A small file with every type and form there is.
fn varied() -> Vec<u8> {
    let limits = Limits::default();
    let big: Vec<Vec<u8>> = (0..20u8).map(|i| vec![b'x', i, i ^ 77]).collect();
    let models = [
        Model::String(b"12".to_vec()),
        Model::String(b"some text that is long enough to be compressed, compressed, compressed".to_vec()),
        Model::List(vec![b"a".to_vec(), b"-5".to_vec(), vec![b'l'; 70]]),
        Model::Set([b"1", b"2", b"3"].iter().map(|m| m.to_vec()).collect()),
        Model::Set([b"a", b"b"].iter().map(|m| m.to_vec()).collect()),
        Model::Set(big.iter().cloned().chain([vec![b'm'; 65]]).collect()),
        Model::Hash([(b"f".to_vec(), (b"v".to_vec(), None)), (b"g".to_vec(), (b"7".to_vec(), None))].into()),
        Model::Hash(
            [(b"f".to_vec(), (b"v".to_vec(), Some(9))), (b"g".to_vec(), (b"7".to_vec(), None))].into(),
        ),
        Model::Hash(big.iter().take(5).map(|f| (f.clone(), (vec![b'v'; 65], None))).collect()),
        Model::Hash(big.iter().take(5).map(|f| (f.clone(), (vec![b'v'; 65], Some(1 << 40)))).collect()),
        Model::ZSet(vec![(b"a".to_vec(), 1f64.to_bits()), (b"b".to_vec(), 1.5f64.to_bits())]),
        Model::ZSet(vec![(vec![b'z'; 65], 1f64.to_bits()), (b"y".to_vec(), 2f64.to_bits())]),
        Model::Stream(Picture::of(&Picture::random(3))),
    ];
    let values: Vec<_> = models.iter().map(|model| model.build(&limits)).collect();
    let mut bytes = b"REDIS0012".to_vec();
    for (db, level) in [(0, Level::V9), (1, Level::V11)] {
        let options =
            WriteOptions { level, aux: vec![(b"x".to_vec(), b"y".to_vec())], ..WriteOptions::default() };
        let mut writer = Writer::new(Vec::new(), options).expect("a vector takes everything");
        for (i, value) in values.iter().enumerate() {
            let expiry = (i % 3 == 0).then_some(4_102_444_800_000);
            put(&mut writer, head(db, format!("key:{i}").as_bytes(), expiry), value).expect("as above");
        }
        writer.begin(head(db, b"in steps", None), BigKind::Hash, 2).expect("nothing is open");
        for i in 0..2u8 {
            let mut records = Vec::new();
            record(&mut records, &[b'f', i], &[i; 3]);
            writer.elements(&records).expect("a key is open");
        }
        writer.end().expect("a key is open");
        let (part, _) = writer.finish().expect("as above");
        // All but header and end.
        bytes.extend_from_slice(&part[9..part.len() - 9]);
    }
    for other in [
        "fe 04 | 09 01 61 10 02 02 66 31 02 00 76 31 02 66 32 02 00 76 32 ff",
        "0a 01 62 14 14 00 00 00 10 00 00 00 03 00 00 01 61 03 01 62 03 01 63 ff",
        "0c 01 63 19 19 00 00 00 16 00 00 00 04 00 00 03 6f 6e 65 05 f2 02 03 74 77 6f 05 f3 ff",
        "0d 01 64 1b 1b 00 00 00 16 00 00 00 04 00 00 02 66 31 04 02 76 31 04 02 66 32 04 02 76 32 ff",
        "0e 01 65 01 0e 0e 00 00 00 0a 00 00 00 01 00 00 01 63 ff",
        "03 01 66 02 01 61 03 31 2e 35 01 62 fe",
        "07 01 67 81 bd e7 2d a2 bb 1e b4 00 02 03 05 03 2a 55 7f 00",
        "19 01 68 00 00 00 00 00 00 00 00 11 11 00 00 00 03 00 82 66 31 03 82 76 31 03 00 01 ff",
        "f7 81 bd e7 2d a2 bb 1e b4 00 02 02 01 05 00",
        "f4 05 01 00",
    ] {
        bytes.extend_from_slice(&unhex(other));
    }
    bytes.push(opcode::EOF);
    let crc = crc64::update(0, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// No byte may be wrong: the checksum sees to that even where nothing else does.
#[test]
fn every_truncation_and_every_flip_of_a_file() {
    let good = varied();
    let (whole, report) = read(&good, &LoadOptions::default()).expect("it is sound");
    assert_eq!(report.checksum, Checksum::Verified);
    assert!(whole.keys.len() > 25);
    for cut in 0..good.len() {
        let message = read_error(&good[..cut]).message().to_owned();
        assert!(message.starts_with("dump.rdb: at byte ") && message.contains("; "), "{message}");
    }
    let at_checksum = good.len() - 8;
    for at in 0..good.len() {
        for change in [1u8, 0x80, 0xff, 0x40] {
            let mut bad = good.clone();
            bad[at] ^= change;
            // In the version, a smaller number is a right version too, and then there may be no checksum at all.
            if let Ok((keep, report)) = read(&bad, &LoadOptions::default()) {
                assert!(at < 9 || at >= at_checksum, "a change at {at} went unnoticed");
                assert!(at >= at_checksum || report.checksum == Checksum::Absent);
                assert_eq!(keep.keys, whole.keys);
            }
        }
    }
}

/// The same without the checksum's help: whatever is accepted is a data set that can be walked and written.
#[test]
fn every_flip_without_checksums() {
    let good = varied();
    let mut accepted = 0;
    let options = LoadOptions { checksum: false, ..LoadOptions::default() };
    let mut rng = fastrand::Rng::with_seed(11);
    for at in 9..good.len() - 8 {
        for _ in 0..2 {
            let mut bad = good.clone();
            bad[at] = rng.u8(..);
            if let Ok((keep, _)) = read(&bad, &options) {
                accepted += 1;
                let keys: Vec<_> =
                    keep.values.iter().map(|(name, value)| (head(name.0, &name.1, None), value)).collect();
                let again = write(WriteOptions::default(), &keys).expect("it can be written");
                let (again, _) = read(&again, &LoadOptions::default()).expect("it can be read back");
                assert_eq!(again.keys.len(), keep.keys.len());
                for (name, got) in &again.keys {
                    assert_eq!(got.value, keep.keys[name].value);
                }
            }
        }
    }
    assert!(accepted > 150, "a changed letter is no damage: {accepted}");
}

/// Payloads with a right footer around damaged values: RESTORE takes bytes from anybody.
#[test]
fn mutated_payloads() {
    let limits = Limits { hash_max_listpack_entries: 3, set_max_listpack_entries: 3, ..Limits::default() };
    let (keep, _) = read(&varied(), &LoadOptions::default()).expect("it is sound");
    let mut seeds: Vec<Vec<u8>> = keep
        .values
        .values()
        .flat_map(|value| {
            let LoadedValue::Value(value) = value else { return vec![] };
            [Level::V9, Level::V11]
                .map(|level| dump_value(value, level, false).expect("it is sound"))
                .to_vec()
        })
        .map(|mut payload| {
            payload.truncate(payload.len() - 10);
            payload
        })
        .collect();
    seeds.push(unhex("16 01 01 66 01 76 ff ff ff ff ff ff ff ff"));
    seeds.push(unhex("18 00 00 00 00 00 00 00 00 02 00 02 66 31 02 76 31 05 02 66 32 02 76 32"));
    seeds.push(unhex(
        "0f 01 10 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 01 17 17 00 00 00 08 00 01 01 00 01 00 01
        00 01 00 01 00 01 00 01 00 01 04 01 ff 01 43 e8 01 00",
    ));
    let mut rng = fastrand::Rng::with_seed(5);
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut value = seeds[rng.usize(0..seeds.len())].clone();
        for _ in 0..rng.usize(1..4) {
            if value.is_empty() {
                break;
            }
            let at = rng.usize(0..value.len());
            match rng.u8(0..6) {
                0 => value[at] = rng.u8(..),
                1 => value[at] = [0, 1, 0x7f, 0x80, 0x81, 0xff, 0xfe, 0x40, 0xc3][rng.usize(0..9)],
                2 => drop(value.remove(at)),
                3 => value.insert(at, rng.u8(..)),
                4 => value.truncate(at),
                _ => {
                    let from = rng.usize(0..value.len());
                    let piece = value[from..value.len().min(from + rng.usize(0..12))].to_vec();
                    value.splice(at..at, piece);
                }
            }
        }
        let version = [11, 12, 80][round % 3];
        match restore_payload(&seal(value, version), &limits) {
            Ok(value) => {
                accepted += 1;
                if let LoadedValue::Value(value) = &value {
                    let again = dump_value(value, Level::V11, true).expect("it can be dumped");
                    let again = restore_payload(&again, &limits).expect("it can be restored");
                    assert_eq!(Model::of(&again), Model::of_value(value));
                }
            }
            Err(error) => assert!(error.message().starts_with("ERR "), "{error}"),
        }
    }
    assert!(accepted > 700, "{accepted}");
}

/// A stream that goes on for ever, or claims to.
struct Endless {
    head: Vec<u8>,
    filler: u8,
    given: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let shown = self.fill_buf()?;
        let n = shown.len().min(out.len());
        out[..n].copy_from_slice(&shown[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Endless {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given > 1 << 20 {
            return Ok(&[]);
        }
        if self.head.is_empty() {
            self.head = vec![self.filler; 4096];
        }
        Ok(&self.head)
    }

    fn consume(&mut self, n: usize) {
        self.head.drain(..n);
        self.given += n;
    }
}

/// Claims of 2^60 bytes or elements cost as much as the bytes that really come.
#[test]
fn claims_are_not_believed() {
    let huge = "81 0f ff ff ff ff ff ff ff";
    for body in [
        format!("00 {huge}"),
        format!("00 01 6b {huge}"),
        format!("00 01 6b c3 {huge} {huge}"),
        format!("00 01 6b c3 01 {huge} 00"),
        "00 01 6b c3 80 00 10 00 00 80 10 00 00 00".to_owned(),
        format!("01 01 6b {huge}"),
        format!("02 01 6b {huge}"),
        format!("04 01 6b {huge}"),
        format!("05 01 6b {huge}"),
        format!("0e 01 6b {huge}"),
        format!("12 01 6b {huge}"),
        format!("0b 01 6b {huge}"),
        format!("10 01 6b {huge}"),
        format!("15 01 6b {huge}"),
        format!("18 01 6b 00 00 00 00 00 00 00 00 {huge}"),
        format!("fa {huge}"),
        format!("f5 {huge}"),
        format!("f7 01 02 01 05 {huge}"),
        format!("07 01 6b 01 05 {huge}"),
        format!("fb {huge} {huge} 02 01 6b {huge}"),
    ] {
        for filler in [0u8, 1, 2, 0x81, 0xff] {
            let mut head = b"REDIS0011".to_vec();
            head.extend_from_slice(&unhex(&body));
            let mut stream = Endless { head, filler, given: 0 };
            let mut keep = Keep::default();
            let error =
                load(&mut stream, &LoadOptions::default(), &mut keep).expect_err("it can not end well");
            assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{error}");
        }
    }
}

#[test]
fn the_streams_own_errors_are_told_apart() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let left = b"REDIS0011\x00\x01k".len() - self.0;
            if left == 0 {
                return Err(io::Error::other("the disk is on fire"));
            }
            let n = left.min(out.len());
            out[..n].copy_from_slice(&b"REDIS0011\x00\x01k"[self.0..self.0 + n]);
            self.0 += n;
            Ok(n)
        }
    }
    let mut stream = io::BufReader::with_capacity(5, Broken(0));
    let error = load(&mut stream, &LoadOptions::default(), &mut Keep::default()).expect_err("it fails");
    assert_eq!(error.kind(), crate::ErrorKind::Io);
    assert!(error.message().contains("dump.rdb") && error.message().contains("on fire"), "{error}");
    assert!(check::check(&mut io::BufReader::new(Broken(0)), &LoadOptions::default(), 0).is_err());
}

/// A loader's refusal ends the load and comes out as it is.
#[test]
fn a_loaders_error_comes_out() {
    struct Full;
    impl Loader for Full {
        fn key(&mut self, _: &LoadedKey<'_>, _: LoadedValue) -> Result<bool> {
            Err(Error::new(crate::ErrorKind::OutOfMemory, "OOM it is full"))
        }
    }
    let error = load(&mut &varied()[..], &LoadOptions::default(), &mut Full).expect_err("it is full");
    assert_eq!((error.kind(), error.message()), (crate::ErrorKind::OutOfMemory, "OOM it is full"));
}
