//! The shape of the code, kept by a test: which room of the engine may know which, where `unsafe` may be, how long a
//! file may grow, and that every file says what it is for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms of the engine a room may know. The top may know the bottom, never back.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("fs", &["error"]),
    ("allocator", &[]),
    ("reclaim", &["error"]),
    ("sync", &[]),
    ("encoding", &["error"]),
    ("table", &["error", "reclaim", "encoding"]),
    ("value", &["error", "reclaim", "sync", "encoding", "table"]),
    ("events", &[]),
    ("keyspace", &["error", "events", "reclaim", "sync", "encoding", "table", "value"]),
    ("resp", &["error", "encoding"]),
    ("reply", &["error", "encoding"]),
    ("config", &["error", "encoding", "events", "value", "switches"]),
    ("rdb", &["error", "fs", "encoding", "table", "value"]),
    ("aof", &["error", "fs", "sync", "encoding", "resp", "config"]),
    ("script", &["error", "allocator", "encoding", "reply", "resp", "config"]),
];

/// The files that may hold `unsafe` code.
const UNSAFE: &[&str] = &[
    "bench/peers/src/lmdb.rs",
    "core/src/allocator.rs",
    "core/src/fs/inherited.rs",
    "core/tests/rdb_memory.rs",
    "core/src/fs/map.rs",
    "core/src/keyspace/clock.rs",
    "core/src/keyspace/prolong.rs",
    "core/src/script/call.rs",
    "core/src/script/current.rs",
    "core/src/script/enter.rs",
    "core/src/script/raw.rs",
    "core/src/store/fork.rs",
    "core/src/table/array.rs",
    "core/src/table/buckets.rs",
    "core/src/table/entry.rs",
    "core/src/value/zset/indexed.rs",
];

/// Rooms beside the engine that are made of calls across a language boundary.
const FOREIGN: &[&str] = &["ffi/", "bindings/"];

/// A file longer than this is to be split.
const MAX_LINES: usize = 800;

/// Files that are longer all the same, and may only become shorter.
const LONG: &[(&str, usize)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of the tree, with its path from the root and its text.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !name.starts_with("target")
                && name != "node_modules"
            {
                walk(&path, found);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 20, "the sources were not found below {}", root.display());
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, text)
        })
        .collect()
}

fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_know_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let Some(inside) = name.strip_prefix("core/src/") else { continue };
        let room = inside.split(['/', '.']).next().unwrap_or_default();
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(r, _)| *r == room) else { continue };
        // What tests need to set a scene may reach further.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        if inside.ends_with("tests.rs") || inside.ends_with("testing.rs") {
            continue;
        }
        for known in named_after_crate(text) {
            let public = known.starts_with(|c: char| c.is_ascii_uppercase());
            if known != room && !allowed.contains(&known.as_str()) && !public {
                wrong.push(format!("{name} knows {known}"));
            }
        }
    }
    assert_none(wrong, "a room knows what lies above or beside it");
}

/// The first names after `crate::`, in code that is no comment.
fn named_after_crate(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            names.insert(word(after));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    names.insert(word(list[start..at].trim()));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn names_are_found_in_lists_too() {
    let found = named_after_crate("use crate::{a::{x, y}, b, c::d};\nuse crate::e::f;\n// crate::g\n");
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "c", "e"]);
}

#[test]
fn unsafe_code_is_where_it_is_known_to_be() {
    let allow = ["#![allow(unsafe_code", ")]"].concat();
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let foreign = FOREIGN.iter().any(|f| name.starts_with(f));
        if text.contains(&allow) && !foreign && !UNSAFE.contains(&name.as_str()) {
            wrong.push(name);
        }
    }
    assert_none(wrong, "unsafe code in a file that is not listed here");
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let lines = text.lines().count();
        let max = LONG.iter().find(|(long, _)| *long == name).map_or(MAX_LINES, |(_, max)| *max);
        if lines > max {
            wrong.push(format!("{name} has {lines} lines"));
        }
        let said = text.lines().find(|l| !l.trim().is_empty() && !l.starts_with("#!"));
        let is_test_body = name.ends_with("tests.rs");
        if !said.is_some_and(|l| l.starts_with("//")) && !is_test_body {
            wrong.push(format!("{name} does not begin with what it is for"));
        }
    }
    assert_none(wrong, "files to split or to introduce");
}

#[test]
fn nothing_is_left_undone() {
    let marks = ["todo!", "unimplemented!", "dbg!", "FIX"].map(|m| match m {
        "FIX" => ["FIX", "ME"].concat(),
        m => [m, "("].concat(),
    });
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for (at, line) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|m| line.contains(*m)) {
                wrong.push(format!("{name}:{}: {mark}", at + 1));
            }
        }
    }
    assert_none(wrong, "unfinished places");
}
