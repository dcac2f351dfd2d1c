//! One value as it stands in a file or a DUMP payload: the choice of its type byte and its bytes.

use std::io::{self, Write};

use super::out::Out;
use super::writer::Level;
use super::{container, kind, stream};
use crate::encoding::listpack::{self, ListpackRef, LpValue};
use crate::encoding::num::{NumBuf, parse_f64};
use crate::value::elements::{Records, split_expiry};
use crate::value::hash::triplets;
use crate::value::list::{Node, Nodes};
use crate::value::saved::{BigKind, Body};

/// Width and count, before an intset's numbers.
const INTSET_HEADER: usize = 8;

/// The type byte for a value at a level.
pub(super) fn kind(body: &Body<'_>, level: Level) -> u8 {
    let packed = level >= Level::V10;
    match body {
        Body::Int(_) | Body::Bytes(_) => kind::STRING,
        Body::ListListpack(_) | Body::ListNodes(_) if packed => kind::LIST_QUICKLIST_2,
        Body::ListListpack(_) | Body::ListNodes(_) => kind::LIST,
        Body::SetIntset(_) => kind::SET_INTSET,
        Body::SetListpack(_) if level >= Level::V11 => kind::SET_LISTPACK,
        Body::SetListpack(_) => kind::SET,
        Body::HashListpack(_) if packed => kind::HASH_LISTPACK,
        Body::HashListpack(_) => kind::HASH,
        Body::HashTriplets(_) if level == Level::Valkey => kind::HASH_TTL_22,
        Body::HashTriplets(_) => kind::HASH_LISTPACK_TTL,
        Body::ZSetListpack(_) if packed => kind::ZSET_LISTPACK,
        Body::ZSetListpack(_) => kind::ZSET_2,
        Body::Elements(big, ..) => big_kind(*big, level),
        Body::Stream(_) => stream::kind(level),
        Body::Module(_) => kind::MODULE_2,
    }
}

/// The type byte for a table that comes in steps.
pub(super) fn big_kind(big: BigKind, level: Level) -> u8 {
    match big {
        BigKind::Set => kind::SET,
        BigKind::Hash => kind::HASH,
        BigKind::ExpiringHash { .. } if level == Level::Valkey => kind::HASH_TTL_22,
        BigKind::ExpiringHash { .. } => kind::HASH_TTL,
        BigKind::ZSet => kind::ZSET_2,
    }
}

/// Whether there is nothing in the value. Such keys do not exist, and older servers would make one of it.
pub(super) fn is_empty(body: &Body<'_>) -> bool {
    match body {
        Body::ListListpack(lp)
        | Body::SetListpack(lp)
        | Body::HashListpack(lp)
        | Body::HashTriplets(lp)
        | Body::ZSetListpack(lp) => lp.len() <= listpack::HEADER + 1,
        Body::SetIntset(intset) => intset.len() <= INTSET_HEADER,
        Body::ListNodes(nodes) => nodes.is_empty(),
        Body::Elements(_, count, _) => *count == 0,
        Body::Int(_) | Body::Bytes(_) | Body::Stream(_) | Body::Module(_) => false,
    }
}

/// The value's bytes, as [`kind`] announced them.
pub(super) fn body<W: Write>(out: &mut Out<W>, body: &Body<'_>, level: Level) -> io::Result<()> {
    match *body {
        Body::Int(n) => out.int(n),
        Body::Bytes(bytes) => out.string(bytes),
        Body::ListListpack(lp) if level >= Level::V10 => {
            out.len(1)?;
            out.len(container::PACKED)?;
            out.string(lp)
        }
        Body::ListListpack(lp) => plain(out, lp, 1),
        Body::ListNodes(nodes) if level >= Level::V10 => list_nodes(out, nodes),
        Body::ListNodes(nodes) => plain_list(out, nodes),
        Body::SetIntset(intset) => out.string(intset),
        Body::SetListpack(lp) if level >= Level::V11 => out.string(lp),
        Body::SetListpack(lp) => plain(out, lp, 1),
        Body::HashListpack(lp) if level >= Level::V10 => out.string(lp),
        Body::HashListpack(lp) => plain(out, lp, 2),
        Body::HashTriplets(lp) if level == Level::Valkey => {
            let lp = view(lp)?;
            out.len(lp.len() as u64 / 3)?;
            triplets(lp).try_for_each(|(field, value, expiry)| {
                lp_string(out, field)?;
                lp_string(out, value)?;
                valkey_expiry(out, expiry)
            })
        }
        Body::HashTriplets(lp) => {
            let soonest = triplets(view(lp)?).find_map(|(.., expiry)| expiry).unwrap_or(0);
            out.bytes(&soonest.to_le_bytes())?;
            out.string(lp)
        }
        Body::ZSetListpack(lp) if level >= Level::V10 => out.string(lp),
        Body::ZSetListpack(lp) => plain_zset(out, lp),
        Body::Elements(big, count, records) => {
            big_head(out, big, count, level)?;
            elements(out, big, records, level).map(drop)
        }
        Body::Stream(value) => stream::write(out, value, level),
        Body::Module(bytes) => out.bytes(bytes),
    }
}

