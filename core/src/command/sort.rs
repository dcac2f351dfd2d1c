//! SORT and SORT_RO: the elements of a list, a set or a sorted set, sorted by themselves or by what other keys hold.
//!
//! The result never depends on the inner order of a set: elements that compare equal as numbers are compared as texts,
//! as in Redis. Patterns may name any key, so a call with one takes every shard.

use super::args;
use super::ctx::Ctx;
use super::table::{Command, Flags, Group, Keys};
use crate::encoding::num::strtod;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::keyspace::{Expiry, Guard, StrRef};
use crate::reply::ReplySink;
use crate::value::Value;
use crate::value::list::List;

const COMPLEXITY: &str = "O(N+M*log(M)) where N is the number of elements and M the number of returned ones; O(N) without sorting.";

const SORT: Command = Command {
    name: "sort",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: Keys::Sort,
    group: Group::Generic,
    categories: &["set", "sortedset", "list", "dangerous"],
    since: "1.0.0",
    summary: "Sorts the elements of a list, a set or a sorted set; may store the result.",
    complexity: COMPLEXITY,
    handler: sort,
    subcommands: &[],
};

pub(super) const COMMANDS: &[Command] = &[
    SORT,
    Command {
        name: "sort_ro",
        flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
        since: "7.0.0",
        summary: "Sorts the elements of a list, a set or a sorted set.",
        handler: sort_ro,
        ..SORT
    },
];

/// Elements of one command in the log.
const PER_COMMAND: usize = 1000;

/// The options of a call.
#[derive(Default)]
struct Options<'a> {
    descending: bool,
    alpha: bool,
    limit: Option<(i64, i64)>,
    by: Option<&'a [u8]>,
    get: Vec<&'a [u8]>,
    store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(argv: &[&'a [u8]], may_store: bool) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = argv;
        while let Some((&word, after)) = rest.split_first() {
            rest = after;
            let is = |name| args::is(word, name);
            match rest {
                _ if is("asc") => options.descending = false,
                _ if is("desc") => options.descending = true,
                _ if is("alpha") => options.alpha = true,
                [offset, count, after @ ..] if is("limit") => {
                    options.limit = Some((args::int(offset)?, args::int(count)?));
                    rest = after;
                }
                [key, after @ ..] if is("store") && may_store => {
                    options.store = Some(key);
                    rest = after;
                }
                [pattern, after @ ..] if is("by") => {
                    options.by = Some(pattern);
                    rest = after;
                }
                [pattern, after @ ..] if is("get") => {
                    options.get.push(pattern);
                    rest = after;
                }
                _ => return Err(Error::syntax()),
            }
        }
        Ok(options)
    }

    /// Other keys than the declared ones are looked at.
    fn has_patterns(&self) -> bool {
        self.by.iter().chain(&self.get).any(|pattern| pattern.contains(&b'*'))
    }

    /// Which of `len` elements are wanted.
    fn range(&self, len: usize) -> std::ops::Range<usize> {
        let Some((offset, count)) = self.limit else { return 0..len };
        let start = usize::try_from(offset).unwrap_or(0).min(len);
        let count = usize::try_from(count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }
}

/// Positions of the keys a call declares: what is sorted, and where it goes.
pub(super) fn key_positions(argv: &[&[u8]]) -> Vec<usize> {
    let mut positions = vec![1];
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        let is = |name| args::is(word, name);
        if is("store") && at + 1 < argv.len() {
            // Only the last one counts.
            positions.truncate(1);
            positions.push(at + 1);
        }
        at += match () {
            () if is("limit") => 3,
            () if is("get") || is("by") || is("store") => 2,
            () => 1,
        };
    }
    positions
}

/// Whether a call has patterns, which may name any key.
pub(super) fn takes_everything(argv: &[&[u8]]) -> bool {
    // Options that are refused need no shard at all.
    Options::parse(&argv[2..], true).is_ok_and(|options| options.has_patterns())
}

fn sort(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    run(ctx, out, true)
}

fn sort_ro(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    run(ctx, out, false)
}

