// SPDX-License-Identifier: Apache-2.0

const ARGUMENTS_MAX = 64;
const BYTES_MAX = 4096;

/**
 * Arguments as the kernel lays them out, each ended by a zero byte: at most 64, and 4 KiB of them. Undefined when there is
 * nothing.
 */
export function parseArguments(bytes: Buffer): readonly string[] | undefined {
  const args: string[] = [];
  const end = Math.min(bytes.length, BYTES_MAX);
  for (let at = 0; at < end && args.length < ARGUMENTS_MAX;) {
    const zero = bytes.indexOf(0, at);
    const stop = zero < 0 || zero > end ? end : zero;
    args.push(bytes.toString('utf8', at, stop));
    at = stop + 1;
  }
  return args.length === 0 ? undefined : args;
}
