use proptest::prelude::*;

use super::picture::Picture;
use super::*;

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn stream(ids: impl IntoIterator<Item = u64>, limits: &Limits) -> Stream {
    let mut stream = Stream::new();
    for ms in ids {
        stream.append(id(ms, 0), &[b"f", ms.to_string().as_bytes()], limits).expect("in order");
    }
    stream
}

fn ids<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<u64> {
    entries.map(|entry| entry.id.ms).collect()
}

/// The worked example of a node: two entries with the master's fields, one deleted, one with a field of its own.
#[test]
fn nodes_are_laid_out_as_redis_lays_them_out() {
    let limits = Limits::default();
    let mut stream = Stream::new();
    stream.append(id(1000, 1), &[b"f1", b"v1", b"f2", b"v2"], &limits).unwrap();
    stream.append(id(1000, 2), &[b"f1", b"v3", b"f2", b"v4"], &limits).unwrap();
    stream.append(id(2000, 0), &[b"other", b"field"], &limits).unwrap();
    assert!(stream.delete(id(1000, 2)) && !stream.delete(id(1000, 2)));
    let (key, list) = stream.nodes().next().unwrap();
    assert_eq!((key, stream.node_count()), (id(1000, 1), 1));
    let hex: String = list.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "51000000190002010101020182663103826632030001020100010001827631038276320305010301000101018276330382763403\
         05010001c3e802dfff020101856f7468657206856669656c64060601ff"
    );
    assert_eq!((stream.first_id(), stream.max_deleted_id()), (id(1000, 1), id(1000, 2)));
    assert_eq!((stream.len(), stream.entries_added()), (2, 3));
    stream.check();
}

#[test]
fn nodes_end_at_the_limits() {
    let by_count = Limits { stream_node_max_entries: 3, ..Limits::default() };
    assert_eq!(stream(1..=10, &by_count).node_count(), 4);
    let unlimited = Limits { stream_node_max_entries: 0, stream_node_max_bytes: 0, ..Limits::default() };
    assert_eq!(stream(1..=1000, &unlimited).node_count(), 1);
    let by_bytes = Limits { stream_node_max_bytes: 100, stream_node_max_entries: 0, ..Limits::default() };
    let stream = stream(1..=100, &by_bytes);
    assert!(stream.node_count() > 5);
    assert!(stream.nodes().all(|(_, list)| list.bytes().len() < 120));
}

#[test]
fn ranges_in_both_directions() {
    let limits = Limits { stream_node_max_entries: 4, ..Limits::default() };
    let mut stream = stream((10..=300).step_by(10), &limits);
    for gone in [50, 60, 70, 80, 200] {
        assert!(stream.delete(id(gone, 0)));
    }
    let range = |a, b| ids(stream.range(id(a, 0), id(b, 0)));
    let back = |a, b| ids(stream.range_back(id(a, 0), id(b, 0)));
    assert_eq!(range(0, 35), [10, 20, 30]);
    assert_eq!(range(30, 100), [30, 40, 90, 100]);
    assert_eq!(back(30, 100), [100, 90, 40, 30]);
    assert_eq!(range(200, 200), []);
    assert_eq!(range(290, 10_000), [290, 300]);
    assert_eq!((range(100, 30), back(100, 30)), (vec![], vec![]));
    assert_eq!(back(0, 10_000).len(), stream.len());
    assert_eq!(ids(stream.range(StreamId::MAX, StreamId::MAX)), []);
    assert!(stream.get(id(40, 0)).is_some() && stream.get(id(45, 0)).is_none());
    assert!(stream.get(id(5, 0)).is_none() && stream.get(StreamId::MAX).is_none());
}

#[test]
fn trimming() {
    let limits = Limits { stream_node_max_entries: 4, ..Limits::default() };
    let trim =
        |stream: &mut Stream, to, approx, limit| stream.trim(Trim { to, approx, limit, refs: Refs::Keep });
    let mut a = stream(1..=20, &limits);
    assert_eq!(trim(&mut a, TrimTo::MaxLen(13), true, 0), 4);
    assert_eq!(trim(&mut a, TrimTo::MaxLen(13), false, 0), 3);
    assert_eq!((a.first_id(), a.len()), (id(8, 0), 13));
    assert_eq!(a.max_deleted_id(), StreamId::MIN);
    assert_eq!(trim(&mut a, TrimTo::MinId(id(18, 5)), true, 5), 5);
    assert_eq!(trim(&mut a, TrimTo::MinId(id(18, 5)), false, 0), 6);
    assert_eq!(ids(a.iter()), [19, 20]);
    assert_eq!(trim(&mut a, TrimTo::MaxLen(0), false, 0), 2);
    assert_eq!((a.len(), a.first_id(), a.last_id()), (0, StreamId::MIN, id(20, 0)));
    a.check();
    // What was deleted by name still stands for the node's end.
    let mut b = stream(1..=4, &limits);
    assert!(b.delete(id(4, 0)));
    assert_eq!(trim(&mut b, TrimTo::MinId(id(4, 0)), false, 0), 3);
    assert_eq!((b.len(), b.node_count()), (0, 1));
    b.append(id(5, 0), &[b"f", b"v"], &limits).unwrap();
    assert_eq!(ids(b.iter()), [5]);
    b.check();
}

