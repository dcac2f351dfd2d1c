"""Commands on lists."""

from __future__ import annotations

from typing import Any

from . import _replies
from ._arguments import EncodableT, KeyT
from ._base import Base


class Lists(Base):
    """Commands on lists."""

    def lpush(self, name: KeyT, *values: EncodableT) -> int:
        """Pushes values at the head; the new length."""
        return self.execute("LPUSH", name, *values)

    def rpush(self, name: KeyT, *values: EncodableT) -> int:
        """Pushes values at the tail; the new length."""
        return self.execute("RPUSH", name, *values)

    def lpushx(self, name: KeyT, *values: EncodableT) -> int:
        """As :meth:`lpush`, only if the list exists."""
        return self.execute("LPUSHX", name, *values)

    def rpushx(self, name: KeyT, *values: EncodableT) -> int:
        """As :meth:`rpush`, only if the list exists."""
        return self.execute("RPUSHX", name, *values)

    def lpop(self, name: KeyT, count: int | None = None) -> Any:
        """Takes an element from the head, or a list of up to ``count``."""
        return self.execute("LPOP", name, *([] if count is None else [count]))

    def rpop(self, name: KeyT, count: int | None = None) -> Any:
        """Takes an element from the tail, or a list of up to ``count``."""
        return self.execute("RPOP", name, *([] if count is None else [count]))

    def llen(self, name: KeyT) -> int:
        """Number of elements."""
        return self.execute("LLEN", name)

    def lrange(self, name: KeyT, start: int, end: int) -> list[Any]:
        """Elements from one position to another, both included; negative ones count from the tail."""
        return self.execute("LRANGE", name, start, end)

    def lindex(self, name: KeyT, index: int) -> Any:
        """The element at a position, None outside the list."""
        return self.execute("LINDEX", name, index)

    def lset(self, name: KeyT, index: int, value: EncodableT) -> bool:
        """Replaces the element at a position."""
        return _replies.is_ok(self.execute("LSET", name, index, value))

    def linsert(self, name: KeyT, where: str, refvalue: EncodableT, value: EncodableT) -> int:
        """Inserts ``BEFORE`` or ``AFTER`` an element; the new length, -1 when that element is not there."""
        return self.execute("LINSERT", name, where, refvalue, value)

    def lrem(self, name: KeyT, count: int, value: EncodableT) -> int:
        """Removes elements that equal ``value``: that many from the head (negative: the tail), 0 for all."""
        return self.execute("LREM", name, count, value)

    def ltrim(self, name: KeyT, start: int, end: int) -> bool:
        """Leaves only the elements from one position to another."""
        return _replies.is_ok(self.execute("LTRIM", name, start, end))

    def lpos(
        self,
        name: KeyT,
        value: EncodableT,
        rank: int | None = None,
        count: int | None = None,
        maxlen: int | None = None,
    ) -> Any:
        """The position of an element, or with ``count`` a list of positions."""
        options: list[EncodableT] = [] if rank is None else ["RANK", rank]
        options += [] if count is None else ["COUNT", count]
        options += [] if maxlen is None else ["MAXLEN", maxlen]
        return self.execute("LPOS", name, value, *options)

    def lmove(self, first_list: KeyT, second_list: KeyT, src: str = "LEFT", dest: str = "RIGHT") -> Any:
        """Moves an element from one list to another in one step; the element."""
        return self.execute("LMOVE", first_list, second_list, src, dest)

    def rpoplpush(self, src: KeyT, dst: KeyT) -> Any:
        """Moves the tail of one list to the head of another; the element."""
        return self.execute("RPOPLPUSH", src, dst)

    def lmpop(self, num_keys: int, *args: KeyT, direction: str, count: int = 1) -> Any:
        """Takes elements from the first list that has any: its name and the elements, or None."""
        return self.execute("LMPOP", num_keys, *args, direction, "COUNT", count)
