//! Real `kill -9` of a process that writes with several threads, rewrites, and is opened again by the next one.
//!
//! The child prints a line for each write that returned; the parent kills it in the middle and opens the log itself. All
//! that was printed must be there, every thread's writes without a gap.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use persistkv::aof::{Effects, Layout, LoadOptions, Log, Options, Policy, Target, load};
use persistkv::fs::RealFs;
use persistkv::{Error, ErrorKind, Result};

const THREADS: usize = 4;
/// Where the child finds its directory.
const DIR: &str = "PERSISTKV_TEST_KILL_DIR";

/// How many writes of each thread there are.
#[derive(Default)]
struct Counts([u64; THREADS]);

fn base(counts: [u64; THREADS]) -> Vec<u8> {
    let numbers = counts.iter().flat_map(|n| n.to_le_bytes());
    b"REDIS0011".iter().copied().chain(numbers).collect()
}

impl Target for Counts {
    fn file(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    fn preamble(&mut self, input: &mut dyn Read, _len: u64) -> Result<u64> {
        let mut bytes = base([0; THREADS]);
        input.read_exact(&mut bytes).map_err(|e| Error::io("reading", "base".as_ref(), e))?;
        for (count, number) in self.0.iter_mut().zip(bytes[9..].chunks_exact(8)) {
            *count = u64::from_le_bytes(number.try_into().expect("eight bytes"));
        }
        Ok(bytes.len() as u64)
    }

    fn command(&mut self, argv: &[&[u8]], _offset: u64) -> Result<()> {
        let number = |arg: &[u8]| std::str::from_utf8(arg).ok().and_then(|s| s.parse::<u64>().ok());
        let [b"SET", key, value, ..] = argv else { return Ok(()) };
        let (Some(thread), Some(n)) = (number(key), number(value)) else {
            return Err(Error::new(ErrorKind::Corrupt, format!("not a write of ours: {argv:?}")));
        };
        let count = &mut self.0[thread as usize];
        if n != *count {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("thread {thread}: write {n} follows {count}"),
            ));
        }
        *count += 1;
        Ok(())
    }
}

fn recover(dir: &Path, policy: Policy) -> (Log, [u64; THREADS]) {
    let layout = Layout::new(dir);
    let mut counts = Counts::default();
    let opened = load(&RealFs, &layout, &LoadOptions::default(), &mut counts).expect("loads");
    let options = Options { policy, step_bytes: 1 << 16, ..Options::default() };
    (Log::open(Arc::new(RealFs), layout, opened, options).expect("opens"), counts.0)
}

/// Writes until it is killed. Does nothing when it is run as a test.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let policy = match std::env::var("PERSISTKV_TEST_KILL_POLICY").as_deref() {
        Ok("always") => Policy::Always,
        _ => Policy::EverySec,
    };
    let (log, counts) = recover(&PathBuf::from(dir), policy);
    let counts: Vec<AtomicU64> = counts.into_iter().map(AtomicU64::new).collect();
    // The harness has begun a line of its own.
    writeln!(std::io::stdout()).expect("the parent reads");
    // Stands for the shard guards: writers share it, a cut takes it alone.
    let shards = RwLock::new(());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, counts, shards) = (&log, &counts, &shards);
            scope.spawn(move || {
                let mut out = std::io::stdout();
                loop {
                    let n = counts[thread].load(Ordering::Relaxed);
                    let mut effects = Effects::new();
                    let filling = "x".repeat((n % 97 * 13) as usize);
                    effects.push(0, &["SET", &thread.to_string(), &n.to_string(), "KEEP", &filling]);
                    log.reserve(effects.byte_len()).expect("room");
                    let lsn = {
                        let _guard = shards.read().expect("no panics");
                        let lsn = log.append(&effects).expect("appends");
                        counts[thread].store(n + 1, Ordering::Relaxed);
                        lsn
                    };
                    if log.policy() == Policy::Always {
                        log.wait_durable(lsn).expect("durable");
                    }
                    if writeln!(out, "ack {thread} {n}").is_err() {
                        // The parent has given up.
                        std::process::exit(1);
                    }
                }
            });
        }
        scope.spawn(|| {
            loop {
                // Not without a pause: a base of nothing would be replaced all the time.
                std::thread::sleep(std::time::Duration::from_millis(20));
                let mut rewrite = log.begin_rewrite().expect("begins");
                let now = {
                    let _guard = shards.write().expect("no panics");
                    rewrite.switch().expect("switches");
                    std::array::from_fn(|i| counts[i].load(Ordering::Relaxed))
                };
                let mut out = rewrite.create_base(true).expect("a base");
                out.write_all(&base(now)).expect("writes");
                rewrite.commit().expect("commits");
            }
        });
    });
}

/// Nothing is left running when a test fails.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn kill_again_and_again(policy: &str, rounds: u64) {
    let dir = std::env::temp_dir().join(format!("pkv-kill-{policy}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory");
    let mut random = fastrand::Rng::with_seed(1);
    let mut acknowledged = [0; THREADS];
    for round in 0..rounds {
        let mut child = KillOnDrop(
            Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "child", "--nocapture", "--test-threads=1"])
                .env(DIR, &dir)
                .env("PERSISTKV_TEST_KILL_POLICY", policy)
                .stdout(Stdio::piped())
                .spawn()
                .expect("starts"),
        );
        let child = &mut child.0;
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let before_kill = random.u64(1..3000);
        let mut seen = 0;
        let mut line = String::new();
        // To the end of the pipe: what was printed before the kill counts, whenever it is read.
        while lines.read_line(&mut line).expect("reads") > 0 {
            let words: Vec<&str> = line.trim_end().split(' ').collect();
            // The harness prints its own lines too; a line cut by the kill has no end.
            if let ["ack", thread, n] = words[..]
                && line.ends_with('\n')
            {
                let (thread, n): (usize, u64) =
                    (thread.parse().expect("a number"), n.parse().expect("a number"));
                assert_eq!(
                    n, acknowledged[thread],
                    "round {round}: a child goes on where the last one was killed"
                );
                acknowledged[thread] = n + 1;
                seen += 1;
                if seen == before_kill {
                    child.kill().expect("kills");
                }
            }
            line.clear();
        }
        child.wait().expect("ends");
        assert!(seen >= before_kill, "the child died by itself after {seen} writes");
        let (log, found) = recover(&dir, Policy::No);
        for thread in 0..THREADS {
            assert!(
                found[thread] >= acknowledged[thread],
                "round {round}: {found:?}, acknowledged {acknowledged:?}"
            );
        }
        // Writes that were done but not yet printed count from now on.
        acknowledged = found;
        drop(log);
    }
    std::fs::remove_dir_all(&dir).expect("cleans up");
}

#[test]
fn a_killed_process_loses_nothing_under_everysec() {
    kill_again_and_again("everysec", 12);
}

#[test]
fn a_killed_process_loses_nothing_under_always() {
    kill_again_and_again("always", 6);
}
