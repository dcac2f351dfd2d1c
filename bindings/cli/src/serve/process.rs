//! What a server does with its process: going to the background, its number in a file, its limit of open files, the local
//! time. System calls only.
#![allow(unsafe_code)]

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{SystemTime, UNIX_EPOCH};

/// Descriptors a server needs besides its connections.
const RESERVED: u64 = 32;

/// Goes on in a child of its own session; the parent exits. Must be called before any thread is started.
pub(super) fn daemonize() -> io::Result<()> {
    // SAFETY: no other thread runs, so the child is a whole copy of this process.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        _ => std::process::exit(0),
    }
    // SAFETY: takes nothing; a child that was just forked leads no group, so it does not fail.
    unsafe { libc::setsid() };
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for fd in 0..3 {
        // SAFETY: both are open descriptors or are opened by the call itself; nobody else uses the standard ones now.
        if unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&null), fd) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Raises the limit of open files to what `clients` need; how many they can be if the system does not allow that.
pub(super) fn limit_files(clients: u64) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid pointer to a struct that outlives the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return None;
    }
    let wanted = clients.saturating_add(RESERVED);
    if limit.rlim_cur >= wanted {
        return None;
    }
    let most = wanted.min(limit.rlim_max).max(limit.rlim_cur);
    let raised = libc::rlimit { rlim_cur: most, rlim_max: limit.rlim_max };
    // SAFETY: a valid pointer to a struct that outlives the call.
    let got = if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
        most
    } else {
        limit.rlim_cur
    };
    (got < wanted).then(|| got.saturating_sub(RESERVED).max(1))
}

/// The local time as redis-server logs it: `22 Nov 2026 16:27:20.123`.
pub(super) fn time() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs() as libc::time_t;
    // SAFETY: zeroes are a valid value of this struct of numbers and a pointer that is not followed.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call; the thread-safe form of the function.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.get(tm.tm_mon as usize).unwrap_or(&"Jan");
    let (hour, minute, second) = (tm.tm_hour, tm.tm_min, tm.tm_sec);
    let (day, year, ms) = (tm.tm_mday, tm.tm_year + 1900, now.subsec_millis());
    format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// The file with the process's number; it goes away with its owner.
pub(super) struct PidFile(String);

impl PidFile {
    /// Writes it; a failure is only logged, as redis-server does.
    pub(super) fn write(path: &str) -> Option<Self> {
        if path.is_empty() {
            return None;
        }
        match std::fs::write(path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(Self(path.to_owned())),
            Err(error) => {
                log::warn!("Failed to write PID file: {error}");
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Tells systemd how far we are, when it asked to be told.
pub(super) fn tell_supervisor(supervised: &str, state: &str) {
    if !matches!(supervised, "systemd" | "auto") {
        return;
    }
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path)),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        log::warn!("systemd could not be told that we are here: {error}");
    }
}
