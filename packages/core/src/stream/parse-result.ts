// SPDX-License-Identifier: Apache-2.0

/** Whether a number that a plugin returned is a count of bytes, not below `least`. */
export function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/** Whether a plugin returned an array with something in it. */
export function isNonEmpty(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/** For the error that tells a plugin's author what was returned. */
export function describeResult(result: unknown): string {
  if (typeof result !== 'object' || result === null) return String(result);
  const { status, consumed } = result as { status?: unknown; consumed?: unknown };
  return `status ${String(status)} with consumed ${String(consumed)}`;
}
