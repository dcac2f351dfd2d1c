"""Ctrl-C and cancelled tasks while a script runs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import time

import persistkv
import persistkv.asyncio
import pytest
from persistkv.exceptions import ResponseError

ENDLESS = "while true do end"
LIBRARY = "#!lua name=lib\nredis.register_function('endless', function() while true do end end)"

# A child has its main thread for itself. `interrupt_when_running` sends it SIGINT as soon as a script runs.
HEAD = """
import os, signal, threading, time
import persistkv

store = persistkv.open(decode_responses=True)

def interrupt_when_running(then=lambda: None):
    def wait():
        while store.function_stats()[1] is None:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        then()
    thread = threading.Thread(target=wait)
    thread.start()
    return thread

store.config_set("busy-reply-threshold", 0)
"""


def child(body: str) -> str:
    text = HEAD + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "call",
    [
        f"store.eval({ENDLESS!r}, 0)",
        f"store.eval('pcall(function() {ENDLESS} end) {ENDLESS}', 0)",
        "store.fcall('endless', 0)",
        f"store.pipeline().eval({ENDLESS!r}, 0).eval({ENDLESS!r}, 0).execute()",
        f"store.pipeline(transaction=False).eval({ENDLESS!r}, 0).execute()",
    ],
)
def test_ctrl_c_ends_a_script_and_the_store_goes_on(call):
    out = child(f"""
        store.function_load({LIBRARY!r})
        interrupt_when_running()
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", store.set("k", "v"), store.eval("return redis.call('get', KEYS[1])", 1, "k"))
    """)
    assert out == "interrupted True v\n"


def test_a_script_that_has_written_goes_on_and_the_interrupt_comes_afterwards():
    out = child("""
        def let_it_end():
            time.sleep(0.3)
            assert store.function_stats()[1] is not None
            release.set()

        # It ends when it has seen a second of its own clock.
        release = threading.Event()
        thread = interrupt_when_running(let_it_end)
        script = '''
            redis.call('set', KEYS[1], 'half')
            local began = redis.call('time')
            repeat local now = redis.call('time') until now[1] * 1e6 + now[2] > began[1] * 1e6 + began[2] + 1e6
            redis.call('set', KEYS[1], 'whole')
        '''
        try:
            store.eval(script, 1, "k")
            time.sleep(10)
        except KeyboardInterrupt:
            print(release.is_set(), store.get("k"))
    """)
    assert out == "True whole\n"


def test_a_handler_that_does_not_raise_lets_the_script_go_on_and_may_not_use_the_store():
    out = child("""
        refused = []

        def handler(number, frame):
            try:
                store.get("k")
            except RuntimeError as error:
                refused.append(str(error))

        signal.signal(signal.SIGINT, handler)
        # What is dropped while shards are held would wait for them.
        watching = store.pipeline()
        watching.watch("k")
        signal.signal(signal.SIGALRM, lambda number, frame: globals().pop("watching"))
        thread = interrupt_when_running(lambda: os.kill(os.getpid(), signal.SIGALRM))
        script = '''
            redis.call('get', KEYS[1])
            local began = redis.call('time')
            repeat local now = redis.call('time') until now[1] * 1e6 + now[2] > began[1] * 1e6 + began[2] + 5e5
            return 'whole'
        '''
        print(store.eval(script, 1, "k"), "watching" in globals(), refused)
    """)
    assert out == "whole False ['a signal handler must not use a store while its thread runs a script']\n"


def test_other_threads_scripts_are_not_interrupted():
    out = child(f"""
        errors = []

        def run():
            try:
                store.eval({ENDLESS!r}, 0)
            except persistkv.ResponseError as error:
                errors.append(str(error))

        other = threading.Thread(target=run)
        other.start()
        try:
            interrupt_when_running().join()
            time.sleep(10)
        except KeyboardInterrupt:
            pass
        time.sleep(0.2)
        assert other.is_alive()
        store.script_kill()
        other.join()
        print(*errors)
    """)
    assert "Script killed by user with SCRIPT KILL" in out


def run(body):
    async def inside():
        async with persistkv.asyncio.open(decode_responses=True) as store:
            await body(store)

    asyncio.run(asyncio.wait_for(inside(), 60))


async def running(store):
    while store._store.function_stats()[1] is None:
        await asyncio.sleep(0.001)


def test_cancelling_a_task_ends_its_script():
    async def body(store):
        await store.function_load(LIBRARY)
        for call in (store.eval(ENDLESS, 0), store.fcall("endless", 0), store.pipeline().eval(ENDLESS, 0).execute()):
            task = asyncio.ensure_future(call)
            await running(store)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await store.set("k", "v") is True
            assert await store.eval("return redis.call('get', KEYS[1])", 1, "k") == "v"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(store.eval(ENDLESS, 0), 0.05)

    run(body)


def test_a_cancelled_script_that_has_written_goes_on():
    async def body(store):
        script = """
            redis.call('set', KEYS[1], 'half')
            for i = 1, 3e7 do end
            redis.call('set', KEYS[1], 'whole')
        """
        task = asyncio.ensure_future(store.eval(script, 1, "k"))
        await running(store)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Waits for the script, as everybody does.
        assert await store.get("k") == "whole"

    run(body)


def test_a_thread_that_waits_for_a_script_does_not_hold_up_its_interrupt():
    """The interrupted thread needs the GIL while others wait for the shards it holds."""
    with persistkv.open(decode_responses=True) as store:
        started = threading.Event()

        def others():
            started.set()
            with pytest.raises(ResponseError, match="BUSY"):
                while True:
                    store.eval("return redis.call('get', KEYS[1])", 1, "k")
                    time.sleep(0)

        store.config_set("busy-reply-threshold", 100)
        thread = threading.Thread(target=others)
        thread.start()
        started.wait()
        threading.Timer(0.5, lambda: store.script_kill()).start()
        with pytest.raises(ResponseError, match="killed"):
            store.eval("redis.call('get', KEYS[1]) " + ENDLESS, 1, "k")
        thread.join()
