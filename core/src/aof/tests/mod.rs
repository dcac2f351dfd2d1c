//! Append, close or crash, and load again, on the simulated disk.

mod faults;
mod replay;
mod rewriting;

use std::io::Read;
use std::sync::Arc;

use super::*;
use crate::error::Result;
use crate::fs::FileSystem;
use crate::fs::sim::SimFs;
use crate::fs::sim::crash::Replayer;

/// A target that writes down what it is given.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Recorder {
    pub(super) commands: Vec<String>,
    pub(super) preambles: usize,
}

impl Target for Recorder {
    fn file(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    fn preamble(&mut self, input: &mut dyn Read, _len: u64) -> Result<u64> {
        // A stand-in for an RDB: REDIS0011, one length byte, that many bytes.
        let mut head = [0; 10];
        input.read_exact(&mut head).map_err(|e| crate::Error::io("reading", "rdb".as_ref(), e))?;
        let mut body = vec![0; usize::from(head[9])];
        input.read_exact(&mut body).map_err(|e| crate::Error::io("reading", "rdb".as_ref(), e))?;
        self.commands.push(format!("base {}", String::from_utf8_lossy(&body)));
        self.preambles += 1;
        Ok(10 + u64::from(head[9]))
    }

    fn command(&mut self, argv: &[&[u8]], _offset: u64) -> Result<()> {
        let words: Vec<_> = argv.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect();
        if words[0] != "SELECT" {
            self.commands.push(words.join(" "));
        }
        Ok(())
    }
}

pub(super) fn options(policy: Policy) -> Options {
    Options { policy, threads: false, step_bytes: 4096, ..Options::default() }
}

pub(super) fn try_load(fs: &SimFs) -> Result<(Vec<String>, Opened)> {
    let mut recorder = Recorder::default();
    let opened = load(fs, &Layout::new("/d"), &LoadOptions::default(), &mut recorder)?;
    Ok((recorder.commands, opened))
}

pub(super) fn open(fs: &SimFs, policy: Policy) -> (Log, Vec<String>) {
    fs::create(fs);
    let (commands, opened) = try_load(fs).expect("loads");
    let log = Log::open(Arc::new(fs.clone()), Layout::new("/d"), opened, options(policy)).expect("opens");
    (log, commands)
}

mod fs {
    use crate::fs::FileSystem;
    use crate::fs::sim::SimFs;

    pub(super) fn create(fs: &SimFs) {
        fs.create_dir_all("/d".as_ref()).expect("a directory in memory");
    }
}

pub(super) fn set(log: &Log, key: &str, value: &str) -> Lsn {
    let mut effects = Effects::new();
    effects.push(0, &["SET", key, value]);
    log.reserve(effects.byte_len()).expect("room");
    log.append(&effects).expect("appends")
}

#[test]
fn what_is_appended_is_replayed_and_a_clean_close_leaves_no_filler() {
    let fs = SimFs::new();
    let (log, before) = open(&fs, Policy::EverySec);
    assert!(before.is_empty());
    for i in 0..300 {
        set(&log, &format!("k{i}"), &"v".repeat(i));
    }
    log.close().expect("closes");
    let file = fs.content("/d/appendonlydir/appendonly.aof.1.incr.aof").expect("the file");
    assert!(file.ends_with(b"\r\n") && !file.ends_with(b"#\r\n"));
    assert_eq!(fs.content("/d/appendonlydir/appendonly.aof.session"), None);
    let (commands, opened) = try_load(&fs).expect("loads");
    let expected: Vec<String> = (0..300).map(|i| format!("SET k{i} {}", "v".repeat(i))).collect();
    assert_eq!(commands, expected);
    assert!(!opened.report.unclean && opened.report.lost.is_empty());
}

#[test]
fn a_killed_process_loses_nothing_under_any_policy() {
    for policy in [Policy::Always, Policy::EverySec, Policy::No] {
        for refuse in [false, true] {
            let fs = SimFs::new();
            fs.refuse_mapping(refuse);
            let mut expected = Vec::new();
            for round in 0..4 {
                let (log, commands) = open(&fs, policy);
                assert_eq!(commands, expected, "{policy:?} {refuse} {round}");
                for i in 0..40 {
                    let value = "x".repeat(i * 37 % 500);
                    set(&log, "k", &value);
                    expected.push(format!("SET k {value}"));
                }
                // Killed: nothing is closed.
                std::mem::forget(log);
            }
        }
    }
}

/// A check line that ends one byte before a filler line's end is followed by a pad, which belongs to it: for its
/// successor, for the file after it, and for a load after a power cut.
#[test]
fn a_check_line_may_end_anywhere() {
    let mut padded = 0;
    for shift in 0..filler::LINE as usize {
        let fs = SimFs::new();
        let (log, _) = open(&fs, Policy::Always);
        let mut expected = Vec::new();
        for i in 0..3 {
            let value = "x".repeat(if i == 0 { shift } else { 1 });
            let lsn = set(&log, "k", &value);
            log.wait_durable(lsn).expect("durable");
            expected.push(format!("SET k {value}"));
            padded += usize::from(filler::pad(log.end() - filler::PAD.len() as u64) > 0);
        }
        if shift % 2 == 1 {
            // The next file tells where this one ends.
            log.begin_rewrite().expect("begins").switch().expect("switches");
            let lsn = set(&log, "k", "behind");
            log.wait_durable(lsn).expect("durable");
            expected.push("SET k behind".to_owned());
        }
        std::mem::forget(log);
        let mut replayer = Replayer::new(fs.boot_id());
        fs.ops().iter().for_each(|op| replayer.step(op));
        for seed in 0..4 {
            let disk = replayer.after_power_cut(&mut fastrand::Rng::with_seed(seed));
            let (commands, opened) = try_load(&disk).expect("loads");
            assert_eq!(commands, expected, "shift {shift}: {:?}", opened.report.lost);
        }
    }
    assert!(padded >= 3, "only {padded} pads were made");
}

#[test]
fn the_policy_can_change_and_old_positions_are_no_trap() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, Policy::No);
    let first = set(&log, "a", "1");
    assert!(log.durable() < first);
    log.set_policy(Policy::Always);
    assert_eq!(log.policy(), Policy::Always);
    let second = set(&log, "b", "1");
    log.wait_durable(second).expect("durable");
    assert!(log.durable() >= second && second > first);
    // Of a log that was turned off meanwhile.
    log.wait_durable(second + 1_000_000).expect("returns");
    log.close().expect("closes");
    assert_eq!(log.append(&Effects::new()).expect("nothing to do"), log.end());
    assert_eq!(log.reserve(1).expect_err("closed").kind(), crate::ErrorKind::Closed);
    log.close().expect("again");
}

