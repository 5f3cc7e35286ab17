// SPDX-License-Identifier: Apache-2.0
import { close, open, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';

const retryMs = 5;
const mostRetries = 200;

/** Where text goes. One write at a time: the next starts when the promise of the last has settled. */
export interface ByteSink {
  /** Resolves when everything was taken; rejects with the system's error (`EPIPE`, `ENOSPC`, …). */
  write(text: string): Promise<void>;
  /** Closes what belongs to the sink. */
  close(): Promise<void>;
}

const writeFile = promisify(write);

let inProgress = 0;

/**
 * Whether a write or open is still waiting in the kernel. `process.exit` would wait for it, for ever when a pipe's reader
 * has stopped reading.
 */
export function isOutputStuck(): boolean {
  return inProgress > 0;
}

async function counted<Result>(operation: Promise<Result>): Promise<Result> {
  inProgress += 1;
  try {
    return await operation;
  } finally {
    inProgress -= 1;
  }
}

/** Writes all of these bytes. Rejects with the system's error. */
export async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      const { bytesWritten } = await counted(writeFile(descriptor, bytes, offset));
      offset += bytesWritten;
    } catch (error) {
      // A terminal or pipe that another program made non-blocking.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/**
 * Writes to a file descriptor on Node's thread pool. `process.stdout` writes to pipes and terminals synchronously: a slow
 * reader would stop the event loop, and with it the tracer.
 */
export class DescriptorSink implements ByteSink {
  readonly #descriptor: number;
  readonly #owned: boolean;

  /** `owned`: close the descriptor with the sink. */
  constructor(descriptor: number, owned: boolean) {
    this.#descriptor = descriptor;
    this.#owned = owned;
  }

  write(text: string): Promise<void> {
    return writeAll(this.#descriptor, Buffer.from(text, 'utf8'));
  }

  async close(): Promise<void> {
    if (this.#owned) await promisify(close)(this.#descriptor);
  }
}

/** Writes a message at once. When it cannot be written there is nobody to tell: a reader that went away is no failure. */
export function writeNow(descriptor: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let tries = 0;
  for (let offset = 0; offset < bytes.length && tries < mostRetries;) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      tries += 1;
      Atomics.wait(pause, 0, 0, retryMs);
    }
  }
}

/** Creates or empties a file. Rejects with the system's error. */
export async function openFileSink(path: string): Promise<ByteSink> {
  return new DescriptorSink(await counted(promisify(open)(path, 'w', 0o644)), true);
}
