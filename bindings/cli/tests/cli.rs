//! The program as a user meets it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("persistkv-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn persistkv(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_persistkv")).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn shell(dir: &Path, directives: &[&str], lines: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_persistkv"));
    command.arg("shell").arg(dir);
    for directive in directives {
        command.args(["--directive", directive]);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_shell_keeps_its_data_and_check_and_info_see_it() {
    let dir = Dir::new("log");
    let path = dir.0.to_str().unwrap();
    let done = shell(
        &dir.0,
        &["appendonly yes", "save \"\""],
        "SET k \"a b\"\nRPUSH l 1 2 3\nGET k\nLRANGE l 0 -1\nexit\nSET k lost\n",
    );
    assert!(done.status.success(), "{}", out(&done));
    assert_eq!(out(&done), "OK\n3\na b\n1\n2\n3\n");
    let done = persistkv(&["shell", path, "--no-raw", "--eval", "LRANGE l 0 -1"]);
    assert_eq!(out(&done), "1) \"1\"\n2) \"2\"\n3) \"3\"\n");
    // Without a word about the log: it is there, so it is used.
    let done = persistkv(&["shell", path, "--eval", "GET k", "--eval", "INCR k"]);
    assert!(!done.status.success());
    assert_eq!(out(&done), "a b\nERR value is not an integer or out of range\n\n");
    let done = persistkv(&["check", path]);
    assert!(done.status.success() && out(&done).contains("sound"), "{}", out(&done));
    let done = persistkv(&["info", path]);
    assert!(done.status.success() && out(&done).contains("RPUSH: 1"), "{}", out(&done));
}

#[test]
fn damage_is_named_and_can_be_cut_off() {
    let dir = Dir::new("damage");
    let path = dir.0.to_str().unwrap();
    shell(&dir.0, &["appendonly yes", "save \"\""], "SET a 1\nSET b 2\n");
    let folder = dir.0.join("appendonlydir");
    let file = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\ngarbage\r\n");
    std::fs::write(&file, &bytes).unwrap();
    let done = persistkv(&["check", path]);
    assert!(!done.status.success() && out(&done).contains("DAMAGED"), "{}", out(&done));
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "a check changes nothing");
    let done = persistkv(&["check", path, "--fix"]);
    assert!(done.status.success() && out(&done).contains("cut off"), "{}", out(&done));
    let done = persistkv(&["shell", path, "--eval", "GET b"]);
    assert_eq!(out(&done), "2\n");
}

#[test]
fn snapshots_of_real_servers_are_described() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    for server in ["redis-6.2.5", "redis-7.2.6", "valkey-9.1.2"] {
        let file = fixtures.join(server).join("dump.rdb");
        let done = persistkv(&["info", file.to_str().unwrap()]);
        assert!(done.status.success() && out(&done).contains("hash:"), "{}", out(&done));
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let dir = Dir::new(server);
        std::fs::create_dir_all(&dir.0).unwrap();
        let broken = dir.0.join("dump.rdb");
        std::fs::write(&broken, bytes).unwrap();
        let done = persistkv(&["check", broken.to_str().unwrap()]);
        assert!(!done.status.success() && out(&done).contains("DAMAGED at byte"), "{}", out(&done));
    }
}

#[test]
fn mistakes_are_clear() {
    let done = persistkv(&["check", "/nonexistent/path"]);
    assert!(!done.status.success() && out(&done).contains("/nonexistent/path"), "{}", out(&done));
    let dir = Dir::new("mistakes");
    let path = dir.0.to_str().unwrap();
    let done = persistkv(&["shell", path, "--directive", "nope 1", "--eval", "PING"]);
    assert!(!done.status.success() && out(&done).contains("unknown directive 'nope'"), "{}", out(&done));
    std::fs::create_dir_all(&dir.0).unwrap();
    let done = persistkv(&["info", path]);
    assert!(!done.status.success() && out(&done).contains("neither"), "{}", out(&done));
}
