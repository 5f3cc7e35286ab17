// SPDX-License-Identifier: Apache-2.0
// Compiles what the benchmarks need into .cache/bench.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { libbpfPaths } from '../../scripts/build-libbpf.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const output = join(root, '.cache/bench');

/** Compiles a C program of bench/. @param {string} source path below bench/ @returns {string} path of the program */
export function compileC(source, { flags = [] } = {}) {
  mkdirSync(output, { recursive: true });
  const program = join(output, source.replace(/.*\//, '').replace(/\.c$/, ''));
  execFileSync('gcc', ['-O2', '-Wall', '-o', program, join(root, 'bench', source), ...flags], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return program;
}

/**
 * Compiles a BPF object, with the flags of scripts/build-bpf.mjs.
 * @param {string} source absolute path @param {string} object absolute path
 */
export function compileBpf(source, object, { flags = [] } = {}) {
  const target = { x64: 'x86', arm64: 'arm64' }[process.arch] ?? process.arch;
  const multiarch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const include = ['-I', libbpfPaths().include, '-I', `/usr/include/${multiarch}`];
  const common = ['-O2', '-g', '-Wall', '-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${target}`];
  execFileSync('clang', [...common, ...flags, ...include, '-c', source, '-o', object], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  execFileSync('llvm-strip', ['-g', object]);
  return object;
}

/** Bundles an ES module of the working tree; the folder looks to it like packages/core, with the BPF object. */
async function bundleNextToObject(entry, name, objectFolder) {
  const folder = join(output, name);
  mkdirSync(join(folder, 'dist'), { recursive: true });
  // The kernel half looks for its object in ../bpf.
  rmSync(join(folder, 'bpf'), { recursive: true, force: true });
  symlinkSync(objectFolder, join(folder, 'bpf'));
  if (!existsSync(join(folder, 'bpf/socket_tracer.bpf.o'))) {
    throw new Error('socket_tracer.bpf.o is missing: run `npm run build`');
  }
  const outfile = join(folder, 'dist', basename(entry).replace(/\.ts$/, '.mjs'));
  await bundle({
    entryPoints: [join(root, entry)],
    conditions: ['@libtrace/source'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@libtrace/native'],
    outfile,
    logLevel: 'error',
  });
  return outfile;
}

const builtObjects = join(root, 'packages/core/bpf');

/**
 * The kernel half of @libtrace/core, which the package does not export, as a module.
 * @param {string} [objectFolder] folder with another socket_tracer.bpf.o
 * @returns {Promise<{ SocketTracer: any }>}
 */
export async function importKernelSide(objectFolder = builtObjects) {
  const name = `kernel-${createHash('sha256').update(objectFolder).digest('hex').slice(0, 8)}`;
  const entry = 'packages/core/src/kernel/socket-tracer.ts';
  return import(await bundleNextToObject(entry, name, objectFolder));
}

/** A module of bench/ with the packages as they are in the working tree. @returns {Promise<string>} its path */
export function bundleProgram(entry) {
  return bundleNextToObject(entry, 'program', builtObjects);
}
