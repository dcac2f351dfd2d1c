//! For tests: all there is to say of a stream, in a form that compares, and streams made from it or at random.

use super::{Group, Limits, NEVER, READ_UNKNOWN, Refs, Stream, StreamId, Trim, TrimTo};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// All there is to say of a stream; its layout in nodes is left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) entries: Vec<(StreamId, Pairs)>,
    pub(crate) last_id: StreamId,
    pub(crate) first_id: StreamId,
    pub(crate) max_deleted_id: StreamId,
    pub(crate) entries_added: u64,
    pub(crate) groups: Vec<GroupPicture>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupPicture {
    pub(crate) name: Vec<u8>,
    pub(crate) last_id: StreamId,
    pub(crate) entries_read: i64,
    /// Identifier, owner, time of delivery, number of deliveries.
    pub(crate) pending: Vec<(StreamId, Vec<u8>, i64, u64)>,
    /// Name, seen, active.
    pub(crate) consumers: Vec<(Vec<u8>, i64, i64)>,
}

impl Picture {
    /// What a stream looks like; it is checked by the way.
    pub(crate) fn of(stream: &Stream) -> Self {
        stream.check();
        let entries: Vec<_> = stream
            .iter()
            .map(|entry| (entry.id, entry.pairs().map(|(f, v)| (f.to_vec(), v.to_vec())).collect()))
            .collect();
        assert_eq!(entries.len(), stream.len());
        let back = stream.range_back(StreamId::MIN, StreamId::MAX).map(|entry| entry.id);
        assert!(back.eq(entries.iter().rev().map(|(id, _): &(StreamId, Pairs)| *id)));
        Self {
            entries,
            last_id: stream.last_id(),
            first_id: stream.first_id(),
            max_deleted_id: stream.max_deleted_id(),
            entries_added: stream.entries_added(),
            groups: stream.groups().map(|(name, group)| GroupPicture::of(name, group)).collect(),
        }
    }

    /// What is left of it in a file of this type byte.
    pub(crate) fn in_file(mut self, kind: u8) -> Self {
        for group in &mut self.groups {
            if kind < 21 {
                group.consumers.iter_mut().for_each(|(_, seen, active)| *active = *seen);
            }
        }
        if kind < 19 {
            self.max_deleted_id = StreamId::MIN;
            self.entries_added = self.entries.len() as u64;
            let stream = self.build();
            for group in &mut self.groups {
                group.entries_read = stream.count_up_to(group.last_id);
            }
        }
        self
    }

    /// A stream of these contents.
    pub(crate) fn build(&self) -> Stream {
        let mut stream = Stream::new();
        for (id, pairs) in &self.entries {
            let pairs: Vec<&[u8]> = pairs.iter().flat_map(|(f, v)| [&f[..], &v[..]]).collect();
            stream.append(*id, &pairs, &Limits::default()).expect("entries are in order");
        }
        stream.set_id(self.last_id, Some(self.entries_added), Some(self.max_deleted_id));
        for group in &self.groups {
            stream.add_group(&group.name, group.build());
        }
        stream
    }

    /// Anything that commands can make of a stream.
    pub(crate) fn random(seed: u64) -> Stream {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut stream = Stream::new();
        let word = |rng: &mut fastrand::Rng| match rng.u8(0..4) {
            0 => rng.i32(-300..300).to_string().into_bytes(),
            1 => vec![b'x'; rng.usize(0..80)],
            _ => vec![b'a' + rng.u8(0..3)],
        };
        let limits = Limits { stream_node_max_entries: rng.u64(0..8), ..Limits::default() };
        for _ in 0..rng.usize(0..200) {
            let last = stream.last_id();
            match rng.u8(0..12) {
                0..6 => {
                    let id = if rng.bool() {
                        StreamId::new(last.ms + rng.u64(1..5000), rng.u64(0..3))
                    } else {
                        StreamId::new(last.ms, last.seq + 1 + rng.u64(0..2))
                    };
                    let words: Vec<_> = (0..2 * rng.usize(1..4)).map(|_| word(&mut rng)).collect();
                    let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
                    stream.append(id, &words, &limits).expect("it is above the last one");
                }
                6 => {
                    let ids: Vec<_> = stream.iter().map(|entry| entry.id).collect();
                    if !ids.is_empty() {
                        assert!(stream.delete(ids[rng.usize(0..ids.len())]));
                    }
                }
                7 if rng.u8(0..4) == 0 => {
                    let to = TrimTo::MaxLen(rng.u64(0..30));
                    stream.trim(Trim { to, approx: rng.bool(), limit: 0, refs: Refs::Keep });
                }
                8 => drop(stream.add_group(&[b'g', rng.u8(0..3)], Group::new(last, READ_UNKNOWN))),
                _ => {
                    let Some(id) = stream.iter().map(|entry| entry.id).last() else { continue };
                    let (group, consumer) = ([b'g', rng.u8(0..3)], [b'c', rng.u8(0..3)]);
                    let now = rng.i64(0..1_000_000);
                    stream.change_group(&group, |group| {
                        group.add_consumer(&consumer, now, NEVER);
                        group.assign(id, &consumer, now, rng.u64(1..5));
                        group.touch(&consumer, now, rng.bool());
                        group.last_id = id;
                        group.entries_read = rng.i64(-1..50);
                        if rng.u8(0..4) == 0 {
                            group.acknowledge(id);
                        }
                    });
                }
            }
        }
        stream
    }
}

impl GroupPicture {
    fn of(name: &[u8], group: &Group) -> Self {
        Self {
            name: name.to_vec(),
            last_id: group.last_id,
            entries_read: group.entries_read,
            pending: group
                .pending(StreamId::MIN, StreamId::MAX)
                .map(|(id, p)| (id, group.owner_of(p).name().to_vec(), p.delivered_ms, p.times))
                .collect(),
            consumers: group.consumers().map(|c| (c.name().to_vec(), c.seen_ms, c.active_ms)).collect(),
        }
    }

    fn build(&self) -> Group {
        let mut group = Group::new(self.last_id, self.entries_read);
        for (name, seen, active) in &self.consumers {
            assert!(group.add_consumer(name, *seen, *active));
        }
        for (id, owner, delivered_ms, times) in &self.pending {
            group.assign(*id, owner, *delivered_ms, *times);
        }
        group
    }
}
