//! The 80-bit `long double` of x86, in software: INCRBYFLOAT, HINCRBYFLOAT and coordinates are computed and printed by
//! Redis in that type, and the text is what the user gets and what the log and the snapshot keep.
//!
//! A number is sign, 64-bit mantissa and exponent. Reading, adding and printing round exactly once, to nearest and ties
//! to even, as the x87 unit and glibc's `strtold` and `printf` do.

use super::float::{self, Number, Scanned};
use super::num::is_space;

/// Digits behind the point in the text form (`"%.17Lf"`).
const PLACES: usize = 17;
/// The exponent of the lowest place of any number.
const LOWEST: i64 = -16445;
/// The exponent of the lowest place of the largest number.
const HIGHEST: i64 = 16383 - 63;
/// Redis reads no longer texts (`MAX_LONG_DOUBLE_CHARS`, with its NUL).
const LONGEST_TEXT: usize = 5 * 1024 - 1;

/// A number of x86's extended precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongDouble {
    negative: bool,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// `mantissa` · 2^`exponent`. The top bit of the mantissa is set, unless the exponent is [`LOWEST`].
    Finite {
        mantissa: u64,
        exponent: i64,
    },
    Infinite,
    Nan,
}

impl LongDouble {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, class: Class::Finite { mantissa: 0, exponent: LOWEST } };

    /// Reads a text as Redis reads the value and the increment of INCRBYFLOAT (`string2ld`): the whole text in
    /// `strtold`'s grammar, no blanks around, no NaN, nothing that overflows or vanishes to zero. Infinity is taken.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST_TEXT || text.first().is_none_or(|&byte| is_space(byte)) {
            return None;
        }
        let (Scanned { negative, number }, len) = float::scan(text)?;
        if len != text.len() {
            return None;
        }
        let class = match number {
            Number::Nan => return None,
            Number::Infinity => return Some(Self { negative, class: Class::Infinite }),
            Number::Hex { mantissa: 0, .. } => return Some(Self { negative, ..Self::ZERO }),
            Number::Hex { mantissa, exponent, sticky } => round(mantissa, exponent, sticky),
            Number::Decimal { whole, fraction, exponent, .. } => match decimal(whole, fraction, exponent)? {
                Decimal::Zero => return Some(Self { negative, ..Self::ZERO }),
                Decimal::Rounded(class) => class,
            },
        };
        match class {
            Class::Finite { mantissa: 1.., .. } => Some(Self { negative, class }),
            _ => None,
        }
    }

    /// The same number; every double is one.
    pub fn from_f64(d: f64) -> Self {
        let bits = d.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let class = match (bits >> 52 & 0x7FF) as i64 {
            0x7FF if fraction != 0 => Class::Nan,
            0x7FF => Class::Infinite,
            0 => round(u128::from(fraction), -1074, false),
            biased => round(u128::from(fraction | 1 << 52), biased - 1075, false),
        };
        Self { negative: d.is_sign_negative(), class }
    }

    /// The same number; 64 bits of mantissa hold every `i64`.
    pub fn from_i64(n: i64) -> Self {
        Self { negative: n < 0, class: round(u128::from(n.unsigned_abs()), 0, false) }
    }

    /// Whether it is neither infinite nor NaN; Redis refuses to store others.
    pub fn is_finite(&self) -> bool {
        matches!(self.class, Class::Finite { .. })
    }

    /// Whether it is not a number.
    pub fn is_nan(&self) -> bool {
        self.class == Class::Nan
    }

    /// The text of `"%.17Lf"` without trailing zeros (`ld2string` with `LD_STR_HUMAN`); zero has no sign.
    pub fn to_text(&self) -> String {
        let (mantissa, exponent) = match self.class {
            Class::Nan => return String::from("nan"),
            Class::Infinite => return String::from(if self.negative { "-inf" } else { "inf" }),
            Class::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if exponent >= 0 {
            push_integer(mantissa, exponent as u32, &mut text);
        } else {
            push_fixed(mantissa, exponent.unsigned_abs(), &mut text);
        }
        if text == "-0" {
            text.remove(0);
        }
        text
    }
}

