// SPDX-License-Identifier: Apache-2.0
import { commands, type Shape } from './commands.js';
import { maxKeys, type MemcachedRequest } from './frames.js';

/** memcached's own limits: 250 bytes a key, 1 GiB a value (`-I` at most). */
const maxKeyBytes = 250;
const maxValueBytes = 1024 * 1024 * 1024;
const word = /^[A-Za-z_]{1,24}$/;

/**
 * Reads a command line (without its line end).
 *
 * ```
 * set <key> <flags> <exptime> <bytes> [noreply]\r\n<data block>\r\n
 * get <key>*\r\n
 * gat <exptime> <key>*\r\n
 * ```
 * @param isCommand the line is one for sure: the server answers `ERROR` when it cannot read it
 * @returns undefined when it is none
 */
export function readRequestLine(line: string, isCommand: boolean): MemcachedRequest | undefined {
  const words = line.split(' ').filter((each) => each !== '');
  const [command = ''] = words;
  const shape = commands.get(command);
  const request = shape === undefined ? undefined : readWords(command, words, shape);
  if (request !== undefined || !isCommand || !word.test(command)) return request;
  return { kind: 'request', command, keys: [], keyCount: 0, valueBytes: undefined, silent: false };
}

function readWords(
  command: string,
  words: readonly string[],
  shape: Shape,
): MemcachedRequest | undefined {
  const silent = words.length > 1 && words[words.length - 1] === 'noreply' && shape.keys !== 'all';
  const all = silent ? words.slice(0, -1) : words;
  const from = 1 + shape.before;
  const [least, most] = shape.behind;
  const keys = shape.keys === 'all' ? all.slice(from) : all.slice(from, from + 1);
  const behind = shape.keys === 'one' ? all.length - from - 1 : all.length - from;
  if (shape.keys === 'all' ? keys.length === 0 : behind < least || behind > most) return undefined;
  if (shape.keys !== 'none' && keys.some((key) => key.length > maxKeyBytes)) return undefined;
  const valueBytes = shape.sizeAt === undefined ? undefined : size(all[shape.sizeAt]);
  if (valueBytes !== undefined && valueBytes < 0) return undefined;
  return {
    kind: 'request',
    command,
    keys: shape.keys === 'none' ? [] : keys.slice(0, maxKeys),
    keyCount: shape.keys === 'none' ? 0 : keys.length,
    valueBytes,
    silent: silent || shape.silent === true,
  };
}

/** A count of bytes, or -1. */
export function size(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return -1;
  const value = Number(text);
  return value <= maxValueBytes ? value : -1;
}
