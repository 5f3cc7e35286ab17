// SPDX-License-Identifier: Apache-2.0
export {
  candidatesFor,
  carriedHeaderBytes,
  inferenceReach,
  matchAll,
  matchPlugin,
} from './candidates.js';
export type { Inferable, Match, MatchResult } from './candidates.js';
export { foreignProtocol, tlsRecord } from './foreign.js';
export { evaluate, reach } from './interpret.js';
export type { TestResult } from './interpret.js';
export { maxInferenceBytes, validatePlugin } from './validate-plugin.js';
export { inferFrom, inferWindow, isStream } from './window.js';
export type { InferenceEnds, InferenceWindow, WindowAnswer } from './window.js';
