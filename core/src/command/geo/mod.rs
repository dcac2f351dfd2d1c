//! Places: members of sorted sets whose scores are geohashes of 52 bits. Here are adding and looking up; searches are in
//! [`search`], the shapes they look in and the cells that cover these in [`shape`].

mod order;
mod search;
mod shape;

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys};
use super::zsets;
use crate::encoding::geohash::Place;
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::reply::ReplySink;
use crate::value::zset::AddOptions;

/// What most rows have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::READONLY,
    keys: Keys::Range(1, 1, 1),
    group: Group::Geo,
    categories: &[],
    since: "3.2.0",
    summary: "",
    complexity: "",
    handler: geopos,
    subcommands: &[],
};
const WRITE: Command = Command { flags: Flags::WRITE.and(Flags::DENYOOM), ..READ };
/// `STORE key` stands somewhere behind.
const MAY_STORE: Command = Command { flags: WRITE.flags.and(Flags::MOVABLEKEYS), ..READ };

const LOOKED_UP: &str = "O(1) for each member";
const SEARCHED: &str = "O(N+log(M)) where N is the number of members in the cells around the shape, and M the number of all members.";

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "geoadd",
        arity: -5,
        summary: "Adds places to a sorted set, or moves them. Creates the key if it doesn't exist.",
        complexity: "O(log(N)) for each place, where N is the number of members.",
        handler: geoadd,
        ..WRITE
    },
    Command {
        name: "geodist",
        arity: -4,
        summary: "Returns the distance between two places.",
        complexity: "O(1)",
        handler: geodist,
        ..READ
    },
    Command {
        name: "geohash",
        arity: -2,
        summary: "Returns standard geohashes of places.",
        complexity: LOOKED_UP,
        handler: geohash,
        ..READ
    },
    Command {
        name: "geopos",
        arity: -2,
        summary: "Returns longitudes and latitudes of places.",
        complexity: LOOKED_UP,
        handler: geopos,
        ..READ
    },
    Command {
        name: "georadius",
        arity: -6,
        keys: Keys::OneAndStored(6),
        summary: "Finds the places around a point. May store them.",
        complexity: SEARCHED,
        handler: search::georadius,
        ..MAY_STORE
    },
    Command {
        name: "georadius_ro",
        arity: -6,
        since: "3.2.10",
        summary: "Finds the places around a point.",
        complexity: SEARCHED,
        handler: search::georadius_ro,
        ..READ
    },
    Command {
        name: "georadiusbymember",
        arity: -5,
        keys: Keys::OneAndStored(5),
        summary: "Finds the places around a place. May store them.",
        complexity: SEARCHED,
        handler: search::georadiusbymember,
        ..MAY_STORE
    },
    Command {
        name: "georadiusbymember_ro",
        arity: -5,
        since: "3.2.10",
        summary: "Finds the places around a place.",
        complexity: SEARCHED,
        handler: search::georadiusbymember_ro,
        ..READ
    },
    Command {
        name: "geosearch",
        arity: -7,
        since: "6.2.0",
        summary: "Finds the places in a circle, a box or (as Valkey 9) a polygon.",
        complexity: SEARCHED,
        handler: search::geosearch,
        ..READ
    },
    Command {
        name: "geosearchstore",
        arity: -8,
        keys: Keys::Range(1, 2, 1),
        since: "6.2.0",
        summary: "Stores the places in a circle, a box or (as Valkey 9) a polygon.",
        complexity: SEARCHED,
        handler: search::geosearchstore,
        ..WRITE
    },
];

/// A longitude and a latitude.
fn place(lon: &[u8], lat: &[u8]) -> Result<Place> {
    let place = Place { lon: args::float(lon)?, lat: args::float(lat)? };
    if place.is_valid() {
        return Ok(place);
    }
    let (lon, lat) = (place.lon, place.lat);
    Err(Error::command(format!("ERR invalid longitude,latitude pair {lon:.6},{lat:.6}")))
}

