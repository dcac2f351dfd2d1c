// ioredis against a running server: node ioredis.mjs SOCKET
import assert from "node:assert/strict";

import { Redis } from "ioredis";

const path = process.argv[2];
const redis = new Redis({ path });
const has = async (name) => (await redis.command("LIST")).includes(name);

await redis.flushall();
assert.equal(await redis.set("s", "täxt", "EX", 100), "OK");
assert.equal(await redis.get("s"), "täxt");
assert.deepEqual(await redis.getBuffer("s"), Buffer.from("täxt"));
assert.equal(await redis.incrby("n", 5), 5);
assert.equal(await redis.rpush("l", 1, 2, 3), 3);
assert.deepEqual(await redis.lrange("l", 0, -1), ["1", "2", "3"]);
await redis.hset("h", { a: 1, b: 2 });
assert.deepEqual(await redis.hgetall("h"), { a: "1", b: "2" });
assert.equal(await redis.sadd("set", "a", "b"), 2);
assert.equal(await redis.zadd("z", 1.5, "a", 2, "b"), 2);
assert.deepEqual(await redis.zrange("z", 0, -1, "WITHSCORES"), ["a", "1.5", "b", "2"]);
const id = await redis.xadd("x", "*", "f", "v");
assert.deepEqual(await redis.xrange("x", "-", "+"), [[id, ["f", "v"]]]);
await assert.rejects(redis.lpush("s", 1), /WRONGTYPE/);

const pipeline = redis.pipeline();
for (let n = 0; n < 5000; n++) pipeline.set(`p:${n}`, n);
const replies = await pipeline.exec();
assert.ok(replies.every(([error, reply]) => error === null && reply === "OK"));
assert.deepEqual(await redis.multi().incr("n").get("n").exec(), [
  [null, 6],
  [null, "6"],
]);
const found = [];
for await (const keys of redis.scanStream({ match: "p:*", count: 500 })) found.push(...keys);
assert.equal(new Set(found).size, 5000);

const waits = redis.duplicate();
const served = waits.blpop("queue", 30);
while (!(await redis.info("clients")).includes("blocked_clients:1")) await new Promise(setImmediate);
await redis.rpush("queue", "job");
assert.deepEqual(await served, ["queue", "job"]);
waits.disconnect();

if (await has("evalsha")) {
  redis.defineCommand("double", { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) * 2" });
  assert.equal(await redis.double("n"), 12);
} else {
  console.log("LEFT OUT: scripts");
}
if (await has("subscribe")) {
  const sub = redis.duplicate();
  const message = new Promise((resolve) => sub.once("message", (channel, text) => resolve([channel, text])));
  assert.equal(await sub.subscribe("news"), 1);
  assert.equal(await redis.publish("news", "hello"), 1);
  assert.deepEqual(await message, ["news", "hello"]);
  await sub.quit();
} else {
  console.log("LEFT OUT: messages");
}
assert.equal(await redis.quit(), "OK");
console.log("ioredis: passed");
