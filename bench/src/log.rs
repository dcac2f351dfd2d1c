//! What durability costs: SET with and without the log, one thread, 16 B keys, 100 B values.

use crate::measure::{Dir, Latencies, key, mix, must, open};

const VALUE: [u8; 100] = [b'v'; 100];

/// Each mode is measured in turn, several rounds, so that the machine's moods fall on all of them.
pub(crate) fn run(scaled: &dyn Fn(usize) -> usize) {
    let (keys, calls) = (scaled(200_000) as u64, scaled(2_000_000) as u64);
    println!("log: SET, 16 B key, 100 B value, {keys} keys, {calls} calls a round, one thread");
    let modes: [(&str, &[(&str, &str)]); 4] = [
        ("none", &[("save", "")]),
        ("aof, no", &[("save", ""), ("appendonly", "yes"), ("appendfsync", "no")]),
        ("aof, everysec", &[("save", ""), ("appendonly", "yes"), ("appendfsync", "everysec")]),
        ("aof, always", &[("save", ""), ("appendonly", "yes"), ("appendfsync", "always")]),
    ];
    for round in 1..=3 {
        println!(" round {round}");
        let mut base = None;
        for (name, directives) in modes {
            let dir = Dir::new("log");
            let store = open(&dir, directives);
            let mut client = store.client();
            let calls = if name == "aof, always" { calls / 1000 } else { calls };
            let timed =
                Latencies::of(|n| n < calls, |n| must(&mut client, &[b"SET", &key(mix(n) % keys), &VALUE]));
            timed.line(name, base.as_ref());
            if base.is_none() {
                base = Some(timed);
            }
        }
    }
}
