import { BpfError } from './errors.js';

/** Throws the error for a wrong argument. */
export function invalidArgument(operation: string, detail: string): never {
  throw new BpfError('ERR_BPF_INVALID_ARGUMENT', { operation, detail });
}

/** A value as it is shown in messages. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  return value === null ? 'null' : typeof value;
}

/** Checks a string without NUL that is not empty. */
export function checkName(operation: string, what: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    invalidArgument(
      operation,
      `${what} must be a string that is not empty and has no NUL, not ${show(value)}`,
    );
  }
  return value;
}

/** Checks a whole number between two bounds, both included. */
export function checkInteger(
  operation: string,
  what: string,
  value: unknown,
  minimum: number,
  maximum: number,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    invalidArgument(
      operation,
      `${what} must be a whole number from ${minimum} to ${maximum}, not ${show(value)}`,
    );
  }
  return value;
}

/** Checks an unsigned 64-bit number given as bigint (or as a safe non-negative integer). */
export function checkU64(operation: string, what: string, value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) {
    invalidArgument(operation, `${what} must be a bigint from 0 to 2^64-1, not ${show(value)}`);
  }
  return value;
}

/** Checks bytes of an exact length (any length when none is given). */
export function checkBytes(
  operation: string,
  what: string,
  value: unknown,
  length?: number,
): Uint8Array {
  if (!(value instanceof Uint8Array))
    invalidArgument(operation, `${what} must be a Uint8Array, not ${show(value)}`);
  if (length !== undefined && value.byteLength !== length) {
    invalidArgument(operation, `${what} must have ${length} bytes, not ${value.byteLength}`);
  }
  return value;
}

/** Checks true or false. */
export function checkBoolean(operation: string, what: string, value: unknown): boolean {
  if (typeof value !== 'boolean')
    invalidArgument(operation, `${what} must be true or false, not ${show(value)}`);
  return value;
}

/** Checks a function. */
export function checkFunction(operation: string, what: string, value: unknown): void {
  if (typeof value !== 'function')
    invalidArgument(operation, `${what} must be a function, not ${show(value)}`);
}
