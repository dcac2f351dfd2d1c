//! Runs of equal registers:
//!
//! | bits                | what                                              |
//! |---------------------|---------------------------------------------------|
//! | `00llllll`          | l + 1 registers that are 0                        |
//! | `01llllll llllllll` | l + 1 registers that are 0                        |
//! | `1vvvvvll`          | l + 1 registers that are v + 1                    |
//!
//! How a register is raised decides the bytes: the run it lies in is split into up to three, and then a few runs from
//! the one before it on are joined where they have the same value. Redis does just that, so this does.

use super::{BROKEN, Corrupt, HEAD, REGISTERS};

/// Largest value that can be written, and most registers of a run of it.
const VALUE_MAX: u8 = 32;
const VALUE_RUN_MAX: usize = 4;
/// Most zeros in a run of one byte.
const SHORT_ZEROS_MAX: usize = 64;
/// Runs that are looked at for what can be joined.
const JOIN_STEPS: usize = 5;

/// A run of equal registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// So many zeros, in one byte or two.
    Zeros(usize),
    /// So many zeros, in two bytes although one would do.
    LongZeros(usize),
    /// A value, and how many registers have it.
    Value(u8, usize),
}

impl Run {
    /// Reads the run at the start of `bytes`, and how many bytes it takes.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        Some(match *bytes {
            [byte @ 0x80..=0xff, ..] => (Run::Value((byte >> 2 & 31) + 1, usize::from(byte & 3) + 1), 1),
            [byte @ 0x40..=0x7f, low, ..] => {
                let len = (usize::from(byte & 63) << 8 | usize::from(low)) + 1;
                (if len > SHORT_ZEROS_MAX { Run::Zeros(len) } else { Run::LongZeros(len) }, 2)
            }
            [byte @ 0..=0x3f, ..] => (Run::Zeros(usize::from(byte) + 1), 1),
            _ => return None,
        })
    }

    /// Writes it.
    pub(super) fn push(self, to: &mut Vec<u8>) {
        match self {
            Run::Zeros(len) if len <= SHORT_ZEROS_MAX => to.push((len - 1) as u8),
            Run::Zeros(len) | Run::LongZeros(len) => {
                to.extend([((len - 1) >> 8) as u8 | 0x40, (len - 1) as u8]);
            }
            Run::Value(value, len) => to.push((value - 1) << 2 | (len - 1) as u8 | 0x80),
        }
    }

    /// Value and length.
    pub fn parts(self) -> (u8, usize) {
        match self {
            Run::Zeros(len) | Run::LongZeros(len) => (0, len),
            Run::Value(value, len) => (value, len),
        }
    }

    /// A part of it.
    fn part(self, len: usize) -> Option<Self> {
        match self {
            _ if len == 0 => None,
            Run::Zeros(_) | Run::LongZeros(_) => Some(Run::Zeros(len)),
            Run::Value(value, _) => Some(Run::Value(value, len)),
        }
    }
}

/// Walks over runs; ends at the first that is cut off, or that reaches beyond the registers.
pub(super) struct Runs<'a> {
    rest: &'a [u8],
    registers: usize,
}

impl<'a> Runs<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, registers: 0 }
    }
}

impl Iterator for Runs<'_> {
    type Item = Result<Run, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = Run::read(self.rest).filter(|(run, _)| self.registers + run.parts().1 <= REGISTERS);
        let Some((run, size)) = read else {
            self.rest = &[];
            return Some(Err(BROKEN));
        };
        self.rest = &self.rest[size..];
        self.registers += run.parts().1;
        Some(Ok(run))
    }
}

/// Every run, unchecked; a last one that is cut off counts as if a zero byte followed.
pub(super) fn as_they_stand(mut rest: &[u8]) -> impl Iterator<Item = Run> {
    std::iter::from_fn(move || {
        let (run, size) = match *rest {
            [last] => Run::read(&[last, 0]),
            _ => Run::read(rest),
        }?;
        rest = rest.get(size..).unwrap_or_default();
        Some(run)
    })
}

/// Gives every run with its first register to `each`. Fails where they do not cover all registers.
pub(super) fn each(bytes: &[u8], mut each: impl FnMut(Run, usize)) -> Result<(), Corrupt> {
    let mut at = 0;
    for run in Runs::new(bytes) {
        let run = run?;
        each(run, at);
        at += run.parts().1;
    }
    if at == REGISTERS { Ok(()) } else { Err(BROKEN) }
}

/// What [`raise`] did.
pub(super) enum Raised {
    /// Nothing: the register is high enough.
    Not,
    /// The register is raised.
    Done,
    /// Nothing: the result would not fit this form.
    TooBig,
}

/// Raises a register of a whole string, head included. As in Redis, only the runs up to the register are checked.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    value: u8,
    sparse_max: usize,
) -> Result<Raised, Corrupt> {
    if value > VALUE_MAX {
        return Ok(Raised::TooBig);
    }
    let (mut before, mut at, mut first) = (HEAD, HEAD, 0);
    let (run, size) = loop {
        let (run, size) = Run::read(&bytes[at..]).ok_or(BROKEN)?;
        let len = run.parts().1;
        if index < first + len {
            break (run, size);
        }
        (before, at, first) = (at, at + size, first + len);
    };
    let (old, len) = run.parts();
    if old >= value {
        return Ok(Raised::Not);
    }
    let mut made = Vec::with_capacity(5);
    let parts = [run.part(index - first), Some(Run::Value(value, 1)), run.part(first + len - 1 - index)];
    parts.into_iter().flatten().for_each(|part| part.push(&mut made));
    if made.len() > size && bytes.len() + made.len() - size > sparse_max {
        return Ok(Raised::TooBig);
    }
    bytes.splice(at..at + size, made);
    join(bytes, before);
    Ok(Raised::Done)
}

/// Joins neighbouring runs of one value, in the few runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_STEPS {
        let Some((run, size)) = bytes.get(at..).and_then(Run::read) else { return };
        let next = bytes.get(at + size..).and_then(Run::read);
        match (run, next) {
            (Run::Value(one, a), Some((Run::Value(two, b), _))) if one == two && a + b <= VALUE_RUN_MAX => {
                bytes.remove(at);
                let mut joined = Vec::with_capacity(1);
                Run::Value(one, a + b).push(&mut joined);
                bytes[at..=at].copy_from_slice(&joined);
            }
            _ => at += size,
        }
    }
}
