"""The store as Python sees it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Union

from . import _persistkv
from ._arguments import EncodableT, KeyT
from ._commands import Commands
from ._listener import Listener
from ._monitor import Monitor
from ._pipeline import Pipeline
from ._publishing import PubSub
from .exceptions import ConfigError, WatchError

DirectiveT = Union[str, int, bool]


def _directive_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int)):
        return str(value)
    raise ConfigError(f"directive {name!r}: {value!r} is not a str, int or bool")


class Store(Commands):
    """An open store, made by :func:`open`. Any number of threads may use it at once.

    Closing it (or leaving its ``with`` block) closes it for everyone in this process. What a log has acknowledged is
    kept even when it is never closed.
    """

    def __init__(self, native: _persistkv.Store) -> None:
        self._native = native
        _open_stores.add(self)

    def connection(self, db: int = 0) -> Store:
        """The same store with another selected database."""
        return Store(self._native.connection(db))

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Commands gathered and run together: as one transaction, or one after the other."""
        return Pipeline(self._native.session(), transaction)

    def transaction(self, func: Callable[[Pipeline], Any], *watches: KeyT, value_from_callable: bool = False) -> Any:
        """Check-and-set: calls ``func`` with a pipeline that watches the keys, then runs what it queued; begins again
        as often as somebody else changed one of them meanwhile."""
        with self.pipeline() as pipe:
            while True:
                try:
                    if watches:
                        pipe.watch(*watches)
                    value = func(pipe)
                    replies = pipe.execute()
                    return value if value_from_callable else replies
                except WatchError:
                    continue

    def pubsub(self, ignore_subscribe_messages: bool = False) -> PubSub:
        """Subscriptions of a thread."""
        return PubSub(self._native.session(), ignore_subscribe_messages)

    def monitor(self) -> Monitor:
        """Every command that is run, whoever runs it: ``with store.monitor() as monitor: monitor.next_command()``."""
        return Monitor(self._native.session())

    def listen(self, address: str, *, threads: int = 0) -> Listener:
        """Lets any Redis client or tool talk to this store: ``listen("unix:/path")``, ``listen("127.0.0.1:6379")``.

        ``threads`` run the commands; 0 stands for one per core. What is let in, directives say: ``requirepass``,
        ``maxclients``, ``timeout`` and their kin.
        """
        return Listener(self._native.listen(address, threads))

    def close(self) -> None:
        """Saves a snapshot if save points are set and something has changed, and closes the files. Twice is fine."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._native.closed

    @property
    def path(self) -> str | None:
        """The directory, None for a store in memory."""
        path = self._native.path
        return None if path is None else os.fspath(path)

    @property
    def db(self) -> int:
        """The selected database."""
        return self._native.db

    @property
    def load_notes(self) -> list[str]:
        """What was repaired, dropped or worth knowing when the files were loaded; empty when all was well."""
        return self._native.load_notes

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "in memory" if self.path is None else repr(self.path)
        return f"<persistkv.Store {where}{' (closed)' if self.closed else ''}>"

    def __getitem__(self, name: KeyT) -> Any:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: KeyT, value: EncodableT) -> None:
        self.set(name, value)

    def __delitem__(self, name: KeyT) -> None:
        if not self.delete(name):
            raise KeyError(name)

    def __contains__(self, name: KeyT) -> bool:
        return bool(self.exists(name))

    def __len__(self) -> int:
        return self.dbsize()

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return self.scan_iter()


_open_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def close_all() -> None:
    """Closes what is still open when the interpreter ends, so that save points are honoured."""
    for store in list(_open_stores):
        try:
            store.close()
        except Exception:  # nobody is left to be told; what was acknowledged is in the log
            continue


def open(
    path: str | os.PathLike[str] | None = None,
    directives: Mapping[str, DirectiveT] | None = None,
    *,
    decode_responses: bool = False,
    **more: DirectiveT,
) -> Store:
    """Opens the store in a directory, which is made when missing; without a path, or with ``":memory:"``, one of its
    own that lives in memory.

    Directives have Redis's names, in a mapping or as keywords with underscores: ``open("data", appendonly=True,
    appendfsync="always")``, ``open("data", save="3600 1")``, ``open("data", {"dbfilename": "my.rdb"})``.
    """
    given = {name: _directive_text(name, value) for name, value in (directives or {}).items()}
    for name, value in more.items():
        given[name.replace("_", "-")] = _directive_text(name, value)
    return Store(_persistkv.Store.open(None if path == ":memory:" else path, given, decode_responses))
