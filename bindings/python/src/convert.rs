//! Python values as arguments, replies as Python values.

use persistkv::Reply;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PySet, PyString, PyTuple,
};

use crate::errors;

/// The arguments of one command, copied out of Python so that the GIL can be let go.
#[derive(Default)]
pub(crate) struct Arguments {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Arguments {
    /// Copies the arguments, which may be bytes, str (as UTF-8), int, float, bytearray or memoryview.
    pub(crate) fn from_tuple(args: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut all = Self::default();
        for arg in args.iter() {
            all.push(&arg)?;
        }
        Ok(all)
    }

    fn push(&mut self, arg: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(bytes) = arg.cast::<PyBytes>() {
            self.bytes.extend_from_slice(bytes.as_bytes());
        } else if let Ok(text) = arg.cast::<PyString>() {
            // Through bytes: a lone surrogate is the caller's UnicodeEncodeError.
            self.bytes.extend_from_slice(text.encode_utf8()?.as_bytes());
        } else if arg.is_instance_of::<PyBool>() {
            return Err(refused(arg));
        } else if arg.is_instance_of::<PyInt>() {
            self.bytes.extend_from_slice(arg.str()?.encode_utf8()?.as_bytes());
        } else if arg.is_instance_of::<PyFloat>() {
            self.bytes.extend_from_slice(arg.repr()?.encode_utf8()?.as_bytes());
        } else if arg.is_instance_of::<PyByteArray>() || arg.is_instance_of::<PyMemoryView>() {
            let bytes = arg.py().get_type::<PyBytes>().call1((arg,))?;
            self.bytes.extend_from_slice(bytes.cast::<PyBytes>()?.as_bytes());
        } else {
            return Err(refused(arg));
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// The arguments, borrowed.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        let mut start = 0;
        let slice = |end: &usize| {
            let bytes = &self.bytes[start..*end];
            start = *end;
            bytes
        };
        self.ends.iter().map(slice).collect()
    }
}

fn refused(arg: &Bound<'_, PyAny>) -> PyErr {
    let name = arg.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let text = format!("Invalid input of type: '{name}'. Convert to a bytes, string, int or float first.");
    errors::data_error(arg.py(), &text)
}

/// A reply as Python sees it: bytes (or str), int, float, bool, None, list, dict, set; a status is a str.
pub(crate) fn reply(py: Python<'_>, reply: Reply, decode: bool) -> PyResult<Py<PyAny>> {
    Ok(match reply {
        Reply::Null => py.None(),
        Reply::Int(n) => n.into_pyobject(py)?.into_any().unbind(),
        Reply::Double(value) => value.into_pyobject(py)?.into_any().unbind(),
        Reply::Bool(value) => PyBool::new(py, value).to_owned().into_any().unbind(),
        Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => text(py, &bytes, decode)?,
        Reply::Simple(status) => PyString::new(py, &status).into_any().unbind(),
        Reply::Error(message) => errors::as_object(py, &message)?,
        Reply::Array(parts) => {
            let parts =
                parts.into_iter().map(|part| self::reply(py, part, decode)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, parts)?.into_any().unbind()
        }
        Reply::Set(parts) => {
            let parts =
                parts.into_iter().map(|part| self::reply(py, part, decode)).collect::<PyResult<Vec<_>>>()?;
            PySet::new(py, parts)?.into_any().unbind()
        }
        Reply::Map(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                dict.set_item(self::reply(py, key, decode)?, self::reply(py, value, decode)?)?;
            }
            dict.into_any().unbind()
        }
    })
}

fn text(py: Python<'_>, bytes: &[u8], decode: bool) -> PyResult<Py<PyAny>> {
    let bytes = PyBytes::new(py, bytes);
    if !decode {
        return Ok(bytes.into_any().unbind());
    }
    // Python's own decoder, so that bytes which are not UTF-8 raise its UnicodeDecodeError.
    Ok(bytes.call_method1("decode", ("utf-8",))?.unbind())
}
