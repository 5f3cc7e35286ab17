// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

const sizeFactors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 * 1024,
  g: 1024 * 1024 * 1024,
};
const timeFactors: Readonly<Record<string, number>> = {
  ms: 1,
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const maxTimerMs = 2 ** 31 - 1;
const kernelCommBytes = 15;

/** Parser of a repeatable list of whole numbers: `--pid 1 2`, `--pid 1,2`, `--pid 1 --pid 2`. */
export function integerList(least: number, most: number) {
  return (text: string, previous: readonly number[] | undefined): readonly number[] => [
    ...(previous ?? []),
    ...text.split(',').map((part) => integer(part.trim(), least, most)),
  ];
}

/** Parser of a repeatable list of names. */
export function textList(text: string, previous: readonly string[] | undefined): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return [...(previous ?? []), text];
}

/** Parser of command names; the kernel keeps 15 bytes of them, so a longer name is cut as the kernel cuts it. */
export function commList(text: string, previous: readonly string[] | undefined): readonly string[] {
  const bytes = Buffer.from(text, 'utf8');
  const cut = bytes.length > kernelCommBytes ? bytes.subarray(0, kernelCommBytes).toString() : text;
  return textList(cut.replace(/\ufffd$/, ''), previous);
}

/** Parser of header field names. */
export function headerList(
  text: string,
  previous: readonly string[] | undefined,
): readonly string[] {
  const names = text.split(',').map((part) => part.trim().toLowerCase());
  for (const name of names) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      throw new InvalidArgumentError('It is not a header field name.');
    }
  }
  return [...(previous ?? []), ...names];
}

/** Parser of a repeatable list of names: `--protocol http mysql`, `--protocol http,mysql`. */
export function nameList(text: string, previous: readonly string[] | undefined): readonly string[] {
  const names = text.split(',').map((part) => part.trim());
  if (names.includes('')) throw new InvalidArgumentError('It is empty.');
  return [...(previous ?? []), ...names];
}

/** Parser of a repeatable list of `PORT=PROTOCOL`; a port given twice has its last protocol. */
export function decodeAsList(
  text: string,
  previous: ReadonlyMap<number, string> | undefined,
): ReadonlyMap<number, string> {
  const ports = new Map(previous);
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})=([\w-]+)$/.exec(part.trim());
    const port = Number(match?.[1] ?? NaN);
    if (!(port >= 1 && port <= 65_535)) {
      throw new InvalidArgumentError('Give PORT=PROTOCOL, as in 8081=http.');
    }
    ports.set(port, match![2]!);
  }
  return ports;
}

/** Parser of one whole number. */
export function integerBetween(least: number, most: number) {
  return (text: string): number => integer(text, least, most);
}

/** Parser of a size: `65536`, `64K`, `8M`. */
export function sizeBetween(least: number, most: number) {
  return (text: string): number => {
    const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text);
    const bytes = match === null ? NaN : Number(match[1]) * sizeFactors[match[2]!.toLowerCase()]!;
    if (!(bytes >= least && bytes <= most)) {
      throw new InvalidArgumentError(
        `Give a size between ${least} and ${most} bytes, as in 65536, 64K or 8M.`,
      );
    }
    return bytes;
  };
}

/** Parser of a time: seconds, or with a unit: `10`, `0.5`, `500ms`, `2m`. Yields milliseconds. */
export function timeMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|)$/.exec(text);
  const milliseconds = match === null ? NaN : Number(match[1]) * timeFactors[match[2]!]!;
  if (!(milliseconds > 0 && milliseconds <= maxTimerMs)) {
    throw new InvalidArgumentError('Give seconds, or a time such as 500ms or 2m; at most 24 days.');
  }
  return milliseconds;
}

function integer(text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new InvalidArgumentError(`Give a whole number between ${least} and ${most}.`);
  }
  return value;
}
