//! Strings: SET and its kin, counters, ranges.
//!
//! The log gets what was done, not what was asked: absolute expiries, outcomes of float arithmetic. A value whose
//! expiry is already over is deleted rather than kept for the tick, so that the log never holds a key which replay,
//! where nothing expires, would see longer than those who ran the commands did.

pub(super) mod later;

use super::args;
use super::ctx::Ctx;
use super::lcs::lcs;
use super::table::{Command, Flags, Group, Keys, Rows};
use crate::config::Directive;
use crate::encoding::longdouble::LongDouble;
use crate::encoding::num;
use crate::error::{Error, ErrorKind, Result, text};
use crate::events::Class;
use crate::keyspace::{Expiry, StrRef};
use crate::reply::ReplySink;

/// Key positions: the first argument.
const ONE: Keys = Keys::Range(1, 1, 1);
/// Every argument.
const ALL: Keys = Keys::Range(1, -1, 1);
/// Every other argument.
const PAIRS: Keys = Keys::Range(1, -1, 2);

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const SHRINK_FAST: Flags = Flags::WRITE.and(Flags::FAST);

const ROWS: Rows = Rows::of(Group::String);

const EACH_KEY: &str = "O(N) where N is the number of keys.";
const APPENDED: &str = "O(1) amortized: a string that grows takes room ahead.";
const RANGE: &str = "O(N) where N is the length of what is returned.";

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("append", 3, WRITE_FAST, "2.0.0", APPENDED, append, "Appends to a string. Creates the key if it doesn't exist.").keys(ONE),
    ROWS.row("decr", 2, WRITE_FAST, "1.0.0", "O(1)", decr, "Takes one from a number. A missing key counts as 0.").keys(ONE),
    ROWS.row("decrby", 3, WRITE_FAST, "1.0.0", "O(1)", decrby, "Takes a number from a number. A missing key counts as 0.").keys(ONE),
    ROWS.row("get", 2, READ_FAST, "1.0.0", "O(1)", get, "Returns a string.").keys(ONE),
    ROWS.row("getdel", 2, SHRINK_FAST, "6.2.0", "O(1)", getdel, "Returns a string and deletes its key.").keys(ONE),
    ROWS.row("getex", -2, SHRINK_FAST, "6.2.0", "O(1)", getex, "Returns a string and sets or removes its expiry.").keys(ONE),
    ROWS.row("getrange", 4, READ, "2.4.0", RANGE, getrange, "Returns a part of a string.").keys(ONE),
    ROWS.row("getset", 3, WRITE_FAST, "1.0.0", "O(1)", getset, "Sets a string and returns what it was.").keys(ONE),
    ROWS.row("incr", 2, WRITE_FAST, "1.0.0", "O(1)", incr, "Adds one to a number. A missing key counts as 0.").keys(ONE),
    ROWS.row("incrby", 3, WRITE_FAST, "1.0.0", "O(1)", incrby, "Adds a number to a number. A missing key counts as 0.").keys(ONE),
    ROWS.row("incrbyfloat", 3, WRITE_FAST, "2.6.0", "O(1)", incrbyfloat, "Adds a float to a number. A missing key counts as 0.").keys(ONE),
    ROWS.row("lcs", -3, READ, "7.0.0", "O(N*M) where N and M are the lengths of the strings.", lcs, "Finds the longest common subsequence of two strings.").keys(Keys::Range(1, 2, 1)),
    ROWS.row("mget", -2, READ_FAST, "1.0.0", EACH_KEY, mget, "Returns several strings.").keys(ALL),
    ROWS.row("mset", -3, WRITE, "1.0.1", EACH_KEY, mset, "Sets several strings, all at once.").keys(PAIRS),
    ROWS.row("msetnx", -3, WRITE, "1.0.1", EACH_KEY, msetnx, "Sets several strings if none of the keys exists.").keys(PAIRS),
    ROWS.row("psetex", 4, WRITE, "2.6.0", "O(1)", psetex, "Sets a string with an expiry in milliseconds.").keys(ONE),
    ROWS.row("set", -3, WRITE, "1.0.0", "O(1)", set, "Sets a string, whatever was there before, with options for expiry and conditions.").keys(ONE),
    ROWS.row("setex", 4, WRITE, "2.0.0", "O(1)", setex, "Sets a string with an expiry in seconds.").keys(ONE),
    ROWS.row("setnx", 3, WRITE_FAST, "1.0.0", "O(1)", setnx, "Sets a string if the key doesn't exist.").keys(ONE),
    ROWS.row("setrange", 4, WRITE, "2.2.0", "O(M) where M is the length of the argument, and what zeroes come before it.", setrange, "Overwrites a part of a string. Creates the key if it doesn't exist.").keys(ONE),
    ROWS.row("strlen", 2, READ_FAST, "2.2.0", "O(1)", strlen, "Returns the length of a string.").keys(ONE),
    ROWS.row("substr", 4, READ, "1.0.0", RANGE, getrange, "Returns a part of a string.").keys(ONE),
];

