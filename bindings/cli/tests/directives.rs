//! Every directive of every version of Redis and Valkey: taken, or refused with a reason that helps.
#![allow(missing_docs)]

use std::fmt::Write;

mod common;

use common::{Dir, Server, program};

const FACTS: &str = include_str!("directives-of-servers.txt");

/// The configuration a version starts with, one directive a line.
fn defaults_of(version: &str) -> String {
    let mut text = String::new();
    for line in FACTS.lines().filter(|line| !line.starts_with('#')) {
        let (versions, directive) = line.split_once(' ').unwrap();
        if versions.split(',').any(|known| known == version) {
            let _ = writeln!(text, "{directive}");
        }
    }
    text
}

#[test]
fn every_version_s_configuration_starts() {
    for version in ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"] {
        let dir = Dir::new();
        let text = defaults_of(version);
        assert!(text.lines().count() > 130, "{version}: {}", text.lines().count());
        std::fs::write(dir.path("redis.conf"), &text).unwrap();
        let mut server = Server::start(&dir, &[&dir.path("redis.conf"), "--save", ""]);
        assert_eq!(server.ask("ping"), "+PONG", "{version}");
        assert_eq!(server.ask("shutdown"), "");
        assert_eq!(server.wait(), Some(0));
        // What it writes itself it reads again.
        let mut server = Server::start(&dir, &[&dir.path("redis.conf")]);
        assert_eq!(server.ask("config rewrite"), "+OK");
        assert_eq!(server.ask("shutdown nosave"), "");
        assert_eq!(server.wait(), Some(0));
        let server = Server::start(&dir, &[&dir.path("redis.conf")]);
        assert_eq!(server.ask("ping"), "+PONG", "{version}");
    }
}

#[test]
fn what_would_promise_too_much_is_refused_with_file_line_and_reason() {
    for (line, reason) in [
        ("cluster-enabled yes", "there is no cluster: "),
        ("tls-port 6380", "there is no TLS: "),
        ("replicaof 10.0.0.1 6379", "there is no replication: "),
        ("masterauth x", "there is no replication: "),
        ("min-replicas-to-write 1", "there is no replication: "),
        ("loadmodule /x.so", "modules can not be loaded: "),
        ("aclfile /x", "there is one user: "),
        ("user x on", "there is one user: "),
        ("rename-command GET \"\"", "commands can not be renamed: "),
        ("activedefrag yes", "the system's allocator "),
        ("rdma-port 1", "there is no RDMA: "),
        ("log-format logfmt", "lines of the log have one form: "),
        ("oom-score-adj yes", "the process's OOM score "),
        ("server-cpulist 0-1", "threads are not bound "),
        ("locale-collate de_DE", "SORT ALPHA compares bytes"),
        ("nosuch 1", "Bad directive or wrong number of arguments"),
        ("timeout 1 2", "wrong number of arguments"),
    ] {
        let dir = Dir::new();
        let (file, part) = (dir.path("redis.conf"), dir.path("part.conf"));
        std::fs::write(&file, format!("port 0\ninclude {part}\n")).unwrap();
        std::fs::write(&part, format!("# mine\n\n{line}\n")).unwrap();
        let output = program(&[&file]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = format!(
            "\n*** FATAL CONFIG FILE ERROR (persistkv {}) ***\nReading the configuration file {part}, at line 3\n>>> '{line}'\n{reason}",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(text.starts_with(&place), "{text}");
    }
}

#[test]
fn files_are_read_as_a_server_reads_them() {
    let dir = Dir::new();
    let write = |name: &str, text: &str| std::fs::write(dir.path(name), text).unwrap();
    write("part1.conf", "timeout 7\r\n\ttcp-keepalive\t9  \r\n");
    write("part2.conf", "MaxMemory 1Gb\nAPPENDFSYNC Always\n");
    write("quotes.conf", "requirepass \"a\\x41\\\"b\"\ndbfilename 'it\\'s.rdb'\n");
    write("save.conf", "save 1 1\nsave 2 2 3 3\nmaxclients 1\nmaxclients 77\n");
    write(
        "redis.conf",
        "include part*.conf\ninclude quotes.conf\ninclude save.conf\ninclude /no/such/*.conf\n",
    );
    let mut command =
        program(&["redis.conf", "--port", "0", "--unixsocket", "s", "--client-output-buffer-limit"]);
    command.args(["normal 1mb 2kb 3", "--list-max-ziplist-size", "7", "-"]).current_dir(&dir.0);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"timeout 8\nlogfile log\n").unwrap();
    let mut server = Server { child, socket: dir.0.join("s") };
    common::until("it listens", || {
        assert!(server.child.try_wait().unwrap().is_none());
        std::os::unix::net::UnixStream::connect(&server.socket).is_ok()
    });
    let stream = std::os::unix::net::UnixStream::connect(&server.socket).unwrap();
    let mut reader = std::io::BufReader::new(stream);
    let mut ask = |argv: &[&str]| {
        let mut bytes = Vec::new();
        persistkv::resp::encode_command(&mut bytes, argv);
        std::io::Write::write_all(reader.get_mut(), &bytes).unwrap();
        let mut line = || {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
            line.trim_end().to_owned()
        };
        let first = line();
        if !first.starts_with('*') {
            return first;
        }
        // Name and value, each behind its length.
        let parts: Vec<String> = (0..4).map(|_| line()).collect();
        parts[3].clone()
    };
    common::until("it is loaded", || !ask(&["AUTH", "aA\"b"]).starts_with("-LOADING"));
    for (name, value) in [
        ("timeout", "8"),
        ("tcp-keepalive", "9"),
        ("maxmemory", "1073741824"),
        ("appendfsync", "always"),
        ("dbfilename", "it's.rdb"),
        ("save", "1 1 2 2 3 3"),
        ("maxclients", "77"),
        ("list-max-listpack-size", "7"),
        (
            "client-output-buffer-limit",
            "normal 1048576 2048 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
    ] {
        assert_eq!(ask(&["CONFIG", "GET", name]), value, "{name}");
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    // A file that includes itself is a mistake, not a crash.
    write("loop.conf", "include loop.conf\n");
    let output = program(&["loop.conf"]).current_dir(&dir.0).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("files include each other without end"));
}
