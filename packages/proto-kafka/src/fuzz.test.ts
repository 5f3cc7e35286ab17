// SPDX-License-Identifier: Apache-2.0
// Real and written conversations, damaged: nothing throws, hangs, or grows without bound.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apis } from './apis.js';
import { Connection } from './connection.test-support.js';
import { generateBody } from './message-generator.test-support.js';
import {
  apiVersions,
  apiVersionsAnswer,
  produce,
  produceAnswer,
  sized,
} from './messages.test-support.js';
import { batch } from './messages.test-support.js';

interface Step {
  readonly from: 'client' | 'server';
  readonly bytes: Buffer;
}

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url));
const conversations: Step[][] = readdirSync(folder)
  .filter((name) => name !== 'conformance.json')
  .map((name) => {
    const { steps } = JSON.parse(readFileSync(folder + name, 'utf8')) as {
      steps: { from: Step['from']; base64: string }[];
    };
    return steps.map(({ from, base64 }) => ({ from, bytes: Buffer.from(base64, 'base64') }));
  });

/** What is done to a step: bytes overwritten, cut out or put in, or all of it left out, doubled, or a hole. */
const damage = fc.record({
  step: fc.nat(),
  at: fc.nat(),
  kind: fc.constantFrom('write', 'cut', 'insert', 'drop', 'twice', 'hole', 'swap'),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

/** Sends a conversation with its damage; returns the connection when all was sent. */
function play(steps: readonly Step[], damages: readonly Damage[], size: number): Connection {
  const connection = new Connection();
  steps.forEach((step, index) => {
    let { bytes } = step;
    let { from } = step;
    let times = 1;
    let hole = 0;
    for (const each of damages) {
      if (each.step % steps.length !== index) continue;
      const at = each.at % Math.max(1, bytes.length);
      const put = Buffer.from(each.bytes);
      if (each.kind === 'write') {
        bytes = Buffer.from(bytes);
        put.copy(bytes, at);
      } else if (each.kind === 'cut') {
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + put.length)]);
      } else if (each.kind === 'insert') {
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]);
      } else if (each.kind === 'drop') times = 0;
      else if (each.kind === 'twice') times = 2;
      else if (each.kind === 'hole') hole = each.at % 5000;
      else from = from === 'client' ? 'server' : 'client';
    }
    for (let i = 0; i < times; i++) {
      for (let at = 0; at < bytes.length; at += size) {
        const piece = bytes.subarray(at, at + size);
        const lost = at + size >= bytes.length ? hole : 0;
        if (from === 'client') connection.asks(piece, lost);
        else connection.answers(piece, lost);
      }
    }
  });
  return connection;
}

function expectSane(connection: Connection, sent: number): void {
  const { bufferedBytes, pluginFailures } = connection.pipeline.stats();
  expect(pluginFailures).toBe(0);
  expect(bufferedBytes).toBeLessThan(3 * 1024 * 1024);
  connection.close();
  expect(connection.pipeline.stats().bufferedBytes).toBe(0);
  // Every message has at least eight bytes.
  expect(connection.records.length).toBeLessThanOrEqual(sent / 8 + 1);
  for (const { attributes, operation } of connection.records) {
    expect(operation).not.toBe('');
    for (const value of Object.values(attributes)) {
      const finite = typeof value === 'number' ? Number.isSafeInteger(value) : value !== undefined;
      expect(finite).toBe(true);
    }
  }
}

const bytesOf = (steps: readonly Step[]): number =>
  steps.reduce((sum, { bytes }) => sum + bytes.length, 0);

describe('damaged conversations', () => {
  it('of all fixtures', () => {
    expect(conversations.length).toBeGreaterThan(15);
    fc.assert(
      fc.property(
        fc.constantFrom(...conversations),
        fc.array(damage, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(1, 3, 50, 10_000),
        (steps, damages, size) => {
          expectSane(play(steps, damages, size), 2 * bytesOf(steps) + 60);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('of every API, with bodies that are nearly right', () => {
    fc.assert(
      fc.property(
        fc.nat(apis.length - 1),
        fc.nat(),
        fc.integer(),
        fc.array(damage, { maxLength: 4 }),
        (key, choice, seed, damages) => {
          const version = choice % (apis[key]!.maxVersion + 1);
          const head = Buffer.from([0, key, 0, version, 0, 0, 0, 9, 0, 3, 0x66, 0x6f, 0x6f]);
          const asked = generateBody('request', key, version, seed).bytes;
          const answered = generateBody('response', key, version, seed).bytes;
          const steps: Step[] = [
            { from: 'client', bytes: apiVersions(0) },
            { from: 'server', bytes: apiVersionsAnswer(0) },
            { from: 'client', bytes: sized(Buffer.concat([head, asked])) },
            { from: 'server', bytes: sized(Buffer.concat([Buffer.from([0, 0, 0, 9]), answered])) },
            { from: 'client', bytes: produce(10, 'a', batch(1)) },
            { from: 'server', bytes: produceAnswer(10, 'a') },
          ];
          expectSane(play(steps, damages, 10_000), 2 * bytesOf(steps) + 60);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('made of numbers that matter', () => {
    const piece = fc.oneof(
      fc.constantFrom('00000000', '00000001', '7fffffff', '80000000', 'ffffffff', '0012', '0000'),
      fc.constantFrom('0001000c', '00000007', '0003000c', '00636c69656e74', 'ff', '01', '00', '02'),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    );
    const step = fc.tuple(fc.boolean(), fc.array(piece, { maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const connection = new Connection().asks(apiVersions(0)).answers(apiVersionsAnswer(0));
        let sent = 100;
        for (const [isRequest, pieces] of steps) {
          const bytes = Buffer.from(pieces.join(''), 'hex');
          sent += bytes.length;
          if (isRequest) connection.asks(bytes);
          else connection.answers(bytes);
        }
        expectSane(connection, sent);
      }),
      { numRuns: 3000 },
    );
  });
});
