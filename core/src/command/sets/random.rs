//! SPOP and SRANDMEMBER. What was popped is logged, never the dice: SREM of the members, or DEL of the key.

use crate::command::args;
use crate::command::ctx::Ctx;
use crate::command::draw::{self, Draw};
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::Expiry;
use crate::reply::ReplySink;
use crate::value::Value;
use crate::value::set::Set;

/// Members a logged SREM names at most, as in Redis.
const LOGGED_TOGETHER: usize = 1024;
/// A table keeps its form while what stays is more than a fifth of what goes; else Redis makes a new set of what stays.
const NEARLY_ALL: usize = 5;

pub(super) fn srandmember(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut rng = ctx.rng();
    let mut random = |n| rng.usize(..n);
    let draw = match ctx.argv {
        [_, key] => {
            match ctx.set(key)?.and_then(|set| set.random(&mut random)) {
                Some(member) => out.element(member),
                None => out.null(),
            }
            return Ok(());
        }
        [_, _, count] => draw::count(count)?,
        _ => return Err(Error::syntax()),
    };
    match (ctx.set(ctx.argv[1])?, draw) {
        (None, _) => out.array(0),
        (Some(set), Draw::Distinct(count)) => {
            let members = set.sample(count, &mut random);
            out.array(members.len());
            members.into_iter().for_each(|member| out.element(member));
        }
        (Some(set), Draw::Repeats(count)) => {
            let picker = set.picker();
            out.array(count);
            for member in std::iter::repeat_with(|| picker.pick(&mut random)).take(count) {
                out.element(member.expect("a set that is there has members"));
            }
        }
    }
    Ok(())
}

pub(super) fn spop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let count = match ctx.argv {
        [_, _] => return pop_one(ctx, out),
        // Whatever is wrong with it, the text is the same.
        [_, _, count] => args::count(count)?,
        _ => return Err(Error::syntax()),
    };
    let found = if ctx.check_type(key, "set")? { ctx.set(key)? } else { None };
    let Some(set) = found.filter(|_| count > 0) else {
        out.set(0);
        return Ok(());
    };
    let len = set.len();
    if count >= len {
        out.set(len);
        set.iter().for_each(|member| out.element(member));
        ctx.remove(key);
        ctx.notify(Class::SET, "spop", key);
        ctx.notify(Class::GENERIC, "del", key);
        ctx.log_instead(&[&b"DEL"[..], key]);
        ctx.dirty(len);
        return Ok(());
    }
    let popped = pop_some(ctx, key, count, len)?;
    for members in popped.chunks(LOGGED_TOGETHER) {
        let mut logged: Vec<&[u8]> = vec![b"SREM", key];
        logged.extend(members.iter().map(Vec::as_slice));
        ctx.log_instead(&logged);
    }
    ctx.notify(Class::SET, "spop", key);
    ctx.dirty(popped.len());
    out.set(popped.len());
    popped.iter().for_each(|member| out.bulk(member));
    Ok(())
}

/// Takes `count` of `len` members out, fewer than all.
fn pop_some(ctx: &mut Ctx<'_>, key: &[u8], count: usize, len: usize) -> Result<Vec<Vec<u8>>> {
    let mut rng = ctx.rng();
    let mut random = |n| rng.usize(..n);
    let kept = len - count;
    if let Some(set @ Set::Table(_)) = ctx.set(key)?
        && kept.saturating_mul(NEARLY_ALL) <= count
    {
        let (rest, taken) = set.split_random(kept, &ctx.limits(), &mut random);
        let db = ctx.db();
        ctx.guard.set_value(db, key, Value::Set(rest), Expiry::Keep);
        return Ok(taken);
    }
    Ok(ctx.modify_set(key, false, |set, _| set.take_random(count, &mut random))?.unwrap_or_default())
}

fn pop_one(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let mut rng = ctx.rng();
    let popped = ctx.modify_set(key, false, |set, _| {
        let member = set.random(&mut |n| rng.usize(..n))?.to_vec();
        set.remove(&member);
        Some(member)
    })?;
    let Some(member) = popped.flatten() else {
        out.null();
        return Ok(());
    };
    ctx.log_instead(&[&b"SREM"[..], key, &member]);
    ctx.notify(Class::SET, "spop", key);
    ctx.notify_if_gone(key);
    ctx.dirty(1);
    out.bulk(&member);
    Ok(())
}
