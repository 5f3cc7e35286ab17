// SPDX-License-Identifier: Apache-2.0
export type {
  AttributeDefinition,
  AttributeType,
  RegisteredAttribute,
} from './attribute-definition.js';
export type { AttributeName } from './attribute-registry.js';
export type {
  ConnectionInfo,
  Direction,
  Endpoint,
  Role,
  TlsInfo,
  Transport,
} from './connection.js';
export type { ProcessIdentity } from './process.js';
export type { Attributes, Missing, RecordSource, RecordStatus, TraceRecord } from './record.js';
export type { HoleReason, Segment } from './segment.js';
