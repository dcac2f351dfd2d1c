//! Values of modules: opaque here, but self-describing, so they can be walked, kept and written back.

use super::fault::{Fault, Res};
use super::input::Input;

const END: u64 = 0;
const SINT: u64 = 1;
const UINT: u64 = 2;
const FLOAT: u64 = 3;
const DOUBLE: u64 = 4;
const STRING: u64 = 5;

/// Where MODULE_AUX stood: before the keys or after them, as its `when` says.
const BEFORE_KEYS: u64 = 1;
const AFTER_KEYS: u64 = 2;

/// What a module had stored outside any key, as it stood in the file (opcode excluded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleAux {
    /// Whether it stood before the keys.
    pub before_keys: bool,
    /// Module id, when, values, terminator.
    pub bytes: Box<[u8]>,
}

/// A module's value: id, then values up to the terminator, all kept.
pub(super) fn value(input: &mut Input<'_>) -> Res<Box<[u8]>> {
    input.start_record();
    let walked = input.len().and_then(|_id| values(input));
    let bytes = input.recorded();
    walked.map(|()| bytes.into_boxed_slice())
}

/// What follows the MODULE_AUX opcode.
pub(super) fn aux(input: &mut Input<'_>) -> Res<ModuleAux> {
    input.start_record();
    let walked = walk_aux(input);
    let bytes = input.recorded().into_boxed_slice();
    Ok(ModuleAux { before_keys: walked?, bytes })
}

fn walk_aux(input: &mut Input<'_>) -> Res<bool> {
    input.len()?;
    if input.len()? != UINT {
        return Fault::corrupt("module data do not say where they belong");
    }
    let before_keys = match input.len()? {
        BEFORE_KEYS => true,
        AFTER_KEYS => false,
        _ => return Fault::corrupt("module data belong neither before nor behind the keys"),
    };
    values(input)?;
    Ok(before_keys)
}

fn values(input: &mut Input<'_>) -> Res<()> {
    let mut text = Vec::new();
    loop {
        match input.len()? {
            END => return Ok(()),
            SINT | UINT => drop(input.len()?),
            FLOAT => drop(input.array::<4>()?),
            DOUBLE => drop(input.array::<8>()?),
            STRING => input.string_into(&mut text, u64::MAX)?,
            other => return Fault::corrupt(format!("module value has an unknown part {other}")),
        }
    }
}

/// The module's name: nine characters and an encoding version in the 64 bits of its id.
pub(super) fn name(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut stream = bytes;
    let Ok(id) = Input::new(&mut stream, None).len() else { return String::from("?") };
    let letter = |i: u32| char::from(ALPHABET[(id >> (58 - 6 * i) & 63) as usize]);
    (0..9).map(letter).collect()
}
