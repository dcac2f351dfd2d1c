use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;

fn put(table: &mut Table<String>, key: &[u8], value: &[u8]) {
    let h = hash(key);
    match table.find_mut(h, key) {
        Some(entry) => entry.set_bytes(value, 0),
        None => {
            table.insert(h, Entry::with_bytes(key, value, None, 0, 0));
        }
    }
}

/// Random puts and removes against a BTreeMap, small enough for Miri and large enough to rehash both ways.
#[test]
fn agrees_with_a_map_through_growing_and_shrinking() {
    let rounds = if cfg!(miri) { 600 } else { 60_000 };
    let mut rng = fastrand::Rng::with_seed(7);
    let mut table = Table::new();
    let mut model = BTreeMap::new();
    for round in 0..rounds {
        let growing = (round / (rounds / 6)) % 2 == 0;
        let key = rng.u32(0..rounds).to_string().into_bytes();
        if rng.u8(0..10) < if growing { 9 } else { 1 } {
            let value = vec![b'v'; rng.usize(0..40)];
            put(&mut table, &key, &value);
            model.insert(key, value);
        } else {
            let victim = if growing { key } else { model.keys().next().cloned().unwrap_or(key) };
            let removed = table.remove(hash(&victim), &victim).map(|e| e.bytes().to_vec());
            assert_eq!(removed, model.remove(&victim));
        }
        assert_eq!(table.len(), model.len());
    }
    for (key, value) in &model {
        assert_eq!(table.find(hash(key), key).map(|e| e.bytes()), Some(&value[..]));
    }
    let seen: BTreeSet<_> = table.iter().map(|e| e.key().to_vec()).collect();
    assert!(seen.iter().eq(model.keys()));
    let mut count = 0;
    table.for_each(|_| count += 1);
    assert_eq!(count, model.len());
}

#[test]
fn a_scan_returns_everything_that_stays_while_the_table_grows_and_shrinks() {
    let stay = if cfg!(miri) { 60 } else { 3_000 };
    for seed in 0..if cfg!(miri) { 2 } else { 20 } {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut table: Table<String> = Table::new();
        for i in 0..stay {
            put(&mut table, format!("stay{i}").as_bytes(), b"");
        }
        let mut seen = BTreeSet::new();
        let (mut cursor, mut step, mut extra) = (0, 0u64, 0);
        loop {
            cursor = table.scan(cursor, |e| {
                seen.insert(e.key().to_vec());
            });
            if cursor == 0 {
                break;
            }
            step += 1;
            let growing = (step / 40 + seed).is_multiple_of(2);
            for _ in 0..rng.usize(0..60) {
                if growing {
                    put(&mut table, format!("x{extra}").as_bytes(), b"");
                    extra += 1;
                } else if extra > 0 {
                    extra -= 1;
                    let key = format!("x{extra}");
                    table.remove(hash(key.as_bytes()), key.as_bytes());
                }
            }
        }
        for i in 0..stay {
            assert!(seen.contains(format!("stay{i}").as_bytes()), "seed {seed}: stay{i} is missing");
        }
    }
}

#[test]
fn boxed_values_are_dropped_once() {
    use std::sync::Arc;
    let counted = Arc::new(());
    let mut table: Table<Arc<()>> = Table::with_capacity(4);
    for i in 0..100u32 {
        let key = i.to_le_bytes();
        table.insert(hash(&key), Entry::with_boxed(&key, Box::new(Arc::clone(&counted)), None, 0, 0));
    }
    for i in 0..50u32 {
        table.remove(hash(&i.to_le_bytes()), &i.to_le_bytes());
    }
    assert_eq!(Arc::strong_count(&counted), 51);
    drop(table);
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn random_reaches_every_entry_about_equally() {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut table = Table::new();
    for i in 0..50 {
        put(&mut table, format!("{i}").as_bytes(), b"");
    }
    let mut hits: HashMap<Vec<u8>, u32> = HashMap::new();
    let rounds = if cfg!(miri) { 2_000 } else { 50_000 };
    for _ in 0..rounds {
        *hits.entry(table.random(|n| rng.usize(0..n)).unwrap().key().to_vec()).or_default() += 1;
    }
    assert_eq!(hits.len(), 50);
    let expected = rounds / 50;
    assert!(hits.values().all(|&n| n > expected / 2 && n < expected * 2), "{hits:?}");
}

#[test]
fn the_same_hash_is_found_by_hash() {
    let mut table: Table<String> = Table::new();
    put(&mut table, b"a", b"1");
    let mut found = 0;
    table.find_by_hash(hash(b"a"), |e| {
        found += usize::from(e.key() == b"a");
        false
    });
    assert_eq!(found, 1);
}
