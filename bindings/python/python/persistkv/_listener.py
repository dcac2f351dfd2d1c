"""Serving a store to other programs."""

from __future__ import annotations

from types import TracebackType

from . import _persistkv


class Listener:
    """Lets any Redis client or tool talk to a store of this process; made by :meth:`Store.listen`.

    It ends with :meth:`stop`, with its ``with`` block, or when the store is closed.
    """

    def __init__(self, native: _persistkv.Listener) -> None:
        self._native = native

    @property
    def addresses(self) -> list[str]:
        """Where it listens: ``unix:/path`` or ``tcp:127.0.0.1:6379``, with the port the system chose for port 0."""
        return self._native.addresses

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return self._native.connections

    def stop(self) -> None:
        """Stops: each connection finishes the command it is in and sends what it has answered. Twice is fine."""
        self._native.stop()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<persistkv.Listener {' '.join(self.addresses)}>"
