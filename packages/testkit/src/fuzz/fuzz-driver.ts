// SPDX-License-Identifier: Apache-2.0
import {
  Pipeline,
  type AnyProtocol,
  type ProtocolPlugin,
  type ProcessIdentity,
  type Segment,
} from '@libtrace/core';
import type { FuzzInput } from './fuzz-input.js';

const somebody: ProcessIdentity = {
  pid: 100,
  ppid: 1,
  comm: 'fuzz',
  exe: '/usr/bin/fuzz',
  cgroup: '/',
};
const local = { address: '192.0.2.1', port: 0 };
const remote = { address: '192.0.2.2', port: 49_152 };

/** Time passes during one connection of so many. */
const ticksEvery = 16;
const tickNs = 20e9;

/** Runs fuzzed connections through one pipeline, one after the other. */
export class FuzzDriver {
  readonly #pipeline: Pipeline;
  readonly #plugin: ProtocolPlugin;
  readonly #failures: unknown[] = [];
  #id = 0;
  #nowNs = 1e9;
  records = 0;

  constructor(plugin: AnyProtocol) {
    this.#plugin = plugin as ProtocolPlugin;
    this.#pipeline = new Pipeline({
      plugins: [plugin],
      source: 'recording',
      wallClockOffsetNs: 0n,
      onRecord: () => {
        this.records++;
      },
      onPluginFailure: (_plugin, error) => this.#failures.push(error),
    });
  }

  /** Plays one input. Returns what the plugin threw or returned against its contract, or an Error about what is kept. */
  run(input: FuzzInput): unknown {
    const pipeline = this.#pipeline;
    const { role, midstream, steps } = input;
    const id = ++this.#id;
    const transport = this.#plugin.transports[0] ?? 'tcp';
    pipeline.open({ id, transport, role, local, remote, midstream });
    const hint = input.hint ? this.#plugin.name : undefined;
    const requestsIn = role !== 'client';
    let client = 0;
    let server = 0;
    for (const { from, bytes, lost } of steps) {
      const isClient = from === 'client';
      const length = bytes.length + lost;
      this.#nowNs += 100_000;
      const segment: Segment = {
        direction: isClient === requestsIn ? 'in' : 'out',
        position: isClient ? client : server,
        length,
        captured: bytes.length,
        data: bytes,
        dataStart: 0,
        holeReason: lost > 0 ? 'limit' : undefined,
        oppositePosition: isClient ? server : client,
        startNs: this.#nowNs,
        endNs: this.#nowNs + 1000,
        tid: somebody.pid,
        process: somebody,
      };
      pipeline.segment(id, segment, hint);
      if (isClient) client += length;
      else server += length;
      if (id % ticksEvery === 1) pipeline.tick((this.#nowNs += tickNs));
    }
    const clientIsIn = requestsIn;
    pipeline.close(
      id,
      clientIsIn ? client : server,
      clientIsIn ? server : client,
      this.#nowNs,
      somebody,
    );
    if (id % ticksEvery === 0) pipeline.tick(this.#nowNs);
    if (this.#failures.length > 0) {
      const [failure] = this.#failures;
      this.#failures.length = 0;
      return failure ?? new Error('the plugin threw undefined');
    }
    return undefined;
  }

  /** Bytes that the pipeline keeps, though every connection has ended. */
  get bufferedBytes(): number {
    return this.#pipeline.stats().bufferedBytes;
  }
}
