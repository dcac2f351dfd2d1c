//! One value, read by its type byte, checked in full and brought into its in-memory form.

use super::fault::{Fault, Res};
use super::input::Input;
use super::load::{Family, LoadedValue};
use super::{container, kind, module, stream};
use crate::encoding::intset::Intset;
use crate::encoding::listpack::Listpack;
use crate::encoding::num::{parse_f64, parse_i64};
use crate::encoding::ziplist::Ziplist;
use crate::encoding::zipmap::Zipmap;
use crate::table::MAX_LEN;
use crate::value::hash::{EXPIRY_MAX, Hash};
use crate::value::list::{End, List, Node};
use crate::value::set::Set;
use crate::value::zset::{self, ZSet};
use crate::value::{Limits, Value};

/// Longest text that can be an i64: `-9223372036854775808`.
const INT_TEXT_MAX: usize = 20;

impl From<Value> for LoadedValue {
    fn from(value: Value) -> Self {
        LoadedValue::Value(value)
    }
}

impl From<List> for LoadedValue {
    fn from(list: List) -> Self {
        Value::List(list).into()
    }
}

impl From<Set> for LoadedValue {
    fn from(set: Set) -> Self {
        Value::Set(set).into()
    }
}

impl From<Hash> for LoadedValue {
    fn from(hash: Hash) -> Self {
        Value::Hash(hash).into()
    }
}

impl From<ZSet> for LoadedValue {
    fn from(zset: ZSet) -> Self {
        Value::ZSet(zset).into()
    }
}

/// Reads the value that follows a type byte and its key.
pub(super) fn read(input: &mut Input<'_>, kind: u8, family: Family, limits: &Limits) -> Res<LoadedValue> {
    Ok(match kind {
        kind::STRING => string(input)?,
        kind::LIST => list(input, limits)?.into(),
        kind::LIST_ZIPLIST => ziplists(input, 1, limits)?.into(),
        kind::LIST_QUICKLIST => {
            let nodes = count(input)?;
            ziplists(input, nodes, limits)?.into()
        }
        kind::LIST_QUICKLIST_2 => quicklist(input, limits)?.into(),
        kind::SET => set(input, limits)?.into(),
        kind::SET_INTSET => {
            let ints = Intset::from_bytes(blob(input)?)?;
            if ints.is_empty() {
                return Err(Fault::Empty);
            }
            Set::from_intset(ints, limits).into()
        }
        kind::SET_LISTPACK => Set::from_listpack(listpack(input)?, limits)?.into(),
        kind::ZSET | kind::ZSET_2 => zset(input, kind, limits)?.into(),
        kind::ZSET_ZIPLIST => ZSet::from_listpack(ziplist(input)?, limits)?.into(),
        kind::ZSET_LISTPACK => ZSet::from_listpack(listpack(input)?, limits)?.into(),
        kind::HASH => hash(input, limits)?.into(),
        kind::HASH_ZIPMAP => zipmap(input, limits)?.into(),
        kind::HASH_ZIPLIST => Hash::from_listpack(ziplist(input)?, limits)?.into(),
        kind::HASH_LISTPACK => Hash::from_listpack(listpack(input)?, limits)?.into(),
        kind::MODULE_2 => Value::Module(module::value(input)?).into(),
        kind::STREAM | kind::STREAM_2 | kind::STREAM_3 => {
            Value::Stream(Box::new(stream::read(input, kind)?)).into()
        }
        kind::HASH_TTL_22 | kind::HASH_LISTPACK_TTL_PRE_GA | kind::HASH_TTL | kind::HASH_LISTPACK_TTL => {
            expiring_hash(input, kind, family, limits)?.into()
        }
        kind::MODULE_PRE_GA => {
            let what =
                "a module's value in the form of a Redis 4.0 release candidate, whose end can not be found";
            return Err(Fault::Refused(what.into(), "save the data again with a released version of Redis"));
        }
        other => return Fault::corrupt(format!("{other} is not a type of value")),
    })
}

