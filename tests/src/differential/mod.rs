//! The same random commands on two endpoints: every reply is compared, afterwards the whole data set. A difference is
//! reported as the shortest sequence that still shows it, in redis-cli's notation, with its seed.

pub mod compare;
pub mod known;
mod shrink;

use std::fmt;

use self::compare::Comparer;
use self::known::Known;
use crate::Endpoint;
use crate::dataset::{DataSet, Encodings, Strictness};
use crate::endpoint::argv;
use crate::generate::families::Family;
use crate::generate::{Command, Generator};
use crate::text::command_line;

/// How long relative expiries may take to reach the second endpoint, in milliseconds.
const EXPIRY_TOLERANCE_MS: i64 = 5_000;

/// Two endpoints and what is known to be different between them.
pub struct Pair<'a> {
    /// What is judged.
    pub left: &'a mut dyn Endpoint,
    /// The judge.
    pub right: &'a mut dyn Endpoint,
    /// Differences that are no faults, with their reasons.
    pub known: &'a Known,
}

/// What went apart, and where in the sequence.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The command after which it showed; the length of the sequence if only the data show it.
    pub at: usize,
    /// Both replies, or the differences of the data.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Which sequences to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub sequences: u64,
    /// Commands in a sequence.
    pub length: usize,
}

impl Plan {
    /// What the environment asks for (`PERSISTKV_DIFF_SEED`, `PERSISTKV_DIFF_SEQUENCES`, `PERSISTKV_DIFF_LENGTH`), or
    /// a few short ones.
    pub fn from_env(sequences: u64) -> Self {
        fn number<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
            match std::env::var(name) {
                Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
                Err(_) => otherwise,
            }
        }
        Self {
            seed: number("PERSISTKV_DIFF_SEED", 1),
            sequences: number("PERSISTKV_DIFF_SEQUENCES", sequences),
            length: number("PERSISTKV_DIFF_LENGTH", 150),
        }
    }
}

impl Pair<'_> {
    /// Runs a family's sequences; the report of the first difference, shrunk.
    pub fn check(&mut self, family: &Family, plan: Plan) -> Result<(), String> {
        let generator = Generator::new(family);
        for seed in plan.seed..plan.seed + plan.sequences {
            let mut sequence = generator.sequence(seed, plan.length);
            sequence.retain(|argv| !self.known.avoids(argv));
            if let Err(failure) = self.run(seed, &sequence) {
                return Err(self.report(family, seed, sequence, failure));
            }
        }
        Ok(())
    }

    /// Runs one sequence on both sides, from an empty data set.
    pub fn run(&mut self, seed: u64, sequence: &[Command]) -> Result<(), Failure> {
        self.reset(seed);
        let mut comparer = Comparer::new(self.known);
        for (at, argv) in sequence.iter().enumerate() {
            comparer
                .step(self.left, self.right, argv)
                .map_err(|what| Failure { at, what: format!("{}\n{what}", command_line(argv)) })?;
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for words in ["DISCARD", "UNWATCH"] {
            left.push(argv(words));
            right.push(argv(words));
        }
        self.left.commands(&left);
        self.right.commands(&right);
        let by = Strictness {
            encodings: Encodings::SameBut(self.known.encodings),
            expiry_tolerance_ms: EXPIRY_TOLERANCE_MS,
            functions: false,
        };
        let found = DataSet::read(self.left).differences(&DataSet::read(self.right), by);
        if found.is_empty() {
            return Ok(());
        }
        Err(Failure {
            at: sequence.len(),
            what: format!("the data are different:\n  {}", found.join("\n  ")),
        })
    }

    /// Both sides empty, in the same database and with the same limits: those of every day, or in every fourth
    /// sequence such small ones that every type takes its big form soon.
    fn reset(&mut self, seed: u64) {
        let small = seed % 4 == 1;
        let limits = [
            ("hash-max-listpack-entries", "128", "4"),
            ("hash-max-listpack-value", "64", "8"),
            ("set-max-intset-entries", "512", "4"),
            ("set-max-listpack-entries", "128", "4"),
            ("set-max-listpack-value", "64", "8"),
            ("zset-max-listpack-entries", "128", "4"),
            ("zset-max-listpack-value", "64", "8"),
            ("list-max-listpack-size", "-2", "4"),
        ];
        let mut batch: Vec<Command> =
            ["DISCARD", "UNWATCH", "SELECT 0", "FLUSHALL"].iter().map(|words| argv(words)).collect();
        for (name, usual, tight) in limits {
            batch.push(argv(&format!("CONFIG SET {name} {}", if small { tight } else { usual })));
        }
        self.left.commands(&batch);
        self.right.commands(&batch);
    }

    fn report(&mut self, family: &Family, seed: u64, mut sequence: Vec<Command>, failure: Failure) -> String {
        sequence.truncate(failure.at + 1);
        let (shortest, failure) =
            shrink::shrink(sequence, failure, |candidate| self.run(seed, candidate).err());
        let lines: Vec<_> = shortest.iter().map(|argv| format!("  {}", command_line(argv))).collect();
        format!(
            "family {}, seed {seed}{}: {failure}\nafter ({} commands):\n{}\nleft is what is judged, right the judge.",
            family.name,
            if seed % 4 == 1 { " (small limits)" } else { "" },
            shortest.len(),
            lines.join("\n"),
        )
    }
}
