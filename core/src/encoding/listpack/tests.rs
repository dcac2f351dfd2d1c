use super::*;
use crate::encoding::tests::hex;
use proptest::prelude::*;

fn texts(list: &Listpack) -> Vec<Vec<u8>> {
    list.iter().map(|value| value.to_vec()).collect()
}

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// Blobs saved by real servers (Redis 7.2.6 and 7.4.1), and what they hold.
#[test]
fn reads_what_redis_wrote() {
    let set = Listpack::from_bytes(hex("0f 00 00 00 03 00 81 61 02 81 62 02 01 01 ff")).unwrap();
    assert_eq!(texts(&set), words("a b 1"));
    let hash = Listpack::from_bytes(hex("12 00 00 00 04 00 81 66 02 81 76 02 81 6e 02 2a 01 ff")).unwrap();
    assert_eq!(texts(&hash), words("f v n 42"));
    let zset = hex("36 00 00 00 0a 00 84 6e 69 6e 66 05 84 2d 69 6e 66 05 83 6f 6e 65 04 01 01
        87 6f 6e 65 68 61 6c 66 08 83 31 2e 35 04 03 01 03 01 83 69 6e 66 04 83 69 6e 66 04 ff");
    let zset = Listpack::from_bytes(zset).unwrap();
    assert_eq!(texts(&zset), words("ninf -inf one 1 onehalf 1.5 3 3 inf inf"));
    let with_ttl = hex("2c 00 00 00 09 00 81 62 02 02 01 f4 60 51 c2 2c
        bb 03 00 00 09 81 61 02 01 01 f4 00 d8 c3 2c bb 03 00 00 09 81 63 02 03 01 00 01 ff");
    let with_ttl = Listpack::from_bytes(with_ttl).unwrap();
    assert_eq!(texts(&with_ttl), words("b 2 4102444700000 a 1 4102444800000 c 3 0"));
    let stream = hex("51 00 00 00 19 00 02 01 01 01 02 01 82 66 31 03 82 66 32 03 00 01 02 01 00 01 00 01
        82 76 31 03 82 76 32 03 05 01 03 01 00 01 01 01 82 76 33 03 82 76 34 03 05 01 00 01 c3 e8 02 df ff 02
        01 01 85 6f 74 68 65 72 06 85 66 69 65 6c 64 06 06 01 ff");
    let stream = Listpack::from_bytes(stream).unwrap();
    assert_eq!(texts(&stream), words("2 1 2 f1 f2 0 2 0 0 v1 v2 5 3 0 1 v3 v4 5 0 1000 -1 1 other field 6"));

    // The same elements, pushed here, make the same bytes.
    for list in [set, hash, zset, with_ttl, stream] {
        let mut again = Listpack::new();
        texts(&list).iter().for_each(|text| again.push(text));
        assert_eq!(again, list);
    }
}

/// The list `l:small` of the fixtures: every encoding but the 32-bit string, as Redis 7.2.6 keeps it in memory.
#[test]
fn every_encoding_is_that_of_redis() {
    let mut list = Listpack::new();
    let elements = words(
        "a b 1 -1 4095 4096 -4096 -4097 32767 32768 8388607 8388608 2147483647 2147483648 9223372036854775807",
    );
    elements.iter().for_each(|element| list.push(element));
    list.push(&[b's'; 63]);
    list.push(&[b's'; 64]);
    list.push(&[b't'; 200]);
    let mut want = hex("9e 01 00 00 12 00 81 61 02 81 62 02 01 01 df ff 02 cf ff 02 f1 00 10 03 d0 00 02
        f1 ff ef 03 f1 ff 7f 03 f2 00 80 00 04 f2 ff ff 7f 04 f3 00 00 80 00 05 f3 ff ff ff 7f 05
        f4 00 00 00 80 00 00 00 00 09 f4 ff ff ff ff ff ff ff 7f 09 bf");
    want.extend([b's'; 63]);
    want.extend(hex("40 e0 40"));
    want.extend([b's'; 64]);
    want.extend(hex("42 e0 c8"));
    want.extend([b't'; 200]);
    want.extend(hex("01 ca ff"));
    assert_eq!(list.bytes(), want);
    assert_eq!(Listpack::from_bytes(want).unwrap().len(), 18);
}

#[test]
fn backward_lengths_change_size_where_redis_changes_them() {
    use entry::{backlen, start_of_entry_before};
    for (len, want) in [
        (127, "7f"),
        (128, "01 80"),
        (16382, "7f fe"),
        (16383, "00 ff ff"),
        (2097150, "7f ff fe"),
        (2097151, "00 ff ff ff"),
        (268435454, "7f ff ff fe"),
        (268435455, "00 ff ff ff ff"),
    ] {
        let (bytes, size) = backlen(len);
        assert_eq!(bytes[..size], hex(want), "{len}");
    }
    for len in [0usize, 1, 127, 128, 16382, 16383, 70_000] {
        let (back, size) = backlen(len);
        let mut bytes = vec![0; len];
        bytes.extend_from_slice(&back[..size]);
        assert_eq!(start_of_entry_before(&bytes, bytes.len()), 0, "{len}");
    }
}

#[test]
fn equality_is_of_texts() {
    let mut list = Listpack::new();
    list.push(b"007");
    list.push(b"7");
    list.push_value(LpValue::Str(b"8"));
    let view = list.view();
    let start = view.first().unwrap();
    assert_eq!(view.find(b"7", start, 0), view.seek(1));
    assert_eq!(view.find(b"8", start, 0), view.seek(2));
    assert_eq!(view.find(b"07", start, 0), None);
    assert_eq!(view.find(b"7", start, 1), None);
    assert_eq!(view.find(b"8", start, 1), view.seek(2));
    assert_eq!(LpValue::Int(8), LpValue::Str(b"8"));
    assert_ne!(LpValue::Int(8), LpValue::Str(b"08"));
    assert_eq!(view.get(view.seek(2).unwrap()).as_i64(), Some(8));
}

#[test]
fn counts_beyond_the_field_are_scanned() {
    let mut list = Listpack::new();
    for n in 0..65_534 {
        list.push_int(n % 100);
    }
    assert_eq!(list.bytes()[4..6], [0xFE, 0xFF]);
    list.push_int(1);
    list.push_int(2);
    assert_eq!(list.bytes()[4..6], [0xFF, 0xFF]);
    assert_eq!(list.len(), 65_536);
    assert_eq!(list.seek(-1), list.last());
    assert_eq!(list.seek(65_536), None);
    assert_eq!(list.seek(-65_537), None);
    let list = Listpack::from_bytes(list.into_bytes()).unwrap();
    assert_eq!(list.len(), 65_536);
    let mut head = list.clone();
    let tail = head.split_off(head.seek(3).unwrap());
    assert_eq!((head.len(), tail.len()), (3, 65_533));
    assert_eq!(head.bytes()[4..6], [3, 0]);
    head.append(tail.view());
    assert_eq!(head, list);
    assert_eq!(head.remove_range(1, usize::MAX), 65_535);
    assert_eq!(head.remove_range(0, 1), 1);
    assert_eq!(head, Listpack::new());
}

#[test]
fn damage_is_refused() {
    let good = "0f 00 00 00 03 00 81 61 02 81 62 02 01 01 ff";
    for (bytes, why) in [
        ("", "shorter than its header"),
        ("06 00 00 00 00 00", "no terminator"),
        ("07 00 00 00 00 00 00", "no terminator"),
        ("08 00 00 00 00 00 ff", "size field"),
        ("07 00 00 00 01 00 ff", "count field"),
        (&good.replace("03 00", "04 00"), "count field"),
        (&good.replace("62 02", "62 03"), "backward length"),
        (&good.replace("82 62", "bf 62").replace("81 62", "bf 62"), "beyond the end"),
        (&good.replace("81 61 02", "f5 61 02"), "unknown encoding"),
        (&good.replace("81 61 02", "ff 61 02"), "before its declared size"),
        ("0c 00 00 00 01 00 f0 ff ff ff ff ff", "beyond the end"),
    ] {
        let error = Listpack::from_bytes(hex(bytes)).unwrap_err();
        assert!(error.0.contains(why), "{bytes}: {error}");
    }
    // A count of 65535 says nothing and is no damage, whatever the contents.
    assert_eq!(Listpack::from_bytes(hex(&good.replace("03 00", "ff ff"))).unwrap().len(), 3);
}

/// Every truncation and every changed byte of a small listpack is refused, or reads through in both directions.
#[test]
fn no_damage_panics() {
    let mut list = Listpack::new();
    for text in ["a", "1", "-1", "300", "70000", "20000000", "3000000000", "99999999999999"] {
        list.push(text.as_bytes());
    }
    list.push(&[b'x'; 130]);
    let good = list.into_bytes();
    for cut in 0..good.len() {
        assert!(Listpack::from_bytes(good[..cut].to_vec()).is_err());
    }
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bad = good.clone();
            bad[at] = byte;
            if let Ok(list) = Listpack::from_bytes(bad) {
                let forward = texts(&list);
                let mut backward: Vec<_> = list.iter_rev().map(|value| value.to_vec()).collect();
                backward.reverse();
                assert_eq!(forward, backward);
                assert_eq!(list.len(), forward.len());
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(i64, usize),
    SplitAndAppend(usize),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..80),
        3 => (any::<i64>(), 0u32..64).prop_map(|(n, shift)| (n >> shift).to_string().into_bytes()),
        1 => (prop_oneof![Just(62usize), Just(126), Just(4095), Just(16380), Just(16378)], 0usize..5)
            .prop_map(|(len, more)| vec![b'z'; len + more]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => element().prop_map(Op::Push),
        2 => element().prop_map(Op::PushFront),
        1 => (any::<usize>(), element()).prop_map(|(i, e)| Op::InsertBefore(i, e)),
        1 => (any::<usize>(), element()).prop_map(|(i, e)| Op::InsertAfter(i, e)),
        2 => (any::<usize>(), element()).prop_map(|(i, e)| Op::Replace(i, e)),
        2 => any::<usize>().prop_map(Op::Remove),
        1 => (-5i64..20, 0usize..4).prop_map(|(i, n)| Op::RemoveRange(i, n)),
        1 => any::<usize>().prop_map(Op::SplitAndAppend),
    ]
}

fn apply(op: Op, list: &mut Listpack, model: &mut Vec<Vec<u8>>) {
    let len = model.len();
    let place = |list: &Listpack, i: usize| list.seek((i % len) as i64).expect("index is below the length");
    match op {
        Op::Push(e) => {
            list.push(&e);
            model.push(e);
        }
        Op::PushFront(e) => {
            list.push_front(&e);
            model.insert(0, e);
        }
        Op::RemoveRange(i, n) => {
            let removed = list.remove_range(i, n);
            let from = usize::try_from(if i < 0 { i + len as i64 } else { i }).unwrap_or(len).min(len);
            let to = (from + n).min(len);
            assert_eq!(removed, to - from);
            model.drain(from..to);
        }
        _ if len == 0 => assert!(list.is_empty() && list.seek(0).is_none() && list.last().is_none()),
        Op::InsertBefore(i, e) => {
            let pos = list.insert_before(place(list, i), &e);
            assert!(list.get(pos).eq_bytes(&e));
            model.insert(i % len, e);
        }
        Op::InsertAfter(i, e) => {
            let pos = list.insert_after(place(list, i), &e);
            assert!(list.get(pos).eq_bytes(&e));
            model.insert(i % len + 1, e);
        }
        Op::Replace(i, e) => {
            list.replace(place(list, i), &e);
            model[i % len] = e;
        }
        Op::Remove(i) => {
            let pos = place(list, i);
            assert_eq!(list.remove(pos).is_some(), i % len + 1 < len);
            model.remove(i % len);
        }
        Op::SplitAndAppend(i) => {
            let pos = place(list, i);
            let before = list.clone();
            let tail = list.split_off(pos);
            assert_eq!((list.len(), tail.len()), (i % len, len - i % len));
            list.append(tail.view());
            assert_eq!(*list, before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn behaves_as_a_vector(ops in proptest::collection::vec(op(), 1..60)) {
        let mut list = Listpack::new();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for op in ops {
            apply(op, &mut list, &mut model);
            prop_assert_eq!(list.len(), model.len());
            prop_assert!(ListpackRef::from_bytes(list.bytes()).is_ok());
        }
        prop_assert_eq!(texts(&list), model.clone());
        let size: usize = model.iter().map(|e| entry_size_for(e)).sum();
        prop_assert_eq!(list.bytes().len(), HEADER + 1 + size);
        for (i, e) in model.iter().enumerate() {
            let pos = list.seek(i as i64).expect("index is below the length");
            prop_assert_eq!(list.seek(i as i64 - model.len() as i64), Some(pos));
            let value = list.get(pos);
            prop_assert!(value.eq_bytes(e) && value.len() == e.len() && value == LpValue::Str(e));
            let found = list.find(e, list.first().expect("not empty"), 0).expect("it is there");
            prop_assert!(found <= pos && list.get(found).eq_bytes(e));
        }
    }

    #[test]
    fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        // With a true size field and terminator the entries are looked at.
        if bytes.len() > HEADER {
            let total = bytes.len() as u32;
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            bytes[4..6].fill(0xFF);
            bytes.push(END);
            bytes[0] += 1;
        }
        if let Ok(list) = Listpack::from_bytes(bytes) {
            prop_assert_eq!(list.iter().count(), list.iter_rev().count());
        }
    }
}
