"""Opening, closing, threads, forks, exits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading

import persistkv
import pytest
from persistkv.exceptions import (
    ClosedError,
    ConfigError,
    CorruptError,
    ForkedError,
    LockedError,
    ResponseError,
    StoreIOError,
)


def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in another process."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("directives", "kept"),
    [
        ({"save": ""}, False),
        ({"save": "3600 1"}, True),
        ({"save": "", "appendonly": True}, True),
        ({"save": "3600 1", "appendonly": "yes"}, True),
    ],
)
def test_the_four_modes(tmp_path, directives, kept):
    with persistkv.open(tmp_path, directives) as store:
        store.set("k", "v")
    with persistkv.open(str(tmp_path), directives) as store:
        assert store.get("k") == (b"v" if kept else None)
        assert store.load_notes == []


def test_mapping_protocol(raw):
    raw["k"] = "v"
    assert raw["k"] == b"v" and "k" in raw and len(raw) == 1 and list(raw) == [b"k"]
    del raw["k"]
    with pytest.raises(KeyError):
        raw["k"]
    with pytest.raises(KeyError):
        del raw["k"]


def test_opening_what_can_not_be_opened(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreIOError):
        persistkv.open(tmp_path / "file")
    with pytest.raises(OSError):
        persistkv.open(tmp_path / "file")
    with pytest.raises(ConfigError, match="nope"):
        persistkv.open(tmp_path / "d", nope=1)
    with pytest.raises(ConfigError):
        persistkv.open(tmp_path / "d", {"save": None})
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "dump.rdb").write_bytes(b"not a snapshot")
    with pytest.raises(CorruptError, match=r"dump\.rdb"):
        persistkv.open(tmp_path / "bad")


def test_after_a_close(tmp_path):
    store = persistkv.open(tmp_path)
    again = persistkv.open(tmp_path)
    store.close()
    store.close()
    assert store.closed and again.closed
    for call in (store.ping, again.dbsize, store.save):
        with pytest.raises(ClosedError):
            call()
    with persistkv.open(tmp_path) as fresh:
        assert fresh.ping()


def test_a_second_process_is_told_who_holds_the_directory(tmp_path):
    with persistkv.open(tmp_path):
        other = run("import persistkv, sys; persistkv.open(sys.argv[1])", str(tmp_path))
        assert other.returncode == 1 and "LockedError" in other.stderr and str(os.getpid()) in other.stderr
    assert issubclass(LockedError, persistkv.Error)
    assert run("import persistkv, sys; persistkv.open(sys.argv[1])", str(tmp_path)).returncode == 0


def test_a_forked_child_is_refused_and_harms_nothing(tmp_path):
    with persistkv.open(tmp_path, appendonly=True, save="") as store:
        store.set("k", "parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                store.set("k", "child")
            except ForkedError:
                code = 42
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        assert store.get("k") == b"parent" and store.set("k", "still")
    with persistkv.open(tmp_path, appendonly=True, save="") as store:
        assert store.get("k") == b"still"


def test_threads_share_a_store(store):
    def work(n: int) -> None:
        for _ in range(500):
            store.incr("counter")
            store.rpush(f"list{n}", "x")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("counter") == "4000" and sum(store.llen(f"list{n}") for n in range(8)) == 4000


def test_select_belongs_to_the_connection(store):
    other = store.connection(5)
    other.set("k", "five")
    assert store.get("k") is None and store.select(5) and store.get("k") == "five" and store.db == 5
    with pytest.raises(ResponseError, match="out of range"):
        store.connection(99)


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_a_killed_writer_loses_nothing_it_was_told_is_kept(tmp_path, policy):
    code = f"""
        import persistkv, sys
        store = persistkv.open(sys.argv[1], appendonly=True, appendfsync="{policy}", save="")
        n = 0
        while True:
            store.set(f"k{{n}}", n)
            print(n, flush=True)
            n += 1
    """
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(300):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
    writer.wait()
    last = told[-1] if told else 299
    with persistkv.open(tmp_path, appendonly=True, save="") as store:
        assert [store.get(f"k{n}") for n in range(last + 1)] == [str(n).encode() for n in range(last + 1)]


def test_an_exit_without_a_close_keeps_everything(tmp_path):
    code = """
        import persistkv, sys
        store = persistkv.open(sys.argv[1], save="3600 1")
        store.set("k", "v")
    """
    assert run(code, str(tmp_path)).returncode == 0
    with persistkv.open(tmp_path) as store:
        assert store.get("k") == b"v"


def test_snapshots_and_rewrites_while_writing(tmp_path):
    with persistkv.open(tmp_path, appendonly=True, save="", decode_responses=True) as store:
        for n in range(5000):
            store.set(f"k{n}", n)
        store.bgsave()
        for n in range(5000):
            store.set(f"k{n}", -n)
        while store.info("persistence")["rdb_bgsave_in_progress"]:
            pass
        assert store.info("persistence")["rdb_last_bgsave_status"] == "ok"
        store.bgrewriteaof()
        while store.info("persistence")["aof_rewrites"] == 0:
            pass
    with persistkv.open(tmp_path, appendonly=True, save="", decode_responses=True) as store:
        assert store.get("k4999") == "-4999" and store.dbsize() == 5000


def test_memory_is_nobody_elses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with persistkv.open(":memory:") as first, persistkv.open(":memory:") as second:
        first.set("k", "v")
        assert first.path is None
        assert second.get("k") is None
    assert list(tmp_path.iterdir()) == []
