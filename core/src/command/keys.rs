//! Keys of any type: deleting, naming, copying, listing, looking at them, and whole databases at once.

use super::args;
use super::ctx::Ctx;
use super::scan::{Options, Scanned};
use super::table::{Command, Flags, Group, Keys, Rows};
use crate::encoding::glob;
use crate::error::{Error, Result, text};
use crate::events::Class;
use crate::keyspace::{self, StrRef};
use crate::reply::ReplySink;

/// The first argument is a key.
const ONE: Keys = Keys::Range(1, 1, 1);
/// The first two are.
const TWO: Keys = Keys::Range(1, 2, 1);
/// All are.
const ALL: Keys = Keys::Range(1, -1, 1);

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);

const ROWS: Rows = Rows::of(Group::Generic).categories(&["keyspace"]);

/// Commands over everything also count as dangerous, and as the server's.
const fn dangerous(command: Command) -> Command {
    Command { categories: &["keyspace", "dangerous"], ..command }
}

const fn of_server(command: Command) -> Command {
    Command { group: Group::Server, ..command }
}

const EACH_KEY: &str = "O(N) where N is the number of keys.";
const EVERY_KEY: &str = "O(N) where N is the number of keys in the database.";
const FLUSH: &str = "O(N) where N is the number of keys; their memory is freed in the background.";
const INFO_TEXT: Flags = Flags::LOADING.and(Flags::STALE);

#[rustfmt::skip]
const OBJECT: &[Command] = &[
    ROWS.row("encoding", 3, READ, "2.2.3", "O(1)", object_encoding, "Returns the encoding of a key's value.").keys(Keys::Range(2, 2, 1)),
    ROWS.row("freq", 3, READ, "4.0.0", "O(1)", object_freq, "Returns the logarithmic access frequency of a key.").keys(Keys::Range(2, 2, 1)),
    ROWS.row("help", 2, INFO_TEXT, "6.2.0", "O(1)", object_help, "Returns a text on the subcommands."),
    ROWS.row("idletime", 3, READ, "2.2.3", "O(1)", object_idletime, "Returns the seconds since a key was last used.").keys(Keys::Range(2, 2, 1)),
    ROWS.row("refcount", 3, READ, "2.2.3", "O(1)", object_refcount, "Returns the reference count of a key's value, as Redis would count.").keys(Keys::Range(2, 2, 1)),
];

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("copy", -3, WRITE.and(Flags::DENYOOM), "6.2.0", "O(N) where N is the size of the value.", copy, "Copies a value to a new key.").keys(TWO),
    of_server(ROWS.row("dbsize", 1, READ_FAST, "1.0.0", "O(1)", dbsize, "Returns the number of keys in the database.")),
    ROWS.row("del", -2, WRITE, "1.0.0", EACH_KEY, del, "Deletes keys. Big values are freed in the background.").keys(ALL),
    ROWS.row("exists", -2, READ_FAST, "1.0.0", EACH_KEY, exists, "Counts how many of the keys exist.").keys(ALL),
    of_server(dangerous(ROWS.row("flushall", -1, WRITE, "1.0.0", FLUSH, flushall, "Deletes all keys of all databases.").keys(Keys::Everything))),
    of_server(dangerous(ROWS.row("flushdb", -1, WRITE, "1.0.0", FLUSH, flushdb, "Deletes all keys of the database.").keys(Keys::Everything))),
    dangerous(ROWS.row("keys", 2, READ, "1.0.0", EVERY_KEY, keys, "Returns all keys whose name matches a pattern.")),
    ROWS.row("move", 3, WRITE_FAST, "1.0.0", "O(1)", move_key, "Moves a key to another database.").keys(ONE),
    Command { categories: &[], subcommands: OBJECT, ..ROWS.row("object", -2, Flags::NONE, "2.2.3", "Depends on subcommand.", container, "A container for commands that look at a key's value.") },
    ROWS.row("randomkey", 1, READ, "1.0.0", "O(1)", randomkey, "Returns the name of a random key."),
    ROWS.row("rename", 3, WRITE, "1.0.0", "O(1)", rename, "Renames a key, overwriting the destination.").keys(TWO),
    ROWS.row("renamenx", 3, WRITE_FAST, "1.0.0", "O(1)", renamenx, "Renames a key if the destination doesn't exist.").keys(TWO),
    ROWS.row("scan", -2, READ, "2.8.0", "O(1) for each call, O(N) for a whole walk.", scan, "Walks over the names of the keys."),
    of_server(dangerous(ROWS.row("swapdb", 3, WRITE_FAST, "4.0.0", "O(1)", swapdb, "Exchanges two databases.").keys(Keys::Everything))),
    ROWS.row("touch", -2, READ_FAST, "3.2.1", EACH_KEY, touch, "Counts how many of the keys exist, and marks them as used.").keys(ALL),
    ROWS.row("type", 2, READ_FAST, "1.0.0", "O(1)", type_of, "Returns the type of a key's value.").keys(ONE),
    ROWS.row("unlink", -2, WRITE_FAST, "4.0.0", EACH_KEY, unlink, "Deletes keys. Big values are freed in the background.").keys(ALL),
];

