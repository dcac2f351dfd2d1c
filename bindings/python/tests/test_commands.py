"""Every command as a method, with the arguments and the replies that redis-py's users know."""

from __future__ import annotations

import datetime

import persistkv
import pytest
from persistkv import DataPersistOptions, HashDataPersistOptions
from persistkv.exceptions import DataError, ResponseError, WrongTypeError


def test_bytes_by_default(raw):
    assert raw.set("k", "é") is True
    assert raw.get("k") == "é".encode()
    raw.set(b"\x00\xff", bytearray(b"b"))
    assert raw.get(memoryview(b"\x00\xff")) == b"b"
    raw.set("number", 5)
    raw.set("float", 1.5)
    assert raw.mget("number", "float", "missing") == [b"5", b"1.5", None]


def test_set_options(store):
    assert store.set("k", "1", nx=True) is True
    assert store.set("k", "2", nx=True) is None
    assert store.set("k", "2", xx=True, get=True) == "1"
    assert store.set("k", "3", ex=datetime.timedelta(seconds=100)) is True
    assert 98 < store.ttl("k") <= 100
    assert store.set("k", "4", keepttl=True) and store.ttl("k") > 0
    assert store.persist("k") is True and store.ttl("k") == -1
    when = datetime.datetime.now() + datetime.timedelta(hours=1)
    assert store.set("k", "5", exat=when) and store.expiretime("k") == int(when.timestamp())
    with pytest.raises(DataError):
        store.set("k", "1", ex=1, px=1)
    with pytest.raises(DataError):
        store.set("k", "1", nx=True, xx=True)


def test_strings(store):
    assert store.incr("n") == 1 and store.incr("n", 9) == 10 and store.decr("n", 3) == 7
    assert store.incrbyfloat("n", 0.5) == 7.5
    assert store.append("s", "Hello") == 5 and store.append("s", " World") == 11
    assert store.getrange("s", 0, 4) == "Hello" and store.substr("s", -5) == "World"
    assert store.setrange("s", 6, "Redis") == 11 and store.get("s") == "Hello Redis"
    assert store.strlen("s") == 11
    assert store.mset({"a": 1, "b": 2}) is True and store.msetnx({"b": 1, "c": 1}) is False
    assert store.mget(["a", "b"]) == ["1", "2"]
    assert store.getset("a", "x") == "1" and store.getdel("a") == "x" and store.get("a") is None
    assert store.setex("e", 10, "v") and store.psetex("p", 10_000, "v") and store.setnx("e", "w") is False
    assert store.getex("e", persist=True) == "v" and store.ttl("e") == -1
    store.mset({"x": "ohmytext", "y": "mynewtext"})
    assert store.lcs("x", "y") == "mytext" and store.lcs("x", "y", len=True) == 6


def test_bitmaps(store):
    assert store.setbit("k", 7, True) == 0 and store.getbit("k", 7) == 1 and store.setbit("k", 11, 1) == 0
    assert store.bitcount("k") == 2 and store.bitcount("k", 8, -1, "BIT") == 1
    assert store.bitpos("k", 1) == 7 and store.bitpos("k", 1, 1) == 11 and store.bitpos("k", 1, 8, 10, "BIT") == -1
    store.set("l", b"\xf0")
    assert store.bitop("AND", "d", "k", "l") == 2 and store.bitcount("d") == 0
    assert store.bitop("diff", "d", "k", "l") == 2
    fields = store.bitfield("f", default_overflow="FAIL").set("u8", "#0", 255).incrby("u8", 0, 1)
    assert fields.command == ["BITFIELD", "f", "OVERFLOW", "FAIL", "SET", "u8", "#0", 255, "INCRBY", "u8", 0, 1]
    assert fields.execute() == [0, None] and fields.get("i4", 4).execute() == [-1]
    assert store.bitfield("f").incrby("u8", 0, 10, overflow="SAT").incrby("u8", 0, 1, "wrap").execute() == [255, 0]
    assert store.bitfield_ro("f", "u4", 0, [("u8", 0)]) == [0, 0]
    with store.pipeline() as pipe:
        pipe.bitfield("f").set("u8", 0, 9).execute()
        assert pipe.getbit("f", 7).execute() == [[0], 1]
    with pytest.raises(DataError):
        store.bitcount("k", 1)
    with pytest.raises(DataError):
        store.bitpos("k", 2)


