//! `persistkv serve` as a process: its configuration, its log, its signals, its end.
#![allow(missing_docs)]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Output, Stdio};

mod common;

use common::{Dir, Server, ask, program, until};

fn run(args: &[&str], input: &str) -> Output {
    let mut child =
        program(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_bad_configuration_is_fatal_and_named() {
    let output = run(&["-"], "port 0\nfoo bar\n");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("*** FATAL CONFIG FILE ERROR (persistkv "), "{text}");
    assert!(
        text.ends_with("Reading the standard input, at line 2\n>>> 'foo bar'\nBad directive or wrong number of arguments\n"),
        "{text}"
    );
    let output = run(&["--port", "abc"], "");
    assert!(stderr(&output).ends_with(">>> 'port \"abc\"'\nargument couldn't be parsed into an integer\n"));
    let output = run(&["/no/such/file.conf"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(
            "# Fatal error, can't open config file '/no/such/file.conf': No such file or directory"
        )
    );
}

/// What Debian's `redis-server` 7.0 ships, without its comments, places changed to ones a test may use.
const STOCK: &str = include_str!("stock-redis-7.0.conf");

/// A process that is nobody's child; it is killed in the end, if it is there still and is what it was.
struct Daemon(String);

impl Drop for Daemon {
    fn drop(&mut self) {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.0)).unwrap_or_default();
        if name.trim() == "persistkv" {
            let _ = std::process::Command::new("kill").args(["-9", &self.0]).status();
        }
    }
}

#[test]
fn a_stock_configuration_starts_as_a_daemon_with_a_pid_file() {
    let dir = Dir::new();
    let text = STOCK
        .replace("/run/redis/redis-server.pid", &dir.path("pid"))
        .replace("/var/log/redis/redis-server.log", &dir.path("log"))
        .replace("/var/lib/redis", &dir.path(""))
        .replace("port 6379", "port 0");
    std::fs::write(dir.path("part-a.conf"), "maxmemory 77mb\n").unwrap();
    std::fs::write(dir.path("redis.conf"), format!("{text}\ninclude {}\n", dir.path("part-*.conf"))).unwrap();
    let output = run(&[&dir.path("redis.conf"), "--unixsocket", &dir.path("s")], "");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    until("it writes its number", || dir.read("pid").ends_with('\n'));
    let pid = dir.read("pid");
    // Whatever happens below, it does not stay behind.
    let _daemon = Daemon(pid.trim().to_owned());
    until("the daemon listens", || UnixStream::connect(dir.0.join("s")).is_ok());
    until("it is loaded", || !ask(&dir.0.join("s"), "ping").starts_with("-LOADING"));
    assert_eq!(ask(&dir.0.join("s"), "set k v"), "+OK");
    let info = ask(&dir.0.join("s"), "info");
    assert!(info.contains(&format!("process_id:{}", pid.trim())), "{info}");
    assert!(info.contains("\r\nmaxmemory:80740352\r\n") && info.contains("redis_mode:standalone"), "{info}");
    assert!(info.contains(&dir.path("redis.conf")), "{info}");
    assert_eq!(ask(&dir.0.join("s"), "config set maxmemory 78mb"), "+OK");
    assert_eq!(ask(&dir.0.join("s"), "config rewrite"), "+OK");
    let rewritten = dir.read("redis.conf");
    assert!(rewritten.contains("maxmemory 81788928") && rewritten.contains("daemonize yes"), "{rewritten}");
    assert!(
        rewritten.starts_with("bind 127.0.0.1 -::1\n")
            && rewritten.contains("\nclient-output-buffer-limit pubsub 33554432 8388608 60\n"),
        "{rewritten}"
    );
    let _ = UnixStream::connect(dir.0.join("s")).unwrap().write_all(b"shutdown\r\n");
    until("the daemon ends", || !Path::new(&dir.path("pid")).exists());
    until("its socket is gone", || !dir.0.join("s").exists());
    until("it says so", || dir.read("log").contains("bye bye"));
    for line in [
        ":C ",
        "persistkv is starting",
        "Configuration loaded",
        ":M ",
        "# Server initialized",
        "* DB loaded from disk: ",
        "* Ready to accept connections unix",
        "# User requested shutdown...",
        "* Saving the final RDB snapshot before exiting.",
        "* DB saved on disk",
        "* Removing the pid file.",
    ] {
        assert!(dir.read("log").contains(line), "{line} in {}", dir.read("log"));
    }
    assert!(dir.0.join("dump.rdb").exists());
    // The rewritten file is one that starts again.
    let again = Server::start(&dir, &[&dir.path("redis.conf"), "--daemonize", "no"]);
    assert_eq!(again.ask("get k"), "v");
}

