// SPDX-License-Identifier: Apache-2.0
import { newRecordingHeader, RecordingWriter } from '@libtrace/core';
import type { ConnectionInfo, Segment } from '@libtrace/core';

const process = { pid: 77, ppid: 1, comm: 'curl', exe: '/usr/bin/curl', cgroup: '/' };

/** What is said on one connection, in turns, the client first. */
export interface Conversation {
  readonly port: number;
  readonly turns: readonly string[];
}

/** A recording of conversations, as their client saw them. */
export async function sampleRecording(conversations: readonly Conversation[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RecordingWriter({
    header: newRecordingHeader({ wallClockOffsetNs: 1_700_000_000_000_000_000n }),
    sink: {
      write(bytes) {
        chunks.push(bytes);
        return Promise.resolve();
      },
    },
  });
  let nowNs = 1e9;
  conversations.forEach(({ port, turns }, index) => {
    const info: ConnectionInfo = {
      id: index + 1,
      transport: 'tcp',
      role: 'client',
      local: { address: '127.0.0.1', port: 40_000 + (index % 20_000) },
      remote: { address: '127.0.0.1', port },
      midstream: false,
    };
    writer.open(info);
    const moved = { in: 0, out: 0 };
    turns.forEach((text, turn) => {
      const direction = turn % 2 === 0 ? 'out' : 'in';
      const data = Buffer.from(text, 'latin1');
      nowNs += 1e6;
      const segment: Segment = {
        direction,
        position: moved[direction],
        length: data.length,
        captured: data.length,
        data,
        dataStart: 0,
        holeReason: undefined,
        oppositePosition: moved[direction === 'in' ? 'out' : 'in'],
        startNs: nowNs,
        endNs: nowNs,
        tid: 78,
        process,
      };
      moved[direction] += data.length;
      writer.segment(info.id, segment, undefined);
    });
    writer.close(info.id, moved.in, moved.out, nowNs, process);
  });
  writer.finish(nowNs);
  await writer.complete();
  return Buffer.concat(chunks);
}

/** One HTTP exchange. */
export function httpTurns(path: string, status = 200): string[] {
  return [
    `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nok`,
  ];
}
