//! Keyspace events (`notify-keyspace-events`): what happened to which key, for those who have subscribed to that.
//!
//! Handlers say what they did with [`Ctx::notify`]; the guard itself says which keys were made (`new`) and which were not
//! found by a read (`keymiss`). The events are kept until the command is over and delivered while its
//! shards are still held, so that for each key they come in the order in which things happened; who has to be woken for
//! them is woken afterwards. Keys that were deleted since they were due come first, as they went first.

use super::ctx::Ctx;
use super::services::Services;
use crate::events::{Class, Event};
use crate::keyspace::Expired;
use crate::pubsub::Wakers;

fn are_wanted(services: &dyn Services, class: Class) -> bool {
    let wanted = services.config().events();
    class.is_in(wanted) && (Class::KEYSPACE.is_in(wanted) || Class::KEYEVENT.is_in(wanted))
}

impl Ctx<'_> {
    /// This happened to a key of the selected database. Costs a load unless somebody asked for such events.
    pub(super) fn notify(&self, class: Class, name: &'static str, key: &[u8]) {
        self.notify_in(class, name, self.session.db, key);
    }

    /// The same for another database.
    pub(super) fn notify_in(&self, class: Class, name: &'static str, db: usize, key: &[u8]) {
        self.guard.happened.note(class, name, db, key);
    }

    /// Something was taken out of an aggregate: its key is gone if it was the last.
    pub(super) fn notify_if_gone(&self, key: &[u8]) {
        if self.guard.happened.wants(Class::GENERIC) && self.guard.peek(self.session.db, key).is_none() {
            self.notify(Class::GENERIC, "del", key);
        }
    }

    /// The type of what a key holds that is about to be overwritten, if somebody wants to hear of that.
    pub(super) fn type_before(&self, db: usize, key: &[u8]) -> Option<&'static str> {
        let happened = &self.guard.happened;
        let wanted = happened.wants(Class::OVERWRITTEN) || happened.wants(Class::TYPE_CHANGED);
        if wanted { self.guard.type_name(db, key) } else { None }
    }

    /// A key was given another value; `None` before: it is a new one.
    pub(super) fn notify_overwritten(&self, db: usize, key: &[u8], before: Option<&str>, after: &str) {
        if let Some(before) = before {
            self.notify_in(Class::OVERWRITTEN, "overwritten", db, key);
            if before != after {
                self.notify_in(Class::TYPE_CHANGED, "type_changed", db, key);
            }
        }
    }

    /// A key was removed, and another one was put in its place.
    pub(super) fn notify_replaced(&self, db: usize, key: &[u8], before: Option<&str>) {
        if before.is_some()
            && let Some(after) = self.guard.type_name(db, key)
        {
            self.notify_overwritten(db, key, before, after);
        }
    }

    /// Delivers what happened; the shards are still held.
    pub(super) fn deliver_events(&mut self, expired: &[Expired]) {
        tell_expired(self.services, expired, &mut self.wakers);
        for event in self.guard.happened.take() {
            tell(self.services, &event, &mut self.wakers);
        }
    }
}

/// Delivers what was deleted since it was due.
pub(super) fn tell_expired(services: &dyn Services, expired: &[Expired], wakers: &mut Wakers) {
    for Expired { db, key, fields, emptied } in expired {
        let (class, name) =
            if fields.is_empty() { (Class::EXPIRED, "expired") } else { (Class::HASH, "hexpired") };
        if are_wanted(services, class) {
            tell(services, &Event { name, db: *db, key: key.clone() }, wakers);
        }
        if *emptied && are_wanted(services, Class::GENERIC) {
            tell(services, &Event { name: "del", db: *db, key: key.clone() }, wakers);
        }
    }
}

/// Delivers that a key was evicted.
pub(super) fn tell_evicted(services: &dyn Services, db: usize, key: &[u8], wakers: &mut Wakers) {
    if are_wanted(services, Class::EVICTED) {
        tell(services, &Event { name: "evicted", db, key: key.to_vec() }, wakers);
    }
}

fn tell(services: &dyn Services, event: &Event, wakers: &mut Wakers) {
    let Event { name, db, key } = event;
    let (pubsub, wanted) = (services.pubsub(), services.config().events());
    let limit = services.config().output_limit(true);
    if Class::KEYSPACE.is_in(wanted) {
        let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
        pubsub.publish(false, &channel, name.as_bytes(), limit, wakers);
    }
    if Class::KEYEVENT.is_in(wanted) {
        let channel = format!("__keyevent@{db}__:{name}");
        pubsub.publish(false, channel.as_bytes(), key, limit, wakers);
    }
}
