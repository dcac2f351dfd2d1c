//! Commands on lists; those that wait stand in [`blocking`].
//!
//! Order of checks as in Redis: arguments that can be judged alone come first, then the key's type, then (LINDEX, LSET)
//! the index.

pub(super) mod blocking;

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys, Rows};
use crate::encoding::listpack::LpValue;
use crate::error::{Error, Result, text};
use crate::events::Class;
use crate::reply::ReplySink;
use crate::value::list::{End, List};

const ADDS: Flags = Flags::WRITE.and(Flags::DENYOOM);
const ADDS_FAST: Flags = ADDS.and(Flags::FAST);
const PER_ELEMENT: &str = "O(1) for each element added, so O(N) to add N elements when the command is called with \
                           multiple arguments.";

pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("lpush", -3, ADDS_FAST, "1.0.0", PER_ELEMENT, |ctx, out| push(ctx, out, End::Head, true), "Prepends one or more elements to a list. Creates the key if it doesn't exist."),
    ROWS.row("rpush", -3, ADDS_FAST, "1.0.0", PER_ELEMENT, |ctx, out| push(ctx, out, End::Tail, true), "Appends one or more elements to a list. Creates the key if it doesn't exist."),
    ROWS.row("lpushx", -3, ADDS_FAST, "2.2.0", PER_ELEMENT, |ctx, out| push(ctx, out, End::Head, false), "Prepends one or more elements to a list only when the list exists."),
    ROWS.row("rpushx", -3, ADDS_FAST, "2.2.0", PER_ELEMENT, |ctx, out| push(ctx, out, End::Tail, false), "Appends one or more elements to a list only when the list exists."),
    ROWS.row("lpop", -2, Flags::WRITE.and(Flags::FAST), "1.0.0", "O(N) where N is the number of elements returned", |ctx, out| pop(ctx, out, End::Head), "Returns the first elements of a list after removing them. Deletes the list if the last element was popped."),
    ROWS.row("rpop", -2, Flags::WRITE.and(Flags::FAST), "1.0.0", "O(N) where N is the number of elements returned", |ctx, out| pop(ctx, out, End::Tail), "Returns the last elements of a list after removing them. Deletes the list if the last element was popped."),
    ROWS.row("llen", 2, Flags::READONLY.and(Flags::FAST), "1.0.0", "O(1)", llen, "Returns the length of a list."),
    ROWS.row("lrange", 4, Flags::READONLY, "1.0.0", "O(S+N) where S is the distance of the start offset from the nearer end of the list, counted in nodes, and N is \
         the number of elements in the range.", lrange, "Returns a range of elements from a list."),
    ROWS.row("lindex", 3, Flags::READONLY, "1.0.0", "O(N) where N is the number of nodes between the element and the nearer end of the list.", lindex, "Returns an element from a list by its index."),
    ROWS.row("lset", 4, ADDS, "1.0.0", "O(N) where N is the number of nodes between the element and the nearer end of the list.", lset, "Sets the value of an element in a list by its index."),
    ROWS.row("linsert", 5, ADDS, "2.2.0", "O(N) where N is the number of elements to traverse before seeing the value pivot.", linsert, "Inserts an element before or after another element in a list."),
    ROWS.row("lrem", 4, Flags::WRITE, "1.0.0", "O(N) where N is the length of the list.", lrem, "Removes elements from a list. Deletes the list if the last element was removed."),
    ROWS.row("ltrim", 4, Flags::WRITE, "1.0.0", "O(N) where N is the number of elements to be removed by the operation.", ltrim, "Removes elements from both ends of a list. Deletes the list if all elements were trimmed."),
    ROWS.row("lpos", -3, Flags::READONLY, "6.0.6", "O(N) where N is the number of elements in the list, or MAXLEN where that is given.", lpos, "Returns the index of matching elements in a list."),
    Command {
        keys: Keys::Range(1, 2, 1),
        ..ROWS.row("lmove", 5, ADDS, "6.2.0", "O(1)", lmove, "Returns an element after popping it from one list and pushing it to another. Deletes the list if the last \
             element was moved.")
    },
    Command {
        keys: Keys::Range(1, 2, 1),
        ..ROWS.row("rpoplpush", 3, ADDS, "1.2.0", "O(1)", |ctx, out| relocate(ctx, out, End::Tail, End::Head), "Returns the last element of a list after removing and pushing it to another list. Deletes the list if the \
             last element was popped.")
    },
    Command {
        keys: Keys::Counted(1),
        ..ROWS.row("lmpop", -4, Flags::WRITE.and(Flags::MOVABLEKEYS), "7.0.0", "O(N+M) where N is the number of provided keys and M is the number of elements returned.", lmpop, "Returns multiple elements from a list after removing them. Deletes the list if the last element was popped.")
    },
];

