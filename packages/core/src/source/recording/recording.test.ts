// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordingLimits, recordingVersion } from './format.js';
import { newHeader } from './header.js';
import {
  anyCall,
  recordingOf,
  replay,
  sample,
  testWriter,
  type Call,
} from './recorded-calls.test-support.js';

describe('a recording', () => {
  it('holds the very calls that were made, however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyCall, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 10 }),
        async (calls, sizes) => {
          const {
            calls: replayed,
            before,
            failure,
            summary,
          } = replay(await recordingOf(calls), ...sizes);
          expect(failure).toBeUndefined();
          expect(replayed.slice(0, before)).toEqual(calls);
          expect(summary).toMatchObject({ complete: true, unreadBytes: 0 });
          expect(replayed.length - before).toBe(calls.at(-1)?.[0] === 'finish' ? 0 : 1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has a header that says who, where and when', async () => {
    const { writer, sink } = testWriter({
      header: newHeader({
        wallClockOffsetNs: -5n,
        source: 'openssl',
        capture: { ports: [80], plugins: ['http'] },
        command: ['curl', '-s', 'ü'],
      }),
    });
    await writer.complete();
    const { header } = replay(sink.bytes).decoder;
    expect(header).toMatchObject({
      wallClockOffsetNs: -5n,
      source: 'openssl',
      capture: { ports: [80], plugins: ['http'] },
      command: ['curl', '-s', 'ü'],
      libtrace: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      machine: { arch: process.arch, platform: process.platform },
    });
  });

  it('says what the kernel side counted and what the disk did not take', async () => {
    const { writer, sink } = testWriter();
    const counters = {
      segmentsSeen: 10,
      bytesSeen: 100,
      segmentsDelivered: 7,
      bytesDelivered: 70,
      segmentsLost: { ring: 1, ignored: 1, connections: 1, internal: 0, covered: 2, begun: 0 },
      eventsLost: 4,
      runsMissed: 5,
      compatCalls: 6,
      connectionsForgotten: 0,
    };
    writer.counters(counters);
    await writer.complete();
    expect(replay(sink.bytes).summary).toMatchObject({ counters, droppedSegments: 0 });
  });

  it('forgets processes when there are too many, and describes them anew', async () => {
    const processes = Array.from({ length: recordingLimits.processes + 50 }, (_, pid) => ({
      pid,
      ppid: 0,
      comm: `c${pid}`,
      exe: '',
      cgroup: '',
    }));
    const calls = [...processes, processes[0]!].map((process, i): Call => [
      'close',
      i,
      -1,
      -1,
      i,
      process,
      true,
    ]);
    const { calls: replayed, before, failure } = replay(await recordingOf(calls));
    expect(failure).toBeUndefined();
    expect(replayed.slice(0, before)).toEqual(calls);
  });

  it('cuts what does not fit into a frame, and says so', async () => {
    const [, id, segment] = sample[1] as Extract<Call, readonly ['segment', ...unknown[]]>;
    const data = Buffer.alloc(recordingLimits.payload + 10, 'x');
    const huge = { ...segment, data, captured: data.length, length: data.length };
    const { calls } = replay(await recordingOf([['segment', id, huge, undefined]]));
    const [, , read] = calls[0] as Extract<Call, readonly ['segment', ...unknown[]]>;
    expect(read).toMatchObject({ length: data.length, holeReason: 'limit' });
    expect(read.captured).toBe(recordingLimits.payload - 58);
  });
});

describe('a recording that was cut off', () => {
  it('is read up to there, at every byte', async () => {
    const file = await recordingOf(sample);
    const headerBytes = 20 + file.readUInt32LE(12);
    for (let length = 0; length < file.length; length++) {
      const { calls, before, failure, summary, decoder } = replay(file.subarray(0, length), 64);
      if (length < headerBytes) {
        expect(failure).toMatchObject({ code: 'ERR_RECORDING_INVALID', offset: length });
        expect(decoder.header).toBeUndefined();
        continue;
      }
      expect(failure).toBeUndefined();
      expect(summary.complete).toBe(false);
      expect(calls.slice(0, before)).toEqual(sample.slice(0, before));
      // What is unfinished is reported, once.
      expect(calls.filter(([name]) => name === 'finish')).toHaveLength(1);
    }
    const whole = replay(file);
    expect(whole.calls).toEqual(sample);
  });
});

describe('a damaged recording', () => {
  it('is told by an error with its place, after the calls before the damage', async () => {
    const file = await recordingOf(sample);
    const headerBytes = 20 + file.readUInt32LE(12);
    for (let at = 0; at < file.length; at++) {
      const damaged = Buffer.from(file);
      damaged[at]! ^= 0x10;
      const { calls, before, failure, decoder, summary } = replay(damaged, 50);
      // A frame that claims to be longer than the file looks cut off.
      if (failure === undefined) expect(summary.complete).toBe(false);
      else if (failure.message.includes('ends before')) expect(decoder.header).toBeUndefined();
      else expect(failure.offset).toBeLessThanOrEqual(at);
      if (at >= headerBytes) expect(calls.slice(0, before)).toEqual(sample.slice(0, before));
    }
  });

  it.each([
    ['another kind of file', (file: Buffer) => file.fill(0x20, 0, 8), /begin/, 0],
    [
      'a header that is too long',
      (file: Buffer) => file.writeUInt32LE(2 ** 31, 12),
      /header has 2147483648 bytes/,
      12,
    ],
  ])('%s', async (_, damage, message, offset) => {
    const file = await recordingOf(sample);
    damage(file);
    const { failure, calls } = replay(file);
    expect(failure).toMatchObject({ code: 'ERR_RECORDING_INVALID', offset });
    expect(failure!.message).toMatch(message);
    expect(calls).toEqual([]);
  });

  it('of a newer version is refused with what to do', async () => {
    const file = await recordingOf(sample);
    file.writeUInt16LE(recordingVersion + 1, 8);
    expect(replay(file).failure).toMatchObject({
      code: 'ERR_RECORDING_VERSION',
      offset: 8,
      remedy: expect.stringContaining('newer libtrace') as string,
    });
  });

  it('with bytes behind its end is refused', async () => {
    const file = Buffer.concat([await recordingOf(sample), Buffer.from('x')]);
    const { failure, calls } = replay(file);
    expect(failure).toMatchObject({ code: 'ERR_RECORDING_INVALID', offset: file.length - 1 });
    expect(calls).toEqual(sample);
  });
});
