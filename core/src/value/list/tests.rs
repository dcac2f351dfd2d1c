//! Both forms against a plain sequence, and what a held snapshot sees.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

fn limits(size: i64) -> Limits {
    Limits { list_max_listpack_size: size, ..Limits::default() }
}

fn contents(list: &List) -> Vec<Vec<u8>> {
    list.iter().map(|value| value.to_vec()).collect()
}

fn check(list: &List, model: &VecDeque<Vec<u8>>) {
    assert_eq!(list.len(), model.len());
    assert_eq!(list.is_empty(), model.is_empty());
    assert!(list.iter().map(|value| value.to_vec()).eq(model.iter().cloned()), "forward");
    let last = model.len().saturating_sub(1);
    let back = list.range_back(last, usize::MAX);
    assert!(back.map(|value| value.to_vec()).eq(model.iter().rev().cloned()), "backward");
    if let List::Nodes(nodes) = list {
        nodes.check();
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(bool, Vec<Vec<u8>>),
    Pop(bool, usize),
    Set(i64, Vec<u8>),
    Insert(usize, bool, Vec<u8>),
    Remove(usize, usize, bool),
    Trim(usize, usize),
    Get(i64),
    Range(usize, usize),
    Hold,
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u8..5).prop_map(|n| vec![b'a' + n]),
        3 => (-3i64..300).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        2 => (0usize..600).prop_map(|len| vec![b'x'; len]),
        1 => (4000usize..4200).prop_map(|len| vec![b'y'; len]),
        1 => (8100usize..8300).prop_map(|len| vec![b'z'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (any::<bool>(), prop::collection::vec(element(), 1..20)).prop_map(|(e, v)| Op::Push(e, v)),
        2 => (any::<bool>(), 0usize..12).prop_map(|(e, n)| Op::Pop(e, n)),
        3 => (-200i64..200, element()).prop_map(|(i, v)| Op::Set(i, v)),
        3 => (0usize..200, any::<bool>(), element()).prop_map(|(i, b, v)| Op::Insert(i, b, v)),
        2 => (0usize..200, 1usize..6, any::<bool>()).prop_map(|(i, n, e)| Op::Remove(i, n, e)),
        1 => (0usize..200, 0usize..200).prop_map(|(s, n)| Op::Trim(s, n)),
        2 => (-200i64..200).prop_map(Op::Get),
        2 => (0usize..200, 0usize..200).prop_map(|(s, n)| Op::Range(s, n)),
        2 => Just(Op::Hold),
    ]
}

fn end(head: bool) -> End {
    if head { End::Head } else { End::Tail }
}

fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, op: &Op, limits: &Limits) {
    let index_in = |index: i64, len: usize| {
        let index = if index < 0 { index + len as i64 } else { index };
        usize::try_from(index).ok().filter(|&i| i < len)
    };
    match op {
        Op::Push(head, values) => {
            let refs: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            list.push(end(*head), &refs, limits);
            for value in values {
                if *head { model.push_front(value.clone()) } else { model.push_back(value.clone()) }
            }
        }
        Op::Pop(head, count) => {
            let mut popped = Vec::new();
            list.pop(end(*head), *count, limits, |value| popped.push(value.to_vec()));
            let expected: Vec<_> =
                (0..*count).map_while(|_| if *head { model.pop_front() } else { model.pop_back() }).collect();
            assert_eq!(popped, expected);
        }
        Op::Set(index, value) => {
            let found = index_in(*index, model.len());
            assert_eq!(list.set(*index, value, limits), found.is_some());
            if let Some(i) = found {
                model[i] = value.clone();
            }
        }
        Op::Insert(pivot, before, value) => {
            let pivot = model.get(*pivot).cloned().unwrap_or_else(|| b"nowhere".to_vec());
            let found = model.iter().position(|e| *e == pivot);
            assert_eq!(list.insert(&pivot, *before, value, limits), found.is_some());
            if let Some(i) = found {
                model.insert(if *before { i } else { i + 1 }, value.clone());
            }
        }
        Op::Remove(which, count, head) => {
            let victim = model.get(*which).cloned().unwrap_or_else(|| b"a".to_vec());
            let removed = list.remove(&victim, *count, end(*head), limits);
            let mut expected = 0;
            while expected < *count {
                let at = if *head {
                    model.iter().position(|e| *e == victim)
                } else {
                    model.iter().rposition(|e| *e == victim)
                };
                let Some(at) = at else { break };
                model.remove(at);
                expected += 1;
            }
            assert_eq!(removed, expected);
        }
        Op::Trim(start, len) => {
            if *start < model.len() {
                list.trim(*start, *len, limits);
                *model = model.iter().skip(*start).take(*len).cloned().collect();
            }
        }
        Op::Get(index) => {
            let expected = index_in(*index, model.len()).map(|i| model[i].clone());
            assert_eq!(list.get(*index).map(|value| value.to_vec()), expected);
        }
        Op::Range(start, count) => {
            let got: Vec<_> = list.range(*start, *count).map(|value| value.to_vec()).collect();
            let expected: Vec<_> = model.iter().skip(*start).take(*count).cloned().collect();
            assert_eq!(got, expected);
            let got: Vec<_> = list.range_back(*start, *count).map(|value| value.to_vec()).collect();
            let skip = model.len().saturating_sub(start + 1);
            let take = if *start < model.len() { *count } else { 0 };
            let expected: Vec<_> = model.iter().rev().skip(skip).take(take).cloned().collect();
            assert_eq!(got, expected);
        }
        Op::Hold => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever is done, the list is what a plain sequence would be; and what was cloned on the way, as a cut does,
    /// stays what it was.
    #[test]
    fn is_a_sequence(size in prop_oneof![Just(-1i64), Just(-2), Just(1), Just(3), Just(128)],
                     ops in prop::collection::vec(op(), 1..60)) {
        let limits = limits(size);
        let mut list = List::new();
        let mut model = VecDeque::new();
        let mut held: Vec<(List, Vec<Vec<u8>>)> = Vec::new();
        for op in &ops {
            apply(&mut list, &mut model, op, &limits);
            check(&list, &model);
            if matches!(op, Op::Hold) {
                held.push((list.clone(), contents(&list)));
            }
        }
        for (list, was) in &held {
            prop_assert_eq!(&contents(list), was);
            check(list, &was.iter().cloned().collect());
        }
    }

    /// Lists of very many nodes: several chunks come and go.
    #[test]
    fn chunks_split_and_join(seed in any::<u64>()) {
        let limits = limits(1);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut list = List::new();
        let mut model = VecDeque::new();
        for phase in 0..6 {
            for _ in 0..400 {
                let value = vec![rng.u16(0..500).to_string().into_bytes()];
                let op = match (phase % 2, rng.u8(0..4)) {
                    (0, 0) | (1, 3) => Op::Insert(rng.usize(0..model.len().max(1)), rng.bool(), value[0].clone()),
                    (0, _) => Op::Push(rng.bool(), value),
                    (_, 0) => Op::Pop(rng.bool(), rng.usize(0..8)),
                    _ => Op::Remove(rng.usize(0..model.len().max(1)), 1, rng.bool()),
                };
                apply(&mut list, &mut model, &op, &limits);
            }
            check(&list, &model);
            for _ in 0..20 {
                apply(&mut list, &mut model, &Op::Get(rng.i64(-1500..1500)), &limits);
                apply(&mut list, &mut model, &Op::Range(rng.usize(0..1500), rng.usize(0..300)), &limits);
            }
        }
        let keep = model.len() / 3;
        apply(&mut list, &mut model, &Op::Trim(keep, keep), &limits);
        check(&list, &model);
    }
}

/// A cut that holds the list shares all nodes; a change behind its back copies one node, not the list.
#[test]
fn a_held_list_is_copied_node_by_node() {
    let limits = limits(-2);
    let elements: Vec<Vec<u8>> = (0..20_000u32).map(|n| format!("element {n}").into_bytes()).collect();
    let mut list = List::from_elements(&elements, &limits);
    let held = list.clone();
    let parts = |list: &List| match list {
        List::Nodes(nodes) => nodes.iter().map(std::ptr::from_ref).collect::<Vec<_>>(),
        List::Listpack(_) => panic!("a big list has nodes"),
    };
    assert_eq!(parts(&list), parts(&held));
    assert!(list.set(10_000, b"changed", &limits));
    list.push(End::Tail, &[b"more"], &limits);
    let same = parts(&list).iter().zip(parts(&held)).filter(|(a, b)| **a == *b).count();
    assert_eq!(same, parts(&held).len() - 2);
    assert_eq!(contents(&held), elements);
    assert_eq!(list.get(-1).map(|value| value.to_vec()), Some(b"more".to_vec()));
    assert_eq!(list.get(10_000).map(|value| value.to_vec()), Some(b"changed".to_vec()));
}

/// As a Redis 7.2 answers OBJECT ENCODING.
#[test]
fn the_form_follows_the_limit() {
    let limits_3 = limits(3);
    let mut list = List::new();
    list.push(End::Tail, &[b"a", b"b", b"c"], &limits_3);
    assert_eq!(list.encoding(), "listpack");
    assert!(!list.insert(b"nowhere", true, b"x", &limits_3));
    assert_eq!(list.encoding(), "quicklist", "the attempt is enough");
    list.pop(End::Head, 1, &limits_3, |_| ());
    assert_eq!(list.encoding(), "quicklist", "two are more than half of three");
    list.pop(End::Tail, 1, &limits_3, |_| ());
    assert_eq!(list.encoding(), "listpack");

    let limits = limits(-2);
    let mut list = List::new();
    list.push(End::Head, &[&[b'x'; 8185]], &limits);
    assert_eq!(list.encoding(), "listpack", "7 bytes of an empty listpack and 8185");
    let mut list = List::new();
    list.push(End::Head, &[&[b'x'; 8186]], &limits);
    assert_eq!(list.encoding(), "quicklist");
    list.push(End::Head, &[b"1"], &limits);
    list.pop(End::Tail, 1, &limits, |_| ());
    assert_eq!(list.encoding(), "listpack");
}

#[test]
fn large_elements_get_nodes_of_their_own() {
    let limits = limits(-2);
    let large = vec![b'L'; 8193];
    let mut list = List::new();
    list.push(End::Tail, &[b"a", b"b", b"c"], &limits);
    assert!(list.insert(b"b", false, &large, &limits));
    let kinds = |list: &List| match list {
        List::Nodes(nodes) => nodes.iter().map(|node| matches!(node, Node::Plain(_))).collect::<Vec<_>>(),
        List::Listpack(_) => Vec::new(),
    };
    assert_eq!(kinds(&list), [false, true, false]);
    assert!(list.set(0, &large, &limits));
    assert_eq!(kinds(&list), [true, false, true, false]);
    assert!(list.set(2, b"small", &limits));
    assert_eq!(contents(&list), [large.clone(), b"b".to_vec(), b"small".to_vec(), b"c".to_vec()]);
}

#[test]
fn built_from_parts_of_a_file() {
    let limits = limits(-2);
    let pack = |elements: &[&[u8]]| {
        let mut lp = Listpack::new();
        elements.iter().for_each(|element| lp.push(element));
        lp
    };
    let list = List::from_nodes([Node::Packed(pack(&[b"1", b"two"]))], &limits);
    assert_eq!(list.encoding(), "listpack");
    let list = List::from_nodes([Node::Packed(Listpack::new())], &limits);
    assert!(list.is_empty());
    let list = List::from_nodes(
        [Node::Packed(pack(&[b"1", b"two"])), Node::Packed(Listpack::new()), Node::Plain(b"p".to_vec())],
        &limits,
    );
    assert_eq!((list.encoding(), list.len()), ("quicklist", 3));
    assert_eq!(contents(&list), [b"1".to_vec(), b"two".to_vec(), b"p".to_vec()]);

    // A node of a megabyte, from a server without such limits, is cut up.
    let many: Vec<Vec<u8>> = (0..50_000u32).map(|n| format!("element {n}").into_bytes()).collect();
    let refs: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    for list in [
        List::from_nodes([Node::Packed(pack(&refs))], &limits),
        List::from_listpack(pack(&refs), &limits),
        List::from_elements(&many, &limits),
    ] {
        let List::Nodes(nodes) = &list else { panic!("a big list has nodes") };
        nodes.check();
        assert!(nodes.iter().all(|node| node.memory() <= 2 * 8192));
        assert_eq!(contents(&list), many);
    }
}

/// Elements no listpack length field can count are not kept in one.
#[test]
fn a_listpack_knows_its_length() {
    let limits = limits(i64::MAX);
    let empty: Vec<&[u8]> = vec![b""; 70_000];
    let mut list = List::new();
    list.push(End::Head, &empty, &limits);
    assert_eq!((list.encoding(), list.len()), ("quicklist", 70_000));
    list.pop(End::Head, 69_999, &limits, |_| ());
    assert_eq!((list.encoding(), list.len()), ("listpack", 1));
}
