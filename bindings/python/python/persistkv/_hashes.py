"""Commands on hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import _replies
from ._arguments import EncodableT, KeysT, KeyT, listed, pairs
from ._base import Base
from .exceptions import DataError


class Hashes(Base):
    """Commands on hashes."""

    def hset(
        self,
        name: KeyT,
        key: EncodableT | None = None,
        value: EncodableT | None = None,
        mapping: Mapping[Any, EncodableT] | None = None,
        items: list[Any] | None = None,
    ) -> int:
        """Sets fields: one by ``key`` and ``value``, many by ``mapping`` or ``items``; how many are new."""
        parts: list[Any] = [] if items is None else list(items)
        if key is not None:
            parts += [key, value]
        if mapping:
            parts += pairs(mapping)
        if not parts:
            raise DataError("'hset' with no key value pairs")
        return self.execute("HSET", name, *parts)

    def hmset(self, name: KeyT, mapping: Mapping[Any, EncodableT]) -> bool:
        """The older form of :meth:`hset`."""
        return _replies.is_ok(self.execute("HMSET", name, *pairs(mapping)))

    def hsetnx(self, name: KeyT, key: EncodableT, value: EncodableT) -> int:
        """Sets a field unless it exists; 1 if it did not."""
        return self.execute("HSETNX", name, key, value)

    def hget(self, name: KeyT, key: EncodableT) -> Any:
        """The value of a field, None when there is none."""
        return self.execute("HGET", name, key)

    def hmget(self, name: KeyT, keys: KeysT, *args: EncodableT) -> list[Any]:
        """The values of several fields."""
        return self.execute("HMGET", name, *listed(keys, args))

    def hgetall(self, name: KeyT) -> dict[Any, Any]:
        """All fields and values."""
        return _replies.as_dict(self.execute("HGETALL", name))

    def hdel(self, name: KeyT, *keys: EncodableT) -> int:
        """Deletes fields; how many there were."""
        return self.execute("HDEL", name, *keys)

    def hexists(self, name: KeyT, key: EncodableT) -> bool:
        """Whether a field exists."""
        return bool(self.execute("HEXISTS", name, key))

    def hlen(self, name: KeyT) -> int:
        """Number of fields."""
        return self.execute("HLEN", name)

    def hkeys(self, name: KeyT) -> list[Any]:
        """All fields."""
        return self.execute("HKEYS", name)

    def hvals(self, name: KeyT) -> list[Any]:
        """All values."""
        return self.execute("HVALS", name)

    def hstrlen(self, name: KeyT, key: EncodableT) -> int:
        """Length of a field's value in bytes."""
        return self.execute("HSTRLEN", name, key)

    def hincrby(self, name: KeyT, key: EncodableT, amount: int = 1) -> int:
        """Adds to a field's counter; its new value."""
        return self.execute("HINCRBY", name, key, amount)

    def hincrbyfloat(self, name: KeyT, key: EncodableT, amount: float = 1.0) -> float:
        """Adds to a field's number; its new value."""
        return float(self.execute("HINCRBYFLOAT", name, key, amount))

    def hrandfield(self, key: KeyT, count: int | None = None, withvalues: bool = False) -> Any:
        """A random field, or ``count`` of them (negative: with repetitions)."""
        if count is None:
            return self.execute("HRANDFIELD", key)
        return self.execute("HRANDFIELD", key, count, *(["WITHVALUES"] if withvalues else []))

    def hscan(
        self,
        name: KeyT,
        cursor: int = 0,
        match: EncodableT | None = None,
        count: int | None = None,
        no_values: bool | None = None,
    ) -> tuple[int, Any]:
        """Some fields and values as a dict (fields alone as a list with ``no_values``), and the next cursor."""
        options: list[EncodableT] = [] if match is None else ["MATCH", match]
        options += [] if count is None else ["COUNT", count]
        options += ["NOVALUES"] if no_values else []
        following, found = self.execute("HSCAN", name, cursor, *options)
        return int(following), found if no_values else _replies.as_dict(found)

    def hscan_iter(
        self,
        name: KeyT,
        match: EncodableT | None = None,
        count: int | None = None,
        no_values: bool | None = None,
    ) -> Iterator[Any]:
        """Every field with its value; one that is there all the time comes at least once."""
        cursor = None
        while cursor != 0:
            cursor, found = self.hscan(name, cursor or 0, match=match, count=count, no_values=no_values)
            yield from found if no_values else found.items()
