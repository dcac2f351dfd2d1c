//! The allocator under the engine, and what the system says of this process's memory: for MEMORY and INFO, never to
//! decide anything. Figures are those of the whole process, the host's own memory included.
#![allow(unsafe_code)]

/// What the process takes, bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessMemory {
    /// Resident in memory.
    pub resident: usize,
    /// Of the whole machine.
    pub machine: usize,
}

/// The name of the allocator.
pub const NAME: &str = if cfg!(target_env = "gnu") { "libc" } else { "system" };

fn page() -> usize {
    // SAFETY: sysconf only reads.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// What the system says; zeroes where it says nothing.
pub fn process_memory() -> ProcessMemory {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split_ascii_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    // SAFETY: sysconf only reads.
    let machine = usize::try_from(unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) }).unwrap_or(0);
    ProcessMemory { resident: pages * page(), machine: machine.saturating_mul(page()) }
}

/// Processor time the process has used, seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessCpu {
    /// In the system.
    pub system: f64,
    /// In its own code.
    pub user: f64,
}

/// What the system says.
pub fn process_cpu() -> ProcessCpu {
    // SAFETY: all-zero is a valid rusage, and getrusage writes only into it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    ProcessCpu { system: seconds(usage.ru_stime), user: seconds(usage.ru_utime) }
}

/// Asks the allocator to give back to the system what it holds in reserve.
pub fn purge() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim takes the allocator's own locks and may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The allocator's own figures, one a line; `None` where it has none.
pub fn report() -> Option<String> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: mallinfo2 takes the allocator's own locks and may be called at any time.
        let info = unsafe { libc::mallinfo2() };
        let lines = [
            ("arena bytes", info.arena),
            ("free chunks", info.ordblks),
            ("mapped regions", info.hblks),
            ("mapped bytes", info.hblkhd),
            ("allocated bytes", info.uordblks),
            ("free bytes", info.fordblks),
            ("bytes that a trim would release", info.keepcost),
        ];
        Some(lines.iter().map(|(name, n)| format!("{name}: {n}\n")).collect())
    }
    #[cfg(not(target_env = "gnu"))]
    None
}
