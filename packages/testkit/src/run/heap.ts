// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collection goes on until it gives back less than this. */
const settledBytes = 50_000;
const maxTurns = 20;
let collect: (() => void) | undefined;

/**
 * Bytes that are in use after garbage collection: objects, and the memory of buffers. Waits for turns of the event
 * loop: what addons hold (zlib) is given back in them.
 */
export async function heapInUse(): Promise<number> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  for (let bytes = used(collect), turn = 0; ; turn++) {
    await nextTurn();
    const now = used(collect);
    if (bytes - now < settledBytes || turn === maxTurns) return now;
    bytes = now;
  }
}

function used(collectGarbage: () => void): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
