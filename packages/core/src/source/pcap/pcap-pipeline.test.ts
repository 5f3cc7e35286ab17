// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../model/index.js';
import { Pipeline } from '../../stream/index.js';
import {
  pairs,
  toyMessage,
  toyProtocol,
  type ToyOptions,
} from '../../stream/toy-protocol.test-support.js';
import { pcapFile, startNs } from './capture-files.test-support.js';
import { Dialogue } from './dialogue.test-support.js';
import { PcapSource } from './pcap-source.js';

/** The records of a capture. */
async function recordsOf(dialogue: Dialogue, toy: ToyOptions = {}): Promise<TraceRecord[]> {
  const records: TraceRecord[] = [];
  const source = await PcapSource.open([pcapFile(dialogue.packets, { nanoseconds: true })]);
  const pipeline = new Pipeline({
    plugins: [toyProtocol(toy)],
    source: 'pcap',
    wallClockOffsetNs: source.wallClockOffsetNs,
    onRecord: (record) => records.push(record),
    onPluginFailure: (_, error) => {
      throw error;
    },
  });
  await source.run(pipeline);
  return records;
}

const q = (id: number, body = 10): Buffer => toyMessage('Q', id, body);
const s = (id: number, body = 20): Buffer => toyMessage('S', id, body);

describe('records of a capture', () => {
  it('have times, ends and sizes, and no process', async () => {
    const [record] = await recordsOf(
      new Dialogue()
        .handshake()
        .client(q(1), { at: 0, ack: 0 })
        .wait(4)
        .server(s(1), { at: 0, ack: 28 }),
    );
    expect(record).toMatchObject({
      protocol: 'toy',
      complete: true,
      startNs: 3e6,
      startTime: '2023-11-14T22:13:20.126456000Z',
      durationMs: 5,
      role: 'unknown',
      source: 'pcap',
      process: { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '', tid: 0 },
      connection: {
        transport: 'tcp',
        client: { address: '10.0.0.2', port: 50_000 },
        server: { address: '10.0.0.1', port: 80 },
      },
      requestBytes: 28,
      responseBytes: 38,
    });
    expect(startNs + BigInt(record!.startNs)).toBe(1_700_000_000_126_456_000n);
  });

  it('are the same when packets are out of order, doubled and split', async () => {
    const [one, two] = [q(1), q(2)];
    const dialogue = new Dialogue()
      .handshake()
      .client(one.subarray(9), { at: 9, ack: 0 })
      .server(s(1), { at: 0, ack: 28 })
      .client(one.subarray(0, 9), { at: 0, ack: 0 })
      .again()
      .client(two, { at: 28, ack: 38 })
      .server(s(2), { at: 38, ack: 56 })
      .client(two, { at: 28, ack: 38 });
    expect(pairs(await recordsOf(dialogue))).toEqual(['1/1', '2/2']);
  });

  it('say what a lost packet took from them', async () => {
    const dialogue = new Dialogue().handshake();
    let client = 0;
    let server = 0;
    for (let id = 1; id <= 4; id++) {
      dialogue.client(q(id, 100).subarray(0, 60), { at: client, ack: server });
      // The second half of the second request's body is not in the capture.
      if (id !== 2) dialogue.client(q(id, 100).subarray(60), { at: client + 60, ack: server });
      client += 118;
      dialogue.server(s(id), { at: server, ack: client });
      server += 38;
    }
    expect(pairs(await recordsOf(dialogue))).toEqual(['1/1', '2/2 ok !request.body', '3/3', '4/4']);
  });

  it('of half a capture lack the other half', async () => {
    const dialogue = new Dialogue()
      .syn()
      .client(q(1), { at: 0, ack: 0 })
      .client(q(2), { at: 28, ack: 38 })
      .client('', { at: 56, ack: 76 });
    expect(pairs(await recordsOf(dialogue))).toEqual([
      '1/- unknown !response',
      '2/- unknown !response',
    ]);
  });

  it('find their side by the rules when the capture begins in the middle', async () => {
    const dialogue = new Dialogue()
      .server(s(1), { at: 0, ack: 28 })
      .client(q(2), { at: 28, ack: 38 })
      .server(s(2), { at: 38, ack: 56 });
    const records = await recordsOf(dialogue);
    expect(records.map((each) => each.connection.client.port)).toEqual([50_000, 50_000]);
    expect(pairs(records)).toEqual(['-/1 ok !request', '2/2']);
  });

  it('have the sender of the first packet as client when no rule says', async () => {
    const either: ToyOptions = {
      inference: { rules: [{ says: 'either', when: { kind: 'bytes', at: 0, anyOf: ['~'] } }] },
    };
    const dialogue = new Dialogue()
      .client('', { at: 0, ack: 0 })
      .server(s(1), { at: 0, ack: 0 })
      .client(q(2), { at: 0, ack: 38 })
      .server(s(2), { at: 38, ack: 28 });
    const records = await recordsOf(dialogue, either);
    expect(pairs(records)).toContain('2/2');
    expect(records.map((each) => each.connection.client.port)).not.toContain(80);
  });

  it('that nobody answered say so when the connection ends', async () => {
    const dialogue = new Dialogue()
      .handshake()
      .client(q(1), { at: 0, ack: 0, flags: 'FA' })
      .server('', { at: 0, ack: 29, flags: 'FA' })
      .client('', { at: 29, ack: 1 });
    expect(pairs(await recordsOf(dialogue))).toEqual(['1/- unanswered !response']);
  });

  it('that nobody answers in time say so', async () => {
    const dialogue = new Dialogue().handshake().client(q(1), { at: 0, ack: 0 });
    for (let i = 0; i < 4; i++) dialogue.wait(10_000).server('', { at: 0, ack: 28 });
    const [record] = await recordsOf(dialogue);
    expect(record?.status).toBe('unanswered');
  });
});
