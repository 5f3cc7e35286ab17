// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import {
  defineUprobe,
  type ElfImage,
  type FunctionProbe,
  type NoPlan,
  type ProbePlan,
  type UprobePlugin,
} from '@libtrace/core/plugin';

/** Plaintext of programs that use libtoytls. */
export function toytls(): UprobePlugin<'toytls'> {
  return defineUprobe({
    kind: 'uprobe',
    apiVersion: 1,
    name: 'toytls',
    bpf: { url: new URL('../bpf/toytls.bpf.o', import.meta.url) },
    wants: ({ path }) => basename(path).startsWith('libtoytls.so'),
    inspect,
  });
}

function inspect(image: ElfImage): ProbePlan | NoPlan {
  const read = rangeOf(image, 'toy_read');
  const write = rangeOf(image, 'toy_write');
  const free = rangeOf(image, 'toy_free');
  if (read === undefined || write === undefined || free === undefined) {
    return { reason: 'toy_read, toy_write and toy_free are not all there' };
  }
  return {
    probes: [
      { program: 'read_enter', function: read, when: 'entry' },
      { program: 'call_return', function: read, when: 'return' },
      { program: 'write_enter', function: write, when: 'entry' },
      { program: 'call_return', function: write, when: 'return' },
      { program: 'free_enter', function: free, when: 'entry' },
    ],
    summary: 'libtoytls, dynamic symbols',
  };
}

function rangeOf(image: ElfImage, name: string): FunctionProbe['function'] | undefined {
  const symbol = image.symbol(name);
  if (symbol?.isFunction !== true || symbol.fileOffset === undefined) return undefined;
  return { name, address: symbol.address, size: symbol.size };
}
