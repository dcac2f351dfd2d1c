//! The native half of the Python module: a store whose commands are called with Python values and answer with them.
//!
//! The public classes are Python (`python/persistkv`); here is only what must be native: opening, converting arguments
//! and replies, and letting go of the GIL while the engine works or waits for the disk.

mod convert;
mod errors;
mod interrupt;
mod listener;
mod store;
mod waiting;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _persistkv(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<store::Store>()?;
    module.add_class::<listener::Listener>()?;
    module.add_class::<waiting::Waiting>()?;
    module.add_class::<interrupt::Wish>()
}
