// persistkv beside what Node programs use today: better-sqlite3, and a Redis server by ioredis.
//
// One process, the same operations in the same order for all, a write a transaction, durability of about a second. Rounds are
// paired, the median of their ratios is told: above 1, persistkv is faster. What is not installed is left out and said so.
//
//     node bench/peers/node.mjs [scale]
//
// Packages are looked for in PERSISTKV_BENCH_MODULES (a node_modules folder), or where Node finds them.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROUNDS = 5;
const [KEYS, SESSIONS, FIELDS, PLAYERS] = [20_000, 1000, 10, 10_000];
const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = process.env.PERSISTKV_BENCH_MODULES ?? root;
const require = createRequire(join(modules, 'x.js'));
const { open } = createRequire(import.meta.url)('../../bindings/node');

const key = (n) => `key:${String(n).padStart(12, '0')}`;
const value = (n) => String(n).padStart(16, '0') + 'v'.repeat(84);

/** Who speaks ioredis's methods: persistkv itself, and a connection to a server. */
const commands = (client) => ({
  set: (n, v) => client.set(key(n), value(v)),
  get: (n) => client.get(key(n)),
  incr: (n) => client.incr(`n:${n}`),
  push: (n) => client.lpush('queue', value(n)),
  pop: () => client.rpop('queue'),
  setField: (n, f, v) => client.hset(`h:${n}`, key(f), value(v)),
  session: (n) => client.hgetall(`h:${n}`),
  score: (n, s) => client.zadd('board', s, key(n)),
  best: () => client.zrange('board', 0, 9, 'REV', 'WITHSCORES'),
});

function ours(folder) {
  const store = open(folder, { appendonly: 'yes', save: '' });
  return { name: 'persistkv', ...commands(store), close: () => store.close() };
}

