"""Real servers for the demo: started on a unix socket, stopped by their pid."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Iterator

import redis

ROOT = pathlib.Path(__file__).resolve().parent.parent
INSTALLED = ROOT / "target" / "servers"

# The youngest first; those of tests/servers/install.sh.
NAMES = {"v91": "Valkey 9.1", "r82": "Redis 8.2", "v81": "Valkey 8.1", "r70": "Redis 7.0", "r62": "Redis 6.2"}


def at_hand() -> list[str]:
    """Tags of the servers that are installed."""
    return [tag for tag in NAMES if (INSTALLED / tag / "redis-server").exists()]


@contextlib.contextmanager
def running(tag: str, directory: pathlib.Path, *options: str) -> Iterator[redis.Redis]:
    """A server on a directory, and a client of it."""
    with tempfile.TemporaryDirectory(prefix="pkv-demo-") as scratch:
        socket = pathlib.Path(scratch) / "socket"
        command = [str(INSTALLED / tag / "redis-server"), "--port", "0", "--unixsocket", str(socket)]
        command += ["--dir", str(directory), "--save", "", *options]
        with (pathlib.Path(scratch) / "log").open("w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                yield _connect(process, socket, log)
            finally:
                process.kill()
                process.wait()


def _connect(process: subprocess.Popen[bytes], socket: pathlib.Path, log) -> redis.Redis:
    for _ in range(600):
        if process.poll() is not None:
            log.seek(0)
            raise SystemExit(f"demo: the server ended:\n{log.read()}")
        if socket.exists():
            client = redis.Redis(unix_socket_path=str(socket))
            try:
                client.ping()
            except redis.RedisError:
                client.close()
            else:
                return client
        time.sleep(0.05)
    raise SystemExit("demo: the server does not answer")
