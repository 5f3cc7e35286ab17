// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { FunctionProbe } from '../plugin/uprobe.js';

/** Where a probe is to be placed. */
export interface PlannedProbe {
  /** Where the instruction is in the file. */
  readonly fileOffset: number;
  /** `entry`: runs once at each call. `return`: a return probe of the kernel. `site`: at one of the return instructions. */
  readonly kind: 'entry' | 'return' | 'site';
  /** The instruction there, as people write it. */
  readonly instruction: string;
  /** Whether the kernel emulates the instruction (about 0.5 µs a hit) or steps over it (up to 9 µs). */
  readonly cost: 'emulated' | 'stepped';
  /** Why there: what it costs, and what was passed over. */
  readonly why: string;
}

/** What the kernel allows, and what is wanted. */
export interface PlanConditions {
  /** The kernel's return probes (uretprobes) harm no program. */
  readonly safeReturnProbes: boolean;
  /** `cheapest` (default), or `naive`: always the first instruction of the function, for benchmarks. */
  readonly choice?: 'cheapest' | 'naive';
}

/** An instruction of a function that was chosen for a probe. */
export interface ChosenPlace {
  /** Virtual address. */
  readonly address: number;
  /** As people write it. */
  readonly instruction: string;
  /** As {@link PlannedProbe.cost}. */
  readonly cost: PlannedProbe['cost'];
  /** As {@link PlannedProbe.why}. */
  readonly why: string;
}

/** The ways out of a function that probes can be placed at. */
export interface ReturnSites {
  /** Its return instructions. */
  readonly sites: readonly ChosenPlace[];
  /** Why there may be other ways out, when there may be: `it may leave by jmp rax at +0x6e`. */
  readonly others: string | undefined;
}

/** A function with its code. */
export interface CodeOfFunction {
  /** For messages. */
  readonly name: string;
  /** Virtual address. */
  readonly address: number;
  /** All of its bytes. */
  readonly bytes: Buffer;
}

/** More return instructions than this are not probed one by one. */
export const maxReturnSites = 256;

/** A function that cannot be probed safely. */
export function cannotProbe(probe: Pick<FunctionProbe, 'function'>, why: string): LibtraceError {
  return new LibtraceError('ERR_UPROBE_ATTACH', `${probe.function.name}: ${why}`, {
    phase: 'attach',
  });
}

/** A distance from the first instruction as people write it: `+0x1b`. */
export function distance(from: number, to: number): string {
  return `+0x${(to - from).toString(16)}`;
}
