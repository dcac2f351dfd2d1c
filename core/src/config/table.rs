//! The table of directives, and what their values may be.

use std::fmt;

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

        /// All of them, in the table's order.
        pub(super) const ALL: &[Directive] = &[$(Directive::$id,)*];

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
    (@when live) => { true };
    (@server any) => { false };
    (@server open) => { false };
    (@server serve) => { true };
    (@server live) => { true };
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
    Port "port": Kind::Int(0, 65535), "0", live, "TCP port; 0: none.";
    Bind "bind": Kind::Text, "", live, "Addresses to listen at; one that begins with a minus sign may be missing.";
    UnixSocket "unixsocket": Kind::Text, "", serve, "Unix socket to listen at.";
    Daemonize "daemonize": Kind::Flag, "no", serve, "Go to the background.";
    PidFile "pidfile": Kind::Text, "", serve, "File for the process number.";
    LogFile "logfile": Kind::Text, "", serve, "File for the log; empty: the standard output.";
    LogLevel "loglevel": Kind::Choice(&["debug", "verbose", "notice", "warning", "nothing"]), "notice", live, "What is logged.";
    SyslogEnabled "syslog-enabled": Kind::Flag, "no", serve, "Log to the system's log too.";
    SyslogIdent "syslog-ident": Kind::Text, "persistkv", serve, "The name under which it is logged there.";
    SyslogFacility "syslog-facility": Kind::Choice(&["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]), "local0", serve, "The facility it is logged to.";
    BusyReplyThreshold "busy-reply-threshold" | "lua-time-limit": Kind::Int(0, i64::MAX), "5000", any, "Milliseconds after which a script that still runs makes other callers' commands answer BUSY; 0: never.";
    LuaMemoryLimit "lua-memory-limit": Kind::Memory(0, i64::MAX), "512mb", open, "Bytes the interpreter of scripts may take, what it has not collected yet included; 0: no limit. A script that needs more fails.";
    TrackingTableMaxKeys "tracking-table-max-keys": Kind::Int(0, i64::MAX), "1000000", any, "Keys of which is remembered who has read them, for client-side caching; 0: any number. Beyond it, readers are told as if a key had changed.";
    KeyLoadDelay "key-load-delay": Kind::Int(0, i32::MAX as i64), "0", any, "Microseconds to wait before each key or command that is loaded: for tests of what a server answers meanwhile.";
    EnableDebugCommand "enable-debug-command": Kind::Choice(&["no", "yes", "local"]), "no", open, "Whether DEBUG may be used.";
}
