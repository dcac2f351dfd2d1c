//! Reading or setting fields together with their expiry or their end: HGETDEL, HGETEX, HSETEX.

use super::expiry::{COUNT_NOT_POSITIVE, Form, fields, log_expiry};
use super::{FAST_WRITE, GROWING, HASH};
use crate::command::args;
use crate::command::ctx::Ctx;
use crate::command::table::Command;
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::events::Class;
use crate::reply::ReplySink;

pub(in crate::command) const COMMANDS: &[Command] = &[
    Command {
        name: "hgetdel",
        arity: -5,
        flags: FAST_WRITE,
        since: "8.0.0",
        summary: "Answers the values of fields and removes them.",
        complexity: "O(N) where N is the number of fields",
        handler: hgetdel,
        ..HASH
    },
    Command {
        name: "hgetex",
        arity: -5,
        flags: FAST_WRITE,
        since: "8.0.0",
        summary: "Answers the values of fields, and sets or removes their expiry.",
        complexity: "O(N) where N is the number of fields",
        handler: hgetex,
        ..HASH
    },
    Command {
        name: "hsetex",
        arity: -6,
        flags: GROWING,
        since: "8.0.0",
        summary: "Sets fields and their expiry.",
        complexity: "O(N) where N is the number of fields to set",
        handler: hsetex,
        ..HASH
    },
];

fn answer(values: &[Option<Vec<u8>>], out: &mut dyn ReplySink) {
    out.array(values.len());
    values.iter().for_each(|value| out.bulk_or_null(value.as_deref()));
}

fn hgetdel(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    ctx.check_type(key, "hash")?;
    let fields = fields(ctx.argv, 2, COUNT_NOT_POSITIVE)?;
    let values = ctx.modify_hash(key, false, fields.iter().copied(), |hash, _| {
        let mut one = |field: &&[u8]| {
            let value = hash.find(field).map(|(value, _)| value.to_vec());
            if value.is_some() {
                hash.remove(field);
            }
            value
        };
        fields.iter().map(&mut one).collect::<Vec<_>>()
    })?;
    let values = values.unwrap_or_else(|| vec![None; fields.len()]);
    let removed = fields.iter().zip(&values).filter(|(_, value)| value.is_some()).map(|(field, _)| *field);
    log_expiry(ctx, 0, true, removed);
    answer(&values, out);
    Ok(())
}

/// What HGETEX does to the expiry.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    Persist,
    At(i64),
}

fn hgetex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (key, argv) = (ctx.argv[1], ctx.argv);
    ctx.check_type(key, "hash")?;
    let (change, fields_at) = match Form::of_option(argv[2]) {
        Some(form) => (Change::At(form.time(ctx, argv[3], "hgetex")?), 4),
        None if args::is(argv[2], "persist") => (Change::Persist, 3),
        None => (Change::Nothing, 2),
    };
    if fields_at > 2 && argv.len() <= fields_at + 1 {
        return Err(args::wrong_arity("hgetex"));
    }
    let fields = fields(argv, fields_at, COUNT_NOT_POSITIVE)?;
    let over = matches!(change, Change::At(at) if ctx.is_over(at));
    let now = ctx.now();
    // Per field: its value, and whether its expiry changed.
    let found = ctx.modify_hash(key, false, fields.iter().copied(), |hash, _| {
        if !matches!(change, Change::Nothing) {
            hash.prepare_expiry();
        }
        let mut one = |field: &&[u8]| {
            let (value, old) = hash.find(field).map(|(value, old)| (value.to_vec(), old))?;
            let changed = match change {
                Change::Nothing => false,
                Change::Persist => old.is_some() && hash.set_expiry(field, None, now).is_some(),
                Change::At(_) if over => hash.remove(field),
                Change::At(at) => hash.set_expiry(field, Some(at), now).is_some(),
            };
            Some((value, changed))
        };
        fields.iter().map(&mut one).collect::<Vec<_>>()
    })?;
    let found = found.unwrap_or_else(|| vec![None; fields.len()]);
    let changed = fields.iter().zip(&found);
    let changed: Vec<_> =
        changed.filter(|(_, found)| matches!(found, Some((_, true)))).map(|(field, _)| *field).collect();
    match change {
        Change::At(at) => log_expiry(ctx, at, over, changed.into_iter()),
        Change::Persist if !changed.is_empty() => {
            let count = num::fmt_i64(changed.len() as i64);
            let mut effect: Vec<&[u8]> = vec![b"HPERSIST", key, b"FIELDS", count.as_bytes()];
            effect.extend(&changed);
            ctx.log_instead(&effect);
            ctx.notify(Class::HASH, "hpersist", key);
            ctx.dirty(changed.len());
        }
        _ => {}
    }
    let values: Vec<_> = found.into_iter().map(|found| found.map(|(value, _)| value)).collect();
    answer(&values, out);
    Ok(())
}

/// HSETEX's options.
#[derive(Default)]
struct Options {
    /// FNX (no field may exist) or FXX (all must): whether they must exist.
    must_exist: Option<bool>,
    at: Option<i64>,
    keep: bool,
    /// NX and XX of Valkey: whether the key must be there.
    key_must_exist: Option<bool>,
    /// Where the fields and values begin.
    pairs_at: usize,
}

