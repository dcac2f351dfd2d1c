//! Incremental parser of multibulk commands, as the append-only log holds them.
//!
//! The caller keeps a window of bytes that starts at a record and grows; [`CommandParser::step`] goes on where it
//! stopped, so a record that arrives in pieces is looked at once. Nothing is copied: arguments are ranges of the window.
//!
//! Lenient and strict exactly where Redis's loader is: a lone LF ends a header line, the two bytes after an argument
//! are not looked at, a line that starts with `#` is an annotation (at most [`LINE_MAX`] bytes, or it is read in
//! pieces that each must start with `#`), an argument count below 1 is an error. Numbers are read more strictly than by
//! `atoi`: only digits. A length can never make the parser allocate: it reserves nothing but one range per argument
//! that it has really seen, and counts beyond [`Limits`] are errors.

use std::fmt;
use std::ops::Range;

/// Longest line Redis reads at once, its line end included.
pub const LINE_MAX: usize = 1023;

/// What is refused whatever the bytes that follow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most arguments of one command.
    pub argc: u64,
    /// Most bytes of one argument.
    pub bulk: u64,
}

impl Default for Limits {
    /// What can occur at all: Redis's own limits of a count (`int`) and of a string (512 MB by default, configurable
    /// up to what an `i64` holds, so bounded only by the file here).
    fn default() -> Self {
        Self { argc: i32::MAX as u64, bulk: i64::MAX as u64 }
    }
}

/// Outcome of [`CommandParser::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The window ends inside a record: call again with more bytes behind the same start. `need` is the least length of
    /// the window with which that makes sense; it may be as large as what the bytes claim, so compare it with what can
    /// still come before making room.
    More {
        /// Least useful length of the window.
        need: u64,
    },
    /// A command of this many bytes; see [`CommandParser::args`].
    Command {
        /// Bytes from the start of the window.
        len: usize,
    },
    /// An annotation of this many bytes, its line end included.
    Annotation {
        /// Bytes from the start of the window.
        len: usize,
    },
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// Neither `*` nor `#` where a record starts.
    NotARecord(u8),
    /// Not `$` where an argument starts.
    NotABulk(u8),
    /// A count that is no number or is below 1.
    BadCount,
    /// A length that is no number or is negative.
    BadLength,
    /// A count beyond the limit.
    TooManyArguments,
    /// A length beyond the limit.
    TooLong,
    /// A header line without an end.
    LineTooLong,
}

/// A broken record and where, counted from the start of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Which rule.
    pub kind: ParseErrorKind,
    /// Offset in the window.
    pub at: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ParseErrorKind::NotARecord(b) => write!(f, "a record must start with '*', found byte {b:#04x}"),
            ParseErrorKind::NotABulk(b) => write!(f, "an argument must start with '$', found byte {b:#04x}"),
            ParseErrorKind::BadCount => f.write_str("invalid number of arguments"),
            ParseErrorKind::BadLength => f.write_str("invalid length of an argument"),
            ParseErrorKind::TooManyArguments => f.write_str("too many arguments"),
            ParseErrorKind::TooLong => f.write_str("an argument is too long"),
            ParseErrorKind::LineTooLong => f.write_str("a header line has no end"),
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct CommandParser {
    limits: Limits,
    /// Where to go on in the window.
    at: usize,
    /// Arguments still to come; 0 before the count is read.
    left: u64,
    args: Vec<Range<usize>>,
}

enum Line {
    /// The number and where the line ends.
    Number(u64, usize),
    More,
}

impl CommandParser {
    /// A parser with limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The arguments of the command that [`step`](Self::step) just completed, as ranges of its window.
    pub fn args(&self) -> &[Range<usize>] {
        &self.args
    }

    /// Forgets a record that was begun.
    pub fn reset(&mut self) {
        self.at = 0;
        self.left = 0;
        self.args.clear();
    }

