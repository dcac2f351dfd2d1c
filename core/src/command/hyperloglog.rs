//! HyperLogLogs: strings that count different elements in at most 12 KB.
//!
//! PFCOUNT of one key reads, but keeps its estimate in the string and logs that, as Redis does; when the log takes
//! nothing at present it just answers.

use super::ctx::Ctx;
use super::strings::current;
use super::table::{Command, Flags, Group, Keys};
use crate::config::Directive;
use crate::encoding::Corrupt;
use crate::encoding::hll::{self, Form, Registers, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Class;
use crate::keyspace::{Expiry, StrRef};
use crate::reply::ReplySink;

/// What most rows have in common.
const WRITE: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: Keys::Range(1, 1, 1),
    group: Group::HyperLogLog,
    categories: &[],
    since: "2.8.9",
    summary: "",
    complexity: "",
    handler: pfadd,
    subcommands: &[],
};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "pfadd",
        arity: -2,
        flags: WRITE.flags.and(Flags::FAST),
        summary: "Adds elements to a HyperLogLog. Creates the key if it doesn't exist.",
        complexity: "O(1) for each element",
        handler: pfadd,
        ..WRITE
    },
    Command {
        name: "pfcount",
        arity: -2,
        flags: Flags::READONLY.and(Flags::MAY_WRITE),
        keys: Keys::Range(1, -1, 1),
        summary: "Estimates how many different elements were added to HyperLogLogs.",
        complexity: "O(1) for one key, O(N) for several where N is their number.",
        handler: pfcount,
        ..WRITE
    },
    Command {
        name: "pfdebug",
        arity: 3,
        flags: WRITE.flags.and(Flags::ADMIN),
        keys: Keys::Range(2, 2, 1),
        summary: "Shows the inside of a HyperLogLog: DECODE, ENCODING, GETREG, TODENSE.",
        complexity: "O(N) where N is the number of registers.",
        handler: pfdebug,
        ..WRITE
    },
    Command {
        name: "pfmerge",
        arity: -2,
        keys: Keys::Range(1, -1, 1),
        summary: "Merges HyperLogLogs into the first of them. Creates the key if it doesn't exist.",
        complexity: "O(N) where N is the number of keys.",
        handler: pfmerge,
        ..WRITE
    },
    Command {
        name: "pfselftest",
        arity: 1,
        flags: Flags::ADMIN,
        keys: Keys::None,
        summary: "Tests registers and estimates of HyperLogLogs.",
        complexity: "N/A",
        handler: pfselftest,
        ..WRITE
    },
];

fn broken(_: Corrupt) -> Error {
    Error::command("INVALIDOBJ Corrupted HLL object detected")
}

fn not_one() -> Error {
    Error::new(ErrorKind::WrongType, "WRONGTYPE Key is not a valid HyperLogLog string value.")
}

/// The bytes of a string and its form, if it is a HyperLogLog.
fn checked(string: StrRef<'_>) -> Result<(&[u8], Form)> {
    match string {
        StrRef::Bytes(bytes) => hll::form(bytes).map(|form| (bytes, form)).ok_or_else(not_one),
        StrRef::Int(_) => Err(not_one()),
    }
}

fn read<'c>(ctx: &'c Ctx<'_>, key: &[u8]) -> Result<Option<(&'c [u8], Form)>> {
    ctx.string(key)?.map(checked).transpose()
}

fn to_change<'c>(ctx: &'c Ctx<'_>, key: &[u8]) -> Result<Option<(&'c [u8], Form)>> {
    current(ctx, key)?.map(checked).transpose()
}

fn sparse_max(ctx: &Ctx<'_>) -> usize {
    usize::try_from(ctx.config().int(Directive::HllSparseMaxBytes)).unwrap_or(usize::MAX)
}

