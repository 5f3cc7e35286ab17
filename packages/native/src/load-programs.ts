import { addon } from './addon.js';
import { errorFromErrno, verifierLog } from './error-mapping.js';
import type { BpfError } from './errors.js';
import type { LoadReport, ProgramLoadResult } from './load-report.js';
import type { ObjectHandle } from './object-handle.js';

/** Verifier log levels: instruction trace, and statistics alone. */
const LOG_TRACE = 1;
const LOG_STATISTICS = 4;

interface Attempts {
  readonly handle: ObjectHandle;
  readonly statistics: boolean;
  readonly enabled: Set<number>;
  readonly failed: Map<number, BpfError>;
}

/**
 * Loads the programs of an object one by one as far as the caller can see. libbpf loads all or nothing, so a failed
 * attempt is followed by one without the program that failed, until the rest loads.
 */
export function loadPrograms(handle: ObjectHandle, statistics: boolean): LoadReport {
  const began = performance.now();
  handle.beforeLoad('load');
  const enabled = new Set(
    handle.programs.map((_, index) => index).filter((index) => handle.autoload[index]),
  );
  const attempts: Attempts = { handle, statistics, enabled, failed: new Map() };
  const log = loadWithoutFailing(attempts);
  const programs = handle.programs.map((_, index) => resultOf(attempts, index, log));
  return { programs, milliseconds: performance.now() - began };
}

/** Returns what libbpf printed in the attempt that succeeded. */
function loadWithoutFailing(attempts: Attempts): string {
  const { handle, statistics, enabled, failed } = attempts;
  const traced = new Set<number>();
  for (;;) {
    const native = handle.prepare(enabled);
    for (const index of enabled) {
      if (statistics)
        native.setLogLevel(index, LOG_STATISTICS | (traced.has(index) ? LOG_TRACE : 0));
    }
    const { error, log } = handle.attempt(statistics);
    if (error === 0) return log;
    const culprit = namedCulprit(attempts, log);
    if (culprit === undefined) {
      isolate(attempts, errorFromErrno(describe(log, handle), error, log));
      continue;
    }
    // With statistics alone the log says what is wrong but not where: once more, with the trace.
    if (statistics && !traced.has(culprit) && verifierLog(log) !== undefined) {
      traced.add(culprit);
      continue;
    }
    enabled.delete(culprit);
    failed.set(
      culprit,
      errorFromErrno(`load program ${handle.programs[culprit]?.name ?? ''}`, error, log),
    );
  }
}

/** The program that libbpf says failed. */
function namedCulprit({ handle, enabled }: Attempts, log: string): number | undefined {
  const outside = log.replace(/-- BEGIN PROG LOAD LOG --[\s\S]*?-- END PROG LOAD LOG --/g, '');
  const names = [
    ...outside.matchAll(/prog '([^']+)': (?:BPF program load failed|failed to (?!bind))/g),
  ];
  const name = names.at(-1)?.[1];
  if (name === undefined) return undefined;
  const index = handle.programs.findIndex((row) => row.name === name);
  return enabled.has(index) ? index : undefined;
}

/** When libbpf names nobody: tries each program alone. Throws when even none of them does not help. */
function isolate({ handle, enabled, failed }: Attempts, error: BpfError): void {
  const load = (programs: Set<number>): BpfError | undefined => {
    const native = handle.prepare(programs);
    const { error: errno, log } = native.load(false);
    handle.spent();
    const [only] = programs;
    const name = only === undefined ? handle.name : `program ${handle.programs[only]?.name ?? ''}`;
    return errno === 0 ? undefined : errorFromErrno(`load ${name}`, errno, log);
  };
  if (enabled.size === 0 || load(new Set()) !== undefined) throw error;
  const before = enabled.size;
  for (const index of [...enabled]) {
    const reason = load(new Set([index]));
    if (reason === undefined) continue;
    enabled.delete(index);
    failed.set(index, reason);
  }
  if (enabled.size === before) throw error; // they fail only together
}

/** What an object-level failure was about: the map that could not be made, or the whole. */
function describe(log: string, handle: ObjectHandle): string {
  const map = /map '([^']+)': failed to create/.exec(log)?.[1];
  return map === undefined
    ? `load object ${handle.name}`
    : `create map ${map} of object ${handle.name}`;
}

function resultOf(attempts: Attempts, index: number, log: string): ProgramLoadResult {
  const { handle, enabled, failed } = attempts;
  const row = handle.programs[index]!;
  const error = failed.get(index);
  if (error !== undefined)
    return { name: row.name, loaded: false, error, instructions: row.instructions };
  if (!enabled.has(index))
    return { name: row.name, loaded: false, skipped: true, instructions: row.instructions };
  const fd = handle.afterLoad('load').programFd(index);
  const statistics = attempts.statistics ? statisticsOf(log, row.name) : {};
  return {
    name: row.name,
    loaded: true,
    instructions: translated(fd) ?? row.instructions,
    ...statistics,
  };
}

/** The program's length as the kernel has it; 0 or an error without the right to know. */
function translated(fd: number): number | undefined {
  try {
    return addon().programInfo(fd).xlatedInstructions || undefined;
  } catch {
    return undefined;
  }
}

/** The verifier's statistics of one program, from what libbpf printed. */
function statisticsOf(log: string, name: string): { processed?: number; milliseconds?: number } {
  const begin = log.lastIndexOf(`prog '${name}': -- BEGIN PROG LOAD LOG --`);
  if (begin < 0) return {};
  const end = log.indexOf('-- END PROG LOAD LOG --', begin);
  const text = log.slice(begin, end < 0 ? undefined : end);
  const processed = /processed (\d+) insns/.exec(text)?.[1];
  const microseconds = /verification time (\d+) usec/.exec(text)?.[1];
  return {
    ...(processed === undefined ? {} : { processed: Number(processed) }),
    ...(microseconds === undefined ? {} : { milliseconds: Number(microseconds) / 1000 }),
  };
}