def test_hyperloglogs(store):
    assert store.pfadd("h", "a", "b", 1) == 1 and store.pfadd("h", "a") == 0 and store.pfcount("h") == 3
    assert store.pfadd("i", "b", "c") == 1 and store.pfcount("h", "i") == 4
    assert store.pfmerge("d", "h", "i") is True and store.pfcount("d") == 4
    assert store.pfdebug("ENCODING", "d") == "sparse" and store.pfselftest() is True
    store.set("s", "no HyperLogLog")
    with pytest.raises(WrongTypeError, match="not a valid HyperLogLog"):
        store.pfcount("s")


def test_geo(store):
    places = [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]
    assert store.geoadd("g", places) == 2 and store.geoadd("g", [13.6, 37.3, "Palermo"], xx=True, ch=True) == 1
    assert store.geoadd("g", places, ch=True) == 1
    assert store.geodist("g", "Palermo", "Catania", "km") == 166.2742 and store.geodist("g", "Palermo", "x") is None
    assert store.geohash("g", "Palermo", "x") == ["sqc8b49rny0", None]
    assert store.geopos("g", "Palermo", "x") == [(13.361389338970184, 38.1155563954963), None]
    assert store.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]
    found = store.geosearch("g", member="Palermo", width=1, height=1, withdist=True, withcoord=True, withhash=True)
    assert found == [["Palermo", 0.0, 3479099956230698, (13.361389338970184, 38.1155563954963)]]
    assert store.geosearch("g", polygon=[(13, 38), (14, 38), (13.5, 39)]) == ["Palermo"]
    assert store.geosearchstore("d", "g", member="Palermo", radius=1, storedist=True) == 1
    assert store.zrange("d", 0, -1, withscores=True) == [("Palermo", 0.0)]
    assert store.georadius("g", 15, 37, 100, "km", withdist=True) == [["Catania", 56.4413]]
    assert store.georadius("g", 15, 37, 100, "km", store="d") == 1 and store.zrange("d", 0, -1) == ["Catania"]
    assert store.georadiusbymember("g", "Palermo", 1, count=1, any=True) == ["Palermo"]
    assert store.georadius_ro("g", 15, 37, 1) == [] and store.georadiusbymember_ro("g", "Catania", 1) == ["Catania"]
    for wrong in ({}, {"member": "a"}, {"member": "a", "longitude": 1, "latitude": 1, "radius": 1}):
        with pytest.raises(DataError):
            store.geosearch("g", **wrong)
    with pytest.raises(DataError):
        store.geoadd("g", [1, 2])


def test_keys(store):
    store.mset({"a": 1, "b": 2, "other": 3})
    assert store.exists("a", "b", "nope") == 2 and store.touch("a", "nope") == 1
    assert sorted(store.keys("?")) == ["a", "b"] and store.dbsize() == 3
    assert sorted(store.scan_iter(match="[ab]")) == ["a", "b"]
    assert store.type("a") == "string" and store.type("nope") == "none"
    assert store.rename("a", "z") and store.renamenx("z", "b") is False
    with pytest.raises(ResponseError, match="no such key"):
        store.rename("nope", "x")
    assert store.copy("b", "copy") and store.copy("b", "copy") is False
    assert store.expire("b", 100) and store.expire("b", 50, gt=True) is False and store.pttl("b") > 0
    assert store.object("encoding", "b") == "int"
    payload = store.dump("b")
    assert isinstance(payload, bytes) and store.restore("again", 0, payload) and store.get("again") == "2"
    assert store.move("copy", 3) and store.connection(3).get("copy") == "2"
    assert store.delete("b", "z", "nope") == 2 and store.unlink("other") == 1
    assert store.randomkey() == "again"
    assert store.swapdb(0, 3) and store.get("copy") == "2"
    assert store.flushdb() and store.dbsize() == 0 and store.flushall()


