//! Doubles as Redis prints them since 7.2.
//!
//! Whole numbers within ±2^62 go the integer way. All others get the digits of Grisu2 (Florian Loitsch, "Printing
//! Floating-Point Numbers Quickly and Accurately with Integers", 2010), which always read back to the same double and
//! are the shortest such digits in 99.9 % of cases. Redis uses that algorithm too (its `fpconv_dtoa`), and the text of
//! a score is what clients see, so a shortest-digits printer would differ from it in the remaining cases:
//! 0.36601717109108167 is 0.3660171710910817 to those. Where the point goes is also theirs, see [`lay_out`].

use super::num::NumBuf;

/// The text of `d`, as Redis 7.2 and later give it for scores and other double replies.
pub fn fmt_f64(d: f64) -> NumBuf {
    match whole(d) {
        Some(n) if d != 0.0 => {
            let mut buf = NumBuf::new();
            buf.set_i64(n);
            buf
        }
        _ => fmt_f64_digits(d),
    }
}

/// The text of `d` without the integer way (`1e+17`, where [`fmt_f64`] gives all 18 digits): what DEBUG DIGEST of Redis
/// 7.2 and later hashes.
pub fn fmt_f64_digits(d: f64) -> NumBuf {
    let mut buf = NumBuf::new();
    if d.is_nan() {
        buf.set(b"nan");
    } else if d.is_infinite() {
        buf.set(if d > 0.0 { b"inf" } else { b"-inf" });
    } else if d == 0.0 {
        buf.set(if d.is_sign_negative() { b"-0" } else { b"0" });
    } else {
        let (digits, exponent) = shortest(d.abs());
        let mut text = Text::default();
        if d < 0.0 {
            text.push(b'-');
        }
        lay_out(digits.as_slice(), exponent, &mut text);
        buf.set(text.as_slice());
    }
    buf
}

/// `d` as an integer when it is one within ±2^62, Redis's `double2ll`.
#[inline]
pub fn whole(d: f64) -> Option<i64> {
    const LIMIT: f64 = (1i64 << 62) as f64;
    ((-LIMIT..=LIMIT).contains(&d) && (d as i64) as f64 == d).then_some(d as i64)
}

/// A few bytes of text on the stack.
#[derive(Default)]
struct Text {
    bytes: [u8; NumBuf::CAPACITY],
    len: usize,
}

