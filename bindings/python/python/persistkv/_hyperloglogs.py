"""Commands on HyperLogLogs: strings that count different elements."""

from __future__ import annotations

from typing import Any

from ._arguments import EncodableT, KeyT
from ._base import Base
from ._replies import is_ok


class HyperLogLogs(Base):
    """Commands on HyperLogLogs."""

    def pfadd(self, name: KeyT, *values: EncodableT) -> int:
        """Adds elements; 1 if the estimate may have changed."""
        return self.execute("PFADD", name, *values)

    def pfcount(self, *sources: KeyT) -> int:
        """Roughly how many different elements were added to all of them."""
        return self.execute("PFCOUNT", *sources)

    def pfmerge(self, dest: KeyT, *sources: KeyT) -> bool:
        """Adds to ``dest`` whatever was added to the others."""
        return is_ok(self.execute("PFMERGE", dest, *sources))

    def pfdebug(self, subcommand: str, name: KeyT) -> Any:
        """The inside of a HyperLogLog: ``DECODE``, ``ENCODING``, ``GETREG``, ``TODENSE``."""
        return self.execute("PFDEBUG", subcommand, name)

    def pfselftest(self) -> bool:
        """Tests registers and estimates."""
        return is_ok(self.execute("PFSELFTEST"))
