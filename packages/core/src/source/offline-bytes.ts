// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { createGunzip, type Gunzip } from 'node:zlib';
import { LibtraceError } from '../errors.js';

/** Bytes decompressed at a time, before compression: what they grow to is kept until it was read. */
const sliceBytes = 4096;
const gzipMagic = [0x1f, 0x8b] as const;

/** The bytes of a file, or of anything that yields bytes. @throws LibtraceError `ERR_FILE_READ` */
export async function* readBytes(
  file: string | AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, undefined> {
  try {
    for await (const chunk of typeof file === 'string' ? createReadStream(file) : file) {
      const bytes = chunk as Uint8Array;
      if (bytes.length > 0) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
  } catch (cause) {
    throw unreadable(typeof file === 'string' ? file : 'the input', cause as Error);
  }
}

/** Whether these first bytes are those of a gzip file. */
export function isGzip(start: Buffer): boolean {
  return start[0] === gzipMagic[0] && start[1] === gzipMagic[1];
}

/**
 * Decompresses. A file that was cut off yields what is in it, then calls `onTruncated`.
 * @throws LibtraceError `ERR_FILE_READ` when it is damaged
 */
export async function* gunzip(
  input: AsyncIterable<Buffer>,
  onTruncated: () => void,
): AsyncGenerator<Buffer, undefined> {
  const stream = createGunzip();
  let out: Buffer[] = [];
  const take = (): Buffer[] => {
    const taken = out;
    out = [];
    return taken;
  };
  stream.on('data', (chunk: Buffer) => out.push(chunk));
  let failure: Error | undefined;
  stream.on('error', (error) => (failure = error));
  try {
    for await (const chunk of input) {
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        await writeTo(stream, chunk.subarray(at, at + sliceBytes));

        if (failure !== undefined) throw failure;
        yield* take();
      }
    }
    await endOf(stream);
  } catch (error) {
    yield* take();
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw asReadError(error);
    onTruncated();
  } finally {
    stream.destroy();
  }
  yield* take();
}

async function writeTo(stream: Gunzip, bytes: Buffer): Promise<void> {
  // After an error the callback of the write may never be called.
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.write(bytes, (error) => {
      stream.off('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
  // What was pushed is handed out by now.
  await new Promise((resolve) => setImmediate(resolve));
}

function endOf(stream: Gunzip): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('end', resolve);
    stream.once('error', reject);
    stream.end();
  });
}

function asReadError(error: unknown): LibtraceError {
  return error instanceof LibtraceError ? error : unreadable('the compressed file', error as Error);
}

function unreadable(what: string, cause: Error): LibtraceError {
  return new LibtraceError('ERR_FILE_READ', `${what} cannot be read: ${cause.message}`, {
    phase: 'run',
    remedy: 'check its path and its rights, and that it is whole',
    cause,
  });
}
