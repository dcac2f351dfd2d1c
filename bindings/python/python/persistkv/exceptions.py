"""The errors of persistkv.

Everything raised on purpose derives from :class:`Error`. Names that redis-py has are the same here; the message of a
command error is the one Redis answers, without the word ``ERR``.
"""


class Error(Exception):
    """Base of all errors of persistkv."""


class ResponseError(Error):
    """A command was refused; the message is Redis's own."""


class WrongTypeError(ResponseError):
    """A command met a value of another type."""


class NoScriptError(ResponseError):
    """No script of that SHA-1 is known (``NOSCRIPT``)."""


class WatchError(Error):
    """A watched key was changed by somebody else: the transaction did nothing."""


class NotDurableError(ResponseError):
    """Writes are refused since they can not be made durable at present (``MISCONF``)."""


class OutOfMemoryError(ResponseError):
    """``maxmemory`` is reached (``OOM``)."""


class DataError(Error):
    """An argument is of a type or combination that no command takes."""


class ConfigError(Error):
    """An unknown directive, or a value it can not have."""


class StoreIOError(Error, OSError):
    """The operating system refused a file operation."""


class CorruptError(Error):
    """A file is damaged; the message names file, offset and remedy."""


class LockedError(Error):
    """The directory is open in another process; the message names its pid."""


class ClosedError(Error):
    """The store was closed before."""


class ForkedError(Error):
    """The store was opened before this process was forked."""


class InternalError(Error):
    """A defect in persistkv itself."""


RedisError = Error
"""redis-py's name for the base of all errors."""
