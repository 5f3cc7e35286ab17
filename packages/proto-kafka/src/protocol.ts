// SPDX-License-Identifier: Apache-2.0
import { defineProtocol, type ProtocolPlugin } from '@libtrace/core/plugin';
import type { KafkaFrame } from './frames.js';
import { inference } from './inference.js';
import { isOneWay, KafkaParser } from './parser.js';
import { toRecord } from './record.js';
import { TopicIds } from './topic-ids.js';
import type { KafkaAttributes, KafkaOptions } from './types.js';

/** Clients may wait for minutes: for a rebalance, `max.poll.interval.ms`. Who gives up closes the connection. */
const TIMEOUT_MS = 600_000;

/**
 * The protocol of Apache Kafka (https://kafka.apache.org/protocol): one record for every request with its response.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { kafka } from '@libtrace/proto-kafka';
 *
 * await using tracer = createTracer({ plugins: [kafka()], target: { all: true } });
 * await tracer.attach();
 * for await (const { operation, attributes } of tracer) {
 *   console.log(operation, attributes['messaging.destination.name'], attributes['libtrace.kafka.error']);
 * }
 * ```
 *
 * Topic ids are resolved by the names that any connection of this plugin object has seen.
 *
 * @param options none has an effect: see {@link KafkaOptions}
 */
export function kafka(
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- nothing is hidden that could be shown
  options: KafkaOptions = {},
): ProtocolPlugin<'kafka', KafkaFrame, KafkaAttributes> {
  const topicIds = new TopicIds();
  const learn = topicIds.learn.bind(topicIds);
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: 'kafka',
    transports: ['tcp', 'tls', 'unix'],
    inference,
    matching: {
      mode: 'by-key',
      key: (frame: KafkaFrame) => frame.correlationId,
      oneWay: isOneWay,
      needsRequest: true,
    },
    timeoutMs: TIMEOUT_MS,
    createParser: () => new KafkaParser(learn),
    toRecord: (exchange) => toRecord(exchange, topicIds),
  });
}
