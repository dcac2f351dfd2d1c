//! A raw connection: bytes out, bytes in.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use persistkv::Store;
use persistkv_resp::{Listener, Options};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A directory that goes away with its owner.
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pkvw-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store in memory with directives, and a listener on a unix socket.
pub(crate) fn serve(directives: &[(&str, &str)]) -> (Store, Listener, Dir) {
    let dir = Dir::new();
    let store = Store::memory_with(directives).unwrap();
    let address = format!("unix:{}", dir.socket().display());
    let listener = persistkv_resp::listen(&store, &address, &Options::default()).unwrap();
    (store, listener, dir)
}

pub(crate) struct Wire(pub(crate) UnixStream);

impl Wire {
    pub(crate) fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &str) {
        let mut got = vec![0; wanted.len()];
        let mut at = 0;
        while at < got.len() {
            match self.0.read(&mut got[at..]) {
                Ok(0) => break,
                Ok(n) => at += n,
                Err(e) => panic!("{e} after {:?}", String::from_utf8_lossy(&got[..at])),
            }
        }
        assert_eq!(String::from_utf8_lossy(&got[..at]), wanted);
    }

    /// Sends an inline command and reads exactly these bytes.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str, wanted: &str) {
        self.send(format!("{line}\r\n"));
        self.expect(wanted);
    }

    /// One line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.0.read(&mut byte).unwrap() == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                break;
            }
        }
        String::from_utf8_lossy(&line).into_owned()
    }

    /// One bulk string.
    pub(crate) fn bulk(&mut self) -> String {
        let head = self.line();
        let len: usize = head.trim_end()[1..].parse().unwrap_or_else(|_| panic!("{head}"));
        let mut text = vec![0; len + 2];
        self.0.read_exact(&mut text).unwrap();
        text.truncate(len);
        String::from_utf8(text).unwrap()
    }

    /// The peer has closed; nothing more came.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
            Err(e) => panic!("{e}"),
        }
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never became true");
        std::thread::sleep(Duration::from_millis(5));
    }
}