/// The string at a key which is about to be changed.
pub(super) fn current<'c>(ctx: &'c Ctx<'_>, key: &[u8]) -> Result<Option<StrRef<'c>>> {
    match ctx.guard.string_to_change(ctx.db(), key) {
        None => Ok(None),
        Some(Ok(string)) => Ok(Some(string)),
        Some(Err(())) => Err(Error::wrong_type()),
    }
}

fn put(string: Option<StrRef<'_>>, out: &mut dyn ReplySink) {
    match string {
        None => out.null(),
        Some(StrRef::Int(n)) => out.bulk_int(n),
        Some(StrRef::Bytes(bytes)) => out.bulk(bytes),
    }
}

fn get(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    put(ctx.string(ctx.argv[1])?, out);
    Ok(())
}

fn strlen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.string(ctx.argv[1])?.map_or(0, StrRef::len) as i64);
    Ok(())
}

fn mget(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let keys = &ctx.argv[1..];
    out.array(keys.len());
    for key in keys {
        // Another type counts as nothing here.
        put(ctx.string(key).unwrap_or(None), out);
    }
    Ok(())
}

/// The options SET and GETEX share.
#[derive(Default)]
struct Options<'a> {
    nx: bool,
    xx: bool,
    get: bool,
    keep_ttl: bool,
    persist: bool,
    /// Set only if this is what is there (from Valkey 8.1).
    ifeq: Option<&'a [u8]>,
    expiry: Option<(Unit, &'a [u8])>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Ex,
    Px,
    ExAt,
    PxAt,
}

impl Unit {
    fn seconds(self) -> bool {
        matches!(self, Unit::Ex | Unit::ExAt)
    }

    fn relative(self) -> bool {
        matches!(self, Unit::Ex | Unit::Px)
    }

    fn named(word: &[u8]) -> Option<Self> {
        let is = |name| args::is(word, name);
        match word.len() {
            2 if is("ex") => Some(Unit::Ex),
            2 if is("px") => Some(Unit::Px),
            4 if is("exat") => Some(Unit::ExAt),
            4 if is("pxat") => Some(Unit::PxAt),
            _ => None,
        }
    }
}

