//! The directive table: what can be configured, by Redis's own names, with types, defaults and ranges.
//!
//! One table serves `Store::open`, CONFIG GET/SET, the configuration file and the documentation. Numbers, flags and
//! choices lie in atomics, so that a command reads a limit without a lock.

use std::fmt;
use std::num::IntErrorKind;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::encoding::{glob, num};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Class;
use crate::switches::Switches;
use crate::value::Limits;

/// What a directive's value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`.
    Flag,
    /// An integer within bounds, both included.
    Int(i64, i64),
    /// Bytes within bounds, written as `64mb`, `1gb`, `4096` …
    Memory(i64, i64),
    /// One of these words; the value is its position.
    Choice(&'static [&'static str]),
    /// A file name without a path.
    FileName,
    /// A path.
    Path,
    /// Save points: pairs of seconds and changes, or nothing.
    SavePoints,
    /// Any text, also none.
    Text,
    /// Permissions of a file, in octal; 0: what the process's mask leaves.
    Octal,
    /// Limits of what waits to be sent, by class of client: its name, hard limit, soft limit, seconds.
    OutputLimits,
    /// Classes of keyspace events, by their letters.
    Events,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unless_max = |high: i64| if high == i64::MAX { String::new() } else { format!(" to {high}") };
        match *self {
            Self::Flag => f.write_str("yes or no"),
            Self::Int(low, high) => write!(f, "integer from {low}{}", unless_max(high)),
            Self::Memory(low, high) => {
                write!(f, "bytes from {low}{}, or with a unit as in 64mb", unless_max(high))
            }
            Self::Choice(words) => write!(f, "one of: {}", words.join(", ")),
            Self::FileName => f.write_str("file name without a path"),
            Self::Path => f.write_str("path"),
            Self::SavePoints => f.write_str("pairs of seconds and changes, or nothing"),
            Self::Text => f.write_str("text"),
            Self::Octal => f.write_str("octal number up to 777"),
            Self::Events => f.write_str(
                "letters of classes of events: K E g $ l s h z x e t d m n o c, A for all but the last four",
            ),
            Self::OutputLimits => f.write_str(
                "class (normal, replica, pubsub), bytes at once, bytes for long, seconds; repeated",
            ),
        }
    }
}

/// A row of the directive table.
pub struct Row {
    /// Redis's name.
    pub name: &'static str,
    /// An older name that is accepted too.
    pub alias: Option<&'static str>,
    /// Type and range.
    pub kind: Kind,
    /// The default, as text.
    pub default: &'static str,
    /// Whether CONFIG SET may change it while the store is open.
    pub at_run_time: bool,
    /// Whether only a server (`persistkv serve`) takes it: it is about the process, which is not a library's to change.
    pub of_server: bool,
    /// What it does.
    pub summary: &'static str,
}

