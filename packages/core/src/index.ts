// SPDX-License-Identifier: Apache-2.0
export * from './plugin/index.js';
export { errorCodes, LibtraceError } from './errors.js';
export type { ErrorCode, ErrorMeaning, ErrorPhase } from './errors.js';
export { createTracer } from './tracer/create-tracer.js';
export type {
  AnyPlugin,
  HookStatus,
  ProgramStatus,
  RecordOf,
  Tracer,
  TracerOptions,
  TracerReport,
  TracerState,
  TracerStats,
  TraceTarget,
} from './tracer/types.js';
