//! Files of eight server versions, opened by the engine: every key is what its description says, and the libraries of
//! functions, which all but the oldest hold, are there.

use std::fs;
use std::path::Path;

use persistkv::Store;
use persistkv_tests::dataset::{DataSet, Encodings, Strictness, Value};
use persistkv_tests::engine::Engine;
use persistkv_tests::fixtures::{self, Fixture, SERVERS};
use persistkv_tests::server::TempDir;

const SNAPSHOT: [(&str, &str); 2] = [("save", ""), ("appendonly", "no")];
const LOG: [(&str, &str); 2] = [("save", ""), ("appendonly", "yes")];

fn compare(fixture: &Fixture, dir: &Path, directives: &[(&str, &str)], what: &str) {
    let store = Store::open(dir, directives).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(store.load_notes().is_empty(), "{what}: {:?}", store.load_notes());
    let by = Strictness {
        encodings: Encodings::Ignored,
        expiry_tolerance_ms: if fixture.knows_expiry_times() { 0 } else { i64::MAX },
        functions: true,
        servers_log: false,
    };
    assert!(fixture.expected.keys.len() > 40, "{what} proves little");
    fixture.expected.assert_same(&DataSet::read(&mut Engine::of(&store)), by, what);
    store.close().unwrap_or_else(|e| panic!("{what}: {e}"));
    // What it was taken over into holds the same.
    let store = Store::open(dir, directives).unwrap_or_else(|e| panic!("{what}, again: {e}"));
    fixture.expected.assert_same(&DataSet::read(&mut Engine::of(&store)), by, what);
}

#[test]
fn snapshots_of_all_servers_load() {
    for name in SERVERS {
        let fixture = fixtures::load(name);
        let dir = fixture.snapshot();
        compare(&fixture, dir.path(), &SNAPSHOT, &format!("{name}/dump.rdb"));
    }
}

#[test]
fn logs_of_all_servers_load() {
    for name in SERVERS {
        let fixture = fixtures::load(name);
        let dir = fixture.log();
        compare(&fixture, dir.path(), &LOG, &format!("{name}'s log"));
    }
}

/// Servers up to 7.0 took and logged a count that later ones refuse.
#[test]
fn a_log_of_an_old_server_is_taken_by_its_own_rules() {
    let dir = TempDir::new();
    let log = "*5\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\na\r\n\
               *4\r\n$4\r\nLREM\r\n$1\r\nl\r\n$20\r\n-9223372036854775808\r\n$1\r\na\r\n";
    fs::write(dir.path().join("appendonly.aof"), log).expect("a new directory");
    let store = Store::open(dir.path(), &LOG).expect("loads");
    let left = DataSet::read(&mut Engine::of(&store));
    let list = &left.keys[&(0, b"l".to_vec())].value;
    assert_eq!(*list, Value::List(vec![b"b".to_vec()]));
}
