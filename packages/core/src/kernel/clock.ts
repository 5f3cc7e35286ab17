// SPDX-License-Identifier: Apache-2.0

/** CLOCK_MONOTONIC in nanoseconds: the clock of bpf_ktime_get_ns and of every event. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

/** Nanoseconds to add to CLOCK_MONOTONIC to get Unix time, to about a microsecond. */
export function wallClockOffsetNs(): bigint {
  let best = 0n;
  let narrowest = Number.MAX_SAFE_INTEGER;
  for (let i = 0; i < 8; i++) {
    const before = process.hrtime.bigint();
    const wall = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
    const after = process.hrtime.bigint();
    const width = Number(after - before);
    if (width < narrowest) {
      narrowest = width;
      best = wall - (before + after) / 2n;
    }
  }
  return best;
}
