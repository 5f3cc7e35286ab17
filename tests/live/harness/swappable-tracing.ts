// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, TraceRecord, TracerReport } from '@libtrace/core';
import * as native from '@libtrace/native';
import { onTestFinished } from 'vitest';
import { LiveSource } from '../../../packages/core/src/source/live-source.js';
import { Pipeline } from '../../../packages/core/src/stream/index.js';

/** A live source and its pipeline, below the tracer that wraps them: their plugins can be replaced while attached. */
export class SwappableTracing {
  readonly records: TraceRecord[] = [];
  readonly #source: LiveSource;
  readonly #pipeline: Pipeline;

  constructor(plugins: readonly AnyPlugin[]) {
    this.#pipeline = new Pipeline({
      plugins,
      source: 'syscall',
      wallClockOffsetNs: 0n,
      onRecord: (record) => this.records.push(record),
      onVerdict: (id, verdict) => this.#source.setVerdict(id, verdict),
    });
    const options = {
      target: { pids: [] },
      ringBytes: 8 * 1024 * 1024,
      captureBytes: 65_536,
      maxConnections: 16_384,
      wantUdp: false,
      plugins,
    };
    this.#source = new LiveSource(native, options, this.#pipeline);
    onTestFinished(() => this.close());
    this.#source.attach();
  }

  addPid(pid: number): void {
    this.#source.addPid(pid);
  }

  setPlugins(plugins: readonly AnyPlugin[]): void {
    this.#source.setPlugins(plugins);
    this.#pipeline.setPlugins(plugins);
  }

  flush(): Promise<void> {
    return this.#source.flush();
  }

  report(): TracerReport {
    return this.#source.kernel.report();
  }

  /** Program numbers and counters, as the kernel side has them. */
  get kernel(): LiveSource['kernel'] {
    return this.#source.kernel;
  }

  /** Hands out the records so far and forgets them. */
  async take(): Promise<TraceRecord[]> {
    await this.flush();
    return this.records.splice(0);
  }

  async close(): Promise<void> {
    await this.#source.detach();
    this.#source.close();
  }
}