impl<'a> Options<'a> {
    /// Reads the options from position `at` on; `set` says whose they are.
    fn parse(argv: &[&'a [u8]], mut at: usize, set: bool) -> Result<Self> {
        let mut options = Options::default();
        while let Some(&word) = argv.get(at) {
            let o = &mut options;
            at += 1;
            if let Some(unit) = Unit::named(word) {
                let other = o.expiry.is_some_and(|(before, _)| before != unit);
                let Some(&when) = argv.get(at).filter(|_| !other && !o.keep_ttl && !o.persist) else {
                    return Err(Error::syntax());
                };
                o.expiry = Some((unit, when));
                at += 1;
            } else if set && args::is(word, "nx") && !o.xx && o.ifeq.is_none() {
                o.nx = true;
            } else if set && args::is(word, "xx") && !o.nx && o.ifeq.is_none() {
                o.xx = true;
            } else if set && args::is(word, "ifeq") && !o.nx && !o.xx && o.ifeq.is_none() {
                o.ifeq = Some(argv.get(at).ok_or_else(Error::syntax)?);
                at += 1;
            } else if set && args::is(word, "get") {
                o.get = true;
            } else if set && args::is(word, "keepttl") && o.expiry.is_none() {
                o.keep_ttl = true;
            } else if !set && args::is(word, "persist") && o.expiry.is_none() {
                o.persist = true;
            } else {
                return Err(Error::syntax());
            }
        }
        Ok(options)
    }
}

/// The absolute expiry in ms an option asks for.
fn expiry_of(ctx: &Ctx<'_>, unit: Unit, when: &[u8], command: &str) -> Result<i64> {
    let n = args::int(when)?;
    let ms = if n <= 0 {
        None
    } else if unit.seconds() {
        n.checked_mul(1000)
    } else {
        Some(n)
    };
    let at = if unit.relative() { ms.and_then(|ms| ms.checked_add(ctx.now())) } else { ms };
    at.ok_or_else(|| args::invalid_expire_time(command))
}

fn set(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, value) = (ctx.argv[1], ctx.argv[2]);
    if ctx.argv.len() == 3 {
        ctx.set_string(key, value, Expiry::Clear);
        ctx.notify(Class::STRING, "set", key);
        ctx.dirty(1);
        out.ok();
        return Ok(());
    }
    let options = Options::parse(ctx.argv, 3, true)?;
    let at = match options.expiry {
        Some((unit, when)) => Some(expiry_of(ctx, unit, when, "set")?),
        None => None,
    };
    let (exists, equal) = if options.get || options.ifeq.is_some() {
        let old = if options.get { ctx.string(key)? } else { current(ctx, key)? };
        if options.get {
            put(old, out);
        }
        let same = |text| old.is_some_and(|old| later::is_text(old, text));
        (old.is_some(), options.ifeq.is_none_or(same))
    } else {
        ((options.nx || options.xx) && ctx.guard.type_name(ctx.db(), key).is_some(), true)
    };
    if (options.nx && exists) || (options.xx && !exists) || !equal {
        if !options.get {
            out.null();
        }
        return Ok(());
    }
    match (at, options.expiry) {
        (Some(at), Some((unit, _))) => {
            let rewrite = unit != Unit::PxAt || options.get || options.ifeq.is_some();
            set_until(ctx, key, value, at, rewrite);
        }
        _ => {
            let expiry = if options.keep_ttl { Expiry::Keep } else { Expiry::Clear };
            ctx.set_string(key, value, expiry);
            ctx.notify(Class::STRING, "set", key);
            ctx.dirty(1);
            if options.ifeq.is_some() {
                // Older servers do not know the condition, which is met.
                let keep: &[&[u8]] = if options.keep_ttl { &[b"KEEPTTL"] } else { &[] };
                ctx.log_instead(&[&[b"SET", key, value], keep].concat());
            } else if options.get {
                let effect: Vec<&[u8]> = without_get(ctx.argv);
                ctx.log_instead(&effect);
            }
        }
    }
    if !options.get {
        out.ok();
    }
    Ok(())
}

fn without_get<'a>(argv: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let kept = |(at, arg): &(usize, &&[u8])| *at < 3 || !args::is(arg, "get");
    argv.iter().enumerate().filter(kept).map(|(_, arg)| *arg).collect()
}

/// Sets a string with an absolute expiry and says so to the log: as it was called, or as `SET key value PXAT at`.
fn set_until(ctx: &mut Ctx<'_>, key: &[u8], value: &[u8], at: i64, rewrite: bool) {
    if ctx.is_over(at) {
        notify_set_in_the_past(ctx, key);
        if ctx.remove(key) {
            ctx.log_instead(&[b"DEL", key]);
            ctx.dirty(1);
        }
        return;
    }
    ctx.set_string(key, value, Expiry::At(at));
    ctx.notify(Class::STRING, "set", key);
    ctx.notify(Class::GENERIC, "expire", key);
    ctx.dirty(1);
    if rewrite {
        ctx.log_instead(&[b"SET", key, value, b"PXAT", num::fmt_i64(at).as_bytes()]);
    }
}

/// On a server such a key is there for a moment, until somebody looks.
fn notify_set_in_the_past(ctx: &Ctx<'_>, key: &[u8]) {
    let db = ctx.db();
    match ctx.guard.type_name(db, key) {
        None => ctx.notify(Class::NEW, "new", key),
        before => ctx.notify_overwritten(db, key, before, "string"),
    }
    ctx.notify(Class::STRING, "set", key);
    ctx.notify(Class::GENERIC, "expire", key);
    ctx.notify(Class::EXPIRED, "expired", key);
}

