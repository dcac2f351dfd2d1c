//! The judges themselves: every real server starts, is the version its tag stands for, and its own fixtures read
//! as their description says. This proves the harness that everything else here rests on.

use persistkv_tests::dataset::{DataSet, Encodings, Strictness};
use persistkv_tests::server::{self, Server};
use persistkv_tests::{Endpoint, Reply, fixtures, skip_unless_server};

const VERSIONS: [(&str, &str); 5] =
    [("r62", "6.2.5"), ("r70", "7.0.15"), ("r82", "8.2.3"), ("v81", "8.1.8"), ("v91", "9.1.2")];

#[test]
fn every_server_answers() {
    for (tag, version) in VERSIONS {
        let server = skip_unless_server!(tag);
        let mut connection = server.connect();
        assert_eq!(connection.line("PING"), Reply::Status(b"PONG".to_vec()));
        assert_eq!(server::version(&mut connection), version, "{tag}");
        let pushed = connection.line("HELLO 3");
        assert!(matches!(pushed, Reply::Map(_)), "{tag}: {pushed}");
        server.shutdown(false);
    }
}

/// Which fixtures a server must be able to load (its own and all older ones of its family's formats).
const LOADS: [(&str, &[&str]); 5] = [
    ("r62", &["redis-6.2.5"]),
    ("r70", &["redis-6.2.5", "redis-7.0.15"]),
    ("r82", &["redis-6.2.5", "redis-7.0.15", "redis-7.2.6", "redis-7.4.1", "redis-8.2.3", "valkey-8.1.8"]),
    ("v81", &["redis-6.2.5", "redis-7.0.15", "redis-7.2.6", "valkey-8.0.1", "valkey-8.1.8"]),
    ("v91", &["redis-6.2.5", "redis-7.0.15", "redis-7.2.6", "valkey-8.0.1", "valkey-8.1.8", "valkey-9.1.2"]),
];

#[test]
fn fixtures_hold_what_they_say() {
    for (tag, names) in LOADS {
        for name in names {
            let fixture = fixtures::load(name);
            let dir = fixture.snapshot();
            let Some(server) = Server::start_in(tag, dir.path(), &[]) else { return };
            compare(&fixture, &server, &format!("{name}/dump.rdb in {tag}"));
        }
    }
}

#[test]
fn fixture_logs_hold_what_they_say() {
    for (tag, names) in LOADS {
        for name in names {
            let fixture = fixtures::load(name);
            let dir = fixture.log();
            let Some(server) = Server::start_in(tag, dir.path(), &["--appendonly", "yes"]) else { return };
            compare(&fixture, &server, &format!("{name}'s log in {tag}"));
        }
    }
}

fn compare(fixture: &fixtures::Fixture, server: &Server, what: &str) {
    let there = DataSet::read(&mut server.connect());
    let by = Strictness {
        encodings: Encodings::Ignored,
        expiry_tolerance_ms: if fixture.knows_expiry_times() && server.tag() != "r62" { 0 } else { i64::MAX },
        functions: true,
        servers_log: false,
    };
    fixture.expected.assert_same(&there, by, what);
}
