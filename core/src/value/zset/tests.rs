use super::range::{LexBound, ScoreBound};
use super::tree::{Item, Member, Tree};
use super::*;
use crate::value::elements::Records;
use crate::value::snapshot::Ledger;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Member for [u8; 4] {
    fn bytes(&self) -> &[u8] {
        self
    }
}

fn item((score, member): (i32, u32)) -> Item<[u8; 4]> {
    Item { score: f64::from(score) / 4.0, member: member.to_be_bytes() }
}

fn key(item: &Item<[u8; 4]>) -> (i32, u32) {
    ((item.score * 4.0) as i32, u32::from_be_bytes(item.member))
}

/// Everything a tree answers, against the sorted list of what is in it.
fn tree_agrees(tree: &Tree<[u8; 4]>, model: &BTreeSet<(i32, u32)>) {
    tree.check();
    let sorted: Vec<_> = model.iter().copied().collect();
    assert_eq!(tree.range(0, usize::MAX).map(key).collect::<Vec<_>>(), sorted);
    assert_eq!(tree.range(0, usize::MAX).rev().map(key).collect::<Vec<_>>(), {
        let mut down = sorted.clone();
        down.reverse();
        down
    });
    for (rank, element) in sorted.iter().enumerate().step_by(sorted.len() / 50 + 1) {
        let probe = item(*element);
        assert_eq!(tree.count_while(|other| other.cmp_to(probe.score, &probe.member).is_lt()), rank);
        assert_eq!(tree.range(rank, rank + 1).map(key).next(), Some(*element));
        let mut middle = tree.range(rank, rank + 100);
        let want = &sorted[rank..(rank + 100).min(sorted.len())];
        assert_eq!(middle.size_hint().0, want.len());
        // From both ends in turn.
        let (mut low, mut high) = (0, want.len());
        while low < high {
            assert_eq!(middle.next().map(key), Some(want[low]));
            low += 1;
            if low < high {
                high -= 1;
                assert_eq!(middle.next_back().map(key), Some(want[high]));
            }
        }
        assert!(middle.next().is_none() && middle.next_back().is_none());
    }
}

#[test]
fn a_tree_agrees_with_a_sorted_list_under_random_changes() {
    for seed in 0..12 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut tree = Tree::new();
        let mut model = BTreeSet::new();
        // Growing, level, shrinking; few distinct scores now and then.
        for phase in 0..9 {
            let (inserts, scores) = ([9, 5, 1][phase % 3], [100_000, 5][seed as usize % 2]);
            for _ in 0..3_000 {
                let element = (rng.i32(-scores..scores), rng.u32(0..20_000));
                if rng.u32(0..10) < inserts {
                    if model.insert(element) {
                        tree.insert(item(element));
                    }
                } else if rng.bool() {
                    let near = model.range(element..).next().copied().unwrap_or(element);
                    let probe = item(near);
                    assert_eq!(tree.remove(probe.score, &probe.member), model.remove(&near));
                } else {
                    let rank = rng.usize(0..model.len() + 10);
                    let count = [1, 2, rng.usize(0..300)][rng.usize(0..3)];
                    let gone: Vec<_> = model.iter().skip(rank).take(count).copied().collect();
                    let mut out = Vec::new();
                    tree.remove_ranks(rank, count, &mut out);
                    assert_eq!(out.iter().map(key).collect::<Vec<_>>(), gone);
                    gone.iter().for_each(|element| assert!(model.remove(element)));
                }
            }
            tree_agrees(&tree, &model);
        }
        let mut out = Vec::new();
        tree.remove_ranks(0, usize::MAX, &mut out);
        assert_eq!(out.len(), model.len());
        tree.check();
        assert!(tree.memory() <= 1040, "at most a leaf is left");
    }
}

#[test]
fn series_fill_their_leaves() {
    let count = 100_000u32;
    for order in ["up", "down", "bulk"] {
        let mut tree = Tree::new();
        match order {
            "up" => (0..count).for_each(|n| tree.insert(item((n as i32, n)))),
            "down" => (0..count).rev().for_each(|n| tree.insert(item((n as i32, n)))),
            _ => tree = Tree::from_sorted(&(0..count).map(|n| item((n as i32, n))).collect::<Vec<_>>()),
        }
        tree_agrees(&tree, &(0..count).map(|n| (n as i32, n)).collect());
        assert!(tree.memory() < count as usize * 21, "{order}: {} bytes", tree.memory());
    }
    for count in [0usize, 1, 63, 64, 65, 128, 56 * 28, 56 * 28 + 1] {
        let model: BTreeSet<_> = (0..count as u32).map(|n| (n as i32 / 7, n)).collect();
        let items: Vec<_> = model.iter().copied().map(item).collect();
        tree_agrees(&Tree::from_sorted(&items), &model);
    }
}

