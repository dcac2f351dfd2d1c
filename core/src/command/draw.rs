//! What SRANDMEMBER, HRANDFIELD and ZRANDMEMBER have in common: how many to draw, and whether with repeats.

use super::args;
use crate::error::{Error, Result};

/// With repeats a reply can be made as long as the number says, from a single element. Beyond this many elements the
/// command is refused, so that no argument makes the process run out of memory. (Redis tries, and dies or drops the
/// connection.)
const REPEATS_MAX: usize = 1 << 24;

/// How many elements are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    /// Up to this many different ones.
    Distinct(usize),
    /// Exactly this many, repeats allowed.
    Repeats(usize),
}

/// A count argument: negative asks for repeats.
pub(super) fn count(arg: &[u8]) -> Result<Draw> {
    let n = args::int(arg)?;
    if n == i64::MIN {
        let text =
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
        return Err(Error::command(text));
    }
    let many = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    match n {
        0.. => Ok(Draw::Distinct(many)),
        _ if many <= REPEATS_MAX => Ok(Draw::Repeats(many)),
        _ => Err(Error::command(OUT_OF_RANGE)),
    }
}

/// A count argument when a second thing is answered for each element: half as many are possible.
pub(super) fn count_of_pairs(arg: &[u8]) -> Result<Draw> {
    let draw = count(arg)?;
    match draw {
        Draw::Distinct(n) if n > i64::MAX as usize / 2 => Err(Error::command(OUT_OF_RANGE)),
        _ => Ok(draw),
    }
}

const OUT_OF_RANGE: &str = "ERR value is out of range";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_draws() {
        assert_eq!(count(b"3").unwrap(), Draw::Distinct(3));
        assert_eq!(count(b"-3").unwrap(), Draw::Repeats(3));
        assert_eq!(count(b"9223372036854775807").unwrap(), Draw::Distinct(i64::MAX as usize));
        assert!(count(b"-9223372036854775808").unwrap_err().message().contains("must between"));
        assert_eq!(count(b"-9223372036854775807").unwrap_err().message(), OUT_OF_RANGE);
        assert_eq!(count_of_pairs(b"4611686018427387904").unwrap_err().message(), OUT_OF_RANGE);
        assert_eq!(count_of_pairs(b"4611686018427387903").unwrap(), Draw::Distinct(i64::MAX as usize / 2));
        assert!(count(b"x").is_err());
    }
}