macro_rules! directives {
    ($($id:ident $name:literal $(| $alias:literal)? : $kind:expr, $default:literal, $when:ident, $summary:literal;)*) => {
        /// A directive, by which values are read without looking a name up.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Directive { $($id,)* }

        /// The table, in the order of [`Directive`].
        pub const TABLE: &[Row] = &[$(Row {
            name: $name,
            alias: directives!(@alias $($alias)?),
            kind: $kind,
            default: $default,
            at_run_time: directives!(@when $when),
            of_server: directives!(@server $when),
            summary: $summary,
        },)*];
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
    (@when any) => { true };
    (@when open) => { false };
    (@when serve) => { false };
    (@server any) => { false };
    (@server open) => { false };
    (@server serve) => { true };
}

/// Choices of `appendfsync`, in this order.
pub const APPENDFSYNC: &[&str] = &["always", "everysec", "no"];

/// Choices of `rdb-version`, in this order.
pub const RDB_VERSION: &[&str] = &["9", "10", "11", "80"];

/// Choices of `maxmemory-policy`, in this order.
pub const MAXMEMORY_POLICY: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

directives! {
    Save "save": Kind::SavePoints, "3600 1 300 100 60 10000", any, "When to save a snapshot by itself: pairs of seconds and changes; empty: never.";
    Dir "dir": Kind::Path, ".", open, "The directory of all files.";
    DbFileName "dbfilename": Kind::FileName, "dump.rdb", any, "Name of the snapshot file.";
    RdbCompression "rdbcompression": Kind::Flag, "yes", any, "Compress strings in snapshots (LZF).";
    RdbChecksum "rdbchecksum": Kind::Flag, "yes", open, "Write and check the checksum of snapshots.";
    RdbVersion "rdb-version": Kind::Choice(RDB_VERSION), "11", any, "Version of the snapshots and DUMP payloads written: 9 loads in Redis 6.2 and later, 10 in 7.0 and later, 11 in 7.2 and later; each in every Valkey. With expiring fields of hashes it is 12, for Redis 7.4 and later only; with 80 here it is VALKEY080 then, for Valkey 9 and later only.";
    StopWritesOnBgsaveError "stop-writes-on-bgsave-error": Kind::Flag, "yes", any, "Refuse writes after a snapshot in the background failed, while save points are set.";
    AppendOnly "appendonly": Kind::Flag, "no", any, "Log every change to the append-only file.";
    AppendFileName "appendfilename": Kind::FileName, "appendonly.aof", open, "Base of the names of the log's files.";
    AppendDirName "appenddirname": Kind::FileName, "appendonlydir", open, "Directory of the log's files, inside dir.";
    AppendFsync "appendfsync": Kind::Choice(APPENDFSYNC), "everysec", any, "When the log is synced to disk: before each write returns, once a second, or when the system likes.";
    AutoAofRewritePercentage "auto-aof-rewrite-percentage": Kind::Int(0, i32::MAX as i64), "100", any, "Rewrite the log when it has grown by this much since the last rewrite; 0: never.";
    AutoAofRewriteMinSize "auto-aof-rewrite-min-size": Kind::Memory(0, i64::MAX), "64mb", any, "Do not rewrite a log smaller than this by itself.";
    AofLoadTruncated "aof-load-truncated": Kind::Flag, "yes", any, "Accept a log whose last record is torn, and cut it back.";
    AofLoadCorruptTailMaxSize "aof-load-corrupt-tail-max-size": Kind::Memory(0, i64::MAX), "0", any, "Accept a log whose tail of at most so many bytes is malformed rather than torn, and cut it back; 0: never.";
    AofTimestampEnabled "aof-timestamp-enabled": Kind::Flag, "no", any, "Note the time in the log, once a second: redis-check-aof --truncate-to-timestamp can cut there. Redis before 7.0 does not read such a log.";
    AofUseRdbPreamble "aof-use-rdb-preamble": Kind::Flag, "yes", any, "Write the base of the log as a snapshot rather than as commands.";
    Databases "databases": Kind::Int(1, 1024), "16", open, "Number of databases.";
    ListMaxListpackSize "list-max-listpack-size" | "list-max-ziplist-size": Kind::Int(i32::MIN as i64, i32::MAX as i64), "-2", any, "Size of a list's nodes: elements, or with a minus sign a class from 4 KB (-1) to 64 KB (-5).";
    HashMaxListpackEntries "hash-max-listpack-entries" | "hash-max-ziplist-entries": Kind::Int(0, i64::MAX), "512", any, "Fields up to which a hash stays compact.";
    HashMaxListpackValue "hash-max-listpack-value" | "hash-max-ziplist-value": Kind::Memory(0, i64::MAX), "64", any, "Bytes of a field or value up to which a hash stays compact.";
    SetMaxIntsetEntries "set-max-intset-entries": Kind::Int(0, i64::MAX), "512", any, "Members up to which a set of integers stays an intset.";
    SetMaxListpackEntries "set-max-listpack-entries": Kind::Int(0, i64::MAX), "128", any, "Members up to which a set stays compact.";
    SetMaxListpackValue "set-max-listpack-value": Kind::Memory(0, i64::MAX), "64", any, "Bytes of a member up to which a set stays compact.";
    ZSetMaxListpackEntries "zset-max-listpack-entries" | "zset-max-ziplist-entries": Kind::Int(0, i64::MAX), "128", any, "Members up to which a sorted set stays compact.";
    ZSetMaxListpackValue "zset-max-listpack-value" | "zset-max-ziplist-value": Kind::Memory(0, i64::MAX), "64", any, "Bytes of a member up to which a sorted set stays compact.";
    HllSparseMaxBytes "hll-sparse-max-bytes": Kind::Memory(0, i64::MAX), "3000", any, "Bytes up to which a HyperLogLog stays sparse.";
    StreamNodeMaxBytes "stream-node-max-bytes": Kind::Memory(0, i64::MAX), "4096", any, "Bytes up to which entries share a node of a stream; 0: as many as a node can hold.";
    StreamNodeMaxEntries "stream-node-max-entries": Kind::Int(0, i64::MAX), "100", any, "Entries in a node of a stream; 0: any number.";
    ProtoMaxBulkLen "proto-max-bulk-len": Kind::Memory(1024 * 1024, i64::MAX), "512mb", any, "Longest string.";
    MaxMemory "maxmemory": Kind::Memory(0, i64::MAX), "0", any, "Bytes the data may take; 0: no limit. Beyond it keys are evicted, or commands that need memory refused.";
    MaxMemoryPolicy "maxmemory-policy": Kind::Choice(MAXMEMORY_POLICY), "noeviction", any, "What goes when maxmemory is reached: of all keys or of those with an expiry (volatile) the least recently or least frequently used, a random one, or the one with the shortest time to live.";
    MaxMemorySamples "maxmemory-samples": Kind::Int(1, 64), "5", any, "Keys drawn for each choice of one to evict; more come closer to the true order and take longer.";
    LfuLogFactor "lfu-log-factor": Kind::Int(0, i32::MAX as i64), "10", any, "How slowly the counter of a key's uses grows under an LFU policy.";
    LfuDecayTime "lfu-decay-time": Kind::Int(0, i32::MAX as i64), "1", any, "Minutes without use after which that counter falls by one; 0: never.";
    SlowlogLogSlowerThan "slowlog-log-slower-than": Kind::Int(-1, i64::MAX), "10000", any, "Microseconds from which a command is kept in the slow log; -1: none. From 8000 on times are taken from a coarse clock, exact to about 4 ms; below, a precise one makes every command dearer.";
    SlowlogMaxLen "slowlog-max-len": Kind::Int(0, i64::MAX), "128", any, "Commands the slow log keeps.";
    LatencyMonitorThreshold "latency-monitor-threshold": Kind::Int(0, i64::MAX), "0", any, "Milliseconds from which LATENCY keeps a spike; 0: none. Otherwise every command is timed by a precise clock.";
    LatencyTracking "latency-tracking": Kind::Flag, "no", any, "Record the distribution of every command's times for LATENCY HISTOGRAM, by a precise clock. Redis's default is yes; here it would be a good part of what a small command costs.";
    RequirePass "requirepass": Kind::Text, "", any, "Password that connections to a listener must give (AUTH); empty: none. Clients inside the process need none.";
    ProtectedMode "protected-mode": Kind::Flag, "yes", any, "Without a password a listener serves this machine only.";
    MaxClients "maxclients": Kind::Int(1, u32::MAX as i64), "10000", any, "Connections that listeners accept at the same time.";
    Timeout "timeout": Kind::Int(0, i32::MAX as i64), "0", any, "Seconds without a command after which a connection is closed; 0: never. Subscribers may be silent.";
    TcpKeepalive "tcp-keepalive": Kind::Int(0, i32::MAX as i64), "300", any, "Seconds of silence after which TCP asks whether the peer is still there; 0: never.";
    TcpBacklog "tcp-backlog": Kind::Int(0, i32::MAX as i64), "511", open, "Connections that may wait to be accepted.";
    UnixSocketPerm "unixsocketperm": Kind::Octal, "0", open, "Permissions of a listener's unix socket; 0: what the process's mask leaves.";
    ClientQueryBufferLimit "client-query-buffer-limit": Kind::Memory(1024 * 1024, i64::MAX), "1gb", any, "Bytes of a connection's commands that may wait to be run.";
    NotifyKeyspaceEvents "notify-keyspace-events": Kind::Events, "", any, "Classes of events on keys that are told to subscribers, by their letters; empty: none.";
    ClientOutputBufferLimit "client-output-buffer-limit": Kind::OutputLimits, "normal 1073741824 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", any, "Bytes of replies that may wait for a peer that does not read them: more than the first number, or more than the second for so many seconds, and the connection is closed; 0: no limit. Redis's default has none for normal clients.";
    Port "port": Kind::Int(0, 65535), "0", serve, "TCP port; 0: none.";
    Bind "bind": Kind::Text, "", serve, "Addresses to listen at; one that begins with a minus sign may be missing.";
    UnixSocket "unixsocket": Kind::Text, "", serve, "Unix socket to listen at.";
    Daemonize "daemonize": Kind::Flag, "no", serve, "Go to the background.";
    PidFile "pidfile": Kind::Text, "", serve, "File for the process number.";
    LogFile "logfile": Kind::Text, "", serve, "File for the log; empty: the standard output.";
    LogLevel "loglevel": Kind::Choice(&["debug", "verbose", "notice", "warning", "nothing"]), "notice", serve, "What is logged.";
    BusyReplyThreshold "busy-reply-threshold" | "lua-time-limit": Kind::Int(0, i64::MAX), "5000", any, "Milliseconds after which a script that still runs makes other callers' commands answer BUSY; 0: never.";
    LuaMemoryLimit "lua-memory-limit": Kind::Memory(0, i64::MAX), "512mb", open, "Bytes the interpreter of scripts may take, what it has not collected yet included; 0: no limit. A script that needs more fails.";
    TrackingTableMaxKeys "tracking-table-max-keys": Kind::Int(0, i64::MAX), "1000000", any, "Keys of which is remembered who has read them, for client-side caching; 0: any number. Beyond it, readers are told as if a key had changed.";
    KeyLoadDelay "key-load-delay": Kind::Int(0, i32::MAX as i64), "0", any, "Microseconds to wait before each key or command that is loaded: for tests of what a server answers meanwhile.";
    EnableDebugCommand "enable-debug-command": Kind::Choice(&["no", "yes", "local"]), "no", open, "Whether DEBUG may be used.";
}

/// A save point: so many changes within so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save.
    pub seconds: i64,
    /// Changes since then.
    pub changes: u64,
}

