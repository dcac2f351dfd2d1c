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
