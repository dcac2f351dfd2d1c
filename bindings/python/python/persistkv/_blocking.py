"""Commands that wait for a key.

They keep their thread until somebody, in any thread or in another language of the same process, makes the key ready, or
until the time is over; Ctrl-C ends the waiting. Who waits longest is served first. In an event loop use
:mod:`persistkv.asyncio`.
"""

from __future__ import annotations

from typing import Any, Union

from ._arguments import KeysT, KeyT, conditions, listed
from ._base import Base
from .exceptions import DataError

#: Seconds; 0 or None for ever.
TimeoutT = Union[int, float, None]


class Blocking(Base):
    """Commands that wait for a key."""

    def blpop(self, keys: KeysT, timeout: TimeoutT = 0) -> tuple[Any, Any] | None:
        """Takes the first element of the first list that has one: its name and the element, None when time is over."""
        return _pair(self.execute("BLPOP", *listed(keys), timeout or 0))

    def brpop(self, keys: KeysT, timeout: TimeoutT = 0) -> tuple[Any, Any] | None:
        """Takes the last element of the first list that has one: its name and the element, None when time is over."""
        return _pair(self.execute("BRPOP", *listed(keys), timeout or 0))

    def blmove(
        self, first_list: KeyT, second_list: KeyT, timeout: TimeoutT, src: str = "LEFT", dest: str = "RIGHT"
    ) -> Any:
        """Moves an element from one list to another; the element, None when time is over."""
        return self.execute("BLMOVE", first_list, second_list, src, dest, timeout or 0)

    def brpoplpush(self, src: KeyT, dst: KeyT, timeout: TimeoutT = 0) -> Any:
        """Moves the tail of one list to the head of another; the element, None when time is over."""
        return self.execute("BRPOPLPUSH", src, dst, timeout or 0)

    def blmpop(self, timeout: TimeoutT, numkeys: int, *args: KeyT, direction: str, count: int = 1) -> Any:
        """Takes elements from the first list that has any: its name and the elements, None when the time is over."""
        return self.execute("BLMPOP", timeout or 0, numkeys, *args, direction, "COUNT", count)

    def bzpopmin(self, keys: KeysT, timeout: TimeoutT = 0) -> tuple[Any, Any, float] | None:
        """Takes the member with the lowest score: the key, the member, its score; None when the time is over."""
        return _scored(self.execute("BZPOPMIN", *listed(keys), timeout or 0))

    def bzpopmax(self, keys: KeysT, timeout: TimeoutT = 0) -> tuple[Any, Any, float] | None:
        """Takes the member with the highest score: the key, the member, its score; None when the time is over."""
        return _scored(self.execute("BZPOPMAX", *listed(keys), timeout or 0))

    def bzmpop(
        self, timeout: TimeoutT, numkeys: int, keys: KeysT, min: bool = False, max: bool = False, count: int = 1
    ) -> Any:
        """Takes members from the first sorted set that has any: its name and the pairs, None when the time is over."""
        where = conditions(min=min, max=max)
        if not where:
            raise DataError("one of min and max must be given")
        found = self.execute("BZMPOP", timeout or 0, numkeys, *listed(keys), *where, "COUNT", count)
        return None if found is None else [found[0], [(member, float(score)) for member, score in found[1]]]

    def client_unblock(self, client_id: int, error: bool = False) -> bool:
        """Ends the waiting of another client, with an error if ``error`` says so; whether it waited."""
        return bool(self.execute("CLIENT", "UNBLOCK", client_id, *(["ERROR"] if error else [])))


def _pair(reply: Any) -> tuple[Any, Any] | None:
    return None if reply is None else (reply[0], reply[1])


def _scored(reply: Any) -> tuple[Any, Any, float] | None:
    return None if reply is None else (reply[0], reply[1], float(reply[2]))
