//! Intersections, unions and differences: answered, counted, or stored in a new set.
//!
//! Nothing is copied to find the members: results are borrowed elements. What is stored gets the form Redis would give
//! it, which depends on the order in which Redis adds and on the sets it started from.

use crate::command::args;
use crate::command::ctx::Ctx;
use crate::encoding::listpack::LpValue;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::Expiry;
use crate::reply::ReplySink;
use crate::value::member::{Member, MemberSet};
use crate::value::set::Set;
use crate::value::{Limits, Value};

/// The sets at `keys`; all are looked at before anything is answered, so a wrong type is always refused.
fn sets_at<'c>(ctx: &'c Ctx<'_>, keys: &[&[u8]]) -> Result<Vec<Option<&'c Set>>> {
    keys.iter().map(|key| ctx.set(key)).collect()
}

pub(super) fn sinter(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[1..])?;
    let found: Vec<LpValue<'_>> = intersection(&by_size(&sets)).collect();
    answer(&found, out);
    Ok(())
}

pub(super) fn sinterstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[2..])?;
    let sets = by_size(&sets);
    let found: Vec<LpValue<'_>> = intersection(&sets).collect();
    let of_intset = matches!(sets.first(), Some(Set::Intset(_)));
    let result = Set::from_intersection(&found, of_intset, &ctx.limits());
    store(ctx, "sinterstore", result, out);
    Ok(())
}

pub(super) fn sintercard(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    const NOT_POSITIVE: &str = "ERR numkeys should be greater than 0";
    const NEGATIVE: &str = "ERR LIMIT can't be negative";
    let count = args::int_or(ctx.argv[1], NOT_POSITIVE)?;
    let count = usize::try_from(count).ok().filter(|n| *n > 0).ok_or(Error::command(NOT_POSITIVE))?;
    let (keys, mut options) = ctx.argv[2..]
        .split_at_checked(count)
        .ok_or(Error::command("ERR Number of keys can't be greater than number of args"))?;
    let mut limit = 0;
    while let Some((&name, rest)) = options.split_first() {
        let Some((&value, rest)) = rest.split_first().filter(|_| args::is(name, "limit")) else {
            return Err(Error::syntax());
        };
        limit = usize::try_from(args::int_or(value, NEGATIVE)?).map_err(|_| Error::command(NEGATIVE))?;
        options = rest;
    }
    let sets = sets_at(ctx, keys)?;
    let most = if limit == 0 { usize::MAX } else { limit };
    let found = intersection(&by_size(&sets)).take(most).count();
    out.int(found as i64);
    Ok(())
}

/// The sets from the smallest to the largest; none at all when one is missing, since then nothing is common.
fn by_size<'s>(sets: &[Option<&'s Set>]) -> Vec<&'s Set> {
    let mut sets: Vec<&Set> = sets.iter().copied().collect::<Option<_>>().unwrap_or_default();
    sets.sort_by_cached_key(|set| set.len());
    sets
}

/// The members of the first set that all others have.
fn intersection<'s>(sets: &[&'s Set]) -> impl Iterator<Item = LpValue<'s>> {
    let (smallest, others) = match sets.split_first() {
        Some((smallest, others)) => (Some(*smallest), others.to_vec()),
        None => (None, Vec::new()),
    };
    let others: Vec<&Set> = others
        .into_iter()
        .filter(|set| smallest.is_none_or(|smallest| !std::ptr::eq(smallest, *set)))
        .collect();
    let members = smallest.into_iter().flat_map(Set::iter);
    members.filter(move |&member| others.iter().all(|set| set.contains_value(member)))
}

pub(super) fn sunion(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[1..])?;
    answer(&union(sets.into_iter().flatten().collect()), out);
    Ok(())
}

/// Up to this many sets a member is looked up in those before its own; with more, what was found is remembered.
const UNION_LOOKUPS: usize = 8;

/// The members of all sets, each once. The largest set comes first: its members are taken without asking.
fn union<'s>(mut sets: Vec<&'s Set>) -> Vec<LpValue<'s>> {
    sets.sort_by_cached_key(|set| std::cmp::Reverse(set.len()));
    let mut found = Vec::with_capacity(sets.first().map_or(0, |set| set.len()));
    if sets.len() <= UNION_LOOKUPS {
        for (i, set) in sets.iter().enumerate() {
            let before = &sets[..i];
            found.extend(
                set.iter().filter(|&member| !before.iter().any(|other| other.contains_value(member))),
            );
        }
    } else {
        let mut seen = MemberSet::with_capacity_and_hasher(found.capacity(), Default::default());
        found
            .extend(sets.into_iter().flat_map(Set::iter).filter(|&member| seen.insert(Member::from(member))));
    }
    found
}