const ROWS: Rows = Rows::of(Group::List).keys(Keys::Range(1, 1, 1));

fn push(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, end: End, make: bool) -> Result<()> {
    let (key, elements) = (ctx.argv[1], &ctx.argv[2..]);
    let len = ctx.modify_list(key, make, |list, limits| {
        list.push(end, elements, limits);
        list.len()
    })?;
    if len.is_some() {
        ctx.notify(Class::LIST, if end == End::Head { "lpush" } else { "rpush" }, key);
        ctx.dirty(elements.len());
    }
    out.int(len.unwrap_or(0) as i64);
    Ok(())
}

fn pop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, end: End) -> Result<()> {
    let key = ctx.argv[1];
    let count = match ctx.argv {
        [_, _] => None,
        [_, _, count] => Some(at_least(count, 0, text::MUST_BE_POSITIVE)?),
        _ => {
            let name = if end == End::Head { "lpop" } else { "rpop" };
            return Err(Error::command(format!("ERR wrong number of arguments for '{name}' command")));
        }
    };
    if !present(ctx, key)? {
        if count.is_some() {
            out.null_array()
        } else {
            out.null()
        }
        return Ok(());
    }
    let popped = match count {
        Some(0) => {
            out.array(0);
            0
        }
        Some(count) => pop_many(ctx, out, key, end, count)?,
        None => {
            ctx.modify_list(key, false, |list, limits| {
                list.pop(end, 1, limits, |value| bulk(out, value));
            })?;
            1
        }
    };
    if popped > 0 {
        notify_popped(ctx, key, end);
    }
    ctx.dirty(popped);
    Ok(())
}

/// Pops up to `count` elements off a list that is there and answers with them; gives how many there were.
fn pop_many(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, key: &[u8], end: End, count: usize) -> Result<usize> {
    let popped = ctx.modify_list(key, false, |list, limits| {
        let count = count.min(list.len());
        out.array(count);
        list.pop(end, count, limits, |value| bulk(out, value));
        count
    })?;
    Ok(popped.unwrap_or(0))
}

/// Elements were popped off a list.
fn notify_popped(ctx: &mut Ctx<'_>, key: &[u8], end: End) {
    ctx.notify(Class::LIST, if end == End::Head { "lpop" } else { "rpop" }, key);
    ctx.notify_if_gone(key);
}

fn llen(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let len = ctx.list(ctx.argv[1])?.map_or(0, List::len);
    out.int(len as i64);
    Ok(())
}

fn lrange(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, end) = (args::int(ctx.argv[2])?, args::int(ctx.argv[3])?);
    let Some(list) = ctx.list(ctx.argv[1])? else {
        out.array(0);
        return Ok(());
    };
    let (start, count) = span(start, end, list.len());
    out.array(count);
    list.range(start, count).for_each(|value| bulk(out, value));
    Ok(())
}

/// The first index and the number of elements that Redis's `start` and `end` mean in a list of `len`.
fn span(start: i64, end: i64, len: usize) -> (usize, usize) {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    // Adding the length to a negative number can not overflow.
    let from_end = |index: i64| if index < 0 { index + len } else { index };
    let (start, end) = (from_end(start).max(0), from_end(end).min(len - 1));
    if start > end { (0, 0) } else { (start as usize, (end - start + 1) as usize) }
}

fn lindex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let Some(list) = ctx.list(ctx.argv[1])? else {
        out.null();
        return Ok(());
    };
    match list.get(args::int(ctx.argv[2])?) {
        Some(value) => bulk(out, value),
        None => out.null(),
    }
    Ok(())
}

