// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Capability } from './capabilities.js';
import { ServerConnection } from './connection.test-support.js';
import * as build from './packets.test-support.js';
import { bytes, compressed, packet, query, resultSet } from './packets.test-support.js';

interface Exchange {
  readonly request: Buffer;
  readonly response: Buffer;
  /** What its record must say. */
  readonly expected: readonly unknown[];
}

/** Cells that look like something else. */
const cell = fc.constantFrom(
  'a',
  '',
  '\xfe',
  '\xff\x10\x04#08004',
  '\x01\x00\x00\x01\x05',
  '\x05\x00\x00\x01\xfe\x00\x00\x02\x00',
  '\x09\x00\x00\x00\x03select 1',
  'x'.repeat(200),
);

const select: fc.Arbitrary<Exchange> = fc.array(cell, { maxLength: 5 }).map((cells) => ({
  request: query(`select ${cells.length} from items`),
  response: resultSet(cells, { withEof: true }),
  expected: ['SELECT', 'ok', cells.length, undefined],
}));
const change: fc.Arbitrary<Exchange> = fc.nat(200).map((affected) => ({
  request: query(`update items set a = ${affected}`),
  response: build.ok(1, { affected }),
  expected: ['UPDATE', 'ok', undefined, affected],
}));
const failure: fc.Arbitrary<Exchange> = fc.constant({
  request: query('delete from missing'),
  response: build.err(1, 1146, '42S02', "Table 'missing' doesn't exist"),
  expected: ['DELETE', 'client-error', undefined, undefined],
});
const several: fc.Arbitrary<Exchange> = fc.array(cell, { maxLength: 3 }).map((cells) => {
  const more = resultSet(cells, { withEof: true, status: 0x0a });
  return {
    request: query('call several()'),
    response: bytes(more, build.ok(cells.length + 5, { affected: 2 })),
    expected: ['CALL', 'ok', cells.length, 2],
  };
});
const prepare: fc.Arbitrary<Exchange> = fc.nat(3).map((columns) => ({
  request: build.prepare('insert into items values (?)'),
  response: build.prepared(9, { columns, withEof: true }),
  expected: ['INSERT', 'ok', undefined, undefined],
}));
const ping: fc.Arbitrary<Exchange> = fc.constant({
  request: build.ping,
  response: build.ok(1),
  expected: ['PING', 'ok', undefined, undefined],
});
const conversation = fc.array(fc.oneof(select, select, change, failure, several, prepare, ping), {
  minLength: 1,
  maxLength: 6,
});
const cuts = fc.array(fc.nat(3000), { maxLength: 12 });

function pieces(data: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (data.length + 1)))].sort((a, b) => a - b);
  return [...places, data.length]
    .map((to, i) => data.subarray(places[i - 1] ?? 0, to))
    .filter((piece) => piece.length > 0);
}

const summary = (connection: ServerConnection): unknown[] =>
  connection.records.map(({ operation, status, attributes }) => [
    operation,
    status,
    attributes['db.response.returned_rows'],
    attributes['libtrace.mysql.affected_rows'],
  ]);

const plain = build.allCapabilities & ~Capability.DEPRECATE_EOF;

