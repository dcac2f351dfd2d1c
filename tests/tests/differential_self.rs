//! The differential runner judged by itself: real servers agree with their twins, and a planted difference of any kind
//! is found and shrunk to the commands that show it.

use persistkv_tests::differential::known::Known;
use persistkv_tests::differential::{Judge, Plan, Trial};
use persistkv_tests::generate::families::{self, Family};
use persistkv_tests::resp::Connection;
use persistkv_tests::{Endpoint, Reply, Server, skip_unless_server};

fn agree(accused: &str, judges: &[&str], family: &Family, sequences: u64) {
    let accused = skip_unless_server!(accused);
    let mut servers = Vec::new();
    for tag in judges {
        servers.push(skip_unless_server!(tag));
    }
    let mut connections: Vec<_> = servers.iter().map(Server::connect).collect();
    let judges = servers.iter().zip(&mut connections).map(|(s, c)| Judge {
        // A newer server's dumps are not for an older one.
        restores: s.tag() >= accused.tag(),
        is_restored: s.tag() <= accused.tag(),
        ..Judge::new(s.tag(), c)
    });
    let mut trial =
        Trial { accused: &mut accused.connect(), judges: judges.collect(), known: &Known::NOTHING };
    if let Err(report) = trial.check(family, Plan::from_env(sequences)) {
        panic!("{report}");
    }
}

#[test]
fn a_server_agrees_with_its_twin() {
    for family in families::ALL {
        let tag = if family.name == families::FIELD_EXPIRY.name { "r82" } else { "r70" };
        agree(tag, &[tag], family, 12);
    }
}

#[test]
fn a_server_agrees_with_a_panel_that_has_its_twin() {
    for family in [&families::STRINGS, &families::LISTS, &families::SORTED_SETS] {
        agree("r70", &["r82", "r70"], family, 6);
    }
}

/// An endpoint that answers one command wrongly.
struct Spoilt {
    inner: Connection,
    command: &'static [u8],
    how: fn(&mut Connection, &[Vec<u8>]) -> Reply,
}

impl Endpoint for Spoilt {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        if argv[0].eq_ignore_ascii_case(self.command) {
            (self.how)(&mut self.inner, argv)
        } else {
            self.inner.command(argv)
        }
    }
}

#[test]
fn a_planted_difference_is_found() {
    let (left, right) = (skip_unless_server!("r70"), skip_unless_server!("r70"));
    type Fault = (&'static [u8], &'static Family, fn(&mut Connection, &[Vec<u8>]) -> Reply, usize);
    let faults: [Fault; 4] = [
        // A wrong reply.
        (
            b"STRLEN",
            &families::STRINGS,
            |c, argv| match c.command(argv) {
                Reply::Int(n) if n > 1 => Reply::Int(n - 1),
                other => other,
            },
            2,
        ),
        // A right reply without its effect: only the data show it.
        (
            b"PERSIST",
            &families::KEYS,
            |c, argv| {
                let left = c.command(&[b"PTTL".to_vec(), argv.get(1).cloned().unwrap_or_default()]);
                match left {
                    Reply::Int(n) if n > 0 && argv.len() == 2 => Reply::Int(1),
                    _ => c.command(argv),
                }
            },
            3,
        ),
        // A wrong error text.
        (
            b"LSET",
            &families::LISTS,
            |c, argv| match c.command(argv) {
                Reply::Error(e) if e.ends_with(b"out of range") => {
                    Reply::Error(b"ERR index is out of range".to_vec())
                }
                other => other,
            },
            2,
        ),
        // A member that is never there, drawn at random.
        (
            b"SRANDMEMBER",
            &families::SETS,
            |c, argv| match c.command(argv) {
                Reply::Bulk(_) => Reply::Bulk(b"nobody".to_vec()),
                other => other,
            },
            2,
        ),
    ];
    for (command, family, how, commands) in faults {
        let mut spoilt = Spoilt { inner: left.connect(), command, how };
        let mut right = right.connect();
        let judges = vec![Judge::new("r70", &mut right)];
        let mut trial = Trial { accused: &mut spoilt, judges, known: &Known::NOTHING };
        let name = String::from_utf8_lossy(command);
        let report = trial.check(family, Plan { seed: 1, sequences: 200, length: 150 }).expect_err(&name);
        assert!(
            report.lines().filter(|l| l.starts_with("  ")).count() <= commands + 3,
            "{name} is not shrunk:\n{report}"
        );
        assert!(report.to_uppercase().contains(&*name), "{report}");
    }
}
