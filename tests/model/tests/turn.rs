//! Scripts, which take further shards out of order, against commands of one shard, of two, and of all, under chosen
//! schedules: nobody waits for ever, and nobody sees half of what another has done.

mod common;

use std::sync::Arc;

use common::{finds, holds};
use persistkv::keyspace::{Clock, Expiry, Guard, Keyspace, StrRef};
use persistkv::sync::planted::Fault;
use shuttle::thread;

fn value(guard: &Guard<'_>, key: &[u8]) -> i64 {
    match guard.string(0, key) {
        Some(Ok(StrRef::Int(n))) => n,
        other => panic!("it holds {other:?}"),
    }
}

/// Two keys in different shards, of which there are two here.
fn keys(keyspace: &Keyspace) -> (Vec<u8>, Vec<u8>) {
    let name = |n: u32| format!("key:{n}").into_bytes();
    let lone = |key: &[u8], index: usize| keyspace.lock_one(index).is_ok_and(|guard| guard.has_shard_of(key));
    let find = |index: usize| (0..100).map(name).find(|key| lone(key, index)).expect("one of a hundred");
    (find(0), find(1))
}

fn move_one(guard: &mut Guard<'_>, from: &[u8], to: &[u8]) {
    let (a, b) = (value(guard, from), value(guard, to));
    assert_eq!(a + b, 200, "half of something was seen");
    guard.set_int(0, from, a - 1, Expiry::Keep);
    guard.set_int(0, to, b + 1, Expiry::Keep);
}

fn scripts_and_commands() {
    let keyspace = Arc::new(Keyspace::new(1, Clock::System));
    let (low, high) = keys(&keyspace);
    {
        let mut guard = keyspace.lock_all().expect("nobody panics");
        guard.set_int(0, &low, 100, Expiry::Clear);
        guard.set_int(0, &high, 100, Expiry::Clear);
    }
    let mut threads = Vec::new();
    // Two scripts that hold the second shard and want the first, one the other way round.
    for (declared, from, to) in [(&high, &low, &high), (&high, &high, &low), (&low, &low, &high)] {
        let (keyspace, declared, from, to) =
            (Arc::clone(&keyspace), declared.clone(), from.clone(), to.clone());
        threads.push(thread::spawn(move || {
            let mut guard = keyspace.lock_as_script([&declared[..]]).expect("nobody panics");
            value(&guard, &declared);
            guard.take_the_rest().expect("nobody panics");
            move_one(&mut guard, &from, &to);
        }));
    }
    for all in [false, true] {
        let (keyspace, low, high) = (Arc::clone(&keyspace), low.clone(), high.clone());
        threads.push(thread::spawn(move || {
            let guard = if all { keyspace.lock_all() } else { keyspace.lock([&low[..], &high[..]]) };
            move_one(&mut guard.expect("nobody panics"), &low, &high);
        }));
    }
    let single = Arc::clone(&keyspace);
    let key = low.clone();
    threads.push(thread::spawn(move || {
        value(&single.lock([&key[..]]).expect("nobody panics"), &key);
    }));
    threads.into_iter().for_each(|thread| thread.join().expect("nobody panics"));
    let guard = keyspace.lock_all().expect("nobody panics");
    assert_eq!(value(&guard, &low) + value(&guard, &high), 200);
}

#[test]
fn scripts_take_the_rest_without_a_circle() {
    holds(400, scripts_and_commands);
}

#[test]
fn who_falls_asleep_anyway_is_found() {
    finds(Fault::SleepsAnyway, 400, "deadlock", scripts_and_commands);
}