/// `everysec` may not let the oldest unsynced record grow old: when a sync takes longer than a second, writers wait for it.
#[test]
fn writers_wait_for_a_sync_that_takes_too_long() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, Policy::EverySec);
    set(&log, "a", "1");
    fs.hold_syncs(true);
    std::thread::scope(|scope| {
        scope.spawn(|| log.sync().expect("syncs at last"));
        scope.spawn(|| {
            // Free at first; waits when the sync has been running for a second.
            while log.stats().delayed_fsync == 0 {
                log.reserve(10).expect("room");
            }
        });
        while log.stats().delayed_fsync == 0 {
            std::thread::yield_now();
        }
        assert!(log.stats().pending_fsync, "the writer waits");
        fs.hold_syncs(false);
    });
    assert_eq!(log.stats().delayed_fsync, 1);
    log.close().expect("closes");
}

#[test]
fn times_are_noted_when_wanted() {
    let fs = SimFs::new();
    fs::create(&fs);
    let (_, opened) = try_load(&fs).expect("loads");
    let options = Options { timestamps: true, ..options(Policy::No) };
    let log = Log::open(Arc::new(fs.clone()), Layout::new("/d"), opened, options).expect("opens");
    set(&log, "a", "1");
    log.close().expect("closes");
    let file = fs.content("/d/appendonlydir/appendonly.aof.1.incr.aof").expect("the file");
    assert!(file.starts_with(b"#TS:1") || file.starts_with(b"#TS:2"));
    assert_eq!(try_load(&fs).expect("loads").0, ["SET a 1"]);
}

#[test]
fn a_rewrite_replaces_what_was_before_the_cut() {
    let fs = SimFs::new();
    let (log, _) = open(&fs, Policy::Always);
    set(&log, "a", "1");
    let mut rewrite = log.begin_rewrite().expect("begins");
    set(&log, "b", "2");
    rewrite.switch().expect("switches");
    set(&log, "c", "3");
    let mut base = rewrite.create_base(true).expect("a base");
    std::io::Write::write_all(&mut base, b"REDIS0011\x03a,b").expect("writes");
    rewrite.commit().expect("commits");
    let lsn = set(&log, "d", "4");
    log.wait_durable(lsn).expect("durable");
    std::mem::forget(log);
    let (commands, _) = try_load(&fs).expect("loads");
    assert_eq!(commands, ["base a,b", "SET c 3", "SET d 4"]);
    let names: Vec<String> =
        fs.files().into_keys().filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())).collect();
    assert_eq!(
        names,
        [
            "appendonly.aof.1.base.rdb",
            "appendonly.aof.2.incr.aof",
            "appendonly.aof.manifest",
            "appendonly.aof.session"
        ]
    );
}
