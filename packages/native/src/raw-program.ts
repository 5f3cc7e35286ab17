import { addon } from './addon.js';
import { checkBytes, checkInteger, checkName, invalidArgument } from './argument-checks.js';
import type { BpfMap } from './bpf-map.js';
import { errorFromErrno } from './error-mapping.js';
import { BpfError } from './errors.js';
import type { ProgramInfo } from './program-info.js';

const INSTRUCTION_BYTES = 8;
/** BPF_LD | BPF_DW | BPF_IMM, and the source register that says "the value is a map's descriptor". */
const LD_IMM64 = 0x18;
const PSEUDO_MAP_FD = 1;
const LOG_BYTES = 1 << 20;

/** A program given as instructions. */
export interface RawProgramSpec {
  /** Kind of program as libbpf names it: `raw_tracepoint`, `tracepoint`, … */
  readonly type: string;
  /** 8 bytes each, in the byte order of the machine. */
  readonly instructions: Uint8Array;
  /** `GPL`, `Dual BSD/GPL`, …: some helpers are only for programs under the GPL. */
  readonly license: string;
  /** At most 15 characters of it are kept by the kernel. */
  readonly name?: string;
  /** Maps, and the index of the 64-bit load each goes into. */
  readonly maps?: readonly {
    /** Index of the instruction, in instructions. */
    readonly index: number;
    /** What its value becomes: the descriptor of this map. */
    readonly map: BpfMap;
  }[];
  /** Verifier log level of the first attempt; default 0. After a failure there is always a log. */
  readonly logLevel?: number;
}

const forgotten = new FinalizationRegistry<{ fd: number }>((owned) => {
  if (owned.fd >= 0) addon().closeFd(owned.fd);
});

/** A program loaded from instructions instead of an object file; to be put into a `prog_array`. */
export class RawProgram implements Disposable {
  readonly #owned: { fd: number };
  /** The name given. */
  readonly name: string;
  /** What the verifier logged; empty with `logLevel` 0. */
  readonly log: string;

  private constructor(fd: number, name: string, log: string) {
    this.#owned = { fd };
    this.name = name;
    this.log = log;
    forgotten.register(this, this.#owned);
  }

  /**
   * Loads a program.
   * @throws BpfError `ERR_BPF_VERIFIER` with the end of the log, `ERR_BPF_PERMISSION`, `ERR_BPF_INVALID_ARGUMENT`
   */
  static load(spec: RawProgramSpec): RawProgram {
    const name = (spec.name ?? '').replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15);
    const operation = `load program ${name}`.trimEnd();
    checkName(operation, 'type', spec.type);
    checkName(operation, 'license', spec.license);
    const instructions = Buffer.from(checkBytes(operation, 'instructions', spec.instructions));
    if (instructions.length === 0 || instructions.length % INSTRUCTION_BYTES !== 0) {
      invalidArgument(operation, 'instructions must have 8 bytes each, and there must be some');
    }
    for (const { index, map } of spec.maps ?? []) placeMap(operation, instructions, index, map);
    const logLevel = checkInteger(operation, 'logLevel', spec.logLevel ?? 0, 0, 7);
    const type = addon().programTypeId(spec.type);
    if (type < 0)
      invalidArgument(operation, `there is no program type ${JSON.stringify(spec.type)}`);
    const load = (level: number): { fd: number; error: number; log: string } =>
      addon().programLoad(
        type,
        instructions,
        spec.license,
        name,
        level,
        level === 0 ? 0 : LOG_BYTES,
        0,
        0,
      );
    let result = load(logLevel);
    if (result.fd < 0 && logLevel === 0) result = load(1);
    if (result.fd >= 0) return new RawProgram(result.fd, name, result.log);
    const log =
      result.log === '' ? '' : `-- BEGIN PROG LOAD LOG --\n${result.log}-- END PROG LOAD LOG --`;
    throw errorFromErrno(operation, result.error, log);
  }

  /**
   * File descriptor of the program; belongs to this object.
   * @throws BpfError `ERR_BPF_CLOSED`
   */
  get fd(): number {
    if (this.#owned.fd < 0)
      throw new BpfError('ERR_BPF_CLOSED', { operation: `program ${this.name}` });
    return this.#owned.fd;
  }

  /** What the kernel tells of it. */
  info(): ProgramInfo {
    return addon().programInfo(this.fd);
  }

  /**
   * Runs the program once, now, with an empty context: for tests of programs of type `raw_tracepoint`, which can be run
   * so since 5.10. Tail calls are made.
   * @returns what the program, or the last one that it went on to, returned
   * @throws BpfError `ERR_BPF_NOT_SUPPORTED` for types that the kernel does not run so
   */
  testRun(): number {
    return addon().programTestRun(this.fd);
  }

  /** Closes the descriptor; a program in a `prog_array` stays there. Does nothing the second time. */
  close(): void {
    if (this.#owned.fd >= 0) addon().closeFd(this.#owned.fd);
    this.#owned.fd = -1;
  }

  /** The same as {@link RawProgram.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Writes a map's descriptor into a 64-bit load.
 *
 * ```
 * instruction:  opcode u8, dst:4 src:4, offset i16, imm i32; a 64-bit load has two, the second holds the upper half
 * ```
 */
function placeMap(operation: string, instructions: Buffer, index: number, map: BpfMap): void {
  const last = instructions.length / INSTRUCTION_BYTES - 2;
  const at =
    checkInteger(operation, 'maps[].index', index, 0, Math.max(0, last)) * INSTRUCTION_BYTES;
  if (instructions[at] !== LD_IMM64 || last < 0) {
    invalidArgument(operation, `instruction ${index} is not a 64-bit load`);
  }
  instructions[at + 1] = (instructions[at + 1]! & 0x0f) | (PSEUDO_MAP_FD << 4);
  instructions.writeInt32LE(map.fd, at + 4);
  instructions.writeInt32LE(0, at + 12);
}
