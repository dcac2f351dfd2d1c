"""Ten lines to a durable store: ``python quickstart.py [DIR]``."""

import sys

import persistkv

with persistkv.open(sys.argv[1] if len(sys.argv) > 1 else "data", appendonly=True, decode_responses=True) as store:
    store.set("greeting", "hello", ex=3600)
    store.hset("user:1", mapping={"name": "Ada", "visits": 1})
    store.rpush("queue", "job-1", "job-2")
    store.zadd("board", {"ada": 120, "grace": 150})
    print(store.get("greeting"), store.lpop("queue"), store.hgetall("user:1"))
    print(store.zrange("board", 0, -1, desc=True, withscores=True))
