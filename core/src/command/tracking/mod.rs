//! Client-side caching: who is told that what he has read, or asked to be told of, has changed.
//!
//! Which client has read which key stands with the keyspace's other interests, under the lock of the key's shard: so no
//! change between a read and its note goes unseen. What changed under a guard is told when the command is over, into the
//! outboxes of those concerned; a connection sends that behind the reply to its own command, as Redis does.
//! Telling too often is allowed, telling too late is not.

mod commands;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(super) use commands::{CACHING, GETREDIR, TRACKING, TRACKINGINFO};

use super::ctx::{Ctx, Session};
use super::observe::ClientState;
use super::services::Services;
use super::table::{Command, Flags};
use crate::config::Directive;
use crate::error::Result;
use crate::keyspace::{Changes, Guard};
use crate::outbox::Push;
use crate::pubsub::Wakers;
use crate::reply::Reply;

/// The channel on which a RESP2 client is told in place of another one.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// What a session has asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Mode {
    bcast: bool,
    optin: bool,
    optout: bool,
    noloop: bool,
    redirect: Option<u64>,
    prefixes: Vec<Vec<u8>>,
    /// CLIENT CACHING, for the next command.
    caching: Option<bool>,
}

/// A client that is to be told.
struct Tracker {
    client: Arc<ClientState>,
    mode: Mode,
    /// It was to be told, and the client it redirects to is gone.
    is_broken: AtomicBool,
}

/// All clients that are to be told.
#[derive(Default)]
pub struct Tracking {
    trackers: RwLock<BTreeMap<u64, Arc<Tracker>>>,
    count: AtomicUsize,
    /// Whether the keyspace tells of all keys. Changed while every shard is held.
    feeds_all: AtomicBool,
}

