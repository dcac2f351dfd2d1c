//! Listeners: any Redis client or tool talks to a store that lives in Python.

use persistkv_resp::Options;
use pyo3::prelude::*;

use crate::errors;

/// Serves a store to other programs until it is stopped, or the store is closed.
#[pyclass(frozen, module = "persistkv._persistkv")]
pub(crate) struct Listener {
    listener: persistkv_resp::Listener,
}

impl Listener {
    pub(crate) fn start(
        py: Python<'_>,
        store: &persistkv::Store,
        address: &str,
        threads: usize,
    ) -> PyResult<Self> {
        let mut options = Options::default();
        options.threads = threads;
        let started = py.detach(|| persistkv_resp::listen(store, address, &options));
        started.map(|listener| Self { listener }).map_err(|error| errors::raise(py, &error))
    }
}

#[pymethods]
impl Listener {
    /// Where it listens, as text.
    #[getter]
    fn addresses(&self) -> Vec<String> {
        self.listener.addresses().iter().map(ToString::to_string).collect()
    }

    /// How many connections there are.
    #[getter]
    fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// Stops: each connection finishes the command it is in and sends what it has answered. Twice is fine.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.listener.stop());
    }
}
