// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { KernelConnection } from '../kernel/event-decoder.js';
import type { ConnectionInfo, Segment } from '../model/index.js';
import type { PipelineSource } from '../stream/pipeline-types.js';
import { PlaintextConnections, type PlaintextOptions } from './plaintext-connections.js';

const nowhere = { address: '', port: 0 };

function above(id: number, pid = 7): KernelConnection {
  return {
    id,
    transport: 'tls',
    role: 'unknown',
    local: nowhere,
    remote: nowhere,
    midstream: false,
    source: 'openssl',
    key: BigInt(id),
    inode: 0,
    pid,
  };
}

function carrier(id: number): ConnectionInfo {
  return {
    id,
    transport: 'tcp',
    role: 'server',
    local: { address: '127.0.0.1', port: 443 },
    remote: { address: '127.0.0.1', port: 50_000 },
    midstream: false,
  };
}

function segmentOf(text: string, startNs = 1): Segment {
  const data = Buffer.from(text);
  return {
    direction: 'in',
    position: 0,
    length: data.length,
    captured: data.length,
    data,
    dataStart: 0,
    holeReason: undefined,
    oppositePosition: 0,
    startNs,
    endNs: startNs + 1,
    tid: 7,
    process: { pid: 7, ppid: 1, comm: 'x', exe: '', cgroup: '' },
  };
}

function setUp(options: PlaintextOptions = {}) {
  const told: unknown[][] = [];
  const pipeline: PipelineSource = {
    open: ({ id, role, local, carrier: by, midstream }) =>
      told.push(['open', id, role, local.port, by, ...(midstream ? ['midstream'] : [])]),
    bind: (id, { id: by }) => told.push(['bind', id, by]),
    role: () => undefined,
    segment: (id, { data, captured }) =>
      told.push(['segment', id, data.toString('latin1', 0, captured)]),
    end: (id, direction) => told.push(['end', id, direction]),
    close: (id, _in, _out, _at, _process, ended) =>
      told.push(['close', id, ...(ended === false ? ['not ended'] : [])]),
    tick: () => undefined,
    finish: () => undefined,
  };
  return { told, plaintext: new PlaintextConnections(pipeline, options) };
}

