//! Directories handed to and fro between hosts: snapshot, log, rewritten log.

use persistkv_tests::differential::known;
use persistkv_tests::interop::{Common, Mode, RealServer, ThisEngine, hand_over};

/// What the engine and a server of at least 7.0 share.
const SHARED: Common = Common {
    field_expiry: false,
    functions: false,
    exact_expiry: true,
    and_back: true,
    lacking: known::MISSING,
};

/// Two, or as many as `PERSISTKV_INTEROP_SEEDS` says.
fn seeds() -> impl Iterator<Item = u64> {
    let many = std::env::var("PERSISTKV_INTEROP_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    (1..=many).map(|n| n * 100)
}

fn here_and_there(tag: &'static str, modes: &[Mode]) {
    from_version("11", tag, modes, SHARED);
}

fn from_version(rdb_version: &'static str, tag: &'static str, modes: &[Mode], common: Common) {
    for mode in modes {
        for seed in seeds() {
            let here = ThisEngine { rdb_version };
            if hand_over(&here, &RealServer(tag), *mode, common, seed).is_none() {
                return;
            }
        }
    }
}

fn from_there(tag: &'static str, modes: &[Mode], common: Common) {
    for mode in modes {
        for seed in seeds() {
            if hand_over(&RealServer(tag), &ThisEngine::BY_DEFAULT, *mode, common, seed).is_none() {
                return;
            }
        }
    }
}

#[test]
fn to_redis_8_2_and_back() {
    from_version("11", "r82", &Mode::ALL, Common { field_expiry: true, ..SHARED });
}

#[test]
fn to_valkey_8_1_and_back() {
    here_and_there("v81", &Mode::ALL);
}

#[test]
fn to_valkey_9_1_and_back() {
    here_and_there("v91", &Mode::ALL);
    // No snapshot with expiring fields can be read by both families; every form of the log can.
    let logs = [Mode::Log, Mode::RewrittenLog, Mode::RewrittenAsCommands];
    from_version("11", "v91", &logs, Common { field_expiry: true, ..SHARED });
    // A snapshot for Valkey alone can.
    from_version("80", "v91", &[Mode::Snapshot], Common { field_expiry: true, ..SHARED });
}

#[test]
fn to_redis_7_0_and_back() {
    from_version("10", "r70", &Mode::ALL, SHARED);
}

/// 6.2 does not know the layout of our log.
#[test]
fn to_redis_6_2_and_back() {
    from_version("9", "r62", &[Mode::Snapshot], Common { exact_expiry: false, ..SHARED });
}

#[test]
fn from_redis_7_0() {
    from_there("r70", &Mode::ALL, Common { and_back: false, ..SHARED });
}

/// 6.2 has one file for its log, which is taken over into the newer layout.
#[test]
fn from_redis_6_2() {
    from_there("r62", &Mode::ALL, Common { and_back: false, exact_expiry: false, ..SHARED });
}

/// The handover itself, proved with real servers as both hosts.
#[test]
fn servers_hand_over_to_each_other() {
    let pairs = [
        (
            "r62",
            "r70",
            Common {
                field_expiry: false,
                functions: false,
                exact_expiry: false,
                and_back: false,
                lacking: &[],
            },
        ),
        (
            "r70",
            "r82",
            Common {
                field_expiry: false,
                functions: true,
                exact_expiry: true,
                and_back: false,
                lacking: &[],
            },
        ),
        (
            "r70",
            "r70",
            Common { field_expiry: false, functions: true, exact_expiry: true, and_back: true, lacking: &[] },
        ),
        (
            "v81",
            "v91",
            Common {
                field_expiry: false,
                functions: true,
                exact_expiry: true,
                and_back: false,
                lacking: &[],
            },
        ),
        (
            "r82",
            "r82",
            Common { field_expiry: true, functions: true, exact_expiry: true, and_back: true, lacking: &[] },
        ),
    ];
    for (from, to, common) in pairs {
        for mode in Mode::ALL {
            if hand_over(&RealServer(from), &RealServer(to), mode, common, 7).is_none() {
                return;
            }
        }
    }
}
