//! CLIENT INFO and CLIENT LIST: a client as a line of names and values, all those of Redis 8.2 in their order, since there
//! are libraries that want each of them. A client inside the process has no buffers: its are 0. Knows what the observer
//! keeps of every client.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args;
use super::ctx::Ctx;
use super::observe::ClientState;
use super::peers::{KINDS, kind_of, own};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

/// Letters in Redis's order; N when there is none.
fn flags(ctx: &Ctx<'_>, client: &ClientState) -> String {
    let flag = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let observer = ctx.services.observer();
    let letters = [
        ('O', observer.monitors.has(client.id)),
        ('P', client.is_subscriber()),
        ('x', client.transaction().queued.is_some()),
        ('b', ctx.services.waiters().of_client(client.id).is_some()),
        ('t', observer.tracking.redirect(client.id).is_some()),
        ('U', client.link.as_ref().is_some_and(|link| link.is_unix())),
        ('e', flag(&client.no_evict)),
        ('T', flag(&client.no_touch)),
    ];
    let flags: String = letters.into_iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect();
    if flags.is_empty() { "N".to_owned() } else { flags }
}

fn describe(ctx: &Ctx<'_>, client: &ClientState) -> String {
    let clock = ctx.guard.keyspace().clock();
    let mut line = format!("id={} ", client.id);
    // Writing to a string does not fail.
    let _ = match &client.link {
        None => {
            let place = format!("in-process:{}", std::process::id());
            write!(line, "addr={place} laddr={place} fd=-1")
        }
        Some(link) => write!(line, "addr={} laddr={} fd={}", link.addr(), link.local_addr(), link.fd()),
    };
    let (name, lib_name, lib_version) = client.labels();
    let [sub, psub, ssub] = client.subscriptions();
    let transaction = client.transaction();
    let _ = write!(
        line,
        " name={name} age={} idle={} flags={} db={} sub={sub} psub={psub} ssub={ssub} multi={} watch={}",
        (clock.now_ms() - client.born_ms).max(0) / 1000,
        client.idle_seconds(clock.monotonic_ns(false)),
        flags(ctx, client),
        client.db.load(Ordering::Relaxed),
        transaction.queued.map_or(-1, |n| n as i64),
        transaction.watched,
    );
    let usage = client.link.as_ref().map(|link| link.usage()).unwrap_or_default();
    let is_own = ctx.session.client.as_ref().is_some_and(|own| own.id == client.id);
    let arguments: usize = if is_own { ctx.argv.iter().map(|arg| arg.len()).sum() } else { 0 };
    let total = size_of::<ClientState>()
        + usage.input
        + usage.input_free
        + usage.output
        + arguments
        + transaction.queued_bytes;
    let _ = write!(
        line,
        " qbuf={} qbuf-free={} argv-mem={arguments} multi-mem={} rbs={} rbp={} obl={} oll=0 omem={} tot-mem={total} events={}",
        usage.input,
        usage.input_free,
        transaction.queued_bytes,
        usage.output,
        usage.output,
        usage.output,
        usage.output,
        if usage.output > 0 { "rw" } else { "r" },
    );
    let redirect = ctx.services.observer().tracking.redirect(client.id).map_or(-1, |id| id as i64);
    let _ = writeln!(
        line,
        " cmd={} user=default redir={redirect} resp={} lib-name={lib_name} lib-ver={lib_version} io-thread=0 tot-net-in={} \
         tot-net-out={} tot-cmds={}",
        client.last_command().unwrap_or("NULL"),
        if client.resp3.load(Ordering::Relaxed) { 3 } else { 2 },
        usage.total_input,
        usage.total_output,
        client.calls(),
    );
    line
}

pub(super) fn info(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let text = describe(ctx, own(ctx)?);
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

pub(super) fn list(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut ids: Option<Vec<i64>> = None;
    let mut kind = None;
    match &ctx.argv[2..] {
        [] => {}
        [word, name] if args::is(word, "type") => {
            kind = KINDS.into_iter().find(|kind| args::is(name, kind));
            if kind.is_none() {
                let shown = args::shown(name, args::SHOWN_MAX);
                return Err(Error::command(format!("ERR Unknown client type '{shown}'")));
            }
        }
        [word, given @ ..] if args::is(word, "id") && !given.is_empty() => {
            let id = |arg: &&[u8]| args::int_or(arg, "ERR Invalid client ID");
            ids = Some(given.iter().map(id).collect::<Result<_>>()?);
        }
        _ => return Err(Error::syntax()),
    }
    let clients = ctx.services.observer().clients.all();
    let lines = clients
        .iter()
        .filter(|client| ids.as_ref().is_none_or(|ids| ids.contains(&(client.id as i64))))
        .filter(|client| kind.is_none_or(|kind| kind == kind_of(client)))
        .map(|client| describe(ctx, client));
    let text: String = lines.collect();
    out.verbatim("txt", text.as_bytes());
    Ok(())
}
