"""Waiting for keys and for messages, in threads."""

from __future__ import annotations

import _thread
import threading
import time

import persistkv
import pytest
from persistkv.exceptions import Error, ResponseError


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)


def blocked(store):
    return store.info("clients")["blocked_clients"]


def test_what_is_there_is_taken_at_once(store):
    store.rpush("l", "a", "b", "c")
    assert store.blpop("l") == ("l", "a")
    assert store.brpop(["none", "l"], timeout=1) == ("l", "c")
    assert store.blmove("l", "m", 0) == "b" and store.brpoplpush("m", "l") == "b"
    assert store.blmpop(0, 2, "none", "l", direction="LEFT", count=2) == ["l", ["b"]]
    store.zadd("z", {"one": 1, "two": 2, "three": 3})
    assert store.bzpopmin("z") == ("z", "one", 1.0) and store.bzpopmax("z", 0) == ("z", "three", 3.0)
    assert store.bzmpop(0, 1, ["z"], min=True) == ["z", [("two", 2.0)]]
    assert store.blpop("l", timeout=0.01) is None


def test_threads_are_woken_in_turn(store):
    got = []
    threads = []
    for number in range(3):
        threads.append(threading.Thread(target=lambda: got.append(store.blpop("queue"))))
        threads[-1].start()
        wait_until(lambda wanted=number + 1: blocked(store) == wanted)
    for element in "abc":
        store.rpush("queue", element)
        wait_until(lambda wanted=element: got and got[-1] == ("queue", wanted))
    for thread in threads:
        thread.join()
    assert store.exists("queue") == 0


def test_streams_wait(store):
    got = []
    thread = threading.Thread(target=lambda: got.append(store.xread({"s": "$"}, block=0)))
    thread.start()
    wait_until(lambda: blocked(store) == 1)
    store.xadd("s", {"f": "v"}, id="1-1")
    thread.join()
    assert got == [[["s", [("1-1", {"f": "v"})]]]]


def test_ctrl_c_ends_the_waiting_and_takes_nothing(store):
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        store.blpop("never")
    store.rpush("never", "x")
    assert store.llen("never") == 1 and blocked(store) == 0


def test_a_client_can_be_unblocked(store):
    raised = []

    def wait():
        try:
            store.blpop("never")
        except ResponseError as error:
            raised.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: blocked(store) == 1)
    (client,) = [client for client in store.client_list() if "b" in client["flags"]]
    assert store.client_unblock(int(client["id"]), error=True) is True
    thread.join()
    assert raised == ["UNBLOCKED client unblocked via CLIENT UNBLOCK"]


def test_closing_the_store_ends_the_waiting():
    store = persistkv.open()
    raised = []

    def wait():
        try:
            store.blpop("never")
        except Error as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: blocked(store) == 1)
    store.close()
    thread.join()
    assert "closed" in str(raised[0])


def test_nothing_waits_in_a_pipeline(store):
    assert store.pipeline().blpop("never").rpush("l", "x").blpop("l").execute() == [None, 1, ("l", "x")]


def test_messages(store):
    with store.pubsub() as subscriber:
        subscriber.subscribe("news", "other")
        subscriber.psubscribe("n*")
        confirmed = [subscriber.get_message()["data"] for _ in range(3)]
        assert confirmed == [1, 2, 3]
        assert store.publish("news", "hello") == 2
        assert store.pubsub_numsub("news") == [("news", 1)] and store.pubsub_numpat() == 1
        assert subscriber.get_message() == {"type": "message", "pattern": None, "channel": "news", "data": "hello"}
        assert subscriber.get_message() == {"type": "pmessage", "pattern": "n*", "channel": "news", "data": "hello"}
        assert subscriber.get_message() is None and subscriber.get_message(timeout=0.01) is None
    assert store.publish("news", "nobody") == 0 and store.pubsub_channels() == []


def test_listening_and_handlers(store):
    got = []
    subscriber = store.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe(**{"handled": got.append})
    thread = subscriber.run_in_thread(sleep_time=0.05)
    store.publish("handled", "one")
    wait_until(lambda: got)
    thread.stop()
    thread.join()
    assert got[0]["data"] == "one"

    listener = store.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    threading.Timer(0.05, lambda: store.publish("news", "late")).start()
    assert next(listener.listen())["data"] == "late"
    listener.close()


def test_keyspace_events(store):
    store.config_set("notify-keyspace-events", "KEA")
    subscriber = store.pubsub(ignore_subscribe_messages=True)
    subscriber.psubscribe("__keyevent@0__:*")
    subscriber.get_message()
    store.rpush("l", "x")
    assert subscriber.get_message()["channel"] == "__keyevent@0__:rpush"
    store.blpop("l")
    assert [subscriber.get_message()["channel"][15:] for _ in range(2)] == ["lpop", "del"]


def test_who_does_not_fetch_is_told(store):
    store.config_set("client-output-buffer-limit", "pubsub 10000 0 0")
    subscriber = store.pubsub()
    subscriber.subscribe("news")
    for _ in range(100):
        store.publish("news", "x" * 1000)
    with pytest.raises(Error, match="messages were lost"):
        subscriber.get_message()


def test_subscriptions_need_an_object_of_their_own(store):
    with pytest.raises(ResponseError, match="pubsub"):
        store.execute("SUBSCRIBE", "news")
    assert store.pubsub_channels() == []
