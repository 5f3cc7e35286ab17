import { addon } from './addon.js';
import type { NativeMapRow, NativeObject, NativeProgramRow, NativeVariableRow } from './addon.js';
import { withoutProgramReferences } from './elf-map-initializers.js';
import { BpfError } from './errors.js';

type Phase = 'opened' | 'loaded' | 'closed';

/**
 * What an object, its programs and its maps share: the native object of the moment, and the settings made before
 * load, so that the object can be opened again (without a program that the kernel rejected) and be set the same way.
 */
export class ObjectHandle {
  readonly name: string;
  readonly programs: readonly NativeProgramRow[];
  readonly maps: readonly NativeMapRow[];
  readonly variables: ReadonlyMap<string, NativeVariableRow>;
  /** Programs the user wants loaded. */
  readonly autoload: boolean[];
  readonly maxEntries: number[];
  readonly #autocreate = new Map<number, boolean>();
  /** Maps of other objects that are used in place of own ones. */
  readonly #reused = new Map<number, number>();
  /** Programs for links of many uprobes. */
  readonly #multi = new Set<number>();
  readonly #initial = new Map<string, { map: number; offset: number; bytes: Uint8Array }>();
  readonly #bytes: Buffer;
  readonly #btf: string | undefined;
  #native: NativeObject;
  #phase: Phase = 'opened';
  #tried = false;

  constructor(bytes: Uint8Array, name: string, btf: string | undefined) {
    this.name = name;
    this.#bytes = Buffer.from(bytes);
    this.#btf = btf;
    this.#native = new (addon().NativeObject)(this.#bytes, name, btf);
    this.programs = this.#native.programs();
    this.maps = this.#native.maps();
    this.variables = new Map(this.#native.variables().map((row) => [row.name, row]));
    this.autoload = this.programs.map((row) => row.autoload);
    this.maxEntries = this.maps.map((row) => row.maxEntries);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The native object, for an operation possible in any phase but `closed`. */
  open(operation: string): NativeObject {
    if (this.#phase === 'closed')
      throw new BpfError('ERR_BPF_CLOSED', { operation: `${operation} (${this.name})` });
    return this.#native;
  }

  /** The native object, for a setting that must be made before load. */
  beforeLoad(operation: string): NativeObject {
    const native = this.open(operation);
    if (this.#phase === 'loaded') throw new BpfError('ERR_BPF_ALREADY_LOADED', { operation });
    if (!this.#tried) return native;
    this.#reopen(this.#bytes); // after a load that failed as a whole: settings can be changed, and load called again
    return this.#native;
  }

  /** The native object, for what needs a loaded one. */
  afterLoad(operation: string): NativeObject {
    const native = this.open(operation);
    if (this.#phase !== 'loaded') throw new BpfError('ERR_BPF_NOT_LOADED', { operation });
    return native;
  }

  setMaxEntries(map: number, count: number): void {
    this.maxEntries[map] = this.beforeLoad('resize map').setMaxEntries(map, count);
  }

  setAutocreate(map: number, on: boolean): void {
    this.beforeLoad('set autocreate').setAutocreate(map, on);
    this.#autocreate.set(map, on);
  }

  /** Uses the map behind a descriptor in place of an own one. */
  reuse(map: number, fd: number): void {
    this.beforeLoad('reuse map').reuseMap(map, fd);
    this.#reused.set(map, fd);
  }

  /** The program is for links of many uprobes. */
  setUprobeMulti(program: number): void {
    this.beforeLoad('set attach type').setUprobeMulti(program);
    this.#multi.add(program);
  }

  /** Whether load makes the map (libbpf gives a descriptor to the others too, of nothing). */
  makes(map: number): boolean {
    return this.#autocreate.get(map) ?? true;
  }

  setInitial(variable: NativeVariableRow, bytes: Uint8Array): void {
    const { map, offset, name } = variable;
    this.beforeLoad('set variable').writeMemory(map, offset, bytes);
    this.#initial.set(name, { map, offset, bytes: Uint8Array.from(bytes) });
  }

  /**
   * Gets the native object ready for one attempt to load only the programs `enabled`: a fresh one after a failed
   * attempt (libbpf objects can be loaded once), and whenever map initializers name programs that stay out.
   */
  prepare(enabled: ReadonlySet<number>): NativeObject {
    const left = new Set(
      this.programs.filter((_, index) => !enabled.has(index)).map((row) => row.name),
    );
    const bytes = withoutProgramReferences(this.#bytes, left);
    if (this.#tried || bytes !== this.#bytes) this.#reopen(bytes);
    this.programs.forEach((_, index) => this.#native.setAutoload(index, enabled.has(index)));
    return this.#native;
  }

  /** Opens the object again, with the settings made so far. */
  #reopen(bytes: Buffer): void {
    const fresh = new (addon().NativeObject)(bytes, this.name, this.#btf);
    this.#native.close();
    this.#native = fresh;
    this.#tried = false;
    this.maps.forEach((row, index) => {
      const count = this.maxEntries[index];
      if (count !== undefined && count !== row.maxEntries) fresh.setMaxEntries(index, count);
    });
    for (const [map, on] of this.#autocreate) fresh.setAutocreate(map, on);
    for (const [map, fd] of this.#reused) fresh.reuseMap(map, fd);
    for (const program of this.#multi) fresh.setUprobeMulti(program);
    for (const { map, offset, bytes: value } of this.#initial.values())
      fresh.writeMemory(map, offset, value);
  }

  /** One attempt; afterwards the object is loaded, or must be prepared again. */
  attempt(verbose: boolean): { error: number; log: string; milliseconds: number } {
    this.#tried = true;
    const result = this.#native.load(verbose);
    if (result.error === 0) this.#phase = 'loaded';
    return result;
  }

  /** Says that the native object was loaded for a test only: the next attempt needs a fresh one. */
  spent(): void {
    this.#tried = true;
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#native.close();
  }
}
