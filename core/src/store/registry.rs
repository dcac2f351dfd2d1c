//! Which directories this process has open: opening one twice gives the same store.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Handle;
use super::fork::PerProcess;

type Open = HashMap<PathBuf, Weak<Handle>>;

static OPEN: PerProcess<Mutex<Open>> = PerProcess::new();

/// The registry, held while a directory is opened or closed so that two threads do not do it at once.
pub(super) struct Registry(MutexGuard<'static, Open>);

impl Registry {
    /// Locks the registry of this process (a forked child begins with an empty one).
    pub(super) fn lock() -> Self {
        Self(OPEN.get().lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The store of a directory that is open already.
    pub(super) fn find(&mut self, dir: &Path) -> Option<Arc<Handle>> {
        self.0.get(dir)?.upgrade().filter(|handle| handle.check_usable().is_ok())
    }

    /// Enters a store.
    pub(super) fn enter(&mut self, dir: &Path, handle: &Arc<Handle>) {
        self.0.retain(|_, other| other.strong_count() > 0);
        self.0.insert(dir.to_path_buf(), Arc::downgrade(handle));
    }
}
