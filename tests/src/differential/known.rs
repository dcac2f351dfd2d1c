//! Differences that are no faults, each with its reason. The table is part of what is promised:
//! whatever is not in it counts.

use crate::Reply;
use crate::generate::Command;

/// What is known to be different.
#[derive(Debug)]
pub struct Known {
    /// Commands that must not be run, since they leave different data.
    pub avoid: &'static [Avoid],
    /// Replies that may be different.
    pub replies: &'static [Different],
}

/// A command that is left out.
#[derive(Debug)]
pub struct Avoid {
    /// Its name.
    pub command: &'static str,
    /// Words that must all be among its arguments, compared without regard to case.
    pub with: &'static [&'static str],
    /// The reason.
    pub why: &'static str,
}

/// Replies that may be different.
#[derive(Debug)]
pub struct Different {
    /// The name of the command, or `*`.
    pub command: &'static str,
    /// What is found in our reply.
    pub ours: &'static str,
    /// What is found in the judge's reply.
    pub theirs: &'static str,
    /// The reason.
    pub why: &'static str,
}

impl Known {
    /// Nothing at all.
    pub const NOTHING: Self = Self { avoid: &[], replies: &[] };

    /// Must this command be left out?
    pub fn avoids(&self, argv: &Command) -> bool {
        self.avoid.iter().any(|a| {
            argv[0].eq_ignore_ascii_case(a.command.as_bytes())
                && a.with.iter().all(|w| argv[1..].iter().any(|x| x.eq_ignore_ascii_case(w.as_bytes())))
        })
    }

    /// May these two replies be different?
    pub fn allows(&self, argv: &Command, ours: &Reply, theirs: &Reply) -> bool {
        let (ours, theirs) = (ours.to_string(), theirs.to_string());
        self.replies.iter().any(|d| {
            (d.command == "*" || argv[0].eq_ignore_ascii_case(d.command.as_bytes()))
                && ours.contains(d.ours)
                && theirs.contains(d.theirs)
        })
    }
}

/// The engine, judged by Redis 7.0, Redis 8.2 and Valkey 8.1 together.
pub const ENGINE: Known = Known {
    avoid: &[
        Avoid {
            command: "RESTORE",
            with: &["9223372036854775807"],
            why: "the servers' sum of it and the present overflows, and the key is gone at once",
        },
        Avoid { command: "LSET", with: &["4294967296"], why: LSET_INDEX },
        Avoid { command: "LSET", with: &["9223372036854775807"], why: LSET_INDEX },
        Avoid { command: "LSET", with: &["-9223372036854775808"], why: LSET_INDEX },
    ],
    replies: &[
        Different {
            command: "*",
            ours: "could not decode requested zset member",
            theirs: "does not exist",
            why: VALKEY_9_GEO,
        },
        Different {
            command: "*",
            ours: "exactly one of BYRADIUS and BYBOX can be specified",
            theirs: "exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified",
            why: VALKEY_9_GEO,
        },
    ],
};

const VALKEY_9_GEO: &str =
    "Valkey 9 has other words for it, and where BYPOLYGON was used it is the only judge.";

const LSET_INDEX: &str = "Servers since 7.2 cut the index to 32 bits when the list is a listpack, and so replace an \
                          element that was not meant; here, as in 7.0, such an index is out of range.";

/// Whether a log that quotes this command means different things to different servers: a `LIMIT` with a negative offset
/// finds nothing in Redis 7.2 and in a compact sorted set; later servers count from the end when it is big.
pub fn depends_on_version(argv: &Command) -> bool {
    argv[0].to_ascii_uppercase().ends_with(b"STORE")
        && argv.windows(2).any(|pair| pair[0].eq_ignore_ascii_case(b"LIMIT") && pair[1].starts_with(b"-"))
}

/// Whether servers may forget to log what this command does: a BITFIELD all of whose changes are refused (`OVERFLOW FAIL`)
/// lengthens its string all the same, and only persistkv logs that.
pub fn is_forgotten_by_servers(argv: &Command) -> bool {
    argv[0].eq_ignore_ascii_case(b"BITFIELD") && argv.iter().any(|arg| arg.eq_ignore_ascii_case(b"FAIL"))
}

/// Commands of the tables which the engine does not have yet. They are compared from the moment they are there;
/// whatever is not listed must be there.
pub const MISSING: &[&str] = &["WAIT"];
