// SPDX-License-Identifier: Apache-2.0
import type { BpfObject, RawProgram } from '@libtrace/native';
import type * as NativeModule from '@libtrace/native';
import { RulesTooLargeError, type Assembled } from '../inference/compile/index.js';
import {
  carriedHeaderBytes,
  inferenceReach,
  tlsRecord,
  reach,
  type Inferable,
} from '../inference/index.js';
import type { HookStatus, ProgramStatus } from '../tracer/types.js';
import type { CallHooks } from './call-hooks.js';
import { kernelError } from './kernel-error.js';
import { ProtocolNumbers, UNNUMBERED } from './protocol-numbers.js';
import { compileForPipeline, ruleSlot } from './rule-target.js';

/** Verifier's statistics. */
const LOG_STATISTICS = 4;

const programTypes = { raw: 'raw_tracepoint', perf: 'tracepoint' } as const;
const without =
  'protocols are recognized in user space alone: of connections that are older than the tracer, or that speak long before they can be recognized, some are missed';

interface Loaded {
  readonly program: RawProgram;
  readonly name: string;
  readonly processed: number;
  readonly loadMs: number;
}

/**
 * The rules of the active plugins as programs in the socket tracer's pipeline, and the numbers by which the two halves
 * name protocols. Replaced as a whole, while hooks are attached too: a call in the middle of the old rules goes on with
 * them, and a connection whose protocol is gone is inferred anew.
 */
export class RulePrograms {
  readonly numbers = new ProtocolNumbers();
  readonly #native: typeof NativeModule;
  readonly #object: BpfObject;
  readonly #type: string;
  #loaded: readonly Loaded[] = [];
  #failure: HookStatus | undefined;
  #active: ReadonlySet<number> = new Set();
  #bank = 0;
  #generation = 0;

  /** `object`: the socket tracer's, loaded. `kind`: of the hooks whose programs lead here by tail calls. */
  constructor(native: typeof NativeModule, object: BpfObject, kind: CallHooks['kind']) {
    this.#native = native;
    this.#object = object;
    this.#type = programTypes[kind];
    this.#write('protocol_active', Buffer.from([1]), UNNUMBERED);
  }

  /** Compiles, loads and places the rules. What the kernel refuses is left to user space; {@link failure} says why. */
  replace(plugins: readonly Inferable[]): void {
    const numbered = plugins.map((plugin) => ({
      plugin,
      number: this.numbers.assign(plugin.name),
    }));
    const previous = this.#loaded;
    this.#failure = undefined;
    try {
      if (numbered.some(({ number }) => number === UNNUMBERED))
        throw new RulesTooLargeError('this tracer has had more than 250 protocols');
      const bank = 1 - this.#bank;
      this.#loaded = this.#load(compileForPipeline(numbered, bank));
      this.#bank = bank;
      this.#place(plugins, previous.length);
    } catch (error) {
      this.#loaded = [];
      this.#failure = failed(error);
      this.#write('rule_programs', 0);
      this.#write('window_reach', 0);
    }
    this.#activate(new Set(numbered.map(({ number }) => number)));
    for (const { program } of previous) program.close();
  }

  /** Why there are no rules in the kernel; undefined when there are. */
  get failure(): HookStatus | undefined {
    return this.#failure;
  }

  report(): ProgramStatus[] {
    return this.#loaded.map(({ program, name, processed, loadMs }) => {
      const { xlatedInstructions, runCount, runTimeNs } = program.info();
      return {
        name,
        loaded: true,
        instructions: xlatedInstructions,
        processed,
        loadMs,
        runCount: Number(runCount),
        runTimeNs: Number(runTimeNs),
      };
    });
  }

  /** Gives the programs back; those in the pipeline live as long as it does. */
  close(): void {
    for (const { program } of this.#loaded) program.close();
    this.#loaded = [];
  }

  #load(chain: readonly Assembled[]): Loaded[] {
    const loaded: Loaded[] = [];
    try {
      chain.forEach(({ instructions, maps: uses }, index) => {
        const name = `infer_${index}`;
        const began = performance.now();
        const program = this.#native.RawProgram.load({
          type: this.#type,
          instructions,
          license: 'Dual BSD/GPL',
          name,
          maps: uses.map(({ index: at, map }) => ({ index: at, map: this.#object.map(map) })),
          logLevel: LOG_STATISTICS,
        });
        const loadMs = performance.now() - began;
        const processed = Number(/processed (\d+) insns/.exec(program.log)?.[1] ?? 0);
        loaded.push({ program, name, processed, loadMs });
      });
    } catch (error) {
      for (const { program } of loaded) program.close();
      throw error;
    }
    return loaded;
  }

  /** Puts loaded programs into the pipeline. What the stage before them must leave room for, it is told first. */
  #place(plugins: readonly Inferable[], programsBefore: number): void {
    const stages = this.#object.map('stages');
    this.#loaded.forEach(({ program }, index) => {
      if (index > 0) stages.setProgram(ruleSlot(this.#bank, index), program);
    });
    const carried = carriedHeaderBytes(plugins);
    this.#write('rule_programs', Math.max(programsBefore, this.#loaded.length));
    this.#write('carry_bytes', carried);
    this.#write('window_reach', Math.max(inferenceReach(plugins), carried, reach(tlsRecord)));
    stages.setProgram(ruleSlot(this.#bank, 0), this.#loaded[0]!.program);
    this.#write('rule_programs', this.#loaded.length);
  }

  #activate(numbers: ReadonlySet<number>): void {
    for (const number of numbers) this.#write('protocol_active', Buffer.from([1]), number);
    for (const number of this.#active) {
      if (!numbers.has(number) && number !== UNNUMBERED)
        this.#write('protocol_active', Buffer.from([0]), number);
    }
    this.#active = numbers;
    this.#generation = (this.#generation + 1) >>> 0;
    this.#write('plugin_generation', this.#generation);
  }

  #write(variable: string, value: number | Buffer, at?: number): void {
    this.#object.writeVariable(variable, value, at);
  }
}

function failed(error: unknown): HookStatus {
  const { message, remedy } =
    error instanceof RulesTooLargeError
      ? { message: error.message, remedy: 'write shorter rules, or use fewer plugins at once' }
      : kernelError('load', 'inference rules', error);
  return {
    program: 'infer_0',
    hook: 'tail call from infer',
    attached: false,
    optional: true,
    reason: `${message}; ${without}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}
