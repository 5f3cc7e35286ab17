// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LibtraceError } from '../errors.js';

/** Path of a compiled BPF object of this package, seen from `dist/` and from `src/kernel/`. */
export function objectPath(name: string): string {
  for (const relative of ['../bpf/', '../../bpf/']) {
    const path = fileURLToPath(new URL(`${relative}${name}.bpf.o`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new LibtraceError(
    'ERR_BPF_OBJECT_MISSING',
    `${name}.bpf.o is not in the package @libtrace/core`,
    {
      phase: 'load',
      remedy: 'in a clone run `npm run setup`; otherwise reinstall @libtrace/core',
    },
  );
}
