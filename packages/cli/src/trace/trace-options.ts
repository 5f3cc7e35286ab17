// SPDX-License-Identifier: Apache-2.0
import type { TraceTarget } from '@libtrace/core';
import { CliError, exitStatus, usageError } from '../cli-error.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import type { TlsFlags } from './tls-options.js';

export type OutputFormat = 'pretty' | 'json';

/** Options of the commands that trace live, as commander hands them over. */
export interface TargetFlags extends PluginFlags, TlsFlags {
  readonly pid?: readonly number[];
  readonly comm?: readonly string[];
  readonly cgroup?: readonly string[];
  readonly port?: readonly number[];
  readonly all?: boolean;
  /** Milliseconds. */
  readonly duration?: number;
  readonly ringSize?: number;
  readonly captureBytes?: number;
}

/** Options of `libtrace trace`. */
export interface TraceFlags extends TargetFlags {
  readonly maxRecords?: number;
  readonly format: OutputFormat;
  readonly output?: string;
  readonly color: boolean;
}

function examples(command: string): string {
  const lines = [
    ['-- curl http://localhost:8080/', 'a command, from its first call on'],
    ['--pid 1234', 'a process and its descendants'],
    ['--comm nginx', 'every process of that name'],
    ['--cgroup /sys/fs/cgroup/…', 'a container or service'],
    ['--port 8080', 'every connection to or from a port'],
    ['--all', 'the whole machine'],
  ] as const;
  const shown = lines.map(
    ([options, what]) => `  libtrace ${command} ${options.padEnd(32)}${what}`,
  );
  return ['choose a command, processes or connections:', ...shown].join('\n');
}
/**
 * Makes the tracer's target of the options. `commandPid` is the gate of the command to trace.
 * @throws CliError `ERR_TARGET_MISSING` with examples, `ERR_OPTION_INVALID` when options contradict each other.
 */
export function chooseTarget(flags: TargetFlags, commandPid: number | undefined): TraceTarget {
  const pids = [...(flags.pid ?? []), ...(commandPid === undefined ? [] : [commandPid])];
  const comms = flags.comm ?? [];
  const cgroups = flags.cgroup ?? [];
  const ports = flags.port === undefined ? {} : { ports: flags.port };
  const chosen = pids.length + comms.length + cgroups.length;
  if (flags.all === true) return { all: true, ...ports };
  // A port alone means its connections on the whole machine.
  if (chosen === 0) return { all: true, ...ports };
  return {
    ...(pids.length > 0 ? { pids } : {}),
    ...(comms.length > 0 ? { comms } : {}),
    ...(cgroups.length > 0 ? { cgroups } : {}),
    ...ports,
  };
}

/** Refuses option lists that name no target or two that exclude each other. Called before anything is started. */
export function checkTarget(
  flags: TargetFlags,
  command: readonly string[],
  name: 'trace' | 'record',
): void {
  const processes = (flags.pid ?? flags.comm ?? flags.cgroup) !== undefined;
  if (flags.all === true && processes) {
    throw usageError(
      '--all cannot be combined with --pid, --comm or --cgroup.',
      'leave out --all to trace only what the others name',
    );
  }
  const anything = processes || flags.all === true || flags.port !== undefined;
  if (!anything && command.length === 0) {
    throw new CliError('ERR_TARGET_MISSING', `Nothing was chosen to ${name}.`, {
      remedy: examples(name),
      exitStatus: exitStatus.usage,
    });
  }
}

/** @throws CliError `ERR_TARGET_NOT_FOUND` when a process of the target does not exist. */
export function requireProcesses(
  pids: readonly number[],
  processExists: (pid: number) => boolean,
): void {
  const gone = pids.filter((pid) => !processExists(pid));
  if (gone.length === 0) return;
  throw new CliError('ERR_TARGET_NOT_FOUND', `There is no process ${gone.join(', ')}.`, {
    remedy: 'find the process id (pgrep -a NAME), or trace by name: libtrace trace --comm NAME',
  });
}

/** What is traced, in words, for the line that says "ready". */
export function describeTarget(target: TraceTarget, commandPid: number | undefined): string {
  const parts: string[] = [];
  const pids = (target.pids ?? []).filter((pid) => pid !== commandPid);
  if (commandPid !== undefined) parts.push(`the command (pid ${commandPid})`);
  if (pids.length > 0) parts.push(`pid ${pids.join(', ')}`);
  if (target.comms !== undefined) parts.push(`processes named ${target.comms.join(', ')}`);
  if (target.cgroups !== undefined) parts.push(`cgroup ${target.cgroups.join(', ')}`);
  const descendants = target.pids !== undefined ? ' and descendants' : '';
  const processes = target.all === true ? 'every process' : `${parts.join(' and ')}${descendants}`;
  const ports = target.ports === undefined ? '' : `, port ${target.ports.join(', ')} only`;
  return processes + ports;
}
