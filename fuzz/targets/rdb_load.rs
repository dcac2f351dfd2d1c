//! The body of a snapshot: refused, or a data set that goes through our writer and comes back the same. The first byte
//! chooses the family, so that both meanings of the bytes that have two are tried.
#![no_main]

use libfuzzer_sys::fuzz_target;
use persistkv::Result;
use persistkv::rdb::{self, LoadOptions, LoadedKey, LoadedValue, Loader, Refused, Verdict, check};
use persistkv::value::saved::{Body, HeadRef, SavedBuf, Sink};

/// Writes what it is given at once.
struct Copy(rdb::Writer<Vec<u8>>);

impl Loader for Copy {
    fn key(&mut self, key: &LoadedKey<'_>, value: LoadedValue) -> Result<bool> {
        let head = HeadRef { db: key.db, key: key.key, expiry: key.expiry, clock: 0 };
        match &value {
            LoadedValue::Int(n) => self.0.entry(head, &Body::Int(*n))?,
            LoadedValue::Bytes(bytes) => self.0.entry(head, &Body::Bytes(bytes))?,
            LoadedValue::Value(value) => {
                let mut buf = SavedBuf::default();
                value.save(head, &mut buf);
                buf.drain(&mut self.0)?;
            }
        }
        Ok(true)
    }

    fn unsupported(&mut self, _: Option<&LoadedKey<'_>>, _: &Refused) -> Verdict {
        Verdict::LeaveOut
    }
}

fn copy(bytes: &[u8]) -> Result<(Vec<u8>, rdb::LoadReport)> {
    let options = LoadOptions { checksum: false, size: Some(bytes.len() as u64), ..LoadOptions::default() };
    let writer = rdb::Writer::new(Vec::new(), rdb::WriteOptions::default())?;
    let mut copy = Copy(writer);
    let report = rdb::load(&mut &*bytes, &options, &mut copy)?;
    Ok((copy.0.finish()?.0, report))
}

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let mut file = if first & 1 == 0 { b"REDIS0004" } else { b"VALKEY080" }.to_vec();
    file.extend_from_slice(body);
    let looked_over = check::check(&mut &file[..], &LoadOptions { checksum: false, ..LoadOptions::default() }, 0);
    let looked_over = looked_over.expect("a slice has no I/O errors");
    let Ok((once, report)) = copy(&file) else {
        assert!(!looked_over.is_sound());
        return;
    };
    // The checker knows of keys that come twice, this loader does not.
    if let Some(problem) = &looked_over.problem {
        assert!(problem.what.contains("twice"), "{}", problem.what);
    }
    let (twice, again) = copy(&once).expect("what was written can be read");
    assert_eq!(once.len(), twice.len());
    assert_eq!((again.keys, again.empty), (report.keys, 0));
});
