"""Commands on sorted sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Union

from . import _replies
from ._arguments import EncodableT, KeysT, KeyT, conditions, listed
from ._base import Base
from .exceptions import DataError

ScoreT = Union[int, float, str, bytes]
Convert = Callable[[Any], Any]


def _limit(start: int | None, num: int | None) -> list[Any]:
    if (start is None) != (num is None):
        raise DataError("start and num must both be given, or neither")
    return [] if start is None else ["LIMIT", start, num]


def _weighted(command: list[Any], keys: KeysT | Mapping[KeyT, float], aggregate: str | None) -> list[Any]:
    names = list(keys) if isinstance(keys, Mapping) else listed(keys)
    argv = [*command, len(names), *names]
    if isinstance(keys, Mapping):
        argv += ["WEIGHTS", *keys.values()]
    return argv + ([] if aggregate is None else ["AGGREGATE", aggregate])


class SortedSets(Base):
    """Commands on sorted sets."""

    def zadd(
        self,
        name: KeyT,
        mapping: Mapping[Any, float],
        nx: bool = False,
        xx: bool = False,
        ch: bool = False,
        incr: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> Any:
        """Sets members' scores; how many are new (or changed, with ``ch``), or the new score with ``incr``."""
        if not mapping:
            raise DataError("ZADD requires at least one element/score pair")
        if incr and len(mapping) != 1:
            raise DataError("ZADD option 'incr' only works when passing a single element/score pair")
        options = conditions(nx=nx, xx=xx) + conditions(gt=gt, lt=lt) + (["CH"] if ch else [])
        options += ["INCR"] if incr else []
        reply = self.execute("ZADD", name, *options, *(part for m, s in mapping.items() for part in (s, m)))
        return _replies.as_float(reply) if incr else reply

    def zincrby(self, name: KeyT, amount: float, value: EncodableT) -> float:
        """Adds to a member's score; its new score."""
        return float(self.execute("ZINCRBY", name, amount, value))

    def zrem(self, name: KeyT, *values: EncodableT) -> int:
        """Removes members; how many there were."""
        return self.execute("ZREM", name, *values)

    def zscore(self, name: KeyT, value: EncodableT) -> float | None:
        """A member's score."""
        return _replies.as_float(self.execute("ZSCORE", name, value))

    def zmscore(self, key: KeyT, members: Iterable[EncodableT]) -> list[float | None]:
        """Several members' scores."""
        return [_replies.as_float(score) for score in self.execute("ZMSCORE", key, *members)]

    def zcard(self, name: KeyT) -> int:
        """Number of members."""
        return self.execute("ZCARD", name)

    def zcount(self, name: KeyT, min: ScoreT, max: ScoreT) -> int:
        """How many scores lie in a range."""
        return self.execute("ZCOUNT", name, min, max)

    def zlexcount(self, name: KeyT, min: EncodableT, max: EncodableT) -> int:
        """How many members lie in a range of texts."""
        return self.execute("ZLEXCOUNT", name, min, max)

    def zrange(
        self,
        name: KeyT,
        start: Any,
        end: Any,
        desc: bool = False,
        withscores: bool = False,
        score_cast_func: Convert = float,
        byscore: bool = False,
        bylex: bool = False,
        offset: int | None = None,
        num: int | None = None,
    ) -> list[Any]:
        """Members by rank, score or text; with ``withscores`` as pairs."""
        options = conditions(byscore=byscore, bylex=bylex) + (["REV"] if desc else []) + _limit(offset, num)
        return self._members(["ZRANGE", name, start, end, *options], withscores, score_cast_func)

    def zrevrange(
        self, name: KeyT, start: int, end: int, withscores: bool = False, score_cast_func: Convert = float
    ) -> list[Any]:
        """Members by rank from the highest score down."""
        return self._members(["ZREVRANGE", name, start, end], withscores, score_cast_func)

    def zrangebyscore(
        self,
        name: KeyT,
        min: ScoreT,
        max: ScoreT,
        start: int | None = None,
        num: int | None = None,
        withscores: bool = False,
        score_cast_func: Convert = float,
    ) -> list[Any]:
        """Members whose scores lie in a range."""
        argv = ["ZRANGEBYSCORE", name, min, max]
        return self._members(argv, withscores, score_cast_func, _limit(start, num))

    def zrevrangebyscore(
        self,
        name: KeyT,
        max: ScoreT,
        min: ScoreT,
        start: int | None = None,
        num: int | None = None,
        withscores: bool = False,
        score_cast_func: Convert = float,
    ) -> list[Any]:
        """The same from the highest score down."""
        argv = ["ZREVRANGEBYSCORE", name, max, min]
        return self._members(argv, withscores, score_cast_func, _limit(start, num))

    def zrangebylex(
        self, name: KeyT, min: EncodableT, max: EncodableT, start: int | None = None, num: int | None = None
    ) -> list[Any]:
        """Members that lie in a range of texts."""
        return self.execute("ZRANGEBYLEX", name, min, max, *_limit(start, num))

    def zrevrangebylex(
        self, name: KeyT, max: EncodableT, min: EncodableT, start: int | None = None, num: int | None = None
    ) -> list[Any]:
        """The same in reverse."""
        return self.execute("ZREVRANGEBYLEX", name, max, min, *_limit(start, num))

    def _members(self, argv: list[Any], withscores: bool, convert: Convert, options: Iterable[Any] = ()) -> list[Any]:
        if not withscores:
            return self.execute(*argv, *options)
        return _replies.scored(self.execute(*argv, "WITHSCORES", *options), convert)

    def zrangestore(
        self,
        dest: KeyT,
        name: KeyT,
        start: Any,
        end: Any,
        byscore: bool = False,
        bylex: bool = False,
        desc: bool = False,
        offset: int | None = None,
        num: int | None = None,
    ) -> int:
        """Stores a range in a key; its size."""
        options = conditions(byscore=byscore, bylex=bylex) + (["REV"] if desc else []) + _limit(offset, num)
        return self.execute("ZRANGESTORE", dest, name, start, end, *options)

    def zrank(self, name: KeyT, value: EncodableT, withscore: bool = False) -> Any:
        """A member's rank from the lowest score, or rank and score."""
        return self._rank("ZRANK", name, value, withscore)

    def zrevrank(self, name: KeyT, value: EncodableT, withscore: bool = False) -> Any:
        """A member's rank from the highest score, or rank and score."""
        return self._rank("ZREVRANK", name, value, withscore)

    def _rank(self, command: str, name: KeyT, value: EncodableT, withscore: bool) -> Any:
        if not withscore:
            return self.execute(command, name, value)
        found = self.execute(command, name, value, "WITHSCORE")
        return None if found is None else [found[0], float(found[1])]

    def zremrangebyrank(self, name: KeyT, min: int, max: int) -> int:
        """Removes members by rank; how many."""
        return self.execute("ZREMRANGEBYRANK", name, min, max)

    def zremrangebyscore(self, name: KeyT, min: ScoreT, max: ScoreT) -> int:
        """Removes members by score; how many."""
        return self.execute("ZREMRANGEBYSCORE", name, min, max)

    def zremrangebylex(self, name: KeyT, min: EncodableT, max: EncodableT) -> int:
        """Removes members by text; how many."""
        return self.execute("ZREMRANGEBYLEX", name, min, max)

    def zpopmin(self, name: KeyT, count: int | None = None) -> list[tuple[Any, float]]:
        """Takes the members with the lowest scores, as pairs."""
        return _replies.scored(self.execute("ZPOPMIN", name, *([] if count is None else [count])))

    def zpopmax(self, name: KeyT, count: int | None = None) -> list[tuple[Any, float]]:
        """Takes the members with the highest scores, as pairs."""
        return _replies.scored(self.execute("ZPOPMAX", name, *([] if count is None else [count])))

    def zmpop(self, num_keys: int, keys: KeysT, min: bool = False, max: bool = False, count: int = 1) -> Any:
        """Takes members from the first sorted set that has any: its name and the pairs, or None."""
        where = conditions(min=min, max=max)
        if not where:
            raise DataError("one of min and max must be given")
        found = self.execute("ZMPOP", num_keys, *listed(keys), *where, "COUNT", count)
        return None if found is None else [found[0], [(member, float(score)) for member, score in found[1]]]

    def zrandmember(self, key: KeyT, count: int | None = None, withscores: bool = False) -> Any:
        """A random member, or ``count`` of them (negative: with repetitions)."""
        if count is None:
            return self.execute("ZRANDMEMBER", key)
        return self._members(["ZRANDMEMBER", key, count], withscores, float)

    def zscan(
        self,
        name: KeyT,
        cursor: int = 0,
        match: EncodableT | None = None,
        count: int | None = None,
        score_cast_func: Convert = float,
    ) -> tuple[int, list[tuple[Any, Any]]]:
        """Some members with scores, and the cursor to go on with (0: complete)."""
        options: list[EncodableT] = [] if match is None else ["MATCH", match]
        options += [] if count is None else ["COUNT", count]
        following, found = self.execute("ZSCAN", name, cursor, *options)
        return int(following), _replies.scored(found, score_cast_func)

    def zscan_iter(
        self,
        name: KeyT,
        match: EncodableT | None = None,
        count: int | None = None,
        score_cast_func: Convert = float,
    ) -> Iterator[tuple[Any, Any]]:
        """Every member with its score; one that is there all the time comes at least once."""
        cursor = None
        while cursor != 0:
            cursor, found = self.zscan(name, cursor or 0, match, count, score_cast_func)
            yield from found

    def zunion(self, keys: KeysT | Mapping[KeyT, float], aggregate: str | None = None, withscores: bool = False) -> Any:
        """Members of any of the sorted sets; a mapping gives weights."""
        return self._members(_weighted(["ZUNION"], keys, aggregate), withscores, float)

    def zunionstore(self, dest: KeyT, keys: KeysT | Mapping[KeyT, float], aggregate: str | None = None) -> int:
        """Stores :meth:`zunion` in a key; its size."""
        return self.execute(*_weighted(["ZUNIONSTORE", dest], keys, aggregate))

    def zinter(self, keys: KeysT | Mapping[KeyT, float], aggregate: str | None = None, withscores: bool = False) -> Any:
        """Members of all the sorted sets; a mapping gives weights."""
        return self._members(_weighted(["ZINTER"], keys, aggregate), withscores, float)

    def zinterstore(self, dest: KeyT, keys: KeysT | Mapping[KeyT, float], aggregate: str | None = None) -> int:
        """Stores :meth:`zinter` in a key; its size."""
        return self.execute(*_weighted(["ZINTERSTORE", dest], keys, aggregate))

    def zintercard(self, numkeys: int, keys: KeysT, limit: int = 0) -> int:
        """How many members all have in common; counting stops at ``limit``."""
        return self.execute("ZINTERCARD", numkeys, *listed(keys), "LIMIT", limit)

    def zdiff(self, keys: KeysT, withscores: bool = False) -> list[Any]:
        """Members of the first that are in none of the others."""
        return self._members(_weighted(["ZDIFF"], keys, None), withscores, float)

    def zdiffstore(self, dest: KeyT, keys: KeysT) -> int:
        """Stores :meth:`zdiff` in a key; its size."""
        return self.execute(*_weighted(["ZDIFFSTORE", dest], keys, None))
