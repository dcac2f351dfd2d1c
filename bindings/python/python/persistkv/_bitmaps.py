"""Commands on strings as rows of bits."""

from __future__ import annotations

from typing import Any

from ._arguments import EncodableT, KeyT
from ._base import Base
from .exceptions import DataError


class BitFieldOperation:
    """Gathers operations for one BITFIELD; made by :meth:`Bitmaps.bitfield`. Every method returns the builder."""

    def __init__(self, client: Base, key: KeyT, default_overflow: str | None = None) -> None:
        self._client = client
        self._key = key
        self._default_overflow = default_overflow
        self._overflow = "WRAP"
        self.operations: list[tuple[EncodableT, ...]] = []
        self.reset()

    def reset(self) -> BitFieldOperation:
        """Forgets the operations gathered so far."""
        self.operations = []
        self._overflow = "WRAP"
        if self._default_overflow is not None:
            self.overflow(self._default_overflow)
        return self

    def overflow(self, overflow: str) -> BitFieldOperation:
        """What becomes of numbers that do not fit, from here on: ``WRAP``, ``SAT`` or ``FAIL``."""
        overflow = overflow.upper()
        if overflow != self._overflow:
            self._overflow = overflow
            self.operations.append(("OVERFLOW", overflow))
        return self

    def incrby(self, fmt: str, offset: int | str, increment: int, overflow: str | None = None) -> BitFieldOperation:
        """Adds to the number of type ``fmt`` (``u8``, ``i5``) at a bit, or at ``#n`` times its width."""
        if overflow is not None:
            self.overflow(overflow)
        self.operations.append(("INCRBY", fmt, offset, increment))
        return self

    def get(self, fmt: str, offset: int | str) -> BitFieldOperation:
        """Reads a number."""
        self.operations.append(("GET", fmt, offset))
        return self

    def set(self, fmt: str, offset: int | str, value: int) -> BitFieldOperation:
        """Sets a number; what it was is the result."""
        self.operations.append(("SET", fmt, offset, value))
        return self

    @property
    def command(self) -> list[EncodableT]:
        """The command with its arguments."""
        return ["BITFIELD", self._key, *(word for operation in self.operations for word in operation)]

    def execute(self) -> list[int | None]:
        """Runs it; a result for each operation. The builder is empty afterwards."""
        command = self.command
        self.reset()
        return self._client.execute(*command)


class Bitmaps(Base):
    """Commands on strings as rows of bits."""

    def bitcount(self, key: KeyT, start: int | None = None, end: int | None = None, mode: str | None = None) -> int:
        """How many bits are one, from ``start`` to ``end`` in units of ``mode`` (``BYTE`` or ``BIT``)."""
        if (start is None) != (end is None):
            raise DataError("start and end must be given together")
        span: list[Any] = [] if start is None else [start, end]
        return self.execute("BITCOUNT", key, *span, *([] if mode is None else [mode]))

    def bitfield(self, key: KeyT, default_overflow: str | None = None) -> BitFieldOperation:
        """Gathers operations on numbers within a string, as in ``bitfield("k").set("u8", 0, 5).execute()``."""
        return BitFieldOperation(self, key, default_overflow)

    def bitfield_ro(
        self, key: KeyT, encoding: str, offset: int | str, items: list[tuple[str, int | str]] | None = None
    ) -> list[int]:
        """Reads a number within a string, and further ones (``items``)."""
        wanted = [(encoding, offset), *(items or [])]
        return self.execute("BITFIELD_RO", key, *(word for fmt, at in wanted for word in ("GET", fmt, at)))

    def bitop(self, operation: str, dest: KeyT, *keys: KeyT) -> int:
        """Stores a combination of strings in ``dest``: AND, OR, XOR, NOT, DIFF, DIFF1, ANDOR, ONE; its length."""
        return self.execute("BITOP", operation, dest, *keys)

    def bitpos(
        self, key: KeyT, bit: int, start: int | None = None, end: int | None = None, mode: str | None = None
    ) -> int:
        """Where the first bit of this value is, -1 if nowhere."""
        if bit not in (0, 1):
            raise DataError("bit must be 0 or 1")
        if start is None and (end is not None or mode is not None):
            raise DataError("start must be given when end or mode is")
        span = [word for word in (start, end, mode) if word is not None]
        return self.execute("BITPOS", key, bit, *span)

    def getbit(self, name: KeyT, offset: int) -> int:
        """A bit."""
        return self.execute("GETBIT", name, offset)

    def setbit(self, name: KeyT, offset: int, value: int) -> int:
        """Sets or clears a bit; what it was."""
        return self.execute("SETBIT", name, offset, 1 if value else 0)
