// SPDX-License-Identifier: Apache-2.0
// Broken bytes of all dialects: nothing throws, nothing hangs, and what is reported is bounded by what moved.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexed, inserted, literal, tableSize } from '../hpack/encoder.test-support.js';
import { type Conversation, randomNumbers, replay } from '../traffic.test-support.js';
import {
  data,
  frame,
  goaway,
  headers,
  preface,
  pushPromise,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from './frames.test-support.js';

type From = 'client' | 'server';

const grpc = (text: string): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
};

/** A conversation with something of everything. */
function base(seed: number): Conversation {
  const random = randomNumbers(seed);
  const moves: { from: From; bytes: Buffer }[] = [];
  const move = (from: From, ...bytes: Buffer[]): void => {
    moves.push({ from, bytes: Buffer.concat(bytes) });
  };
  const get = [indexed(2), indexed(6)];
  switch (seed % 4) {
    case 0:
      move('client', Buffer.from('GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n'));
      move('server', Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'));
      move(
        'server',
        settings(),
        headers(1, [indexed(8)]),
        data(1, 'upgraded', { endStream: true }),
      );
      break;
    case 1:
      move('client', Buffer.from('GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n'));
      move('server', Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'));
      for (let i = 0; i < 10; i++) {
        move('client', Buffer.from([0x81, 0x85, 1, 2, 3, 4]), Buffer.from('hello'));
        move('server', Buffer.from([0x82, 126, 1, 0]), Buffer.alloc(256));
      }
      move('server', Buffer.from([0x88, 2, 3, 0xe8]));
      return { moves };
    default:
  }
  move('client', preface, settings([1, 4096]));
  move('server', settings([3, 100]), settingsAck);
  for (let stream = 3; stream < 20; stream += 2) {
    const path = inserted(4, `/${'p'.repeat(Math.floor(random() * 30))}/${stream}`);
    const kind = Math.floor(random() * 5);
    if (kind === 0) {
      move('client', headers(stream, [...get, path, indexed(62)], { endStream: true, split: 3 }));
      move('server', headers(stream, [indexed(8)]), data(stream, 'x'.repeat(500), { padding: 9 }));
      move('server', data(stream, '', { endStream: true }), windowUpdate(0, 100));
    } else if (kind === 1) {
      const type = literal(31, 'application/grpc');
      move(
        'client',
        headers(stream, [...get, path, type]),
        data(stream, grpc('q'), { endStream: true }),
      );
      move('server', headers(stream, [indexed(8), type]), data(stream, grpc('a'.repeat(300))));
      move('server', headers(stream, [inserted('grpc-status', '0')], { endStream: true }));
    } else if (kind === 2) {
      move('client', headers(stream, [tableSize(100), ...get, path], { priority: true }));
      move('client', reset(stream, 8), frame(6, 0, 0, Buffer.alloc(8)));
    } else if (kind === 3) {
      move('client', headers(stream, [...get, path], { endStream: true, padding: 4 }));
      move(
        'server',
        pushPromise(stream, stream + 1, [...get, path]),
        headers(stream + 1, [indexed(8)], { endStream: true }),
      );
      move('server', headers(stream, [indexed(13)], { endStream: true }));
    } else {
      move(
        'client',
        headers(stream, [...get, path], { endStream: true }),
        frame(0xee, 3, stream, Buffer.alloc(20)),
      );
      move('server', goaway(stream, 2, 'debug'));
    }
  }
  return { moves };
}

interface Break {
  readonly kind: 'flip' | 'delete' | 'insert' | 'double' | 'zero' | 'swap';
  readonly move: number;
  readonly at: number;
  readonly size: number;
  readonly value: number;
}

function broken(conversation: Conversation, breaks: readonly Break[]): Conversation {
  const moves = conversation.moves.map(({ from, bytes }) => ({ from, bytes: Buffer.from(bytes) }));
  for (const { kind, move, at, size, value } of breaks) {
    const target = moves[move % moves.length]!;
    const { bytes } = target;
    const from = at % (bytes.length + 1);
    const to = Math.min(bytes.length, from + size);
    const [before, within, behind] = [
      bytes.subarray(0, from),
      bytes.subarray(from, to),
      bytes.subarray(to),
    ];
    if (kind === 'flip' && from < bytes.length) bytes[from]! ^= value;
    else if (kind === 'delete') target.bytes = Buffer.concat([before, behind]);
    else if (kind === 'insert')
      target.bytes = Buffer.concat([before, Buffer.alloc(size, value), within, behind]);
    else if (kind === 'double') target.bytes = Buffer.concat([before, within, within, behind]);
    else if (kind === 'zero')
      target.bytes = Buffer.concat([before, Buffer.alloc(to - from), behind]);
    else if (kind === 'swap') moves.reverse();
  }
  return { moves: moves.filter(({ bytes }) => bytes.length > 0) };
}

const breaks = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'flip', 'flip', 'delete', 'insert', 'double', 'zero', 'swap'),
    move: fc.nat(100),
    at: fc.nat(1000),
    size: fc.nat(40),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  { maxLength: 6 },
);

