//! Commands on sets: adding, removing, asking and iterating. Random members are in [`random`], operations between sets
//! in [`algebra`].

mod algebra;
mod random;

use super::args;
use super::ctx::Ctx;
use super::scan::{Options, Scanned};
use super::table::{Command, Flags, Group, Keys};
use crate::error::Result;
use crate::events::Class;
use crate::reply::ReplySink;

/// What most rows have in common: one key in front.
const SET: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::NONE,
    keys: Keys::Range(1, 1, 1),
    group: Group::Set,
    categories: &[],
    since: "1.0.0",
    summary: "",
    complexity: "",
    handler: scard,
    subcommands: &[],
};

const READ: Flags = Flags::READONLY;
const FAST_READ: Flags = Flags::READONLY.and(Flags::FAST);
const FAST_WRITE: Flags = Flags::WRITE.and(Flags::FAST);
const GROWING: Flags = Flags::WRITE.and(Flags::DENYOOM);

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "sadd",
        arity: -3,
        flags: GROWING.and(Flags::FAST),
        summary: "Adds members to a set, which is created if it is missing.",
        complexity: "O(1) for each member",
        handler: sadd,
        ..SET
    },
    Command {
        name: "scard",
        arity: 2,
        flags: FAST_READ,
        summary: "Counts the members of a set.",
        complexity: "O(1)",
        handler: scard,
        ..SET
    },
    Command {
        name: "sdiff",
        arity: -2,
        flags: READ,
        keys: Keys::Range(1, -1, 1),
        summary: "Answers the members of the first set that are in none of the others.",
        complexity: "O(N) where N is the number of members of all sets",
        handler: algebra::sdiff,
        ..SET
    },
    Command {
        name: "sdiffstore",
        arity: -3,
        flags: GROWING,
        keys: Keys::Range(1, -1, 1),
        summary: "Stores the members of the first set that are in none of the others.",
        complexity: "O(N) where N is the number of members of all sets",
        handler: algebra::sdiffstore,
        ..SET
    },
    Command {
        name: "sinter",
        arity: -2,
        flags: READ,
        keys: Keys::Range(1, -1, 1),
        summary: "Answers the members that are in all sets.",
        complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
        handler: algebra::sinter,
        ..SET
    },
    Command {
        name: "sintercard",
        arity: -3,
        flags: READ.and(Flags::MOVABLEKEYS),
        keys: Keys::Counted(1),
        since: "7.0.0",
        summary: "Counts the members that are in all sets, up to a limit.",
        complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
        handler: algebra::sintercard,
        ..SET
    },
    Command {
        name: "sinterstore",
        arity: -3,
        flags: GROWING,
        keys: Keys::Range(1, -1, 1),
        summary: "Stores the members that are in all sets.",
        complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
        handler: algebra::sinterstore,
        ..SET
    },
    Command {
        name: "sismember",
        arity: 3,
        flags: FAST_READ,
        summary: "Tells whether something is a member of a set.",
        complexity: "O(1)",
        handler: sismember,
        ..SET
    },
    Command {
        name: "smembers",
        arity: 2,
        flags: READ,
        summary: "Answers all members of a set.",
        complexity: "O(N) where N is the number of members",
        handler: smembers,
        ..SET
    },
    Command {
        name: "smismember",
        arity: -3,
        flags: FAST_READ,
        since: "6.2.0",
        summary: "Tells of several things whether they are members of a set.",
        complexity: "O(N) where N is the number of things asked for",
        handler: smismember,
        ..SET
    },
    Command {
        name: "smove",
        arity: 4,
        flags: FAST_WRITE,
        keys: Keys::Range(1, 2, 1),
        summary: "Moves a member from one set to another.",
        complexity: "O(1)",
        handler: smove,
        ..SET
    },
    Command {
        name: "spop",
        arity: -2,
        flags: FAST_WRITE,
        summary: "Removes random members from a set and answers them.",
        complexity: "O(N) where N is the number of members popped",
        handler: random::spop,
        ..SET
    },
    Command {
        name: "srandmember",
        arity: -2,
        flags: READ,
        summary: "Answers random members of a set.",
        complexity: "O(N) where N is the number of members answered",
        handler: random::srandmember,
        ..SET
    },
    Command {
        name: "srem",
        arity: -3,
        flags: FAST_WRITE,
        summary: "Removes members from a set; an empty set is deleted.",
        complexity: "O(N) where N is the number of members to remove",
        handler: srem,
        ..SET
    },
    Command {
        name: "sscan",
        arity: -3,
        flags: READ,
        since: "2.8.0",
        summary: "Iterates over the members of a set.",
        complexity: "O(1) for each call, O(N) for a whole iteration",
        handler: sscan,
        ..SET
    },
    Command {
        name: "sunion",
        arity: -2,
        flags: READ,
        keys: Keys::Range(1, -1, 1),
        summary: "Answers the members of all sets together.",
        complexity: "O(N) where N is the number of members of all sets",
        handler: algebra::sunion,
        ..SET
    },
    Command {
        name: "sunionstore",
        arity: -3,
        flags: GROWING,
        keys: Keys::Range(1, -1, 1),
        summary: "Stores the members of all sets together.",
        complexity: "O(N) where N is the number of members of all sets",
        handler: algebra::sunionstore,
        ..SET
    },
];