/// The directives' values.
pub struct Config {
    numbers: Box<[AtomicI64]>,
    texts: RwLock<Vec<String>>,
    /// Directives about the process are taken too.
    of_server: bool,
    /// What DEBUG turns.
    pub switches: Switches,
    /// [`Config::message_limit`]: hard, soft, seconds.
    message_limit: [AtomicU64; 3],
}

/// A parsed value.
enum Parsed {
    Number(i64),
    Text(String),
}

impl Default for Config {
    fn default() -> Self {
        let config = Self {
            numbers: TABLE.iter().map(|_| AtomicI64::new(0)).collect(),
            texts: RwLock::new(vec![String::new(); TABLE.len()]),
            of_server: false,
            switches: Switches::default(),
            message_limit: Default::default(),
        };
        for (index, row) in TABLE.iter().enumerate() {
            let parsed =
                parse(row, row.default.as_bytes()).expect("defaults are valid: a test parses them all");
            config.store(index, parsed);
        }
        config
    }
}

/// The row of a directive by name or alias, in any case.
fn position(name: &[u8]) -> Option<usize> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    TABLE.iter().position(|row| is(row.name) || row.alias.is_some_and(is))
}

impl Config {
    /// Directives for a server, which takes those about its process too.
    pub fn of_server() -> Self {
        Self { of_server: true, ..Self::default() }
    }

