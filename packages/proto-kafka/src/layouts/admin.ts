// SPDX-License-Identifier: Apache-2.0
import {
  byte,
  bytes,
  error,
  from,
  idOfTopic,
  int,
  list,
  long,
  partition,
  resourceName,
  resourceType,
  rest,
  short,
  text,
  throttle,
  throttledError,
  topic,
  topicId,
  unread,
  upTo,
  values,
  type Field,
  type Layout,
} from './field.js';

const saslMechanism: Field = { type: 'text', role: 'sasl-mechanism' };
const opaque = [rest];

/** APIs of administration, authentication and negotiation. */
export const adminLayouts: Readonly<Record<number, Layout>> = {
  // SaslHandshake: KIP-43. The bytes of SASL itself are never looked at.
  17: { request: [saslMechanism], response: [error, values(text)] },
  // ApiVersions: KIP-35, KIP-511
  18: {
    request: [from(3, text), from(3, text), from(5, rest)],
    response: [error, list(short, short, short), from(1, throttle)],
  },
  // CreateTopics: KIP-4, KIP-525, KIP-516
  19: {
    request: [
      list(topic, int, short, list(int, values(int)), list(text, text)),
      int,
      from(1, byte),
    ],
    response: [
      from(2, throttle),
      list(
        topic,
        from(7, idOfTopic),
        error,
        from(1, text),
        from(5, int),
        from(5, short),
        from(5, list(text, text, byte, byte, byte)),
      ),
    ],
  },
  // DeleteTopics: KIP-4, KIP-516
  20: {
    request: [upTo(5, values(topic)), from(6, list(topic, topicId)), int],
    response: [from(1, throttle), list(topic, from(6, idOfTopic), error, from(5, text))],
  },
  // DescribeAcls, CreateAcls, DeleteAcls: KIP-140, KIP-290
  29: { request: opaque, response: throttledError },
  30: { request: opaque, response: [throttle, list(error, text)] },
  31: {
    request: opaque,
    response: [
      throttle,
      list(error, text, list(error, text, byte, text, from(1, byte), text, text, byte, byte)),
    ],
  },
  // DescribeConfigs: KIP-133, KIP-226, KIP-569
  32: {
    request: [list(resourceType, resourceName, values(text)), from(1, byte), from(3, byte)],
    response: [
      throttle,
      list(
        error,
        text,
        byte,
        text,
        list(
          text,
          text,
          byte,
          byte,
          byte,
          from(1, list(text, text, byte)),
          from(3, byte),
          from(3, text),
        ),
      ),
    ],
  },
  // AlterConfigs: KIP-133
  33: {
    request: [list(resourceType, resourceName, list(text, text)), byte],
    response: [throttle, list(error, text, byte, text)],
  },
  // AlterReplicaLogDirs, DescribeLogDirs: KIP-113, KIP-827
  34: { request: opaque, response: [throttle, list(topic, list(partition, error))] },
  35: {
    request: opaque,
    response: [
      throttle,
      from(3, error),
      upTo(
        4,
        list(error, text, list(text, list(int, long, long, byte)), from(4, long), from(4, long)),
      ),
      from(5, unread),
    ],
  },
  // SaslAuthenticate: KIP-152, KIP-368
  36: { request: [bytes], response: [error, text, bytes, from(1, long)] },
  // CreatePartitions: KIP-195
  37: {
    request: [list(topic, int, list(values(int))), int, byte],
    response: [throttle, list(topic, error, text)],
  },
  // Delegation tokens: KIP-48. Their responses hold secrets.
  38: { request: opaque, response: [error, rest] },
  39: { request: opaque, response: [error, long, throttle] },
  40: { request: opaque, response: [error, long, throttle] },
  41: { request: opaque, response: [error, rest] },
  // ElectLeaders: KIP-183, KIP-460
  43: {
    request: [from(1, byte), list(topic, values(partition)), int],
    response: [throttle, from(1, error), list(topic, list(partition, error, text))],
  },
  // IncrementalAlterConfigs: KIP-339
  44: {
    request: [list(resourceType, resourceName, list(text, byte, text)), byte],
    response: [throttle, list(error, text, byte, text)],
  },
  // AlterPartitionReassignments, ListPartitionReassignments: KIP-455, KIP-860
  45: {
    request: [upTo(0, int), upTo(0, list(topic, list(partition, values(int)))), from(1, rest)],
    response: [
      throttle,
      upTo(0, error),
      upTo(0, text),
      upTo(0, list(topic, list(partition, error, text))),
      from(1, unread),
    ],
  },
  46: { request: [int, list(topic, values(partition))], response: throttledError },
  // DescribeClientQuotas, AlterClientQuotas: KIP-546
  48: { request: opaque, response: throttledError },
  49: { request: opaque, response: [throttle, list(error, text, list(text, text))] },
  // DescribeUserScramCredentials, AlterUserScramCredentials: KIP-554
  50: {
    request: opaque,
    response: [throttle, error, text, list(text, error, text, list(byte, int))],
  },
  51: { request: opaque, response: [throttle, list(text, error, text)] },
  // GetTelemetrySubscriptions, PushTelemetry: KIP-714
  71: { request: opaque, response: throttledError },
  72: { request: opaque, response: throttledError },
  // ListConfigResources: KIP-1142
  74: { request: opaque, response: throttledError },
};
