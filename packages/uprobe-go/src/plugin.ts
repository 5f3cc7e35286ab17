// SPDX-License-Identifier: Apache-2.0
import { defineUprobe } from '@libtrace/core/plugin';
import type { UprobePlugin } from '@libtrace/core/plugin';
import { planGoProgram } from './plan.js';

/**
 * Plaintext of programs that speak TLS by Go's own crypto/tls, with symbols or stripped.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { http } from '@libtrace/proto-http';
 * import { go } from '@libtrace/uprobe-go';
 *
 * await using tracer = createTracer({ plugins: [http(), go()], target: { all: true } });
 * await tracer.attach();
 * ```
 */
export function go(): UprobePlugin<'go'> {
  return defineUprobe({
    kind: 'uprobe',
    apiVersion: 1,
    name: 'go',
    bpf: { url: new URL('../bpf/go.bpf.o', import.meta.url) },
    // Libraries that were made by Go (-buildmode=c-shared) are rare, and every other one would have to be opened.
    wants: ({ isExecutable }) => isExecutable,
    inspect: planGoProgram,
  });
}
