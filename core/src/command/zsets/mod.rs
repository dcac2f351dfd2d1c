//! Sorted set commands: the table of them is in [`rows`], one file holds what belongs together: adding and removing
//! ([`write`]), popping ([`pop`]), looking up ([`read`]), ranges ([`range`]), and unions, intersections and differences
//! ([`combine`]). Here is what they share: bounds of ranges as arguments, and members with scores as replies.

mod blocking;
mod combine;
mod pop;
mod range;
mod read;
mod rows;
mod write;

pub(super) use range::store;
pub(super) use rows::COMMANDS;
pub(super) use write::add_members;

use super::ctx::Ctx;
use crate::encoding::listpack::LpValue;
use crate::encoding::num::{NumBuf, fmt_f64, strtod};
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::zset::{LexBound, ScoreBound};

/// The two ends of a range of scores (`1.5`, `(1.5`, `-inf`).
fn score_bounds(min: &[u8], max: &[u8]) -> Result<(ScoreBound, ScoreBound)> {
    score_bound(min).zip(score_bound(max)).ok_or_else(|| Error::command("ERR min or max is not a float"))
}

fn score_bound(arg: &[u8]) -> Option<ScoreBound> {
    let (open, text) = match arg.strip_prefix(b"(") {
        Some(text) => (true, text),
        None => (false, arg),
    };
    // Redis calls `strtod` on a C string here: it ends at the first NUL, blanks may lead, and nothing is zero.
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let (score, used) = strtod(text).unwrap_or((0.0, 0));
    (used == text.len() && !score.is_nan()).then_some(ScoreBound { score, open })
}

/// Logs the command with the numbers at these positions as every server reads them. `strtod` takes more than Redis 8.2
/// and Valkey 9 still do (`0x1p3`, a bound of ` 1` or `1e400`), and a log that they refuse would be no Redis file.
fn log_plain_numbers(ctx: &mut Ctx<'_>, positions: impl Iterator<Item = usize>) {
    let argv = ctx.argv;
    let odd: Vec<usize> = positions.filter(|at| argv.get(*at).is_some_and(|arg| !is_plain(arg))).collect();
    if odd.is_empty() {
        return;
    }
    let mut plain: Vec<Vec<u8>> = argv.iter().map(|arg| arg.to_vec()).collect();
    for at in odd {
        // What is no number was refused before this.
        let Some(ScoreBound { score, open }) = score_bound(argv[at]) else { continue };
        plain[at].clear();
        plain[at].extend_from_slice(if open { b"(" } else { b"" });
        plain[at].extend_from_slice(fmt_f64(score).as_bytes());
    }
    ctx.log_instead(&plain);
}

/// A decimal number of the most ordinary form, or an infinity, perhaps after `(`.
pub(super) fn is_plain(arg: &[u8]) -> bool {
    let text = arg.strip_prefix(b"(").unwrap_or(arg);
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let ordinary = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    match digits {
        b"inf" => true,
        [b'0'..=b'9', .., b'0'..=b'9'] => digits.iter().all(ordinary) && score_is_finite(text),
        [b'0'..=b'9'] => true,
        _ => false,
    }
}

fn score_is_finite(text: &[u8]) -> bool {
    strtod(text).is_some_and(|(score, used)| used == text.len() && score.is_finite())
}

/// The two ends of a range of members (`[a`, `(a`, `-`, `+`).
fn lex_bounds<'a>(min: &'a [u8], max: &'a [u8]) -> Result<(LexBound<'a>, LexBound<'a>)> {
    lex_bound(min)
        .zip(lex_bound(max))
        .ok_or_else(|| Error::command("ERR min or max not valid string range item"))
}

fn lex_bound(arg: &[u8]) -> Option<LexBound<'_>> {
    match arg {
        [b'+'] | [b'+', 0, ..] => Some(LexBound::Highest),
        [b'-'] | [b'-', 0, ..] => Some(LexBound::Lowest),
        [b'(', member @ ..] => Some(LexBound::Open(member)),
        [b'[', member @ ..] => Some(LexBound::Closed(member)),
        _ => None,
    }
}

/// Begins a reply of `n` members: with scores a flat array under RESP2, an array of pairs under RESP3.
fn members_head(out: &mut dyn ReplySink, n: usize, scores: bool) {
    out.array(if scores && !out.resp3() { n * 2 } else { n });
}

/// A member of such a reply.
fn put_member(out: &mut dyn ReplySink, member: LpValue<'_>, score: Option<f64>) {
    if score.is_some() && out.resp3() {
        out.array(2);
    }
    put_bulk(out, member);
    if let Some(score) = score {
        out.double(score);
    }
}

fn put_bulk(out: &mut dyn ReplySink, value: LpValue<'_>) {
    match value {
        LpValue::Str(bytes) => out.bulk(bytes),
        LpValue::Int(_) => out.bulk(value.as_bytes(&mut NumBuf::new())),
    }
}

#[cfg(test)]
mod tests;
