// SPDX-License-Identifier: Apache-2.0
import type { RegisteredAttribute } from '../attribute-definition.js';

/** Attributes of messaging systems: Kafka. */
export const messagingAttributes = {
  'messaging.system': {
    type: 'string',
    description: '`kafka`.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
    always: true,
  },
  'messaging.operation.name': {
    type: 'string',
    description:
      'Name of the API: `Produce`, `Fetch`, `OffsetCommit`; `API_123` for one that is not known.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.operation.type': {
    type: 'string',
    description:
      '`send` for Produce, `receive` for fetching, `settle` for committing and acknowledging; absent for others.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.destination.name': {
    type: 'string',
    description: 'The topic; the first one when there are several.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.destination.partition.id': {
    type: 'string',
    description: 'The partition, when the request is about one.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.client.id': {
    type: 'string',
    description: '`client_id` of the request.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.consumer.group.name': {
    type: 'string',
    description: 'The consumer group; the first one when there are several.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'messaging.batch.message_count': {
    type: 'number',
    unit: '{message}',
    description:
      'Records in a Produce request or a Fetch response, by the headers of their batches.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['kafka'],
  },
  'libtrace.kafka.api_key': {
    type: 'number',
    description: 'Number of the API.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.api_version': {
    type: 'number',
    description: 'Version of the API that the request is written in.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.correlation_id': {
    type: 'number',
    description: 'Number that the response repeats.',
    origin: 'libtrace',
    protocols: ['kafka'],
    always: true,
  },
  'libtrace.kafka.error_code': {
    type: 'number',
    description:
      'First error code of the response that is not 0, of the whole or of a part; 0 when there is none.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.error': {
    type: 'string',
    description:
      'Name of that code: `UNKNOWN_TOPIC_OR_PARTITION`; `ERROR_134` for one that is not known.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.topics': {
    type: 'string[]',
    description: 'The topics, when there are several; the first 64.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.topic_ids': {
    type: 'string[]',
    description:
      'Ids of topics whose names are not known, as Kafka writes them: base64url; the first 64.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.partition_count': {
    type: 'number',
    unit: '{partition}',
    description: 'Partitions that the request is about, when they are not one.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.groups': {
    type: 'string[]',
    description: 'The consumer groups, when there are several; the first 64.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.transactional_id': {
    type: 'string',
    description: 'Transactional id of the request.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.acks': {
    type: 'number',
    description:
      'Acknowledgements that a Produce request asks for: -1 of all replicas, 0 none, 1 of the leader.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.record_bytes': {
    type: 'number',
    unit: 'By',
    description: 'Record batches in a Produce request or a Fetch response, as sent.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.throttle_time_ms': {
    type: 'number',
    unit: 'ms',
    description: 'How long the broker throttled the client, when it did.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
  'libtrace.kafka.sasl_mechanism': {
    type: 'string',
    description: 'Mechanism that SaslHandshake asks for.',
    origin: 'libtrace',
    protocols: ['kafka'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;