describe('PlaintextConnections', () => {
  it('shows bytes with the addresses and the role of the socket that carries them', () => {
    const { told, plaintext } = setUp();
    plaintext.carrierOpened(carrier(1));
    plaintext.open(above(100), 0);
    plaintext.bind(100, 1);
    plaintext.segment(100, segmentOf('a'), undefined);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1],
      ['segment', 100, 'a'],
    ]);
  });

  it('holds bytes until the socket is known, also when its own announcement comes later', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0);
    const segment = segmentOf('a');
    plaintext.segment(100, segment, undefined);
    segment.data.fill('x');
    plaintext.bind(100, 1);
    expect(told).toEqual([]);
    plaintext.carrierOpened(carrier(1));
    plaintext.segment(100, segmentOf('b'), undefined);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1],
      ['segment', 100, 'a'],
      ['segment', 100, 'b'],
    ]);
  });

  it('shows bytes without a socket after a moment, and tells it when it becomes known', () => {
    const { told, plaintext } = setUp();
    plaintext.carrierOpened(carrier(1));
    plaintext.open(above(100), 0);
    plaintext.segment(100, segmentOf('a'), undefined);
    plaintext.tick(100e6);
    expect(told).toEqual([]);
    plaintext.tick(400e6);
    plaintext.bind(100, 1);
    expect(told).toEqual([
      ['open', 100, 'unknown', 0, undefined],
      ['segment', 100, 'a'],
      ['bind', 100, 1],
    ]);
  });

  it('holds no more than so many bytes', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0);
    for (let i = 0; i < 9; i++)
      plaintext.segment(100, segmentOf('x'.repeat(128 * 1024)), undefined);
    expect(told).toHaveLength(10);
  });

  it('ends what a socket carried with the socket, and what none carried with the process', () => {
    const { told, plaintext } = setUp();
    plaintext.carrierOpened(carrier(1));
    plaintext.open(above(100), 0);
    plaintext.bind(100, 1);
    plaintext.open(above(101), 0);
    plaintext.segment(101, segmentOf('a'), undefined);
    plaintext.exited(8, 1);
    plaintext.exited(7, 1);
    plaintext.carrierClosed(1, 1);
    plaintext.carrierClosed(1, 1);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1],
      ['open', 101, 'unknown', 0, undefined],
      ['segment', 101, 'a'],
      ['close', 101],
      ['close', 100],
    ]);
  });

  it('shows nothing without a socket when only some ports are wanted', () => {
    const { told, plaintext } = setUp({ needsSocket: true });
    plaintext.carrierOpened(carrier(1));
    plaintext.open(above(100), 0);
    plaintext.segment(100, segmentOf('a'), undefined);
    plaintext.tick(400e6);
    plaintext.segment(100, segmentOf('b'), undefined);
    expect(told).toEqual([]);
    plaintext.bind(100, 1);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1],
      ['segment', 100, 'b'],
    ]);
  });

  it('ends those whose end was lost', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0);
    plaintext.open(above(101), 0);
    plaintext.endMissing(new Set([101]), 1);
    expect(told).toEqual([
      ['open', 100, 'unknown', 0, undefined],
      ['close', 100],
    ]);
    expect(plaintext.has(101)).toBe(true);
  });

  it('shows nothing that began before all probes were there', () => {
    const { told, plaintext } = setUp();
    plaintext.carrierOpened(carrier(1));
    plaintext.open(above(100), 0, 50);
    plaintext.bind(100, 1);
    plaintext.segment(100, segmentOf('a', 10), undefined);
    plaintext.tick(400e6);
    plaintext.segment(100, segmentOf('b', 50), undefined);
    plaintext.segment(100, segmentOf('begun before b', 49), undefined);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1, 'midstream'],
      ['segment', 100, 'b'],
      ['segment', 100, 'begun before b'],
    ]);
  });

  it('has seen the beginning of what only began after all probes were there', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0, 50);
    plaintext.segment(100, segmentOf('a', 60), undefined);
    plaintext.carrierOpened(carrier(1));
    plaintext.bind(100, 1);
    expect(told).toEqual([
      ['open', 100, 'server', 443, 1],
      ['segment', 100, 'a'],
    ]);
  });

  it('says nothing of a connection that ended before all probes were there', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0, 50);
    plaintext.segment(100, segmentOf('a', 10), undefined);
    plaintext.end(100, 'in', 1, 20);
    plaintext.close(100, 1, 0, 20);
    plaintext.open(above(101), 0, 50);
    plaintext.segment(101, segmentOf('a', 10), undefined);
    plaintext.finish();
    expect(told).toEqual([]);
  });

  it('does not take what was unanswered for unanswered, when probes were taken out meanwhile', () => {
    const { told, plaintext } = setUp();
    plaintext.open(above(100), 0);
    plaintext.segment(100, segmentOf('a'), undefined);
    plaintext.interrupt('go');
    plaintext.close(100, 1, 0, 2);
    plaintext.open(above(101), 0);
    plaintext.segment(101, segmentOf('a'), undefined);
    plaintext.interrupt('openssl');
    plaintext.close(101, 1, 0, 2);
    expect(told.filter(([what]) => what === 'close')).toEqual([
      ['close', 100],
      ['close', 101, 'not ended'],
    ]);
  });

  it('forgets what the kernel side knows as another connection by now, and counts it', () => {
    const { told, plaintext } = setUp();
    plaintext.carrierOpened(carrier(1));
    for (let id = 100; id < 200; id++) {
      plaintext.open({ ...above(id), key: 7n }, 0);
      plaintext.bind(id, 1);
      plaintext.segment(id, segmentOf('a'), undefined);
    }
    expect(plaintext.forgotten).toBe(99);
    expect(told.filter(([what]) => what === 'close')).toHaveLength(99);
    expect([198, 199].map((id) => plaintext.has(id))).toEqual([false, true]);
    plaintext.open({ ...above(300, 8), key: 7n }, 0);
    plaintext.close(199, 1, 0, 1);
    plaintext.open({ ...above(301), key: 7n }, 0);
    expect(plaintext.forgotten).toBe(99);
  });
});