fn set_with_expiry(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, unit: Unit, name: &str) -> Result<()> {
    let (key, value) = (ctx.argv[1], ctx.argv[3]);
    let at = expiry_of(ctx, unit, ctx.argv[2], name)?;
    set_until(ctx, key, value, at, true);
    out.ok();
    Ok(())
}

fn setex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_with_expiry(ctx, out, Unit::Ex, "setex")
}

fn psetex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_with_expiry(ctx, out, Unit::Px, "psetex")
}

fn setnx(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let free = ctx.guard.type_name(ctx.db(), key).is_none();
    if free {
        ctx.set_string(key, ctx.argv[2], Expiry::Clear);
        ctx.notify(Class::STRING, "set", key);
        ctx.dirty(1);
    }
    out.int(i64::from(free));
    Ok(())
}

fn getset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, value) = (ctx.argv[1], ctx.argv[2]);
    put(ctx.string(key)?, out);
    ctx.set_string(key, value, Expiry::Clear);
    ctx.notify(Class::STRING, "set", key);
    ctx.log_instead(&[b"SET", key, value]);
    ctx.dirty(1);
    Ok(())
}

fn getdel(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    put(ctx.string(key)?, out);
    if ctx.remove(key) {
        ctx.notify(Class::GENERIC, "del", key);
        ctx.log_instead(&[b"DEL", key]);
        ctx.dirty(1);
    }
    Ok(())
}

fn getex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let options = Options::parse(ctx.argv, 2, false)?;
    let Some(string) = ctx.string(key)? else {
        out.null();
        return Ok(());
    };
    let at = match options.expiry {
        Some((unit, when)) => Some(expiry_of(ctx, unit, when, "getex")?),
        None => None,
    };
    put(Some(string), out);
    let db = ctx.db();
    match at {
        Some(at) if ctx.is_over(at) => {
            ctx.remove(key);
            ctx.notify(Class::GENERIC, "del", key);
            ctx.log_instead(&[b"DEL", key]);
            ctx.dirty(1);
        }
        Some(at) => {
            ctx.guard.set_expiry(db, key, Some(at));
            ctx.notify(Class::GENERIC, "expire", key);
            ctx.log_instead(&[b"PEXPIREAT", key, num::fmt_i64(at).as_bytes()]);
            ctx.dirty(1);
        }
        None if options.persist && ctx.guard.expiry(db, key).flatten().is_some() => {
            ctx.guard.set_expiry(db, key, None);
            ctx.notify(Class::GENERIC, "persist", key);
            ctx.log_instead(&[b"PERSIST", key]);
            ctx.dirty(1);
        }
        None => {}
    }
    Ok(())
}

fn set_pairs(ctx: &mut Ctx<'_>) {
    let argv = ctx.argv;
    for pair in argv[1..].chunks_exact(2) {
        ctx.set_string(pair[0], pair[1], Expiry::Clear);
        ctx.notify(Class::STRING, "set", pair[0]);
    }
    ctx.dirty(argv.len() / 2);
}

fn mset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv.len().is_multiple_of(2) {
        return Err(args::wrong_arity("mset"));
    }
    set_pairs(ctx);
    out.ok();
    Ok(())
}

fn msetnx(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv.len().is_multiple_of(2) {
        return Err(args::wrong_arity("msetnx"));
    }
    let db = ctx.db();
    let taken = ctx.argv[1..].iter().step_by(2).any(|key| ctx.guard.type_name(db, key).is_some());
    if !taken {
        set_pairs(ctx);
    }
    out.int(i64::from(!taken));
    Ok(())
}

fn add(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, by: i64) -> Result<()> {
    let key = ctx.argv[1];
    let old = match current(ctx, key)? {
        None => 0,
        Some(StrRef::Int(n)) => n,
        Some(StrRef::Bytes(bytes)) => args::int(bytes)?,
    };
    let new = old.checked_add(by).ok_or_else(|| Error::command(text::OVERFLOW))?;
    let db = ctx.db();
    ctx.guard.set_int(db, key, new, Expiry::Keep);
    ctx.notify(Class::STRING, "incrby", key);
    ctx.dirty(1);
    out.int(new);
    Ok(())
}

fn incr(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    add(ctx, out, 1)
}

fn decr(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    add(ctx, out, -1)
}

fn incrby(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let by = args::int(ctx.argv[2])?;
    add(ctx, out, by)
}

