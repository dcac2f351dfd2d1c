//! A store: the keyspace with its files and its background work.
//!
//! [`Store::open`] takes a directory and directives; [`Store::memory`] keeps nothing on disk. A [`Store`] is shared
//! freely between threads and clones are the same store; it closes with [`Store::close`] or with its last clone and
//! client. This room ties keyspace, RDB and log together; what commands need of it is [`crate::command::Services`].

pub(crate) mod ahead;
mod aof_base;
mod aof_stream;
mod background;
mod conf;
mod fork;
mod info;
mod loading;
mod logging;
mod opening;
mod registry;
mod saving;
mod services;
mod serving;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::client::Client;
use crate::command::blocking::Waiters;
use crate::command::memory;
use crate::command::observe::Observer;
use crate::config::{Config, Directive};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileSystem, LockAttempt, LockGuard, RealFs};
use crate::keyspace::{Clock, Guard, Keyspace};
use crate::pubsub::PubSub;
use crate::rdb;

pub use serving::Listening;

/// Name of the lock file in a store's directory.
const LOCK_FILE: &str = "persistkv.lock";

/// Where a store's files are.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) dir: PathBuf,
    pub(crate) fs: Arc<dyn FileSystem>,
}

/// What a loaded file held that only somebody else understands: written back with the next snapshot.
#[derive(Default)]
struct Foreign {
    aux: Vec<(Vec<u8>, Vec<u8>)>,
    module_aux: Vec<rdb::ModuleAux>,
}

/// What the clones of a store and its threads share.
pub(crate) struct Inner {
    me: Weak<Inner>,
    keyspace: Arc<Keyspace>,
    config: Config,
    generation: u32,
    closed: AtomicBool,
    /// Changes since the last snapshot.
    dirty: AtomicU64,
    last_save: AtomicI64,
    started: i64,
    disk: Option<Disk>,
    saves: saving::Saves,
    logging: logging::Logging,
    background: background::Background,
    foreign: Mutex<Foreign>,
    loaded: Mutex<loading::Loaded>,
    opening: opening::Opening,
    observer: Observer,
    serving: serving::Serving,
    /// Calls that wait for a key.
    waiters: Waiters,
    /// Who has subscribed to what.
    pubsub: PubSub,
    #[cfg(feature = "lua")]
    scripts: crate::script::Scripts,
    /// The file the directives came from: CONFIG REWRITE writes it.
    config_file: Option<PathBuf>,
}

/// When a directory that is opened is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// By [`Store::load`].
    Later,
}

/// Keeps a store open; the last one closes it.
pub(crate) struct Handle {
    pub(crate) inner: Arc<Inner>,
    lock: Mutex<Option<Box<dyn LockGuard>>>,
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store is closed; open it again")
}

impl Store {
    /// A store that lives in memory only.
    pub fn memory() -> Result<Self> {
        let none: [(&str, &str); 0] = [];
        Self::memory_with(&none)
    }

    /// The same with directives (limits, databases …).
    pub fn memory_with<N: AsRef<str>, V: AsRef<str>>(directives: &[(N, V)]) -> Result<Self> {
        let config = Config::default();
        config.set_at_open(directives)?;
        fork::watch();
        let inner = Inner::new(config, None, None);
        inner.apply_directives(None)?;
        Ok(Self { handle: Arc::new(Handle::new(inner, None)) })
    }

    /// Opens the store in a directory (made when missing) with directives by Redis's names, and loads what is there: the
    /// log with `appendonly yes`, else the snapshot; with `appendonly yes` and only a snapshot, that is taken over.
    ///
    /// A directory that this process has open already gives the same store, provided the directives agree with those in
    /// force. From another process it is an error that names the holder's pid.
    pub fn open<N: AsRef<str>, V: AsRef<str>>(dir: impl AsRef<Path>, directives: &[(N, V)]) -> Result<Self> {
        Self::open_on(Arc::new(RealFs), dir.as_ref(), directives)
    }

    /// As [`Store::open`] on another file system, for tests of crashes and faults.
    #[doc(hidden)]
    pub fn open_on<N: AsRef<str>, V: AsRef<str>>(
        fs: Arc<dyn FileSystem>,
        dir: &Path,
        directives: &[(N, V)],
    ) -> Result<Self> {
        Self::open_with(Config::default(), fs, dir, directives, None, When::Now)
    }

