export type {
  CookieOption,
  KprobeOptions,
  TracepointOptions,
  UprobeMultiOptions,
  UprobeOptions,
  UsdtOptions,
} from './attach-options.js';
export { BpfLink } from './bpf-link.js';
export { BpfMap } from './bpf-map.js';
export type { UpdateFlag } from './bpf-map.js';
export { createMap } from './create-map.js';
export type { MapSpec } from './create-map.js';
export { BpfObject } from './bpf-object.js';
export type { OpenOptions } from './bpf-object.js';
export { BpfProgram } from './bpf-program.js';
export { BpfError, ERROR_CODES } from './errors.js';
export type { BpfErrorCode, BpfErrorDetails, ErrorMeaning } from './errors.js';
export { EventReader } from './event-reader.js';
export type { EventReaderOptions, EventReaderStats } from './event-reader.js';
export { features, probeFeature } from './features.js';
export type { FeatureName, Features } from './features.js';
export type { LoadReport, ProgramLoadResult } from './load-report.js';
export { PERF_EVENTS } from './perf-events.js';
export type { PerfEventOptions, PerfEventType } from './perf-events.js';
export { probeHelper, probeMapType, probeProgramType } from './probe.js';
export type { Probe } from './probe.js';
export type { ProgramInfo } from './program-info.js';
export { RawProgram } from './raw-program.js';
export type { RawProgramSpec } from './raw-program.js';
export { returnProbes, supportsUprobeMulti } from './return-probes.js';
export type { ReturnProbes } from './return-probes.js';
export { enableRunTimeStats, monotonicNs, possibleCpus } from './system.js';
export type { VariableValue } from './variable-encoding.js';