    /// Whether they are a server's.
    pub fn is_server(&self) -> bool {
        self.of_server
    }

    /// The value of an integer, memory, flag (0 or 1) or choice (its position) directive.
    pub fn int(&self, directive: Directive) -> i64 {
        self.numbers[directive as usize].load(Ordering::Relaxed)
    }

    /// Whether a flag is `yes`.
    pub fn flag(&self, directive: Directive) -> bool {
        self.int(directive) != 0
    }

    /// The word of a choice directive.
    pub fn choice(&self, directive: Directive) -> String {
        self.shown(directive as usize)
    }

    /// The value of a text directive.
    pub fn text(&self, directive: Directive) -> String {
        self.texts.read().unwrap_or_else(PoisonError::into_inner)[directive as usize].clone()
    }

    /// The save points in force.
    pub fn save_points(&self) -> Vec<SavePoint> {
        let text = self.text(Directive::Save);
        let numbers: Vec<i64> = text.split_ascii_whitespace().filter_map(|n| n.parse().ok()).collect();
        numbers.chunks_exact(2).map(|pair| SavePoint { seconds: pair[0], changes: pair[1] as u64 }).collect()
    }

    /// What may wait for a peer that does not read: of a subscriber, or of any other client.
    pub fn output_limit(&self, of_subscriber: bool) -> OutputLimit {
        let text = self.text(Directive::ClientOutputBufferLimit);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let class = CLASSES[if of_subscriber { 2 } else { 0 }];
        let Some(at) = words.iter().position(|word| *word == class) else { return OutputLimit::default() };
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let size = |at| usize::try_from(number(at)).unwrap_or(usize::MAX);
        OutputLimit { hard: size(at + 1), soft: size(at + 2), seconds: number(at + 3) }
    }

