//! The shell on a terminal: what a person types, and what that person sees.
#![allow(missing_docs)]

use std::path::Path;
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

mod common;

use common::{Dir, Server};

/// A shell on a terminal of its own, with its history in the directory.
fn shell(dir: &Dir, args: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_persistkv"));
    command
        .arg("shell")
        .args(args)
        .env("PERSISTKV_HISTORY", dir.path("history"))
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    spawn_command(command, Some(30_000)).unwrap()
}

fn on_directory(dir: &Dir) -> PtySession {
    let mut session = shell(dir, &[&dir.path("data")]);
    session.exp_string("persistkv> ").unwrap();
    session
}

fn on_server(dir: &Dir, server: &Server, args: &[&str]) -> PtySession {
    let socket = server.socket.display().to_string();
    shell(dir, &[&["-s", &socket], args].concat())
}

/// Presses keys.
fn keys(session: &mut PtySession, text: &str) {
    session.send(text).unwrap();
    session.flush().unwrap();
}

/// Ctrl-C. The terminal drops what was typed too early, so the next line is for when there is a prompt again.
fn interrupt(session: &mut PtySession) {
    session.send_control('c').unwrap();
    session.exp_string("> ").unwrap();
}

/// Types a line and waits for what it prints.
#[track_caller]
fn ask(session: &mut PtySession, line: &str, wanted: &str) {
    session.send_line(line).unwrap();
    if let Err(error) = session.exp_string(wanted) {
        panic!("{line}: {error}");
    }
}

#[track_caller]
fn ends(mut session: PtySession) {
    session.exp_eof().unwrap();
    let status = session.process().wait().unwrap();
    assert!(format!("{status:?}").contains("Exited"), "{status:?}");
}

#[test]
fn lines_are_completed_hinted_coloured_and_remembered() {
    let dir = Dir::new();
    let mut session = on_directory(&dir);
    ask(&mut session, "set k 'a \"b\" c'", "OK");
    // The name is completed, the rest of its arguments is shown in grey.
    keys(&mut session, "getra\t");
    session.exp_string("GETRANGE").unwrap();
    keys(&mut session, " k");
    session.exp_string("\u{1b}[90m start end\u{1b}[0m").unwrap();
    ask(&mut session, " 0 0", "\"a\"");
    // Errors are red.
    ask(&mut session, "lpush k v", "\u{1b}[31m(error) WRONGTYPE ");
    ask(&mut session, "auth secret", "ERR AUTH");
    // A quote that is open goes on in the next line.
    session.send_line("set m \"one").unwrap();
    ask(&mut session, "two\"", "OK");
    ask(&mut session, "get m", "\"one\\ntwo\"");
    ask(&mut session, "get 'x'y", "Invalid argument(s)");
    // What was typed last is one key away; Ctrl-C drops a line, Ctrl-D ends.
    keys(&mut session, "\u{1b}[A\u{1b}[A");
    session.exp_string("get m").unwrap();
    interrupt(&mut session);
    ask(&mut session, "echo still-here", "\"still-here\"");
    session.send_control('d').unwrap();
    ends(session);
    let history = std::fs::read_to_string(dir.path("history")).unwrap();
    assert!(history.contains("lpush k v") && !history.contains("secret"), "{history}");
    // The next run knows the lines of this one.
    let mut session = on_directory(&dir);
    keys(&mut session, "\u{1b}[A");
    session.exp_string("echo still-here").unwrap();
    ask(&mut session, "", "\"still-here\"");
    ask(&mut session, "quit", "");
    ends(session);
}

#[test]
fn help_comes_from_the_command_table() {
    let dir = Dir::new();
    let mut session = on_directory(&dir);
    ask(&mut session, "help get", "summary: Returns a string.");
    session.exp_string("group: string").unwrap();
    ask(&mut session, "help @hyperloglog", "PFADD key [element [element ...]]");
    ask(&mut session, "help", "\"help <command>\" for help on <command>");
    ask(&mut session, "help nonsense", "There is no command or group 'nonsense'");
    keys(&mut session, "help @hyp\t");
    session.exp_string("@hyperloglog").unwrap();
    ask(&mut session, "", "PFADD");
    ask(&mut session, "exit", "");
    ends(session);
}

#[test]
fn what_waits_ends_with_ctrl_c() {
    let dir = Dir::new();
    let server = Server::start(&dir, &[]);
    for mut session in [on_directory(&dir), on_server(&dir, &server, &[])] {
        session.send_line("blpop nothing 0").unwrap();
        session.exp_string("blpop nothing 0").unwrap();
        wait_until_it_waits(&mut session);
        session.send_control('c').unwrap();
        session.exp_string("(error) interrupted").unwrap();
        session.exp_string("> ").unwrap();
        ask(&mut session, "set k v", "OK");
        ask(&mut session, "subscribe news", "Reading messages... (press Ctrl-C to quit)");
        session.exp_string("1) \"subscribe\"").unwrap();
        interrupt(&mut session);
        ask(&mut session, "get k", "\"v\"");
        ask(&mut session, "monitor", "OK");
        interrupt(&mut session);
        ask(&mut session, "echo on", "\"on\"");
        session.send_control('d').unwrap();
        ends(session);
    }
    // A script that has written nothing.
    let mut session = on_directory(&dir);
    session.send_line("eval 'while true do end' 0").unwrap();
    wait_until_it_waits(&mut session);
    session.send_control('c').unwrap();
    session.exp_string("interrupted").unwrap();
    session.exp_string("> ").unwrap();
    ask(&mut session, "get k", "\"v\"");
    session.send_control('d').unwrap();
    ends(session);
}

