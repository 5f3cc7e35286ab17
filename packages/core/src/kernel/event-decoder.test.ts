// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Segment } from '../model/index.js';
import { CgroupPaths } from './cgroup-paths.js';
import { endEvent, eventType, openEvent, processEvent, segmentEvent } from './contract.gen.js';
import { EventDecoder, type EventHandler, type KernelConnection } from './event-decoder.js';
import { ProcessTable } from './process-table.js';

/** Where the readers of the contract find a field: a writer made of the reader. */
function put(event: Buffer, read: (view: DataView, at: number) => number, value: number): void {
  // The byte at which a change shows in the reader with weight 1 is the field's first one (little-endian).
  const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
  for (let at = 0; at < event.length; at++) {
    const kept = event[at]!;
    const before = read(view, 0);
    event[at] = kept ^ 1;
    const weight = Math.abs(read(view, 0) - before);
    event[at] = kept;
    if (weight !== 1) continue;
    for (let left = value, i = at; left > 0; left = Math.floor(left / 256), i++)
      event[i] = left % 256;
    expect(read(view, 0)).toBe(value);
    return;
  }
  throw new Error('no such field');
}

function slabOf(...events: readonly Buffer[]): Buffer {
  return Buffer.concat(
    events.map((event) => {
      const padded = Buffer.alloc(8 + Math.ceil(event.length / 8) * 8);
      padded.writeUInt32LE(event.length);
      event.copy(padded, 8);
      return padded;
    }),
  );
}

function setUp() {
  const seen: unknown[] = [];
  const handler: EventHandler = {
    onOpen: (connection: KernelConnection) => seen.push(connection),
    onSegment: (id: number, { data, dataStart, captured, ...rest }: Segment, hint) =>
      seen.push({
        id,
        hint,
        ...rest,
        text: data.toString('latin1', dataStart, dataStart + captured),
      }),
    onEnd: (...args) => seen.push(['end', ...args]),
    onClose: (...args) => seen.push(['close', ...args]),
    onLinger: (...args) => seen.push(['linger', ...args]),
    onBind: (...args) => seen.push(['bind', ...args]),
    onExec: (...args) => seen.push(['exec', ...args]),
    onFork: (...args) => seen.push(['fork', ...args]),
    onMapped: (...args) => seen.push(['mapped', ...args]),
    onExit: (...args) => seen.push(['exit', ...args]),
  };
  const processes = new ProcessTable(new CgroupPaths());
  return {
    seen,
    processes,
    decoder: new EventDecoder(handler, processes, {
      protocolName: (number) => (number === 1 ? 'http' : undefined),
      sourceName: (number) => (number === 1 ? 'openssl' : undefined),
    }),
  };
}

function processEventOf(type: number, pid: number, parent: number, comm = '', path = ''): Buffer {
  const event = Buffer.alloc(processEvent.size);
  event[0] = type;
  put(event, processEvent.pid, pid);
  put(event, processEvent.parentPid, parent);
  event.write(comm, processEvent.commAt);
  event.write(path, processEvent.pathAt);
  put(event, processEvent.pathLength, path.length);
  return event;
}

/** Above every process id that a kernel gives out (PID_MAX_LIMIT), so that /proc has none of these. */
const GONE = 5_000_000;

