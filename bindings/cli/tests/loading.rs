//! A server that is still loading: it listens at once, says so, and ends well at any moment.
#![allow(missing_docs)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

mod common;

use common::{Dir, Server, until};

const LOADING: &str = "-LOADING Redis is loading the dataset in memory";

/// A directory with 300 keys, as a snapshot or as a log.
fn filled(log: &str) -> Dir {
    let dir = Dir::new();
    let mut server = Server::start(&dir, &["--appendonly", log, "--save", ""]);
    for n in 0..300 {
        assert_eq!(server.ask(&format!("set k{n} {n}")), "+OK");
    }
    assert_eq!(server.ask("shutdown save"), "");
    assert_eq!(server.wait(), Some(0));
    std::fs::remove_file(dir.path("log")).unwrap();
    if log == "yes" {
        std::fs::remove_file(dir.0.join("dump.rdb")).unwrap();
    }
    dir
}

/// One connection that stays.
struct Wire(BufReader<UnixStream>);

impl Wire {
    fn connect(server: &Server) -> Self {
        let stream = UnixStream::connect(&server.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// Everything in the directory but what the process itself puts there.
fn files(dir: &Dir) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.0.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&dir.0).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["log", "s", "persistkv.lock"].contains(&&*name) {
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn connections_that_come_early_are_told_so_and_stay() {
    for log in ["no", "yes"] {
        let dir = filled(log);
        // Half a minute, if nobody shortens it.
        let args = ["--appendonly", log, "--save", "", "--key-load-delay", "100000"];
        let args = [&args[..], &["--requirepass", "secret", "--enable-debug-command", "yes"]].concat();
        let server = Server::start_loading(&dir, &dir.path(""), &args);
        let mut wire = Wire::connect(&server);
        assert_eq!(wire.ask("get k1"), "-NOAUTH Authentication required.");
        assert_eq!(wire.ask("auth secret"), "+OK");
        for line in ["ping", "get k1", "set k1 x", "dbsize", "save", "eval 'return 1' 0", "debug reload"] {
            assert_eq!(wire.ask(line), LOADING, "{line}");
        }
        assert_eq!(wire.ask("config set appendonly yes"), LOADING);
        assert!(wire.ask("nosuch").starts_with("-ERR unknown command 'nosuch'"));
        assert!(wire.ask("get").starts_with("-ERR wrong number of arguments"));
        assert_eq!(wire.ask("config set maxmemory 100mb"), "+OK");
        assert_eq!(wire.ask("select 0"), "+OK");
        assert_eq!(wire.ask("echo x"), "$1");
        assert_eq!(wire.line(), "x");
        assert_eq!(wire.ask("multi"), "+OK");
        assert_eq!(wire.ask("get k1"), LOADING);
        assert_eq!(wire.ask("exec"), "-EXECABORT Transaction discarded because of previous errors.");
        wire.0.get_mut().write_all(b"info persistence\r\n").unwrap();
        let mut info = String::new();
        while !info.contains("loading_eta_seconds:") {
            info.push_str(&wire.line());
            info.push('\n');
        }
        assert!(info.contains("\nloading:1\n") && info.contains("\nloading_total_bytes:"), "{info}");
        assert_eq!(wire.line(), "");
        assert!(!dir.read("log").contains("Ready to accept"));
        // The same connection goes on.
        assert_eq!(wire.ask("config set key-load-delay 0"), "+OK");
        until("it is loaded", || wire.ask("ping") == "+PONG");
        assert_eq!(wire.ask("dbsize"), ":300");
        assert_eq!(wire.ask("get k299"), "$3");
        assert_eq!(wire.line(), "299");
        until("it says so", || dir.read("log").contains("Ready to accept connections unix"));
    }
}

#[test]
fn an_end_while_loading_changes_no_file() {
    for log in ["no", "yes"] {
        let dir = filled(log);
        let before = files(&dir);
        let args = ["--appendonly", log, "--save", "1 1", "--key-load-delay", "100000"];
        for how in ["TERM", "INT", "shutdown", "shutdown save"] {
            let mut server = Server::start_loading(&dir, &dir.path(""), &args);
            assert_eq!(server.ask("ping"), LOADING);
            if how.starts_with("shut") {
                assert_eq!(server.ask(how), "")
            } else {
                server.signal(how)
            }
            assert_eq!(server.wait(), Some(0), "{how}: {}", dir.read("log"));
            assert!(!server.socket.exists());
            assert_eq!(files(&dir), before, "{how}");
        }
    }
}

#[test]
fn what_can_not_be_loaded_ends_it_with_the_reason() {
    let dir = filled("no");
    let file = dir.0.join("dump.rdb");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(&file, &bytes).unwrap();
    let log = dir.path("log");
    let _ = std::fs::remove_file(&log);
    let at = ["--port", "0", "--unixsocket", &dir.path("s"), "--dir", &dir.path(""), "--logfile", &log];
    let done = common::program(&at).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(dir.read("log").contains("dump.rdb"), "{}", dir.read("log"));
    assert!(!dir.0.join("s").exists());
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}
