//! Real servers read the log at the instants that matter: with a prepared tail of any length, as a kill leaves it
//! between two stores, and handed to and fro without a clean close.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use persistkv::aof::{Effects, Layout, LoadOptions, Log, Options, Policy, Target, load};
use persistkv::fs::sim::crash::Replayer;
use persistkv::fs::sim::{Op, SimFs};
use persistkv::fs::{FileSystem, RealFs};
use persistkv_tests::server::{Server, TempDir, check};
use persistkv_tests::{Endpoint, Reply};

/// The servers that know a log of several files, and annotations.
const TAGS: [&str; 4] = ["r70", "r82", "v81", "v91"];

/// Remembers the last value of each key.
#[derive(Default)]
struct Values(std::collections::BTreeMap<String, String>);

impl Target for Values {
    fn file(&mut self, _name: &str) -> persistkv::Result<()> {
        Ok(())
    }

    fn preamble(&mut self, _input: &mut dyn Read, _len: u64) -> persistkv::Result<u64> {
        panic!("the servers here write their base as commands");
    }

    fn command(&mut self, argv: &[&[u8]], _offset: u64) -> persistkv::Result<()> {
        let words: Vec<String> = argv.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect();
        if words[0].eq_ignore_ascii_case("set") {
            self.0.insert(words[1].clone(), words[2].clone());
        }
        Ok(())
    }
}

fn open(files: Arc<dyn FileSystem>, dir: &Path) -> (Log, Values) {
    let layout = Layout::new(dir);
    let mut values = Values::default();
    let opened = load(&*files, &layout, &LoadOptions::default(), &mut values).expect("loads");
    let options =
        Options { policy: Policy::EverySec, threads: false, step_bytes: 1 << 16, ..Options::default() };
    (Log::open(files, layout, opened, options).expect("opens"), values)
}

fn set(log: &Log, pairs: &[(&str, &str)]) {
    let mut effects = Effects::new();
    for (key, value) in pairs {
        effects.push(0, &["SET", key, value]);
    }
    log.reserve(effects.byte_len()).expect("room");
    log.append(&effects).expect("appends");
}

#[test]
fn servers_accept_a_prepared_tail_of_any_length() {
    let files = SimFs::new();
    files.create_dir_all("/d".as_ref()).expect("a directory");
    let (log, _) = open(Arc::new(files.clone()), "/d".as_ref());
    set(&log, &[("k", "v")]);
    let dir = TempDir::new();
    let file = dir.path().join("incr.aof");
    // What one more record adds to its value's length.
    let around = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n\r\n".len() as u64;
    let mut tried = 0;
    for wanted in [0, 1, 2, 3, 255, 256, 494, 495, 496, 497, 498, 508, 509, 510, 511] {
        let data = log.end();
        // As long as needed for the data to end there; a pad moves it on.
        let value = (512 + wanted - (data + around) % 512) % 512;
        let value = if value < 100 { value + 512 } else { value };
        set(&log, &[("k", &"x".repeat(value as usize))]);
        let content = files.content("/d/appendonlydir/appendonly.aof.1.incr.aof").expect("the file");
        let end = content.iter().rposition(|b| !b"#\n".contains(b)).expect("data") as u64 + 2;
        assert!(end % 512 == wanted, "the data ends at {end}, not as wanted at {wanted}");
        fs::write(&file, &content).expect("writes");
        for tag in TAGS {
            let Some((valid, said)) = check(tag, "redis-check-aof", &file) else { return };
            assert!(valid && said.contains("is valid"), "{tag}, data to {end} of {}: {said}", content.len());
            tried += 1;
        }
    }
    assert_eq!(tried, 15 * TAGS.len());
}

/// Writes a simulated disk to a real one.
fn unload(from: &SimFs, to: &Path) {
    for (path, content) in from.files() {
        let path = to.join(path.strip_prefix("/d").expect("all is in there"));
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("writes");
    }
}

#[test]
fn servers_load_what_a_kill_between_two_stores_leaves() {
    for more in [&[("last", "1")][..], &[("last", "1"), ("other", "2")]] {
        let files = SimFs::new();
        files.create_dir_all("/d".as_ref()).expect("a directory");
        let (log, _) = open(Arc::new(files.clone()), "/d".as_ref());
        set(&log, &[("first", "1")]);
        let before = files.ops().len();
        set(&log, more);
        let ops = files.ops();
        let mut replayer = Replayer::new(files.boot_id());
        ops[..before].iter().for_each(|op| replayer.step(op));
        // Nothing stored, the opening, a part of the rest from either end, all of the rest, the commit.
        let mut states = vec![(replayer.after_kill(None), 1)];
        for (i, op) in ops[before..].iter().enumerate() {
            if let Op::Store { data, atomic: false, .. } = op {
                for n in [1, data.len() as isize / 2, -(data.len() as isize / 2), -1] {
                    states.push((replayer.after_kill(Some((op, n))), 1));
                }
            }
            replayer.step(op);
            let keys = if before + i + 1 == ops.len() { 1 + more.len() } else { 1 };
            states.push((replayer.after_kill(None), keys));
        }
        assert_eq!(states.len(), 8);
        for tag in TAGS {
            for (i, (state, keys)) in states.iter().enumerate() {
                let dir = TempDir::new();
                unload(state, dir.path());
                let Some(server) = Server::start_in(tag, dir.path(), &["--appendonly", "yes"]) else {
                    return;
                };
                let mut connection = server.connect();
                let what = format!("{tag}, state {i} of {}", states.len());
                assert_eq!(connection.line("DBSIZE"), Reply::Int(*keys as i64), "{what}");
                // And it goes on with the file.
                connection.line("SET theirs 1");
                server.shutdown(false);
                let mut values = Values::default();
                load(&RealFs, &Layout::new(dir.path()), &LoadOptions::default(), &mut values).expect(&what);
                assert_eq!(values.0.len(), keys + 1, "{what}: {:?}", values.0);
            }
        }
    }
}

#[test]
fn a_log_goes_to_and_fro_without_a_clean_close() {
    for tag in TAGS {
        let dir = TempDir::new();
        let files: Arc<dyn FileSystem> = Arc::new(RealFs);
        let mut expected = Values::default();
        for round in 0..3 {
            let (log, values) = open(Arc::clone(&files), dir.path());
            assert_eq!(values.0, expected.0, "{tag}, round {round}");
            for i in 0..50 {
                let (key, value) = (format!("ours{i}"), format!("{round} {}", "x".repeat(i * 7)));
                set(&log, &[(&key, &value)]);
                expected.0.insert(key, value);
            }
            // As a kill: neither synced nor cut.
            std::mem::forget(log);
            let extra = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"];
            let Some(server) = Server::start_in(tag, dir.path(), &extra) else { return };
            let mut connection = server.connect();
            for (key, value) in &expected.0 {
                let argv = [b"GET".to_vec(), key.clone().into_bytes()];
                assert_eq!(
                    connection.command(&argv),
                    Reply::Bulk(value.clone().into_bytes()),
                    "{tag}: {key}"
                );
            }
            connection.line(&format!("SET theirs {round}"));
            expected.0.insert("theirs".to_owned(), round.to_string());
            if round == 1 {
                persistkv_tests::interop::rewrite(&mut connection);
                connection.line("SET behind 1");
                expected.0.insert("behind".to_owned(), "1".to_owned());
            }
            if round == 2 { server.kill() } else { server.shutdown(false) }
        }
        let (_, values) = open(files, dir.path());
        assert_eq!(values.0, expected.0, "{tag}, at the end");
    }
}
