"""The main job from end to end: C writes and is killed, Python recovers, Node rewrites, real servers take over.

Run it with ``make demo``. Any mismatch ends it with an error.
"""

from __future__ import annotations

import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

import data
import persistkv
import servers

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRASH_WRITER = ROOT / "target" / "release" / "examples-c" / "crash_writer"
COMMITTED_DUMP = ROOT / "demo" / "dump-redis-7.0.15.rdb"
WRITES = 20_000


def step(name: str) -> None:
    print(f"\n({name}")


def crash(directory: pathlib.Path) -> int:
    """A C program writes until it is killed; the last number it acknowledged."""
    writer = subprocess.Popen([CRASH_WRITER, directory], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(WRITES):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    for line in writer.stdout:
        if line.endswith("\n"):
            last = int(line)
    if writer.wait() != -signal.SIGKILL:
        raise SystemExit("demo: the C program ended by itself")
    return last


def recover(directory: pathlib.Path, last: int) -> dict[bytes, tuple]:
    """Python checks what was acknowledged, adds every type, and snapshots while it writes."""
    with persistkv.open(directory, appendonly=True, save="") as store:
        missing = [n for n in range(1, last + 1) if store.get(f"event:{n}") != str(n).encode()]
        if missing:
            raise SystemExit(f"demo: {len(missing)} acknowledged writes are missing, the first is {missing[0]}")
        print(f"    all {last} acknowledged writes are there, {len(store)} keys")
        data.fill(store)
        before = data.everything(store)
        stop = threading.Event()

        def write() -> None:
            n = 0
            while not stop.is_set():
                store.set(f"busy:{n % 1000}", n)
                n += 1

        writer = threading.Thread(target=write)
        store.bgsave()
        writer.start()
        while store.info("persistence")["rdb_bgsave_in_progress"]:
            pass
        stop.set()
        writer.join()
        if store.info("persistence")["rdb_last_bgsave_status"] != "ok":
            raise SystemExit("demo: the snapshot failed")
        print("    data of every type added; a snapshot was taken while a thread wrote")
        after = data.everything(store)
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(directory / "dump.rdb", scratch)
        with persistkv.open(scratch, save="") as snapshot:
            data.must_equal("the snapshot holds the instant at which it began", data.everything(snapshot), before)
    return after


def node(directory: pathlib.Path) -> None:
    """Node reads everything and rewrites the log."""
    subprocess.run(["node", ROOT / "examples" / "node" / "demo_step.mjs", directory], check=True)


def foreign_dump(scratch: pathlib.Path) -> None:
    """A snapshot made by a real server, with every type and encoding, is opened and listed."""
    tags = [tag for tag in servers.at_hand() if tag != "v91"]
    wanted = None
    if tags:
        print(f"    made on the spot by {servers.NAMES[tags[0]]}")
        with servers.running(tags[0], scratch) as server:
            data.fill(server)
            wanted = data.everything(server)
            server.save()
    else:
        print(f"    no server at hand: {COMMITTED_DUMP.name}, made by Redis 7.0.15")
        shutil.copy(COMMITTED_DUMP, scratch / "dump.rdb")
    with persistkv.open(scratch, save="") as store:
        found = data.everything(store)
        for key in sorted(found):
            kind, value, expiry = found[key]
            size = len(value)
            until = "" if expiry == -1 else f", expires at {expiry}"
            print(f"      {key.decode():<18} {kind:<7} {store.object('encoding', key):<10} {size} parts{until}")
        if wanted is not None:
            data.must_equal("what the server had", found, wanted)


def hand_over(directory: pathlib.Path, wanted: dict[bytes, tuple]) -> None:
    """Real servers load our snapshot and our log; the data is compared key by key."""
    tags = [tag for tag in servers.at_hand() if tag in ("r82", "v81", "v91")]
    if not tags:
        print("    no server of Redis >= 7.2 or Valkey >= 8 at hand: SKIPPED (make servers fetches them)")
        return
    with persistkv.open(directory, appendonly=True, save="") as store:
        store.save()
        data.must_equal("here, after Node's rewrite", data.everything(store), wanted)
    for tag in tags:
        for what, options in (("dump.rdb", ()), ("appendonlydir", ("--appendonly", "yes"))):
            with tempfile.TemporaryDirectory() as copy:
                taken = pathlib.Path(copy) / "data"
                shutil.copytree(directory, taken)
                with servers.running(tag, taken, *options) as server:
                    data.must_equal(f"{servers.NAMES[tag]} on our {what}", data.everything(server), wanted)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="persistkv-demo-") as scratch:
        directory = pathlib.Path(scratch) / "data"
        step(f"a) a C program writes to {directory} with appendonly yes until it is killed")
        last = crash(directory)
        print(f"    killed with SIGKILL after it had acknowledged {last} writes")
        step("b) Python opens the same directory")
        wanted = recover(directory, last)
        step("c) Node opens it, reads all, rewrites the log")
        node(directory)
        step("d) a snapshot of a real server is opened here")
        foreign = pathlib.Path(scratch) / "foreign"
        foreign.mkdir()
        foreign_dump(foreign)
        step("e) real servers take our files over")
        hand_over(directory, wanted)
        print("\ndemo: all of it worked")


if __name__ == "__main__":
    main()