    /// What may wait for a subscriber that does not fetch it; read for every message.
    pub fn message_limit(&self) -> OutputLimit {
        let [hard, soft, seconds] = [0, 1, 2].map(|at: usize| self.message_limit[at].load(Ordering::Relaxed));
        OutputLimit { hard: hard as usize, soft: soft as usize, seconds }
    }

    /// The classes of keyspace events that are told; read for every event.
    pub fn events(&self) -> u32 {
        self.int(Directive::NotifyKeyspaceEvents) as u32
    }

    /// The limits of compact forms.
    pub fn limits(&self) -> Limits {
        let size = |directive| usize::try_from(self.int(directive)).unwrap_or(usize::MAX);
        Limits {
            list_max_listpack_size: self.int(Directive::ListMaxListpackSize),
            list_packed_threshold: self.switches.list_packed_threshold(),
            hash_max_listpack_entries: size(Directive::HashMaxListpackEntries),
            hash_max_listpack_value: size(Directive::HashMaxListpackValue),
            set_max_intset_entries: size(Directive::SetMaxIntsetEntries),
            set_max_listpack_entries: size(Directive::SetMaxListpackEntries),
            set_max_listpack_value: size(Directive::SetMaxListpackValue),
            zset_max_listpack_entries: size(Directive::ZSetMaxListpackEntries),
            zset_max_listpack_value: size(Directive::ZSetMaxListpackValue),
            stream_node_max_bytes: size(Directive::StreamNodeMaxBytes),
            stream_node_max_entries: size(Directive::StreamNodeMaxEntries) as u64,
        }
    }