fn hsetex_options(ctx: &Ctx<'_>) -> Result<Options> {
    let argv = ctx.argv;
    let mut options = Options::default();
    let mut at = 2;
    while let Some(&word) = argv.get(at) {
        at += 1;
        if args::is(word, "fields") {
            // Word, count and one pair at least.
            if at + 3 > argv.len() {
                return Err(args::wrong_arity("hsetex"));
            }
            let count = args::int_or(argv[at], "ERR invalid number of fields")?;
            if !(1..=i64::from(i32::MAX)).contains(&count) {
                return Err(Error::command("ERR invalid number of fields"));
            }
            let rest = (argv.len() - at - 1) as i64;
            if rest != count * 2 {
                return Err(args::wrong_arity("hsetex"));
            }
            options.pairs_at = at + 1;
            return Ok(options);
        }
        let form = Form::of_option(word);
        let keep = args::is(word, "keepttl");
        if form.is_some() || keep {
            if options.at.is_some() || options.keep {
                let text = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
                return Err(Error::command(text));
            }
            options.keep = keep;
        }
        if let Some(form) = form {
            let time = argv.get(at).ok_or(Error::command("ERR missing expire time"))?;
            options.at = Some(form.time(ctx, time, "hsetex")?);
            at += 1;
        } else if args::is(word, "nx") || args::is(word, "xx") {
            // Valkey's: a condition on the key.
            if options.key_must_exist.is_some_and(|wanted| wanted != args::is(word, "xx")) {
                return Err(Error::syntax());
            }
            options.key_must_exist = Some(args::is(word, "xx"));
        } else if args::is(word, "fnx") || args::is(word, "fxx") {
            if options.must_exist.is_some() {
                return Err(Error::command("ERR Only one of FXX or FNX arguments can be specified"));
            }
            options.must_exist = Some(args::is(word, "fxx"));
        } else if !keep {
            let shown = args::shown(word, usize::MAX);
            return Err(Error::command(format!("ERR unknown argument: {shown}")));
        }
    }
    Err(args::wrong_arity("hsetex"))
}

fn hsetex(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let key = ctx.argv[1];
    let options = hsetex_options(ctx)?;
    let args = &ctx.argv[options.pairs_at..];
    let (pairs, _) = args.as_chunks::<2>();
    let fields = || pairs.iter().map(|pair| pair[0]);
    let over = options.at.is_some_and(|at| ctx.is_over(at));
    let now = if options.at.is_some() { ctx.now() } else { 0 };
    let make = options.must_exist != Some(true);
    let existed = ctx.check_type(key, "hash")?;
    if options.key_must_exist.is_some_and(|wanted| wanted != existed) {
        out.int(0);
        return Ok(());
    }
    let removed = ctx.modify_hash(key, make, fields(), |hash, limits| {
        if let Some(wanted) = options.must_exist
            && fields().any(|field| hash.find(field).is_some() != wanted)
        {
            return None;
        }
        hash.prepare(args, limits);
        if options.at.is_some() {
            hash.prepare_expiry();
        }
        // Fields whose time is over are gone at once, and it matters only that those which were there are.
        let mut removed = 0;
        for [field, value] in pairs {
            if over {
                removed += usize::from(hash.find(field).is_some());
                hash.set(field, value, limits);
                hash.remove(field);
            } else if options.keep {
                hash.set_keeping(field, value, limits);
            } else {
                hash.set(field, value, limits);
                if options.at.is_some() {
                    hash.set_expiry(field, options.at, now);
                }
            }
        }
        Some(removed)
    })?;
    let done = removed.flatten();
    if over && done.is_some() {
        // On a server they are there for a moment.
        if !existed {
            ctx.notify(Class::NEW, "new", key);
        }
        ctx.notify(Class::HASH, "hset", key);
    }
    match done {
        Some(0) if over => {
            ctx.notify(Class::HASH, "hdel", key);
            ctx.notify_if_gone(key);
        }
        Some(_) if over => log_expiry(ctx, 0, true, fields()),
        Some(_) => log_hsetex(ctx, &options),
        None => {}
    }
    out.int(i64::from(done.is_some()));
    Ok(())
}

/// Without conditions, which were met, and with the time in absolute milliseconds. Without any option that is HSET,
/// which older servers know too.
fn log_hsetex(ctx: &mut Ctx<'_>, options: &Options) {
    let (key, args) = (ctx.argv[1], &ctx.argv[options.pairs_at..]);
    let count = num::fmt_i64((args.len() / 2) as i64);
    let at = num::fmt_i64(options.at.unwrap_or(0));
    let mut effect: Vec<&[u8]> = match options {
        Options { at: Some(_), .. } => {
            vec![b"HSETEX", key, b"PXAT", at.as_bytes(), b"FIELDS", count.as_bytes()]
        }
        Options { keep: true, .. } => vec![b"HSETEX", key, b"KEEPTTL", b"FIELDS", count.as_bytes()],
        _ => vec![b"HSET", key],
    };
    effect.extend(args);
    ctx.log_instead(&effect);
    ctx.notify(Class::HASH, "hset", key);
    if options.at.is_some() {
        ctx.notify(Class::HASH, "hexpire", key);
    }
    ctx.dirty(args.len() / 2);
}
