"""Commands about clients, memory, slow commands and users."""

from __future__ import annotations

from typing import Any

from . import _replies
from ._arguments import EncodableT, KeyT
from ._base import Base


class Admin(Base):
    """Commands that look after the store."""

    def auth(self, password: str, username: str | None = "default") -> bool:
        """Authenticates: there is one user, ``default``, whom any password fits."""
        return _replies.is_ok(self.execute("AUTH", username or "default", password))

    def hello(self, protover: int | None = None, setname: str | None = None) -> dict[Any, Any]:
        """What this is, by name. The shapes of replies are these methods' own, whatever the protocol."""
        options = [] if setname is None else ["SETNAME", setname]
        version = [] if protover is None and setname is None else [protover or 2]
        reply = self.execute("HELLO", *version, *options)
        return reply if isinstance(reply, dict) else _replies.as_dict(reply)

    def reset(self) -> bool:
        """Makes this connection as new: database 0, no name, no transaction, nothing watched."""
        return _replies.text(self.execute("RESET")) == "RESET"

    def client_id(self) -> int:
        """The number of this connection."""
        return self.execute("CLIENT", "ID")

    def quit(self) -> bool:
        """For connections: refused here, where a store is closed."""
        return _replies.is_ok(self.execute("QUIT"))

    def shutdown(
        self, save: bool = False, nosave: bool = False, now: bool = False, force: bool = False, abort: bool = False
    ) -> None:
        """For servers: refused here, where a store is closed."""
        words = {"SAVE": save, "NOSAVE": nosave, "NOW": now, "FORCE": force, "ABORT": abort}
        self.execute("SHUTDOWN", *[word for word, wanted in words.items() if wanted])

    def role(self) -> list[Any]:
        """The part played in replication: a master without replicas."""
        return self.execute("ROLE")

    def replicaof(self, *args: Any) -> bool:
        """``NO``, ``ONE`` is so; there is no replication."""
        return _replies.is_ok(self.execute("REPLICAOF", *args))

    def slaveof(self, host: str | None = None, port: int | None = None) -> bool:
        """Without arguments it is so; there is no replication."""
        words = ["NO", "ONE"] if host is None and port is None else [host or "", port or 0]
        return _replies.is_ok(self.execute("SLAVEOF", *words))

    def wait(self, num_replicas: int, timeout: int) -> int:
        """Waits for replicas, of which there are none: 0 when the time (ms) is over."""
        return self.execute("WAIT", num_replicas, timeout)

    def client_kill(self, address: str) -> bool:
        """Ends the connection of a listener that comes from this address."""
        return _replies.is_ok(self.execute("CLIENT", "KILL", address))

    def client_kill_filter(
        self,
        _id: int | None = None,
        _type: str | None = None,
        addr: str | None = None,
        skipme: bool | None = None,
        laddr: str | None = None,
        user: str | None = None,
        maxage: int | None = None,
    ) -> int:
        """Ends the connections that all the given conditions hold for; how many those are."""
        conditions = {"ID": _id, "TYPE": _type, "ADDR": addr, "LADDR": laddr, "USER": user, "MAXAGE": maxage}
        words: list[Any] = [] if skipme is None else ["SKIPME", "YES" if skipme else "NO"]
        for name, value in conditions.items():
            words += [] if value is None else [name, value]
        return self.execute("CLIENT", "KILL", *words)

    def client_pause(self, timeout: int, all: bool = True) -> bool:
        """Holds all clients, or all that write, for so many milliseconds; this one too."""
        return _replies.is_ok(self.execute("CLIENT", "PAUSE", timeout, "ALL" if all else "WRITE"))

    def client_unpause(self) -> bool:
        """Ends a pause."""
        return _replies.is_ok(self.execute("CLIENT", "UNPAUSE"))

    def client_getname(self) -> Any:
        """The name of this connection, None without one."""
        return self.execute("CLIENT", "GETNAME")

    def client_setname(self, name: str) -> bool:
        """Names this connection."""
        return _replies.is_ok(self.execute("CLIENT", "SETNAME", name))

    def client_setinfo(self, attr: str, value: str) -> bool:
        """Sets ``lib-name`` or ``lib-ver``."""
        return _replies.is_ok(self.execute("CLIENT", "SETINFO", attr, value))

    def client_info(self) -> dict[str, str]:
        """What is known of this connection."""
        return _client(_replies.text(self.execute("CLIENT", "INFO")))

    def client_list(self, _type: str | None = None, client_id: list[EncodableT] | None = None) -> list[dict[str, str]]:
        """What is known of all connections, or of those of a type or with a number."""
        options: list[EncodableT] = [] if _type is None else ["TYPE", _type]
        if client_id:
            options += ["ID", *client_id]
        return [_client(line) for line in _replies.text(self.execute("CLIENT", "LIST", *options)).splitlines()]

    def client_no_evict(self, mode: str) -> bool:
        """``ON`` or ``OFF``; no client is ever evicted."""
        return _replies.is_ok(self.execute("CLIENT", "NO-EVICT", mode))

    def client_no_touch(self, mode: str) -> bool:
        """``ON``: what this connection does no longer counts as use of a key."""
        return _replies.is_ok(self.execute("CLIENT", "NO-TOUCH", mode))

    def memory_usage(self, key: KeyT, samples: int | None = None) -> int | None:
        """Bytes a key and its value take, None for a missing one. Exact: nothing is sampled."""
        return self.execute("MEMORY", "USAGE", key, *([] if samples is None else ["SAMPLES", samples]))

    def memory_stats(self) -> dict[str, Any]:
        """What memory is used for."""
        found = _named(self.execute("MEMORY", "STATS"))

        def shaped(value: Any) -> Any:
            return _named(value) if isinstance(value, (dict, list)) else _number(value)

        return {name: shaped(value) for name, value in found.items()}

    def memory_doctor(self) -> str:
        """A report in words."""
        return _replies.text(self.execute("MEMORY", "DOCTOR"))

    def memory_malloc_stats(self) -> str:
        """The allocator's own figures."""
        return _replies.text(self.execute("MEMORY", "MALLOC-STATS"))

    def memory_purge(self) -> bool:
        """Asks the allocator to give back what it holds in reserve."""
        return _replies.is_ok(self.execute("MEMORY", "PURGE"))

    def slowlog_get(self, num: int | None = None) -> list[dict[str, Any]]:
        """The newest slow commands."""
        entries = self.execute_bytes("SLOWLOG", "GET", *([] if num is None else [num]))
        return [
            {
                "id": entry[0],
                "start_time": entry[1],
                "duration": entry[2],
                "command": b" ".join(entry[3]),
                "client_address": entry[4],
                "client_name": entry[5],
            }
            for entry in entries
        ]

    def slowlog_len(self) -> int:
        """How many slow commands are kept."""
        return self.execute("SLOWLOG", "LEN")

    def waitaof(self, num_local: int, num_replicas: int, timeout: int) -> list[int]:
        """Makes the log durable now if `num_local` is 1; how many logs here and at replicas (there are none) are."""
        return self.execute("WAITAOF", num_local, num_replicas, timeout)

    def slowlog_reset(self) -> bool:
        """Clears the slow log."""
        return _replies.is_ok(self.execute("SLOWLOG", "RESET"))

    def latency_latest(self) -> list[Any]:
        """The latest spike of each event: name, time, milliseconds, the most ever."""
        return self.execute("LATENCY", "LATEST")

    def latency_history(self, event: str) -> list[Any]:
        """The spikes of an event: time and milliseconds."""
        return self.execute("LATENCY", "HISTORY", event)

    def latency_reset(self, *events: str) -> int:
        """Forgets the spikes of events (of all without one); of how many."""
        return self.execute("LATENCY", "RESET", *events)

    def latency_doctor(self) -> str:
        """A report in words."""
        return _replies.text(self.execute("LATENCY", "DOCTOR"))

    def latency_graph(self, event: str) -> str:
        """The spikes of an event as a graph."""
        return _replies.text(self.execute("LATENCY", "GRAPH", event))

    def latency_histogram(self, *commands: str) -> Any:
        """The distribution of commands' times, if ``latency-tracking`` is on."""
        return self.execute("LATENCY", "HISTOGRAM", *commands)

    def acl_whoami(self) -> str:
        """The name of the one user."""
        return _replies.text(self.execute("ACL", "WHOAMI"))

    def acl_users(self) -> list[str]:
        """The names of the users."""
        return [_replies.text(name) for name in self.execute("ACL", "USERS")]

    def acl_list(self) -> list[str]:
        """The users and what they may do."""
        return [_replies.text(line) for line in self.execute("ACL", "LIST")]

    def acl_getuser(self, username: str) -> dict[str, Any] | None:
        """What a user may do, None if there is no such user."""
        reply = self.execute("ACL", "GETUSER", username)
        return None if reply is None else _named(reply)

    def acl_cat(self, category: str | None = None) -> list[str]:
        """The categories of commands, or the commands of one."""
        names = self.execute("ACL", "CAT", *([] if category is None else [category]))
        return [_replies.text(name) for name in names]

    def acl_genpass(self, bits: int | None = None) -> str:
        """A random password."""
        return _replies.text(self.execute("ACL", "GENPASS", *([] if bits is None else [bits])))

    def acl_dryrun(self, username: str, *args: EncodableT) -> Any:
        """Whether a user may run a command."""
        return self.execute("ACL", "DRYRUN", username, *args)

    def acl_deluser(self, *username: str) -> int:
        """Deletes users; how many. The one there is can not be deleted."""
        return self.execute("ACL", "DELUSER", *username)

    def acl_log(self, count: int | None = None) -> list[Any]:
        """What was refused to users: nothing ever is."""
        return self.execute("ACL", "LOG", *([] if count is None else [count]))

    def acl_log_reset(self) -> bool:
        """Forgets what was refused."""
        return _replies.is_ok(self.execute("ACL", "LOG", "RESET"))

    def config_rewrite(self) -> bool:
        """Writes the configuration file anew with what is in force."""
        return _replies.is_ok(self.execute("CONFIG", "REWRITE"))


def _client(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in line.split(" ") if "=" in part)


def _named(reply: Any) -> dict[str, Any]:
    found = reply if isinstance(reply, dict) else _replies.as_dict(reply)
    return {_replies.text(name): value for name, value in found.items()}


def _number(value: Any) -> Any:
    return float(_replies.text(value)) if isinstance(value, (bytes, str)) else value
