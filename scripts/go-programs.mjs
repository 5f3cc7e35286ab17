// SPDX-License-Identifier: Apache-2.0
// Go programs for tests, compiled once per toolchain, variant and source, and kept beside the toolchains. At most two are
// compiled at once on a machine, however many processes ask.
//   node scripts/go-programs.mjs DIRECTORY [--go 1.23] [--variant pie]     compiles and prints where they are
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { goDirectory, goEnvironment, goToolchain, goVersions } from './go-toolchains.mjs';
import { runMain, SetupError } from './setup-error.mjs';

/** How programs are built: with symbols and DWARF or without, at a fixed address or not, with C in them or not. */
export const GO_VARIANTS = {
  normal: { flags: [] },
  stripped: { flags: ['-ldflags=-s -w'] },
  pie: { flags: ['-buildmode=pie'] },
  'pie-stripped': { flags: ['-buildmode=pie', '-ldflags=-s -w'] },
  cgo: { flags: [], cgo: true },
  'cgo-stripped': { flags: ['-ldflags=-s -w'], cgo: true },
  'cgo-pie': { flags: ['-buildmode=pie'], cgo: true },
  'cgo-pie-stripped': { flags: ['-buildmode=pie', '-ldflags=-s -w'], cgo: true },
  arm64: { flags: [], architecture: 'arm64' },
  'arm64-stripped': { flags: ['-ldflags=-s -w'], architecture: 'arm64' },
};

/** Programs of a source that has changed since are removed when they are so old. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * @param {object} program
 * @param {string} program.source directory with a package main that needs the standard library only; no go.mod
 * @param {string} program.version of the toolchain: `1.23`
 * @param {keyof typeof GO_VARIANTS} [program.variant] default: `normal`
 * @param {(line: string) => void} [program.log]
 * @returns {Promise<string>} path of the executable, named like the directory; shared: copy it before it is probed
 * @throws {SetupError} when the toolchain is not there, or the program does not compile
 */
export async function goProgram({ source, version, variant = 'normal', log = () => {} }) {
  const toolchain = goToolchain(version);
  if (toolchain === undefined) {
    throw new SetupError(`Go ${version} is not there`, 'node scripts/go-toolchains.mjs fetches it');
  }
  const name = basename(resolve(source));
  const key = `${name}-${toolchain.release}-${variant}`;
  const directory = join(goDirectory(), 'programs', `${key}-${sourceHash(source)}`);
  const path = join(directory, name);
  if (fs.existsSync(path)) return path;
  log(`compiling ${key}`);
  fs.mkdirSync(directory, { recursive: true });
  const copy = join(directory, `source-${process.pid}`);
  try {
    fs.cpSync(source, copy, { recursive: true });
    fs.writeFileSync(join(copy, 'go.mod'), `module example.com/${name}\n\ngo 1.19\n`);
    await compile({ toolchain, variant, copy, path });
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
  removeOutdated(key, directory);
  return path;
}

/** Whoever waited for a slot looks again: another process may have made the same program in the meantime. */
async function compile({ toolchain, variant, copy, path }) {
  const { flags, cgo = false, architecture = 'amd64' } = GO_VARIANTS[variant];
  const slot = createHash('sha256').update(path).digest()[0] % 2;
  const script = 'test -e "$1" || { out=$1; shift; nice "$@" && mv "$out.new" "$out"; }';
  const go = [toolchain.bin, 'build', '-p=2', '-trimpath', ...flags, '-o', `${path}.new`, '.'];
  const command = [
    join(goDirectory(), `build-${slot}.lock`),
    'sh',
    '-c',
    script,
    'sh',
    path,
    ...go,
  ];
  const child = spawn('flock', command, {
    cwd: copy,
    env: { ...goEnvironment(toolchain), GOARCH: architecture, CGO_ENABLED: cgo ? '1' : '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const code = await new Promise((settle, reject) => {
    child.on('error', (cause) =>
      reject(new SetupError('cannot start flock', 'apt-get install util-linux', { cause })),
    );
    child.on('close', settle);
  });
  if (code === 0) return;
  throw new SetupError(`go build of ${path} failed`, `see its message: ${errors.trim()}`);
}

function sourceHash(source) {
  const hash = createHash('sha256');
  for (const name of fs.readdirSync(source, { recursive: true }).sort()) {
    const file = join(source, name);
    if (fs.statSync(file).isFile()) hash.update(`${name}\0`).update(fs.readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}

function removeOutdated(key, kept) {
  const programs = join(goDirectory(), 'programs');
  for (const name of fs.readdirSync(programs)) {
    const directory = join(programs, name);
    if (name.slice(0, -13) !== key || directory === kept) continue;
    if (Date.now() - fs.statSync(directory).mtimeMs < KEPT_MS) continue;
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        go: { type: 'string', multiple: true },
        variant: { type: 'string', multiple: true },
      },
    });
    const [source] = positionals;
    if (source === undefined) throw new TypeError('which directory?');
    for (const version of values.go ?? goVersions) {
      for (const variant of values.variant ?? Object.keys(GO_VARIANTS)) {
        console.log(await goProgram({ source, version, variant, log: console.error }));
      }
    }
  });
}
