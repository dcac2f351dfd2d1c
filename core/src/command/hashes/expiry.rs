//! Expiry of single fields: setting, asking, removing. The log gets absolute milliseconds for the fields that changed,
//! and an HDEL for a time that is over.

use super::{FAST_READ, FAST_WRITE, HASH};
use crate::command::args;
use crate::command::conditions::Conditions;
use crate::command::ctx::Ctx;
use crate::command::table::{Command, Flags, Handler};
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;

const fn row(
    name: &'static str,
    arity: i32,
    flags: Flags,
    handler: Handler,
    summary: &'static str,
) -> Command {
    let complexity = "O(N) where N is the number of fields";
    Command { name, arity, flags, since: "7.4.0", summary, complexity, handler, ..HASH }
}

#[rustfmt::skip]
pub(in crate::command) const COMMANDS: &[Command] = &[
    row("hexpire", -6, FAST_WRITE, hexpire, "Sets the expiry of fields in seconds from now."),
    row("hexpireat", -6, FAST_WRITE, hexpireat, "Sets the expiry of fields as a Unix time in seconds."),
    row("hexpiretime", -5, FAST_READ, hexpiretime, "Returns the expiry of fields as Unix times in seconds."),
    row("hpersist", -5, FAST_WRITE, hpersist, "Removes the expiry of fields."),
    row("hpexpire", -6, FAST_WRITE, hpexpire, "Sets the expiry of fields in milliseconds from now."),
    row("hpexpireat", -6, FAST_WRITE, hpexpireat, "Sets the expiry of fields as a Unix time in milliseconds."),
    row("hpexpiretime", -5, FAST_READ, hpexpiretime, "Returns the expiry of fields as Unix times in milliseconds."),
    row("hpttl", -5, FAST_READ, hpttl, "Returns the time to live of fields in milliseconds."),
    row("httl", -5, FAST_READ, httl, "Returns the time to live of fields in seconds."),
];

/// The latest time the commands take: Redis keeps two bits for itself of the 48 there are.
const TIME_MAX: i64 = 0x3FFF_FFFF_FFFF;

const NO_FIELD: i64 = -2;
const NO_EXPIRY: i64 = -1;
const NOT_NOW: i64 = 0;
const SET: i64 = 1;
const DELETED: i64 = 2;

/// How a command gives its time.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) seconds: bool,
    pub(super) relative: bool,
}

impl Form {
    /// The form of an option: EX, PX, EXAT, PXAT.
    pub(super) fn of_option(word: &[u8]) -> Option<Self> {
        let forms = [("ex", true, true), ("px", false, true), ("exat", true, false), ("pxat", false, false)];
        let (_, seconds, relative) = forms.into_iter().find(|(name, ..)| args::is(word, name))?;
        Some(Self { seconds, relative })
    }

    /// The absolute time in milliseconds that an argument says.
    pub(super) fn time(self, ctx: &Ctx<'_>, arg: &[u8], command: &str) -> Result<i64> {
        let n = args::int(arg)?;
        if n < 0 {
            return Err(Error::command("ERR invalid expire time, must be >= 0"));
        }
        let ms = if self.seconds { n.checked_mul(1000) } else { Some(n) };
        let base = if self.relative { ctx.now() } else { 0 };
        let at = ms.and_then(|ms| ms.checked_add(base)).filter(|at| *at <= TIME_MAX);
        at.ok_or_else(|| args::invalid_expire_time(command))
    }
}

/// `FIELDS numfields field …` from position `at` on; `count_wrong` is what Redis says to a count that is none.
pub(super) fn fields<'a>(argv: &[&'a [u8]], at: usize, count_wrong: &'static str) -> Result<Vec<&'a [u8]>> {
    if !argv.get(at).is_some_and(|word| args::is(word, "fields")) {
        let text = "ERR Mandatory argument FIELDS is missing or not at the right position";
        return Err(Error::command(text));
    }
    let count = argv.get(at + 1).and_then(|arg| num::parse_i64(arg)).filter(|n| *n > 0);
    let count = count.ok_or_else(|| Error::command(count_wrong))?;
    let fields = &argv[at + 2..];
    if usize::try_from(count) != Ok(fields.len()) {
        let text = "ERR The `numfields` parameter must match the number of arguments";
        return Err(Error::command(text));
    }
    Ok(fields.to_vec())
}

pub(super) const COUNT_NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

