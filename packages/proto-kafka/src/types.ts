// SPDX-License-Identifier: Apache-2.0
import type { CommonPluginOptions } from '@libtrace/core/plugin';

/**
 * Options of {@link kafka}. There is nothing to show that is hidden: keys, values and headers of records, and the bytes
 * of SASL, are never read.
 */
export type KafkaOptions = CommonPluginOptions;

/** Attributes of a Kafka record. A key is absent when its value is not known, or means nothing for the API. */
export interface KafkaAttributes {
  /** `kafka`. */
  readonly 'messaging.system': string;
  /** Name of the API, as the protocol guide writes it: `Produce`; `API_123` for one that is not known. */
  readonly 'messaging.operation.name'?: string;
  /** `send` (Produce), `receive` (Fetch, ShareFetch) or `settle` (OffsetCommit, TxnOffsetCommit, ShareAcknowledge). */
  readonly 'messaging.operation.type'?: string;
  /** The topic; the first one when there are several. */
  readonly 'messaging.destination.name'?: string;
  /** The partition, when the request is about exactly one. */
  readonly 'messaging.destination.partition.id'?: string;
  /** `client.id` of the request. */
  readonly 'messaging.client.id'?: string;
  /** The group; the first one when there are several. */
  readonly 'messaging.consumer.group.name'?: string;
  /** Records in a Produce request or a Fetch response, by the headers of their batches; without transaction markers. */
  readonly 'messaging.batch.message_count'?: number;
  /** Name of the error code, when there is one: that of `libtrace.kafka.error`. */
  readonly 'error.type'?: string;
  /** Number of the API. */
  readonly 'libtrace.kafka.api_key'?: number;
  /** Version of the API that the request is written in. */
  readonly 'libtrace.kafka.api_version'?: number;
  /** Number that the response repeats. */
  readonly 'libtrace.kafka.correlation_id': number;
  /** First error code of the response that is not 0, of the whole or of a part; 0 when there is none. */
  readonly 'libtrace.kafka.error_code'?: number;
  /** Name of that code: `UNKNOWN_TOPIC_OR_PARTITION`; `ERROR_134` for one that is not known. */
  readonly 'libtrace.kafka.error'?: string;
  /** The topics, when there are several: the first 64. */
  readonly 'libtrace.kafka.topics'?: readonly string[];
  /** Ids of topics whose names are not known, as Kafka writes them: base64url. The first 64. */
  readonly 'libtrace.kafka.topic_ids'?: readonly string[];
  /** Partitions that the request is about, when it is not exactly one. */
  readonly 'libtrace.kafka.partition_count'?: number;
  /** The groups, when there are several: the first 64. */
  readonly 'libtrace.kafka.groups'?: readonly string[];
  /** Transactional id of the request. */
  readonly 'libtrace.kafka.transactional_id'?: string;
  /** Acknowledgements that a Produce request waits for: -1 of all in-sync replicas, 0 none, 1 of the leader. */
  readonly 'libtrace.kafka.acks'?: number;
  /** Bytes of record batches in a Produce request or a Fetch response, as sent. */
  readonly 'libtrace.kafka.record_bytes'?: number;
  /** How long the broker throttled the client, in milliseconds, when it did. */
  readonly 'libtrace.kafka.throttle_time_ms'?: number;
  /** Mechanism that a SaslHandshake asks for. */
  readonly 'libtrace.kafka.sasl_mechanism'?: string;
}