def test_hashes(store):
    assert store.hset("h", "f", 1) == 1 and store.hset("h", mapping={"g": 2, "x": "y"}) == 2
    assert store.hget("h", "f") == "1" and store.hmget("h", "f", "nope") == ["1", None]
    assert store.hgetall("h") == {"f": "1", "g": "2", "x": "y"}
    assert store.hincrby("h", "f", 4) == 5 and store.hincrbyfloat("h", "f", 0.5) == 5.5
    assert store.hexists("h", "f") and store.hlen("h") == 3 and store.hstrlen("h", "x") == 1
    assert sorted(store.hkeys("h")) == ["f", "g", "x"] and "2" in store.hvals("h")
    assert store.hsetnx("h", "f", 1) == 0 and store.hdel("h", "f", "nope") == 1
    assert dict(store.hscan_iter("h")) == {"g": "2", "x": "y"} and store.hrandfield("h") in ("g", "x")
    assert store.hmset("h", {"z": 1}) is True
    with pytest.raises(DataError):
        store.hset("h")


def test_lists(store):
    assert store.rpush("l", "a", "b", "c") == 3 and store.lpush("l", "z") == 4
    assert store.lrange("l", 0, -1) == ["z", "a", "b", "c"] and store.llen("l") == 4
    assert store.lindex("l", 1) == "a" and store.lset("l", 1, "A") and store.lpos("l", "b") == 2
    assert store.linsert("l", "BEFORE", "b", "x") == 5 and store.lrem("l", 0, "x") == 1
    assert store.lpop("l") == "z" and store.rpop("l", 2) == ["c", "b"] and store.lpop("nope") is None
    assert store.lpushx("nope", 1) == 0 and store.rpushx("l", "y") == 2
    assert store.lmove("l", "m") == "A" and store.rpoplpush("l", "m") == "y"
    assert store.lmpop(2, "nope", "m", direction="LEFT", count=5) == ["m", ["y", "A"]]
    store.rpush("t", *range(10))
    assert store.ltrim("t", 1, 2) and store.lrange("t", 0, -1) == ["1", "2"]


def test_sets(store):
    assert store.sadd("s", "a", "b", "c") == 3 and store.srem("s", "c", "d") == 1
    assert store.smembers("s") == {"a", "b"} and store.sismember("s", "a") == 1
    assert store.smismember("s", "a", "z") == [1, 0] and store.scard("s") == 2
    store.sadd("t", "b", "x")
    assert store.sinter("s", "t") == {"b"} and store.sunion(["s", "t"]) == {"a", "b", "x"}
    assert store.sdiff("s", "t") == {"a"} and store.sintercard(2, ["s", "t"]) == 1
    assert store.sinterstore("d", "s", "t") == 1 and store.sunionstore("d", "s", "t") == 3
    assert store.sdiffstore("d", "s", "t") == 1 and store.smove("s", "d", "b") is True
    assert set(store.sscan_iter("t")) == {"b", "x"} and store.srandmember("t") in ("b", "x")
    assert store.spop("s") == "a" and store.spop("s") is None