    /// Looks at `window`, which starts where a record starts. After a complete record the next call begins a new one,
    /// so the caller drops the record's bytes first; after an error the parser must be [`reset`](Self::reset).
    pub fn step(&mut self, window: &[u8]) -> Result<Step, ParseError> {
        if self.left == 0 {
            self.at = 0;
            self.args.clear();
            match window.first() {
                None => return Ok(Step::More { need: 1 }),
                Some(b'#') => return Ok(annotation(window)),
                Some(b'*') => {}
                Some(&other) => return Err(ParseError { kind: ParseErrorKind::NotARecord(other), at: 0 }),
            }
            match header(window, 0, ParseErrorKind::BadCount)? {
                Line::More => return Ok(Step::More { need: window.len() as u64 + 1 }),
                Line::Number(0, _) => return Err(ParseError { kind: ParseErrorKind::BadCount, at: 0 }),
                Line::Number(argc, _) if argc > self.limits.argc => {
                    return Err(ParseError { kind: ParseErrorKind::TooManyArguments, at: 0 });
                }
                Line::Number(argc, end) => {
                    self.left = argc;
                    self.at = end;
                }
            }
        }
        while self.left > 0 {
            match window.get(self.at) {
                None => return Ok(Step::More { need: window.len() as u64 + self.least() }),
                Some(b'$') => {}
                Some(&other) => {
                    return Err(ParseError { kind: ParseErrorKind::NotABulk(other), at: self.at });
                }
            }
            let (len, start) = match header(window, self.at, ParseErrorKind::BadLength)? {
                Line::More => return Ok(Step::More { need: window.len() as u64 + 1 }),
                Line::Number(len, start) => (len, start),
            };
            if len > self.limits.bulk {
                return Err(ParseError { kind: ParseErrorKind::TooLong, at: self.at });
            }
            let need = (start as u64).saturating_add(len).saturating_add(2);
            if need > window.len() as u64 {
                return Ok(Step::More {
                    need: need.saturating_add((self.left - 1).saturating_mul(LEAST_BULK)),
                });
            }
            // `need` fits the window, so these fit `usize`.
            let end = start + len as usize;
            self.args.push(start..end);
            self.at = end + 2;
            self.left -= 1;
        }
        Ok(Step::Command { len: self.at })
    }

    /// Fewest bytes that the arguments still to come must take.
    fn least(&self) -> u64 {
        self.left.saturating_mul(LEAST_BULK)
    }
}

/// `$0\n` and the two bytes after the content.
const LEAST_BULK: u64 = 5;

/// An annotation, which may be read in pieces if it is long: each piece starts with `#` in a file that Redis accepts.
fn annotation(window: &[u8]) -> Step {
    let line = &window[..window.len().min(LINE_MAX)];
    match line.iter().position(|&b| b == b'\n') {
        Some(end) => Step::Annotation { len: end + 1 },
        None if line.len() == LINE_MAX => Step::Annotation { len: LINE_MAX },
        None => Step::More { need: window.len() as u64 + 1 },
    }
}

