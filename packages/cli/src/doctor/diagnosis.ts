// SPDX-License-Identifier: Apache-2.0
import type { TracerReport } from '@libtrace/core';
import type { ReturnProbes } from '@libtrace/native';
import { describeFailure } from '../cli-error.js';
import type { Dependencies, Feature } from '../dependencies.js';
import { loadAllPlugins } from '../plugins/choose-plugins.js';
import type { LoadedSource } from '../plugins/loaded-plugin.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import { collectFacts } from './machine-facts.js';
import type { MachineFacts } from './machine-facts.js';
import { sourceFacts } from './source-facts.js';
import type { SourceFacts } from './source-facts.js';

/** Everything that `libtrace doctor` found out; printed as it is with `--format json`. */
export interface Diagnosis {
  /** Live tracing works: everything that it cannot do without was loaded and attached. */
  readonly works: boolean;
  readonly machine: MachineFacts;
  /** `ready`, or why the native addon could not be used. */
  readonly addon: string;
  /** Kernel features by name; empty when the addon could not be loaded. */
  readonly features: Readonly<Record<string, Feature>>;
  /** Why live tracing does not work, with remedies. */
  readonly problem: string | undefined;
  /** What was loaded and attached; undefined when it did not get that far. */
  readonly report: TracerReport | undefined;
  readonly mapBytes: number;
  /** Sources of plaintext above TLS. */
  readonly sources: readonly SourceFacts[];
  /** What is wrong with sources; everything else works without them. */
  readonly sourceProblems: readonly string[];
  /** How the kernel notices that a probed function returns; undefined when the addon could not be asked. */
  readonly returnProbes: ReturnProbes | undefined;
  /** `LIBTRACE_PROBE_ONLY`: probes are placed below these directories only. */
  readonly probeOnly: string | undefined;
}

interface Trial {
  readonly report: TracerReport | undefined;
  readonly problem: string | undefined;
  readonly sources: readonly SourceFacts[];
  readonly sourceProblems: readonly string[];
}

/** No file is below it: the trial places no probe, whatever the process of `doctor` uses. */
const nowhere = '/dev/null';

/**
 * Loads and attaches a tracer for the process of `doctor` itself, which makes no calls, and takes it away again. Never
 * rejects: what fails is part of the diagnosis.
 */
export async function diagnose(deps: Dependencies, flags: PluginFlags): Promise<Diagnosis> {
  const debug = deps.env['LIBTRACE_DEBUG'] === '1';
  const explain = (error: unknown): string => describeFailure(error, debug).text.trimEnd();
  let addon = 'ready';
  let features: Readonly<Record<string, Feature>> = {};
  try {
    features = await deps.nativeFeatures();
  } catch (error) {
    addon = explain(error);
  }
  const trial = await tryTracer(deps, flags, explain);
  return {
    works: trial.problem === undefined,
    machine: collectFacts(),
    addon,
    features,
    ...trial,
    mapBytes: trial.report?.maps.reduce((sum, map) => sum + map.bytes, 0) ?? 0,
    returnProbes: await deps.returnProbes().catch(() => undefined),
    probeOnly: deps.env['LIBTRACE_PROBE_ONLY'],
  };
}

async function tryTracer(
  deps: Dependencies,
  flags: PluginFlags,
  explain: (error: unknown) => string,
): Promise<Trial> {
  let report: TracerReport | undefined;
  let sources: readonly LoadedSource[] = [];
  const sourceProblems: string[] = [];
  const failures = new Map<string, string>();
  const trial = (problem?: string): Trial => ({
    report,
    problem,
    sources: sources.map((source) => sourceFacts(source, failures, report)),
    sourceProblems,
  });
  try {
    const tracing = await deps.loadTracing();
    const all = await loadAllPlugins(flags, tracing, {});
    sources = all.sources;
    sourceProblems.push(...all.sourceProblems.map(explain));
    const tracer = tracing.createTracer({
      plugins: [...all.protocols, ...all.sources].map(({ plugin }) => plugin),
      target: { pids: [process.pid] },
      uprobes: { onlyBelow: [nowhere] },
    });
    tracer.on('error', (error) => {
      const source: unknown = Reflect.get(error, 'plugin');
      if (typeof source === 'string') failures.set(source, explain(error));
      else sourceProblems.push(explain(error));
    });
    try {
      await tracer.load();
      report = tracer.report();
      await tracer.attach();
      report = tracer.report();
      await tracer.detach();
    } finally {
      // After a failed attach the report still says which hooks were refused, and why.
      if (tracer.state === 'loaded') report = tracer.report();
      await tracer.close();
    }
    return trial();
  } catch (error) {
    return trial(explain(error));
  }
}
