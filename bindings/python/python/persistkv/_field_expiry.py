"""The expiry of single fields of hashes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from ._arguments import (
    AbsExpiryT,
    EncodableT,
    ExpiryT,
    KeyT,
    at_milliseconds,
    at_seconds,
    conditions,
    expiry,
    milliseconds,
    pairs,
    seconds,
)
from ._base import Base
from .exceptions import DataError


class HashDataPersistOptions(enum.Enum):
    """When ``hsetex`` sets the fields."""

    FNX = "FNX"
    """Only if none of them exists."""
    FXX = "FXX"
    """Only if all of them exist."""


class FieldExpiry(Base):
    """Commands on the expiry of fields. Answers are lists, an item for each field: -2 where there is no such field."""

    def hexpire(
        self,
        name: KeyT,
        seconds: ExpiryT,
        *fields: EncodableT,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> list[int]:
        """Lets fields expire after a time; 1 done, 0 a condition was not met, 2 deleted since the time is over."""
        return self._expire("HEXPIRE", name, _seconds(seconds), fields, nx=nx, xx=xx, gt=gt, lt=lt)

    def hpexpire(
        self,
        name: KeyT,
        milliseconds: ExpiryT,
        *fields: EncodableT,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> list[int]:
        """The same in milliseconds."""
        return self._expire("HPEXPIRE", name, _milliseconds(milliseconds), fields, nx=nx, xx=xx, gt=gt, lt=lt)

    def hexpireat(
        self,
        name: KeyT,
        unix_time_seconds: AbsExpiryT,
        *fields: EncodableT,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> list[int]:
        """Lets fields expire at a moment (seconds since the epoch, or a datetime)."""
        return self._expire("HEXPIREAT", name, at_seconds(unix_time_seconds), fields, nx=nx, xx=xx, gt=gt, lt=lt)

    def hpexpireat(
        self,
        name: KeyT,
        unix_time_milliseconds: AbsExpiryT,
        *fields: EncodableT,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> list[int]:
        """The same in milliseconds."""
        when = at_milliseconds(unix_time_milliseconds)
        return self._expire("HPEXPIREAT", name, when, fields, nx=nx, xx=xx, gt=gt, lt=lt)

    def _expire(self, command: str, name: KeyT, when: int, fields: tuple[EncodableT, ...], **flags: bool) -> list[int]:
        return self.execute(command, name, when, *conditions(**flags), "FIELDS", len(fields), *fields)

    def hpersist(self, name: KeyT, *fields: EncodableT) -> list[int]:
        """Takes the expiry of fields away; 1 done, -1 there was none."""
        return self.execute("HPERSIST", name, "FIELDS", len(fields), *fields)

    def hexpiretime(self, key: KeyT, *fields: EncodableT) -> list[int]:
        """When fields expire, seconds since the epoch; -1 never."""
        return self.execute("HEXPIRETIME", key, "FIELDS", len(fields), *fields)

    def hpexpiretime(self, key: KeyT, *fields: EncodableT) -> list[int]:
        """The same in milliseconds."""
        return self.execute("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)

    def httl(self, key: KeyT, *fields: EncodableT) -> list[int]:
        """Seconds until fields expire; -1 never."""
        return self.execute("HTTL", key, "FIELDS", len(fields), *fields)

    def hpttl(self, key: KeyT, *fields: EncodableT) -> list[int]:
        """The same in milliseconds."""
        return self.execute("HPTTL", key, "FIELDS", len(fields), *fields)

    def hgetdel(self, name: KeyT, *keys: EncodableT) -> list[Any]:
        """The values of fields, which are deleted."""
        if not keys:
            raise DataError("'hgetdel' should have at least one key specified")
        return self.execute("HGETDEL", name, "FIELDS", len(keys), *keys)

    def hgetex(
        self,
        name: KeyT,
        *keys: EncodableT,
        ex: ExpiryT | None = None,
        px: ExpiryT | None = None,
        exat: AbsExpiryT | None = None,
        pxat: AbsExpiryT | None = None,
        persist: bool = False,
    ) -> list[Any]:
        """The values of fields, whose expiry is changed."""
        if not keys:
            raise DataError("'hgetex' should have at least one key specified")
        options = expiry(ex, px, exat, pxat, persist=persist)
        return self.execute("HGETEX", name, *options, "FIELDS", len(keys), *keys)

    def hsetex(
        self,
        name: KeyT,
        key: EncodableT | None = None,
        value: EncodableT | None = None,
        mapping: Mapping[Any, EncodableT] | None = None,
        items: list[Any] | None = None,
        ex: ExpiryT | None = None,
        px: ExpiryT | None = None,
        exat: AbsExpiryT | None = None,
        pxat: AbsExpiryT | None = None,
        data_persist_option: HashDataPersistOptions | None = None,
        keepttl: bool = False,
    ) -> int:
        """Sets fields and their expiry, all or none; 1 if it did."""
        parts: list[Any] = [] if items is None else list(items)
        if key is not None:
            parts += [key, value]
        if mapping:
            parts += pairs(mapping)
        if not parts:
            raise DataError("'hsetex' with no key value pairs")
        if len(parts) % 2:
            raise DataError("'hsetex' with odd number of key value pairs")
        options = [] if data_persist_option is None else [data_persist_option.value]
        options += expiry(ex, px, exat, pxat, keepttl=keepttl)
        return self.execute("HSETEX", name, *options, "FIELDS", len(parts) // 2, *parts)


# Where an argument has the function's name.
_seconds, _milliseconds = seconds, milliseconds
