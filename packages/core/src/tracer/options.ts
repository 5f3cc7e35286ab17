// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { RecordingSink } from '../source/recording/recording-sink.js';
import { protocolsOf, uprobesOf } from '../plugin/kinds.js';
import type { AnyProtocol, UprobePlugin } from '../plugin/index.js';
import type { AnyPlugin, RecordingOptions, TracerOptions, UprobeOptions } from './types.js';

/** {@link TracerOptions} with every default filled in. */
export type ResolvedOptions = Required<
  Omit<TracerOptions<readonly AnyPlugin[]>, 'recording' | 'plugins'>
> & {
  readonly plugins: readonly AnyProtocol[];
  readonly sources: readonly UprobePlugin[];
  readonly recording: RecordingOptions | undefined;
};

/** Of bpf/socket_tracer_api.bpf.h. */
const CAPTURE_MAX = 131_072;
const CAPTURE_DEFAULT = 65_536;
const COMM_MAX = 15;

function invalid(option: string, problem: string, remedy: string): never {
  throw new LibtraceError('ERR_OPTION_INVALID', `option ${option} ${problem}`, {
    phase: 'validate',
    remedy,
  });
}

function integer(option: string, value: unknown, min: number, max: number): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    invalid(option, `is ${String(value)}`, `give an integer from ${min} to ${max}`);
  }
}

function checkTarget(target: unknown): void {
  if (typeof target !== 'object' || target === null) {
    throw new LibtraceError('ERR_TARGET_MISSING', 'no target was given', {
      phase: 'validate',
      remedy: 'give target: { pids: […] }, { comms: […] }, { cgroups: […] } or { all: true }',
    });
  }
  const {
    all,
    pids = [],
    comms = [],
    cgroups = [],
    ports = [],
  } = target as NonNullable<TracerOptions<[]>['target']>;
  for (const [name, list] of Object.entries({ pids, comms, cgroups, ports })) {
    if (!Array.isArray(list))
      invalid(`target.${name}`, 'is not an array', 'give an array, possibly empty');
  }
  if (all === true && pids.length + comms.length + cgroups.length > 0) {
    invalid('target', 'has `all` together with pids, comms or cgroups', 'leave one of the two out');
  }
  for (const pid of pids) integer('target.pids', pid, 1, 2 ** 31 - 1);
  for (const port of ports) integer('target.ports', port, 1, 65_535);
  for (const comm of comms) {
    if (typeof comm !== 'string' || comm === '' || Buffer.byteLength(comm) > COMM_MAX) {
      invalid(
        'target.comms',
        `has ${JSON.stringify(comm)}`,
        `a command name has 1 to ${COMM_MAX} bytes: see /proc/PID/comm`,
      );
    }
  }
  for (const path of cgroups) {
    if (typeof path !== 'string' || !path.startsWith('/')) {
      invalid(
        'target.cgroups',
        `has ${JSON.stringify(path)}`,
        'give absolute paths such as /sys/fs/cgroup/system.slice',
      );
    }
  }
  if (cgroups.length > 8)
    invalid('target.cgroups', 'has more than 8 entries', 'name a common parent directory');
  if (comms.length > 64)
    invalid('target.comms', 'has more than 64 entries', 'name fewer, or select by cgroup');
  if (ports.length > 64)
    invalid('target.ports', 'has more than 64 entries', 'leave the ports out and filter records');
}

function checkDecodeAs(decodeAs: unknown, plugins: readonly AnyProtocol[]): void {
  if (!(decodeAs instanceof Map)) {
    invalid(
      'decodeAs',
      'is not a Map',
      "give a Map of ports to plugin names: new Map([[8080, 'http']])",
    );
  }
  const names = plugins.map((plugin) => String(plugin.name));
  for (const [port, name] of decodeAs as ReadonlyMap<unknown, unknown>) {
    integer('decodeAs', port, 1, 65_535);
    if (!names.includes(name as string)) {
      invalid('decodeAs', `names ${String(name)}`, `the plugins are: ${names.join(', ')}`);
    }
  }
}

