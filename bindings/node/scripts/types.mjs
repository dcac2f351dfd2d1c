// Writes commands.d.ts from the engine's own command table, and with --native also native.d.ts (which compiles the addon
// once more, with @napi-rs/cli): `npm run types`. The addon must be built.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { SIGNATURES } from './signatures.mjs';

// Fetched only when it is asked for: not everyone who builds needs its many dependencies.
const NAPI_CLI = '@napi-rs/cli@3.10.12';

const here = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** The text of commands.d.ts for a command table. */
export async function commandTypes(table) {
  // Subscriptions are a subscriber's.
  const isMethod = (row) => !(row.flags.includes('pubsub') && row.flags.includes('noscript'));
  const rows = table.filter(isMethod).sort((a, b) => (a.name < b.name ? -1 : 1));
  const methods = rows.map((row) => {
    const waits = row.flags.includes('blocking');
    const any = waits ? '(...args: WaitArguments): Promise<Reply<T>>' : '(...args: Arguments): Reply<T>';
    const signatures = SIGNATURES[row.name] ?? [any];
    const doc = `/** ${row.summary} ${row.complexity}. Since Redis ${row.since}. */`.replaceAll('..', '.');
    const plain = signatures.map((signature) => `${JSON.stringify(row.name)}${signature};`);
    const twin = signatures.map((signature) => {
      return `${JSON.stringify(`${row.name}Buffer`)}${signature.replaceAll(/\bT\b/g, 'Buffer')};`;
    });
    return [doc, ...plain, `/** As {@link ${row.name}}, with Buffers. */`, ...twin].join('\n');
  });
  const text = `// Made by scripts/types.mjs from the engine's command table; change that, or scripts/signatures.mjs.

import type { Argument, Arguments, Integer, Pairs, Reply, WaitArguments } from './index.js';

/** Every command. \`T\` is what a string of bytes becomes. */
export interface Commands<T = string> {
${methods.join('\n\n')}
}
`;
  const options = await prettier.resolveConfig(join(here, 'commands.d.ts'));
  return prettier.format(text, { ...options, parser: 'typescript' });
}

function nativeTypes() {
  const out = mkdtempSync(join(tmpdir(), 'persistkv-types-'));
  const args = ['--package', NAPI_CLI, 'napi', 'build', '--no-js', '--dts', 'native.d.ts', '--output-dir', out];
  args.push('--target-dir', process.env.CARGO_TARGET_DIR ?? resolve(here, '..', '..', 'target', 'node'));
  const { status } = spawnSync('npx', ['--yes', ...args], { cwd: here, stdio: 'inherit' });
  if (status === 0) copyFileSync(join(out, 'native.d.ts'), join(here, 'native.d.ts'));
  rmSync(out, { recursive: true, force: true });
  if (status !== 0) process.exit(status ?? 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--native')) nativeTypes();
  const table = createRequire(import.meta.url)('../persistkv.node').commands();
  writeFileSync(join(here, 'commands.d.ts'), await commandTypes(table));
  const stale = Object.keys(SIGNATURES).filter((name) => !table.some((row) => row.name === name));
  if (stale.length > 0) throw new Error(`signatures of commands that do not exist: ${stale.join(', ')}`);
}
