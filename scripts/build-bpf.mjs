// SPDX-License-Identifier: Apache-2.0
// Compiles the programs of bpf/ to packages/core/bpf/*.bpf.o. Quick when nothing changed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLibbpf, libbpfPaths } from './build-libbpf.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'bpf');
const objects = join(root, 'packages/core/bpf');
const programs = ['socket_tracer', 'preemption_probe'];
const targets = { x64: 'x86', arm64: 'arm64' };

/** Where the object is whose structs user space reads. */
export const bpfObjectPath = join(objects, 'socket_tracer.bpf.o');

function fingerprint() {
  const hash = createHash('sha256')
    .update(process.arch)
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of readdirSync(source).sort())
    hash.update(name).update(readFileSync(join(source, name)));
  return hash.digest('hex');
}

/** @returns {Promise<boolean>} whether anything was compiled */
export async function buildBpf() {
  const stamp = join(root, 'packages/core/build/bpf.stamp');
  const wanted = fingerprint();
  const outputs = programs.map((name) => join(objects, `${name}.bpf.o`));
  if (outputs.every(existsSync) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return false;
  }
  await buildLibbpf();
  mkdirSync(objects, { recursive: true });
  const multiarch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const flags = [
    // No path of the machine that builds stands in the published object.
    `-ffile-prefix-map=${root}=.`,
    ...['-O2', '-g', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror'],
    ...['-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${targets[process.arch] ?? process.arch}`],
    ...['-I', libbpfPaths().include, '-I', `/usr/include/${multiarch}`],
  ];
  for (const name of programs) {
    const output = join(objects, `${name}.bpf.o`);
    execFileSync('clang', [...flags, '-c', join(source, `${name}.bpf.c`), '-o', output], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    execFileSync('llvm-strip', ['-g', output]);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await buildBpf()) ? `compiled ${programs.join(', ')}` : 'up to date');
}
