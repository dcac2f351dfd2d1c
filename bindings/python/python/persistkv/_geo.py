"""Commands on places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._arguments import EncodableT, KeyT
from ._base import Base
from ._replies import as_float, text
from .exceptions import DataError

UNITS = ("m", "km", "mi", "ft")


def _unit(name: str | None) -> str:
    if name is not None and name not in UNITS:
        raise DataError(f"the unit must be one of {', '.join(UNITS)}, not {name!r}")
    return name or "m"


def _place(reply: Any) -> tuple[float, float]:
    return float(reply[0]), float(reply[1])


def _choice(sort: str | None, count: int | None, any: bool) -> list[Any]:
    """The order, and how many."""
    words: list[Any] = []
    if sort is not None:
        if sort.upper() not in ("ASC", "DESC"):
            raise DataError("sort must be 'ASC' or 'DESC'")
        words.append(sort)
    if count is not None:
        words += ["COUNT", count]
    if any:
        if count is None:
            raise DataError("any can not be given without count")
        words.append("ANY")
    return words


def _wanted(withdist: bool, withhash: bool, withcoord: bool) -> list[str]:
    flags = {"WITHDIST": withdist, "WITHHASH": withhash, "WITHCOORD": withcoord}
    return [flag for flag, on in flags.items() if on]


def _found(reply: Any, wanted: list[str]) -> Any:
    """Members alone, or lists of a member and what was asked for besides."""
    if isinstance(reply, int) or not wanted:
        return reply
    shapes = {"WITHDIST": float, "WITHHASH": int, "WITHCOORD": _place}
    return [[member, *(shapes[flag](part) for flag, part in zip(wanted, parts))] for member, *parts in reply]


def _any_given(*values: Any) -> bool:
    """Whether there is a value among them."""
    return any(value is not None for value in values)


def _area(
    member: KeyT | None,
    longitude: float | None,
    latitude: float | None,
    unit: str,
    radius: float | None,
    width: float | None,
    height: float | None,
    polygon: Sequence[tuple[float, float]] | None,
) -> list[Any]:
    """Where GEOSEARCH looks."""
    if polygon is not None:
        if _any_given(member, longitude, latitude, radius, width, height):
            raise DataError("a polygon stands alone")
        return ["BYPOLYGON", len(polygon), *(degrees for corner in polygon for degrees in corner)]
    if (longitude is None) != (latitude is None):
        raise DataError("longitude and latitude must be given together")
    if (member is None) == (longitude is None):
        raise DataError("give either a member, or longitude and latitude")
    words: list[Any] = ["FROMLONLAT", longitude, latitude] if member is None else ["FROMMEMBER", member]
    if (width is None) != (height is None):
        raise DataError("width and height must be given together")
    if (radius is None) == (width is None):
        raise DataError("give either a radius, or width and height")
    shape: list[Any] = ["BYBOX", width, height] if radius is None else ["BYRADIUS", radius]
    return [*words, *shape, _unit(unit)]


class Geo(Base):
    """Commands on places: members of sorted sets with a longitude and a latitude."""

    def geoadd(
        self, name: KeyT, values: Sequence[EncodableT], nx: bool = False, xx: bool = False, ch: bool = False
    ) -> int:
        """Adds places, given as longitude, latitude and member in turn; how many are new (``ch``: or have moved)."""
        if nx and xx:
            raise DataError("only one of these may be given: nx, xx")
        if len(values) == 0 or len(values) % 3 != 0:
            raise DataError("places are longitude, latitude and member in turn")
        flags = [flag for flag, on in (("NX", nx), ("XX", xx), ("CH", ch)) if on]
        return self.execute("GEOADD", name, *flags, *values)

    def geodist(self, name: KeyT, place1: EncodableT, place2: EncodableT, unit: str | None = None) -> float | None:
        """The distance of two places, in meters unless told otherwise."""
        return as_float(self.execute("GEODIST", name, place1, place2, _unit(unit)))

    def geohash(self, name: KeyT, *values: EncodableT) -> list[str | None]:
        """Standard geohashes."""
        return [None if hashed is None else text(hashed) for hashed in self.execute("GEOHASH", name, *values)]

    def geopos(self, name: KeyT, *values: EncodableT) -> list[tuple[float, float] | None]:
        """Longitudes and latitudes."""
        return [None if reply is None else _place(reply) for reply in self.execute("GEOPOS", name, *values)]

    def _radius(self, words: list[Any], unit: str | None, options: dict[str, Any]) -> Any:
        wanted = _wanted(options["withdist"], options["withhash"], options["withcoord"])
        store, store_dist = options.get("store"), options.get("store_dist")
        if store is not None and store_dist is not None:
            raise DataError("only one of these may be given: store, store_dist")
        if (store is not None or store_dist is not None) and wanted:
            raise DataError("what is stored can not be asked for as well")
        words += [_unit(unit), *wanted, *_choice(options["sort"], options["count"], options["any"])]
        words += [] if store is None else ["STORE", store]
        words += [] if store_dist is None else ["STOREDIST", store_dist]
        return _found(self.execute(*words), wanted)

    def georadius(
        self,
        name: KeyT,
        longitude: float,
        latitude: float,
        radius: float,
        unit: str | None = None,
        withdist: bool = False,
        withcoord: bool = False,
        withhash: bool = False,
        count: int | None = None,
        sort: str | None = None,
        store: KeyT | None = None,
        store_dist: KeyT | None = None,
        any: bool = False,
    ) -> Any:
        """Places around a point, or with ``store`` how many. As :meth:`geosearch`, which is newer."""
        options = dict(locals())
        return self._radius(["GEORADIUS", name, longitude, latitude, radius], unit, options)

    def georadius_ro(
        self,
        name: KeyT,
        longitude: float,
        latitude: float,
        radius: float,
        unit: str | None = None,
        withdist: bool = False,
        withcoord: bool = False,
        withhash: bool = False,
        count: int | None = None,
        sort: str | None = None,
        any: bool = False,
    ) -> Any:
        """Places around a point."""
        options = dict(locals())
        return self._radius(["GEORADIUS_RO", name, longitude, latitude, radius], unit, options)

    def georadiusbymember(
        self,
        name: KeyT,
        member: EncodableT,
        radius: float,
        unit: str | None = None,
        withdist: bool = False,
        withcoord: bool = False,
        withhash: bool = False,
        count: int | None = None,
        sort: str | None = None,
        store: KeyT | None = None,
        store_dist: KeyT | None = None,
        any: bool = False,
    ) -> Any:
        """Places around a place, or with ``store`` how many. As :meth:`geosearch`, which is newer."""
        options = dict(locals())
        return self._radius(["GEORADIUSBYMEMBER", name, member, radius], unit, options)

    def georadiusbymember_ro(
        self,
        name: KeyT,
        member: EncodableT,
        radius: float,
        unit: str | None = None,
        withdist: bool = False,
        withcoord: bool = False,
        withhash: bool = False,
        count: int | None = None,
        sort: str | None = None,
        any: bool = False,
    ) -> Any:
        """Places around a place."""
        options = dict(locals())
        return self._radius(["GEORADIUSBYMEMBER_RO", name, member, radius], unit, options)

    def geosearch(
        self,
        name: KeyT,
        member: KeyT | None = None,
        longitude: float | None = None,
        latitude: float | None = None,
        unit: str = "m",
        radius: float | None = None,
        width: float | None = None,
        height: float | None = None,
        sort: str | None = None,
        count: int | None = None,
        any: bool = False,
        withcoord: bool = False,
        withdist: bool = False,
        withhash: bool = False,
        polygon: Sequence[tuple[float, float]] | None = None,
    ) -> list[Any]:
        """Places within a circle or a box around a place or a point, or within a polygon of (longitude, latitude).

        Members alone, or with any of the ``with…`` lists of a member and its distance, score and coordinates.
        """
        area = _area(member, longitude, latitude, unit, radius, width, height, polygon)
        wanted = _wanted(withdist, withhash, withcoord)
        return _found(self.execute("GEOSEARCH", name, *area, *_choice(sort, count, any), *wanted), wanted)

    def geosearchstore(
        self,
        dest: KeyT,
        name: KeyT,
        member: KeyT | None = None,
        longitude: float | None = None,
        latitude: float | None = None,
        unit: str = "m",
        radius: float | None = None,
        width: float | None = None,
        height: float | None = None,
        sort: str | None = None,
        count: int | None = None,
        any: bool = False,
        storedist: bool = False,
        polygon: Sequence[tuple[float, float]] | None = None,
    ) -> int:
        """Stores what :meth:`geosearch` finds in a key, with distances as scores if asked for; how many."""
        area = _area(member, longitude, latitude, unit, radius, width, height, polygon)
        flags = ["STOREDIST"] if storedist else []
        return self.execute("GEOSEARCHSTORE", dest, name, *area, *_choice(sort, count, any), *flags)
