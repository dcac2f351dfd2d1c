//! Directives of a stock `redis.conf` (Redis 6.2 to 8.2, Valkey 7.2 to 9.1) that the engine has no use for.
//!
//! What only tunes a part that is not here may have any value. What would promise something that is not here may only
//! have the value that promises nothing.

/// What a directive may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stock {
    /// Anything: it has no effect.
    Tuning,
    /// One of these, since anything else would be a promise; and why it can not be kept.
    Only(&'static [&'static str], &'static str),
    /// Nothing.
    Never(&'static str),
}

use Stock::{Never, Only, Tuning};

const NO: &[&str] = &["no"];
const NONE: &[&str] = &[""];
const ZERO: &[&str] = &["0"];

pub(super) const REPLICATION: &str =
    "there is no replication: take the line out, or run a real server on this directory";
pub(super) const TLS: &str = "there is no TLS: put a proxy in front, or use a unix socket";
pub(super) const CLUSTER: &str = "there is no cluster: say cluster-enabled no";
const MODULES: &str = "modules can not be loaded: take the line out";
const USERS: &str = "there is one user: use requirepass";
const LOG_FORM: &str = "lines of the log have one form: say legacy";
const RDMA: &str = "there is no RDMA: take the line out";
const PLACEMENT: &str = "threads are not bound to processors: use taskset";

