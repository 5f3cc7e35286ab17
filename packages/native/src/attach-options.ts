/** A number that the program can read with `bpf_get_attach_cookie` (kernel 5.15). */
export interface CookieOption {
  /** Default 0. */
  readonly cookie?: bigint;
}

/** How to attach to a tracepoint. */
export type TracepointOptions = CookieOption;

/** How to attach to a kernel function. */
export interface KprobeOptions extends CookieOption {
  /** At its return; default false. */
  readonly retprobe?: boolean;
  /** Bytes from the function's start; default 0. */
  readonly offset?: bigint;
}

/** Where to attach in a program file or library. */
export interface UprobeOptions extends CookieOption {
  /** The file. The probe is in all processes that map this file (this inode). */
  readonly path: string;
  /** Position of the instruction in the file (not its address). */
  readonly offset: bigint;
  /** At the return of the function that begins there; default false. */
  readonly retprobe?: boolean;
  /** Only this process; -1 for all, which is the default. */
  readonly pid?: number;
  /** Position in the file of a semaphore to count up while attached; default 0, none. */
  readonly refCtrOffset?: bigint;
}

/** Where to attach many uprobes by one link. */
export interface UprobeMultiOptions {
  /** The file. The probes are in all processes that map this file (this inode). */
  readonly path: string;
  /** Positions of the instructions in the file. */
  readonly offsets: readonly bigint[];
  /** At the returns of the functions that begin there; default false. */
  readonly retprobe?: boolean;
  /** Positions in the file of semaphores to count up while attached, one for each offset; default none. */
  readonly refCtrOffsets?: readonly bigint[];
}

/** Which USDT probe. */
export interface UsdtOptions extends CookieOption {
  /** The file that has the probe's note. */
  readonly path: string;
  /** Provider, the part before the colon. */
  readonly provider: string;
  /** Name of the probe. */
  readonly name: string;
  /** Only this process; -1 for all, which is the default. */
  readonly pid?: number;
}