fn sadd(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, members) = (ctx.argv[1], &ctx.argv[2..]);
    let added = ctx.modify_set(key, true, |set, limits| {
        set.prepare(members[0], members.len(), limits);
        members.iter().filter(|member| set.add(member, limits)).count()
    })?;
    let added = added.unwrap_or(0);
    if added > 0 {
        ctx.notify(Class::SET, "sadd", key);
    }
    ctx.dirty(added);
    out.int(added as i64);
    Ok(())
}

fn srem(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, members) = (ctx.argv[1], &ctx.argv[2..]);
    let removed =
        ctx.modify_set(key, false, |set, _| members.iter().filter(|member| set.remove(member)).count())?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.notify(Class::SET, "srem", key);
        ctx.notify_if_gone(key);
    }
    ctx.dirty(removed);
    out.int(removed as i64);
    Ok(())
}

fn smove(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (from, to, member) = (ctx.argv[1], ctx.argv[2], ctx.argv[3]);
    // A missing source answers before the destination's type is looked at.
    let source = if ctx.check_type(from, "set")? { ctx.set(from)? } else { None };
    let Some(source) = source else {
        out.int(0);
        return Ok(());
    };
    let is_member = source.contains(member);
    ctx.check_type(to, "set")?;
    if is_member && from != to {
        ctx.modify_set(from, false, |set, _| set.remove(member))?;
        ctx.notify(Class::SET, "srem", from);
        ctx.notify_if_gone(from);
        let added = ctx.modify_set(to, true, |set, limits| {
            set.prepare(member, 1, limits);
            set.add(member, limits)
        })?;
        if added == Some(true) {
            ctx.notify(Class::SET, "sadd", to);
        }
        ctx.dirty(if added == Some(true) { 2 } else { 1 });
    }
    out.int(i64::from(is_member));
    Ok(())
}

fn sismember(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let is_member = ctx.set(ctx.argv[1])?.is_some_and(|set| set.contains(ctx.argv[2]));
    out.int(i64::from(is_member));
    Ok(())
}

fn smismember(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (set, members) = (ctx.set(ctx.argv[1])?, &ctx.argv[2..]);
    out.array(members.len());
    for member in members {
        out.int(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

fn scard(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.set(ctx.argv[1])?.map_or(0, |set| set.len() as i64));
    Ok(())
}

fn smembers(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let Some(set) = ctx.set(ctx.argv[1])? else {
        out.set(0);
        return Ok(());
    };
    out.set(set.len());
    set.iter().for_each(|member| out.element(member));
    Ok(())
}

fn sscan(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let cursor = args::cursor(ctx.argv[2])?;
    let Some(set) = ctx.set(ctx.argv[1])? else {
        // Redis does not look at the options then.
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let options = Options::parse(&ctx.argv[3..], Scanned::Members)?;
    let mut found = Vec::new();
    let next = set.scan(cursor, options.count, |member| {
        if options.wants_element(member) {
            found.push(member);
        }
    });
    out.array(2);
    out.cursor(next);
    out.array(found.len());
    found.into_iter().for_each(|member| out.element(member));
    Ok(())
}

#[cfg(test)]
mod tests;
