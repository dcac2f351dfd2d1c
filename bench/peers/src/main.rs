//! persistkv next to LMDB, SQLite and a real Redis, in one process and one run: the same operations in the same order,
//! each write a transaction of its own, in three classes of durability. Rounds are paired: in each, every peer does the
//! same work in turn; what is told is the median of the rounds' ratios.
//!
//! `cargo run --release -p persistkv-bench-peers -- [scale] [none|second|always]`, scale 1 being the full size (some
//! minutes).
#![allow(clippy::print_stdout)]

mod lmdb;
mod ours;
mod redis;
mod sqlite;
mod work;

use std::time::{Duration, Instant};

use persistkv_tests::TempDir;
use work::{Op, WORKLOADS};

/// What a power loss may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Everything: nothing is written, or nobody cares when.
    None,
    /// About the last second (SQLite: what came after the last checkpoint).
    Second,
    /// Nothing that was acknowledged.
    Always,
}

/// A store that can do the operations.
trait Peer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Does them one after the other; something that depends on what was read.
    fn run(&mut self, ops: &[Op]) -> u64;
    /// Does them without waiting for the disk each time, to set the scene.
    fn fill(&mut self, ops: &[Op]);
}

const ROUNDS: usize = 5;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let scale: f64 = std::env::args().nth(1).and_then(|scale| scale.parse().ok()).unwrap_or(1.0);
    println!(
        "time per operation against persistkv's in the same round, median of {ROUNDS}: above 1, persistkv is faster"
    );
    let wanted = std::env::args().nth(2);
    for (name, class) in [("none", Class::None), ("second", Class::Second), ("always", Class::Always)] {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        // A sync of the disk takes as long as thousands of writes.
        let ops = (if class == Class::Always { 300.0 } else { 50_000.0 } * scale).max(20.0) as u64;
        let dir = TempDir::new();
        let mut peers: Vec<Box<dyn Peer>> = vec![
            Box::new(ours::Ours::new(&dir.path().join("persistkv"), class)),
            Box::new(lmdb::Lmdb::new(&dir.path().join("lmdb"), class)),
            Box::new(sqlite::Sqlite::new(&dir.path().join("sqlite"), class)),
        ];
        match redis::Redis::start(class) {
            Some(redis) => peers.extend(redis.map(|peer| Box::new(peer) as Box<dyn Peer>)),
            None => println!("no real server is installed (make servers): left out"),
        }
        println!("\n{}\n", class.describe());
        let names: Vec<_> = peers[1..].iter().map(|peer| peer.name()).collect();
        println!("| operation | persistkv | {} |", names.join(" | "));
        println!("|---|---|{}", "---|".repeat(names.len()));
        for workload in WORKLOADS {
            for peer in &mut peers {
                peer.fill(&workload.scene());
            }
            let mut ratios = vec![Vec::new(); peers.len()];
            let mut ours = Vec::new();
            for round in 0..ROUNDS as u64 {
                let work = workload.ops(round, ops);
                let times: Vec<_> = peers.iter_mut().map(|peer| time(peer.as_mut(), &work)).collect();
                ours.push(times[0].as_nanos() as f64 / work.len() as f64);
                for (ratios, took) in ratios.iter_mut().zip(&times) {
                    ratios.push(took.as_secs_f64() / times[0].as_secs_f64());
                }
            }
            let ratios: Vec<_> = ratios.drain(1..).map(|ratios| figure(median(ratios))).collect();
            println!("| {} | {:.2} µs | {} |", workload.name, median(ours) / 1000.0, ratios.join(" | "));
        }
    }
}

/// Two significant digits below ten.
fn figure(ratio: f64) -> String {
    if ratio < 1.0 {
        format!("{ratio:.2}")
    } else if ratio < 10.0 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.0}")
    }
}

fn time(peer: &mut dyn Peer, work: &[Op]) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(peer.run(work));
    begin.elapsed()
}

impl Class {
    fn describe(self) -> &'static str {
        match self {
            Self::None => {
                "No durability: persistkv `save \"\"`, LMDB MDB_NOSYNC, SQLite synchronous=OFF, Redis without files"
            }
            Self::Second => {
                "About a second: `appendfsync everysec`, LMDB MDB_NOSYNC with a sync a second, SQLite WAL synchronous=NORMAL"
            }
            Self::Always => {
                "Every write: `appendfsync always`, LMDB as it is by default, SQLite WAL synchronous=FULL"
            }
        }
    }
}
