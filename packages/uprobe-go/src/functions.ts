// SPDX-License-Identifier: Apache-2.0
import type { ElfImage, FunctionRange } from '@libtrace/core/plugin';
import { findTableFunctions } from './pclntab/find-functions.js';
import { locatePclntab } from './pclntab/locate.js';
import { findTextBase } from './pclntab/text-base.js';

/** Where functions of a Go program are. */
export interface GoFunctions {
  /** By name; those that the program does not hold are absent. */
  readonly functions: ReadonlyMap<string, FunctionRange>;
  /** Where they were found: `symbols`, `.gopclntab (1.20)`. */
  readonly foundBy: string;
  /** Why they cannot be found, when they cannot. */
  readonly problem: string | undefined;
}

/** Finds functions by their full names, in the symbols or, in a stripped program, in the runtime's own table. */
export function findGoFunctions(image: ElfImage, names: readonly string[]): GoFunctions {
  const bySymbol = functionsOfSymbols(image, names);
  if (bySymbol.size > 0) return { functions: bySymbol, foundBy: 'symbols', problem: undefined };
  return functionsOfTable(image, names);
}

function functionsOfSymbols(
  image: ElfImage,
  names: readonly string[],
): ReadonlyMap<string, FunctionRange> {
  const functions = new Map<string, FunctionRange>();
  for (const name of names) {
    const symbol = image.symbol(name);
    if (symbol === undefined || !symbol.isFunction || symbol.size === 0) continue;
    functions.set(name, { name, address: symbol.address, size: symbol.size });
  }
  return functions;
}

function functionsOfTable(image: ElfImage, names: readonly string[]): GoFunctions {
  const table = locatePclntab(image);
  if (table === undefined) {
    return failed('symbols', 'it has neither symbols nor a table of functions (.gopclntab)');
  }
  const { header } = table;
  const foundBy = `${table.foundBy === 'search' ? 'table found by search' : table.foundBy} (format ${header.format})`;
  const { functions: found, problem } = findTableFunctions(image, table, names);
  if (problem !== undefined) return failed(foundBy, problem);
  if (found.size === 0) return { functions: new Map(), foundBy, problem: undefined };
  const base = findTextBase(image, table, [...found.values()]);
  if (base === undefined) {
    return failed(foundBy, 'no functions of Go begin where its table of functions says');
  }
  const functions = new Map<string, FunctionRange>();
  for (const [name, { entry, end }] of found) {
    functions.set(name, { name, address: base.address + entry, size: end - entry });
  }
  return { functions, foundBy: `${foundBy}, text by ${base.foundBy}`, problem: undefined };
}

function failed(foundBy: string, problem: string): GoFunctions {
  return { functions: new Map(), foundBy, problem };
}
