// SPDX-License-Identifier: Apache-2.0
import type { FuzzInput, FuzzStep } from './fuzz-input.js';

const maxTrials = 2000;

/** A smaller input that still fails: without steps and bytes that do not matter. Bounded: 2,000 trials. */
export function minimize(input: FuzzInput, fails: (input: FuzzInput) => boolean): FuzzInput {
  let smallest = keep(input);
  let trials = 0;
  const accept = (steps: readonly FuzzStep[]): boolean => {
    if (++trials > maxTrials) return false;
    const candidate = { ...smallest, steps };
    if (!fails(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let i = smallest.steps.length - 1; i >= 0; i--) {
    accept(smallest.steps.filter((_, index) => index !== i));
  }
  for (let i = 0; i < smallest.steps.length; i++) {
    for (let size = smallest.steps[i]!.bytes.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at + size <= smallest.steps[i]!.bytes.length && trials <= maxTrials;) {
        const { bytes } = smallest.steps[i]!;
        const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
        if (!accept(replace(smallest.steps, i, { bytes: shorter }))) at += size;
      }
    }
    if (smallest.steps[i]!.lost > 0) accept(replace(smallest.steps, i, { lost: 0 }));
  }
  return smallest;
}

/** A copy that may be kept: inputs share memory. */
export function keep(input: FuzzInput): FuzzInput {
  return {
    ...input,
    steps: input.steps.map((step) => ({ ...step, bytes: Buffer.from(step.bytes) })),
  };
}

function replace(
  steps: readonly FuzzStep[],
  index: number,
  change: Partial<FuzzStep>,
): readonly FuzzStep[] {
  return steps.map((step, i) => (i === index ? { ...step, ...change } : step));
}
