//! One connection: reads what has arrived, runs it, answers it in one write.
//!
//! A task of its own does all of it. Commands run in the task, ahead of their durability; before their replies go out the
//! task waits once for all of them. A peer that does not read its replies is read from all the same, since it may wait for
//! us to take what it sends before it reads anything, until its output limit ends it. While one of its commands waits for a
//! key, or is held by a pause, what it sends is read but not run.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use persistkv::config::Directive;
use persistkv::outbox::Outbox;
use persistkv::{Blocked, Client, ErrorKind, ReplySink, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::encode::Encoder;
use crate::listener::Shared;
use crate::peer::{Life, Peer};
use crate::request::{Found, Limits, Parser};
use crate::socket::Stream;

/// Commands that are run before others get their turn.
const BATCH: usize = 256;
/// Replies beyond this are sent before more commands are run.
const FLUSH_BYTES: usize = 256 * 1024;
/// First and usual size of the input buffer.
const INPUT_FIRST: usize = 4 * 1024;
/// Buffers larger than this are given back when they are empty.
const KEEP_BYTES: usize = 64 * 1024;
/// Bytes of replies that count towards no limit: those that fit into the buffer every client of Redis has.
const FREE_BYTES: usize = 16 * 1024;
/// What may wait for who has not given the password, whatever the limits say: as in Redis since 7.4.3.
const LOCKED_OUT_BYTES: usize = 1024;
/// Arguments up to which no allocation is made for them.
const FEW: usize = 16;
/// How long a peer has to take note of the end, so that what was sent last is not lost to a reset.
const LINGER: Duration = Duration::from_millis(250);

/// See the module.
pub(crate) struct Connection {
    stream: Stream,
    peer: Arc<Peer>,
    client: Client,
    outbox: Arc<Outbox>,
    shared: Arc<Shared>,
    input: Vec<u8>,
    /// Bytes of `input` that were read.
    filled: usize,
    parser: Parser,
    out: Encoder,
    /// Bytes of `out` that are gone.
    sent: usize,
    /// The command that waits for a key.
    blocked: Option<Blocked>,
    /// The command that a pause holds, and until when.
    held: Option<(Vec<Vec<u8>>, Instant)>,
}

/// What a turn brought.
enum Event {
    Read(usize),
    Wrote(usize),
    /// There is more to run, or the life of the connection has changed.
    Go,
    Failed,
}

impl Connection {
    pub(crate) fn new(stream: Stream, peer: Arc<Peer>, client: Client, shared: Arc<Shared>) -> Self {
        let outbox = client.outbox();
        let woken = Arc::clone(&peer);
        outbox.set_waker(Some(Arc::new(move || woken.wake.notify_one())));
        Self {
            stream,
            peer,
            client,
            outbox,
            shared,
            input: Vec::new(),
            filled: 0,
            parser: Parser::default(),
            out: Encoder::default(),
            sent: 0,
            blocked: None,
            held: None,
        }
    }

    /// Serves until the peer or we have had enough.
    pub(crate) async fn run(mut self) {
        loop {
            let more = self.peer.life() == Life::Open && self.resume() && self.run_arrived().await;
            if !self.take_messages() || (self.is_over_output_limit()) {
                return;
            }
            match self.peer.life() {
                Life::Over => return,
                Life::Ending if self.pending() == 0 => return self.linger().await,
                _ => {}
            }
            match self.turn(more).await {
                Event::Go => {}
                Event::Read(0) => self.peer.shorten(Life::Ending),
                Event::Read(n) => self.note_read(n),
                Event::Wrote(n) => self.note_sent(n),
                Event::Failed => return,
            }
        }
    }

    /// Answers a command that waited, if it is its time; false while there is one that waits on.
    fn resume(&mut self) -> bool {
        if let Some(blocked) = &self.blocked {
            if blocked.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                blocked.time_out();
            }
            let mark = self.out.bytes.len();
            let Some(done) = blocked.take(&mut self.out) else { return false };
            settle(done, &mut self.client, &mut self.out, mark, &self.peer);
            self.blocked = None;
            self.peer.waits.store(false, Ordering::Relaxed);
            self.peer.output.store(self.pending(), Ordering::Relaxed);
        }
        if let Some((argv, until)) = &mut self.held {
            match self.client.pause_left(argv) {
                Some(left) => {
                    *until = Instant::now() + left;
                    return false;
                }
                None => self.peer.waits.store(false, Ordering::Relaxed),
            }
        }
        true
    }

    /// When this connection has to look up in any case.
    fn deadline(&self) -> Option<Instant> {
        let held = self.held.as_ref().map(|(_, until)| *until);
        held.or_else(|| self.blocked.as_ref().and_then(Blocked::deadline))
    }

    /// Messages that have come stand behind the reply that was written last; false when some were lost.
    fn take_messages(&mut self) -> bool {
        if !self.outbox.is_filled() {
            return true;
        }
        match self.outbox.take_all() {
            Ok(messages) => messages.iter().for_each(|message| message.write(&mut self.out)),
            Err(error) if error.kind() == ErrorKind::Closed => self.peer.shorten(Life::Ending),
            Err(_) => {
                self.shared.note_output_limit(&self.peer);
                return false;
            }
        }
        self.peer.hears.store(self.client.is_subscriber(), Ordering::Relaxed);
        self.peer.output.store(self.pending(), Ordering::Relaxed);
        true
    }

    /// Bytes that wait to be sent.
    fn pending(&self) -> usize {
        self.out.bytes.len() - self.sent
    }

    /// Waits for the next thing to happen; writes before it reads.
    async fn turn(&mut self, more: bool) -> Event {
        if more {
            tokio::task::yield_now().await;
        }
        let may_read = !more && self.peer.life() == Life::Open;
        if may_read {
            self.make_room();
        }
        let mut woken = pin!(self.peer.wake.notified());
        let mut alarm = pin!(self.deadline().map(|at| tokio::time::sleep_until(at.into())));
        let (stream, input, filled) = (&mut self.stream, &mut self.input, self.filled);
        let waiting = &self.out.bytes[self.sent..];
        poll_fn(|cx| {
            if !waiting.is_empty()
                && let Poll::Ready(wrote) = Pin::new(&mut *stream).poll_write(cx, waiting)
            {
                return Poll::Ready(match wrote {
                    Ok(0) | Err(_) => Event::Failed,
                    Ok(n) => Event::Wrote(n),
                });
            }
            if more || woken.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Go);
            }
            if let Some(alarm) = alarm.as_mut().as_pin_mut()
                && alarm.poll(cx).is_ready()
            {
                return Poll::Ready(Event::Go);
            }
            if may_read {
                let mut buffer = ReadBuf::new(&mut input[filled..]);
                if let Poll::Ready(read) = Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                    return Poll::Ready(match read {
                        Ok(()) => Event::Read(buffer.filled().len()),
                        Err(_) => Event::Failed,
                    });
                }
            }
            Poll::Pending
        })
        .await
    }

    fn note_read(&mut self, n: usize) {
        self.filled += n;
        self.peer.note_active();
        self.peer.total_input.fetch_add(n as u64, Ordering::Relaxed);
        let wire = self.shared.store.wire();
        wire.input.fetch_add(n as u64, Ordering::Relaxed);
        let limit = self.shared.store.config().int(Directive::ClientQueryBufferLimit);
        if self.filled as u64 > limit as u64 {
            wire.query_limit_disconnections.fetch_add(1, Ordering::Relaxed);
            log::warn!("Closing client {} that reached max query buffer length", self.peer.addr);
            self.peer.shorten(Life::Over);
        }
    }

    fn note_sent(&mut self, n: usize) {
        self.sent += n;
        self.peer.note_active();
        self.peer.total_output.fetch_add(n as u64, Ordering::Relaxed);
        self.shared.store.wire().output.fetch_add(n as u64, Ordering::Relaxed);
        if self.pending() == 0 {
            self.sent = 0;
            self.out.bytes.clear();
            if self.out.bytes.capacity() > KEEP_BYTES {
                self.out.bytes = Vec::new();
            }
        } else if self.sent > self.out.bytes.len() / 2 {
            self.out.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.peer.output.store(self.pending(), Ordering::Relaxed);
    }

    /// Room for what arrives next: what was run is dropped first, then the buffer doubles.
    fn make_room(&mut self) {
        let done = self.parser.forget_done();
        if done > 0 {
            self.input.copy_within(done..self.filled, 0);
            self.filled -= done;
        }
        if self.filled == 0 && self.input.len() > KEEP_BYTES {
            self.input = Vec::new();
        }
        if self.filled == self.input.len() {
            self.input.resize((self.filled * 2).max(INPUT_FIRST), 0);
        }
        self.peer.input.store(self.filled, Ordering::Relaxed);
        self.peer.input_free.store(self.input.len() - self.filled, Ordering::Relaxed);
    }

    /// Runs commands that have arrived whole; true when there may be more of them.
    async fn run_arrived(&mut self) -> bool {
        // What was told before a command arrived is heard before its reply.
        if !self.take_messages() {
            self.peer.shorten(Life::Over);
            return false;
        }
        let start = self.out.bytes.len();
        let (mut owed, mut replies) = (0, 0);
        let mut more = true;
        for _ in 0..BATCH {
            let (done, lsn) = if let Some((argv, _)) = self.held.take() {
                let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                execute(&mut self.client, &mut self.out, &self.peer, &argv)
            } else {
                let limits = Limits {
                    bulk: self.shared.store.config().int(Directive::ProtoMaxBulkLen),
                    locked_out: self.client.owes_password(),
                };
                let window = &self.input[..self.filled];
                match self.parser.next(window, limits) {
                    Ok(Found::More) => {
                        more = false;
                        break;
                    }
                    Ok(Found::Nothing) => continue,
                    Ok(Found::Multibulk) => {
                        let args = self.parser.args();
                        if args.len() <= FEW {
                            let mut few: [&[u8]; FEW] = [&[]; FEW];
                            for (slot, arg) in few.iter_mut().zip(args) {
                                *slot = &window[arg.clone()];
                            }
                            execute(&mut self.client, &mut self.out, &self.peer, &few[..args.len()])
                        } else {
                            let many: Vec<&[u8]> = args.iter().map(|arg| &window[arg.clone()]).collect();
                            execute(&mut self.client, &mut self.out, &self.peer, &many)
                        }
                    }
                    Ok(Found::Inline(argv)) => {
                        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                        execute(&mut self.client, &mut self.out, &self.peer, &argv)
                    }
                    Err(text) => {
                        log::debug!("Protocol error ({text}) from client {}", self.peer.addr);
                        let text = format!("ERR Protocol error: {text}");
                        self.out.error(&persistkv::Error::command(text));
                        self.peer.shorten(Life::Ending);
                        (Done::Answered, 0)
                    }
                }
            };
            let goes_on = self.take_note(done);
            if !self.take_messages() {
                self.peer.shorten(Life::Over);
            }
            owed = owed.max(lsn);
            replies += usize::from(goes_on);
            if !goes_on || self.peer.life() != Life::Open {
                more = false;
                break;
            }
            if self.pending() >= FLUSH_BYTES {
                break;
            }
        }
        if owed > 0
            && let Err(error) = self.shared.committer.wait(&self.shared.store, owed).await
        {
            // What could not be made durable was not done as far as the peer is told.
            self.out.bytes.truncate(start);
            (0..replies).for_each(|_| self.out.error(&error));
        }
        self.peer.output.store(self.pending(), Ordering::Relaxed);
        more
    }

    /// Whether the next command may be run after this one.
    fn take_note(&mut self, done: Done) -> bool {
        match done {
            Done::Answered => return true,
            Done::Waits(blocked) => {
                let peer = Arc::clone(&self.peer);
                blocked.set_waker(Arc::new(move || peer.wake.notify_one()));
                self.blocked = Some(blocked);
            }
            Done::Held(argv, left) => self.held = Some((argv, Instant::now() + left)),
        }
        self.peer.waits.store(true, Ordering::Relaxed);
        false
    }

    /// Ends the connection when more waits to be sent than its class may have.
    fn is_over_output_limit(&self) -> bool {
        if self.pending() <= FREE_BYTES {
            return false;
        }
        let limit = self.shared.store.config().output_limit(self.client.is_subscriber());
        let counted = self.pending() - FREE_BYTES;
        let is_over = (limit.hard > 0 && counted > limit.hard)
            || (counted > LOCKED_OUT_BYTES && self.client.owes_password());
        if is_over {
            self.shared.note_output_limit(&self.peer);
        }
        is_over
    }

    /// Everything was sent: says so, and waits a moment for the peer to go first.
    async fn linger(&mut self) {
        let stream = &mut self.stream;
        let mut waste = [0; 4096];
        let end = async {
            poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await?;
            loop {
                let mut buffer = ReadBuf::new(&mut waste);
                poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buffer)).await?;
                if buffer.filled().is_empty() {
                    return io::Result::Ok(());
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, end).await;
    }
}

