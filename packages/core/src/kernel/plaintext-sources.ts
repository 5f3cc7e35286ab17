// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { BpfLink, BpfObject } from '@libtrace/native';
import type * as NativeModule from '@libtrace/native';
import {
  inspectBinary,
  openElf,
  planProbe,
  type PlanConditions,
  type PlannedProbe,
} from '../elf/index.js';
import { LibtraceError } from '../errors.js';
import type {
  BinaryRef,
  ElfImage,
  NoPlan,
  ProbePlan,
  ProbeSpec,
  UprobePlugin,
} from '../plugin/index.js';
import type { BinaryStatus, ProbeStatus, ProgramStatus } from '../tracer/types.js';
import { installedLibraries, type PlacedBinary, type ProbePlacer } from '../watch/index.js';
import type { SocketTracer } from './socket-tracer.js';

type Constants = Readonly<Record<string, number | bigint>>;

/** A loaded object of a source, for one set of constants. */
interface LoadedObject {
  readonly object: BpfObject;
  readonly programs: readonly ProgramStatus[];
}

/** Loads the objects of sources of plaintext, looks into program files for them, and places their probes. */
export class PlaintextSources implements ProbePlacer {
  readonly #native: typeof NativeModule;
  readonly #tracer: SocketTracer;
  readonly #plugins: readonly UprobePlugin[];
  readonly #conditions: PlanConditions;
  /** By source and constants. A failure is kept: it would be the same again. */
  readonly #objects = new Map<string, LoadedObject | LibtraceError>();

  constructor(native: typeof NativeModule, tracer: SocketTracer, plugins: readonly UprobePlugin[]) {
    this.#native = native;
    this.#tracer = tracer;
    this.#plugins = plugins;
    this.#conditions = {
      safeReturnProbes: native.returnProbes() !== 'filtered-call',
      ...(process.env['LIBTRACE_PROBE_CHOICE'] === 'naive' ? { choice: 'naive' } : {}),
    };
  }

  /** Loads every source's object once. @returns why some cannot be loaded: one error a source */
  load(): readonly LibtraceError[] {
    const failures: LibtraceError[] = [];
    for (const plugin of this.#plugins) {
      const loaded = this.#load(plugin, {});
      if (loaded instanceof LibtraceError) failures.push(loaded);
    }
    this.#warmUp();
    return failures;
  }

  /** The first look into a file takes ten times as long as the second: it is not to be that of a program that starts. */
  #warmUp(): void {
    const [library = process.execPath] = installedLibraries(this.#plugins);
    try {
      inspectBinary(library, this.#plugins, this.#conditions);
    } catch {
      // Then the first look takes longer.
    }
  }

  place(binary: BinaryRef, openPath: string, source: string): PlacedBinary | undefined {
    const plugin = this.#plugins.find(({ name }) => name === source);
    return plugin === undefined ? undefined : this.#placeFor(plugin, binary, openPath);
  }

  /** Nothing is attached: what was known of calls is out of date. */
  forgetCalls(): void {
    for (const loaded of this.#objects.values()) {
      if (!(loaded instanceof LibtraceError)) this.#tracer.clearOwnMaps(loaded.object);
    }
  }

  interrupted(source: string): void {
    for (const [key, loaded] of this.#objects) {
      if (loaded instanceof LibtraceError || !key.startsWith(`${source} `)) continue;
      this.#tracer.clearOwnMaps(loaded.object);
    }
    this.#tracer.beginEra(source);
  }

  /** Every program of every loaded object. */
  programs(): readonly ProgramStatus[] {
    return [...this.#objects.values()].flatMap((loaded) =>
      loaded instanceof LibtraceError ? [] : loaded.programs,
    );
  }

  close(): void {
    for (const loaded of this.#objects.values()) {
      if (!(loaded instanceof LibtraceError)) loaded.object.close();
    }
    this.#objects.clear();
  }

  #placeFor(plugin: UprobePlugin, binary: BinaryRef, path: string): Placed | undefined {
    let image: (ElfImage & Disposable) | undefined;
    try {
      image = openElf(path, binary);
      const plan = plugin.inspect(image);
      if (plan === undefined) return undefined;
      if ('reason' in plan) return notPlaced(plugin.name, binary, plan);
      const loaded = this.#load(plugin, plan.constants ?? {});
      if (loaded instanceof LibtraceError) {
        return notPlaced(plugin.name, binary, { reason: loaded.message, remedy: loaded.remedy });
      }
      return this.#attach(plugin.name, path, image, plan, loaded.object);
    } catch (error) {
      const remedy = error instanceof LibtraceError ? error.remedy : undefined;
      return notPlaced(plugin.name, binary, { reason: (error as Error).message, remedy });
    } finally {
      image?.[Symbol.dispose]();
    }
  }

  #attach(
    source: string,
    path: string,
    image: ElfImage,
    plan: ProbePlan,
    object: BpfObject,
  ): Placed {
    const placing = new Placing(this.#native, object, path, image, this.#conditions);
    for (const specs of groupsOf(plan.probes)) placing.placeTogether(specs);
    const { failure, links, probes } = placing.finish();
    return new Placed(
      links,
      {
        path: image.binary.path,
        source,
        summary: plan.summary,
        details: plan.details ?? [],
        attached: failure === undefined,
        probes,
        processes: 0,
        ...(failure === undefined ? {} : { reason: failure }),
      },
      (all) => this.#native.BpfLink.detachAll(all),
    );
  }

  #load(plugin: UprobePlugin, constants: Constants): LoadedObject | LibtraceError {
    const key = `${plugin.name} ${Object.entries(constants).sort().join(' ')}`;
    let loaded = this.#objects.get(key);
    if (loaded === undefined) this.#objects.set(key, (loaded = this.#loadNow(plugin, constants)));
    return loaded;
  }

  #loadNow(plugin: UprobePlugin, constants: Constants): LoadedObject | LibtraceError {
    let object: BpfObject | undefined;
    try {
      object = this.#native.BpfObject.open(plugin.bpf.url, { name: `lt_${plugin.name}` });
      this.#tracer.adopt(object, plugin.name);
      for (const [name, value] of Object.entries(constants)) object.setVariable(name, value);
      const report = object.load({ verifierStats: true });
      const failed = report.programs.find(({ loaded }) => !loaded);
      if (failed !== undefined) throw failed.error ?? new Error(`${failed.name} was not loaded`);
      const programs = report.programs.map((result) => ({
        name: `${plugin.name}/${result.name}`,
        loaded: result.loaded,
        instructions: result.instructions,
        processed: result.processed ?? 0,
        loadMs: result.milliseconds ?? 0,
        runCount: 0,
        runTimeNs: 0,
      }));
      return { object, programs };
    } catch (cause) {
      object?.close();
      const { message, remedy: known } = cause as Error & { readonly remedy?: string };
      const where = fileURLToPath(plugin.bpf.url);
      const remedy =
        known ??
        `see that ${where} is there and of the same version as @libtrace/core; in a clone run \`npm run setup\``;
      return new LibtraceError('ERR_UPROBE_LOAD', `source ${plugin.name}: ${message}`, {
        phase: 'load',
        plugin: plugin.name,
        remedy,
        cause,
      });
    }
  }
}

