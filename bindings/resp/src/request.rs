//! Commands as they arrive: multibulk or inline, as lenient and as strict as Redis, with its errors.
//!
//! The input is a window that grows at its end; parsing goes on where it stopped, so what arrives in pieces is looked at
//! once. Nothing is reserved for what a length only claims.

use std::borrow::Cow;
use std::ops::Range;

use persistkv::encoding::num;

/// Longest inline command, and longest line of a multibulk.
const LINE_MAX: usize = 64 * 1024;
/// What may be sent before the password is given.
const LOCKED_OUT_ARGS: i64 = 10;
const LOCKED_OUT_BULK: i64 = 16_384;

/// Arguments of one command: ranges of the window, or their own bytes (an inline command with quotes).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// More must arrive.
    More,
    /// Nothing to run: an empty line, `*0`.
    Nothing,
    /// A multibulk's arguments are in [`Parser::args`].
    Multibulk,
    /// An inline command's arguments.
    Inline(Vec<Vec<u8>>),
}

/// What the peer may send at present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// `proto-max-bulk-len`.
    pub(crate) bulk: i64,
    /// The peer has not given the password.
    pub(crate) locked_out: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Arguments still to come; 0 before the count is read.
    left: i64,
    /// Length of the argument that is being read.
    bulk: Option<usize>,
    args: Vec<Range<usize>>,
    /// Where to go on in the window.
    at: usize,
    /// Where the command begins of which arguments are still to come.
    begun: usize,
}

type Outcome<T> = Result<T, Cow<'static, str>>;

impl Parser {
    /// The arguments of the multibulk that was just found, in the window it was found in.
    pub(crate) fn args(&self) -> &[Range<usize>] {
        &self.args
    }

    /// Bytes of the window that are done with: all before the command that has begun to arrive.
    pub(crate) fn done(&self) -> usize {
        if self.left > 0 { self.begun } else { self.at }
    }

    /// The window loses what is done with; returns how much that is.
    pub(crate) fn forget_done(&mut self) -> usize {
        let by = self.done();
        if self.left == 0 {
            self.args.clear();
        }
        self.at -= by;
        self.begun -= by.min(self.begun);
        for arg in &mut self.args {
            arg.start -= by;
            arg.end -= by;
        }
        by
    }

    /// Looks for the next command behind the last one. An error is the text behind `ERR Protocol error: `.
    pub(crate) fn next(&mut self, window: &[u8], limits: Limits) -> Outcome<Found> {
        if self.left == 0 {
            self.args.clear();
            match window.get(self.at) {
                None => return Ok(Found::More),
                Some(b'*') => {}
                Some(_) => return self.inline(window),
            }
            let Some((line, end)) = line(window, self.at, "too big mbulk count string")? else {
                return Ok(Found::More);
            };
            let count = num::parse_i64(line).filter(|n| *n <= i64::from(i32::MAX));
            let count = count.ok_or("invalid multibulk length")?;
            if limits.locked_out && count > LOCKED_OUT_ARGS {
                return Err("unauthenticated multibulk length".into());
            }
            self.begun = std::mem::replace(&mut self.at, end);
            if count <= 0 {
                return Ok(Found::Nothing);
            }
            self.left = count;
        }
        while self.left > 0 {
            if !self.argument(window, limits)? {
                return Ok(Found::More);
            }
        }
        Ok(Found::Multibulk)
    }

    /// One argument of a multibulk; false when it has not arrived.
    fn argument(&mut self, window: &[u8], limits: Limits) -> Outcome<bool> {
        let len = match self.bulk {
            Some(len) => len,
            None => {
                let Some((line, end)) = line(window, self.at, "too big bulk count string")? else {
                    return Ok(false);
                };
                let sign = window[self.at];
                if sign != b'$' {
                    return Err(format!("expected '$', got '{}'", char::from(sign)).into());
                }
                let len = num::parse_i64(line).filter(|n| (0..=limits.bulk).contains(n));
                let len = len.ok_or("invalid bulk length")?;
                if limits.locked_out && len > LOCKED_OUT_BULK {
                    return Err("unauthenticated bulk length".into());
                }
                self.at = end;
                let len = usize::try_from(len).map_err(|_| "invalid bulk length")?;
                *self.bulk.insert(len)
            }
        };
        // The two bytes behind it are not looked at, as in Redis.
        let end = self.at.checked_add(len).and_then(|end| end.checked_add(2)).ok_or("invalid bulk length")?;
        if window.len() < end {
            return Ok(false);
        }
        self.args.push(self.at..self.at + len);
        self.at = end;
        self.bulk = None;
        self.left -= 1;
        Ok(true)
    }

