// SPDX-License-Identifier: Apache-2.0
import type { Field, Inference, Length, Operand, Test } from '@libtrace/core/plugin';
import { API_VERSIONS, apis } from './apis.js';

const size: Field = { at: 0, width: 4 };
/** Api key and version in one: their order is that of the wire. */
const keyAndVersion: Field = { at: 4, width: 4 };
const version: Field = { at: 6, width: 2 };
const correlationId: Field = { at: 8, width: 4 };
const clientIdLength: Field = { at: 12, width: 2 };
const CLIENT_ID = 14;
const length: Length = { length: true };
/** The client id, in front of the length of which there are so many bytes behind the size. */
const headerWithClientId: Field = { ...clientIdLength, plus: 10 };
const NULL_LENGTH = 0xffff;

const cmp = (left: Operand, op: 'eq' | 'ne' | 'le' | 'ge' | 'lt' | 'gt', right: Operand): Test => ({
  kind: 'cmp',
  op,
  left,
  right,
});
const all = (...of: readonly Test[]): Test => ({ kind: 'all', of });
const any = (...of: readonly Test[]): Test => ({ kind: 'any', of });

/** The keys of most messages one by one, with their versions; the rest in two groups, to keep the test short. */
const EACH = 29;
const knownApi: Test = any(
  ...apis.slice(0, EACH).map(({ maxVersion }, key) => versionsOf(key, key, maxVersion)),
  ...[
    [EACH, 62],
    [63, apis.length - 1],
  ].map(([first, last]) =>
    versionsOf(
      first!,
      last!,
      Math.max(...apis.slice(first, last! + 1).map((api) => api.maxVersion)),
    ),
  ),
);

function versionsOf(first: number, last: number, maxVersion: number): Test {
  if (first === last) {
    return all(
      cmp(keyAndVersion, 'ge', first * 0x10000),
      cmp(keyAndVersion, 'le', first * 0x10000 + maxVersion),
    );
  }
  return all(
    cmp(keyAndVersion, 'ge', first * 0x10000),
    cmp(keyAndVersion, 'lt', (last + 1) * 0x10000),
    cmp(version, 'le', maxVersion),
  );
}

/** A client id of these lengths whose first bytes are printable ASCII. An empty one is a ZooKeeper request. */
const namedClient = (least: number, most: number): Test =>
  all(
    cmp(clientIdLength, 'ge', least),
    cmp(clientIdLength, 'le', most),
    cmp(headerWithClientId, 'le', size),
    ...Array.from({ length: 8 }, (_, i): Test => {
      const character: Field = { at: CLIENT_ID + i, width: 1 };
      return any(
        cmp(clientIdLength, 'le', i),
        all(cmp(character, 'ge', 0x20), cmp(character, 'le', 0x7e)),
      );
    }),
  );

/** The message is all that moved. */
const exact = cmp({ ...size, plus: 4 }, 'eq', length);
/** More moved, or at least so much of it that the rest need not be waited for: until then this is not decided. */
const isPart = any(cmp({ ...size, plus: 4 }, 'lt', length), cmp({ at: 255, width: 1 }, 'ge', 0));
const positive = cmp(correlationId, 'lt', 0x80000000);
/** No printable text: PostgreSQL begins like Metadata v0, and has `user` here. */
const small = cmp(correlationId, 'lt', 0x20000000);

const isApiVersions = (from: number, to: number): Test =>
  all(
    cmp(keyAndVersion, 'ge', API_VERSIONS * 0x10000 + from),
    cmp(keyAndVersion, 'le', API_VERSIONS * 0x10000 + to),
  );
/** Versions of ApiVersions that have a body: name and version of the client's software (KIP-511). */
const SOFTWARE_BYTES = 200;
const apiVersions: Test = any(
  all(
    isApiVersions(0, 2),
    any(
      all(cmp(clientIdLength, 'eq', NULL_LENGTH), cmp(size, 'eq', 10)),
      all(namedClient(1, 255), cmp(headerWithClientId, 'eq', size)),
    ),
  ),
  all(
    isApiVersions(3, apis[API_VERSIONS]!.maxVersion),
    namedClient(1, 255),
    cmp({ ...headerWithClientId, plus: 10 + SOFTWARE_BYTES }, 'ge', size),
  ),
);

/**
 * How Kafka is recognized: by requests. A response shows nothing but a length and a number.
 *
 * With ApiVersions nearly all connections begin, and its size says where its client id ends. Others must be all that
 * moved, or come twice.
 */
export const inference: Inference = {
  rules: [
    { says: 'request', when: all(apiVersions, positive) },
    { says: 'request', when: all(exact, knownApi, positive, namedClient(3, 255)) },
    {
      says: 'request',
      strength: 'likely',
      when: all(
        exact,
        knownApi,
        positive,
        any(cmp(clientIdLength, 'eq', NULL_LENGTH), namedClient(1, 2)),
      ),
    },
    {
      // One of several requests in one write, or the beginning of a large one.
      says: 'request',
      strength: 'likely',
      when: all(cmp(size, 'le', 128 * 1024 * 1024), knownApi, small, namedClient(3, 255), isPart),
    },
  ],
  ports: [9092, 9093, 9094, 19092, 29092],
  // Brokers in Java read the size of a message by itself; librdkafka's mock reads all that comes before the client id.
  carryHeaderBytes: 12,
};
