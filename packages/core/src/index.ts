// SPDX-License-Identifier: Apache-2.0
export * from './plugin/index.js';
export { attributeDefinition, attributeRegistry } from './model/attribute-registry.js';
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
export { Pipeline } from './stream/index.js';
export type { PipelineOptions, PipelineSource, PipelineStats, Verdict } from './stream/index.js';
