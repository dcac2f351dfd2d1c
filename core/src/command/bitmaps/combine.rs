//! BITOP: AND, OR, XOR and NOT, and the four operations Redis 8.2 added.

use std::borrow::Cow;

use super::super::args;
use super::super::ctx::Ctx;
use super::super::strings::check_room;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::{Expiry, StrRef};
use crate::reply::ReplySink;

/// How much of a result is made at a time: what all the sources say to it stays in the processor's cache.
const BLOCK: usize = 16 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
    /// In the first and in none of the others.
    Diff,
    /// In any of the others and not in the first.
    Diff1,
    /// In the first and in any of the others.
    AndOr,
    /// In exactly one.
    One,
}

impl Operation {
    fn named(word: &[u8]) -> Option<Self> {
        const NAMES: [(&str, Operation); 8] = [
            ("and", Operation::And),
            ("or", Operation::Or),
            ("xor", Operation::Xor),
            ("not", Operation::Not),
            ("diff", Operation::Diff),
            ("diff1", Operation::Diff1),
            ("andor", Operation::AndOr),
            ("one", Operation::One),
        ];
        NAMES.iter().find(|(name, _)| args::is(word, name)).map(|(_, operation)| *operation)
    }

    /// Whether only Redis 8.2 and later know it.
    fn is_new(self) -> bool {
        matches!(self, Operation::Diff | Operation::Diff1 | Operation::AndOr | Operation::One)
    }
}

pub(super) fn bitop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let (target, sources) = (argv[2], &argv[3..]);
    let operation = Operation::named(argv[1]).ok_or_else(Error::syntax)?;
    if operation == Operation::Not && sources.len() != 1 {
        return Err(Error::command("ERR BITOP NOT must be called with a single source key."));
    }
    if matches!(operation, Operation::Diff | Operation::Diff1 | Operation::AndOr) && sources.len() < 2 {
        let name = String::from_utf8_lossy(argv[1]).to_uppercase();
        return Err(Error::command(format!(
            "ERR BITOP {name} must be called with at least two source keys."
        )));
    }
    let mut texts: Vec<Cow<'_, [u8]>> = Vec::with_capacity(sources.len());
    for key in sources {
        texts.push(match ctx.string(key)? {
            None => Cow::Borrowed(&[]),
            Some(StrRef::Bytes(bytes)) => Cow::Borrowed(bytes),
            Some(int) => Cow::Owned(int.to_vec()),
        });
    }
    let len = texts.iter().map(|text| text.len()).max().unwrap_or(0);
    check_room(len)?;
    let result = combine(operation, &texts, len);
    store(ctx, target, operation, result);
    out.int(len as i64);
    Ok(())
}

fn store(ctx: &mut Ctx<'_>, target: &[u8], operation: Operation, result: Vec<u8>) {
    if result.is_empty() {
        if ctx.remove(target) {
            ctx.notify(Class::GENERIC, "del", target);
            if operation.is_new() {
                ctx.log_instead(&[b"DEL", target]);
            }
            ctx.dirty(1);
        }
        return;
    }
    // The log can be read by servers that do not know the operation: they are told the outcome.
    if operation.is_new() {
        ctx.log_instead(&[b"DEL", target]);
        ctx.log_instead(&[b"SETRANGE", target, b"0", &result]);
    }
    let db = ctx.db();
    let before = ctx.type_before(db, target);
    ctx.guard.set_raw_vec(db, target, result, Expiry::Clear);
    ctx.notify_overwritten(db, target, before, "string");
    ctx.notify(Class::STRING, "set", target);
    ctx.dirty(1);
}

/// The result, as long as the longest of the sources; shorter ones count as followed by zeros.
fn combine(operation: Operation, sources: &[Cow<'_, [u8]>], len: usize) -> Vec<u8> {
    let mut result = vec![0u8; len];
    let mut scratch = [0u8; BLOCK];
    for (n, block) in result.chunks_mut(BLOCK).enumerate() {
        let from = n * BLOCK;
        let parts = sources.iter().map(|source| {
            let rest = source.get(from..).unwrap_or_default();
            &rest[..rest.len().min(block_len(len, from))]
        });
        combine_block(operation, parts, block, &mut scratch);
    }
    result
}

fn block_len(len: usize, from: usize) -> usize {
    (len - from).min(BLOCK)
}

/// One block; `target` holds zeros.
fn combine_block<'a>(
    operation: Operation,
    mut parts: impl Iterator<Item = &'a [u8]>,
    target: &mut [u8],
    scratch: &mut [u8; BLOCK],
) {
    let first = parts.next().unwrap_or_default();
    let (head, tail) = target.split_at_mut(first.len());
    head.copy_from_slice(first);
    match operation {
        Operation::And => {
            for part in parts {
                apply(target, part, |a, b| a & b);
                target[part.len()..].fill(0);
            }
        }
        Operation::Or => parts.for_each(|part| apply(target, part, |a, b| a | b)),
        Operation::Xor => parts.for_each(|part| apply(target, part, |a, b| a ^ b)),
        Operation::Not => {
            head.iter_mut().for_each(|byte| *byte = !*byte);
            tail.fill(0xFF);
        }
        Operation::Diff | Operation::Diff1 | Operation::AndOr => {
            let others = &mut scratch[..target.len()];
            others.fill(0);
            parts.for_each(|part| apply(others, part, |a, b| a | b));
            match operation {
                Operation::Diff => apply(target, others, |a, b| a & !b),
                Operation::Diff1 => apply(target, others, |a, b| !a & b),
                _ => apply(target, others, |a, b| a & b),
            }
        }
        Operation::One => {
            let many = &mut scratch[..target.len()];
            many.fill(0);
            for part in parts {
                for ((any, many), byte) in target.iter_mut().zip(many.iter_mut()).zip(part) {
                    *many |= *any & byte;
                    *any |= byte;
                }
            }
            apply(target, many, |any, many| any & !many);
        }
    }
}

/// Changes each byte of `target` that has a partner in `part`.
fn apply(target: &mut [u8], part: &[u8], f: impl Fn(u8, u8) -> u8) {
    for (a, b) in target.iter_mut().zip(part) {
        *a = f(*a, *b);
    }
}
