"""The store in an event loop."""

from __future__ import annotations

import asyncio
import threading

import persistkv.asyncio
import pytest


def run(body, **directives):
    async def inside():
        async with persistkv.asyncio.open(decode_responses=True, **directives) as store:
            await body(store)

    asyncio.run(asyncio.wait_for(inside(), 60))


def test_commands_are_coroutines():
    async def body(store):
        assert await store.set("k", "v", ex=100) is True
        assert await store.get("k") == "v" and 0 < await store.ttl("k") <= 100
        assert await store.hset("h", mapping={"a": 1}) == 1 and await store.hgetall("h") == {"a": "1"}
        assert [key async for key in store.scan_iter()] and await store.execute("DBSIZE") == 2
        with pytest.raises(persistkv.ResponseError):
            await store.lpush("k", "x")

    run(body)


def test_waiting_lets_the_loop_go_on():
    async def body(store):
        waiting = asyncio.create_task(store.blpop("queue"))
        await asyncio.sleep(0)
        assert not waiting.done()
        await store.rpush("queue", "x")
        assert await waiting == ("queue", "x")
        assert await store.blpop("queue", timeout=0.01) is None
        stream = asyncio.create_task(store.xread({"s": "$"}, block=0))
        await asyncio.sleep(0)
        await store.xadd("s", {"f": "v"}, id="1-1")
        assert await stream == [["s", [("1-1", {"f": "v"})]]]

    run(body)


def test_a_thread_wakes_a_task():
    async def body(store):
        waiting = asyncio.create_task(store.bzpopmin("z"))
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: store._store.zadd("z", {"m": 1}))
        thread.start()
        assert await waiting == ("z", "m", 1.0)
        thread.join()

    run(body)


def test_cancelling_takes_nothing():
    async def body(store):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(store.blpop("queue"), 0.01)
        await store.rpush("queue", "x")
        assert await store.llen("queue") == 1

    run(body)


def test_many_consumers_and_every_element_once():
    async def body(store):
        async def consume():
            got = []
            while (found := await store.blpop("queue"))[1] != "end":
                got.append(found[1])
            return got

        tasks = [asyncio.create_task(consume()) for _ in range(20)]
        for number in range(1000):
            await store.rpush("queue", number)
        await store.rpush("queue", *["end"] * 20)
        got = [element for found in await asyncio.gather(*tasks) for element in found]
        assert sorted(map(int, got)) == list(range(1000))

    run(body)


def test_pipelines_and_transactions():
    async def body(store):
        async with store.pipeline() as pipe:
            assert await pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]

        async def raise_it(pipe):
            value = int(await pipe.get("a"))
            pipe.multi()
            pipe.set("a", value + 1)

        assert await store.transaction(raise_it, "a") == [True]
        assert await store.get("a") == "3"

    run(body)


def test_messages():
    async def body(store):
        async with store.pubsub(ignore_subscribe_messages=True) as subscriber:
            await subscriber.subscribe("news")
            assert await subscriber.get_message(timeout=0.01) is None
            asyncio.get_running_loop().call_later(0.01, lambda: store._store.publish("news", "late"))
            async for message in subscriber.listen():
                assert message["data"] == "late"
                break
            assert await subscriber.get_message(timeout=0.01) is None

    run(body)


def test_always_waits_for_the_disk_outside_of_the_loop(tmp_path):
    async def body():
        async with persistkv.asyncio.open(tmp_path, appendonly=True, appendfsync="always", save="") as store:
            await asyncio.gather(*(store.rpush("l", number) for number in range(50)))
            assert await store.llen("l") == 50
        async with persistkv.asyncio.open(tmp_path, appendonly=True, save="") as store:
            assert await store.llen("l") == 50

    asyncio.run(asyncio.wait_for(body(), 60))