/// What stands before the elements of a table.
pub(super) fn big_head<W: Write>(
    out: &mut Out<W>,
    big: BigKind,
    count: usize,
    level: Level,
) -> io::Result<()> {
    if let BigKind::ExpiringHash { soonest } = big
        && level != Level::Valkey
    {
        out.bytes(&soonest.to_le_bytes())?;
    }
    out.len(count as u64)
}

/// Elements of a table; returns how many they were.
pub(super) fn elements<W: Write>(
    out: &mut Out<W>,
    big: BigKind,
    records: &[u8],
    level: Level,
) -> io::Result<usize> {
    let mut count = 0;
    for (key, value) in Records(records) {
        match big {
            BigKind::Set => out.string(key)?,
            BigKind::Hash => {
                out.string(key)?;
                out.string(value)?;
            }
            BigKind::ExpiringHash { .. } if level == Level::Valkey => {
                let (value, expiry) = split_expiry(value);
                out.string(key)?;
                out.string(value)?;
                valkey_expiry(out, expiry)?;
            }
            BigKind::ExpiringHash { soonest } => {
                let (value, expiry) = split_expiry(value);
                let ttl = expiry.map_or(0, |at| at.saturating_sub(soonest).max(0) as u64 + 1);
                out.len(ttl)?;
                out.string(key)?;
                out.string(value)?;
            }
            BigKind::ZSet => {
                out.string(key)?;
                out.bytes(value)?;
            }
        }
        count += 1;
    }
    Ok(count)
}

/// When a field expires, ms since the epoch; -1 for one that does not.
fn valkey_expiry<W: Write>(out: &mut Out<W>, expiry: Option<i64>) -> io::Result<()> {
    out.bytes(&expiry.unwrap_or(-1).to_le_bytes())
}

fn list_nodes<W: Write>(out: &mut Out<W>, nodes: &Nodes) -> io::Result<()> {
    out.len(nodes.node_count() as u64)?;
    for node in nodes.iter() {
        match node {
            Node::Packed(lp) => {
                out.len(container::PACKED)?;
                out.string(lp.bytes())?;
            }
            Node::Plain(element) => {
                out.len(container::PLAIN)?;
                out.string(element)?;
            }
        }
    }
    Ok(())
}

/// A list as every version knows it: all elements one by one.
fn plain_list<W: Write>(out: &mut Out<W>, nodes: &Nodes) -> io::Result<()> {
    out.len(nodes.len() as u64)?;
    nodes.iter().flat_map(Node::iter).try_for_each(|element| lp_string(out, element))
}

/// The elements of a listpack one by one, `width` of them to one that counts.
fn plain<W: Write>(out: &mut Out<W>, lp: &[u8], width: u64) -> io::Result<()> {
    let lp = view(lp)?;
    out.len(lp.len() as u64 / width)?;
    lp.iter().try_for_each(|element| lp_string(out, element))
}

fn plain_zset<W: Write>(out: &mut Out<W>, lp: &[u8]) -> io::Result<()> {
    let lp = view(lp)?;
    out.len(lp.len() as u64 / 2)?;
    let mut entries = lp.iter();
    let mut buf = NumBuf::new();
    while let (Some(member), Some(score)) = (entries.next(), entries.next()) {
        lp_string(out, member)?;
        let score = match score {
            LpValue::Int(n) => n as f64,
            LpValue::Str(_) => parse_f64(score.as_bytes(&mut buf))
                .ok_or_else(|| io::Error::other("a sorted set in memory has a score that is no number"))?,
        };
        out.bytes(&score.to_le_bytes())?;
    }
    Ok(())
}

fn lp_string<W: Write>(out: &mut Out<W>, element: LpValue<'_>) -> io::Result<()> {
    match element {
        LpValue::Int(n) => out.int(n),
        LpValue::Str(bytes) => out.string(bytes),
    }
}

/// Bytes that a value in memory gave as its listpack: they are sound, but nothing here may panic if they are not.
fn view(lp: &[u8]) -> io::Result<ListpackRef<'_>> {
    ListpackRef::from_bytes(lp).map_err(|e| io::Error::other(format!("a value in memory is damaged: {e}")))
}
