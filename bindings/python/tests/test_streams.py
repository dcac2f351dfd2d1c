"""Streams with the arguments and the replies that redis-py's users know."""

from __future__ import annotations

import pytest
from persistkv.exceptions import DataError, ResponseError


def test_entries(store):
    assert store.xadd("x", {"f": 1, "g": "é"}, id="5-1") == "5-1" and store.xadd("x", {"f": 2}, id="5-*") == "5-2"
    assert store.xadd("nope", {"f": 1}, nomkstream=True) is None
    generated = store.xadd("x", {"f": 3})
    assert store.xlen("x") == 3 and int(generated.split("-")[0]) > 1_600_000_000_000
    assert store.xrange("x", count=2) == [("5-1", {"f": "1", "g": "é"}), ("5-2", {"f": "2"})]
    assert store.xrevrange("x", max="(5-2") == [("5-1", {"f": "1", "g": "é"})]
    assert store.xread({"x": "5-1", "nope": 0}, count=1, block=10) == [["x", [("5-2", {"f": "2"})]]]
    assert store.xread({"x": "$"}) == []
    assert store.xdel("x", "5-1", "9-9") == 1
    info = store.xinfo_stream("x")
    assert info["length"] == 2 and info["first-entry"] == ("5-2", {"f": "2"}) and info["entries-added"] == 3
    assert store.xtrim("x", maxlen=1, approximate=False) == 1 and store.xtrim("x", minid=6) == 0
    assert store.xsetid("x", "18446744073709551615-0", entries_added=7) is True
    assert store.xadd("trimmed", {"f": 1}, maxlen=0, approximate=False) and store.xlen("trimmed") == 0
    assert store.type("trimmed") == "stream"
    with pytest.raises(DataError):
        store.xadd("x", {})
    with pytest.raises(DataError):
        store.xadd("x", {"f": 1}, maxlen=1, minid=1)
    with pytest.raises(DataError):
        store.xtrim("x")
    with pytest.raises(DataError):
        store.xread({})
    with pytest.raises(ResponseError, match="equal or smaller"):
        store.xadd("x", {"f": 1}, id="1-1")


def test_groups(store):
    assert store.xgroup_create("x", "g", id=0, mkstream=True) is True
    with pytest.raises(ResponseError, match="already exists"):
        store.xgroup_create("x", "g")
    for n in range(1, 5):
        store.xadd("x", {"n": n}, id=f"{n}-0")
    assert store.xreadgroup("g", "a", {"x": ">"}, count=2) == [["x", [("1-0", {"n": "1"}), ("2-0", {"n": "2"})]]]
    assert store.xreadgroup("g", "b", {"x": ">"}, count=1, noack=True) == [["x", [("3-0", {"n": "3"})]]]
    assert store.xdel("x", "1-0") == 1
    assert store.xreadgroup("g", "a", {"x": 0}) == [["x", [("1-0", None), ("2-0", {"n": "2"})]]]
    pending = store.xpending("x", "g")
    assert pending == {"pending": 2, "min": "1-0", "max": "2-0", "consumers": [{"name": "a", "pending": 2}]}
    (one,) = store.xpending_range("x", "g", "2", "+", 10, consumername="a", idle=0)
    assert (one["message_id"], one["consumer"], one["times_delivered"]) == ("2-0", "a", 2)
    assert store.xclaim("x", "g", "b", 0, ["2-0"], justid=True) == ["2-0"]
    assert store.xclaim("x", "g", "c", 0, ["2-0"], retrycount=7) == [("2-0", {"n": "2"})]
    assert store.xautoclaim("x", "g", "a", 0) == ["0-0", [("2-0", {"n": "2"})], ["1-0"]]
    assert store.xautoclaim("x", "g", "a", 0, count=1, justid=True) == ["2-0"]
    assert store.xack("x", "g", "2-0", "9-9") == 1 and store.xpending("x", "g")["consumers"] == []
    assert store.xgroup_setid("x", "g", "$", entries_read=4) is True
    (group,) = store.xinfo_groups("x")
    assert (group["name"], group["last-delivered-id"], group["entries-read"], group["lag"]) == ("g", "4-0", 4, 0)
    assert [consumer["name"] for consumer in store.xinfo_consumers("x", "g")] == ["a", "b", "c"]
    full = store.xinfo_stream("x", full=True)
    assert list(full["entries"]) == ["2-0", "3-0", "4-0"] and full["groups"][0]["consumers"][0]["name"] == "a"
    assert store.xgroup_createconsumer("x", "g", "d") == 1 and store.xgroup_delconsumer("x", "g", "d") == 0
    assert store.xdelex("x", "2-0", "9-9") == [1, -1] and store.xdelex("x", "3-0", ref_policy="ACKED") == [1]
    assert store.xreadgroup("g", "e", {"x": ">"}) == [] and store.xadd("x", {"n": 5}, id="5-0")
    assert store.xreadgroup("g", "e", {"x": ">"}) and store.xdelex("x", "5-0", ref_policy="ACKED") == [2]
    assert store.xackdel("x", "g", "5-0", "5-0", ref_policy="DELREF") == [1, -1]
    with pytest.raises(DataError):
        store.xdelex("x", "1-0", ref_policy="NOPE")
    assert store.xtrim("x", maxlen=0, approximate=False, ref_policy="ACKED") == 1
    assert store.xgroup_destroy("x", "g") is True and store.xgroup_destroy("x", "g") is False