impl std::ops::Neg for LongDouble {
    type Output = Self;
    fn neg(self) -> Self {
        Self { negative: !self.negative, class: self.class }
    }
}

impl std::ops::Add for LongDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (big, small) = match (self.class, other.class) {
            (Class::Nan, _) => return self,
            (_, Class::Nan) => return other,
            (Class::Infinite, Class::Infinite) if self.negative != other.negative => {
                return Self { negative: false, class: Class::Nan };
            }
            (Class::Infinite, _) => return self,
            (_, Class::Infinite) => return other,
            (Class::Finite { mantissa: a, exponent: ae }, Class::Finite { mantissa: b, exponent: be }) => {
                // Numbers with equal exponents may come in either order; the difference of the mantissas decides then.
                if (ae, a) >= (be, b) {
                    ((self.negative, a, ae), (other.negative, b, be))
                } else {
                    ((other.negative, b, be), (self.negative, a, ae))
                }
            }
        };
        // 62 guard bits: below them only the fact that something was lost matters.
        const GUARD: u32 = 62;
        let distance = u32::try_from(big.2 - small.2).unwrap_or(u32::MAX);
        let large = u128::from(big.1) << GUARD;
        let aligned = u128::from(small.1) << GUARD;
        let shifted = aligned.checked_shr(distance).unwrap_or(0);
        let sticky = shifted.checked_shl(distance).unwrap_or(0) != aligned;
        let sum = if big.0 == small.0 { large + shifted } else { large - shifted - u128::from(sticky) };
        // An exact zero is positive unless both were negative.
        let negative = if sum == 0 && !sticky { big.0 && small.0 } else { big.0 };
        Self { negative, class: round(sum, big.2 - i64::from(GUARD), sticky) }
    }
}

/// `number` · 2^`exponent` to the nearest long double, ties to even. `sticky`: a little more than that, less than one
/// unit of `number`; then `number` has more than 64 bits.
fn round(number: u128, exponent: i64, sticky: bool) -> Class {
    if number == 0 {
        return Class::Finite { mantissa: 0, exponent: LOWEST };
    }
    let bits = i64::from(128 - number.leading_zeros());
    let drop = (bits - 64).max(LOWEST - exponent);
    let mut place = exponent + drop;
    let mut kept = if drop <= 0 {
        number << -drop
    } else if drop >= 128 {
        // Less than half of the lowest place: 2^127 at most is shifted out by 128 or more.
        u128::from(drop == 128 && (number > 1 << 127 || (number == 1 << 127 && sticky)))
    } else {
        let lost = number & ((1 << drop) - 1);
        let half = 1 << (drop - 1);
        let kept = number >> drop;
        let up = lost > half || (lost == half && (sticky || kept & 1 == 1));
        kept + u128::from(up)
    };
    if kept >> 64 != 0 {
        kept >>= 1;
        place += 1;
    }
    if place > HIGHEST { Class::Infinite } else { Class::Finite { mantissa: kept as u64, exponent: place } }
}

enum Decimal {
    Zero,
    Rounded(Class),
}

/// Rounds `whole`.`fraction` · 10^`exponent`. None when it is out of all range.
fn decimal(whole: &[u8], fraction: &[u8], exponent: i64) -> Option<Decimal> {
    let exponent = exponent - fraction.len() as i64;
    if whole.len() + fraction.len() <= 19 && (-18..=18).contains(&exponent) {
        return Some(quick_decimal(whole, fraction, exponent));
    }
    let digits: Vec<u8> = whole.iter().chain(fraction).map(|digit| digit - b'0').collect();
    let zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    let trailing = digits[zeros..].iter().rev().take_while(|&&digit| digit == 0).count();
    let digits = &digits[zeros..digits.len() - trailing];
    let exponent = exponent + trailing as i64;
    if digits.is_empty() {
        return Some(Decimal::Zero);
    }
    // The largest number has 4933 digits; half of the smallest is 1.8e-4951.
    if !(-4951..=4933).contains(&(digits.len() as i64 + exponent)) {
        return None;
    }
    let power = exponent.unsigned_abs() as u32;
    let mut number = Natural::default();
    for chunk in digits.chunks(9) {
        let value = chunk.iter().fold(0u32, |n, &digit| n * 10 + u32::from(digit));
        number.multiply_add(10u32.pow(chunk.len() as u32), value);
    }
    if exponent >= 0 {
        number.multiply_by_power_of_ten(power);
        return Some(Decimal::Rounded(number.rounded()));
    }
    let mut divisor = Natural::default();
    divisor.multiply_add(0, 1);
    divisor.multiply_by_power_of_ten(power);
    Some(Decimal::Rounded(quotient(number, divisor)))
}

