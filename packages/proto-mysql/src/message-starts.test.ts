// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { beginsCompressed, nextCompressedStart } from './compressed-start.js';
import * as build from './packets.test-support.js';
import { bytes, compressed, le, packet } from './packets.test-support.js';
import { beginsCommand } from './request-start.js';
import { beginsAwaited, beginsResponse } from './response-start.js';

function view(data: Uint8Array): ByteView {
  const one = new ByteView();
  one.reset(Buffer.from(data), 0, data.length, 0, false, 0);
  return one;
}

const command = (data: Uint8Array, isLikely = false): boolean =>
  beginsCommand(view(data), 0, isLikely);
const response = (data: Uint8Array, isLikely = false): boolean =>
  beginsResponse(view(data), 0, isLikely);

describe('where a command begins', () => {
  it('is plain from a statement, anywhere', () => {
    expect(command(build.query('select 1'))).toBe(true);
    expect(command(build.query(' /* c */ (select 1)'))).toBe(true);
    expect(command(build.query('/*!40101 SET a = 1 */'))).toBe(true);
    expect(command(packet(0, 3, 0, 1, 'update t set a = 1'))).toBe(true);
    expect(command(bytes(build.prepare('select ?'), 'more'))).toBe(true);
    expect(command(build.query('selectx 1'))).toBe(false);
    expect(command(build.query('selec 1'))).toBe(false);
    expect(command(packet(1, 3, 'select 1'))).toBe(false);
    expect(command(build.query('/*'.repeat(500)))).toBe(false);
  });

  it('is plain from an execution', () => {
    expect(command(build.execute(7))).toBe(true);
    expect(command(packet(0, 0x17, le(7, 4), 0, le(2, 4)))).toBe(false);
    expect(command(packet(0, 0x17, le(0x07000000, 4), 0, le(1, 4)))).toBe(false);
  });

  it('is believed of short commands only where the bytes of a call begin, and end', () => {
    const all = [
      build.ping,
      build.quit,
      packet(0, 0x19, le(7, 4)),
      packet(0, 2, 'shop'),
      packet(0, 9),
    ];
    for (const one of all) {
      expect([command(one), command(one, true)]).toEqual([false, true]);
      expect(command(one.subarray(0, 4), true)).toBe(false);
    }
    expect(command(bytes(build.ping, 0), true)).toBe(false);
    expect(command(packet(0, 2, '\x01'), true)).toBe(false);
    expect(command(packet(0, 0), true)).toBe(false);
  });
});

describe('where a response begins', () => {
  it('is plain from a result set, anywhere', () => {
    expect(response(build.resultSet(['a']))).toBe(true);
    expect(response(build.prepared(3))).toBe(true);
    expect(response(build.err(1, 1064, '42000', 'x'))).toBe(true);
    expect(response(build.err(1, 1064, '', 'message'))).toBe(false);
    expect(response(packet(2, 1))).toBe(false);
  });

  it('is believed of short ones only where they end with the bytes of a call', () => {
    expect(response(build.ok(1))).toBe(true);
    expect(response(bytes(build.ok(1), 7))).toBe(false);
    expect([response(build.eof(1)), response(build.eof(1), true)]).toEqual([false, true]);
    expect(response(bytes(build.ok(1, { status: 8 }), packet(2, 1), packet(3, 'x')), true)).toBe(
      true,
    );
    expect(response(bytes(packet(1, 0, 2), packet(2, 1, '5'), build.okEof(3)), true)).toBe(true);
    expect(response(bytes(packet(1, 0, 2), packet(7, 1, '5')), true)).toBe(false);
  });

  it('is told by what is awaited', () => {
    const awaited = (shape: Parameters<typeof beginsAwaited>[0], data: Uint8Array): boolean =>
      beginsAwaited(shape, view(data), 0);
    expect(awaited('text', packet(1, 'Uptime: 5'))).toBe(true);
    expect(awaited('text', packet(2, 'Uptime: 5'))).toBe(false);
    expect(awaited('columns', bytes(build.definition(1, 'a'), build.eof(2)))).toBe(true);
    expect(awaited('rows', bytes(packet(1, 0, 0, 'a'), build.eof(2)))).toBe(true);
    expect(awaited('rows', bytes(packet(1, 0, 0, 'a'), 'abcdefgh'))).toBe(false);
    expect(awaited('login', packet(4, 0, 0, 0, le(2, 2), le(0, 2)))).toBe(true);
    expect(awaited('result', build.ok(1))).toBe(false);
    expect(awaited('text', bytes(1, 0, 0, 1))).toBe(false);
  });
});

describe('where a compressed packet begins', () => {
  const begins = (side: 'request' | 'response', data: Uint8Array, isLikely = true): boolean =>
    beginsCompressed(side, view(data), 0, isLikely);

  it('is told by what is in it', () => {
    expect(begins('request', compressed(0, build.query('select 1')), false)).toBe(true);
    expect(begins('request', compressed(0, build.ping))).toBe(true);
    expect(begins('response', compressed(1, build.ok(1)))).toBe(true);
    expect(begins('response', compressed(1, build.resultSet(['a'])))).toBe(true);
    expect(begins('request', build.query('select 1'))).toBe(false);
    expect(begins('response', build.ok(1))).toBe(false);
    expect(begins('request', compressed(1, build.ping))).toBe(false);
  });

  it('is told by how compressed data begins', () => {
    const long = build.query(`select '${'x'.repeat(200)}'`);
    const packed = compressed(0, long, deflateSync);
    expect(begins('request', packed)).toBe(true);
    expect(begins('request', bytes(packed, 'x'), false)).toBe(false);
    expect(
      begins(
        'request',
        compressed(0, Buffer.alloc(100), (data) => data.subarray(50)),
      ),
    ).toBe(false);
    expect(nextCompressedStart('request', view(bytes('xyz', packed)), 0, 0)).toBe(3);
    expect(
      nextCompressedStart('request', view(bytes('xyz', compressed(0, build.ping))), 0, 0),
    ).toBe(-1);
    expect(
      nextCompressedStart('request', view(bytes('xyz', compressed(0, build.ping))), 0, 3),
    ).toBe(3);
  });
});
