// SPDX-License-Identifier: Apache-2.0
// A connection of a server through the real pipeline, for tests.
import type { ProcessIdentity, Segment, TraceRecord, Transport } from '@libtrace/core/plugin';
import { Pipeline, type Verdict } from '../../core/src/stream/index.js';
import { greeting, login, ok } from './packets.test-support.js';
import { mysql } from './index.js';
import type { MysqlOptions } from './index.js';

const process: ProcessIdentity = { pid: 1, ppid: 0, comm: 'mysqld', exe: '/mysqld', cgroup: '/' };

interface Settings extends MysqlOptions {
  readonly midstream?: boolean;
  readonly transport?: Transport;
  readonly plaintext?: boolean;
}

export class ServerConnection {
  readonly records: TraceRecord[] = [];
  readonly verdicts: Verdict[] = [];
  readonly pipeline: Pipeline;
  readonly #positions = { in: 0, out: 0 };
  #now = 1e9;

  constructor({
    midstream = false,
    transport = 'tcp',
    plaintext = false,
    ...options
  }: Settings = {}) {
    this.pipeline = new Pipeline({
      plugins: [mysql(options)],
      source: 'recording',
      onRecord: (record) => this.records.push(record),
      onVerdict: (_, verdict) => this.verdicts.push(verdict),
      onPluginFailure: (_, error) => {
        throw error;
      },
      wallClockOffsetNs: 0n,
      plaintext,
    });
    this.pipeline.open({
      id: 1,
      transport,
      role: 'server',
      local: { address: '10.0.0.1', port: 3306 },
      remote: { address: '10.0.0.2', port: 40_000 },
      midstream,
    });
  }

  /** A connection behind its login; the record of it is forgotten. */
  static loggedIn(settings: Settings = {}, capabilities?: number): ServerConnection {
    const connection = new ServerConnection(settings)
      .writes(greeting(capabilities))
      .reads(login(capabilities))
      .writes(ok(2));
    connection.records.length = 0;
    return connection;
  }

  /** One call moves these bytes; `lost` more behind them were not captured. */
  reads(data: Uint8Array, lost = 0): this {
    return this.#move('in', data, lost);
  }

  writes(data: Uint8Array, lost = 0): this {
    return this.#move('out', data, lost);
  }

  /** Each piece by a call of its own. */
  readsEach(...pieces: readonly Uint8Array[]): this {
    for (const piece of pieces) this.reads(piece);
    return this;
  }

  writesEach(...pieces: readonly Uint8Array[]): this {
    for (const piece of pieces) this.writes(piece);
    return this;
  }

  /** Time passes. */
  waits(ns: number): this {
    this.#now += ns;
    this.pipeline.tick(this.#now);
    return this;
  }

  /** Bytes that moved unseen. */
  misses(direction: 'in' | 'out', count: number): this {
    this.#positions[direction] += count;
    return this;
  }

  close(): this {
    this.pipeline.close(1, this.#positions.in, this.#positions.out, this.#now, process);
    return this;
  }

  /** Attributes of the records, `libtrace.mysql.` and `db.` left off. */
  get attributes(): Record<string, unknown>[] {
    return this.records.map(({ attributes }) =>
      Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [
          name.replace(/^(?:libtrace\.mysql|db)\./, ''),
          value,
        ]),
      ),
    );
  }

  #move(direction: 'in' | 'out', bytes: Uint8Array, lost: number): this {
    const data = Buffer.concat([Buffer.from('\n\n'), bytes, Buffer.from('\n\n')]);
    this.#now += 1e6;
    const segment: Segment = {
      direction,
      position: this.#positions[direction],
      length: bytes.length + lost,
      captured: bytes.length,
      data,
      dataStart: 2,
      holeReason: lost > 0 ? 'limit' : undefined,
      oppositePosition: this.#positions[direction === 'in' ? 'out' : 'in'],
      startNs: this.#now,
      endNs: this.#now + 1000,
      tid: 1,
      process,
    };
    this.#positions[direction] += segment.length;
    this.pipeline.segment(1, segment, undefined);
    data.fill(0xdd);
    return this;
  }
}
