//! Expiry of keys: setting, asking, removing. The log gets absolute milliseconds, and a DEL for a time that is over.

use super::args;
use super::conditions::Conditions;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys, Rows};
use crate::encoding::num;
use crate::error::Result;
use crate::events::Class;
use crate::reply::ReplySink;
use crate::table::Entry;

const READ: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE.and(Flags::FAST);

const ROWS: Rows = Rows::of(Group::Generic).keys(Keys::Range(1, 1, 1)).categories(&["keyspace"]);

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("expire", -3, WRITE, "1.0.0", "O(1)", expire, "Sets a key's expiry in seconds from now."),
    ROWS.row("expireat", -3, WRITE, "1.2.0", "O(1)", expireat, "Sets a key's expiry as a Unix time in seconds."),
    ROWS.row("expiretime", 2, READ, "7.0.0", "O(1)", expiretime, "Returns a key's expiry as a Unix time in seconds."),
    ROWS.row("persist", 2, WRITE, "2.2.0", "O(1)", persist, "Removes a key's expiry."),
    ROWS.row("pexpire", -3, WRITE, "2.6.0", "O(1)", pexpire, "Sets a key's expiry in milliseconds from now."),
    ROWS.row("pexpireat", -3, WRITE, "2.6.0", "O(1)", pexpireat, "Sets a key's expiry as a Unix time in milliseconds."),
    ROWS.row("pexpiretime", 2, READ, "7.0.0", "O(1)", pexpiretime, "Returns a key's expiry as a Unix time in milliseconds."),
    ROWS.row("pttl", 2, READ, "2.6.0", "O(1)", pttl, "Returns a key's time to live in milliseconds."),
    ROWS.row("ttl", 2, READ, "1.0.0", "O(1)", ttl, "Returns a key's time to live in seconds."),
];

/// How a command gives its time.
struct Form {
    name: &'static str,
    seconds: bool,
    relative: bool,
}

fn set_expiry(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, form: &Form) -> Result<()> {
    let key = ctx.argv[1];
    let conditions = Conditions::parse(&ctx.argv[3..])?;
    let n = args::int(ctx.argv[2])?;
    let ms = if form.seconds { n.checked_mul(1000) } else { Some(n) };
    let base = if form.relative { ctx.now() } else { 0 };
    let at = ms.and_then(|ms| ms.checked_add(base));
    let at = at.ok_or_else(|| args::invalid_expire_time(form.name))?;
    let db = ctx.db();
    let done = match ctx.guard.expiry(db, key) {
        Some(old) if conditions.allow(old, at) => {
            if ctx.is_over(at) {
                ctx.remove(key);
                ctx.notify(Class::GENERIC, "del", key);
                ctx.log_instead(&[b"DEL", key]);
            } else {
                ctx.guard.set_expiry(db, key, Some(at));
                ctx.notify(Class::GENERIC, "expire", key);
                log_absolute(ctx, form, at);
            }
            ctx.dirty(1);
            true
        }
        _ => false,
    };
    out.int(i64::from(done));
    Ok(())
}

fn log_absolute(ctx: &mut Ctx<'_>, form: &Form, at: i64) {
    if form.relative || form.seconds {
        let at = num::fmt_i64(at);
        let mut effect = ctx.argv.to_vec();
        effect[0] = b"PEXPIREAT";
        effect[2] = at.as_bytes();
        ctx.log_instead(&effect);
    }
}

fn expire(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, &Form { name: "expire", seconds: true, relative: true })
}

fn expireat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, &Form { name: "expireat", seconds: true, relative: false })
}

fn pexpire(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, &Form { name: "pexpire", seconds: false, relative: true })
}

fn pexpireat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    set_expiry(ctx, out, &Form { name: "pexpireat", seconds: false, relative: false })
}

fn persist(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (db, key) = (ctx.db(), ctx.argv[1]);
    let had = ctx.guard.expiry(db, key).flatten().is_some();
    if had {
        ctx.guard.set_expiry(db, key, None);
        ctx.notify(Class::GENERIC, "persist", key);
        ctx.dirty(1);
    }
    out.int(i64::from(had));
    Ok(())
}

/// Answers -2 without the key, -1 without an expiry, else what `shown` makes of the expiry and the present.
fn tell(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, shown: impl FnOnce(i64, i64) -> i64) -> Result<()> {
    out.int(match ctx.guard.look(ctx.db(), ctx.argv[1]).map(Entry::expiry) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => shown(at, ctx.now()),
    });
    Ok(())
}

fn seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

fn ttl(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, now| seconds(at.saturating_sub(now).max(0)))
}

fn pttl(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, now| at.saturating_sub(now).max(0))
}

fn expiretime(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, _| seconds(at))
}

fn pexpiretime(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    tell(ctx, out, |at, _| at)
}
