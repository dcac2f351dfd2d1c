//! Why reading stopped, before it is known in which file and key.

use std::borrow::Cow;
use std::io;

use crate::encoding::Corrupt;
use crate::error::Error;

pub(super) type Res<T> = std::result::Result<T, Fault>;

pub(super) enum Fault {
    /// The operating system failed to read.
    Io(io::Error),
    /// The bytes ended before the data did.
    Short,
    /// The bytes are not what they should be.
    Corrupt(Cow<'static, str>),
    /// The bytes may be sound, but this release does not take them: what, and what can be done.
    Refused(Cow<'static, str>, &'static str),
    /// An aggregate without elements: servers since 7.0 skip it.
    Empty,
    /// Whoever takes the data refused them.
    Taker(Error),
}

impl Fault {
    pub(super) fn corrupt<T>(what: impl Into<Cow<'static, str>>) -> Res<T> {
        Err(Self::Corrupt(what.into()))
    }
}

impl From<Corrupt> for Fault {
    fn from(e: Corrupt) -> Self {
        Self::Corrupt(Cow::Borrowed(e.0))
    }
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Io(e) }
    }
}
