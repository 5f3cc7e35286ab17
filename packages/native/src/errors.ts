import { constants } from 'node:os';

/** What one error code means, and what to do about it. */
export interface ErrorMeaning {
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What the reader of the message can do. */
  readonly remedy: string;
}

/** Every code a {@link BpfError} can have. The documentation of error codes is made from this table. */
export const ERROR_CODES = {
  ERR_BPF_ADDON_MISSING: {
    meaning: 'The native part of @libtrace/native could not be loaded.',
    remedy:
      'Use Linux on x64 or arm64 with glibc; in a source tree, build it first: node scripts/build-native.mjs.',
  },
  ERR_BPF_PERMISSION: {
    meaning: 'The kernel refused the operation for want of rights.',
    remedy:
      'Run as root, or with CAP_BPF and CAP_PERFMON (before Linux 5.8: CAP_SYS_ADMIN); a container needs them too. ' +
      'Where root is refused, the kernel is locked down for this kind of probe: use another kind.',
  },
  ERR_BPF_VERIFIER: {
    meaning: 'The kernel’s verifier rejected a program.',
    remedy: 'Read the end of `log`: it names the instruction and the reason.',
  },
  ERR_BPF_INVALID_ELF: {
    meaning: 'The bytes are not a BPF object file that can be used.',
    remedy: 'Compile with `clang -O2 -g -target bpf -c`; check that the file is whole.',
  },
  ERR_BPF_NOT_SUPPORTED: {
    meaning: 'This kernel does not have the feature.',
    remedy: 'Ask `features()` before, and use another way; or use a newer kernel.',
  },
  ERR_BPF_NO_BTF: {
    meaning: 'The kernel’s type information (BTF) is missing, and a program needs it.',
    remedy:
      'Use a kernel with CONFIG_DEBUG_INFO_BTF, or give the path of a BTF file for it with the option `btf`.',
  },
  ERR_BPF_NOT_FOUND: {
    meaning: 'The place to attach to, or a file, does not exist.',
    remedy:
      'Check the name; tracepoints also need tracefs: mount -t tracefs nodev /sys/kernel/tracing.',
  },
  ERR_BPF_NO_SUCH_PROGRAM: {
    meaning: 'The object has no program of that name.',
    remedy: 'Look at `object.programs`; program names are the names of C functions.',
  },
  ERR_BPF_NO_SUCH_MAP: {
    meaning: 'The object has no map of that name.',
    remedy: 'Look at `object.maps`; map names are the names of C variables in SEC(".maps").',
  },
  ERR_BPF_NO_SUCH_VARIABLE: {
    meaning: 'The object has no global variable of that name.',
    remedy:
      'Declare it `const volatile` or as a plain global, use it in a program, and compile with -g.',
  },
  ERR_BPF_CLOSED: {
    meaning: 'The handle was closed before.',
    remedy: 'Keep the object open as long as anything of it is used.',
  },
  ERR_BPF_NOT_LOADED: {
    meaning: 'The operation needs a loaded program or map.',
    remedy: 'Call `load()` first, and look at its report: a program that failed is not loaded.',
  },
  ERR_BPF_ALREADY_LOADED: {
    meaning: 'The setting can only be changed before `load()`.',
    remedy: 'Change it between `open()` and `load()`.',
  },
  ERR_BPF_INVALID_ARGUMENT: {
    meaning: 'An argument has the wrong type, size or value, or the kernel found it invalid.',
    remedy: 'The message says which argument.',
  },
  ERR_BPF_BUSY: {
    meaning: 'Something else uses the resource.',
    remedy: 'Stop or detach the other user first.',
  },
  ERR_BPF_EXISTS: {
    meaning: 'There is such a thing already.',
    remedy: 'Use another key or place, or the update flag "any".',
  },
  ERR_BPF_NO_SPACE: {
    meaning: 'A map, log or file is full.',
    remedy: 'Make the map larger with `resize()` before `load()`, or delete entries.',
  },
  ERR_BPF_NO_MEMORY: {
    meaning:
      'The kernel or the process has no memory left for this, or the limit for locked memory is reached.',
    remedy: 'Use smaller maps; before Linux 5.11 raise the limit: ulimit -l unlimited.',
  },
  ERR_BPF_LIMIT: {
    meaning: 'A limit of the process or the system is reached (open files, probes).',
    remedy: 'Close what is not needed, or raise the limit: ulimit -n.',
  },
  ERR_BPF_FAILED: {
    meaning: 'The operation failed for a reason that has no code of its own.',
    remedy: 'Look at `errno` and `log`.',
  },
} as const satisfies Record<`ERR_BPF_${string}`, ErrorMeaning>;

