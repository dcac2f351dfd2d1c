//! Descriptors of locks, which a forked child must not keep.
//!
//! A lock by `flock` belongs to the open file, and a child shares its parent's open files. While a child keeps the
//! descriptor, the directory stays locked after the parent closed it, and even after the parent died. So a handler that
//! runs in the child closes them: that takes nothing from the parent, whose own descriptor goes on holding the lock.
#![allow(unsafe_code)]

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};

const NONE: i32 = -1;

/// Locks of this process. One that finds no room is merely kept by children, which matters only if they outlive it.
static HELD: [AtomicI32; 64] = [const { AtomicI32::new(NONE) }; 64];

/// Enters a lock's descriptor.
pub(super) fn enter(fd: RawFd) {
    for slot in &HELD {
        if slot.compare_exchange(NONE, fd, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return;
        }
    }
}

/// Forgets a lock's descriptor; called before it is closed, since its number may mean another file afterwards.
pub(super) fn leave(fd: RawFd) {
    for slot in &HELD {
        if slot.compare_exchange(fd, NONE, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return;
        }
    }
}

/// Closes the locks that this process inherited. For a handler that runs in a forked child, so nothing is allocated or
/// locked in here. What holds them must never be dropped in the child.
pub(crate) fn close_in_child() {
    for slot in &HELD {
        let fd = slot.swap(NONE, Ordering::AcqRel);
        if fd != NONE {
            // SAFETY: the descriptor is a lock's, open until `leave` was called; the thread that could close it does not
            // exist in the child, and its owner is never dropped there.
            unsafe { libc::close(fd) };
        }
    }
}