fn pfadd(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, elements, db) = (ctx.argv[1], &ctx.argv[2..], ctx.db());
    let places = elements.iter().map(|element| hll::place(element));
    let mut changes = 0;
    match to_change(ctx, key)? {
        Some((bytes, Form::Dense)) => {
            // Most elements change nothing, and then nothing is touched.
            if places.clone().any(|(index, value)| hll::is_lower(bytes, index, value)) {
                let raised = ctx.guard.modify_string(db, key, |bytes| {
                    hll::outdate(bytes);
                    let mut raised = 0;
                    for (index, value) in places {
                        raised += usize::from(hll::raise(bytes, index, value, 0)?);
                    }
                    Ok(raised)
                });
                changes = raised.unwrap_or(Ok(0)).map_err(broken)?;
            }
        }
        found => {
            changes += usize::from(found.is_none());
            let mut bytes = found.map_or_else(hll::empty, |(bytes, _)| bytes.to_vec());
            let most = sparse_max(ctx);
            for (index, value) in places {
                changes += usize::from(hll::raise(&mut bytes, index, value, most).map_err(broken)?);
            }
            if changes > 0 {
                hll::outdate(&mut bytes);
            }
            ctx.guard.set_raw_vec(db, key, bytes, Expiry::Keep);
        }
    }
    if changes > 0 {
        ctx.notify(Class::STRING, "pfadd", key);
    }
    ctx.dirty(changes);
    out.int(i64::from(changes > 0));
    Ok(())
}

fn pfcount(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (keys, db) = (&ctx.argv[1..], ctx.db());
    let estimate = match *keys {
        [key] => match read(ctx, key)? {
            None => 0,
            Some((bytes, _)) => match hll::kept_estimate(bytes) {
                Some(estimate) => estimate,
                None => {
                    let estimate = hll::estimate(bytes).map_err(broken)?;
                    if ctx.may_write() {
                        ctx.guard.modify_string(db, key, |bytes| hll::keep_estimate(bytes, estimate));
                        ctx.dirty(1);
                    }
                    estimate
                }
            },
        },
        _ => {
            let mut all = Registers::new();
            for key in keys {
                if let Some((bytes, _)) = read(ctx, key)? {
                    all.merge(bytes).map_err(broken)?;
                }
            }
            all.estimate()
        }
    };
    out.int(estimate as i64);
    Ok(())
}

