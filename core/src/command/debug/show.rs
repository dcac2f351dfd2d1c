//! DEBUG's views into values: OBJECT, LISTPACK, QUICKLIST, SDSLEN, HTSTATS and HTSTATS-KEY. What a server prints on its
//! standard output is answered here: a library has no business there.

use std::fmt::Write;

use super::super::args;
use super::super::ctx::Ctx;
use super::super::dump;
use crate::config::Directive;
use crate::encoding::listpack::{Listpack, LpValue};
use crate::error::{Error, Result, text};
use crate::keyspace::StrRef;
use crate::reply::ReplySink;
use crate::table::Shape;
use crate::value::Value;
use crate::value::hash::Hash;
use crate::value::list::{List, Node};
use crate::value::set::Set;

fn no_such_key() -> Error {
    Error::command(text::NO_SUCH_KEY)
}

/// The key's value with the key's shard locked; `None` for a short string.
fn value<'c>(ctx: &'c mut Ctx<'_>, key: &[u8]) -> Result<Option<&'c Value>> {
    super::lock(ctx, &[key])?;
    ctx.guard.value(ctx.session.db, key).ok_or_else(no_such_key)
}

pub(super) fn object(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    /// Type byte, version and checksum, which the serialized length does not count.
    const FRAME: usize = 1 + 2 + 8;
    let (key, db) = (ctx.argv[2], ctx.db());
    let fast = ctx.argv.get(3).is_some_and(|word| args::is(word, "fast"));
    super::lock(ctx, &[key])?;
    let encoding = ctx.guard.encoding(db, key).ok_or_else(no_such_key)?;
    let idle = ctx.guard.idle_seconds(db, key).unwrap_or_default();
    let clock = (ctx.now() / 1000 - i64::from(idle)) & 0x00FF_FFFF;
    // There is no address to show: entries move.
    let mut line = format!("Value at:0x0 refcount:1 encoding:{encoding}");
    if !fast {
        let serialized = dump::payload(ctx, key)?.ok_or_else(no_such_key)?.len() - FRAME;
        let _ = write!(line, " serializedlength:{serialized}");
    }
    let _ = write!(line, " lru:{clock} lru_seconds_idle:{idle}");
    if let Some(Some(Value::List(List::Nodes(nodes)))) = ctx.guard.value(db, key) {
        let average = nodes.len() as f64 / nodes.node_count().max(1) as f64;
        let size = ctx.config().int(Directive::ListMaxListpackSize);
        let _ = write!(
            line,
            " ql_nodes:{} ql_avg_node:{average:.2} ql_listpack_max:{size} ql_compressed:0",
            nodes.node_count()
        );
        if !fast {
            let bytes: usize = nodes.iter().map(node_bytes).sum();
            let _ = write!(line, " ql_uncompressed_size:{bytes}");
        }
    }
    out.simple(&line);
    Ok(())
}

fn node_bytes(node: &Node) -> usize {
    match node {
        Node::Packed(lp) => lp.bytes().len(),
        Node::Plain(bytes) => bytes.len(),
    }
}

pub(super) fn listpack(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let lp = match value(ctx, ctx.argv[2])? {
        Some(
            Value::List(List::Listpack(lp)) | Value::Set(Set::Listpack(lp)) | Value::Hash(Hash::Listpack(lp)),
        ) => Some(lp),
        Some(Value::Hash(Hash::Triplets(triplets))) => Some(triplets.listpack()),
        Some(Value::ZSet(zset)) => zset.as_listpack(),
        _ => None,
    };
    let lp = lp.ok_or_else(|| Error::command("ERR Not a listpack encoded object."))?;
    out.verbatim("txt", described(lp).as_bytes());
    Ok(())
}

/// A line for each entry.
fn described(lp: &Listpack) -> String {
    let mut text = format!("{} bytes, {} entries\n", lp.bytes().len(), lp.len());
    let mut at = lp.first();
    let mut index = 0;
    while let Some(pos) = at {
        let (entry, next) = lp.get_and_next(pos);
        let _ = match entry {
            LpValue::Int(n) => writeln!(text, "{index}: at {pos}, integer {n}"),
            LpValue::Str(bytes) => {
                writeln!(text, "{index}: at {pos}, {} bytes \"{}\"", bytes.len(), bytes.escape_ascii())
            }
        };
        (at, index) = (next, index + 1);
    }
    text
}

pub(super) fn quicklist(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let with_entries = ctx.argv.get(3).is_some_and(|word| *word != b"0");
    let Some(Value::List(List::Nodes(nodes))) = value(ctx, ctx.argv[2])? else {
        return Err(Error::command("ERR Not a quicklist encoded object."));
    };
    let mut text = format!("{} elements in {} nodes\n", nodes.len(), nodes.node_count());
    for (index, node) in nodes.iter().enumerate() {
        let (form, bytes) =
            (if matches!(node, Node::Plain(_)) { "plain" } else { "packed" }, node_bytes(node));
        let _ = writeln!(text, "node {index}: {form}, {} elements, {bytes} bytes", node.len());
        if let (true, Node::Packed(lp)) = (with_entries, node) {
            text.push_str(&described(lp));
        }
    }
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

pub(super) fn sdslen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, db) = (ctx.argv[2], ctx.db());
    super::lock(ctx, &[key])?;
    let length = match ctx.guard.string(db, key) {
        None => return Err(no_such_key()),
        Some(Ok(StrRef::Bytes(bytes))) => bytes.len(),
        _ => return Err(Error::command("ERR Not an sds encoded string.")),
    };
    // Short strings lie in the entry, beside the key.
    let (spare, own) = match ctx.guard.value(db, key) {
        Some(Some(Value::Str(bytes))) => (bytes.capacity() - bytes.len(), bytes.capacity()),
        _ => (0, 0),
    };
    let entry = ctx.guard.memory_of(db, key).unwrap_or_default().saturating_sub(own);
    out.simple(&format!(
        "key_sds_len:{}, key_sds_avail:0, key_zmalloc: {entry}, val_sds_len:{length}, val_sds_avail:{spare}, val_zmalloc: {own}",
        key.len()
    ));
    Ok(())
}

fn wants_chains(ctx: &Ctx<'_>) -> bool {
    ctx.argv.get(3).is_some_and(|word| args::is(word, "full"))
}

pub(super) fn htstats(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let number = args::int(ctx.argv[2])?;
    let keyspace = ctx.services.keyspace();
    let db = usize::try_from(number).ok().filter(|db| *db < keyspace.databases());
    let db = db.ok_or_else(|| Error::command("ERR Out of range database"))?;
    let (shape, expiring) = keyspace.shape(db, Some(&ctx.guard), wants_chains(ctx))?;
    let mut text = shape.describe("[Dictionary HT]\nHash table stats (all shards)");
    // Expiries stand in the entries: there is no second table.
    let _ = writeln!(text, "[Expires HT]\n number of elements: {expiring}");
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

pub(super) fn htstats_key(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let with_chains = wants_chains(ctx);
    let found = value(ctx, ctx.argv[2])?.and_then(Value::elements);
    let (_, elements) = found.ok_or_else(|| {
        Error::command("ERR The value stored at the specified key is not represented using an hash table")
    })?;
    let mut shape = Shape::default();
    shape.add(elements.table(), with_chains);
    out.verbatim("txt", shape.describe("Hash table stats").as_bytes());
    Ok(())
}