/// The line was taken: the terminal is no longer in the editor's hands, so that Ctrl-C is a signal again.
fn wait_until_it_waits(session: &mut PtySession) {
    session.exp_string("\n").unwrap();
}

#[test]
fn messages_are_shown_as_they_come() {
    let dir = Dir::new();
    let server = Server::start(&dir, &[]);
    let mut session = on_server(&dir, &server, &[]);
    ask(&mut session, "psubscribe n*", "1) \"psubscribe\"");
    common::until("it hears", || server.ask("publish news hello") == ":1");
    session.exp_string("\"hello\"").unwrap();
    interrupt(&mut session);
    ask(&mut session, "monitor", "OK");
    assert_eq!(server.ask("set seen 1"), "+OK");
    session.exp_string("\"set\" \"seen\" \"1\"").unwrap();
    interrupt(&mut session);
    ask(&mut session, "get seen", "\"1\"");
}

#[test]
fn a_server_that_goes_and_comes_back_is_found_again() {
    let dir = Dir::new();
    let mut server = Server::start(&dir, &["--save", "", "--appendonly", "yes", "--requirepass", "secret"]);
    let mut wrong = on_server(&dir, &server, &["-a", "wrong"]);
    wrong.exp_string("WRONGPASS").unwrap();
    let mut session = on_server(&dir, &server, &["-a", "secret", "-n", "3"]);
    session.exp_string("[3]> ").unwrap();
    ask(&mut session, "set k v", "OK");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    ask(&mut session, "get k", "Could not connect to ");
    session.exp_string("not connected> ").unwrap();
    let again = Server::start(&dir, &["--save", "", "--appendonly", "yes", "--requirepass", "secret"]);
    ask(&mut session, "get k", "\"v\"");
    session.exp_string("[3]> ").unwrap();
    drop(again);
    // Messages end with their server, the shell does not.
    let again = Server::start(&dir, &["--save", "", "--requirepass", "secret", "--appendonly", "yes"]);
    ask(&mut session, "subscribe news", "1) \"subscribe\"");
    drop(again);
    session.exp_string("the connection to the server is lost").unwrap();
    ask(&mut session, "exit", "");
    ends(session);
}

#[test]
fn a_directory_that_is_in_use_says_where() {
    let dir = Dir::new();
    let server = Server::start(&dir, &[]);
    let mut session = shell(&dir, &[&dir.path("")]);
    session.exp_string(&format!("is open in process {}", server.child.id())).unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn eval_takes_commands_and_scripts() {
    let dir = Dir::new();
    let script = dir.path("sum.lua");
    std::fs::write(&script, "return {#KEYS, #ARGV, KEYS[1] or 'none', ARGV[1]}").unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_persistkv"));
        let output = command.arg("shell").arg(Path::new(&dir.path("data"))).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let good = |out: &str| (true, out.to_owned(), String::new());
    assert_eq!(run(&["--eval", &script, "k1", "k2", ",", "a b"]), good("2\n1\nk1\na b\n"));
    assert_eq!(run(&["--no-raw", "-e", &script]), good("1) (integer) 0\n2) (integer) 0\n3) \"none\"\n"));
    assert_eq!(run(&["--eval", "set k v", "--eval", "get k"]), good("OK\nv\n"));
    let (done, _, why) = run(&["--eval", "return redis.call('GET','k')"]);
    assert!(!done && why.contains("--eval script.lua key1 key2 , arg1"), "{why}");
    let (done, _, why) = run(&["--eval", "no-such.lua", "k"]);
    assert!(!done && why.contains("no-such.lua"), "{why}");
}

#[test]
fn a_real_server_is_talked_to_as_well() {
    let dir = Dir::new();
    let Some(server) = persistkv_tests::Server::start("r70", &[]) else { return };
    let mut session = shell(&dir, &["-s", &server.socket().display().to_string()]);
    ask(&mut session, "set k v", "OK");
    ask(&mut session, "hello 3", "\"proto\"");
    ask(&mut session, "get k", "\"v\"");
    ask(&mut session, "subscribe a", "1) \"subscribe\"");
    interrupt(&mut session);
    session.send_line("blpop nothing 0").unwrap();
    wait_until_it_waits(&mut session);
    session.send_control('c').unwrap();
    session.exp_string("(error) interrupted").unwrap();
    session.exp_string("> ").unwrap();
    ask(&mut session, "get k", "\"v\"");
}