    fn inline(&mut self, window: &[u8]) -> Outcome<Found> {
        let rest = &window[self.at..];
        let Some(end) = rest.iter().take(LINE_MAX + 1).position(|byte| *byte == b'\n') else {
            return if rest.len() > LINE_MAX {
                Err("too big inline request".into())
            } else {
                Ok(Found::More)
            };
        };
        let line = &rest[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let argv = words(line).ok_or("unbalanced quotes in request")?;
        self.at += end + 1;
        Ok(if argv.is_empty() { Found::Nothing } else { Found::Inline(argv) })
    }
}

/// All commands in bytes that arrive in pieces, run through a window as a connection has it.
pub(crate) fn commands(bytes: &[u8], piece: usize, locked_out: bool) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let limits = Limits { bulk: 512 << 20, locked_out };
    let (mut parser, mut window, mut found) = (Parser::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        window.drain(..parser.forget_done());
        window.extend_from_slice(piece);
        loop {
            match parser.next(&window, limits) {
                Ok(Found::More) => break,
                Ok(Found::Nothing) => {}
                Ok(Found::Inline(argv)) => found.push(argv),
                Ok(Found::Multibulk) => {
                    found.push(parser.args().iter().map(|arg| window[arg.clone()].to_vec()).collect());
                }
                Err(why) => return (found, Some(why.into_owned())),
            }
        }
    }
    (found, None)
}

/// The line that starts at `at` without its sign and its end, and where the next one starts.
fn line<'a>(window: &'a [u8], at: usize, too_long: &'static str) -> Outcome<Option<(&'a [u8], usize)>> {
    let rest = window.get(at..).unwrap_or_default();
    match rest.iter().take(LINE_MAX + 1).position(|byte| *byte == b'\r') {
        // The byte behind the carriage return is not looked at, but must be there.
        Some(end) if rest.len() >= end + 2 => Ok(Some((rest.get(1..end).unwrap_or_default(), at + end + 2))),
        None if rest.len() > LINE_MAX => Err(too_long.into()),
        _ => Ok(None),
    }
}

/// The words of an inline command. In double quotes `\n \r \t \b \a \xHH` are escapes, in single quotes `\'`; `None` for
/// an open quote, or text right behind a closing one.
pub(crate) fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
    let mut words = Vec::new();
    // As in C, a zero byte is the end.
    let mut rest = line.split(|byte| *byte == 0).next().unwrap_or_default();
    loop {
        let skip = rest.iter().position(|byte| !is_space(byte));
        let Some(skip) = skip else { return Some(words) };
        rest = &rest[skip..];
        let mut word = Vec::new();
        while let Some((&byte, behind)) = rest.split_first().filter(|(byte, _)| !is_space(byte)) {
            rest = behind;
            if byte != b'"' && byte != b'\'' {
                word.push(byte);
                continue;
            }
            rest = quoted(rest, byte, &mut word)?;
            if rest.first().is_some_and(|next| !is_space(next)) {
                return None;
            }
        }
        words.push(word);
    }
}

