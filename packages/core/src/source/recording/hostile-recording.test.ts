// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PipelineSource } from '../../stream/index.js';
import { frameType, recordingLimits } from './format.js';
import { FrameReader } from './frame-reader.js';
import { CallLog, recordingOf, replay, sample } from './recorded-calls.test-support.js';

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
