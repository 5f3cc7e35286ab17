// SPDX-License-Identifier: Apache-2.0
export type { Assembled, MapName } from './assembler.js';
export { compileRules, RulesTooLargeError } from './compile-rules.js';
export type { NumberedPlugin, RuleTarget } from './compile-rules.js';
export type { WindowLayout } from './window-layout.js';
