"""Seeing every command that is run, with redis-py's habits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from . import _persistkv

_LINE = re.compile(r"(?P<time>\d+\.\d+) \[(?P<db>\d+) (?P<client>.*?)\] (?P<command>.*)", re.DOTALL)


class Monitor:
    """What is run on a store, command by command, whoever runs it; made by :meth:`Store.monitor`. It ends with its
    ``with`` block."""

    def __init__(self, native: _persistkv.Store) -> None:
        self._native = native

    def __enter__(self) -> Monitor:
        self._native.execute("MONITOR")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._native.execute("RESET")

    def next_command(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next command: ``time``, ``db``, ``client_address`` and ``command``; None when the time is over."""
        line = self._native.next_message(timeout)
        if line is None:
            return None
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else str(line)
        found = _LINE.fullmatch(text)
        if found is None:
            return None
        return {
            "time": float(found["time"]),
            "db": int(found["db"]),
            "client_address": found["client"],
            "command": found["command"],
        }

    def listen(self) -> Iterator[dict[str, Any]]:
        """Command after command, without an end."""
        while True:
            command = self.next_command()
            if command is not None:
                yield command
