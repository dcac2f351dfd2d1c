//! ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD. Sets may stand among the inputs: their members count 1.

use std::collections::HashMap;

use super::super::args;
use super::super::ctx::Ctx;
use super::range::store;
use super::{log_plain_numbers, members_head, put_member};
use crate::encoding::listpack::LpValue;
use crate::encoding::num::NumBuf;
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::member::{Member, MemberSet};
use crate::value::set::Set;
use crate::value::zset::{Builder, ZSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// What becomes of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Reply,
    Store,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// The sum of both infinities is 0 by convention.
    fn apply(self, target: f64, value: f64) -> f64 {
        match self {
            Aggregate::Sum => zero_for_nan(target + value),
            Aggregate::Min => {
                if value < target {
                    value
                } else {
                    target
                }
            }
            Aggregate::Max => {
                if value > target {
                    value
                } else {
                    target
                }
            }
        }
    }
}

fn zero_for_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

#[derive(Clone, Copy)]
enum Input<'a> {
    Missing,
    Set(&'a Set),
    ZSet(&'a ZSet),
}

impl<'a> Input<'a> {
    fn at(ctx: &'a Ctx<'_>, key: &[u8]) -> Result<Self> {
        Ok(if matches!(ctx.check_type(key, "set"), Ok(true)) {
            ctx.set(key)?.map_or(Input::Missing, Input::Set)
        } else {
            ctx.zset(key)?.map_or(Input::Missing, Input::ZSet)
        })
    }

    fn len(self) -> usize {
        match self {
            Input::Missing => 0,
            Input::Set(set) => set.len(),
            Input::ZSet(zset) => zset.len(),
        }
    }

    fn score(self, member: LpValue<'_>) -> Option<f64> {
        match self {
            Input::Missing => None,
            Input::Set(set) => set.contains_value(member).then_some(1.0),
            Input::ZSet(zset) => zset.score(member.as_bytes(&mut NumBuf::new())),
        }
    }

    fn iter(self) -> Box<dyn Iterator<Item = (LpValue<'a>, f64)> + 'a> {
        match self {
            Input::Missing => Box::new(std::iter::empty()),
            Input::Set(set) => Box::new(set.iter().map(|member| (member, 1.0))),
            Input::ZSet(zset) => Box::new(zset.iter()),
        }
    }
}

/// A parsed command.
struct Query<'a> {
    inputs: Vec<(Input<'a>, f64)>,
    aggregate: Aggregate,
    scores: bool,
    /// 0: none.
    limit: usize,
    /// Where weights stand among the arguments.
    weights: Vec<usize>,
}

impl<'a> Query<'a> {
    /// Parses from `numkeys` on. Redis looks the keys up before it reads the options; errors come in that order.
    fn parse(ctx: &'a Ctx<'_>, at: usize, operation: Operation, wanted: Use) -> Result<Self> {
        let argv = ctx.argv;
        let keys = args::int(argv[at])?;
        if keys < 1 {
            let name = String::from_utf8_lossy(argv[0]).to_lowercase();
            return Err(Error::command(format!("ERR at least 1 input key is needed for '{name}' command")));
        }
        let (keys, mut rest) = usize::try_from(keys)
            .ok()
            .and_then(|keys| argv[at + 1..].split_at_checked(keys))
            .ok_or_else(Error::syntax)?;
        let inputs = keys.iter().map(|key| Ok((Input::at(ctx, key)?, 1.0))).collect::<Result<_>>()?;
        let mut query = Query { inputs, aggregate: Aggregate::Sum, scores: false, limit: 0, weights: vec![] };
        let weighed = operation != Operation::Diff && wanted != Use::Count;
        while let Some((name, after)) = rest.split_first() {
            rest = match after {
                _ if weighed && after.len() >= keys.len() && args::is(name, "weights") => {
                    let first = argv.len() - after.len();
                    query.weights.extend(first..first + keys.len());
                    let (weights, after) = after.split_at(keys.len());
                    for ((_, weight), arg) in query.inputs.iter_mut().zip(weights) {
                        *weight = args::float(arg)
                            .map_err(|_| Error::command("ERR weight value is not a float"))?;
                    }
                    after
                }
                [how, after @ ..] if weighed && args::is(name, "aggregate") => {
                    query.aggregate = aggregate(how)?;
                    after
                }
                _ if wanted == Use::Reply && args::is(name, "withscores") => {
                    query.scores = true;
                    after
                }
                [limit, after @ ..] if wanted == Use::Count && args::is(name, "limit") => {
                    const NEGATIVE: &str = "ERR LIMIT can't be negative";
                    let limit = args::int_or(limit, NEGATIVE)?;
                    query.limit = usize::try_from(limit).map_err(|_| Error::command(NEGATIVE))?;
                    after
                }
                _ => return Err(Error::syntax()),
            };
        }
        if operation != Operation::Diff {
            // The smallest first, as in Redis: the order shows in sums of floats.
            query.inputs.sort_by_key(|(input, _)| input.len());
        }
        Ok(query)
    }

    /// The result, in no particular order.
    fn run(&self, operation: Operation) -> Vec<(LpValue<'a>, f64)> {
        match operation {
            Operation::Union => self.union(),
            Operation::Inter => {
                let mut all = Vec::new();
                self.inter(|member, score| {
                    all.push((member, score));
                    true
                });
                all
            }
            Operation::Diff => self.diff(),
        }
    }

    fn union(&self) -> Vec<(LpValue<'a>, f64)> {
        let largest = self.inputs.last().map_or(0, |(input, _)| input.len());
        let mut all: HashMap<Member<'a>, f64, foldhash::quality::RandomState> =
            HashMap::with_capacity_and_hasher(largest, Default::default());
        for (input, weight) in &self.inputs {
            for (member, score) in input.iter() {
                let score = zero_for_nan(weight * score);
                all.entry(member.into())
                    .and_modify(|sum| *sum = self.aggregate.apply(*sum, score))
                    .or_insert(score);
            }
        }
        all.into_iter().map(|(member, score)| (member.value(), score)).collect()
    }

    /// Gives each common member to `each`, until that says no.
    fn inter(&self, mut each: impl FnMut(LpValue<'a>, f64) -> bool) {
        let Some(((first, weight), others)) = self.inputs.split_first() else { return };
        for (member, score) in first.iter() {
            let common = others.iter().try_fold(zero_for_nan(weight * score), |sum, (other, weight)| {
                Some(self.aggregate.apply(sum, weight * other.score(member)?))
            });
            if let Some(score) = common
                && !each(member, score)
            {
                return;
            }
        }
    }

    fn diff(&self) -> Vec<(LpValue<'a>, f64)> {
        let Some(((first, _), others)) = self.inputs.split_first() else { return Vec::new() };
        let subtracted: usize = others.iter().map(|(other, _)| other.len()).sum();
        if subtracted < first.len() {
            // One pass over all, rather than a search in every other for each member of the first.
            let gone: MemberSet<'a> =
                others.iter().flat_map(|(other, _)| other.iter()).map(|(member, _)| member.into()).collect();
            return first.iter().filter(|(member, _)| !gone.contains(&(*member).into())).collect();
        }
        let absent = |member| others.iter().all(|(other, _)| other.score(member).is_none());
        first.iter().filter(|(member, _)| absent(*member)).collect()
    }
}

fn aggregate(arg: &[u8]) -> Result<Aggregate> {
    match () {
        () if args::is(arg, "sum") => Ok(Aggregate::Sum),
        () if args::is(arg, "min") => Ok(Aggregate::Min),
        () if args::is(arg, "max") => Ok(Aggregate::Max),
        () => Err(Error::syntax()),
    }
}

fn reply(ctx: &mut Ctx<'_>, operation: Operation, out: &mut dyn ReplySink) -> Result<()> {
    let query = Query::parse(ctx, 1, operation, Use::Reply)?;
    let mut all: Vec<(f64, Vec<u8>)> =
        query.run(operation).into_iter().map(|(member, score)| (score, member.to_vec())).collect();
    all.sort_unstable_by(|a, b| {
        a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.1.cmp(&b.1))
    });
    members_head(out, all.len(), query.scores);
    for (score, member) in &all {
        put_member(out, LpValue::Str(member), query.scores.then_some(*score));
    }
    Ok(())
}

fn keep(ctx: &mut Ctx<'_>, operation: Operation, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let query = Query::parse(ctx, 2, operation, Use::Store)?;
    let all = query.run(operation);
    let mut result = Builder::new(all.len());
    for (member, score) in all {
        result.add_value(member, score);
    }
    let result = result.finish(&ctx.limits());
    let weights = query.weights;
    log_plain_numbers(ctx, weights.into_iter());
    let event = match operation {
        Operation::Union => "zunionstore",
        Operation::Inter => "zinterstore",
        Operation::Diff => "zdiffstore",
    };
    store(ctx, argv[1], event, result, out);
    Ok(())
}

pub(super) fn zunion(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Operation::Union, out)
}

pub(super) fn zinter(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Operation::Inter, out)
}

pub(super) fn zdiff(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    reply(ctx, Operation::Diff, out)
}

pub(super) fn zunionstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    keep(ctx, Operation::Union, out)
}

pub(super) fn zinterstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    keep(ctx, Operation::Inter, out)
}

pub(super) fn zdiffstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    keep(ctx, Operation::Diff, out)
}

pub(super) fn zintercard(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let query = Query::parse(ctx, 1, Operation::Inter, Use::Count)?;
    let mut count = 0;
    query.inter(|_, _| {
        count += 1;
        count != query.limit
    });
    out.int(count as i64);
    Ok(())
}
