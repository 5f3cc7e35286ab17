// SPDX-License-Identifier: Apache-2.0
import type { Exchange, Missing, ProtocolResult } from '@libtrace/core/plugin';
import { apiName, METADATA } from './apis.js';
import type { Body } from './body.js';
import { errorName, errorStatus } from './errors.js';
import type { KafkaFrame, KafkaRequestFrame, KafkaResponseFrame } from './frames.js';
import type { TopicIds } from './topic-ids.js';
import type { KafkaAttributes } from './types.js';

type Attributes = { -readonly [K in keyof KafkaAttributes]: KafkaAttributes[K] };
type Status = ProtocolResult['status'];

/** What is said when a response came without its request, so that its API is not known. */
const UNKNOWN_OPERATION = 'UNKNOWN';

/** `messaging.operation.type` by API key (OpenTelemetry's conventions for messaging). */
const operationTypes: ReadonlyMap<number, string> = new Map([
  [0, 'send'],
  [1, 'receive'],
  [78, 'receive'],
  [8, 'settle'],
  [28, 'settle'],
  [79, 'settle'],
]);

/** What a record says of an exchange: for `ProtocolPlugin.toRecord`. */
export function toRecord(
  exchange: Exchange<KafkaFrame>,
  topicIds: TopicIds,
): ProtocolResult<KafkaAttributes> | undefined {
  const request = exchange.request?.frame as KafkaRequestFrame | undefined;
  const response = exchange.response?.frame as KafkaResponseFrame | undefined;
  const first = request ?? response;
  if (first === undefined) return undefined;
  const attributes: Attributes = {
    'messaging.system': 'kafka',
    'libtrace.kafka.correlation_id': first.correlationId,
  };
  let operation = UNKNOWN_OPERATION;
  if (request !== undefined) {
    operation = apiName(request.apiKey);
    requestAttributes(attributes, request);
    subjects(attributes, request, response?.body, topicIds);
    amounts(attributes, request.body);
  }
  if (response !== undefined) amounts(attributes, response.body);
  const status = outcome(attributes, response);
  const missing = missingOf(request, response);
  return missing.length === 0
    ? { operation, status, attributes }
    : { operation, status, attributes, missing };
}

function requestAttributes(attributes: Attributes, request: KafkaRequestFrame): void {
  const { apiKey, apiVersion, clientId, body } = request;
  attributes['messaging.operation.name'] = apiName(apiKey);
  const type = operationTypes.get(apiKey);
  if (type !== undefined) attributes['messaging.operation.type'] = type;
  if (clientId !== undefined) attributes['messaging.client.id'] = clientId;
  attributes['libtrace.kafka.api_key'] = apiKey;
  attributes['libtrace.kafka.api_version'] = apiVersion;
  if (body.state === 'malformed') return;
  if (body.acks !== undefined) attributes['libtrace.kafka.acks'] = body.acks;
  if (body.transactionalId !== undefined) {
    attributes['libtrace.kafka.transactional_id'] = body.transactionalId;
  }
  if (body.saslMechanism !== undefined) {
    attributes['libtrace.kafka.sasl_mechanism'] = body.saslMechanism;
  }
}

/**
 * Topics, partitions and groups: those of the request, and of the response when the request names none (a fetch session,
 * KIP-227; offsets of all topics). Metadata of all topics is about none in particular.
 */
function subjects(
  attributes: Attributes,
  request: KafkaRequestFrame,
  answered: Body | undefined,
  topicIds: TopicIds,
): void {
  const asked = request.body;
  const readable = (body: Body | undefined): body is Body =>
    body !== undefined && body.state !== 'malformed';
  const own = readable(asked) ? asked : undefined;
  const other = readable(answered) && request.apiKey !== METADATA ? answered : undefined;
  const named = [own, other].find(
    (body) => body !== undefined && body.topics.length + body.topicIds.length > 0,
  );
  if (named !== undefined) topics(attributes, named, topicIds);
  const groups = own?.groups ?? [];
  if (groups.length > 0) attributes['messaging.consumer.group.name'] = groups[0]!;
  if (groups.length > 1) attributes['libtrace.kafka.groups'] = groups;
  const parted = named ?? own;
  if (parted === undefined || parted.state !== 'whole') return;
  if (parted.partitions === 1) {
    attributes['messaging.destination.partition.id'] = String(parted.partition);
  } else if (parted.partitions > 1) {
    attributes['libtrace.kafka.partition_count'] = parted.partitions;
  }
}

function topics(attributes: Attributes, body: Body, topicIds: TopicIds): void {
  const names = new Set(body.topics);
  const unknown: string[] = [];
  for (const id of body.topicIds) {
    const name = topicIds.nameOf(id);
    if (name === undefined) unknown.push(id);
    else names.add(name);
  }
  const [first] = names;
  if (first !== undefined) attributes['messaging.destination.name'] = first;
  if (names.size > 1) attributes['libtrace.kafka.topics'] = [...names];
  if (unknown.length > 0) attributes['libtrace.kafka.topic_ids'] = unknown;
}

/** Records, bytes, throttle time: each is in one of the two messages. */
function amounts(attributes: Attributes, body: Body): void {
  const { recordCount, recordBytes, throttleMs } = body;
  if (recordCount !== undefined) attributes['messaging.batch.message_count'] = recordCount;
  if (recordBytes !== undefined) attributes['libtrace.kafka.record_bytes'] = recordBytes;
  if (body.state === 'malformed' || throttleMs === undefined || throttleMs <= 0) return;
  attributes['libtrace.kafka.throttle_time_ms'] = throttleMs;
}

function outcome(attributes: Attributes, response: KafkaResponseFrame | undefined): Status {
  const code = response?.body.errorCode;
  if (code === undefined) return 'unknown';
  attributes['libtrace.kafka.error_code'] = code;
  if (code === 0) return 'ok';
  attributes['libtrace.kafka.error'] = attributes['error.type'] = errorName(code);
  return errorStatus(code);
}

/** What could not be read although its bytes were there: core says which were not. */
function missingOf(
  request: KafkaRequestFrame | undefined,
  response: KafkaResponseFrame | undefined,
): readonly Missing[] {
  const missing: Missing[] = [];
  if (request?.body.state === 'malformed') missing.push('request.body');
  if (response === undefined) return missing;
  const unseen = request !== undefined && response.apiKey === undefined;
  if (unseen || response.body.state === 'malformed') missing.push('response.body');
  return missing;
}
