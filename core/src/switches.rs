//! What DEBUG turns for as long as a store is open: no directives, and in no file.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// See the module's head. Each is off at first.
#[derive(Debug, Default)]
pub struct Switches {
    skip_checksums: AtomicBool,
    pause_background: AtomicBool,
    list_packed_threshold: AtomicUsize,
}

impl Switches {
    /// Checksums of snapshots and of RESTORE's payloads are not looked at.
    pub fn skips_checksums(&self) -> bool {
        self.skip_checksums.load(Ordering::Relaxed)
    }

    /// See [`Switches::skips_checksums`].
    pub fn set_skip_checksums(&self, on: bool) {
        self.skip_checksums.store(on, Ordering::Relaxed);
    }

    /// The background thread does nothing: no expiry, no save points, no rewrites.
    pub fn pauses_background(&self) -> bool {
        self.pause_background.load(Ordering::Relaxed)
    }

    /// See [`Switches::pauses_background`].
    pub fn set_pause_background(&self, on: bool) {
        self.pause_background.store(on, Ordering::Relaxed);
    }

    /// Bytes from which an element of a big list has a node of its own; 0: as `list-max-listpack-size` says.
    pub fn list_packed_threshold(&self) -> usize {
        self.list_packed_threshold.load(Ordering::Relaxed)
    }

    /// See [`Switches::list_packed_threshold`].
    pub fn set_list_packed_threshold(&self, bytes: usize) {
        self.list_packed_threshold.store(bytes, Ordering::Relaxed);
    }
}
