//! Eight threads at once, with a checker: money that is moved by transactions, by scripts and by check-and-set is neither
//! made nor lost; every element of a queue is taken once, and nobody sleeps on beside one; also when the process is killed
//! with `kill -9` in the middle and opened again.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use persistkv::{Client, Reply, Store};

const THREADS: usize = 8;
const ACCOUNTS: usize = 20;
/// What each account holds at first.
const OPENING: i64 = 100;
/// Where the child finds its directory.
const DIR: &str = "PERSISTKV_TEST_STRESS_DIR";

fn run(client: &mut Client, words: &[&str]) -> Reply {
    client.execute(words).unwrap_or_else(|error| panic!("{words:?}: {}", error.message()))
}

fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::Int(n) => *n,
        Reply::Bulk(text) => String::from_utf8_lossy(text).parse().expect("a number"),
        other => panic!("no number: {other:?}"),
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        other => panic!("no text: {other:?}"),
    }
}

fn account(n: usize) -> String {
    format!("account:{n}")
}

fn total(client: &mut Client) -> i64 {
    let names: Vec<String> = (0..ACCOUNTS).map(account).collect();
    let mget: Vec<&str> = std::iter::once("MGET").chain(names.iter().map(String::as_str)).collect();
    match run(client, &mget) {
        Reply::Array(parts) => parts.iter().map(number).sum(),
        other => panic!("no balances: {other:?}"),
    }
}

/// What one transfer does: by a transaction, by check-and-set, or by a script whose keys are declared or not.
const MOVE: &str = "redis.call('DECRBY', KEYS[1], ARGV[1]) redis.call('INCRBY', KEYS[2], ARGV[1]) return 1";
const MOVE_UNDECLARED: &str = "redis.call('DECRBY', 'account:' .. ARGV[2], ARGV[1]) redis.call('INCRBY', 'account:' .. ARGV[3], ARGV[1]) return 1";

fn transfer(client: &mut Client, rng: &mut fastrand::Rng) {
    let (from, to) = (rng.usize(0..ACCOUNTS), rng.usize(0..ACCOUNTS));
    let (from_key, to_key, amount) = (account(from), account(to), rng.u32(1..10).to_string());
    let (from_key, to_key) = (from_key.as_str(), to_key.as_str());
    match rng.u32(0..4) {
        0 => {
            run(client, &["MULTI"]);
            run(client, &["DECRBY", from_key, &amount]);
            run(client, &["INCRBY", to_key, &amount]);
            run(client, &["EXEC"]);
        }
        1 if from != to => loop {
            run(client, &["WATCH", from_key, to_key]);
            let amount: i64 = amount.parse().expect("a number");
            let taken = (number(&run(client, &["GET", from_key])) - amount).to_string();
            let given = (number(&run(client, &["GET", to_key])) + amount).to_string();
            run(client, &["MULTI"]);
            run(client, &["SET", from_key, &taken]);
            run(client, &["SET", to_key, &given]);
            if run(client, &["EXEC"]) != Reply::Null {
                break;
            }
        },
        2 => {
            run(client, &["EVAL", MOVE, "2", from_key, to_key, &amount]);
        }
        _ => {
            let (from, to) = (from.to_string(), to.to_string());
            run(client, &["EVAL", MOVE_UNDECLARED, "0", &amount, &from, &to]);
        }
    }
}

#[test]
fn money_is_neither_made_nor_lost() {
    let store = Store::memory().expect("opens");
    let mut client = store.client();
    for n in 0..ACCOUNTS {
        run(&mut client, &["SET", &account(n), &OPENING.to_string()]);
    }
    let expected = ACCOUNTS as i64 * OPENING;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut client = store.client();
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(thread as u64);
                for round in 0..600 {
                    transfer(&mut client, &mut rng);
                    if round % 50 == 0 {
                        assert_eq!(total(&mut client), expected, "seen half done");
                    }
                }
            });
        }
    });
    assert_eq!(total(&mut client), expected);
}

