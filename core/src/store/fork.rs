//! Noticing that the host forked: a handle belongs to the process that opened it.
//!
//! After a fork only the forking thread exists in the child, and a lock that another thread held stays held for ever.
//! So the child must refuse before it touches any lock, and must not even free what it inherited. A handler that runs
//! in the child counts generations; comparing two numbers costs nothing, where asking for the pid is a system call.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    crate::fs::close_locks_in_child();
}

/// The generation of this process: changes in every forked child.
pub(super) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Makes sure that forks are counted from now on.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler only touches atomics and closes descriptors, which is allowed in a forked child of a threaded process; the
        // library is linked so that it is never unloaded, so the handler stays valid. Failure (out of memory) leaves
        // forks unnoticed, which the directory lock and the documentation still cover.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// Something every process has of its own: a forked child makes a new one rather than touch what it inherited, whose
/// locks may be held for ever.
pub(super) struct PerProcess<T: 'static> {
    at: AtomicPtr<(u32, T)>,
}

impl<T: Default + Sync> PerProcess<T> {
    pub(super) const fn new() -> Self {
        Self { at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// This process's.
    pub(super) fn get(&'static self) -> &'static T {
        loop {
            let seen = self.at.load(Ordering::Acquire);
            // SAFETY: what `at` points to was leaked below and lives for ever.
            if let Some((of, value)) = unsafe { seen.as_ref() }
                && *of == generation()
            {
                return value;
            }
            let fresh = Box::into_raw(Box::new((generation(), T::default())));
            if self.at.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: another thread was first; this one was never shared.
                drop(unsafe { Box::from_raw(fresh) });
            }
        }
    }
}
