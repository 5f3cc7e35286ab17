// SPDX-License-Identifier: Apache-2.0
// Builds the native addon of @libtrace/native into packages/native/prebuilds/linux-<arch>/libtrace.node.
// Does nothing when no input has changed since the last build. Also compiles the package's BPF test programs.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildLibbpf, libbpfPaths } from './build-libbpf.mjs';

const run = promisify(execFile);
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PACKAGE = join(ROOT, 'packages/native');
const LOCK_STALE_MS = 10 * 60_000;

/** Where the addon is put, and where the package looks for it. */
export function addonPath() {
  return join(PACKAGE, `prebuilds/linux-${process.arch}/libtrace.node`);
}

function inputs() {
  const cpp = join(PACKAGE, 'src/cpp');
  return [
    fileURLToPath(import.meta.url),
    join(PACKAGE, 'binding.gyp'),
    ...readdirSync(cpp)
      .filter((name) => /\.(cc|h)$/.test(name))
      .sort()
      .map((name) => join(cpp, name)),
  ];
}

function inputHash() {
  const hash = createHash('sha256').update(
    `${process.arch} ${process.versions.napi} ${libbpfPaths().lib}\0`,
  );
  for (const path of inputs())
    hash.update(path.slice(ROOT.length)).update('\0').update(readFileSync(path));
  return hash.digest('hex');
}

/** Runs `work` while no other process does the same; waits for the other to finish. */
async function exclusively(folder, work) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, '.lock');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > LOCK_STALE_MS) rmSync(lock, { recursive: true, force: true });
      else await new Promise((wake) => setTimeout(wake, 200));
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.removeListener('exit', release);
  }
}

async function compile() {
  const { include, lib } = libbpfPaths();
  const gyp = join(ROOT, 'node_modules/node-gyp/bin/node-gyp.js');
  const env = { ...process.env, MAKEFLAGS: `-j${cpus().length}` };
  // Node's own headers, where its package or archive brought them; node-gyp downloads them otherwise.
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include/node/node_api.h'))) env.npm_config_nodedir ??= prefix;
  const define = [
    `-Dlibbpf_include=${include}`,
    `-Dlibbpf_lib=${lib}`,
    `-Dnode_addon_api=${join(ROOT, 'node_modules/node-addon-api')}`,
  ];
  for (const command of [['configure', '--', ...define], ['build']]) {
    try {
      await run(process.execPath, [gyp, ...command], { cwd: PACKAGE, env, maxBuffer: 64 << 20 });
    } catch (error) {
      const text = `${error.stdout ?? ''}${error.stderr ?? ''}`
        .trim()
        .split('\n')
        .slice(-60)
        .join('\n');
      throw new Error(`node-gyp ${command[0]} failed:\n${text}`, { cause: error });
    }
  }
}

/**
 * Builds the addon when it is missing or older than what it is made of.
 * @returns {Promise<{ path: string, built: boolean }>}
 */
export async function buildNative({ log = () => {} } = {}) {
  const path = addonPath();
  const stamp = join(PACKAGE, `build/linux-${process.arch}.inputs`);
  const upToDate = () =>
    existsSync(path) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputHash();
  await buildLibbpf({ log });
  if (upToDate()) return { path, built: false };
  return exclusively(join(PACKAGE, 'build'), async () => {
    if (upToDate()) return { path, built: false };
    log('building the native addon');
    const hash = inputHash();
    await compile();
    mkdirSync(dirname(path), { recursive: true });
    const part = `${path}.${process.pid}`;
    copyFileSync(join(PACKAGE, 'build/Release/addon.node'), part);
    await run('strip', ['--strip-unneeded', part]);
    renameSync(part, path);
    writeFileSync(stamp, hash);
    return { path, built: true };
  });
}

/**
 * Compiles every `*.bpf.c` of a folder next to its source, where it is missing or older than a source or header there.
 * @returns {Promise<string[]>} the object files
 */
export async function buildBpfFolder(folder) {
  const { include } = await buildLibbpf();
  const { stdout: multiarch } = await run('gcc', ['-print-multiarch']); // where <asm/types.h> is
  const arch = { x64: 'x86', arm64: 'arm64' }[process.arch] ?? process.arch;
  const names = readdirSync(folder);
  const newestHeader = Math.max(
    0,
    ...names
      .filter((name) => name.endsWith('.h'))
      .map((name) => statSync(join(folder, name)).mtimeMs),
  );
  const objects = [];
  for (const name of names.filter((each) => each.endsWith('.bpf.c'))) {
    const source = join(folder, name);
    const object = source.replace(/\.c$/, '.o');
    objects.push(object);
    const built = statSync(object, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (built > Math.max(statSync(source).mtimeMs, newestHeader)) continue;
    const part = `${object}.${process.pid}`;
    const flags = [
      '-O2',
      '-g',
      '-Wall',
      '-Werror',
      '-target',
      'bpf',
      `-D__TARGET_ARCH_${arch}`,
      `-I${include}`,
      '-idirafter',
      `/usr/include/${multiarch.trim()}`,
    ];
    // -g brings DWARF besides BTF; only BTF is wanted, and DWARF holds paths of this machine.
    await run('clang', [...flags, '-c', source, '-o', part]);
    await run('llvm-strip', ['-g', part]).catch(() => run('llvm-strip-14', ['-g', part]));
    renameSync(part, object);
  }
  return objects;
}

/** The BPF programs that the package's own live tests load. */
export function buildTestBpf() {
  return buildBpfFolder(join(PACKAGE, 'tests/bpf'));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { path, built } = await buildNative({ log: (line) => console.log(line) });
  console.log(`${built ? 'built' : 'up to date'}: ${path} (${statSync(path).size} bytes)`);
}
