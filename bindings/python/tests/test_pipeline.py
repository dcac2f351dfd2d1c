"""Pipelines, transactions, check-and-set."""

from __future__ import annotations

import threading

import persistkv
import pytest
from persistkv.exceptions import DataError, WrongTypeError


@pytest.mark.parametrize("transaction", [True, False])
def test_results_are_those_of_the_methods(store, transaction):
    pipe = store.pipeline(transaction=transaction)
    results = (
        pipe.set("k", "v").get("k").hset("h", mapping={"a": 1, "b": 2}).hgetall("h").zadd("z", {"x": 1.5})
        .zscore("z", "x").exists("k", "nope").execute_command("TYPE", "h").execute()
    )  # fmt: skip
    assert results == [True, "v", 2, {"a": "1", "b": "2"}, 1, 1.5, 1, "hash"]
    assert len(pipe) == 0 and pipe.execute() == []
    assert pipe.dump("k").execute() == [store.dump("k")]


def test_nothing_runs_before_execute(store):
    with store.pipeline() as pipe:
        pipe.set("k", 1)
        assert store.get("k") is None and len(pipe) == 1
    assert pipe.execute() == []
    assert store.get("k") is None


def test_errors_stand_among_the_results(store):
    store.set("k", "text")
    pipe = store.pipeline().set("a", 1).lpush("k", 1).set("b", 2)
    with pytest.raises(WrongTypeError, match=r"Command # 2 \(LPUSH k 1\) of pipeline caused error: WRONGTYPE"):
        pipe.execute()
    assert store.get("b") == "2", "the others have run, as in Redis"
    results = store.pipeline().lpush("k", 1).get("a").execute(raise_on_error=False)
    assert isinstance(results[0], WrongTypeError) and results[1] == "1"
    with pytest.raises(persistkv.ResponseError, match="unknown command"):
        store.pipeline().set("c", 1).execute_command("NOPE").execute()
    assert store.get("c") is None, "a transaction with a command that does not exist does nothing"
    with pytest.raises(DataError, match="can not be queued"):
        store.pipeline().scan_iter()


def test_a_watched_key_that_changes_stops_the_transaction(store):
    store.set("n", 1)
    with store.pipeline() as pipe:
        pipe.watch("n")
        value = int(pipe.get("n"))
        store.set("n", 100)
        pipe.multi()
        pipe.set("n", value + 1)
        with pytest.raises(persistkv.WatchError):
            pipe.execute()
        assert store.get("n") == "100"
        pipe.watch("n")
        pipe.multi()
        with pytest.raises(persistkv.Error, match="WATCH after a MULTI"):
            pipe.watch("n")
        assert pipe.incr("n").execute() == [101]
    with pytest.raises(persistkv.ResponseError, match="need a pipeline"):
        store.execute("MULTI")
    for call, instead in [
        ("SUBSCRIBE a", r"call pubsub\(\)"),
        ("MONITOR", r"call monitor\(\)"),
        ("CLIENT TRACKING ON", r"call listen\(\)"),
    ]:
        with pytest.raises(persistkv.ResponseError, match=instead):
            store.execute(*call.split())
    assert store.execute("PING") == "PONG"


def test_check_and_set_from_many_threads(store):
    def increment(pipe):
        value = int(pipe.get("n") or 0)
        pipe.multi()
        pipe.set("n", value + 1)

    def many():
        for _ in range(50):
            store.transaction(increment, "n")

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("n") == "200"
    assert store.transaction(lambda pipe: pipe.get("n"), "n", value_from_callable=True) == "200"


def test_a_transaction_is_kept_as_one(tmp_path):
    with persistkv.open(tmp_path, appendonly=True, save="") as store:
        store.pipeline().set("a", 1).set("b", 2).execute()
        log = b"".join(path.read_bytes() for path in (tmp_path / "appendonlydir").glob("*.incr.aof"))
        begin, end = log.index(b"MULTI"), log.index(b"EXEC")
        assert begin < log.index(b"$1\r\na\r\n") < log.index(b"$1\r\nb\r\n") < end