const TABLE: &[(&str, Stock)] = &[
    ("aclfile", Only(NONE, USERS)),
    ("user", Never(USERS)),
    ("rename-command", Never("commands can not be renamed: take the line out, and set requirepass")),
    ("loadmodule", Never(MODULES)),
    ("enable-module-command", Only(NO, MODULES)),
    ("enable-protected-configs", Only(NO, "protected directives can not be set by CONFIG SET: say no")),
    ("replicaof", Only(&["no one"], REPLICATION)),
    ("slaveof", Only(&["no one"], REPLICATION)),
    ("masterauth", Only(NONE, REPLICATION)),
    ("primaryauth", Only(NONE, REPLICATION)),
    ("masteruser", Only(NONE, REPLICATION)),
    ("primaryuser", Only(NONE, REPLICATION)),
    ("min-replicas-to-write", Only(ZERO, REPLICATION)),
    ("min-slaves-to-write", Only(ZERO, REPLICATION)),
    ("min-replicas-max-lag", Tuning),
    ("min-slaves-max-lag", Tuning),
    ("rdb-del-sync-files", Tuning),
    ("propagation-error-behavior", Tuning),
    ("dual-channel-replication-enabled", Only(NO, REPLICATION)),
    ("cluster-enabled", Only(NO, CLUSTER)),
    ("tls-port", Only(ZERO, TLS)),
    ("tls-replication", Only(NO, TLS)),
    ("tls-cluster", Only(NO, TLS)),
    ("bind-source-addr", Only(NONE, REPLICATION)),
    ("socket-mark-id", Only(ZERO, "sockets are not marked")),
    ("mptcp", Only(NO, "there is no multipath TCP")),
    ("unixsocketgroup", Only(NONE, "the socket's group is the process's")),
    ("always-show-logo", Tuning),
    ("set-proc-title", Tuning),
    ("proc-title-template", Tuning),
    ("locale-collate", Only(NONE, "SORT ALPHA compares bytes")),
    ("crash-log-enabled", Tuning),
    ("crash-memcheck-enabled", Tuning),
    ("ignore-warnings", Tuning),
    ("shutdown-timeout", Tuning),
    ("io-threads", Tuning),
    ("io-threads-do-reads", Tuning),
    ("events-per-io-thread", Tuning),
    ("io-threads-always-active", Tuning),
    ("prefetch-batch-max-size", Tuning),
    ("max-new-connections-per-cycle", Tuning),
    ("max-new-tls-connections-per-cycle", Tuning),
    ("min-io-threads-avoid-copy-reply", Tuning),
    ("hz", Tuning),
    ("dynamic-hz", Tuning),
    ("activerehashing", Tuning),
    ("active-expire-effort", Tuning),
    ("maxmemory-eviction-tenacity", Tuning),
    ("maxmemory-clients", Only(&["0", "0%"], "use client-output-buffer-limit and maxclients")),
    ("lazyfree-lazy-eviction", Tuning),
    ("lazyfree-lazy-expire", Tuning),
    ("lazyfree-lazy-server-del", Tuning),
    ("lazyfree-lazy-user-del", Tuning),
    ("lazyfree-lazy-user-flush", Tuning),
    ("activedefrag", Only(NO, "the system's allocator can not be defragmented")),
    ("jemalloc-bg-thread", Tuning),
    ("disable-thp", Tuning),
    ("oom-score-adj", Only(&["no"], "the process's OOM score is left alone")),
    ("oom-score-adj-values", Tuning),
    ("list-compress-depth", Tuning),
    ("hash-seed", Tuning),
    ("sanitize-dump-payload", Tuning),
    ("no-appendfsync-on-rewrite", Tuning),
    ("aof-rewrite-incremental-fsync", Tuning),
    ("rdb-save-incremental-fsync", Tuning),
    ("rdb-version-check", Tuning),
    ("aof-disable-auto-gc", Only(NO, "files that were replaced are deleted")),
    ("acllog-max-len", Tuning),
    ("acl-pubsub-default", Tuning),
    ("latency-tracking-info-percentiles", Tuning),
    ("lua-replicate-commands", Only(&["yes"], "what scripts do is logged, not the scripts: say yes")),
    ("vset-force-single-threaded-execution", Tuning),
    ("rdb-key-save-delay", Only(ZERO, "saving can not be slowed down")),
    ("use-exit-on-panic", Tuning),
    ("watchdog-period", Only(ZERO, "there is no watchdog")),
    ("log-format", Only(&["legacy"], LOG_FORM)),
    ("log-timestamp-format", Only(&["legacy"], LOG_FORM)),
    ("rdma-bind", Only(NONE, RDMA)),
    ("rdma-port", Only(ZERO, RDMA)),
    ("lua-enable-insecure-api", Only(NO, "scripts have no unsafe functions")),
    ("lua-enable-deprecated-api", Only(NO, "scripts have no unsafe functions")),
    ("extended-redis-compatibility", Tuning),
    ("hide-user-data-from-log", Tuning),
    ("import-mode", Only(NO, "keys expire when they are due")),
    ("availability-zone", Tuning),
    ("server_cpulist", Only(NONE, PLACEMENT)),
    ("server-cpulist", Only(NONE, PLACEMENT)),
    ("bio_cpulist", Only(NONE, PLACEMENT)),
    ("bio-cpulist", Only(NONE, PLACEMENT)),
    ("aof_rewrite_cpulist", Only(NONE, PLACEMENT)),
    ("aof-rewrite-cpulist", Only(NONE, PLACEMENT)),
    ("bgsave_cpulist", Only(NONE, PLACEMENT)),
    ("bgsave-cpulist", Only(NONE, PLACEMENT)),
    ("commandlog-execution-slower-than", Tuning),
    ("commandlog-request-larger-than", Tuning),
    ("commandlog-reply-larger-than", Tuning),
    ("commandlog-slow-execution-max-len", Tuning),
    ("commandlog-large-request-max-len", Tuning),
    ("commandlog-large-reply-max-len", Tuning),
    ("gopher-enabled", Only(NO, "there is no Gopher")),
];

/// Groups of directives that only tune parts which are not here.
const TUNING: &[&str] =
    &["active-defrag-", "cluster-", "rdma-", "repl-", "replica-", "slave-", "slot-migration-", "tls-"];

/// What is known of a directive that is not the engine's.
pub(super) fn find(name: &str) -> Option<Stock> {
    let known = TABLE.iter().find(|(known, _)| *known == name).map(|(_, stock)| *stock);
    known.or_else(|| TUNING.iter().any(|group| name.starts_with(group)).then_some(Tuning))
}
