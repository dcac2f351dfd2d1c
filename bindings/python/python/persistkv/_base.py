"""What the command families stand on."""

from __future__ import annotations

from typing import Any

from . import _persistkv


class Base:
    """A connection to a store: runs commands."""

    _native: _persistkv.Store

    def execute(self, *args: Any) -> Any:
        """Runs a command by its name and arguments, and returns its plain reply."""
        return self._native.execute(*args)

    execute_command = execute

    def execute_bytes(self, *args: Any) -> Any:
        """As :meth:`execute`, with bytes in the reply even when responses are decoded."""
        return self._native.execute_bytes(*args)