/** One of the codes of {@link ERROR_CODES}. */
export type BpfErrorCode = keyof typeof ERROR_CODES;

/** What a {@link BpfError} is made of. */
export interface BpfErrorDetails {
  /** What was tried, in words: `attach tracepoint sock/inet_sock_set_state`. */
  readonly operation: string;
  /** The kernel's error number, positive; 0 or missing when the error does not come from the kernel. */
  readonly errnoNumber?: number;
  /** What exactly is wrong; without it the meaning of the code is used. */
  readonly detail?: string;
  /** Verifier or libbpf log. */
  readonly log?: string;
  /** What to do, when that is more than the code's own remedy. */
  readonly remedy?: string;
  /** The error this one came from. */
  readonly cause?: unknown;
}

const LOG_TAIL = 16 * 1024;

/** Linux error numbers above those of `os.constants`: the kernel's ENOTSUPP, then libbpf's own. */
const OTHER_ERRNOS: Readonly<Record<number, string>> = {
  524: 'ENOTSUPP',
  4000: 'LIBBPF_LIBELF',
  4001: 'LIBBPF_FORMAT',
  4002: 'LIBBPF_KVERSION',
  4003: 'LIBBPF_ENDIAN',
  4004: 'LIBBPF_INTERNAL',
  4005: 'LIBBPF_RELOC',
  4006: 'LIBBPF_LOAD',
  4007: 'LIBBPF_VERIFY',
  4008: 'LIBBPF_PROG2BIG',
  4009: 'LIBBPF_KVER',
  4010: 'LIBBPF_PROGTYPE',
};

function errnoName(number: number): string {
  const known = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
  return known ?? OTHER_ERRNOS[number] ?? `E${number}`;
}

/**
 * The one error class of this package: every function that fails throws it, with a code from {@link ERROR_CODES}.
 *
 * @example
 * ```ts
 * import { BpfError, BpfObject } from '@libtrace/native';
 * try {
 *   BpfObject.open('/no/such/file.bpf.o');
 * } catch (error) {
 *   if (error instanceof BpfError) console.error(error.code, error.remedy);
 * }
 * ```
 */
export class BpfError extends Error {
  /** Always `BpfError`. */
  override readonly name = 'BpfError';
  /** Stable name of the kind of failure. */
  readonly code: BpfErrorCode;
  /** What was tried, in words. */
  readonly operation: string;
  /** The kernel's error by name (`EPERM`), when the kernel or libbpf gave one. */
  readonly errno: string | undefined;
  /** The kernel's error by number, positive; 0 when there is none. */
  readonly errnoNumber: number;
  /** What to do about it. */
  readonly remedy: string | undefined;
  /** The end of the verifier's log, or of what libbpf said; at most 16 KiB. */
  declare readonly log?: string;

  /**
   * For this package: the message is made of `details`.
   * @param code - kind of failure
   * @param details - what was tried and what is known of the reason
   */
  constructor(code: BpfErrorCode, details: BpfErrorDetails) {
    const { operation, errnoNumber = 0, detail, log, cause } = details;
    const errno = errnoNumber === 0 ? undefined : errnoName(errnoNumber);
    const reason = detail ?? ERROR_CODES[code].meaning;
    super(
      `${operation}: ${reason}${errno === undefined ? '' : ` (${errno})`} [${code}]`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.operation = operation;
    this.errno = errno;
    this.errnoNumber = errnoNumber;
    this.remedy = details.remedy ?? ERROR_CODES[code].remedy;
    if (log !== undefined && log !== '')
      this.log = log.length > LOG_TAIL ? log.slice(-LOG_TAIL) : log;
  }
}
