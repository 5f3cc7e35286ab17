import { readFileSync } from 'node:fs';
import { addon } from './addon.js';
import { checkBoolean, checkBytes, checkInteger, invalidArgument } from './argument-checks.js';
import type { BpfProgram } from './bpf-program.js';
import { BpfError } from './errors.js';
import { walkKeys } from './key-walk.js';
import type { ObjectHandle } from './object-handle.js';
import type { RawProgram } from './raw-program.js';
import { possibleCpus } from './system.js';

/** How `update` treats a key: in any case, only when it is not there, only when it is. */
export type UpdateFlag = 'any' | 'noexist' | 'exist';

const UPDATE_FLAGS: Readonly<Record<UpdateFlag, number>> = { any: 0, noexist: 1, exist: 2 };

/** Where a map's descriptor comes from, and what may be set before it exists. */
export interface MapBacking {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  maxEntries(): number;
  fd(operation: string): number;
  resize(maxEntries: number): void;
  setAutocreate(on: boolean): void;
  reuse(fd: number): void;
  close(): void;
}

/** A map: of a {@link BpfObject}, or made by {@link createMap}. Keys and values are bytes, as the programs see them. */
export class BpfMap implements Disposable {
  readonly #backing: MapBacking;
  /** Name of the C variable; data sections have the section's: `.bss`. */
  readonly name: string;
  /** Kind of map as libbpf names it: `hash`, `percpu_array`, `ringbuf`, … */
  readonly type: string;
  /** Bytes of a key. */
  readonly keySize: number;
  /** Bytes of a value as the program sees it (of one CPU, in per-CPU maps). */
  readonly valueSize: number;

  /** @internal */
  constructor(backing: MapBacking) {
    this.#backing = backing;
    this.name = backing.name;
    this.type = backing.type;
    this.keySize = backing.keySize;
    this.valueSize = backing.valueSize;
  }

  /** Largest number of entries; bytes, for ring buffers. */
  get maxEntries(): number {
    return this.#backing.maxEntries();
  }

  /**
   * File descriptor; belongs to the object (or to this map, when made by {@link createMap}).
   * @throws BpfError `ERR_BPF_NOT_LOADED`, `ERR_BPF_CLOSED`
   */
  get fd(): number {
    return this.#backing.fd(`map ${this.name}`);
  }

  /** Sets {@link BpfMap.maxEntries}, before load. Ring buffer sizes are rounded up to a power of two. */
  resize(maxEntries: number): void {
    this.#backing.resize(checkInteger('resize map', 'maxEntries', maxEntries, 1, 0xffffffff));
  }

  /** Whether load makes the map; before load. Programs that use a map that was not made do not load. */
  setAutocreate(on: boolean): void {
    this.#backing.setAutocreate(checkBoolean('set autocreate', 'on', on));
  }

  /**
   * Uses another map, of the same kind and sizes, in place of this one; before load. Data sections can be shared so too:
   * their variables are then those of the other object.
   */
  reuse(other: BpfMap): void {
    this.#backing.reuse(other.fd);
  }

