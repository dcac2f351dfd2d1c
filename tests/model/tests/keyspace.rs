//! The cut and the order of locks under chosen schedules. Writers move money between accounts, in keys and in the fields
//! of a big hash, rename and delete what they hold; a cut must show each key once, and all accounts as of one instant.
//! Commands that take several shards, or all of them, the log, and the books of the cut must never wait in a circle.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{finds, finds_deadlock, holds};
use persistkv::aof::{Effects, Layout, LoadOptions, LoadReport, Log, Options, Policy, Target, load};
use persistkv::fs::FileSystem;
use persistkv::fs::sim::SimFs;
use persistkv::keyspace::{Clock, Expiry, Guard, Keyspace, StrRef};
use persistkv::sync::planted::Fault;
use persistkv::value::Value;
use persistkv::value::elements::{Elements, Records};
use persistkv::value::hash::Hash;
use persistkv::value::saved::{BigKind, Body, HeadRef, Sink};
use shuttle::thread;

const EACH: i64 = 100;
/// Whose fields are accounts too.
const BANK: &[u8] = b"bank";
/// The bank moves here now and then.
const ELSEWHERE: &[u8] = b"elsewhere";

fn accounts() -> [Vec<u8>; 4] {
    std::array::from_fn(|n| format!("account:{n}").into_bytes())
}

/// Big enough to be saved in steps, which go through it chain by chain.
fn bank() -> Value {
    let mut elements = Elements::default();
    for field in accounts() {
        elements.set(&field, EACH.to_string().as_bytes());
    }
    for n in 0..400 {
        elements.set(format!("filler:{n}").as_bytes(), b"0");
    }
    Value::Hash(Hash::Table(elements))
}

fn keyspace() -> Arc<Keyspace> {
    let keyspace = Keyspace::new(2, Clock::System);
    {
        let mut guard = keyspace.lock_all().expect("nobody panics");
        for key in accounts() {
            guard.set_int(0, &key, EACH, Expiry::Clear);
        }
        guard.set_value(0, BANK, bank(), Expiry::Clear);
    }
    Arc::new(keyspace)
}

fn add(guard: &mut Guard<'_>, key: &[u8], by: i64) {
    match guard.string(0, key) {
        Some(Ok(StrRef::Int(n))) => guard.set_int(0, key, n + by, Expiry::Keep),
        other => panic!("an account holds {other:?}"),
    }
}

fn add_field(guard: &mut Guard<'_>, key: &[u8], field: &[u8], by: i64) {
    guard.modify(0, key, |value| {
        let Value::Hash(Hash::Table(elements)) = value else { panic!("it is big") };
        let now = number(elements.get(field).expect("the account is there").bytes());
        elements.set(field, (now + by).to_string().as_bytes());
    });
}

/// What a cut shows.
#[derive(Default)]
struct Seen {
    keys: BTreeMap<Vec<u8>, i64>,
    fields: BTreeMap<Vec<u8>, i64>,
}

fn number(bytes: &[u8]) -> i64 {
    String::from_utf8_lossy(bytes).parse().expect("a number")
}

impl Sink for Seen {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> persistkv::Result<()> {
        let n = match body {
            Body::Int(n) => *n,
            Body::Bytes(bytes) => number(bytes),
            _ => panic!("only numbers are that small"),
        };
        assert!(self.keys.insert(head.key.to_vec(), n).is_none(), "a key came twice");
        Ok(())
    }

    fn begin(&mut self, head: HeadRef<'_>, _: BigKind, _: usize) -> persistkv::Result<()> {
        assert!(self.keys.insert(head.key.to_vec(), 0).is_none(), "a key came twice");
        Ok(())
    }

    fn elements(&mut self, records: &[u8]) -> persistkv::Result<()> {
        for (field, value) in Records(records) {
            assert!(self.fields.insert(field.to_vec(), number(value)).is_none(), "a field came twice");
        }
        Ok(())
    }

    fn end(&mut self) -> persistkv::Result<()> {
        Ok(())
    }
}

impl Seen {
    /// Of one instant: money only moves, and the bank has one name.
    fn check(&self) {
        let sum = |of: &BTreeMap<Vec<u8>, i64>| of.values().sum::<i64>();
        assert_eq!((sum(&self.keys), sum(&self.fields)), (4 * EACH, 4 * EACH), "money was made or lost");
        let names: Vec<_> = self.keys.keys().filter(|key| !accounts().contains(key)).collect();
        assert!(names == [BANK] || names == [ELSEWHERE], "the bank is {names:?}");
        assert_eq!((self.keys.len(), self.fields.len()), (5, 404), "keys or fields are missing");
    }
}

