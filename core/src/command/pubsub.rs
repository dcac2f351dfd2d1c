//! Publishing and subscribing. What SUBSCRIBE and its kin answer comes through the client's outbox, with the messages and
//! in one order with them: they write no reply of their own. Only in a transaction that came over a connection does it
//! stand in EXEC's reply, one for each channel, as servers write it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args;
use super::ctx::{Ctx, Session};
use super::observe::ClientState;
use super::services::Services;
use super::table::{Command, Flags, Group, Keys, Rows};
use crate::error::{Error, Result};
use crate::outbox::Push;
use crate::pubsub::Kind;
use crate::reply::{Reply, ReplySink};

const SUBSCRIBES: Flags = Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const PUBLISHES: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST);
const LOOKS: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE);

const ROWS: Rows = Rows::of(Group::PubSub);

const EACH_CHANNEL: &str = "O(N) where N is the number of channels to subscribe to.";

#[rustfmt::skip]
const PUBSUB: &[Command] = &[
    ROWS.row("channels", -2, LOOKS, "2.8.0", "O(N) where N is the number of active channels", channels, "Returns the channels somebody has subscribed to."),
    ROWS.row("help", 2, Flags::LOADING.and(Flags::STALE), "6.2.0", "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("numpat", 2, LOOKS, "2.8.0", "O(1)", numpat, "Returns the number of patterns somebody has subscribed to."),
    ROWS.row("numsub", -2, LOOKS, "2.8.0", "O(N) where N is the number of requested channels", numsub, "Returns how many have subscribed to channels."),
    ROWS.row("shardchannels", -2, LOOKS, "7.0.0", "O(N) where N is the number of active shard channels", shardchannels, "Returns the sharded channels somebody has subscribed to."),
    ROWS.row("shardnumsub", -2, LOOKS, "7.0.0", "O(N) where N is the number of requested shard channels", shardnumsub, "Returns how many have subscribed to sharded channels."),
];

#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    ROWS.row("psubscribe", -2, SUBSCRIBES, "2.0.0", "O(N) where N is the number of patterns to subscribe to.", psubscribe, "Subscribes to all channels whose names match patterns."),
    ROWS.row("publish", 3, PUBLISHES, "2.0.0", "O(N+M) where N is the number of clients subscribed to the channel and M is the total number of patterns.", publish, "Sends a message to a channel."),
    Command { subcommands: PUBSUB, ..ROWS.row("pubsub", -2, Flags::NONE, "2.8.0", "Depends on subcommand.", container, "A container for commands on subscriptions.") },
    ROWS.row("punsubscribe", -1, SUBSCRIBES, "2.0.0", "O(N) where N is the number of patterns to unsubscribe.", punsubscribe, "Ends subscriptions to patterns, to all without a name."),
    Command { keys: Keys::Channels(1, 1), ..ROWS.row("spublish", 3, PUBLISHES, "7.0.0", "O(N) where N is the number of clients subscribed to the shard channel.", spublish, "Sends a message to a sharded channel.") },
    Command { keys: Keys::Channels(1, -1), ..ROWS.row("ssubscribe", -2, SUBSCRIBES, "7.0.0", EACH_CHANNEL, ssubscribe, "Subscribes to sharded channels.") },
    ROWS.row("subscribe", -2, SUBSCRIBES, "2.0.0", EACH_CHANNEL, subscribe, "Subscribes to channels."),
    Command { keys: Keys::Channels(1, -1), ..ROWS.row("sunsubscribe", -1, SUBSCRIBES, "7.0.0", "O(N) where N is the number of shard channels to unsubscribe.", sunsubscribe, "Ends subscriptions to sharded channels, to all without a name.") },
    ROWS.row("unsubscribe", -1, SUBSCRIBES, "2.0.0", "O(N) where N is the number of channels to unsubscribe.", unsubscribe, "Ends subscriptions to channels, to all without a name."),
];

/// What a client has subscribed to.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    channels: BTreeSet<Vec<u8>>,
    patterns: BTreeSet<Vec<u8>>,
    shards: BTreeSet<Vec<u8>>,
}

impl Subscriptions {
    fn of(&mut self, kind: Kind) -> &mut BTreeSet<Vec<u8>> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shards,
        }
    }

    /// How many: channels, patterns, sharded channels.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [self.channels.len(), self.patterns.len(), self.shards.len()]
    }

    /// The number a confirmation tells: sharded channels are counted by themselves.
    fn told(&self, kind: Kind) -> usize {
        match kind {
            Kind::Shard => self.shards.len(),
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
        }
    }
}

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

/// Tells the client by way of its outbox, or where EXEC's reply is written.
fn confirm(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, what: &str, name: Option<&[u8]>, count: usize) {
    let Some(client) = &ctx.session.client else { return };
    let name = name.map_or(Reply::Null, |name| Reply::Bulk(name.to_vec()));
    let push = Push::Parts(vec![Reply::Bulk(what.as_bytes().to_vec()), name, Reply::Int(count as i64)]);
    if in_exec(ctx) && client.link.is_some() {
        return push.write(out);
    }
    let limit = ctx.services.config().output_limit(true);
    ctx.wakers.extend(client.outbox.add(Arc::new(push), limit));
}

fn in_exec(ctx: &Ctx<'_>) -> bool {
    // Scripts do not get here.
    !ctx.may_block
}

