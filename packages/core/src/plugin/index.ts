// SPDX-License-Identifier: Apache-2.0
export type * from '../model/index.js';
export { ByteView } from './byte-view.js';
export type { Field, Inference, InferenceRule, Length, Operand, Test } from './inference.js';
export { defineProtocol } from './protocol.js';
export type {
  AnyPlugin,
  AnyProtocol,
  CommonPluginOptions,
  EmitPair,
  Exchange,
  FrameParser,
  Matcher,
  MatcherAbsence,
  Matching,
  Message,
  ParseResult,
  PluginApiVersion,
  PluginFactory,
  ProtocolPlugin,
  ProtocolResult,
  Side,
} from './protocol.js';
export { defineUprobe } from './uprobe.js';
export type {
  AddressProbe,
  BinaryRef,
  BpfObjectRef,
  ElfImage,
  ElfSection,
  ElfSymbol,
  FunctionProbe,
  FunctionRange,
  Machine,
  NoPlan,
  ProbePlan,
  ProbeSpec,
  UprobePlugin,
  UsdtPlace,
} from './uprobe.js';