/// The same for up to 19 digits and an exponent within ±18: 128 bits are enough.
fn quick_decimal(whole: &[u8], fraction: &[u8], exponent: i64) -> Decimal {
    let digits = whole.iter().chain(fraction);
    let number = digits.fold(0u64, |n, &digit| n * 10 + u64::from(digit - b'0'));
    if number == 0 {
        return Decimal::Zero;
    }
    let (number, power) = (u128::from(number), 10u128.pow(exponent.unsigned_abs() as u32));
    if exponent >= 0 {
        return Decimal::Rounded(round(number * power, 0, false));
    }
    // 128 bits by at most 60 leave 68 and a remainder: enough to round from.
    let shift = number.leading_zeros();
    let number = number << shift;
    Decimal::Rounded(round(number / power, -i64::from(shift), number % power != 0))
}

/// `number` / `divisor`, rounded.
fn quotient(mut number: Natural, mut divisor: Natural) -> Class {
    // Bring the quotient between 2^66 and 2^68: enough to round from, little enough to find bit by bit.
    const BITS: i64 = 67;
    let excess = number.bits() - divisor.bits() - BITS;
    if excess < 0 {
        number.shift_left(excess.unsigned_abs() as usize);
    } else {
        divisor.shift_left(excess as usize);
    }
    divisor.shift_left(BITS as usize);
    let mut result = 0u128;
    for _ in 0..=BITS {
        result <<= 1;
        if number.subtract_if_not_less(&divisor) {
            result |= 1;
        }
        divisor.halve();
    }
    round(result, excess, !number.is_zero())
}

/// A natural number of any size, little-endian.
#[derive(Default)]
struct Natural {
    limbs: Vec<u32>,
}

impl Natural {
    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry != 0 {
            self.limbs.push(carry as u32);
        }
    }

    fn multiply_by_power_of_ten(&mut self, power: u32) {
        for _ in 0..power / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        self.multiply_add(10u32.pow(power % 9), 0);
    }

    fn bits(&self) -> i64 {
        let Some(top) = self.limbs.last() else { return 0 };
        self.limbs.len() as i64 * 32 - i64::from(top.leading_zeros())
    }

    fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    fn shift_left(&mut self, by: usize) {
        let bits = by % 32;
        if bits > 0 {
            self.multiply_add(1 << bits, 0);
        }
        if !self.is_zero() {
            self.limbs.splice(0..0, std::iter::repeat_n(0, by / 32));
        }
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for limb in self.limbs.iter_mut().rev() {
            let low = *limb & 1;
            *limb = *limb >> 1 | carry << 31;
            carry = low;
        }
        self.trim();
    }

    /// Subtracts `other` unless it is larger, and says whether it did.
    fn subtract_if_not_less(&mut self, other: &Self) -> bool {
        let order = (self.limbs.len().cmp(&other.limbs.len()))
            .then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()));
        if order.is_lt() {
            return false;
        }
        let mut borrow = false;
        for (i, limb) in self.limbs.iter_mut().enumerate() {
            let (difference, under) = limb.overflowing_sub(other.limbs.get(i).copied().unwrap_or(0));
            let (difference, under_again) = difference.overflowing_sub(u32::from(borrow));
            *limb = difference;
            borrow = under || under_again;
        }
        self.trim();
        true
    }

    fn rounded(&self) -> Class {
        // The top four limbs hold at least 97 bits.
        let low = self.limbs.len().saturating_sub(4);
        let top = self.limbs[low..].iter().rev().fold(0u128, |n, &limb| n << 32 | u128::from(limb));
        let sticky = self.limbs[..low].iter().any(|&limb| limb != 0);
        round(top, low as i64 * 32, sticky)
    }
}

