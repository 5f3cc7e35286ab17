// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, TraceRecord } from '../../model/index.js';
import { Pipeline } from '../../stream/index.js';
import { hellos } from '../../stream/tls/hello.test-support.js';
import {
  connectionInfo,
  TestConnection,
  toyMessage,
  toyProtocol,
} from '../../stream/toy-protocol.test-support.js';
import {
  make,
  MemoryRecording,
  recordingOf,
  replay,
  type Call,
} from './recorded-calls.test-support.js';
import { Recorder } from './recorder.js';

const nowhere = { address: '', port: 0 };
const carrierInfo: ConnectionInfo & { readonly inode: number } = {
  ...connectionInfo({ id: 7 }),
  inode: 99,
};
const plaintextInfo: ConnectionInfo = {
  id: 2 ** 52 + 1,
  transport: 'tls',
  role: 'unknown',
  local: nowhere,
  remote: nowhere,
  midstream: false,
  source: 'openssl',
};

function newPipeline(records: TraceRecord[], plaintext?: boolean): Pipeline {
  return new Pipeline({
    plugins: [toyProtocol()],
    source: 'recording',
    wallClockOffsetNs: 5n,
    onRecord: (record) => records.push(record),
    // Live, verdicts are told: a replay must do without and give the same.
    ...(plaintext === undefined ? {} : { plaintext, onVerdict: () => undefined }),
  });
}

/** A conversation above TLS whose socket is known only when a call was answered. */
function converse(pipeline: Recorder): void {
  const carrier = new TestConnection(pipeline, carrierInfo);
  carrier.move('in', hellos.client);
  const plaintext = new TestConnection(pipeline, plaintextInfo);
  plaintext.move('in', toyMessage('Q', 1, 5));
  plaintext.move('out', toyMessage('S', 1, 5));
  pipeline.bind(plaintext.id, carrierInfo);
  plaintext.move('in', toyMessage('Q', 2, 5));
  carrier.move('out', hellos.server);
  plaintext.move('out', toyMessage('S', 2, 5));
  plaintext.move('in', toyMessage('Q', 3, 5));
  carrier.close();
  plaintext.close();
  pipeline.tick(2e9);
  pipeline.finish(3e9);
}

async function recorded(exceptSockets: readonly number[] = []) {
  const live: TraceRecord[] = [];
  const pipeline = newPipeline(live, true);
  const sink = new MemoryRecording();
  const recorder = new Recorder(
    {
      to: sink,
      capture: {},
      command: undefined,
      wallClockOffsetNs: 5n,
      exceptSockets,
      onError: (error) => {
        throw error;
      },
    },
    pipeline,
  );
  await recorder.begin();
  converse(recorder);
  await recorder.complete({
    segmentsSeen: 0,
    bytesSeen: 0,
    segmentsDelivered: 0,
    bytesDelivered: 0,
    segmentsLost: { ring: 0, ignored: 0, connections: 0, internal: 0, covered: 3, begun: 0 },
    eventsLost: 0,
    runsMissed: 0,
    compatCalls: 0,
    connectionsForgotten: 0,
  });
  return { live, pipeline, file: sink.bytes };
}

describe('a recording of plaintext', () => {
  it('gives the very same records, with what the handshake told at that time', async () => {
    const { live, pipeline, file } = await recorded();
    const replayed: TraceRecord[] = [];
    const again = newPipeline(replayed);
    const { decoder, calls } = replay(file);
    expect(decoder.summary().counters?.segmentsLost.covered).toBe(3);
    for (const call of calls) make(call, again);
    expect(
      live.map(({ source, connection }) => [source, connection.server.port, connection.tls]),
    ).toEqual([
      ['openssl', 0, {}],
      ['openssl', 7000, hellos.info],
      ['openssl', 7000, hellos.info],
    ]);
    expect(JSON.stringify(replayed)).toBe(JSON.stringify(live));
    expect(again.stats()).toEqual(pipeline.stats());
  });

  it('leaves out what a socket carries that is left out', async () => {
    const { live, file } = await recorded([99]);
    const { calls } = replay(file);
    const after = calls.findIndex(([name]) => name === 'close');
    expect(calls.slice(0, after).map(([name]) => name)).toEqual(['open', 'segment', 'segment']);
    expect(calls.slice(after + 1).map(([name]) => name)).toEqual(['tick', 'finish']);
    expect(live).toHaveLength(1);
  });

  it('says what plaintext belongs to, byte by byte as docs/recording-format.md says', async () => {
    const calls: readonly Call[] = [
      ['open', { ...plaintextInfo, carrier: 2 }],
      ['bind', 3, connectionInfo({ id: 2, likelyRequests: 'in', midstream: true })],
    ];
    const file = await recordingOf(calls);
    const frame = (type: number, hex: string): string => {
      const payload = Buffer.from(hex, 'hex');
      const head = Buffer.alloc(5);
      head.writeUInt32LE(payload.length);
      head[4] = type;
      const sum = Buffer.alloc(4);
      sum.writeUInt32LE(crc32(Buffer.concat([head, payload])));
      return Buffer.concat([head, payload, sum]).toString('hex');
    };
    const ascii = (text: string): string => Buffer.from(text).toString('hex');
    const i64 = (value: bigint): string => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes.toString('hex');
    };
    const open =
      `${i64(2n ** 52n + 1n)}03 00 18 0000 0000 00 00 07${ascii('openssl')}${i64(2n)}`.replaceAll(
        ' ',
        '',
      );
    const bind =
      `${i64(3n)}${i64(2n)}00 02 03 581b 50c3 08${ascii('10.0.0.1')}08${ascii('10.0.0.2')}`.replaceAll(
        ' ',
        '',
      );
    expect(file.toString('hex')).toContain(frame(2, open) + frame(13, bind));
    expect(replay(file).calls.slice(0, 2)).toEqual(calls);
  });
});
