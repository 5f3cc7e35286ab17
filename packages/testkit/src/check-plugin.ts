// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, ProtocolPlugin } from '@libtrace/core';
import { checkBounds } from './checks/bounds.js';
import { CheckContext, type Effort, type Finding } from './checks/context.js';
import { checkChunks, checkCuts } from './checks/cuts.js';
import { checkGarbage } from './checks/garbage.js';
import { checkHoles } from './checks/holes.js';
import { checkInference } from './checks/inference.js';
import { checkMidstream } from './checks/midstream.js';
import { Reference } from './checks/reference.js';
import { checkRoles } from './checks/roles.js';
import { checkRules } from './checks/rules.js';
import { checkRecords } from './checks/values.js';
import { checkViews } from './checks/views.js';
import type { Fixture } from './fixture/fixture.js';
import { Tolerance, type DamageRules } from './judge/damage-rules.js';

/** What {@link checkPlugin} looks at, in this order. */
export const checks = {
  rules: 'the plugin object is valid',
  records: 'fixtures give the expected records, with declared attributes',
  inference: 'recognizes its own conversations and no others',
  cuts: 'gives the same records wherever a segment ends',
  chunks: 'gives the same records however bytes are divided into segments',
  views: 'keeps no view and writes to none',
  roles: 'gives the same records to both ends of a connection',
  midstream: 'guesses nothing when tracing begins late',
  holes: 'guesses nothing when bytes are lost, and is right again afterwards',
  garbage: 'survives mutated and random bytes',
  bounds: 'keeps a bounded amount, in a bounded time',
} as const;

/** Name of one of the {@link checks}. */
export type CheckName = keyof typeof checks;

/** What {@link checkPlugin} is told. */
export interface CheckOptions extends DamageRules {
  /** Conversations of the protocol, recorded or written by hand. */
  readonly fixtures: readonly Fixture[];
  /** Other plugins: none of them may take the fixtures for its own. Default: none. */
  readonly others?: readonly AnyProtocol[];
  /** Names of foreign conversations that the plugin does speak, beside its own name. Default: none. */
  readonly speaks?: readonly string[];
  /** Default `quick`: a few seconds. `full` tries ten times as much. */
  readonly effort?: Effort;
  /** Findings of a check after which it ends: more of the same helps nobody. Default 3. */
  readonly maxFindings?: number;
  /** Of everything that is random. Default 1. */
  readonly seed?: number;
  /** Only these checks. Default: all. */
  readonly only?: readonly CheckName[];
  /** Checks that are not made, each with the reason, which is printed. Default: none. */
  readonly except?: Readonly<Partial<Record<CheckName, string>>>;
}

/** What one check gave. */
export interface CheckResult {
  /** Which of the {@link checks}. */
  readonly name: CheckName;
  /** What is asked for, as a sentence about the plugin. */
  readonly title: string;
  /** Conversations that were played. */
  readonly runs: number;
  /** How long it took, milliseconds. */
  readonly ms: number;
  /** Empty: passed. At most {@link CheckOptions.maxFindings}. */
  readonly findings: readonly Finding[];
  /** Why it was not made; undefined when it was. */
  readonly skipped: string | undefined;
}

/** What all checks gave. */
export interface PluginReport {
  /** Name of the plugin. */
  readonly plugin: string;
  /** No check has a finding. */
  readonly ok: boolean;
  /** One for each check, in their order. */
  readonly checks: readonly CheckResult[];
}

const run: Readonly<Record<CheckName, (context: CheckContext, reference: Reference) => unknown>> = {
  rules: checkRules,
  records: checkRecords,
  inference: checkInference,
  cuts: checkCuts,
  chunks: checkChunks,
  views: checkViews,
  roles: checkRoles,
  midstream: checkMidstream,
  holes: checkHoles,
  garbage: checkGarbage,
  bounds: checkBounds,
};

/**
 * The conformance suite for a protocol plugin. Works without root, kernel and network, and without a test framework:
 * see {@link conformanceTests} for one.
 *
 * ```ts
 * const report = await checkPlugin(memcached, { fixtures });
 * console.log(formatReport(report));
 * process.exitCode = report.ok ? 0 : 1;
 * ```
 * @param factory makes the plugin; called for each run, so that no run knows what another learned.
 */
export async function checkPlugin(
  factory: () => AnyProtocol,
  options: CheckOptions,
): Promise<PluginReport> {
  const names = options.only ?? (Object.keys(checks) as CheckName[]);
  const results: CheckResult[] = [];
  for (const name of names) results.push(await runCheck(name, factory, options));
  return {
    plugin: (factory() as ProtocolPlugin).name,
    ok: results.every((result) => result.findings.length === 0),
    checks: results,
  };
}

/** One check of {@link checkPlugin}. */
export async function runCheck(
  name: CheckName,
  factory: () => AnyProtocol,
  options: CheckOptions,
): Promise<CheckResult> {
  const title = checks[name];
  const skipped = options.except?.[name];
  if (skipped !== undefined) return { name, title, runs: 0, ms: 0, findings: [], skipped };
  const { matching } = factory() as ProtocolPlugin;
  const pairsByOrder = matching.mode === 'in-order' || Reflect.has(matching, 'inOrder');
  const context = new CheckContext({
    make: factory,
    fixtures: options.fixtures,
    others: options.others ?? [],
    speaks: options.speaks ?? [],
    tolerance: new Tolerance(options, pairsByOrder),
    effort: options.effort ?? 'quick',
    seed: options.seed ?? 1,
    maxFindings: options.maxFindings ?? 3,
  });
  const startMs = performance.now();
  await context.attempt(() => run[name](context, new Reference(context)));
  return {
    name,
    title,
    runs: context.runs,
    ms: performance.now() - startMs,
    findings: context.findings,
    skipped: undefined,
  };
}
