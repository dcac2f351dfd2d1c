//! A directory goes to and fro between `persistkv serve` and a real server, under load, with a kill in between: what was
//! acknowledged is there.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::{Dir, Server};
use persistkv_tests::resp::Connection;
use persistkv_tests::{Endpoint, Reply, server};

/// What was acknowledged: each key's value.
type Kept = Arc<Mutex<BTreeMap<String, String>>>;

const WRITERS: usize = 4;

/// Writes until the server is gone; takes note of what was acknowledged.
fn write(socket: &Path, writer: usize, round: usize, kept: &Kept, writes: &AtomicU64, over: &AtomicBool) {
    let Ok(mut connection) = Connection::connect(socket) else { return };
    for n in 0.. {
        let key = format!("k:{round}:{writer}:{n}");
        let value = format!("v:{n}");
        let argv = ["SET", &key, &value].map(|word| word.as_bytes().to_vec());
        match connection.call(&argv) {
            Ok(reply) if !reply.is_error() => {
                kept.lock().unwrap().insert(key, value);
                writes.fetch_add(1, Ordering::Relaxed);
            }
            // Killed in the middle of it.
            _ => assert!(over.load(Ordering::Relaxed), "a write failed before the kill"),
        }
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Load until enough was written, then the end, then what became of the writers.
fn under_load(socket: &Path, round: usize, kept: &Kept, kill: impl FnOnce()) {
    let writes = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (socket, kept) = (socket.to_path_buf(), Arc::clone(kept));
            let (writes, over) = (Arc::clone(&writes), Arc::clone(&over));
            std::thread::spawn(move || write(&socket, writer, round, &kept, &writes, &over))
        })
        .collect();
    common::until("enough was written", || writes.load(Ordering::Relaxed) >= 100);
    over.store(true, Ordering::Relaxed);
    kill();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn check(connection: &mut Connection, kept: &Kept, who: &str) {
    let kept = kept.lock().unwrap();
    let commands: Vec<Vec<Vec<u8>>> =
        kept.keys().map(|key| vec![b"GET".to_vec(), key.as_bytes().to_vec()]).collect();
    let replies = connection.pipeline(&commands).unwrap();
    for ((key, value), reply) in kept.iter().zip(replies) {
        assert_eq!(reply, Reply::Bulk(value.as_bytes().to_vec()), "{who} lost {key}");
    }
}

#[test]
fn a_directory_goes_to_and_fro_with_kills_under_load() {
    let dir = Dir::new();
    let data = dir.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let kept = Kept::default();
    let path = data.display().to_string();
    let policies = ["always", "everysec", "no"];
    // It begins with a server's directory.
    for round in 0..10 {
        let tag = ["r70", "v91", "r82", "v81"][round % 4];
        let extra = ["--appendonly", "yes", "--appendfsync", "always"];
        let Some(theirs) = server::Server::start_in(tag, &data, &extra) else { return };
        let socket = theirs.socket().to_path_buf();
        check(&mut theirs.connect(), &kept, tag);
        under_load(&socket, 2 * round, &kept, || theirs.kill());
        let policy = policies[round % 3];
        let extra = ["--appendonly", "yes", "--appendfsync", policy, "--save", ""];
        let mut ours = Server::start_on(&dir, &path, &extra);
        let socket = ours.socket.clone();
        let mut connection = Connection::connect(&socket).unwrap();
        check(&mut connection, &kept, "persistkv");
        assert_eq!(connection.line("PING"), Reply::Status(b"PONG".to_vec()));
        under_load(&socket, 2 * round + 1, &kept, || ours.child.kill().unwrap());
        ours.wait();
    }
    assert!(kept.lock().unwrap().len() >= 2000);
}
