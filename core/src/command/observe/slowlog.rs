//! The log of slow commands.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::lock;

/// Arguments of a command that are kept, the last of them saying how many more there were; as Redis.
const ARGUMENTS_MAX: usize = 32;
/// Bytes of an argument that are kept.
const BYTES_MAX: usize = 128;

/// A slow command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    /// Seconds since the epoch.
    pub(crate) at: i64,
    pub(crate) us: i64,
    pub(crate) argv: Vec<Vec<u8>>,
    pub(crate) client: Vec<u8>,
}

#[derive(Default)]
struct State {
    next_id: i64,
    /// The newest first.
    entries: VecDeque<Entry>,
}

/// The newest slow commands.
#[derive(Default)]
pub(crate) struct Slowlog(Mutex<State>);

/// The arguments as they are kept.
fn shortened(argv: &[&[u8]]) -> Vec<Vec<u8>> {
    let kept = if argv.len() > ARGUMENTS_MAX { ARGUMENTS_MAX - 1 } else { argv.len() };
    let mut short: Vec<Vec<u8>> = argv[..kept]
        .iter()
        .map(|arg| {
            if arg.len() <= BYTES_MAX {
                return arg.to_vec();
            }
            let more = format!("... ({} more bytes)", arg.len() - BYTES_MAX);
            [&arg[..BYTES_MAX], more.as_bytes()].concat()
        })
        .collect();
    if kept < argv.len() {
        short.push(format!("... ({} more arguments)", argv.len() - kept).into_bytes());
    }
    short
}

impl Slowlog {
    pub(super) fn add(&self, argv: &[&[u8]], us: i64, at: i64, client: &[u8], most: usize) {
        let mut state = lock(&self.0);
        let entry = Entry { id: state.next_id, at, us, argv: shortened(argv), client: client.to_vec() };
        state.next_id += 1;
        state.entries.push_front(entry);
        state.entries.truncate(most);
    }

    /// Keeps the newest `most`.
    pub(super) fn trim(&self, most: usize) {
        lock(&self.0).entries.truncate(most);
    }

    /// The newest `most`, the newest first.
    pub(crate) fn newest(&self, most: usize) -> Vec<Entry> {
        lock(&self.0).entries.iter().take(most).cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).entries.len()
    }

    pub(crate) fn reset(&self) {
        lock(&self.0).entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_long_ones_shortened() {
        let log = Slowlog::default();
        for n in 0..5 {
            log.add(&[b"PING"], n, 7, b"me", 3);
        }
        assert_eq!(log.newest(9).iter().map(|e| (e.id, e.us)).collect::<Vec<_>>(), [(4, 4), (3, 3), (2, 2)]);
        log.trim(1);
        assert_eq!((log.len(), log.newest(9)[0].id), (1, 4));
        let long = [b'x'; 130];
        let many: Vec<&[u8]> = (0..40).map(|_| &long[..]).collect();
        let short = shortened(&many);
        assert_eq!((short.len(), &short[31][..]), (32, &b"... (9 more arguments)"[..]));
        assert!(short[0].ends_with(b"x... (2 more bytes)"));
        assert_eq!(shortened(&many[..32]).len(), 32);
    }
}
