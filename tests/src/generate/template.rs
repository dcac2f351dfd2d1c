//! The notation of command tables.
//!
//! Words are separated by blanks. `UPPER` stands for itself, as do a number and `'quoted`; `lower` names a kind of
//! word that [`Words`] draws. `[ x ]` is there or not; `( x | y )` is one of them; `{ x }` is repeated, at least once;
//! `#{ x }` is the same preceded by the number of repetitions; `%{ x }` is repeated as often as the last `#{ }`;
//! `< x ; y >` are all of them in any order.

use super::Command;
use super::words::{Draw, Words};

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(Vec<u8>),
    Word(Draw),
    Maybe(Vec<Part>),
    OneOf(Vec<Vec<Part>>),
    Repeat(Repeat, Vec<Part>),
    Shuffled(Vec<Vec<Part>>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Repeat {
    Plain,
    Counted,
    AsBefore,
}

impl Template {
    /// Parses a row; a mistake in a table is a defect of the tests, hence a panic.
    pub fn parse(text: &str) -> Self {
        let mut tokens = text.split_whitespace();
        let mut groups = groups(&mut tokens, None, text);
        assert_eq!(groups.len(), 1, "| or ; outside of brackets: {text}");
        Self { parts: groups.remove(0) }
    }

    /// The name of the command.
    pub fn name(&self) -> &[u8] {
        match self.parts.first() {
            Some(Part::Literal(name)) => name,
            other => panic!("a command begins with its name, not with {other:?}"),
        }
    }

    /// Draws a command.
    pub fn expand(&self, words: &mut Words) -> Command {
        let mut argv = Vec::new();
        let mut count = 1;
        expand(&self.parts, words, &mut argv, &mut count);
        argv
    }
}

/// Parses up to `close`; the groups between `|` or `;`.
fn groups<'a>(tokens: &mut impl Iterator<Item = &'a str>, close: Option<&str>, text: &str) -> Vec<Vec<Part>> {
    let mut groups = vec![Vec::new()];
    loop {
        let token = match (tokens.next(), close) {
            (None, None) => return groups,
            (None, Some(close)) => panic!("{close} is missing: {text}"),
            (token, close) if token == close => return groups,
            (Some(token), _) => token,
        };
        let single = |mut groups: Vec<Vec<Part>>| {
            assert_eq!(groups.len(), 1, "| or ; in the wrong brackets: {text}");
            groups.remove(0)
        };
        let part = match token {
            "[" => Part::Maybe(single(self::groups(tokens, Some("]"), text))),
            "{" => Part::Repeat(Repeat::Plain, single(self::groups(tokens, Some("}"), text))),
            "#{" => Part::Repeat(Repeat::Counted, single(self::groups(tokens, Some("}"), text))),
            "%{" => Part::Repeat(Repeat::AsBefore, single(self::groups(tokens, Some("}"), text))),
            "(" => Part::OneOf(self::groups(tokens, Some(")"), text)),
            "<" => Part::Shuffled(self::groups(tokens, Some(">"), text)),
            "|" | ";" => {
                groups.push(Vec::new());
                continue;
            }
            word if word.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Part::Word(Words::kind(word).unwrap_or_else(|| panic!("unknown kind of word {word}: {text}")))
            }
            word => Part::Literal(word.strip_prefix('\'').unwrap_or(word).as_bytes().to_vec()),
        };
        if let Some(group) = groups.last_mut() {
            group.push(part);
        }
    }
}

fn expand(parts: &[Part], words: &mut Words, argv: &mut Command, count: &mut usize) {
    for part in parts {
        match part {
            Part::Literal(word) => argv.push(word.clone()),
            Part::Word(draw) => argv.push(draw(words)),
            Part::Maybe(inner) => {
                if words.below(3) == 0 {
                    expand(inner, words, argv, count);
                }
            }
            Part::OneOf(groups) => {
                let at = words.below_usize(groups.len());
                expand(&groups[at], words, argv, count);
            }
            Part::Repeat(repeat, inner) => {
                if *repeat != Repeat::AsBefore {
                    *count = words.repetitions();
                }
                if *repeat == Repeat::Counted {
                    argv.push(count.to_string().into_bytes());
                }
                for _ in 0..*count {
                    expand(inner, words, argv, &mut 1);
                }
            }
            Part::Shuffled(groups) => {
                let mut order: Vec<_> = groups.iter().collect();
                words.shuffle(&mut order);
                for group in order {
                    expand(group, words, argv, count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_every_form() {
        let template = Template::parse("ZX db #{ A } %{ B } < 1 ; 2 > ( X | Y Z ) [ T ] { R }");
        for seed in 0..200 {
            let argv = template.expand(&mut Words::new(seed));
            let count = |w: &[u8]| argv.iter().filter(|a| a.as_slice() == w).count();
            assert_eq!(argv[0], b"ZX");
            assert_eq!(argv[2], count(b"A").to_string().into_bytes());
            assert_eq!(count(b"A"), count(b"B"));
            assert_eq!(count(b"X") + count(b"Z"), 1);
            assert!(count(b"R") > 0 && count(b"T") < 2);
        }
    }

    #[test]
    #[should_panic(expected = "] is missing")]
    fn refuses_open_brackets() {
        Template::parse("GET [ skey");
    }
}
