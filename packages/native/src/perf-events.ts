import { checkInteger, checkU64, invalidArgument } from './argument-checks.js';

const SOFTWARE = 1;
const HARDWARE = 0;

/** Kinds of perf events a program can be attached to, with the kernel's (type, config). */
export const PERF_EVENTS = {
  /** Time of the processor, nanoseconds. */
  'software-cpu-clock': [SOFTWARE, 0n],
  /** Time of the thread on a processor, nanoseconds. */
  'software-task-clock': [SOFTWARE, 1n],
  /** Page faults. */
  'software-page-faults': [SOFTWARE, 2n],
  /** Context switches. */
  'software-context-switches': [SOFTWARE, 3n],
  /** Moves of the thread to another processor. */
  'software-cpu-migrations': [SOFTWARE, 4n],
  /** Processor cycles. */
  'hardware-cpu-cycles': [HARDWARE, 0n],
  /** Instructions completed. */
  'hardware-instructions': [HARDWARE, 1n],
  /** Cache accesses, usually of the last level. */
  'hardware-cache-references': [HARDWARE, 2n],
  /** Accesses that the cache did not hold. */
  'hardware-cache-misses': [HARDWARE, 3n],
} as const satisfies Record<string, readonly [number, bigint]>;

/** Name of a perf event. */
export type PerfEventType = keyof typeof PERF_EVENTS;

/** Which event, how often, and where. */
export interface PerfEventOptions {
  /** What is counted. */
  readonly type: PerfEventType;
  /** Run the program about this many times a second. Either this or `period`. */
  readonly hz?: number;
  /** Run the program every so many events (nanoseconds, for clocks). */
  readonly period?: number | bigint;
  /** Which CPU; -1 (the default) for any, which needs a `pid`. */
  readonly cpu?: number;
  /** Which thread; 0 for the calling one, -1 (the default) for all, which needs a `cpu`. */
  readonly pid?: number;
}

/** Checked options as the addon wants them. */
export interface PerfEventArguments {
  readonly type: number;
  readonly config: bigint;
  readonly byFrequency: boolean;
  readonly value: bigint;
  readonly pid: number;
  readonly cpu: number;
}

/** Checks {@link PerfEventOptions}. */
export function perfEventArguments(
  operation: string,
  options: PerfEventOptions,
): PerfEventArguments {
  const kind = Object.hasOwn(PERF_EVENTS, options.type) ? PERF_EVENTS[options.type] : undefined;
  if (kind === undefined) {
    invalidArgument(operation, `type must be one of ${Object.keys(PERF_EVENTS).join(', ')}`);
  }
  if ((options.hz === undefined) === (options.period === undefined)) {
    invalidArgument(operation, 'give either hz or period');
  }
  const byFrequency = options.hz !== undefined;
  const value = byFrequency
    ? BigInt(checkInteger(operation, 'hz', options.hz, 1, 1_000_000))
    : checkU64(operation, 'period', options.period);
  const pid = checkInteger(operation, 'pid', options.pid ?? -1, -1, 0x7fffffff);
  const cpu = checkInteger(operation, 'cpu', options.cpu ?? -1, -1, 0xffff);
  if (pid === -1 && cpu === -1) invalidArgument(operation, 'give a pid, a cpu, or both');
  return { type: kind[0], config: kind[1], byFrequency, value, pid, cpu };
}
