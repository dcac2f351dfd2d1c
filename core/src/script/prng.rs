//! `math.random` as Redis has it: the generator of POSIX's `lrand48` from its standard beginning, so that the same scripts
//! make the same choices on every machine.

/// See the module's head.
pub(super) struct Lrand48(u64);

const MASK: u64 = (1 << 48) - 1;

impl Default for Lrand48 {
    fn default() -> Self {
        Self(0x1234_ABCD_330E)
    }
}

impl Lrand48 {
    /// `srand48`.
    pub(super) fn new(seed: i32) -> Self {
        Self(((seed as u32 as u64) << 16 | 0x330E) & MASK)
    }

    /// 31 bits.
    pub(super) fn draw(&mut self) -> i32 {
        self.0 = self.0.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & MASK;
        (self.0 >> 17) as i32
    }

    /// At least 0 and below 1.
    pub(super) fn fraction(&mut self) -> f64 {
        const MOST: i32 = i32::MAX;
        f64::from(self.draw() % MOST) / f64::from(MOST)
    }
}