    /// Names and values of all directives that match one of the patterns, for CONFIG GET.
    pub fn matching(&self, patterns: &[&[u8]]) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (index, row) in TABLE.iter().enumerate() {
            for name in std::iter::once(row.name).chain(row.alias) {
                if patterns.iter().any(|pattern| glob::matches(pattern, name.as_bytes(), true)) {
                    found.push((name, self.shown(index)));
                }
            }
        }
        found
    }

    /// The value of a directive as CONFIG GET shows it.
    fn shown(&self, index: usize) -> String {
        let number = self.numbers[index].load(Ordering::Relaxed);
        match TABLE[index].kind {
            Kind::Flag => if number != 0 { "yes" } else { "no" }.to_owned(),
            Kind::Int(..) | Kind::Memory(..) => number.to_string(),
            Kind::Choice(words) => words[number as usize].to_owned(),
            Kind::Octal => format!("{number:o}"),
            Kind::Events => Class::text(number as u32),
            Kind::FileName | Kind::Path | Kind::SavePoints | Kind::Text | Kind::OutputLimits => {
                self.texts.read().unwrap_or_else(PoisonError::into_inner)[index].clone()
            }
        }
    }

    fn store(&self, index: usize, parsed: Parsed) {
        let parsed = match parsed {
            // A class that is not named keeps its limits.
            Parsed::Text(text) if matches!(TABLE[index].kind, Kind::OutputLimits) => {
                let (old, new) = (output_limits(&self.shown(index)), output_limits(&text));
                let new = new.unwrap_or_default().into_iter().zip(old.unwrap_or_default());
                Parsed::Text(new.map(|(new, old)| if new.is_empty() { old } else { new }).collect())
            }
            parsed => parsed,
        };
        match parsed {
            Parsed::Number(number) => self.numbers[index].store(number, Ordering::Relaxed),
            Parsed::Text(text) => self.texts.write().unwrap_or_else(PoisonError::into_inner)[index] = text,
        }
        if matches!(TABLE[index].kind, Kind::OutputLimits) {
            let OutputLimit { hard, soft, seconds } = self.output_limit(true);
            for (slot, number) in self.message_limit.iter().zip([hard as u64, soft as u64, seconds]) {
                slot.store(number, Ordering::Relaxed);
            }
        }
    }

    /// Sets directives at open time, where everything may be set. `save` may come several times, as in a configuration
    /// file: the points add up.
    pub fn set_at_open<N: AsRef<str>, V: AsRef<str>>(&self, pairs: &[(N, V)]) -> Result<()> {
        let mut saves: Option<String> = None;
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let unknown = || {
                let text = format!(
                    "unknown directive '{name}'; directives have the names of redis.conf, see docs/directives.md"
                );
                Error::new(ErrorKind::Config, text)
            };
            let index = position(name.as_bytes()).ok_or_else(unknown)?;
            if TABLE[index].of_server && !self.of_server {
                let text = format!("directive '{name}' is for a server: `persistkv serve` takes it");
                return Err(Error::new(ErrorKind::Config, text));
            }
            let refused =
                |reason| Error::new(ErrorKind::Config, format!("directive '{name}' = '{value}': {reason}"));
            let parsed = parse(&TABLE[index], value.as_bytes()).map_err(refused)?;
            if index == Directive::Save as usize
                && let Parsed::Text(points) = &parsed
            {
                let all = saves.get_or_insert_default();
                if points.is_empty() {
                    all.clear();
                } else {
                    all.push_str(if all.is_empty() { "" } else { " " });
                    all.push_str(points);
                }
                continue;
            }
            self.store(index, parsed);
        }
        if let Some(saves) = saves {
            self.store(Directive::Save as usize, Parsed::Text(saves));
        }
        Ok(())
    }

    /// Whether there is a directive of this name.
    pub fn knows(name: &str) -> bool {
        position(name.as_bytes()).is_some()
    }

    /// Whether there is a directive of this name, and why this can not be its value if so.
    pub fn check(name: &str, value: &str) -> std::result::Result<bool, String> {
        match position(name.as_bytes()) {
            None => Ok(false),
            Some(index) => parse(&TABLE[index], value.as_bytes()).map(|_| true),
        }
    }

    /// Refuses when a directive would have another value than the one in force: for opening a store a second time.
    pub fn agrees_with<N: AsRef<str>, V: AsRef<str>>(&self, pairs: &[(N, V)]) -> Result<()> {
        let wanted = Self { of_server: true, ..Self::default() };
        wanted.set_at_open(pairs)?;
        for (name, value) in pairs {
            let Some(index) = position(name.as_ref().as_bytes()) else { continue };
            let in_force = self.shown(index);
            if index != Directive::Dir as usize && wanted.shown(index) != in_force {
                let (name, value) = (name.as_ref(), value.as_ref());
                let text = format!(
                    "the directory is open in this process already, with {name} '{in_force}', not '{value}'; close it first, \
                     or leave the directive out"
                );
                return Err(Error::new(ErrorKind::Config, text));
            }
        }
        Ok(())
    }

    /// CONFIG SET: checks all pairs, then `apply` is told which directives will change (it may refuse), then all are
    /// stored. Redis's error texts.
    pub fn set_at_run_time(&self, pairs: &[(&[u8], &[u8])]) -> Result<Vec<Directive>> {
        let mut parsed = Vec::new();
        for (name, value) in pairs {
            let shown = String::from_utf8_lossy(name);
            let index = position(name).ok_or_else(|| {
                Error::command(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
                ))
            })?;
            let failed = |reason: String| {
                Error::command(format!(
                    "ERR CONFIG SET failed (possibly related to argument '{shown}') - {reason}"
                ))
            };
            if !TABLE[index].at_run_time {
                return Err(failed("can't set immutable config".to_owned()));
            }
            if parsed.iter().any(|(other, _)| *other == index) {
                return Err(failed("duplicate parameter".to_owned()));
            }
            parsed.push((index, parse(&TABLE[index], value).map_err(failed)?));
        }
        let changed = parsed.iter().map(|(index, _)| ALL[*index]).collect();
        for (index, value) in parsed {
            self.store(index, value);
        }
        Ok(changed)
    }
}

/// All directives in the table's order.
const ALL: [Directive; TABLE.len()] = all();