/// XSETID may go back below entries that were deleted: their nodes must not be in the way of new ones.
#[test]
fn going_back_below_deleted_entries() {
    let limits = Limits { stream_node_max_entries: 4, ..Limits::default() };
    let mut stream = stream(10..=13, &limits);
    assert!(stream.delete(id(13, 0)));
    stream.trim(Trim { to: TrimTo::MinId(id(13, 0)), approx: false, limit: 0, refs: Refs::Keep });
    stream.set_id(id(20, 0), None, Some(id(1, 0)));
    stream.set_id(id(2, 0), None, None);
    stream.append(id(5, 0), &[b"f", b"v"], &limits).unwrap();
    stream.append(id(12, 0), &[b"f", b"v"], &limits).unwrap();
    assert_eq!(ids(stream.iter()), [5, 12]);
    stream.check();
}

#[test]
fn next_identifiers() {
    let mut stream = Stream::new();
    assert_eq!((stream.next_id(0), stream.next_id(5)), (Some(id(0, 1)), Some(id(5, 0))));
    assert_eq!((stream.next_in(0), stream.next_in(7)), (Some(id(0, 1)), Some(id(7, 0))));
    stream.set_id(id(9, u64::MAX), None, None);
    assert_eq!((stream.next_id(3), stream.next_in(9)), (Some(id(10, 0)), None));
    stream.set_id(StreamId::MAX, None, None);
    assert_eq!(stream.next_id(3), None);
    assert_eq!(stream.fits(StreamId::MAX, &[]), Err(Unfit::NotAbove));
}

#[test]
fn groups_own_what_is_pending() {
    let mut group = Group::new(StreamId::MIN, READ_UNKNOWN);
    assert!(group.add_consumer(b"b", 1, NEVER) && group.add_consumer(b"a", 2, 3));
    assert!(!group.add_consumer(b"a", 9, 9));
    for n in 1..=300 {
        group.assign(id(n, 0), if n % 3 == 0 { b"b" } else { b"a" }, 10, 1);
    }
    group.assign(id(1, 0), b"nobody", 10, 1);
    group.check();
    let pending = |name: &[u8]| group.consumer(name).unwrap().pending_len();
    assert_eq!((pending(b"a"), pending(b"b"), group.pending_len()), (200, 100, 300));
    assert_eq!(group.consumers().map(|c| c.name().to_vec()).collect::<Vec<_>>(), [b"a", b"b"]);
    let b = group.consumer(b"b").unwrap();
    let of_b: Vec<_> = group.pending_for(b, id(4, 0), id(9, 0)).map(|(id, _)| id.ms).collect();
    assert_eq!(of_b, [6, 9]);
    group.assign(id(3, 0), b"a", 20, 2);
    group.deliver_again(id(3, 0), 30);
    let three = *group.pending_of(id(3, 0)).unwrap();
    assert_eq!((three.delivered_ms, three.times, group.owner_of(&three).name()), (30, 3, &b"a"[..]));
    assert!(group.acknowledge(id(3, 0)).is_some() && group.acknowledge(id(3, 0)).is_none());
    assert_eq!(group.remove_consumer(b"b"), Some(99));
    assert_eq!(group.remove_consumer(b"b"), None);
    group.check();
    assert_eq!((group.pending_len(), group.consumers_len()), (200, 1));
    assert!(group.add_consumer(b"c", 0, NEVER));
    group.assign(id(1, 0), b"c", 1, 1);
    group.check();
}

/// A clone is what a cut holds and what COPY makes: neither sees what is done to the other.
#[test]
fn clones_go_their_own_way() {
    for seed in 0..40 {
        let mut one = Picture::random(seed);
        let before = Picture::of(&one);
        let mut two = one.clone();
        let limits = Limits::default();
        let next = one.last_id().next().unwrap();
        one.append(next, &[b"only", b"here"], &limits).unwrap();
        one.trim(Trim { to: TrimTo::MaxLen(3), approx: false, limit: 0, refs: Refs::Keep });
        let names: Vec<_> = one.groups().map(|(name, _)| name.to_vec()).collect();
        for name in &names {
            one.change_group(name, |group| {
                group.last_id = StreamId::MAX;
                group.remove_consumer(&[b'c', 1]);
            });
        }
        assert_eq!(Picture::of(&two), before);
        let changed = Picture::of(&one);
        two.trim(Trim { to: TrimTo::MaxLen(0), approx: false, limit: 0, refs: Refs::Keep });
        names.iter().for_each(|name| assert!(two.remove_group(name)));
        assert_eq!(Picture::of(&one), changed);
        two.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_streams_are_sound(seed in any::<u64>()) {
        let stream = Picture::random(seed);
        let picture = Picture::of(&stream);
        prop_assert_eq!(&Picture::of(&picture.build()), &picture);
    }

    /// Flipped bytes in a node: refused, or a stream that can be walked and changed.
    #[test]
    fn damaged_nodes(seed in any::<u64>(), flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let stream = Picture::random(seed);
        for (key, list) in stream.nodes() {
            let mut bytes = list.bytes().to_vec();
            for &(at, byte) in &flips {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let Ok(list) = Listpack::from_bytes(bytes) else { continue };
            let mut loading = Loading::new();
            if loading.node(key, list).is_err() {
                continue;
            }
            let live = loading.live();
            prop_assert!(loading.counts(live, StreamId::MAX).is_ok());
            let mut stream = loading.finish();
            let picture = Picture::of(&stream);
            for (id, _) in picture.entries.iter().step_by(2) {
                prop_assert!(stream.delete(*id));
                stream.check();
            }
            stream.trim(Trim { to: TrimTo::MaxLen(1), approx: false, limit: 0, refs: Refs::Keep });
            stream.check();
        }
    }
}
