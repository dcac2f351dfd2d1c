"""Makes ``dump-redis-7.0.15.rdb``, which the demo opens where no server can be installed.

It holds every type and encoding of ``data.fill``, saved by Redis 7.0.15 (``target/servers/r70``).
"""

import pathlib
import shutil
import tempfile

import data
import servers

with tempfile.TemporaryDirectory() as scratch:
    with servers.running("r70", pathlib.Path(scratch)) as server:
        data.fill(server)
        server.save()
    shutil.copy(pathlib.Path(scratch) / "dump.rdb", servers.ROOT / "demo" / "dump-redis-7.0.15.rdb")
