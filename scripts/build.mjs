// SPDX-License-Identifier: Apache-2.0
// Builds, in order, what is out of date: libbpf, the addon, the BPF object, the TypeScript packages.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBpf } from './build-bpf.mjs';
import { buildLibbpf } from './build-libbpf.mjs';
import { buildNative } from './build-native.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = [
  'native',
  'core',
  'proto-http',
  'proto-mysql',
  'proto-kafka',
  'uprobe-openssl',
  'uprobe-go',
  'testkit',
  'create-libtrace-plugin',
  'cli',
];

/** A package's `build` script bundles its sources; packages of the workspace are external, so their order is free. */
function fingerprint(name) {
  const folder = join(root, 'packages', name);
  const hash = createHash('sha256');
  const add = (path) => hash.update(path).update(readFileSync(path));
  for (const file of ['package-lock.json', 'tsconfig.base.json']) add(join(root, file));
  for (const file of ['package.json', 'tsconfig.json', 'tsup.config.ts']) add(join(folder, file));
  // Types flow from core into the others' declarations.
  const folders = name === 'core' ? [folder] : [folder, join(root, 'packages/core')];
  for (const sources of folders) {
    for (const entry of readdirSync(join(sources, 'src'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (entry.isFile() && !entry.name.endsWith('.test.ts'))
        add(join(entry.parentPath, entry.name));
    }
  }
  return hash.digest('hex');
}

function buildPackage(name, log) {
  const folder = join(root, 'packages', name);
  // Beside the types of `tsc -b`: not in the published package.
  const stamp = join(folder, 'build/dist.stamp');
  const wanted = fingerprint(name);
  const isBuilt = existsSync(join(folder, 'dist')) && existsSync(stamp);
  if (isBuilt && readFileSync(stamp, 'utf8') === wanted) return;
  log(`building ${name}`);
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  mkdirSync(join(folder, 'build'), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** @param {{ log?: (line: string) => void }} options */
export async function build({ log = console.error } = {}) {
  await buildLibbpf({ log });
  await buildNative({ log });
  if (await buildBpf()) log('compiled the BPF object');
  for (const name of packages) buildPackage(name, log);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