const fn all() -> [Directive; TABLE.len()] {
    use Directive::*;
    [
        Save,
        Dir,
        DbFileName,
        RdbCompression,
        RdbChecksum,
        RdbVersion,
        StopWritesOnBgsaveError,
        AppendOnly,
        AppendFileName,
        AppendDirName,
        AppendFsync,
        AutoAofRewritePercentage,
        AutoAofRewriteMinSize,
        AofLoadTruncated,
        AofLoadCorruptTailMaxSize,
        AofTimestampEnabled,
        AofUseRdbPreamble,
        Databases,
        ListMaxListpackSize,
        HashMaxListpackEntries,
        HashMaxListpackValue,
        SetMaxIntsetEntries,
        SetMaxListpackEntries,
        SetMaxListpackValue,
        ZSetMaxListpackEntries,
        ZSetMaxListpackValue,
        HllSparseMaxBytes,
        StreamNodeMaxBytes,
        StreamNodeMaxEntries,
        ProtoMaxBulkLen,
        MaxMemory,
        MaxMemoryPolicy,
        MaxMemorySamples,
        LfuLogFactor,
        LfuDecayTime,
        SlowlogLogSlowerThan,
        SlowlogMaxLen,
        LatencyMonitorThreshold,
        LatencyTracking,
        RequirePass,
        ProtectedMode,
        MaxClients,
        Timeout,
        TcpKeepalive,
        TcpBacklog,
        UnixSocketPerm,
        ClientQueryBufferLimit,
        NotifyKeyspaceEvents,
        ClientOutputBufferLimit,
        Port,
        Bind,
        UnixSocket,
        Daemonize,
        PidFile,
        LogFile,
        LogLevel,
        BusyReplyThreshold,
        LuaMemoryLimit,
        TrackingTableMaxKeys,
        KeyLoadDelay,
        EnableDebugCommand,
    ]
}

fn parse(row: &Row, value: &[u8]) -> std::result::Result<Parsed, String> {
    let text = match std::str::from_utf8(value) {
        // As in C: up to a zero byte.
        _ if matches!(row.kind, Kind::Events) => {
            let letters = value.split(|byte| *byte == 0).next().unwrap_or_default();
            std::str::from_utf8(letters).unwrap_or("\u{fffd}")
        }
        Ok(text) => text,
        Err(_) if matches!(row.kind, Kind::FileName | Kind::Path) => {
            return Err("the value is not UTF-8".to_owned());
        }
        // No number, flag or word: refused below in the words of its kind.
        Err(_) => "\u{fffd}",
    };
    let within = |n: i64, low: i64, high: i64| {
        if n < low || n > high {
            return Err(format!("argument must be between {low} and {high} inclusive"));
        }
        Ok(Parsed::Number(n))
    };
    match row.kind {
        Kind::Flag if text.eq_ignore_ascii_case("yes") => Ok(Parsed::Number(1)),
        Kind::Flag if text.eq_ignore_ascii_case("no") => Ok(Parsed::Number(0)),
        Kind::Flag => Err("argument must be 'yes' or 'no'".to_owned()),
        Kind::Int(low, high) => {
            let n = num::parse_i64(value).ok_or("argument couldn't be parsed into an integer")?;
            within(n, low, high)
        }
        Kind::Memory(low, high) => within(memory(text).ok_or("argument must be a memory value")?, low, high),
        Kind::Choice(words) => {
            let at = words.iter().position(|word| text.eq_ignore_ascii_case(word));
            let at =
                at.ok_or_else(|| format!("argument(s) must be one of the following: {}", words.join(", ")))?;
            Ok(Parsed::Number(at as i64))
        }
        Kind::FileName if text.is_empty() => Err(format!("{} can't be empty", row.name)),
        Kind::FileName if text.contains('/') || text.contains('\0') || text == "." || text == ".." => {
            Err(format!("{} can't be a path, just a filename", row.name))
        }
        Kind::FileName => Ok(Parsed::Text(text.to_owned())),
        Kind::Path if text.is_empty() || text.contains('\0') => Err("a path can't be empty".to_owned()),
        Kind::Path => Ok(Parsed::Text(text.to_owned())),
        Kind::Text if std::str::from_utf8(value).is_err() => Err("the value is not UTF-8".to_owned()),
        Kind::Text => Ok(Parsed::Text(text.to_owned())),
        Kind::Octal => match i64::from_str_radix(text, 8) {
            Ok(n) => within(n, 0, 0o777),
            Err(_) => Err("argument couldn't be parsed as an octal number".to_owned()),
        },
        Kind::Events => match Class::parse(text) {
            Some(classes) => Ok(Parsed::Number(i64::from(classes))),
            None => Err("Invalid event class character. Use 'Ag$lshzxeKEtmdnoc'.".to_owned()),
        },
        Kind::OutputLimits => output_limits(text).map(|limits| Parsed::Text(limits.concat())),
        Kind::SavePoints => {
            save_points(text).map(Parsed::Text).ok_or_else(|| "Invalid save parameters".to_owned())
        }
    }
}

