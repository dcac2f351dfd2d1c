//! Registers of six bits each, packed: the lowest bits of the first byte are register 0, and so on.

use super::REGISTERS;

/// Bytes of all registers.
pub(super) const SIZE: usize = REGISTERS * 6 / 8;

/// A register.
pub(super) fn get(registers: &[u8], index: usize) -> u8 {
    let (at, shift) = (index * 6 / 8, index * 6 % 8);
    (pair(registers, at) >> shift) as u8 & 63
}

/// Raises a register to `value` (at most 63); whether it was lower.
pub(super) fn raise(registers: &mut [u8], index: usize, value: u8) -> bool {
    if get(registers, index) >= value {
        return false;
    }
    let (at, shift) = (index * 6 / 8, index * 6 % 8);
    let [low, high] = (pair(registers, at) & !(63 << shift) | u16::from(value) << shift).to_le_bytes();
    registers[at] = low;
    if let Some(byte) = registers.get_mut(at + 1) {
        *byte = high;
    }
    true
}

fn pair(registers: &[u8], at: usize) -> u16 {
    let byte = |at: usize| registers.get(at).copied().unwrap_or(0);
    u16::from_le_bytes([byte(at), byte(at + 1)])
}

/// Gives every register with its index to `each`.
pub(super) fn unpack(registers: &[u8], mut each: impl FnMut(usize, u8)) {
    // Three bytes are four registers.
    for (n, [a, b, c]) in registers.as_chunks::<3>().0.iter().enumerate() {
        let bits = u32::from_le_bytes([*a, *b, *c, 0]);
        for part in 0..4 {
            each(4 * n + part, (bits >> (6 * part)) as u8 & 63);
        }
    }
}

/// Writes every register.
pub(super) fn pack(values: &[u8; REGISTERS], registers: &mut [u8]) {
    let groups = registers.as_chunks_mut::<3>().0.iter_mut().zip(values.as_chunks::<4>().0);
    for (target, values) in groups {
        let bits = values.iter().rev().fold(0u32, |bits, value| bits << 6 | u32::from(value & 63));
        target.copy_from_slice(&bits.to_le_bytes()[..3]);
    }
}