impl Tracking {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Arc<Tracker>>> {
        self.trackers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<u64, Arc<Tracker>>> {
        self.trackers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody is to be told. Costs one load.
    pub(super) fn is_on(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }

    /// How many clients track.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether nobody tracks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whom a client redirects to, as CLIENT LIST shows it.
    pub(super) fn redirect(&self, id: u64) -> Option<u64> {
        self.read().get(&id).map(|tracker| tracker.mode.redirect.unwrap_or(0))
    }

    /// Whether somebody should have been told in place of this client who is gone.
    fn is_broken(&self, id: u64) -> bool {
        self.read().get(&id).is_some_and(|tracker| tracker.is_broken.load(Ordering::Relaxed))
    }

    fn enter(&self, client: Arc<ClientState>, mode: Mode) {
        let mut trackers = self.write();
        trackers.insert(client.id, Arc::new(Tracker { client, mode, is_broken: AtomicBool::new(false) }));
        self.count.store(trackers.len(), Ordering::Release);
    }

    fn leave(&self, id: u64) {
        let mut trackers = self.write();
        trackers.remove(&id);
        self.count.store(trackers.len(), Ordering::Release);
    }

    /// A client wants to be told of all keys, and the keyspace tells of them from now on. Every shard is held.
    fn enter_all(&self, guard: &mut Guard<'_>, client: Arc<ClientState>, mode: Mode) {
        guard.set_feeds_all(true);
        self.feeds_all.store(true, Ordering::Release);
        self.enter(client, mode);
    }

    /// A client is not told any more. No shard is held.
    fn leave_free(&self, services: &dyn Services, id: u64) -> Result<()> {
        self.leave(id);
        let wants_all = || self.read().values().any(|tracker| tracker.mode.bcast);
        if self.feeds_all.load(Ordering::Acquire) && !wants_all() {
            let mut guard = services.keyspace().lock_all_patiently()?;
            // Somebody may have come meanwhile, who held every shard too.
            if !wants_all() {
                guard.set_feeds_all(false);
                self.feeds_all.store(false, Ordering::Release);
            }
        }
        Ok(())
    }
}

/// A session ends, or is made new. Without shards held the keyspace is told if it need not tell of all keys any more; else
/// the next one does that.
pub(crate) fn end(services: &dyn Services, session: &mut Session, is_free: bool) {
    if session.tracking.take().is_none() {
        return;
    }
    let Some(client) = &session.client else { return };
    let tracking = &services.observer().tracking;
    if is_free {
        // A keyspace that refuses its locks changes no more.
        let _ = tracking.leave_free(services, client.id);
    } else {
        tracking.leave(client.id);
    }
}

/// A command was run: notes the keys it has read, if the session wants that. Their shards are still held.
pub(super) fn note_reads(ctx: &mut Ctx<'_>, row: &Command) {
    let Some(mode) = &ctx.session.tracking else { return };
    // A script reads by what it calls.
    let reads = row.flags.has(Flags::READONLY)
        && !row.flags.has(Flags::SCRIPT)
        && !mode.bcast
        && (!mode.optin || mode.caching == Some(true))
        && (!mode.optout || mode.caching != Some(false));
    let Some(client) = ctx.session.client.as_ref().filter(|_| reads) else { return };
    let (id, db) = (client.id, ctx.session.db);
    let most = ctx.services.config().int(Directive::TrackingTableMaxKeys) as usize;
    for at in row.key_positions(ctx.argv) {
        ctx.guard.track(db, ctx.argv[at], id, most);
    }
}

/// CLIENT CACHING is for one command, or for one transaction.
pub(super) fn command_is_over(session: &mut Session, argv: &[&[u8]]) {
    let queues = session.is_queueing();
    if let Some(mode) = session.tracking.as_mut().filter(|mode| mode.caching.is_some())
        && !queues
        && !argv.first().is_some_and(|name| name.eq_ignore_ascii_case(b"client"))
    {
        mode.caching = None;
    }
}

/// Tells what changed under a guard. `by` is who changed it.
pub(super) fn tell(
    services: &dyn Services,
    by: Option<u64>,
    changes: Option<Box<Changes>>,
    wakers: &mut Wakers,
) {
    let Some(changes) = changes else { return };
    let tracking = &services.observer().tracking;
    if !tracking.is_on() {
        return;
    }
    let trackers = tracking.read();
    let mut told = Telling { services, trackers: &trackers, wakers };
    if changes.flushed {
        trackers.values().for_each(|tracker| told.push(tracker, None));
    }
    let is_own_noise = |tracker: &Tracker| tracker.mode.noloop && by == Some(tracker.client.id);
    for (key, ids) in &changes.read {
        for tracker in ids.iter().filter_map(|id| trackers.get(id)) {
            // Who wants them all by now is told of this one with the others.
            if !is_own_noise(tracker) && !tracker.mode.bcast {
                told.push(tracker, Some(&[key]));
            }
        }
    }
    for tracker in trackers.values().filter(|tracker| tracker.mode.bcast && !is_own_noise(tracker)) {
        for prefix in &tracker.mode.prefixes {
            let mut keys: Vec<&Vec<u8>> = changes.all.iter().filter(|key| key.starts_with(prefix)).collect();
            keys.sort_unstable();
            keys.dedup();
            if !keys.is_empty() {
                told.push(tracker, Some(&keys));
            }
        }
    }
}

struct Telling<'a> {
    services: &'a dyn Services,
    trackers: &'a BTreeMap<u64, Arc<Tracker>>,
    wakers: &'a mut Wakers,
}

impl Telling<'_> {
    /// Tells one client, or whom it redirects to, of these keys; `None`: of all there are.
    fn push(&mut self, tracker: &Tracker, keys: Option<&[&Vec<u8>]>) {
        let redirected = tracker.mode.redirect.map(|id| (id, self.services.observer().clients.find(id)));
        let target = match &redirected {
            None => &tracker.client,
            Some((_, Some(target))) => target,
            Some((id, None)) => {
                tracker.is_broken.store(true, Ordering::Relaxed);
                if tracker.client.is_resp3() {
                    let parts = vec![Reply::Bulk(b"tracking-redir-broken".to_vec()), Reply::Int(*id as i64)];
                    self.add(&tracker.client.clone(), parts);
                }
                return;
            }
        };
        let keys = keys.map_or(Reply::Null, |keys| {
            Reply::Array(keys.iter().map(|key| Reply::Bulk(key.to_vec())).collect())
        });
        let bulk = |text: &[u8]| Reply::Bulk(text.to_vec());
        if target.is_resp3() {
            self.add(target, vec![bulk(b"invalidate"), keys]);
        } else if redirected.is_some() && target.is_subscriber() {
            self.add(target, vec![bulk(b"message"), bulk(CHANNEL), keys]);
        }
    }

    fn add(&mut self, client: &ClientState, parts: Vec<Reply>) {
        let limit = self.services.config().output_limit(true);
        self.wakers.extend(client.outbox.add(Arc::new(Push::Parts(parts)), limit));
        debug_assert!(!self.trackers.is_empty(), "somebody tracks");
    }
}
