//! The engine judged by real servers: random commands, replies and data compared, a family at a time. Redis 7.0, Redis
//! 8.2 and Valkey 8.1 judge together: the engine's model is Redis 7.2, which lies between them.
//!
//! `PERSISTKV_DIFF_SEQUENCES=5000 cargo nextest run -p persistkv-tests --test differential` looks longer;
//! `PERSISTKV_DIFF_SEED` and `PERSISTKV_DIFF_LENGTH` choose where.

use persistkv_tests::differential::{Judge, Plan, Trial, known};
use persistkv_tests::engine::Engine;
use persistkv_tests::generate::Generator;
use persistkv_tests::generate::families::{self, Family};
use persistkv_tests::{Endpoint, skip_unless_server};

fn judge(family: &Family, sequences: u64) {
    let (r70, r82, v81) =
        (skip_unless_server!("r70"), skip_unless_server!("r82"), skip_unless_server!("v81"));
    let (mut r70, mut r82, mut v81) = (r70.connect(), r82.connect(), v81.connect());
    let judges = vec![
        Judge { restores: false, ..Judge::new("Redis 7.0", &mut r70) },
        Judge::new("Redis 8.2", &mut r82),
        Judge::new("Valkey 8.1", &mut v81),
    ];
    let mut engine = Engine::memory();
    let plan = Plan::from_env(sequences);
    let mut generator = Generator::new(family);
    generator.keep(|name| name == b"NOSUCHCOMMAND" || !is_missing(&mut engine, name));
    let mut trial = Trial { accused: &mut engine, judges, known: &known::ENGINE };
    if let Err(report) = trial.check_with(&generator, family, plan) {
        panic!("{report}");
    }
}

#[test]
fn strings() {
    judge(&families::STRINGS, 60);
}

#[test]
fn keys() {
    judge(&families::KEYS, 60);
}

#[test]
fn lists() {
    judge(&families::LISTS, 60);
}

#[test]
fn sets() {
    judge(&families::SETS, 60);
}

#[test]
fn hashes() {
    judge(&families::HASHES, 60);
}

#[test]
fn sorted_sets() {
    judge(&families::SORTED_SETS, 60);
}

#[test]
fn server() {
    judge(&families::SERVER, 60);
}

#[test]
fn transactions() {
    judge(&families::TRANSACTIONS, 60);
}

#[test]
fn bitmaps() {
    judge(&families::BITMAPS, 60);
}

#[test]
fn no_command_is_missing_but_those_known_to_be() {
    let mut engine = Engine::memory();
    let mut missing = Vec::new();
    for family in families::ALL {
        for name in Generator::new(family).names() {
            if is_missing(&mut engine, name.as_bytes()) && !known::MISSING.contains(&name.as_str()) {
                missing.push(name);
            }
        }
    }
    missing.dedup();
    assert_eq!(missing, ["NOSUCHCOMMAND"]);
}

fn is_missing(engine: &mut Engine, name: &[u8]) -> bool {
    engine.command(&[name.to_vec()]).to_string().starts_with("-ERR unknown command")
}
