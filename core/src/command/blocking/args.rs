//! Timeouts of blocking commands.

use std::time::Duration;

use super::super::args;
use super::super::ctx::Ctx;
use crate::encoding::longdouble::LongDouble;
use crate::encoding::num;
use crate::encoding::num::strtod;
use crate::error::{Error, Result};

const NEGATIVE: &str = "ERR timeout is negative";
const OUT_OF_RANGE: &str = "ERR timeout is out of range";

fn within(ctx: &Ctx<'_>, ms: i64) -> Result<Option<Duration>> {
    match ms {
        0 => Ok(None),
        ms if ms < 0 => Err(Error::command(NEGATIVE)),
        ms if ms.checked_add(ctx.now()).is_none() => Err(Error::command(OUT_OF_RANGE)),
        ms => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
    }
}

/// Seconds, with a fraction; 0 for ever.
pub(in super::super) fn seconds(ctx: &Ctx<'_>, arg: &[u8]) -> Result<Option<Duration>> {
    // C reads a long double, of which a double holds less.
    let beyond = || {
        let read = LongDouble::parse(arg).filter(LongDouble::is_finite).and_then(|_| strtod(arg));
        read.map(|(seconds, _)| if seconds == 0.0 { f64::MIN_POSITIVE } else { seconds })
    };
    let seconds = num::parse_f64(arg).or_else(beyond).filter(|seconds| !seconds.is_nan());
    let seconds = seconds.ok_or_else(|| Error::command("ERR timeout is not a float or out of range"))?;
    // As in C: in milliseconds, rounded up, so that a little is not for ever.
    let ms = (seconds * 1000.0).ceil();
    if ms > i64::MAX as f64 {
        return Err(Error::command(OUT_OF_RANGE));
    }
    within(ctx, ms as i64)
}

/// Milliseconds; 0 for ever.
pub(in super::super) fn milliseconds(ctx: &Ctx<'_>, arg: &[u8]) -> Result<Option<Duration>> {
    within(ctx, args::int_or(arg, "ERR timeout is not an integer or out of range")?)
}
