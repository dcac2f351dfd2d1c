//! A DUMP payload with a right footer: refused, or a value that can be dumped and restored again. The first byte
//! chooses the version in the footer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use persistkv::encoding::crc64;
use persistkv::rdb::{self, Level, LoadedValue};
use persistkv::value::Limits;
use persistkv::value::saved::Body;

fn dump(value: &LoadedValue, level: Level) -> Vec<u8> {
    match value {
        LoadedValue::Int(n) => rdb::dump_payload(&Body::Int(*n), level, true),
        LoadedValue::Bytes(bytes) => rdb::dump_payload(&Body::Bytes(bytes), level, true),
        LoadedValue::Value(value) => rdb::dump_value(value, level, false),
    }
    .expect("values that were taken can be dumped")
}

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let version: u16 = if first & 1 == 0 { 11 } else { 80 };
    let mut payload = body.to_vec();
    payload.extend_from_slice(&version.to_le_bytes());
    payload.extend_from_slice(&crc64::update(0, &payload).to_le_bytes());
    let limits = Limits { hash_max_listpack_entries: 3, set_max_listpack_entries: 3, ..Limits::default() };
    let Ok(value) = rdb::restore_payload(&payload, &limits) else { return };
    for level in [Level::V9, Level::V11] {
        let once = dump(&value, level);
        let back = rdb::restore_payload(&once, &limits).expect("what was dumped can be restored");
        let (before, after) = (describe(&value), describe(&back));
        assert_eq!(before, after);
    }
});

fn describe(value: &LoadedValue) -> (&'static str, usize) {
    match value {
        LoadedValue::Int(_) => ("string", 0),
        LoadedValue::Bytes(bytes) => ("string", bytes.len()),
        LoadedValue::Value(value) => (value.type_name(), value.len()),
    }
}
