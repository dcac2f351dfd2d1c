"""Commands on streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Union

from . import _replies
from ._arguments import EncodableT, KeyT, pairs
from ._base import Base
from .exceptions import DataError

IdT = Union[int, bytes, str]
EntryT = tuple[Any, Union[dict[Any, Any], None]]


def _entries(reply: list[Any] | None) -> list[EntryT]:
    return [_entry(entry) for entry in reply or []]


def _entry(entry: list[Any]) -> EntryT:
    name, fields = entry
    return name, None if fields is None else _replies.as_dict(fields)


def _info(reply: list[Any]) -> dict[str, Any]:
    return {_replies.text(name): value for name, value in _replies.as_dict(reply).items()}


def _by_stream(reply: list[Any] | None) -> list[list[Any]]:
    return [[name, _entries(entries)] for name, entries in reply or []]


def _count(count: int | None, name: str = "COUNT", least: int = 1) -> list[Any]:
    if count is None:
        return []
    if not isinstance(count, int) or count < least:
        raise DataError(f"{name.lower()} must be an integer of at least {least}")
    return [name, count]


def _policy(policy: str | None) -> list[str]:
    if policy is None:
        return []
    if policy not in ("KEEPREF", "DELREF", "ACKED"):
        raise DataError("ref_policy must be KEEPREF, DELREF or ACKED")
    return [policy]


def _trim(maxlen: int | None, minid: IdT | None, approximate: bool, limit: int | None, policy: str | None) -> list[Any]:
    if maxlen is not None and minid is not None:
        raise DataError("only one of these may be given: maxlen, minid")
    argv: list[Any] = []
    if maxlen is not None or minid is not None:
        argv = ["MINID", *(["~"] if approximate else []), minid]
        if maxlen is not None:
            argv = ["MAXLEN", *(["~"] if approximate else []), *_count(maxlen, "MAXLEN", 0)[1:]]
    return argv + _count(limit, "LIMIT", 0) + _policy(policy)


class Streams(Base):
    """Commands on streams."""

    def xadd(
        self,
        name: KeyT,
        fields: Mapping[Any, EncodableT],
        id: IdT = "*",
        maxlen: int | None = None,
        approximate: bool = True,
        nomkstream: bool = False,
        minid: IdT | None = None,
        limit: int | None = None,
        ref_policy: str | None = None,
    ) -> Any:
        """Adds an entry, and shortens the stream when told to; its identifier, None with nothing to add it to."""
        options = ["NOMKSTREAM"] if nomkstream else []
        options += _trim(maxlen, minid, approximate, limit, ref_policy)
        return self.execute("XADD", name, *options, id, *pairs(fields))

    def xlen(self, name: KeyT) -> int:
        """Number of entries."""
        return self.execute("XLEN", name)

    def xrange(self, name: KeyT, min: IdT = "-", max: IdT = "+", count: int | None = None) -> list[EntryT]:
        """The entries between two identifiers, both included, as identifiers and dicts."""
        return _entries(self.execute("XRANGE", name, min, max, *_count(count)))

    def xrevrange(self, name: KeyT, max: IdT = "+", min: IdT = "-", count: int | None = None) -> list[EntryT]:
        """As :meth:`xrange`, the last entry first."""
        return _entries(self.execute("XREVRANGE", name, max, min, *_count(count)))

    def xdel(self, name: KeyT, *ids: IdT) -> int:
        """Removes entries; how many there were."""
        return self.execute("XDEL", name, *ids)

    def xdelex(self, name: KeyT, *ids: IdT, ref_policy: str = "KEEPREF") -> list[int]:
        """Removes entries; for each 1, -1 when it is not there, 2 when it stays for a group's sake."""
        if not ids:
            raise DataError("at least one identifier is needed")
        return self.execute("XDELEX", name, *_policy(ref_policy), "IDS", len(ids), *ids)

    def xtrim(
        self,
        name: KeyT,
        maxlen: int | None = None,
        approximate: bool = True,
        minid: IdT | None = None,
        limit: int | None = None,
        ref_policy: str | None = None,
    ) -> int:
        """Removes entries from the beginning; how many they were."""
        if maxlen is None and minid is None:
            raise DataError("one of these must be given: maxlen, minid")
        return self.execute("XTRIM", name, *_trim(maxlen, minid, approximate, limit, ref_policy))

    def xsetid(
        self,
        name: KeyT,
        last_id: IdT,
        entries_added: int | None = None,
        max_deleted_id: IdT | None = None,
    ) -> bool:
        """Sets the last identifier of a stream; meant for logs."""
        options: list[Any] = [] if entries_added is None else ["ENTRIESADDED", entries_added]
        options += [] if max_deleted_id is None else ["MAXDELETEDID", max_deleted_id]
        return _replies.is_ok(self.execute("XSETID", name, last_id, *options))

    def xread(self, streams: Mapping[KeyT, IdT], count: int | None = None, block: int | None = None) -> list[list[Any]]:
        """What came after the given identifiers, by stream. With ``block`` waits
        so many milliseconds for some, with 0 for ever."""
        return _by_stream(self.execute("XREAD", *_reading(streams, count, block)))

    def xreadgroup(
        self,
        groupname: KeyT,
        consumername: KeyT,
        streams: Mapping[KeyT, IdT],
        count: int | None = None,
        block: int | None = None,
        noack: bool = False,
    ) -> list[list[Any]]:
        """New entries (``>``) for a consumer, or its own pending ones. With ``block`` waits so
        many milliseconds for some, with 0 for ever."""
        options = ["NOACK"] if noack else []
        argv = ["GROUP", groupname, consumername, *options, *_reading(streams, count, block)]
        return _by_stream(self.execute("XREADGROUP", *argv))

    def xack(self, name: KeyT, groupname: KeyT, *ids: IdT) -> int:
        """Acknowledges entries; how many were pending."""
        return self.execute("XACK", name, groupname, *ids)

    def xackdel(self, name: KeyT, groupname: KeyT, *ids: IdT, ref_policy: str = "KEEPREF") -> list[int]:
        """Acknowledges entries and removes them; for each 1, -1 when it is not pending, 2 when it stays for others."""
        if not ids:
            raise DataError("at least one identifier is needed")
        return self.execute("XACKDEL", name, groupname, *_policy(ref_policy), "IDS", len(ids), *ids)

    def xpending(self, name: KeyT, groupname: KeyT) -> dict[str, Any]:
        """How many entries are pending, from which to which, and for whom how many."""
        pending, first, last, consumers = self.execute("XPENDING", name, groupname)
        each = [{"name": consumer, "pending": int(n)} for consumer, n in consumers or []]
        return {"pending": pending, "min": first, "max": last, "consumers": each}

    def xpending_range(
        self,
        name: KeyT,
        groupname: KeyT,
        min: IdT,
        max: IdT,
        count: int,
        consumername: KeyT | None = None,
        idle: int | None = None,
    ) -> list[dict[str, Any]]:
        """The pending entries between two identifiers."""
        argv: list[Any] = [] if idle is None else ["IDLE", idle]
        argv += [min, max, count, *([] if consumername is None else [consumername])]
        names = ("message_id", "consumer", "time_since_delivered", "times_delivered")
        return [dict(zip(names, one)) for one in self.execute("XPENDING", name, groupname, *argv)]

    def xclaim(
        self,
        name: KeyT,
        groupname: KeyT,
        consumername: KeyT,
        min_idle_time: int,
        message_ids: Iterable[IdT],
        idle: int | None = None,
        time: int | None = None,
        retrycount: int | None = None,
        force: bool = False,
        justid: bool = False,
    ) -> list[Any]:
        """Gives pending entries to another consumer; the entries, or with ``justid`` their identifiers."""
        argv: list[Any] = [*message_ids]
        if not argv:
            raise DataError("message_ids must not be empty")
        for option, value in (("IDLE", idle), ("TIME", time), ("RETRYCOUNT", retrycount)):
            argv += [] if value is None else [option, value]
        argv += (["FORCE"] if force else []) + (["JUSTID"] if justid else [])
        reply = self.execute("XCLAIM", name, groupname, consumername, min_idle_time, *argv)
        return reply if justid else _entries(reply)

    def xautoclaim(
        self,
        name: KeyT,
        groupname: KeyT,
        consumername: KeyT,
        min_idle_time: int,
        start_id: IdT = "0-0",
        count: int | None = None,
        justid: bool = False,
    ) -> list[Any]:
        """Gives entries that are pending for long to another consumer: where to go on, the entries, and those deleted
        meanwhile; with ``justid`` only the identifiers."""
        argv = [name, groupname, consumername, min_idle_time, start_id, *_count(count)]
        reply = self.execute("XAUTOCLAIM", *argv, *(["JUSTID"] if justid else []))
        return reply[1] if justid else [reply[0], _entries(reply[1]), *reply[2:]]

    def xgroup_create(
        self,
        name: KeyT,
        groupname: KeyT,
        id: IdT = "$",
        mkstream: bool = False,
        entries_read: int | None = None,
    ) -> bool:
        """Creates a group that has read up to ``id``."""
        options: list[Any] = ["MKSTREAM"] if mkstream else []
        options += [] if entries_read is None else ["ENTRIESREAD", entries_read]
        return _replies.is_ok(self.execute("XGROUP", "CREATE", name, groupname, id, *options))

    def xgroup_setid(self, name: KeyT, groupname: KeyT, id: IdT, entries_read: int | None = None) -> bool:
        """Sets up to where a group has read."""
        options: list[Any] = [] if entries_read is None else ["ENTRIESREAD", entries_read]
        return _replies.is_ok(self.execute("XGROUP", "SETID", name, groupname, id, *options))

    def xgroup_destroy(self, name: KeyT, groupname: KeyT) -> bool:
        """Removes a group; whether it was there."""
        return bool(self.execute("XGROUP", "DESTROY", name, groupname))

    def xgroup_createconsumer(self, name: KeyT, groupname: KeyT, consumername: KeyT) -> int:
        """Creates a consumer; 1 when there was none of that name."""
        return self.execute("XGROUP", "CREATECONSUMER", name, groupname, consumername)

    def xgroup_delconsumer(self, name: KeyT, groupname: KeyT, consumername: KeyT) -> int:
        """Removes a consumer; how many entries were pending for it."""
        return self.execute("XGROUP", "DELCONSUMER", name, groupname, consumername)

    def xinfo_stream(self, name: KeyT, full: bool = False) -> dict[str, Any]:
        """What is known of a stream, with ``full`` also of its groups."""
        info = _info(self.execute("XINFO", "STREAM", name, *(["FULL"] if full else [])))
        if not full:
            for edge in ("first-entry", "last-entry"):
                info[edge] = None if info[edge] is None else _entry(info[edge])
            return info
        info["entries"] = dict(_entries(info["entries"]))
        info["groups"] = [_info(group) for group in info["groups"]]
        for group in info["groups"]:
            group["consumers"] = [_info(consumer) for consumer in group["consumers"]]
        return info

    def xinfo_groups(self, name: KeyT) -> list[dict[str, Any]]:
        """What is known of the groups of a stream."""
        return [_info(group) for group in self.execute("XINFO", "GROUPS", name)]

    def xinfo_consumers(self, name: KeyT, groupname: KeyT) -> list[dict[str, Any]]:
        """What is known of the consumers of a group."""
        return [_info(consumer) for consumer in self.execute("XINFO", "CONSUMERS", name, groupname)]


def _reading(streams: Mapping[KeyT, IdT], count: int | None, block: int | None) -> list[Any]:
    if not isinstance(streams, Mapping) or not streams:
        raise DataError("streams must be a non-empty mapping from names to identifiers")
    return [*_count(block, "BLOCK", 0), *_count(count), "STREAMS", *streams.keys(), *streams.values()]
