// SPDX-License-Identifier: Apache-2.0
import {
  between,
  byte,
  bytes,
  error,
  from,
  group,
  int,
  list,
  long,
  partition,
  rest,
  short,
  struct,
  text,
  throttle,
  throttledError,
  topic,
  topicId,
  unread,
  upTo,
  uuid,
  values,
  type Field,
  type Layout,
} from './field.js';

const coordinatorKey: Field = { type: 'text', role: 'coordinator-key' };
const coordinatorType: Field = { type: 'fixed', bytes: 1, role: 'coordinator-type' };
/** Topics and partitions that a member has. */
const assignment = struct(list(uuid, text, values(int)));
const stateResult: readonly Field[] = [list(topicId, list(partition, error, text))];

/** APIs of consumer, share and streams groups. */
export const groupLayouts: Readonly<Record<number, Layout>> = {
  // OffsetCommit: KIP-211, KIP-320, KIP-345, KIP-848
  8: {
    request: [
      group,
      from(1, int),
      from(1, text),
      from(7, text),
      between(2, 4, long),
      list(
        upTo(9, topic),
        from(10, topicId),
        list(partition, long, from(6, int), between(1, 1, long), text),
      ),
    ],
    response: [from(3, throttle), list(upTo(9, topic), from(10, topicId), list(partition, error))],
  },
  // OffsetFetch: KIP-88, KIP-320, KIP-447, KIP-709, KIP-848
  9: {
    request: [
      upTo(7, group),
      upTo(7, list(topic, values(partition))),
      from(
        8,
        list(
          group,
          from(9, text),
          from(9, int),
          list(upTo(9, topic), from(10, topicId), values(partition)),
        ),
      ),
      from(7, byte),
    ],
    response: [
      from(3, throttle),
      upTo(7, list(topic, list(partition, long, from(5, int), text, error))),
      between(2, 7, error),
      from(
        8,
        list(
          group,
          list(upTo(9, topic), from(10, topicId), list(partition, long, int, text, error)),
          error,
        ),
      ),
    ],
  },
  // FindCoordinator: KIP-98, KIP-699
  10: {
    request: [upTo(3, coordinatorKey), from(1, coordinatorType), from(4, values(coordinatorKey))],
    response: [
      from(1, throttle),
      upTo(3, error),
      between(1, 3, text),
      upTo(3, int),
      upTo(3, text),
      upTo(3, int),
      from(4, list(text, int, text, int, error, text)),
    ],
  },
  // JoinGroup: KIP-62, KIP-345, KIP-559, KIP-800, KIP-814
  11: {
    request: [
      group,
      int,
      from(1, int),
      text,
      from(5, text),
      text,
      list(text, bytes),
      from(8, text),
    ],
    response: [
      from(2, throttle),
      error,
      int,
      from(7, text),
      text,
      text,
      from(9, byte),
      text,
      list(text, from(5, text), bytes),
    ],
  },
  // Heartbeat: KIP-345
  12: { request: [group, int, text, from(3, text)], response: [from(1, throttle), error] },
  // LeaveGroup: KIP-345, KIP-800
  13: {
    request: [group, upTo(2, text), from(3, list(text, text, from(5, text)))],
    response: [from(1, throttle), error, from(3, list(text, text, error))],
  },
  // SyncGroup: KIP-345, KIP-559
  14: {
    request: [group, int, text, from(3, text), from(5, text), from(5, text), list(text, bytes)],
    response: [from(1, throttle), error, from(5, text), from(5, text), bytes],
  },
  // DescribeGroups: KIP-345, KIP-430, KIP-1043
  15: {
    request: [values(group), from(3, byte)],
    response: [
      from(1, throttle),
      list(
        error,
        from(6, text),
        text,
        text,
        text,
        text,
        list(text, from(4, text), text, text, bytes, bytes),
        from(3, int),
      ),
    ],
  },
  // ListGroups: KIP-518, KIP-848
  16: {
    request: [from(4, values(text)), from(5, values(text))],
    response: [from(1, throttle), error, list(text, text, from(4, text), from(5, text))],
  },
  // DeleteGroups: KIP-229
  42: { request: [values(group)], response: [throttle, list(text, error)] },
  // OffsetDelete: KIP-496
  47: {
    request: [group, list(topic, list(partition))],
    response: [error, throttle, list(topic, list(partition, error))],
  },
  // ConsumerGroupHeartbeat: KIP-848
  68: {
    request: [
      group,
      text,
      int,
      text,
      text,
      int,
      values(topic),
      from(1, text),
      text,
      list(uuid, values(int)),
    ],
    response: throttledError,
  },
  // ConsumerGroupDescribe: KIP-848, KIP-1099
  69: {
    request: [values(group), byte],
    response: [
      throttle,
      list(
        error,
        text,
        text,
        text,
        int,
        int,
        text,
        list(
          text,
          text,
          text,
          int,
          text,
          text,
          values(text),
          text,
          assignment,
          assignment,
          from(1, byte),
        ),
        int,
      ),
    ],
  },
  // ShareGroupHeartbeat: KIP-932
  76: { request: [group, text, int, text, values(topic)], response: throttledError },
  // ShareGroupDescribe: KIP-932
  77: {
    request: [values(group), byte],
    response: [
      throttle,
      list(
        error,
        text,
        text,
        text,
        int,
        int,
        text,
        list(text, text, int, text, text, values(text), assignment),
        int,
      ),
    ],
  },
  // InitializeShareGroupState … ReadShareGroupStateSummary: KIP-932, KIP-1226
  83: { request: [group, list(topicId, list(partition, int, long))], response: stateResult },
  84: {
    request: [group, list(topicId, list(partition, int))],
    response: [
      list(topicId, list(partition, error, text, int, long, list(long, long, byte, short))),
    ],
  },
  85: {
    request: [
      group,
      upTo(0, list(topicId, list(partition, int, int, long, list(long, long, byte, short)))),
      from(1, rest),
    ],
    response: stateResult,
  },
  86: { request: [group, list(topicId, list(partition))], response: stateResult },
  87: {
    request: [group, list(topicId, list(partition, int))],
    response: [list(topicId, list(partition, error, text, int, int, long, from(1, int)))],
  },
  // StreamsGroupHeartbeat, StreamsGroupDescribe, StreamsGroupTopologyDescriptionUpdate: KIP-1071, KIP-1331
  88: { request: [group, rest], response: throttledError },
  89: { request: [values(group), rest], response: [throttle, unread] },
  93: { request: [group, rest], response: throttledError },
  // DescribeShareGroupOffsets: KIP-932, KIP-1226
  90: {
    request: [list(group, list(topic, values(partition)))],
    response: [
      throttle,
      list(
        text,
        list(topic, uuid, list(partition, long, int, from(1, long), error, text)),
        error,
        text,
      ),
    ],
  },
  // AlterShareGroupOffsets, DeleteShareGroupOffsets: KIP-932
  91: {
    request: [group, list(topic, list(partition, long))],
    response: [throttle, error, text, list(topic, uuid, list(partition, error, text))],
  },
  92: {
    request: [group, list(topic)],
    response: [throttle, error, text, list(topic, uuid, error, text)],
  },
};
