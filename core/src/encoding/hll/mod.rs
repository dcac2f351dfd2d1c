//! HyperLogLogs as Redis keeps them in strings, to the byte: the same elements in the same order give the same string
//! here and there.
//!
//! | bytes | what                                                                                             |
//! |-------|--------------------------------------------------------------------------------------------------|
//! | 4     | `HYLL`                                                                                           |
//! | 1     | form: 0 dense, 1 sparse                                                                          |
//! | 3     | not used                                                                                         |
//! | 8     | the last estimate, little endian; its highest bit says that it is out of date                    |
//! | rest  | 16384 registers: packed, six bits each ([`dense`]), or runs of equal ones ([`sparse`])           |
//!
//! A register holds the longest run of zeros, plus one, that ended a hash of those elements which fall to it. A sparse
//! one becomes dense when it grows too long, or when a register exceeds 32. Strings come from users and files: every
//! function checks what it reads.

mod dense;
mod estimate;
mod murmur;
mod sparse;

pub use sparse::Run;

use super::Corrupt;

/// How many registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// The other bits: a register is at most one more.
const RANK_BITS: u32 = 64 - INDEX_BITS;
const HEAD: usize = 16;
const FORM_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
const STALE: u64 = 1 << 63;
/// Redis's seed of the hash.
const SEED: u64 = 0xadc8_3b19;

/// The two ways in which registers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Six bits each: 12 KB.
    Dense,
    /// Runs of equal registers.
    Sparse,
}

/// What is wrong with a string that has a HyperLogLog's head.
const BROKEN: Corrupt = Corrupt("the runs of a sparse HyperLogLog do not cover its registers");

/// The form of a HyperLogLog; `None` when the string is none. O(1): runs are checked when they are read.
pub fn form(bytes: &[u8]) -> Option<Form> {
    match bytes.first_chunk::<HEAD>()? {
        [b'H', b'Y', b'L', b'L', 0, ..] if bytes.len() == HEAD + dense::SIZE => Some(Form::Dense),
        [b'H', b'Y', b'L', b'L', 1, ..] => Some(Form::Sparse),
        _ => None,
    }
}

/// An empty one, sparse.
pub fn empty() -> Vec<u8> {
    let mut bytes = vec![0; HEAD];
    bytes[..4].copy_from_slice(b"HYLL");
    bytes[FORM_AT] = 1;
    Run::Zeros(REGISTERS).push(&mut bytes);
    bytes
}

/// The estimate kept in the head, unless it is out of date.
pub fn kept_estimate(bytes: &[u8]) -> Option<u64> {
    let estimate = u64::from_le_bytes(*bytes.get(ESTIMATE_AT..)?.first_chunk()?);
    (estimate & STALE == 0).then_some(estimate)
}

/// Keeps an estimate in the head.
pub fn keep_estimate(bytes: &mut [u8], estimate: u64) {
    if let Some(place) = bytes.get_mut(ESTIMATE_AT..HEAD) {
        place.copy_from_slice(&estimate.to_le_bytes());
    }
}

/// Says that the estimate kept in the head is out of date.
pub fn outdate(bytes: &mut [u8]) {
    if let Some(highest) = bytes.get_mut(HEAD - 1) {
        *highest |= 0x80;
    }
}

/// The register an element falls to, and the value it asks for there.
pub fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur::hash(element, SEED);
    let index = hash as usize & (REGISTERS - 1);
    // The bit beyond the rank's bits ends a run of nothing but zeros.
    let rank = (hash >> INDEX_BITS | 1 << RANK_BITS).trailing_zeros() + 1;
    (index, rank as u8)
}

/// Raises a register to `value`; whether it was lower. What is kept as the estimate is out of date then only in the
/// sparse form, as in Redis: the caller says so for the dense one.
///
/// `sparse_max` is the directive `hll-sparse-max-bytes`. After an error the string is as it was.
pub fn raise(bytes: &mut Vec<u8>, index: usize, value: u8, sparse_max: usize) -> Result<bool, Corrupt> {
    match form(bytes).ok_or(BROKEN)? {
        Form::Dense => Ok(dense::raise(&mut bytes[HEAD..], index, value)),
        Form::Sparse => match sparse::raise(bytes, index, value, sparse_max)? {
            sparse::Raised::Not => Ok(false),
            sparse::Raised::Done => {
                outdate(bytes);
                Ok(true)
            }
            sparse::Raised::TooBig => {
                *bytes = to_dense(bytes)?;
                Ok(dense::raise(&mut bytes[HEAD..], index, value))
            }
        },
    }
}

/// Whether [`raise`] would change a dense one.
pub fn is_lower(bytes: &[u8], index: usize, value: u8) -> bool {
    bytes.get(HEAD..).is_some_and(|registers| dense::get(registers, index) < value)
}

/// The dense form.
pub fn to_dense(bytes: &[u8]) -> Result<Vec<u8>, Corrupt> {
    if form(bytes).ok_or(BROKEN)? == Form::Dense {
        return Ok(bytes.to_vec());
    }
    let mut registers = Registers::new();
    registers.merge(bytes)?;
    let mut dense = bytes[..HEAD].to_vec();
    dense[FORM_AT] = 0;
    dense.resize(HEAD + dense::SIZE, 0);
    dense::pack(&registers.0, &mut dense[HEAD..]);
    Ok(dense)
}

/// The runs of a sparse one as they stand there, whether they fit the registers or not; no more than there can be
/// registers.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    sparse::as_they_stand(bytes.get(HEAD..).unwrap_or_default()).take(REGISTERS)
}

/// How many different elements were probably added.
pub fn estimate(bytes: &[u8]) -> Result<u64, Corrupt> {
    let mut histogram = [0u32; 64];
    match form(bytes).ok_or(BROKEN)? {
        Form::Dense => dense::unpack(&bytes[HEAD..], |_, value| histogram[usize::from(value)] += 1),
        Form::Sparse => sparse::each(&bytes[HEAD..], |run, _| {
            let (value, len) = run.parts();
            histogram[usize::from(value)] += len as u32;
        })?,
    }
    Ok(estimate::of(&histogram))
}

/// All registers, a byte each: what several HyperLogLogs are merged in.
pub struct Registers(Box<[u8; REGISTERS]>);

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}

impl Registers {
    /// All zero.
    pub fn new() -> Self {
        Self(Box::new([0; REGISTERS]))
    }

    /// The values.
    pub fn values(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// Raises each register to that of `bytes`. After an error some are raised.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        let all = &mut self.0;
        match form(bytes).ok_or(BROKEN)? {
            Form::Dense => dense::unpack(&bytes[HEAD..], |at, value| all[at] = all[at].max(value)),
            Form::Sparse => sparse::each(&bytes[HEAD..], |run, from| {
                if let Run::Value(value, len) = run {
                    all[from..from + len].iter_mut().for_each(|old| *old = value.max(*old));
                }
            })?,
        }
        Ok(())
    }

    /// How many different elements were probably added to all that was merged.
    pub fn estimate(&self) -> u64 {
        let mut histogram = [0u32; 64];
        self.0.iter().for_each(|value| histogram[usize::from(value & 63)] += 1);
        estimate::of(&histogram)
    }

    /// Replaces the registers of a dense one.
    pub fn write_dense(&self, bytes: &mut [u8]) {
        if form(bytes) == Some(Form::Dense) {
            dense::pack(&self.0, &mut bytes[HEAD..]);
        }
    }
}

#[cfg(test)]
mod tests;
