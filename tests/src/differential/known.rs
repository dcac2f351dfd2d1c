//! Differences between endpoints that are no faults, each with its reason. The table is part of what is promised:
//! whatever is not in it counts.

use crate::Reply;
use crate::generate::Command;

/// What is known to be different between two endpoints.
#[derive(Debug)]
pub struct Known {
    /// Encodings that stand for each other: what left says, what right says.
    pub encodings: &'static [(&'static str, &'static str)],
    /// Are numbers in replies written the same? If not, they are compared as numbers.
    pub same_number_texts: bool,
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
    /// What is found in the left reply.
    pub left: &'static str,
    /// What is found in the right reply.
    pub right: &'static str,
    /// The reason.
    pub why: &'static str,
}

impl Known {
    /// Nothing at all.
    pub const NOTHING: Self = Self { encodings: &[], same_number_texts: true, avoid: &[], replies: &[] };

    /// Must this command be left out?
    pub fn avoids(&self, argv: &Command) -> bool {
        self.avoid.iter().any(|a| {
            argv[0].eq_ignore_ascii_case(a.command.as_bytes())
                && a.with.iter().all(|w| argv[1..].iter().any(|x| x.eq_ignore_ascii_case(w.as_bytes())))
        })
    }

    /// May these two replies be different?
    pub fn allows(&self, argv: &Command, left: &Reply, right: &Reply) -> bool {
        if !self.same_number_texts && same_as_numbers(left, right) {
            return true;
        }
        let (left, right) = (left.to_string(), right.to_string());
        let both = (left.as_str(), right.as_str());
        if argv[0].eq_ignore_ascii_case(b"OBJECT") && self.encodings.contains(&both) {
            return true;
        }
        self.replies.iter().any(|d| {
            (d.command == "*" || argv[0].eq_ignore_ascii_case(d.command.as_bytes()))
                && left.contains(d.left)
                && right.contains(d.right)
        })
    }
}

/// Redis 7.0 on the left, Redis 8.2 on the right.
pub const OLD_AND_NEW: Known = Known {
    encodings: &[("quicklist", "listpack"), ("hashtable", "listpack"), ("embstr", "raw")],
    same_number_texts: false,
    avoid: &[],
    replies: &[],
};

/// Are they the same but for the way numbers are written?
fn same_as_numbers(left: &Reply, right: &Reply) -> bool {
    let number = |r: &Reply| std::str::from_utf8(r.bytes()?).ok()?.parse::<f64>().ok();
    match (left.items(), right.items()) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_as_numbers(a, b)),
        _ => left == right || matches!((number(left), number(right)), (Some(a), Some(b)) if a == b),
    }
}
