use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64};

use super::shard::soonest;
use super::*;
use crate::value::elements::{Elements, Records};
use crate::value::hash::Hash;
use crate::value::saved::{BigKind, Body, HeadRef, Sink};
use crate::value::{Limits, Value};

/// A big key under way: database, key, announced elements, elements.
type Big = (u32, Vec<u8>, usize, BTreeMap<Vec<u8>, Vec<u8>>);

/// What a cut handed over, by database and key; hashes as sorted text.
#[derive(Default, Debug, PartialEq, Eq)]
struct Seen {
    keys: BTreeMap<(u32, Vec<u8>), Vec<u8>>,
    big: Option<Big>,
}

impl Seen {
    fn add(&mut self, db: u32, key: &[u8], value: Vec<u8>) {
        assert!(self.keys.insert((db, key.to_vec()), value).is_none(), "a key came twice");
    }
}

fn fields(map: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    map.iter().flat_map(|(f, v)| [&f[..], b"=", &v[..], b";"].concat()).collect()
}

impl Sink for Seen {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        let value = match body {
            Body::Int(n) => n.to_string().into_bytes(),
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::Elements(_, count, records) => {
                let map: BTreeMap<_, _> = Records(records).map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
                assert_eq!(map.len(), *count);
                fields(&map)
            }
            _ => panic!("not made by these tests"),
        };
        self.add(head.db, head.key, value);
        Ok(())
    }
    fn begin(&mut self, head: HeadRef<'_>, _: BigKind, len: usize) -> Result<()> {
        assert!(self.big.is_none());
        self.big = Some((head.db, head.key.to_vec(), len, BTreeMap::new()));
        Ok(())
    }
    fn elements(&mut self, records: &[u8]) -> Result<()> {
        let map = &mut self.big.as_mut().unwrap().3;
        for (f, v) in Records(records) {
            assert!(map.insert(f.to_vec(), v.to_vec()).is_none(), "an element came twice");
        }
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        let (db, key, len, map) = self.big.take().unwrap();
        assert_eq!(map.len(), len);
        self.add(db, &key, fields(&map));
        Ok(())
    }
}

fn keyspace() -> Arc<Keyspace> {
    let keyspace = Keyspace::new(4, Clock::Manual(Arc::new(AtomicI64::new(1_000_000))));
    let settings = Settings {
        maxmemory: usize::MAX,
        policy: Policy::AllKeysRandom,
        samples: 5,
        lfu_log_factor: 10,
        lfu_decay_minutes: 1,
    };
    keyspace.configure(&settings, None).unwrap();
    Arc::new(keyspace)
}

fn big_hash(n: u32, value: &[u8]) -> Value {
    let mut elements = Elements::default();
    for i in 0..n {
        elements.set(&i.to_be_bytes(), value);
    }
    Value::Hash(Hash::Table(elements))
}

fn set_field(guard: &mut Guard<'_>, db: usize, key: &[u8], field: u32, value: &[u8]) {
    guard.modify(db, key, |v| {
        v.elements_mut().unwrap().set(&field.to_be_bytes(), value);
    });
}

fn set_field_expiry(guard: &mut Guard<'_>, db: usize, key: &[u8], field: u32, expiry: Option<i64>) {
    let now = guard.now();
    guard.modify(db, key, |v| match v {
        Value::Hash(hash) => hash.set_expiry(&field.to_be_bytes(), expiry, now),
        _ => None,
    });
}

/// Takes a cut of everything without anything going on: the truth to compare with.
fn contents(keyspace: &Arc<Keyspace>) -> Seen {
    let mut seen = Seen::default();
    keyspace.begin_cut(|| {}).unwrap().run(&mut seen).unwrap();
    seen
}

fn random_change(keyspace: &Keyspace, rng: &mut fastrand::Rng) {
    let name = |n: u32| format!("key{n}").into_bytes();
    let (a, b) = (name(rng.u32(0..300)), name(rng.u32(0..300)));
    let (db, other) = (rng.usize(0..4), rng.usize(0..4));
    if rng.u32(0..200) == 0 {
        let mut guard = keyspace.lock_all().unwrap();
        if rng.bool() {
            guard.swap_databases(db, other);
        } else {
            guard.flush(db);
        }
        return;
    }
    if rng.u32(0..20) == 0 {
        drop(keyspace.evict_one().unwrap());
        return;
    }
    let mut guard = keyspace.lock([&a[..], &b[..]]).unwrap();
    match rng.u32(0..11) {
        0..=2 => guard.set_string(db, &a, format!("v{}", rng.u32(..)).as_bytes(), Expiry::Clear),
        3 => guard.set_int(db, &a, rng.i64(..), Expiry::Keep),
        4 => drop(guard.remove(db, &a)),
        5 => {
            if a != b
                && let Some(taken) = guard.take(db, &a)
            {
                guard.put(other, &b, taken);
            }
        }
        6 => drop(guard.copy(db, &a, other, &b)),
        7 => guard.set_value(db, &a, big_hash(rng.u32(1..400), b"born"), Expiry::Clear),
        8 => drop(guard.modify_string(db, &a, |bytes| bytes.extend_from_slice(b"+"))),
        9 => drop(guard.set_expiry(db, &a, Some(2_000_000))),
        _ => {
            if guard.type_name(db, &a) == Some("hash") {
                for _ in 0..20 {
                    set_field(&mut guard, db, &a, rng.u32(0..400), &rng.u32(..).to_be_bytes());
                }
                for _ in 0..rng.u32(0..8) {
                    // Around the present, or none: what is due goes below.
                    let expiry = (rng.u8(..4) > 0).then(|| rng.i64(999_000..1_900_000));
                    set_field_expiry(&mut guard, db, &a, rng.u32(0..400), expiry);
                }
                guard.expire_some_fields(rng.usize(1..5));
            }
        }
    }
}

