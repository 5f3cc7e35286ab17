// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { go } from '@libtrace/uprobe-go';
import { assertPrivate } from '../../harness/assert-private.js';
import { traceTls } from '../../harness/tls-tracing.js';
import { until } from '../../harness/time-scale.js';
import type { Tracing } from '../../harness/tracing.js';

/** HTTP, with the headers that carry the number of a request, above Go's TLS. */
const plugins = (): readonly AnyPlugin[] => [
  http({ requestHeaders: ['x-n'], responseHeaders: ['x-id'] }),
  go(),
];

/** A tracer of Go programs, attached to nothing yet. */
export function traceGo(options: Parameters<typeof traceTls>[1] = {}): Promise<Tracing> {
  return traceTls([], { plugins: plugins(), ...options });
}

/** Processes that already run are traced: their programs have been looked into, and the probes are in place. */
export async function attachedTo(tracing: Tracing, ...pids: readonly number[]): Promise<void> {
  assertPrivate(...pids);
  tracing.addPids(...pids);
  await until('probes are in place', () => {
    const { binaries } = tracing.tracer.report();
    const failed = binaries.find(({ attached }) => !attached);
    if (failed !== undefined) throw new Error(`${failed.path}: ${failed.reason ?? 'no reason'}`);
    return binaries.reduce((sum, { processes }) => sum + processes, 0) >= pids.length;
  });
}
