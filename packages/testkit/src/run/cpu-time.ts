// SPDX-License-Identifier: Apache-2.0

/** Milliseconds of a processor that this process has used: other programs of a busy machine do not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