fn set_expiry(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, command: &str, form: Form) -> Result<()> {
    let (key, argv) = (ctx.argv[1], ctx.argv);
    let exists = ctx.check_type(key, "hash")?;
    let at = form.time(ctx, argv[2], command)?;
    let (conditions, fields_at) = match Conditions::of_word(argv[3]) {
        Some(conditions) => (conditions, 4),
        None => (Conditions::default(), 3),
    };
    let fields = fields(argv, fields_at, "ERR Parameter `numFields` should be greater than 0")?;
    if !exists {
        // One that is due goes now.
        ctx.remove(key);
        out.array(fields.len());
        fields.iter().for_each(|_| out.int(NO_FIELD));
        return Ok(());
    }
    let (over, now) = (ctx.is_over(at), ctx.now());
    let results = ctx.modify_hash(key, false, fields.iter().copied(), |hash, _| {
        hash.prepare_expiry();
        let mut one = |field: &&[u8]| match hash.find(field) {
            None => NO_FIELD,
            Some((_, old)) if !conditions.allow(old, at) => NOT_NOW,
            Some(_) if over => {
                hash.remove(field);
                DELETED
            }
            Some(_) => {
                hash.set_expiry(field, Some(at), now);
                SET
            }
        };
        fields.iter().map(&mut one).collect::<Vec<i64>>()
    })?;
    let results = results.unwrap_or_default();
    log_expiry(
        ctx,
        at,
        over,
        fields.iter().zip(&results).filter(|(_, result)| **result > 0).map(|(f, _)| *f),
    );
    out.array(results.len());
    results.iter().for_each(|result| out.int(*result));
    Ok(())
}

/// Says to the log that these fields expire at a time, or are deleted since it is over.
pub(super) fn log_expiry<'f>(ctx: &mut Ctx<'_>, at: i64, over: bool, fields: impl Iterator<Item = &'f [u8]>) {
    let (at, fields) = (num::fmt_i64(at), fields.collect::<Vec<_>>());
    if fields.is_empty() {
        return;
    }
    let count = num::fmt_i64(fields.len() as i64);
    let key = ctx.argv[1];
    let mut effect: Vec<&[u8]> = if over {
        vec![b"HDEL", key]
    } else {
        vec![b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", count.as_bytes()]
    };
    effect.extend(&fields);
    ctx.log_instead(&effect);
    ctx.notify(Class::HASH, if over { "hdel" } else { "hexpire" }, key);
    ctx.notify_if_gone(key);
    ctx.dirty(fields.len());
}

fn hexpire(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, "hexpire", Form { seconds: true, relative: true })
}

fn hexpireat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, "hexpireat", Form { seconds: true, relative: false })
}

fn hpexpire(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, "hpexpire", Form { seconds: false, relative: true })
}

fn hpexpireat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, "hpexpireat", Form { seconds: false, relative: false })
}

fn hpersist(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    ctx.check_type(key, "hash")?;
    let fields = fields(ctx.argv, 2, COUNT_NOT_POSITIVE)?;
    let results = ctx.modify_hash(key, false, fields.iter().copied(), |hash, _| {
        let mut one = |field: &&[u8]| match hash.set_expiry(field, None, 0) {
            None => NO_FIELD,
            Some(None) => NO_EXPIRY,
            Some(Some(_)) => SET,
        };
        fields.iter().map(&mut one).collect::<Vec<i64>>()
    })?;
    let results = results.unwrap_or_else(|| vec![NO_FIELD; fields.len()]);
    let changed = results.iter().filter(|result| **result == SET).count();
    if changed > 0 {
        ctx.notify(Class::HASH, "hpersist", key);
    }
    ctx.dirty(changed);
    out.array(results.len());
    results.iter().for_each(|result| out.int(*result));
    Ok(())
}

/// Answers what `shown` makes of each field's expiry and the present.
fn tell(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, shown: impl Fn(i64, i64) -> i64) -> Result<()> {
    let hash = ctx.hash(ctx.argv[1])?;
    let fields = fields(ctx.argv, 2, COUNT_NOT_POSITIVE)?;
    let now = ctx.now();
    out.array(fields.len());
    for field in fields {
        out.int(match hash.and_then(|hash| hash.find(field)) {
            None => NO_FIELD,
            Some((_, None)) => NO_EXPIRY,
            Some((_, Some(at))) => shown(at, now),
        });
    }
    Ok(())
}

/// Other than of keys, seconds of fields are rounded up.
fn seconds(ms: i64) -> i64 {
    ms.saturating_add(999) / 1000
}

fn httl(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, now| seconds(at.saturating_sub(now).max(0)))
}

fn hpttl(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, now| at.saturating_sub(now).max(0))
}

fn hexpiretime(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, _| seconds(at))
}

fn hpexpiretime(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, _| at)
}

#[cfg(test)]
#[path = "expiry_tests.rs"]
mod tests;
