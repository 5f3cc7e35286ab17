// SPDX-License-Identifier: Apache-2.0
// Go toolchains of several versions, side by side, for tests: downloaded once from Debian's archive, unpacked, never
// installed. They are kept outside the repository: 2.1 GB, and as much again for their build caches once all have compiled.
//   node scripts/go-toolchains.mjs            fetches what is missing and lists them
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianSuite } from './debian-suite.mjs';
import { runMain, SetupError } from './setup-error.mjs';

/** The versions that libtrace is tested with, each with the Debian suites that carry it, best first. */
export const GO_SUITES = {
  1.19: ['bookworm'],
  1.21: ['bookworm-backports'],
  1.22: ['bookworm-backports'],
  1.23: ['bookworm-backports'],
  1.24: ['trixie', 'trixie-backports'],
  1.25: ['trixie-backports', 'forky'],
  1.26: ['trixie-backports', 'forky', 'sid'],
  1.27: ['trixie-backports', 'forky', 'sid'],
};

/** Oldest first. */
export const goVersions = Object.keys(GO_SUITES);

/** Changes when what is kept of the packages does. */
const LAYOUT = 1;
/** Neither the compiler nor the standard library needs them. */
const LEFT_OUT = ['test', 'api', 'doc', 'favicon.ico', 'misc'];

/**
 * @typedef {object} GoToolchain
 * @property {string} version what was asked for: `1.23`
 * @property {string} release what `go version` says: `1.23.5`
 * @property {string} goroot
 * @property {string} bin path of the command `go`
 */

/** Where toolchains, their build cache and built programs are kept: outside the repository, shared by all checkouts. */
export function goDirectory() {
  const base =
    process.env.LIBTRACE_CACHE_DIR ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'libtrace');
  return join(base, 'go');
}

/**
 * @param {string} version one of {@link goVersions}
 * @returns {GoToolchain | undefined} undefined when it was not fetched: `node scripts/go-toolchains.mjs`
 */
export function goToolchain(version) {
  const directory = join(goDirectory(), version);
  const file = join(directory, 'toolchain.json');
  if (!fs.existsSync(file)) return undefined;
  const { release, layout } = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (layout !== LAYOUT) return undefined;
  const goroot = join(directory, 'goroot');
  return { version, release, goroot, bin: join(goroot, 'bin/go') };
}

/** The environment in which `toolchain` compiles without a network: this process's, with Go's own variables replaced. */
export function goEnvironment(toolchain) {
  const rest = Object.entries(process.env).filter(([name]) => !/^(GO|CGO_)/.test(name));
  return {
    ...Object.fromEntries(rest),
    GOROOT: toolchain.goroot,
    GOPATH: join(goDirectory(), 'path'),
    GOCACHE: join(goDirectory(), 'build-cache', toolchain.version),
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=mod',
    GOPROXY: 'off',
    GOSUMDB: 'off',
    GOTELEMETRY: 'off',
    GOENV: 'off',
  };
}

/**
 * Fetches the toolchains that are not there yet.
 * @param {{ versions?: readonly string[], log?: (line: string) => void }} [options]
 * @returns {GoToolchain[]} oldest first
 * @throws {SetupError} when the archive does not have one, or cannot be reached
 */
export function ensureGoToolchains({ versions = goVersions, log = () => {} } = {}) {
  const missing = versions.filter((version) => goToolchain(version) === undefined);
  if (missing.length > 0) {
    const scratch = fs.mkdtempSync(join(tmpdir(), 'libtrace-go-'));
    const suites = new Map();
    try {
      for (const version of missing) fetchToolchain(version, suites, scratch, log);
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  }
  return versions.map((version) => goToolchain(version));
}

/** @param {Map<string, string[]>} suites apt's options by suite, filled here: each suite is updated once */
function fetchToolchain(version, suites, scratch, log) {
  const names = GO_SUITES[version];
  if (names === undefined) throw new Error(`no Go ${version}; known are ${goVersions.join(', ')}`);
  const reasons = [];
  for (const suite of names) {
    try {
      if (!suites.has(suite)) suites.set(suite, debianSuite(suite, join(scratch, suite)));
      log(`downloading Go ${version} from ${suite}`);
      const tree = unpackPackages(version, suites.get(suite), join(scratch, `${version}-${suite}`));
      storeToolchain(version, tree);
      fs.rmSync(tree, { recursive: true, force: true });
      return;
    } catch (error) {
      reasons.push(`${suite}: ${String(error.message).split('\n')[0]}`);
    }
  }
  throw new SetupError(
    `Go ${version} could not be fetched (${reasons.join('; ')})`,
    'check that this machine reaches its Debian archive (apt-get update)',
  );
}

/** Downloads the compiler's and the source package and returns the folder into which both are unpacked. */
function unpackPackages(version, flags, tree) {
  const downloads = `${tree}-downloads`;
  fs.mkdirSync(downloads);
  const packages = [`golang-${version}-go`, `golang-${version}-src`];
  execFileSync('apt-get', [...flags, '-qq', 'download', ...packages], {
    cwd: downloads,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for (const file of fs.readdirSync(downloads)) {
    execFileSync('dpkg', ['-x', join(downloads, file), tree]);
  }
  fs.rmSync(downloads, { recursive: true });
  return tree;
}

/**
 * Debian splits a GOROOT into /usr/lib/go-1.NN (programs) and /usr/share/go-1.NN (sources), with links between them; here
 * both are one folder again.
 */
function storeToolchain(version, tree) {
  const directory = join(goDirectory(), version);
  fs.mkdirSync(goDirectory(), { recursive: true });
  const temporary = fs.mkdtempSync(`${directory}.new-`);
  try {
    const goroot = join(temporary, 'goroot');
    for (const half of ['usr/share', 'usr/lib']) {
      const from = join(tree, half, `go-${version}`);
      fs.cpSync(from, goroot, {
        recursive: true,
        preserveTimestamps: true,
        filter: (path) => isWanted(path, from),
      });
    }
    // Compiled for the race detector or for shared libraries; before 1.20 a third of the whole.
    const compiled = join(goroot, 'pkg');
    for (const name of fs.existsSync(compiled) ? fs.readdirSync(compiled) : []) {
      if (/_(race|dynlink|shared)$/.test(name))
        fs.rmSync(join(compiled, name), { recursive: true });
    }
    const release = readRelease(goroot);
    fs.chmodSync(temporary, 0o755);
    fs.writeFileSync(
      join(temporary, 'toolchain.json'),
      JSON.stringify({ release, layout: LAYOUT }),
    );
    fs.rmSync(directory, { recursive: true, force: true });
    fs.renameSync(temporary, directory);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/** Not the links from one half to the other, and not what is {@link LEFT_OUT}. */
function isWanted(path, from) {
  if (fs.lstatSync(path).isSymbolicLink()) return false;
  return dirname(path) !== from || !LEFT_OUT.includes(path.slice(from.length + 1));
}

/** `go1.23.5` in the file VERSION, as a number: `1.23.5`. */
function readRelease(goroot) {
  const [line] = fs.readFileSync(join(goroot, 'VERSION'), 'utf8').split('\n');
  const release = /^go(\d+\.\d+(?:\.\d+)?)/.exec(line)?.[1];
  if (release === undefined) throw new Error(`its file VERSION says ${line}`);
  return release;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(() => {
    for (const { release, goroot } of ensureGoToolchains({ log: console.error })) {
      console.log(`${release}  ${goroot}`);
    }
  });
}
