// SPDX-License-Identifier: Apache-2.0
import { Script } from 'node:vm';

/** Code did not return in time and was stopped. */
export class Hang extends Error {
  override readonly name = 'Hang';
}

const slot = Symbol.for('libtrace.testkit.watched');
const script = new Script('globalThis[Symbol.for("libtrace.testkit.watched")]()');

/**
 * Calls a function that may never return. Costs a thread: wrap batches, not single calls.
 * @throws Hang after `limitMs`; what the function throws.
 */
export function withinTime<T>(limitMs: number, call: () => T): T {
  const outer: unknown = Reflect.get(globalThis, slot);
  Reflect.set(globalThis, slot, call);
  try {
    return script.runInThisContext({ timeout: limitMs }) as T;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new Hang(`did not return within ${limitMs} ms`);
    }
    throw error;
  } finally {
    Reflect.set(globalThis, slot, outer);
  }
}
