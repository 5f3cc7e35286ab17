// SPDX-License-Identifier: Apache-2.0

/** Codes of {@link LibtraceError}, each documented with its remedy in docs/errors.md. */
export const errorCodes = {
  ERR_OPTION_INVALID: 'An option has a wrong type or value.',
  ERR_TARGET_MISSING: 'No target was chosen.',
  ERR_PLUGIN_INVALID: 'A plugin object lacks a field or has a wrong one.',
  ERR_PLUGIN_DUPLICATE: 'Two plugins of one name.',
  ERR_STATE: 'The call does not fit the state of the tracer.',
  ERR_PLATFORM: 'Live tracing needs Linux on x86_64.',
  ERR_NATIVE_MISSING: 'The native addon @libtrace/native is not installed or was not built.',
  ERR_BPF_OBJECT_MISSING: 'The compiled BPF object is not where it should be.',
  ERR_KERNEL_PERMISSION: 'The kernel refused for lack of rights.',
  ERR_KERNEL_UNSUPPORTED: 'The kernel lacks something that live tracing cannot do without.',
  ERR_KERNEL_LOAD: 'The kernel refused a program that live tracing cannot do without.',
  ERR_KERNEL_ATTACH: 'A hook that live tracing cannot do without could not be attached.',
  ERR_TARGET_NOT_FOUND: 'A process id or cgroup path of the target does not exist.',
} as const;

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
