// SPDX-License-Identifier: Apache-2.0
// Compiles the programs of bpf/ to packages/core/bpf/*.bpf.o, and those of sources of plaintext,
// packages/*/src/bpf/*.bpf.c, to their packages' bpf/. Quick when nothing changed.
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
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLibbpf, libbpfPaths } from './build-libbpf.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'bpf');
const objects = join(root, 'packages/core/bpf');
const programs = ['socket_tracer', 'preemption_probe'];
/** What sources of other publishers include; packed with core. */
const published = ['plaintext_api.bpf.h', 'target.bpf.h'];
const targets = { x64: 'x86', arm64: 'arm64' };

/** Where the object is whose structs user space reads. */
export const bpfObjectPath = join(objects, 'socket_tracer.bpf.o');

/** @returns {{ input: string, output: string }[]} every object, from what and to where */
function objectsToCompile() {
  const own = programs.map((name) => ({
    input: join(source, `${name}.bpf.c`),
    output: join(objects, `${name}.bpf.o`),
  }));
  const packages = join(root, 'packages');
  const others = readdirSync(packages).flatMap((name) => {
    const folder = join(packages, name, 'src/bpf');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => file.endsWith('.bpf.c'))
      .map((file) => ({
        input: join(folder, file),
        output: join(packages, name, 'bpf', basename(file, '.c').concat('.o')),
      }));
  });
  return [...own, ...others];
}

function fingerprint(inputs) {
  const hash = createHash('sha256')
    .update(process.arch)
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of readdirSync(source).sort())
    hash.update(name).update(readFileSync(join(source, name)));
  const folders = new Set(inputs.map((input) => dirname(input)));
  folders.delete(source);
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort())
      hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** @returns {Promise<boolean>} whether anything was compiled */
export async function buildBpf() {
  const stamp = join(root, 'packages/core/build/bpf.stamp');
  const wantedObjects = objectsToCompile();
  const wanted = fingerprint(wantedObjects.map(({ input }) => input));
  const outputs = wantedObjects.map(({ output }) => output);
  if (outputs.every(existsSync) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return false;
  }
  await buildLibbpf();
  const multiarch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const flags = [
    // No path of the machine that builds stands in the published object.
    `-ffile-prefix-map=${root}=.`,
    ...['-O2', '-g', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror'],
    ...['-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${targets[process.arch] ?? process.arch}`],
    ...['-I', source, '-I', libbpfPaths().include, '-I', `/usr/include/${multiarch}`],
  ];
  for (const { input, output } of wantedObjects) {
    mkdirSync(dirname(output), { recursive: true });
    execFileSync('clang', [...flags, '-c', input, '-o', output], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    execFileSync('llvm-strip', ['-g', output]);
  }
  const include = join(objects, 'include');
  mkdirSync(include, { recursive: true });
  for (const name of published) copyFileSync(join(source, name), join(include, name));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await buildBpf()) ? `compiled ${programs.join(', ')}` : 'up to date');
}
