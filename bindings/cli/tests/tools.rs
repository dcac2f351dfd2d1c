//! Redis's own tools against `persistkv serve`: redis-benchmark with all its tests, redis-cli with what it has besides commands.
#![allow(missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Dir, Server};

/// A tool of the Debian package that the real servers come from, or of the machine.
#[allow(clippy::print_stderr, reason = "a skipped test must be heard")]
fn tool(name: &str) -> Option<Command> {
    let unpacked = match std::env::var_os("PERSISTKV_SERVERS") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers"),
    }
    .join("r70/usr");
    let program = unpacked.join("bin").join(name);
    if program.exists() {
        let mut command = Command::new(program);
        let machine = format!("lib/{}-linux-gnu", std::env::consts::ARCH);
        command.env("LD_LIBRARY_PATH", unpacked.join(machine));
        return Some(command);
    }
    let found = Command::new(name).arg("--version").stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return Some(Command::new(name));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} is not installed");
    eprintln!("SKIPPED: {name} is not installed: run tests/servers/install.sh");
    None
}

fn cli(server: &Server, args: &[&str], input: &str) -> Option<String> {
    let mut command = tool("redis-cli")?;
    command.arg("-s").arg(&server.socket).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{args:?}: {text}");
    Some(text)
}

#[test]
fn redis_benchmark_runs_all_its_tests() {
    for extra in [&["--appendonly", "no"][..], &["--appendonly", "yes", "--appendfsync", "always"]] {
        let dir = Dir::new();
        let server = Server::start(&dir, &[extra, &["--save", ""]].concat());
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        assert_eq!(server.ask(&format!("config set bind 127.0.0.1 port {free}")), "+OK");
        // Whoever looked whether it was loaded may have been told that it was not.
        assert_eq!(server.ask("config resetstat"), "+OK");
        let socket = server.socket.display().to_string();
        for options in [
            &["-s", &socket, "-n", "400", "-c", "20"][..],
            &["-s", &socket, "-n", "2000", "-P", "16"],
            &["-s", &socket, "-n", "400", "-3"],
            &["-p", &free, "-n", "2000", "-3", "-P", "16", "--threads", "2"],
        ] {
            let Some(mut command) = tool("redis-benchmark") else { return };
            let output = command.args(options).arg("--csv").output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && !said.to_lowercase().contains("err"),
                "{options:?}: {text}{said}"
            );
            for test in [
                "PING_INLINE",
                "SET",
                "GET",
                "INCR",
                "LPUSH",
                "ZADD",
                "LRANGE_600 (first 600 elements)",
                "MSET (10 keys)",
            ] {
                assert!(text.contains(&format!("\"{test}\"")), "{test} in {text}");
            }
        }
        let info = server.ask("info errorstats");
        assert!(!info.contains("errorstat_"), "{info}");
    }
}

#[test]
fn redis_cli_does_what_it_does_with_a_server() {
    let dir = Dir::new();
    let server = Server::start(&dir, &[]);
    if cli(&server, &["-x", "set", "from-stdin"], "a value\n").is_none() {
        return;
    }
    let cli = |args: &[&str], input: &str| cli(&server, args, input).unwrap();
    assert_eq!(cli(&["get", "from-stdin"], ""), "a value\n\n");
    cli(&["rpush", "list", "1", "2", "3"], "");
    cli(&["hset", "hash", "f", "v"], "");
    let mut keys: Vec<String> = cli(&["--scan"], "").lines().map(str::to_owned).collect();
    keys.sort();
    assert_eq!(keys, ["from-stdin", "hash", "list"]);
    assert_eq!(cli(&["--scan", "--pattern", "h*"], ""), "hash\n");
    let text = cli(&["--bigkeys"], "");
    assert!(
        text.contains("Sampled 3 keys in the keyspace!") && text.contains("Biggest   list found"),
        "{text}"
    );
    let text = cli(&["--memkeys"], "");
    assert!(text.contains("Sampled 3 keys"), "{text}");
    assert_eq!(cli(&["-3", "hgetall", "hash"], ""), "f v\n");
    assert_eq!(cli(&[], "set a 1\nincr a\nget a\n"), "OK\n2\n2\n");
    // Mass insertion.
    let many: String = (0..5000).map(|n| format!("SET m:{n} {n}\r\n")).collect();
    let text = cli(&["--pipe"], &many);
    assert!(text.contains("errors: 0, replies: 5000"), "{text}");
    assert_eq!(cli(&["dbsize"], ""), "5004\n");
    assert!(cli(&["--no-raw", "command", "docs", "get"], "").contains("summary"));
    assert!(cli(&["info", "server"], "").contains("redis_mode:standalone"));
    assert_eq!(cli(&["-r", "3", "-i", "0.01", "incr", "n"], ""), "1\n2\n3\n");
    cli(&["config", "set", "maxmemory-policy", "allkeys-lfu"], "");
    assert!(cli(&["--hotkeys"], "").contains("Sampled 5005 keys in the keyspace!"));
    std::fs::write(dir.path("echo.lua"), "return {KEYS[1], ARGV[1]}").unwrap();
    assert_eq!(cli(&["--eval", &dir.path("echo.lua"), "k", ",", "a"], ""), "k\na\n");
    assert!(cli(&["-3", "--json", "hgetall", "hash"], "").contains("{\"f\":\"v\"}"));
    // A copy of a server is taken otherwise.
    let mut command = tool("redis-cli").unwrap();
    let copy = command.arg("-s").arg(&server.socket).args(["--rdb", &dir.path("copy.rdb")]).output().unwrap();
    let text = String::from_utf8_lossy(&copy.stderr).into_owned();
    assert!(
        !copy.status.success() && text.contains("there is no replication: SAVE writes a snapshot"),
        "{text}"
    );
    // It goes on for ever, a line at a time.
    let mut command = tool("redis-cli").unwrap();
    let mut stat = command
        .arg("-s")
        .arg(&server.socket)
        .args(["--stat", "-i", "0.05"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> =
        BufReader::new(stat.stdout.take().unwrap()).lines().take(5).map(Result::unwrap).collect();
    stat.kill().unwrap();
    stat.wait().unwrap();
    assert!(lines[1].starts_with("keys") && lines[3].trim_start().starts_with("5005"), "{lines:?}");
}
