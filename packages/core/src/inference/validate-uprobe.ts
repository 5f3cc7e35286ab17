// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { UprobePlugin } from '../plugin/index.js';

/**
 * Checks a source of plaintext that may come from plain JavaScript.
 * @throws LibtraceError `ERR_PLUGIN_INVALID` that names the plugin and the field.
 */
export function validateUprobe(plugin: object): asserts plugin is UprobePlugin {
  const fields = plugin as Partial<Record<keyof UprobePlugin, unknown>>;
  const name = typeof fields.name === 'string' ? fields.name : '?';
  const check = (holds: boolean, field: string, wanted: string): void => {
    if (holds) return;
    throw new LibtraceError('ERR_PLUGIN_INVALID', `plugin ${name}: ${field} is not ${wanted}`, {
      phase: 'validate',
      plugin: name,
      remedy: `${field} must be ${wanted}; make sources of plaintext with defineUprobe, which checks types`,
    });
  };
  check(fields.apiVersion === 1, 'apiVersion', '1');
  check(/^[a-z][a-z0-9-]*$/.test(name), 'name', 'lower-case letters, digits and dashes');
  check(
    !['syscall', 'pcap', 'recording'].includes(name),
    'name',
    'another word than syscall, pcap and recording',
  );
  const bpf = fields.bpf as { readonly url?: unknown } | undefined;
  check(bpf?.url instanceof URL, 'bpf.url', 'a URL: new URL("../bpf/x.bpf.o", import.meta.url)');
  check(typeof fields.wants === 'function', 'wants', 'a function');
  check(typeof fields.inspect === 'function', 'inspect', 'a function');
}
