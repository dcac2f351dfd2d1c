//! Floating point texts as C's `strtod` and `strtold` read them, and Redis's rules on top.
//!
//! [`scan`] takes a text apart; [`parse_f64`] rounds it to a double, [`super::longdouble`] to an 80-bit one.

use super::num::{self, is_space};

/// What a floating point text says, before it is rounded to anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scanned<'a> {
    pub(super) negative: bool,
    pub(super) number: Number<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number<'a> {
    Infinity,
    Nan,
    /// `whole`.`fraction` · 10^`exponent`; `text` is all of it without the sign.
    Decimal {
        text: &'a [u8],
        whole: &'a [u8],
        fraction: &'a [u8],
        exponent: i64,
    },
    /// `mantissa` · 2^`exponent`, and whether non-zero digits were cut off below the mantissa.
    Hex {
        mantissa: u128,
        exponent: i64,
        sticky: bool,
    },
}

/// Exponents are cut off here: far beyond what any text we take can bring back into range.
const EXPONENT_LIMIT: i64 = 1 << 40;

/// Reads the longest floating point text at the start of `text` (leading blanks allowed) in the grammar of C's
/// `strtod`: decimal, hexadecimal, `inf`, `infinity`, `nan`, `nan(…)`. Gives how many bytes it took.
pub(super) fn scan(text: &[u8]) -> Option<(Scanned<'_>, usize)> {
    let mut at = text.iter().take_while(|&&b| is_space(b)).count();
    let negative = match text.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    let rest = &text[at..];
    let (number, len) = scan_named(rest).or_else(|| scan_hex(rest)).or_else(|| scan_decimal(rest))?;
    Some((Scanned { negative, number }, at + len))
}

fn scan_named(text: &[u8]) -> Option<(Number<'_>, usize)> {
    let starts = |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if starts(b"infinity") {
        Some((Number::Infinity, 8))
    } else if starts(b"inf") {
        Some((Number::Infinity, 3))
    } else if starts(b"nan") {
        let inside = text.get(4..).filter(|_| text[3] == b'(').unwrap_or_default();
        let name = inside.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let closed = text.get(3) == Some(&b'(') && inside.get(name) == Some(&b')');
        Some((Number::Nan, if closed { name + 5 } else { 3 }))
    } else {
        None
    }
}

fn scan_hex(text: &[u8]) -> Option<(Number<'_>, usize)> {
    let body = match text {
        [b'0', b'x' | b'X', body @ ..] => body,
        _ => return None,
    };
    let whole = count_while(body, u8::is_ascii_hexdigit);
    let fraction = fraction_after(body, whole, u8::is_ascii_hexdigit);
    let mut len = whole + fraction.map_or(0, |fraction| fraction.len() + 1);
    let fraction = fraction.unwrap_or_default();
    if whole + fraction.len() == 0 {
        return None;
    }
    let (mut mantissa, mut sticky, mut exponent) = (0u128, false, 0i64);
    for (i, &byte) in body[..whole].iter().chain(fraction).enumerate() {
        let digit = (byte as char).to_digit(16).unwrap_or_default();
        let behind_point = i >= whole;
        if mantissa >> 124 == 0 {
            mantissa = mantissa << 4 | u128::from(digit);
            exponent -= 4 * i64::from(behind_point);
        } else {
            sticky |= digit != 0;
            exponent += 4 * i64::from(!behind_point);
        }
    }
    if let Some((power, power_len)) = scan_exponent(&body[len..], b'p') {
        exponent += power;
        len += power_len;
    }
    Some((Number::Hex { mantissa, exponent, sticky }, 2 + len))
}

fn scan_decimal(text: &[u8]) -> Option<(Number<'_>, usize)> {
    let whole = count_while(text, u8::is_ascii_digit);
    let fraction = fraction_after(text, whole, u8::is_ascii_digit);
    let mut len = whole + fraction.map_or(0, |fraction| fraction.len() + 1);
    let fraction = fraction.unwrap_or_default();
    if whole + fraction.len() == 0 {
        return None;
    }
    let mut exponent = 0;
    if let Some((power, power_len)) = scan_exponent(&text[len..], b'e') {
        exponent = power;
        len += power_len;
    }
    Some((Number::Decimal { text: &text[..len], whole: &text[..whole], fraction, exponent }, len))
}

fn count_while(text: &[u8], is_digit: fn(&u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_digit(byte)).count()
}

