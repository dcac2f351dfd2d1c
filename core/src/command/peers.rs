//! Commands that concern other clients, or what a server is to them: CLIENT KILL, PAUSE, UNPAUSE, REPLY; ROLE, REPLICAOF,
//! WAIT, WAITAOF.
//!
//! Only clients of a listener have a connection that can be killed or kept from getting replies; clients inside the process
//! are left to their program, except that a pause holds everybody.

use std::sync::Arc;
use std::time::Duration;

use super::args;
use super::blocking::{Nothing, Request};
use super::ctx::Ctx;
use super::observe::ClientState;
use super::table::{Command, Flags, Group, Rows};
use crate::error::{Error, Result};
use crate::keyspace::Wanted;
use crate::reply::ReplySink;

const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
const ADMIN: Flags = Flags::ADMIN.and(Flags::NOSCRIPT);

const ROWS: Rows = Rows::of(Group::Server);

const fn of_connection(command: Command) -> Command {
    Command { group: Group::Connection, ..command }
}

const EACH_CLIENT: &str = "O(N) where N is the number of clients";

#[rustfmt::skip]
pub(super) const KILL: Command = of_connection(ROWS.row("kill", -3, ADMIN.and(ANY_TIME), "2.4.0", EACH_CLIENT, kill, "Ends connections."));
#[rustfmt::skip]
pub(super) const PAUSE: Command = of_connection(ROWS.row("pause", -3, ADMIN.and(ANY_TIME), "3.0.0", "O(1)", pause, "Holds all commands of clients, or all that write, for a time."));
#[rustfmt::skip]
pub(super) const REPLY: Command = of_connection(ROWS.row("reply", 3, Flags::NOSCRIPT.and(ANY_TIME), "3.2.0", "O(1)", reply, "Says whether this connection gets replies."));
#[rustfmt::skip]
pub(super) const UNPAUSE: Command = of_connection(ROWS.row("unpause", 2, ADMIN.and(ANY_TIME), "6.2.0", EACH_CLIENT, unpause, "Ends a pause."));

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("monitor", 1, ADMIN.and(ANY_TIME), "1.0.0", "O(1)", monitor, "Shows every command that is run from now on."),
    ROWS.row("replicaof", 3, ADMIN.and(Flags::STALE).and(Flags::NO_ASYNC_LOADING), "5.0.0", "O(1)", replicaof, "Takes NO ONE, which is so: there is no replication."),
    Command { categories: &["admin", "dangerous"], ..ROWS.row("role", 1, Flags::NOSCRIPT.and(ANY_TIME).and(Flags::FAST), "2.8.12", "O(1)", role, "Returns the part played in replication: a master without replicas.") },
    ROWS.row("slaveof", 3, ADMIN.and(Flags::STALE).and(Flags::NO_ASYNC_LOADING), "1.0.0", "O(1)", replicaof, "Takes NO ONE, which is so: there is no replication."),
    of_connection(ROWS.row("wait", 3, Flags::NOSCRIPT, "3.0.0", "O(1)", wait, "Waits for replicas, of which there are none.")),
    of_connection(ROWS.row("waitaof", 4, Flags::BLOCKING, "7.2.0", "O(1)", waitaof, "Waits until what was written is on disk in the log.")),
];

/// Which connections CLIENT KILL is to end.
#[derive(Default)]
struct Filter<'a> {
    ids: Vec<u64>,
    addr: Option<&'a [u8]>,
    local_addr: Option<&'a [u8]>,
    /// `normal`, `pubsub` …
    kind: Option<&'static str>,
    name: Option<&'a [u8]>,
    /// Seconds since it connected, at least.
    max_age: Option<i64>,
    with_self: bool,
}

/// Types of clients by which CLIENT LIST and CLIENT KILL choose.
pub(super) const KINDS: [&str; 5] = ["normal", "master", "replica", "slave", "pubsub"];

pub(super) fn kind_of(client: &ClientState) -> &'static str {
    if client.is_subscriber() { "pubsub" } else { "normal" }
}

