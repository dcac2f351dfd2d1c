//! Every Rust example runs and says what it promises.

use std::path::PathBuf;
use std::process::Command;

fn example(name: &str, says: &str) {
    // Examples lie beside the folder of the test programs.
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples");
    program.push(name);
    let dir = std::env::temp_dir().join(format!("persistkv-example-{}-{name}", std::process::id()));
    let done = Command::new(program)
        .arg(&dir)
        .output()
        .expect("cargo test builds the examples unless targets are chosen");
    let _ = std::fs::remove_dir_all(&dir);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{name}: {err}");
    assert!(out.contains(says), "{name} says {out}");
}

#[test]
fn quickstart() {
    example("quickstart", "Bulk([104, 101, 108, 108, 111])");
}

#[test]
fn four_modes() {
    example("four_modes", "snapshot   kept: true   files: dump.rdb");
}

#[test]
fn crash_recover() {
    example("crash_recover", ", 0 are missing");
}

#[test]
fn snapshot_while_writing() {
    example("snapshot_while_writing", "100000 of 100000");
}

#[test]
fn save_points() {
    example("save_points", "save \"3600 1\": kept over a close: true");
}

#[test]
fn transfer() {
    example("transfer", "4000 transfers: 300 in all, no account below zero");
}
