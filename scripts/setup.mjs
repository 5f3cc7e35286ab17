// SPDX-License-Identifier: Apache-2.0
// Everything a fresh machine needs before libtrace can be built, run and (with --tests) tested. Quick the second time.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMain, SetupError } from './setup-error.mjs';
import { buildPackages, ensureSystemPackages, testPackages } from './system-packages.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MIN = [20, 19];

function checkPlatform() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    throw new SetupError(
      `Node.js ${NODE_MIN.join('.')} or newer is needed, this is ${process.versions.node}`,
      'install a current Node.js (https://nodejs.org) and run the command again',
    );
  }
  if (process.platform !== 'linux') {
    throw new SetupError(
      `live tracing needs Linux, this is ${process.platform}`,
      'run it on a Linux machine, or in a virtual one',
    );
  }
  if (process.arch !== 'x64') {
    throw new SetupError(
      `live tracing needs x86_64 for now, this is ${process.arch}`,
      'run it on an x86_64 machine',
    );
  }
}

function installNpmPackages(log) {
  const installed = join(root, 'node_modules/.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  log('installing npm packages');
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (cause) {
    throw new SetupError(
      'npm ci failed',
      'see its message above; `npm ci` in this folder repeats it',
      { cause },
    );
  }
}

/** @param {{ tests?: boolean, log?: (line: string) => void }} options */
export async function setup({
  tests = false,
  log = (line) => console.error(`libtrace set-up: ${line}`),
} = {}) {
  checkPlatform();
  if (process.env.LIBTRACE_SKIP_APT !== '1') {
    ensureSystemPackages([...new Set([...buildPackages, ...(tests ? testPackages : [])])], log);
  }
  installNpmPackages(log);
  const load = (name) => import(pathToFileURL(join(root, 'scripts', name)).href);
  try {
    const { build } = await load('build.mjs');
    await build({ log });
    if (tests) (await load('go-toolchains.mjs')).ensureGoToolchains({ log });
  } catch (cause) {
    if (cause instanceof SetupError) throw cause;
    throw new SetupError(
      `building failed: ${String(cause.message).split('\n')[0]}`,
      'see the messages above',
      { cause },
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(() => setup({ tests: process.argv.includes('--tests') }));
}
