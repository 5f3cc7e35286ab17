// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { CliError } from '../cli-error.js';

/** How a child process ended: `code`, or the `signal` that killed it. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that waits at its gate: its process exists, its program has not begun. */
export interface GatedCommand {
  /** The process id that the command will have. */
  readonly pid: number;
  /** Inode number of the socket on which it waits, which is libtrace's own; undefined when it could not be learned. */
  readonly socket: number | undefined;
  /** Lets the command begin. */
  release(): void;
  /** Ends the waiting process; the command never begins. */
  abandon(): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<ChildEnd>;
}

/** Where the command's standard output goes. */
export type CommandOutput = 'stdout' | 'stderr';

// The shell waits for a line on descriptor 3, closes it, and becomes the command: same process id, same standard streams.
// Without a line (libtrace ended) it ends and nothing is run.
const gateScript = 'IFS= read -r libtrace_gate <&3 || exit 125; exec 3<&-; exec "$@"';

/** System calls on sockets that a traced gate makes: it reads one byte, and Node's pipes are sockets. */
export const gateSegments = 1;

const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Arguments of `/bin/sh` for a command. Shells drop environment variables whose names they could not have set
 * themselves; those are handed over by env(1).
 */
export function gateArguments(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const dropped = Object.entries(env)
    .filter(([name, value]) => value !== undefined && !shellName.test(name))
    .map(([name, value]) => `${name}=${value!}`);
  const prefix = dropped.length > 0 ? ['env', '--', ...dropped] : [];
  return ['-c', gateScript, 'libtrace-gate', ...prefix, ...command];
}

/** Starts the gate of a command. Rejects when not even the shell could be started. */
export async function startGated(
  command: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly output: CommandOutput;
    readonly spawn: typeof spawn;
  },
): Promise<GatedCommand> {
  const child = options.spawn('/bin/sh', gateArguments(command, options.env), {
    env: options.env,
    stdio: ['inherit', options.output === 'stderr' ? 2 : 'inherit', 'inherit', 'pipe'],
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await started(child);
  const gate = child.stdio[3] as Writable;
  // The shell may be gone already (killed): its end says so, not the pipe.
  gate.on('error', () => undefined);
  return {
    pid: child.pid!,
    socket: socketOf(child.pid!),
    release: () => void gate.end('\n'),
    abandon: () => void gate.destroy(),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Inode number of the socket that is descriptor 3 of a process (proc(5), /proc/PID/fd). */
function socketOf(pid: number): number | undefined {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/3`));
    return match === null ? undefined : Number(match[1]);
  } catch {
    // No /proc, or the process is gone already.
    return undefined;
  }
}

async function started(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new CliError('ERR_COMMAND', `The command could not be started.`, { cause }));
    });
  });
}

/** The status a shell reports: the exit code, or 128 + the number of the signal. */
export function statusOfEnd(end: ChildEnd): number {
  if (end.signal !== null) return 128 + constants.signals[end.signal];
  return end.code ?? 1;
}