/// A sink that changes the keyspace between any two calls: every interleaving of saver and writers a seed can make.
struct Meddling<'a> {
    seen: Seen,
    keyspace: &'a Keyspace,
    rng: fastrand::Rng,
}

impl Meddling<'_> {
    fn meddle(&mut self) {
        for _ in 0..self.rng.u32(0..6) {
            random_change(self.keyspace, &mut self.rng);
        }
    }
}

impl Sink for Meddling<'_> {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        self.meddle();
        self.seen.entry(head, body)
    }
    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, len: usize) -> Result<()> {
        self.meddle();
        self.seen.begin(head, kind, len)
    }
    fn elements(&mut self, records: &[u8]) -> Result<()> {
        self.meddle();
        self.seen.elements(records)
    }
    fn end(&mut self) -> Result<()> {
        self.meddle();
        self.seen.end()
    }
}

#[test]
fn a_cut_is_the_data_set_of_one_instant_whatever_writers_do() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let keyspace = keyspace();
        for _ in 0..1_500 {
            random_change(&keyspace, &mut rng);
        }
        for _ in 0..3 {
            let truth = contents(&keyspace);
            let cut = keyspace.begin_cut(|| {}).unwrap();
            let mut sink = Meddling { seen: Seen::default(), keyspace: &keyspace, rng: rng.fork() };
            sink.meddle();
            cut.run(&mut sink).unwrap();
            assert_eq!(sink.seen.keys, truth.keys, "seed {seed}");
            let figures = keyspace.figures(None).unwrap();
            let counted: usize = figures.databases.iter().map(|db| db.hashes_expiring).sum();
            let mut there = 0;
            let guard = keyspace.lock_all().unwrap();
            (0..4).for_each(|db| guard.for_each(db, |e| there += usize::from(soonest(e).is_some())));
            assert_eq!(counted, there);
            drop(guard);
            assert!(keyspace.lock_all().unwrap().counted_memory_is_right().unwrap());
            assert_eq!(keyspace.running_total(), keyspace.memory().unwrap());
        }
    }
}

#[test]
fn a_cut_that_is_given_up_leaves_no_trace() {
    let keyspace = keyspace();
    let mut rng = fastrand::Rng::with_seed(1);
    for round in 0..600 {
        random_change(&keyspace, &mut rng);
        let cut = keyspace.begin_cut(|| {}).unwrap();
        assert!(keyspace.begin_cut(|| {}).is_err(), "one at a time");
        random_change(&keyspace, &mut rng);
        drop(cut);
        if round % 97 == 0 {
            let truth = contents(&keyspace);
            assert_eq!(truth, contents(&keyspace));
        }
    }
    let mut all = 0;
    for db in 0..4 {
        all += keyspace.figures(None).unwrap().databases[db].keys;
    }
    assert_eq!(contents(&keyspace).keys.len(), all);
}

/// Transfers between two accounts (a key each, and a field each of a big hash) seen through many cuts by real threads.
#[test]
fn transfers_never_show_half_done_in_a_cut() {
    let keyspace = Arc::new(Keyspace::new(1, Clock::System));
    let accounts: Vec<Vec<u8>> = (0..50u32).map(|i| format!("account{i}").into_bytes()).collect();
    for account in &accounts {
        keyspace.lock([&account[..]]).unwrap().set_int(0, account, 100, Expiry::Clear);
    }
    keyspace.lock([&b"bank"[..]]).unwrap().set_value(
        0,
        b"bank",
        big_hash(500, &100i64.to_be_bytes()),
        Expiry::Clear,
    );
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let (keyspace, accounts, stop) = (&keyspace, &accounts, &stop);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed);
                while !stop.load(Ordering::Relaxed) {
                    let (a, b) = (&accounts[rng.usize(0..50)], &accounts[rng.usize(0..50)]);
                    if a != b {
                        let mut guard = keyspace.lock([&a[..], &b[..]]).unwrap();
                        let balance = |guard: &Guard<'_>, key: &[u8]| match guard.string(0, key) {
                            Some(Ok(StrRef::Int(n))) => n,
                            _ => panic!("an account is an integer"),
                        };
                        let (x, y) = (balance(&guard, a), balance(&guard, b));
                        guard.set_int(0, a, x - 1, Expiry::Keep);
                        guard.set_int(0, b, y + 1, Expiry::Keep);
                    }
                    let (f, g) = (rng.u32(0..500), rng.u32(0..500));
                    if f != g {
                        keyspace.lock([&b"bank"[..]]).unwrap().modify(0, b"bank", |value| {
                            let elements = value.elements_mut().unwrap();
                            for (field, change) in [(f, -1i64), (g, 1)] {
                                let now = elements.get(&field.to_be_bytes()).unwrap().bytes();
                                let now = i64::from_be_bytes(now.try_into().unwrap()) + change;
                                elements.set(&field.to_be_bytes(), &now.to_be_bytes());
                            }
                        });
                    }
                }
            });
        }
        let _stop = Stop(&stop);
        for _ in 0..2_000 {
            let mut sum = Sum::default();
            keyspace.begin_cut(|| {}).unwrap().run(&mut sum).unwrap();
            assert_eq!((sum.accounts, sum.total, sum.fields, sum.bank), (50, 5_000, 500, 50_000));
        }
    });
}

