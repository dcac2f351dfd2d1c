//! CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR.

use std::sync::Arc;

use super::super::args;
use super::super::ctx::Ctx;
use super::super::peers::own;
use super::super::table::{Command, Flags, Group, Rows};
use super::Mode;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const ROWS: Rows = Rows::of(Group::Connection);

const FLAGS: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const SINCE: &str = "6.0.0";

#[rustfmt::skip]
pub(in super::super) const CACHING: Command = ROWS.row("caching", 3, FLAGS, SINCE, "O(1)", caching, "Says whether the keys of the next command are to be tracked.");
#[rustfmt::skip]
pub(in super::super) const GETREDIR: Command = ROWS.row("getredir", 2, FLAGS, SINCE, "O(1)", getredir, "Returns the client that is told in place of this one.");
#[rustfmt::skip]
pub(in super::super) const TRACKING: Command = ROWS.row("tracking", -3, FLAGS, SINCE, "O(1). Some options may introduce additional complexity.", tracking, "Turns on or off that this client is told when keys it has read change.");
#[rustfmt::skip]
pub(in super::super) const TRACKINGINFO: Command = Command { since: "6.2.0", ..ROWS.row("trackinginfo", 2, FLAGS, SINCE, "O(1)", trackinginfo, "Returns how this client tracks keys.") };

fn wrong<T>(text: &'static str) -> Result<T> {
    Err(Error::command(text))
}

fn tracking(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    // Servers read the options first.
    let mode = options(ctx)?;
    let on = match ctx.argv[2] {
        word if args::is(word, "on") => true,
        word if args::is(word, "off") => false,
        _ => return Err(Error::syntax()),
    };
    if !on {
        let is_free = ctx.may_block;
        super::end(ctx.services, ctx.session, is_free);
        out.ok();
        return Ok(());
    }
    let client = Arc::clone(own(ctx)?);
    let mode = combine(ctx.session.tracking.as_deref(), mode)?;
    let tracking = &ctx.services.observer().tracking;
    if !mode.bcast {
        tracking.enter(client, mode.clone());
    } else if ctx.guard.holds_all() {
        tracking.enter_all(&mut ctx.guard, client, mode.clone());
    } else {
        tracking.enter_all(&mut ctx.services.keyspace().lock_all()?, client, mode.clone());
    }
    ctx.session.tracking = Some(Box::new(mode));
    out.ok();
    Ok(())
}

fn options(ctx: &Ctx<'_>) -> Result<Mode> {
    let mut mode = Mode::default();
    let mut words = ctx.argv[3..].iter();
    while let Some(word) = words.next() {
        match () {
            () if args::is(word, "redirect") && words.len() > 0 => {
                let id = args::int(words.next().copied().unwrap_or_default())?;
                if mode.redirect.is_some() {
                    return wrong("ERR A client can only redirect to a single other client");
                }
                let id =
                    u64::try_from(id).ok().filter(|id| ctx.services.observer().clients.find(*id).is_some());
                let gone = "ERR The client ID you want redirect to does not exist";
                mode.redirect = Some(id.ok_or_else(|| Error::command(gone))?);
            }
            () if args::is(word, "prefix") && words.len() > 0 => {
                mode.prefixes.push(words.next().copied().unwrap_or_default().to_vec());
            }
            () if args::is(word, "bcast") => mode.bcast = true,
            () if args::is(word, "optin") => mode.optin = true,
            () if args::is(word, "optout") => mode.optout = true,
            () if args::is(word, "noloop") => mode.noloop = true,
            () => return Err(Error::syntax()),
        }
    }
    Ok(mode)
}

/// What was asked for now, and what holds already.
fn combine(before: Option<&Mode>, mut mode: Mode) -> Result<Mode> {
    if !mode.prefixes.is_empty() && !mode.bcast {
        return wrong("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if before.is_some_and(|before| before.bcast != mode.bcast) {
        return wrong(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    if mode.bcast && (mode.optin || mode.optout) {
        return wrong("ERR OPTIN and OPTOUT are not compatible with BCAST");
    }
    if mode.optin && mode.optout {
        return wrong("ERR You can't specify both OPTIN mode and OPTOUT mode");
    }
    if before.is_some_and(|before| (mode.optin && before.optout) || (mode.optout && before.optin)) {
        return wrong(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let old = before.map(|before| &before.prefixes[..]).unwrap_or_default();
    for (at, prefix) in mode.prefixes.iter().enumerate() {
        let existing = old.iter().find(|other| overlap(prefix, other));
        let provided = mode.prefixes[at + 1..].iter().find(|other| overlap(prefix, other));
        let (other, which) = match (existing, provided) {
            (Some(other), _) => (other, "an existing"),
            (_, Some(other)) => (other, "another provided"),
            _ => continue,
        };
        return Err(Error::command(format!(
            "ERR Prefix '{}' overlaps with {which} prefix '{}'. Prefixes for a single client must not overlap.",
            String::from_utf8_lossy(prefix),
            String::from_utf8_lossy(other)
        )));
    }
    if mode.bcast && mode.prefixes.is_empty() {
        // All keys begin with nothing.
        mode.prefixes.push(Vec::new());
    }
    for prefix in old {
        if !mode.prefixes.contains(prefix) {
            mode.prefixes.push(prefix.clone());
        }
    }
    mode.prefixes.sort_unstable();
    Ok(mode)
}

fn caching(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let word = ctx.argv[2];
    let Some(mode) = ctx.session.tracking.as_mut() else {
        return wrong(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        );
    };
    mode.caching = match () {
        () if args::is(word, "yes") && mode.optin => Some(true),
        () if args::is(word, "yes") => {
            return wrong("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
        }
        () if args::is(word, "no") && mode.optout => Some(false),
        () if args::is(word, "no") => {
            return wrong("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
        }
        () => return Err(Error::syntax()),
    };
    out.ok();
    Ok(())
}

fn redirect(ctx: &Ctx<'_>) -> i64 {
    ctx.session.tracking.as_ref().map_or(-1, |mode| mode.redirect.unwrap_or(0) as i64)
}

fn getredir(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(redirect(ctx));
    Ok(())
}

fn trackinginfo(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mode = ctx.session.tracking.as_deref();
    let mut flags = vec![if mode.is_some() { "on" } else { "off" }];
    let mut prefixes: &[Vec<u8>] = &[];
    if let Some(mode) = mode {
        let is_broken = ctx.services.observer().tracking.is_broken(own(ctx)?.id);
        for (name, holds) in [
            ("bcast", mode.bcast),
            ("optin", mode.optin),
            ("caching-yes", mode.optin && mode.caching == Some(true)),
            ("optout", mode.optout),
            ("caching-no", mode.optout && mode.caching == Some(false)),
            ("noloop", mode.noloop),
            ("broken_redirect", is_broken),
        ] {
            flags.extend(holds.then_some(name));
        }
        prefixes = &mode.prefixes;
    }
    out.map(3);
    out.bulk(b"flags");
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.int(redirect(ctx));
    out.bulk(b"prefixes");
    out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(())
}
