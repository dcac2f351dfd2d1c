"""Pipelines and transactions, with redis-py's habits.

A queued method is called twice: once to learn the command it sends, and once more with the command's reply, so that
the results are exactly those of the same call on the store.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from . import _persistkv
from ._arguments import KeyT
from ._base import Base
from ._bitmaps import BitFieldOperation
from ._commands import Commands
from .exceptions import DataError, Error, WatchError


class _Sent(Exception):
    """The command a queued method sends."""

    def __init__(self, args: tuple[Any, ...], as_bytes: bool) -> None:
        super().__init__()
        self.args_sent = args
        self.as_bytes = as_bytes


class _Asking:
    """In place of the store: tells what would be sent to it."""

    def execute(self, *args: Any) -> Any:
        raise _Sent(args, False)

    def execute_bytes(self, *args: Any) -> Any:
        raise _Sent(args, True)


class _Answering:
    """In place of the store: gives the reply that has come."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    def execute(self, *_: Any) -> Any:
        return self._reply

    execute_bytes = execute


class _Call:
    """A method that was called on a pipeline, and the command it sends."""

    def __init__(self, method: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._method = method
        self._args = args
        self._options = options
        try:
            self._with(_Asking())
        except _Sent as sent:
            self.command = sent.args_sent
            self.as_bytes = sent.as_bytes
        else:
            raise DataError(f"{method.__name__} can not be queued: it sends no command, or more than one")

    def _with(self, native: Any) -> Any:
        stand_in = Commands()
        stand_in._native = native
        return self._method(stand_in, *self._args, **self._options)

    def result(self, reply: Any) -> Any:
        """What the method makes of the reply."""
        return reply if isinstance(reply, Exception) else self._with(_Answering(reply))

    def __str__(self) -> str:
        return " ".join(
            part.decode(errors="replace") if isinstance(part, bytes) else str(part) for part in self.command
        )


class Pipeline(Commands):
    """Commands that are gathered, and run by :meth:`execute`; made by :meth:`Store.pipeline`.

    With ``transaction`` they run as one: nobody sees some of them done and others not, and after a crash all of them
    are there or none. After :meth:`watch` commands run at once until :meth:`multi`; :meth:`execute` then does nothing,
    and raises :class:`WatchError`, if somebody else changed a watched key.
    """

    is_pipeline = True

    def __init__(self, native: _persistkv.Store, transaction: bool) -> None:
        self._native = native
        self._transaction = transaction
        self._calls: list[_Call] = []
        self._watching = False
        self._explicit = False

    def __len__(self) -> int:
        return len(self._calls)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reset()

    def watch(self, *names: KeyT) -> bool:
        """Watches keys; until :meth:`multi` commands run at once."""
        if self._explicit:
            raise Error("Cannot issue a WATCH after a MULTI")
        self._native.execute("WATCH", *names)
        self._watching = True
        return True

    def unwatch(self) -> bool:
        """Forgets the watched keys."""
        self._native.execute("UNWATCH")
        self._watching = False
        return True

    def multi(self) -> None:
        """Ends the running at once that :meth:`watch` began: from now on commands are queued."""
        if self._explicit:
            raise Error("Cannot issue nested calls to MULTI")
        if self._calls:
            raise Error("Commands without an initial WATCH have already been issued")
        self._explicit = True

    def reset(self) -> None:
        """Forgets what is queued and what is watched."""
        self._calls = []
        if self._watching:
            self.unwatch()
        self._explicit = False

    def discard(self) -> None:
        """As :meth:`reset`."""
        self.reset()

    def execute(self, *args: Any, raise_on_error: bool = True) -> Any:
        """Runs what is queued and returns the results in order. With arguments: queues a command by its name."""
        if args:
            return self.execute_command(*args)
        calls, watched = self._calls, self._watching
        try:
            if not calls and not watched:
                return []
            in_one = self._transaction or self._explicit or watched
            replies = self._run_as_one(calls) if in_one else [self._run(call) for call in calls]
        finally:
            self.reset()
        results = [call.result(reply) for call, reply in zip(calls, replies)]
        if raise_on_error:
            for number, (call, result) in enumerate(zip(calls, results), 1):
                if isinstance(result, Exception):
                    raise type(result)(f"Command # {number} ({call}) of pipeline caused error: {result}")
        return results

    def execute_command(self, *args: Any) -> Any:
        """A command by its name and arguments."""
        return self._take(Base.execute, args, {})

    def bitfield(self, key: KeyT, default_overflow: str | None = None) -> BitFieldOperation:
        """As on the store; the builder's ``execute`` queues the command."""
        return BitFieldOperation(self, key, default_overflow)

    def _run(self, call: _Call) -> Any:
        native = self._native.execute_bytes if call.as_bytes else self._native.execute
        try:
            return native(*call.command)
        except Error as error:
            return error

    def _run_as_one(self, calls: list[_Call]) -> list[Any]:
        self._native.execute("MULTI")
        try:
            for number, call in enumerate(calls, 1):
                try:
                    self._native.execute(*call.command)
                except Error as error:
                    text = f"Command # {number} ({call}) of pipeline caused error: {error}"
                    raise type(error)(text) from None
        except BaseException:
            self._native.execute("DISCARD")
            self._watching = False
            raise
        # EXEC ends the watch, whatever it answers.
        self._watching = False
        replies = self._native.execute_exec([call.as_bytes for call in calls])
        if replies is None:
            raise WatchError("Watched variable changed.")
        return replies

    def _take(self, method: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self._watching and not self._explicit:
            stand_in = Commands()
            stand_in._native = self._native
            return method(stand_in, *args, **options)
        self._calls.append(_Call(method, args, options))
        return self


def _queued(method: Callable[..., Any]) -> Callable[..., Any]:
    def queue(self: Pipeline, *args: Any, **options: Any) -> Any:
        return self._take(method, args, options)

    queue.__name__ = method.__name__
    queue.__doc__ = method.__doc__
    return queue


for _family in Commands.__mro__:
    for _name, _method in vars(_family).items():
        if callable(_method) and not _name.startswith("_") and _name not in vars(Pipeline):
            setattr(Pipeline, _name, _queued(_method))
