//! The classes of keyspace events, as `notify-keyspace-events` names them, and the events that a command has caused so
//! far. Knows nothing of who wants to hear of them.

use std::cell::RefCell;

/// Classes of events, by their letters in `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(u32);

impl Class {
    /// `g`: on keys of any type.
    pub const GENERIC: Class = Class(1);
    /// `$`
    pub const STRING: Class = Class(1 << 1);
    /// `l`
    pub const LIST: Class = Class(1 << 2);
    /// `s`
    pub const SET: Class = Class(1 << 3);
    /// `h`
    pub const HASH: Class = Class(1 << 4);
    /// `z`
    pub const ZSET: Class = Class(1 << 5);
    /// `x`: a key was deleted since it was due.
    pub const EXPIRED: Class = Class(1 << 6);
    /// `e`: since memory was full.
    pub const EVICTED: Class = Class(1 << 7);
    /// `t`
    pub const STREAM: Class = Class(1 << 8);
    /// `d`: of modules; there are none.
    const MODULE: Class = Class(1 << 9);
    /// `n`: a key was made.
    pub const NEW: Class = Class(1 << 10);
    /// `K`: told on `__keyspace@db__:key`.
    pub const KEYSPACE: Class = Class(1 << 11);
    /// `E`: told on `__keyevent@db__:event`.
    pub const KEYEVENT: Class = Class(1 << 12);
    /// `m`: a read did not find its key.
    pub const MISS: Class = Class(1 << 13);
    /// `o`: a key was given another value.
    pub const OVERWRITTEN: Class = Class(1 << 14);
    /// `c`: that value is of another type.
    pub const TYPE_CHANGED: Class = Class(1 << 15);

    /// All that `A` stands for.
    const ALL: Class = Class((1 << 10) - 1);

    /// In the order in which Redis shows them.
    const LETTERS: [(char, Class); 16] = [
        ('g', Class::GENERIC),
        ('$', Class::STRING),
        ('l', Class::LIST),
        ('s', Class::SET),
        ('h', Class::HASH),
        ('z', Class::ZSET),
        ('x', Class::EXPIRED),
        ('e', Class::EVICTED),
        ('t', Class::STREAM),
        ('d', Class::MODULE),
        ('n', Class::NEW),
        ('o', Class::OVERWRITTEN),
        ('c', Class::TYPE_CHANGED),
        ('K', Class::KEYSPACE),
        ('E', Class::KEYEVENT),
        ('m', Class::MISS),
    ];

    /// Whether it is among these classes.
    pub fn is_in(self, classes: u32) -> bool {
        classes & self.0 != 0
    }

    /// The classes a text names; `None` for a letter that names none.
    pub fn parse(text: &str) -> Option<u32> {
        let class = |letter: char| match letter {
            'A' => Some(Self::ALL.0),
            _ => Self::LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, class)| class.0),
        };
        text.chars().try_fold(0, |all, letter| Some(all | class(letter)?))
    }

    /// The text that names these classes, as Redis shows it.
    pub fn text(classes: u32) -> String {
        let all = classes & Self::ALL.0 == Self::ALL.0;
        let shown = |class: Class| {
            // As Redis: `A` swallows these too.
            let swallowed = Self::ALL.0 | Self::NEW.0 | Self::OVERWRITTEN.0 | Self::TYPE_CHANGED.0;
            classes & class.0 != 0 && !(all && swallowed & class.0 != 0)
        };
        let letters = Self::LETTERS.iter().filter(|(_, class)| shown(*class)).map(|(letter, _)| *letter);
        all.then_some('A').into_iter().chain(letters).collect()
    }
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// What happened.
    pub name: &'static str,
    /// The index of the database.
    pub db: usize,
    /// To which key.
    pub key: Vec<u8>,
}

/// What happened while shards were held, in order: only what somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    /// Classes; 0 when nobody wants to know anything, which is all that a command pays for then.
    wanted: u32,
    /// Reads tell of keys they did not find.
    events: RefCell<Vec<Event>>,
}

impl Happened {
    /// Which classes are noted from now on.
    pub(crate) fn want(&mut self, classes: u32) {
        let told = Class::KEYSPACE.is_in(classes) || Class::KEYEVENT.is_in(classes);
        self.wanted = if told { classes } else { 0 };
    }

    /// Whether events of a class are noted.
    pub(crate) fn wants(&self, class: Class) -> bool {
        class.is_in(self.wanted)
    }

    /// This happened to a key.
    pub(crate) fn note(&self, class: Class, name: &'static str, db: usize, key: &[u8]) {
        if self.wants(class) {
            self.events.borrow_mut().push(Event { name, db, key: key.to_vec() });
        }
    }

    /// What has happened since this was last asked.
    pub(crate) fn take(&self) -> Vec<Event> {
        self.events.take()
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn classes_are_shown_as_redis_shows_them() {
        for (given, shown) in [
            ("KEA", "AKE"),
            ("KEAmn", "AKEm"),
            ("mnKg", "gnKm"),
            ("KEAmnoc", "AKEm"),
            ("cmonKg", "gnocKm"),
            ("dx", "xd"),
            ("KEg$lshzxet", "g$lshzxetKE"),
            ("", ""),
        ] {
            assert_eq!(Class::text(Class::parse(given).unwrap()), shown, "{given}");
        }
        assert_eq!(Class::parse("Kq"), None);
    }
}
