//! A file system in memory that remembers how it came to be: for tests of durability and of faults.
//!
//! [`SimFs`] behaves like a real one, and records every change ([`Op`]) in order. From the record, [`crash`] rebuilds
//! what a disk may hold if the power fails between any two changes, and what the page cache holds if the process is
//! killed there. [`SimFs::fail_at`] makes a chosen call fail, [`SimFs::refuse_mapping`] and [`SimFs::set_capacity`] model poorer places.
//!
//! The model is POSIX at its strictest: data and length of a file are durable after its sync; a directory entry
//! (create, rename, unlink) is durable after a sync of the directory, and until then may or may not be.

pub mod crash;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{File, FileSystem, LockAttempt, LockGuard, Mapping, Open};

/// Bytes in a page, the unit in which unsynced data reaches the disk.
pub const PAGE: u64 = 4096;

/// Number of a file's body, apart from its names.
pub type Inode = u64;

/// One recorded change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new, empty file got a name.
    Create {
        /// Its path.
        path: PathBuf,
        /// Its body.
        inode: Inode,
    },
    /// A name moved, replacing what bore the new one.
    Rename {
        /// Old path.
        from: PathBuf,
        /// New path.
        to: PathBuf,
    },
    /// A name went.
    Unlink {
        /// Its path.
        path: PathBuf,
    },
    /// Bytes were written by a call.
    Write {
        /// Which body.
        inode: Inode,
        /// Where.
        offset: u64,
        /// What.
        data: Vec<u8>,
    },
    /// Bytes were stored into a mapping.
    Store {
        /// Which body.
        inode: Inode,
        /// Where in the file.
        offset: u64,
        /// What.
        data: Vec<u8>,
        /// Whether by a single instruction.
        atomic: bool,
    },
    /// The length was set.
    SetLen {
        /// Which body.
        inode: Inode,
        /// New length in bytes.
        len: u64,
    },
    /// Content and length became durable.
    Sync {
        /// Which body.
        inode: Inode,
    },
    /// The entries of a directory became durable.
    SyncDir {
        /// Which.
        path: PathBuf,
    },
    /// A note of the test, to find its place in the record.
    Mark(u64),
}

/// What an injected fault does to the call it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `ENOSPC`, nothing done.
    NoSpace,
    /// `EIO`, nothing done. A sync that fails loses what was not durable: it will never be written by a later sync.
    Io,
    /// A write of half the bytes (a failure of any other call).
    Short,
    /// `Unsupported`, nothing done.
    Unsupported,
}

/// The kinds of calls a fault may be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `open` that creates or empties.
    Create,
    /// `rename`.
    Rename,
    /// `remove_file`.
    Remove,
    /// `sync_dir`.
    SyncDir,
    /// `pwrite`.
    Write,
    /// `set_len`.
    SetLen,
    /// `allocate`.
    Allocate,
    /// `sync_data` and `sync_all`.
    Sync,
    /// `map`.
    Map,
}

/// Content of one file body.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub(super) data: Vec<u8>,
    /// Blocks reserved beyond the data, in bytes from the start of the file.
    reserved: u64,
    /// A failed sync has dropped dirty pages; later syncs make nothing durable that was written before it.
    poisoned: bool,
}

type Decide = Box<dyn FnMut(u64, Call, &Path) -> Option<Fault> + Send>;

struct State {
    names: BTreeMap<PathBuf, Inode>,
    dirs: Vec<PathBuf>,
    bodies: BTreeMap<Inode, Body>,
    paths: BTreeMap<Inode, PathBuf>,
    next_inode: Inode,
    ops: Vec<Op>,
    recording: bool,
    decide: Option<Decide>,
    calls: u64,
    refuse_mapping: bool,
    capacity: u64,
    locks: BTreeMap<PathBuf, u32>,
    boot: String,
}

/// See the module. Clones share one disk.
#[derive(Clone)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
    /// Whether syncs of files wait, and who waits for that to end.
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl Default for SimFs {
    fn default() -> Self {
        Self::new()
    }
}

fn no_space() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(libc::EIO)
}

impl State {
    fn record(&mut self, op: Op) {
        if self.recording {
            self.ops.push(op);
        }
    }

