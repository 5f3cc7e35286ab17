// SPDX-License-Identifier: Apache-2.0
export * from './plugin/index.js';
export { attributeDefinition, attributeRegistry } from './model/attribute-registry.js';
export { errorCodes, LibtraceError } from './errors.js';
export type { ErrorCode, ErrorMeaning, ErrorPhase } from './errors.js';
export { createTracer } from './tracer/create-tracer.js';
export type {
  BinaryStatus,
  HookStatus,
  ProbeStatus,
  ProgramStatus,
  RecordingOptions,
  RecordOf,
  Tracer,
  TracerOptions,
  TracerReport,
  TracerState,
  TracerStats,
  TraceTarget,
  UprobeOptions,
} from './tracer/types.js';
export { Pipeline } from './stream/index.js';
export type { PipelineOptions, PipelineSource, PipelineStats, Verdict } from './stream/index.js';
export {
  newHeader as newRecordingHeader,
  openRecordingFile,
  RecordingDecoder,
  RecordingWriter,
} from './source/recording/index.js';
export type {
  RecordingCounters,
  RecordingFacts,
  RecordingHeader,
  RecordingSink,
  RecordingStats,
  RecordingSummary,
  RecordingWriterOptions,
} from './source/recording/index.js';
export { createReader } from './source/create-reader.js';
export type { Reader, ReaderOptions } from './source/create-reader.js';
export type { ReaderStats } from './source/offline-reader.js';
export type { CaptureDetails, CaptureFormat } from './source/offline-source.js';
export { validatePlugin } from './inference/validate-plugin.js';
export { validatePlugins } from './inference/validate-plugins.js';
export { PcapSource } from './source/pcap/index.js';
export type {
  CaptureInput,
  LeftOutReason,
  PacketCount,
  PcapOptions,
  PcapStats,
  TcpStats,
  UdpStats,
} from './source/pcap/index.js';
export { inspectBinary, openElf, planProbe } from './elf/index.js';
export type { PlanConditions, PlannedProbe } from './elf/index.js';
