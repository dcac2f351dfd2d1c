"""All command families together."""

from __future__ import annotations

from ._admin import Admin
from ._bitmaps import Bitmaps
from ._blocking import Blocking
from ._field_expiry import FieldExpiry
from ._geo import Geo
from ._hashes import Hashes
from ._hyperloglogs import HyperLogLogs
from ._keys import Keys, Server, Strings
from ._lists import Lists
from ._publishing import Publishing
from ._scripting import Scripting
from ._sets import Sets
from ._sorted_sets import SortedSets
from ._streams import Streams


class Commands(
    Keys,
    Strings,
    Bitmaps,
    HyperLogLogs,
    Geo,
    Hashes,
    FieldExpiry,
    Lists,
    Sets,
    SortedSets,
    Streams,
    Blocking,
    Publishing,
    Scripting,
    Server,
    Admin,
):
    """Every command as a method."""
