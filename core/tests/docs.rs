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
        let when = if row.at_run_time { "yes" } else { "no" };
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

#[test]
fn commands() {
    let mut groups: BTreeMap<&str, Vec<(String, &table::Command)>> = BTreeMap::new();
    for row in table::commands() {
        groups.entry(row.group.name()).or_default().push((row.name.to_uppercase(), row));
        for sub in row.subcommands {
            let name = format!("{} {}", row.name, sub.name).to_uppercase();
            groups.entry(sub.group.name()).or_default().push((name, sub));
        }
    }
    let mut text = String::from(
        "# Commands\n\nWhat works today, by group. Arguments, replies and errors are those of Redis 7.2, judged by real servers. This \
         page is made from the command table.\n",
    );
    for (group, rows) in &mut groups {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let _ =
            write!(text, "\n## {group}\n\n| command | since | cost | what it does |\n|---|---|---|---|\n");
        for (name, row) in rows {
            let _ = writeln!(text, "| `{name}` | {} | {} | {} |", row.since, row.complexity, row.summary);
        }
    }
    check("commands.md", &text);
}