describe('EventDecoder', () => {
  it('hands on a segment with its bytes, its process and the protocol that the kernel named', () => {
    const { seen, decoder } = setUp();
    const text = 'GET / HTTP/1.1\r\n';
    const event = Buffer.concat([Buffer.alloc(segmentEvent.size), Buffer.from(text)]);
    event[0] = eventType.segment;
    put(event, segmentEvent.direction, 1);
    put(event, segmentEvent.protocol, 1);
    put(event, segmentEvent.holeReason, 1);
    put(event, segmentEvent.pid, GONE);
    put(event, segmentEvent.tid, GONE + 1);
    put(event, segmentEvent.length, 100);
    put(event, segmentEvent.captured, text.length);
    put(event, segmentEvent.idleMs, 7);
    put(event, segmentEvent.connection, 2 ** 41 + 5);
    put(event, segmentEvent.startNs, 2 ** 50 + 1);
    put(event, segmentEvent.endNs, 2 ** 50 + 9);
    put(event, segmentEvent.position, 2 ** 33);
    put(event, segmentEvent.oppositePosition, 12);
    decoder.decode(
      slabOf(processEventOf(eventType.exec, GONE, 1, 'curl', '/usr/bin/curl'), event),
      2,
    );
    expect(seen).toMatchObject([
      ['exec', GONE, '/usr/bin/curl'],
      {
        id: 2 ** 41 + 5,
        hint: 'http',
        text,
        direction: 'out',
        length: 100,
        holeReason: 'limit',
        idleMs: 7,
        tid: GONE + 1,
        startNs: 2 ** 50 + 1,
        endNs: 2 ** 50 + 9,
        position: 2 ** 33,
        oppositePosition: 12,
        process: { pid: GONE, ppid: 1, comm: 'curl', exe: '/usr/bin/curl' },
      },
    ]);
  });

  it('gives a child the identity of its parent until it calls exec, and keeps identities after exit', () => {
    const { seen, processes, decoder } = setUp();
    decoder.decode(
      slabOf(
        processEventOf(eventType.exec, GONE, 1, 'sh', '/bin/sh'),
        processEventOf(eventType.fork, GONE + 1, GONE),
      ),
      2,
    );
    expect(processes.get(GONE + 1)).toMatchObject({ pid: GONE + 1, ppid: GONE, comm: 'sh' });
    decoder.decode(
      slabOf(
        processEventOf(eventType.exec, GONE + 1, GONE, 'fifteen-letters', 'rel/path'),
        processEventOf(eventType.exit, GONE + 1, 0),
      ),
      2,
    );
    expect(processes.get(GONE + 1)).toMatchObject({ comm: 'fifteen-letters', exe: 'rel/path' });
    expect(seen).toEqual([
      ['exec', GONE, '/bin/sh'],
      ['fork', GONE + 1, GONE],
      ['exec', GONE + 1, 'rel/path'],
      ['exit', GONE + 1],
    ]);
  });

  it('hands on opens with addresses, ends, closes and what lingers', () => {
    const { seen, decoder } = setUp();
    const open = Buffer.alloc(openEvent.size);
    open[0] = eventType.open;
    put(open, openEvent.role, 2);
    put(open, openEvent.transport, 1);
    put(open, openEvent.family, 2);
    put(open, openEvent.localPort, 8080);
    put(open, openEvent.remotePort, 40_000);
    put(open, openEvent.connection, 3);
    put(open, openEvent.inode, 99);
    put(open, openEvent.midstream, 1);
    open.set([10, 0, 0, 1], openEvent.localAddrAt);
    open.set([10, 0, 0, 2], openEvent.remoteAddrAt);
    const end = (type: number, direction: number): Buffer => {
      const event = Buffer.alloc(endEvent.size);
      event[0] = type;
      put(event, endEvent.direction, direction);
      put(event, endEvent.connection, 3);
      put(event, endEvent.timestampNs, 1_000);
      put(event, endEvent.position0, 11);
      put(event, endEvent.position1, 22);
      return event;
    };
    decoder.decode(
      slabOf(
        open,
        end(eventType.end, 0),
        end(eventType.end, 1),
        end(eventType.linger, 0),
        end(eventType.close, 0),
      ),
      5,
    );
    expect(seen).toEqual([
      {
        id: 3,
        key: 0n,
        pid: 0,
        inode: 99,
        role: 'server',
        transport: 'tcp',
        midstream: true,
        local: { address: '10.0.0.1', port: 8080 },
        remote: { address: '10.0.0.2', port: 40_000 },
      },
      ['end', 3, 'in', 11, 1_000],
      ['end', 3, 'out', 22, 1_000],
      ['linger', 3],
      ['close', 3, 11, 22, 1_000, 0],
    ]);
  });

  it('ignores events of a type that it does not know', () => {
    const { seen, decoder } = setUp();
    decoder.decode(slabOf(Buffer.alloc(16, 200)), 1);
    expect(seen).toEqual([]);
  });
});