/// How many meters a unit has.
fn unit(name: &[u8]) -> Result<f64> {
    match () {
        () if args::is(name, "m") => Ok(1.0),
        () if args::is(name, "km") => Ok(1000.0),
        () if args::is(name, "ft") => Ok(0.3048),
        () if args::is(name, "mi") => Ok(1609.34),
        () => Err(Error::command("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// A distance with four digits behind the point.
fn put_distance(out: &mut dyn ReplySink, distance: f64) {
    // Rounded as Redis 7.2 rounds, by way of an integer.
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    let (sign, digits) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs());
    out.bulk(format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000).as_bytes());
}

/// A coordinate as servers before Redis 8 print it: seventeen digits behind the point, without zeros at the end. A number
/// under RESP3.
fn put_coordinate(out: &mut dyn ReplySink, degrees: f64) {
    if out.resp3() {
        return out.double(degrees);
    }
    let text = format!("{degrees:.17}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    out.bulk(if text == "-0" { b"0" } else { text.as_bytes() });
}

fn put_place(out: &mut dyn ReplySink, place: Place) {
    out.array(2);
    put_coordinate(out, place.lon);
    put_coordinate(out, place.lat);
}

fn geoadd(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = ctx.argv;
    let mut options = AddOptions::default();
    let mut count_changes = false;
    let mut at = 2;
    while let Some(&arg) = argv.get(at) {
        match () {
            () if args::is(arg, "nx") => options.nx = true,
            () if args::is(arg, "xx") => options.xx = true,
            () if args::is(arg, "ch") => count_changes = true,
            () => break,
        }
        at += 1;
    }
    let (triples, rest) = argv[at..].as_chunks::<3>();
    if triples.is_empty() || !rest.is_empty() || options.nx && options.xx {
        return Err(Error::syntax());
    }
    let scores = triples.iter().map(|[lon, lat, _]| Ok(place(lon, lat)?.score()));
    let scores = scores.collect::<Result<Vec<u64>>>()?;
    let pairs: Vec<(f64, &[u8])> =
        scores.iter().zip(triples).map(|(score, [_, _, member])| (*score as f64, *member)).collect();
    let (new, updated) = zsets::add_members(ctx, argv[1], options, &pairs)?;
    if new + updated > 0 {
        let texts: Vec<_> = scores.iter().map(|score| num::fmt_i64(*score as i64)).collect();
        let mut effect: Vec<&[u8]> = vec![b"ZADD"];
        effect.extend(&argv[1..at]);
        for (score, [_, _, member]) in texts.iter().zip(triples) {
            effect.extend([score.as_bytes(), *member]);
        }
        ctx.log_instead(&effect);
        ctx.dirty(new + updated);
    }
    out.int((if count_changes { new + updated } else { new }) as i64);
    Ok(())
}

fn geodist(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let meters = match ctx.argv[4..] {
        [] => 1.0,
        [name] => unit(name)?,
        _ => return Err(Error::syntax()),
    };
    let zset = ctx.zset(ctx.argv[1])?;
    let find = |member: &[u8]| zset.and_then(|zset| zset.score(member)).map(Place::of_score);
    match find(ctx.argv[2]).zip(find(ctx.argv[3])) {
        Some((one, two)) => put_distance(out, shape::distance(one, two) / meters),
        None => out.null(),
    }
    Ok(())
}

fn geohash(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let zset = ctx.zset(ctx.argv[1])?;
    let members = &ctx.argv[2..];
    out.array(members.len());
    for member in members {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => out.bulk(&Place::of_score(score).geohash()),
            None => out.null(),
        }
    }
    Ok(())
}

fn geopos(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let zset = ctx.zset(ctx.argv[1])?;
    let members = &ctx.argv[2..];
    out.array(members.len());
    for member in members {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => put_place(out, Place::of_score(score)),
            None => out.null_array(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