#[test]
fn a_signal_saves_and_a_kill_loses_nothing_that_was_logged() {
    let dir = Dir::new();
    let mut server = Server::start(&dir, &["--save", "3600", "1", "--appendonly", "no"]);
    assert_eq!(server.ask("set k 1"), "+OK");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(dir.read("log").contains("Received SIGTERM scheduling shutdown..."));
    // No save points: nothing is saved.
    let mut server = Server::start(&dir, &["--save", ""]);
    assert_eq!(server.ask("get k"), "1");
    assert_eq!(server.ask("set k 2"), "+OK");
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
    let mut server = Server::start(&dir, &["--save", "", "--appendonly", "yes"]);
    assert_eq!(server.ask("get k"), "1");
    assert_eq!(server.ask("set k 3"), "+OK");
    server.signal("KILL");
    assert_eq!(server.wait(), None);
    // Its socket was left behind, and is replaced.
    assert!(dir.0.join("s").exists());
    let mut server = Server::start(&dir, &["--save", "", "--appendonly", "yes"]);
    assert_eq!(server.ask("get k"), "3");
    assert!(dir.read("log").contains("DB loaded from append only file: "));
    assert_eq!(server.ask("shutdown abort"), "-ERR No shutdown in progress.");
    assert_eq!(server.ask("shutdown save nosave"), "-ERR syntax error");
    assert_eq!(server.ask("shutdown save"), "");
    assert_eq!(server.wait(), Some(0));
    assert!(dir.0.join("dump.rdb").exists());
}

#[test]
fn a_failed_final_save_keeps_the_server() {
    let dir = Dir::new();
    let mut server = Server::start(&dir, &["--save", "3600", "1"]);
    assert_eq!(server.ask("set k 1"), "+OK");
    // A directory of that name: nothing can be renamed over it.
    std::fs::create_dir_all(dir.0.join("dump.rdb/in-the-way")).unwrap();
    assert_eq!(server.ask("shutdown"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    server.signal("TERM");
    until("it is logged", || dir.read("log").matches("can't exit").count() == 2);
    assert_eq!(server.ask("get k"), "1");
    assert_eq!(server.ask("shutdown nosave"), "");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_directory_in_use_is_refused() {
    let dir = Dir::new();
    let server = Server::start(&dir, &[]);
    let output = run(&["--port", "0", "--unixsocket", &dir.path("other"), "--dir", &dir.path("")], "");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("is open in process {}", server.child.id())), "{text}");
}

#[test]
fn what_is_about_the_process_is_set_while_it_runs() {
    let dir = Dir::new();
    std::fs::write(dir.path("redis.conf"), "# mine\nport 0\n").unwrap();
    let args = [&dir.path("redis.conf"), "--bind", "127.0.0.1", "--syslog-enabled", "yes"];
    let mut server = Server::start(&dir, &args.map(|arg| arg));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(server.ask(&format!("config set port {}", free.port())), "+OK");
    drop(std::net::TcpStream::connect(free).unwrap());
    let failed = "-ERR CONFIG SET failed (possibly related to argument";
    assert_eq!(
        server.ask(&format!("config set port {}", taken.local_addr().unwrap().port())),
        format!("{failed} 'port') - Unable to listen on this port. Check server logs.")
    );
    assert_eq!(
        server.ask("config set timeout 5 bind 192.0.2.1"),
        format!("{failed} 'bind') - Failed to bind to specified addresses.")
    );
    // Nothing of it was taken, and it listens where it did.
    drop(std::net::TcpStream::connect(free).unwrap());
    assert_eq!(
        server.ask("config set unixsocket x"),
        format!("{failed} 'unixsocket') - can't set immutable config")
    );
    assert_eq!(
        server.ask("config set logfile x"),
        format!("{failed} 'logfile') - can't set immutable config")
    );
    assert!(
        server.ask("config set maxclients 4000000000").contains("The operating system is not able to handle")
    );
    // What is logged.
    assert!(!dir.read("log").contains("Accepted "));
    assert_eq!(server.ask("config set loglevel verbose"), "+OK");
    assert_eq!(server.ask("ping"), "+PONG");
    until("it is logged", || {
        dir.read("log").contains("- Accepted ") && dir.read("log").contains("- Client closed ")
    });
    assert_eq!(server.ask("config set loglevel nothing"), "+OK");
    // The end of the connection before may be logged a moment later, but nobody comes any more.
    let accepted = || dir.read("log").matches("- Accepted ").count();
    let before = accepted();
    assert_eq!(server.ask("debug nonsense"), server.ask("debug nonsense"));
    assert_eq!(accepted(), before);
    assert_eq!(server.ask("config rewrite"), "+OK");
    let text = dir.read("redis.conf");
    for line in ["# mine", &format!("port {}", free.port()), "bind 127.0.0.1", "loglevel nothing"] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    assert!(!text.contains("timeout"), "{text}");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_shell_talks_to_a_running_server() {
    let dir = Dir::new();
    let server = Server::start(&dir, &["--requirepass", "secret"]);
    let shell = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_persistkv"))
            .arg("shell")
            .arg("-s")
            .arg(&server.socket)
            .args(args)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let denied = "NOAUTH Authentication required.\n\n".to_owned();
    assert_eq!(shell(&["--eval", "get k"]), (false, denied));
    let all =
        ["-a", "secret", "-n", "3", "--eval", "set k \"a b\"", "--eval", "get k", "--eval", "mget k none"];
    assert_eq!(shell(&all), (true, "OK\na b\na b\n\n".to_owned()));
    assert_eq!(
        shell(&["-a", "secret", "--no-raw", "--eval", "exists k"]),
        (true, "(integer) 0\n".to_owned())
    );
    assert_eq!(
        shell(&["-a", "secret", "--eval", "hello 3", "--eval", "config get maxclients"]).1.lines().last(),
        Some("maxclients 10000")
    );
    assert!(!shell(&["-a", "wrong", "--eval", "ping"]).0);
}