fn lset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, element) = (ctx.argv[1], ctx.argv[3]);
    if !present(ctx, key)? {
        return Err(Error::command(text::NO_SUCH_KEY));
    }
    let index = args::int(ctx.argv[2])?;
    if ctx.modify_list(key, false, |list, limits| list.set(index, element, limits))? != Some(true) {
        return Err(Error::command(text::INDEX_RANGE));
    }
    ctx.notify(Class::LIST, "lset", key);
    ctx.dirty(1);
    out.ok();
    Ok(())
}

fn linsert(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, pivot, element) = (ctx.argv[1], ctx.argv[3], ctx.argv[4]);
    let before = match ctx.argv[2] {
        word if args::is(word, "before") => true,
        word if args::is(word, "after") => false,
        _ => return Err(Error::syntax()),
    };
    let len = ctx.modify_list(key, false, |list, limits| {
        list.insert(pivot, before, element, limits).then(|| list.len())
    })?;
    out.int(match len {
        None => 0,
        Some(None) => -1,
        Some(Some(len)) => {
            ctx.notify(Class::LIST, "linsert", key);
            ctx.dirty(1);
            len as i64
        }
    });
    Ok(())
}

fn lrem(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, element) = (ctx.argv[1], ctx.argv[3]);
    let mut count = args::int(ctx.argv[2])?;
    if ctx.session.replaying {
        // Up to 7.0 servers took and logged the one number that has no magnitude.
        count = count.max(-i64::MAX);
    }
    let count = magnitude(count)?;
    let (from, most) = match count {
        (_, 0) => (End::Head, usize::MAX),
        (true, most) => (End::Tail, most),
        (false, most) => (End::Head, most),
    };
    let removed = ctx.modify_list(key, false, |list, limits| list.remove(element, most, from, limits))?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.notify(Class::LIST, "lrem", key);
        ctx.notify_if_gone(key);
    }
    ctx.dirty(removed);
    out.int(removed as i64);
    Ok(())
}

fn ltrim(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (start, end) = (args::int(ctx.argv[2])?, args::int(ctx.argv[3])?);
    let removed = ctx.modify_list(ctx.argv[1], false, |list, limits| {
        let len = list.len();
        let (start, kept) = span(start, end, len);
        list.trim(start, kept, limits);
        len - kept
    })?;
    if removed.is_some() {
        ctx.notify(Class::LIST, "ltrim", ctx.argv[1]);
        ctx.notify_if_gone(ctx.argv[1]);
    }
    ctx.dirty(removed.unwrap_or(0));
    out.ok();
    Ok(())
}

fn lpos(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, element) = (ctx.argv[1], ctx.argv[2]);
    let (mut from_tail, mut rank, mut count, mut most) = (false, 1, None, usize::MAX);
    for option in ctx.argv[3..].chunks(2) {
        match *option {
            [name, value] if args::is(name, "rank") => {
                (from_tail, rank) = magnitude(args::int(value)?)?;
                if rank == 0 {
                    return Err(Error::command(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                         negative to start from the end of the list",
                    ));
                }
            }
            [name, value] if args::is(name, "count") => {
                count = Some(at_least(value, 0, "ERR COUNT can't be negative")?);
            }
            [name, value] if args::is(name, "maxlen") => {
                most = match at_least(value, 0, "ERR MAXLEN can't be negative")? {
                    0 => usize::MAX,
                    most => most,
                };
            }
            _ => return Err(Error::syntax()),
        }
    }
    let found = match ctx.list(key)? {
        None => Vec::new(),
        Some(list) => {
            let last = list.len().saturating_sub(1);
            let walk = if from_tail { list.range_back(last, most) } else { list.range(0, most) };
            let matching = walk.enumerate().filter(|(_, value)| value.eq_bytes(element));
            let wanted = matching.skip(rank - 1).take(match count {
                None => 1,
                Some(0) => usize::MAX,
                Some(count) => count,
            });
            wanted.map(|(index, _)| if from_tail { last - index } else { index } as i64).collect()
        }
    };
    if count.is_some() {
        out.array(found.len());
        found.iter().for_each(|&index| out.int(index));
    } else if let Some(&index) = found.first() {
        out.int(index);
    } else {
        out.null();
    }
    Ok(())
}

