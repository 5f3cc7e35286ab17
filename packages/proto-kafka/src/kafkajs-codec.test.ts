// SPDX-License-Identifier: Apache-2.0
// Layouts against an implementation of the protocol that is not ours: what kafkajs writes, we read; what we write by
// our layouts, kafkajs reads.
import { createRequire } from 'node:module';
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { apiName } from './apis.js';
import { BodyReader } from './body-reader.js';
import { Body } from './body.js';
import { errorName } from './errors.js';
import { programOf } from './layouts/program.js';
import { generateBody } from './message-generator.test-support.js';

interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  encode(): Promise<{ readonly buffer: Buffer }>;
}
interface Api {
  readonly versions: readonly string[];
  protocol(choice: {
    version: string;
  }): (args: object) => { request: Request; response: { decode(bytes: Buffer): Promise<object> } };
}

const require = createRequire(import.meta.url);
const { requests } = require('kafkajs/src/protocol/requests') as { requests: Record<string, Api> };
const { errorCodes } = require('kafkajs/src/protocol/error') as {
  errorCodes: readonly { readonly type: string; readonly code: number }[];
};

const partitions = [
  {
    partition: 7,
    fetchOffset: '0',
    maxBytes: 10,
    offset: '5',
    timestamp: 1,
    messages: [{ key: 'k', value: 'v', timestamp: 1 }],
    replicas: [1],
  },
];
/** Arguments by the names that kafkajs gives them. */
const everything = {
  acks: 1,
  timeout: 1000,
  topicData: [{ topic: 'alpha', partitions }],
  topics: [{ topic: 'alpha', partitions, partitionAssignment: partitions }],
  replicaId: -1,
  maxWaitTime: 1,
  minBytes: 1,
  maxBytes: 1,
  isolationLevel: 0,
  groupId: 'beta',
  groupGenerationId: 1,
  generationId: 1,
  memberId: 'm',
  members: [{ memberId: 'm', groupInstanceId: null }],
  retentionTime: '1',
  key: 'beta',
  coordinatorKey: 'beta',
  coordinatorType: 0,
  sessionTimeout: 1,
  rebalanceTimeout: 1,
  protocolType: 'consumer',
  groupProtocols: [{ name: 'p', metadata: Buffer.from('m') }],
  groupAssignment: [{ memberId: 'm', memberAssignment: Buffer.from('a') }],
  groupIds: ['beta'],
  mechanism: 'PLAIN',
  // With its length in front.
  authBytes: Buffer.from('\0\0\0\x06secret'),
  transactionalId: 'gamma',
  transactionTimeout: 1000,
  producerId: '1',
  producerEpoch: 1,
  transactionResult: true,
  resourceType: 2,
  resourceName: 'alpha',
  resourcePatternType: 3,
  principal: 'p',
  host: 'h',
  operation: 1,
  permissionType: 1,
  creations: [
    {
      resourceType: 2,
      resourceName: 'alpha',
      resourcePatternType: 3,
      principal: 'p',
      host: 'h',
      operation: 1,
      permissionType: 1,
    },
  ],
  filters: [
    {
      resourceType: 2,
      resourceName: 'alpha',
      resourcePatternType: 3,
      operation: 1,
      permissionType: 1,
    },
  ],
  resources: [
    { type: 2, name: 'alpha', configNames: ['c'], configEntries: [{ name: 'n', value: 'v' }] },
  ],
  topicPartitions: [{ topic: 'alpha', count: 2 }],
};
/** APIs whose topics are bare names, or lists of partition numbers. */
const special: Record<string, object> = {
  Metadata: { topics: ['alpha'] },
  DeleteTopics: { topics: ['alpha'] },
  CreateTopics: { topics: [{ topic: 'alpha', numPartitions: 1, replicationFactor: 1 }] },
  AddPartitionsToTxn: { topics: [{ topic: 'alpha', partitions: [7] }] },
  ListPartitionReassignments: { topics: [{ topic: 'alpha', partitions: [7] }] },
};