/// Everything is confirmed. Inside the process that came by the outbox, and EXEC's reply is to have something there.
fn conclude(ctx: &Ctx<'_>, client: &ClientState, out: &mut dyn ReplySink) {
    client.note_subscriptions(ctx.session.subscriptions.counts());
    if in_exec(ctx) && client.link.is_none() {
        out.null();
    }
}

fn enter(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, kind: Kind, what: &str) -> Result<()> {
    let Some(client) = ctx.session.client.clone() else {
        return Err(Error::command("ERR a file has no client"));
    };
    if kind == Kind::Shard && in_exec(ctx) {
        return Err(Error::command("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    for &name in &ctx.argv[1..] {
        if ctx.session.subscriptions.of(kind).insert(name.to_vec()) {
            ctx.services.pubsub().subscribe(kind, name, client.id, &client.outbox);
        }
        let count = ctx.session.subscriptions.told(kind);
        confirm(ctx, out, what, Some(name), count);
    }
    conclude(ctx, &client, out);
    Ok(())
}

fn leave(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink, kind: Kind, what: &str) -> Result<()> {
    let Some(client) = ctx.session.client.clone() else {
        return Err(Error::command("ERR a file has no client"));
    };
    let given: Vec<Vec<u8>> = match ctx.argv.len() {
        1 => ctx.session.subscriptions.of(kind).iter().cloned().collect(),
        _ => ctx.argv[1..].iter().map(|name| name.to_vec()).collect(),
    };
    for name in &given {
        if ctx.session.subscriptions.of(kind).remove(name) {
            ctx.services.pubsub().unsubscribe(kind, name, client.id);
        }
        let count = ctx.session.subscriptions.told(kind);
        confirm(ctx, out, what, Some(name), count);
    }
    if given.is_empty() {
        let count = ctx.session.subscriptions.told(kind);
        confirm(ctx, out, what, None, count);
    }
    conclude(ctx, &client, out);
    Ok(())
}

/// A session ends, or is made new: it is subscribed to nothing any more.
pub(crate) fn end(services: &dyn Services, session: &mut Session) {
    let subscriptions = std::mem::take(&mut session.subscriptions);
    let Some(client) = &session.client else { return };
    if subscriptions.counts() == [0; 3] {
        return;
    }
    for (kind, names) in [
        (Kind::Channel, subscriptions.channels),
        (Kind::Pattern, subscriptions.patterns),
        (Kind::Shard, subscriptions.shards),
    ] {
        names.iter().for_each(|name| services.pubsub().unsubscribe(kind, name, client.id));
    }
    client.note_subscriptions([0; 3]);
}

fn subscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    enter(ctx, out, Kind::Channel, "subscribe")
}

fn psubscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    enter(ctx, out, Kind::Pattern, "psubscribe")
}

fn ssubscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    enter(ctx, out, Kind::Shard, "ssubscribe")
}

fn unsubscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    leave(ctx, out, Kind::Channel, "unsubscribe")
}

fn punsubscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    leave(ctx, out, Kind::Pattern, "punsubscribe")
}

fn sunsubscribe(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    leave(ctx, out, Kind::Shard, "sunsubscribe")
}

fn deliver(ctx: &mut Ctx<'_>, sharded: bool, out: &mut dyn ReplySink) -> Result<()> {
    let limit = ctx.services.config().output_limit(true);
    let (channel, text) = (ctx.argv[1], ctx.argv[2]);
    let delivered = ctx.services.pubsub().publish(sharded, channel, text, limit, &mut ctx.wakers);
    out.int(delivered as i64);
    Ok(())
}

fn publish(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    deliver(ctx, false, out)
}

fn spublish(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    deliver(ctx, true, out)
}

fn list(ctx: &Ctx<'_>, sharded: bool, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv.len() > 3 {
        return Err(unknown_or_wrong(ctx));
    }
    let names = ctx.services.pubsub().channels(sharded, ctx.argv.get(2).copied());
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name));
    Ok(())
}

fn unknown_or_wrong(ctx: &Ctx<'_>) -> Error {
    let shown = args::shown(ctx.argv[1], args::SHOWN_MAX);
    Error::command(format!(
        "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try PUBSUB HELP."
    ))
}

fn channels(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    list(ctx, false, out)
}

fn shardchannels(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    list(ctx, true, out)
}

fn count(ctx: &Ctx<'_>, sharded: bool, out: &mut dyn ReplySink) {
    out.array((ctx.argv.len() - 2) * 2);
    for &name in &ctx.argv[2..] {
        out.bulk(name);
        out.int(ctx.services.pubsub().subscribers(sharded, name) as i64);
    }
}

fn numsub(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    count(ctx, false, out);
    Ok(())
}

fn shardnumsub(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    count(ctx, true, out);
    Ok(())
}

fn numpat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(ctx.services.pubsub().patterns() as i64);
    Ok(())
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "PUBSUB",
        &[
            "CHANNELS [<pattern>]",
            "    Return the currently active channels matching a <pattern> (default: '*').",
            "NUMPAT",
            "    Return number of subscriptions to patterns.",
            "NUMSUB [<channel> ...]",
            "    Return the number of subscribers for the specified channels, excluding",
            "    pattern subscriptions(default: no channels).",
            "SHARDCHANNELS [<pattern>]",
            "    Return the currently active shard level channels matching a <pattern> (default: '*').",
            "SHARDNUMSUB [<shardchannel> ...]",
            "    Return the number of subscribers for the specified shard level channel(s)",
        ],
    );
    Ok(())
}
