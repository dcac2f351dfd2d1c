//! `docs/directives.md` and `docs/commands.md` are made from the tables and must be current.
//! `PERSISTKV_WRITE_DOCS=1 cargo test -p persistkv --test docs` writes them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use persistkv::command::table;
use persistkv::config::{Kind, TABLE};

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("PERSISTKV_WRITE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/{name} is out of date; make docs writes it anew");
}

fn values(kind: Kind) -> String {
    match kind {
        Kind::Flag => "`yes`, `no`".to_owned(),
        Kind::Int(low, i64::MAX) => format!("integer from {low}"),
        Kind::Int(low, high) => format!("integer from {low} to {high}"),
        Kind::Memory(..) => "bytes, as `4096`, `64kb`, `1gb`".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::FileName => "file name without a path".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::SavePoints => "pairs of seconds and changes, or empty".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Events => "letters of classes, as `KEA`".to_owned(),
        Kind::Octal => "octal number up to 777".to_owned(),
        Kind::OutputLimits => "class, bytes, bytes, seconds; repeated".to_owned(),
    }
}

#[test]
fn directives() {
    let mut text = String::from(
        "# Directives\n\nNames, values and meanings are those of `redis.conf`. They are given when a store is opened; those marked \
         so can be changed while it is open, with `CONFIG SET`. This page is made from the directive table.\n\n\
         | directive | values | default | while open | what it does |\n|---|---|---|---|---|\n",
    );
    for row in TABLE {
        let alias = row.alias.map(|alias| format!(" (also `{alias}`)")).unwrap_or_default();
        let default = if row.default.is_empty() { "empty".to_owned() } else { format!("`{}`", row.default) };
        let when = match (row.at_run_time, row.of_server) {
            (true, _) => "yes",
            (_, true) => "no, and only for `persistkv serve`",
            _ => "no",
        };
        let _ = writeln!(
            text,
            "| `{}`{alias} | {} | {default} | {when} | {} |",
            row.name,
            values(row.kind),
            row.summary
        );
    }
    check("directives.md", &text);
}

/// Commands of servers that have no meaning in a library, and why. A container's name stands for its subcommands.
const NOT_APPLICABLE: &[(&str, &str)] = &[
    ("acl|load", "there is one user, and no file of users"),
    ("acl|save", "there is one user, and no file of users"),
    (
        "acl|setuser",
        "there is one user, who may do everything: access to the host process is access to the data",
    ),
    ("asking", CLUSTER),
    ("client|capa", NETWORK),
    ("client|import-source", REPLICATION),
    ("cluster", CLUSTER),
    ("clusterscan", CLUSTER),
    ("commandlog", "SLOWLOG tells of slow commands; how large requests and replies are is a server's affair"),
    ("failover", REPLICATION),
    ("lolwut", "it draws a picture of the server's version"),
    ("migrate", "it talks to another server; DUMP and RESTORE are there"),
    ("module", "there are no loadable modules; values of modules are kept as they are"),
    ("psync", REPLICATION),
    ("readonly", CLUSTER),
    ("readwrite", CLUSTER),
    ("replconf", REPLICATION),
    ("restore-asking", CLUSTER),
    ("sync", REPLICATION),
    ("vadd", VECTORS),
    ("vcard", VECTORS),
    ("vdim", VECTORS),
    ("vemb", VECTORS),
    ("vgetattr", VECTORS),
    ("vinfo", VECTORS),
    ("vismember", VECTORS),
    ("vlinks", VECTORS),
    ("vrandmember", VECTORS),
    ("vrem", VECTORS),
    ("vsetattr", VECTORS),
    ("vsim", VECTORS),
];

const CLUSTER: &str = "there is no cluster";
const NETWORK: &str = "there is no network between client and store";
const REPLICATION: &str = "there are no replicas";
const VECTORS: &str = "a module's commands";

/// Names of commands of Redis 8.2 and Valkey 9.1, and who has them.
fn of_servers() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/commands-of-servers.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| line.split_once(' ').map(|(name, who)| (name.to_owned(), who.to_owned())).unwrap())
        .collect()
}

fn shown(name: &str) -> String {
    name.replace('|', " ").to_uppercase()
}

#[test]
fn commands() {
    let mut groups: BTreeMap<&str, Vec<(String, &table::Command)>> = BTreeMap::new();
    for row in table::commands() {
        groups.entry(row.group.name()).or_default().push((row.name.to_owned(), row));
        for sub in row.subcommands {
            groups.entry(sub.group.name()).or_default().push((format!("{}|{}", row.name, sub.name), sub));
        }
    }
    let servers = of_servers();
    assert!(servers.len() > 400);
    let have: Vec<&str> = groups.values().flatten().map(|(name, _)| name.as_str()).collect();
    for name in &have {
        assert!(servers.iter().any(|(known, _)| known == name), "{name} is a command of no server");
    }
    for (name, _) in NOT_APPLICABLE {
        assert!(servers.iter().any(|(known, _)| known == name), "{name} is a command of no server");
        assert!(!have.contains(name), "{name} is there: it can not be not applicable");
    }
    let why = |name: &str| {
        let container = name.split('|').next().unwrap_or_default();
        NOT_APPLICABLE.iter().find(|(known, _)| *known == name || *known == container).map(|(_, why)| *why)
    };
    let missing: Vec<&(String, String)> =
        servers.iter().filter(|(name, _)| !have.contains(&name.as_str())).collect();
    let (senseless, to_come): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|(name, _)| why(name).is_some());
    let mut text = format!(
        "# Commands\n\nRedis 8.2 and Valkey 9.1 have {} commands and subcommands. {} of them work here, {} have no meaning in a library, \
         {} are to come. Arguments, replies and errors are those of Redis 7.2 (of the later servers for later commands), judged by \
         real servers. This page is made from the command table and the servers' own lists.\n",
        servers.len(),
        have.len(),
        senseless.len(),
        to_come.len()
    );
    for (group, rows) in &mut groups {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let _ =
            write!(text, "\n## {group}\n\n| command | since | cost | what it does |\n|---|---|---|---|\n");
        for (name, row) in rows {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                shown(name),
                row.since,
                row.complexity,
                row.summary
            );
        }
    }
    text.push_str("\n## Not applicable in a library\n\n| command | of | why |\n|---|---|---|\n");
    let who = |who: &str| match who {
        "redis" => "Redis",
        "valkey" => "Valkey",
        _ => "both",
    };
    for (name, of) in senseless {
        let _ = writeln!(text, "| `{}` | {} | {} |", shown(name), who(of), why(name).unwrap_or_default());
    }
    text.push_str("\n## Not yet\n\n| command | of |\n|---|---|\n");
    for (name, of) in to_come {
        let _ = writeln!(text, "| `{}` | {} |", shown(name), who(of));
    }
    check("commands.md", &text);
}
