"""The same store for asyncio: every command is a coroutine.

>>> import persistkv.asyncio
>>> async with persistkv.asyncio.open("data", appendonly=True) as store:
...     await store.rpush("queue", "first")
...     await store.blpop("queue")

Commands run in the event loop's own thread, since most take less than a microsecond; what has to wait, for a key, for a
message or for the disk (``appendfsync always``), lets the loop go on. Commands that may take long (SAVE, scripts)
run in the loop's executor. A script that has not written yet ends when its task is cancelled; one that has goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

from . import _persistkv, _store
from ._arguments import KeyT
from ._commands import Commands
from ._pipeline import Pipeline as _Pipeline
from ._pipeline import _Call
from ._publishing import HandlerT, MessageT, Subscriber
from .exceptions import WatchError

__all__ = ["Pipeline", "PubSub", "Store", "open"]

#: Commands that may keep the loop's thread for long.
_LONG = {b"SAVE", b"DEBUG", b"EVAL", b"EVALSHA", b"EVAL_RO", b"EVALSHA_RO", b"FCALL", b"FCALL_RO", b"MEMORY"}


def _name(word: Any) -> bytes:
    return (word.encode() if isinstance(word, str) else bytes(word)).upper()


async def _run(native: _persistkv.Store, args: tuple[Any, ...], as_bytes: bool = False) -> Any:
    loop = asyncio.get_running_loop()
    if args and _name(args[0]) in _LONG:
        run = native.execute_bytes if as_bytes else native.execute
        return await _in_thread(run, *args)
    reply, waiting, owed = native.begin_execute(as_bytes, *args)
    if owed:
        await loop.run_in_executor(None, native.wait_durable, owed)
    return reply if waiting is None else await _outcome(loop, waiting)


async def _in_thread(run: Callable[..., Any], *args: Any) -> Any:
    """Runs it in the executor; cancelled, it ends the scripts that it runs unless they have written."""
    wish = _persistkv.Wish()
    try:
        return await asyncio.get_running_loop().run_in_executor(None, wish.run, run, *args)
    except asyncio.CancelledError:
        wish.end()
        raise


async def _outcome(loop: asyncio.AbstractEventLoop, waiting: _persistkv.Waiting) -> Any:
    served = loop.create_future()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: served.done() or served.set_result(None))

    waiting.set_waker(wake)
    seconds = waiting.seconds_left
    timer = None if seconds is None else loop.call_later(seconds, waiting.time_out)
    try:
        await served
    except asyncio.CancelledError:
        if waiting.cancel():
            raise
        # It was served in this very moment: what was taken for it would be nowhere else.
    finally:
        if timer is not None:
            timer.cancel()
    return waiting.take()


class Store:
    """An open store; :func:`open` makes it. All methods of :class:`persistkv.Store` that run a command are coroutines
    here. It belongs to no loop: several may use it, each in its thread."""

    def __init__(self, store: _store.Store) -> None:
        self._store = store
        self._native = store._native

    async def execute(self, *args: Any) -> Any:
        """Runs a command by its name and arguments, and returns its plain reply."""
        return await _run(self._native, args)

    execute_command = execute

    def connection(self, db: int = 0) -> Store:
        """The same store with another selected database."""
        return Store(self._store.connection(db))

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Commands gathered and run together: as one transaction, or one after the other."""
        return Pipeline(self._native.session(), transaction)

    async def transaction(
        self, func: Callable[[Pipeline], Awaitable[Any] | Any], *watches: KeyT, value_from_callable: bool = False
    ) -> Any:
        """Check-and-set: calls ``func`` with a pipeline that watches the keys, then runs what it queued; begins again
        as often as somebody else changed one of them meanwhile."""
        async with self.pipeline() as pipe:
            while True:
                try:
                    if watches:
                        await pipe.watch(*watches)
                    value = func(pipe)
                    if inspect.isawaitable(value):
                        value = await value
                    replies = await pipe.execute()
                    return value if value_from_callable else replies
                except WatchError:
                    continue

    def pubsub(self, ignore_subscribe_messages: bool = False) -> PubSub:
        """Subscriptions of a task."""
        return PubSub(self._native.session(), ignore_subscribe_messages)

    async def scan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        """All keys, as :meth:`persistkv.Store.scan_iter`; other tasks run between the steps."""
        async for item in _steps(self._store.scan_iter(*args, **options)):
            yield item

    async def hscan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        """All fields of a hash."""
        async for item in _steps(self._store.hscan_iter(*args, **options)):
            yield item

    async def sscan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        """All members of a set."""
        async for item in _steps(self._store.sscan_iter(*args, **options)):
            yield item

    async def zscan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        """All members of a sorted set."""
        async for item in _steps(self._store.zscan_iter(*args, **options)):
            yield item

    async def aclose(self) -> None:
        """Saves a snapshot if save points are set and something has changed, and closes the files."""
        await asyncio.get_running_loop().run_in_executor(None, self._store.close)

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._store.closed

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