    /// Opens the store that a configuration file in the style of `redis.conf` describes: its directory is the file's `dir`
    /// (the working directory without one). `more` directives overrule the file's. CONFIG REWRITE writes the file anew.
    ///
    /// A directive that has no meaning here (`port`, `bind` …) is an error that names the line.
    pub fn open_config<N: AsRef<str>, V: AsRef<str>>(
        file: impl AsRef<Path>,
        more: &[(N, V)],
    ) -> Result<Self> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file).map_err(|e| Error::io("reading", file, e))?;
        let mut directives = conf::directives(&text).map_err(|(line, what)| {
            Error::new(ErrorKind::Config, format!("{}, line {line}: {what}", file.display()))
        })?;
        let is_overruled =
            |name: &str| more.iter().any(|(other, _)| other.as_ref().eq_ignore_ascii_case(name));
        directives.retain(|(name, _)| !is_overruled(name));
        directives.extend(more.iter().map(|(name, value)| (name.as_ref().into(), value.as_ref().into())));
        let dir = directives.iter().rfind(|(name, _)| name.eq_ignore_ascii_case("dir"));
        let dir = dir.map_or_else(|| PathBuf::from("."), |(_, dir)| PathBuf::from(dir));
        // As a server does that has gone to its directory, CONFIG REWRITE must still find the file.
        let file = std::path::absolute(file).map_err(|e| Error::io("finding", file, e))?;
        Self::open_with(Config::default(), Arc::new(RealFs), &dir, &directives, Some(file), When::Now)
    }

    fn open_with<N: AsRef<str>, V: AsRef<str>>(
        config: Config,
        fs: Arc<dyn FileSystem>,
        dir: &Path,
        directives: &[(N, V)],
        config_file: Option<PathBuf>,
        when: When,
    ) -> Result<Self> {
        config.set_at_open(directives)?;
        fork::watch();
        fs.create_dir_all(dir).map_err(|e| Error::io("opening the directory", dir, e))?;
        // On a file system of our own there is nothing to resolve.
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        let mut registry = registry::Registry::lock();
        if let Some(handle) = registry.find(&dir) {
            handle.inner.config.agrees_with(directives)?;
            return Ok(Self { handle });
        }
        let text = dir.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("the path {} is not UTF-8", dir.display()))
        })?;
        config.set_at_open(&[("dir", text)])?;
        let lock_path = dir.join(LOCK_FILE);
        let lock = match fs.lock(&lock_path).map_err(|e| Error::io("locking", &lock_path, e))? {
            LockAttempt::Held(lock) => lock,
            LockAttempt::Taken { pid } => {
                let holder = pid.map_or("another process".to_owned(), |pid| format!("process {pid}"));
                let text = format!(
                    "{} is open in {holder}; close it there first, or talk to that process",
                    dir.display()
                );
                return Err(Error::new(ErrorKind::Locked, text));
            }
        };
        let inner = Inner::new(config, Some(Disk { dir: dir.clone(), fs }), config_file);
        // Before the files are read: what they say of a key's uses is kept as the policy asks for.
        inner.apply_directives(None)?;
        match when {
            When::Now => inner.load()?,
            When::Later => inner.opening.begin(inner.now_seconds()),
        }
        let handle = Arc::new(Handle::new(inner, Some(lock)));
        registry.enter(&dir, &handle);
        Ok(Self { handle })
    }

    /// A new logical connection.
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(&self.handle))
    }

    /// Closes the store for all its clones and clients: waits for calls under way, saves a snapshot if save points are
    /// set and something has changed, syncs and closes the log. Calls afterwards fail with [`ErrorKind::Closed`]; closing
    /// twice is fine. An error means that the last snapshot or the sync of the log failed; the store is closed then too.
    ///
    /// Listeners end first: they finish the commands under way and send their replies.
    pub fn close(&self) -> Result<()> {
        self.handle.check_forked()?;
        self.handle.inner.serving.stop();
        self.handle.close()
    }

    /// Whether the store was closed.
    pub fn is_closed(&self) -> bool {
        self.handle.inner.closed.load(Ordering::Acquire)
    }

    /// Fails as any call would: in a forked child, and after the store was closed.
    pub fn check_usable(&self) -> Result<()> {
        self.handle.check_usable()
    }

    /// The directory, `None` for a store in memory.
    pub fn dir(&self) -> Option<&Path> {
        self.handle.inner.disk.as_ref().map(|disk| &*disk.dir)
    }

    /// What was repaired, dropped or worth knowing when the files were loaded, one line each; empty when all was well.
    pub fn load_notes(&self) -> Vec<String> {
        self.handle.inner.loaded.lock().map(|loaded| loaded.notes.clone()).unwrap_or_default()
    }

    #[doc(hidden)]
    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.handle.inner.keyspace
    }
}

