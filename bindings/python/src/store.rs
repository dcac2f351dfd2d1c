//! The native store object.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use persistkv::outbox::{Outbox, Push};
use persistkv::reply::ReplyBuilder;
use persistkv::{Blocked, Client, Error, Midst, Reply, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::{self, Arguments};
use crate::errors;
use crate::interrupt::{self, Released};
use crate::listener::Listener;
use crate::waiting::{self, Waiting};

/// One logical connection to a store, usable from any number of threads at once: each call takes a client from the
/// pool, so that calls run in parallel; the selected database belongs to the connection.
#[pyclass(frozen, module = "persistkv._persistkv")]
pub(crate) struct Store {
    store: Released<persistkv::Store>,
    idle: Released<Mutex<Vec<Client>>>,
    /// The only client of a session, which runs one call at a time.
    session: Released<Option<Mutex<Client>>>,
    db: AtomicUsize,
    decode: bool,
}

impl Store {
    fn wrap(store: persistkv::Store, decode: bool) -> Self {
        Self {
            store: Released::new(store),
            idle: Released::new(Mutex::new(Vec::new())),
            session: Released::new(None),
            db: AtomicUsize::new(0),
            decode,
        }
    }

    fn client(&self) -> Client {
        let mut client = self.store.client();
        client.set_interrupt(Some(interrupt::hook()));
        client
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, py: Python<'_>, args: &Bound<'_, PyTuple>, decode: bool) -> PyResult<Py<PyAny>> {
        let arguments = Arguments::from_tuple(args)?;
        let begun = interrupt::run(py, || self.begin(&arguments.slices(), false).0)?;
        let reply = match begun.map_err(|error| errors::raise(py, &error))? {
            Begun::Done(reply) => reply,
            Begun::Waits(blocked) => waiting::finish(py, &blocked)?,
        };
        convert::reply(py, reply, decode)
    }

    fn run(&self, argv: &[&[u8]]) -> Result<Reply> {
        match self.begin(argv, false).0? {
            Begun::Done(reply) => Ok(reply),
            Begun::Waits(_) => Err(Error::command("ERR this command can not wait here")),
        }
    }

    /// Runs a command that may turn out to wait, and with `ahead` leaves the waiting for durability to the caller, who
    /// gets the position of the log to wait for (0: none).
    fn begin(&self, argv: &[&[u8]], ahead: bool) -> (Result<Begun>, u64) {
        let run = |client: &mut Client| {
            let mut out = ReplyBuilder::new(client.resp3());
            let (blocked, owed) =
                if ahead { client.begin_ahead(argv, &mut out) } else { (client.begin(argv, &mut out), 0) };
            let begun = blocked.map(|blocked| match blocked {
                Some(blocked) => Begun::Waits(blocked),
                // SUBSCRIBE and its kin answer by messages.
                None => Begun::Done(out.finish().unwrap_or(Reply::Null)),
            });
            (begun, owed)
        };
        if let Some(session) = &*self.session {
            let mut client = session.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = run(&mut client);
            self.db.store(client.selected_db(), Ordering::Relaxed);
            return begun;
        }
        let mut client = self.idle().pop().unwrap_or_else(|| self.client());
        let db = self.db.load(Ordering::Relaxed);
        if client.selected_db() != db
            && let Err(error) = client.select_db(db)
        {
            return (Err(error), 0);
        }
        let begun = run(&mut client);
        // Calls of this object may come from several threads: dropping the client ends what it has begun.
        if let Some(midst) = client.midst() {
            let text = match midst {
                Midst::Transaction => "ERR MULTI and WATCH need a pipeline: call pipeline() or transaction()",
                Midst::Subscription => "ERR subscriptions need an object of their own: call pubsub()",
                Midst::Monitor => "ERR MONITOR needs an object of its own: call monitor()",
                Midst::Tracking => {
                    "ERR CLIENT TRACKING needs a connection of its own: call listen() and connect a Redis client, or \
                     subscribe to keyspace events with pubsub()"
                }
            };
            return (Err(Error::command(text)), 0);
        }
        if client.selected_db() != db {
            self.db.store(client.selected_db(), Ordering::Relaxed);
        }
        // A client that waits is not needed for that any more: the waiting call stands for itself.
        self.idle().push(client);
        begun
    }

    fn outbox(&self, py: Python<'_>) -> PyResult<Arc<Outbox>> {
        let session =
            self.session.as_ref().ok_or_else(|| PyRuntimeError::new_err("messages come to a session"))?;
        // Another thread may have it, and want the GIL.
        interrupt::run(py, || session.lock().unwrap_or_else(PoisonError::into_inner).outbox())
    }
}

/// A command that was run, or waits.
enum Begun {
    Done(Reply),
    Waits(Blocked),
}

/// A message as a list of its parts.
fn message(py: Python<'_>, push: &Push, decode: bool) -> PyResult<Py<PyAny>> {
    let reply = match push {
        Push::Parts(parts) => Reply::Array(parts.clone()),
        Push::Line(line) => Reply::Simple(line.clone().into()),
    };
    convert::reply(py, reply, decode)
}

#[pymethods]
impl Store {
    /// Opens a directory, or a store in memory when `path` is None. `directives` are name and value as text.
    #[staticmethod]
    #[pyo3(signature = (path, directives, decode_responses))]
    fn open(
        py: Python<'_>,
        path: Option<PathBuf>,
        directives: BTreeMap<String, String>,
        decode_responses: bool,
    ) -> PyResult<Self> {
        let pairs: Vec<(String, String)> = directives.into_iter().collect();
        let opened = py.detach(|| match path {
            Some(path) => persistkv::Store::open(path, &pairs),
            None => persistkv::Store::memory_with(&pairs),
        });
        opened.map(|store| Self::wrap(store, decode_responses)).map_err(|error| errors::raise(py, &error))
    }

    /// Serves the store at an address.
    fn listen(&self, py: Python<'_>, address: &str, threads: usize) -> PyResult<Listener> {
        Listener::start(py, &self.store, address, threads)
    }

    /// Another connection to the same store, with a selected database of its own.
    fn connection(&self, py: Python<'_>, db: usize) -> PyResult<Self> {
        let other = Self::wrap((*self.store).clone(), self.decode);
        other.store.client().select_db(db).map_err(|error| errors::raise(py, &error))?;
        other.db.store(db, Ordering::Relaxed);
        Ok(other)
    }

    /// A connection with a state of its own, in the same database, for transactions. Calls run one at a time.
    fn session(&self, py: Python<'_>) -> PyResult<Self> {
        let mut other = Self::wrap((*self.store).clone(), self.decode);
        let mut client = self.client();
        let db = self.db.load(Ordering::Relaxed);
        client.select_db(db).map_err(|error| errors::raise(py, &error))?;
        other.session = Released::new(Some(Mutex::new(client)));
        other.db.store(db, Ordering::Relaxed);
        Ok(other)
    }

    /// Runs a command; the GIL is free meanwhile.
    #[pyo3(signature = (*args))]
    fn execute(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        self.answer(py, args, self.decode)
    }

    /// The same, with bytes in the reply even when responses are decoded (DUMP).
    #[pyo3(signature = (*args))]
    fn execute_bytes(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        self.answer(py, args, false)
    }

    /// EXEC, with the replies in order: as bytes where `as_bytes` says so, whatever is decoded else. None when a watched
    /// key was changed.
    fn execute_exec(&self, py: Python<'_>, as_bytes: Vec<bool>) -> PyResult<Option<Vec<Py<PyAny>>>> {
        match interrupt::run(py, || self.run(&[b"EXEC"]))? {
            Ok(Reply::Array(replies)) => {
                let choices = as_bytes.into_iter().chain(std::iter::repeat(false));
                let convert =
                    |(reply, bytes): (Reply, bool)| convert::reply(py, reply, self.decode && !bytes);
                replies.into_iter().zip(choices).map(convert).collect::<PyResult<_>>().map(Some)
            }
            Ok(_) => Ok(None),
            Err(error) => Err(errors::raise(py, &error)),
        }
    }

    /// Runs a command without waiting for a key or for durability: its reply, the waiting call if it waits, and the
    /// position of the log that :meth:`wait_durable` is to wait for.
    #[pyo3(signature = (as_bytes, *args))]
    fn begin_execute(
        &self,
        py: Python<'_>,
        as_bytes: bool,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<(Py<PyAny>, Option<Waiting>, u64)> {
        let arguments = Arguments::from_tuple(args)?;
        let decode = self.decode && !as_bytes;
        let (begun, owed) = interrupt::run(py, || self.begin(&arguments.slices(), true))?;
        match begun.map_err(|error| errors::raise(py, &error))? {
            Begun::Done(reply) => Ok((convert::reply(py, reply, decode)?, None, owed)),
            Begun::Waits(blocked) => Ok((py.None(), Some(Waiting::new(blocked, decode)), owed)),
        }
    }

    /// Returns when everything up to this position of the log is on disk.
    fn wait_durable(&self, py: Python<'_>, position: u64) -> PyResult<()> {
        py.detach(|| self.store.wait_durable(position)).map_err(|error| errors::raise(py, &error))
    }

    /// The next message of a session as its parts, None when none has come within that many seconds (None: for ever).
    fn next_message(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let outbox = self.outbox(py)?;
        let next = waiting::sliced(py, timeout, |most| outbox.next(most).transpose())?;
        match next.transpose().map_err(|error| errors::raise(py, &error))? {
            Some(push) => message(py, &push, self.decode).map(Some),
            None => Ok(None),
        }
    }

    /// Calls `wake` from any thread when a message has come; None: no longer.
    fn set_message_waker(&self, py: Python<'_>, wake: Option<Py<PyAny>>) -> PyResult<()> {
        let outbox = self.outbox(py)?;
        // It may be called at once.
        py.detach(|| outbox.set_waker(wake.map(waiting::waker)));
        Ok(())
    }

    /// Closes the store for everyone in this process.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        interrupt::run(py, || self.store.close())?.map_err(|error| errors::raise(py, &error))
    }

    #[getter]
    fn closed(&self) -> bool {
        self.store.is_closed()
    }

    #[getter]
    fn db(&self) -> usize {
        self.db.load(Ordering::Relaxed)
    }

    /// The directory, None for a store in memory.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.store.dir().map(PathBuf::from)
    }

    /// What was repaired or worth knowing when the files were loaded.
    #[getter]
    fn load_notes(&self) -> Vec<String> {
        self.store.load_notes()
    }
}
