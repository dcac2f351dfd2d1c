//! The one seam between the engine and the file system.
//!
//! Whoever touches a file does it through [`FileSystem`] and [`File`]; nothing else in the engine names `std::fs`.
//! There are two implementations: [`RealFs`], and [`sim::SimFs`], which keeps everything in memory, records each
//! call, and can rebuild every state the disk might be in after a power cut. The traits are therefore as narrow as
//! the promises we rely on: positioned reads and writes, an explicit sync of a file, an explicit sync of a directory.
//!
//! Knows nothing of the rooms above it. All errors are plain [`io::Error`]; the caller adds what it was doing.

mod inherited;
mod map;
mod real;
pub mod sim;

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

pub(crate) use inherited::close_in_child as close_locks_in_child;
pub use real::RealFs;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Read only; the file must exist.
    Read,
    /// Read and write; the file must exist; its content stays.
    Write,
    /// Read and write; created when missing, emptied when there.
    Truncate,
    /// Read and write; it is an error (`AlreadyExists`) when there.
    New,
}

/// Directory operations and the opening of files. Paths are the host's.
pub trait FileSystem: Send + Sync {
    /// Opens a file. A created entry is durable only after [`sync_dir`](Self::sync_dir) of its directory.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// Renames a file over whatever bears the new name; atomic for readers, durable after `sync_dir`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Makes all earlier changes of this directory's entries durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The names (not paths) of what a directory holds, in no particular order. Names that are not UTF-8 are left out.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Length of a file in bytes, or `None` when there is no such file.
    fn file_len(&self, path: &Path) -> io::Result<Option<u64>>;
    /// Creates a directory and its parents; fine when it is there.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Takes the exclusive lock that a file stands for, without waiting. The holder's process id is written into it.
    fn lock(&self, path: &Path) -> io::Result<LockAttempt>;
    /// A text that stays the same while the machine runs and changes when it boots; empty when the system has none.
    fn boot_id(&self) -> String;
}

/// What came of [`FileSystem::lock`].
pub enum LockAttempt {
    /// Ours until the guard is dropped (or the process ends).
    Held(Box<dyn LockGuard>),
    /// Somebody else's; his process id if the file tells it.
    Taken {
        /// The holder, as he wrote himself into the file.
        pid: Option<u32>,
    },
}

/// Holds a lock while it lives.
pub trait LockGuard: Send + Sync {}

/// An open file. All calls take `&self`: positions are explicit, so threads may share it.
pub trait File: Send + Sync {
    /// Reads at `offset`; may read less than asked for, 0 means end of file.
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset`; may write less than given (see [`FileExt::write_all_at`]).
    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<usize>;
    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts or extends (with zeros) to `len`.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves disk space for a range without changing the length. `Unsupported` where the system can not.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Makes the content durable, and the length as far as reading the content needs it (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
    /// Makes content and all metadata durable (`fsync`).
    fn sync_all(&self) -> io::Result<()>;
    /// Maps an existing range for shared writing. `offset` must be a multiple of the page size (every multiple of
    /// 64 KiB is); the range must lie within the file and stay within it while the mapping lives. `Unsupported` where a store into the mapping might
    /// kill the process on a full disk (copy-on-write file systems) or where there is no such thing.
    fn map(&self, offset: u64, len: usize) -> io::Result<Box<dyn Mapping>>;
}

/// A range of a file mapped for shared writing. A store is in the page cache at once: it outlives the process, and is
/// seen by [`File::pread`]; it is durable after the file's next sync.
///
/// The caller keeps two threads from storing into overlapping bytes at once.
pub trait Mapping: Send + Sync {
    /// Copies bytes to `at`. Not atomic: a process killed meanwhile leaves any part of them. Does nothing when the
    /// range is not inside the mapping, which is a defect of the caller (asserted in debug builds).
    fn write(&self, at: usize, bytes: &[u8]);
    /// Stores 16 bytes with one machine instruction, after everything stored before and before everything stored
    /// later: a process killed at any moment has stored all of them or none.
    fn store16(&self, at: usize, bytes: &[u8; 16]);
}

/// Conveniences over [`File`].
pub trait FileExt {
    /// Writes all of `buf` at `offset`. An error may leave a prefix of it written.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `buf` from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
}

impl FileExt for dyn File + '_ {
    fn write_all_at(&self, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.pwrite(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    buf = &buf[n.min(buf.len())..];
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn read_exact_at(&self, buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.pread(&mut buf[done..], offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    done += n;
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// A sequential reader of an open file, unbuffered; wrap it in a `BufReader` for small reads.
pub struct FileReader {
    file: Arc<dyn File>,
    at: u64,
}

impl FileReader {
    /// Reads from `offset` on.
    pub fn new(file: Arc<dyn File>, offset: u64) -> Self {
        Self { file, at: offset }
    }

    /// Where the next read begins.
    pub fn position(&self) -> u64 {
        self.at
    }
}

impl Read for FileReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.pread(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A sequential writer into an open file, unbuffered; wrap it in a `BufWriter` for small writes.
pub struct FileWriter {
    file: Arc<dyn File>,
    at: u64,
}

impl FileWriter {
    /// Writes from `offset` on.
    pub fn new(file: Arc<dyn File>, offset: u64) -> Self {
        Self { file, at: offset }
    }

    /// Where the next write goes; from offset 0 the number of bytes written.
    pub fn position(&self) -> u64 {
        self.at
    }
}

impl Write for FileWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.pwrite(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces `dir/name` so that after a crash there is the old content or the new, never a mixture: writes
/// `dir/temp`, syncs it, renames it over, syncs the directory.
pub fn replace_file(
    fs: &dyn FileSystem,
    dir: &Path,
    temp: &str,
    name: &str,
    content: &[u8],
) -> io::Result<()> {
    let temp_path = dir.join(temp);
    let written = (|| {
        let file = fs.open(&temp_path, Open::Truncate)?;
        file.write_all_at(content, 0)?;
        file.sync_all()?;
        fs.rename(&temp_path, &dir.join(name))
    })();
    if let Err(e) = written {
        // The old file is untouched; a leftover would only confuse. The first error is the one to report.
        let _ = fs.remove_file(&temp_path);
        return Err(e);
    }
    fs.sync_dir(dir)
}