def test_sorted_sets(store):
    assert store.zadd("z", {"a": 1, "b": 2.5, "c": 3}) == 3 and store.zadd("z", {"a": 2}, incr=True) == 3.0
    assert store.zrange("z", 0, -1, withscores=True) == [("b", 2.5), ("a", 3.0), ("c", 3.0)]
    assert store.zrange("z", 3, "+inf", byscore=True) == ["a", "c"] and store.zrevrange("z", 0, 0) == ["c"]
    assert store.zscore("z", "b") == 2.5 and store.zmscore("z", ["b", "nope"]) == [2.5, None]
    assert store.zrank("z", "c") == 2 and store.zrevrank("z", "c", withscore=True) == [0, 3.0]
    assert store.zcount("z", 3, 3) == 2 and store.zincrby("z", 1, "c") == 4.0 and store.zcard("z") == 3
    assert store.zrangebyscore("z", "-inf", "(4", start=0, num=1) == ["b"]
    assert store.zunion({"z": 2}, withscores=True)[0] == ("b", 5.0)
    assert store.zinterstore("d", ["z", "z"]) == 3 and store.zdiff(["z", "d"]) == []
    assert store.zpopmin("z") == [("b", 2.5)] and store.zpopmax("z", 5) == [("c", 4.0), ("a", 3.0)]
    assert store.zmpop(1, ["d"], min=True) == ["d", [("b", 5.0)]] and dict(store.zscan_iter("d")) == {
        "a": 6.0,
        "c": 8.0,
    }
    assert store.zrem("d", "a") == 1 and store.zremrangebyrank("d", 0, -1) == 1
    with pytest.raises(DataError):
        store.zadd("z", {})


def test_server(store):
    assert store.ping() is True and store.ping("hi") == "hi" and store.echo("x") == "x"
    assert store.config_get("append*")["appendonly"] == "yes"
    assert store.config_set("appendfsync", "always") and store.config_get("appendfsync") == {"appendfsync": "always"}
    assert store.info("persistence")["aof_enabled"] == 1
    assert 100 < store.command_count() <= len(store.command_list())
    assert store.command_getkeys("MSET", "a", 1, "b", 2) == ["a", "b"]
    assert abs(store.time()[0] - datetime.datetime.now().timestamp()) < 5
    assert store.save() is True and store.bgsave() is True and store.lastsave()
    with pytest.raises(ResponseError):
        store.config_set("databases", 3)


def test_conditions_of_valkey(store):
    store.set("k", "a")
    assert store.set("k", "b", ifeq="x") is None and store.set("k", "b", ifeq="a", ex=100) is True
    assert store.ttl("k") > 0 and store.set("k", "c", ifeq="b", get=True) == "b"
    assert store.delifeq("k", "b") == 0 and store.delifeq("k", "c") == 1 and not store.exists("k")
    assert store.msetex({"a": 1, "b": 2}, ex=100) == 1 and store.ttl("b") > 0
    assert store.msetex({"a": 1, "z": 2}, DataPersistOptions.NX) == 0
    assert store.msetex({"a": 3}, data_persist_option=DataPersistOptions.XX, keepttl=True) == 1
    assert store.get("a") == "3" and store.ttl("a") > 0
    with pytest.raises(DataError):
        store.set("k", "a", nx=True, ifeq="b")


def test_sort(store):
    store.rpush("l", 3, 1, 2)
    store.mset({"w1": 30, "w2": 20, "w3": 10})
    store.hset("h1", "f", "one")
    assert store.sort("l") == ["1", "2", "3"] and store.sort("l", start=1, num=1, desc=True) == ["2"]
    assert store.sort("l", by="w*", get=["#", "h*->f"], groups=True) == [("3", None), ("2", None), ("1", "one")]
    assert store.sort("l", alpha=True, store="to") == 3 and store.lrange("to", 0, -1) == ["1", "2", "3"]
    assert store.sort_ro("l", by="nosort", get="#") == ["3", "1", "2"]
    for wrong in ({"start": 1}, {"get": "#", "groups": True}):
        with pytest.raises(DataError):
            store.sort("l", **wrong)


