"""Data of every type and encoding, and reading a data set back. The same calls serve persistkv and redis-py."""

from __future__ import annotations

import hashlib
from typing import Any

LONG = "x" * 100
SOON = 4_102_444_800_000  # the year 2100, in milliseconds


def fill(store: Any, prefix: str = "") -> None:
    """Sets keys of every type, each in its small and its big form."""
    key = prefix.__add__
    store.set(key("string:int"), 12345)
    store.set(key("string:short"), "hello")
    store.set(key("string:long"), LONG * 50)
    store.set(key("string:binary"), bytes(range(256)))
    store.set(key("string:expiring"), "v", pxat=SOON)
    store.append(key("string:appended"), "raw")
    store.rpush(key("list:small"), *range(10))
    store.rpush(key("list:big"), *(f"{n}{LONG}" for n in range(500)))
    store.sadd(key("set:ints"), *range(100))
    store.sadd(key("set:small"), "a", "b", "c")
    store.sadd(key("set:big"), *(f"member{n}" for n in range(1000)))
    store.hset(key("hash:small"), mapping={"f": "v", "n": 42})
    store.hset(key("hash:big"), mapping={f"field{n}": LONG for n in range(600)})
    store.zadd(key("zset:small"), {"one": 1, "half": 1.5, "inf": float("inf")})
    store.zadd(key("zset:big"), {f"member{n}": n / 7 for n in range(500)})
    store.pexpireat(key("hash:big"), SOON)


def value_of(store: Any, key: bytes) -> tuple[str, Any, int]:
    """Type, value and expiry of a key, comparable between stores."""
    kind = store.type(key)
    kind = kind.decode() if isinstance(kind, bytes) else kind
    value = {
        "string": lambda: store.get(key),
        "list": lambda: store.lrange(key, 0, -1),
        "set": lambda: sorted(store.smembers(key)),
        "hash": lambda: sorted(store.hgetall(key).items()),
        "zset": lambda: store.zrange(key, 0, -1, withscores=True),
    }[kind]()
    if kind == "zset":
        value = [tuple(pair) for pair in value]
    return kind, value, store.pexpiretime(key)


def everything(store: Any) -> dict[bytes, tuple[str, Any, int]]:
    """The whole selected database."""
    return {key: value_of(store, key) for key in store.scan_iter(count=1000)}


def digest(data: dict[bytes, tuple[str, Any, int]]) -> str:
    """A short name for a data set."""
    return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:16]


def must_equal(what: str, found: dict[bytes, Any], wanted: dict[bytes, Any]) -> None:
    """Ends the demo when two data sets differ, naming the first key."""
    for key in sorted(found.keys() | wanted.keys()):
        if found.get(key) != wanted.get(key):
            raise SystemExit(
                f"demo: {what}: the key {key!r} differs:\n  {found.get(key)!r:.300}\n  {wanted.get(key)!r:.300}"
            )
    print(f"    {what}: {len(found)} keys, all equal ({digest(found)})")