function sqlite(folder) {
  const Database = require('better-sqlite3');
  const db = new Database(join(folder, 'db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(`CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
    CREATE TABLE counter (k INTEGER PRIMARY KEY, n INTEGER);
    CREATE TABLE queue (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE session (k TEXT, f TEXT, v TEXT, PRIMARY KEY (k, f)) WITHOUT ROWID;
    CREATE TABLE board (m TEXT PRIMARY KEY, s REAL) WITHOUT ROWID;
    CREATE INDEX best ON board (s, m);`);
  const sql = (text) => db.prepare(text);
  const set = sql('INSERT INTO kv VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v');
  const get = sql('SELECT v FROM kv WHERE k = ?');
  const incr = sql('INSERT INTO counter VALUES (?, 1) ON CONFLICT (k) DO UPDATE SET n = n + 1 RETURNING n');
  const push = sql('INSERT INTO queue (v) VALUES (?)');
  const pop = sql('DELETE FROM queue WHERE id = (SELECT id FROM queue ORDER BY id LIMIT 1) RETURNING v');
  const setField = sql('INSERT INTO session VALUES (?, ?, ?) ON CONFLICT (k, f) DO UPDATE SET v = excluded.v');
  const session = sql('SELECT f, v FROM session WHERE k = ?');
  const score = sql('INSERT INTO board VALUES (?, ?) ON CONFLICT (m) DO UPDATE SET s = excluded.s');
  const best = sql('SELECT m, s FROM board ORDER BY s DESC, m DESC LIMIT 10');
  return {
    name: 'better-sqlite3',
    set: (n, v) => set.run(key(n), value(v)),
    get: (n) => get.get(key(n)),
    incr: (n) => incr.get(n),
    push: (n) => push.run(value(n)),
    pop: () => pop.get(),
    setField: (n, f, v) => setField.run(`h:${n}`, key(f), value(v)),
    session: (n) => Object.fromEntries(session.all(`h:${n}`).map((row) => [row.f, row.v])),
    score: (n, s) => score.run(key(n), s),
    best: () => best.all(),
    close: () => db.close(),
  };
}

/** Twice: waiting for each reply, and with 64 on the way as ioredis pipelines by itself. */
async function redis(folder, inflight) {
  const Redis = require('ioredis');
  const program = join(root, 'target/servers/r82/redis-server');
  if (!existsSync(program)) throw new Error('no real server is installed (make servers)');
  const socket = join(folder, 'sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const child = spawn(program, options, { stdio: 'ignore' });
  while (!existsSync(socket)) await sleep(10);
  const client = new Redis(socket);
  const close = async () => {
    client.disconnect();
    child.kill();
  };
  const name = `ioredis, Redis 8.2${inflight > 1 ? `, ${inflight} in flight` : ''}`;
  return { name, ...commands(client), close, inflight };
}

// A cheap pseudo-random sequence, the same in each run.
let state = 1;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const numbers = (n) => Array.from({ length: n }, (_, i) => i);

const workloads = [
  ['SET', numbers(KEYS).map((n) => ['set', n, n]), (i) => ['set', below(KEYS), i]],
  ['GET', [], () => ['get', below(KEYS)]],
  ['INCR', [], () => ['incr', below(1000)]],
  ['LPUSH, RPOP', numbers(1000).map((n) => ['push', n]), (i) => (i % 2 ? ['push', i] : ['pop'])],
  [
    'HSET, HGETALL of 10 fields',
    numbers(SESSIONS * FIELDS).map((n) => ['setField', Math.floor(n / FIELDS), n % FIELDS, n]),
    (i) => (i % 2 ? ['setField', below(SESSIONS), below(FIELDS), i] : ['session', below(SESSIONS)]),
  ],
  [
    'ZADD, ten best of 10,000',
    numbers(PLAYERS).map((n) => ['score', n, below(1_000_000)]),
    (i) => (i % 2 ? ['score', below(PLAYERS), below(1_000_000)] : ['best']),
  ],
];

async function run(peer, work, inflight = peer.inflight) {
  const begin = process.hrtime.bigint();
  if (inflight === undefined) {
    for (const [name, ...args] of work) peer[name](...args);
  } else {
    for (let at = 0; at < work.length; at += inflight) {
      await Promise.all(work.slice(at, at + inflight).map(([name, ...args]) => peer[name](...args)));
    }
  }
  return Number(process.hrtime.bigint() - begin);
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const count = Math.max(20, Math.floor(10_000 * Number(process.argv[2] ?? 1)));
const folder = mkdtempSync(join(tmpdir(), 'pkvb-'));
const peers = [];
try {
  const makers = { ours, sqlite, redis: (at) => redis(at, 1), pipelined: (at) => redis(at, 64) };
  for (const [name, make] of Object.entries(makers)) {
    const place = join(folder, name);
    mkdirSync(place);
    try {
      peers.push(await make(place));
    } catch (e) {
      if (name === 'ours') throw e;
      console.log(`LEFT OUT: ${name}: ${e.message.split('\n')[0]}`);
    }
  }
  console.log("Node: time per operation, persistkv's in microseconds, the others' as multiples of it\n");
  console.log(`| operation | ${peers.map((peer) => peer.name).join(' | ')} |\n|---|${'---|'.repeat(peers.length)}`);
  for (const [name, scene, op] of workloads) {
    for (const peer of peers) await run(peer, scene, peer.inflight && 64);
    const own = [];
    const ratios = peers.slice(1).map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      const work = numbers(count).map(op);
      const times = [];
      for (const peer of peers) times.push(await run(peer, work));
      own.push(times[0] / count / 1000);
      ratios.forEach((of, i) => of.push(times[i + 1] / times[0]));
    }
    console.log(`| ${name} | ${median(own).toFixed(2)} | ${ratios.map((of) => median(of).toFixed(1)).join(' | ')} |`);
  }
} finally {
  for (const peer of peers) await peer.close();
  rmSync(folder, { recursive: true, force: true });
}