pub(super) fn sunionstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[2..])?;
    let limits = ctx.limits();
    let mut result = Set::new();
    for member in sets.into_iter().flatten().flat_map(Set::iter) {
        result.add_value(member, &limits);
    }
    store(ctx, "sunionstore", result, out);
    Ok(())
}

pub(super) fn sdiff(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[1..])?;
    let found = match Difference::plan(&sets) {
        None => Vec::new(),
        Some(plan) if plan.lookup => plan.remaining().collect(),
        Some(plan) => {
            let gone: MemberSet<'_> =
                plan.others.iter().flat_map(|set| set.iter()).map(Member::from).collect();
            plan.first.iter().filter(|&member| !gone.contains(&Member::from(member))).collect()
        }
    };
    answer(&found, out);
    Ok(())
}

pub(super) fn sdiffstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let sets = sets_at(ctx, &ctx.argv[2..])?;
    let limits = ctx.limits();
    let result = match Difference::plan(&sets) {
        None => Set::new(),
        Some(plan) if plan.lookup => collect(plan.remaining(), &limits),
        // The form is that of the whole first set then, as in Redis.
        Some(plan) => {
            let mut result = collect(plan.first.iter(), &limits);
            for member in plan.others.iter().flat_map(|set| set.iter()) {
                if result.is_empty() {
                    break;
                }
                result.remove_value(member);
            }
            result
        }
    };
    store(ctx, "sdiffstore", result, out);
    Ok(())
}

/// How to find the members of the first set that no other has.
struct Difference<'s> {
    first: &'s Set,
    /// From the largest on when they are looked up in: repeats are found sooner.
    others: Vec<&'s Set>,
    /// Look each member up in the others, rather than going through the others: Redis's choice, and its estimate.
    lookup: bool,
}

impl<'s> Difference<'s> {
    /// `None` when nothing can remain: the first set is missing, or is subtracted from itself.
    fn plan(sets: &[Option<&'s Set>]) -> Option<Self> {
        let first = sets.first().copied().flatten()?;
        let mut others: Vec<&Set> = sets[1..].iter().copied().flatten().collect();
        if others.iter().any(|set| std::ptr::eq(*set, first)) {
            return None;
        }
        let by_lookup = first.len().saturating_mul(others.len() + 1) / 2;
        let by_removal = others.iter().fold(first.len(), |sum, set| sum.saturating_add(set.len()));
        let lookup = by_lookup <= by_removal;
        if lookup {
            others.sort_by_cached_key(|set| std::cmp::Reverse(set.len()));
        }
        Some(Self { first, others, lookup })
    }

    fn remaining(&self) -> impl Iterator<Item = LpValue<'s>> {
        self.first.iter().filter(|&member| !self.others.iter().any(|set| set.contains_value(member)))
    }
}

/// A new set of `members`, one after the other.
fn collect<'s>(members: impl Iterator<Item = LpValue<'s>>, limits: &Limits) -> Set {
    let mut set = Set::new();
    members.for_each(|member| _ = set.add_value(member, limits));
    set
}

fn answer(members: &[LpValue<'_>], out: &mut dyn ReplySink) {
    out.set(members.len());
    members.iter().for_each(|&member| out.element(member));
}

/// Puts the result under the first key, or deletes that key when the result is empty; answers its size.
fn store(ctx: &mut Ctx<'_>, event: &'static str, result: Set, out: &mut dyn ReplySink) {
    let (key, len) = (ctx.argv[1], result.len());
    let changed = if len == 0 {
        ctx.remove(key)
    } else {
        ctx.set_value(key, Value::Set(result), Expiry::Clear);
        true
    };
    match len {
        0 if changed => ctx.notify(Class::GENERIC, "del", key),
        0 => {}
        _ => ctx.notify(Class::SET, event, key),
    }
    ctx.dirty(usize::from(changed));
    out.int(len as i64);
}
