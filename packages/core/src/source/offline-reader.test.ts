// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { TraceRecord } from '../model/index.js';
import {
  connectionInfo,
  TestConnection,
  testPipeline,
  toyMessage,
  toyProtocol,
} from '../stream/toy-protocol.test-support.js';
import { createReader, type Reader } from './create-reader.js';
import { anyCall, recordingOf, testWriter } from './recording/recorded-calls.test-support.js';
import { openRecordingFile, Recorder } from './recording/index.js';

const folder = mkdtempSync(join(tmpdir(), 'libtrace-reader-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A live run: conversations on many connections, with ticks, losses, a role that is learned late; and its recording. */
async function liveRun(connections = 3, exchanges = 5) {
  const { writer, sink } = testWriter();
  const { pipeline, records } = testPipeline({
    source: 'syscall',
    wallClockOffsetNs: 1_700_000_000_123_456_789n,
  });
  const both = new Proxy(pipeline, {
    get:
      (target, name) =>
      (...values: unknown[]) => {
        const call = (to: object): unknown =>
          (Reflect.get(to, name) as (...given: unknown[]) => unknown).apply(to, values);
        call(writer);
        return call(target);
      },
  });
  for (let id = 1; id <= connections; id++) {
    const connection = new TestConnection(
      both,
      connectionInfo({ id, role: id % 2 === 0 ? 'unknown' : 'server' }),
    );
    for (let i = 0; i < exchanges; i++) {
      connection.move('in', toyMessage('Q', id * 100 + i, i * 10), { hint: 'toy' });
      const answer = toyMessage('S', id * 100 + i, 50);
      if (i === 2) {
        const captured = { captured: 30, holeReason: 'limit' } as const;
        connection.move('out', answer, captured);
      } else if (i !== 4) connection.move('out', answer);
      connection.tick(100);
    }
    if (id % 3 === 0) connection.close();
  }
  both.tick(60e9);
  both.finish(61e9);
  await writer.complete();
  return { records, file: sink.bytes };
}

async function read(file: Buffer | string, pieces = 1000): Promise<TraceRecord[]> {
  const records: TraceRecord[] = [];
  const reader = createReader({
    plugins: [toyProtocol()],
    file: typeof file === 'string' ? file : inPieces(file, pieces),
  });
  for await (const record of reader) records.push(record as TraceRecord);
  return records;
}

// eslint-disable-next-line @typescript-eslint/require-await -- as a stream would
async function* inPieces(file: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

function asJson(records: readonly TraceRecord[]): string[] {
  return records.map((record) => JSON.stringify(record).replace('"syscall"', '"recording"'));
}

describe('createReader on a recording', () => {
  it('yields the very records of the live run, in their order', async () => {
    const { records, file } = await liveRun(9, 6);
    expect(records.length).toBeGreaterThan(40);
    expect(records.some(({ missing }) => missing.length > 0)).toBe(true);
    expect(asJson(await read(file))).toEqual(asJson(records));
    expect(asJson(await read(file, 1))).toEqual(asJson(records));
  });

  it('reads a file, compressed or not', async () => {
    const { records, file } = await liveRun();
    const path = join(folder, 'calls.ltrec');
    writeFileSync(path, file);
    expect(asJson(await read(path))).toEqual(asJson(records));
    expect(asJson(await read(gzipSync(file), 7))).toEqual(asJson(records));
  });

  it('says what was in it', async () => {
    const { records, file } = await liveRun();
    const reader = createReader({ plugins: [toyProtocol()], file: inPieces(file, 500) });
    expect(reader.stats()).toMatchObject({ format: undefined, details: undefined });
    let count = 0;
    for await (const record of reader) {
      expect(record.source).toBe('recording');
      count += 1;
    }
    expect(count).toBe(records.length);
    expect(reader.stats()).toMatchObject({
      format: 'recording',
      truncated: false,
      pipeline: { connections: 3, records: count },
      details: { kind: 'recording', summary: { complete: true, connections: 3 } },
    });
  });

  it.each([
    ['as it is', (file: Buffer) => file],
    ['compressed', (file: Buffer) => gzipSync(file)],
  ])('yields what is in a file that was cut off, %s, and says so', async (_, wrap) => {
    const { records, file } = await liveRun(20, 10);
    const whole = wrap(file);
    const reader = createReader({
      plugins: [toyProtocol()],
      file: inPieces(whole.subarray(0, Math.floor(whole.length / 2)), 512),
    });
    const seen: TraceRecord[] = [];
    for await (const record of reader) seen.push(record as TraceRecord);
    expect(reader.stats()).toMatchObject({ truncated: true, damaged: false });
    expect(seen.length).toBeGreaterThan(20);
    const known = new Set(asJson(records));
    // All but what was in the middle of something at the cut.
    expect(asJson(seen).filter((json) => !known.has(json)).length).toBeLessThan(20);
  });

  it('yields what came before the damage, then fails', async () => {
    const { file } = await liveRun(20, 10);
    file[Math.floor(file.length / 2)]! ^= 1;
    const reader = createReader({ plugins: [toyProtocol()], file: inPieces(file, 1000) });
    let count = 0;
    const reading = (async () => {
      for await (const record of reader) count += record.complete ? 1 : 0;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ERR_RECORDING_INVALID' });
    expect(reader.stats()).toMatchObject({ damaged: true, truncated: false });
    expect(count).toBeGreaterThan(20);
  });

  it('reads on only when the records were taken', async () => {
    const { file } = await liveRun(200, 10);
    let pieces = 0;
    let closed = false;
    const source = (async function* () {
      try {
        for await (const piece of inPieces(file, 1000)) {
          pieces += 1;
          yield piece;
        }
      } finally {
        closed = true;
      }
    })();
    const reader = createReader({ plugins: [toyProtocol()], file: source });
    for await (const record of reader) {
      expect(record.protocol).toBe('toy');
      await new Promise((resolve) => setTimeout(resolve, 20));
      break;
    }
    expect(pieces).toBeLessThan(10);
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it('ends early when it is told to, also when no record comes', async () => {
    const { file } = await liveRun(50, 10);
    let pieces = 0;
    const abort = new AbortController();
    const source = async function* (): AsyncGenerator<Buffer> {
      for await (const piece of inPieces(file, 100)) {
        if (++pieces === 20) abort.abort();
        await new Promise((resolve) => setImmediate(resolve));
        yield piece;
      }
    };
    const other = toyProtocol({
      name: 'other',
      inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['other'] } }] },
    });
    const reader = createReader({ plugins: [other], file: source(), signal: abort.signal });
    for await (const record of reader) expect(record).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(pieces).toBeLessThan(25);
    expect(reader.stats().truncated).toBe(true);
    const never = createReader({ plugins: [other], file: source(), signal: abort.signal });
    for await (const record of never) expect(record).toBeUndefined();
    const silent = new AbortController();
    const idle = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
    };
    setTimeout(() => silent.abort(), 10);
    const waiting = createReader({ plugins: [other], file: idle, signal: silent.signal });
    for await (const record of waiting) expect(record).toBeUndefined();
  });

  it('takes calls of any order and size that a file may hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { maxLength: 60 }), async (calls) => {
        for (const record of await read(await recordingOf(calls))) {
          expect(JSON.parse(JSON.stringify(record))).toMatchObject({ protocol: 'toy' });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is iterated once', async () => {
    const { file } = await liveRun();
    const reader = createReader({ plugins: [toyProtocol()], file: inPieces(file, 1000) });
    for await (const record of reader) expect(record).toBeDefined();
    const again = reader[Symbol.asyncIterator]();
    await expect(again.next()).rejects.toMatchObject({ code: 'ERR_STATE' });
  });
});

describe('createReader', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'ERR_CAPTURE_FORMAT'],
    ['a text', Buffer.from('GET / HTTP/1.1\r\n\r\n and more of it'), 'ERR_CAPTURE_FORMAT'],
    [
      'a damaged gzip file',
      Buffer.concat([gzipSync('x').subarray(0, 12), Buffer.alloc(40, 9)]),
      'ERR_FILE_READ',
    ],
    ['the start of a recording', Buffer.from([0x89, 0x4c, 0x54]), 'ERR_RECORDING_INVALID'],
  ])('refuses %s', async (_, file, code) => {
    await expect(read(file, 3)).rejects.toMatchObject({ code });
  });

  it('says which file is not there, and why', async () => {
    await expect(read(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'ERR_FILE_READ',
      message: expect.stringContaining('absent') as string,
      cause: { code: 'ENOENT' },
    });
    await expect(read(folder)).rejects.toMatchObject({ cause: { code: 'EISDIR' } });
  });

  it.each([
    [undefined, /plugins is not an array/],
    [{ plugins: [], file: '' }, /file is string/],
    [{ plugins: [] }, /file is undefined/],
    [{ plugins: [], file: 'x', decodeAs: {} }, /decodeAs is not a Map/],
    [{ plugins: [], file: 'x', decodeAs: new Map([[80, 'http']]) }, /decodeAs names http/],
    [{ plugins: [], file: 'x', decodeAs: new Map([[0, 'http']]) }, /the port 0/],
    [{ plugins: [], file: 'x', maxBufferedBytes: 1 }, /maxBufferedBytes is 1/],
  ])('refuses the options %j', (options, message) => {
    expect(() => createReader(options as never)).toThrow(message);
    expect(() => createReader(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID' }) as Error,
    );
  });

  it('refuses plugins as createTracer does', () => {
    const twice = [toyProtocol(), toyProtocol()];
    expect(() => createReader({ plugins: twice, file: 'x' })).toThrow(/two plugins are named toy/);
    expect(() => createReader({ plugins: [{} as never], file: 'x' })).toThrow(/kind/);
  });

  it('has the record types of its plugins', () => {
    const reader = createReader({ plugins: [toyProtocol()], file: 'x' });
    expectTypeOf(reader).toEqualTypeOf<Reader<TraceRecord<string, object>>>();
  });
});

