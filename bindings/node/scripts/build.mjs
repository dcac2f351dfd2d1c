// Builds the native half with cargo and puts it beside index.cjs: `node scripts/build.mjs [--release]`.
// Needs nothing but Rust, so that `npm install` of this folder works without development tools.

import { spawnSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const root = resolve(here, '..', '..');
const release = process.argv.includes('--release');
// A folder of its own: a build for Node neither waits for other builds nor makes theirs stale.
const target = resolve(process.env.CARGO_TARGET_DIR ?? join(root, 'target', 'node'));

const args = ['build', '--package', 'persistkv-node', '--target-dir', target];
if (release) args.push('--release');
const cargo = spawnSync(process.env.CARGO ?? 'cargo', args, { cwd: root, stdio: 'inherit' });
if (cargo.error?.code === 'ENOENT') {
  console.error('persistkv is built from source: install Rust (https://rustup.rs), then run npm install again.');
  process.exit(1);
}
if (cargo.error) throw cargo.error;
if (cargo.status !== 0) process.exit(cargo.status ?? 1);

const names = { darwin: 'libpersistkv_node.dylib', win32: 'persistkv_node.dll' };
const built = join(target, release ? 'release' : 'debug', names[process.platform] ?? 'libpersistkv_node.so');
const addon = join(here, 'persistkv.node');
// Renamed into place: a process that has the old one mapped keeps it.
copyFileSync(built, `${addon}.${process.pid}`);
renameSync(`${addon}.${process.pid}`, addon);
