"""Libraries that live by their Lua scripts and transactions, as they come: RQ, limits."""

from __future__ import annotations

import operator
import sys

import limits
import limits.storage
import limits.strategies
import redis
import rq

socket, port = sys.argv[1], int(sys.argv[2])


def check(condition: object, what: str) -> None:
    if not condition:
        sys.exit(f"failed: {what}")


def queue() -> None:
    connection = redis.Redis(unix_socket_path=socket)
    jobs = rq.Queue(connection=connection)
    queued = [jobs.enqueue(operator.mul, n, 2) for n in range(20)]
    late = jobs.enqueue(operator.add, 1, 2, depends_on=queued[-1])
    rq.SimpleWorker([jobs], connection=connection).work(burst=True, logging_level="WARNING")
    check([job.return_value() for job in queued] == [n * 2 for n in range(20)], "results of jobs")
    check(late.return_value() == 3 and len(jobs) == 0, "a job that waited for another")


def rates() -> None:
    storage = limits.storage.RedisStorage(f"redis://127.0.0.1:{port}")
    for strategy in (
        limits.strategies.FixedWindowRateLimiter,
        limits.strategies.MovingWindowRateLimiter,
        limits.strategies.SlidingWindowCounterRateLimiter,
    ):
        limiter, rate = strategy(storage), limits.parse("3/hour")
        outcomes = [limiter.hit(rate, strategy.__name__) for _ in range(5)]
        check(outcomes == [True, True, True, False, False], strategy.__name__)


queue()
rates()
print("RQ, limits: passed")
