// SPDX-License-Identifier: Apache-2.0
export { openElf } from './open-elf.js';
export { planProbe } from './plan-probe.js';
export { inspectBinary } from './inspect-binary.js';
export type { PlanConditions, PlannedProbe } from './planned-probe.js';
