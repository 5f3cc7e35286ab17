// SPDX-License-Identifier: Apache-2.0
import { accessSync, appendFileSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestFunction } from 'vitest';
import { goToolchain } from '../../../scripts/go-toolchains.mjs';
import { guestKernel } from './time-scale.js';

/** Looked at before PATH: the distribution's programs, not wrappers around them. */
const directories = [
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  ...(process.env['PATH'] ?? '').split(':'),
];

/** Full path of an installed program, or undefined. */
export function programPath(name: string): string | undefined {
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test was skipped. */
    reason?: string;
  }
}

/** `root`, `go 1.23`, or the name of a program. */
export type Requirement = string;

function missing(requirement: Requirement): string | undefined {
  if (requirement.startsWith('go ')) {
    const version = requirement.slice('go '.length);
    return goToolchain(version) === undefined
      ? `Go ${version} is not there: node scripts/go-toolchains.mjs fetches it`
      : undefined;
  }
  if (requirement !== 'root') {
    return programPath(requirement) === undefined ? `${requirement} is not installed` : undefined;
  }
  return process.getuid?.() === 0 ? undefined : 'live tracing needs root (CAP_BPF, CAP_PERFMON)';
}

/**
 * A test that needs root and some programs. Without them it is skipped and the reason printed at the end of the run;
 * with LIBTRACE_REQUIRE=all it fails.
 */
export function live(
  name: string,
  requirements: readonly Requirement[],
  body: TestFunction,
  timeoutMs?: number,
): void {
  const reasons = ['root', ...requirements].map(missing).filter((reason) => reason !== undefined);
  if (reasons.length === 0) {
    test(name, body, timeoutMs);
    return;
  }
  const why = reasons.join(', ');
  if (process.env['LIBTRACE_REQUIRE'] === 'all') {
    test(name, () => {
      throw new Error(`cannot be skipped with LIBTRACE_REQUIRE=all: ${why}`);
    });
    return;
  }
  skip(name, why, body);
}

/** As {@link live}, but not in guests: emulated kernels are slow, and there one scenario of each kind will do. */
export function liveOnHost(...args: Parameters<typeof live>): void {
  if (guestKernel === undefined) live(...args);
  else skip(args[0], 'emulated kernels are slow: the host shows it', args[2]);
}

function skip(name: string, why: string, body: TestFunction): void {
  test.skip(name, { meta: { reason: why } }, body);
  const file = process.env['LIBTRACE_SKIPPED'];
  if (file !== undefined) appendFileSync(file, `${name}: ${why}\n`);
}

/** Why tests of this run were skipped. */
export function skippedReasons(): readonly string[] {
  const file = process.env['LIBTRACE_SKIPPED'];
  if (file === undefined || !existsSync(file)) return [];
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}
