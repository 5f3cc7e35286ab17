// SPDX-License-Identifier: Apache-2.0
import { createMap, RawProgram, type BpfMap } from '@libtrace/native';
import {
  compileRules,
  type NumberedPlugin,
  type RuleTarget,
} from '../../../packages/core/src/inference/compile/index.js';
import type { WindowCase } from '../../../packages/core/src/inference/compile/random-rules.test-support.js';
import {
  answerIn,
  encodeWindow,
  type Answer,
} from '../../../packages/core/src/inference/compile/window-case.test-support.js';
import { windowLayout } from '../../../packages/core/src/kernel/window-layout.js';

const KEY = Buffer.alloc(4);
const EMIT_SLOT = 3;
const FIRST_CHAIN_SLOT = 10;
const PROGRAMS_MAX = 30;

/** Programs compiled from rules, run by the kernel over windows of a test: what the socket tracer does with calls. */
export class CompiledRules {
  readonly #windows: BpfMap;
  readonly #stages: BpfMap;
  #chain: RawProgram[] = [];

  constructor() {
    const valueSize = encodeWindow(nothing, windowLayout).length;
    this.#windows = createMap({ type: 'array', keySize: 4, valueSize, maxEntries: 1 });
    this.#stages = createMap({
      type: 'prog_array',
      keySize: 4,
      valueSize: 4,
      maxEntries: FIRST_CHAIN_SLOT + PROGRAMS_MAX,
    });
  }

  /** Loads rules in place of those before. @returns what the verifier said of each program */
  load(
    plugins: readonly NumberedPlugin[],
    options: Pick<RuleTarget, 'maxInstructions'> = {},
  ): { readonly instructions: number; readonly processed: number }[] {
    for (const program of this.#chain) program.close();
    const maps = { windows: this.#windows, stages: this.#stages };
    this.#chain = compileRules(plugins, {
      window: windowLayout,
      emitSlot: EMIT_SLOT,
      chainSlot: (index) => FIRST_CHAIN_SLOT + index,
      maxPrograms: PROGRAMS_MAX,
      ...options,
    }).map(({ instructions, maps: uses }, i) =>
      RawProgram.load({
        type: 'raw_tracepoint',
        instructions,
        license: 'Dual BSD/GPL',
        name: `rules_${i}`,
        maps: uses.map(({ index, map }) => ({ index, map: maps[map] })),
        logLevel: 4,
      }),
    );
    this.#chain.forEach((program, i) => this.#stages.setProgram(FIRST_CHAIN_SLOT + i, program));
    return this.#chain.map((program) => ({
      instructions: program.info().xlatedInstructions,
      processed: Number(/processed (\d+) insns/.exec(program.log)?.[1]),
    }));
  }

  answer(window: WindowCase): Answer {
    this.#windows.update(KEY, encodeWindow(window, windowLayout));
    this.#chain[0]!.testRun();
    return answerIn(this.#windows.lookup(KEY)!, windowLayout);
  }

  close(): void {
    for (const program of this.#chain) program.close();
    this.#windows.close();
    this.#stages.close();
  }
}

const nothing: WindowCase = {
  bytes: Buffer.alloc(0),
  behind: Buffer.alloc(0),
  length: 0,
  side: undefined,
  transport: 'tcp',
  localPort: 0,
  remotePort: 0,
};