impl Text {
    #[inline]
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn zeros(&mut self, count: usize) {
        self.bytes[self.len..self.len + count].fill(b'0');
        self.len += count;
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Writes `digits` · 10^`exponent`. As in Redis: up to seven zeros are added behind digits before the text turns to
/// scientific, six places behind the point (or a value within 10^±4) are plain, the exponent has a sign and no padding.
fn lay_out(digits: &[u8], exponent: i32, out: &mut Text) {
    let count = digits.len() as i32;
    let magnitude = exponent + count - 1;
    if exponent >= 0 && magnitude < count + 7 {
        out.extend(digits);
        out.zeros(exponent as usize);
    } else if exponent < 0 && (exponent > -7 || magnitude.abs() < 4) {
        let before_point = count + exponent;
        if before_point <= 0 {
            out.extend(b"0.");
            out.zeros(before_point.unsigned_abs() as usize);
            out.extend(digits);
        } else {
            let (before, after) = digits.split_at(before_point as usize);
            out.extend(before);
            out.push(b'.');
            out.extend(after);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        out.extend(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend(rest);
        }
        out.push(b'e');
        out.push(if magnitude < 0 { b'-' } else { b'+' });
        out.extend(itoa::Buffer::new().format(magnitude.unsigned_abs()).as_bytes());
    }
}

/// A "do it yourself" float: `mantissa` · 2^`exponent`.
#[derive(Clone, Copy)]
struct Diy {
    mantissa: u64,
    exponent: i32,
}

impl Diy {
    fn normalized(self) -> Self {
        let shift = self.mantissa.leading_zeros();
        Self { mantissa: self.mantissa << shift, exponent: self.exponent - shift as i32 }
    }

    /// The upper half of the product, rounded half up.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa) + (1 << 63);
        Self { mantissa: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }
}

/// Decimal digits of a positive finite double and the power of ten to multiply them by.
fn shortest(d: f64) -> (Text, i32) {
    const HIDDEN: u64 = 1 << 52;
    let bits = d.to_bits();
    let fraction = bits & (HIDDEN - 1);
    let biased = (bits >> 52) as i32;
    let value = if biased == 0 {
        Diy { mantissa: fraction, exponent: -1074 }
    } else {
        Diy { mantissa: fraction | HIDDEN, exponent: biased - 1075 }
    };
    // Half way to the neighbours; the lower one is nearer when the mantissa is a power of two.
    let upper = Diy { mantissa: value.mantissa * 2 + 1, exponent: value.exponent - 1 }.normalized();
    let nearer = 1 + i32::from(value.mantissa == HIDDEN);
    let lower = Diy { mantissa: (value.mantissa << nearer) - 1, exponent: value.exponent - nearer };
    let lower =
        Diy { mantissa: lower.mantissa << (lower.exponent - upper.exponent), exponent: upper.exponent };

    let (power, decimal) = cached_power(upper.exponent);
    let value = value.normalized().times(power);
    let mut upper = upper.times(power);
    let mut lower = lower.times(power);
    // Each product may be off by one in its last place: stay on the safe side.
    upper.mantissa -= 1;
    lower.mantissa += 1;
    let (digits, exponent) = digits_between(lower, value, upper);
    (digits, exponent - decimal)
}

/// Digits of a number between `lower` and `upper`, as few as Grisu2 finds, and as close to `value` as can be had by
/// changing the last one.
fn digits_between(lower: Diy, value: Diy, upper: Diy) -> (Text, i32) {
    let mut digits = Text::default();
    let mut delta = upper.mantissa - lower.mantissa;
    let mut distance = upper.mantissa - value.mantissa;
    // The cached power has brought the exponent into -60..=-32: 32 bits hold what is before the point.
    let shift = -upper.exponent as u32;
    let one = 1u64 << shift;
    let mut whole = upper.mantissa >> shift;
    let mut fraction = upper.mantissa & (one - 1);

    let mut unit = 1_000_000_000u64;
    let mut kappa = 10;
    while kappa > 0 {
        let digit = whole / unit;
        if digit != 0 || digits.len > 0 {
            digits.push(b'0' + digit as u8);
        }
        whole -= digit * unit;
        kappa -= 1;
        let rest = (whole << shift) + fraction;
        if rest <= delta {
            approach(&mut digits, delta, rest, unit << shift, distance);
            return (digits, kappa);
        }
        unit /= 10;
    }
    loop {
        fraction *= 10;
        delta *= 10;
        distance = distance.wrapping_mul(10);
        kappa -= 1;
        let digit = fraction >> shift;
        if digit != 0 || digits.len > 0 {
            digits.push(b'0' + digit as u8);
        }
        fraction &= one - 1;
        if fraction < delta {
            approach(&mut digits, delta, fraction, one, distance);
            return (digits, kappa);
        }
    }
}

/// Lowers the last digit while that brings the digits closer to the value, `distance` below the upper end.
fn approach(digits: &mut Text, delta: u64, mut rest: u64, unit: u64, distance: u64) {
    let Some(last) = digits.bytes[..digits.len].last_mut() else { return };
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        *last -= 1;
        rest += unit;
    }
}

/// A power of ten, and its decimal exponent, that brings a 64-bit mantissa with this binary exponent to -60..=-32.
fn cached_power(exponent: i32) -> (Diy, i32) {
    let estimate = -(f64::from(exponent + 87)) * std::f64::consts::LOG10_2;
    let mut index = ((estimate as i32 - FIRST_POWER) / POWER_STEP).clamp(0, POWERS.len() as i32 - 1);
    loop {
        let decimal = FIRST_POWER + index * POWER_STEP;
        let binary = ((decimal * 217_706) >> 16) - 63;
        match exponent + binary + 64 {
            ..-60 => index += 1,
            -31.. => index -= 1,
            _ => return (Diy { mantissa: POWERS[index as usize], exponent: binary }, decimal),
        }
    }
}

const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;

/// 10^-348, 10^-340 … 10^340 as 64-bit mantissas, rounded to nearest; 10^n has the binary exponent ⌊n·log2 10⌋ - 63.
#[rustfmt::skip]
const POWERS: [u64; 87] = [
    0xfa8fd5a0_081c0288, 0xbaaee17f_a23ebf76, 0x8b16fb20_3055ac76, 0xcf42894a_5dce35ea, 0x9a6bb0aa_55653b2d,
    0xe61acf03_3d1a45df, 0xab70fe17_c79ac6ca, 0xff77b1fc_bebcdc4f, 0xbe5691ef_416bd60c, 0x8dd01fad_907ffc3c,
    0xd3515c28_31559a83, 0x9d71ac8f_ada6c9b5, 0xea9c2277_23ee8bcb, 0xaecc4991_4078536d, 0x823c1279_5db6ce57,
    0xc2109436_4dfb5637, 0x9096ea6f_3848984f, 0xd77485cb_25823ac7, 0xa086cfcd_97bf97f4, 0xef340a98_172aace5,
    0xb23867fb_2a35b28e, 0x84c8d4df_d2c63f3b, 0xc5dd4427_1ad3cdba, 0x936b9fce_bb25c996, 0xdbac6c24_7d62a584,
    0xa3ab6658_0d5fdaf6, 0xf3e2f893_dec3f126, 0xb5b5ada8_aaff80b8, 0x87625f05_6c7c4a8b, 0xc9bcff60_34c13053,
    0x964e858c_91ba2655, 0xdff97724_70297ebd, 0xa6dfbd9f_b8e5b88f, 0xf8a95fcf_88747d94, 0xb9447093_8fa89bcf,
    0x8a08f0f8_bf0f156b, 0xcdb02555_653131b6, 0x993fe2c6_d07b7fac, 0xe45c10c4_2a2b3b06, 0xaa242499_697392d3,
    0xfd87b5f2_8300ca0e, 0xbce50864_92111aeb, 0x8cbccc09_6f5088cc, 0xd1b71758_e219652c, 0x9c400000_00000000,
    0xe8d4a510_00000000, 0xad78ebc5_ac620000, 0x813f3978_f8940984, 0xc097ce7b_c90715b3, 0x8f7e32ce_7bea5c70,
    0xd5d238a4_abe98068, 0x9f4f2726_179a2245, 0xed63a231_d4c4fb27, 0xb0de6538_8cc8ada8, 0x83c7088e_1aab65db,
    0xc45d1df9_42711d9a, 0x924d692c_a61be758, 0xda01ee64_1a708dea, 0xa26da399_9aef774a, 0xf209787b_b47d6b85,
    0xb454e4a1_79dd1877, 0x865b8692_5b9bc5c2, 0xc83553c5_c8965d3d, 0x952ab45c_fa97a0b3, 0xde469fbd_99a05fe3,
    0xa59bc234_db398c25, 0xf6c69a72_a3989f5c, 0xb7dcbf53_54e9bece, 0x88fcf317_f22241e2, 0xcc20ce9b_d35c78a5,
    0x98165af3_7b2153df, 0xe2a0b5dc_971f303a, 0xa8d9d153_5ce3b396, 0xfb9b7cd9_a4a7443c, 0xbb764c4c_a7a44410,
    0x8bab8eef_b6409c1a, 0xd01fef10_a657842c, 0x9b10a4e5_e9913129, 0xe7109bfb_a19c0c9d, 0xac2820d9_623bf429,
    0x80444b5e_7aa7cf85, 0xbf21e440_03acdd2d, 0x8e679c2f_5e44ff8f, 0xd433179d_9c8cb841, 0x9e19db92_b4e31ba9,
    0xeb96bf6e_badf77d9, 0xaf87023b_9bf0ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts given by a Redis 8.2.3 server (ZADD, then ZSCORE).
    #[test]
    fn layout_is_that_of_redis() {
        for (d, want) in [
            (3.0, "3"),
            (-3.0, "-3"),
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (3.1, "3.1"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (740086306.0030892, "7.400863060030892e+8"),
            (0.3660171710910817, "0.36601717109108167"),
            // The servers' way of writing numbers does not always find the shortest.
            (4950.56277, "4950.5627699999995"),
            (123456789012345680.0, "123456789012345680"),
            (4611686018427387904.0, "4611686018427387904"),
            (-5.7814588200000004e19, "-57814588200000004000"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(fmt_f64(d).as_str(), want);
        }
    }

    proptest! {
        #[test]
        fn reads_back_the_same(bits in any::<u64>(), small in any::<i32>(), scale in 0u32..9) {
            for d in [f64::from_bits(bits), f64::from(small) / f64::from(10u32.pow(scale))] {
                if !d.is_nan() {
                    prop_assert_eq!(fmt_f64(d).as_str().parse::<f64>().map(f64::to_bits), Ok(d.to_bits()));
                }
            }
        }

        #[test]
        fn few_digits_stay_few_or_are_the_servers_many(n in -999_999_999i64..999_999_999, places in 1u32..6) {
            let d = n as f64 / f64::from(10u32.pow(places));
            let (text, shortest) = (fmt_f64(d).to_string(), d.to_string());
            prop_assert!(text == shortest || text.trim_start_matches('-').len() >= 17, "{text} for {shortest}");
        }
    }
}
