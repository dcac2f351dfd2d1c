//! The native store object.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use persistkv::{Client, Error, Reply, Result};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::{self, Arguments};
use crate::errors;

/// One logical connection to a store, usable from any number of threads at once: each call takes a client from the
/// pool, so that calls run in parallel; the selected database belongs to the connection.
#[pyclass(frozen, module = "persistkv._persistkv")]
pub(crate) struct Store {
    store: persistkv::Store,
    idle: Mutex<Vec<Client>>,
    /// The only client of a session, which runs one call at a time.
    session: Option<Mutex<Client>>,
    db: AtomicUsize,
    decode: bool,
}

impl Store {
    fn wrap(store: persistkv::Store, decode: bool) -> Self {
        Self { store, idle: Mutex::new(Vec::new()), session: None, db: AtomicUsize::new(0), decode }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, py: Python<'_>, args: &Bound<'_, PyTuple>, decode: bool) -> PyResult<Py<PyAny>> {
        let arguments = Arguments::from_tuple(args)?;
        match py.detach(|| self.run(&arguments.slices())) {
            Ok(reply) => convert::reply(py, reply, decode),
            Err(error) => Err(errors::raise(py, &error)),
        }
    }

    fn run(&self, argv: &[&[u8]]) -> Result<Reply> {
        if let Some(session) = &self.session {
            let mut client = session.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = client.execute(argv);
            self.db.store(client.selected_db(), Ordering::Relaxed);
            return reply;
        }
        let mut client = self.idle().pop().unwrap_or_else(|| self.store.client());
        let db = self.db.load(Ordering::Relaxed);
        if client.selected_db() != db {
            client.select_db(db)?;
        }
        let reply = client.execute(argv);
        if client.in_transaction() {
            // Calls of this object may come from several threads: dropping the client ends its transaction.
            return Err(Error::command(
                "ERR MULTI and WATCH need a pipeline: call pipeline() or transaction()",
            ));
        }
        if client.selected_db() != db {
            self.db.store(client.selected_db(), Ordering::Relaxed);
        }
        self.idle().push(client);
        reply
    }
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

    /// Another connection to the same store, with a selected database of its own.
    fn connection(&self, py: Python<'_>, db: usize) -> PyResult<Self> {
        let other = Self::wrap(self.store.clone(), self.decode);
        other.store.client().select_db(db).map_err(|error| errors::raise(py, &error))?;
        other.db.store(db, Ordering::Relaxed);
        Ok(other)
    }

    /// A connection with a state of its own, in the same database, for transactions. Calls run one at a time.
    fn session(&self, py: Python<'_>) -> PyResult<Self> {
        let mut other = Self::wrap(self.store.clone(), self.decode);
        let mut client = self.store.client();
        let db = self.db.load(Ordering::Relaxed);
        client.select_db(db).map_err(|error| errors::raise(py, &error))?;
        other.session = Some(Mutex::new(client));
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
        match py.detach(|| self.run(&[b"EXEC"])) {
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

    /// Closes the store for everyone in this process.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.store.close()).map_err(|error| errors::raise(py, &error))
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