describe('a recording file', () => {
  it('may be read by its owner only, also when it was there', async () => {
    const path = join(folder, 'private.ltrec');
    writeFileSync(path, 'old', { mode: 0o644 });
    const sink = await openRecordingFile(path);
    await sink.write(Buffer.from('new'));
    await sink.close?.();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('that cannot be made is an error with the reason', async () => {
    await expect(openRecordingFile(join(folder, 'no/such/folder'))).rejects.toMatchObject({
      code: 'ERR_RECORDING_WRITE',
      cause: { code: 'ENOENT' },
    });
  });
});

describe('a recorder', () => {
  it('leaves out the sockets that it is told to', async () => {
    const { pipeline, records } = testPipeline();
    const chunks: Buffer[] = [];
    const recorder = new Recorder(
      {
        to: { write: (bytes) => Promise.resolve(void chunks.push(bytes)) },
        capture: {},
        command: undefined,
        exceptSockets: [5, 77],
        wallClockOffsetNs: 1_700_000_000_000_000_000n,
        onError: () => undefined,
      },
      pipeline,
    );
    await recorder.begin();
    for (const inode of [77, 78]) {
      const info = { ...connectionInfo({ id: inode }), inode };
      const connection = new TestConnection(recorder, info);
      connection.move('in', toyMessage('Q', inode, 3));
      recorder.role(inode, 'server');
      connection.move('out', toyMessage('S', inode, 3));
      connection.end('in');
      connection.close();
    }
    await recorder.complete({} as never);
    expect(records.map(({ operation }) => operation)).toEqual(['78']);
    expect(recorder.stats()).toMatchObject({ connections: 1, segments: 2 });
    expect((await read(Buffer.concat(chunks))).map(({ operation }) => operation)).toEqual(['78']);
  });

  it('hands every call on and writes it, and is closed once', async () => {
    const { pipeline, records } = testPipeline();
    const chunks: Buffer[] = [];
    let closes = 0;
    const errors: Error[] = [];
    const recorder = new Recorder(
      {
        to: {
          write: (bytes) => Promise.resolve(void chunks.push(bytes)),
          close: () => {
            closes += 1;
            return Promise.reject(new Error('full'));
          },
        },
        capture: {},
        command: ['x'],
        wallClockOffsetNs: 1_700_000_000_000_000_000n,
        onError: (error) => errors.push(error),
      },
      pipeline,
    );
    await recorder.begin();
    const connection = new TestConnection(recorder, connectionInfo());
    connection.move('in', toyMessage('Q', 1, 3));
    connection.move('out', toyMessage('S', 1, 3));
    connection.end('in');
    connection.tick(100);
    connection.close();
    recorder.finish(9e9);
    const counters = { segmentsSeen: 2 } as never;
    await Promise.all([recorder.complete(counters), recorder.complete(counters)]);
    expect(closes).toBe(1);
    expect(errors).toMatchObject([{ code: 'ERR_RECORDING_WRITE' }]);
    expect(records).toHaveLength(1);
    expect(asJson(await read(Buffer.concat(chunks)))).toEqual(asJson(records));
    expect(recorder.stats()).toMatchObject({ segments: 2, connections: 1 });
  });
});
