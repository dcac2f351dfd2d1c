//! The client's own affairs: CLIENT, HELLO, RESET, AUTH. There is no network here: what a server says of sockets and
//! buffers is left out.

use std::sync::atomic::Ordering;

use super::args;
use super::client_list::{info, list};
use super::ctx::Ctx;
use super::peers::{KILL, PAUSE, REPLY, Replies, UNPAUSE, own};
use super::pubsub;
use super::table::{Command, Flags, Group, Rows, wrong_arity};
use super::tracking::{self, CACHING, GETREDIR, TRACKING, TRACKINGINFO};
use super::transactions;
use crate::config::Directive;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
const OWN: Flags = Flags::NOSCRIPT.and(ANY_TIME);
const ADMIN: Flags = Flags::ADMIN.and(OWN);
const FIRST: Flags = OWN.and(Flags::FAST).and(Flags::NO_AUTH).and(Flags::ALLOW_BUSY);

const ROWS: Rows = Rows::of(Group::Connection);

const EACH_CLIENT: &str = "O(N) where N is the number of clients";

#[rustfmt::skip]
const CLIENT: &[Command] = &[
    CACHING,
    ROWS.row("getname", 2, OWN, "2.6.9", "O(1)", getname, "Returns the name of this client."),
    GETREDIR,
    ROWS.row("help", 2, ANY_TIME, "5.0.0", "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("id", 2, OWN, "5.0.0", "O(1)", id, "Returns the number of this client."),
    ROWS.row("info", 2, OWN, "6.2.0", "O(1)", info, "Returns what is known of this client."),
    KILL,
    ROWS.row("list", -2, ADMIN, "2.4.0", EACH_CLIENT, list, "Returns what is known of all clients of the store."),
    ROWS.row("no-evict", 3, ADMIN, "7.0.0", "O(1)", no_evict, "Marks this client as not to be evicted; none ever is."),
    ROWS.row("no-touch", 3, OWN, "7.2.0", "O(1)", no_touch, "Says whether what this client does counts as use of a key."),
    PAUSE,
    REPLY,
    ROWS.row("setinfo", 4, OWN, "7.2.0", "O(1)", setinfo, "Sets the name or version of the library this client uses."),
    ROWS.row("setname", 3, OWN, "2.6.9", "O(1)", setname, "Sets the name of this client."),
    TRACKING,
    TRACKINGINFO,
    ROWS.row("unblock", -3, ADMIN, "5.0.0", "O(log N) where N is the number of client connections", unblock, "Ends the waiting of a client for a key."),
    UNPAUSE,
];

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("auth", -2, FIRST, "1.0.0", "O(1)", auth, "Authenticates; there is one user, without a password."),
    Command { subcommands: CLIENT, ..ROWS.row("client", -2, Flags::NONE, "2.4.0", "Depends on subcommand.", container, "A container for commands on clients.") },
    ROWS.row("hello", -1, FIRST, "6.0.0", "O(1)", hello, "Chooses the shapes of replies and says what this is."),
    ROWS.row("quit", -1, FIRST, "1.0.0", "O(1)", quit, "Ends the connection."),
    ROWS.row("reset", 1, FIRST, "6.2.0", "O(1)", reset, "Makes this client as new."),
];

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn id(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(own(ctx)?.id as i64);
    Ok(())
}

fn getname(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let name = own(ctx)?.name();
    out.bulk_or_null((!name.is_empty()).then_some(&name[..]));
    Ok(())
}

