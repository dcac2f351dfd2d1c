//! The engine's errors as the exceptions of `persistkv.exceptions`.

use persistkv::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The class in `persistkv.exceptions` for a kind of error; kinds that are not known yet are plain errors.
fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Command => "ResponseError",
        ErrorKind::WrongType => "WrongTypeError",
        ErrorKind::Argument => "DataError",
        ErrorKind::Config => "ConfigError",
        ErrorKind::Io => "StoreIOError",
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::Locked => "LockedError",
        ErrorKind::Closed => "ClosedError",
        ErrorKind::Forked => "ForkedError",
        ErrorKind::NotDurable => "NotDurableError",
        ErrorKind::OutOfMemory => "OutOfMemoryError",
        ErrorKind::Internal => "InternalError",
        _ => "Error",
    }
}

fn exceptions(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("persistkv.exceptions").map(Bound::unbind))?;
    Ok(module.bind(py))
}

fn instance(py: Python<'_>, class: &str, message: &str) -> PyResult<Py<PyAny>> {
    // redis-py leaves the word ERR out of its messages; every other code word stays.
    let shown = message.strip_prefix("ERR ").unwrap_or(message);
    Ok(exceptions(py)?.getattr(class)?.call1((shown,))?.unbind())
}

/// The exception object for an error inside a reply.
pub(crate) fn as_object(py: Python<'_>, message: &str) -> PyResult<Py<PyAny>> {
    let class = match message.split(' ').next() {
        Some("WRONGTYPE") => "WrongTypeError",
        Some("OOM") => "OutOfMemoryError",
        Some("MISCONF") => "NotDurableError",
        Some("NOSCRIPT") => "NoScriptError",
        _ => "ResponseError",
    };
    instance(py, class, message)
}

/// The exception to raise for an engine error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let raised = match error.kind() {
        // Some code words have a class of their own.
        ErrorKind::Command => as_object(py, error.message()),
        kind => instance(py, class_name(kind), error.message()),
    };
    match raised {
        Ok(exception) => PyErr::from_value(exception.into_bound(py)),
        Err(failed) => failed,
    }
}

/// A `DataError`: the caller gave an argument that no command can take.
pub(crate) fn data_error(py: Python<'_>, message: &str) -> PyErr {
    match instance(py, "DataError", message) {
        Ok(exception) => PyErr::from_value(exception.into_bound(py)),
        Err(failed) => failed,
    }
}
