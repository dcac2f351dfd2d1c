//! Random commands, reproducible from a seed. A family is a table of weighted templates in a small notation, so that a
//! row shows the whole syntax of a command at a glance ([`template`]); words are drawn from small alphabets and from
//! boundary values ([`words`]), so that commands meet the same keys and the limits of every encoding. A small share of
//! the commands is spoilt on purpose: an argument dropped, doubled, swapped or replaced by nonsense.

pub mod families;
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
        keep_from_expiring(&mut argv);
        keep_lexical_order(&mut argv);
        keep_strings_short(&mut argv);
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

/// Two endpoints run a command at slightly different instants, so nothing may expire while a sequence runs: short
/// relative times become long ones. Times that are over at once (zero, negative, absolute in the past) stay.
fn keep_from_expiring(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let lengthen = |arg: &mut Vec<u8>, limit: i64| {
        if let Some(n) = std::str::from_utf8(arg).ok().and_then(|s| s.parse::<i64>().ok())
            && (1..limit).contains(&n)
        {
            *arg = (n + limit).to_string().into_bytes();
        }
    };
    let direct = match name.as_slice() {
        b"PSETEX" | b"PEXPIRE" | b"HPEXPIRE" | b"RESTORE" => Some(600_000),
        b"SETEX" | b"EXPIRE" | b"HEXPIRE" => Some(600),
        _ => None,
    };
    if let (Some(limit), Some(arg)) = (direct, argv.get_mut(2)) {
        lengthen(arg, limit);
    }
    if matches!(name.as_slice(), b"SET" | b"GETEX" | b"HSETEX" | b"HGETEX" | b"MSETEX") {
        for i in 1..argv.len() {
            let limit = match argv[i - 1].to_ascii_uppercase().as_slice() {
                b"PX" => 600_000,
                b"EX" => 600,
                _ => continue,
            };
            lengthen(&mut argv[i], limit);
        }
    }
}

/// Over members of different scores the commands by lexical order find what the inner build happens to let them
/// find: they are kept to sorted sets of one score.
fn keep_lexical_order(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let lexical = name.ends_with(b"LEX") || argv.iter().any(|a| a.eq_ignore_ascii_case(b"BYLEX"));
    let rename = |arg: Option<&mut Vec<u8>>, from: u8, to: u8| {
        if let Some(first) = arg.and_then(|a| a.first_mut())
            && *first == from
        {
            *first = to;
        }
    };
    if name == b"ZRANGESTORE" {
        rename(argv.get_mut(1), b'y', b'z');
        rename(argv.get_mut(2), if lexical { b'z' } else { b'y' }, if lexical { b'y' } else { b'z' });
    } else if lexical {
        rename(argv.get_mut(1), b'z', b'y');
    } else if name == b"ZADD" && argv.get(1).is_some_and(|key| key.starts_with(b"y")) {
        for score in argv.iter_mut().skip(2).step_by(2) {
            *score = b"0".to_vec();
        }
    }
}

/// No command may make a string of many megabytes: it would only cost time.
fn keep_strings_short(argv: &mut Command) {
    if argv[0].eq_ignore_ascii_case(b"SETRANGE")
        && let Some(offset) = argv.get_mut(2)
        && let Some(n) = std::str::from_utf8(offset).ok().and_then(|s| s.parse::<i64>().ok())
        && (1000..512 << 20).contains(&n)
    {
        *offset = b"7".to_vec();
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

    #[test]
    fn nothing_expires_meanwhile() {
        let mut argv: Command = crate::endpoint::argv("set k v PX 5");
        keep_from_expiring(&mut argv);
        assert_eq!(argv[4], b"600005");
        let mut argv: Command = crate::endpoint::argv("EXPIRE k -1");
        keep_from_expiring(&mut argv);
        assert_eq!(argv[2], b"-1");
    }
}
