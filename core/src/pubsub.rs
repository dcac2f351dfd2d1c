//! Who has subscribed to which channels and patterns, and the delivery of messages to them. Knows outboxes; not what is
//! in a message.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::config::OutputLimit;
use crate::encoding::glob;
use crate::outbox::{Outbox, Push, Waker};
use crate::reply::Reply;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A channel by its name.
    Channel,
    /// All channels whose names match.
    Pattern,
    /// A sharded channel: on a single node the same with a name of its own.
    Shard,
}

/// A client's number and its outbox.
type Subscriber = (u64, Arc<Outbox>);

#[derive(Default)]
struct Registry {
    channels: HashMap<Vec<u8>, Vec<Subscriber>>,
    shards: HashMap<Vec<u8>, Vec<Subscriber>>,
    patterns: BTreeMap<Vec<u8>, Vec<Subscriber>>,
}

/// All subscriptions of a store.
#[derive(Default)]
pub struct PubSub {
    registry: RwLock<Registry>,
    /// How many subscriptions there are: so that telling nobody costs nothing.
    count: AtomicUsize,
}

/// What has to be done for a delivered message when no lock is held.
pub type Wakers = Vec<Waker>;

impl PubSub {
    fn read(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, kind: Kind, name: &[u8], f: impl FnOnce(&mut Vec<Subscriber>) -> isize) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let changed = match kind {
            Kind::Channel => f(registry.channels.entry(name.to_vec()).or_default()),
            Kind::Shard => f(registry.shards.entry(name.to_vec()).or_default()),
            Kind::Pattern => f(registry.patterns.entry(name.to_vec()).or_default()),
        };
        let gone = |subscribers: &Vec<Subscriber>| subscribers.is_empty();
        match kind {
            Kind::Channel if registry.channels.get(name).is_some_and(gone) => {
                drop(registry.channels.remove(name))
            }
            Kind::Shard if registry.shards.get(name).is_some_and(gone) => drop(registry.shards.remove(name)),
            Kind::Pattern if registry.patterns.get(name).is_some_and(gone) => {
                drop(registry.patterns.remove(name))
            }
            _ => {}
        }
        if changed >= 0 {
            self.count.fetch_add(changed.unsigned_abs(), Ordering::SeqCst);
        } else {
            self.count.fetch_sub(changed.unsigned_abs(), Ordering::SeqCst);
        }
    }

    /// A client subscribes; it must not have done so already.
    pub(crate) fn subscribe(&self, kind: Kind, name: &[u8], id: u64, outbox: &Arc<Outbox>) {
        self.change(kind, name, |subscribers| {
            subscribers.push((id, Arc::clone(outbox)));
            1
        });
    }

    /// It no longer does.
    pub(crate) fn unsubscribe(&self, kind: Kind, name: &[u8], id: u64) {
        self.change(kind, name, |subscribers| {
            let before = subscribers.len();
            subscribers.retain(|(other, _)| *other != id);
            -((before - subscribers.len()) as isize)
        });
    }

    /// Whether nobody has subscribed to anything. Costs one load.
    pub fn is_idle(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Delivers a message: to how many, and whom the caller has to wake when it holds no lock.
    pub(crate) fn publish(
        &self,
        sharded: bool,
        channel: &[u8],
        text: &[u8],
        limit: OutputLimit,
        wakers: &mut Wakers,
    ) -> usize {
        if self.is_idle() {
            return 0;
        }
        let bulk = |bytes: &[u8]| Reply::Bulk(bytes.to_vec());
        let registry = self.read();
        let (listeners, kind) =
            if sharded { (&registry.shards, "smessage") } else { (&registry.channels, "message") };
        let mut delivered = 0;
        let mut deliver = |subscribers: &[Subscriber], parts: &dyn Fn() -> Vec<Reply>| {
            let push = Arc::new(Push::Parts(parts()));
            for (_, outbox) in subscribers {
                wakers.extend(outbox.add(Arc::clone(&push), limit));
            }
            delivered += subscribers.len();
        };
        if let Some(subscribers) = listeners.get(channel) {
            deliver(subscribers, &|| vec![bulk(kind.as_bytes()), bulk(channel), bulk(text)]);
        }
        if !sharded {
            for (pattern, subscribers) in &registry.patterns {
                if glob::matches(pattern, channel, false) {
                    deliver(subscribers, &|| {
                        vec![bulk(b"pmessage"), bulk(pattern), bulk(channel), bulk(text)]
                    });
                }
            }
        }
        delivered
    }

    /// Channels with subscribers whose names match.
    pub(crate) fn channels(&self, sharded: bool, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        let registry = self.read();
        let listeners = if sharded { &registry.shards } else { &registry.channels };
        let wanted = |name: &&Vec<u8>| pattern.is_none_or(|pattern| glob::matches(pattern, name, false));
        listeners.keys().filter(wanted).cloned().collect()
    }

    /// How many have subscribed to a channel.
    pub(crate) fn subscribers(&self, sharded: bool, channel: &[u8]) -> usize {
        let registry = self.read();
        let listeners = if sharded { &registry.shards } else { &registry.channels };
        listeners.get(channel).map_or(0, Vec::len)
    }

    /// How many patterns there are that somebody has subscribed to.
    pub fn patterns(&self) -> usize {
        self.read().patterns.len()
    }

    /// How many channels and sharded channels have subscribers.
    pub fn channel_counts(&self) -> (usize, usize) {
        let registry = self.read();
        (registry.channels.len(), registry.shards.len())
    }
}