/// Reads up to the closing quote; what follows it.
fn quoted<'a>(mut rest: &'a [u8], quote: u8, word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    loop {
        rest = match (rest, quote) {
            ([], _) => return None,
            ([byte, behind @ ..], _) if *byte == quote => return Some(behind),
            ([b'\\', b'\'', behind @ ..], b'\'') => {
                word.push(b'\'');
                behind
            }
            ([b'\\', b'x', high, low, behind @ ..], b'"') if digit(*high).and(digit(*low)).is_some() => {
                word.push(digit(*high)? << 4 | digit(*low)?);
                behind
            }
            ([b'\\', byte, behind @ ..], b'"') => {
                word.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                behind
            }
            ([byte, behind @ ..], _) => {
                word.push(*byte);
                behind
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { bulk: 512 << 20, locked_out: false };

    fn all(window: &[u8], limits: Limits) -> Outcome<Vec<Vec<Vec<u8>>>> {
        let mut parser = Parser::default();
        let mut commands = Vec::new();
        loop {
            match parser.next(window, limits)? {
                Found::More => return Ok(commands),
                Found::Nothing => commands.push(Vec::new()),
                Found::Inline(argv) => commands.push(argv),
                Found::Multibulk => {
                    commands.push(parser.args().iter().map(|arg| window[arg.clone()].to_vec()).collect());
                }
            }
        }
    }

    fn shown(window: &[u8]) -> String {
        match all(window, LIMITS) {
            Ok(commands) => format!(
                "{:?}",
                commands
                    .iter()
                    .map(|c| c.iter().map(|a| String::from_utf8_lossy(a)).collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            ),
            Err(text) => text.into_owned(),
        }
    }

    #[test]
    fn commands_are_found_one_after_the_other() {
        assert_eq!(
            shown(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n\r\n*0\r\n*-1\r\n*1\r\n$4\r\nPI"),
            r#"[["GET", "k"], ["PING"], [], [], []]"#
        );
        assert_eq!(shown(b"set k \"a b\\x41\\n\" 'it\\'s'\n"), r#"[["set", "k", "a bA\n", "it's"]]"#);
        assert_eq!(shown(b"*1\r\n$4\r\nPINGxxping\n"), r#"[["PING"], ["ping"]]"#);
    }

    #[test]
    fn errors_are_those_of_redis() {
        assert_eq!(shown(b"*x\r\n"), "invalid multibulk length");
        assert_eq!(shown(b"*2147483648\r\n"), "invalid multibulk length");
        assert_eq!(shown(b"*1\r\n:5\r\n"), "expected '$', got ':'");
        assert_eq!(shown(b"*1\r\n$-1\r\n"), "invalid bulk length");
        assert_eq!(shown(b"*1\r\n$536870913\r\n"), "invalid bulk length");
        assert_eq!(shown(b"ping \"x\n"), "unbalanced quotes in request");
        assert_eq!(shown(b"ping 'x'y\n"), "unbalanced quotes in request");
        assert_eq!(shown(&[b'a'; 70_000]), "too big inline request");
        let long = |start: &[u8]| [start, &[b'1'; 70_000]].concat();
        assert_eq!(shown(&long(b"*")), "too big mbulk count string");
        assert_eq!(shown(&long(b"*1\r\n$")), "too big bulk count string");
        let locked_out = Limits { locked_out: true, ..LIMITS };
        assert_eq!(all(b"*11\r\n", locked_out).unwrap_err(), "unauthenticated multibulk length");
        assert_eq!(all(b"*1\r\n$16385\r\n", locked_out).unwrap_err(), "unauthenticated bulk length");
    }

    #[test]
    fn a_claim_reserves_nothing() {
        let mut parser = Parser::default();
        assert_eq!(parser.next(b"*2147483647\r\n$536870912\r\nabc", LIMITS), Ok(Found::More));
        assert_eq!(parser.args.capacity(), 0);
    }

    proptest! {
        #[test]
        fn pieces_or_whole_make_no_difference(
            commands in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 1..4),
            cuts in prop::collection::vec(1usize..40, 0..20),
        ) {
            let mut bytes = Vec::new();
            for argv in &commands {
                persistkv::resp::encode_command(&mut bytes, argv);
            }
            let (mut parser, mut window, mut got) = (Parser::default(), Vec::new(), Vec::new());
            let mut rest = bytes.as_slice();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                window.extend_from_slice(now);
                while parser.next(&window, LIMITS).unwrap() == Found::Multibulk {
                    got.push(parser.args().iter().map(|arg| window[arg.clone()].to_vec()).collect::<Vec<_>>());
                    window.drain(..parser.forget_done());
                }
            }
            prop_assert_eq!(got, commands);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), Just(b'1'), Just(b'"'), any::<u8>()], 0..200)) {
            let _ = all(&bytes, LIMITS);
        }
    }
}
