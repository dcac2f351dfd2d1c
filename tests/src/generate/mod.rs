//! Random commands, reproducible from a seed. A family is a table of weighted templates in a small notation, so that a
//! row shows the whole syntax of a command at a glance ([`template`]); words are drawn from small alphabets and from
//! boundary values ([`words`]), so that commands meet the same keys and the limits of every encoding. A small share of
//! the commands is spoilt on purpose: an argument dropped, doubled, swapped or replaced by nonsense.

pub mod families;
mod rows;
mod scenes;
mod scripts;
mod tame;
pub mod template;
pub mod words;

use self::families::Family;
use self::template::Template;
use self::words::Words;

/// One command.
pub type Command = Vec<Vec<u8>>;

/// Of a hundred commands so many are spoilt.
const SPOILT_PERCENT: u32 = 6;

/// Of a hundred commands so many are written in lower case.
const LOWER_CASE_PERCENT: u32 = 10;

/// Makes the commands of one family.
#[derive(Debug)]
pub struct Generator {
    rows: Vec<(u32, Template)>,
    total: u32,
}

impl Generator {
    /// Reads the tables of a family.
    pub fn new(family: &Family) -> Self {
        let mut rows = Vec::new();
        for table in family.tables {
            for (weight, text) in *table {
                rows.push((*weight, Template::parse(text)));
            }
        }
        let total = rows.iter().map(|(weight, _)| weight).sum();
        Self { rows, total }
    }

    /// The names of its commands.
    pub fn names(&self) -> Vec<String> {
        self.rows.iter().map(|(_, t)| String::from_utf8_lossy(t.name()).into_owned()).collect()
    }

    /// Leaves out the rows of the commands that are not wanted.
    pub fn keep(&mut self, mut wanted: impl FnMut(&[u8]) -> bool) {
        self.rows.retain(|(_, template)| wanted(template.name()));
        self.total = self.rows.iter().map(|(weight, _)| weight).sum();
    }

    /// The sequence of `length` commands that belongs to a seed.
    pub fn sequence(&self, seed: u64, length: usize) -> Vec<Command> {
        let mut words = Words::new(seed);
        (0..length).map(|_| self.command(&mut words)).collect()
    }

    fn command(&self, words: &mut Words) -> Command {
        let mut at = words.below(self.total);
        let template = self.rows.iter().find_map(|(weight, template)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here.then_some(template)
        });
        let Some(template) = template else { unreachable!("weights add up to the total") };
        let mut argv = template.expand(words);
        if words.below(100) < SPOILT_PERCENT {
            spoil(&mut argv, words);
        }
        if words.below(100) < LOWER_CASE_PERCENT {
            argv[0].make_ascii_lowercase();
        }
        tame::tame(&mut argv);
        argv
    }
}

/// Makes a command wrong, most of the time.
fn spoil(argv: &mut Command, words: &mut Words) {
    let any = |words: &mut Words, argv: &Command| 1 + words.below_usize(argv.len() - 1);
    match words.below(6) {
        0 => argv.push(words.nonsense()),
        _ if argv.len() < 2 => argv.push(words.nonsense()),
        1 => {
            argv.pop();
        }
        2 => {
            let at = any(words, argv);
            argv.remove(at);
        }
        3 => {
            let at = any(words, argv);
            argv.insert(at, argv[at].clone());
        }
        4 => {
            let (a, b) = (any(words, argv), any(words, argv));
            argv.swap(a, b);
        }
        _ => {
            let at = any(words, argv);
            argv[at] = words.nonsense();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses_and_a_seed_repeats() {
        for family in families::ALL {
            let generator = Generator::new(family);
            let a = generator.sequence(7, 2000);
            assert_eq!(a, generator.sequence(7, 2000), "{}", family.name);
            assert!(a.iter().all(|argv| !argv.is_empty()));
            let used = generator.sequence(1, 40 * generator.total as usize);
            for (_, template) in &generator.rows {
                let name = template.name();
                let made = used.iter().any(|argv| argv[0] == name);
                assert!(made, "{} is never made", String::from_utf8_lossy(name));
            }
        }
    }
}
