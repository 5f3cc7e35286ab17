// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LibtraceError } from '../../errors.js';
import type { PipelineSource } from '../../stream/index.js';
import { frameType, recordingLimits, recordingVersion } from './format.js';
import { FrameReader } from './frame-reader.js';
import { newHeader } from './header.js';
import {
  anyCall,
  CallLog,
  make,
  recordingOf,
  testWriter,
  type Call,
} from './recorded-calls.test-support.js';
import { RecordingDecoder } from './recording-decoder.js';

/** Reads a file in pieces of these sizes, the last one again and again. */
function replay(file: Buffer, ...sizes: readonly number[]) {
  const decoder = new RecordingDecoder();
  const log = new CallLog();
  let failure: LibtraceError | undefined;
  try {
    for (let at = 0, piece = 0; at < file.length; piece++) {
      const size = sizes[Math.min(piece, sizes.length - 1)] ?? file.length;
      decoder.push(file.subarray(at, at + size), log);
      at += size;
    }
    if (decoder.header === undefined) throw decoder.noHeader();
  } catch (error) {
    if (!(error instanceof LibtraceError)) throw error;
    failure = error;
  }
  const before = log.calls.length;
  if (decoder.header !== undefined) decoder.end(log);
  return { calls: log.calls, before, decoder, failure, summary: decoder.summary() };
}

const sample: readonly Call[] = [
  [
    'open',
    {
      id: 7,
      transport: 'tcp',
      role: 'client',
      local: { address: '127.0.0.1', port: 40_000 },
      remote: { address: '127.0.0.1', port: 80 },
      midstream: false,
    },
  ],
  ...Array.from({ length: 3 }, (_, i): Call => [
    'segment',
    7,
    {
      direction: 'out',
      position: i * 5,
      length: 5,
      captured: 5,
      data: Buffer.from('hello'),
      holeReason: undefined,
      oppositePosition: 0,
      startNs: 1000 + i,
      endNs: 1001 + i,
      idleMs: 3,
      tid: 12,
      process: { pid: 11, ppid: 1, comm: 'curl', exe: '/usr/bin/curl', cgroup: '/' },
    },
    'http',
  ]),
  ['tick', 2000],
  ['close', 7, 0, 15, 3000, undefined, true],
  ['finish', 4000],
];

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
      segmentsLost: { ring: 1, ignored: 1, connections: 1, internal: 0 },
      eventsLost: 4,
      runsMissed: 5,
      compatCalls: 6,
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

/** A file with one frame of our making behind the header; its checksum is right. */
async function withFrame(type: number, payload: Buffer): Promise<Buffer> {
  const empty = await recordingOf([]);
  const header = empty.subarray(0, 20 + empty.readUInt32LE(12));
  const head = Buffer.alloc(5);
  head.writeUInt32LE(payload.length);
  head[4] = type;
  const frame = Buffer.concat([head, payload]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(frame));
  return Buffer.concat([header, frame, sum]);
}

