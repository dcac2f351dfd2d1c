use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn limits(intset: usize, entries: usize, value: usize) -> Limits {
    Limits {
        set_max_intset_entries: intset,
        set_max_listpack_entries: entries,
        set_max_listpack_value: value,
        ..Limits::default()
    }
}

fn set_of(members: &[&str], limits: &Limits) -> Set {
    let mut set = Set::new();
    set.prepare(members[0].as_bytes(), members.len(), limits);
    members.iter().for_each(|member| _ = set.add(member.as_bytes(), limits));
    set
}

fn numbers(range: std::ops::Range<i64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn members(set: &Set) -> BTreeSet<Vec<u8>> {
    set.iter().map(|member| member.to_vec()).collect()
}

/// What a real server (Redis 8.2.3, Valkey 9.1.2) answers to OBJECT ENCODING after the same SADDs.
#[test]
fn forms_are_left_where_redis_leaves_them() {
    let limits = Limits::default();
    let long = "x".repeat(65);
    for (first, then, want) in [
        (vec!["1", "2"], "3", "intset"),
        (vec!["1", "2"], "03", "listpack"),
        (vec!["a", "2"], "3", "listpack"),
        (vec!["a"], &long, "hashtable"),
        (vec!["1"], &long, "hashtable"),
        // The form follows the first member only, and converts when the other comes.
        (vec!["1", "a"], "b", "listpack"),
    ] {
        let mut set = set_of(&first, &limits);
        set.add(then.as_bytes(), &limits);
        assert_eq!(set.encoding(), want, "{first:?} {then}");
    }
    let many = numbers(0..600);
    let refs: Vec<&str> = many.iter().map(String::as_str).collect();
    for (count, alone, with_text) in [
        (127, "intset", "listpack"),
        (128, "intset", "hashtable"),
        (512, "intset", "hashtable"),
        (513, "hashtable", "hashtable"),
    ] {
        let mut set = set_of(&refs[..count], &limits);
        assert_eq!(set.encoding(), alone, "{count}");
        set.add(b"text", &limits);
        assert_eq!(set.encoding(), with_text, "{count}");
        assert_eq!(set.len(), count + 1);
    }
    let mut set = set_of(&["a"], &limits);
    set.prepare(b"b", 128, &limits);
    assert_eq!(set.encoding(), "listpack");
    set.prepare(b"b", 129, &limits);
    assert_eq!(set.encoding(), "hashtable");
    let mut set = set_of(&["1"], &limits);
    set.prepare(b"2", 513, &limits);
    assert_eq!(set.encoding(), "hashtable");
    // The digits of an intset's members count against the limit of a listpack's.
    let tight = self::limits(512, 128, 3);
    let mut set = set_of(&["1", "-100"], &tight);
    set.add(b"a", &tight);
    assert_eq!(set.encoding(), "hashtable");
}

#[test]
fn compact_forms_keep_their_order() {
    let limits = Limits::default();
    let texts = |set: &Set| set.iter().map(|m| String::from_utf8(m.to_vec()).unwrap()).collect::<Vec<_>>();
    assert_eq!(texts(&set_of(&["3", "-1", "2"], &limits)), ["-1", "2", "3"]);
    assert_eq!(texts(&set_of(&["c", "10", "a", "9"], &limits)), ["c", "10", "a", "9"]);
    assert_eq!(texts(&set_of(&["3", "1", "z", "2"], &limits)), ["1", "3", "z", "2"]);
}

#[test]
fn files_give_sound_sets_or_an_error() {
    let limits = Limits::default();
    let mut ints = Intset::new();
    (0..513).for_each(|n| _ = ints.insert(n));
    assert_eq!(Set::from_intset(ints.clone(), &limits).encoding(), "hashtable");
    ints.remove(7);
    assert_eq!(Set::from_intset(ints, &limits).encoding(), "intset");

    let mut lp = Listpack::new();
    (0..128).for_each(|n| lp.push_int(n));
    assert_eq!(Set::from_listpack(lp.clone(), &limits).unwrap().encoding(), "listpack");
    let mut twice = lp.clone();
    twice.push_value(LpValue::Str(b"77"));
    assert!(Set::from_listpack(twice, &limits).is_err());
    lp.push(b"more");
    let set = Set::from_listpack(lp, &limits).unwrap();
    assert_eq!((set.encoding(), set.len()), ("hashtable", 129));

    for expected in [2, 600, usize::MAX] {
        let mut set = Set::for_loading(expected, &limits);
        assert!(set.load(b"1", &limits).is_ok() && set.load(b"a", &limits).is_ok());
        assert!(set.load(b"1", &limits).is_err() && set.load(b"a", &limits).is_err());
        assert_eq!(set.encoding(), if expected == 2 { "listpack" } else { "hashtable" });
    }
}

#[test]
fn an_intersection_gets_the_smallest_form() {
    let limits = limits(3, 5, 64);
    let ints: Vec<LpValue<'_>> = (0..6).map(LpValue::Int).collect();
    let texts = [LpValue::Str(b"1"), LpValue::Str(b"2"), LpValue::Str(b"x")];
    let encoding = |members, of_intset| {
        let set = Set::from_intersection(members, of_intset, &limits);
        assert_eq!(set.len(), members.len());
        set.encoding()
    };
    assert_eq!(encoding(&texts[..2], false), "intset");
    assert_eq!(encoding(&texts, false), "listpack");
    assert_eq!(encoding(&ints[..3], true), "intset");
    assert_eq!(encoding(&ints[..4], true), "hashtable");
    assert_eq!(encoding(&ints[..4], false), "listpack");
    assert_eq!(encoding(&ints, false), "hashtable");
}

#[test]
fn nothing_is_chosen_from_an_empty_set() {
    let mut random = |_| unreachable!("there is nothing to choose from");
    for set in [Set::new(), Set::Listpack(Listpack::new()), Set::Table(Elements::default())] {
        assert!(
            set.is_empty() && set.random(&mut random).is_none() && set.picker().pick(&mut random).is_none()
        );
        assert!(set.sample(3, &mut random).is_empty());
        assert_eq!(set.scan(0, 10, |_| unreachable!("no member")), 0);
    }
}

#[test]
fn a_scan_sees_every_member_that_stays() {
    let limits = Limits::default();
    let mut set = Set::new();
    numbers(0..3_000).iter().for_each(|n| _ = set.add(n.as_bytes(), &limits));
    let (mut cursor, mut calls, mut seen) = (0, 0, BTreeSet::new());
    loop {
        cursor = set.scan(cursor, 10, |member| _ = seen.insert(member.to_vec()));
        calls += 1;
        if cursor == 0 {
            break;
        }
        // Grows and shrinks meanwhile.
        (0..7).for_each(|i| _ = set.add(format!("new:{calls}:{i}").as_bytes(), &limits));
        if calls % 3 == 0 {
            (0..20).for_each(|i| _ = set.remove((calls * 20 + i + 1_000).to_string().as_bytes()));
        }
    }
    assert!(numbers(0..1_000).iter().all(|n| seen.contains(n.as_bytes())));
    assert!(calls > 50, "{calls} calls give far more than was asked for");
}

#[derive(Clone, Debug)]
enum Op {
    Prepare(String, usize),
    Add(String),
    Remove(String),
    Take(usize),
    Split(usize),
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (-12i64..12).prop_map(|n| n.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        2 => "[ab]{0,2}",
        1 => "0[0-9]",
        1 => "c{7,9}",
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => (text(), 0usize..12).prop_map(|(first, n)| Op::Prepare(first, n)),
        12 => text().prop_map(Op::Add),
        6 => text().prop_map(Op::Remove),
        1 => (0usize..9).prop_map(Op::Take),
        1 => (1usize..20).prop_map(Op::Split),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_as_a_sorted_set_of_bytes(
        ops in proptest::collection::vec(op(), 1..80), seed in any::<u64>(), tight in any::<bool>()
    ) {
        let limits = if tight { limits(4, 6, 8) } else { limits(20, 14, 20) };
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut random = |n| rng.usize(..n);
        let mut set = Set::new();
        let mut model = BTreeSet::new();
        for op in ops {
            let rank = |set: &Set| ["intset", "listpack", "hashtable"].iter().position(|e| *e == set.encoding());
            let (form, fresh) = (rank(&set), set.is_empty());
            match op {
                Op::Prepare(first, n) => set.prepare(first.as_bytes(), n, &limits),
                Op::Add(m) => prop_assert_eq!(set.add(m.as_bytes(), &limits), model.insert(m.into_bytes())),
                Op::Remove(m) => prop_assert_eq!(set.remove(m.as_bytes()), model.remove(m.as_bytes())),
                Op::Take(n) => {
                    let taken = set.take_random(n, &mut random);
                    prop_assert_eq!(taken.len(), n.min(model.len()));
                    for member in taken {
                        prop_assert!(model.remove(&member));
                    }
                    prop_assert_eq!(&members(&set), &model);
                }
                Op::Split(n) => {
                    let (rest, taken) = set.split_random(n, &limits, &mut random);
                    let (rest_is, taken) = (members(&rest), BTreeSet::from_iter(taken));
                    prop_assert!(rest_is.is_disjoint(&taken) && rest_is.len() == n.min(model.len()));
                    prop_assert_eq!(&(&rest_is | &taken), &model);
                    (set, model) = (rest, rest_is);
                    continue;
                }
            }
            prop_assert!(rank(&set) >= form || fresh, "no form is taken back");
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.is_empty(), model.is_empty());
            match &set {
                Set::Intset(_) => prop_assert!(set.len() <= limits.set_max_intset_entries),
                Set::Listpack(_) => {
                    prop_assert!(set.len() <= limits.set_max_listpack_entries);
                    prop_assert!(set.iter().all(|m| m.len() <= limits.set_max_listpack_value));
                }
                Set::Table(_) => {}
            }
        }
        prop_assert_eq!(&members(&set), &model);
        let mut scanned = BTreeSet::new();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, 3, |m| _ = scanned.insert(m.to_vec()));
            if cursor == 0 { break; }
        }
        prop_assert_eq!(&scanned, &model);
        for m in &model {
            prop_assert!(set.contains(m) && set.contains_value(LpValue::encode(m)));
            prop_assert!(!set.contains(&[m, &b"?"[..]].concat()));
        }
        for count in [0, 1, model.len() / 2, model.len(), model.len() + 3] {
            let sample: BTreeSet<_> = set.sample(count, &mut random).iter().map(|m| m.to_vec()).collect();
            prop_assert!(sample.is_subset(&model) && sample.len() == count.min(model.len()));
        }
        if let Some(m) = set.random(&mut random) {
            prop_assert!(model.contains(&m.to_vec()));
            prop_assert!(model.contains(&set.picker().pick(&mut random).unwrap().to_vec()));
        }
    }
}
