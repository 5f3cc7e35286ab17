// SPDX-License-Identifier: Apache-2.0

/** A duration in at most six columns: `0µs`, `12µs`, `1.23ms`, `45.6ms`, `789ms`, `1.23s`, `2m05s`, `3h07m`. */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return '-';
  if (milliseconds < 0.9995) return `${Math.round(Math.max(0, milliseconds) * 1000)}µs`;
  if (milliseconds < 999.5) return `${threeDigits(milliseconds)}ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 99.95) return `${threeDigits(seconds)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${twoDigits(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${twoDigits(minutes % 60)}m`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

const byteUnits = ['B', 'K', 'M', 'G', 'T', 'P'] as const;

/** A size in at most four columns, by powers of 1,024: `0B`, `999B`, `1.0K`, `98K`, `3.1M`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1);
  return `${digits}${byteUnits[unit]!}`;
}

/** A count with thousands separators: `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 call`, `2 calls`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}
