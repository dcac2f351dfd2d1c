//! One logical connection to a store: its selected database and the shape of its replies.

use std::sync::Arc;
use std::time::Duration;

use crate::blocked::Blocked;
use crate::command::observe::Link;
use crate::command::peers::Replies;
use crate::command::{Interrupt, Services, Session, dispatch, pubsub, tracking, transactions};
use crate::config::Directive;
use crate::error::{Error, ErrorKind, Result};
use crate::outbox::Outbox;
use crate::reply::{Reply, ReplyBuilder, ReplySink};
use crate::store::{Handle, ahead};

/// A logical connection. Cheap to make; used by one thread at a time, while any number of clients of one store work
/// in parallel.
pub struct Client {
    store: Arc<Handle>,
    session: Session,
}

/// What a client can be in the midst of, so that it serves one caller only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Midst {
    /// MULTI was called, or keys are watched.
    Transaction,
    /// It has subscribed to something.
    Subscription,
    /// It sees what others do (MONITOR).
    Monitor,
    /// It is told when what it has read changes (CLIENT TRACKING).
    Tracking,
}

impl Client {
    pub(crate) fn new(store: Arc<Handle>) -> Self {
        Self::linked(store, None)
    }

    /// A client whose commands come over a connection.
    pub(crate) fn linked(store: Arc<Handle>, link: Option<Arc<dyn Link>>) -> Self {
        let now = store.inner.keyspace().clock().now_ms();
        let locked_out = link.is_some() && !store.inner.config().text(Directive::RequirePass).is_empty();
        let mut session = Session::of(store.inner.observer().clients.register(now, link));
        session.locked_out = locked_out;
        Self { store, session }
    }

    /// Whether it has yet to give the password: what it sends is held to tighter limits.
    pub fn owes_password(&self) -> bool {
        self.session.locked_out
    }

    /// As [`Client::begin`], but does not wait until what was done or seen is durable: returns besides the position of the
    /// log that [`Store::wait_durable`](crate::Store::wait_durable) is to wait for before anybody is told, 0 for none. So
    /// a listener waits once for all that has arrived.
    pub fn begin_ahead<A: AsRef<[u8]>>(
        &mut self,
        argv: &[A],
        out: &mut dyn ReplySink,
    ) -> (Result<Option<Blocked>>, u64) {
        ahead::run(|| self.begin(argv, out))
    }

    /// Its number among the clients of its store (CLIENT ID).
    pub fn id(&self) -> u64 {
        self.session.client.as_ref().map_or(0, |client| client.id)
    }