def test_field_expiry(store):
    store.hset("h", mapping={"a": "1", "b": "2", "c": "3"})
    assert store.hexpire("h", datetime.timedelta(minutes=10), "a", "z") == [1, -2]
    assert store.hpexpire("h", 500_000, "a", "b", nx=True) == [0, 1]
    when = datetime.datetime.now() + datetime.timedelta(hours=1)
    assert store.hexpireat("h", when, "a", gt=True) == [1]
    assert store.hexpiretime("h", "a", "c", "z") == [int(when.timestamp()), -1, -2]
    assert store.hpexpireat("h", 4_102_444_800_000, "b") == [1]
    assert store.hpexpiretime("h", "b") == [4_102_444_800_000]
    assert 3590 < store.httl("h", "a")[0] <= 3600 and 3_590_000 < store.hpttl("h", "a")[0] <= 3_600_000
    assert store.hpersist("h", "a", "c") == [1, -1]
    assert store.hgetex("h", "a", "z", ex=100) == ["1", None] and store.httl("h", "a")[0] <= 100
    assert store.hgetex("h", "a", persist=True) == ["1"] and store.httl("h", "a") == [-1]
    assert store.hsetex("h", "a", "9", ex=100, data_persist_option=HashDataPersistOptions.FXX) == 1
    assert store.hsetex("h", mapping={"a": "8"}, keepttl=True) == 1 and store.httl("h", "a")[0] > 0
    assert store.hsetex("h", items=["new", "1", "a", "2"], data_persist_option=HashDataPersistOptions.FNX) == 0
    assert store.hgetdel("h", "a", "b", "z") == ["8", "2", None] and store.hgetall("h") == {"c": "3"}
    assert store.hexpire("h", 0, "c") == [2] and not store.exists("h")
    for wrong in (lambda: store.hgetdel("h"), lambda: store.hgetex("h"), lambda: store.hsetex("h", items=["a"])):
        with pytest.raises(DataError):
            wrong()


def test_every_command_has_a_method(store):
    """A command in the table without a method fails here."""
    other_names = {
        "del": "delete", "config": "config_get", "command": "command_count", "debug": "debug_digest",
        "discard": "pipeline", "exec": "pipeline", "multi": "pipeline", "unwatch": "pipeline", "watch": "pipeline",
        "acl": "acl_whoami", "client": "client_id", "latency": "latency_latest", "memory": "memory_usage",
        "psubscribe": "pubsub", "punsubscribe": "pubsub", "ssubscribe": "pubsub", "subscribe": "pubsub",
        "sunsubscribe": "pubsub", "unsubscribe": "pubsub",
        "slowlog": "slowlog_get", "script": "script_load", "function": "function_list",
        "xgroup": "xgroup_create", "xinfo": "xinfo_stream",
    }  # fmt: skip
    missing = [
        name
        for name in store.command_list()
        if "|" not in name and not hasattr(store, other_names.get(name.lower(), name.lower()))
    ]
    assert missing == []


def test_scripts_and_functions(store):
    assert store.eval("return {KEYS[1], ARGV[1], 7, false}", 1, "k", "a") == ["k", "a", 7, None]
    add = store.register_script("return redis.call('incrby', KEYS[1], ARGV[1])")
    assert add(keys=["n"], args=[5]) == 5 and add(keys=["n"], args=[2], client=store) == 7
    assert store.script_exists(add.sha, "x" * 40) == [True, False] and "incrby" in store.script_show(add.sha)
    assert store.script_flush() and store.script_exists(add.sha) == [False]
    with pytest.raises(persistkv.exceptions.NoScriptError):
        store.evalsha(add.sha, 1, "n", 1)
    with pytest.raises(ResponseError, match=r"user_script:1: boom script: [0-9a-f]{40}, on @user_script:1"):
        store.eval("error('boom')", 0)
    with pytest.raises(ResponseError, match="Write commands are not allowed from read-only scripts"):
        store.eval_ro("return redis.call('set', KEYS[1], 1)", 1, "n")
    assert store.evalsha_ro(store.script_load("return redis.call('get', KEYS[1])"), 1, "n") == "7"
    pipe = store.pipeline()
    add(keys=["n"], args=[1], client=pipe)
    pipe.eval("return redis.call('get', KEYS[1])", 1, "n")
    assert pipe.execute() == [8, "8"]
    code = "#!lua name=mine\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)"
    assert store.function_load(code) == "mine" and store.function_load(code, replace=True) == "mine"
    assert store.fcall("twice", 0, 21) == 42 and "mine" in str(store.function_list(withcode=True))
    dump = store.function_dump()
    assert store.function_delete("mine") and store.function_restore(dump) and store.fcall("twice", 0, 4) == 8
    assert store.function_stats() and store.function_flush()
    for kill in (store.script_kill, store.function_kill):
        with pytest.raises(ResponseError, match="NOTBUSY"):
            kill()


