// SPDX-License-Identifier: Apache-2.0
// The Debian packages that building and testing need; installs what is missing when it may.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { SetupError } from './setup-error.mjs';

/** To compile libbpf, the addon and the BPF object. */
export const buildPackages = [
  ...['clang', 'llvm', 'gcc', 'g++', 'make', 'libc6-dev', 'zlib1g-dev', 'pkg-config', 'python3'],
  ...['m4', 'flex', 'bison', 'gawk', 'dpkg-dev', 'patch', 'xz-utils', 'bzip2', 'ca-certificates'],
];

/** Real programs, virtual machines and checkers that the tests run. */
export const testPackages = [
  ...[
    'curl',
    'wrk',
    'nginx-light',
    'apache2',
    'python3',
    'bpftool',
    'clang-format',
    'util-linux',
    'iproute2',
  ],
  ...['mariadb-server', 'mariadb-client', 'kcat', 'openjdk-17-jre-headless'],
  ...['nghttp2-client', 'nghttp2-server', 'memcached'],
  ...['openssl', 'libssl-dev'],
  ...['qemu-system-x86', 'busybox-static', 'kmod', 'cpio'],
];

/** @param {readonly string[]} names @returns {string[]} those that are not installed */
function missingOf(names) {
  const { stdout } = spawnSync(
    'dpkg-query',
    ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names],
    {
      encoding: 'utf8',
    },
  );
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installing a server must not start it: invoke-rc.d asks this file. Removed afterwards when we made it. */
function withoutStartingServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/**
 * Makes sure that the packages are there.
 * @throws {SetupError} without apt, or without the rights to use it
 */
export function ensureSystemPackages(names, log) {
  if (spawnSync('dpkg-query', ['--version']).error !== undefined) {
    throw new SetupError(
      'this set-up installs what it needs with apt, and this machine has none',
      `install the equivalents of: ${names.join(' ')}; then set LIBTRACE_SKIP_APT=1`,
    );
  }
  const missing = missingOf(names);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `these system packages are missing: ${missing.join(' ')}`,
      `sudo ${command}`,
    );
  }
  log(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    withoutStartingServices(() => {
      apt('update');
      apt('install', '-y', '--no-install-recommends', ...missing);
    });
  } catch (cause) {
    throw new SetupError(
      `apt-get could not install: ${missing.join(' ')}`,
      `run by hand: ${command}`,
      { cause },
    );
  }
}
