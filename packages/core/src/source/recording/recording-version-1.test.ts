// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { make, MemoryRecording, replay, type Call } from './recorded-calls.test-support.js';
import { RecordingWriter } from './recording-writer.js';

describe('version 1', () => {
  const who = { pid: 11, ppid: 1, comm: 'curl', exe: '/bin/curl', cgroup: '/' };
  const calls: readonly Call[] = [
    [
      'open',
      {
        id: 2 ** 40 + 1,
        transport: 'unix',
        role: 'unknown',
        local: { address: '@a', port: 0 },
        remote: { address: '', port: 65_535 },
        midstream: true,
        likelyRequests: 'out',
      },
    ],
    ['role', 2 ** 40 + 1, 'server'],
    [
      'segment',
      2 ** 40 + 1,
      {
        direction: 'out',
        position: 1,
        oppositePosition: 2,
        startNs: 3,
        endNs: 4,
        length: 9,
        captured: 2,
        data: Buffer.from('hi'),
        holeReason: 'kernel-copy',
        idleMs: 5,
        tid: 12,
        process: who,
      },
      'toy',
    ],
    ['end', 2 ** 40 + 1, 'in', 6, 7],
    ['close', 2 ** 40 + 1, -1, 10, 8, who, false],
    ['tick', 9],
    ['finish', 10],
  ];

  it('is what docs/recording-format.md says, byte by byte', async () => {
    const sink = new MemoryRecording();
    const header = {
      libtrace: '0.0.0',
      created: '',
      machine: { hostname: '', arch: '', platform: '', release: '' },
      source: 'syscall',
      wallClockOffsetNs: 5n,
      capture: {},
      command: undefined,
    } as const;
    const writer = new RecordingWriter({ header, sink });
    for (const call of calls) make(call, writer);
    await writer.complete();
    const hex = sink.bytes.toString('hex');
    const json = JSON.stringify({
      libtrace: '0.0.0',
      created: '',
      machine: { hostname: '', arch: '', platform: '', release: '' },
      source: 'syscall',
      capture: {},
      wallClockOffsetNs: '5',
    });
    const bytes = (...parts: readonly (string | number)[]): string =>
      parts
        .map((part) => (typeof part === 'string' ? part : part.toString(16).padStart(2, '0')))
        .join('');
    const u32 = (value: number): string => {
      const buffer = Buffer.alloc(4);
      buffer.writeUInt32LE(value);
      return buffer.toString('hex');
    };
    const i64 = (value: bigint): string => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64LE(value);
      return buffer.toString('hex');
    };
    const summed = (content: string): string => content + u32(crc32(Buffer.from(content, 'hex')));
    const frame = (type: number, payload: string): string =>
      summed(bytes(u32(payload.length / 2), type, payload));
    const ascii = (text: string): string => Buffer.from(text).toString('hex');
    const id = i64(2n ** 40n + 1n);
    expect(hex).toBe(
      [
        summed(bytes('894c545245430d0a', '0100', '0000', u32(json.length), ascii(json))),
        frame(2, bytes(id, 2, 0, 0b101, '0000', 'ffff', 2, ascii('@a'), 0)),
        frame(3, bytes(id, 2)),
        frame(
          1,
          bytes(
            u32(11),
            u32(1),
            '0400',
            ascii('curl'),
            '0900',
            ascii('/bin/curl'),
            '0100',
            ascii('/'),
          ),
        ),
        frame(
          4,
          bytes(
            0b011_1_1_1,
            0,
            id,
            i64(1n),
            i64(2n),
            i64(3n),
            i64(4n),
            ...[u32(9), u32(11), u32(12), u32(5)],
            3,
            ascii('toy'),
            ascii('hi'),
          ),
        ),
        frame(5, bytes(id, 0, i64(6n), i64(7n))),
        frame(6, bytes(id, i64(-1n), i64(10n), i64(8n), 0b11, u32(11))),
        frame(7, i64(9n)),
        frame(8, i64(10n)),
        frame(12, i64(1n)),
      ].join(''),
    );
    expect(replay(sink.bytes).calls).toEqual(calls);
  });
});
