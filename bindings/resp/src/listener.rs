//! The listener: its threads, the sockets it accepts at, the connections it has, and its end.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use persistkv::config::Directive;
use persistkv::{Error, ErrorKind, Link, Listening, Result, Store};
use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::address::Address;
use crate::commit::Committer;
use crate::connection::Connection;
use crate::peer::{Life, Peer};
use crate::socket::{Socket, Stream};

/// How often idle connections and output limits are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long accepting rests after it failed (no descriptor is left, as a rule).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";
const DENIED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n";

/// How to listen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Threads that run commands; 0: one per core, but at least two and at most eight.
    pub threads: usize,
    /// Listens at an address that other machines can reach even without a password, and turns those machines away while
    /// `protected-mode` is on. Otherwise such an address is an error.
    pub turn_away: bool,
    /// Addresses that may be missing on this machine; they are left out then.
    pub optional: Vec<Address>,
    /// How long connections have to take their last replies when the listener stops.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, turn_away: false, optional: Vec::new(), grace: Duration::from_secs(5) }
    }
}

/// A connection.
struct Known {
    peer: Arc<Peer>,
    /// When it began to have more to send than it may have for long.
    over_since: Option<Instant>,
}

/// What connections share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) committer: Committer,
    next: AtomicU64,
    /// The connections by number.
    peers: Mutex<HashMap<u64, Known>>,
    /// Tasks that have not ended.
    tasks: Mutex<usize>,
    ended: Condvar,
    stopping: AtomicBool,
    /// Wakes those who accept.
    stop: Notify,
    /// There is a connection again.
    first: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a task while it lives.
struct Task(Arc<Shared>);

impl Task {
    fn begin(shared: &Arc<Shared>) -> Self {
        *lock(&shared.tasks) += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        *lock(&self.0.tasks) -= 1;
        self.0.ended.notify_all();
    }
}

/// Counts a connection among the store's.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store.wire().connected.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that is listened at.
struct Bound {
    address: Address,
    accepts: JoinHandle<()>,
    /// Ends when the socket is closed.
    closed: Receiver<()>,
}

struct Running {
    runtime: Mutex<Option<Runtime>>,
    shared: Arc<Shared>,
    bound: Mutex<Vec<Bound>>,
    grace: Duration,
}

/// Accepts connections to a store until it is stopped or dropped, or the store is closed. It keeps the store open.
pub struct Listener {
    running: Arc<Running>,
}

impl Listener {
    /// Starts to listen at all these addresses, or at none of them.
    pub fn start(store: &Store, addresses: &[Address], options: &Options) -> Result<Self> {
        store.check_usable()?;
        let config = store.config();
        let is_open =
            !config.flag(Directive::ProtectedMode) || !config.text(Directive::RequirePass).is_empty();
        if let Some(far) = addresses.iter().find(|address| !address.is_local())
            && !is_open
            && !options.turn_away
        {
            let text = format!(
                "{far} can be reached from other machines: set a password (requirepass), or protected-mode no"
            );
            return Err(Error::new(ErrorKind::Config, text));
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = if options.threads > 0 { options.threads } else { cores.clamp(2, 8) };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("persistkv-wire")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| Error::new(ErrorKind::Io, format!("starting the listener's threads: {e}")))?;
        let shared = Arc::new(Shared {
            store: store.clone(),
            committer: Committer::default(),
            next: AtomicU64::new(0),
            peers: Mutex::default(),
            tasks: Mutex::new(0),
            ended: Condvar::new(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            first: Notify::new(),
        });
        let bound = shared.bind(&runtime, addresses, &options.optional)?;
        let running = Arc::new(Running {
            runtime: Mutex::new(None),
            shared: Arc::clone(&shared),
            bound: Mutex::new(bound),
            grace: options.grace,
        });
        runtime.spawn(watch(Arc::clone(&shared)));
        *lock(&running.runtime) = Some(runtime);
        let listening: std::sync::Weak<dyn Listening> = Arc::downgrade(&(Arc::clone(&running) as _));
        store.add_listener(listening);
        Ok(Self { running })
    }

    /// Where it listens; of a port that was asked for as 0 the one the system chose.
    pub fn addresses(&self) -> Vec<Address> {
        lock(&self.running.bound).iter().map(|bound| bound.address.clone()).collect()
    }

    /// Listens at these TCP addresses instead of those it has; connections stay, and so do unix sockets. Of `optional` ones
    /// those are left out that this machine does not have. When it fails, it listens where it did before.
    pub fn rebind(&self, addresses: &[Address], optional: &[Address]) -> Result<()> {
        self.running.rebind(addresses, optional)
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        lock(&self.running.shared.peers).len()
    }

    /// Stops: nobody is accepted any more; each connection finishes the command it is in, sends what it has answered, and
    /// is closed. Stopping twice is fine.
    pub fn stop(&self) {
        self.running.stop();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.running.stop();
    }
}

impl Listening for Running {
    fn stop(&self) {
        let Some(runtime) = lock(&self.runtime).take() else { return };
        if self.shared.store.check_usable().is_err_and(|e| e.kind() == ErrorKind::Forked) {
            // The threads are the parent's: there is nobody here to wait for.
            return std::mem::forget(runtime);
        }
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.stop.notify_waiters();
        self.shared.end_all(Life::Ending);
        if !self.shared.wait_for_end(self.grace) {
            self.shared.end_all(Life::Over);
            self.shared.wait_for_end(Duration::from_secs(1));
        }
        runtime.shutdown_background();
    }