/// How a command went.
enum Done {
    /// Its reply, or its error, is written.
    Answered,
    /// It waits for a key.
    Waits(Blocked),
    /// A pause holds it, for so long.
    Held(Vec<Vec<u8>>, Duration),
}

/// Runs one command; returns besides what it owes the log.
fn execute(client: &mut Client, out: &mut Encoder, peer: &Peer, argv: &[&[u8]]) -> (Done, u64) {
    let is = |name: &str| argv[0].eq_ignore_ascii_case(name.as_bytes());
    if is("post") || is("host:") {
        // Somebody makes a browser talk to us.
        log::warn!(
            "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to the listener. \
             Connection from {} aborted.",
            peer.addr
        );
        peer.shorten(Life::Over);
        return (Done::Answered, 0);
    }
    if let Some(left) = client.pause_left(argv) {
        return (Done::Held(argv.iter().map(|arg| arg.to_vec()).collect(), left), 0);
    }
    let mark = out.bytes.len();
    let (result, owed) = if LONG.iter().any(|name| is(name)) {
        tokio::task::block_in_place(|| client.begin_ahead(argv, out))
    } else {
        client.begin_ahead(argv, out)
    };
    let done = match result {
        Ok(Some(blocked)) => return (Done::Waits(blocked), owed),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    settle(done, client, out, mark, peer);
    if is("exec") {
        // What it subscribed to was confirmed in its reply, and no message says so.
        peer.hears.store(client.is_subscriber(), Ordering::Relaxed);
    }
    (Done::Answered, owed)
}

/// A command is over: its error is its reply, and it may be that none is wanted.
fn settle(done: Result<()>, client: &mut Client, out: &mut Encoder, mark: usize, peer: &Peer) {
    if let Err(error) = done {
        out.bytes.truncate(mark);
        out.error(&error);
        if matches!(error.kind(), ErrorKind::Closed | ErrorKind::Forked) {
            peer.shorten(Life::Ending);
        }
    }
    if !client.wants_reply() {
        out.bytes.truncate(mark);
    }
}

/// Commands that may take so long that the other connections of their thread go to another one first.
const LONG: &[&str] = &[
    "bgrewriteaof",
    "bgsave",
    "config",
    "debug",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "fcall",
    "fcall_ro",
    "flushall",
    "flushdb",
    "function",
    "keys",
    "memory",
    "pfselftest",
    "save",
    "script",
    "shutdown",
    "sort",
    "sort_ro",
];
