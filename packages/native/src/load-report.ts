import type { BpfError } from './errors.js';

/** What became of one program. */
export interface ProgramLoadResult {
  /** Name of the C function. */
  readonly name: string;
  /** Whether it can be attached now. */
  readonly loaded: boolean;
  /** Present when it was not to be loaded (`autoload` off). */
  readonly skipped?: true;
  /** Why it could not be loaded. */
  readonly error?: BpfError;
  /** Length in instructions: as the kernel translated it, or as it is in the file when it was not loaded. */
  readonly instructions: number;
  /** Instructions the verifier went through; only with `verifierStats`. */
  readonly processed?: number;
  /** Time the verifier took; only with `verifierStats`. */
  readonly milliseconds?: number;
}

/** What `BpfObject.load` did, program by program. */
export interface LoadReport {
  /** One entry per program of the object, in the order of the file’s symbols. */
  readonly programs: readonly ProgramLoadResult[];
  /** Time of everything: maps, all attempts, the verifier. */
  readonly milliseconds: number;
}
