"""Habits of redis-py's arguments: names alone or in lists, times as numbers, timedelta or datetime."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Union

from .exceptions import DataError

EncodableT = Union[bytes, bytearray, memoryview, str, int, float]
KeyT = Union[bytes, bytearray, memoryview, str]
KeysT = Union[KeyT, Iterable[KeyT]]
ExpiryT = Union[int, datetime.timedelta]
AbsExpiryT = Union[int, datetime.datetime]


def listed(first: Any, rest: Iterable[Any] = ()) -> list[Any]:
    """``f("a", "b")`` and ``f(["a", "b"])`` are the same call."""
    if isinstance(first, (str, bytes, bytearray, memoryview, int, float)):
        return [first, *rest]
    return [*first, *rest]


def seconds(time: ExpiryT) -> int:
    """A span as whole seconds."""
    return int(time.total_seconds()) if isinstance(time, datetime.timedelta) else time


def milliseconds(time: ExpiryT) -> int:
    """A span as whole milliseconds."""
    return int(time.total_seconds() * 1000) if isinstance(time, datetime.timedelta) else time


def at_seconds(when: AbsExpiryT) -> int:
    """A moment as seconds since the epoch."""
    return int(when.timestamp()) if isinstance(when, datetime.datetime) else when


def at_milliseconds(when: AbsExpiryT) -> int:
    """A moment as milliseconds since the epoch."""
    return int(when.timestamp() * 1000) if isinstance(when, datetime.datetime) else when


def expiry(
    ex: ExpiryT | None = None,
    px: ExpiryT | None = None,
    exat: AbsExpiryT | None = None,
    pxat: AbsExpiryT | None = None,
    **flags: bool,
) -> list[Any]:
    """The expiry options of SET and GETEX; at most one of them may be given."""
    given: list[list[Any]] = []
    if ex is not None:
        given.append(["EX", seconds(ex)])
    if px is not None:
        given.append(["PX", milliseconds(px)])
    if exat is not None:
        given.append(["EXAT", at_seconds(exat)])
    if pxat is not None:
        given.append(["PXAT", at_milliseconds(pxat)])
    given += [[name.upper()] for name, on in flags.items() if on]
    if len(given) > 1:
        names = ", ".join(sorted(str(option[0]).lower() for option in given))
        raise DataError(f"only one of these may be given: {names}")
    return given[0] if given else []


def conditions(**flags: bool) -> list[str]:
    """Flags that exclude each other, such as NX and XX."""
    given = [name.upper() for name, on in flags.items() if on]
    if len(given) > 1:
        raise DataError(f"only one of these may be given: {', '.join(given)}")
    return given


def pairs(mapping: Mapping[Any, Any]) -> list[Any]:
    """Keys and values in turn; an empty mapping is a mistake."""
    if not mapping:
        raise DataError("the mapping must not be empty")
    return [part for pair in mapping.items() for part in pair]