    /// Counts a call that can fail and tells whether it shall.
    fn fault(&mut self, call: Call, path: &Path) -> Option<Fault> {
        let k = self.calls;
        self.calls += 1;
        self.decide.as_mut().and_then(|decide| decide(k, call, path))
    }

    fn check(&mut self, call: Call, path: &Path) -> io::Result<()> {
        match self.fault(call, path) {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(no_space()),
            Some(Fault::Io | Fault::Short) => Err(eio()),
            Some(Fault::Unsupported) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn used(&self) -> u64 {
        self.bodies.values().map(|b| b.reserved.max(b.data.len() as u64)).sum()
    }

    fn path_of(&self, inode: Inode) -> PathBuf {
        self.paths.get(&inode).cloned().unwrap_or_default()
    }

    /// Grows the reservation of a body to `end`, if the disk has room.
    fn grow(&mut self, inode: Inode, end: u64) -> io::Result<()> {
        let used = self.used();
        let Some(body) = self.bodies.get_mut(&inode) else { return Err(io::ErrorKind::NotFound.into()) };
        let have = body.reserved.max(body.data.len() as u64);
        if end > have {
            if used + (end - have) > self.capacity {
                return Err(no_space());
            }
            body.reserved = end;
        }
        Ok(())
    }

    fn put(&mut self, inode: Inode, offset: u64, bytes: &[u8]) {
        if let Some(body) = self.bodies.get_mut(&inode) {
            put_bytes(&mut body.data, offset, bytes);
        }
    }

    /// Gives a body a name. A body that loses its last name stays: somebody may have it open, and a test ends soon.
    fn name(&mut self, path: PathBuf, inode: Inode) {
        self.paths.insert(inode, path.clone());
        self.names.insert(path, inode);
    }
}

pub(super) fn put_bytes(data: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = offset as usize;
    let end = start + bytes.len();
    if data.len() < end {
        data.resize(end, 0);
    }
    data[start..end].copy_from_slice(bytes);
}

impl SimFs {
    /// An empty disk with a root directory, without limits.
    pub fn new() -> Self {
        let state = State {
            names: BTreeMap::new(),
            dirs: vec![PathBuf::from("/")],
            bodies: BTreeMap::new(),
            paths: BTreeMap::new(),
            next_inode: 1,
            ops: Vec::new(),
            recording: true,
            decide: None,
            calls: 0,
            refuse_mapping: false,
            capacity: u64::MAX / 2,
            locks: BTreeMap::new(),
            boot: "boot-1".to_owned(),
        };
        Self { state: Arc::new(Mutex::new(state)), held: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes calls fail: asked before each call that can, with the call's running number, its kind and path.
    pub fn fail_at(&self, decide: impl FnMut(u64, Call, &Path) -> Option<Fault> + Send + 'static) {
        self.state().decide = Some(Box::new(decide));
    }

    /// No more faults.
    pub fn heal(&self) {
        self.state().decide = None;
    }

    /// How many calls that can fail were made so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Whether mappings are refused (`Unsupported`), as on a network file system.
    pub fn refuse_mapping(&self, refuse: bool) {
        self.state().refuse_mapping = refuse;
    }

    /// From now on syncs of files wait until they are let go: a disk that is very slow.
    pub fn hold_syncs(&self, hold: bool) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = hold;
        self.held.1.notify_all();
    }

    /// Size of the disk in bytes.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Bytes of the disk in use, reservations included.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// As if the machine had booted: another boot id, all locks gone.
    pub fn reboot(&self) {
        let mut state = self.state();
        state.boot.push('\'');
        state.locks.clear();
    }

    /// Whether changes are recorded (they are at first).
    pub fn record(&self, on: bool) {
        self.state().recording = on;
    }

    /// A copy of the record so far.
    pub fn ops(&self) -> Vec<Op> {
        self.state().ops.clone()
    }

    /// Puts a note into the record.
    pub fn mark(&self, note: u64) {
        self.state().record(Op::Mark(note));
    }

    /// Content of a file, if there is one.
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path.as_ref())?;
        Some(state.bodies.get(inode)?.data.clone())
    }

    /// Sets the content of a file, creating it and its directories; durable at once.
    pub fn put_file(&self, path: impl AsRef<Path>, content: &[u8]) {
        let path = path.as_ref().to_path_buf();
        if let Some(dir) = path.parent() {
            let _ = self.create_dir_all(dir);
        }
        let mut state = self.state();
        let inode = match state.names.get(&path) {
            Some(inode) => *inode,
            None => {
                let inode = state.next_inode;
                state.next_inode += 1;
                state.name(path.clone(), inode);
                state.record(Op::Create { path: path.clone(), inode });
                inode
            }
        };
        state.bodies.insert(inode, Body { data: content.to_vec(), ..Body::default() });
        state.record(Op::SetLen { inode, len: 0 });
        state.record(Op::Write { inode, offset: 0, data: content.to_vec() });
        state.record(Op::Sync { inode });
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        state.record(Op::SyncDir { path: dir });
    }

    /// All files: path and content.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let body = |inode: &Inode| state.bodies.get(inode).map(|b| b.data.clone()).unwrap_or_default();
        state.names.iter().map(|(path, inode)| (path.clone(), body(inode))).collect()
    }
}

