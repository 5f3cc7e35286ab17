// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import type { ElfImage, ElfSymbol, NoPlan, ProbePlan, ProbeSpec } from '@libtrace/core/plugin';
import { optionalFunctions, requiredFunctions, type LibraryFunction } from './functions.js';
import { findMarks } from './marks.js';

/** Registers of the first integer arguments: System V ABI for AMD64, procedure call standard for Arm 64. */
const argumentRegisters = {
  x86_64: ['rdi', 'rsi', 'rdx', 'rcx', 'r8'],
  aarch64: ['x0', 'x1', 'x2', 'x3', 'x4'],
} as const;

/** Where the library's functions are in a file; undefined when the file has nothing to do with it. */
export function inspect(image: ElfImage): ProbePlan | NoPlan | undefined {
  const symbol = image.symbol('SSL_read');
  if (symbol === undefined || !isDefined(symbol)) return withoutSymbols(image);
  const required = requiredFunctions.flatMap((each) => probesOf(image, each, false));
  const names = new Set(required.map(({ function: { name } }) => name));
  const missing = requiredFunctions.filter(({ name }) => !names.has(name));
  if (missing.length > 0) {
    return { reason: `no function ${missing.map(({ name }) => name).join(', ')} beside SSL_read` };
  }
  const optional = optionalFunctions.flatMap((each) => probesOf(image, each, true));
  const probed = new Set([...required, ...optional].map(({ function: { name } }) => name));
  const absent = optionalFunctions.filter(({ name }) => !probed.has(name));
  return {
    probes: [...required, ...optional],
    summary: `${libraryName(image)}, ${symbol.table} symbols`,
    details: [
      `functions: ${[...probed].join(', ')}`,
      ...(absent.length > 0 ? [`not there: ${absent.map(({ name }) => name).join(', ')}`] : []),
    ],
  };
}

function isDefined(symbol: ElfSymbol): boolean {
  return symbol.isFunction && symbol.fileOffset !== undefined;
}

type Probe = Extract<ProbeSpec, { readonly when: unknown }>;

function probesOf(image: ElfImage, wanted: LibraryFunction, optional: boolean): readonly Probe[] {
  const symbol = image.symbol(wanted.name);
  if (symbol === undefined || !isDefined(symbol)) return [];
  const shared = {
    function: { name: wanted.name, address: symbol.address, size: symbol.size },
    optional,
  };
  const registers = argumentRegisters[image.machine].slice(0, wanted.arguments);
  const entry: Probe = { ...shared, program: wanted.entry, when: 'entry', registers };
  if (wanted.return === undefined) return [entry];
  return [entry, { ...shared, program: wanted.return, when: 'return' }];
}

function libraryName(image: ElfImage): string {
  const { version } = findMarks(image);
  if (version !== undefined) return version;
  return image.binary.isExecutable ? 'OpenSSL' : `OpenSSL (${basename(image.binary.path)})`;
}

/** A file without the functions' names: of no interest, unless the library is visibly in it. */
function withoutSymbols(image: ElfImage): NoPlan | undefined {
  // What it uses is a file by itself.
  if (image.dynamic.needed.some((name) => name.startsWith('libssl.so'))) return undefined;
  // Go brings its own TLS, and much constant data.
  if (image.section('.note.go.buildid') !== undefined) return undefined;
  const { hasLibrary, version } = findMarks(image);
  if (!hasLibrary) return undefined;
  return {
    reason: `no symbol SSL_read: ${version ?? 'OpenSSL'} is linked statically, and its symbols were stripped`,
    remedy:
      'use a build that keeps symbols (link with -rdynamic, or do not strip), or one that uses the shared libssl',
  };
}
