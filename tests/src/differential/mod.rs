//! The same random commands on two sides: every reply is compared, afterwards the whole data set. A difference is
//! reported as the shortest sequence that still shows it, in redis-cli's notation, with its seed.
//!
//! There may be several judges, as the versions of real servers differ in details: what is judged must then agree with
//! at least one of them, reply by reply and key by key.

pub mod compare;
pub mod exchange;
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

/// How long relative expiries may take to reach the last endpoint, in milliseconds.
const EXPIRY_TOLERANCE_MS: i64 = 5_000;

/// A real server that says what is right.
pub struct Judge<'a> {
    /// Its name in reports.
    pub name: &'a str,
    /// A connection to it.
    pub endpoint: &'a mut dyn Endpoint,
    /// Does it restore what the other side dumps? (Older servers do not know newer formats.)
    pub restores: bool,
    /// Can the other side restore what this one dumps?
    pub is_restored: bool,
    /// The highest version of snapshots that it reads.
    pub reads: u8,
    /// See [`DataSet::disregard_forms_of_its_own`].
    pub embeds_keys: bool,
}

impl<'a> Judge<'a> {
    /// A judge that shares all formats with what is judged.
    pub fn new(name: &'a str, endpoint: &'a mut dyn Endpoint) -> Self {
        Self { name, endpoint, restores: true, is_restored: true, reads: 11, embeds_keys: false }
    }
}

/// What is judged, and by whom.
pub struct Trial<'a> {
    /// What is judged.
    pub accused: &'a mut dyn Endpoint,
    /// One judge at least.
    pub judges: Vec<Judge<'a>>,
    /// Differences that are no faults, with their reasons.
    pub known: &'a Known,
}

/// What went apart, and where in the sequence.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The command after which it showed; the length of the sequence if only the data show it.
    pub at: usize,
    /// The replies, or the differences of the data.
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
            length: number("PERSISTKV_DIFF_LENGTH", 100),
        }
    }
}

impl Trial<'_> {
    /// Runs a family's sequences; the report of the first difference, shrunk.
    pub fn check(&mut self, family: &Family, plan: Plan) -> Result<(), String> {
        self.check_with(&Generator::new(family), family, plan)
    }

    /// The same with a generator of some of the family's commands.
    pub fn check_with(&mut self, generator: &Generator, family: &Family, plan: Plan) -> Result<(), String> {
        for seed in plan.seed..plan.seed + plan.sequences {
            let mut sequence = generator.sequence(seed, plan.length);
            sequence.retain(|argv| !self.known.avoids(argv));
            if let Err(failure) = self.run(seed, &sequence) {
                return Err(self.report(family, seed, sequence, failure));
            }
        }
        Ok(())
    }

    /// Runs one sequence on all sides, from an empty data set.
    pub fn run(&mut self, seed: u64, sequence: &[Command]) -> Result<(), Failure> {
        self.reset(seed);
        let mut comparer = Comparer::new(self.known);
        let mut at = 0;
        while at < sequence.len() {
            let together = sequence[at..].iter().take_while(|argv| !Comparer::stands_alone(argv)).count();
            let done = if together > 0 {
                comparer.steps(self.accused, &mut self.judges, &sequence[at..at + together])
            } else {
                comparer.step(self.accused, &mut self.judges, &sequence[at]).map_err(|what| (0, what))
            };
            done.map_err(|(further, what)| {
                let at = at + further;
                Failure { at, what: format!("{}\n{what}", command_line(&sequence[at])) }
            })?;
            at += together.max(1);
        }
        let ours = DataSet::read(self.accused);
        let read = |judge: &mut Judge<'_>| {
            let mut found = DataSet::read(judge.endpoint);
            found.disregard_forms_of_its_own(judge.embeds_keys);
            found
        };
        let theirs: Vec<_> = self.judges.iter_mut().map(read).collect();
        let by = Strictness {
            encodings: Encodings::Compared,
            expiry_tolerance_ms: EXPIRY_TOLERANCE_MS,
            functions: false,
            servers_log: false,
        };
        let found = ours.differences_from_all(&theirs, by);
        let failed = |what: String| Err(Failure { at: sequence.len(), what });
        if !found.is_empty() {
            return failed(format!("the data are different:\n  {}", found.join("\n  ")));
        }
        let judge = seed as usize % self.judges.len();
        let (accused, judge, theirs) = (&mut *self.accused, &mut self.judges[judge], &theirs[judge]);
        exchange::exchange(accused, &ours, judge, theirs, sequence, seed).or_else(failed)
    }

    /// All sides empty, in the same database, with the same protocol (RESP3 in every third sequence) and the same
    /// limits: those of every day, or in every fourth sequence such small ones that every type takes its big form
    /// soon.
    fn reset(&mut self, seed: u64) {
        let small = seed % 4 == 1;
        let protocol = if seed.is_multiple_of(3) { 3 } else { 2 };
        let limits = [
            ("hash-max-listpack-entries", "128", "4"),
            ("hash-max-listpack-value", "64", "8"),
            ("set-max-intset-entries", "512", "4"),
            ("set-max-listpack-entries", "128", "4"),
            ("set-max-listpack-value", "64", "8"),
            ("zset-max-listpack-entries", "128", "4"),
            ("zset-max-listpack-value", "64", "8"),
            ("list-max-listpack-size", "-2", "4"),
            ("stream-node-max-entries", "100", "3"),
            // Uses of keys are counted in the same sequences, every one of them.
            ("maxmemory", "0", "0"),
            ("maxmemory-policy", "noeviction", "allkeys-lfu"),
            ("lfu-log-factor", "0", "0"),
            ("lfu-decay-time", "0", "0"),
        ];
        let mut batch: Vec<Command> = ["DISCARD", "UNWATCH", "SELECT 0", "FLUSHALL", "FUNCTION FLUSH"]
            .iter()
            .map(|words| argv(words))
            .collect();
        for (name, usual, tight) in limits {
            batch.push(argv(&format!("CONFIG SET {name} {}", if small { tight } else { usual })));
        }
        // What a client said of itself stays with its connection.
        batch.push(vec![b"CLIENT".to_vec(), b"SETNAME".to_vec(), Vec::new()]);
        batch.extend(["CLIENT NO-EVICT OFF", "CLIENT NO-TOUCH OFF"].map(argv));
        let reset = |endpoint: &mut dyn Endpoint| {
            match endpoint.keeper() {
                Some(keeper) => keeper.renew(),
                None => drop(endpoint.line("DISCARD")),
            }
            endpoint.protocol(protocol);
            endpoint.commands(&batch);
        };
        reset(self.accused);
        self.judges.iter_mut().for_each(|judge| reset(judge.endpoint));
    }

    fn report(&mut self, family: &Family, seed: u64, mut sequence: Vec<Command>, failure: Failure) -> String {
        sequence.truncate(failure.at + 1);
        let (shortest, failure) =
            shrink::shrink(sequence, failure, |candidate| self.run(seed, candidate).err());
        let lines: Vec<_> = shortest.iter().map(|argv| format!("  {}", command_line(argv))).collect();
        format!(
            "family {}, seed {seed}{}{}: {failure}\nafter ({} commands):\n{}",
            family.name,
            if seed % 4 == 1 { ", small limits" } else { "" },
            if seed.is_multiple_of(3) { ", RESP3" } else { "" },
            shortest.len(),
            lines.join("\n"),
        )
    }
}
