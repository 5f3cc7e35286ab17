// SPDX-License-Identifier: Apache-2.0
import {
  byte,
  bytes,
  error,
  from,
  int,
  list,
  long,
  partition,
  rest,
  struct,
  text,
  throttle,
  throttledError,
  topic,
  upTo,
  uuid,
  values,
  type Field,
  type Layout,
} from './field.js';

const opaque = [rest];
const votes: readonly Field[] = [error, list(topic, list(partition, error, int, int)), rest];
const replicas = list(int, from(2, uuid), long, from(1, long), from(1, long));

/** APIs by which brokers and controllers speak to each other. */
export const clusterLayouts: Readonly<Record<number, Layout>> = {
  // LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown: removed with ZooKeeper
  4: {
    request: opaque,
    response: [error, upTo(4, list(text, int, error)), from(5, list(uuid, list(int, error)))],
  },
  5: { request: opaque, response: [error, list(text, int, error)] },
  6: { request: opaque, response: [error] },
  7: { request: opaque, response: [error, list(text, int)] },
  // Vote, BeginQuorumEpoch, EndQuorumEpoch: KIP-595, KIP-853, KIP-996
  52: { request: opaque, response: [error, list(topic, list(partition, error, int, int, byte))] },
  53: { request: opaque, response: votes },
  54: { request: opaque, response: votes },
  // DescribeQuorum: KIP-595, KIP-836, KIP-853
  55: {
    request: [list(topic, list(partition))],
    response: [
      error,
      from(2, text),
      list(topic, list(partition, error, from(2, text), int, int, long, replicas, replicas)),
      from(2, rest),
    ],
  },
  // AlterPartition: KIP-497, KIP-704, KIP-841
  56: {
    request: opaque,
    response: [
      throttle,
      error,
      list(
        upTo(1, text),
        from(2, uuid),
        list(int, error, int, int, values(int), from(1, byte), int),
      ),
    ],
  },
  // UpdateFeatures: KIP-584, KIP-778
  57: { request: opaque, response: [throttle, error, text, upTo(1, list(text, error, text))] },
  // Envelope: KIP-590
  58: { request: opaque, response: [bytes, error] },
  // FetchSnapshot: KIP-630
  59: {
    request: [int, int, list(topic, list(partition, int, struct(long, int), long))],
    response: [
      throttle,
      error,
      list(topic, list(partition, error, struct(long, int), long, long, bytes)),
    ],
  },
  // DescribeCluster: KIP-700
  60: { request: opaque, response: throttledError },
  // BrokerRegistration, BrokerHeartbeat, UnregisterBroker: KIP-631
  62: { request: opaque, response: throttledError },
  63: { request: opaque, response: throttledError },
  64: { request: opaque, response: throttledError },
  // ControllerRegistration: KIP-919
  70: { request: opaque, response: throttledError },
  // AssignReplicasToDirs: KIP-858
  73: {
    request: opaque,
    response: [throttle, error, list(uuid, list(uuid, list(int, error)))],
  },
  // AddRaftVoter, RemoveRaftVoter, UpdateRaftVoter: KIP-853
  80: { request: opaque, response: throttledError },
  81: { request: opaque, response: throttledError },
  82: { request: opaque, response: throttledError },
  // UnregisterController
  94: { request: opaque, response: throttledError },
};
