// SPDX-License-Identifier: Apache-2.0
import {
  byte,
  error,
  from,
  group,
  int,
  list,
  long,
  partition,
  rest,
  short,
  text,
  throttle,
  throttledError,
  topic,
  topicId,
  transactionalId,
  upTo,
  values,
  type Layout,
} from './field.js';

const topics = list(topic, values(partition));
const results = list(topic, list(partition, error));

/** APIs of idempotent and transactional producers. */
export const transactionLayouts: Readonly<Record<number, Layout>> = {
  // InitProducerId: KIP-98, KIP-360, KIP-939
  22: {
    request: [transactionalId, int, from(3, long), from(3, short), from(6, byte), from(6, byte)],
    response: [throttle, error, long, short, from(6, long), from(6, short)],
  },
  // AddPartitionsToTxn: KIP-98, KIP-890
  24: {
    request: [
      upTo(3, transactionalId),
      upTo(3, long),
      upTo(3, short),
      upTo(3, topics),
      from(4, list(transactionalId, long, short, byte, topics)),
    ],
    response: [throttle, from(4, error), from(4, list(text, results)), upTo(3, results)],
  },
  // AddOffsetsToTxn: KIP-98
  25: { request: [transactionalId, long, short, group], response: [throttle, error] },
  // EndTxn: KIP-98, KIP-890
  26: {
    request: [transactionalId, long, short, byte],
    response: [throttle, error, from(5, long), from(5, short)],
  },
  // WriteTxnMarkers: KIP-98, KIP-1228
  27: {
    request: [list(long, short, byte, topics, int, from(2, byte))],
    response: [list(long, results)],
  },
  // TxnOffsetCommit: KIP-98, KIP-447, KIP-1319
  28: {
    request: [
      transactionalId,
      group,
      long,
      short,
      from(3, int),
      from(3, text),
      from(3, text),
      list(upTo(5, topic), from(6, topicId), list(partition, long, from(2, int), text)),
    ],
    response: [throttle, list(upTo(5, topic), from(6, topicId), list(partition, error))],
  },
  // DescribeProducers: KIP-664
  61: {
    request: [topics],
    response: [
      throttle,
      list(topic, list(partition, error, text, list(long, int, int, long, int, long))),
    ],
  },
  // DescribeTransactions, ListTransactions: KIP-664
  65: {
    request: [values(transactionalId)],
    response: [throttle, list(error, text, text, int, long, long, short, list(text, values(int)))],
  },
  66: { request: [rest], response: throttledError },
  // AllocateProducerIds: KIP-730
  67: { request: [rest], response: throttledError },
};
