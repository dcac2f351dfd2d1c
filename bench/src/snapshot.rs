//! What a snapshot does to a writer who goes flat out, next to the same writer without a snapshot.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use persistkv::{Client, Store};

use crate::measure::{Dir, Latencies, anonymous_memory, info, key, mix, must, open};

const VALUE: [u8; 100] = [b'v'; 100];
const ROUNDS: usize = 3;

/// Two million small keys; 90 % overwrites, 5 % inserts, 5 % deletions.
pub(crate) fn many_keys(scaled: &dyn Fn(usize) -> usize) {
    let keys = scaled(2_000_000) as u64;
    println!("snapshot: {keys} keys of 16 B with 100 B, one writer flat out");
    let dir = Dir::new("snapshot");
    let store = open(&dir, &[("save", "")]);
    let mut client = store.client();
    for n in 0..keys {
        must(&mut client, &[b"SET", &key(n), &VALUE]);
    }
    measure(&store, |client, n| {
        let random = mix(n);
        match random % 20 {
            0 => must(client, &[b"SET", &key(keys + n), &VALUE]),
            1 => must(client, &[b"DEL", &key(random / 20 % keys)]),
            _ => must(client, &[b"SET", &key(random / 20 % keys), &VALUE]),
        }
    });
}

/// One hash of ten million fields, mutated while it is saved.
pub(crate) fn one_big_hash(scaled: &dyn Fn(usize) -> usize) {
    let fields = scaled(10_000_000) as u64;
    println!("bighash: one hash of {fields} fields of 16 B with 16 B, one writer flat out");
    let dir = Dir::new("bighash");
    let store = open(&dir, &[("save", "")]);
    let mut client = store.client();
    for n in 0..fields {
        must(&mut client, &[b"HSET", b"hash", &key(n), b"0123456789abcdef"]);
    }
    measure(&store, |client, n| {
        let random = mix(n);
        match random % 20 {
            0 => must(client, &[b"HSET", b"hash", &key(fields + n), b"0123456789abcdef"]),
            1 => must(client, &[b"HDEL", b"hash", &key(random / 20 % fields)]),
            _ => must(client, &[b"HSET", b"hash", &key(random / 20 % fields), b"fedcba9876543210"]),
        }
    });
}

fn measure(store: &Store, write: impl Fn(&mut Client, u64)) {
    cuts(store, &write);
    for round in 1..=ROUNDS {
        let mut client = store.client();
        let first = AtomicU64::new(round as u64 * 1_000_000_000);
        let next = || first.fetch_add(1, Ordering::Relaxed);
        let begin = Instant::now();
        let idle =
            Latencies::of(|_| begin.elapsed() < Duration::from_secs(3), |_| write(&mut client, next()));
        // What the data set itself grows by meanwhile is not the snapshot's.
        let beside_data = || anonymous_memory().saturating_sub(store.keyspace().memory().unwrap_or(0) as u64);
        let (memory, before) = (anonymous_memory(), beside_data());
        let peak = AtomicU64::new(before);
        let saving = AtomicBool::new(true);
        let (mut during, mut took) = (None, Duration::ZERO);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while saving.load(Ordering::Relaxed) {
                    peak.fetch_max(beside_data(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            scope.spawn(|| {
                let mut client = store.client();
                let begin = Instant::now();
                must(&mut client, &[b"BGSAVE"]);
                while info(&mut client, "rdb_bgsave_in_progress") == "1" {
                    std::thread::sleep(Duration::from_millis(5));
                }
                took = begin.elapsed();
                saving.store(false, Ordering::Relaxed);
            });
            during = Some(Latencies::of(|_| saving.load(Ordering::Relaxed), |_| write(&mut client, next())));
        });
        let status = info(&mut client, "rdb_last_bgsave_status");
        println!(" round {round}: saved in {:.2} s ({status})", took.as_secs_f64());
        idle.line("idle", None);
        if let Some(during) = during {
            during.line("while saving", Some(&idle));
        }
        let extra = peak.load(Ordering::Relaxed).saturating_sub(before);
        println!(
            "  memory {:.0} MB, at most {:.1} MB more while saving: +{:.1} %",
            memory as f64 / 1e6,
            extra as f64 / 1e6,
            extra as f64 / memory as f64 * 100.0
        );
    }
}

/// How long everyone is stopped for by the cut itself, with the writer running.
fn cuts(store: &Store, write: &impl Fn(&mut Client, u64)) {
    let mut client = store.client();
    let mut times = Vec::new();
    let mut n = 0;
    for _ in 0..200 {
        for _ in 0..200 {
            write(&mut client, n);
            n += 1;
        }
        let begin = Instant::now();
        let cut = store.keyspace().begin_cut(|| {});
        times.push(begin.elapsed());
        drop(cut);
    }
    times.sort_unstable();
    println!(
        " the cut: median {:.1} us, p99 {:.1} us, max {:.1} us of {}",
        times[times.len() / 2].as_secs_f64() * 1e6,
        times[times.len() * 99 / 100].as_secs_f64() * 1e6,
        times[times.len() - 1].as_secs_f64() * 1e6,
        times.len()
    );
}
