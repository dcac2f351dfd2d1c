//! The log in redis-server's manner: `pid:role time level message`, to a file or the standard output.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::{process, syslog};

struct ServerLog {
    /// Opened for each line, so that a file that was moved away is made anew; empty: the standard output.
    file: String,
    /// To the system's log too.
    to_syslog: bool,
    /// A server's lines say M, those before it is one say C.
    is_master: AtomicBool,
}

static LOG: OnceLock<ServerLog> = OnceLock::new();

/// Starts to log, from now on to the end. `to_syslog`: name and facility in the system's log.
pub(super) fn start(file: &str, level: &str, to_syslog: Option<(&str, &str)>) {
    if let Some((ident, facility)) = to_syslog {
        syslog::open(ident, facility);
    }
    let log = LOG.get_or_init(|| ServerLog {
        file: file.to_owned(),
        to_syslog: to_syslog.is_some(),
        is_master: AtomicBool::new(false),
    });
    let _ = log::set_logger(log);
    set_level(level);
}

/// From now on less important lines are left out.
pub(super) fn set_level(level: &str) {
    log::set_max_level(match level {
        "debug" => LevelFilter::Trace,
        "verbose" => LevelFilter::Debug,
        "warning" => LevelFilter::Warn,
        "nothing" => LevelFilter::Off,
        _ => LevelFilter::Info,
    });
}

/// What is logged from now on, a server says.
pub(super) fn set_master() {
    if let Some(log) = LOG.get() {
        log.is_master.store(true, Ordering::Relaxed);
    }
}

impl Log for ServerLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What libraries tell each other is nobody's business.
        metadata.target().starts_with("persistkv")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let sign = match record.level() {
            Level::Error | Level::Warn => '#',
            Level::Info => '*',
            Level::Debug => '-',
            Level::Trace => '.',
        };
        let role = if self.is_master.load(Ordering::Relaxed) { 'M' } else { 'C' };
        let line = format!("{}:{role} {} {sign} {}\n", std::process::id(), process::time(), record.args());
        if self.to_syslog {
            syslog::write(record.level(), &record.args().to_string());
        }
        if self.file.is_empty() {
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
            return;
        }
        if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(&self.file) {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}
