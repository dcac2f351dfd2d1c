"""Publishing and subscribing, with redis-py's habits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from . import _persistkv, _replies
from ._arguments import EncodableT, KeyT
from ._base import Base
from .exceptions import Error

MessageT = dict[str, Any]
HandlerT = Callable[[MessageT], Any]

#: Kinds of messages that carry text, and those that confirm.
_TEXTS = {"message", "pmessage", "smessage"}
_LEFT = {"unsubscribe", "punsubscribe", "sunsubscribe"}


class Publishing(Base):
    """Commands that publish, and tell who has subscribed."""

    def publish(self, channel: KeyT, message: EncodableT) -> int:
        """Sends a message to a channel; how many have got it."""
        return self.execute("PUBLISH", channel, message)

    def spublish(self, shard_channel: KeyT, message: EncodableT) -> int:
        """Sends a message to a sharded channel; how many have got it."""
        return self.execute("SPUBLISH", shard_channel, message)

    def pubsub_channels(self, pattern: KeyT = "*") -> list[Any]:
        """Channels that somebody has subscribed to."""
        return self.execute("PUBSUB", "CHANNELS", pattern)

    def pubsub_shardchannels(self, pattern: KeyT = "*") -> list[Any]:
        """Sharded channels that somebody has subscribed to."""
        return self.execute("PUBSUB", "SHARDCHANNELS", pattern)

    def pubsub_numpat(self) -> int:
        """How many patterns somebody has subscribed to."""
        return self.execute("PUBSUB", "NUMPAT")

    def pubsub_numsub(self, *channels: KeyT) -> list[tuple[Any, int]]:
        """How many have subscribed to channels."""
        return list(_replies.as_dict(self.execute("PUBSUB", "NUMSUB", *channels)).items())

    def pubsub_shardnumsub(self, *channels: KeyT) -> list[tuple[Any, int]]:
        """How many have subscribed to sharded channels."""
        return list(_replies.as_dict(self.execute("PUBSUB", "SHARDNUMSUB", *channels)).items())


class Subscriber:
    """What the subscribers for threads and for event loops share: names, handlers, and the form of messages."""

    def __init__(self, native: _persistkv.Store, ignore_subscribe_messages: bool) -> None:
        self._native = native
        self._ignore = ignore_subscribe_messages
        self._handlers: dict[tuple[str, bytes], HandlerT] = {}
        #: Names this has subscribed to, by kind.
        self._names: dict[str, set[bytes]] = {"": set(), "p": set(), "s": set()}

    @property
    def subscribed(self) -> bool:
        """Whether there is any subscription."""
        return any(self._names.values())

    def _enter(self, kind: str, names: Iterable[Any], handlers: dict[str, HandlerT]) -> None:
        wanted = [*_flat(names), *handlers]
        for name, handler in handlers.items():
            self._handlers[kind, _key(name)] = handler
        self._names[kind].update(map(_key, wanted))
        self._native.execute(f"{kind}subscribe", *wanted)

    def _leave(self, kind: str, names: Iterable[Any]) -> None:
        given = _flat(names)
        left = {_key(name) for name in given} if given else set(self._names[kind])
        self._names[kind] -= left
        self._native.execute(f"{kind}unsubscribe", *given)

    def _forget(self) -> None:
        for kind, names in self._names.items():
            if names and not self._native.closed:
                self._leave(kind, [])
        self._handlers.clear()

    def _message(self, parts: list[Any], ignore: bool) -> tuple[MessageT | None, HandlerT | None]:
        """The message, unless it is of no interest; and who handles it."""
        kind = _replies.text(parts[0])
        pattern = parts[1] if kind == "pmessage" else None
        message = {"type": kind, "pattern": pattern, "channel": parts[-2], "data": parts[-1]}
        if kind in _TEXTS:
            name = pattern if kind == "pmessage" else parts[-2]
            return message, self._handlers.get((kind[: -len("message")], _key(name)))
        if kind in _LEFT and parts[-2] is not None:
            short = kind[: -len("unsubscribe")]
            if _key(parts[-2]) not in self._names[short]:
                self._handlers.pop((short, _key(parts[-2])), None)
        return (None if ignore or self._ignore else message), None


class PubSub(Subscriber):
    """Subscriptions of a thread; made by :meth:`Store.pubsub`. Messages wait in a bounded queue until they are fetched
    (``client-output-buffer-limit``): who lets too many wait gets an error, once, and has to subscribe anew."""

    def subscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to channels, those given by keyword with a function that is called with their messages."""
        self._enter("", args, kwargs)

    def psubscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to all channels that match patterns."""
        self._enter("p", args, kwargs)

    def ssubscribe(self, *args: Any, **kwargs: HandlerT) -> None:
        """Subscribes to sharded channels."""
        self._enter("s", args, kwargs)

    def unsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to channels, to all of them without an argument."""
        self._leave("", args)

    def punsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to patterns, to all of them without an argument."""
        self._leave("p", args)

    def sunsubscribe(self, *args: Any) -> None:
        """Ends subscriptions to sharded channels, to all of them without an argument."""
        self._leave("s", args)

    def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = 0.0) -> MessageT | None:
        """The next message, waiting so many seconds for one (None: for ever). None when none has come, and when it was
        handled by a function. One that is to be ignored is passed over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (parts := self._native.next_message(timeout)) is not None:
            message, handler = self._message(parts, ignore_subscribe_messages)
            if message is not None and handler is not None:
                handler(message)
                return None
            if message is not None or not self.subscribed:
                return message
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        return None

    def listen(self) -> Iterator[MessageT]:
        """Messages as they come, for as long as there is a subscription."""
        while self.subscribed:
            message = self.get_message(timeout=None)
            if message is not None:
                yield message

    def run_in_thread(
        self,
        sleep_time: float = 1.0,
        daemon: bool = False,
        exception_handler: Callable[[BaseException, PubSub, PubSubThread], Any] | None = None,
    ) -> PubSubThread:
        """A thread that calls the handlers; every subscription must have one. ``stop`` ends it."""
        for kind, names in self._names.items():
            for name in names:
                if (kind, name) not in self._handlers:
                    raise Error(f"{name!r} has no handler")
        thread = PubSubThread(self, sleep_time, daemon, exception_handler)
        thread.start()
        return thread

    def close(self) -> None:
        """Ends all subscriptions."""
        self._forget()

    reset = close

    def __enter__(self) -> PubSub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PubSubThread(threading.Thread):
    """See :meth:`PubSub.run_in_thread`."""

    def __init__(
        self,
        pubsub: PubSub,
        sleep_time: float,
        daemon: bool,
        exception_handler: Callable[[BaseException, PubSub, PubSubThread], Any] | None,
    ) -> None:
        super().__init__(daemon=daemon)
        self._pubsub = pubsub
        self._sleep_time = sleep_time
        self._exception_handler = exception_handler
        self._ended = threading.Event()

    def run(self) -> None:
        """Calls handlers until it is stopped."""
        while not self._ended.is_set():
            try:
                self._pubsub.get_message(ignore_subscribe_messages=True, timeout=self._sleep_time)
            except Exception as error:
                if self._exception_handler is None:
                    raise
                self._exception_handler(error, self._pubsub, self)
        self._pubsub.close()

    def stop(self) -> None:
        """Ends the thread after the message it is at."""
        self._ended.set()


def _flat(names: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for name in names:
        found += name if isinstance(name, (list, tuple, set)) else [name]
    return found


def _key(name: Any) -> bytes:
    return name.encode() if isinstance(name, str) else bytes(name)