const cases = Object.entries(requests).flatMap(([name, api]) =>
  api.versions.map((version) => ({ name, version, api })),
);

describe('kafkajs', () => {
  it('is compared in every version that it has', () => {
    expect(cases.length).toBeGreaterThan(100);
  });

  for (const { name, version, api } of cases) {
    it(`${name} v${version}`, async () => {
      const args = name === 'DeleteGroups' ? ['beta'] : { ...everything, ...special[name] };
      const call = api.protocol({ version })(args);
      const { apiKey, apiVersion } = call.request;
      const ourName = name === 'GroupCoordinator' ? 'FindCoordinator' : name;
      expect([apiName(apiKey), String(apiVersion)]).toEqual([ourName, version]);

      const { buffer } = await call.request.encode();
      const body = read(buffer, apiKey, apiVersion);
      const text = buffer.toString('latin1');
      // What the bytes visibly hold is reported, except where the API has no such role for it.
      if (text.includes('gamma')) expect(body.transactionalId).toBe('gamma');
      if (text.includes('beta')) expect(body.groups).toEqual(['beta']);
      if (text.includes('alpha') && !name.endsWith('Acls')) expect(body.topics).toEqual(['alpha']);
      if (text.includes('\0\0\0\x07')) expect([body.partitions, body.partition]).toEqual([1, 7]);
      if (name === 'Produce') expect(body.acks).toBe(1);
      if (name === 'Produce')
        expect([body.recordCount, body.recordBytes]).toEqual(recordsOf(buffer));
      if (name === 'SaslHandshake') expect(body.saslMechanism).toBe('PLAIN');

      for (let seed = 0; seed < 20; seed++) {
        const { bytes, facts } = generateBody('response', apiKey, apiVersion, seed, {
          plain: true,
        });
        if (name === 'ApiVersions' || cut(name)) continue;
        const decoded = await call.response.decode(bytes);
        const errors = facts.values
          .filter(({ role }) => role === 'error')
          .map(({ value }) => value);
        // It sorts topics by name.
        expect(valuesOf(decoded, /errorcode$/i).sort()).toEqual(errors.sort());
      }
    });
  }

  it('names the error codes as we do', () => {
    const renamed = new Map([
      ['UNKNOWN', 'UNKNOWN_SERVER_ERROR'],
      ['NOT_LEADER_FOR_PARTITION', 'NOT_LEADER_OR_FOLLOWER'],
      ['GROUP_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS'],
      ['GROUP_COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
      ['NOT_COORDINATOR_FOR_GROUP', 'NOT_COORDINATOR'],
    ]);
    expect(errorCodes.length).toBeGreaterThan(80);
    expect(errorCodes.map(({ code }) => errorName(code))).toEqual(
      errorCodes.map(({ type }) => renamed.get(type) ?? type),
    );
  });
});

/** Layouts that end in bytes that no record says: we cannot write them. */
function cut(name: string): boolean {
  return ['DescribeAcls', 'ListPartitionReassignments'].includes(name);
}

function read(bytes: Buffer, key: number, version: number): Body {
  const view = new ByteView();
  view.reset(bytes, 0, bytes.length, 0, false, 0);
  const body = new Body();
  const reader = new BodyReader();
  reader.begin(programOf('request', key, version), bytes.length, body);
  expect(reader.read(view, 0)).toBe('done');
  body.state = 'whole';
  body.finish();
  return body;
}

/** One record, and the length in front of the record set at the end of a Produce request. */
function recordsOf(produce: Buffer): [number, number] {
  const at = produce.indexOf('\0\0\0\x07', 0, 'latin1') + 4;
  return [1, produce.readInt32BE(at)];
}

/** Every value of a key, depth first. */
function valuesOf(value: unknown, key: RegExp): unknown[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    key.test(name) ? [each as unknown] : valuesOf(each, key),
  );
}
