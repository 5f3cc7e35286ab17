// SPDX-License-Identifier: Apache-2.0
import {
  compileRules,
  RulesTooLargeError,
  type Assembled,
  type NumberedPlugin,
} from '../inference/compile/index.js';
import type { Inferable } from '../inference/index.js';
import { stage } from './contract.gen.js';
import { windowLayout } from './window-layout.js';

/** Of bpf/maps.bpf.h: the slots from `stage.rulesNext` on are two banks of so many. */
const BANK_SLOTS = (stage.count - stage.rulesNext) / 2;

/** Slot of program `index` of a chain of rules, whose first one has a slot of its own. */
export function ruleSlot(bank: number, index: number): number {
  return index === 0 ? stage.rules : stage.rulesNext + bank * BANK_SLOTS + index - 1;
}

/**
 * Compiles rules for the socket tracer's pipeline.
 * @throws RulesTooLargeError
 */
export function compileForPipeline(
  plugins: readonly NumberedPlugin[],
  bank: number,
): readonly Assembled[] {
  return compileRules(plugins, {
    window: windowLayout,
    emitSlot: stage.emit,
    chainSlot: (index) => ruleSlot(bank, index),
    maxPrograms: BANK_SLOTS + 1,
  });
}

/**
 * Why the kernel cannot take the rules of these plugins together, without asking it; undefined when they fit. The plugins
 * must have been checked by {@link validatePlugin}.
 */
export function rulesProblem(plugins: readonly Inferable[]): string | undefined {
  try {
    compileForPipeline(
      plugins.map((plugin, i) => ({ plugin, number: i + 1 })),
      0,
    );
    return undefined;
  } catch (error) {
    if (error instanceof RulesTooLargeError) return error.message;
    throw error;
  }
}
