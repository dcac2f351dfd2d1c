//! Sorted set commands: the table of them is in [`rows`], one file holds what belongs together: adding and removing
//! ([`write`]), popping ([`pop`]), looking up ([`read`]), ranges ([`range`]), and unions, intersections and differences
//! ([`combine`]). Here is what they share: bounds of ranges as arguments, and members with scores as replies.

mod combine;
mod pop;
mod range;
mod read;
mod rows;
mod write;

pub(super) use rows::COMMANDS;

use crate::encoding::listpack::LpValue;
use crate::encoding::num::{NumBuf, strtod};
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
