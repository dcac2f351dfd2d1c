//! Makes a failing sequence short: leaves out portions, from halves down to single commands, as long as it still
//! fails. Any failure counts, not only the first one seen: the shortest is the one to look at.

use super::Failure;
use crate::generate::Command;

/// Runs that may be spent on it.
const MAX_RUNS: usize = 600;

/// The shortest failing sequence found, and its failure.
pub(super) fn shrink(
    mut sequence: Vec<Command>,
    mut failure: Failure,
    mut run: impl FnMut(&[Command]) -> Option<Failure>,
) -> (Vec<Command>, Failure) {
    let mut runs = 0;
    let mut portion = sequence.len().div_ceil(2);
    while portion > 0 && runs < MAX_RUNS {
        let mut at = 0;
        let mut shorter = false;
        while at < sequence.len() && runs < MAX_RUNS {
            let mut candidate = sequence.clone();
            candidate.drain(at..(at + portion).min(sequence.len()));
            runs += 1;
            match run(&candidate) {
                Some(found) => {
                    candidate.truncate(found.at + 1);
                    sequence = candidate;
                    failure = found;
                    shorter = true;
                }
                None => at += portion,
            }
        }
        if portion == 1 && !shorter {
            break;
        }
        portion = if portion == 1 { 1 } else { portion / 2 };
    }
    (sequence, failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::argv;

    #[test]
    fn finds_the_two_commands_that_matter() {
        let sequence: Vec<Command> = (0..100).map(|n| argv(&format!("C {n}"))).collect();
        let fails = |s: &[Command]| {
            let has = |n: &str| s.iter().position(|c| c[1] == n.as_bytes());
            match (has("13"), has("77")) {
                (Some(_), Some(at)) => Some(Failure { at, what: String::new() }),
                _ => None,
            }
        };
        let first = Failure { at: 77, what: String::new() };
        let (shortest, _) = shrink(sequence, first, fails);
        assert_eq!(shortest, [argv("C 13"), argv("C 77")]);
    }
}
