//! Files of eight server versions, opened by the engine: every key is what its description says. All but the oldest hold
//! a function library, which the engine does not have: such a file is refused with an error that says so and left as it
//! is; with the library cut out of it, it loads.

use std::fs;
use std::path::Path;

use persistkv::Store;
use persistkv::encoding::crc64;
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
        functions: false,
        servers_log: false,
    };
    assert!(fixture.expected.keys.len() > 40, "{what} proves little");
    fixture.expected.assert_same(&DataSet::read(&mut Engine::of(&store)), by, what);
    store.close().unwrap_or_else(|e| panic!("{what}: {e}"));
    // What it was taken over into holds the same.
    let store = Store::open(dir, directives).unwrap_or_else(|e| panic!("{what}, again: {e}"));
    fixture.expected.assert_same(&DataSet::read(&mut Engine::of(&store)), by, what);
}

/// Length and value of a length as an RDB has it; `None` for the special forms of strings, with the form.
fn length(bytes: &[u8]) -> (usize, Result<usize, u8>) {
    let first = usize::from(bytes[0]);
    match first >> 6 {
        0 => (1, Ok(first & 63)),
        1 => (2, Ok((first & 63) << 8 | usize::from(bytes[1]))),
        2 => (5, Ok(u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize)),
        _ => (1, Err(bytes[0] & 63)),
    }
}

/// How many bytes a string takes in an RDB.
fn string(bytes: &[u8]) -> usize {
    match length(bytes) {
        (head, Ok(len)) => head + len,
        (head, Err(form @ 0..=2)) => head + (1 << form),
        (head, Err(3)) => {
            let (a, packed) = length(&bytes[head..]);
            let (b, _) = length(&bytes[head + a..]);
            head + a + b + packed.expect("a length")
        }
        (_, Err(form)) => panic!("no string has the form {form}"),
    }
}

/// Cuts the function libraries out of a snapshot; how many there were.
fn without_functions(rdb: &[u8]) -> (Vec<u8>, usize) {
    const AUX: u8 = 0xFA;
    const FUNCTION: u8 = 0xF5;
    let mut out = rdb[..9].to_vec();
    let mut at = 9;
    let mut found = 0;
    loop {
        let len = match rdb[at] {
            AUX => {
                let name = string(&rdb[at + 1..]);
                1 + name + string(&rdb[at + 1 + name..])
            }
            FUNCTION => {
                found += 1;
                at += 1 + string(&rdb[at + 1..]);
                continue;
            }
            _ => break,
        };
        out.extend_from_slice(&rdb[at..at + len]);
        at += len;
    }
    out.extend_from_slice(&rdb[at..rdb.len() - 8]);
    let sum = crc64::update(0, &out);
    out.extend_from_slice(&sum.to_le_bytes());
    (out, found)
}

/// Cuts `FUNCTION LOAD` out of a file of commands.
fn without_loading(log: &[u8]) -> (Vec<u8>, usize) {
    const HEAD: &[u8] = b"\r\n$8\r\nFUNCTION\r\n";
    let Some(at) = log.windows(HEAD.len()).position(|w| w.eq_ignore_ascii_case(HEAD)) else {
        return (log.to_vec(), 0);
    };
    let start = log[..at].iter().rposition(|&b| b == b'*').expect("a command begins");
    let line = |at: usize| at + log[at..].iter().position(|&b| b == b'\n').expect("a line ends") + 1;
    let number = |from: usize, to: usize| -> usize {
        String::from_utf8_lossy(&log[from..to]).trim().parse().expect("a count")
    };
    let mut end = line(start);
    for _ in 0..number(start + 1, end) {
        let body = line(end);
        end = body + number(end + 1, body) + 2;
    }
    let (rest, more) = without_loading(&[&log[..start], &log[end..]].concat());
    (rest, more + 1)
}

fn edit(path: &Path, how: impl Fn(&[u8]) -> (Vec<u8>, usize)) -> usize {
    let before = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (after, found) = how(&before);
    fs::write(path, after).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    found
}

/// The error for what the engine does not have, which names it; the file is left as it is.
fn refused(dir: &TempDir, file: &Path, directives: &[(&str, &str)], named: &str, what: &str) {
    let before = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    match Store::open(dir.path(), directives) {
        Ok(_) => panic!("{what} loads although something in it is lost"),
        Err(e) => assert!(e.to_string().to_lowercase().contains(named), "{what}: {e}"),
    }
    assert_eq!(fs::read(file).ok(), Some(before), "{what} was changed");
}

#[test]
fn snapshots_of_all_servers_load() {
    for name in SERVERS {
        let fixture = fixtures::load(name);
        let dir = fixture.snapshot();
        let file = dir.path().join("dump.rdb");
        if fixture.expected.functions.is_some_and(|n| n > 0) {
            refused(&dir, &file, &SNAPSHOT, "function", name);
            assert_eq!(Some(edit(&file, without_functions)), fixture.expected.functions, "{name}");
        }
        compare(&fixture, dir.path(), &SNAPSHOT, &format!("{name}/dump.rdb"));
    }
}

#[test]
fn logs_of_all_servers_load() {
    for name in SERVERS {
        let fixture = fixtures::load(name);
        let dir = fixture.log();
        if fixture.expected.functions.is_some_and(|n| n > 0) {
            let folder = dir.path().join("appendonlydir");
            let (base, incr) =
                (folder.join("appendonly.aof.1.base.rdb"), folder.join("appendonly.aof.1.incr.aof"));
            let with =
                if without_loading(&fs::read(&incr).expect("it is there")).1 > 0 { &incr } else { &base };
            refused(&dir, with, &LOG, "function", name);
            let found = edit(&base, without_functions) + edit(&incr, without_loading);
            assert_eq!(Some(found), fixture.expected.functions, "{name}");
        }
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