    /// Runs a command given as its name and arguments, and returns its reply.
    ///
    /// When it returns, what the command did survives a kill of this process (with a log), and under `appendfsync
    /// always` a power loss. Errors carry Redis's own text.
    pub fn execute<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Result<Reply> {
        let mut out = ReplyBuilder::new(self.session.resp3);
        self.execute_into(argv, &mut out)?;
        if out.is_untouched() {
            // SUBSCRIBE and its kin: see the outbox.
            return Ok(Reply::Null);
        }
        out.finish().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "ERR internal error: the command's answer ended early")
        })
    }

    /// As [`Client::execute`], with the reply written to `out` as it is made.
    ///
    /// A command that waits (BLPOP and its kin) keeps this thread until it is served or its time is over; see
    /// [`Client::begin`] for callers that can not spare it.
    pub fn execute_into<A: AsRef<[u8]>>(&mut self, argv: &[A], out: &mut dyn ReplySink) -> Result<()> {
        match self.begin(argv, out)? {
            None => Ok(()),
            Some(blocked) => blocked.finish(out),
        }
    }

    /// Runs a command without ever waiting for a key: a command that would is handed back as a [`Blocked`] call, which is
    /// served by whoever makes its key ready. Until that is over no other command may be run by this client.
    pub fn begin<A: AsRef<[u8]>>(&mut self, argv: &[A], out: &mut dyn ReplySink) -> Result<Option<Blocked>> {
        self.run(argv, out)?;
        let waiter = self.session.blocked.take();
        Ok(waiter.map(|waiter| Blocked::new(Arc::clone(&self.store), waiter)))
    }

    fn run<A: AsRef<[u8]>>(&mut self, argv: &[A], out: &mut dyn ReplySink) -> Result<()> {
        self.store.check_usable()?;
        dispatch::check_not_empty(argv.len())?;
        if self.session.client.as_ref().is_some_and(|client| client.link.is_none()) {
            while let Some(left) = self.pause_left(argv) {
                self.store.inner.observer().pause.wait(left);
                self.store.check_usable()?;
            }
        }
        // Most commands have few arguments: no allocation for them.
        const FEW: usize = 8;
        if argv.len() <= FEW {
            let mut few: [&[u8]; FEW] = [&[]; FEW];
            for (slot, arg) in few.iter_mut().zip(argv) {
                *slot = arg.as_ref();
            }
            return dispatch::execute(&*self.store.inner, &mut self.session, &few[..argv.len()], out);
        }
        let many: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        dispatch::execute(&*self.store.inner, &mut self.session, &many, out)
    }

    /// How long this command is held by CLIENT PAUSE. A client inside the process waits for that by itself; a listener
    /// looks here first.
    pub fn pause_left<A: AsRef<[u8]>>(&self, argv: &[A]) -> Option<Duration> {
        let inner = &self.store.inner;
        let pause = &inner.observer().pause;
        if !pause.is_on() {
            return None;
        }
        let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        pause.left(inner.keyspace().clock().now_ms(), transactions::may_write(&self.session, &argv))
    }

    /// Whether the reply to the command that was just run is to be sent (CLIENT REPLY).
    pub fn wants_reply(&mut self) -> bool {
        match self.session.replies {
            Replies::On => true,
            Replies::Off => false,
            Replies::SkipNext => {
                self.session.replies = Replies::Skip;
                false
            }
            Replies::Skip => {
                self.session.replies = Replies::On;
                false
            }
        }
    }

    /// What it is told without asking: messages of the channels it has subscribed to. What SUBSCRIBE and its kin answer
    /// comes there too.
    pub fn outbox(&self) -> Arc<Outbox> {
        self.session.client.as_ref().map(|client| Arc::clone(&client.outbox)).unwrap_or_default()
    }

    /// What it is in the midst of. Who shares clients between callers must not hand on one that is in anything.
    pub fn midst(&self) -> Option<Midst> {
        let client = self.session.client.as_ref()?;
        Some(match () {
            () if self.session.in_transaction() => Midst::Transaction,
            () if client.is_subscriber() => Midst::Subscription,
            () if self.session.is_tracking() => Midst::Tracking,
            () if self.store.inner.observer().monitors.has(client.id) => Midst::Monitor,
            () => return None,
        })
    }

    /// Whether it has subscribed to anything, or monitors: then it may be silent for long.
    pub fn is_subscriber(&self) -> bool {
        let monitors = &self.store.inner.observer().monitors;
        self.session.client.as_ref().is_some_and(|client| client.is_subscriber() || monitors.has(client.id))
    }

    /// Lets the host end scripts of this client that have not written yet. One that has goes on, as with SCRIPT KILL.
    pub fn set_interrupt(&mut self, interrupt: Option<Interrupt>) {
        self.session.interrupt = interrupt;
    }

    /// Whether replies take RESP3 shapes (maps, sets, doubles). Off at first, as on a new Redis connection.
    pub fn set_resp3(&mut self, on: bool) {
        self.session.set_resp3(on);
    }

    /// Selects a database, as SELECT does.
    pub fn select_db(&mut self, db: usize) -> Result<()> {
        self.store.check_usable()?;
        if db >= self.store.inner.databases() {
            return Err(Error::command("ERR DB index is out of range"));
        }
        self.session.select(db);
        Ok(())
    }

    /// Whether a transaction is under way: MULTI was called, or keys are watched. Who shares clients between callers must
    /// not hand on one that is.
    pub fn in_transaction(&self) -> bool {
        self.session.in_transaction()
    }

    /// Whether commands are being queued since MULTI.
    pub fn in_multi(&self) -> bool {
        self.session.is_queueing()
    }

    /// Whether replies take RESP3 shapes.
    pub fn resp3(&self) -> bool {
        self.session.resp3
    }

    /// Fails as any call would: in a forked child, and after the store was closed.
    pub fn check_usable(&self) -> Result<()> {
        self.store.check_usable()
    }

    /// The selected database.
    pub fn selected_db(&self) -> usize {
        self.session.db
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // In a forked child the locks may be held by threads that do not exist there.
        if self.store.check_usable().is_ok() {
            transactions::end(&*self.store.inner, &mut self.session);
            pubsub::end(&*self.store.inner, &mut self.session);
            tracking::end(&*self.store.inner, &mut self.session, true);
        }
        if let Some(client) = self.session.client.as_ref().filter(|_| self.store.inner.is_ours()) {
            self.store.inner.observer().monitors.leave(client);
            self.store.inner.observer().clients.forget(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Midst;
    use crate::{Reply, Store};

    #[test]
    fn a_client_runs_commands() {
        let mut client = Store::memory().unwrap().client();
        assert_eq!(client.midst(), None);
        assert_eq!(client.execute(&["ping"]).unwrap(), Reply::Simple("PONG".into()));
        assert_eq!(client.execute(&["SELECT", "3"]).unwrap(), Reply::Simple("OK".into()));
        assert_eq!(client.selected_db(), 3);
        assert!(client.execute::<&str>(&[]).is_err());
        assert_eq!(client.execute(&["ECHO", "x"]).unwrap(), Reply::Bulk(b"x".to_vec()));
    }

    #[test]
    fn a_client_says_what_it_is_in_the_midst_of() {
        let store = Store::memory().unwrap();
        for (call, midst) in [
            ("MULTI", Midst::Transaction),
            ("WATCH k", Midst::Transaction),
            ("SUBSCRIBE a", Midst::Subscription),
            ("MONITOR", Midst::Monitor),
            ("CLIENT TRACKING ON BCAST", Midst::Tracking),
        ] {
            let mut client = store.client();
            client.execute(&call.split(' ').collect::<Vec<_>>()).unwrap();
            assert_eq!(client.midst(), Some(midst), "{call}");
            client.execute(&["RESET"]).unwrap();
            assert_eq!(client.midst(), None, "{call}");
        }
    }

    #[test]
    fn an_argument_no_key_can_hold_is_refused() {
        let mut client = Store::memory().unwrap().client();
        // Zeroed lazily: nothing of it is ever touched.
        let long = vec![0; crate::table::MAX_LEN + 1];
        let error = client.execute(&[&b"HSET"[..], b"h", b"f", &long]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Argument);
        assert!(client.execute(&[&b"SADD"[..], b"s", &long]).is_err());
    }
}
