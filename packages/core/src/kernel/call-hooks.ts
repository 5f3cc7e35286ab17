// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import type * as NativeModule from '@libtrace/native';
import { objectPath } from './object-path.js';

/**
 * How the programs of system calls are attached. `raw`: raw tracepoints, the cheapest. `perf`: perf-style tracepoints, for
 * kernels on which a raw tracepoint's program may be preempted: there the kernel skips the program for the calls of other
 * threads on that CPU meanwhile, and calls would be missed.
 */
export interface CallHooks {
  readonly kind: 'raw' | 'perf';
  /** Whether this kernel may preempt the program of a raw tracepoint. */
  readonly isPreemptible: boolean;
  /** Why this one; for `doctor`. */
  readonly reason: string;
  readonly remedy?: string;
}

const PREEMPTIBLE = 2;

/** Found by trying: a program that looks at the preemption count from within a raw tracepoint. */
function isPreemptible(native: typeof NativeModule): boolean {
  const probe = native.BpfObject.open(objectPath('preemption_probe'), { name: 'libtrace_probe' });
  try {
    probe.setVariable('own_pid', process.pid);
    probe.load();
    const link = probe.programs.get('probe_preemption')!.attachRawTracepoint('sys_exit');
    statSync('/');
    const answer = probe.readVariable('answer').readUInt32LE();
    link.detach();
    return answer === PREEMPTIBLE;
  } catch {
    // What is wrong shows when the socket tracer itself is loaded, with its reason.
    return false;
  } finally {
    probe.close();
  }
}

/** Chooses by trying, never by version. */
export function chooseCallHooks(native: typeof NativeModule): CallHooks {
  if (!isPreemptible(native)) {
    return {
      kind: 'raw',
      isPreemptible: false,
      reason: 'raw tracepoints are not preempted on this kernel',
    };
  }
  const tracefs = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
  if (tracefs.some((mount) => existsSync(`${mount}/events/raw_syscalls/sys_exit/id`))) {
    return {
      kind: 'perf',
      isPreemptible: true,
      reason: 'raw tracepoints may be preempted on this kernel, and would miss calls',
    };
  }
  return {
    kind: 'raw',
    isPreemptible: true,
    reason:
      'raw tracepoints may be preempted on this kernel: some calls will be missed, and counted (runsMissed)',
    remedy:
      'mount tracefs, so that perf-style tracepoints can be used: mount -t tracefs nodev /sys/kernel/tracing',
  };
}
