//! GEOSEARCH, GEORADIUS, GEORADIUSBYMEMBER and their kin: one search under many names.

use std::cmp::Ordering;

use super::super::args;
use super::super::ctx::Ctx;
use super::super::zsets;
use super::order::sort_first;
use super::shape::{Form, Shape};
use super::{place, put_distance, put_place, unit};
use crate::encoding::geohash::Place;
use crate::encoding::listpack::LpValue;
use crate::encoding::num::{NumBuf, fmt_f64};
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::zset::{Builder, ScoreBound, ZSet};

/// Which command it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Radius,
    RadiusByMember,
    Search,
    SearchStore,
}

/// A parsed command.
struct Query<'a> {
    /// Nothing when the key is missing and the shape depended on it.
    shape: Option<Shape>,
    with_distance: bool,
    with_hash: bool,
    with_place: bool,
    /// Nothing: all.
    count: Option<usize>,
    /// The first that are found will do.
    any: bool,
    order: Option<Order>,
    store: Option<&'a [u8]>,
    store_distance: bool,
    /// Whether every server reads the command as this one does.
    is_plain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Near,
    Far,
}

/// What an argument list has said so far.
#[derive(Default)]
struct Said {
    from_member: bool,
    from_place: bool,
    center: Option<Place>,
    form: Option<(Form, f64)>,
    polygon: Option<Shape>,
}

/// The numbers an option has, and what follows it.
type Heard<'r, 'a> = (&'r [&'a [u8]], &'r [&'a [u8]]);

/// A place that was found.
struct Found<'a> {
    member: LpValue<'a>,
    place: Place,
    score: f64,
    /// Meters.
    distance: f64,
}