    fn tcp_port(&self) -> u16 {
        let port = |bound: &Bound| match bound.address {
            Address::Tcp(address) => Some(address.port()),
            Address::Unix(_) => None,
        };
        lock(&self.bound).iter().find_map(port).unwrap_or(0)
    }
}

impl Running {
    fn rebind(&self, addresses: &[Address], optional: &[Address]) -> Result<()> {
        let runtime = lock(&self.runtime);
        let Some(runtime) = runtime.as_ref() else {
            return Err(Error::new(ErrorKind::Closed, "the listener was stopped"));
        };
        let mut bound = lock(&self.bound);
        let is_unix = |bound: &Bound| matches!(bound.address, Address::Unix(_));
        let (kept, old): (Vec<_>, Vec<_>) = std::mem::take(&mut *bound).into_iter().partition(is_unix);
        *bound = kept;
        let former: Vec<Address> = old.iter().map(|bound| bound.address.clone()).collect();
        let close = || {
            for Bound { accepts, closed, .. } in old {
                accepts.abort();
                // An error: the other side is gone, and so is the socket.
                let _ = closed.recv();
            }
        };
        // The task that has to go may need the thread that waits for it.
        let is_ours = |handle: &Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
        if Handle::try_current().as_ref().is_ok_and(is_ours) {
            tokio::task::block_in_place(close);
        } else {
            close();
        }
        match self.shared.bind(runtime, addresses, optional) {
            Ok(new) => bound.extend(new),
            Err(error) => {
                match self.shared.bind(runtime, &former, &[]) {
                    Ok(back) => bound.extend(back),
                    Err(error) => log::warn!("Failed to listen where it was listened before: {error}"),
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Listens at all these addresses, or at none of them.
    fn bind(
        self: &Arc<Self>,
        runtime: &Runtime,
        addresses: &[Address],
        optional: &[Address],
    ) -> Result<Vec<Bound>> {
        let config = self.store.config();
        let backlog = config.int(Directive::TcpBacklog).clamp(1, i64::from(i32::MAX)) as u32;
        let mode = config.int(Directive::UnixSocketPerm) as u32;
        let _runtime = runtime.enter();
        let mut sockets = Vec::new();
        for address in addresses {
            match Socket::bind(address, backlog, mode) {
                Ok(socket) => sockets.push((socket.address(address), socket)),
                Err(failure) if failure.is_missing() && optional.contains(address) => {}
                Err(failure) => return Err(failure.into_error(address)),
            }
        }
        let listen = |(address, socket): (Address, Socket)| {
            let (open, closed) = channel();
            let (task, at) = (Task::begin(self), address.clone());
            let accepts = runtime.spawn(async move {
                // Dropped in this order, also when the task is aborted: who waits for the task's end waits for the socket's.
                let held = (socket, task, open);
                accept(&held.1.0, &held.0, &at).await;
            });
            Bound { address, accepts, closed }
        };
        Ok(sockets.into_iter().map(listen).collect())
    }

    fn end_all(&self, life: Life) {
        lock(&self.peers).values().for_each(|known| known.peer.shorten(life));
    }

    /// Waits until no task is left; false when they take longer.
    fn wait_for_end(&self, patience: Duration) -> bool {
        let tasks = lock(&self.tasks);
        let waited = self.ended.wait_timeout_while(tasks, patience, |tasks| *tasks > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }

    pub(crate) fn note_output_limit(&self, peer: &Peer) {
        self.store.wire().output_limit_disconnections.fetch_add(1, Ordering::Relaxed);
        log::warn!(
            "Client addr={} omem={} closed for overcoming of output buffer limits.",
            peer.addr,
            peer.usage().output
        );
    }

    /// Closes who has been silent for too long, or has had too much to read for too long.
    fn tick(&self) {
        let config = self.store.config();
        let timeout = config.int(Directive::Timeout) as u64;
        let limits = [false, true].map(|of_subscriber| config.output_limit(of_subscriber));
        for Known { peer, over_since } in lock(&self.peers).values_mut() {
            if timeout > 0 && !peer.may_be_silent() && peer.idle_seconds() >= timeout {
                log::debug!("Closing idle client {}", peer.addr);
                peer.shorten(Life::Over);
            }
            let limit = limits[usize::from(peer.hears.load(Ordering::Relaxed))];
            if limit.soft == 0 || peer.usage().output <= limit.soft {
                *over_since = None;
            } else if over_since.get_or_insert_with(Instant::now).elapsed().as_secs() >= limit.seconds
                && peer.life() != Life::Over
            {
                self.note_output_limit(peer);
                peer.shorten(Life::Over);
            }
        }
    }
}

async fn watch(shared: Arc<Shared>) {
    loop {
        if lock(&shared.peers).is_empty() {
            shared.first.notified().await;
        }
        tokio::time::sleep(TICK).await;
        shared.tick();
    }
}

async fn accept(shared: &Arc<Shared>, socket: &Socket, address: &Address) {
    let mut stop = pin!(shared.stop.notified());
    while !shared.stopping.load(Ordering::Acquire) {
        let mut next = pin!(socket.accept());
        let accepted = poll_fn(|cx| match stop.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => next.as_mut().poll(cx).map(Some),
        });
        match accepted.await {
            None => return,
            Some(Ok(stream)) => admit(shared, stream, address),
            Some(Err(error)) => {
                log::warn!("Accepting client connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes a connection in, or tells it why not.
fn admit(shared: &Arc<Shared>, stream: Stream, address: &Address) {
    let store = &shared.store;
    let config = store.config();
    let (addr, local_addr, is_near) = stream.addresses(address);
    let refusal = if store.wire().connected.fetch_add(1, Ordering::Relaxed)
        >= config.int(Directive::MaxClients) as u64
    {
        Some(TOO_MANY)
    } else if !is_near
        && config.flag(Directive::ProtectedMode)
        && config.text(Directive::RequirePass).is_empty()
    {
        Some(DENIED)
    } else {
        None
    };
    let place = Place(Arc::clone(shared));
    if let Some(text) = refusal {
        store.wire().rejected.fetch_add(1, Ordering::Relaxed);
        let mut stream = stream;
        tokio::spawn(async move {
            let _place = place;
            let _ = tokio::time::timeout(TICK, stream.write_all(text)).await;
        });
        return;
    }
    log::debug!("Accepted {addr}");
    stream.set_options(config.int(Directive::TcpKeepalive) as u64);
    let peer = Arc::new(Peer::new(addr, local_addr, matches!(stream, Stream::Unix(_)), stream.fd()));
    let client = store.linked_client(Arc::clone(&peer) as Arc<dyn Link>);
    let number = shared.next.fetch_add(1, Ordering::Relaxed);
    let is_first = {
        let mut peers = lock(&shared.peers);
        peers.insert(number, Known { peer: Arc::clone(&peer), over_since: None });
        peers.len() == 1
    };
    if is_first {
        shared.first.notify_one();
    }
    if shared.stopping.load(Ordering::Acquire) {
        // It came while all others were told to end.
        peer.shorten(Life::Ending);
    }
    let task = Task::begin(shared);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _entry = Entry { number, _place: place, task };
        Connection::new(stream, peer, client, shared).run().await;
    });
}

/// A connection's entry among the others; it goes when its task ends, however that ends.
struct Entry {
    number: u64,
    _place: Place,
    task: Task,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(known) = lock(&self.task.0.peers).remove(&self.number) {
            log::debug!("Client closed connection {}", known.peer.addr);
        }
    }
}
