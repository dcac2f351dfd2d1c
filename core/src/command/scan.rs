//! The options of the SCAN family: `[MATCH pattern] [COUNT n] [TYPE name] [NOVALUES] [NOSCORES]`.

use super::args;
use crate::encoding::glob;
use crate::encoding::listpack::LpValue;
use crate::encoding::num::NumBuf;
use crate::error::{Error, Result};

/// What is scanned; it decides which options there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// The keyspace: TYPE is allowed.
    Keys,
    /// A hash: NOVALUES is allowed.
    Hash,
    /// A set.
    Members,
    /// A sorted set: NOSCORES is allowed.
    Scored,
}

/// Parsed options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    /// About how many elements to look at in this call.
    pub count: usize,
    /// Only elements that match; `None` when all do.
    pub pattern: Option<&'a [u8]>,
    /// Only keys of the type with this name (any case).
    pub type_name: Option<&'a [u8]>,
    /// Fields without their values, members without their scores.
    pub alone: bool,
}

impl<'a> Options<'a> {
    /// The options behind the cursor.
    pub(super) fn parse(argv: &[&'a [u8]], what: Scanned) -> Result<Self> {
        let mut options = Options { count: 10, pattern: None, type_name: None, alone: false };
        let mut rest = argv;
        while let Some((&name, after)) = rest.split_first() {
            rest = after;
            if args::is(name, "novalues") {
                if what != Scanned::Hash {
                    return Err(Error::command("ERR NOVALUES option can only be used in HSCAN"));
                }
                options.alone = true;
                continue;
            }
            if args::is(name, "noscores") {
                if what != Scanned::Scored {
                    return Err(Error::command("ERR NOSCORES option can only be used in ZSCAN"));
                }
                options.alone = true;
                continue;
            }
            let (&value, after) = rest.split_first().ok_or_else(Error::syntax)?;
            rest = after;
            if args::is(name, "count") {
                let n = args::int(value)?;
                options.count = usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(Error::syntax)?;
            } else if args::is(name, "match") {
                options.pattern = Some(value).filter(|pattern| *pattern != b"*");
            } else if args::is(name, "type") && what == Scanned::Keys {
                options.type_name = Some(value);
            } else {
                return Err(Error::syntax());
            }
        }
        Ok(options)
    }

    /// Whether an element of a value (or its field) is wanted.
    pub(super) fn wants_element(&self, element: LpValue<'_>) -> bool {
        self.pattern.is_none() || self.wants(element.as_bytes(&mut NumBuf::new()))
    }

    /// Whether a key or an element is wanted.
    pub(super) fn wants(&self, element: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, element, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(words: &'a str, what: Scanned) -> std::result::Result<Options<'a>, String> {
        let argv: Vec<&[u8]> = words.split_whitespace().map(str::as_bytes).collect();
        Options::parse(&argv, what).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn options_of_each_command() {
        let all = parse("count 7 MATCH a* novalues", Scanned::Hash).unwrap();
        assert!(all.count == 7 && all.alone && all.wants(b"ab") && !all.wants(b"b"));
        let last = parse("MATCH x MATCH *", Scanned::Members).unwrap();
        assert!(last.pattern.is_none() && last.wants(b"anything") && last.count == 10);
        assert_eq!(parse("TYPE hash", Scanned::Keys).unwrap().type_name, Some(&b"hash"[..]));
        for (words, what, want) in [
            ("TYPE hash", Scanned::Members, "ERR syntax error"),
            ("NOVALUES", Scanned::Members, "ERR NOVALUES option can only be used in HSCAN"),
            ("NOSCORES", Scanned::Hash, "ERR NOSCORES option can only be used in ZSCAN"),
            ("COUNT 0", Scanned::Keys, "ERR syntax error"),
            ("COUNT -1", Scanned::Keys, "ERR syntax error"),
            ("COUNT x", Scanned::Keys, "ERR value is not an integer or out of range"),
            ("COUNT", Scanned::Keys, "ERR syntax error"),
            ("MATCH", Scanned::Keys, "ERR syntax error"),
        ] {
            assert_eq!(parse(words, what).unwrap_err(), want, "{words}");
        }
    }
}