/** What is in place in one file for one source. */
class Placed implements PlacedBinary {
  readonly #status: BinaryStatus;
  readonly #detachAll: (links: readonly BpfLink[]) => void;
  #links: readonly BpfLink[];

  constructor(
    links: readonly BpfLink[],
    status: BinaryStatus,
    detachAll: (links: readonly BpfLink[]) => void = () => undefined,
  ) {
    this.#detachAll = detachAll;
    this.#links = links;
    this.#status = status;
  }

  status(): readonly BinaryStatus[] {
    return [this.#status];
  }

  remove(): void {
    this.#detachAll(this.#links);
    this.#links = [];
  }
}

/** The probes of one plan, on their way into a file. */
class Placing {
  readonly #native: typeof NativeModule;
  readonly #object: BpfObject;
  readonly #path: string;
  readonly #image: ElfImage;
  readonly #conditions: PlanConditions;
  readonly #links: BpfLink[] = [];
  readonly #probes: ProbeStatus[] = [];
  #failure: string | undefined;

  constructor(
    native: typeof NativeModule,
    object: BpfObject,
    path: string,
    image: ElfImage,
    conditions: PlanConditions,
  ) {
    this.#native = native;
    this.#object = object;
    this.#path = path;
    this.#image = image;
    this.#conditions = conditions;
  }

