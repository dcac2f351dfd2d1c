//! How fast the saver of a cut goes through one big value, which has a single lock.
//!
//! Beside a busy writer, many small steps would be in the way of every call of his. So the saver takes few, longer steps
//! and rests between them: only every few hundredth call meets one, and waits for some tens of microseconds. When nobody
//! else takes the lock, or when what was put aside for the cut grows, it does not rest. Knows only time.

use std::time::Duration;

/// Chains of one step: about a thousand elements, some 20 µs of a lock.
pub(super) const CHAINS: usize = if cfg!(feature = "model") { 1 } else { 192 };
/// The rest after a step beside a busy writer.
const REST: Duration = Duration::from_micros(400);
/// From that many bytes put aside on there is no rest.
pub(super) const HURRY: usize = 16 * 1024 * 1024;

/// See the module's head.
#[derive(Default)]
pub(super) struct Pace {
    visits: Option<u32>,
    shared: bool,
}

impl Pace {
    /// Under the lock: how often it was taken so far, this time included.
    pub(super) fn visited(&mut self, visits: u32) {
        self.shared = self.visits.is_some_and(|last| visits != last.wrapping_add(1));
        self.visits = Some(visits);
    }

    /// Between two steps: rests if others took the lock since the one before. `held` bytes are put aside.
    pub(super) fn rest(&self, held: usize) {
        if self.shared && held < HURRY {
            std::thread::sleep(REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_is_told_from_who_is_not() {
        let mut pace = Pace::default();
        pace.visited(u32::MAX);
        assert!(!pace.shared, "nothing is known yet");
        pace.visited(0);
        assert!(!pace.shared, "only the saver came");
        pace.visited(2);
        assert!(pace.shared, "somebody came between");
        pace.visited(3);
        assert!(!pace.shared);
    }
}
