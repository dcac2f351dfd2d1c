"""Scripts and functions."""

from __future__ import annotations

import hashlib
from typing import Any

from . import _replies
from ._arguments import EncodableT, KeyT
from ._base import Base
from .exceptions import NoScriptError


class Script:
    """A script that is sent once and then called by its SHA-1; made by ``register_script``."""

    def __init__(self, registered_client: Any, script: str | bytes) -> None:
        self.registered_client = registered_client
        self.script = script
        self.sha = hashlib.sha1(script.encode() if isinstance(script, str) else script).hexdigest()

    def __call__(
        self,
        keys: list[KeyT] | tuple[KeyT, ...] | None = None,
        args: list[EncodableT] | tuple[EncodableT, ...] | None = None,
        client: Any = None,
    ) -> Any:
        """Runs it. A pipeline runs the text itself: whether it is known can not be found out in the middle of one."""
        client = self.registered_client if client is None else client
        keys, args = tuple(keys or ()), tuple(args or ())
        if not isinstance(client, Scripting) or client.is_pipeline:
            return client.eval(self.script, len(keys), *keys, *args)
        try:
            return client.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            client.script_load(self.script)
            return client.evalsha(self.sha, len(keys), *keys, *args)


class Scripting(Base):
    """Commands that run scripts."""

    is_pipeline = False

    def eval(self, script: str | bytes, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Runs a Lua script with so many keys and the arguments behind them."""
        return self.execute("EVAL", script, numkeys, *keys_and_args)

    def eval_ro(self, script: str | bytes, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Runs a script that does not write."""
        return self.execute("EVAL_RO", script, numkeys, *keys_and_args)

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Runs a script by its SHA-1; ``NoScriptError`` if it is not known."""
        return self.execute("EVALSHA", sha, numkeys, *keys_and_args)

    def evalsha_ro(self, sha: str, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Runs a script that does not write by its SHA-1."""
        return self.execute("EVALSHA_RO", sha, numkeys, *keys_and_args)

    def script_load(self, script: str | bytes) -> str:
        """Makes a script known; its SHA-1."""
        return _replies.text(self.execute("SCRIPT", "LOAD", script))

    def script_exists(self, *args: str) -> list[bool]:
        """Whether scripts are known, by their SHA-1."""
        return [bool(known) for known in self.execute("SCRIPT", "EXISTS", *args)]

    def script_flush(self, sync_type: str | None = None) -> bool:
        """Forgets all scripts."""
        return _replies.is_ok(self.execute("SCRIPT", "FLUSH", *([] if sync_type is None else [sync_type])))

    def script_kill(self) -> bool:
        """Ends the script that runs in another thread, unless it has written."""
        return _replies.is_ok(self.execute("SCRIPT", "KILL"))

    def script_show(self, sha: str) -> Any:
        """The text of a script."""
        return self.execute("SCRIPT", "SHOW", sha)

    def register_script(self, script: str | bytes) -> Script:
        """A script to call like a function: ``add = store.register_script(text); add(keys=["k"], args=[1])``."""
        return Script(self, script)

    def fcall(self, function: str, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Calls a function with so many keys and the arguments behind them."""
        return self.execute("FCALL", function, numkeys, *keys_and_args)

    def fcall_ro(self, function: str, numkeys: int, *keys_and_args: EncodableT) -> Any:
        """Calls a function that does not write."""
        return self.execute("FCALL_RO", function, numkeys, *keys_and_args)

    def function_load(self, code: str | bytes, replace: bool | None = False) -> str:
        """Adds a library of functions, in place of one of the same name with ``replace``; its name."""
        return _replies.text(self.execute("FUNCTION", "LOAD", *(["REPLACE"] if replace else []), code))

    def function_delete(self, library: str) -> bool:
        """Removes a library."""
        return _replies.is_ok(self.execute("FUNCTION", "DELETE", library))

    def function_flush(self, mode: str = "SYNC") -> bool:
        """Removes all libraries."""
        return _replies.is_ok(self.execute("FUNCTION", "FLUSH", mode))

    def function_list(self, library: str | None = "*", withcode: bool | None = False) -> list[Any]:
        """What is known of the libraries of a name or pattern."""
        options = ["WITHCODE"] if withcode else []
        return self.execute("FUNCTION", "LIST", "LIBRARYNAME", library or "*", *options)

    def function_dump(self) -> bytes:
        """All libraries as a payload."""
        return self.execute_bytes("FUNCTION", "DUMP")

    def function_restore(self, payload: bytes, policy: str | None = "APPEND") -> bool:
        """Adds the libraries of a payload: ``FLUSH``, ``APPEND`` or ``REPLACE``."""
        return _replies.is_ok(self.execute("FUNCTION", "RESTORE", payload, *([] if policy is None else [policy])))

    def function_stats(self) -> Any:
        """What runs, and how many functions there are."""
        return self.execute("FUNCTION", "STATS")

    def function_kill(self) -> bool:
        """Ends the function that runs in another thread, unless it has written."""
        return _replies.is_ok(self.execute("FUNCTION", "KILL"))
