// Check-and-set: tasks move money between accounts by turns; none is made or lost, and no account goes below zero.

import { setImmediate } from 'node:timers/promises';
// In a project of yours: from 'persistkv'.
import { open } from '../../bindings/node/index.mjs';

const ACCOUNTS = ['a', 'b', 'c'];
const store = open(process.argv[2] ?? 'transfer-data', { appendonly: 'yes' });
for (const account of ACCOUNTS) store.set(account, 100, 'NX');

// The function is called again when somebody else changed the account between the look and the transfer.
const transfer = (from, to, amount) =>
  store.transaction([from], async (pipeline, own) => {
    const enough = Number(own.get(from)) >= amount;
    await setImmediate(); // others go on meanwhile
    if (enough) pipeline.decrby(from, amount).incrby(to, amount);
  });

const transfers = async (task) => {
  for (let n = 0; n < 100; n++) {
    await transfer(ACCOUNTS[n % 3], ACCOUNTS[(n + task + 1) % 3], (n * 7) % 20);
  }
};
await Promise.all([0, 1, 2, 3].map(transfers));

const balances = store.mget(ACCOUNTS).map(Number);
const below = balances.every((balance) => balance >= 0) ? 'no account' : 'an account';
console.log(`400 transfers: ${balances.reduce((sum, n) => sum + n)} in all, ${below} below zero`);
await store.close();
