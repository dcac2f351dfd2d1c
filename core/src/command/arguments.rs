//! What COMMAND DOCS tells of a command's arguments: their names, types, tokens and nesting, and whether the command is
//! deprecated. The facts stand in `arguments.txt`, a line a command, as Redis 8.2 and Valkey 9.1 answer them;
//! `tests/tests/arguments.rs` writes that file and holds it against the servers. It is read only when somebody asks.
//!
//! A line: the name, `[since of deprecation, what replaces it]` or `[syscmd]` if it is one that only tools use, then
//! arguments with blanks between. An
//! argument: `name:type`, `/what is shown in its place`, `='token'`, `#index of its key specification`, `@since`,
//! `!deprecated since`, `"summary"`, flags (`?` optional, `*` multiple, `+` with the token each time), `(its parts)`.

use crate::reply::ReplySink;

const FACTS: &str = include_str!("arguments.txt");

/// An argument, or a choice or block of several.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Argument {
    name: &'static str,
    kind: &'static str,
    shown: Option<&'static str>,
    token: Option<&'static str>,
    key_spec: Option<i64>,
    since: Option<&'static str>,
    deprecated_since: Option<&'static str>,
    summary: Option<&'static str>,
    flags: Vec<&'static str>,
    parts: Vec<Argument>,
}

/// What is known of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Since when it is deprecated, and what replaces it.
    pub(super) deprecated: Option<(&'static str, &'static str)>,
    /// Only tools and other servers use it.
    pub(super) internal: bool,
    /// Its arguments.
    pub(super) arguments: Vec<Argument>,
}

/// The facts of a command by its name, subcommands as `config|get`; nothing for one that is not in the file. Takes a
/// walk through the file: O(its length).
pub(super) fn of(name: &str) -> Facts {
    let line = FACTS.lines().find_map(|line| match line.strip_prefix(name)?.as_bytes() {
        [] => Some(""),
        [b' ', ..] => Some(&line[name.len() + 1..]),
        _ => None,
    });
    let Some(mut rest) = line else { return Facts::default() };
    let mut facts = Facts::default();
    if let Some((head, tail)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        facts.deprecated = head.split_once(", ");
        facts.internal = head == "syscmd";
        rest = tail.trim_start();
    }
    facts.arguments = Reader { rest }.arguments();
    facts
}

/// Reads arguments from a line. What is not in order ends the reading: a test compares the whole with real servers.
struct Reader {
    rest: &'static str,
}

impl Reader {
    /// Takes a byte if it comes next.
    fn takes(&mut self, byte: char) -> bool {
        let rest = self.rest.strip_prefix(byte);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What comes before the first of these bytes, or the end.
    fn until(&mut self, ends: &[char]) -> &'static str {
        let (head, tail) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = tail;
        head
    }

    /// What stands before the next `quote`, which is passed.
    fn quoted(&mut self, quote: char) -> &'static str {
        let text = self.until(&[quote]);
        self.takes(quote);
        text
    }

    fn arguments(&mut self) -> Vec<Argument> {
        let mut found = Vec::new();
        while !self.rest.is_empty() && !self.takes(')') {
            found.push(self.argument());
            if !self.takes(' ') && !self.rest.starts_with(')') {
                break;
            }
        }
        found
    }

    fn argument(&mut self) -> Argument {
        const MARKS: &[char] = &['/', '=', '#', '@', '!', '"', '?', '*', '+', '(', ')', ' '];
        let name = self.until(&[':']);
        self.takes(':');
        let mut argument = Argument { name, kind: self.until(MARKS), ..Argument::default() };
        if !matches!(argument.kind, "oneof" | "block") {
            argument.shown = Some(name);
        }
        loop {
            match () {
                () if self.takes('/') => argument.shown = Some(self.until(&MARKS[1..])),
                () if self.takes('=') => {
                    self.takes('\'');
                    argument.token = Some(self.quoted('\''));
                }
                () if self.takes('#') => argument.key_spec = self.until(MARKS).parse().ok(),
                () if self.takes('@') => argument.since = Some(self.until(MARKS)),
                () if self.takes('!') => argument.deprecated_since = Some(self.until(MARKS)),
                () if self.takes('"') => argument.summary = Some(self.quoted('"')),
                () if self.takes('?') => argument.flags.push("optional"),
                () if self.takes('*') => argument.flags.push("multiple"),
                () if self.takes('+') => argument.flags.push("multiple_token"),
                () if self.takes('(') => argument.parts = self.arguments(),
                () => return argument,
            }
        }
    }
}

/// Writes arguments as COMMAND DOCS does.
pub(super) fn put(arguments: &[Argument], out: &mut dyn ReplySink) {
    out.array(arguments.len());
    for argument in arguments {
        let texts = [
            ("name", Some(argument.name)),
            ("type", Some(argument.kind)),
            ("display_text", argument.shown),
            ("token", argument.token),
            ("summary", argument.summary),
            ("since", argument.since),
            ("deprecated_since", argument.deprecated_since),
        ];
        let rest = [argument.key_spec.is_some(), !argument.flags.is_empty(), !argument.parts.is_empty()];
        let fields = texts.iter().filter(|(_, text)| text.is_some()).count();
        out.map(fields + rest.iter().filter(|there| **there).count());
        for (name, text) in texts {
            if let Some(text) = text {
                out.bulk(name.as_bytes());
                out.bulk(text.as_bytes());
            }
        }
        if let Some(index) = argument.key_spec {
            out.bulk(b"key_spec_index");
            out.int(index);
        }
        if !argument.flags.is_empty() {
            out.bulk(b"flags");
            out.set(argument.flags.len());
            argument.flags.iter().for_each(|flag| out.simple(flag));
        }
        if !argument.parts.is_empty() {
            out.bulk(b"arguments");
            put(&argument.parts, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_to_its_end() {
        let facts = of("zrangebyscore");
        assert_eq!(facts.deprecated.map(|(since, _)| since), Some("6.2.0"));
        let names: Vec<_> = facts.arguments.iter().map(|argument| argument.name).collect();
        assert_eq!(names, ["key", "min", "max", "withscores", "limit"]);
        let limit = &facts.arguments[4];
        assert_eq!((limit.token, &limit.flags[..], limit.parts.len()), (Some("LIMIT"), &["optional"][..], 2));
        assert_eq!(facts.arguments[0].key_spec, Some(0));
        assert_eq!(of("nope"), Facts::default());
        assert_eq!(of("zrangebyscor"), Facts::default());
    }
}
