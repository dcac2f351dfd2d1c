//! A big stream is saved while others write to it: what the cut hands over is the stream of one instant.

use std::sync::atomic::{AtomicBool, AtomicI64};

use super::*;
use crate::value::saved::{BigKind, Body, HeadRef, Sink};
use crate::value::stream::picture::Picture;
use crate::value::stream::{Group, Refs, Stream, StreamId, Trim, TrimTo};
use crate::value::{Limits, Value};

const ENTRIES: u64 = 20_000;
const PENDING: u64 = 8_000;

/// Keeps pictures of streams, and the pace of whoever writes meanwhile.
struct Album<'a> {
    seen: Vec<(Vec<u8>, Picture)>,
    written: &'a AtomicI64,
}

impl Sink for Album<'_> {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        let Body::Stream(stream) = body else { panic!("there are only streams") };
        // The writer goes on while the saver holds the stream: some of its changes fall in between.
        let before = self.written.load(Ordering::Relaxed);
        while self.written.load(Ordering::Relaxed) < before + 200 {
            std::thread::yield_now();
        }
        self.seen.push((head.key.to_vec(), Picture::of(stream)));
        Ok(())
    }
    fn begin(&mut self, _: HeadRef<'_>, _: BigKind, _: usize) -> Result<()> {
        panic!("streams come whole")
    }
    fn elements(&mut self, _: &[u8]) -> Result<()> {
        panic!("streams come whole")
    }
    fn end(&mut self) -> Result<()> {
        panic!("streams come whole")
    }
}

fn big_stream() -> Stream {
    let mut stream = Stream::new();
    for n in 1..=ENTRIES {
        let text = n.to_string();
        stream
            .append(StreamId::new(n, 0), &[b"field", text.as_bytes()], &Limits::default())
            .expect("identifiers rise");
    }
    for name in [b"g", b"h"] {
        let mut group = Group::new(StreamId::new(PENDING, 0), PENDING as i64);
        for consumer in [b"a", b"b", b"c"] {
            group.add_consumer(consumer, 1, 1);
        }
        for n in 1..=PENDING {
            group.assign(StreamId::new(n, 0), &[b"abc"[n as usize % 3]], 5, 1);
        }
        stream.add_group(name, group);
    }
    stream
}

fn random_change(stream: &mut Stream, rng: &mut fastrand::Rng) {
    let any = StreamId::new(rng.u64(1..=ENTRIES), 0);
    let group: &[u8] = if rng.bool() { b"g" } else { b"h" };
    match rng.u8(0..8) {
        0..3 => {
            let next = stream.last_id().next().expect("far from the end");
            stream.append(next, &[b"field", b"new"], &Limits::default()).expect("it is above");
        }
        3 => drop(stream.delete(any)),
        4 => drop(stream.change_group(group, |group| group.acknowledge(any))),
        5 => drop(stream.change_group(group, |group| group.assign(any, b"b", 77, 2))),
        6 => drop(stream.change_group(group, |group| group.touch(b"a", 99, true))),
        _ => {
            let to = TrimTo::MaxLen((stream.len() as u64).saturating_sub(3));
            stream.trim(Trim { to, approx: false, limit: 0, refs: Refs::Keep });
        }
    }
}

#[test]
fn a_stream_is_saved_as_of_one_instant_whatever_writers_do() {
    let keyspace = Arc::new(Keyspace::new(4, Clock::Manual(Arc::new(AtomicI64::new(1_000_000)))));
    let key: &[u8] = b"stream";
    {
        let mut guard = keyspace.lock([key]).expect("it is usable");
        guard.set_value(0, key, Value::Stream(Box::new(big_stream())), Expiry::Clear);
    }
    let written = AtomicI64::new(0);
    for round in 0..3 {
        let before = {
            let guard = keyspace.lock([key]).expect("it is usable");
            let Some(Some(Value::Stream(stream))) = guard.value(0, key) else { panic!("it is a stream") };
            Picture::of(stream)
        };
        let cut = keyspace.begin_cut(|| {}).expect("there is no other");
        let saved = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut rng = fastrand::Rng::with_seed(round);
                while !saved.load(Ordering::Relaxed) {
                    let mut guard = keyspace.lock([key]).expect("it is usable");
                    guard.modify(0, key, |value| match value {
                        Value::Stream(stream) => random_change(stream, &mut rng),
                        _ => panic!("it is a stream"),
                    });
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
            let mut album = Album { seen: Vec::new(), written: &written };
            cut.run(&mut album).expect("pictures can be taken");
            saved.store(true, Ordering::Relaxed);
            writer.join().expect("it did not panic");
            album.seen
        });
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].0, key);
        assert!(seen[0].1 == before, "round {round}: the stream was changed under the cut");
        assert!(
            keyspace.lock_all().expect("it is usable").counted_memory_is_right().expect("it can be counted")
        );
    }
}
