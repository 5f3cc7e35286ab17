// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, TracerOptions, TracerStats } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { mysql } from '@libtrace/proto-mysql';
import { openssl } from '@libtrace/uprobe-openssl';
import { expect } from 'vitest';
import { assertPrivate } from './assert-private.js';
import { privateRoot } from './private-programs.js';
import { Tracing } from './tracing.js';

type Options = Partial<TracerOptions<readonly AnyPlugin[]>>;

/** The protocols that are spoken over TLS here, and the source of their plaintext. */
export const tlsPlugins = (): readonly AnyPlugin[] => [
  http({ requestHeaders: ['x-n'], responseHeaders: ['x-id'] }),
  mysql(),
  openssl(),
];

/**
 * A tracer with sources of plaintext, attached to processes. All of them are private, and it may put probes into private
 * files only.
 */
export async function traceTls(pids: readonly number[], options: Options = {}): Promise<Tracing> {
  assertPrivate(...pids);
  return traceTlsOfShell(pids, options);
}

/** The same for a shell, which starts private programs only. */
export async function traceTlsOfShell(
  pids: readonly number[],
  { uprobes, ...options }: Options = {},
): Promise<Tracing> {
  process.env['LIBTRACE_PROBE_ONLY'] = privateRoot();
  return Tracing.attached({
    plugins: tlsPlugins(),
    ringBytes: 32 * 1024 * 1024,
    target: { pids },
    uprobes: { onlyBelow: [privateRoot()], ...uprobes },
    ...options,
  });
}

/** The books balance, and every plaintext connection has its socket. */
export async function expectTlsAccounted(tracing: Tracing): Promise<TracerStats> {
  const stats = await tracing.expectAccounted();
  expect(stats.pipeline.unboundConnections).toBe(0);
  return stats;
}