/// The digits behind a point at `whole`; none when there is no point.
fn fraction_after(text: &[u8], whole: usize, is_digit: fn(&u8) -> bool) -> Option<&[u8]> {
    let rest = text[whole..].strip_prefix(b".")?;
    Some(&rest[..count_while(rest, is_digit)])
}

/// An exponent: marker, sign, at least one digit. Gives its value, cut off at [`EXPONENT_LIMIT`], and its size.
fn scan_exponent(text: &[u8], marker: u8) -> Option<(i64, usize)> {
    let rest = match text.split_first() {
        Some((first, rest)) if first.eq_ignore_ascii_case(&marker) => rest,
        _ => return None,
    };
    let (negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let count = count_while(digits, u8::is_ascii_digit);
    if count == 0 {
        return None;
    }
    let limit = |n: i64| n.min(EXPONENT_LIMIT);
    let value = digits[..count].iter().fold(0, |n, digit| limit(n * 10 + i64::from(digit - b'0')));
    Some((if negative { -value } else { value }, text.len() - digits.len() + count))
}

/// A double at the start of `text` as C's `strtod` gives it, and how many bytes it took: leading blanks are skipped,
/// too large gives infinity, too small zero. None where `strtod` takes nothing. For the few commands that call
/// `strtod` itself (score ranges); arguments in general are [`parse_f64`].
pub fn strtod(text: &[u8]) -> Option<(f64, usize)> {
    let (scanned, len) = scan(text)?;
    Some((to_f64(&scanned), len))
}

/// Reads a double as Redis reads float arguments and scores (`string2d`): the whole text in `strtod`'s grammar, so
/// hexadecimal and `inf` are fine; no blanks before or behind, no NaN, nothing that overflows or vanishes to zero.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    if let Some(n) = num::parse_i64(text) {
        return Some(n as f64);
    }
    // What std takes for a finite number, `strtod` takes too. Zeros, infinities and refusals need the rules below.
    let quick = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    if let Some(value) = quick.filter(|value| value.is_normal()) {
        return Some(value);
    }
    if text.first().is_none_or(|&byte| is_space(byte)) {
        return None;
    }
    let (scanned, len) = scan(text)?;
    let value = to_f64(&scanned);
    let out_of_range = match scanned.number {
        Number::Infinity => false,
        Number::Nan => true,
        Number::Decimal { whole, fraction, .. } => {
            let zero = || whole.iter().chain(fraction).all(|&digit| digit == b'0');
            value.is_infinite() || (value == 0.0 && !zero())
        }
        Number::Hex { mantissa, sticky, .. } => {
            value.is_infinite() || (value == 0.0 && (mantissa != 0 || sticky))
        }
    };
    (len == text.len() && !out_of_range).then_some(value)
}

fn to_f64(scanned: &Scanned<'_>) -> f64 {
    let magnitude = match scanned.number {
        Number::Infinity => f64::INFINITY,
        Number::Nan => f64::NAN,
        // ASCII in a grammar that std accepts: there is no other outcome than a number.
        Number::Decimal { text, .. } => {
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
        }
        Number::Hex { mantissa, exponent, sticky } => hex_to_f64(mantissa, exponent, sticky),
    };
    if scanned.negative { -magnitude } else { magnitude }
}