#: A task that steps through many keys lets others run that often.
_STEPS = 100


async def _steps(items: Any) -> AsyncIterator[Any]:
    for number, item in enumerate(items, 1):
        yield item
        if number % _STEPS == 0:
            await asyncio.sleep(0)


class Pipeline(_Pipeline):
    """As :class:`persistkv.Pipeline`; ``watch``, ``execute`` and what runs at once after a watch are to be awaited."""

    async def __aenter__(self) -> Pipeline:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reset()

    async def watch(self, *names: KeyT) -> bool:  # type: ignore[override]
        """Watches keys; until :meth:`multi` commands run at once."""
        return super().watch(*names)

    async def unwatch(self) -> bool:  # type: ignore[override]
        """Forgets the watched keys."""
        return super().unwatch()

    def reset(self) -> None:
        """Forgets what is queued and what is watched."""
        self._calls = []
        if self._watching:
            super().unwatch()
        self._explicit = False

    async def execute(self, *args: Any, raise_on_error: bool = True) -> Any:  # type: ignore[override]
        """Runs what is queued and returns the results in order."""
        if args:
            return self.execute_command(*args)
        return await _in_thread(functools.partial(super().execute, raise_on_error=raise_on_error))

    def _take(self, method: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        taken = super()._take(method, args, options)
        # Queued: the pipeline, for chaining. Run at once: to be awaited.
        return taken if taken is self else _done(taken)


async def _done(value: Any) -> Any:
    return value


class PubSub(Subscriber):
    """Subscriptions of a task, as :class:`persistkv.PubSub`; its methods are coroutines."""

    async def subscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to channels, those given by keyword with a function that is called with their messages."""
        self._enter("", args, kwargs)

    async def psubscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to all channels that match patterns."""
        self._enter("p", args, kwargs)

    async def ssubscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to sharded channels."""
        self._enter("s", args, kwargs)

    async def unsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to channels, to all of them without an argument."""
        self._leave("", args)

    async def punsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to patterns, to all of them without an argument."""
        self._leave("p", args)

    async def sunsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to sharded channels, to all of them without an argument."""
        self._leave("s", args)

    async def get_message(
        self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0
    ) -> MessageT | None:
        """The next message, waiting so many seconds for one (None: for ever). None when none has come, and when it was
        handled by a function. One that is to be ignored is passed over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (parts := self._native.next_message(0.0) or await self._wait(timeout)) is not None:
            message, handler = self._message(parts, ignore_subscribe_messages)
            if message is not None and handler is not None:
                handled = handler(message)
                if inspect.isawaitable(handled):
                    await handled
                return None
            if message is not None or not self.subscribed:
                return message
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        return None

    async def _wait(self, timeout: float | None) -> list[Any] | None:
        if timeout == 0.0:
            return None
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(arrived.set)

        self._native.set_message_waker(wake)
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(arrived.wait(), timeout)
        finally:
            self._native.set_message_waker(None)
        return self._native.next_message(0.0)

    async def listen(self) -> AsyncIterator[MessageT]:
        """Messages as they come, for as long as there is a subscription."""
        while self.subscribed:
            message = await self.get_message(timeout=None)
            if message is not None:
                yield message

    async def aclose(self) -> None:
        """Ends all subscriptions."""
        self._forget()

    async def __aenter__(self) -> PubSub:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _awaitable(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of :class:`Commands` as a coroutine: it learns which command the method sends, runs that, and gives the
    method the reply."""

    @functools.wraps(method)
    async def call(self: Store, *args: Any, **options: Any) -> Any:
        sent = _Call(method, args, options)
        return sent.result(await _run(self._native, sent.command, sent.as_bytes))

    return call


for _method_name, _method in inspect.getmembers(Commands, inspect.isfunction):
    if not _method_name.startswith("_") and not hasattr(Store, _method_name):
        setattr(Store, _method_name, _awaitable(_method))


def open(
    path: str | os.PathLike[str] | None = None,
    directives: Mapping[str, _store.DirectiveT] | None = None,
    *,
    decode_responses: bool = False,
    **more: _store.DirectiveT,
) -> Store:
    """Opens a store as :func:`persistkv.open` does."""
    return Store(_store.open(path, directives, decode_responses=decode_responses, **more))