/// The number of elements that follow.
fn count(input: &mut Input<'_>) -> Res<u64> {
    match input.len()? {
        0 => Err(Fault::Empty),
        n => Ok(n),
    }
}

/// A compact container. None is larger than an element may be, so all that is in it fits an entry.
fn blob(input: &mut Input<'_>) -> Res<Vec<u8>> {
    let mut bytes = Vec::new();
    input.string_into(&mut bytes, MAX_LEN as u64)?;
    Ok(bytes)
}

/// A listpack that is a value of its own.
fn listpack(input: &mut Input<'_>) -> Res<Listpack> {
    let listpack = Listpack::from_bytes(blob(input)?)?;
    if listpack.is_empty() { Err(Fault::Empty) } else { Ok(listpack) }
}

/// A ziplist that is a value of its own, as the listpack it would be today.
fn ziplist(input: &mut Input<'_>) -> Res<Listpack> {
    let listpack = from_ziplist(&blob(input)?)?;
    if listpack.is_empty() { Err(Fault::Empty) } else { Ok(listpack) }
}

fn from_ziplist(bytes: &[u8]) -> Res<Listpack> {
    let ziplist = Ziplist::from_bytes(bytes)?;
    let mut listpack = Listpack::with_capacity(bytes.len());
    for element in ziplist.iter() {
        // An element takes at most 8 bytes more here than there, so this never lets a listpack grow beyond its limit.
        if !listpack.safe_to_add(element.len() + 32) {
            return Fault::corrupt("a ziplist is larger than any server makes one");
        }
        listpack.push_value(element);
    }
    listpack.shrink_to_fit();
    Ok(listpack)
}

fn string(input: &mut Input<'_>) -> Res<LoadedValue> {
    let bytes = input.string()?;
    let int = if bytes.len() <= INT_TEXT_MAX { parse_i64(&bytes) } else { None };
    Ok(int.map_or(LoadedValue::Bytes(bytes), LoadedValue::Int))
}

fn list(input: &mut Input<'_>, limits: &Limits) -> Res<List> {
    let mut list = List::new();
    let mut element = Vec::new();
    for _ in 0..count(input)? {
        input.element(&mut element)?;
        list.push(End::Tail, &[&element], limits);
    }
    Ok(list)
}

fn ziplists(input: &mut Input<'_>, count: u64, limits: &Limits) -> Res<List> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Node::Packed(from_ziplist(&blob(input)?)?));
    }
    from_nodes(nodes, limits)
}

fn quicklist(input: &mut Input<'_>, limits: &Limits) -> Res<List> {
    let mut nodes = Vec::new();
    for _ in 0..count(input)? {
        nodes.push(match input.len()? {
            container::PLAIN => Node::Plain(blob(input)?),
            container::PACKED => Node::Packed(Listpack::from_bytes(blob(input)?)?),
            other => return Fault::corrupt(format!("a list node is of an unknown container {other}")),
        });
    }
    from_nodes(nodes, limits)
}

/// Empty nodes were written by old servers and mean nothing.
fn from_nodes(nodes: Vec<Node>, limits: &Limits) -> Res<List> {
    let list = List::from_nodes(nodes, limits);
    if list.is_empty() { Err(Fault::Empty) } else { Ok(list) }
}

fn set(input: &mut Input<'_>, limits: &Limits) -> Res<Set> {
    let n = count(input)?;
    let mut set = Set::for_loading(input.room(n), limits);
    let mut member = Vec::new();
    for _ in 0..n {
        input.element(&mut member)?;
        set.load(&member, limits)?;
    }
    Ok(set)
}

fn zset(input: &mut Input<'_>, kind: u8, limits: &Limits) -> Res<ZSet> {
    let n = count(input)?;
    let mut zset = zset::Builder::new(input.room(n));
    let mut member = Vec::new();
    for _ in 0..n {
        input.element(&mut member)?;
        let score = if kind == kind::ZSET { text_double(input)? } else { f64::from_le_bytes(input.array()?) };
        zset.add(&member, score)?;
    }
    Ok(zset.finish(limits))
}