/// `mantissa` · 2^`exponent` to the nearest double, ties to even.
fn hex_to_f64(mantissa: u128, exponent: i64, sticky: bool) -> f64 {
    const LOWEST: i64 = -1074;
    if mantissa == 0 {
        return 0.0;
    }
    let zeros = mantissa.leading_zeros();
    let mantissa = mantissa << zeros;
    let exponent = exponent - i64::from(zeros);
    // 53 bits stay, fewer where the lowest place is 2^-1074.
    let drop = (LOWEST - exponent).max(128 - 53);
    if drop > 128 {
        return 0.0;
    }
    let half = 1 << (drop - 1);
    let kept = mantissa.checked_shr(drop as u32).unwrap_or(0) as u64;
    let lost = mantissa & (half | (half - 1));
    let up = lost > half || (lost == half && (sticky || kept & 1 == 1));
    let kept = kept + u64::from(up);
    let place = exponent + drop;
    if place > 1023 - 52 {
        return f64::INFINITY;
    }
    // The exponent field counts from the lowest place; a carry out of the 53 bits moves into it as it should.
    f64::from_bits((((place - LOWEST) as u64) << 52) + kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_redis_takes_for_a_float() {
        for (text, want) in [
            ("0", Some(0.0)),
            ("-0", Some(-0.0)),
            ("3", Some(3.0)),
            ("+3", Some(3.0)),
            ("007", Some(7.0)),
            ("3.", Some(3.0)),
            (".5", Some(0.5)),
            ("-.5e1", Some(-5.0)),
            ("1e5", Some(1e5)),
            ("1E+5", Some(1e5)),
            ("1e-5", Some(1e-5)),
            ("inf", Some(f64::INFINITY)),
            ("+inf", Some(f64::INFINITY)),
            ("-INF", Some(f64::NEG_INFINITY)),
            ("iNfInItY", Some(f64::INFINITY)),
            ("0x10", Some(16.0)),
            ("0X1.8p1", Some(3.0)),
            ("-0x.8p-1", Some(-0.25)),
            ("0x1.fffffffffffff8p0", Some(2.0)),
            ("0x1.00000000000008p0", Some(1.0)),
            ("0x1.000000000000080000000000000001p0", Some(1.0000000000000002)),
            ("0x1.000000000000080000000000000000000000000000000000000001p0", Some(1.0000000000000002)),
            ("0x1.000000000000080000000000000000000000000000000000000000p0", Some(1.0)),
            ("0x1p-1074", Some(5e-324)),
            ("0x1.8p-1075", Some(5e-324)),
            ("0x1p-1075", None),
            ("0x0p-5000", Some(0.0)),
            ("0x1.fffffffffffffp1023", Some(f64::MAX)),
            ("0x1.fffffffffffff8p1023", None),
            ("0x1p1024", None),
            ("0x1p99999999999999999999999", None),
            ("4.9e-324", Some(5e-324)),
            ("2.2250738585072011e-308", Some(2.225073858507201e-308)),
            ("1e-400", None),
            ("0e-400", Some(0.0)),
            ("0e99999999999999999999999", Some(0.0)),
            ("1e400", None),
            ("-1e400", None),
            ("nan", None),
            ("-nan", None),
            ("nan(abc)", None),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1x", None),
            ("--1", None),
            ("+-1", None),
            (".", None),
            ("-", None),
            ("e5", None),
            ("1e", None),
            ("1e+", None),
            ("0x", None),
            ("0x.", None),
            ("0xg", None),
            ("0x1p", None),
            ("infin", None),
            ("1\0", None),
            ("1,5", None),
            ("1_000", None),
        ] {
            let got = parse_f64(text.as_bytes());
            assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{text:?}: {got:?}");
        }
    }

    #[test]
    fn strtod_stops_where_c_stops() {
        for (text, want) in [
            ("  12abc", Some((12.0, 4))),
            ("1e+x", Some((1.0, 1))),
            ("0x", Some((0.0, 1))),
            ("0x.p1", Some((0.0, 1))),
            ("0x1p", Some((1.0, 3))),
            ("infinit", Some((f64::INFINITY, 3))),
            ("1.5.2", Some((1.5, 3))),
            ("-1e999,", Some((f64::NEG_INFINITY, 6))),
            ("+", None),
            ("  ", None),
        ] {
            assert_eq!(strtod(text.as_bytes()), want, "{text:?}");
        }
        assert_eq!(strtod(b"nan(x_1)z").map(|(d, len)| (d.is_nan(), len)), Some((true, 8)));
        assert_eq!(strtod(b"nan(x").map(|(d, len)| (d.is_nan(), len)), Some((true, 3)));
        assert_eq!(strtod(b"nan").map(|(d, len)| (d.is_nan(), len)), Some((true, 3)));
    }

    proptest! {
        #[test]
        fn hexadecimal_is_exact(bits in any::<u64>()) {
            let d = f64::from_bits(bits & !(1 << 63));
            if d.is_finite() {
                let fraction = bits & ((1 << 52) - 1);
                let exponent = (bits >> 52 & 0x7FF) as i64;
                let text = if exponent == 0 {
                    format!("0x0.{fraction:013x}p-1022")
                } else {
                    format!("0x1.{fraction:013x}p{}", exponent - 1023)
                };
                prop_assert_eq!(parse_f64(text.as_bytes()), Some(d));
            }
        }

        #[test]
        fn garbage_never_panics(text in "[ +-]{0,2}[0-9a-fA-Fxp.infNaN()]{0,12}") {
            if let Some((_, len)) = strtod(text.as_bytes()) {
                prop_assert!(len <= text.len());
            }
        }
    }
}
