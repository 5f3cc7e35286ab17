// SPDX-License-Identifier: Apache-2.0
import {
  createTracer,
  type AnyPlugin,
  type TraceRecord,
  type Tracer,
  type TracerStats,
} from '@libtrace/core';
import type { TracerOptions } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { expect, onTestFinished } from 'vitest';
import { timeScale, until } from './time-scale.js';

type Options = Partial<TracerOptions<readonly AnyPlugin[]>>;

/** A tracer of the calls of programs that the suite started, with the records it has yielded. */
export class Tracing {
  readonly tracer: Tracer<TraceRecord>;
  readonly errors: Error[] = [];
  #records: TraceRecord[] = [];

  private constructor(options: Options) {
    this.tracer = createTracer({
      plugins: [http({ responseHeaders: ['x-id'] })],
      target: { pids: [] },
      ...options,
    }) as unknown as Tracer<TraceRecord>;
    this.tracer.on('record', (record) => this.#records.push(record));
    this.tracer.on('error', (error) => this.errors.push(error));
  }

  /** Made but not attached. */
  static created(options: Options = {}): Tracing {
    return new Tracing(options);
  }

  /** Attached to nothing, until pids are added; closed at the end of the test. */
  static async attached(options: Options = {}): Promise<Tracing> {
    const tracing = new Tracing(options);
    onTestFinished(() => tracing.tracer.close());
    await tracing.tracer.attach();
    return tracing;
  }

  addPids(...pids: readonly number[]): void {
    for (const pid of pids) this.tracer.addPid(pid);
  }

  /** Records so far. */
  get records(): readonly TraceRecord[] {
    return this.#records;
  }

  /** Waits for `count` records, and a moment for those too many; hands them out and forgets them. */
  async take(count: number, quietMs = 2_500): Promise<TraceRecord[]> {
    await this.waitFor(count, quietMs);
    const taken = this.#records;
    this.#records = [];
    return taken;
  }

  /** Hands out what comes until nothing more came for a moment: for programs that end with calls in flight. */
  async takeRest(): Promise<TraceRecord[]> {
    let before = -1;
    while (this.#records.length !== before) {
      before = this.#records.length;
      await new Promise((resolve) => setTimeout(resolve, 300 * Math.min(timeScale, 4)));
      await this.tracer.flush();
    }
    return this.take(0);
  }

  /**
   * Waits for `count` records as long as some still come; with fewer it returns too, so that the test can say which are
   * missing.
   */
  async waitFor(count: number, quietMs = 2_500): Promise<void> {
    let before = -1;
    let quietSince = 0;
    await this.tracer.flush();
    while (this.#records.length < count) {
      if (this.#records.length !== before) quietSince = Date.now();
      before = this.#records.length;
      if (Date.now() - quietSince > quietMs * timeScale) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
      await this.tracer.flush();
    }
    await this.tracer.flush();
  }

  /** Everything that the hooks saw was delivered or counted as lost; by default nothing was lost. */
  async expectAccounted(lossless = true): Promise<TracerStats> {
    // Each CPU counts for itself: the sum is right when no call is in progress.
    const settled = await until('the books balance', () => {
      const { kernel } = this.tracer.stats();
      return balance(kernel) === 0 && kernel;
    }).catch(() => this.tracer.stats().kernel);
    expect(balance(settled), `not accounted for: ${JSON.stringify(settled)}`).toBe(0);
    const stats = this.tracer.stats();
    expect(this.errors).toEqual([]);
    expect(stats.pipeline.pluginFailures).toBe(0);
    expect(stats.recordsDropped).toBe(0);
    if (lossless) {
      const { ring, connections, internal } = stats.kernel.segmentsLost;
      // Of perf-style tracepoints a kernel skips the calls of any process, traced or not, while somebody's bpf() call is
      // preempted on that CPU (the suite's own addPid is one). That no traced call was among them, the records show.
      const isPerf = this.tracer.report().hooks.some(({ hook }) => hook.includes('raw_syscalls:'));
      const runsMissed = isPerf ? 0 : stats.kernel.runsMissed;
      expect({
        ring,
        connections,
        internal,
        runsMissed,
        events: stats.kernel.eventsLost,
        capped: stats.pipeline.cappedBytes,
      }).toEqual({
        ring: 0,
        connections: 0,
        internal: 0,
        runsMissed: 0,
        events: 0,
        capped: 0,
      });
    }
    return stats;
  }
}

function balance({ segmentsSeen, segmentsDelivered, segmentsLost }: TracerStats['kernel']): number {
  const lost = Object.values(segmentsLost).reduce((sum, count) => sum + count, 0);
  return segmentsSeen - segmentsDelivered - lost;
}
