use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn limits(entries: usize, value: usize) -> Limits {
    Limits { hash_max_listpack_entries: entries, hash_max_listpack_value: value, ..Limits::default() }
}

/// Everything in it.
fn all(hash: &Hash) -> View<'_> {
    View::new(hash, || i64::MIN)
}

fn contents(hash: &Hash) -> BTreeMap<Vec<u8>, Vec<u8>> {
    hash.iter().map(|(field, value, _)| (field.to_vec(), value.to_vec())).collect()
}

/// What a real server (Redis 8.2.3, Valkey 9.1.2) answers to OBJECT ENCODING after the same HSETs.
#[test]
fn the_listpack_is_left_where_redis_leaves_it() {
    let limits = Limits::default();
    let long = [b'x'; 65];
    for (field, value, want) in
        [(&b"f"[..], &long[..64], "listpack"), (b"f", &long, "hashtable"), (&long, b"v", "hashtable")]
    {
        let mut prepared = Hash::new();
        prepared.prepare(&[b"a", b"b", field, value], &limits);
        assert_eq!(prepared.encoding(), want);
        let mut set = Hash::new();
        set.set(field, value, &limits);
        assert_eq!(set.encoding(), want);
    }
    let mut hash = Hash::new();
    for n in 0..512u32 {
        hash.set(&n.to_be_bytes(), b"v", &limits);
    }
    hash.set(&0u32.to_be_bytes(), b"w", &limits);
    assert_eq!((hash.encoding(), hash.len()), ("listpack", 512));
    hash.set(b"one more", b"v", &limits);
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 513));
    // Repeats count, since they are not looked for beforehand.
    let args = [&b"f"[..]; 1026];
    for (fields, want) in [(512, "listpack"), (513, "hashtable")] {
        let mut hash = Hash::new();
        hash.prepare(&args[..2 * fields], &limits);
        assert_eq!(hash.encoding(), want);
    }
}

#[test]
fn values_are_replaced_in_place_and_keep_the_order() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    for (field, value) in [("b", "1"), ("a", "a"), ("1", "b"), ("b", "a longer one")] {
        hash.set(field.as_bytes(), value.as_bytes(), &limits);
    }
    let text = |v: LpValue<'_>| String::from_utf8(v.to_vec()).unwrap();
    let pairs: Vec<_> = hash.iter().map(|(f, v, _)| text(f) + "=" + &text(v)).collect();
    assert_eq!(pairs, ["b=a longer one", "a=a", "1=b"]);
    // A value is never taken for a field.
    assert!(!all(&hash).contains(b"a longer one") && hash.remove(b"a") && !all(&hash).contains(b"a"));
}

#[test]
fn files_give_sound_hashes_or_an_error() {
    let limits = limits(3, 64);
    let mut lp = Listpack::new();
    ["a", "1", "b", "1", "1"].iter().for_each(|text| lp.push(text.as_bytes()));
    assert!(Hash::from_listpack(lp.clone(), &limits).is_err());
    lp.push(b"a");
    assert_eq!(Hash::from_listpack(lp.clone(), &limits).unwrap().encoding(), "listpack");
    let mut twice = lp.clone();
    [LpValue::Str(b"1"), LpValue::Int(5)].into_iter().for_each(|value| twice.push_value(value));
    assert!(Hash::from_listpack(twice, &limits).is_err());
    [b"c", b"1"].iter().for_each(|text| lp.push(*text));
    let hash = Hash::from_listpack(lp, &limits).unwrap();
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 4));

    for expected in [1, 9, usize::MAX] {
        let mut hash = Hash::for_loading(expected, &limits);
        assert!(hash.load(b"1", b"x", &limits).is_ok() && hash.load(b"a", b"", &limits).is_ok());
        assert!(hash.load(b"1", b"y", &limits).is_err() && hash.load(b"a", b"", &limits).is_err());
        assert_eq!(hash.encoding(), if expected == 1 { "listpack" } else { "hashtable" });
    }
}

