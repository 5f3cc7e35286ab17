// SPDX-License-Identifier: Apache-2.0
export { run } from './run.js';
export { CliError, commandErrorCodes, exitStatus } from './cli-error.js';
export type { Dependencies, Feature, SignalSource, Tracing } from './dependencies.js';
export { createColors } from './format/colors.js';
export type { Colors } from './format/colors.js';
export { formatJsonLine, toRecordJson } from './format/json-line.js';
export type { RecordJson } from './format/json-line.js';
export { PrettyFormatter } from './format/pretty-line.js';
export type { AnyRecord } from './format/record-parts.js';
export { escapeText } from './format/terminal-text.js';
export { LineWriter } from './output/line-writer.js';
export type { ByteSink } from './output/byte-sink.js';
export { CallGroups } from './summary/call-groups.js';
export type { CallGroup } from './summary/call-groups.js';
export { DurationHistogram } from './summary/histogram.js';
export { renderSummary } from './summary/render-summary.js';
export type { SummaryInput } from './summary/render-summary.js';
