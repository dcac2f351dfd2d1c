//! What a handler works with: its arguments, the locked keys, and a way to say what must be logged.

use std::borrow::{Borrow, BorrowMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::blocking::{Request, Waiter};
use super::observe::ClientState;
use super::peers::Replies;
use super::pubsub::Subscriptions;
use super::services::Services;
use super::tracking::Mode;
use super::transactions::{Queue, WatchedKey};
use crate::aof::Effects;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyspace::{Expiry, Guard, SHARDS, StrRef, type_of};
use crate::pubsub::Wakers;
use crate::value::hash::{Hash, View};
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::zset::ZSet;
use crate::value::{Limits, Value};

/// One logical connection's state.
#[derive(Default)]
pub struct Session {
    /// What others see of it; `None` for commands that come from a file.
    pub client: Option<Arc<ClientState>>,
    /// Selected database.
    pub db: usize,
    /// Whether replies take RESP3 shapes.
    pub resp3: bool,
    /// Its commands are those of a script.
    pub from_script: bool,
    /// Commands come from a file that is being loaded: no gate, no log, nothing expires.
    pub replaying: bool,
    /// What it reads does not count as used (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// It came over a listener and has not given the password yet.
    pub locked_out: bool,
    /// Whether it wants replies (CLIENT REPLY).
    pub replies: Replies,
    /// Commands queued since MULTI.
    pub(super) multi: Option<Queue>,
    /// What WATCH watches.
    pub(super) watched: Vec<WatchedKey>,
    /// What it wants to be told of keys it has read (CLIENT TRACKING).
    pub(super) tracking: Option<Box<Mode>>,
    /// Channels it has subscribed to.
    pub(super) subscriptions: Subscriptions,
    /// The call under way waits, and this is it.
    pub(crate) blocked: Option<Arc<Waiter>>,
    /// What scripts logged by `redis.log`: handed on when no shard is held.
    pub(super) script_log: Vec<(log::Level, String)>,
    /// See [`Interrupt`].
    pub interrupt: Option<Interrupt>,
}

/// Asked now and then, on the thread that runs it, while a script runs that has not written yet: the text of the error that
/// is to end it, if it is to end. Shards are held meanwhile, so it must not wait for anybody who may wait for one.
pub type Interrupt = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

impl Session {
    /// The session of a client.
    pub fn of(client: Arc<ClientState>) -> Self {
        Self { client: Some(client), ..Self::default() }
    }

    /// A session as this one, without its transaction: for a call that is run in its stead.
    pub(super) fn twin(&self) -> Self {
        let Self { client, db, resp3, replaying, no_touch, .. } = self;
        let (db, resp3, replaying, no_touch) = (*db, *resp3, *replaying, *no_touch);
        Self { client: client.clone(), db, resp3, replaying, no_touch, ..Self::default() }
    }

    /// Whether commands are queued since MULTI.
    pub fn is_queueing(&self) -> bool {
        self.multi.is_some()
    }

    /// Whether CLIENT TRACKING is on.
    pub fn is_tracking(&self) -> bool {
        self.tracking.is_some()
    }

    /// Whether MULTI was called, or keys are watched.
    pub fn in_transaction(&self) -> bool {
        self.multi.is_some() || !self.watched.is_empty()
    }

    /// Whether messages come between its replies, as in RESP2: it may only run what has to do with that.
    pub(super) fn hears_on_its_wire(&self) -> bool {
        !self.resp3
            && self
                .client
                .as_ref()
                .is_some_and(|client| client.link.is_some() && client.subscriptions() != [0; 3])
    }

    /// SELECT.
    pub fn select(&mut self, db: usize) {
        self.db = db;
        if let Some(client) = &self.client {
            client.db.store(db, Ordering::Relaxed);
        }
    }

    /// HELLO 2 and HELLO 3.
    pub fn set_resp3(&mut self, on: bool) {
        self.resp3 = on;
        if let Some(client) = &self.client {
            client.resp3.store(on, Ordering::Relaxed);
        }
    }
}

/// See the module's head.
pub struct Ctx<'a> {
    /// The store.
    pub services: &'a dyn Services,
    /// The caller's connection.
    pub session: &'a mut Session,
    /// The locked shards.
    pub guard: Guard<'a>,
    /// The command with its arguments; `argv[0]` is its name as the caller wrote it.
    pub argv: &'a [&'a [u8]],
    pub(super) effects: Effects,
    pub(super) dirty: u64,
    pub(super) replaced: bool,
    /// FLUSHALL was run: the store has something to do when the shards are free again.
    pub(super) flushed_all: bool,
    /// CONFIG SET was run: there may be less room for the data than they take.
    pub(super) limits_changed: bool,
    /// The latest log position of anything that was seen in shards which are not held any more.
    pub(super) seen_lsn: u64,
    /// See [`Ctx::may_write`].
    pub(super) refusal: Option<Error>,
    /// Whether the command may wait; not in a transaction or a script.
    pub(super) may_block: bool,
    /// It wants to.
    pub(super) blocked: Option<Request>,
    /// Who is to be told that messages have come, when no shard is held.
    pub(super) wakers: Wakers,
}

