//! The engine's log lines, handed to a callback of the host. Without one nothing is printed anywhere.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, PoisonError, RwLock};

use log::{LevelFilter, Log, Metadata, Record};

use crate::boundary::{prepare, status};
use crate::error::{Failure, pkv_err};

/// How grave a line of the log is.
#[allow(non_camel_case_types)]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pkv_log_level {
    /// Nothing at all.
    PKV_LOG_OFF = 0,
    /// Something failed.
    PKV_LOG_ERROR = 1,
    /// Something was repaired, or needs attention soon.
    PKV_LOG_WARN = 2,
    /// What happens: loaded, saved, rewritten.
    PKV_LOG_INFO = 3,
    /// Details for those who look for a fault.
    PKV_LOG_DEBUG = 4,
}

/// Takes a line of the log: its level (`PKV_LOG_...`), its text, which is valid during the call only, and the `data` that
/// was given with the callback. Comes from any thread, several at once. It must be quick, must not call persistkv, and
/// must not throw.
#[allow(non_camel_case_types)]
pub type pkv_log_callback =
    Option<unsafe extern "C" fn(level: c_int, message: *const c_char, data: *mut c_void)>;

struct Callback {
    function: unsafe extern "C" fn(c_int, *const c_char, *mut c_void),
    data: *mut c_void,
}

// SAFETY: the header says that the callback comes from any thread; `data` is the caller's business.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

/// Held for reading during a callback, so that replacing one waits until it is no longer in use.
static CALLBACK: RwLock<Option<Callback>> = RwLock::new(None);

/// The process that set it; 0 as long as none did.
static SET_BY: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A line about the callback's own doing would come back to it for ever.
        if INSIDE.get() {
            return;
        }
        // While the callback is being replaced, or in a child that was forked meanwhile, a line is dropped.
        let Ok(callback) = CALLBACK.try_read() else { return };
        let Some(Callback { function, data }) = &*callback else { return };
        let text = record.args().to_string().replace('\0', " ");
        let Ok(text) = CString::new(text) else { return };
        INSIDE.set(true);
        // SAFETY: the function is what the caller set for this purpose, and stays set while the lock is held.
        unsafe { function(record.level() as c_int, text.as_ptr(), *data) };
        INSIDE.set(false);
    }

    fn flush(&self) {}
}

/// Sets who gets the lines of the log up to `max_level` (`PKV_LOG_...`), for all stores of the process; NULL for nobody.
/// When it returns, the callback that was set before is no longer running and its `data` may go. Not to be called from
/// the callback.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_set_log_callback(
    callback: pkv_log_callback,
    max_level: c_int,
    data: *mut c_void,
) -> pkv_err {
    status(|| {
        let level = match max_level {
            0 => LevelFilter::Off,
            1 => LevelFilter::Error,
            2 => LevelFilter::Warn,
            3 => LevelFilter::Info,
            4 => LevelFilter::Debug,
            _ => {
                let text = format!("max_level is {max_level}; it must be from 0 to 4 (PKV_LOG_…)");
                return Err(Failure::new(pkv_err::PKV_ERR_ARGUMENT, text));
            }
        };
        if INSIDE.get() {
            let text = "the log callback may not replace itself";
            return Err(Failure::new(pkv_err::PKV_ERR_BUSY, text));
        }
        prepare();
        static ONCE: Once = Once::new();
        // Fails only if this library's copy of the logging crate has a logger already, which nothing else sets.
        ONCE.call_once(|| drop(log::set_logger(&Logger)));
        let pid = std::process::id();
        let mut current = match CALLBACK.try_write() {
            Ok(current) => current,
            // Whoever holds it may be a thread of the parent, which does not exist in here.
            Err(_) if ![0, pid].contains(&SET_BY.load(Ordering::Relaxed)) => {
                let text =
                    "a line was being logged when the process forked; the callback can not be replaced here";
                return Err(Failure::new(pkv_err::PKV_ERR_FORKED, text));
            }
            Err(_) => CALLBACK.write().unwrap_or_else(PoisonError::into_inner),
        };
        log::set_max_level(if callback.is_some() { level } else { LevelFilter::Off });
        SET_BY.store(pid, Ordering::Relaxed);
        *current = callback.map(|function| Callback { function, data });
        Ok(pkv_err::PKV_OK)
    })
}