fn decrby(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let by = args::int(ctx.argv[2])?.checked_neg();
    add(ctx, out, by.ok_or_else(|| Error::command("ERR decrement would overflow"))?)
}

fn incrbyfloat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let read = |bytes: &[u8]| LongDouble::parse(bytes).ok_or_else(Error::not_a_float);
    let old = match current(ctx, key)? {
        None => LongDouble::ZERO,
        Some(StrRef::Int(n)) => LongDouble::from_i64(n),
        Some(StrRef::Bytes(bytes)) => read(bytes)?,
    };
    let new = old + read(ctx.argv[2])?;
    if !new.is_finite() {
        return Err(Error::command("ERR increment would produce NaN or Infinity"));
    }
    let new = new.to_text();
    let db = ctx.db();
    ctx.guard.set_text(db, key, new.as_bytes(), Expiry::Keep);
    ctx.notify(Class::STRING, "incrbyfloat", key);
    ctx.log_instead(&[b"SET", key, new.as_bytes(), b"KEEPTTL"]);
    ctx.dirty(1);
    out.bulk(new.as_bytes());
    Ok(())
}

fn getrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, end) = (args::int(ctx.argv[2])?, args::int(ctx.argv[3])?);
    match ctx.string(ctx.argv[1])? {
        None => out.bulk(b""),
        Some(string) => string.with(|bytes| out.bulk(part(bytes, start, end))),
    }
    Ok(())
}

/// Bytes from `start` to `end`, both included; negative ones count from the end.
fn part(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let len = bytes.len() as i64;
    if len == 0 || (start < 0 && end < 0 && start > end) {
        return &[];
    }
    let from_front = |at: i64| if at < 0 { (len + at).max(0) } else { at };
    let (start, end) = (from_front(start), from_front(end).min(len - 1));
    if start > end { &[] } else { &bytes[start as usize..=end as usize] }
}

/// Refuses a string of `len + more` bytes if that is too long.
fn check_length(ctx: &Ctx<'_>, len: usize, more: usize) -> Result<()> {
    let most = usize::try_from(ctx.config().int(Directive::ProtoMaxBulkLen)).unwrap_or(usize::MAX);
    match len.checked_add(more) {
        Some(total) if total <= most || ctx.session.replaying => Ok(()),
        _ => Err(Error::command("ERR string exceeds maximum allowed size (proto-max-bulk-len)")),
    }
}

/// Refuses, rather than ending the process, when there is no room for this many bytes.
pub(super) fn check_room(bytes: usize) -> Result<()> {
    const UNCHECKED: usize = 1 << 20;
    if bytes > UNCHECKED && Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
        return Err(Error::new(ErrorKind::OutOfMemory, "OOM there is no memory for a string of this length"));
    }
    Ok(())
}

fn append(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, more) = (ctx.argv[1], ctx.argv[2]);
    let old = current(ctx, key)?.map(StrRef::len);
    let db = ctx.db();
    let len = match old {
        None => {
            ctx.set_string(key, more, Expiry::Clear);
            more.len()
        }
        Some(len) => {
            check_length(ctx, len, more.len())?;
            check_room(len + more.len())?;
            ctx.guard.modify_string(db, key, |bytes| bytes.extend_from_slice(more));
            len + more.len()
        }
    };
    ctx.notify(Class::STRING, "append", key);
    ctx.dirty(1);
    out.int(len as i64);
    Ok(())
}

fn setrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, part) = (ctx.argv[1], ctx.argv[3]);
    let offset = args::int(ctx.argv[2])?;
    let offset = usize::try_from(offset).map_err(|_| Error::command("ERR offset is out of range"))?;
    let old = current(ctx, key)?.map_or(0, StrRef::len);
    if part.is_empty() {
        out.int(old as i64);
        return Ok(());
    }
    check_length(ctx, offset, part.len())?;
    let len = old.max(offset + part.len());
    check_room(len)?;
    let db = ctx.db();
    ctx.guard.modify_string(db, key, |bytes| {
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        bytes[offset..offset + part.len()].copy_from_slice(part);
    });
    ctx.notify(Class::STRING, "setrange", key);
    ctx.dirty(1);
    out.int(len as i64);
    Ok(())
}

#[cfg(test)]
#[path = "strings_tests.rs"]
mod tests;