struct SimFile {
    fs: SimFs,
    inode: Inode,
    writable: bool,
}

struct SimMapping {
    fs: SimFs,
    inode: Inode,
    offset: u64,
    len: usize,
}

struct SimLock {
    fs: SimFs,
    path: PathBuf,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.fs.state().locks.remove(&self.path);
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

impl FileSystem for SimFs {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        if state.dirs.iter().any(|d| d == path) {
            return Err(io::Error::other("is a directory"));
        }
        let there = state.names.get(path).copied();
        let inode = match (there, how) {
            (Some(inode), Open::Read | Open::Write) => inode,
            (None, Open::Read | Open::Write) => return Err(io::ErrorKind::NotFound.into()),
            (Some(_), Open::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), Open::Truncate) => {
                state.check(Call::Create, path)?;
                if let Some(body) = state.bodies.get_mut(&inode) {
                    body.data.clear();
                    body.reserved = 0;
                }
                state.record(Op::SetLen { inode, len: 0 });
                inode
            }
            (None, Open::Truncate | Open::New) => {
                if !state.dirs.iter().any(|d| d == parent(path)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                state.check(Call::Create, path)?;
                let inode = state.next_inode;
                state.next_inode += 1;
                state.bodies.insert(inode, Body::default());
                state.name(path.to_path_buf(), inode);
                state.record(Op::Create { path: path.to_path_buf(), inode });
                inode
            }
        };
        Ok(Arc::new(SimFile { fs: self.clone(), inode, writable: how != Open::Read }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.dirs.iter().any(|d| d == parent(to)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.check(Call::Rename, from)?;
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.name(to.to_path_buf(), inode);
        state.record(Op::Rename { from: from.to_path_buf(), to: to.to_path_buf() });
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Call::Remove, path)?;
        let inode = state.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        if let Some(body) = state.bodies.get_mut(&inode) {
            body.reserved = 0;
        }
        state.record(Op::Unlink { path: path.to_path_buf() });
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.dirs.iter().any(|d| d == path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.check(Call::SyncDir, path)?;
        state.record(Op::SyncDir { path: path.to_path_buf() });
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.dirs.iter().any(|d| d == path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().chain(state.dirs.iter()).filter(|p| p.parent() == Some(path));
        Ok(inside.filter_map(|p| p.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn file_len(&self, path: &Path) -> io::Result<Option<u64>> {
        let state = self.state();
        Ok(state.names.get(path).and_then(|inode| state.bodies.get(inode)).map(|body| body.data.len() as u64))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        for dir in path.ancestors() {
            if !state.dirs.iter().any(|d| d == dir) {
                state.dirs.push(dir.to_path_buf());
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<LockAttempt> {
        let mut state = self.state();
        if let Some(pid) = state.locks.get(path) {
            return Ok(LockAttempt::Taken { pid: Some(*pid) });
        }
        state.locks.insert(path.to_path_buf(), std::process::id());
        Ok(LockAttempt::Held(Box::new(SimLock { fs: self.clone(), path: path.to_path_buf() })))
    }

    fn boot_id(&self) -> String {
        self.state().boot.clone()
    }
}

impl SimFile {
    fn may_write(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    fn sync(&self) -> io::Result<()> {
        let held = self.fs.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.fs.held.1.wait_while(held, |held| *held).unwrap_or_else(PoisonError::into_inner));
        let mut state = self.fs.state();
        let path = state.path_of(self.inode);
        if let Err(e) = state.check(Call::Sync, &path) {
            if let Some(body) = state.bodies.get_mut(&self.inode) {
                body.poisoned = true;
            }
            return Err(e);
        }
        // As Linux does: after a failure the pages count as clean, and a later sync "succeeds" without writing them.
        if !state.bodies.get(&self.inode).is_some_and(|body| body.poisoned) {
            state.record(Op::Sync { inode: self.inode });
        }
        Ok(())
    }
}

impl File for SimFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.fs.state();
        let Some(body) = state.bodies.get(&self.inode) else { return Ok(0) };
        let start = (offset as usize).min(body.data.len());
        let n = buf.len().min(body.data.len() - start);
        buf[..n].copy_from_slice(&body.data[start..start + n]);
        Ok(n)
    }

    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.may_write()?;
        let mut state = self.fs.state();
        let path = state.path_of(self.inode);
        let buf = match state.fault(Call::Write, &path) {
            None => buf,
            Some(Fault::Short) => &buf[..buf.len() / 2],
            Some(Fault::NoSpace) => return Err(no_space()),
            Some(Fault::Io) => return Err(eio()),
            Some(Fault::Unsupported) => return Err(io::ErrorKind::Unsupported.into()),
        };
        if buf.is_empty() {
            return Err(no_space());
        }
        let grown = state.grow(self.inode, offset + buf.len() as u64);
        // A real disk takes what fits; the rest is a short write.
        let fits = match grown {
            Ok(()) => buf.len(),
            Err(e) => {
                let free = state.capacity.saturating_sub(state.used());
                let body_end =
                    state.bodies.get(&self.inode).map_or(0, |b| b.reserved.max(b.data.len() as u64));
                let fits = (body_end + free).saturating_sub(offset).min(buf.len() as u64) as usize;
                if fits == 0 {
                    return Err(e);
                }
                state.grow(self.inode, offset + fits as u64)?;
                fits
            }
        };
        state.put(self.inode, offset, &buf[..fits]);
        state.record(Op::Write { inode: self.inode, offset, data: buf[..fits].to_vec() });
        Ok(fits)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.fs.state().bodies.get(&self.inode).map_or(0, |b| b.data.len() as u64))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.may_write()?;
        let mut state = self.fs.state();
        let path = state.path_of(self.inode);
        state.check(Call::SetLen, &path)?;
        state.grow(self.inode, len)?;
        if let Some(body) = state.bodies.get_mut(&self.inode) {
            body.data.resize(len as usize, 0);
            body.reserved = len;
        }
        state.record(Op::SetLen { inode: self.inode, len });
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.may_write()?;
        let mut state = self.fs.state();
        let path = state.path_of(self.inode);
        state.check(Call::Allocate, &path)?;
        state.grow(self.inode, offset + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn map(&self, offset: u64, len: usize) -> io::Result<Box<dyn Mapping>> {
        self.may_write()?;
        let mut state = self.fs.state();
        let path = state.path_of(self.inode);
        state.check(Call::Map, &path)?;
        if state.refuse_mapping {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let have = state.bodies.get(&self.inode).map_or(0, |b| b.data.len() as u64);
        if len == 0 || !offset.is_multiple_of(PAGE) || offset + len as u64 > have {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Box::new(SimMapping { fs: self.fs.clone(), inode: self.inode, offset, len }))
    }
}

impl SimMapping {
    fn store(&self, at: usize, bytes: &[u8], atomic: bool) {
        assert!(at + bytes.len() <= self.len, "store outside of a mapping");
        let mut state = self.fs.state();
        let offset = self.offset + at as u64;
        let have = state.bodies.get(&self.inode).map_or(0, |b| b.data.len() as u64);
        assert!(offset + bytes.len() as u64 <= have, "store beyond the end of a mapped file: SIGBUS");
        state.put(self.inode, offset, bytes);
        state.record(Op::Store { inode: self.inode, offset, data: bytes.to_vec(), atomic });
    }
}

impl Mapping for SimMapping {
    fn write(&self, at: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.store(at, bytes, false);
        }
    }

    fn store16(&self, at: usize, bytes: &[u8; 16]) {
        self.store(at, bytes, true);
    }
}