/// Names end up in lists of words.
fn is_plain(word: &[u8]) -> bool {
    word.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

fn check_name(name: &[u8]) -> Result<()> {
    if is_plain(name) {
        return Ok(());
    }
    Err(Error::command("ERR Client names cannot contain spaces, newlines or special characters."))
}

fn setname(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let name = ctx.argv[2];
    check_name(name)?;
    own(ctx)?.set_name(name);
    out.ok();
    Ok(())
}

fn setinfo(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (option, value) = (ctx.argv[2], ctx.argv[3]);
    let shown = args::shown(option, option.len());
    let is_name = args::is(option, "lib-name");
    if !is_name && !args::is(option, "lib-ver") {
        return Err(Error::command(format!("ERR Unrecognized option '{shown}'")));
    }
    // As in C: up to a zero byte.
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    if !is_plain(value) {
        let text = format!("ERR {shown} cannot contain spaces, newlines or special characters.");
        return Err(Error::command(text));
    }
    own(ctx)?.set_library(is_name, value);
    out.ok();
    Ok(())
}

fn unblock(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let error = match ctx.argv[3..] {
        [] => None,
        [word] if args::is(word, "timeout") => None,
        [word] if args::is(word, "error") => {
            Some(Error::command("UNBLOCKED client unblocked via CLIENT UNBLOCK"))
        }
        [_] => {
            let text = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
            return Err(Error::command(text));
        }
        _ => return Err(wrong_arity("client|unblock")),
    };
    let id = args::int(ctx.argv[2])?;
    let waiter = u64::try_from(id).ok().and_then(|id| ctx.services.waiters().of_client(id));
    out.int(i64::from(waiter.is_some_and(|waiter| waiter.unblock(ctx.services, error))));
    Ok(())
}

fn on_or_off(word: &[u8]) -> Result<bool> {
    match () {
        () if args::is(word, "on") => Ok(true),
        () if args::is(word, "off") => Ok(false),
        () => Err(Error::syntax()),
    }
}

fn no_evict(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let on = on_or_off(ctx.argv[2])?;
    own(ctx)?.no_evict.store(on, Ordering::Relaxed);
    out.ok();
    Ok(())
}

fn no_touch(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let on = on_or_off(ctx.argv[2])?;
    own(ctx)?.no_touch.store(on, Ordering::Relaxed);
    ctx.session.no_touch = on;
    out.ok();
    Ok(())
}

const WRONG_PASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// There is one user; without `requirepass` any password is his.
fn authenticate(ctx: &mut Ctx<'_>, user: &[u8], given: &[u8]) -> Result<()> {
    let wanted = ctx.config().text(Directive::RequirePass);
    if user != b"default" || !(wanted.is_empty() || is_same(wanted.as_bytes(), given)) {
        return Err(Error::command(WRONG_PASS));
    }
    ctx.session.locked_out = false;
    Ok(())
}

/// Takes as long whatever the bytes are, so that its time does not tell how much of a password was right.
fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    let mut differs = u8::from(wanted.len() != given.len());
    for (at, byte) in given.iter().enumerate() {
        differs |= byte ^ wanted[at % wanted.len()];
    }
    std::hint::black_box(differs) == 0
}

fn auth(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match *ctx.argv {
        [_, _] if ctx.config().text(Directive::RequirePass).is_empty() => {
            let text = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
            return Err(Error::command(text));
        }
        [_, password] => authenticate(ctx, b"default", password)?,
        [_, user, password] => authenticate(ctx, user, password)?,
        _ => return Err(Error::syntax()),
    }
    out.ok();
    Ok(())
}

