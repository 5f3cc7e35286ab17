// SPDX-License-Identifier: Apache-2.0
import { errorCodes, LibtraceError } from '../errors.js';

/** A program file that is damaged, or is none. */
export function invalidElf(file: { readonly name: string }, what: string, offset?: number) {
  const at = offset === undefined ? '' : `, byte ${offset}`;
  return new LibtraceError('ERR_ELF_INVALID', `${file.name}${at}: ${what}`, {
    phase: 'attach',
    remedy: errorCodes.ERR_ELF_INVALID.remedy,
    ...(offset === undefined ? {} : { offset }),
  });
}

/** A program file of a kind, or with a table of a size, that is not read. */
export function unsupportedElf(file: { readonly name: string }, what: string) {
  return new LibtraceError('ERR_ELF_UNSUPPORTED', `${file.name}: ${what}`, {
    phase: 'attach',
    remedy: errorCodes.ERR_ELF_UNSUPPORTED.remedy,
  });
}

/** A file that the system does not let us read. */
export function unreadableFile(name: string, cause: unknown) {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LibtraceError('ERR_FILE_READ', `${name}: ${why}`, {
    phase: 'attach',
    remedy: 'check its path and its rights',
    cause,
  });
}