/// `mantissa` · 2^`exponent` in full.
fn push_integer(mantissa: u64, exponent: u32, text: &mut String) {
    if exponent <= 64 {
        *text += itoa::Buffer::new().format(u128::from(mantissa) << exponent);
        return;
    }
    let mut number = Natural { limbs: vec![mantissa as u32, (mantissa >> 32) as u32] };
    number.trim();
    number.shift_left(exponent as usize);
    let mut groups = Vec::new();
    while !number.is_zero() {
        let mut rest = 0u64;
        for limb in number.limbs.iter_mut().rev() {
            rest = rest << 32 | u64::from(*limb);
            *limb = (rest / 1_000_000_000) as u32;
            rest %= 1_000_000_000;
        }
        number.trim();
        groups.push(rest);
    }
    let mut groups = groups.into_iter().rev();
    if let Some(first) = groups.next() {
        *text += itoa::Buffer::new().format(first);
    }
    for group in groups {
        *text += &format!("{group:09}");
    }
}

/// `mantissa` / 2^`scale`, rounded to [`PLACES`] places, trailing zeros removed.
fn push_fixed(mantissa: u64, scale: u64, text: &mut String) {
    // 64 + 57 bits: fits. Anything shifted out by 122 or more is below half of the last place.
    let scaled = u128::from(mantissa) * 10u128.pow(PLACES as u32);
    let mut rounded = 0;
    if scale < 128 {
        rounded = scaled >> scale;
        let lost = scaled & ((1 << scale) - 1);
        let half = 1 << (scale - 1);
        rounded += u128::from(lost > half || (lost == half && rounded & 1 == 1));
    }
    let one = 10u128.pow(PLACES as u32);
    *text += itoa::Buffer::new().format(rounded / one);
    let fraction = rounded % one;
    if fraction != 0 {
        // With a one in front the leading zeros are digits too.
        let mut buffer = itoa::Buffer::new();
        let digits = &buffer.format(one + fraction)[1..];
        text.push('.');
        *text += digits.trim_end_matches('0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(input: &str) -> Option<String> {
        LongDouble::parse(input.as_bytes()).map(|n| n.to_text())
    }

    #[test]
    fn prints_as_redis() {
        for (input, want) in [
            ("0", "0"),
            ("-0", "0"),
            ("3.0e3", "3000"),
            ("10.50", "10.5"),
            ("0.1", "0.1"),
            ("1e-17", "0.00000000000000001"),
            ("4e-18", "0"),
            ("-4e-18", "0"),
            ("6e-18", "0.00000000000000001"),
            ("-1e-5", "-0.00001"),
            ("3.1415926535897932384626433", "3.14159265358979324"),
            ("123456789.123456789", "123456789.12345678899873747"),
            ("1e20", "100000000000000000000"),
            ("0x10", "16"),
            ("0x1p-3", "0.125"),
            ("inf", "inf"),
            ("-INFINITY", "-inf"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709551616"),
            ("18446744073709551617", "18446744073709551616"),
            ("18446744073709551619", "18446744073709551620"),
        ] {
            assert_eq!(text(input).as_deref(), Some(want), "{input}");
        }
    }

    #[test]
    fn refuses_what_redis_refuses() {
        let long = format!("1{}", "0".repeat(5119));
        for input in [
            "", " 1", "1 ", "nan", "-nan", "1e5000", "-1e4933", "1e-5000", "1e-4951", "abc", "1\0", "0x",
            "1e", &long,
        ] {
            assert_eq!(text(input), None, "{input}");
        }
        assert_eq!(text("0e99999"), Some("0".into()));
        assert_eq!(text("1e-4950"), Some("0".into()));
        assert_eq!(text(&format!("0.{}1", "0".repeat(4900))), Some("0".into()));
        assert_eq!(text(&format!("{}e-4000", "3".repeat(4003))), Some("333.33333333333333334".into()));
    }

    #[test]
    fn edges_of_the_range() {
        let largest = Class::Finite { mantissa: u64::MAX, exponent: HIGHEST };
        let class = |text: &str| LongDouble::parse(text.as_bytes()).map(|n| n.class);
        assert_eq!(class("1.18973149535723176502126385303097021e4932"), Some(largest));
        assert_eq!(class("0x1.fffffffffffffffep16383"), Some(largest));
        assert_eq!(class("0x1.ffffffffffffffffp16383"), None);
        assert_eq!(class("1.1897314953572317650857593266280071e4932"), None);
        let smallest = Class::Finite { mantissa: 1, exponent: LOWEST };
        assert_eq!(class("0x1p-16445"), Some(smallest));
        assert_eq!(class("0x1p-16446"), None);
        assert_eq!(class("0x1.00001p-16446"), Some(smallest));
        assert_eq!(class("3.6e-4951"), Some(smallest));
        assert_eq!(class("1.9e-4951"), Some(smallest));
        assert_eq!(class("1.8e-4951"), None);
        let text = LongDouble { negative: true, class: largest }.to_text();
        assert!(text.starts_with("-118973149535723176502126385303097020") && text.len() == 4934);
    }

    #[test]
    fn addition() {
        let add = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| LongDouble::parse(text.as_bytes()).unwrap());
            assert_eq!((a + b).to_text(), (b + a).to_text());
            a + b
        };
        for (a, b, want) in [
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "-1", "0"),
            ("-0", "-0", "0"),
            ("0.1", "0.2", "0.3"),
            ("1e18", "0.5", "1000000000000000000.5"),
            ("1e19", "0.5", "10000000000000000000"),
            ("1e19", "1.5", "10000000000000000002"),
            ("-1e19", "0.5", "-10000000000000000000"),
            ("18446744073709551616", "-0.25", "18446744073709551616"),
            ("9223372036854775808", "-0.25", "9223372036854775808"),
            ("9223372036854775808", "-0.5", "9223372036854775807.5"),
            ("1e4000", "-1e4000", "0"),
            ("inf", "1", "inf"),
            ("-inf", "1e4932", "-inf"),
        ] {
            assert_eq!(add(a, b).to_text(), want, "{a} + {b}");
        }
        assert!(add("inf", "-inf").is_nan());
        assert!(!add("1e4932", "1e4932").is_finite());
        assert!(add("1e300", "1e300").is_finite());
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(digits in "[0-9]{1,19}", exponent in -18i64..=18) {
            // Zeros behind the point take the slow way; they change nothing.
            let quick = LongDouble::parse(format!("{digits}e{exponent}").as_bytes());
            let slow = decimal_slowly(&digits, exponent);
            prop_assert_eq!(quick.map(|n| n.class), slow);
        }

        #[test]
        fn integers_are_exact(a in any::<i64>(), b in any::<i32>()) {
            let sum = LongDouble::from_i64(a >> 1) + LongDouble::from_i64(i64::from(b));
            prop_assert_eq!(sum.to_text(), ((a >> 1) + i64::from(b)).to_string());
            prop_assert_eq!(LongDouble::parse(a.to_string().as_bytes()), Some(LongDouble::from_i64(a)));
        }

        #[test]
        fn doubles_print_exactly(bits in any::<u64>(), near in -1e6f64..1e6) {
            for d in [f64::from_bits(bits), near] {
                if d.is_finite() {
                    let exact = format!("{d:.17}");
                    let want = exact.trim_end_matches('0').trim_end_matches('.');
                    let want = if want == "-0" { "0" } else { want };
                    prop_assert_eq!(LongDouble::from_f64(d).to_text(), want);
                }
            }
        }

        #[test]
        fn garbage_never_panics(text in "[+-]?[0-9a-fxp.einf]{0,30}") {
            if let Some(n) = LongDouble::parse(text.as_bytes()) {
                prop_assert!(!(n + n).is_nan() && !n.to_text().is_empty());
            }
        }
    }

    fn decimal_slowly(digits: &str, exponent: i64) -> Option<Class> {
        let mut number = Natural::default();
        for digit in digits.bytes() {
            number.multiply_add(10, u32::from(digit - b'0'));
        }
        if number.is_zero() {
            return Some(LongDouble::ZERO.class);
        }
        if exponent >= 0 {
            number.multiply_by_power_of_ten(exponent as u32);
            return Some(number.rounded());
        }
        let mut divisor = Natural { limbs: vec![1] };
        divisor.multiply_by_power_of_ten(exponent.unsigned_abs() as u32);
        Some(quotient(number, divisor))
    }
}
