import { checkBytes, invalidArgument } from './argument-checks.js';

/** What a global variable can be set to. */
export type VariableValue = number | bigint | boolean | Uint8Array;

/**
 * The bytes of a value for a variable of `size` bytes, in the byte order of the machine (little endian).
 * Numbers must be whole and fit, as unsigned or as signed ones.
 */
export function encodeVariable(operation: string, value: VariableValue, size: number): Uint8Array {
  if (typeof value === 'object') {
    const given = checkBytes(operation, 'value', value);
    if (given.byteLength > size) {
      invalidArgument(operation, `value has ${given.byteLength} bytes, the variable only ${size}`);
    }
    const bytes = new Uint8Array(size);
    bytes.set(given);
    return bytes;
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    invalidArgument(operation, 'value must be a whole number');
  }
  if (![1, 2, 4, 8].includes(size)) {
    invalidArgument(operation, `the variable has ${size} bytes: give the value as bytes`);
  }
  const number = BigInt(value);
  const bits = BigInt(size * 8);
  if (number >= 1n << bits || number < -(1n << (bits - 1n))) {
    invalidArgument(operation, `${number} does not fit into ${size} bytes`);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
  return bytes.subarray(0, size);
}