/// A container called without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn is_there(ctx: &Ctx<'_>, db: usize, key: &[u8]) -> bool {
    ctx.guard.type_name(db, key).is_some()
}

fn remove_all(ctx: &mut Ctx<'_>) -> usize {
    let mut removed = 0;
    for key in &ctx.argv[1..] {
        if ctx.remove(key) {
            ctx.notify(Class::GENERIC, "del", key);
            removed += 1;
        }
    }
    ctx.dirty(removed);
    removed
}

fn del(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(remove_all(ctx) as i64);
    Ok(())
}

/// DEL by another name: freeing never happens in the caller's way. Logged as DEL, which every server version knows.
fn unlink(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let removed = remove_all(ctx);
    if removed > 0 {
        let mut effect = ctx.argv.to_vec();
        effect[0] = b"DEL";
        ctx.log_instead(&effect);
    }
    out.int(removed as i64);
    Ok(())
}

fn exists(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let db = ctx.db();
    out.int(ctx.argv[1..].iter().filter(|key| ctx.guard.look(db, key).is_some()).count() as i64);
    Ok(())
}

fn touch(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.argv[1..].iter().filter(|key| ctx.exists(key)).count() as i64);
    Ok(())
}

fn type_of(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.simple(ctx.guard.look(ctx.db(), ctx.argv[1]).map_or("none", keyspace::type_of));
    Ok(())
}

/// Whether the key got its new name; false only when `keep` forbids to overwrite.
fn rename_key(ctx: &mut Ctx<'_>, keep: bool) -> Result<bool> {
    let (db, from, to) = (ctx.db(), ctx.argv[1], ctx.argv[2]);
    if !is_there(ctx, db, from) {
        return Err(Error::command(text::NO_SUCH_KEY));
    }
    if from == to {
        return Ok(!keep);
    }
    if keep && is_there(ctx, db, to) {
        return Ok(false);
    }
    let before = ctx.type_before(db, to);
    let taken = ctx.guard.take(db, from);
    ctx.guard.remove(db, to);
    if let Some(taken) = taken {
        ctx.guard.put(db, to, taken);
    }
    ctx.notify(Class::GENERIC, "rename_from", from);
    ctx.notify(Class::GENERIC, "rename_to", to);
    ctx.notify_replaced(db, to, before);
    ctx.dirty(1);
    Ok(true)
}

fn rename(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    rename_key(ctx, false)?;
    out.ok();
    Ok(())
}

fn renamenx(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let done = rename_key(ctx, true)?;
    out.int(i64::from(done));
    Ok(())
}

/// A database by its number.
fn database(ctx: &Ctx<'_>, number: i32) -> Result<usize> {
    let databases = ctx.guard.keyspace().databases();
    let index = usize::try_from(number).ok().filter(|index| *index < databases);
    index.ok_or_else(|| Error::command(text::DB_RANGE))
}

fn copy(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (db, from, to) = (ctx.db(), ctx.argv[1], ctx.argv[2]);
    let mut to_db = db;
    let mut replace = false;
    let mut words = ctx.argv[3..].iter();
    while let Some(word) = words.next() {
        if args::is(word, "replace") {
            replace = true;
        } else if args::is(word, "db") {
            to_db = database(ctx, args::int32(words.next().ok_or_else(Error::syntax)?)?)?;
        } else {
            return Err(Error::syntax());
        }
    }
    if db == to_db && from == to {
        return Err(Error::command(text::SAME_OBJECT));
    }
    let before = ctx.type_before(to_db, to);
    let done = ctx.exists(from) && (replace || !is_there(ctx, to_db, to)) && {
        // A due destination goes first, so that the log says so before it says COPY.
        ctx.guard.remove(to_db, to);
        ctx.guard.copy(db, from, to_db, to)
    };
    if done {
        ctx.notify_in(Class::GENERIC, "copy_to", to_db, to);
        ctx.notify_replaced(to_db, to, before);
    }
    ctx.dirty(usize::from(done));
    out.int(i64::from(done));
    Ok(())
}

fn move_key(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (db, key) = (ctx.db(), ctx.argv[1]);
    let to = database(ctx, args::int32(ctx.argv[2])?)?;
    if db == to {
        return Err(Error::command(text::SAME_OBJECT));
    }
    let done = is_there(ctx, db, key) && !is_there(ctx, to, key);
    if done {
        ctx.guard.remove(to, key);
        if let Some(taken) = ctx.guard.take(db, key) {
            ctx.guard.put(to, key, taken);
        }
        ctx.notify(Class::GENERIC, "move_from", key);
        ctx.notify_in(Class::GENERIC, "move_to", to, key);
        ctx.dirty(1);
    }
    out.int(i64::from(done));
    Ok(())
}

