// SPDX-License-Identifier: Apache-2.0
import type { CallHooks } from './call-hooks.js';
import { stage } from './contract.gen.js';

/** One program and where it is attached. */
export interface Hook {
  readonly program: string;
  readonly kind: CallHooks['kind'];
  readonly event: string;
  /** What is lost without it; a hook without this is indispensable. */
  readonly without?: string;
  /** Why it is hooked in this way. */
  readonly reason?: string;
  readonly remedy?: string;
  /** Whether runs that the kernel skipped are calls that were missed: a twin makes up for the others. */
  readonly countsMisses: boolean;
}

/** Programs of the socket tracer that are wanted on this kernel. */
export interface Hooks {
  /** How the programs of calls are attached; tail calls go to programs of the same type only. */
  readonly calls: CallHooks['kind'];
  /** In the order in which they are attached: who is who before what they do, entries before exits. */
  readonly hooks: readonly Hook[];
  /** Reached by tail calls: slot of the `stages` map and program. */
  readonly stages: readonly (readonly [slot: number, program: string])[];
}

/** Suffix of the programs for perf-style tracepoints, and of the second one of a pair of twins. */
const PERF = '_tp';
const TWIN = '_twin';

const events = [
  {
    program: 'fork_process',
    event: 'sched_process_fork',
    without: 'children of traced processes are not followed',
  },
  {
    program: 'execute',
    event: 'sched_process_exec',
    without: 'process names come from /proc, short-lived programs have none',
  },
  {
    program: 'exit_process',
    event: 'sched_process_exit',
    without: 'exited processes are noticed late',
  },
  { program: 'change_state', event: 'inet_sock_set_state' },
] as const;

const nested = 'twice: a run in the middle of another one is skipped by the kernel';

/** What to attach and where, given how the kernel treats raw tracepoints. */
export function hooksFor(callHooks: CallHooks): Hooks {
  const hooks: Hook[] = [];
  for (const hook of events) {
    // Softirqs change the state of sockets, and interrupt; the others only meet themselves where they are preempted.
    const isTwin = callHooks.isPreemptible || hook.program === 'change_state';
    const common = { ...hook, kind: 'raw' as const, countsMisses: !isTwin };
    hooks.push(isTwin ? { ...common, reason: nested } : common);
    if (isTwin) hooks.push({ ...common, program: hook.program + TWIN, reason: nested });
  }
  const { kind, reason, remedy } = callHooks;
  const suffix = kind === 'perf' ? PERF : '';
  const calls = { kind, reason, countsMisses: true, ...(remedy === undefined ? {} : { remedy }) };
  hooks.push(
    {
      ...calls,
      program: `enter_call${suffix}`,
      event: 'sys_enter',
      without: 'a call that writes is timed from its return instead of its start',
    },
    { ...calls, program: `exit_call${suffix}`, event: 'sys_exit' },
  );
  return {
    calls: kind,
    hooks,
    stages: [
      [stage.vector, `copy_vector${suffix}`],
      [stage.messages, `copy_messages${suffix}`],
      [stage.infer, `infer${suffix}`],
      [stage.emit, `emit_segment${suffix}`],
    ],
  };
}
