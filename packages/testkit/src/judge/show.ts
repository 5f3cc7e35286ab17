// SPDX-License-Identifier: Apache-2.0

/** A value as JSON, or as what it calls itself, shortened. */
export function show(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // cycles
  }
  text ??= value === undefined ? 'absent' : Object.prototype.toString.call(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