  /** The value of a key, or undefined. Per-CPU maps: the values of all CPUs in a row, each rounded up to 8 bytes. */
  lookup(key: Uint8Array): Buffer | undefined {
    const operation = `lookup in map ${this.name}`;
    checkBytes(operation, 'key', key, this.keySize);
    const out = Buffer.allocUnsafe(this.#bytesOfValue(operation));
    return addon().mapLookup(this.#backing.fd(operation), key, out) ? out : undefined;
  }

  /** Takes the value of a key out of the map (kernel 4.20 for queues and stacks, 5.14 for hash maps). */
  take(key?: Uint8Array): Buffer | undefined {
    const operation = `take from map ${this.name}`;
    if (this.keySize > 0) checkBytes(operation, 'key', key, this.keySize);
    const out = Buffer.allocUnsafe(this.#bytesOfValue(operation));
    const fd = this.#backing.fd(operation);
    return addon().mapLookupAndDelete(fd, this.keySize > 0 ? key : undefined, out)
      ? out
      : undefined;
  }

  /** Sets the value of a key. Per-CPU maps: the values of all CPUs, as `lookup` returns them. */
  update(key: Uint8Array, value: Uint8Array, flags: UpdateFlag = 'any'): void {
    const operation = `update map ${this.name}`;
    checkBytes(operation, 'key', key, this.keySize);
    checkBytes(operation, 'value', value, this.#bytesOfValue(operation));
    if (!Object.hasOwn(UPDATE_FLAGS, flags))
      invalidArgument(operation, 'flags must be any, noexist or exist');
    const fd = this.#backing.fd(operation);
    addon().mapUpdate(fd, this.keySize > 0 ? key : undefined, value, UPDATE_FLAGS[flags]);
  }

  /** Deletes a key; false when it was not there. */
  delete(key: Uint8Array): boolean {
    const operation = `delete from map ${this.name}`;
    checkBytes(operation, 'key', key, this.keySize);
    return addon().mapDelete(this.#backing.fd(operation), key);
  }

  /**
   * The keys at the time of the call (arrays: all indexes). A key that is there all the time comes exactly once, even
   * when programs add and delete others meanwhile (before Linux 5.6: as far as a bounded walk can tell).
   */
  keys(): Iterable<Buffer> {
    const operation = `keys of map ${this.name}`;
    const batch = this.#batch(operation);
    if (batch !== undefined) return batch.map(([key]) => key);
    const fd = this.#backing.fd(operation);
    return walkKeys((current) => {
      const next = Buffer.allocUnsafe(this.keySize);
      return addon().mapNextKey(fd, current, next) ? next : undefined;
    }, this.maxEntries);
  }

  /** Keys and values at the time of the call; values of per-CPU maps as `lookup` returns them. */
  entries(): [key: Buffer, value: Buffer][] {
    const batch = this.#batch(`entries of map ${this.name}`);
    if (batch !== undefined) return batch;
    const found: [Buffer, Buffer][] = [];
    for (const key of this.keys()) {
      const value = this.lookup(key);
      if (value !== undefined) found.push([key, value]);
    }
    return found;
  }

  /** Puts a program into a slot of a `prog_array`, for tail calls. */
  setProgram(index: number, program: BpfProgram | RawProgram): void {
    const operation = `set program in map ${this.name}`;
    if (this.type !== 'prog_array')
      invalidArgument(operation, `the map is a ${this.type}, not a prog_array`);
    checkInteger(operation, 'index', index, 0, this.maxEntries - 1);
    const key = Buffer.alloc(4);
    key.writeUInt32LE(index);
    const value = Buffer.alloc(4);
    value.writeInt32LE(program.fd);
    addon().mapUpdate(this.#backing.fd(operation), key, value, 0);
  }

  /** Memory of the map as the kernel counts it (exact since 6.4; an estimate before). */
  memoryBytes(): number {
    const text = readFileSync(`/proc/self/fdinfo/${this.fd}`, 'utf8');
    const said = Number(/^memlock:\s*(\d+)/m.exec(text)?.[1] ?? 0);
    // Between 5.11 and 6.3 the kernel says 0 of a ring buffer.
    return this.type === 'ringbuf' ? Math.max(said, this.maxEntries) : said;
  }

  /** Closes a map made by {@link createMap}; maps of an object are closed with it. */
  close(): void {
    this.#backing.close();
  }

  /** The same as {@link BpfMap.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** All entries at once, where the kernel can do that. */
  #batch(operation: string): [Buffer, Buffer][] | undefined {
    const size = this.#bytesOfValue(operation);
    const found = addon().mapEntries(
      this.#backing.fd(operation),
      this.keySize,
      size,
      this.maxEntries,
    );
    if (found === undefined) return undefined;
    return Array.from({ length: found.count }, (_, index) => [
      found.keys.subarray(index * this.keySize, (index + 1) * this.keySize),
      found.values.subarray(index * size, (index + 1) * size),
    ]);
  }

  #bytesOfValue(operation: string): number {
    if (this.#backing.fd(operation) < 0) throw new BpfError('ERR_BPF_NOT_LOADED', { operation });
    if (!/percpu|cgroup_storage_percpu/.test(this.type)) return this.valueSize;
    return Math.ceil(this.valueSize / 8) * 8 * possibleCpus();
  }
}

/** The map `index` of an object. */
export function mapOfObject(handle: ObjectHandle, index: number): BpfMap {
  const row = handle.maps[index]!;
  return new BpfMap({
    name: row.name,
    type: row.type,
    keySize: row.keySize,
    valueSize: row.valueSize,
    maxEntries: () => handle.maxEntries[index] ?? row.maxEntries,
    fd: (operation) => {
      const fd = handle.afterLoad(operation).mapFd(index);
      if (fd < 0 || !handle.makes(index))
        throw new BpfError('ERR_BPF_NOT_LOADED', { operation, detail: 'the map was not made' });
      return fd;
    },
    resize: (count) => handle.setMaxEntries(index, count),
    setAutocreate: (on) => handle.setAutocreate(index, on),
    reuse: (fd) => handle.reuse(index, fd),
    close: () => undefined,
  });
}
