//! Commands that run ahead of their durability: a listener runs all that has arrived, and waits once for all of it before
//! it answers.

use std::cell::Cell;

thread_local! {
    /// The latest position somebody would have waited for, while this thread runs ahead.
    static OWED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs `f` without waiting for durability; returns the position of the log that is owed, 0 for none.
pub(crate) fn run<R>(f: impl FnOnce() -> R) -> (R, u64) {
    struct Restore(Option<u64>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OWED.set(self.0);
        }
    }
    let _restore = Restore(OWED.replace(Some(0)));
    let result = f();
    (result, OWED.get().unwrap_or(0))
}

/// Takes note of a position if this thread runs ahead; false when it has to wait.
pub(super) fn note(lsn: u64) -> bool {
    match OWED.get() {
        Some(owed) => {
            OWED.set(Some(owed.max(lsn)));
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_owed_is_the_latest_position() {
        assert!(!super::note(5));
        let (seven, owed) = super::run(|| (super::note(3), super::note(9), super::note(7)).0);
        assert!(seven);
        assert_eq!(owed, 9);
        assert!(!super::note(5));
        assert_eq!(super::run(|| ()).1, 0);
    }
}
