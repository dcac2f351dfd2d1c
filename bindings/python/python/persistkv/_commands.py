"""All command families together."""

from __future__ import annotations

from ._bitmaps import Bitmaps
from ._hashes import Hashes
from ._keys import Keys, Server, Strings
from ._lists import Lists
from ._sets import Sets
from ._sorted_sets import SortedSets


class Commands(Keys, Strings, Bitmaps, Hashes, Lists, Sets, SortedSets, Server):
    """Every command as a method."""
