"""Redis without the server: a durable Redis-like store inside your Python process.

>>> import persistkv
>>> with persistkv.open("data", appendonly=True) as store:
...     store.rpush("queue", "first", "second")
...     store.lpop("queue")
"""

import atexit

from . import exceptions
from ._field_expiry import HashDataPersistOptions
from ._keys import DataPersistOptions
from ._listener import Listener
from ._persistkv import __version__
from ._pipeline import Pipeline
from ._publishing import PubSub
from ._store import Store, close_all, open
from .exceptions import Error, RedisError, ResponseError, WatchError

__all__ = [
    "DataPersistOptions",
    "Error",
    "HashDataPersistOptions",
    "Listener",
    "Pipeline",
    "PubSub",
    "RedisError",
    "ResponseError",
    "Store",
    "WatchError",
    "__version__",
    "exceptions",
    "open",
]

atexit.register(close_all)
