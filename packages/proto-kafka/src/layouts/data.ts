// SPDX-License-Identifier: Apache-2.0
import {
  between,
  byte,
  error,
  from,
  group,
  idOfTopic,
  int,
  list,
  long,
  partition,
  records,
  rest,
  struct,
  text,
  throttle,
  topic,
  topicId,
  transactionalId,
  upTo,
  uuid,
  values,
  type Field,
  type Layout,
} from './field.js';

const acks: Field = { type: 'fixed', bytes: 2, role: 'acks' };
/** Of several brokers; only in responses. */
const endpoints = list(int, text, int, text);

/** APIs that move records and say where they are. */
export const dataLayouts: Readonly<Record<number, Layout>> = {
  // Produce: KIP-98, KIP-467, KIP-516
  0: {
    request: [
      from(3, transactionalId),
      acks,
      int,
      list(upTo(12, topic), from(13, topicId), list(partition, records)),
    ],
    response: [
      list(
        upTo(12, topic),
        from(13, topicId),
        list(
          partition,
          error,
          long,
          from(2, long),
          from(5, long),
          from(8, list(int, text)),
          from(8, text),
        ),
      ),
      from(1, throttle),
    ],
  },
  // Fetch: KIP-74, KIP-98, KIP-107, KIP-227, KIP-320, KIP-392, KIP-516, KIP-903
  1: {
    request: [
      upTo(14, int),
      int,
      int,
      from(3, int),
      from(4, byte),
      from(7, int),
      from(7, int),
      list(
        upTo(12, topic),
        from(13, topicId),
        list(partition, from(9, int), long, from(12, int), from(5, long), int),
      ),
      from(7, list(upTo(12, text), from(13, uuid), values(int))),
      from(11, text),
    ],
    response: [
      from(1, throttle),
      from(7, error),
      from(7, int),
      list(
        upTo(12, topic),
        from(13, topicId),
        list(
          partition,
          error,
          long,
          from(4, long),
          from(5, long),
          from(4, list(long, long)),
          from(11, int),
          records,
        ),
      ),
    ],
  },
  // ListOffsets: KIP-79, KIP-98, KIP-320, KIP-1075
  2: {
    request: [
      int,
      from(2, byte),
      list(topic, list(partition, from(4, int), long, upTo(0, int))),
      from(10, int),
    ],
    response: [
      from(2, throttle),
      list(
        topic,
        list(partition, error, upTo(0, values(long)), from(1, long), from(1, long), from(4, int)),
      ),
    ],
  },
  // Metadata: KIP-78, KIP-112, KIP-320, KIP-430, KIP-516, KIP-1102
  3: {
    request: [list(from(10, topicId), topic), from(4, byte), between(8, 10, byte), from(8, byte)],
    response: [
      from(3, throttle),
      list(int, text, int, from(1, text)),
      from(2, text),
      from(1, int),
      list(
        error,
        topic,
        from(10, idOfTopic),
        from(1, byte),
        list(error, int, int, from(7, int), values(int), values(int), from(5, values(int))),
        from(8, int),
      ),
      between(8, 10, int),
      from(13, error),
    ],
  },
  // DeleteRecords: KIP-107
  21: {
    request: [list(topic, list(partition, long)), int],
    response: [throttle, list(topic, list(partition, long, error))],
  },
  // OffsetForLeaderEpoch: KIP-101, KIP-279, KIP-320, KIP-392
  23: {
    request: [from(3, int), list(topic, list(partition, from(2, int), int))],
    response: [from(2, throttle), list(topic, list(error, partition, from(1, int), long))],
  },
  // DescribeTopicPartitions: KIP-966
  75: {
    request: [list(topic), rest],
    response: [
      throttle,
      list(
        error,
        topic,
        idOfTopic,
        byte,
        list(error, int, int, int, values(int), values(int), values(int), values(int), values(int)),
        int,
      ),
      rest,
    ],
  },
  // ShareFetch: KIP-932, KIP-1206, KIP-1222
  78: {
    request: [
      group,
      text,
      int,
      int,
      int,
      int,
      from(1, int),
      from(1, int),
      from(2, byte),
      from(2, byte),
      list(topicId, list(partition, upTo(0, int), list(long, long, values(byte)))),
      list(uuid, values(int)),
    ],
    response: [
      throttle,
      error,
      text,
      from(1, int),
      list(
        topicId,
        list(
          partition,
          error,
          text,
          error,
          text,
          struct(int, int),
          records,
          list(long, long, { type: 'fixed', bytes: 2 }),
        ),
      ),
      endpoints,
    ],
  },
  // ShareAcknowledge: KIP-932, KIP-1222
  79: {
    request: [
      group,
      text,
      int,
      from(2, byte),
      list(topicId, list(partition, list(long, long, values(byte)))),
    ],
    response: [
      throttle,
      error,
      text,
      from(2, int),
      list(topicId, list(partition, error, text, struct(int, int))),
      endpoints,
    ],
  },
};
