// SPDX-License-Identifier: Apache-2.0
import { LibtraceError, type ErrorCode } from '../errors.js';

interface NativeFailure {
  readonly code: string;
  readonly errno?: string;
  readonly remedy?: string;
}

function isNativeFailure(error: unknown): error is Error & NativeFailure {
  return error instanceof Error && typeof (error as Partial<NativeFailure>).code === 'string';
}

const permissionRemedy =
  'run as root, or with CAP_BPF and CAP_PERFMON (before Linux 5.11 also CAP_SYS_RESOURCE)';

/** What the kernel or the addon refused, as an error with a code of ours and a remedy. */
export function kernelError(phase: 'load' | 'attach', what: string, cause: unknown): LibtraceError {
  if (!isNativeFailure(cause)) {
    return new LibtraceError('ERR_KERNEL_LOAD', `${what}: ${String(cause)}`, { phase, cause });
  }
  let code: ErrorCode = phase === 'load' ? 'ERR_KERNEL_LOAD' : 'ERR_KERNEL_ATTACH';
  let remedy = cause.remedy;
  if (cause.errno === 'EPERM' || cause.code === 'ERR_BPF_PERMISSION') {
    code = 'ERR_KERNEL_PERMISSION';
    remedy = permissionRemedy;
  } else if (cause.code === 'ERR_BPF_ADDON_MISSING') {
    code = 'ERR_NATIVE_MISSING';
  } else if (cause.code === 'ERR_BPF_NOT_SUPPORTED') {
    code = 'ERR_KERNEL_UNSUPPORTED';
  }
  return new LibtraceError(code, `${what}: ${cause.message}`, {
    phase,
    cause,
    ...(remedy === undefined ? {} : { remedy }),
  });
}
