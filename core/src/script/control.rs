//! The script under way, as others see it: since when it runs, whether it has written, and the wish that it end.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// The SHA-1 of a script, or the name of a function.
    pub name: String,
    /// The command that called it.
    pub command: Vec<Vec<u8>>,
    /// Whether it is a function (FCALL) rather than a script (EVAL).
    pub is_function: bool,
    /// When it began, ns by the clock of durations.
    pub began_ns: i64,
}

/// Who wants it to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Wish {
    None = 0,
    /// SCRIPT KILL or FUNCTION KILL.
    Kill = 1,
    /// The store is being closed.
    Close = 2,
}

/// What runs, in room that is used again by the next one.
#[derive(Default)]
struct Place {
    /// Something runs.
    is_taken: bool,
    name: String,
    /// The words of the command, one behind the other.
    words: Vec<u8>,
    ends: Vec<usize>,
    is_function: bool,
    began_ns: i64,
}

/// More room than this is not kept for the next one.
const KEPT_MAX: usize = 64 * 1024;

/// See the module's head.
#[derive(Default)]
pub struct Control {
    place: Mutex<Place>,
    wish: AtomicU8,
    wrote: AtomicBool,
    closing: AtomicBool,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs, if something does.
    pub fn running(&self) -> Option<Running> {
        let place = self.lock();
        if !place.is_taken {
            return None;
        }
        let mut start = 0;
        let word = |end: &usize| {
            let word = place.words[start..*end].to_vec();
            start = *end;
            word
        };
        let command = place.ends.iter().map(word).collect();
        let (is_function, began_ns) = (place.is_function, place.began_ns);
        Some(Running { name: place.name.clone(), command, is_function, began_ns })
    }

    /// A script or a function begins; it ends when what is returned is dropped. See [`Running`].
    pub(crate) fn begin(&self, name: &str, command: &[&[u8]], is_function: bool, began_ns: i64) -> Ended<'_> {
        let mut place = self.lock();
        let wish = if self.closing.load(Ordering::Relaxed) { Wish::Close } else { Wish::None };
        self.wish.store(wish as u8, Ordering::Relaxed);
        self.wrote.store(false, Ordering::Relaxed);
        place.is_taken = true;
        place.name.clear();
        place.name.push_str(name);
        place.words.clear();
        place.ends.clear();
        for word in command {
            place.words.extend_from_slice(word);
            let end = place.words.len();
            place.ends.push(end);
        }
        (place.is_function, place.began_ns) = (is_function, began_ns);
        Ended(self)
    }

    /// The script is about to change something: from now on it can not be ended. False: it is to end already.
    pub(crate) fn may_write(&self) -> bool {
        if self.wrote.load(Ordering::Relaxed) {
            return true;
        }
        // With the lock of who wishes: either he sees that it writes, or it sees the wish.
        let _place = self.lock();
        if self.wish.load(Ordering::Relaxed) != Wish::None as u8 {
            return false;
        }
        self.wrote.store(true, Ordering::Relaxed);
        true
    }

    /// Asks the script to end, unless it has written. `None`: nothing runs; else whether it will end.
    pub(crate) fn kill(&self, function: bool) -> Kill {
        let place = self.lock();
        if !place.is_taken {
            return Kill::Nothing;
        }
        if place.is_function != function {
            return Kill::Other;
        }
        if self.wrote.load(Ordering::Relaxed) {
            return Kill::Wrote;
        }
        self.wish.store(Wish::Kill as u8, Ordering::Relaxed);
        Kill::Done
    }

    /// The store is closing: what runs and has not written is to end, and so is whatever begins.
    pub(crate) fn close(&self) {
        let place = self.lock();
        self.closing.store(true, Ordering::Relaxed);
        if place.is_taken && !self.wrote.load(Ordering::Relaxed) {
            self.wish.store(Wish::Close as u8, Ordering::Relaxed);
        }
    }

    /// The text of the error that ends the script.
    pub(crate) fn why_stop(&self, function: bool) -> Option<&'static str> {
        match self.wish.load(Ordering::Relaxed) {
            n if n == Wish::None as u8 => None,
            n if n == Wish::Close as u8 => Some("ERR Script ended: the store is being closed."),
            _ if function => Some("ERR Function killed by user with FUNCTION KILL."),
            _ => Some("ERR Script killed by user with SCRIPT KILL."),
        }
    }
}

/// What became of SCRIPT KILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// Nothing runs.
    Nothing,
    /// What runs is a function for SCRIPT KILL, or a script for FUNCTION KILL.
    Other,
    /// It has written.
    Wrote,
    /// It will end.
    Done,
}

/// See [`Control::begin`].
pub(crate) struct Ended<'a>(&'a Control);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut place = self.0.lock();
        place.is_taken = false;
        if place.words.capacity() + place.ends.capacity() * 8 > KEPT_MAX {
            *place = Place::default();
        }
    }
}
