// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { LibtraceError } from '../../errors.js';

/** Where a recording goes. One write at a time: the next starts when the promise of the last has settled. */
export interface RecordingSink {
  /** Resolves when every byte was taken; rejects with the system's error (`ENOSPC`, …). The bytes may be kept. */
  write(bytes: Buffer): Promise<void>;
  /** Called once, after the last write, also when a write failed. */
  close?(): Promise<void>;
}

/**
 * Creates (or empties) a file that only its owner may read: a recording holds the traced programs' bytes as they are.
 * @throws LibtraceError `ERR_RECORDING_WRITE` with the system's error as its cause
 */
export async function openRecordingFile(path: string): Promise<RecordingSink> {
  try {
    const file = await open(path, 'w', 0o600);
    // A file that was there keeps its mode when it is opened; a device or pipe has none to change.
    if ((await file.stat()).isFile()) await file.chmod(0o600);
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.length;) {
          at += (await file.write(bytes, at)).bytesWritten;
        }
      },
      close: () => file.close(),
    };
  } catch (cause) {
    throw recordingFailure(cause as Error);
  }
}

/** The error of a sink as one of libtrace. */
export function recordingFailure(cause: Error): LibtraceError {
  return new LibtraceError(
    'ERR_RECORDING_WRITE',
    `the recording cannot be written: ${cause.message}`,
    { phase: 'run', remedy: 'check the file, its folder and the space on its disk', cause },
  );
}
