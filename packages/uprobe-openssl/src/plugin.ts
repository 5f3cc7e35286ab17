// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { defineUprobe, type CommonPluginOptions, type UprobePlugin } from '@libtrace/core/plugin';
import { inspect } from './inspect.js';

/** Options of {@link openssl}. */
export interface OpensslOptions extends CommonPluginOptions {
  /**
   * Paths of further libraries that may have OpenSSL in them, with its symbols: `/libnetty_tcnative.*\.so$/`. Default:
   * none. Libraries named `libssl.so…` and the main executables of all processes are always looked at.
   */
  readonly libraries?: RegExp;
}

/** `libssl.so.3`, `libssl.so.1.1`, `libssl-81ffa89e.so.1.1` as Python wheels have it; not `libssl3.so`, which is NSS. */
const libssl = /^libssl(?:-[0-9A-Za-z_]+)?\.so(?:\.|$)/;

/**
 * Plaintext of programs that use OpenSSL 1.1.0 to 3.x or BoringSSL, as a library or linked into the executable.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { http } from '@libtrace/proto-http';
 * import { openssl } from '@libtrace/uprobe-openssl';
 *
 * await using tracer = createTracer({ plugins: [http(), openssl()], target: { all: true } });
 * await tracer.attach();
 * for await (const { source, operation } of tracer) console.log(source, operation);
 * ```
 *
 * @param options where else to look
 */
export function openssl(options: OpensslOptions = {}): UprobePlugin<'openssl'> {
  const { libraries } = options;
  return defineUprobe({
    kind: 'uprobe',
    apiVersion: 1,
    name: 'openssl',
    bpf: { url: new URL('../bpf/openssl.bpf.o', import.meta.url) },
    wants: ({ path, isExecutable }) =>
      isExecutable || libssl.test(basename(path)) || (libraries !== undefined && matches(path)),
    inspect,
  });

  /** `test` of an expression with the flag `g` would go on where it stopped. */
  function matches(path: string): boolean {
    return path.search(libraries!) >= 0;
  }
}
