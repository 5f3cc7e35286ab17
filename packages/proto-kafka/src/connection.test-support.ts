// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity, Segment, TraceRecord } from '@libtrace/core/plugin';
import { Pipeline, type Verdict } from '../../core/src/stream/index.js';
import { kafka } from './index.js';

const process: ProcessIdentity = { pid: 1, ppid: 0, comm: 'broker', exe: '/broker', cgroup: '/' };

/** Options of {@link Connection}. */
export interface ConnectionOptions {
  readonly midstream?: boolean;
  readonly role?: 'server' | 'client' | 'unknown';
  /** Defaults to a new one. */
  readonly plugin?: ReturnType<typeof kafka>;
}

/** A connection to a broker through the real pipeline. Memory handed over is spoiled afterwards. */
export class Connection {
  readonly records: TraceRecord[] = [];
  readonly verdicts: Verdict[] = [];
  readonly pipeline: Pipeline;
  readonly #positions = { in: 0, out: 0 };
  readonly #role: 'server' | 'client' | 'unknown';
  now = 1e9;

  constructor({ midstream = false, role = 'server', plugin = kafka() }: ConnectionOptions = {}) {
    this.#role = role;
    this.pipeline = new Pipeline({
      plugins: [plugin],
      source: 'recording',
      onRecord: (record) => this.records.push(record),
      onVerdict: (_, verdict) => this.verdicts.push(verdict),
      onPluginFailure: (_, error) => {
        throw error;
      },
      wallClockOffsetNs: 0n,
    });
    this.pipeline.open({
      id: 1,
      transport: 'tcp',
      role,
      local: { address: '10.0.0.1', port: 40_001 },
      remote: { address: '10.0.0.2', port: 40_000 },
      midstream,
    });
  }

  /** The client sends; `hole` bytes behind what is given move too. */
  asks(bytes: Buffer, hole = 0): this {
    return this.#move(this.#role === 'client' ? 'out' : 'in', bytes, hole);
  }

  /** The broker sends. */
  answers(bytes: Buffer, hole = 0): this {
    return this.#move(this.#role === 'client' ? 'in' : 'out', bytes, hole);
  }

  /** Bytes of one side move unseen. */
  misses(side: 'request' | 'response', bytes: number): this {
    const isIn = (side === 'request') === (this.#role !== 'client');
    this.#positions[isIn ? 'in' : 'out'] += bytes;
    return this;
  }

  close(): this {
    this.pipeline.close(1, this.#positions.in, this.#positions.out, this.now, process);
    return this;
  }

  #move(direction: 'in' | 'out', bytes: Buffer, hole: number): this {
    const data = Buffer.concat([Buffer.alloc(2, 0xee), bytes, Buffer.alloc(2, 0xee)]);
    this.now += 1e6;
    const segment: Segment = {
      direction,
      position: this.#positions[direction],
      length: bytes.length + hole,
      captured: bytes.length,
      data,
      dataStart: 2,
      holeReason: hole > 0 ? 'limit' : undefined,
      oppositePosition: this.#positions[direction === 'in' ? 'out' : 'in'],
      startNs: this.now,
      endNs: this.now + 1000,
      tid: 1,
      process,
    };
    this.#positions[direction] += segment.length;
    this.pipeline.segment(1, segment, undefined);
    data.fill(0xdd);
    return this;
  }
}