/// A double as version 1 wrote it: length and text, or one byte for what has no text.
fn text_double(input: &mut Input<'_>) -> Res<f64> {
    let len = match input.byte()? {
        253 => return Ok(f64::NAN),
        254 => return Ok(f64::INFINITY),
        255 => return Ok(f64::NEG_INFINITY),
        len => usize::from(len),
    };
    let mut text = [0; 252];
    let text = &mut text[..len];
    for byte in text.iter_mut() {
        *byte = input.byte()?;
    }
    parse_f64(text).ok_or(Fault::Corrupt("a score is not a number".into()))
}

fn hash(input: &mut Input<'_>, limits: &Limits) -> Res<Hash> {
    let n = count(input)?;
    let mut hash = Hash::for_loading(input.room(n), limits);
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..n {
        input.element(&mut field)?;
        input.element(&mut value)?;
        hash.load(&field, &value, limits)?;
    }
    Ok(hash)
}

fn zipmap(input: &mut Input<'_>, limits: &Limits) -> Res<Hash> {
    let bytes = blob(input)?;
    let zipmap = Zipmap::from_bytes(&bytes)?;
    if zipmap.is_empty() {
        return Err(Fault::Empty);
    }
    let mut hash = Hash::for_loading(zipmap.len(), limits);
    for (field, value) in zipmap.iter() {
        hash.load(field, value, limits)?;
    }
    Ok(hash)
}

/// Hashes whose fields may expire, in the five forms there are. Without a field that does it is a hash as any other.
fn expiring_hash(input: &mut Input<'_>, kind: u8, family: Family, limits: &Limits) -> Res<Hash> {
    match (kind, family) {
        (kind::HASH_TTL_22, Family::Valkey) => valkey_hash(input, limits),
        (kind::HASH_TTL_22, Family::Redis) => redis_hash(input, 1, limits),
        (kind::HASH_TTL, Family::Redis) => {
            let lowest = input.i64_le()?;
            redis_hash(input, lowest, limits)
        }
        (kind::HASH_LISTPACK_TTL_PRE_GA, Family::Redis) => Ok(Hash::from_triplets(listpack(input)?, limits)?),
        (kind::HASH_LISTPACK_TTL, Family::Redis) => {
            let _lowest = input.i64_le()?;
            Ok(Hash::from_triplets(listpack(input)?, limits)?)
        }
        _ => Fault::corrupt(format!("{kind} is not a type of value in a file of Valkey")),
    }
}

/// Field, value, absolute expiry in ms or -1.
fn valkey_hash(input: &mut Input<'_>, limits: &Limits) -> Res<Hash> {
    let n = count(input)?;
    let mut hash = Hash::for_loading(input.room(n), limits);
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..n {
        input.element(&mut field)?;
        input.element(&mut value)?;
        let expiry = match input.i64_le()? {
            -1 => None,
            // Valkey has no limit; ours lies 8900 years ahead.
            at => Some(at.min(EXPIRY_MAX)),
        };
        hash.load_expiring(&field, &value, expiry, limits)?;
    }
    Ok(hash)
}

/// Expiry in ms relative to `lowest` and plus one (0: none), field, value.
fn redis_hash(input: &mut Input<'_>, lowest: i64, limits: &Limits) -> Res<Hash> {
    let n = count(input)?;
    let mut hash = Hash::for_loading(input.room(n), limits);
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let ttl = input.len()?;
        let expiry = match ttl.checked_sub(1) {
            None => None,
            Some(ahead) => Some(field_expiry(ahead.checked_add_signed(lowest))?),
        };
        input.element(&mut field)?;
        input.element(&mut value)?;
        hash.load_expiring(&field, &value, expiry, limits)?;
    }
    Ok(hash)
}

fn field_expiry(at: Option<u64>) -> Res<i64> {
    match at.and_then(|at| i64::try_from(at).ok()) {
        Some(at) if at <= EXPIRY_MAX => Ok(at),
        _ => Fault::corrupt("a field's expiry is out of range"),
    }
}
