// Libraries that live by their Lua scripts, as they come: BullMQ (which builds keys that it does not declare), redlock,
// rate-limiter-flexible.

import assert from "node:assert/strict";
import { Queue, QueueEvents, Worker } from "bullmq";
import Redis from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import Redlock from "redlock";

const port = Number(process.argv[2]);
const redis = new Redis(port);

{
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("jobs", { connection });
  const events = new QueueEvents("jobs", { connection });
  await events.waitUntilReady();
  const work = async (job) => {
    if (job.name === "flaky" && job.attemptsMade < 2) throw new Error("not yet");
    await job.updateProgress(50);
    return job.data.n * 2;
  };
  const worker = new Worker("jobs", work, { connection, concurrency: 5 });
  worker.on("error", (error) => assert.fail(error));
  const jobs = [];
  for (let n = 0; n < 30; n++) {
    jobs.push(await queue.add("job", { n }, { delay: n % 5 === 0 ? 100 : 0, priority: n % 3 }));
  }
  jobs.push(await queue.add("flaky", { n: 30 }, { attempts: 3, backoff: 20 }));
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 30_000)));
  assert.deepEqual(
    results,
    jobs.map((_, n) => n * 2),
  );
  const counts = await queue.getJobCounts();
  assert.equal(counts.active + counts.delayed + counts.waiting + counts.prioritized + counts.failed, 0);
  await worker.close();
  await queue.obliterate({ force: true });
  await Promise.all([events.close(), queue.close()]);
}

{
  const redlock = new Redlock([redis], { retryCount: 1, retryDelay: 10 });
  const lock = await redlock.lock("resource", 10_000);
  await assert.rejects(redlock.lock("resource", 10_000));
  const extended = await lock.extend(20_000);
  assert.ok((await redis.pttl("resource")) > 10_000);
  await extended.unlock();
  await (await redlock.lock("resource", 10_000)).unlock();
}

{
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 3, duration: 60 });
  const outcomes = [];
  for (let n = 0; n < 5; n++) {
    outcomes.push(
      await limiter.consume("somebody").then(
        () => true,
        (refused) => {
          if (refused instanceof Error) throw refused;
          return false;
        },
      ),
    );
  }
  assert.deepEqual(outcomes, [true, true, true, false, false]);
}

await redis.quit();
console.log("BullMQ, redlock, rate-limiter-flexible: passed");
process.exit(0);
