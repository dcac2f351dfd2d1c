//! The program as a server, in a directory of its own.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pkvs-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_persistkv"));
    command.arg("serve").args(args).stdin(Stdio::null());
    command
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: it never came true");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server in a directory, on a unix socket, with its log in a file.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
}

impl Server {
    pub(crate) fn start(dir: &Dir, args: &[&str]) -> Self {
        Self::start_on(dir, &dir.path(""), args)
    }

    /// The same with its data elsewhere.
    pub(crate) fn start_on(dir: &Dir, data: &str, args: &[&str]) -> Self {
        let mut server = Self::start_loading(dir, data, args);
        until("it is loaded", || {
            assert!(server.child.try_wait().unwrap().is_none(), "it ended: {}", dir.read("log"));
            !server.ask("ping").starts_with("-LOADING")
        });
        server
    }

    /// The same, and it may still be loading.
    pub(crate) fn start_loading(dir: &Dir, data: &str, args: &[&str]) -> Self {
        let (socket, log) = (dir.0.join("s"), dir.path("log"));
        let at = ["--port", "0", "--unixsocket", &dir.path("s"), "--dir", data, "--logfile", &log];
        let mut child = program(&[args, &at].concat()).spawn().unwrap();
        let connects = || UnixStream::connect(&socket).is_ok();
        until("the server listens", || {
            assert!(child.try_wait().unwrap().is_none(), "it ended: {}", dir.read("log"));
            connects()
        });
        Self { child, socket }
    }

    pub(crate) fn ask(&self, line: &str) -> String {
        ask(&self.socket, line)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Its exit code; `None` when a signal killed it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut code = None;
        until("the server ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the answer to an inline command; of a bulk string the string.
pub(crate) fn ask(socket: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    reader.read_line(&mut head).unwrap();
    let head = head.trim_end();
    let Some(len) = head.strip_prefix('$').and_then(|len| len.parse::<usize>().ok()) else {
        return head.to_owned();
    };
    let mut text = vec![0; len];
    reader.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}
