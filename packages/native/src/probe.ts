import { addon } from './addon.js';
import { checkInteger, checkName, invalidArgument } from './argument-checks.js';
import { errorFromErrno } from './error-mapping.js';

/** Whether the running kernel has something, found by trying. */
export interface Probe {
  /** Whether it can be used, by this process with its rights. */
  readonly supported: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** Errors by which a kernel says that it does not know something. */
const MEAN_ABSENT: ReadonlySet<string> = new Set([
  'EINVAL',
  'E2BIG',
  'ENOSYS',
  'EOPNOTSUPP',
  'ENOTSUPP',
  'ENOENT',
]);

const YES: Probe = { supported: true };

/** A probe that found nothing. */
export function no(reason: string): Probe {
  return { supported: false, reason };
}

/** The probe for what a native probe function returned: 1, 0 or a negative errno. */
export function probeFrom(result: number, what: string): Probe {
  if (result > 0) return YES;
  const error = errorFromErrno('probe', result, '');
  const absent = result === 0 || MEAN_ABSENT.has(error.errno ?? '');
  if (absent)
    return no(
      `the kernel has no ${what}${result === 0 ? ', or this process has no right to use it' : ''}`,
    );
  return no(`${what} could not be tried: ${error.errno ?? ''}. ${error.remedy ?? ''}`);
}

/** The number of a program type that libbpf has a name for. */
export function programTypeId(operation: string, type: string): number {
  const id = addon().programTypeId(checkName(operation, 'type', type));
  if (id < 0) invalidArgument(operation, `there is no program type ${JSON.stringify(type)}`);
  return id;
}

/** Whether programs of a type (`kprobe`, `raw_tracepoint`, …) can be loaded. */
export function probeProgramType(type: string): Probe {
  const id = programTypeId('probe program type', type);
  return probeFrom(addon().probeProgramType(id), `program type ${type}`);
}

/** Whether maps of a type (`ringbuf`, `hash`, …) can be made. */
export function probeMapType(type: string): Probe {
  const operation = 'probe map type';
  const id = addon().mapTypeId(checkName(operation, 'type', type));
  if (id < 0) invalidArgument(operation, `there is no map type ${JSON.stringify(type)}`);
  return probeFrom(addon().probeMapType(id), `map type ${type}`);
}

/**
 * Whether programs of a type can call a helper.
 * @param type - not `tracing`, `lsm`, `ext` or `struct_ops`: those cannot be tried without a place to attach to
 * @param helperId - number of the helper in the kernel's `enum bpf_func_id`
 */
export function probeHelper(type: string, helperId: number): Probe {
  const operation = 'probe helper';
  const id = programTypeId(operation, type);
  checkInteger(operation, 'helperId', helperId, 1, 0x7fffffff);
  const ofType = probeProgramType(type); // without the right to load any program, every helper seems to be there
  if (!ofType.supported) return ofType;
  return probeFrom(addon().probeHelper(id, helperId), `helper ${helperId} for ${type} programs`);
}
