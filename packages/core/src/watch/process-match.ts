// SPDX-License-Identifier: Apache-2.0
import type { UprobeOptions } from '../tracer/types.js';
import type { ProcessNames } from './procfs.js';

/** Which sources look into a process. */
export class ProcessMatch {
  readonly #all: ReadonlySet<string>;
  /** By source; those without an expression look into every process. */
  readonly #expressions: ReadonlyMap<string, RegExp>;

  constructor(match: UprobeOptions['match'], sources: Iterable<string>) {
    this.#all = new Set(sources);
    const expressions = new Map<string, RegExp>();
    for (const name of this.#all) {
      const one = match instanceof RegExp ? match : match?.[name];
      if (one !== undefined) expressions.set(name, one);
    }
    this.#expressions = expressions;
  }

  /** Names of the sources that look into a process. `names` is asked only when something depends on it. */
  sourcesFor(names: () => ProcessNames): ReadonlySet<string> {
    if (this.#expressions.size === 0) return this.#all;
    const { comm, exe, args } = names();
    return new Set(
      [...this.#all].filter((name) => {
        const expression = this.#expressions.get(name);
        return expression === undefined || [comm, exe, args].some((text) => test(expression, text));
      }),
    );
  }
}

/** Expressions with the flag g or y go on where the last match ended. */
function test(expression: RegExp, text: string): boolean {
  expression.lastIndex = 0;
  return expression.test(text);
}