fn pfmerge(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (keys, db) = (&ctx.argv[1..], ctx.db());
    let mut all = Registers::new();
    let mut dense = false;
    for key in keys {
        if let Some((bytes, form)) = read(ctx, key)? {
            dense |= form == Form::Dense;
            all.merge(bytes).map_err(broken)?;
        }
    }
    let mut bytes = to_change(ctx, keys[0])?.map_or_else(hll::empty, |(bytes, _)| bytes.to_vec());
    if dense {
        bytes = hll::to_dense(&bytes).map_err(broken)?;
        all.write_dense(&mut bytes);
    } else {
        let most = sparse_max(ctx);
        for (index, value) in all.values().iter().enumerate().filter(|(_, value)| **value > 0) {
            hll::raise(&mut bytes, index, *value, most).map_err(broken)?;
        }
    }
    hll::outdate(&mut bytes);
    ctx.guard.set_raw_vec(db, keys[0], bytes, Expiry::Keep);
    ctx.notify(Class::STRING, "pfadd", keys[0]);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

fn pfdebug(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (name, key) = (ctx.argv[1], ctx.argv[2]);
    let Some((bytes, form)) = to_change(ctx, key)? else {
        return Err(Error::command("ERR The specified key does not exist"));
    };
    match () {
        () if super::args::is(name, "getreg") => {
            let mut registers = Registers::new();
            registers.merge(bytes).map_err(broken)?;
            make_dense(ctx, key)?;
            out.array(hll::REGISTERS);
            registers.values().iter().for_each(|value| out.int(i64::from(*value)));
        }
        () if super::args::is(name, "decode") => {
            if form == Form::Dense {
                return Err(Error::command("ERR HLL encoding is not sparse"));
            }
            let words = hll::runs(bytes).map(|run| match run {
                Run::Zeros(len) if len <= 64 => format!("z:{len}"),
                Run::Zeros(len) | Run::LongZeros(len) => format!("Z:{len}"),
                Run::Value(value, len) => format!("v:{value},{len}"),
            });
            out.bulk(words.collect::<Vec<_>>().join(" ").as_bytes());
        }
        () if super::args::is(name, "encoding") => {
            out.simple(if form == Form::Dense { "dense" } else { "sparse" });
        }
        () if super::args::is(name, "todense") => out.int(i64::from(make_dense(ctx, key)?)),
        () => {
            let name = super::args::shown(name, super::args::SHOWN_MAX);
            return Err(Error::command(format!("ERR Unknown PFDEBUG subcommand '{name}'")));
        }
    }
    Ok(())
}

/// Makes a sparse one dense; whether it was sparse.
fn make_dense(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<bool> {
    let dense = match to_change(ctx, key)? {
        Some((bytes, Form::Sparse)) => hll::to_dense(bytes).map_err(broken)?,
        _ => return Ok(false),
    };
    let db = ctx.db();
    ctx.guard.set_raw_vec(db, key, dense, Expiry::Keep);
    ctx.dirty(1);
    Ok(true)
}

/// Elements of the self-test, the last of its points of comparison.
const TESTED: u64 = 1_000_000;

fn pfselftest(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let failed = |what: String| Err(Error::command(format!("ERR TESTFAILED {what}")));
    let mut rng = ctx.rng();
    // Registers keep what is put there, and leave their neighbours alone.
    let mut dense = hll::to_dense(&hll::empty()).map_err(broken)?;
    let wanted: Vec<u8> = (0..hll::REGISTERS).map(|_| rng.u8(..64)).collect();
    let mut order: Vec<usize> = (0..hll::REGISTERS).collect();
    rng.shuffle(&mut order);
    for index in order {
        hll::raise(&mut dense, index, wanted[index], 0).map_err(broken)?;
    }
    let mut found = Registers::new();
    found.merge(&dense).map_err(broken)?;
    if let Some(at) = (0..hll::REGISTERS).find(|at| found.values()[*at] != wanted[*at]) {
        let (wanted, found) = (wanted[at], found.values()[at]);
        return failed(format!("Register {at} should be {wanted} but is {found}"));
    }
    // Both forms give the same estimates, and these are as good as the theory says.
    let mut dense = hll::to_dense(&hll::empty()).map_err(broken)?;
    let mut sparse = hll::empty();
    let most = sparse_max(ctx);
    let seed = rng.u64(..);
    let mut checkpoint = 1;
    for n in 1..=TESTED {
        let (index, value) = hll::place(&(n ^ seed).to_le_bytes());
        hll::raise(&mut dense, index, value, 0).map_err(broken)?;
        hll::raise(&mut sparse, index, value, most).map_err(broken)?;
        if n != checkpoint {
            continue;
        }
        checkpoint *= 10;
        if n < most as u64 / 2 && hll::form(&sparse) != Some(Form::Sparse) {
            return failed("sparse encoding not used".to_owned());
        }
        let estimate = hll::estimate(&dense).map_err(broken)?;
        if hll::estimate(&sparse).map_err(broken)? != estimate {
            return failed("dense/sparse disagree".to_owned());
        }
        // Six standard errors; among ten elements two may well fall together.
        let most = if n == 10 { 1 } else { (6.0 * 1.04 / 128.0 * n as f64).ceil() as u64 };
        if estimate.abs_diff(n) > most {
            return failed(format!("Too big error. card:{n} abserr:{}", estimate.abs_diff(n)));
        }
    }
    out.ok();
    Ok(())
}

#[cfg(test)]
#[path = "hyperloglog_tests.rs"]
mod tests;
