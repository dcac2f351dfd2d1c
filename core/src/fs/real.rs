//! The host's file system.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

use super::{File, FileSystem, LockAttempt, LockGuard, Mapping, Open, inherited};

/// The host's file system, through `std` and a few system calls of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFs;

struct RealFile(fs::File);

/// A lock on a directory, for the process that took it: a forked child has closed its descriptor, and must not unlock.
struct RealLock {
    file: fs::File,
    owner: u32,
}

impl RealLock {
    fn new(file: fs::File) -> Self {
        inherited::enter(file.as_raw_fd());
        Self { file, owner: std::process::id() }
    }
}

impl LockGuard for RealLock {}

impl Drop for RealLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that has not come to its exec yet still holds the descriptor.
        if std::process::id() == self.owner {
            inherited::leave(self.file.as_raw_fd());
            let _ = self.file.unlock();
        }
    }
}

impl FileSystem for RealFs {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match how {
            Open::Read => {}
            Open::Write => {
                options.write(true);
            }
            Open::Truncate => {
                options.write(true).create(true).truncate(true);
            }
            Open::New => {
                options.write(true).create_new(true);
            }
        }
        let file = options.open(path)?;
        // Opening a directory for reading succeeds on Unix; say so here rather than fail obscurely at the first read.
        if file.metadata()?.is_dir() {
            return Err(io::Error::other("is a directory"));
        }
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn file_len(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn lock(&self, path: &Path) -> io::Result<LockAttempt> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
                Ok(LockAttempt::Held(Box::new(RealLock::new(file))))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = Read::by_ref(&mut file).take(32).read_to_string(&mut text);
                Ok(LockAttempt::Taken { pid: read.ok().and_then(|_| text.trim().parse().ok()) })
            }
            Err(fs::TryLockError::Error(e)) => Err(e),
        }
    }

    fn boot_id(&self) -> String {
        boot_id()
    }
}

#[cfg(target_os = "linux")]
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn boot_id() -> String {
    super::map::boot_id()
}

impl File for RealFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buf, offset)
    }

    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        super::map::allocate(&self.0, offset, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn map(&self, offset: u64, len: usize) -> io::Result<Box<dyn Mapping>> {
        if !super::map::stores_are_safe(&self.0) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Box::new(super::map::SharedMap::new(&self.0, offset, len)?))
    }
}
