// Table, methods and types are of one mind.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Store, commands } from 'persistkv';
import { SIGNATURES } from '../scripts/signatures.mjs';
import { commandTypes } from '../scripts/types.mjs';
import { opened } from './helpers.mjs';

const OWN = ['call', 'callBuffer', 'close', 'closeSync', 'constructor', 'db', 'duplicate', 'execute'];
OWN.push('isOpen', 'listen', 'loadNotes', 'path', 'pipeline', 'subscriber', 'transaction');

test('every command the engine lists is a method, twice, and nothing else is', (t) => {
  const listed = opened(t)
    .execute(['COMMAND'])
    .map(([name]) => name);
  assert.ok(listed.length > 100);
  assert.deepEqual([...commands].sort(), listed.sort());
  // Subscriptions are a subscriber's.
  const methods = listed.filter((name) => !name.endsWith('subscribe'));
  const wanted = [...OWN, ...methods.flatMap((name) => [name, `${name}Buffer`])];
  assert.deepEqual(Object.getOwnPropertyNames(Store.prototype).sort(), wanted.sort());
});

test('commands.d.ts is what the command table makes it', async () => {
  const table = createRequire(import.meta.url)('../persistkv.node').commands();
  const committed = readFileSync(new URL('../commands.d.ts', import.meta.url), 'utf8');
  assert.equal(committed, await commandTypes(table), 'run: npm run types');
});

test('signatures are of commands that exist', () => {
  const unknown = Object.keys(SIGNATURES).filter((name) => !commands.includes(name));
  assert.deepEqual(unknown, []);
});

test('methods have their command’s name', () => {
  assert.equal(Store.prototype.get.name, 'get');
  assert.equal(Store.prototype.hgetallBuffer.name, 'hgetallBuffer');
});
