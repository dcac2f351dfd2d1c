//! Latencies, memory and a directory that goes away.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use persistkv::{Client, Store};

/// A directory for one measurement.
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("persistkv-bench-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a store there.
pub(crate) fn open(dir: &Dir, directives: &[(&str, &str)]) -> Store {
    Store::open(&dir.0, directives).expect("the directory is ours")
}

/// Latencies of calls, in nanoseconds.
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    took: Duration,
}

impl Latencies {
    /// Times `call` while `more` says so.
    pub(crate) fn of(mut more: impl FnMut(u64) -> bool, mut call: impl FnMut(u64)) -> Self {
        // From 1 ns to 100 s with 3 digits.
        let mut histogram = Histogram::new_with_bounds(1, 100_000_000_000, 3).expect("the bounds are valid");
        let begin = Instant::now();
        let mut n = 0;
        let mut before = begin;
        while more(n) {
            call(n);
            let after = Instant::now();
            histogram.saturating_record((after - before).as_nanos() as u64);
            before = after;
            n += 1;
        }
        Self { histogram, took: begin.elapsed() }
    }

    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn quantile(&self, q: f64) -> u64 {
        self.histogram.value_at_quantile(q)
    }

    /// One line of figures; with `base` also their ratios.
    pub(crate) fn line(&self, name: &str, base: Option<&Latencies>) {
        let q = [0.5, 0.99, 0.999];
        let mut text = format!(
            "  {name:<26} {:>9.0}/s  p50 {:>6} ns  p99 {:>7} ns  p99.9 {:>8} ns  max {:>9} ns",
            self.per_second(),
            self.quantile(q[0]),
            self.quantile(q[1]),
            self.quantile(q[2]),
            self.histogram.max(),
        );
        if let Some(base) = base {
            let ratio = |q| self.quantile(q) as f64 / base.quantile(q).max(1) as f64;
            text += &format!(
                "  | time per call x{:.2}  p50 x{:.2}  p99 x{:.2}  p99.9 x{:.2}",
                base.per_second() / self.per_second(),
                ratio(q[0]),
                ratio(q[1]),
                ratio(q[2]),
            );
        }
        println!("{text}");
    }
}

/// Anonymous memory of this process in bytes (mapped files not counted).
pub(crate) fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// The 16-byte key with this number.
pub(crate) fn key(n: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = n;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// A cheap pseudo-random sequence, the same in each run.
pub(crate) fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Runs a command that must succeed.
pub(crate) fn must(client: &mut Client, argv: &[&[u8]]) {
    if let Err(error) = client.execute(argv) {
        panic!("{}: {error}", String::from_utf8_lossy(argv[0]));
    }
}

/// The value of a field of INFO.
pub(crate) fn info(client: &mut Client, name: &str) -> String {
    let Ok(persistkv::Reply::Bulk(text)) = client.execute(&["INFO", "persistence"]) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let prefix = format!("{name}:");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
}