fn run(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, may_store: bool) -> Result<()> {
    let mut options = Options::parse(&ctx.argv[2..], may_store)?;
    let key = ctx.argv[1];
    // A pattern that has no place for the element asks not to sort.
    let mut sorts = options.by.is_none_or(|pattern| pattern.contains(&b'*'));
    let is_set = ctx.guard.type_name(ctx.db(), key) == Some("set");
    if !sorts && is_set && options.store.is_some() {
        // What is stored must not depend on the inner order of a set.
        (sorts, options.alpha, options.by) = (true, true, None);
    }
    let mut elements = elements(ctx, key, options.descending && !sorts)?;
    let range = options.range(elements.len());
    if is_set && options.alpha && options.by.is_some() {
        // Where what they are sorted by is the same, the order of a set must not show.
        elements.sort_unstable();
    }
    if sorts {
        elements = sorted(ctx, elements, &options)?;
    }
    let wanted = &elements[range];
    let mut found: Vec<Option<Vec<u8>>> = Vec::with_capacity(wanted.len() * options.get.len().max(1));
    for element in wanted {
        if options.get.is_empty() {
            found.push(Some(element.clone()));
        }
        found.extend(
            options.get.iter().map(|pattern| by_pattern(&ctx.guard, ctx.session.db, pattern, element)),
        );
    }
    let Some(to) = options.store else {
        out.array(found.len());
        found.iter().for_each(|element| out.bulk_or_null(element.as_deref()));
        return Ok(());
    };
    // What is not there is stored as an empty text.
    let found: Vec<Vec<u8>> = found.into_iter().map(Option::unwrap_or_default).collect();
    store(ctx, to, &found);
    out.int(found.len() as i64);
    Ok(())
}

/// Everything at a key in its own order: from the end when `backwards`.
fn elements(ctx: &mut Ctx<'_>, key: &[u8], backwards: bool) -> Result<Vec<Vec<u8>>> {
    let mut elements: Vec<Vec<u8>> = match ctx.guard.type_name(ctx.db(), key) {
        None => {
            // Counted and told as a read that found nothing.
            ctx.exists(key);
            Vec::new()
        }
        Some("list") => {
            ctx.list(key)?.map(|list| list.iter().map(|e| e.to_vec()).collect()).unwrap_or_default()
        }
        Some("set") => {
            // A set has no order to turn round.
            let members = ctx.set(key)?.map(|set| set.iter().map(|e| e.to_vec()).collect());
            return Ok(members.unwrap_or_default());
        }
        Some("zset") => {
            // As on servers, a sorted set that was sorted is in its big form.
            ctx.modify_zset(key, false, |zset, _| zset.expand())?;
            ctx.zset(key)?.map(|zset| zset.iter().map(|(m, _)| m.to_vec()).collect()).unwrap_or_default()
        }
        Some(_) => return Err(Error::wrong_type()),
    };
    if backwards {
        elements.reverse();
    }
    Ok(elements)
}

/// What an element is sorted by.
enum Weight {
    Number(f64),
    /// `None`: the key of the pattern is not there, which comes before every text.
    Text(Option<Vec<u8>>),
    /// The element itself.
    Itself,
}

fn sorted(ctx: &Ctx<'_>, elements: Vec<Vec<u8>>, options: &Options<'_>) -> Result<Vec<Vec<u8>>> {
    let mut weighed = Vec::with_capacity(elements.len());
    let mut refusal = None;
    // All are looked up, as on servers, even if one of them is no number.
    let mut number = |text: &[u8]| match number(text) {
        Ok(value) => value,
        Err(error) => {
            refusal.get_or_insert(error);
            0.0
        }
    };
    for element in elements {
        let other = options.by.map(|pattern| by_pattern(&ctx.guard, ctx.session.db, pattern, &element));
        let weight = match (options.alpha, other) {
            (true, None) => Weight::Itself,
            (true, Some(text)) => Weight::Text(text),
            (false, None) => Weight::Number(number(&element)),
            (false, Some(None)) => Weight::Number(0.0),
            (false, Some(Some(text))) => Weight::Number(number(&text)),
        };
        weighed.push((weight, element));
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    weighed.sort_by(|(a, x), (b, y)| {
        let order = match (a, b) {
            (Weight::Number(a), Weight::Number(b)) => a.total_cmp(b).then_with(|| x.cmp(y)),
            (Weight::Text(a), Weight::Text(b)) => a.cmp(b),
            _ => x.cmp(y),
        };
        if options.descending { order.reverse() } else { order }
    });
    Ok(weighed.into_iter().map(|(_, element)| element).collect())
}

/// A text as a number: as C's `strtod` reads it, which takes nothing for 0 and stops at a zero byte.
fn number(text: &[u8]) -> Result<f64> {
    let wrong = || Error::command("ERR One or more scores can't be converted into double");
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Ok(0.0);
    }
    let (value, used) = strtod(text).ok_or_else(wrong)?;
    let named = text.iter().any(|byte| byte.eq_ignore_ascii_case(&b'n'));
    let in_range = !value.is_nan() && (value.is_finite() || named);
    if used == text.len() && in_range { Ok(if value == 0.0 { 0.0 } else { value }) } else { Err(wrong()) }
}

