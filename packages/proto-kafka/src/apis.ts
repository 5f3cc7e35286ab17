// SPDX-License-Identifier: Apache-2.0

/** One API of the protocol. */
export interface Api {
  /** As the protocol guide writes it: `Produce`. */
  readonly name: string;
  /** Highest version that exists. */
  readonly maxVersion: number;
  /**
   * First version with compact lengths and tagged fields (KIP-482): its requests have header v2 and its responses
   * header v1. Infinity when no version has them.
   */
  readonly flexibleFrom: number;
}

const NEVER = Infinity;

/**
 * Every API that ever had a key, by key: the protocol guide of Apache Kafka 4.3, and what its trunk adds (93, 94).
 * Versions that were removed again (KIP-896) are still listed: old brokers speak them.
 */
const list: readonly (readonly [name: string, maxVersion: number, flexibleFrom: number])[] = [
  ['Produce', 13, 9],
  ['Fetch', 18, 12],
  ['ListOffsets', 11, 6],
  ['Metadata', 13, 9],
  ['LeaderAndIsr', 7, 4],
  ['StopReplica', 4, 2],
  ['UpdateMetadata', 8, 6],
  ['ControlledShutdown', 3, 3],
  ['OffsetCommit', 10, 8],
  ['OffsetFetch', 10, 6],
  ['FindCoordinator', 6, 3],
  ['JoinGroup', 9, 6],
  ['Heartbeat', 4, 4],
  ['LeaveGroup', 5, 4],
  ['SyncGroup', 5, 4],
  ['DescribeGroups', 6, 5],
  ['ListGroups', 5, 3],
  ['SaslHandshake', 1, NEVER],
  ['ApiVersions', 5, 3],
  ['CreateTopics', 7, 5],
  ['DeleteTopics', 6, 4],
  ['DeleteRecords', 2, 2],
  ['InitProducerId', 6, 2],
  ['OffsetForLeaderEpoch', 4, 4],
  ['AddPartitionsToTxn', 5, 3],
  ['AddOffsetsToTxn', 4, 3],
  ['EndTxn', 5, 3],
  ['WriteTxnMarkers', 2, 1],
  ['TxnOffsetCommit', 6, 3],
  ['DescribeAcls', 3, 2],
  ['CreateAcls', 3, 2],
  ['DeleteAcls', 3, 2],
  ['DescribeConfigs', 4, 4],
  ['AlterConfigs', 2, 2],
  ['AlterReplicaLogDirs', 2, 2],
  ['DescribeLogDirs', 5, 2],
  ['SaslAuthenticate', 2, 2],
  ['CreatePartitions', 3, 2],
  ['CreateDelegationToken', 3, 2],
  ['RenewDelegationToken', 2, 2],
  ['ExpireDelegationToken', 2, 2],
  ['DescribeDelegationToken', 3, 2],
  ['DeleteGroups', 2, 2],
  ['ElectLeaders', 2, 2],
  ['IncrementalAlterConfigs', 1, 1],
  ['AlterPartitionReassignments', 1, 0],
  ['ListPartitionReassignments', 0, 0],
  ['OffsetDelete', 0, NEVER],
  ['DescribeClientQuotas', 1, 1],
  ['AlterClientQuotas', 1, 1],
  ['DescribeUserScramCredentials', 0, 0],
  ['AlterUserScramCredentials', 0, 0],
  ['Vote', 2, 0],
  ['BeginQuorumEpoch', 1, 1],
  ['EndQuorumEpoch', 1, 1],
  ['DescribeQuorum', 2, 0],
  ['AlterPartition', 3, 0],
  ['UpdateFeatures', 2, 0],
  ['Envelope', 0, 0],
  ['FetchSnapshot', 1, 0],
  ['DescribeCluster', 2, 0],
  ['DescribeProducers', 0, 0],
  ['BrokerRegistration', 4, 0],
  ['BrokerHeartbeat', 2, 0],
  ['UnregisterBroker', 0, 0],
  ['DescribeTransactions', 0, 0],
  ['ListTransactions', 2, 0],
  ['AllocateProducerIds', 0, 0],
  ['ConsumerGroupHeartbeat', 1, 0],
  ['ConsumerGroupDescribe', 1, 0],
  ['ControllerRegistration', 0, 0],
  ['GetTelemetrySubscriptions', 0, 0],
  ['PushTelemetry', 0, 0],
  ['AssignReplicasToDirs', 0, 0],
  ['ListConfigResources', 1, 0],
  ['DescribeTopicPartitions', 0, 0],
  ['ShareGroupHeartbeat', 1, 0],
  ['ShareGroupDescribe', 1, 0],
  ['ShareFetch', 2, 0],
  ['ShareAcknowledge', 2, 0],
  ['AddRaftVoter', 1, 0],
  ['RemoveRaftVoter', 0, 0],
  ['UpdateRaftVoter', 0, 0],
  ['InitializeShareGroupState', 0, 0],
  ['ReadShareGroupState', 0, 0],
  ['WriteShareGroupState', 1, 0],
  ['DeleteShareGroupState', 0, 0],
  ['ReadShareGroupStateSummary', 1, 0],
  ['StreamsGroupHeartbeat', 1, 0],
  ['StreamsGroupDescribe', 1, 0],
  ['DescribeShareGroupOffsets', 1, 0],
  ['AlterShareGroupOffsets', 0, 0],
  ['DeleteShareGroupOffsets', 0, 0],
  ['StreamsGroupTopologyDescriptionUpdate', 0, 0],
  ['UnregisterController', 0, 0],
];

/** APIs by key. */
export const apis: readonly Api[] = list.map(([name, maxVersion, flexibleFrom]) => ({
  name,
  maxVersion,
  flexibleFrom,
}));

/** Keys that the parser treats in a way of their own. */
export const PRODUCE = 0;
export const METADATA = 3;
export const CONTROLLED_SHUTDOWN = 7;
export const SASL_HANDSHAKE = 17;
export const API_VERSIONS = 18;

/** Name of an API; `API_123` for a key that this package does not know. */
export function apiName(key: number): string {
  return apis[key]?.name ?? `API_${key}`;
}

/** Whether a version uses compact lengths and tagged fields. Unknown APIs: false. */
export function isFlexible(key: number, version: number): boolean {
  const api = apis[key];
  return api !== undefined && version >= api.flexibleFrom;
}