/// The canonical text of save points: an even count of numbers, seconds at least 1, changes at least 0.
fn save_points(text: &str) -> Option<String> {
    let text = text.trim_matches('"');
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if !words.len().is_multiple_of(2) {
        return None;
    }
    for pair in words.chunks_exact(2) {
        let (seconds, changes) = (num::parse_i64(pair[0].as_bytes())?, num::parse_i64(pair[1].as_bytes())?);
        if seconds < 1 || changes < 0 {
            return None;
        }
    }
    Some(words.join(" "))
}

/// The classes of clients in `client-output-buffer-limit`, in its order.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// The limits a text gives, by class; a class it does not name is empty.
fn output_limits(text: &str) -> std::result::Result<[String; 3], String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut limits = [const { String::new() }; 3];
    for class in words.chunks_exact(4) {
        let name = if class[0].eq_ignore_ascii_case("replica") { "slave" } else { class[0] };
        let at = CLASSES.iter().position(|known| known.eq_ignore_ascii_case(name));
        let at = at.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let numbers = [memory(class[1]), memory(class[2]), num::parse_i64(class[3].as_bytes())];
        let [Some(hard), Some(soft), Some(seconds)] = numbers else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
            );
        };
        if hard < 0 || soft < 0 || seconds < 0 {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
            );
        }
        limits[at] = format!("{}{} {hard} {soft} {seconds}", if at == 0 { "" } else { " " }, CLASSES[at]);
    }
    Ok(limits)
}

/// A limit of what waits to be sent to a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// More bytes than this are too many at once; 0: no limit.
    pub hard: usize,
    /// More bytes than this are too many for long; 0: no limit.
    pub soft: usize,
    /// How long that is, in seconds.
    pub seconds: u64,
}

/// Bytes from `1024`, `1k`, `1kb`, `5mb` … (k = 1000, kb = 1024, as in redis.conf).
pub(crate) fn memory(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1024,
        "m" => 1000 * 1000,
        "mb" => 1024 * 1024,
        "g" => 1000 * 1000 * 1000,
        "gb" => 1024 * 1024 * 1024,
        _ => return None,
    };
    // A number too large to be held is a number all the same, only out of every range.
    const TOO_LARGE: i64 = -1;
    match text[..digits].parse::<i64>() {
        // As Redis: no digits are zero.
        Err(_) if digits == 0 => Some(0),
        Ok(n) => Some(n.checked_mul(unit).unwrap_or(TOO_LARGE)),
        Err(e) if *e.kind() == IntErrorKind::PosOverflow => Some(TOO_LARGE),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_enum_are_in_the_same_order() {
        for (index, directive) in ALL.iter().enumerate() {
            assert_eq!(*directive as usize, index);
        }
        let config = Config::default();
        assert_eq!(
            config.matching(&[b"*"]).len(),
            TABLE.len() + TABLE.iter().filter(|row| row.alias.is_some()).count()
        );
        assert_eq!(config.int(Directive::AutoAofRewriteMinSize), 64 << 20);
        assert_eq!(config.save_points().len(), 3);
    }

    #[test]
    fn values_are_checked() {
        let config = Config::default();
        for (name, value) in [
            ("appendonly", "maybe"),
            ("databases", "0"),
            ("dbfilename", "a/b"),
            ("save", "60"),
            ("save", "0 1"),
            ("appendfsync", "sometimes"),
            ("auto-aof-rewrite-min-size", "64 potatoes"),
            ("auto-aof-rewrite-min-size", "99999999999gb"),
            ("nope", "1"),
        ] {
            let error = config.set_at_open(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(name), "{error}");
        }
        config.set_at_open(&[("save", "60 1"), ("save", "10 100"), ("APPENDONLY", "YES")]).unwrap();
        assert_eq!(config.text(Directive::Save), "60 1 10 100");
        config.set_at_open(&[("save", "")]).unwrap();
        assert!(config.save_points().is_empty() && config.flag(Directive::AppendOnly));
    }

    #[test]
    fn a_set_at_run_time_is_all_or_nothing() {
        let config = Config::default();
        let error = config.set_at_run_time(&[(b"rdbcompression", b"no"), (b"databases", b"4")]).unwrap_err();
        assert_eq!(
            error.message(),
            "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"
        );
        assert!(config.flag(Directive::RdbCompression));
        config.set_at_run_time(&[(b"rdbcompression", b"no"), (b"save", b"")]).unwrap();
        assert!(!config.flag(Directive::RdbCompression));
        assert!(config.save_points().is_empty());
    }
}
