// SPDX-License-Identifier: Apache-2.0
export { checkPlugin, checks } from './check-plugin.js';
export type { CheckName, CheckOptions, CheckResult, PluginReport } from './check-plugin.js';
export type { Effort, Finding } from './checks/context.js';
export { confusionMatrix, formatConfusionMatrix } from './confusion/confusion-matrix.js';
export type {
  ConfusionCell,
  ConfusionCounts,
  ConfusionMatrix,
  ConfusionRow,
} from './confusion/confusion-matrix.js';
export { formatFixture, parseFixture } from './fixture/fixture-json.js';
export type { FixtureJson, StepJson } from './fixture/fixture-json.js';
export { conversation } from './fixture/fixture.js';
export type {
  ConversationOptions,
  ExpectedRecord,
  Fixture,
  Sender,
  Step,
  StepInput,
} from './fixture/fixture.js';
export { readCapture, readFixture, readFixtures, readRecording } from './fixture/read-fixture.js';
export { foreignConversation, foreignConversations } from './foreign/index.js';
export type { ForeignConversation } from './foreign/index.js';
export { fuzzPlugin } from './fuzz/fuzz-plugin.js';
export type { FuzzOptions, FuzzReport } from './fuzz/fuzz-plugin.js';
export type { DamageRules } from './judge/damage-rules.js';
export { conformanceTests } from './report/conformance-tests.js';
export type { TestFramework } from './report/conformance-tests.js';
export { expectRecords } from './report/expect-records.js';
export type { RecordExpectations } from './report/expect-records.js';
export { formatFinding, formatReport } from './report/format-report.js';
export { runFixture } from './run/run-fixture.js';
export type { Hole, LateStart, Place, RandomChunks, Variation } from './run/variation.js';
