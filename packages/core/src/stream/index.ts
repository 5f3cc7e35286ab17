// SPDX-License-Identifier: Apache-2.0
export { Pipeline } from './pipeline.js';
export type { PipelineOptions, PipelineSource, PipelineStats, Verdict } from './pipeline-types.js';
