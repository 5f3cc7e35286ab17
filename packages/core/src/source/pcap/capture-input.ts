// SPDX-License-Identifier: Apache-2.0
import { gunzip, isGzip, readBytes } from '../offline-bytes.js';

/** A path, or the bytes of a file in pieces of any size. */
export type CaptureInput = string | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * The bytes of a capture, decompressed when they are gzip.
 * @param onTruncated compressed data end in the middle.
 * @throws LibtraceError `ERR_FILE_READ`
 */
export async function* readCapture(
  input: CaptureInput,
  onTruncated: () => void,
): AsyncGenerator<Buffer, undefined> {
  const chunks = readBytes(typeof input === 'string' ? input : asynchronous(input));
  try {
    const head: Buffer[] = [];
    for (let bytes = 0; bytes < 2;) {
      const { done, value } = await chunks.next();
      if (done === true) break;
      head.push(value);
      bytes += value.length;
    }
    const first = Buffer.concat(head);
    const all = withFirst(first, chunks);
    yield* isGzip(first) ? gunzip(all, onTruncated) : all;
  } finally {
    await chunks.return(undefined);
  }
}

async function* asynchronous(
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  yield* input;
}

async function* withFirst(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, undefined> {
  if (first.length > 0) yield first;
  yield* rest;
}
