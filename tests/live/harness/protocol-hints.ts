// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, PipelineSource } from '@libtrace/core';
import * as native from '@libtrace/native';
import { onTestFinished } from 'vitest';
import { LiveSource } from '../../../packages/core/src/source/live-source.js';

/** The kernel side alone: what it names segments, with nobody in user space who decides anything. */
export class ProtocolHints {
  readonly #source: LiveSource;
  #hints: string[] = [];

  constructor(pid: number, plugins: readonly AnyProtocol[]) {
    const nothing = (): void => undefined;
    const pipeline: PipelineSource = {
      open: nothing,
      bind: nothing,
      role: nothing,
      segment: (_id, _segment, hint) => void this.#hints.push(hint ?? '-'),
      end: nothing,
      close: nothing,
      tick: nothing,
      finish: nothing,
    };
    this.#source = new LiveSource(
      native,
      {
        target: { pids: [pid] },
        ringBytes: 1024 * 1024,
        captureBytes: 65_536,
        maxConnections: 1024,
        wantUdp: false,
        plugins,
        uprobes: [],
        uprobeOptions: {},
        onSourceFailure: nothing,
      },
      pipeline,
    );
    onTestFinished(async () => {
      await this.#source.detach();
      this.#source.close();
    });
    this.#source.attach();
  }

  setPlugins(plugins: readonly AnyProtocol[]): void {
    this.#source.setPlugins(plugins, []);
  }

  /** What the segments since the last time were named; `-` for nothing. */
  async take(): Promise<readonly string[]> {
    await this.#source.flush();
    return this.#hints.splice(0);
  }
}