impl<'a> Ctx<'a> {
    pub(super) fn new(
        services: &'a dyn Services,
        session: &'a mut Session,
        mut guard: Guard<'a>,
        argv: &'a [&'a [u8]],
    ) -> Self {
        guard.happened.want(if session.replaying { 0 } else { services.config().events() });
        Self {
            services,
            session,
            guard,
            argv,
            effects: Effects::default(),
            dirty: 0,
            replaced: false,
            flushed_all: false,
            limits_changed: false,
            seen_lsn: 0,
            refusal: None,
            may_block: false,
            blocked: None,
            wakers: Wakers::new(),
        }
    }

    /// The selected database.
    pub fn db(&self) -> usize {
        self.session.db
    }

    /// The directives.
    pub fn config(&self) -> &'a Config {
        self.services.config()
    }

    /// The limits of compact forms at present.
    pub fn limits(&self) -> Limits {
        self.services.config().limits()
    }

    /// The time of this command, ms since the epoch.
    pub fn now(&self) -> i64 {
        self.guard.now()
    }

    /// Whether an absolute expiry is over already. Never while a file is loaded: there the key is set and expires later.
    pub fn is_over(&self, at: i64) -> bool {
        at <= self.now() && !self.session.replaying
    }

    /// A source of randomness.
    pub fn rng(&self) -> fastrand::Rng {
        fastrand::Rng::new()
    }

    /// Whether a command that only reads may change a value by the way ([`Flags::MAY_WRITE`](super::Flags::MAY_WRITE)).
    pub fn may_write(&self) -> bool {
        self.refusal.is_none()
    }

    /// Counts `n` changes to the data set. With none the command is not logged.
    pub fn dirty(&mut self, n: usize) {
        self.dirty += n as u64;
    }

    /// Logs this command in place of the one that was called; may be used several times (they become one transaction).
    pub fn log_instead<A: AsRef<[u8]>>(&mut self, argv: &[A]) {
        self.log_instead_in(self.session.db, argv);
    }

    /// As [`Ctx::log_instead`], for another database.
    pub fn log_instead_in<A: AsRef<[u8]>>(&mut self, db: usize, argv: &[A]) {
        self.replaced = true;
        self.effects.push(db as u32, argv);
    }

    /// Calls `f` with every shard: with all of them at once when they are held, else with one after the other.
    pub(crate) fn each_shard(&mut self, mut f: impl FnMut(&Guard<'_>)) -> Result<()> {
        if self.guard.holds_all() {
            f(&self.guard);
            return Ok(());
        }
        for index in 0..SHARDS {
            let guard = self.services.keyspace().lock_one(index)?;
            self.seen_lsn = self.seen_lsn.max(guard.last_lsn());
            f(&guard);
        }
        Ok(())
    }

    /// SCAN over the keys: `f` gets name and type; the next cursor.
    pub(crate) fn scan_keys(
        &mut self,
        db: usize,
        cursor: u64,
        count: usize,
        mut f: impl FnMut(&[u8], &'static str),
    ) -> Result<u64> {
        let held = self.guard.holds_all().then_some(&self.guard);
        let seen_lsn = &mut self.seen_lsn;
        self.services.keyspace().scan(held, db, cursor, count, |guard, entry| {
            *seen_lsn = (*seen_lsn).max(guard.last_lsn());
            f(entry.key(), type_of(entry));
        })
    }

    /// Whether the key is there. Counts as a read of it.
    pub fn exists(&self, key: &[u8]) -> bool {
        self.guard.exists(self.session.db, key)
    }

    /// The string at `key`; WRONGTYPE for another type.
    pub fn string(&self, key: &[u8]) -> Result<Option<StrRef<'_>>> {
        match self.guard.string(self.session.db, key) {
            None => Ok(None),
            Some(Ok(string)) => Ok(Some(string)),
            Some(Err(())) => Err(Error::wrong_type()),
        }
    }

    /// The value at `key` if it is not a short string.
    fn boxed(&self, key: &[u8]) -> Result<Option<&Value>> {
        match self.guard.value(self.session.db, key) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(Error::wrong_type()),
        }
    }

    /// Sets `key` to a string as SET does (whatever was there before).
    pub fn set_string(&mut self, key: &[u8], bytes: &[u8], expiry: Expiry) {
        let (db, before) = (self.session.db, self.type_before(self.session.db, key));
        self.guard.set_string(db, key, bytes, expiry);
        self.notify_overwritten(db, key, before, "string");
    }

    /// Sets `key` to a value; deletes it when the value is an empty aggregate.
    pub fn set_value(&mut self, key: &[u8], value: Value, expiry: Expiry) {
        let (db, before, after) =
            (self.session.db, self.type_before(self.session.db, key), value.type_name());
        if value.is_empty_aggregate() {
            self.guard.remove(db, key);
        } else {
            self.guard.set_value(db, key, value, expiry);
            self.notify_overwritten(db, key, before, after);
        }
    }

    /// Deletes `key`; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.guard.remove(self.session.db, key)
    }

    /// Refuses with WRONGTYPE unless `key` is missing or of this type.
    pub fn check_type(&self, key: &[u8], name: &str) -> Result<bool> {
        match self.guard.type_name(self.session.db, key) {
            None => Ok(false),
            Some(found) if found == name => Ok(true),
            Some(_) => Err(Error::wrong_type()),
        }
    }
}

