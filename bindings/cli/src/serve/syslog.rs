//! The system's log, through the C library. System calls only.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::sync::OnceLock;

use log::Level;

/// The name lines are logged under; the C library keeps a pointer to it.
static IDENT: OnceLock<CString> = OnceLock::new();

/// Opens it. `facility` is `user`, or `local0` to `local7`.
pub(super) fn open(ident: &str, facility: &str) {
    let ident = IDENT.get_or_init(|| CString::new(ident.replace('\0', "")).unwrap_or_default());
    let local = |number: i32| (16 + number) << 3;
    let facility = match facility.strip_prefix("local").and_then(|number| number.parse().ok()) {
        Some(number @ 0..=7) => local(number),
        _ => libc::LOG_USER,
    };
    // SAFETY: the name is a C string that lives as long as the process.
    unsafe { libc::openlog(ident.as_ptr(), libc::LOG_PID | libc::LOG_NDELAY | libc::LOG_NOWAIT, facility) };
}

/// Logs a line, with the priorities redis-server gives its levels.
pub(super) fn write(level: Level, line: &str) {
    let priority = match level {
        Level::Error | Level::Warn => libc::LOG_WARNING,
        Level::Info => libc::LOG_NOTICE,
        Level::Debug => libc::LOG_INFO,
        Level::Trace => libc::LOG_DEBUG,
    };
    let Ok(line) = CString::new(line.replace('\0', " ")) else { return };
    // SAFETY: the format takes one C string, and that is what it gets; both outlive the call.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), line.as_ptr()) };
}