impl Handle {
    fn new(inner: Arc<Inner>, lock: Option<Box<dyn LockGuard>>) -> Self {
        Self { inner, lock: Mutex::new(lock) }
    }

    fn check_forked(&self) -> Result<()> {
        if self.inner.generation != fork::generation() {
            let text = "this store was opened before the process forked; open it anew in the child, in a directory of its own";
            return Err(Error::new(ErrorKind::Forked, text));
        }
        Ok(())
    }

    /// Refuses in a forked child and after a close.
    pub(crate) fn check_usable(&self) -> Result<()> {
        self.check_forked()?;
        if self.inner.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    fn close(&self) -> Result<()> {
        if self.inner.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let result = self.inner.shut_down();
        if let Ok(mut lock) = self.lock.lock() {
            drop(lock.take());
        }
        result
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.inner.generation != fork::generation() {
            // A forked child: locks may be held by threads that do not exist here, and the files are the parent's.
            // Everything is left as it is; the extra reference keeps it from being freed.
            std::mem::forget(Arc::clone(&self.inner));
            if let Ok(lock) = self.lock.get_mut() {
                std::mem::forget(lock.take());
            }
            return;
        }
        let _registry = registry::Registry::lock();
        if let Err(error) = self.close() {
            log::error!("closing the store: {error}");
        }
    }
}

impl Inner {
    fn new(config: Config, disk: Option<Disk>, config_file: Option<PathBuf>) -> Arc<Self> {
        let clock = Clock::System;
        let started = clock.now_ms() / 1000;
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            keyspace: Arc::new(Keyspace::new(config.int(Directive::Databases) as usize, clock)),
            config,
            generation: fork::generation(),
            closed: AtomicBool::new(false),
            dirty: AtomicU64::new(0),
            last_save: AtomicI64::new(started),
            started,
            disk,
            saves: saving::Saves::default(),
            logging: logging::Logging::default(),
            background: background::Background::default(),
            foreign: Mutex::default(),
            loaded: Mutex::default(),
            opening: opening::Opening::default(),
            observer: Observer::default(),
            serving: serving::Serving::default(),
            waiters: Waiters::default(),
            pubsub: PubSub::default(),
            #[cfg(feature = "lua")]
            scripts: crate::script::Scripts::default(),
            config_file,
        })
    }

    /// Tells the rooms below what the directives say.
    fn apply_directives(&self, held: Option<&mut Guard<'_>>) -> Result<()> {
        self.observer.configure(&self.config);
        self.keyspace.set_busy_limit(self.config.int(Directive::BusyReplyThreshold));
        self.keyspace.configure(&memory::settings(&self.config), held)
    }

    /// Whether this process opened the store: a forked child must not wait for its locks.
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Number of databases.
    pub(crate) fn databases(&self) -> usize {
        self.keyspace.databases()
    }

    fn now_seconds(&self) -> i64 {
        self.keyspace.clock().now_ms() / 1000
    }

    fn disk(&self) -> Result<&Disk> {
        self.disk.as_ref().ok_or_else(|| {
            Error::command("ERR this store lives in memory only; open a directory to save its data")
        })
    }

    /// Ends everything: no call is under way any more when this returns, nothing runs, the files are closed.
    fn shut_down(&self) -> Result<()> {
        self.waiters.end_all(closed);
        for client in self.observer.clients.all() {
            if let Some(wake) = client.outbox.close() {
                wake();
            }
        }
        // A script that has not written yet ends now; one that has is waited for, as is every call.
        #[cfg(feature = "lua")]
        self.scripts.control.close();
        self.background.stop();
        self.stop_bgsave();
        self.stop_rewrite();
        // A SAVE under way is the last one to write: the directory's lock is let go after this.
        drop(self.saves.file());
        // Whoever holds a shard finishes; whoever comes later meets a closed log.
        drop(self.keyspace.lock_all_patiently());
        if self.opening.is_on() {
            // The files are what they were: nothing of them was changed, and nothing is written over them.
            return Ok(());
        }
        let saved = if self.disk.is_some()
            && !self.config.save_points().is_empty()
            && self.dirty.load(Ordering::Relaxed) > 0
        {
            self.save_now()
        } else {
            Ok(())
        };
        let logged = self.close_log();
        saved.and(logged)
    }
}