  /** Probes that are of use only together: all of them are placed, or none. */
  placeTogether(specs: readonly ProbeSpec[]): void {
    const links: BpfLink[] = [];
    const probes: ProbeStatus[] = [];
    let failure: string | undefined;
    // Returns first: a call that is seen to begin is seen to end.
    for (const spec of [...specs].sort((a, b) => rank(a) - rank(b))) {
      const planned = plannedPlaces(this.#image, spec, this.#conditions);
      let reason: string | undefined;
      if (planned instanceof LibtraceError) {
        reason = planned.message;
        probes.push({ ...statusOf(spec, undefined), attached: false, reason });
      } else {
        try {
          links.push(...this.#placeSpec(spec, planned));
        } catch (error) {
          reason = (error as Error).message;
        }
        for (const place of planned) {
          const status = statusOf(spec, place);
          probes.push({
            ...status,
            attached: reason === undefined,
            ...(reason === undefined ? {} : { reason }),
          });
        }
      }
      if (reason !== undefined) failure ??= `${nameOf(spec)}: ${reason}`;
    }
    if (failure === undefined) {
      this.#links.push(...links);
      this.#probes.push(...probes);
      return;
    }
    this.#native.BpfLink.detachAll(links);
    this.#probes.push(...probes.map((probe) => ({ ...probe, attached: false })));
    if (specs.some(({ optional }) => optional !== true)) this.#failure ??= failure;
  }

  /** What is in place; nothing when something is not that cannot be done without. */
  finish(): {
    readonly links: readonly BpfLink[];
    readonly probes: readonly ProbeStatus[];
    readonly failure: string | undefined;
  } {
    const failure = this.#failure;
    if (failure === undefined) return { links: this.#links, probes: this.#probes, failure };
    this.#native.BpfLink.detachAll(this.#links);
    const probes = this.#probes.map((probe) => ({ ...probe, attached: false }));
    return { links: [], probes, failure };
  }

  /** One link for all places of a probe where the kernel can; else one each. */
  #placeSpec(spec: ProbeSpec, planned: readonly PlannedPlace[]): readonly BpfLink[] {
    const program = this.#object.program(spec.program);
    const retprobe = planned.some(({ kind }) => kind === 'return');
    const offsets = planned.map(({ fileOffset }) => BigInt(fileOffset));
    const semaphore = 'label' in spec ? spec.semaphoreOffset : undefined;
    if (this.#native.supportsUprobeMulti()) {
      const refCtrOffsets = semaphore === undefined ? [] : [BigInt(semaphore)];
      const options = { path: this.#path, offsets, retprobe, refCtrOffsets };
      return [program.attachUprobeMulti(options)];
    }
    const links: BpfLink[] = [];
    try {
      for (const offset of offsets) {
        const refCtrOffset = semaphore === undefined ? {} : { refCtrOffset: BigInt(semaphore) };
        links.push(program.attachUprobe({ path: this.#path, offset, retprobe, ...refCtrOffset }));
      }
    } catch (error) {
      this.#native.BpfLink.detachAll(links);
      throw error;
    }
    return links;
  }
}

/** Probes of one function belong together: an entry without its return says nothing. */
function groupsOf(probes: readonly ProbeSpec[]): readonly (readonly ProbeSpec[])[] {
  const groups = new Map<unknown, ProbeSpec[]>();
  for (const probe of probes) {
    const key = 'function' in probe ? probe.function.address : probe;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [probe]);
    else group.push(probe);
  }
  return [...groups.values()];
}

function notPlaced(
  source: string,
  binary: BinaryRef,
  why: { readonly reason: string; readonly remedy?: NoPlan['remedy'] | undefined },
): Placed {
  return new Placed([], {
    path: binary.path,
    source,
    summary: '',
    details: [],
    attached: false,
    probes: [],
    processes: 0,
    reason: why.reason,
    ...(why.remedy === undefined ? {} : { remedy: why.remedy }),
  });
}

function rank(spec: ProbeSpec): number {
  return 'when' in spec && spec.when === 'return' ? 0 : 1;
}

type PlannedPlace = Pick<PlannedProbe, 'fileOffset' | 'instruction' | 'why'> & {
  readonly kind: ProbeStatus['kind'];
};

function plannedPlaces(
  image: ElfImage,
  spec: ProbeSpec,
  conditions: PlanConditions,
): readonly PlannedPlace[] | LibtraceError {
  if ('fileOffset' in spec) {
    return [{ fileOffset: spec.fileOffset, kind: 'address', instruction: '', why: '' }];
  }
  try {
    return planProbe(image, spec, conditions);
  } catch (error) {
    if (error instanceof LibtraceError) return error;
    throw error;
  }
}

function nameOf(spec: ProbeSpec): string {
  return 'label' in spec ? spec.label : spec.function.name;
}

function statusOf(
  spec: ProbeSpec,
  planned: PlannedPlace | undefined,
): Omit<ProbeStatus, 'attached' | 'reason'> {
  const common = { program: spec.program, place: nameOf(spec) };
  if (planned === undefined) return { ...common, fileOffset: 0, kind: 'entry' };
  const { fileOffset, kind, instruction, why } = planned;
  return {
    ...common,
    fileOffset,
    kind,
    ...(instruction === '' ? {} : { instruction }),
    ...(why === '' ? {} : { why }),
  };
}
