//! Numbers as C's `printf` writes them with `%g`, which is how Lua and its libraries do.

/// `%.{precision}g`; a precision of 0 counts as 1.
pub(super) fn general(n: f64, precision: usize) -> Vec<u8> {
    if n.is_nan() {
        return if n.is_sign_negative() { b"-nan".to_vec() } else { b"nan".to_vec() };
    }
    if n.is_infinite() {
        return if n < 0.0 { b"-inf".to_vec() } else { b"inf".to_vec() };
    }
    let precision = precision.max(1);
    // Rust rounds to the nearest as C does; the exponent is that of the rounded number.
    let scientific = format!("{:.*e}", precision - 1, n);
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific.into_bytes() };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific.into_bytes() };
    let trimmed = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    let text = if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(digits), exponent.unsigned_abs())
    } else {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        trimmed(&format!("{n:.decimals$}"))
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn as_printf() {
        let shown = |n: f64, precision| String::from_utf8(general(n, precision)).unwrap();
        for (n, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e14, "1e+14"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (12_345_678_901_234.0, "12345678901234"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1e100, "1e+100"),
            (f64::INFINITY, "inf"),
            (1.0 / 3.0, "0.33333333333333"),
        ] {
            assert_eq!(shown(n, 14), expected);
        }
        assert_eq!((shown(0.1, 17).as_str(), shown(9.5, 1).as_str()), ("0.10000000000000001", "1e+01"));
    }
}