impl<'a> Filter<'a> {
    fn parse(mut words: &[&'a [u8]]) -> Result<Self> {
        let mut filter = Self::default();
        while let [option, values @ ..] = words {
            let [value, rest @ ..] = values else { return Err(Error::syntax()) };
            words = rest;
            match () {
                () if args::is(option, "id") => {
                    let id = args::int_or(value, "ERR client-id should be greater than 0")?;
                    let id = u64::try_from(id).ok().filter(|id| *id > 0);
                    filter
                        .ids
                        .push(id.ok_or_else(|| Error::command("ERR client-id should be greater than 0"))?);
                }
                () if args::is(option, "type") => {
                    let kind = KINDS.into_iter().find(|kind| args::is(value, kind));
                    let unknown = || {
                        let shown = args::shown(value, args::SHOWN_MAX);
                        Error::command(format!("ERR Unknown client type '{shown}'"))
                    };
                    filter.kind = Some(kind.ok_or_else(unknown)?);
                }
                () if args::is(option, "addr") => filter.addr = Some(value),
                () if args::is(option, "laddr") => filter.local_addr = Some(value),
                () if args::is(option, "name") => filter.name = Some(value),
                () if args::is(option, "user") && *value == b"default" => {}
                () if args::is(option, "user") => {
                    let shown = args::shown(value, args::SHOWN_MAX);
                    return Err(Error::command(format!("ERR No such user '{shown}'")));
                }
                () if args::is(option, "maxage") => {
                    let age = args::int_or(value, "ERR maxage is not an integer or out of range")?;
                    if age <= 0 {
                        return Err(Error::command("ERR maxage should be greater than 0"));
                    }
                    filter.max_age = Some(age);
                }
                () if args::is(option, "skipme") && args::is(value, "yes") => filter.with_self = false,
                () if args::is(option, "skipme") && args::is(value, "no") => filter.with_self = true,
                () => return Err(Error::syntax()),
            }
        }
        Ok(filter)
    }

    fn fits(&self, client: &ClientState, now_ms: i64) -> bool {
        let Some(link) = &client.link else { return false };
        (self.ids.is_empty() || self.ids.contains(&client.id))
            && self.addr.is_none_or(|addr| addr == link.addr().as_bytes())
            && self.local_addr.is_none_or(|addr| addr == link.local_addr().as_bytes())
            && self.kind.is_none_or(|wanted| wanted == kind_of(client))
            && self.name.is_none_or(|name| name == client.name())
            && self.max_age.is_none_or(|age| (now_ms - client.born_ms) / 1000 >= age)
    }
}

fn kill(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    // The old form: an address, and an error when nobody is there.
    let is_old = ctx.argv.len() == 3;
    let filter = match ctx.argv[2..] {
        [addr] => Filter { addr: Some(addr), with_self: true, ..Filter::default() },
        ref words => Filter::parse(words)?,
    };
    let own = ctx.session.client.as_ref().map_or(0, |client| client.id);
    let now = ctx.guard.keyspace().clock().now_ms();
    let mut killed = 0;
    for client in ctx.services.observer().clients.all() {
        if !filter.fits(&client, now) || (client.id == own && !filter.with_self) {
            continue;
        }
        if let Some(link) = &client.link {
            link.end(client.id == own);
            killed += 1;
        }
    }
    match (is_old, killed) {
        (true, 0) => return Err(Error::command("ERR No such client")),
        (true, _) => out.ok(),
        (false, killed) => out.int(killed),
    }
    Ok(())
}

fn pause(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let writes_only = match ctx.argv[3..] {
        [] => false,
        [mode] if args::is(mode, "all") => false,
        [mode] if args::is(mode, "write") => true,
        [_] => return Err(Error::command("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(args::wrong_arity("client|pause")),
    };
    let length = timeout(ctx.argv[2])?;
    let clock = ctx.guard.keyspace().clock();
    ctx.services.observer().pause.begin(clock.now_ms().saturating_add(length), writes_only);
    out.ok();
    Ok(())
}

fn unpause(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let observer = ctx.services.observer();
    observer.pause.end();
    for client in observer.clients.all() {
        if let Some(link) = &client.link {
            link.wake();
        }
    }
    out.ok();
    Ok(())
}

/// Milliseconds.
fn timeout(arg: &[u8]) -> Result<i64> {
    match args::int_or(arg, "ERR timeout is not an integer or out of range")? {
        ms if ms < 0 => Err(Error::command("ERR timeout is negative")),
        ms => Ok(ms),
    }
}

/// What a connection wants of replies (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// All but the next command's.
    SkipNext,
    /// All but this command's.
    Skip,
}

fn reply(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let wanted = match ctx.argv[2] {
        mode if args::is(mode, "on") => Replies::On,
        mode if args::is(mode, "off") => Replies::Off,
        mode if args::is(mode, "skip") => Replies::SkipNext,
        _ => return Err(Error::syntax()),
    };
    if ctx.session.client.as_ref().is_none_or(|client| client.link.is_none()) {
        let text = "ERR CLIENT REPLY is for connections: inside the process a reply costs nobody anything";
        return Err(Error::command(text));
    }
    // SKIP means nothing to who gets none anyway.
    if wanted != Replies::SkipNext || ctx.session.replies == Replies::On {
        ctx.session.replies = wanted;
    }
    out.ok();
    Ok(())
}

fn monitor(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if !ctx.may_block {
        return Err(Error::command("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    ctx.services.observer().monitors.enter(own(ctx)?);
    out.ok();
    Ok(())
}

fn role(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.array(3);
    out.bulk(b"master");
    out.int(0);
    out.array(0);
    Ok(())
}

fn replicaof(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if args::is(ctx.argv[1], "no") && args::is(ctx.argv[2], "one") {
        out.ok();
        return Ok(());
    }
    Err(Error::command("ERR there is no replication: this store can not follow another server"))
}

fn wait(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let replicas = args::int(ctx.argv[1])?;
    let length = timeout(ctx.argv[2])?;
    if replicas <= 0 {
        out.int(0);
        return Ok(());
    }
    let timeout = (length > 0).then(|| Duration::from_millis(length as u64));
    let request =
        Request { keys: Vec::new(), wanted: Wanted::Any, timeout, nothing: Nothing::Zero, argv: None };
    ctx.block(request, out)
}

/// Other than a server, which waits for its next sync, this one makes it now. Inside of a transaction nothing is waited
/// for: the answer is how things stand.
fn waitaof(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let local = args::int(ctx.argv[1])?;
    if !(0..=1).contains(&local) {
        return Err(Error::command("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = args::count(ctx.argv[2])?;
    let length = timeout(ctx.argv[3])?;
    let wait = local == 1 && !ctx.guard.holds_all();
    let synced = ctx.services.log_is_synced(wait)?;
    if local == 1 && synced.is_none() {
        let text = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
        return Err(Error::command(text));
    }
    let nothing = Nothing::Logged(i64::from(synced == Some(true)));
    if replicas == 0 {
        nothing.write(out);
        return Ok(());
    }
    let timeout = (length > 0).then(|| Duration::from_millis(length as u64));
    let request = Request { keys: Vec::new(), wanted: Wanted::Any, timeout, nothing, argv: None };
    ctx.block(request, out)
}

/// A client's own state, for commands that need one.
pub(super) fn own<'a>(ctx: &'a Ctx<'_>) -> Result<&'a Arc<ClientState>> {
    ctx.session.client.as_ref().ok_or_else(|| Error::command("ERR a file has no client"))
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Bench;

    #[test]
    fn inside_the_process_nobody_is_killed_and_nothing_is_followed() {
        let mut bench = Bench::new(&[]);
        bench.expect(&[
            ("CLIENT KILL 1.2.3.4:5", "ERR No such client"),
            ("CLIENT KILL ID 1 SKIPME no", "0"),
            ("CLIENT KILL ID 0", "ERR client-id should be greater than 0"),
            ("CLIENT KILL TYPE odd SKIPME no", "ERR Unknown client type 'odd'"),
            ("CLIENT KILL USER me SKIPME no", "ERR No such user 'me'"),
            ("CLIENT KILL SKIPME maybe", "ERR syntax error"),
            ("CLIENT PAUSE x", "ERR timeout is not an integer or out of range"),
            ("CLIENT PAUSE -1", "ERR timeout is negative"),
            ("CLIENT PAUSE 10 odd", "ERR CLIENT PAUSE mode must be WRITE or ALL"),
            ("CLIENT UNPAUSE", "OK"),
            ("ROLE", "[master 0 []]"),
            ("REPLICAOF no one", "OK"),
            ("WAIT 0 0", "0"),
            ("WAIT 1 -1", "ERR timeout is negative"),
        ]);
        assert!(bench.run("CLIENT REPLY off").starts_with("ERR CLIENT REPLY is for connections"));
        assert!(bench.run("SLAVEOF 10.0.0.1 6379").starts_with("ERR there is no replication"));
    }
}
