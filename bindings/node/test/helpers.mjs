// What the tests share.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from 'persistkv';

const stores = new WeakMap();

/** Stores are closed before directories go, whatever was asked for first. */
function closeAll(t) {
  for (const store of stores.get(t) ?? []) store.closeSync();
}

/** A directory of its own for a test. */
export function directory(t) {
  const dir = mkdtempSync(join(tmpdir(), 'persistkv-node-'));
  t.after(() => {
    closeAll(t);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

/** A store that is closed after the test. */
export function opened(t, path = ':memory:', directives = {}, options = undefined) {
  const store = open(path, directives, options);
  if (!stores.has(t)) {
    stores.set(t, []);
    t.after(() => closeAll(t));
  }
  stores.get(t).push(store);
  return store;
}

/** Runs a script of test/children; resolves with its exit code or signal and what it printed. */
export function child(name, ...args) {
  return run(fileURLToPath(new URL(`children/${name}`, import.meta.url)), ...args);
}

/** Runs a script of Node to its end. */
export function run(script, ...args) {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ['--expose-gc', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    process_.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    process_.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    process_.on('error', reject);
    process_.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