const SMALL: Limits = Limits {
    list_packed_threshold: 0,
    list_max_listpack_size: -2,
    hash_max_listpack_entries: 0,
    hash_max_listpack_value: 0,
    set_max_intset_entries: 0,
    set_max_listpack_entries: 0,
    set_max_listpack_value: 0,
    zset_max_listpack_entries: 20,
    zset_max_listpack_value: 10,
    stream_node_max_bytes: 0,
    stream_node_max_entries: 0,
};

/// A key that orders as sorted sets do: score first (no NaN), then the member.
#[derive(Clone, Copy, PartialEq)]
struct Score(f64);
impl Eq for Score {}
impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).expect("no NaN enters")
    }
}

#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    fn sorted(&self) -> Vec<(Vec<u8>, f64)> {
        let mut all: Vec<_> = self.scores.iter().map(|(m, s)| (Score(*s), m.clone())).collect();
        all.sort();
        all.into_iter().map(|(s, m)| (m, s.0)).collect()
    }
}

fn listed(zset: &ZSet) -> Vec<(Vec<u8>, f64)> {
    zset.iter().map(|(member, score)| (member.to_vec(), score)).collect()
}

fn agrees(zset: &ZSet, model: &Model) {
    zset.check();
    let sorted = model.sorted();
    assert_eq!(listed(zset), sorted);
    assert_eq!(zset.len(), sorted.len());
    for (rank, (member, score)) in sorted.iter().enumerate() {
        assert_eq!(zset.rank(member), Some((rank, *score)));
        assert_eq!(zset.score(member), Some(*score));
    }
    assert_eq!(zset.score(b"absent"), None);
    assert_eq!(zset.rank(b"absent"), None);
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20i32..20).prop_map(|n| f64::from(n) / 2.0),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.1), Just(-0.0), Just(1e300)],
    ]
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u32..40).prop_map(|n| n.to_string().into_bytes()),
        3 => proptest::collection::vec(any::<u8>(), 0..3),
        1 => (0u32..40).prop_map(|n| format!("long-member-{n}").into_bytes()),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Add(Vec<u8>, f64, u8),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Expect(usize, usize),
    Copy,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (member(), score(), any::<u8>()).prop_map(|(m, s, o)| Op::Add(m, s, o)),
        4 => member().prop_map(Op::Remove),
        1 => (0usize..30, 0usize..6).prop_map(|(r, n)| Op::RemoveRanks(r, n)),
        1 => (0usize..22, 0usize..12).prop_map(|(n, l)| Op::Expect(n, l)),
        1 => Just(Op::Copy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_sorted_set_agrees_with_a_map(ops in proptest::collection::vec(op(), 0..120)) {
        let mut zset = ZSet::new();
        let mut model = Model::default();
        for op in ops {
            match op {
                Op::Add(member, score, bits) => {
                    let options = AddOptions {
                        nx: bits & 7 == 1,
                        xx: bits & 7 == 2,
                        gt: bits & 24 == 8,
                        lt: bits & 24 == 16,
                        incr: bits & 32 != 0,
                    };
                    let old = model.scores.get(&member).copied();
                    let new = if options.incr { old.unwrap_or(0.0) + score } else { score };
                    let added = zset.add(&member, score, options, &SMALL);
                    let want = match old {
                        None if options.xx => Added::Skipped,
                        None => Added::New(score),
                        Some(_) if options.nx => Added::Skipped,
                        Some(_) if new.is_nan() => Added::NotANumber,
                        Some(old) if options.gt && new <= old => Added::Skipped,
                        Some(old) if options.lt && new >= old => Added::Skipped,
                        Some(old) if old == new => Added::Same(new),
                        Some(_) => Added::Updated(new),
                    };
                    prop_assert_eq!(added, want);
                    if let Added::New(score) | Added::Updated(score) = added {
                        model.scores.insert(member, score);
                    }
                }
                Op::Remove(member) => prop_assert_eq!(zset.remove(&member), model.scores.remove(&member)),
                Op::RemoveRanks(rank, count) => {
                    let gone: Vec<_> = model.sorted().into_iter().skip(rank).take(count).collect();
                    prop_assert_eq!(zset.remove_ranks(rank..rank + count), gone.len());
                    model.scores.retain(|member, _| !gone.iter().any(|(m, _)| m == member));
                }
                Op::Expect(members, longest) => zset.expect(members, longest, &SMALL),
                Op::Copy => {
                    let copy = zset.clone();
                    prop_assert_eq!(copy.encoding(), zset.encoding());
                    zset = copy;
                }
            }
        }
        agrees(&zset, &model);
    }

    #[test]
    fn ranges_are_what_a_filter_gives(
        members in proptest::collection::btree_map(member(), score(), 0..40),
        (low, low_open, high, high_open) in (score(), any::<bool>(), score(), any::<bool>()),
        (from, to) in (member(), member()),
    ) {
        let mut zset = ZSet::new();
        let mut flat = ZSet::new();
        for (member, score) in &members {
            zset.add(member, *score, AddOptions::default(), &SMALL);
            flat.add(member, 7.5, AddOptions::default(), &SMALL);
        }
        let model = Model { scores: members };
        let ranks = zset.ranks_by_score(
            ScoreBound { score: low, open: low_open },
            ScoreBound { score: high, open: high_open },
        );
        let inside = |s: f64| {
            (if low_open { s > low } else { s >= low }) && (if high_open { s < high } else { s <= high })
        };
        let want: Vec<_> = model.sorted().into_iter().filter(|(_, s)| inside(*s)).collect();
        let got: Vec<_> = zset.range(ranks).map(|(m, s)| (m.to_vec(), s)).collect();
        prop_assert_eq!(got, want);

        for (min, max) in [
            (LexBound::Closed(&from), LexBound::Open(&to)),
            (LexBound::Open(&from), LexBound::Closed(&to)),
            (LexBound::Lowest, LexBound::Closed(&to)),
            (LexBound::Closed(&from), LexBound::Highest),
            (LexBound::Highest, LexBound::Lowest),
        ] {
            let ranks = flat.ranks_by_lex(min, max);
            let got: Vec<_> = flat.range(ranks).rev().map(|(m, _)| m.to_vec()).collect();
            let above = |m: &[u8]| match min {
                LexBound::Lowest => true,
                LexBound::Highest => false,
                LexBound::Closed(b) => m >= b,
                LexBound::Open(b) => m > b,
            };
            let below = |m: &[u8]| match max {
                LexBound::Lowest => false,
                LexBound::Highest => true,
                LexBound::Closed(b) => m <= b,
                LexBound::Open(b) => m < b,
            };
            let want: Vec<_> =
                model.scores.keys().rev().filter(|m| above(m) && below(m)).cloned().collect();
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn built_in_any_order_it_is_the_same(members in proptest::collection::hash_map(member(), score(), 0..60)) {
        let mut builder = Builder::new(members.len());
        for (member, score) in &members {
            prop_assert!(builder.add(member, *score).is_ok());
            prop_assert!(builder.add(member, 1.0).is_err());
            prop_assert!(builder.add(b"not a number", f64::NAN).is_err());
        }
        let zset = builder.finish(&SMALL);
        let model = Model { scores: members.into_iter().collect() };
        agrees(&zset, &model);
        let fits = model.scores.len() <= 20 && model.scores.keys().all(|m| m.len() <= 10);
        prop_assert_eq!(zset.encoding(), if fits { "listpack" } else { "skiplist" });
        if let Some(lp) = zset.as_listpack() {
            let again = ZSet::from_listpack(lp.clone(), &SMALL).expect("what we made is sound");
            agrees(&again, &model);
            let wide = Limits { zset_max_listpack_entries: 3, ..SMALL };
            let table = ZSet::from_listpack(lp.clone(), &wide).expect("what we made is sound");
            prop_assert_eq!(table.encoding() == "skiplist", model.scores.len() > 3);
            agrees(&table, &model);
        }
    }
}

#[test]
fn listpacks_from_files_are_checked() {
    let build = |entries: &[&str]| {
        let mut lp = Listpack::new();
        entries.iter().for_each(|entry| lp.push(entry.as_bytes()));
        ZSet::from_listpack(lp, &Limits::default()).map(|zset| zset.len())
    };
    assert_eq!(build(&["a", "1", "b", "1", "c", "1.5", "d", "inf"]), Ok(4));
    assert_eq!(build(&["b", "-0", "a", "1e2"]), Ok(2));
    for wrong in [
        &["a", "1", "b"][..],
        &["b", "1", "a", "1"],
        &["a", "2", "b", "1"],
        &["a", "1", "a", "1"],
        &["a", "1", "b", "2", "a", "3"],
        &["a", "nan"],
        &["a", "one"],
        &["a", "1.5x"],
        &["a", ""],
    ] {
        assert!(build(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn negative_zero_survives_in_the_table_only() {
    for (limits, text) in [(SMALL, "0"), (Limits { zset_max_listpack_entries: 0, ..SMALL }, "-0")] {
        let mut zset = ZSet::new();
        zset.add(b"m", -0.0, AddOptions::default(), &limits);
        let shown = crate::encoding::num::fmt_f64(zset.score(b"m").unwrap_or(1.0));
        assert_eq!(shown.as_str(), text);
        assert_eq!(zset.add(b"m", 0.0, AddOptions::default(), &limits), Added::Same(0.0));
    }
}

/// While a cut saves it in steps, a big sorted set changes; the records are those of the cut.
#[test]
fn a_cut_sees_the_scores_it_met() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut zset = ZSet::new();
    for n in 0..3_000u32 {
        zset.add(&n.to_be_bytes(), f64::from(n % 50), AddOptions::default(), &SMALL);
    }
    let at_cut: BTreeMap<_, _> = listed(&zset).into_iter().collect();
    let elements = zset.elements_mut().expect("3000 members are a table");
    elements.register(1, Arc::new(Ledger::default()));
    let mut out = Vec::new();
    while zset.elements_mut().is_some_and(|elements| elements.save_step(2, &mut out)) {
        for _ in 0..20 {
            let member = rng.u32(0..4_000).to_be_bytes();
            match rng.u8(0..3) {
                0 => {
                    zset.remove(&member);
                }
                1 => {
                    zset.add(&member, f64::from(rng.u8(..)), AddOptions::default(), &SMALL);
                }
                _ => {
                    let rank = rng.usize(0..3_000);
                    zset.remove_ranks(rank..rank + rng.usize(0..20));
                }
            }
        }
        zset.check();
    }
    let mut saved = BTreeMap::new();
    for (member, score) in Records(&out) {
        let score = f64::from_le_bytes(score.try_into().expect("8 bytes of score"));
        assert!(saved.insert(member.to_vec(), score).is_none(), "saved twice");
    }
    assert_eq!(saved, at_cut);
}

#[test]
fn random_members_are_members() {
    let mut rng = fastrand::Rng::with_seed(3);
    for count in [1u32, 10, 500] {
        let mut zset = ZSet::new();
        let mut random = |n| rng.usize(0..n);
        assert!(zset.random(&mut random).is_none() && zset.picker().pick(&mut random).is_none());
        for n in 0..count {
            zset.add(n.to_string().as_bytes(), f64::from(n), AddOptions::default(), &SMALL);
        }
        let mut seen = BTreeSet::new();
        for _ in 0..count * 10 {
            let one = zset.random(&mut random).expect("it is not empty");
            let other = zset.picker().pick(&mut random).expect("it is not empty");
            for (member, score) in [one, other] {
                assert_eq!(member.to_vec(), (score as u32).to_string().into_bytes());
                seen.insert(score as u32);
            }
        }
        for wanted in [0, 1, count as usize / 5, count as usize, usize::MAX] {
            let sample = zset.sample(wanted, &mut random);
            assert_eq!(sample.len(), wanted.min(count as usize));
            let distinct: BTreeSet<_> = sample.iter().map(|(_, score)| *score as u32).collect();
            assert_eq!(distinct.len(), sample.len());
        }
        assert!(seen.len() as u32 >= count * 9 / 10);
    }
}

#[test]
fn a_scan_gives_every_member() {
    for count in [5u32, 700] {
        let mut zset = ZSet::new();
        for n in 0..count {
            zset.add(&n.to_be_bytes(), 0.5, AddOptions::default(), &SMALL);
        }
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        loop {
            cursor = zset.scan(cursor, 10, |member, score| {
                assert_eq!(score, 0.5);
                seen.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len() as u32, count);
    }
}
