import { addon } from './addon.js';
import { checkInteger, checkName, invalidArgument } from './argument-checks.js';
import { BpfMap } from './bpf-map.js';
import { BpfError } from './errors.js';

/** What {@link createMap} makes. */
export interface MapSpec {
  /** Kind of map as libbpf names it: `hash`, `array`, `ringbuf`, … */
  readonly type: string;
  /** At most 15 characters of it are kept by the kernel. */
  readonly name?: string;
  /** Bytes of a key; 0 for ring buffers, queues and stacks. */
  readonly keySize: number;
  /** Bytes of a value; 0 for ring buffers. */
  readonly valueSize: number;
  /** Largest number of entries; bytes (a power of two), for ring buffers. */
  readonly maxEntries: number;
  /** The kernel's BPF_F_* flags; default 0. */
  readonly flags?: number;
}

/** Closes the descriptors of maps that were forgotten. */
const forgotten = new FinalizationRegistry<{ fd: number }>((owned) => {
  if (owned.fd >= 0) addon().closeFd(owned.fd);
});

/**
 * Makes a map that belongs to no object.
 * @throws BpfError when the kernel refuses (`ERR_BPF_PERMISSION`, `ERR_BPF_INVALID_ARGUMENT`, …)
 */
export function createMap(spec: MapSpec): BpfMap {
  const operation = 'create map';
  checkName(operation, 'type', spec.type);
  const name = (spec.name ?? '').replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15);
  const keySize = checkInteger(operation, 'keySize', spec.keySize, 0, 0xffff);
  const valueSize = checkInteger(operation, 'valueSize', spec.valueSize, 0, 0x7fffffff);
  const maxEntries = checkInteger(operation, 'maxEntries', spec.maxEntries, 0, 0xffffffff);
  const flags = checkInteger(operation, 'flags', spec.flags ?? 0, 0, 0xffffffff);
  const type = addon().mapTypeId(spec.type);
  if (type < 0) invalidArgument(operation, `there is no map type ${JSON.stringify(spec.type)}`);
  const owned = { fd: addon().mapCreate(type, name, keySize, valueSize, maxEntries, flags) };
  const fixed = (): never => {
    throw new BpfError('ERR_BPF_ALREADY_LOADED', { operation: `change map ${name}` });
  };
  const map = new BpfMap({
    name,
    type: spec.type,
    keySize,
    valueSize,
    maxEntries: () => maxEntries,
    fd: (what) => {
      if (owned.fd < 0) throw new BpfError('ERR_BPF_CLOSED', { operation: what });
      return owned.fd;
    },
    resize: fixed,
    setAutocreate: fixed,
    reuse: fixed,
    close: () => {
      if (owned.fd >= 0) addon().closeFd(owned.fd);
      owned.fd = -1;
    },
  });
  forgotten.register(map, owned);
  return map;
}
