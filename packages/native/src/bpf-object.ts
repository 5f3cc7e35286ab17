import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon } from './addon.js';
import type { NativeVariableRow } from './addon.js';
import { checkBoolean, checkName, invalidArgument } from './argument-checks.js';
import { mapOfObject } from './bpf-map.js';
import type { BpfMap } from './bpf-map.js';
import { BpfProgram } from './bpf-program.js';
import { BpfError } from './errors.js';
import { loadPrograms } from './load-programs.js';
import type { LoadReport } from './load-report.js';
import { ObjectHandle } from './object-handle.js';
import { encodeVariable } from './variable-encoding.js';
import type { VariableValue } from './variable-encoding.js';

/** How to open an object. */
export interface OpenOptions {
  /** Name of the object; default: of the file, without `.bpf.o`. */
  readonly name?: string;
  /** A BTF file of the running kernel, for kernels that have none built in. */
  readonly btf?: string;
}

/**
 * A BPF object file: its programs, maps and global variables.
 *
 * Open it, set what has to be set before load, load it, attach its programs. Closing it detaches everything.
 *
 * @example
 * ```ts
 * import { BpfObject } from '@libtrace/native';
 * const object = BpfObject.open(new URL('./exits.bpf.o', import.meta.url));
 * object.setVariable('target_pid', process.pid);
 * for (const { name, error } of object.load().programs) if (error) console.error(name, error.message);
 * const link = object.programs.get('on_exit')?.attachRawTracepoint('sched_process_exit');
 * // …
 * link?.detach();
 * object.close();
 * ```
 */
export class BpfObject implements Disposable {
  readonly #handle: ObjectHandle;
  /** Name of the object. */
  readonly name: string;
  /** The programs, by the name of their C function. */
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** The maps, by the name of their C variable; data sections by the section's name (`.bss`). */
  readonly maps: ReadonlyMap<string, BpfMap>;

  private constructor(handle: ObjectHandle) {
    this.#handle = handle;
    this.name = handle.name;
    this.programs = new Map(
      handle.programs.map((row, index) => [row.name, new BpfProgram(handle, index)]),
    );
    this.maps = new Map(handle.maps.map((row, index) => [row.name, mapOfObject(handle, index)]));
  }

  /**
   * Reads an object file; nothing is loaded into the kernel, and no rights are needed.
   * @param source - path, file URL, or the bytes of the file
   * @throws BpfError `ERR_BPF_NOT_FOUND`, `ERR_BPF_INVALID_ELF`, `ERR_BPF_ADDON_MISSING`
   */
  static open(source: string | URL | Uint8Array, options: OpenOptions = {}): BpfObject {
    const operation = 'open';
    const path = source instanceof URL ? fileURLToPath(source) : source;
    if (typeof path === 'string') checkName(operation, 'source', path);
    else if (!(path instanceof Uint8Array))
      invalidArgument(operation, 'source must be a path, a URL or bytes');
    if (options.btf !== undefined) checkName(operation, 'btf', options.btf);
    const given =
      options.name ??
      (typeof path === 'string' ? basename(path).replace(/(\.bpf)?\.o$/, '') : 'object');
    const name = checkName(operation, 'name', given).replace(/[^A-Za-z0-9_]/g, '_');
    const bytes = typeof path === 'string' ? readObject(path) : path;
    return new BpfObject(new ObjectHandle(bytes, name, options.btf));
  }