impl<'a> Query<'a> {
    fn parse(argv: &[&'a [u8]], name: Name, may_store: bool, zset: Option<&ZSet>) -> Result<Self> {
        let mut query = Query {
            shape: None,
            with_distance: false,
            with_hash: false,
            with_place: false,
            count: None,
            any: false,
            order: None,
            store: (name == Name::SearchStore).then(|| argv[1]),
            store_distance: false,
            is_plain: true,
        };
        let searches = matches!(name, Name::Search | Name::SearchStore);
        let mut said = Said::default();
        let mut rest = match name {
            Name::Radius => {
                said.center = Some(place(argv[2], argv[3])?);
                said.form = Some(circle(argv[4], argv[5])?);
                query.is_plain = argv[2..5].iter().all(|number| zsets::is_plain(number));
                &argv[6..]
            }
            Name::RadiusByMember => {
                // Without a key even nonsense is no mistake.
                if let Some(zset) = zset {
                    said.center = Some(member(zset, argv[2])?);
                    said.form = Some(circle(argv[3], argv[4])?);
                    query.is_plain = zsets::is_plain(argv[3]);
                }
                &argv[5..]
            }
            Name::Search => &argv[2..],
            Name::SearchStore => &argv[3..],
        };
        while let Some((word, after)) = rest.split_first() {
            let is = |name| args::is(word, name);
            let numbers: &[&[u8]];
            (numbers, rest) = match after {
                _ if is("withdist") => query.flag(|q| q.with_distance = true, after),
                _ if is("withhash") => query.flag(|q| q.with_hash = true, after),
                _ if is("withcoord") => query.flag(|q| q.with_place = true, after),
                _ if is("any") => query.flag(|q| q.any = true, after),
                _ if is("asc") => query.flag(|q| q.order = Some(Order::Near), after),
                _ if is("desc") => query.flag(|q| q.order = Some(Order::Far), after),
                [count, after @ ..] if is("count") => {
                    let count = args::int(count)?;
                    let count = usize::try_from(count).ok().filter(|count| *count > 0);
                    query.count = Some(count.ok_or_else(|| Error::command("ERR COUNT must be > 0"))?);
                    (&after[..0], after)
                }
                [key, after @ ..] if !searches && may_store && (is("store") || is("storedist")) => {
                    query.store = Some(key);
                    query.store_distance = is("storedist");
                    (&after[..0], after)
                }
                _ if name == Name::SearchStore && is("storedist") => {
                    query.flag(|q| q.store_distance = true, after)
                }
                _ if searches => said.hear(word, after, zset)?,
                _ => return Err(Error::syntax()),
            };
            query.is_plain &= numbers.iter().all(|number| zsets::is_plain(number));
        }
        query.check(argv[0], searches, &said)?;
        query.is_plain &= said.polygon.is_none();
        query.shape = said.polygon.or_else(|| {
            let (form, unit) = said.form?;
            Some(Shape { center: said.center?, form, unit })
        });
        Ok(query)
    }

    fn flag<'r>(&mut self, set: impl FnOnce(&mut Self), rest: &'r [&'a [u8]]) -> Heard<'r, 'a> {
        set(self);
        (&[], rest)
    }

    /// What only shows when everything was read.
    fn check(&self, command: &[u8], searches: bool, said: &Said) -> Result<()> {
        let command = args::shown(command, args::SHOWN_MAX);
        if self.store.is_some() && (self.with_distance || self.with_hash || self.with_place) {
            let what = if searches { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            let text = format!("ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
            return Err(Error::command(text));
        }
        if searches && !said.from_member && !said.from_place && said.polygon.is_none() {
            let text = format!("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {command}");
            return Err(Error::command(text));
        }
        if searches && said.form.is_none() && said.polygon.is_none() {
            let text = format!("ERR exactly one of BYRADIUS and BYBOX can be specified for {command}");
            return Err(Error::command(text));
        }
        if self.any && self.count.is_none() {
            return Err(Error::command("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }
}

impl Said {
    /// Reads an option that says where to search.
    fn hear<'r, 'a>(
        &mut self,
        word: &[u8],
        after: &'r [&'a [u8]],
        zset: Option<&ZSet>,
    ) -> Result<Heard<'r, 'a>> {
        let is = |name| args::is(word, name);
        let by_box = matches!(self.form, Some((Form::Box { .. }, _)));
        let by_radius = matches!(self.form, Some((Form::Circle { .. }, _)));
        let by_polygon = self.polygon.is_some();
        match after {
            [name, rest @ ..] if is("frommember") && !self.from_place && !by_polygon => {
                if let Some(zset) = zset {
                    self.center = Some(member(zset, name)?);
                }
                self.from_member = true;
                Ok((&[], rest))
            }
            [lon, lat, rest @ ..] if is("fromlonlat") && !self.from_member && !by_polygon => {
                self.center = Some(place(lon, lat)?);
                self.from_place = true;
                Ok((&after[..2], rest))
            }
            [radius, name, rest @ ..] if is("byradius") && !by_box && !by_polygon => {
                self.form = Some(circle(radius, name)?);
                Ok((&after[..1], rest))
            }
            [width, height, name, rest @ ..] if is("bybox") && !by_radius && !by_polygon => {
                let number = |arg, text: &'static str| args::float(arg).map_err(|_| Error::command(text));
                let width = number(width, "ERR need numeric width")?;
                let height = number(height, "ERR need numeric height")?;
                if width < 0.0 || height < 0.0 {
                    return Err(Error::command("ERR height or width cannot be negative"));
                }
                self.form = Some((Form::Box { width, height }, unit(name)?));
                Ok((&after[..2], rest))
            }
            [count, rest @ ..]
                if is("bypolygon")
                    && !rest.is_empty()
                    && self.form.is_none()
                    && !self.from_member
                    && !self.from_place =>
            {
                let count = args::int_or(count, "ERR invalid number of vertices")?;
                let count =
                    i32::try_from(count).map_err(|_| Error::command("ERR invalid number of vertices"))?;
                let count = usize::try_from(count).unwrap_or(0);
                if count < 3 || rest.len() / 2 < count {
                    return Err(Error::command("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"));
                }
                let (numbers, rest) = rest.split_at(2 * count);
                let corners = numbers.as_chunks::<2>().0.iter().map(|[lon, lat]| place(lon, lat));
                self.polygon = Some(Shape::polygon(corners.collect::<Result<_>>()?));
                Ok((numbers, rest))
            }
            _ => Err(Error::syntax()),
        }
    }
}

fn circle(radius: &[u8], name: &[u8]) -> Result<(Form, f64)> {
    let radius = args::float(radius).map_err(|_| Error::command("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Error::command("ERR radius cannot be negative"));
    }
    Ok((Form::Circle { radius }, unit(name)?))
}

fn member(zset: &ZSet, name: &[u8]) -> Result<Place> {
    let score = zset.score(name);
    score.map(Place::of_score).ok_or_else(|| Error::command("ERR could not decode requested zset member"))
}

/// The places in the shape, in the order of its cells; at most `limit`.
fn find<'a>(zset: &'a ZSet, shape: &Shape, limit: usize) -> Vec<Found<'a>> {
    let mut all = Vec::new();
    for cell in shape.cells() {
        let (first, end) = cell.scores();
        let first = ScoreBound { score: first, open: false };
        let ranks = zset.ranks_by_score(first, ScoreBound { score: end, open: true });
        for (member, score) in zset.range(ranks) {
            if all.len() >= limit {
                return all;
            }
            let place = Place::of_score(score);
            if let Some(distance) = shape.distance_within(place) {
                all.push(Found { member, place, score, distance });
            }
        }
    }
    all
}

fn search(ctx: &mut Ctx<'_>, name: Name, may_store: bool, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let zset = ctx.zset(argv[if name == Name::SearchStore { 2 } else { 1 }])?;
    let query = Query::parse(argv, name, may_store, zset)?;
    let mut found = match (zset, &query.shape) {
        (Some(zset), Some(shape)) => {
            find(zset, shape, query.count.filter(|_| query.any).unwrap_or(usize::MAX))
        }
        _ => Vec::new(),
    };
    // A count without an order means the nearest.
    let order = query.order.or_else(|| query.count.filter(|_| !query.any).map(|_| Order::Near));
    let count = query.count.unwrap_or(usize::MAX).min(found.len());
    if let Some(order) = order {
        sort_first(&mut found, count, |a, b| {
            let near = a.distance.partial_cmp(&b.distance).unwrap_or(Ordering::Equal);
            if order == Order::Near { near } else { near.reverse() }
        });
    }
    found.truncate(count);
    let unit = query.shape.as_ref().map_or(1.0, |shape| shape.unit);
    match query.store {
        None => {
            put_found(&query, &found, unit, out);
            Ok(())
        }
        Some(key) => {
            let score = |found: &Found<'_>| {
                if query.store_distance { found.distance / unit } else { found.score }
            };
            let mut result = Builder::new(found.len());
            for place in &found {
                // Of a member that lies in two cells of a very coarse search, one is enough.
                let _ = result.add(place.member.as_bytes(&mut NumBuf::new()), score(place));
            }
            let result = result.finish(&ctx.limits());
            let outcome = (!query.is_plain).then(|| {
                let mut words = vec![b"ZADD".to_vec(), key.to_vec()];
                for place in &found {
                    words.push(fmt_f64(score(place)).as_bytes().to_vec());
                    words.push(place.member.to_vec());
                }
                words
            });
            let event = if name == Name::SearchStore { "geosearchstore" } else { "georadiusstore" };
            store(ctx, key, event, result, outcome, out);
            Ok(())
        }
    }
}

/// Stores a result. Older servers may not be able to read the command: then the log gets the outcome.
fn store(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    event: &'static str,
    result: ZSet,
    outcome: Option<Vec<Vec<u8>>>,
    out: &mut dyn ReplySink,
) {
    if let Some(words) = outcome {
        ctx.log_instead(&[b"DEL", key]);
        if !result.is_empty() {
            ctx.log_instead(&words);
        }
    }
    ctx.dirty(result.len().saturating_sub(1));
    zsets::store(ctx, key, event, result, out);
}

fn put_found(query: &Query<'_>, found: &[Found<'_>], unit: f64, out: &mut dyn ReplySink) {
    let more = [query.with_distance, query.with_hash, query.with_place].iter().filter(|with| **with).count();
    out.array(found.len());
    for Found { member, place, score, distance } in found {
        if more > 0 {
            out.array(more + 1);
        }
        out.element(*member);
        if query.with_distance {
            put_distance(out, distance / unit);
        }
        if query.with_hash {
            out.int(*score as i64);
        }
        if query.with_place {
            put_place(out, *place);
        }
    }
}

pub(super) fn georadius(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::Radius, true, out)
}

pub(super) fn georadius_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::Radius, false, out)
}

pub(super) fn georadiusbymember(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::RadiusByMember, true, out)
}

pub(super) fn georadiusbymember_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::RadiusByMember, false, out)
}

pub(super) fn geosearch(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::Search, false, out)
}

pub(super) fn geosearchstore(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    search(ctx, Name::SearchStore, false, out)
}