describe('a recording made by an enemy', () => {
  it('with frames of any content makes no impossible call', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(...Object.values(frameType)), fc.nat(255)),
        fc.uint8Array({ maxLength: 200 }),
        async (type, payload) => {
          const { calls, failure } = replay(await withFrame(type, Buffer.from(payload)));
          if (failure !== undefined) expect(failure.code).toBe('ERR_RECORDING_INVALID');
          for (const call of calls) {
            for (const value of call) {
              if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(-1);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('may have longer frames than are known: what is behind is left alone', async () => {
    const payload = Buffer.alloc(20);
    payload.writeUInt32LE(77);
    const { calls, failure } = replay(await withFrame(frameType.tick, payload));
    expect(failure).toBeUndefined();
    expect(calls[0]).toEqual(['tick', 77]);
  });

  it('may hold frames of a type that is not known: they are counted', async () => {
    const { failure, summary } = replay(await withFrame(200, Buffer.from('later')));
    expect(failure).toBeUndefined();
    expect(summary.unknownFrames).toBe(1);
  });

  it.each<[string, (payload: Buffer) => void, string | undefined]>([
    ['as it should be', () => undefined, undefined],
    ['with more bytes than moved', (p) => p.writeUInt32LE(3, 42), 'more bytes than moved'],
    ['with a hole without reason', (p) => p.writeUInt32LE(9, 42), 'a hole has no reason'],
    ['with an unknown reason', (p) => p.writeUInt8(7 << 3, 0), 'impossible values'],
    ['of an unknown process', (p) => p.writeUInt32LE(5, 46), 'not described'],
    ['at a negative position', (p) => p.writeInt32LE(-1, 14), 'impossible values'],
    ['at an inexact position', (p) => p.writeInt32LE(2 ** 30, 14), 'impossible values'],
    ['with a hint that is not there', (p) => p.writeUInt8(4, 0), 'impossible values'],
  ])('with a segment %s', (_, change, problem) => {
    const reader = new FrameReader();
    const log = new CallLog();
    const process = Buffer.alloc(14);
    process.writeUInt32LE(9, 0);
    expect(reader.read(frameType.process, process, log)).toBeUndefined();
    const payload = Buffer.alloc(62, 0xff);
    payload.fill(0, 0, 58);
    payload.writeUInt32LE(4, 42);
    payload.writeUInt32LE(9, 46);
    change(payload);
    const answer = reader.read(frameType.segment, payload, log);
    if (problem === undefined) expect(answer).toBeUndefined();
    else expect(answer).toContain(problem);
    expect(log.calls).toHaveLength(problem === undefined ? 1 : 0);
  });

  it('cannot announce connections or processes without bound', () => {
    const reader = new FrameReader();
    const log = { open: () => undefined } as unknown as PipelineSource;
    const open = Buffer.alloc(17);
    open.writeUInt8(1, 8);
    let problem: string | undefined;
    let id = 0;
    for (; problem === undefined && id < 2 ** 21; id++) {
      open.writeUInt32LE(id, 0);
      problem = reader.read(frameType.open, open, log);
    }
    expect(problem).toBe('too many open connections');
    expect(id).toBe(recordingLimits.connections + 1);
    const process = Buffer.alloc(14);
    problem = undefined;
    for (id = 0; problem === undefined && id < 2 ** 16; id++) {
      process.writeUInt32LE(id, 0);
      problem = reader.read(frameType.process, process, log);
    }
    expect(problem).toBe('too many processes');
    expect(id).toBe(recordingLimits.processes + 1);
  });

  it('is read in bounded time when it is changed anywhere', async () => {
    const file = await recordingOf(sample);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        (changes, size) => {
          const changed = Buffer.from(file);
          for (const [at, value] of changes) changed[at] = value;
          replay(changed, size);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a slow or broken disk', () => {
  it('makes the writer drop segments, count them, and say so in the file', async () => {
    const { writer, sink } = testWriter({ maxQueuedBytes: 5000 });
    let open = (): void => undefined;
    sink.gate = new Promise((resolve) => (open = resolve));
    const segment = sample[1]!;
    make(sample[0]!, writer);
    for (let i = 0; i < 1000; i++) make(segment, writer);
    writer.tick(5);
    const { segments, droppedSegments, droppedBytes, connections } = writer.stats();
    expect(segments).toBeGreaterThan(20);
    expect(segments).toBeLessThan(80);
    expect(droppedSegments).toBe(1000 - segments);
    expect(droppedBytes).toBe(5 * droppedSegments);
    expect(connections).toBe(1);
    open();
    await new Promise((resolve) => setTimeout(resolve, 10));
    make(segment, writer);
    await writer.complete();
    const { summary, calls, failure } = replay(sink.bytes);
    expect(failure).toBeUndefined();
    expect(summary).toMatchObject({ droppedSegments, droppedBytes, segments: segments + 1 });
    expect(calls.filter(([name]) => name === 'segment')).toHaveLength(segments + 1);
    expect(calls.filter(([name]) => name === 'tick')).toHaveLength(1);
  });

  it('keeps a bounded queue whatever comes', () => {
    const { writer, sink } = testWriter({ maxQueuedBytes: 5000 });
    sink.gate = new Promise(() => undefined);
    for (let i = 0; i < 100_000; i++) writer.tick(i);
    expect(writer.stats().droppedFrames).toBeGreaterThan(99_000);
  });

  it('is told once, and what comes later is counted as dropped', async () => {
    const errors: Error[] = [];
    const { writer, sink } = testWriter({ onError: (error) => errors.push(error) });
    sink.error = new Error('no space left');
    make(sample[1]!, writer);
    writer.tick(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    make(sample[1]!, writer);
    writer.tick(2);
    await writer.complete();
    expect(errors).toEqual([sink.error]);
    expect(writer.stats()).toMatchObject({ droppedSegments: 1, droppedFrames: 1, fileBytes: 0 });
  });
});
