// SPDX-License-Identifier: Apache-2.0
import type { TracerReport } from '@libtrace/core';
import { describeFailure } from '../cli-error.js';
import type { Dependencies, Feature } from '../dependencies.js';
import { collectFacts } from './machine-facts.js';
import type { MachineFacts } from './machine-facts.js';

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
}

/**
 * Loads and attaches a tracer for the process of `doctor` itself, which makes no calls, and takes it away again. Never
 * rejects: what fails is part of the diagnosis.
 */
export async function diagnose(deps: Dependencies): Promise<Diagnosis> {
  const debug = deps.env['LIBTRACE_DEBUG'] === '1';
  const explain = (error: unknown): string => describeFailure(error, debug).text.trimEnd();
  let addon = 'ready';
  let features: Readonly<Record<string, Feature>> = {};
  try {
    features = await deps.nativeFeatures();
  } catch (error) {
    addon = explain(error);
  }
  const { report, problem } = await tryTracer(deps, explain);
  return {
    works: problem === undefined,
    machine: collectFacts(),
    addon,
    features,
    problem,
    report,
    mapBytes: report?.maps.reduce((sum, map) => sum + map.bytes, 0) ?? 0,
  };
}

async function tryTracer(
  deps: Dependencies,
  explain: (error: unknown) => string,
): Promise<{ report: TracerReport | undefined; problem: string | undefined }> {
  let report: TracerReport | undefined;
  try {
    const tracing = await deps.loadTracing();
    const tracer = tracing.createTracer({
      plugins: tracing.builtin.map(({ create }) => create({})),
      target: { pids: [process.pid] },
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
    return { report, problem: undefined };
  } catch (error) {
    return { report, problem: explain(error) };
  }
}
