//! How many elements registers stand for: Otmar Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog
//! sketches", arXiv:1702.01284), computed in the order in which Redis computes, so that sums round the same way.

use super::{RANK_BITS, REGISTERS};

/// 1 / (2 ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate for registers of which `histogram[v]` have the value v. What is beyond the largest value that a hash can
/// ask for does not count.
pub(super) fn of(histogram: &[u32; 64]) -> u64 {
    let all = REGISTERS as f64;
    let largest = RANK_BITS as usize + 1;
    let share = |value: usize| f64::from(histogram[value]);
    let mut z = all * tau((all - share(largest)) / all);
    for value in (1..largest).rev() {
        z += share(value);
        z *= 0.5;
    }
    z += all * sigma(share(0) / all);
    let estimate = (ALPHA * all * all / z).round();
    // Registers that no hash could have set add up to nothing: there a server prints the smallest integer.
    if estimate < i64::MAX as f64 { estimate as u64 } else { 1 << 63 }
}

/// x + Σ x^(2^k) 2^(k-1)
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

/// (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