/// Lets the writers end, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Sum {
    accounts: usize,
    total: i64,
    fields: usize,
    bank: i64,
}

impl Sink for Sum {
    fn entry(&mut self, _: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        if let Body::Int(n) = body {
            self.accounts += 1;
            self.total += n;
        }
        Ok(())
    }
    fn begin(&mut self, _: HeadRef<'_>, _: BigKind, _: usize) -> Result<()> {
        Ok(())
    }
    fn elements(&mut self, records: &[u8]) -> Result<()> {
        for (_, value) in Records(records) {
            self.fields += 1;
            self.bank += i64::from_be_bytes(value.try_into().unwrap());
        }
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Fields that are due go in small portions, whatever form the hash has, and the hash goes with its last field.
#[test]
fn fields_that_are_due_are_deleted_within_the_budget() {
    let time = Arc::new(AtomicI64::new(1_000));
    for count in [20u32, 2_000] {
        time.store(1_000, Ordering::Relaxed);
        let keyspace = Arc::new(Keyspace::new(1, Clock::Manual(Arc::clone(&time))));
        let mut guard = keyspace.lock_all().unwrap();
        let mut hash = Hash::new();
        for i in 0..count {
            hash.set(&i.to_be_bytes(), b"v", &Limits::default());
        }
        guard.set_value(0, b"h", Value::Hash(hash), Expiry::Clear);
        for i in 0..count {
            set_field_expiry(&mut guard, 0, b"h", i, Some(2_000 + i64::from(i)));
        }
        assert_eq!(keyspace_hashes(&guard), 1);
        assert!(!guard.expire_some_fields(10) && guard.take_expired().is_empty());
        drop(guard);
        time.store(100_000, Ordering::Relaxed);
        let mut gone = 0;
        loop {
            let mut guard = keyspace.lock_all().unwrap();
            let more = guard.expire_some_fields(7);
            for expired in guard.take_expired() {
                assert!(expired.key == b"h" && (1..=7).contains(&expired.fields.len()));
                gone += expired.fields.len();
            }
            assert!(guard.counted_memory_is_right().unwrap());
            if !more {
                assert!(!guard.awaits_expiry() && guard.peek(0, b"h").is_none());
                assert_eq!(keyspace_hashes(&guard), 0);
                break;
            }
        }
        assert_eq!(gone, count as usize);
    }
}

fn keyspace_hashes(guard: &Guard<'_>) -> usize {
    let mut there = 0;
    guard.for_each(0, |entry| there += usize::from(soonest(entry).is_some()));
    assert_eq!(guard.has_expiring_fields(), there > 0);
    there
}

#[test]
fn what_is_due_is_hidden_then_deleted_and_noted() {
    let time = Arc::new(AtomicI64::new(1_000));
    let keyspace = Arc::new(Keyspace::new(1, Clock::Manual(Arc::clone(&time))));
    for i in 0..100u32 {
        let key = i.to_be_bytes();
        keyspace.lock([&key[..]]).unwrap().set_string(0, &key, b"v", Expiry::At(2_000 + i64::from(i)));
    }
    time.store(2_050, Ordering::Relaxed);
    assert!(!keyspace.lock_all().unwrap().exists(0, &0u32.to_be_bytes()));
    assert!(keyspace.lock_all().unwrap().exists(0, &50u32.to_be_bytes()));
    assert_eq!(keyspace.figures(None).unwrap().databases[0].keys, 100);
    let mut guard = keyspace.lock_all().unwrap();
    assert!(!guard.remove(0, &0u32.to_be_bytes()));
    assert_eq!(
        guard.take_expired(),
        vec![Expired { db: 0, key: 0u32.to_be_bytes().to_vec(), fields: Vec::new(), emptied: false }]
    );
    drop(guard);
    time.store(3_000, Ordering::Relaxed);
    let mut guard = keyspace.lock_all().unwrap();
    guard.expire_some(1_000);
    assert_eq!(guard.take_expired().len(), 99);
    assert!(!guard.awaits_expiry());
    drop(guard);
    assert_eq!(
        (
            keyspace.figures(None).unwrap().databases[0].keys,
            keyspace.counters.expired.load(Ordering::Relaxed)
        ),
        (0, 100)
    );
}