#[derive(Clone, Debug)]
enum Op {
    Prepare(Vec<String>),
    Set(String, String),
    Remove(String),
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => (-9i64..9).prop_map(|n| n.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        3 => "[ab]{0,2}",
        1 => "c{11,13}",
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => proptest::collection::vec(text(), 0..14).prop_map(Op::Prepare),
        12 => (text(), text()).prop_map(|(field, value)| Op::Set(field, value)),
        5 => text().prop_map(Op::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_as_a_map(
        ops in proptest::collection::vec(op(), 1..80), seed in any::<u64>(), entries in 4usize..40, value in 12usize..30
    ) {
        let limits = limits(entries, value);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut random = |n| rng.usize(..n);
        let mut hash = Hash::new();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for op in ops {
            let was_big = hash.elements().is_some();
            match op {
                Op::Prepare(args) => {
                    let args: Vec<&[u8]> = args.iter().map(String::as_bytes).collect();
                    hash.prepare(&args, &limits);
                }
                Op::Set(f, v) => {
                    let new = hash.set(f.as_bytes(), v.as_bytes(), &limits);
                    prop_assert_eq!(new, model.insert(f.into_bytes(), v.into_bytes()).is_none());
                }
                Op::Remove(f) => {
                    prop_assert_eq!(hash.remove(f.as_bytes()), model.remove(f.as_bytes()).is_some());
                }
            }
            prop_assert!(hash.elements().is_some() || !was_big, "no form is taken back");
            prop_assert_eq!(hash.len(), model.len());
            prop_assert_eq!(hash.is_empty(), model.is_empty());
            if let Hash::Listpack(_) = hash {
                prop_assert!(hash.len() <= entries);
                prop_assert!(hash.iter().all(|(f, v, _)| f.len() <= value && v.len() <= value));
            }
        }
        prop_assert_eq!(&contents(&hash), &model);
        let mut scanned = BTreeMap::new();
        let mut cursor = 0;
        loop {
            cursor = all(&hash).scan(cursor, 3, |(f, v)| _ = scanned.insert(f.to_vec(), v.to_vec()));
            if cursor == 0 { break; }
        }
        prop_assert_eq!(&scanned, &model);
        for (field, value) in &model {
            prop_assert!(all(&hash).contains(field) && all(&hash).get(field).unwrap().eq_bytes(value));
            prop_assert!(all(&hash).get(&[field, &b"?"[..]].concat()).is_none());
        }
        let is_in = |(f, v): Pair<'_>| model.get(&f.to_vec()).is_some_and(|want| v.eq_bytes(want));
        for count in [0, 1, model.len() / 2, model.len(), model.len() + 3] {
            let sample = all(&hash).sample(count, &mut random);
            let distinct: std::collections::BTreeSet<_> = sample.iter().map(|(f, _)| f.to_vec()).collect();
            prop_assert!(sample.iter().all(|&pair| is_in(pair)));
            prop_assert!(sample.len() == count.min(model.len()) && distinct.len() == sample.len());
        }
        prop_assert_eq!(all(&hash).random(&mut random).is_some(), !model.is_empty());
        if let Some(pair) = all(&hash).random(&mut random) {
            prop_assert!(is_in(pair) && is_in(all(&hash).picker().pick(&mut random).unwrap()));
        }
    }
}

/// A field's value and expiry; what is set, expires, is removed or due, against a map, in all three forms.
#[test]
fn expiries_against_a_model() {
    for seed in 0..60u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let limits = limits([0, 20, 512][seed as usize % 3], 64);
        let (mut hash, mut model) = (Hash::new(), BTreeMap::<Vec<u8>, (Vec<u8>, Option<i64>)>::new());
        let mut now = 1_000_000i64;
        for _ in 0..600 {
            let field = rng.u8(..40).to_string().into_bytes();
            let value = rng.u32(..1000).to_string().into_bytes();
            match rng.u8(..10) {
                0..=2 => {
                    let new = model.insert(field.clone(), (value.clone(), None)).is_none();
                    assert_eq!(hash.set(&field, &value, &limits), new);
                }
                3 => {
                    let slot = model.entry(field.clone());
                    let new = matches!(slot, std::collections::btree_map::Entry::Vacant(_));
                    slot.or_default().0.clone_from(&value);
                    assert_eq!(hash.set_keeping(&field, &value, &limits), new);
                }
                4..=6 => {
                    let at = [50, 5_000, 50_000_000].map(|span| now + rng.i64(0..span))[rng.usize(..3)];
                    let expiry = (rng.u8(..5) > 0).then_some(at);
                    let old = model.get_mut(&field).map(|(_, slot)| std::mem::replace(slot, expiry));
                    assert_eq!(hash.set_expiry(&field, expiry, now), old);
                }
                7 => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                8 => {
                    let gone = hash.remove_due([&field[..]].into_iter(), now);
                    let due = model.get(&field).is_some_and(|(_, at)| at.is_some_and(|at| at < now));
                    assert_eq!(gone.len(), usize::from(due));
                    gone.iter().for_each(|field| drop(model.remove(field)));
                }
                _ => {
                    now += [10, 1_000, 10_000_000][rng.usize(..3)];
                    let most = rng.usize(1..6);
                    let gone = hash.take_due(now, most);
                    assert!(gone.len() <= most);
                    for field in gone {
                        assert!(model.remove(&field).unwrap().1.unwrap() < now);
                    }
                }
            }
            let earliest = model.values().filter_map(|(_, at)| *at).min();
            assert!(hash.soonest().is_some() == earliest.is_some() && hash.soonest() <= earliest, "{seed}");
            assert_eq!(hash.len(), model.len());
            let view = View::new(&hash, || now);
            let live: BTreeMap<_, _> =
                model.iter().filter(|(_, (_, at))| at.is_none_or(|at| at >= now)).collect();
            let seen: BTreeMap<_, _> = view.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
            assert!(seen.iter().eq(live.iter().map(|(f, (v, _))| (*f, v))), "{seed}");
            assert_eq!(view.live_len(), live.len());
            assert_eq!(view.random(&mut |n| rng.usize(..n)).is_some(), !live.is_empty());
            assert_eq!(view.sample(5, &mut |n| rng.usize(..n)).len(), live.len().min(5));
        }
        // Everything goes in the end, in portions.
        let copy = hash.clone();
        now = EXPIRY_MAX;
        for mut hash in [hash, copy] {
            while hash.soonest().is_some() {
                hash.take_due(now, 3);
            }
            assert_eq!(hash.len(), model.values().filter(|(_, at)| at.is_none()).count());
        }
    }
}