describe('broken connections', () => {
  it('throw nothing, and report no more than there may have been', () => {
    const runs = Number(process.env['FUZZ_RUNS'] ?? 1500);
    fc.assert(
      fc.property(
        fc.nat(1000),
        breaks,
        fc.constantFrom(undefined, 1, 9, 100),
        fc.constantFrom('server', 'client', 'unknown'),
        fc.option(fc.record({ move: fc.nat(40), from: fc.nat(300), size: fc.nat(300) })),
        fc.option(fc.record({ move: fc.nat(40), offset: fc.nat(100) })),
        (seed, how, chunks, role, hole, joinAt) => {
          const conversation = broken(base(seed), how);
          const bytes = conversation.moves.reduce((sum, move) => sum + move.bytes.length, 0);
          const { records, stats } = replay(conversation, {
            role: role as 'server',
            ...(chunks === undefined ? {} : { chunks }),
            ...(hole === null ? {} : { hole: { ...hole, to: hole.from + hole.size } }),
            ...(joinAt === null ? {} : { joinAt }),
          });
          expect(stats.pluginFailures).toBe(0);
          expect(records.length).toBeLessThanOrEqual(bytes / 5);
          for (const record of records) {
            expect(record.requestBytes + record.responseBytes).toBeLessThanOrEqual(
              2 * bytes + 1000,
            );
            expect(() => JSON.stringify(record)).not.toThrow();
          }
        },
      ),
      { numRuns: runs, seed: Number(process.env['FUZZ_SEED'] ?? 42) },
    );
  }, 3_600_000);

  it('of pure noise come to an end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 12 }),
        (parts) => {
          const moves = parts.map((bytes, i) => ({
            from: i % 2 === 0 ? ('client' as const) : ('server' as const),
            bytes: Buffer.from(bytes),
          }));
          const opening = { from: 'client' as const, bytes: Buffer.concat([preface, settings()]) };
          replay({ moves: [opening, ...moves] }, { chunks: 50 });
          replay({ moves }, { joinAt: { move: 0, offset: 0 } });
        },
      ),
      { numRuns: 300, seed: 42 },
    );
  });

  it('that look like frames at every offset come to an end', () => {
    // what looks like a frame at every offset, and never is
    const bait = Buffer.concat(
      Array.from({ length: 6000 }, () => frame(1, 4, 1, Buffer.alloc(2, 0xbe)).subarray(0, 10)),
    );
    const moves = [
      { from: 'client' as const, bytes: Buffer.concat([preface, settings()]) },
      ...Array.from({ length: 20 }, () => ({ from: 'client' as const, bytes: bait })),
    ];
    expect(replay({ moves }, { hole: { move: 0, from: 30, to: 40 } }).records).toEqual([]);
  });
});
