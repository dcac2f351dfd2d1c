//! Shared file mappings: the only place of this room that needs `unsafe`.
//!
//! A [`SharedMap`] owns one `mmap`ed range of a file. Stores go through it by plain copies, except [`store16`], which
//! the log uses as its commit: one instruction, so that a process killed at any moment has stored all 16 bytes or none.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, compiler_fence};

use super::Mapping;

/// A writable shared mapping of a file range; unmapped on drop.
pub(super) struct SharedMap {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is plain memory owned by this value; it has no tie to the thread that made it.
unsafe impl Send for SharedMap {}
// SAFETY: `&self` methods only store through raw pointers; the trait obliges callers not to store into overlapping bytes at once.
unsafe impl Sync for SharedMap {}

impl SharedMap {
    /// Maps `len` bytes from `offset`, with its pages present and writable, so that the first stores do not fault.
    pub(super) fn new(file: &File, offset: u64, len: usize) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        if len == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours; the result is checked.
        let base = unsafe {
            libc::mmap(std::ptr::null_mut(), len, prot, libc::MAP_SHARED, file.as_raw_fd(), offset)
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(base) = NonNull::new(base.cast::<u8>()) else {
            return Err(io::ErrorKind::Other.into());
        };
        let map = Self { base, len };
        map.prefault();
        Ok(map)
    }

    /// Makes the pages present and writable ahead of the stores. Only a hint: a failure costs page faults later.
    fn prefault(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: the range is exactly our mapping; MADV_POPULATE_WRITE changes no content and its failure changes nothing.
        unsafe {
            libc::madvise(self.base.as_ptr().cast(), self.len, libc::MADV_POPULATE_WRITE);
        }
    }

    /// Whether `n` bytes at `at` lie inside.
    fn holds(&self, at: usize, n: usize) -> bool {
        at.checked_add(n).is_some_and(|end| end <= self.len)
    }
}

impl Mapping for SharedMap {
    fn write(&self, at: usize, bytes: &[u8]) {
        if !self.holds(at, bytes.len()) {
            debug_assert!(false, "store outside of a mapping");
            return;
        }
        // SAFETY: the range was checked to lie inside the live mapping; `bytes` is ours and can not overlap it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.as_ptr().add(at), bytes.len()) }
    }

    fn store16(&self, at: usize, bytes: &[u8; 16]) {
        if !self.holds(at, 16) {
            debug_assert!(false, "store outside of a mapping");
            return;
        }
        // The fences keep the compiler from moving copies across; a kill takes effect between two instructions, and
        // what an earlier one stored is in the page cache, so the order of the instructions is all that matters.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: `at..at + 16` was checked to lie inside the live mapping.
        unsafe { store16(self.base.as_ptr().add(at), bytes) }
        compiler_fence(Ordering::SeqCst);
    }
}

/// # Safety
/// `to` must be valid for a write of 16 bytes; any alignment.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn store16(to: *mut u8, bytes: &[u8; 16]) {
    // SAFETY: SSE2 is part of x86_64; the load reads the 16 bytes of `bytes`, the one store is what the caller allows.
    unsafe {
        std::arch::asm!(
            "movdqu {v}, [{from}]",
            "movdqu [{to}], {v}",
            from = in(reg) bytes.as_ptr(),
            to = in(reg) to,
            v = out(xmm_reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
/// `to` must be valid for a write of 16 bytes; any alignment.
#[cfg(target_arch = "aarch64")]
#[inline]
unsafe fn store16(to: *mut u8, bytes: &[u8; 16]) {
    // SAFETY: NEON is part of aarch64; the load reads the 16 bytes of `bytes`, the one store is what the caller allows.
    unsafe {
        std::arch::asm!(
            "ldr {v:q}, [{from}]",
            "str {v:q}, [{to}]",
            from = in(reg) bytes.as_ptr(),
            to = in(reg) to,
            v = out(vreg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
/// `to` must be valid for a write of 16 bytes; any alignment.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
unsafe fn store16(to: *mut u8, bytes: &[u8; 16]) {
    // No single store of 16 bytes here: a kill in between leaves a record which our own recovery recognises as torn.
    // SAFETY: the caller allows 16 bytes at `to`, and `bytes` can not overlap it.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, 16) }
}

impl Drop for SharedMap {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `new` mapped; nothing refers to it any more.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.len);
        }
    }
}

/// Reserves disk blocks for a range without changing the file's length.
#[cfg(target_os = "linux")]
pub(super) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    let len = libc::off_t::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        // SAFETY: a system call on an open descriptor with plain integers.
        if unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, offset, len) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => return Err(io::ErrorKind::Unsupported.into()),
            _ => return Err(error),
        }
    }
}

/// Reserves disk blocks for a range without changing the file's length: not done on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn allocate(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a store into a mapping of allocated blocks can never run out of space, which would kill the process
/// (SIGBUS). True for file systems that overwrite blocks in place; not for copy-on-write ones (btrfs, ZFS, bcachefs),
/// not for remote, stacked or user-space ones, of which we can not know.
#[cfg(target_os = "linux")]
pub(super) fn stores_are_safe(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    const EXT: u64 = 0xEF53;
    const XFS: u64 = 0x5846_5342;
    const TMPFS: u64 = 0x0102_1994;
    // SAFETY: statfs is plain data, for which all-zero bytes are a value.
    let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: a system call on an open descriptor that fills the struct it is given.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &mut stat) } != 0 {
        return false;
    }
    // The field's type differs between targets; the magic numbers fit in 32 bits.
    let magic = stat.f_type as u64 & 0xFFFF_FFFF;
    cfg!(target_pointer_width = "64") && matches!(magic, EXT | XFS | TMPFS)
}

/// Whether a store into a mapping of allocated blocks can never run out of space: unknown here.
#[cfg(not(target_os = "linux"))]
pub(super) fn stores_are_safe(_file: &File) -> bool {
    false
}

/// The id of this boot.
#[cfg(target_vendor = "apple")]
pub(super) fn boot_id() -> String {
    let mut text = [0u8; 64];
    let mut len = text.len();
    // SAFETY: the name ends in a zero byte; `text` and `len` describe one buffer, which the call fills up to `len`.
    let rc = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            text.as_mut_ptr().cast(),
            &mut len,
            std::ptr::null_mut(),
            0,
        )
    };
    let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
    if rc == 0 { String::from_utf8_lossy(&text[..end]).into_owned() } else { String::new() }
}

/// The id of this boot: unknown here.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(super) fn boot_id() -> String {
    String::new()
}