/// Takes one element, in one of the ways there are; `None` for the sign that there will be no more.
fn take(client: &mut Client, rng: &mut fastrand::Rng) -> Option<String> {
    let reply = match rng.u32(0..4) {
        0 => run(client, &["BLPOP", "queue", "other", "0"]),
        1 => run(client, &["BRPOP", "other", "queue", "0"]),
        2 => match run(client, &["BLMPOP", "0", "2", "queue", "other", "LEFT"]) {
            Reply::Array(parts) => match &parts[1] {
                Reply::Array(elements) => Reply::Array(vec![parts[0].clone(), elements[0].clone()]),
                other => panic!("no elements: {other:?}"),
            },
            other => panic!("nothing popped: {other:?}"),
        },
        _ => {
            let element = run(client, &["BLMOVE", "queue", "moved", "LEFT", "RIGHT", "0"]);
            run(client, &["LREM", "moved", "1", &text(&element)]);
            Reply::Array(vec![Reply::Null, element])
        }
    };
    let Reply::Array(parts) = reply else { panic!("nothing popped: {reply:?}") };
    Some(text(&parts[1])).filter(|element| element != "end")
}

#[test]
fn every_element_is_taken_once_and_nobody_sleeps_on() {
    const EACH: usize = 2_000;
    let store = Store::memory().expect("opens");
    let taken = Mutex::new(Vec::new());
    let producing = AtomicUsize::new(THREADS / 2);
    std::thread::scope(|scope| {
        for thread in 0..THREADS / 2 {
            let (mut client, producing) = (store.client(), &producing);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(thread as u64);
                for n in 0..EACH {
                    let element = format!("{thread}:{n}");
                    match rng.u32(0..4) {
                        0 => {
                            run(&mut client, &["MULTI"]);
                            run(&mut client, &["RPUSH", "queue", &element]);
                            run(&mut client, &["EXEC"]);
                        }
                        1 => {
                            let push = "return redis.call('LPUSH', KEYS[1], ARGV[1])";
                            run(&mut client, &["EVAL", push, "1", "queue", &element]);
                        }
                        // Made under another name: the key is ready when it is renamed.
                        2 => {
                            let (made, mut done) = (format!("made:{thread}"), false);
                            run(&mut client, &["RPUSH", &made, &element]);
                            while !done {
                                done = run(&mut client, &["RENAMENX", &made, "queue"]) == Reply::Int(1);
                            }
                        }
                        _ => {
                            run(&mut client, &["RPUSH", "queue", &element]);
                        }
                    }
                }
                // BLMOVE looks into the queue only: so that is where everybody finds the end.
                if producing.fetch_sub(1, Ordering::SeqCst) == 1 {
                    for _ in 0..THREADS / 2 {
                        run(&mut client, &["RPUSH", "queue", "end"]);
                    }
                }
            });
        }
        for thread in 0..THREADS / 2 {
            let (mut client, taken) = (store.client(), &taken);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(100 + thread as u64);
                while let Some(element) = take(&mut client, &mut rng) {
                    taken.lock().unwrap_or_else(PoisonError::into_inner).push(element);
                }
            });
        }
    });
    // BRPOP may have taken an end that was behind elements: what is left is nobody's.
    let mut client = store.client();
    let Reply::Array(left) = run(&mut client, &["LRANGE", "queue", "0", "-1"]) else { panic!("no list") };
    let mut taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    taken.extend(left.iter().map(text).filter(|element| element != "end"));
    let unique: HashSet<&String> = taken.iter().collect();
    assert_eq!((taken.len(), unique.len()), (THREADS / 2 * EACH, THREADS / 2 * EACH));
}

