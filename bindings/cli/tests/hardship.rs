//! A server in a bad place: told to end under load, without room on the disk, with few files.
#![allow(missing_docs)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

mod common;

use common::{Dir, Server, until};

/// A server started by a shell that sets limits first.
fn limited(dir: &Dir, limits: &str, args: &[&str]) -> Server {
    let socket = dir.0.join("s");
    let mut child = Command::new("sh")
        .args(["-c", &format!("{limits}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_persistkv"), "serve"])
        .args([
            "--port",
            "0",
            "--unixsocket",
            &dir.path("s"),
            "--dir",
            &dir.path(""),
            "--logfile",
            &dir.path("log"),
        ])
        .args(args)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until("it listens", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {}", dir.read("log"));
        UnixStream::connect(&socket).is_ok()
    });
    let server = Server { child, socket };
    until("it is loaded", || !server.ask("ping").starts_with("-LOADING"));
    server
}

#[test]
fn an_end_under_load_loses_nothing_that_was_acknowledged() {
    for fsync in ["always", "everysec"] {
        let dir = Dir::new();
        let args = ["--save", "", "--appendonly", "yes", "--appendfsync", fsync];
        let mut server = Server::start(&dir, &args);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let stream = UnixStream::connect(&server.socket).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    let mut acknowledged = 0;
                    loop {
                        // Sixteen at a time: some are under way whenever the end comes.
                        let lines = format!("incr n{writer}\r\n").repeat(16);
                        if reader.get_mut().write_all(lines.as_bytes()).is_err() {
                            return acknowledged;
                        }
                        for _ in 0..16 {
                            let mut line = String::new();
                            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                                return acknowledged;
                            }
                            assert!(line.ends_with("\r\n"), "half a reply: {line:?}");
                            acknowledged = line.trim_end()[1..].parse::<u64>().unwrap();
                        }
                    }
                })
            })
            .collect();
        until("they write", || server.ask("get n3").parse().is_ok_and(|n: u64| n > 100));
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0), "{}", dir.read("log"));
        let acknowledged: Vec<u64> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let server = Server::start(&dir, &args);
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let kept: u64 = server.ask(&format!("get n{writer}")).parse().unwrap();
            // What was told was kept, and nothing was done that nobody was told of.
            assert_eq!(kept, *acknowledged, "{fsync}, writer {writer}");
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let dir = Dir::new();
    // No file may be larger than that; the signal that would come with it is ignored.
    let limits = "trap '' XFSZ; ulimit -f 4096";
    let args = [
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--auto-aof-rewrite-percentage",
        "0",
    ];
    let mut server = limited(&dir, limits, &args);
    let stream = UnixStream::connect(&server.socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(stream);
    let value = "v".repeat(10_000);
    let mut refusal = String::new();
    let mut written = 0;
    while written < 2000 {
        reader.get_mut().write_all(format!("set k{written} {value}\r\n").as_bytes()).unwrap();
        refusal.clear();
        reader.read_line(&mut refusal).unwrap();
        if refusal != "+OK\r\n" {
            break;
        }
        written += 1;
    }
    assert!(refusal.starts_with("-MISCONF "), "{refusal}");
    assert!(written > 50, "{written}");
    // Reading goes on.
    assert_eq!(server.ask("get k0"), value);
    assert!(server.ask("del k0").starts_with("-MISCONF "));
    assert_eq!(server.ask("dbsize"), format!(":{written}"));
    server.signal("KILL");
    server.wait();
    let server = Server::start(&dir, &["--save", "", "--appendonly", "yes"]);
    assert_eq!(server.ask("dbsize"), format!(":{written}"));
    assert_eq!(server.ask(&format!("get k{}", written - 1)), value);
}

#[test]
fn few_files_mean_few_connections_and_nothing_worse() {
    let dir = Dir::new();
    let mut server = limited(&dir, "ulimit -n 64", &["--save", "", "--appendonly", "yes"]);
    assert!(dir.read("log").contains("maxclients is lowered to that"), "{}", dir.read("log"));
    let most = server.ask("info clients");
    let most =
        most.lines().find_map(|line| line.strip_prefix("maxclients:")).unwrap().parse::<usize>().unwrap();
    assert_eq!(most, 32);
    let many: Vec<_> = (0..200).map(|_| UnixStream::connect(&server.socket).unwrap()).collect();
    let answers: Vec<String> = many
        .iter()
        .map(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let _ = stream.write_all(b"set k v\r\n");
            let mut line = String::new();
            let _ = BufReader::new(stream).read_line(&mut line);
            line
        })
        .collect();
    let of = |text: &str| answers.iter().filter(|answer| *answer == text).count();
    assert_eq!(of("+OK\r\n"), most);
    assert!(of("-ERR max number of clients reached\r\n") > 0);
    drop(many);
    until("there is room again", || {
        let mut stream = UnixStream::connect(&server.socket).unwrap();
        let _ = stream.write_all(b"save\r\n");
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line == "+OK\r\n"
    });
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}
