//! Waiting, seen from the handler's bench and from a store with threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::command::testing::{Bench, show};
use crate::reply::ReplyBuilder;
use crate::{Blocked, Client, Reply, Store};

fn begin(client: &mut Client, line: &str) -> Blocked {
    let mut out = ReplyBuilder::new(client.resp3());
    let argv: Vec<&str> = line.split_whitespace().collect();
    client.begin(&argv, &mut out).unwrap().expect("nothing is there yet")
}

fn run(client: &mut Client, line: &str) -> String {
    let argv: Vec<&str> = line.split_whitespace().collect();
    match client.execute(&argv) {
        Ok(reply) => show(&reply),
        Err(error) => error.message().to_owned(),
    }
}

fn taken(blocked: &Blocked) -> Option<String> {
    let mut out = ReplyBuilder::new(false);
    let done = blocked.take(&mut out)?;
    Some(match done {
        Ok(()) => out.finish().as_ref().map(show).unwrap_or_default(),
        Err(error) => error.message().to_owned(),
    })
}

#[test]
fn what_is_there_is_taken_at_once_and_logged_as_a_pop() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("RPUSH l a b", "2"),
        ("BLPOP none l 0", "[l a]"),
        ("BLMOVE l m LEFT RIGHT 0", "b"),
        ("BRPOPLPUSH m l 0", "b"),
        ("BLMPOP 0 2 none l LEFT COUNT 5", "[l [b]]"),
        ("ZADD z 1 a 2 b 3 c", "3"),
        ("BZPOPMIN z 0", "[z a 1]"),
        ("BZPOPMAX none z 0", "[z c 3]"),
        ("BZMPOP 0 1 z MIN", "[z [[b 2]]]"),
        ("BLPOP l nan", "ERR timeout is not a float or out of range"),
        ("BLPOP l -1", "ERR timeout is negative"),
        ("BLPOP l 1e300", "ERR timeout is out of range"),
    ]);
}

#[test]
fn waiters_are_served_in_the_order_they_came() {
    let store = Store::memory().unwrap();
    let (mut a, mut b, mut c) = (store.client(), store.client(), store.client());
    let (first, second) = (begin(&mut a, "BLPOP k 0"), begin(&mut b, "BRPOP other k 0"));
    assert_eq!(run(&mut c, "CLIENT LIST").matches("flags=b").count(), 2);
    assert_eq!(run(&mut c, "RPUSH k 1 2 3"), "3");
    assert_eq!(taken(&first).unwrap(), "[k 1]");
    assert_eq!(taken(&second).unwrap(), "[k 3]");
    assert_eq!(taken(&first), None);
    assert_eq!(run(&mut c, "LRANGE k 0 -1"), "[2]");
    assert_eq!(run(&mut c, "CLIENT LIST").matches("flags=b").count(), 0);
}

#[test]
fn a_moved_element_serves_the_next_in_the_chain() {
    let store = Store::memory().unwrap();
    let (mut a, mut b, mut c) = (store.client(), store.client(), store.client());
    let last = begin(&mut a, "BLPOP z 0");
    let middle = begin(&mut b, "BLMOVE y z LEFT LEFT 0");
    let first = begin(&mut c, "BLMOVE x y LEFT LEFT 0");
    let mut pusher = store.client();
    run(&mut pusher, "RPUSH x v");
    assert!(taken(&first).is_some() && taken(&middle).is_some());
    assert_eq!(taken(&last).unwrap(), "[z v]");
    assert_eq!(run(&mut pusher, "DBSIZE"), "0");
}

#[test]
fn whoever_gives_up_takes_nothing() {
    let store = Store::memory().unwrap();
    let (mut a, mut b, mut c) = (store.client(), store.client(), store.client());
    let blocked = begin(&mut a, "BLPOP k 0");
    assert!(blocked.cancel());
    drop(begin(&mut a, "BLPOP k 0"));
    let timed_out = begin(&mut b, "BLMOVE k m LEFT LEFT 0");
    timed_out.time_out();
    assert_eq!(taken(&timed_out).unwrap(), "nil");
    run(&mut c, "RPUSH k v");
    assert_eq!(run(&mut c, "LLEN k"), "1");
    assert_eq!((store.client().execute(&["LPOP", "k"])).unwrap(), Reply::Bulk(b"v".to_vec()));
    // Served first: the reply is there and can not be refused.
    let served = begin(&mut a, "BLPOP k 0");
    run(&mut c, "RPUSH k w");
    assert!(!served.cancel());
    assert_eq!(taken(&served).unwrap(), "[k w]");
}

#[test]
fn nobody_waits_inside_a_transaction() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("MULTI", "OK"),
        ("BLPOP k 0", "QUEUED"),
        ("BLMOVE k l LEFT LEFT 0", "QUEUED"),
        ("XREAD BLOCK 0 STREAMS s $", "QUEUED"),
        ("EXEC", "[nil nil nil]"),
    ]);
}

#[test]
fn a_reader_of_a_stream_gets_what_came_after_it_asked() {
    let store = Store::memory().unwrap();
    let (mut a, mut b) = (store.client(), store.client());
    run(&mut b, "XADD s 1-1 f old");
    let blocked = begin(&mut a, "XREAD BLOCK 0 STREAMS s $");
    run(&mut b, "SET other x");
    assert_eq!(taken(&blocked), None);
    run(&mut b, "XADD s 2-1 f new");
    assert_eq!(taken(&blocked).unwrap(), "[[s [[2-1 [f new]]]]]");
}

#[test]
fn a_thread_that_waits_is_woken_by_another_and_by_the_close() {
    let store = Store::memory().unwrap();
    let wait = |line: &'static str| {
        let mut client = store.client();
        std::thread::spawn(move || run(&mut client, line))
    };
    let (served, timed_out, closed) = (wait("BLPOP k 0"), wait("BLPOP never 0.01"), wait("BZPOPMIN never 0"));
    let mut client = store.client();
    while !run(&mut client, "INFO clients").contains("blocked_clients:2") {
        std::thread::yield_now();
    }
    assert_eq!(timed_out.join().unwrap(), "nil");
    run(&mut client, "RPUSH k v");
    assert_eq!(served.join().unwrap(), "[k v]");
    store.close().unwrap();
    assert_eq!(closed.join().unwrap(), "the store is closed; open it again");
}

#[test]
fn a_waker_is_called_once_and_a_client_can_be_unblocked() {
    let store = Store::memory().unwrap();
    let (mut a, mut b) = (store.client(), store.client());
    let blocked = begin(&mut a, "BLPOP k 0");
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    blocked.set_waker(Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    assert!(!blocked.wait(Some(Duration::ZERO)));
    let id = a.id();
    assert_eq!(run(&mut b, &format!("CLIENT UNBLOCK {id} ERROR")), "1");
    assert_eq!(run(&mut b, &format!("CLIENT UNBLOCK {id}")), "0");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(taken(&blocked).unwrap(), "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    assert_eq!(run(&mut b, "CLIENT UNBLOCK 1 what"), "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
}