impl<'a> Ctx<'a> {
    /// The hash at `key` without the fields that are due; WRONGTYPE for another type. Counts as a read of the key.
    pub fn hash(&self, key: &[u8]) -> Result<Option<View<'_>>> {
        Ok(self.whole_hash(key)?.map(|hash| self.guard.hash_view(hash)))
    }

    /// As the `modify` of other types. Of `fields`, those that are due are deleted first (and the log will say so):
    /// these must be all that `f` looks at or changes, for when the log is replayed nothing is due.
    pub fn modify_hash<'f, R>(
        &mut self,
        key: &[u8],
        make: bool,
        fields: impl Iterator<Item = &'f [u8]>,
        f: impl FnOnce(&mut Hash, &Limits) -> R,
    ) -> Result<Option<R>> {
        let keyspace = self.guard.keyspace();
        let (may_expire, mut now) = (self.guard.may_expire(), self.guard.known_now());
        let (mut removed, mut emptied) = (Vec::new(), false);
        let result = self.modify_whole_hash(key, make, |hash, limits| {
            if may_expire && let Some(soonest) = hash.soonest() {
                let now = *now.get_or_insert_with(|| keyspace.clock().now_ms());
                if soonest < now {
                    removed = hash.remove_due(fields, now);
                    emptied = hash.is_empty();
                }
            }
            f(hash, limits)
        });
        if let Some(now) = now {
            self.guard.remember_now(now);
        }
        // Not if `f` has put something there again.
        let emptied = emptied && self.guard.peek(self.session.db, key).is_none();
        self.guard.note_expired_fields(self.session.db, key, removed, emptied);
        result
    }
}

/// Reading and changing each aggregate type in the same way.
macro_rules! typed {
    ($($read:ident, $modify:ident, $type:ident, $variant:ident, $name:literal;)*) => {
        impl Ctx<'_> {
            $(
                #[doc = concat!("The ", $name, " at `key`; WRONGTYPE for another type. Counts as a read of the key.")]
                pub fn $read(&self, key: &[u8]) -> Result<Option<&$type>> {
                    match self.boxed(key)? {
                        None => Ok(None),
                        Some(Value::$variant(value)) => Ok(Some(Borrow::<$type>::borrow(value))),
                        Some(_) => Err(Error::wrong_type()),
                    }
                }

                #[doc = concat!("Changes the ", $name, " at `key` in place, making an empty one first if `make` says so; ")]
                #[doc = "deletes the key when the value is empty afterwards. `None` when the key is missing; WRONGTYPE for"]
                #[doc = "another type. The closure must not replace the whole value."]
                pub fn $modify<R>(
                    &mut self,
                    key: &[u8],
                    make: bool,
                    f: impl FnOnce(&mut $type, &Limits) -> R,
                ) -> Result<Option<R>> {
                    let exists = self.check_type(key, $name)?;
                    if !exists && !make {
                        // A key that is due goes now, so that the log says so.
                        self.guard.remove(self.session.db, key);
                        return Ok(None);
                    }
                    let limits = self.limits();
                    let db = self.session.db;
                    let change = |value: &mut Value| match value {
                        Value::$variant(value) => Some(f(BorrowMut::<$type>::borrow_mut(value), &limits)),
                        _ => None,
                    };
                    let make = || Value::$variant($type::new().into());
                    Ok(self.guard.modify_or_make(db, key, make, change).flatten())
                }
            )*
        }
    };
}

typed! {
    list, modify_list, List, List, "list";
    whole_hash, modify_whole_hash, Hash, Hash, "hash";
    set, modify_set, Set, Set, "set";
    zset, modify_zset, ZSet, ZSet, "zset";
    stream, modify_stream, Stream, Stream, "stream";
}
