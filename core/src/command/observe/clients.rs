//! The clients of a store, and what each of them has called.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::lock;
use crate::command::table;
use crate::outbox::Outbox;

/// Calls of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How often it was run.
    pub calls: u64,
    /// How long that took in total, µs.
    pub us: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it failed while it ran.
    pub failed: u64,
}

impl Calls {
    fn add(&mut self, other: Calls) {
        self.calls += other.calls;
        self.us += other.us;
        self.rejected += other.rejected;
        self.failed += other.failed;
    }
}

/// Calls by the command's index in the table.
pub type Totals = Vec<Calls>;

/// Written by the client's own thread only, so that a plain store does.
#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    us: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
}

fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

impl Counter {
    fn read(&self) -> Calls {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Calls {
            calls: read(&self.calls),
            us: read(&self.us),
            rejected: read(&self.rejected),
            failed: read(&self.failed),
        }
    }
}

/// The name and library a client gave itself.
#[derive(Clone, Debug, Default)]
struct Labels {
    /// CLIENT SETNAME.
    name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    lib_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    lib_version: Vec<u8>,
}

/// What is known of the connection behind a client that came over a listener.
pub trait Link: Send + Sync {
    /// The peer's address, as CLIENT LIST shows it.
    fn addr(&self) -> &str;
    /// The listener's address.
    fn local_addr(&self) -> &str;
    /// Over a unix socket.
    fn is_unix(&self) -> bool;
    /// The number of its socket in this process.
    fn fd(&self) -> i32;
    /// What waits in its buffers.
    fn usage(&self) -> Usage;
    /// Ends the connection: at once, or when what was answered has been sent.
    fn end(&self, after_reply: bool);
    /// Has it look up: a pause is over.
    fn wake(&self);
}

/// What waits in the buffers of a connection, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Commands that were read and not run.
    pub input: usize,
    /// Room for more of them.
    pub input_free: usize,
    /// Replies that were not sent.
    pub output: usize,
    /// Read in total.
    pub total_input: u64,
    /// Sent in total.
    pub total_output: u64,
}

/// How far a client is with a transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct InTransaction {
    /// Commands queued since MULTI; `None` without it.
    pub queued: Option<usize>,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Keys under WATCH.
    pub watched: usize,
}

/// What is known of one client; it writes, anybody may read.
#[derive(Default)]
pub struct ClientState {
    /// Its number, never used again.
    pub id: u64,
    /// When it was made, ms since the epoch.
    pub born_ms: i64,
    labels: Mutex<Labels>,
    has_name: AtomicBool,
    pub(crate) db: AtomicUsize,
    pub(crate) resp3: AtomicBool,
    pub(crate) no_evict: AtomicBool,
    pub(crate) no_touch: AtomicBool,
    /// When its last command began, by the clock of durations.
    last_used_ns: AtomicI64,
    last_command: AtomicU32,
    calls: AtomicU64,
    /// Allocated with the first call.
    counters: OnceLock<Box<[Counter]>>,
    /// What it is told without asking.
    pub outbox: Arc<Outbox>,
    /// How many channels, patterns and sharded channels it has subscribed to.
    subscriptions: [AtomicUsize; 3],
    /// Commands queued since MULTI, and 1 for that; 0 without it.
    queued: AtomicUsize,
    queued_bytes: AtomicUsize,
    watched: AtomicUsize,
    /// Its connection, `None` for a client inside the process.
    pub(crate) link: Option<Arc<dyn Link>>,
}

/// [`ClientState::last_command`] before the first.
const NO_COMMAND: u32 = 0;

impl ClientState {
    fn counter(&self, index: usize) -> &Counter {
        &self.counters.get_or_init(|| (0..table::full_names().len()).map(|_| Counter::default()).collect())
            [index]
    }

    pub(crate) fn note_command(&self, index: usize, ns: i64) {
        self.last_used_ns.store(ns, Ordering::Relaxed);
        self.last_command.store(index as u32 + 1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, index: usize, us: u64, failed: bool) {
        let counter = self.counter(index);
        bump(&counter.calls, 1);
        bump(&self.calls, 1);
        if us > 0 {
            bump(&counter.us, us);
        }
        if failed {
            bump(&counter.failed, 1);
        }
    }

    pub(crate) fn count_rejected(&self, index: usize) {
        bump(&self.counter(index).rejected, 1);
    }

    /// Seconds since its last command began; `ns` is the present by the clock of durations.
    pub(crate) fn idle_seconds(&self, ns: i64) -> i64 {
        match self.last_used_ns.load(Ordering::Relaxed) {
            0 => 0,
            last => (ns - last).max(0) / 1_000_000_000,
        }
    }

    /// Commands it has run.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The name of the last command, `None` before the first.
    pub fn last_command(&self) -> Option<&'static str> {
        match self.last_command.load(Ordering::Relaxed) {
            NO_COMMAND => None,
            n => Some(&table::full_names()[n as usize - 1]),
        }
    }

    /// Channels, patterns and sharded channels it has subscribed to.
    pub fn subscriptions(&self) -> [usize; 3] {
        [0, 1, 2].map(|at: usize| self.subscriptions[at].load(Ordering::Relaxed))
    }

    pub(crate) fn note_subscriptions(&self, counts: [usize; 3]) {
        for (slot, count) in self.subscriptions.iter().zip(counts) {
            slot.store(count, Ordering::Relaxed);
        }
    }

