// node-redis against a running server: node node_redis.mjs SOCKET
import assert from "node:assert/strict";

import { createClient } from "redis";

const path = process.argv[2];

for (const RESP of [2, 3]) {
  const client = createClient({ socket: { path }, RESP });
  client.on("error", (error) => {
    throw error;
  });
  await client.connect();
  const names = await client.sendCommand(["COMMAND", "LIST"]);
  await client.flushAll();
  assert.equal(await client.set("s", "täxt", { EX: 100 }), "OK");
  assert.equal(await client.get("s"), "täxt");
  assert.equal(await client.incrBy("n", 5), 5);
  assert.equal(await client.rPush("l", ["1", "2", "3"]), 3);
  assert.deepEqual(await client.lRange("l", 0, -1), ["1", "2", "3"]);
  assert.equal(await client.hSet("h", { a: 1, b: 2 }), 2);
  assert.deepEqual({ ...(await client.hGetAll("h")) }, { a: "1", b: "2" });
  assert.equal(await client.zAdd("z", [{ score: 1.5, value: "a" }]), 1);
  assert.equal(await client.zScore("z", "a"), 1.5);
  assert.deepEqual(await client.sAdd("set", ["a", "b"]), 2);
  const id = await client.xAdd("x", "*", { f: "v" });
  assert.equal((await client.xRange("x", "-", "+"))[0].id, id);
  await assert.rejects(client.lPush("s", "1"), /WRONGTYPE/);
  const many = await Promise.all(Array.from({ length: 5000 }, (_, n) => client.set(`p:${n}`, `${n}`)));
  assert.ok(many.every((reply) => reply === "OK"));
  assert.deepEqual(await client.multi().incr("n").get("n").exec(), [6, "6"]);
  let found = 0;
  for await (const keys of client.scanIterator({ MATCH: "p:*", COUNT: 500 })) found += keys.length;
  assert.ok(found >= 5000);
  const waits = client.duplicate();
  await waits.connect();
  const served = waits.blPop("queue", 30);
  while (!(await client.info("clients")).includes("blocked_clients:1")) await new Promise(setImmediate);
  await client.rPush("queue", "job");
  assert.equal((await served).element, "job");
  waits.destroy();
  if (names.includes("evalsha")) {
    assert.equal(await client.eval("return redis.call('INCR', KEYS[1])", { keys: ["n"] }), 7);
  } else {
    console.log("LEFT OUT: scripts");
  }
  if (names.includes("subscribe")) {
    const sub = client.duplicate();
    await sub.connect();
    const message = new Promise((resolve) => sub.subscribe("news", (text) => resolve(text)).then(() => client.publish("news", "hello")));
    assert.equal(await message, "hello");
    await sub.close();
  } else {
    console.log("LEFT OUT: messages");
  }
  await client.close();
}
console.log("node-redis: passed");
