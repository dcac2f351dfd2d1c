//! The log's group commit under chosen schedules: several threads append and wait, a rewrite switches files in between.
//! Whatever was durable for a thread when its wait returned is there after a power cut at any later point; no schedule
//! ends with everybody waiting.

mod common;

use std::io::{Read, Write};
use std::sync::Arc;

use common::{finds, holds};
use persistkv::aof::{Effects, Layout, LoadOptions, Log, Options, Policy, Target, load};
use persistkv::fs::FileSystem;
use persistkv::fs::sim::crash::Replayer;
use persistkv::fs::sim::{Op, SimFs};
use persistkv::sync::planted::Fault;
use shuttle::sync::RwLock;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::thread;

const THREADS: usize = 3;
const RECORDS: u64 = 3;
const MAGIC: &[u8] = b"REDIS0011";

/// How many records of each thread there are.
#[derive(Default)]
struct Counts([u64; THREADS]);

impl Target for Counts {
    fn file(&mut self, _name: &str) -> persistkv::Result<()> {
        Ok(())
    }

    fn preamble(&mut self, input: &mut dyn Read, _len: u64) -> persistkv::Result<u64> {
        let mut bytes = [0; MAGIC.len() + THREADS];
        input.read_exact(&mut bytes).expect("a base is written whole before it is named");
        self.0 = std::array::from_fn(|i| u64::from(bytes[MAGIC.len() + i]));
        Ok(bytes.len() as u64)
    }

    fn command(&mut self, argv: &[&[u8]], _offset: u64) -> persistkv::Result<()> {
        if let [b"SET", thread, number] = argv {
            let thread = usize::from(thread[0] - b'0');
            assert_eq!(u64::from(number[0] - b'0'), self.0[thread], "a record is missing in between");
            self.0[thread] += 1;
        }
        Ok(())
    }
}

fn layout() -> Layout {
    Layout::new("/d")
}

/// Threads that write and wait, and one rewrite.
fn group_commit() {
    let fs = SimFs::new();
    fs.create_dir_all("/d".as_ref()).expect("in memory");
    let opened = load(&fs, &layout(), &LoadOptions::default(), &mut Counts::default()).expect("loads");
    let options = Options { policy: Policy::Always, threads: false, step_bytes: 4096, ..Options::default() };
    let log = Arc::new(Log::open(Arc::new(fs.clone()), layout(), opened, options).expect("opens"));
    let counts: Arc<[AtomicU64; THREADS]> = Arc::default();
    // Stands for the shard guards: writers share it, the cut takes it alone.
    let shards = Arc::new(RwLock::new(()));
    let mut threads = Vec::new();
    for thread in 0..THREADS {
        let (log, counts, shards, fs) =
            (Arc::clone(&log), Arc::clone(&counts), Arc::clone(&shards), fs.clone());
        threads.push(thread::spawn(move || {
            for n in 0..RECORDS {
                let mut effects = Effects::new();
                effects.push(0, &["SET", &thread.to_string(), &n.to_string()]);
                log.reserve(effects.byte_len()).expect("room");
                let lsn = {
                    let _guard = shards.read().expect("nobody panics");
                    counts[thread].store(n + 1, Ordering::Relaxed);
                    log.append(&effects).expect("appends")
                };
                log.wait_durable(lsn).expect("durable");
                fs.mark((thread as u64) << 8 | (n + 1));
            }
        }));
    }
    threads.push(thread::spawn({
        let log = Arc::clone(&log);
        move || {
            let mut rewrite = log.begin_rewrite().expect("begins");
            let now: [u8; THREADS] = {
                let _guard = shards.write().expect("nobody panics");
                rewrite.switch().expect("switches");
                std::array::from_fn(|i| counts[i].load(Ordering::Relaxed) as u8)
            };
            let mut base = rewrite.create_base(true).expect("a base");
            base.write_all(&[MAGIC, &now].concat()).expect("writes");
            rewrite.commit().expect("commits");
        }
    }));
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    let log = Arc::into_inner(log).expect("the threads have ended");
    // As a power cut leaves it.
    std::mem::forget(log);
    check(&fs);
}

fn check(fs: &SimFs) {
    let mut random = fastrand::Rng::with_seed(3);
    let mut replayer = Replayer::new(fs.boot_id());
    let mut promised = [0; THREADS];
    for op in fs.ops() {
        replayer.step(&op);
        let Op::Mark(mark) = op else { continue };
        promised[(mark >> 8) as usize] = mark & 0xFF;
        for _ in 0..3 {
            let disk = replayer.after_power_cut(&mut random);
            let mut found = Counts::default();
            load(&disk, &layout(), &LoadOptions::default(), &mut found).expect("loads after a power cut");
            let kept = found.0.iter().zip(promised).all(|(found, promised)| *found >= promised);
            assert!(kept, "{promised:?} was promised, {:?} is there", found.0);
        }
    }
    assert_eq!(promised, [RECORDS; THREADS]);
}

#[test]
fn group_commit_keeps_its_promise() {
    holds(2000, group_commit);
}

#[test]
fn a_sync_that_does_not_look_again_is_found() {
    finds(Fault::NoSecondLook, 3000, "was promised", group_commit);
}