/// What a pattern gives for an element: `#` is the element itself; else the star stands for it in the name of a string,
/// or of a hash whose field follows `->`.
fn by_pattern(guard: &Guard<'_>, db: usize, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    if pattern == b"#" {
        return Some(element.to_vec());
    }
    let star = pattern.iter().position(|&byte| byte == b'*')?;
    let (before, after) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = after.windows(2).position(|pair| pair == b"->").filter(|at| at + 2 < after.len());
    let (after, field) = match arrow {
        Some(at) => (&after[..at], Some(&after[at + 2..])),
        None => (after, None),
    };
    let key = [before, element, after].concat();
    match field {
        None => guard.string(db, &key)?.ok().map(StrRef::to_vec),
        Some(field) => match guard.value(db, &key)?? {
            Value::Hash(hash) => guard.hash_view(hash).get(field).map(|value| value.to_vec()),
            _ => None,
        },
    }
}

/// Makes `to` a list of these elements, or deletes it if there are none. The log gets the outcome: keys that patterns
/// name may be due by then, and servers disagree about which texts are numbers.
fn store(ctx: &mut Ctx<'_>, to: &[u8], elements: &[Vec<u8>]) {
    let existed = ctx.guard.peek(ctx.db(), to).is_some();
    if existed {
        ctx.log_instead(&[b"DEL", to]);
    }
    for portion in elements.chunks(PER_COMMAND) {
        let head = [&b"RPUSH"[..], to];
        let effect: Vec<&[u8]> = head.into_iter().chain(portion.iter().map(Vec::as_slice)).collect();
        ctx.log_instead(&effect);
    }
    if elements.is_empty() {
        if ctx.remove(to) {
            ctx.notify(Class::GENERIC, "del", to);
        }
        ctx.dirty(usize::from(existed));
    } else {
        let list = List::from_elements(elements, &ctx.limits());
        ctx.set_value(to, Value::List(list), Expiry::Clear);
        ctx.notify(Class::LIST, "sortstore", to);
        ctx.dirty(elements.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::Bench;

    #[test]
    fn numbers_are_read_as_strtod_reads_them() {
        for (text, value) in [
            ("", 0.0),
            (" 12", 12.0),
            ("0x10", 16.0),
            ("-1e3", -1000.0),
            ("inf", f64::INFINITY),
            ("3\0x", 3.0),
        ] {
            assert_eq!(number(text.as_bytes()).expect(text), value);
        }
        for text in ["12 ", "a", "nan", "1e999", "1,5", "--1"] {
            assert!(number(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_and_what_is_stored() {
        let mut bench = Bench::new(&[]);
        bench.expect(&[
            ("RPUSH l 3 1 2", "3"),
            ("MSET w1 30 w2 20 w3 10", "OK"),
            ("HSET h1 f one", "1"),
            ("HSET h2 f two", "1"),
            ("SORT l", "[1 2 3]"),
            ("SORT l BY w* GET # GET h*->f DESC", "[1 one 2 two 3 nil]"),
            ("SORT l BY nosort DESC", "[2 1 3]"),
            ("SORT l BY nosort LIMIT 1 1 DESC", "[1]"),
            ("SORT_RO l STORE x", "ERR syntax error"),
        ]);
        bench.logged();
        bench.expect(&[
            ("SORT l DESC STORE d", "3"),
            ("SORT l BY w* GET h*->f STORE d", "3"),
            ("LRANGE d 0 -1", "[ two one]"),
            ("SORT l LIMIT 9 1 STORE d", "0"),
            ("EXISTS d", "0"),
        ]);
        let logged = ["RPUSH d 3 2 1", "DEL d", "RPUSH d two one", "DEL d"];
        assert_eq!(bench.logged(), logged);
        bench.expect(&[("PEXPIRE w1 1", "1"), ("HPEXPIRE h2 1 FIELDS 1 f", "[1]")]);
        bench.advance(5);
        bench.expect(&[("SORT l BY w* GET h*->f", "[one nil nil]")]);
    }

    #[test]
    fn keys_are_where_they_are() {
        let at = |line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            (key_positions(&argv), takes_everything(&argv))
        };
        assert_eq!(at("SORT l BY store GET # LIMIT 0 store STORE a STORE b"), (vec![1, 12], false));
        assert_eq!(at("SORT l BY w* STORE a"), (vec![1, 5], true));
        assert_eq!(at("SORT l GET a* STORE"), (vec![1], false));
    }
}
