//! The native store object.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use persistkv::{Client, Reply, Result};
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
    db: AtomicUsize,
    decode: bool,
}

impl Store {
    fn wrap(store: persistkv::Store, decode: bool) -> Self {
        Self { store, idle: Mutex::new(Vec::new()), db: AtomicUsize::new(0), decode }
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
        let mut client = self.idle().pop().unwrap_or_else(|| self.store.client());
        let db = self.db.load(Ordering::Relaxed);
        if client.selected_db() != db {
            client.select_db(db)?;
        }
        let reply = client.execute(argv);
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
