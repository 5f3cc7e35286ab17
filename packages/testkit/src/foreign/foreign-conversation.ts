// SPDX-License-Identifier: Apache-2.0
import { conversation, type Fixture, type StepInput } from '../fixture/fixture.js';

/** The first messages of a protocol, both ways, as its documents describe them. */
export interface ForeignConversation extends Fixture {
  /** Usual name, lower case: a plugin of that name is not asked about it. */
  readonly protocol: string;
}

/** @param name of the conversation; the protocol's name is what stands before the first blank. */
export function foreign(
  name: string,
  serverPort: number,
  steps: readonly StepInput[],
): ForeignConversation {
  const protocol = name.split(' ')[0] ?? name;
  return { ...conversation(steps, { name, serverPort }), protocol };
}

/** Bytes from pairs of hexadecimal digits; blanks are allowed. */
export function hex(digits: string): Buffer {
  const pairs = digits.replace(/\s+/g, '');
  if (!/^(?:[0-9a-f]{2})*$/.test(pairs)) throw new TypeError(`no pairs of digits: ${digits}`);
  return Buffer.from(pairs, 'hex');
}

/** Buffers and Latin-1 texts, one behind the other. */
export function join(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
}

/** An unsigned integer, big-endian. */
export function be(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let i = bytes - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) {
    buffer[i] = rest % 256;
  }
  return buffer;
}

/** An unsigned integer, little-endian. */
export function le(value: number, bytes: number): Buffer {
  return be(value, bytes).reverse();
}

/** Bytes behind their count in a big-endian integer of so many bytes. */
export function counted(width: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return Buffer.concat([be(body.length, width), body]);
}
