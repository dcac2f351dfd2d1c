//! The engine judged by real servers: random commands, replies and data compared, a family at a time, and after each
//! sequence once more after a snapshot and a log went to and fro. Redis 7.0, Redis 8.2, Valkey 8.1 and Valkey 9.1 judge
//! together: the engine's model is Redis 7.2, which lies between them.
//!
//! `PERSISTKV_DIFF_SEQUENCES=5000 cargo nextest run -p persistkv-tests --test differential` looks longer;
//! `PERSISTKV_DIFF_SEED` and `PERSISTKV_DIFF_LENGTH` choose where.

use persistkv_tests::Endpoint;
use persistkv_tests::differential::exchange::{KeptServer, OnDisk};
use persistkv_tests::differential::{Judge, Plan, Trial, known};
use persistkv_tests::engine::Engine;
use persistkv_tests::generate::Generator;
use persistkv_tests::generate::families::{self, Family};

/// The judges, and the highest version of snapshots that each of them reads.
const PANEL: [(&str, &str, u8); 4] = [
    ("r70", "Redis 7.0", 10),
    ("r82", "Redis 8.2", 11),
    ("v81", "Valkey 8.1", 11),
    ("v91", "Valkey 9.1", 11),
];

/// Sequences for each type of value.
const PER_TYPE: u64 = 2000;

/// Sequences for what works on strings, on keys of any type, or on none.
const PER_GROUP: u64 = 500;

fn judge(family: &Family, sequences: u64) {
    judged_by(&["r70", "r82", "v81", "v91"], family, sequences);
}

/// Some of the panel judge: those that have the family's commands.
fn judged_by(tags: &[&str], family: &Family, sequences: u64) {
    let mut servers = Vec::new();
    for (tag, name, reads) in PANEL {
        if tags.contains(&tag) {
            let Some(server) = KeptServer::start(tag) else { return };
            servers.push((name, reads, server));
        }
    }
    let judges = servers.iter_mut().map(|(name, reads, server)| Judge {
        // Dumps are always of version 11 here.
        restores: *reads >= 11,
        reads: *reads,
        embeds_keys: *name == "Redis 8.2",
        ..Judge::new(name, server)
    });
    let judges = judges.collect();
    let mut engine = OnDisk::new();
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
    judge(&families::STRINGS, PER_TYPE);
}

#[test]
fn keys() {
    judge(&families::KEYS, PER_GROUP);
}

#[test]
fn pubsub() {
    judge(&families::PUBSUB, PER_GROUP);
}

#[test]
fn lists() {
    judge(&families::LISTS, PER_TYPE);
}

#[test]
fn sets() {
    judge(&families::SETS, PER_TYPE);
}

#[test]
fn hashes() {
    judge(&families::HASHES, PER_TYPE);
}

#[test]
fn sorted_sets() {
    judge(&families::SORTED_SETS, PER_TYPE);
}

#[test]
fn streams() {
    judge(&families::STREAMS, PER_TYPE);
}

#[test]
fn stream_references() {
    judged_by(&["r82"], &families::STREAM_REFERENCES, 60);
}

#[test]
fn server() {
    judge(&families::SERVER, PER_GROUP);
}

#[test]
fn uses_of_keys() {
    judge(&families::ACCESS, 60);
}

#[test]
fn transactions() {
    judge(&families::TRANSACTIONS, PER_GROUP);
}

/// Only Redis 8.2 judges: Valkey says other things to wrong arguments, and keeps fields that expire in a table.
#[test]
fn field_expiry() {
    judged_by(&["r82"], &families::FIELD_EXPIRY, PER_GROUP);
}

#[test]
fn bitmaps() {
    judge(&families::BITMAPS, PER_GROUP);
}

#[test]
fn hyperloglogs() {
    judge(&families::HYPERLOGLOGS, PER_GROUP);
}

#[test]
fn geo() {
    judge(&families::GEO, PER_GROUP);
}

#[test]
fn sorting() {
    judge(&families::SORTING, PER_GROUP);
}

#[test]
fn scripting() {
    judge(&families::SCRIPTING, PER_GROUP);
}

/// Redis 8.2.3 crashes over them sooner or later: in FUNCTION FLUSH, when it frees the client of the old interpreter.
#[test]
fn functions() {
    judged_by(&["r70", "v81", "v91"], &families::FUNCTIONS, PER_GROUP);
}

/// Redis 7.0 is there for the forms of long strings.
#[test]
fn valkey() {
    judged_by(&["r70", "v91"], &families::VALKEY, PER_GROUP);
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

fn is_missing(engine: &mut dyn Endpoint, name: &[u8]) -> bool {
    engine.command(&[name.to_vec()]).to_string().starts_with("-ERR unknown command")
}
