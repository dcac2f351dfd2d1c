//! What one `open()` of JavaScript holds. Main thread and workers may open one directory several times: they share the
//! store, and the last one who closes it closes the files, so that no thread closes a store under another's feet.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use persistkv::{Client, Error, ErrorKind, Result, Store};

/// How many openings each directory has. Held while one is opened or closed, so that a store is never found while it
/// closes.
static OPENINGS: Mutex<Option<HashMap<PathBuf, Arc<AtomicUsize>>>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<HashMap<PathBuf, Arc<AtomicUsize>>>> {
    OPENINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store is closed; open it again")
}

/// One opening of a store.
pub(crate) struct Opening {
    store: Store,
    closed: AtomicBool,
    /// Openings of the store, this one among them; changed under the lock only.
    count: Arc<AtomicUsize>,
}

impl Opening {
    /// Opens a directory, or a store in memory without one.
    pub(crate) fn new(path: Option<&str>, directives: &[(String, String)]) -> Result<Self> {
        let mut openings = lock();
        let store = match path {
            Some(path) => Store::open(path, directives)?,
            None => Store::memory_with(directives)?,
        };
        let count = match store.dir() {
            Some(dir) => Arc::clone(openings.get_or_insert_default().entry(dir.to_path_buf()).or_default()),
            None => Arc::default(),
        };
        Ok(Self::counted(store, count))
    }

    /// To be called under the lock.
    fn counted(store: Store, count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { store, closed: AtomicBool::new(false), count }
    }

    /// Another opening of the same store.
    pub(crate) fn again(&self) -> Result<Self> {
        let _openings = lock();
        self.check()?;
        Ok(Self::counted(self.store.clone(), Arc::clone(&self.count)))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.store.is_closed()
    }

    /// Refuses after a close.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_closed() { Err(closed()) } else { Ok(()) }
    }

    /// The store, unless this opening was closed.
    pub(crate) fn store(&self) -> Result<&Store> {
        self.check().map(|()| &self.store)
    }

    pub(crate) fn dir(&self) -> Option<&Path> {
        self.store.dir()
    }

    pub(crate) fn load_notes(&self) -> Vec<String> {
        self.store.load_notes()
    }

    /// A new client with a database selected.
    pub(crate) fn client(&self, db: usize) -> Result<Client> {
        self.check()?;
        let mut client = self.store.client();
        if db != 0 {
            client.execute(&["SELECT", &db.to_string()])?;
        }
        Ok(client)
    }

    /// Closes this opening, and with the last one the store. Closing twice is fine.
    pub(crate) fn close(&self) -> Result<()> {
        let mut openings = lock();
        if self.closed.swap(true, Ordering::AcqRel) || self.count.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Ok(());
        }
        if let (Some(dir), Some(openings)) = (self.store.dir(), openings.as_mut()) {
            openings.remove(dir);
        }
        self.store.close()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            log::error!("closing a store that nobody refers to any more: {error}");
        }
    }
}