/// Transfers and a queue until it is killed. Does nothing when it is run as a test.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let policy = std::env::var("PERSISTKV_TEST_STRESS_POLICY").unwrap_or_else(|_| "everysec".into());
    let store = opened(&PathBuf::from(dir), &policy);
    // The harness has begun a line of its own.
    writeln!(std::io::stdout()).expect("the parent reads");
    let acknowledged = |what: &str| {
        if writeln!(std::io::stdout(), "{what}").is_err() {
            // The parent has given up.
            std::process::exit(1);
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut client = store.client();
            scope.spawn(move || {
                let mut rng = fastrand::Rng::new();
                for round in 0.. {
                    match thread % 4 {
                        0 => {
                            let element = format!("{}:{thread}:{round}", std::process::id());
                            run(&mut client, &["RPUSH", "queue", &element]);
                            acknowledged(&format!("pushed {element}"));
                        }
                        // Each element is at one place at any time, whatever happens.
                        1 => {
                            let element =
                                run(&mut client, &["BLMOVE", "queue", "done", "LEFT", "RIGHT", "0"]);
                            acknowledged(&format!("moved {}", text(&element)));
                        }
                        _ => transfer(&mut client, &mut rng),
                    }
                }
            });
        }
    });
}

fn opened(dir: &Path, policy: &str) -> Store {
    let directives = [
        ("appendonly", "yes"),
        ("appendfsync", policy),
        ("save", ""),
        ("auto-aof-rewrite-min-size", "200kb"),
    ];
    Store::open(dir, &directives).expect("opens")
}

/// Nothing is left running when a test fails.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn killed_again_and_again(policy: &str) {
    let dir = std::env::temp_dir().join(format!("pkv-stress-{policy}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    {
        let store = opened(&dir, policy);
        for n in 0..ACCOUNTS {
            run(&mut store.client(), &["SET", &account(n), &OPENING.to_string()]);
        }
        store.close().expect("closes");
    }
    let mut pushed = HashSet::new();
    let moved_any = AtomicBool::new(false);
    for round in 0..6 {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program);
        child.args(["--exact", "child", "--nocapture"]).env(DIR, &dir);
        child.env("PERSISTKV_TEST_STRESS_POLICY", policy).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = KillOnDrop(child.spawn().expect("starts"));
        let lines = BufReader::new(child.0.stdout.take().expect("piped")).lines();
        let until = 300 + round * 150;
        let mut lines = lines.map_while(std::result::Result::ok);
        let mut note = |line: String| {
            if let Some(element) = line.strip_prefix("pushed ") {
                pushed.insert(element.to_owned());
            } else if line.starts_with("moved ") {
                moved_any.store(true, Ordering::Relaxed);
            }
        };
        // On a busy machine those who push may be far ahead of those who move.
        let mut noted = 0;
        while noted < until || !moved_any.load(Ordering::Relaxed) {
            note(lines.next().expect("it runs until it is killed"));
            noted += 1;
        }
        child.0.kill().expect("kills");
        // What it had acknowledged before it died is in the pipe still; the last line may be torn.
        let rest: Vec<String> = lines.collect();
        rest.into_iter().rev().skip(1).for_each(&mut note);
        drop(child);
        let store = opened(&dir, policy);
        let mut client = store.client();
        assert_eq!(total(&mut client), ACCOUNTS as i64 * OPENING, "{policy}, round {round}");
        let mut found = Vec::new();
        for list in ["queue", "done"] {
            let Reply::Array(elements) = run(&mut client, &["LRANGE", list, "0", "-1"]) else {
                panic!("no list")
            };
            found.extend(elements.iter().map(text));
        }
        let unique: HashSet<&String> = found.iter().collect();
        assert_eq!(found.len(), unique.len(), "{policy}, round {round}: an element is at two places");
        let lost: Vec<_> = pushed.iter().filter(|element| !unique.contains(element)).collect();
        assert!(lost.is_empty(), "{policy}, round {round}: lost {lost:?}");
        store.close().expect("closes");
    }
    assert!(!pushed.is_empty());
    std::fs::remove_dir_all(&dir).expect("goes");
}

#[test]
fn killed_with_everysec() {
    killed_again_and_again("everysec");
}

#[test]
fn killed_with_always() {
    killed_again_and_again("always");
}
