import os
import socket

import persistkv
import pytest
from persistkv.exceptions import ConfigError, DataError, RedisError


def ask(path, line, size):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(path)
        connection.sendall(line + b"\r\n")
        got = b""
        while len(got) < size:
            got += connection.recv(size - len(got))
        return got


def test_others_talk_to_the_store_of_this_process(tmp_path):
    path = str(tmp_path / "s")
    with persistkv.open(tmp_path / "data", appendonly=True) as store:
        with store.listen(f"unix:{path}") as listener:
            assert listener.addresses == [f"unix:{path}"]
            assert ask(path, b"SET k wire", 5) == b"+OK\r\n"
            assert store.get("k") == b"wire"
            store.set("k", "inside")
            assert ask(path, b"GET k", 12) == b"$6\r\ninside\r\n"
        with pytest.raises(OSError):
            ask(path, b"PING", 7)
        # A closed store ends its listeners.
        listener = store.listen(f"unix:{path}", threads=1)
        assert ask(path, b"PING", 7) == b"+PONG\r\n"
    with pytest.raises(OSError):
        ask(path, b"PING", 7)
    assert listener.connections == 0


def test_a_monitor_sees_what_is_run():
    with persistkv.open() as store, store.monitor() as monitor:
        store.set("k", "a b")
        seen = monitor.next_command(timeout=30)
        assert seen["command"] == '"SET" "k" "a b"' and seen["db"] == 0 and "in-process" in seen["client_address"]
        assert monitor.next_command(timeout=0.01) is None


def test_where_others_could_come_in_a_password_is_asked_for(tmp_path):
    with persistkv.open() as store:
        with pytest.raises(ConfigError, match="requirepass"):
            store.listen("tcp:0.0.0.0:0")
        with pytest.raises((DataError, RedisError), match="no port"):
            store.listen("nowhere")
        store.config_set("requirepass", "secret")
        path = str(tmp_path / "s")
        with store.listen(f"unix:{path}"):
            assert ask(path, b"GET k", 33).startswith(b"-NOAUTH")
        assert store.get("k") is None


def test_a_forked_child_leaves_the_listener_to_its_parent(tmp_path):
    path = str(tmp_path / "s")
    with persistkv.open() as store, store.listen(f"unix:{path}") as listener:
        store.set("k", "v")
        child = os.fork()
        if child == 0:
            # Whatever the child does with what it has inherited is refused, and harms nobody.
            code = 1
            try:
                listener.stop()
                try:
                    store.get("k")
                except RedisError:
                    code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ask(path, b"GET k", 7) == b"$1\r\nv\r\n"


def test_a_close_ends_connections_that_are_in_the_middle_of_something(tmp_path):
    path = str(tmp_path / "s")
    store = persistkv.open(tmp_path / "data", appendonly=True)
    listener = store.listen(f"unix:{path}")
    connections = []
    for request in [b"BLPOP nothing 0\r\n", b"SUBSCRIBE news\r\n", b"*2\r\n$3\r\nGET\r\n$100\r\nhalf", b"MULTI\r\n"]:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(path)
        connection.sendall(request)
        connections.append(connection)
    while store.execute("INFO", "clients").find(b"blocked_clients:1") < 0:
        pass
    store.close()
    for connection in connections:
        try:
            while connection.recv(1000):
                pass
        except ConnectionResetError:
            pass
        connection.close()
    assert listener.connections == 0