fn swapdb(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let number = |at: usize, message| args::int32(ctx.argv[at]).map_err(|_| Error::command(message));
    let a = number(1, "ERR invalid first DB index")?;
    let b = number(2, "ERR invalid second DB index")?;
    let (a, b) = (database(ctx, a)?, database(ctx, b)?);
    ctx.guard.swap_databases(a, b);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

/// SYNC and ASYNC are the same here: memory is always freed in the background.
fn check_flush_words(argv: &[&[u8]]) -> Result<()> {
    match argv {
        [_] => Ok(()),
        [_, word] if args::is(word, "sync") || args::is(word, "async") => Ok(()),
        _ => Err(Error::syntax()),
    }
}

fn flushdb(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    check_flush_words(ctx.argv)?;
    let removed = ctx.guard.flush(ctx.session.db);
    // Logged even if there was nothing, as Redis does.
    ctx.dirty(removed.max(1));
    out.ok();
    Ok(())
}

fn flushall(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    check_flush_words(ctx.argv)?;
    let databases = ctx.guard.keyspace().databases();
    let removed: usize = (0..databases).map(|db| ctx.guard.flush(db)).sum();
    ctx.dirty(removed.max(1));
    ctx.flushed_all = true;
    out.ok();
    Ok(())
}

fn dbsize(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let db = ctx.db();
    let mut total = 0;
    ctx.each_shard(|guard| total += guard.len(db))?;
    out.int(total as i64);
    Ok(())
}

fn put_keys(keys: &[Vec<u8>], out: &mut dyn ReplySink) {
    out.array(keys.len());
    for key in keys {
        out.bulk(key);
    }
}

fn keys(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (db, pattern) = (ctx.db(), ctx.argv[1]);
    // A star as a pattern does not match an empty text, but asks for all keys.
    let all = pattern == b"*";
    let mut found = Vec::new();
    ctx.each_shard(|guard| {
        guard.for_each(db, |entry| {
            if all || glob::matches(pattern, entry.key(), false) {
                found.push(entry.key().to_vec());
            }
        });
    })?;
    put_keys(&found, out);
    Ok(())
}

fn scan(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let cursor = args::cursor(ctx.argv[1])?;
    let options = Options::parse(&ctx.argv[2..], Scanned::Keys)?;
    let mut found = Vec::new();
    let db = ctx.db();
    let next = ctx.scan_keys(db, cursor, options.count, |key, type_name| {
        let of_type = options.type_name.is_none_or(|wanted| args::is(wanted, type_name));
        if of_type && options.wants(key) {
            found.push(key.to_vec());
        }
    })?;
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    put_keys(&found, out);
    Ok(())
}

fn randomkey(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let held = ctx.guard.holds_all().then_some(&ctx.guard);
    let key = ctx.services.keyspace().random_key(held, ctx.db(), &mut ctx.rng())?;
    out.bulk_or_null(key.as_deref());
    Ok(())
}

fn object_encoding(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.bulk_or_null(ctx.guard.encoding(ctx.db(), ctx.argv[2]).map(str::as_bytes));
    Ok(())
}

const ADJUST: &str = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

fn object_idletime(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match ctx.guard.idle_seconds(ctx.db(), ctx.argv[2]) {
        Some(_) if ctx.guard.counts_uses() => {
            let text = "ERR An LFU maxmemory policy is selected, idle time not tracked.";
            return Err(Error::command(format!("{text} {ADJUST}")));
        }
        Some(idle) => out.int(i64::from(idle)),
        None => out.null(),
    }
    Ok(())
}

fn object_freq(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match ctx.guard.freq(ctx.db(), ctx.argv[2]) {
        Some(freq) if ctx.guard.counts_uses() => out.int(i64::from(freq)),
        Some(_) => {
            let text = "ERR An LFU maxmemory policy is not selected, access frequency not tracked.";
            return Err(Error::command(format!("{text} {ADJUST}")));
        }
        None => out.null(),
    }
    Ok(())
}

fn object_refcount(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    /// Integers that Redis keeps one object of, whose count never changes.
    const SHARED: std::ops::Range<i64> = 0..10_000;
    let (db, key) = (ctx.db(), ctx.argv[2]);
    match ctx.guard.string_to_change(db, key) {
        Some(Ok(StrRef::Int(n))) if SHARED.contains(&n) => out.int(i64::from(i32::MAX)),
        Some(_) => out.int(1),
        None => out.null(),
    }
    Ok(())
}

fn object_help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "OBJECT",
        &[
            "ENCODING <key>",
            "    Return the kind of internal representation used in order to store the value",
            "    associated with a <key>.",
            "FREQ <key>",
            "    Return the access frequency index of the <key>. The returned integer is",
            "    proportional to the logarithm of the recent access frequency of the key.",
            "IDLETIME <key>",
            "    Return the idle time of the <key>, that is the approximated number of",
            "    seconds elapsed since the last access to the key.",
            "REFCOUNT <key>",
            "    Return the number of references of the value associated with the specified",
            "    <key>.",
        ],
    );
    Ok(())
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
