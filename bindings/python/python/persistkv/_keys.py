"""Commands on keys and strings."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator, Mapping
from typing import Any

from . import _replies
from ._arguments import (
    AbsExpiryT,
    EncodableT,
    ExpiryT,
    KeysT,
    KeyT,
    at_milliseconds,
    at_seconds,
    conditions,
    expiry,
    listed,
    milliseconds,
    pairs,
    seconds,
)
from ._base import Base
from .exceptions import DataError


class Keys(Base):
    """Commands that do not care what a key holds."""

    def delete(self, *names: KeyT) -> int:
        """Deletes keys; how many there were."""
        return self.execute("DEL", *names)

    def unlink(self, *names: KeyT) -> int:
        """As :meth:`delete`; memory is freed in the background either way."""
        return self.execute("UNLINK", *names)

    def exists(self, *names: KeyT) -> int:
        """How many of the names are keys (a name given twice counts twice)."""
        return self.execute("EXISTS", *names)

    def touch(self, *names: KeyT) -> int:
        """Marks keys as used; how many there are."""
        return self.execute("TOUCH", *names)

    def type(self, name: KeyT) -> str:
        """``string``, ``list``, ``set``, ``zset``, ``hash`` or ``none``."""
        return self.execute("TYPE", name)

    def rename(self, src: KeyT, dst: KeyT) -> bool:
        """Renames a key, replacing what was there."""
        return _replies.is_ok(self.execute("RENAME", src, dst))

    def renamenx(self, src: KeyT, dst: KeyT) -> bool:
        """Renames a key unless the new name is taken."""
        return bool(self.execute("RENAMENX", src, dst))

    def copy(self, source: KeyT, destination: KeyT, destination_db: int | None = None, replace: bool = False) -> bool:
        """Copies a key's value."""
        target = [] if destination_db is None else ["DB", destination_db]
        return bool(self.execute("COPY", source, destination, *target, *(["REPLACE"] if replace else [])))

    def move(self, name: KeyT, db: int) -> bool:
        """Moves a key to another database."""
        return bool(self.execute("MOVE", name, db))

    def keys(self, pattern: EncodableT = "*") -> list[Any]:
        """All keys that match a glob pattern. O(n): prefer :meth:`scan_iter` on large stores."""
        return self.execute("KEYS", pattern)

    def scan(
        self,
        cursor: int = 0,
        match: EncodableT | None = None,
        count: int | None = None,
        _type: str | None = None,
    ) -> tuple[int, list[Any]]:
        """Some keys, and the cursor to go on with (0: complete)."""
        options: list[EncodableT] = [] if match is None else ["MATCH", match]
        options += [] if count is None else ["COUNT", count]
        options += [] if _type is None else ["TYPE", _type]
        following, found = self.execute("SCAN", cursor, *options)
        return int(following), found

    def scan_iter(
        self, match: EncodableT | None = None, count: int | None = None, _type: str | None = None
    ) -> Iterator[Any]:
        """Every key; one that is there all the time comes at least once."""
        cursor = None
        while cursor != 0:
            cursor, found = self.scan(cursor or 0, match=match, count=count, _type=_type)
            yield from found

    def randomkey(self) -> Any:
        """A random key, None when there is none."""
        return self.execute("RANDOMKEY")

    def dbsize(self) -> int:
        """Number of keys in the selected database."""
        return self.execute("DBSIZE")

    def object(self, infotype: str, key: KeyT) -> Any:
        """``encoding``, ``idletime``, ``refcount`` or ``freq`` of a key."""
        reply = self.execute("OBJECT", infotype, key)
        return _replies.text(reply) if infotype.lower() == "encoding" and reply is not None else reply

    def expire(
        self, name: KeyT, time: ExpiryT, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """Lets a key expire after a time."""
        return bool(self.execute("EXPIRE", name, seconds(time), *_when(nx, xx, gt, lt)))

    def pexpire(
        self, name: KeyT, time: ExpiryT, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """The same in milliseconds."""
        return bool(self.execute("PEXPIRE", name, milliseconds(time), *_when(nx, xx, gt, lt)))

    def expireat(
        self, name: KeyT, when: AbsExpiryT, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """Lets a key expire at a moment (seconds since the epoch, or a datetime)."""
        return bool(self.execute("EXPIREAT", name, at_seconds(when), *_when(nx, xx, gt, lt)))

    def pexpireat(
        self, name: KeyT, when: AbsExpiryT, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """The same in milliseconds."""
        return bool(self.execute("PEXPIREAT", name, at_milliseconds(when), *_when(nx, xx, gt, lt)))

    def expiretime(self, key: KeyT) -> int:
        """When a key expires, seconds since the epoch; -1 never, -2 no such key."""
        return self.execute("EXPIRETIME", key)

    def pexpiretime(self, key: KeyT) -> int:
        """The same in milliseconds."""
        return self.execute("PEXPIRETIME", key)

    def ttl(self, name: KeyT) -> int:
        """Seconds until a key expires; -1 never, -2 no such key."""
        return self.execute("TTL", name)

    def pttl(self, name: KeyT) -> int:
        """The same in milliseconds."""
        return self.execute("PTTL", name)

    def persist(self, name: KeyT) -> bool:
        """Takes a key's expiry away."""
        return bool(self.execute("PERSIST", name))

    def dump(self, name: KeyT) -> bytes | None:
        """A key's value in Redis's serialised form (always bytes)."""
        return self.execute_bytes("DUMP", name)

    def restore(
        self,
        name: KeyT,
        ttl: ExpiryT,
        value: EncodableT,
        replace: bool = False,
        absttl: bool = False,
        idletime: int | None = None,
        frequency: int | None = None,
    ) -> bool:
        """Makes a key from what :meth:`dump` gave; ``ttl`` in milliseconds, 0 for none."""
        options: list[EncodableT] = (["REPLACE"] if replace else []) + (["ABSTTL"] if absttl else [])
        options += [] if idletime is None else ["IDLETIME", idletime]
        options += [] if frequency is None else ["FREQ", frequency]
        return _replies.is_ok(self.execute("RESTORE", name, milliseconds(ttl), value, *options))

    def sort(
        self,
        name: KeyT,
        start: int | None = None,
        num: int | None = None,
        by: EncodableT | None = None,
        get: KeysT | None = None,
        desc: bool = False,
        alpha: bool = False,
        store: KeyT | None = None,
        groups: bool = False,
    ) -> Any:
        """The elements of a list, a set or a sorted set, sorted; how many they are if they go to ``store``.

        ``by`` and ``get`` are patterns of other keys to sort by and to answer with; ``groups`` makes tuples of what
        several ``get`` give for one element.
        """
        options = _sorting(start, num, by, get, desc, alpha)
        if store is not None:
            return self.execute("SORT", name, *options, "STORE", store)
        found = self.execute("SORT", name, *options)
        if not groups:
            return found
        width = 1 if get is None else len(listed(get))
        if width < 2:
            raise DataError("groups asks for at least two patterns in get")
        return [tuple(found[at : at + width]) for at in range(0, len(found), width)]

    def sort_ro(
        self,
        key: KeyT,
        start: int | None = None,
        num: int | None = None,
        by: EncodableT | None = None,
        get: KeysT | None = None,
        desc: bool = False,
        alpha: bool = False,
    ) -> list[Any]:
        """As :meth:`sort`, which never stores."""
        return self.execute("SORT_RO", key, *_sorting(start, num, by, get, desc, alpha))


def _sorting(
    start: int | None,
    num: int | None,
    by: EncodableT | None,
    get: KeysT | None,
    desc: bool,
    alpha: bool,
) -> list[Any]:
    if (start is None) != (num is None):
        raise DataError("start and num are given together")
    options: list[Any] = [] if by is None else ["BY", by]
    options += [] if start is None else ["LIMIT", start, num]
    for pattern in [] if get is None else listed(get):
        options += ["GET", pattern]
    return options + (["DESC"] if desc else []) + (["ALPHA"] if alpha else [])


def _when(nx: bool, xx: bool, gt: bool, lt: bool) -> list[str]:
    return conditions(nx=nx, xx=xx, gt=gt, lt=lt)


class DataPersistOptions(enum.Enum):
    """When ``msetex`` sets the keys."""

    NX = "NX"
    """Only if none of them exists."""
    XX = "XX"
    """Only if all of them exist."""


class Strings(Base):
    """Commands on strings."""

    def set(
        self,
        name: KeyT,
        value: EncodableT,
        ex: ExpiryT | None = None,
        px: ExpiryT | None = None,
        nx: bool = False,
        xx: bool = False,
        keepttl: bool = False,
        get: bool = False,
        exat: AbsExpiryT | None = None,
        pxat: AbsExpiryT | None = None,
        ifeq: EncodableT | None = None,
    ) -> Any:
        """Sets a key: True, None if ``nx``, ``xx`` or ``ifeq`` forbade it, the old value with ``get``.

        With ``ifeq`` it is set only if it is that already.
        """
        if ex is px is exat is pxat is ifeq is None and not (nx or xx or keepttl or get):
            return self.execute("SET", name, value) == "OK"
        options = expiry(ex, px, exat, pxat, keepttl=keepttl)
        options += conditions(nx=nx, xx=xx, ifeq=ifeq is not None)
        if ifeq is not None:
            options.append(ifeq)
        if get:
            return self.execute("SET", name, value, *options, "GET")
        return _replies.ok_or_none(self.execute("SET", name, value, *options))

    def get(self, name: KeyT) -> Any:
        """The value of a key, None when there is none."""
        return self.execute("GET", name)

    def getdel(self, name: KeyT) -> Any:
        """The value of a key, which is deleted."""
        return self.execute("GETDEL", name)

    def getex(
        self,
        name: KeyT,
        ex: ExpiryT | None = None,
        px: ExpiryT | None = None,
        exat: AbsExpiryT | None = None,
        pxat: AbsExpiryT | None = None,
        persist: bool = False,
    ) -> Any:
        """The value of a key, whose expiry is changed."""
        return self.execute("GETEX", name, *expiry(ex, px, exat, pxat, persist=persist))

    def getset(self, name: KeyT, value: EncodableT) -> Any:
        """Sets a key; its old value."""
        return self.execute("GETSET", name, value)

    def mget(self, keys: KeysT, *args: KeyT) -> list[Any]:
        """The values of several keys, None for those that are not there."""
        return self.execute("MGET", *listed(keys, args))

    def mset(self, mapping: Mapping[Any, EncodableT]) -> bool:
        """Sets several keys at once."""
        return _replies.is_ok(self.execute("MSET", *pairs(mapping)))

    def msetnx(self, mapping: Mapping[Any, EncodableT]) -> bool:
        """Sets several keys at once, unless one of them exists."""
        return bool(self.execute("MSETNX", *pairs(mapping)))

    def msetex(
        self,
        mapping: Mapping[Any, EncodableT],
        data_persist_option: DataPersistOptions | None = None,
        ex: ExpiryT | None = None,
        px: ExpiryT | None = None,
        exat: AbsExpiryT | None = None,
        pxat: AbsExpiryT | None = None,
        keepttl: bool = False,
    ) -> int:
        """Sets several keys and their expiry, all or none; 1 if it did."""
        options = [] if data_persist_option is None else [data_persist_option.value]
        options += expiry(ex, px, exat, pxat, keepttl=keepttl)
        return self.execute("MSETEX", len(mapping), *pairs(mapping), *options)

    def delifeq(self, name: KeyT, value: EncodableT) -> int:
        """Deletes a key if this is its value; 1 if it was."""
        return self.execute("DELIFEQ", name, value)

    def setex(self, name: KeyT, time: ExpiryT, value: EncodableT) -> bool:
        """Sets a key that expires after a time."""
        return _replies.is_ok(self.execute("SETEX", name, seconds(time), value))

    def psetex(self, name: KeyT, time_ms: ExpiryT, value: EncodableT) -> bool:
        """The same in milliseconds."""
        return _replies.is_ok(self.execute("PSETEX", name, milliseconds(time_ms), value))

    def setnx(self, name: KeyT, value: EncodableT) -> bool:
        """Sets a key unless it exists."""
        return bool(self.execute("SETNX", name, value))

    def append(self, key: KeyT, value: EncodableT) -> int:
        """Appends to a string; its new length."""
        return self.execute("APPEND", key, value)

    def strlen(self, name: KeyT) -> int:
        """Length of a string in bytes."""
        return self.execute("STRLEN", name)

    def getrange(self, key: KeyT, start: int, end: int) -> Any:
        """A part of a string, both ends included; negative positions count from the end."""
        return self.execute("GETRANGE", key, start, end)

    def substr(self, name: KeyT, start: int, end: int = -1) -> Any:
        """The older name of :meth:`getrange`."""
        return self.execute("SUBSTR", name, start, end)

    def setrange(self, name: KeyT, offset: int, value: EncodableT) -> int:
        """Overwrites a part of a string; its new length."""
        return self.execute("SETRANGE", name, offset, value)

    def incr(self, name: KeyT, amount: int = 1) -> int:
        """Adds to a counter; its new value."""
        return self.execute("INCRBY", name, amount)

    incrby = incr

    def decr(self, name: KeyT, amount: int = 1) -> int:
        """Subtracts from a counter; its new value."""
        return self.execute("DECRBY", name, amount)

    decrby = decr

    def incrbyfloat(self, name: KeyT, amount: float = 1.0) -> float:
        """Adds to a number; its new value."""
        return float(self.execute("INCRBYFLOAT", name, amount))

    def lcs(
        self,
        key1: KeyT,
        key2: KeyT,
        len: bool = False,
        idx: bool = False,
        minmatchlen: int | None = None,
        withmatchlen: bool = False,
    ) -> Any:
        """The longest common subsequence of two strings."""
        options: list[EncodableT] = (["LEN"] if len else []) + (["IDX"] if idx else [])
        options += [] if minmatchlen is None else ["MINMATCHLEN", minmatchlen]
        options += ["WITHMATCHLEN"] if withmatchlen else []
        return self.execute("LCS", key1, key2, *options)


class Server(Base):
    """Commands about the store itself."""

    def ping(self, message: EncodableT | None = None) -> Any:
        """True, or the message."""
        return self.execute("PING") == "PONG" if message is None else self.execute("PING", message)

    def echo(self, value: EncodableT) -> Any:
        """The value."""
        return self.execute("ECHO", value)

    def time(self) -> tuple[int, int]:
        """Seconds and microseconds since the epoch."""
        now = self.execute("TIME")
        return int(now[0]), int(now[1])

    def select(self, index: int) -> bool:
        """Selects a database for this connection (for all threads that use it); see :meth:`Store.connection`."""
        return _replies.is_ok(self.execute("SELECT", index))

    def swapdb(self, first: int, second: int) -> bool:
        """Exchanges two databases."""
        return _replies.is_ok(self.execute("SWAPDB", first, second))

    def flushdb(self, asynchronous: bool = False) -> bool:
        """Empties the selected database."""
        return _replies.is_ok(self.execute("FLUSHDB", *(["ASYNC"] if asynchronous else [])))

    def flushall(self, asynchronous: bool = False) -> bool:
        """Empties every database."""
        return _replies.is_ok(self.execute("FLUSHALL", *(["ASYNC"] if asynchronous else [])))

    def config_get(self, pattern: str = "*", *patterns: str) -> dict[str, str]:
        """Directives that match glob patterns, with their values."""
        found = _replies.as_dict(self.execute("CONFIG", "GET", pattern, *patterns))
        return {_replies.text(name): _replies.text(value) for name, value in found.items()}

    def config_set(self, name: str, value: EncodableT, *more: EncodableT) -> bool:
        """Sets directives, all of them or none."""
        return _replies.is_ok(self.execute("CONFIG", "SET", name, value, *more))

    def config_resetstat(self) -> bool:
        """Sets the counters of INFO to zero."""
        return _replies.is_ok(self.execute("CONFIG", "RESETSTAT"))

    def info(self, section: str | None = None, *sections: str) -> dict[str, Any]:
        """What the store says of itself."""
        return _replies.info(self.execute("INFO", *([] if section is None else [section, *sections])))

    def command_count(self) -> int:
        """Number of commands."""
        return self.execute("COMMAND", "COUNT")

    def command_list(self) -> list[str]:
        """Names of all commands."""
        return [_replies.text(name) for name in self.execute("COMMAND", "LIST")]

    def command_getkeys(self, *args: EncodableT) -> list[Any]:
        """Which arguments of a command are keys."""
        return self.execute("COMMAND", "GETKEYS", *args)

    def save(self) -> bool:
        """Saves a snapshot now, in this thread; others go on."""
        return _replies.is_ok(self.execute("SAVE"))

    def bgsave(self, schedule: bool = False) -> bool:
        """Saves a snapshot of this instant in the background."""
        self.execute("BGSAVE", *(["SCHEDULE"] if schedule else []))
        return True

    def lastsave(self) -> datetime.datetime:
        """When the last snapshot was saved."""
        return datetime.datetime.fromtimestamp(self.execute("LASTSAVE"))

    def bgrewriteaof(self) -> bool:
        """Rewrites the log in the background, as short as the data set allows."""
        self.execute("BGREWRITEAOF")
        return True

    def debug_digest(self) -> str:
        """A digest of the whole data set, the same as a real server's."""
        return _replies.text(self.execute("DEBUG", "DIGEST"))