fn lmove(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (from, to) = (end_of(ctx.argv[3])?, end_of(ctx.argv[4])?);
    relocate(ctx, out, from, to)
}

fn relocate(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, from: End, to: End) -> Result<()> {
    let (source, destination) = (ctx.argv[1], ctx.argv[2]);
    if !present(ctx, source)? {
        out.null();
        return Ok(());
    }
    let element = if source == destination {
        ctx.modify_list(source, false, |list, limits| list.rotate(from, to, limits))?
    } else {
        ctx.check_type(destination, "list")?;
        ctx.modify_list(source, false, |list, limits| {
            let mut element = None;
            list.pop(from, 1, limits, |value| element = Some(value.to_vec()));
            element
        })?
    };
    let Some(element) = element.flatten() else {
        out.null();
        return Ok(());
    };
    if source != destination {
        ctx.modify_list(destination, true, |list, limits| list.push_moved(to, &element, limits))?;
    }
    ctx.notify(Class::LIST, if to == End::Head { "lpush" } else { "rpush" }, destination);
    notify_popped(ctx, source, from);
    ctx.dirty(1);
    out.bulk(&element);
    Ok(())
}

fn lmpop(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if mpop(ctx, out, 1)?.is_some() {
        out.null_array();
    }
    Ok(())
}

/// LMPOP with the number of keys at `at`: the keys when there is nothing in any of them.
fn mpop<'a>(ctx: &mut Ctx<'a>, out: &mut dyn ReplySink, at: usize) -> Result<Option<&'a [&'a [u8]]>> {
    let argv = ctx.argv;
    let count = at_least(argv[at], 1, "ERR numkeys should be greater than 0")?;
    let (keys, rest) = argv[at + 1..].split_at_checked(count).ok_or_else(Error::syntax)?;
    let Some((end, options)) = rest.split_first() else { return Err(Error::syntax()) };
    let end = end_of(end)?;
    let count = match *options {
        [] => 1,
        [word, count, ref rest @ ..] if args::is(word, "count") => {
            let count = at_least(count, 1, "ERR count should be greater than 0")?;
            if !rest.is_empty() {
                return Err(Error::syntax());
            }
            count
        }
        _ => return Err(Error::syntax()),
    };
    for &key in keys {
        if !present(ctx, key)? {
            continue;
        }
        out.array(2);
        out.bulk(key);
        let popped = pop_many(ctx, out, key, end, count)?;
        let name: &[u8] = if end == End::Head { b"LPOP" } else { b"RPOP" };
        notify_popped(ctx, key, end);
        ctx.log_instead(&[name, key, popped.to_string().as_bytes()]);
        ctx.dirty(popped);
        return Ok(None);
    }
    Ok(Some(keys))
}

/// Whether a list is at the key; WRONGTYPE for another type. A key that is due goes now, so that the log says so.
fn present(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<bool> {
    let present = ctx.check_type(key, "list")?;
    if !present {
        ctx.remove(key);
    }
    Ok(present)
}

/// One element of a reply.
fn bulk(out: &mut dyn ReplySink, value: LpValue<'_>) {
    match value {
        LpValue::Int(n) => out.bulk_int(n),
        LpValue::Str(bytes) => out.bulk(bytes),
    }
}

/// LEFT or RIGHT.
fn end_of(arg: &[u8]) -> Result<End> {
    match arg {
        word if args::is(word, "left") => Ok(End::Head),
        word if args::is(word, "right") => Ok(End::Tail),
        _ => Err(Error::syntax()),
    }
}

/// A number of at least `least`; anything else is refused with one text.
fn at_least(arg: &[u8], least: i64, message: &'static str) -> Result<usize> {
    let n = args::int_or(arg, message)?;
    let n = if n < least { None } else { usize::try_from(n).ok() };
    n.ok_or_else(|| Error::command(message))
}

/// Whether a number is negative, and its magnitude. The one number whose magnitude is none is refused.
fn magnitude(n: i64) -> Result<(bool, usize)> {
    if n == i64::MIN {
        let (least, most) = (-i64::MAX, i64::MAX);
        return Err(Error::command(format!(
            "ERR value is out of range, value must between {least} and {most}"
        )));
    }
    Ok((n < 0, usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests;
