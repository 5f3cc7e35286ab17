// SPDX-License-Identifier: Apache-2.0

/** What an error code means, and what to do about it. */
export interface ErrorMeaning {
  readonly meaning: string;
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
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

/** A key of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** Where in the life of a tracer an error arose. */
export type ErrorPhase = 'validate' | 'load' | 'attach' | 'run' | 'detach';

/** Every error that set-up throws: what failed, in which phase, why (`cause`) and what to do (`remedy`). */
export class LibtraceError extends Error {
  override readonly name = 'LibtraceError';
  readonly code: ErrorCode;
  readonly phase: ErrorPhase;
  readonly remedy: string | undefined;
  /** Name of the plugin concerned, if one is. */
  readonly plugin: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly phase: ErrorPhase;
      readonly remedy?: string;
      readonly plugin?: string;
      readonly cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.phase = options.phase;
    this.remedy = options.remedy;
    this.plugin = options.plugin;
  }
}