// a second or two each on an idle machine
describe('fuzz', { timeout: 180_000 }, () => {
  it('finds the same records in a conversation however it is cut', () => {
    fc.assert(
      fc.property(conversation, cuts, fc.boolean(), (exchanges, at, pipelined) => {
        const connection = ServerConnection.loggedIn({}, plain);
        const turns = pipelined
          ? [
              {
                request: bytes(...exchanges.map(({ request }) => request)),
                response: bytes(...exchanges.map(({ response }) => response)),
              },
            ]
          : exchanges;
        for (const { request, response } of turns) {
          connection.readsEach(...pieces(request, at)).writesEach(...pieces(response, at));
        }
        expect(summary(connection)).toEqual(exchanges.map(({ expected }) => expected));
        expect(connection.records.every(({ complete }) => complete)).toBe(true);
        connection.close();
        expect(connection.pipeline.stats().bufferedBytes).toBe(0);
      }),
      { numRuns: 600 },
    );
  });

  it('finds the same records in compressed packets that are cut anywhere', () => {
    fc.assert(
      fc.property(conversation, cuts, cuts, (exchanges, inside, outside) => {
        const connection = ServerConnection.loggedIn({}, plain | Capability.COMPRESS);
        const pack = (data: Buffer, first: number): Buffer =>
          bytes(
            ...pieces(data, inside).map((piece, i) =>
              compressed(first + i, piece, piece.length < 50 ? undefined : deflateSync),
            ),
          );
        for (const { request, response } of exchanges) {
          connection
            .readsEach(...pieces(pack(request, 0), outside))
            .writesEach(...pieces(pack(response, 1), outside));
        }
        expect(summary(connection)).toEqual(exchanges.map(({ expected }) => expected));
        expect(connection.records.every(({ complete }) => complete)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('says nothing wrong with holes anywhere, and is right again afterwards', () => {
    const hole = fc.tuple(fc.boolean(), fc.nat(600), fc.nat(80));
    fc.assert(
      fc.property(
        conversation,
        hole,
        fc.boolean(),
        (exchanges, [inRequests, from, size], packs) => {
          const flags = packs ? plain | Capability.COMPRESS : plain;
          const connection = ServerConnection.loggedIn({}, flags);
          let position = 0;
          const move = (isRequest: boolean, data: Buffer): void => {
            const one = packs ? compressed(isRequest ? 0 : 1, data) : data;
            const direction = isRequest ? 'in' : 'out';
            if (isRequest !== inRequests) {
              if (isRequest) connection.reads(one);
              else connection.writes(one);
              return;
            }
            // parts of it before, in and behind the hole
            const [start, end] = [from - position, from + size + 1 - position].map((place) =>
              Math.max(0, Math.min(one.length, place)),
            ) as [number, number];
            position += one.length;
            const send = (part: Buffer): void => {
              if (part.length === 0) return;
              if (isRequest) connection.reads(part);
              else connection.writes(part);
            };
            send(one.subarray(0, start));
            connection.misses(direction, end - start);
            send(one.subarray(end));
          };
          const turn = ({ request, response }: Exchange): void => {
            move(true, request);
            move(false, response);
          };
          exchanges.forEach(turn);
          connection.waits(2e9);
          const seen = connection.records.length;
          expect(seen).toBeLessThanOrEqual(2 * exchanges.length);
          for (const { attributes, complete, operation, status } of connection.records) {
            if (!complete) continue;
            const one = [
              operation,
              status,
              attributes['db.response.returned_rows'],
              attributes['libtrace.mysql.affected_rows'],
            ];
            // what only a pair of the same kind can tell may be missing
            expect(exchanges.map(({ expected }) => expected)).toContainEqual(one);
          }
          position = 1e9;
          for (let i = 0; i < 3; i++) {
            turn({
              request: query(`select 'again ${i}' from others`),
              response: resultSet(['x', 'y', 'z'], { withEof: true }),
              expected: [],
            });
            connection.waits(2e9);
          }
          expect(summary(connection).at(-1)).toEqual(['SELECT', 'ok', 3, undefined]);
          expect(connection.records.at(-1)).toMatchObject({ complete: true });
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never throws, hangs or grows on mutated conversations and on garbage', () => {
    const mutation = fc.record({
      at: fc.nat(4000),
      with: fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc.constantFrom(build.ok(1), query('select 1')),
      ),
      removes: fc.nat(12),
    });
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom<Uint8Array>(
        build.greeting(),
        build.login(),
        build.ok(1),
        build.eof(2),
        build.err(1, 1064, '42000', 'x'),
        packet(1, 0xfb, 'f'),
        packet(0, 0x12, 'abcdefghijk'),
        query('use a; drop database b'),
        resultSet(['a']),
        build.prepared(1),
        compressed(0, query('select 1')),
        compressed(1, resultSet(['a'.repeat(100)]), deflateSync),
        Buffer.from([0xff, 0xff, 0xff, 0]),
        Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0xff]),
      ),
    );
    fc.assert(
      fc.property(
        conversation,
        fc.array(mutation, { maxLength: 6 }),
        fc.array(fc.tuple(fc.boolean(), junk, fc.nat(3)), { maxLength: 20 }),
        fc.boolean(),
        fc.boolean(),
        (exchanges, mutations, garbage, midstream, packs) => {
          const flags = packs ? plain | Capability.COMPRESS : plain;
          const connection = midstream
            ? new ServerConnection({ midstream })
            : ServerConnection.loggedIn({}, flags);
          const mutate = (data: Buffer): Buffer => {
            let result = data;
            for (const { at, with: inserted, removes } of mutations) {
              const place = at % (result.length + 1);
              result = bytes(result.subarray(0, place), inserted, result.subarray(place + removes));
            }
            return result;
          };
          for (const { request, response } of exchanges) {
            connection.reads(mutate(packs ? compressed(0, request) : request));
            connection.writes(mutate(packs ? compressed(1, response) : response));
          }
          for (const [isRequest, data, lost] of garbage) {
            const hole = lost === 3 ? 1000 : 0;
            if (data.length + hole === 0) continue;
            if (isRequest) connection.reads(data, hole);
            else connection.writes(data, hole);
          }
          expect(connection.pipeline.stats().bufferedBytes).toBeLessThan(2 * 1024 * 1024);
          connection.close();
          for (const { attributes, requestBytes, responseBytes } of connection.records) {
            expect(Number.isSafeInteger(requestBytes) && requestBytes >= 0).toBe(true);
            expect(Number.isSafeInteger(responseBytes) && responseBytes >= 0).toBe(true);
            for (const value of Object.values(attributes)) {
              expect(typeof value === 'string' || Number.isSafeInteger(value)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});