    /// How far it is with a transaction.
    pub fn transaction(&self) -> InTransaction {
        let get = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        InTransaction {
            queued: get(&self.queued).checked_sub(1),
            queued_bytes: get(&self.queued_bytes),
            watched: get(&self.watched),
        }
    }

    pub(crate) fn note_transaction(&self, state: InTransaction) {
        self.queued.store(state.queued.map_or(0, |n| n + 1), Ordering::Relaxed);
        self.queued_bytes.store(state.queued_bytes, Ordering::Relaxed);
        self.watched.store(state.watched, Ordering::Relaxed);
    }

    /// The name it gave itself, empty if it did not.
    pub fn name(&self) -> Vec<u8> {
        if self.has_name.load(Ordering::Relaxed) { lock(&self.labels).name.clone() } else { Vec::new() }
    }

    pub(crate) fn set_name(&self, name: &[u8]) {
        lock(&self.labels).name = name.to_vec();
        self.has_name.store(!name.is_empty(), Ordering::Relaxed);
    }

    pub(crate) fn set_library(&self, is_name: bool, value: &[u8]) {
        let mut labels = lock(&self.labels);
        if is_name { labels.lib_name = value.to_vec() } else { labels.lib_version = value.to_vec() }
    }

    /// Whether its replies take RESP3 shapes.
    pub(crate) fn is_resp3(&self) -> bool {
        self.resp3.load(Ordering::Relaxed)
    }

    /// Whether it gets messages.
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscriptions() != [0; 3]
    }

    /// Its name, and the name and version of its library, as text.
    pub(crate) fn labels(&self) -> (String, String, String) {
        let labels = lock(&self.labels);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&labels.name), text(&labels.lib_name), text(&labels.lib_version))
    }

    fn add_to(&self, totals: &mut Totals) {
        for (total, counter) in totals.iter_mut().zip(self.counters.get().into_iter().flatten()) {
            total.add(counter.read());
        }
    }
}

/// All clients.
#[derive(Default)]
pub struct Clients {
    last_id: AtomicU64,
    open: Mutex<BTreeMap<u64, Arc<ClientState>>>,
    /// What clients that are gone have called, less what CONFIG RESETSTAT has set to zero.
    past: Mutex<Past>,
}

#[derive(Default)]
struct Past {
    gone: Totals,
    reset: Totals,
}

fn nothing() -> Totals {
    vec![Calls::default(); table::full_names().len()]
}

impl Clients {
    /// A new client.
    pub fn register(&self, now_ms: i64, link: Option<Arc<dyn Link>>) -> Arc<ClientState> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let state = ClientState { id, born_ms: now_ms, link, ..ClientState::default() };
        let state = Arc::new(state);
        lock(&self.open).insert(id, Arc::clone(&state));
        state
    }

    /// A client is gone; what it called stays counted.
    pub fn forget(&self, state: &ClientState) {
        let mut open = lock(&self.open);
        if open.remove(&state.id).is_some() && state.calls() > 0 {
            let mut past = lock(&self.past);
            if past.gone.is_empty() {
                past.gone = nothing();
            }
            state.add_to(&mut past.gone);
        }
    }

    /// The one with this number.
    pub fn find(&self, id: u64) -> Option<Arc<ClientState>> {
        lock(&self.open).get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        lock(&self.open).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there have been.
    pub fn ever(&self) -> u64 {
        self.last_id.load(Ordering::Relaxed)
    }

    /// All of them, by rising number.
    pub fn all(&self) -> Vec<Arc<ClientState>> {
        lock(&self.open).values().cloned().collect()
    }

    fn counted(&self) -> Totals {
        let open = lock(&self.open);
        let past = lock(&self.past);
        let mut totals = if past.gone.is_empty() { nothing() } else { past.gone.clone() };
        drop(past);
        open.values().for_each(|state| state.add_to(&mut totals));
        totals
    }

    /// What was called since the store was opened, or since CONFIG RESETSTAT.
    pub fn totals(&self) -> Totals {
        let mut totals = self.counted();
        for (total, reset) in totals.iter_mut().zip(&lock(&self.past).reset) {
            let less = |n: u64, m: u64| n.saturating_sub(m);
            *total = Calls {
                calls: less(total.calls, reset.calls),
                us: less(total.us, reset.us),
                rejected: less(total.rejected, reset.rejected),
                failed: less(total.failed, reset.failed),
            };
        }
        totals
    }

    pub(super) fn reset_totals(&self) {
        let now = self.counted();
        lock(&self.past).reset = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_outlive_their_client_and_can_be_set_to_zero() {
        let clients = Clients::default();
        let (a, b) = (clients.register(5, None), clients.register(6, None));
        assert_eq!((a.id, b.id, clients.len()), (1, 2, 2));
        a.count(3, 10, false);
        b.count(3, 20, true);
        b.count_rejected(4);
        clients.forget(&a);
        clients.forget(&a);
        let expected = Calls { calls: 2, us: 30, rejected: 0, failed: 1 };
        assert_eq!((clients.totals()[3], clients.totals()[4].rejected), (expected, 1));
        clients.reset_totals();
        assert_eq!(clients.totals(), nothing());
        b.count(3, 1, false);
        clients.forget(&b);
        assert_eq!(clients.totals()[3].calls, 1);
        assert!(clients.is_empty() && clients.ever() == 2);
    }
}
