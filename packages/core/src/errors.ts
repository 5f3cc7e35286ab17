// SPDX-License-Identifier: Apache-2.0

/** What an error code means, and what to do about it. */
export interface ErrorMeaning {
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What the reader of the message can do. */
  readonly remedy: string;
}

/** Codes of {@link LibtraceError}. docs/errors.md is made from this table. */
export const errorCodes = {
  ERR_OPTION_INVALID: {
    meaning: 'An option of `createTracer` has a wrong type or value.',
    remedy: 'The message names the option; `remedy` on the error says what it may be.',
  },
  ERR_TARGET_MISSING: {
    meaning: 'Nothing was chosen to trace.',
    remedy:
      'Give process ids, command names, cgroups or ports, or say that you want the whole machine.',
  },
  ERR_TARGET_NOT_FOUND: {
    meaning: 'A process id or cgroup directory of the target does not exist.',
    remedy: 'Check it with `ps` or `ls`; cgroups must be of version 2.',
  },
  ERR_PLUGIN_INVALID: {
    meaning: 'A plugin object lacks a field or has a wrong one.',
    remedy:
      'The message names plugin and field. Make plugins with `defineProtocol`, which checks types.',
  },
  ERR_PLUGIN_DUPLICATE: {
    meaning: 'Two plugins have the same name.',
    remedy: 'Install one of them, or rename yours.',
  },
  ERR_STATE: {
    meaning: 'A method of the tracer was called in a state that it does not fit.',
    remedy: 'The states are created → loaded → attached ⇄ detached → closed.',
  },
  ERR_PLATFORM: {
    meaning: 'Live tracing was asked for on another system than Linux.',
    remedy: 'Run it on the Linux machine whose programs are to be traced.',
  },
  ERR_NATIVE_MISSING: {
    meaning:
      'The native addon @libtrace/native is not installed, was not built, or is for another machine.',
    remedy: 'Install it next to @libtrace/core; in a clone run `npm run setup`.',
  },
  ERR_BPF_OBJECT_MISSING: {
    meaning: 'The compiled BPF object is missing from @libtrace/core, or is of another version.',
    remedy: 'Reinstall the package; in a clone run `npm run setup`.',
  },
  ERR_PID_NAMESPACE: {
    meaning:
      'libtrace runs in a pid namespace of its own, where process ids are not those that the kernel side sees.',
    remedy:
      'Run it on the host, or in a container that shares the host’s pid namespace (`docker run --pid=host`).',
  },
  ERR_KERNEL_PERMISSION: {
    meaning: 'The kernel refused for lack of rights.',
    remedy:
      'Run as root, or with CAP_BPF and CAP_PERFMON (before Linux 5.11 also CAP_SYS_RESOURCE). In a container, add these capabilities.',
  },
  ERR_KERNEL_UNSUPPORTED: {
    meaning: 'The kernel lacks something that live tracing cannot do without.',
    remedy: '`libtrace doctor` says what; docs/compatibility.md lists what each kernel offers.',
  },
  ERR_KERNEL_LOAD: {
    meaning: 'The kernel refused a program or map that live tracing cannot do without.',
    remedy:
      '`cause` holds the kernel’s reason and the tail of the verifier’s log: please report it with `libtrace doctor --format json`.',
  },
  ERR_KERNEL_ATTACH: {
    meaning: 'A hook that live tracing cannot do without could not be attached.',
    remedy: '`libtrace doctor` shows every hook with its reason.',
  },
  ERR_FILE_READ: {
    meaning: 'A file that was to be read could not be opened, read or decompressed.',
    remedy:
      '`cause` holds the reason of the system: check its path, its rights, and that it is whole.',
  },
  ERR_RECORDING_INVALID: {
    meaning: 'A recording is damaged. `offset` says where; everything before it was read.',
    remedy: 'Copy the file anew, or record again.',
  },
  ERR_RECORDING_VERSION: {
    meaning: 'A recording was written by a version of libtrace with another format.',
    remedy: 'Read it with a newer libtrace; docs/recording-format.md lists the versions.',
  },
  ERR_RECORDING_WRITE: {
    meaning: 'A recording could not be written.',
    remedy: 'Check the file, its folder and the space on its disk.',
  },
  ERR_CAPTURE_FORMAT: {
    meaning:
      'A file given as a capture is none, or is damaged. The message says where; what came before has been read.',
    remedy:
      'Give a pcap or pcapng file, as it is or compressed with gzip. `capinfos FILE` of Wireshark checks it.',
  },
  ERR_CAPTURE_LINK_TYPE: {
    meaning: 'A capture was made on an interface of a kind that is not read.',
    remedy:
      'Ethernet, Linux cooked (`tcpdump -i any`), raw IP, loopback and PPP are read: capture there, or convert the file.',
  },
  ERR_ELF_INVALID: {
    meaning:
      'A program file is damaged or is none: the message says what is wrong in it, and where.',
    remedy: 'Check it with `readelf -a FILE`. Nothing is probed in it; everything else is.',
  },
  ERR_ELF_UNSUPPORTED: {
    meaning:
      'A program file is of a kind that is not read (32 bits, another processor, a table beyond the limits).',
    remedy:
      'x86-64 and arm64 files of 64 bits are read. `libtrace doctor --binary FILE` says more.',
  },
  ERR_UPROBE_LOAD: {
    meaning: 'The BPF object of a source of plaintext is missing, or the kernel refused it.',
    remedy:
      '`cause` holds the kernel’s reason. Everything that needs no such source is still traced; in a clone run `npm run setup`.',
  },
  ERR_UPROBE_ATTACH: {
    meaning: 'A probe could not be placed in a program file.',
    remedy: '`libtrace doctor --binary FILE` shows each probe, where it would be, and why.',
  },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

/** A key of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** Where in the life of a tracer an error arose. */
export type ErrorPhase = 'validate' | 'load' | 'attach' | 'run' | 'detach';

/** Every error that set-up throws: what failed, in which phase, why (`cause`) and what to do (`remedy`). */
export class LibtraceError extends Error {
  /** Always `LibtraceError`. */
  override readonly name = 'LibtraceError';
  /** Stable name of the kind of failure. */
  readonly code: ErrorCode;
  /** Where in the life of a tracer it failed. */
  readonly phase: ErrorPhase;
  /** What to do about it, when that is known. */
  readonly remedy: string | undefined;
  /** Name of the plugin concerned, if one is. */
  readonly plugin: string | undefined;
  /** Byte of the file at which reading it failed, if one was read. */
  readonly offset: number | undefined;

  /** For core: the message says what was tried with which value. */
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly phase: ErrorPhase;
      readonly remedy?: string;
      readonly plugin?: string;
      readonly offset?: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.phase = options.phase;
    this.remedy = options.remedy;
    this.plugin = options.plugin;
    this.offset = options.offset;
  }
}
