//! Real servers, each in a directory of its own and on a unix socket: no port is opened, and nothing is left running.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::endpoint::argv;
use crate::resp::Connection;
use crate::{Endpoint, Reply};

/// The tags of all servers that `tests/servers/install.sh` brings.
pub const TAGS: [&str; 5] = ["r62", "r70", "r82", "v81", "v91"];

/// How long a server may take to start, load its files and answer.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A directory that goes away with its owner. Its path is short, since the path of a unix socket must be.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty directory.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// The same in memory where the system offers that, so that a sync costs nothing: for tests that make thousands of
    /// files and pull no plugs.
    pub fn quick() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    fn below(parent: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("pkv-{}-{n}", std::process::id()));
        // A leftover of a former process of the same number is in the way.
        let _ = fs::remove_dir_all(&path);
        if let Err(e) = fs::create_dir_all(&path) {
            panic!("creating {}: {e}", path.display());
        }
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Best effort: a file the test holds open does not prevent it on unix.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server; dropped, it is killed and its directory (if its own) removed.
#[derive(Debug)]
pub struct Server {
    tag: String,
    child: Child,
    socket: PathBuf,
    log: PathBuf,
    dir: PathBuf,
    _own: Vec<TempDir>,
}

/// Where the program of a tag is, if it is installed.
pub fn program(tag: &str, name: &str) -> Option<PathBuf> {
    let base = match std::env::var_os("PERSISTKV_SERVERS") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers"),
    };
    let path = base.join(tag).join(name);
    path.exists().then_some(path)
}

impl Server {
    /// Starts the server of `tag` on an empty directory, without persistence unless `extra` says otherwise.
    /// `None`, said loudly, where it is not installed; a panic then when `CI=true`.
    pub fn start(tag: &str, extra: &[&str]) -> Option<Self> {
        let dir = TempDir::new();
        let path = dir.path().to_path_buf();
        let mut server = Self::start_in(tag, &path, extra)?;
        server._own.push(dir);
        Some(server)
    }

    /// Starts it on a directory that stays.
    pub fn start_in(tag: &str, dir: &Path, extra: &[&str]) -> Option<Self> {
        match Self::try_start_in(tag, dir, extra)? {
            Ok(server) => Some(server),
            Err(log) => panic!("{tag} did not start in {}:\n{log}", dir.display()),
        }
    }

    /// Starts it on a directory that stays; the inner error is what a server that refused to start wrote.
    #[allow(clippy::print_stderr, reason = "a skipped test must be heard")]
    pub fn try_start_in(tag: &str, dir: &Path, extra: &[&str]) -> Option<Result<Self, String>> {
        let Some(program) = program(tag, "redis-server") else {
            let what = format!("the real server {tag} is not installed: run tests/servers/install.sh");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
            eprintln!("SKIPPED: {what}");
            return None;
        };
        let run = TempDir::new();
        let socket = run.path().join("sock");
        let log = run.path().join("log");
        let spawned = File::create(&log).and_then(|out| {
            let err = out.try_clone()?;
            let mut command = Command::new(&program);
            command.args(["--port", "0", "--unixsocket"]).arg(&socket).arg("--dir").arg(dir);
            command.args(["--save", "", "--daemonize", "no", "--loglevel", "notice"]);
            if tag != "r62" {
                command.args(["--enable-debug-command", "yes"]);
            }
            command.args(extra).stdin(Stdio::null()).stdout(out).stderr(err).spawn()
        });
        let child = match spawned {
            Ok(child) => child,
            Err(e) => panic!("starting {}: {e}", program.display()),
        };
        let mut server =
            Self { tag: tag.to_owned(), child, socket, log, dir: dir.to_path_buf(), _own: vec![run] };
        Some(if server.wait_until_ready() { Ok(server) } else { Err(server.log()) })
    }

    fn wait_until_ready(&mut self) -> bool {
        let start = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return false;
            }
            let answer = Connection::connect(&self.socket).and_then(|mut c| c.call(&argv("PING")));
            if matches!(answer, Ok(Reply::Status(s)) if s == b"PONG") {
                return true;
            }
            if start.elapsed() > START_PATIENCE {
                return false;
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// A new connection, RESP2 until `HELLO 3`.
    pub fn connect(&self) -> Connection {
        match Connection::connect(&self.socket) {
            Ok(connection) => connection,
            Err(e) => panic!("connecting to {}: {e}\n{}", self.tag, self.log()),
        }
    }

    /// Which server it is.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Its data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it at once, as a crash would; its files stay.
    pub fn kill(mut self) {
        self.end();
    }

    /// Asks it to stop as `SHUTDOWN SAVE` or `SHUTDOWN NOSAVE` and waits for its end.
    pub fn shutdown(mut self, save: bool) {
        let mut connection = self.connect();
        let words = if save { "SHUTDOWN SAVE" } else { "SHUTDOWN NOSAVE" };
        // No reply comes when it obeys: the connection just ends.
        if let Ok(reply) = connection.call(&argv(words)) {
            panic!("{} refused {words}: {reply}\n{}", self.tag, self.log());
        }
        if let Err(e) = self.child.wait() {
            panic!("waiting for {}: {e}", self.tag);
        }
    }

    fn end(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a checker (`redis-check-rdb`, `redis-check-aof`) of a tag over a file; its success and what it said.
pub fn check(tag: &str, checker: &str, file: &Path) -> Option<(bool, String)> {
    let output = Command::new(program(tag, checker)?).arg(file).stdin(Stdio::null()).output();
    match output {
        Ok(o) => {
            Some((o.status.success(), String::from_utf8_lossy(&[o.stdout, o.stderr].concat()).into_owned()))
        }
        Err(e) => panic!("running {checker} of {tag}: {e}"),
    }
}

/// The version a server says it is.
pub fn version(connection: &mut Connection) -> String {
    let info = connection.line("INFO server");
    let text = String::from_utf8_lossy(info.bytes().unwrap_or_default()).into_owned();
    let find = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::to_owned);
    find("valkey_version:").or_else(|| find("redis_version:")).unwrap_or_default()
}