/// The number of a header line whose sign is at `at`.
fn header(window: &[u8], at: usize, bad: ParseErrorKind) -> Result<Line, ParseError> {
    let mut n: u64 = 0;
    let mut i = at + 1;
    loop {
        match window.get(i) {
            _ if i - at > LINE_MAX => return Err(ParseError { kind: ParseErrorKind::LineTooLong, at }),
            None => return Ok(Line::More),
            Some(&d @ b'0'..=b'9') => {
                n = n
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(u64::from(d - b'0')))
                    .ok_or(ParseError { kind: bad, at })?;
                i += 1;
            }
            Some(_) if i == at + 1 => return Err(ParseError { kind: bad, at }),
            Some(b'\n') => return Ok(Line::Number(n, i + 1)),
            Some(b'\r') => match window.get(i + 1) {
                None => return Ok(Line::More),
                Some(b'\n') => return Ok(Line::Number(n, i + 2)),
                Some(_) => return Err(ParseError { kind: bad, at }),
            },
            Some(_) => return Err(ParseError { kind: bad, at }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode_command;
    use super::*;

    fn one(window: &[u8]) -> Result<Step, ParseErrorKind> {
        CommandParser::default().step(window).map_err(|e| e.kind)
    }

    #[test]
    fn reads_a_command() {
        let window = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1";
        let mut parser = CommandParser::default();
        assert_eq!(parser.step(window), Ok(Step::Command { len: window.len() - 2 }));
        let args: Vec<&[u8]> = parser.args().iter().map(|r| &window[r.clone()]).collect();
        assert_eq!(args, [b"GET".as_slice(), b"k"]);
    }

    #[test]
    fn a_lone_line_feed_ends_a_header_and_argument_ends_are_not_checked() {
        assert_eq!(one(b"*1\n$4\nPINGxx"), Ok(Step::Command { len: 12 }));
    }

    #[test]
    fn annotations_end_at_their_line_or_at_the_line_buffer() {
        assert_eq!(one(b"#TS:1\r\n*1"), Ok(Step::Annotation { len: 7 }));
        assert_eq!(one(&[b'#'; 3000]), Ok(Step::Annotation { len: LINE_MAX }));
        assert_eq!(one(&[b'#'; 100]), Ok(Step::More { need: 101 }));
    }

    #[test]
    fn refuses_what_redis_refuses() {
        use ParseErrorKind as K;
        assert_eq!(one(b"\n"), Err(K::NotARecord(b'\n')));
        assert_eq!(one(b"\0\0"), Err(K::NotARecord(0)));
        assert_eq!(one(b"PING\r\n"), Err(K::NotARecord(b'P')));
        assert_eq!(one(b"*0\r\n"), Err(K::BadCount));
        assert_eq!(one(b"*-1\r\n"), Err(K::BadCount));
        assert_eq!(one(b"*x\r\n"), Err(K::BadCount));
        assert_eq!(one(b"*1\r\n+OK\r\n"), Err(K::NotABulk(b'+')));
        assert_eq!(one(b"*1\r\n$-1\r\n"), Err(K::BadLength));
        assert_eq!(one(b"*1\r\n$99999999999999999999\r\n"), Err(K::BadLength));
        assert_eq!(one(b"*2147483648\r\n"), Err(K::TooManyArguments));
    }

    #[test]
    fn a_huge_claim_asks_for_bytes_and_reserves_nothing() {
        let mut parser = CommandParser::default();
        let claim = b"*2147483647\r\n$9223372036854775807\r\n";
        let Ok(Step::More { need }) = parser.step(claim) else { panic!("must ask for more") };
        assert!(need > i64::MAX as u64);
        assert_eq!(parser.args.capacity(), 0);
    }

    proptest! {
        #[test]
        fn pieces_or_whole_make_no_difference(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6),
            cuts in prop::collection::vec(0usize..400, 0..6),
        ) {
            let mut bytes = Vec::new();
            encode_command(&mut bytes, &argv);
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c < bytes.len()).collect();
            cuts.sort_unstable();
            let mut parser = CommandParser::default();
            for cut in cuts {
                let step = parser.step(&bytes[..cut]).expect("a prefix is not an error");
                let Step::More { need } = step else { panic!("complete too early at {cut}") };
                prop_assert!(need > cut as u64 && need <= bytes.len() as u64);
            }
            prop_assert_eq!(parser.step(&bytes), Ok(Step::Command { len: bytes.len() }));
            let got: Vec<Vec<u8>> = parser.args().iter().map(|r| bytes[r.clone()].to_vec()).collect();
            prop_assert_eq!(got, argv);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut parser = CommandParser::default();
            let mut rest = bytes.as_slice();
            while let Ok(Step::Command { len } | Step::Annotation { len }) = parser.step(rest) {
                prop_assert!(len > 0 && len <= rest.len());
                rest = &rest[len..];
            }
        }
    }
}