  /** The names of the global variables. */
  get variables(): readonly string[] {
    return [...this.#handle.variables.keys()];
  }

  /** The program of a name. @throws BpfError `ERR_BPF_NO_SUCH_PROGRAM` */
  program(name: string): BpfProgram {
    const found = this.programs.get(name);
    if (found !== undefined) return found;
    throw new BpfError('ERR_BPF_NO_SUCH_PROGRAM', { operation: `program ${name} of ${this.name}` });
  }

  /** The map of a name. @throws BpfError `ERR_BPF_NO_SUCH_MAP` */
  map(name: string): BpfMap {
    const found = this.maps.get(name);
    if (found !== undefined) return found;
    throw new BpfError('ERR_BPF_NO_SUCH_MAP', { operation: `map ${name} of ${this.name}` });
  }

  /**
   * Sets a global variable before load: constants (`const volatile`) and initial values.
   * @param value - numbers for 1, 2, 4 or 8 bytes; bytes for anything, shorter ones are filled up with zeros
   */
  setVariable(name: string, value: VariableValue): void {
    const operation = `set variable ${name}`;
    const variable = this.#variable(operation, name);
    this.#handle.setInitial(variable, encodeVariable(operation, value, variable.size));
  }

  /** Reads a global variable: its initial value before load, the program's own after it. */
  readVariable(name: string): Buffer {
    const operation = `read variable ${name}`;
    const { map, offset, size } = this.#variable(operation, name);
    const native = this.#handle.open(operation);
    if (this.#handle.phase !== 'loaded' || native.isMapped(map))
      return native.readMemory(map, offset, size);
    return this.#section(map).subarray(offset, offset + size); // before Linux 5.5 data is not shared memory
  }

  /**
   * Writes a global variable that is not constant, while programs run. Other variables are left alone.
   * @param at - write only the bytes of `value` (a Uint8Array then), from this one of the variable on
   */
  writeVariable(name: string, value: VariableValue, at?: number): void {
    const operation = `write variable ${name}`;
    const variable = this.#variable(operation, name);
    const { map, section } = variable;
    const part = at !== undefined && value instanceof Uint8Array ? value.length : undefined;
    if (part !== undefined && (!Number.isInteger(at) || at! < 0 || at! + part > variable.size)) {
      throw new BpfError('ERR_BPF_INVALID_ARGUMENT', {
        operation,
        detail: `bytes ${at} to ${at! + part} of a variable of ${variable.size}`,
      });
    }
    const offset = variable.offset + (part === undefined ? 0 : at!);
    const bytes = encodeVariable(operation, value, part ?? variable.size);
    const native = this.#handle.afterLoad(operation);
    if (section.startsWith('.rodata')) throw new BpfError('ERR_BPF_ALREADY_LOADED', { operation });
    if (native.isMapped(map)) {
      native.writeMemory(map, offset, bytes);
      return;
    }
    const whole = this.#section(map);
    whole.set(bytes, offset);
    addon().mapUpdate(native.mapFd(map), Buffer.alloc(4), whole, 0);
  }

  /**
   * Loads the object into the kernel. A program that fails does not stop the others: look at the report.
   * @param options - `verifierStats`: also report what verifying cost, per program
   * @throws BpfError when nothing can be loaded: no rights, a map that cannot be made, no BTF
   */
  load(options: { readonly verifierStats?: boolean } = {}): LoadReport {
    return loadPrograms(
      this.#handle,
      checkBoolean('load', 'verifierStats', options.verifierStats ?? false),
    );
  }

  /** Detaches and unloads everything; does nothing the second time. */
  close(): void {
    this.#handle.close();
  }

  /** The same as {@link BpfObject.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #variable(operation: string, name: string): NativeVariableRow {
    this.#handle.open(operation);
    const found = this.#handle.variables.get(name);
    if (found === undefined) throw new BpfError('ERR_BPF_NO_SUCH_VARIABLE', { operation });
    return found;
  }

  /** The whole data section `map`, by way of the map. */
  #section(map: number): Buffer {
    const out = Buffer.alloc(this.#handle.maps[map]!.valueSize);
    addon().mapLookup(this.#handle.afterLoad('read section').mapFd(map), Buffer.alloc(4), out);
    return out;
  }
}

function readObject(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const detail = `${path} cannot be read: ${(cause as Error).message}`;
    throw new BpfError(missing ? 'ERR_BPF_NOT_FOUND' : 'ERR_BPF_FAILED', {
      operation: 'open',
      detail,
      cause,
    });
  }
}
