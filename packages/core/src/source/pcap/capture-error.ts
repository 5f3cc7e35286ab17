// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../../errors.js';

/** The file is not what it seems to be. `offset` counts bytes of the capture, after decompression. */
export function brokenCapture(problem: string, offset: number): LibtraceError {
  return new LibtraceError('ERR_CAPTURE_FORMAT', `${problem} (at byte ${offset})`, {
    phase: 'run',
    remedy:
      'The file is damaged from there on; what was before it has been read. Make it anew, or let `editcap` or `pcapfix` save what is left.',
    offset,
  });
}

/** The file is no capture that can be read. */
export function unknownCapture(problem: string, remedy: string): LibtraceError {
  return new LibtraceError('ERR_CAPTURE_FORMAT', problem, { phase: 'run', remedy });
}
