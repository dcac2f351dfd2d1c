"""Commands on sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._arguments import EncodableT, KeysT, KeyT, listed
from ._base import Base


class Sets(Base):
    """Commands on sets."""

    def sadd(self, name: KeyT, *values: EncodableT) -> int:
        """Adds members; how many are new."""
        return self.execute("SADD", name, *values)

    def srem(self, name: KeyT, *values: EncodableT) -> int:
        """Removes members; how many there were."""
        return self.execute("SREM", name, *values)

    def sismember(self, name: KeyT, value: EncodableT) -> int:
        """1 for a member, else 0."""
        return self.execute("SISMEMBER", name, value)

    def smismember(self, name: KeyT, values: KeysT, *args: EncodableT) -> list[int]:
        """The same for several values."""
        return self.execute("SMISMEMBER", name, *listed(values, args))

    def scard(self, name: KeyT) -> int:
        """Number of members."""
        return self.execute("SCARD", name)

    def smembers(self, name: KeyT) -> set[Any]:
        """All members."""
        return set(self.execute("SMEMBERS", name))

    def smove(self, src: KeyT, dst: KeyT, value: EncodableT) -> bool:
        """Moves a member to another set; whether it was there."""
        return bool(self.execute("SMOVE", src, dst, value))

    def spop(self, name: KeyT, count: int | None = None) -> Any:
        """Takes a random member out, or a list of up to ``count``."""
        return self.execute("SPOP", name, *([] if count is None else [count]))

    def srandmember(self, name: KeyT, number: int | None = None) -> Any:
        """A random member, or a list of ``number`` (negative: with repetitions)."""
        return self.execute("SRANDMEMBER", name, *([] if number is None else [number]))

    def sinter(self, keys: KeysT, *args: KeyT) -> set[Any]:
        """Members of all the sets."""
        return set(self.execute("SINTER", *listed(keys, args)))

    def sintercard(self, numkeys: int, keys: KeysT, limit: int = 0) -> int:
        """How many members all the sets have in common; counting stops at ``limit``."""
        return self.execute("SINTERCARD", numkeys, *listed(keys), "LIMIT", limit)

    def sinterstore(self, dest: KeyT, keys: KeysT, *args: KeyT) -> int:
        """Stores :meth:`sinter` in a key; its size."""
        return self.execute("SINTERSTORE", dest, *listed(keys, args))

    def sunion(self, keys: KeysT, *args: KeyT) -> set[Any]:
        """Members of any of the sets."""
        return set(self.execute("SUNION", *listed(keys, args)))

    def sunionstore(self, dest: KeyT, keys: KeysT, *args: KeyT) -> int:
        """Stores :meth:`sunion` in a key; its size."""
        return self.execute("SUNIONSTORE", dest, *listed(keys, args))

    def sdiff(self, keys: KeysT, *args: KeyT) -> set[Any]:
        """Members of the first set that are in none of the others."""
        return set(self.execute("SDIFF", *listed(keys, args)))

    def sdiffstore(self, dest: KeyT, keys: KeysT, *args: KeyT) -> int:
        """Stores :meth:`sdiff` in a key; its size."""
        return self.execute("SDIFFSTORE", dest, *listed(keys, args))

    def sscan(
        self, name: KeyT, cursor: int = 0, match: EncodableT | None = None, count: int | None = None
    ) -> tuple[int, list[Any]]:
        """Some members, and the cursor to go on with (0: complete)."""
        options: list[EncodableT] = [] if match is None else ["MATCH", match]
        options += [] if count is None else ["COUNT", count]
        following, found = self.execute("SSCAN", name, cursor, *options)
        return int(following), found

    def sscan_iter(self, name: KeyT, match: EncodableT | None = None, count: int | None = None) -> Iterator[Any]:
        """Every member; one that is there all the time comes at least once."""
        cursor = None
        while cursor != 0:
            cursor, found = self.sscan(name, cursor or 0, match=match, count=count)
            yield from found