fn transfers_during_cuts() {
    let keyspace = keyspace();
    let mut threads = Vec::new();
    for (from, to) in [(0, 1), (1, 2), (3, 0)] {
        let keyspace = Arc::clone(&keyspace);
        threads.push(thread::spawn(move || {
            let (from, to) = (&accounts()[from], &accounts()[to]);
            let mut guard = keyspace.lock([&from[..], to, BANK, ELSEWHERE]).expect("nobody panics");
            add(&mut guard, from, -1);
            add(&mut guard, to, 1);
            let (here, there) = if guard.exists(0, BANK) { (BANK, ELSEWHERE) } else { (ELSEWHERE, BANK) };
            add_field(&mut guard, here, from, -7);
            add_field(&mut guard, here, to, 7);
            if from.ends_with(b"3") {
                let bank = guard.take(0, here).expect("it is there");
                guard.put(0, there, bank);
            }
        }));
    }
    for _ in 0..2 {
        let mut seen = Seen::default();
        let cut = keyspace.begin_cut(|| {}).expect("one at a time");
        cut.run(&mut seen).expect("a sink without errors");
        seen.check();
    }
    for thread in threads {
        thread.join().expect("no thread panics");
    }
}

#[test]
fn a_cut_is_one_instant() {
    holds(4000, transfers_during_cuts);
}

#[test]
fn a_change_that_saves_nothing_is_found() {
    finds(Fault::NoHook, 2000, "money was made or lost", transfers_during_cuts);
}

#[test]
fn a_saver_that_does_not_stamp_is_found() {
    finds(Fault::NoStamp, 2000, "a key came twice", transfers_during_cuts);
}

/// Takes nothing: the log is new.
struct Nothing;

impl Target for Nothing {
    fn file(&mut self, _name: &str) -> persistkv::Result<()> {
        Ok(())
    }

    fn preamble(&mut self, _input: &mut dyn std::io::Read, _len: u64) -> persistkv::Result<u64> {
        panic!("there is no base")
    }

    fn command(&mut self, _argv: &[&[u8]], _offset: u64) -> persistkv::Result<()> {
        Ok(())
    }
}

/// Everything that takes more than one lock at a time, as the store does it.
fn all_kinds_of_locking() {
    let fs = SimFs::new();
    fs.create_dir_all("/d".as_ref()).expect("in memory");
    let opened = load(&fs, &Layout::new("/d"), &LoadOptions::default(), &mut Nothing).expect("loads");
    assert_eq!(opened.report, LoadReport::default());
    let options = Options { policy: Policy::Always, threads: false, step_bytes: 4096, ..Options::default() };
    let log = Log::open(Arc::new(fs), Layout::new("/d"), opened, options).expect("opens");
    let (log, keyspace) = (Arc::new(log), keyspace());
    let append = |log: &Log| {
        let mut effects = Effects::new();
        effects.push(0, &["SET", "k", "v"]);
        log.append(&effects).expect("appends")
    };
    let mut threads = Vec::new();
    // Commands with several keys, named in any order.
    for order in [[0, 3], [3, 0]] {
        let (log, keyspace) = (Arc::clone(&log), Arc::clone(&keyspace));
        threads.push(thread::spawn(move || {
            let keys = order.map(|n| accounts()[n].clone());
            log.reserve(100).expect("room");
            keyspace.wait_for_saver();
            let lsn = {
                let mut guard = keyspace.lock([&keys[0][..], &keys[1]]).expect("nobody panics");
                add(&mut guard, &keys[0], 1);
                let lsn = append(&log);
                guard.note_lsn(lsn);
                lsn
            };
            log.wait_durable(lsn).expect("durable");
        }));
    }
    // FLUSHDB of another database, and SWAPDB.
    threads.push(thread::spawn({
        let (log, keyspace) = (Arc::clone(&log), Arc::clone(&keyspace));
        move || {
            log.reserve(100).expect("room");
            let mut guard = keyspace.lock_all().expect("nobody panics");
            guard.flush(1);
            guard.swap_databases(0, 1);
            guard.swap_databases(0, 1);
            append(&log);
        }
    }));
    // A rewrite: a cut that switches the log at its instant.
    let mut rewrite = log.begin_rewrite().expect("begins");
    let cut = keyspace.begin_cut(|| _ = rewrite.switch().expect("switches")).expect("one at a time");
    drop(rewrite.create_base(true).expect("a base"));
    cut.run(&mut Seen::default()).expect("a sink without errors");
    rewrite.commit().expect("commits");
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    log.close().expect("closes");
}

#[test]
fn nobody_waits_in_a_circle() {
    holds(4000, all_kinds_of_locking);
}

/// Two shards in the wrong order, beside somebody who takes all.
fn wrong_order() {
    let keyspace = keyspace();
    let other = thread::spawn({
        let keyspace = Arc::clone(&keyspace);
        move || drop(keyspace.lock_all().expect("nobody panics"))
    });
    let second = keyspace.lock_one(1).expect("nobody panics");
    drop(keyspace.lock_one(0).expect("nobody panics"));
    drop(second);
    other.join().expect("no thread panics");
}

#[test]
fn a_wrong_order_is_found() {
    finds_deadlock(500, wrong_order);
}