fn hello(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let mut resp3 = ctx.session.resp3;
    let mut name = None;
    if let Some(version) = ctx.argv.get(1) {
        resp3 = match args::int_or(version, "ERR Protocol version is not an integer or out of range")? {
            2 => false,
            3 => true,
            _ => return Err(Error::command("NOPROTO unsupported protocol version")),
        };
    }
    let mut credentials = None;
    let mut words = ctx.argv.iter().skip(2);
    while let Some(word) = words.next() {
        if args::is(word, "auth") && words.len() >= 2 {
            let mut next = || words.next().copied().unwrap_or_default();
            credentials = Some((next(), next()));
        } else if args::is(word, "setname") && words.len() >= 1 {
            let given = words.next().copied().unwrap_or_default();
            check_name(given)?;
            name = Some(given);
        } else {
            let shown = args::shown(word, args::SHOWN_MAX);
            return Err(Error::command(format!("ERR Syntax error in HELLO option '{shown}'")));
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(ctx, user, password)?;
    }
    if ctx.session.locked_out {
        let text = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time";
        return Err(Error::command(text));
    }
    let id = own(ctx)?.id;
    if let Some(name) = name {
        own(ctx)?.set_name(name);
    }
    ctx.session.set_resp3(resp3);
    out.set_resp3(resp3);
    out.map(7);
    for (name, text) in [("server", "redis"), ("version", super::VERSION)] {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
    }
    for (name, number) in [("proto", if resp3 { 3 } else { 2 }), ("id", id as i64)] {
        out.bulk(name.as_bytes());
        out.int(number);
    }
    for (name, text) in [("mode", "standalone"), ("role", "master")] {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
    }
    out.bulk(b"modules");
    out.array(0);
    Ok(())
}

fn reset(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    // An open transaction has been discarded on the way here, and so no shard is held.
    transactions::forget_watched(ctx.services, ctx.session)?;
    pubsub::end(ctx.services, ctx.session);
    let is_free = ctx.may_block;
    tracking::end(ctx.services, ctx.session, is_free);
    if let Some(client) = &ctx.session.client {
        ctx.services.observer().monitors.leave(client);
    }
    ctx.session.select(0);
    ctx.session.set_resp3(false);
    ctx.session.no_touch = false;
    ctx.session.replies = Replies::On;
    let is_wire = own(ctx)?.link.is_some();
    ctx.session.locked_out = is_wire && !ctx.config().text(Directive::RequirePass).is_empty();
    let client = own(ctx)?;
    client.set_name(b"");
    client.no_evict.store(false, Ordering::Relaxed);
    client.no_touch.store(false, Ordering::Relaxed);
    out.set_resp3(false);
    out.simple("RESET");
    Ok(())
}

fn quit(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let Some(link) = &own(ctx)?.link else {
        return Err(Error::command(
            "ERR there is no connection to QUIT: this client lives inside the program",
        ));
    };
    link.end(true);
    out.ok();
    Ok(())
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "CLIENT",
        &[
            "GETNAME",
            "    Return the name of the current connection.",
            "ID",
            "    Return the ID of the current connection.",
            "INFO",
            "    Return information about the current client connection.",
            "LIST [options ...]",
            "    Return information about client connections. Options:",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
            "      Return clients of specified type.",
            "SETNAME <name>",
            "    Assign the name <name> to the current connection.",
            "SETINFO <option> <value>",
            "    Set client meta attr. Options are:",
            "    * LIB-NAME: the client lib name.",
            "    * LIB-VER: the client lib version.",
            "UNBLOCK <clientid> [TIMEOUT|ERROR]",
            "    Unblock the specified blocked client.",
            "NO-EVICT (ON|OFF)",
            "    Protect current client connection from eviction.",
            "NO-TOUCH (ON|OFF)",
            "    Will not touch LRU/LFU stats when this mode is on.",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Bench;

    #[test]
    fn a_client_has_a_name_and_a_library_and_can_be_made_new() {
        let mut bench = Bench::new(&[]);
        bench.expect(&[
            ("CLIENT ID", "1"),
            ("CLIENT GETNAME", "nil"),
            ("CLIENT SETNAME me", "OK"),
            ("CLIENT SETINFO LIB-NAME lib", "OK"),
            ("CLIENT SETINFO lib-ver 1.5", "OK"),
            ("SELECT 3", "OK"),
            ("CLIENT NO-EVICT on", "OK"),
            ("CLIENT NO-TOUCH on", "OK"),
        ]);
        let line = bench.run("CLIENT INFO");
        for part in [
            "id=1 ",
            " name=me ",
            " age=0 ",
            " flags=eT ",
            " db=3 ",
            " cmd=client|info ",
            " resp=2 ",
            " lib-name=lib lib-ver=1.5 io-thread=0",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert_eq!(
            bench.run("CLIENT LIST ID 1").replace("cmd=client|list", "cmd=client|info").len(),
            line.len()
        );
        assert_eq!(bench.run("CLIENT LIST TYPE pubsub"), "");
        bench.expect(&[
            ("RESET", "RESET"),
            ("CLIENT GETNAME", "nil"),
            ("AUTH default anything", "OK"),
            ("AUTH me x", "WRONGPASS invalid username-password pair or user is disabled."),
            ("CONFIG SET requirepass secret", "OK"),
            ("AUTH secrets", "WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH default secre", "WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH secret", "OK"),
            ("QUIT", "ERR there is no connection to QUIT: this client lives inside the program"),
        ]);
        assert!(bench.run("CLIENT INFO").contains(" flags=N db=0 "));
    }

    #[test]
    fn hello_answers_in_the_shape_it_was_asked_for() {
        let mut bench = Bench::new(&[]);
        assert!(bench.run("HELLO").starts_with("[server redis version "));
        assert!(bench.run("HELLO 3 SETNAME me").starts_with("{server: redis, version: "));
        assert_eq!(bench.run("CLIENT GETNAME"), "me");
        bench.expect(&[
            ("HELLO 9", "NOPROTO unsupported protocol version"),
            ("HELLO 2 SETNAME", "ERR Syntax error in HELLO option 'SETNAME'"),
        ]);
    }

    #[test]
    fn what_a_client_reads_without_touching_does_not_count_as_used() {
        let mut bench = Bench::new(&[("maxmemory-policy", "allkeys-lfu"), ("lfu-log-factor", "0")]);
        bench.expect(&[
            ("SET k v", "OK"),
            ("CLIENT NO-TOUCH on", "OK"),
            ("GET k", "v"),
            ("OBJECT FREQ k", "5"),
            ("TOUCH k", "1"),
            ("OBJECT FREQ k", "6"),
            ("CLIENT NO-TOUCH off", "OK"),
            ("GET k", "v"),
            ("OBJECT FREQ k", "7"),
        ]);
        bench.advance(60_000 * 3);
        bench.expect(&[("OBJECT FREQ k", "4")]);
    }
}
