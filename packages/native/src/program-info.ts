/** What the kernel tells of a loaded program. */
export interface ProgramInfo {
  /** The kernel's number of it, as `bpftool prog` shows. */
  readonly id: number;
  /** Hash of its instructions, 16 hexadecimal digits. */
  readonly tag: string;
  /** Length after translation; 0 without the right to know. */
  readonly xlatedInstructions: number;
  /** Bytes of machine code; 0 where there is no compiler, or without the right to know. */
  readonly jitedBytes: number;
  /** Time spent in it while {@link enableRunTimeStats} was on (kernel 5.1). */
  readonly runTimeNs: bigint;
  /** Number of runs while {@link enableRunTimeStats} was on (kernel 5.1). */
  readonly runCount: bigint;
  /** Runs left out because the program was already running on that CPU (kernel 5.12). */
  readonly recursionMisses: bigint;
  /** Instructions the verifier went through (kernel 5.16; 0 before). */
  readonly verifiedInstructions: number;
}
