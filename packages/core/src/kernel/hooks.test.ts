// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { hooksFor } from './hooks.js';

describe('hooksFor', () => {
  it('uses raw tracepoints, and twins for state changes only, where nothing is preempted', () => {
    const { hooks, stages } = hooksFor({ kind: 'raw', isPreemptible: false, reason: 'r' });
    expect(hooks.map(({ program, kind }) => `${program} ${kind}`)).toEqual([
      'fork_process raw',
      'execute raw',
      'exit_process raw',
      'change_state raw',
      'change_state_twin raw',
      'enter_call raw',
      'exit_call raw',
    ]);
    expect(stages.map(([, program]) => program)).toContain('emit_segment');
  });

  it('uses perf-style tracepoints for calls, and twins for all else, where raw ones are preempted', () => {
    const { hooks, stages } = hooksFor({ kind: 'perf', isPreemptible: true, reason: 'r' });
    expect(hooks.filter(({ kind }) => kind === 'perf').map(({ program }) => program)).toEqual([
      'enter_call_tp',
      'exit_call_tp',
    ]);
    expect(hooks.filter(({ program }) => program.endsWith('_twin'))).toHaveLength(4);
    expect(stages.every(([, program]) => program.endsWith('_tp'))).toBe(true);
    expect(hooks.filter(({ countsMisses }) => countsMisses)).toHaveLength(2);
  });

  it('says what is lost without a hook that can be done without', () => {
    const { hooks } = hooksFor({ kind: 'raw', isPreemptible: false, reason: 'r' });
    const indispensable = hooks.filter(({ without }) => without === undefined);
    expect(indispensable.map(({ program }) => program)).toEqual([
      'change_state',
      'change_state_twin',
      'exit_call',
    ]);
  });
});
