//! ZCARD, ZCOUNT, ZLEXCOUNT, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZRANDMEMBER, ZSCAN.

use super::super::args;
use super::super::ctx::Ctx;
use super::super::draw::{self, Draw};
use super::super::scan::{Options, Scanned};
use super::{lex_bounds, members_head, put_bulk, put_member, score_bounds};
use crate::encoding::listpack::LpValue;
use crate::encoding::num::{NumBuf, fmt_i64};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

pub(super) fn zcard(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let len = ctx.zset(ctx.argv[1])?.map_or(0, |zset| zset.len());
    out.int(len as i64);
    Ok(())
}

pub(super) fn zcount(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (min, max) = score_bounds(ctx.argv[2], ctx.argv[3])?;
    let count = ctx.zset(ctx.argv[1])?.map_or(0, |zset| zset.ranks_by_score(min, max).len());
    out.int(count as i64);
    Ok(())
}

pub(super) fn zlexcount(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (min, max) = lex_bounds(ctx.argv[2], ctx.argv[3])?;
    let count = ctx.zset(ctx.argv[1])?.map_or(0, |zset| zset.ranks_by_lex(min, max).len());
    out.int(count as i64);
    Ok(())
}

pub(super) fn zscore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let zset = ctx.zset(ctx.argv[1])?;
    put_score(out, zset.and_then(|zset| zset.score(ctx.argv[2])));
    Ok(())
}

pub(super) fn zmscore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let zset = ctx.zset(ctx.argv[1])?;
    let members = &ctx.argv[2..];
    out.array(members.len());
    for member in members {
        put_score(out, zset.and_then(|zset| zset.score(member)));
    }
    Ok(())
}

fn put_score(out: &mut dyn ReplySink, score: Option<f64>) {
    match score {
        Some(score) => out.double(score),
        None => out.null(),
    }
}

pub(super) fn zrank(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    rank(ctx, false, out)
}

pub(super) fn zrevrank(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    rank(ctx, true, out)
}

fn rank(ctx: &mut Ctx<'_>, reverse: bool, out: &mut dyn ReplySink) -> Result<()> {
    let with_score = match ctx.argv[3..] {
        [] => false,
        [option] if args::is(option, "withscore") => true,
        [_] => return Err(Error::syntax()),
        _ => {
            let name = if reverse { "zrevrank" } else { "zrank" };
            let text = format!("ERR wrong number of arguments for '{name}' command");
            return Err(Error::command(text));
        }
    };
    let zset = ctx.zset(ctx.argv[1])?;
    let found = zset.and_then(|zset| {
        let (rank, score) = zset.rank(ctx.argv[2])?;
        Some((if reverse { zset.len() - 1 - rank } else { rank }, score))
    });
    match found {
        Some((rank, score)) => {
            if with_score {
                out.array(2);
            }
            out.int(rank as i64);
            if with_score {
                out.double(score);
            }
        }
        None if with_score => out.null_array(),
        None => out.null(),
    }
    Ok(())
}

pub(super) fn zrandmember(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut rng = ctx.rng();
    let mut random = |n| rng.usize(..n);
    let (draw, scores) = match ctx.argv[2..] {
        [] => {
            match ctx.zset(ctx.argv[1])?.and_then(|zset| zset.random(&mut random)) {
                Some((member, _)) => put_bulk(out, member),
                None => out.null(),
            }
            return Ok(());
        }
        [count] => (draw::count(count)?, false),
        [count, ref options @ ..] => {
            // What the number is alone is refused before the option is looked at.
            draw::count(count)?;
            if !matches!(options, [option] if args::is(option, "withscores")) {
                return Err(Error::syntax());
            }
            (draw::count_of_pairs(count)?, true)
        }
    };
    let Some(zset) = ctx.zset(ctx.argv[1])? else {
        out.array(0);
        return Ok(());
    };
    match draw {
        Draw::Distinct(count) => {
            // All of them come from the highest down, as in Redis.
            let all = count >= zset.len();
            let chosen = if all { zset.iter().rev().collect() } else { zset.sample(count, &mut random) };
            members_head(out, chosen.len(), scores);
            chosen.into_iter().for_each(|(member, score)| put_member(out, member, scores.then_some(score)));
        }
        Draw::Repeats(count) => {
            let picker = zset.picker();
            members_head(out, count, scores);
            for _ in 0..count {
                let Some((member, score)) = picker.pick(&mut random) else { break };
                put_member(out, member, scores.then_some(score));
            }
        }
    }
    Ok(())
}

pub(super) fn zscan(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let cursor = args::cursor(ctx.argv[2])?;
    let Some(zset) = ctx.zset(ctx.argv[1])? else {
        // As in Redis, options are looked at only when there is something to scan.
        put_scan(out, 0, &[], false);
        return Ok(());
    };
    let options = Options::parse(&ctx.argv[3..], Scanned::Scored)?;
    let wanted = |member: LpValue<'_>| options.wants(member.as_bytes(&mut NumBuf::new()));
    let mut found: Vec<(LpValue<'_>, Vec<u8>)> = Vec::new();
    let next = match zset.as_listpack() {
        // The compact form shows its scores as they stand there, the big one prints them with 17 digits.
        Some(lp) => {
            let mut entries = lp.iter();
            while let (Some(member), Some(score)) = (entries.next(), entries.next()) {
                if wanted(member) {
                    found.push((member, score.to_vec()));
                }
            }
            0
        }
        None => zset.scan(cursor, options.count, |member, score| {
            if wanted(member) {
                found.push((member, seventeen_digits(score).into_bytes()));
            }
        }),
    };
    put_scan(out, next, &found, options.alone);
    Ok(())
}

fn put_scan(out: &mut dyn ReplySink, cursor: u64, found: &[(LpValue<'_>, Vec<u8>)], no_scores: bool) {
    out.array(2);
    out.bulk(cursor.to_string().as_bytes());
    out.array(found.len() * if no_scores { 1 } else { 2 });
    for (member, score) in found {
        put_bulk(out, *member);
        if !no_scores {
            out.bulk(score);
        }
    }
}

/// C's `%.17g`.
fn seventeen_digits(d: f64) -> String {
    if d.is_infinite() {
        return if d > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if let Some(n) = crate::encoding::num::f64_as_i64(d)
        && n.unsigned_abs() < 100_000_000_000_000_000
        && (n != 0 || d.is_sign_positive())
    {
        return fmt_i64(n).to_string();
    }
    let text = format!("{d:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if (-4..17).contains(&exponent) {
        // The digits are those of the scientific form, with the point elsewhere.
        let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
        let digits: String = digits.chars().filter(|c| *c != '.').collect();
        let (whole, fraction) = match usize::try_from(exponent) {
            Ok(up) => (digits[..=up].to_owned(), digits[up + 1..].to_owned()),
            Err(_) => ("0".to_owned(), "0".repeat(exponent.unsigned_abs() as usize - 1) + &digits),
        };
        return trimmed(&format!("{sign}{whole}.{fraction}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::seventeen_digits;

    #[test]
    fn doubles_as_printf_prints_them() {
        // As `printf("%.17g")` of glibc.
        for (d, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1, "0.10000000000000001"),
            (0.0001, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (1e-7, "9.9999999999999995e-08"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (1234567.125, "1234567.125"),
            (1e300, "1.0000000000000001e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (5e-324, "4.9406564584124654e-324"),
            (99999999999999984.0, "99999999999999984"),
        ] {
            assert_eq!(seventeen_digits(d), text);
        }
    }
}