function checkRecording(recording: unknown): void {
  if (recording === undefined) return;
  const { to, maxQueuedBytes } = (recording ?? {}) as Partial<RecordingOptions>;
  const isSink =
    typeof to === 'object' && typeof (to as Partial<RecordingSink>).write === 'function';
  if (!isSink && (typeof to !== 'string' || to === '')) {
    invalid(
      'recording.to',
      `is ${typeof to}`,
      'give the path of a file, or an object with write(bytes) that returns a promise',
    );
  }
  if (maxQueuedBytes !== undefined) {
    integer('recording.maxQueuedBytes', maxQueuedBytes, 1024 * 1024, 2 ** 40);
  }
}

function checkUprobes(uprobes: unknown): void {
  if (typeof uprobes !== 'object' || uprobes === null) {
    invalid('uprobes', `is ${typeof uprobes}`, 'give an object, such as { files: [path] }');
  }
  const { match, files, onlyBelow, delayMs, keepMs, installed } = uprobes as UprobeOptions;
  if (installed !== undefined && typeof installed !== 'boolean') {
    invalid('uprobes.installed', `is ${typeof installed}`, 'give true or false');
  }
  const expressions: readonly unknown[] =
    typeof match !== 'object' || match instanceof RegExp ? [match] : Object.values(match);
  if (expressions.some((each) => each !== undefined && !(each instanceof RegExp))) {
    invalid('uprobes.match', 'is no regular expression', 'give match: /nginx/ or { go: /api/ }');
  }
  for (const [name, list] of Object.entries({ files, onlyBelow })) {
    if (list === undefined) continue;
    if (!Array.isArray(list) || list.some((path) => typeof path !== 'string' || path === '')) {
      invalid(`uprobes.${name}`, 'is not an array of paths', 'give an array of paths');
    }
  }
  if (delayMs !== undefined) integer('uprobes.delayMs', delayMs, 0, 3_600_000);
  if (keepMs !== undefined) integer('uprobes.keepMs', keepMs, 0, 86_400_000);
}

/** Checks what the user gave. @throws LibtraceError `ERR_OPTION_INVALID`, `ERR_TARGET_MISSING` */
export function resolveOptions(options: TracerOptions<readonly AnyPlugin[]>): ResolvedOptions {
  const given = options as Partial<TracerOptions<readonly AnyPlugin[]>> | undefined;
  if (given === undefined || !Array.isArray(given.plugins)) {
    invalid('plugins', 'is not an array', 'give plugins: [http()]');
  }
  checkTarget(given.target);
  const plugins = protocolsOf(given.plugins as readonly AnyPlugin[]);
  const wanted = Math.max(64, ...plugins.map((plugin) => plugin.captureBytes ?? CAPTURE_DEFAULT));
  const resolved: ResolvedOptions = {
    plugins,
    sources: uprobesOf(given.plugins as readonly AnyPlugin[]),
    uprobes: given.uprobes ?? {},
    target: given.target!,
    decodeAs: given.decodeAs ?? new Map(),
    ringBytes: given.ringBytes ?? 8 * 1024 * 1024,
    captureBytes:
      given.captureBytes ?? (given.recording ? CAPTURE_MAX : Math.min(wanted, CAPTURE_MAX)),
    maxConnections: given.maxConnections ?? 16_384,
    maxBufferedBytes: given.maxBufferedBytes ?? 1024 * 1024,
    maxTotalBufferedBytes: given.maxTotalBufferedBytes ?? 256 * 1024 * 1024,
    maxQueuedRecords: given.maxQueuedRecords ?? 65_536,
    recording: given.recording,
  };
  checkRecording(resolved.recording);
  checkUprobes(resolved.uprobes);
  checkDecodeAs(resolved.decodeAs, plugins);
  integer('ringBytes', resolved.ringBytes, 4096, 2 ** 30);
  if ((resolved.ringBytes & (resolved.ringBytes - 1)) !== 0) {
    invalid('ringBytes', `is ${resolved.ringBytes}`, 'give a power of two, such as 8388608');
  }
  integer('captureBytes', resolved.captureBytes, 64, CAPTURE_MAX);
  integer('maxConnections', resolved.maxConnections, 64, 2 ** 20);
  integer('maxBufferedBytes', resolved.maxBufferedBytes, 4096, 2 ** 30);
  integer(
    'maxTotalBufferedBytes',
    resolved.maxTotalBufferedBytes,
    resolved.maxBufferedBytes,
    2 ** 40,
  );
  integer('maxQueuedRecords', resolved.maxQueuedRecords, 1, 2 ** 24);
  return resolved;
}