def test_looking_after_the_store(store):
    assert store.client_id() > 0 and store.client_setname("me") and store.client_getname() == "me"
    assert store.client_setinfo("LIB-NAME", "mine") and store.client_info()["lib-name"] == "mine"
    assert [client["name"] for client in store.client_list()].count("me") == 1
    assert store.client_no_touch("ON") and store.client_no_evict("ON") and store.reset()
    assert store.client_getname() is None and store.auth("anything") and store.hello()["proto"] == 2
    store.set("k", "v" * 1000)
    assert store.memory_usage("k") > 1000 and store.memory_usage("nope") is None
    stats = store.memory_stats()
    assert stats["keys.count"] == 1 and stats["db.0"]["overhead.hashtable.main"] > 0
    assert store.memory_doctor() and store.memory_malloc_stats() and store.memory_purge()
    assert store.config_set("slowlog-log-slower-than", 0) and store.get("k")
    assert store.slowlog_get(10)[0]["command"] == b"GET k" and store.slowlog_len() > 0 and store.slowlog_reset()
    assert store.latency_latest() == [] and store.latency_history("command") == [] and store.latency_reset() == 0
    assert "latency" in store.latency_doctor().lower() and store.latency_histogram() == []
    with pytest.raises(ResponseError, match="No samples"):
        store.latency_graph("command")
    assert store.acl_whoami() == "default" and store.acl_users() == ["default"] and "nopass" in store.acl_list()[0]
    assert store.acl_getuser("nobody") is None and store.acl_getuser("default")["commands"] == "+@all"
    assert "hash" in store.acl_cat() and "hset" in store.acl_cat("hash") and len(store.acl_genpass()) == 64
    assert store.acl_dryrun("default", "GET", "k") == "OK" and store.acl_deluser("nobody") == 0
    assert store.acl_log() == [] and store.acl_log_reset()
    with pytest.raises(ResponseError, match="without a config file"):
        store.config_rewrite()
    assert store.role() == ["master", 0, []] and store.replicaof("NO", "ONE") and store.slaveof()
    assert store.wait(0, 0) == 0 and store.wait(1, 5) == 0
    assert store.client_kill_filter(_id=store.client_id(), skipme=False) == 0 and store.client_unpause()
    assert store.client_pause(1) and store.client_pause(1, all=False)
    for end in (store.quit, store.shutdown, lambda: store.client_kill("127.0.0.1:1"), lambda: store.slaveof("host", 1)):
        with pytest.raises(ResponseError):
            end()


def test_wrong_types_and_arguments(store):
    store.rpush("l", "a")
    with pytest.raises(WrongTypeError, match="WRONGTYPE Operation against a key"):
        store.get("l")
    with pytest.raises(ResponseError, match="value is not an integer or out of range"):
        store.set("k", "x") and store.incr("k")
    with pytest.raises(ResponseError, match="unknown command 'NOPE'"):
        store.execute("NOPE")
    for bad in (None, True, {}, object(), [1]):
        with pytest.raises(DataError, match="Invalid input of type"):
            store.set("k", bad)
    with pytest.raises(ResponseError):
        store.execute()
    assert issubclass(persistkv.ResponseError, persistkv.RedisError)
    assert store.set("surrogate", "ok")
    with pytest.raises(UnicodeEncodeError):
        store.set("k", "\udc80")
    store.set("k", b"\xff")
    with pytest.raises(UnicodeDecodeError):
        store.get("k")
